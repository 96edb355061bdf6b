"""Chebyshev interpolation of a relative gap in each chart, and the choice among the charts."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from dekderive.kernels.univariate.record import UnivariateChart, UnivariateKernel

__all__ = ["NODES", "candidates", "fitted", "nodes", "transform"]

Array = NDArray[np.float64]

NODES = 96
# Coefficients below the first part of the largest do not matter; in the last quarter of the series they show the
# rounding errors of the values, and above the second part that the nodes do not resolve the function.
NEGLIGIBLE, RESOLVED = 6e-16, 5e-15
# Monomials around the middle of the interval are as stable as Chebyshev polynomials while their coefficients stay of
# the size of the values; beyond this growth they are not used.
GROWTH = 40.0
# Cost of a chart in steps of Horner's scheme: square roots and divisions.
COST = {UnivariateChart.ROOT: 0.0, UnivariateChart.SHIFTED_ROOT: 5.0, UnivariateChart.HALF_ANGLE: 5.5}


@dataclass(frozen=True)
class Fit:
    """A polynomial in a chart, and its error at points between the nodes."""

    chart: UnivariateChart
    constant: float
    slope: float
    offset: float
    coefficients: tuple[float, ...]
    growth: float

    @property
    def cost(self) -> float:
        """Steps of Horner's scheme that an evaluation is worth."""
        return len(self.coefficients) + COST[self.chart]


def nodes(chart: UnivariateChart, constant: float, count: int = NODES) -> tuple[Array, Array, Array, float, float]:
    """Chebyshev nodes of a chart: x in (-1, 1), the gaps ``t^2`` there, the factor, and slope and offset of x."""
    blank = UnivariateKernel("", "", (), 1.0, 0.0, 1.0, chart, constant, 1.0, 0.0, (0.0,), 0.0)
    low, high = (float(blank.coordinate(end)[0]) for end in (0.0, math.sqrt(2.0)))
    slope, offset = 2 / (high - low), -(high + low) / (high - low)
    x = np.cos(np.pi * (np.arange(count) + 0.5) / count)
    v = (x - offset) / slope
    if chart is UnivariateChart.ROOT:
        t = v
    elif chart is UnivariateChart.SHIFTED_ROOT:
        t = (v - low) * (v + low)  # v^2 - c without cancellation
    else:
        t = 2 * math.sqrt(constant) * v / (1 + v * v)
    return x, t * t, blank.coordinate(t)[1], slope, offset


def fitted(chart: UnivariateChart, constant: float, relative_gap: Callable[[Array], Array]) -> Fit | None:
    """Interpolate in one chart; None where as many nodes as there are do not resolve the function."""
    _, gap, factor, slope, offset = nodes(chart, constant)
    series = transform(relative_gap(gap) / factor)
    size = np.abs(series)
    noise = size[3 * NODES // 4 :].max()
    kept = int(np.flatnonzero(size > max(NEGLIGIBLE * size.max(), 2 * noise))[-1]) + 2 if size.any() else 1
    if noise > RESOLVED * size.max() or kept > 2 * NODES // 3:
        return None
    monomials = chebyshev.cheb2poly(series[:kept])
    growth = float(np.abs(monomials).sum() / max(np.abs(series).max(), 1e-300))
    return Fit(chart, constant, slope, offset, tuple(float(c) for c in monomials), growth)


def transform(values: Array) -> Array:
    """Chebyshev coefficients of the interpolant of values at the nodes."""
    count = values.size
    turns = np.outer(np.arange(count), 2 * np.arange(count) + 1) % (4 * count)
    angles = np.pi * turns / (2 * count)
    series = 2 / count * (np.cos(angles) @ values)
    series[0] /= 2
    return series


def candidates(ratio: float) -> list[tuple[UnivariateChart, float]]:
    r"""Charts for the family :math:`t^2 = 1 - \cos\theta + \lambda (\sin\theta - \theta\cos\theta)/\pi`.

    Parameters
    ----------
    ratio : float
        :math:`\lambda`.  The derivative in :math:`\theta` is :math:`\sin\theta\,(1 + \lambda\theta/\pi)`, so that
        :math:`\theta(t)` branches at :math:`\theta = \pi`, where :math:`t^2 = 2 + \lambda`, and at
        :math:`\theta = -\pi/\lambda`, where the negative continuation of t ends and the kernel has its pole.
    """
    charts = [(UnivariateChart.ROOT, 0.0), (UnivariateChart.HALF_ANGLE, 2.0 + ratio)]
    if ratio > 1:
        end = math.pi / ratio
        square = 2 * math.sin(end / 2) ** 2 - ratio * (math.sin(end) - end * math.cos(end)) / math.pi
        charts.append((UnivariateChart.SHIFTED_ROOT, math.sqrt(square)))
    return charts
