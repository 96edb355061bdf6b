"""Figures that need no data: scalar functions, duals, the kernel on a circle, and the way to its fixed point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from dekderive.errors import NoFixedPoint
from dekderive.gram.moments import Moments
from dekderive.kernels.kernel import Chart, Kernel
from dekderive.reparameterisations import Reparameterisation
from dekderive.reports.circle import approach, circle, correlation_curve
from dekderive.reports.curves import dual_curve, function
from dekderive.reports.figures import convergence_figure, curves_figure
from dekderive.reports.report import Figure
from dekderive.symbols import eta, z
from dekderive.update_maps.update_map import UpdateMap

__all__ = ["kernel_figures"]

Array = NDArray[np.float64]
_LETTERS = {"slope": "ρ", "activation": "σ"}


def kernel_figures(
    link: Reparameterisation, update_map: UpdateMap, kernel: Kernel, moments: Moments, levels: Sequence[float]
) -> tuple[Figure, ...]:
    """Return the figures for the given input moments and regularisations; the first regularisation is the main one.

    Raises
    ------
    NoFixedPoint
        If the main regularisation has no fixed point.
    """
    return (
        _functions(link, update_map),
        _duals(update_map, kernel, moments, levels),
        _approach(kernel, moments, levels[0]),
    )


def _functions(link: Reparameterisation, update_map: UpdateMap) -> Figure:
    numbers = {p: sp.Float(d.default) for p, d in update_map.parameters}
    grid = np.linspace(-4, 4, 481, dtype=np.float64)
    scalar = {
        "natural map R": link.natural_map,
        "activation σ = (A∘R)′": link.activation,
        "slope ρ = R′": link.slope,
    }
    curves = {name: _visible(function(f.subs(numbers), z)(grid)) for name, f in scalar.items()}
    natural = _natural_grid(link.family.domain)
    means = {"mean A′": link.family.mean, "variance A″": link.family.variance}
    panels = (
        {"x": grid, "curves": curves, "xlabel": "pre-activation $z$", "ylabel": "value", "title": "Scalar functions"},
        {
            "x": natural,
            "curves": {n: _visible(function(f.subs(numbers), eta)(natural)) for n, f in means.items()},
            "xlabel": r"natural parameter $\eta$",
            "ylabel": "value",
            "title": f"The {link.family.name} family",
        },
    )
    return Figure(
        "Activation and mean function",
        curves_figure(panels, name="functions"),
        "Left: the natural map and the two functions that the recursion is made of. "
        "Right: mean and variance of the sufficient statistic, the first two derivatives of the log-partition.",
    )


def _natural_grid(domain: sp.Interval) -> Array:
    low = float(domain.start) if domain.start.is_finite else None
    high = float(domain.end) if domain.end.is_finite else None
    if low is None and high is None:
        return np.linspace(-4, 4, 481, dtype=np.float64)
    if low is not None and high is not None:
        return np.linspace(low, high, 483, dtype=np.float64)[1:-1]
    # Half-lines: the action is at the finite end, where A' usually has a pole.
    distances = np.geomspace(4, 0.05, 400, dtype=np.float64)
    return high - distances if high is not None else float(domain.start) + distances[::-1]


def _visible(values: Array) -> Array:
    """Hide what would flatten everything else: exponentials and poles leave the picture above 12."""
    return np.where(np.abs(values) <= 12, values, np.nan)


def _duals(update_map: UpdateMap, kernel: Kernel, moments: Moments, levels: Sequence[float]) -> Figure:
    # Dense at the ends, where duals may have infinite slope; a series costs more than a closed form.
    closed = all(dual.closed for _, dual in update_map.duals)
    correlations = np.cos(np.linspace(np.pi, 0, 241 if closed else 61))
    along = _along_the_circle(kernel, moments, correlations, levels if closed else levels[:1])
    panels = (
        {
            "x": correlations,
            "curves": _dual_curves(update_map, correlations),
            "xlabel": "correlation of $u$ and $v$",
            "ylabel": "expectation",
            "title": "Duals at unit variances",
        },
        {
            "x": correlations,
            "curves": along,
            "xlabel": "cosine of the angle between inputs",
            "ylabel": "correlation of the features",
            "title": "Equilibrium on the unit circle",
        },
    )
    end = float(along[f"λ = {levels[0]:g}"][-1])
    meaning = (
        f"At coincident inputs the curve for λ = {levels[0]:g} ends at {end:.4f}, below 1: the kernel jumps there, "
        "and the Gram matrix carries this nugget on its diagonal."
        if end < 1 - 1e-6
        else "The curves reach 1 at coincident inputs: the kernel is continuous."
    )
    return Figure(
        "Duals and equilibrium kernel",
        curves_figure(panels, name="duals"),
        "Left: the Gaussian expectations as functions of the correlation of the pre-activations. "
        "Right: the correlation K(x, y)/√(K(x, x) K(y, y)) at the fixed point, for input moments "
        f"“{moments.name}” (blue: of the inputs themselves). {meaning}",
    )


def _dual_curves(update_map: UpdateMap, correlations: Array) -> dict[str, Array]:
    numbers = {p: sp.Float(d.default) for p, d in update_map.parameters}
    curves = {}
    for key, dual in update_map.duals:
        left, right = (_LETTERS.get(part, part) for part in key.split("_"))
        if f"E[{right}(u) {left}(v)]" not in curves:  # at equal variances the two mixed ones agree
            curves[f"E[{left}(u) {right}(v)]"] = _visible(dual_curve(dual, correlations, numbers))
    return curves


def _along_the_circle(kernel: Kernel, moments: Moments, cosines: Array, levels: Sequence[float]) -> dict[str, Array]:
    """Curves of the inputs and of the kernel; the main level must have a fixed point, the others are a bonus."""
    pairs = circle(moments, cosines)
    curves = {"inputs": pairs.correlations}
    for level in sorted(levels):
        try:
            curves[f"λ = {level:g}"] = correlation_curve(kernel, pairs, regularisation=level)
        except NoFixedPoint:
            if level == levels[0]:
                raise
    return curves


def _approach(kernel: Kernel, moments: Moments, level: float) -> Figure:
    pairs = circle(moments, np.array([-0.9, -0.5, 0.0, 0.5, 0.9]))
    histories = approach(kernel, pairs, regularisation=level)
    (_, recursion), (_, newton) = histories.items()
    rates = recursion[1:] / np.maximum(recursion[:-1], 1e-300)
    tail = float(np.median(rates[len(rates) // 2 :])) if len(rates) else 0.0
    variable = "angle" if kernel.chart is Chart.ANGLE else "correlation"
    return Figure(
        "Convergence of the fixed point",
        convergence_figure(histories),
        f"Distance to the solution at λ = {level:g}, at worst over five pairs of unit vectors. Each step of the "
        f"recursion, which is the model itself, leaves about {tail:.2g} of it; Newton's method on the {variable} "
        f"reaches rounding in {len(newton) - 1} steps.",
        narrow=True,
    )
