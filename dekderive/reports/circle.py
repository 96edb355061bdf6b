"""A kernel on pairs of unit vectors in the plane: its values, and how solvers approach them.  Needs no SymPy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dekderive.gram.moments import Moments
from dekderive.kernels.kernel import Chart, Kernel
from dekderive.solvers import solve

__all__ = ["CirclePairs", "approach", "circle", "complete", "correlation_curve"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class CirclePairs:
    """Moments of pairs of points on the unit circle: one fixed, the other at every angle."""

    cosines: Array
    inputs: Mapping[str, Array]

    @property
    def correlations(self) -> Array:
        """Correlations of the statistics."""
        return self.inputs["cxy"] / np.sqrt(self.inputs["cxx"] * self.inputs["cyy"])

    def known_to(self, kernel: Kernel) -> dict[str, Array]:
        """Return the moments that the kernel reads."""
        partners = {"cxx": "cyy", "mean_x": "mean_y"}
        single = [n for name in kernel.input_names for n in (name, partners[name])]
        return {name: self.inputs[name] for name in (*single, *kernel.pair_names)}


def circle(moments: Moments, cosines: Array) -> CirclePairs:
    """Return the moments of (1, 0) and (cos t, sin t) for each cosine."""
    fixed = np.array([[1.0, 0.0]])
    moving = np.column_stack([cosines, np.sqrt((1 - cosines) * (1 + cosines))])
    inputs = {
        "cxx": np.full(len(cosines), moments.second_moment_diagonal(fixed)[0]),
        "cyy": moments.second_moment_diagonal(moving),
        "cxy": moments.second_moment(fixed, moving)[0],
        "mean_x": np.full(len(cosines), moments.mean(fixed)[0]),
        "mean_y": moments.mean(moving),
    }
    inputs["gap"] = 1 - inputs["cxy"] / np.sqrt(inputs["cxx"] * inputs["cyy"])
    return CirclePairs(cosines, inputs)


def correlation_curve(kernel: Kernel, pairs: CirclePairs, **parameters: Any) -> Array:
    """Return K(x, y) / sqrt(K(x, x) K(y, y)) for different inputs.

    Raises
    ------
    NoFixedPoint, NotConverged
    """
    solution = solve(kernel, pairs.known_to(kernel), **parameters).raise_for_status()
    known = complete(kernel, pairs, parameters)
    x = kernel.readout_diagonal.at({**known, "kxx": solution.state["kxx"]})
    y = kernel.readout_diagonal.at({**known, "kxx": solution.state["kyy"]})
    return np.asarray(solution.value / np.sqrt(x * y))


def approach(kernel: Kernel, pairs: CirclePairs, *, steps: int = 40, **parameters: Any) -> Mapping[str, Array]:
    """Return how far two methods are from the solution after 0, 1, 2, ... steps, at worst over the pairs.

    The recursion itself starts from unit variances and covariance 0, as independent features do; Newton's method solves
    the chart equation at the fixed variances.  Distances are in units of sqrt(kxx kyy).
    """
    solution = solve(kernel, pairs.known_to(kernel), **parameters).raise_for_status()
    given = complete(kernel, pairs, parameters)
    with np.errstate(all="ignore"):  # an iterate far from the solution may overflow; that shows in the picture
        return {
            "recursion (Picard)": _recursion(kernel, given, solution.state, steps),
            "Newton in the chart": _newton(kernel, given, solution.state, steps),
        }


def complete(kernel: Kernel, pairs: CirclePairs, parameters: Mapping[str, float]) -> dict[str, Any]:
    """Return the moments and all parameters by name, as the formulas of a kernel take them."""
    return {**pairs.inputs, **{p.name: p.default for p in kernel.parameters}, **parameters}


def _recursion(kernel: Kernel, given: Mapping[str, Any], solved: Mapping[str, Array], steps: int) -> Array:
    scale = np.sqrt(solved["kxx"] * solved["kyy"])
    kxx, kyy, kxy = np.ones_like(scale), np.ones_like(scale), np.zeros_like(scale)
    mirrored = {**given, "cxx": given["cyy"], "mean_x": given["mean_y"]}
    errors = []
    for _ in range(steps + 1):
        distance = [
            np.abs(kxx - solved["kxx"]) / solved["kxx"],
            np.abs(kyy - solved["kyy"]) / solved["kyy"],
            np.abs(kxy - solved["kxy"]) / scale,
        ]
        errors.append(float(np.max(distance)))
        now = {"kxx": kxx, "kyy": kyy, "kxy": kxy}
        kxx, kyy, kxy = (
            kernel.diagonal_step.at({**given, **now}),
            kernel.diagonal_step.at({**mirrored, **now, "kxx": kyy}),
            kernel.step.at({**given, **now}),
        )
    return _until_rounding(np.array(errors))


def _newton(kernel: Kernel, given: Mapping[str, Any], solved: Mapping[str, Array], steps: int) -> Array:
    lower, upper = (0.0, np.pi) if kernel.chart is Chart.ANGLE else (-1.0, 1.0)
    target = solved[kernel.chart.value]
    fixed = {**given, "kxx": solved["kxx"], "kyy": solved["kyy"]}
    start = np.full_like(target, (lower + upper) / 2) if kernel.start is None else kernel.start.at(fixed)
    start = np.clip(np.broadcast_to(start, target.shape), lower, upper).astype(float)

    def residual(x: Array) -> Array:
        return np.asarray(kernel.residual.at({**fixed, kernel.chart.value: x}))

    def derivative(x: Array) -> Array:
        return np.asarray(kernel.residual_derivative.at({**fixed, kernel.chart.value: x}))

    errors = [float(np.max(np.abs(start - target)))]
    x = start
    for _ in range(min(steps, 12)):
        step = residual(x) / derivative(x)
        x = np.clip(x - np.where(np.isfinite(step), step, 0.0), lower, upper)
        errors.append(float(np.max(np.abs(x - target))))
    return _until_rounding(np.array(errors))


def _until_rounding(errors: Array) -> Array:
    """Cut a history after it has reached the rounding level: what follows is noise."""
    small = np.flatnonzero(~(errors > 4e-15))
    return errors[: small[0] + 1] if len(small) else errors
