"""The covariance kxy of a pair: one scalar equation in the kernel's chart, given the variances of both inputs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dekderive.kernels.kernel import Chart, Claim, Formula, Kernel
from dekderive.solvers.newton import find_roots
from dekderive.solvers.solution import Array

__all__ = ["ChartRoots", "bracket_bound", "chart_ends", "chart_roots", "covariance", "modulus_bound", "readout"]

# Pairs per batch: the temporaries of a batch stay in the processor's cache.
BATCH = 1 << 14

# Angles below this change no digit of any kernel value, and a bracket [0, angle] needs some size at which to stop.
SMALLEST_ANGLE = 1e-24


@dataclass(frozen=True, slots=True, eq=False)
class ChartRoots:
    """The chart coordinate of every pair, outcome codes, and the iterations of the slowest pair."""

    x: Array
    codes: NDArray[np.int8]
    steps: int


def chart_ends(kernel: Kernel) -> tuple[float, float]:
    """The interval of the chart."""
    return (0.0, float(np.pi)) if kernel.chart is Chart.ANGLE else (-1.0, 1.0)


def covariance(kernel: Kernel, x: Array, kxx: Array, kyy: Array) -> Array:
    """The covariance kxy at a chart coordinate, without squaring the scale."""
    correlation = np.cos(x) if kernel.chart is Chart.ANGLE else x
    return np.sqrt(kxx) * np.sqrt(kyy) * correlation


def chart_roots(
    kernel: Kernel,
    values: Mapping[str, Array],
    parameters: Mapping[str, float],
    *,
    tolerance: float | None = None,
    max_steps: int = 100,
) -> ChartRoots:
    """Solve the chart equation of every pair.

    `values` holds one-dimensional float64 arrays: positive ``kxx``, ``kyy`` and the moments that the formulas read.
    """
    chart = kernel.chart.value
    names = [n for n in _names(kernel) if n != chart and n not in parameters]
    residual = _positional(kernel.residual, chart, names, parameters)
    derivative = _positional(kernel.residual_derivative, chart, names, parameters)
    lower, upper = chart_ends(kernel)
    size = values["kxx"].size
    x, codes, steps = np.empty(size), np.empty(size, dtype=np.int8), 0
    # In the chart of the correlation an error below the rounding error of 1 is invisible in 1 - r.
    floor = SMALLEST_ANGLE if kernel.chart is Chart.ANGLE else float(np.finfo(float).eps) / 4
    with np.errstate(all="ignore"):
        for begin in range(0, size, BATCH):
            part = slice(begin, begin + BATCH)
            piece = {n: values[n][part] for n in names}
            start = _start(kernel, piece, parameters, piece["kxx"].shape if "kxx" in piece else x[part].shape)
            roots = find_roots(
                residual,
                derivative,
                start,
                np.full(start.shape, lower),
                np.full(start.shape, upper),
                list(piece.values()),
                tolerance=tolerance,
                floor=floor,
                max_steps=max_steps,
            )
            x[part], codes[part], steps = roots.x, roots.codes, max(steps, roots.steps)
    return ChartRoots(x, codes, steps)


def _names(kernel: Kernel) -> list[str]:
    formulas = [kernel.residual, kernel.residual_derivative, *([kernel.start] if kernel.start else [])]
    names = list(dict.fromkeys(name for f in formulas for name in f.arguments))
    return [*names, "gap"] if "gap" in kernel.pair_names and "gap" not in names else names


def _positional(formula: Formula, chart: str, names: list[str], parameters: Mapping[str, float]) -> Callable[..., Any]:
    """The formula as a function of the chart coordinate and of columns in the order of `names`."""
    where = {chart: 0} | {name: i + 1 for i, name in enumerate(names)}
    template = [(where.get(name), parameters.get(name)) for name in formula.arguments]

    def evaluate(*columns: Any) -> Any:
        value = formula.function(*(fixed if place is None else columns[place] for place, fixed in template))
        return np.broadcast_to(value, np.shape(columns[0]))

    return evaluate


def _start(
    kernel: Kernel, piece: Mapping[str, Array], parameters: Mapping[str, float], shape: tuple[int, ...]
) -> Array:
    """Where Newton's method begins: away from a repelling end, unless the kernel's own start says otherwise."""
    if kernel.start is not None:
        start: Any = kernel.start.at({**piece, **parameters})
    elif kernel.chart is Chart.CORRELATION:
        start = 0.0
    elif "gap" in piece:
        start = 2 * np.arcsin(np.sqrt(np.minimum(piece["gap"] / 2, 1.0)))  # the angle of the inputs
    else:
        start = np.pi / 2
    return np.array(np.broadcast_to(start, shape), dtype=np.float64)


def readout(kernel: Kernel, x: Array, values: Mapping[str, Any], parameters: Mapping[str, float]) -> Array:
    """The kernel value at chart coordinate `x`; `values` holds kxx, kyy and the moments."""
    known = {**values, **parameters, kernel.chart.value: x}
    if "kxy" in kernel.readout.arguments:
        known["kxy"] = covariance(kernel, x, values["kxx"], values["kyy"])
    with np.errstate(all="ignore"):
        return np.broadcast_to(kernel.readout.at(known), x.shape)


def bracket_bound(kernel: Kernel, x: Array, values: Mapping[str, Array], parameters: Mapping[str, float]) -> Array:
    """Bound on the error of kxy from a sign change of the residual, for kernels with exactly one sign change.

    The residual is evaluated at ``x - d`` and ``x + d``; if it is negative and positive there (the ends of the chart
    count as such), the root lies between.  ``d`` grows from a few roundings until that happens; the bound is infinite
    if it does not.
    """
    lower, upper = chart_ends(kernel)
    known = {**values, **parameters}
    width = 4 * np.finfo(float).eps * np.abs(x) + (SMALLEST_ANGLE if kernel.chart is Chart.ANGLE else 1e-16)
    bound = np.full(x.shape, np.inf)
    with np.errstate(all="ignore"):
        for _ in range(16):
            left, right = np.maximum(x - width, lower), np.minimum(x + width, upper)
            before = (kernel.residual.at({**known, kernel.chart.value: left}) < 0) | (left == lower)
            after = (kernel.residual.at({**known, kernel.chart.value: right}) > 0) | (right == upper)
            held = before & after & np.isinf(bound)
            bound = np.where(held, np.maximum(x - left, right - x), bound)
            if np.isfinite(bound).all():
                break
            width = 8 * width
        scale = np.sqrt(values["kxx"]) * np.sqrt(values["kyy"])
        if kernel.chart is Chart.ANGLE:  # |cos(x + d) - cos(x)| <= |sin x| d + d^2 / 2
            bound = np.abs(np.sin(x)) * bound + bound * bound / 2
        return scale * bound


def modulus_bound(
    kernel: Kernel, kxy: Array, values: Mapping[str, Array], parameters: Mapping[str, float]
) -> Array | None:
    """Banach's bound ``|step(kxy) - kxy| / (1 - modulus)`` for kernels that carry a contraction modulus.

    The modulus may depend on the pair, through its variances; where it is not below 1 the bound is infinite.
    """
    if kernel.claim is not Claim.CONTRACTION or kernel.modulus is None:
        return None
    with np.errstate(all="ignore"):
        modulus = kernel.modulus.at({**values, **parameters})  # of the whole interval |kxy| <= sqrt(kxx kyy)
        image = kernel.step.at({**values, **parameters, "kxy": kxy})
        # A difference that rounds to 0 is no proof of equality, and near modulus 1 a rounding moves the root by many.
        rounding = 4 * np.finfo(float).eps * np.sqrt(values["kxx"]) * np.sqrt(values["kyy"])
        return np.where(modulus < 1, (np.abs(image - kxy) + rounding) / (1 - modulus), np.inf)
