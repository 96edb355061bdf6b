"""One-dimensional Gaussian expectations ``E[F(sqrt(a) z) weight(z)]``, vectorised over the variance a."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dekderive.kernels.elementwise import Array
from dekderive.kernels.expectations.functions import centred
from dekderive.kernels.expectations.graded import line
from dekderive.kernels.expectations.panels import (
    NODES,
    Attempt,
    Grid,
    Index,
    Integrand,
    evaluate,
    grid,
    level_of,
    refined,
    remainder,
)
from dekderive.kernels.expectations.pieces import Derivative, jumps

__all__ = ["SMALL", "Mean", "MeanDerivative", "density_at", "expectation"]

SMALL = 0.25  # variance below which derivatives in it come from those of the function: differences would cancel

_WIDTH = 2.0
_LARGEST = float(np.finfo(float).max)
_OVERFLOWS = 1e290
_ROWS = 256  # variances at a time: bounds the memory
_LEVELS = 8  # variances whose scales differ by more than 2^8 do not share a grid


def expectation(f: Integrand, variances: Array, weight: Callable[[Array], Array] | None = None) -> tuple[Array, Array]:
    """Return ``E[f(sqrt(a) z) weight(z)]``, z standard normal, for every variance a, and a bound of its error.

    Parameters
    ----------
    f : callable
        Elementwise; smooth between its knots.
    variances : ndarray, one-dimensional
        Non-negative; at 0 the function is the constant ``f(0)``.  NaN where they are NaN, negative or infinite.
    weight : callable, optional
        Even function of z, of polynomial growth; 1 if omitted.

    Raises
    ------
    NotConverged
        If f is not smooth between its knots.

    Examples
    --------
    >>> value, bound = expectation(np.abs, np.array([0.0, 2.0]))
    >>> value * np.sqrt(np.pi)
    array([0., 2.])
    """
    value, bound = np.full(variances.shape, np.nan), np.full(variances.shape, np.nan)
    valid = np.flatnonzero((variances >= 0) & (variances < np.inf))
    valid = valid[np.argsort(variances[valid], kind="stable")]
    if not centred(f):
        for row in valid:
            value[[row]], bound[[row]] = _single(f, variances[[row]], weight)
        return value, bound
    begin = 0
    while begin < valid.size:
        first = level_of(float(variances[valid[begin]]))
        end = begin + 1
        while end < min(valid.size, begin + _ROWS) and level_of(float(variances[valid[end]])) <= first + _LEVELS:
            end += 1
        rows = valid[begin:end]
        value[rows], bound[rows] = _batch(f, variances[rows], weight)
        begin = end
    return value, bound


@dataclass(frozen=True)
class Mean:
    """The function ``a -> E[f(sqrt(a) z)]``, with bounds of its errors."""

    f: Integrand

    def __call__(self, variances: Array) -> tuple[Array, Array]:
        """Evaluate."""
        return expectation(self.f, variances)


@dataclass(frozen=True)
class MeanDerivative:
    """Derivative of `Mean` in a: ``E[(z^2 - 1) f(u)] / 2a``, or ``E[f''(u)] / 2`` for small a, kinks included."""

    f: Integrand

    def __call__(self, variances: Array) -> tuple[Array, Array]:
        """Evaluate."""
        small = variances < SMALL
        large = variances[~small]
        value, bound = np.full(variances.shape, np.nan), np.full(variances.shape, np.inf)
        if large.size:
            value[~small], bound[~small] = (x / (2.0 * large) for x in expectation(self.f, large, _second_hermite))
        if small.any():
            value[small], bound[small] = (0.5 * x for x in expectation(Derivative(self.f, 2), variances[small]))
            for knot, kink in jumps(self.f, 1):
                value[small] += 0.5 * kink * density_at(knot, variances[small])
            for knot, height in jumps(self.f, 0):
                # A jump contributes minus the slope of the density, knot / a times it.
                if knot:
                    value[small] += 0.5 * height * knot / variances[small] * density_at(knot, variances[small])
        return value, bound


def density_at(point: float, variance: Array) -> Array:
    """The normal density of the given variance, at a point."""
    with np.errstate(all="ignore"):
        at_zero = 1.0 / np.sqrt(2 * math.pi * variance)
        if not point:
            return at_zero
        return np.where(variance > 0, at_zero * np.exp(-0.5 * (point / np.sqrt(variance)) ** 2), 0.0 * variance)


def _second_hermite(z: Array) -> Array:
    return z * z - 1.0


def _batch(f: Integrand, variances: Array, weight: Callable[[Array], Array] | None) -> tuple[Array, Array]:
    level, deviations = level_of(float(variances[-1])), np.sqrt(variances)[:, None]

    def attempt(rows: Index, refinement: int, reach: float) -> Attempt:
        on = grid(level, refinement, reach, _WIDTH)
        mass = on.weights * _density(on.z) * (1.0 if weight is None else weight(on.z))
        right, left = evaluate(f, deviations[rows] * on.z), evaluate(f, -deviations[rows] * on.z)
        with np.errstate(all="ignore"):
            size = np.abs(right) @ np.abs(mass) + np.abs(left) @ np.abs(mass)
            at_end = (np.abs(right[:, -1]) + np.abs(left[:, -1])) * _density(on.z[-1])
            per_panel = remainder(right, on) + remainder(left, on)
            total = np.clip(right, -_LARGEST, _LARGEST) @ mass + np.clip(left, -_LARGEST, _LARGEST) @ mass
            return Attempt(total, size, per_panel @ _panel_mass(on, weight), at_end)

    return _assembled(*refined(attempt, f, variances))


def _single(f: Integrand, variances: Array, weight: Callable[[Array], Array] | None) -> tuple[Array, Array]:
    """One variance, and any knots."""
    deviation = math.sqrt(variances[0])

    def attempt(rows: Index, refinement: int, reach: float) -> Attempt:
        on = line(f, deviation, refinement, reach, _WIDTH, NODES)
        density = on.weights * _density(on.z)
        mass = density * (1.0 if weight is None else weight(on.z))
        values = evaluate(f, deviation * on.z)
        with np.errstate(all="ignore"):
            size = np.abs(values) @ np.abs(mass)
            at_end = np.max(np.abs(values[[0, -1]])) * _density(on.z[-1])
            # Panels next to 0 on the left are counted with their mass at the end that is closer to 0.
            mirrored = Grid(on.z, on.weights, np.where(on.left < 0, -on.left - on.width, on.left), on.width)
            missing = remainder(values[None], on)[0] @ _panel_mass(mirrored, weight)
            total = np.clip(values, -_LARGEST, _LARGEST) @ mass
        return Attempt(*(np.atleast_1d(x) for x in (total, size, missing, at_end)))

    return _assembled(*refined(attempt, f, variances))


def _assembled(found: Attempt, usable: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Values and bounds of their errors."""
    bound = found.unresolved + 16 * np.finfo(float).eps * found.norm
    # Where f overflows, the integral with f cut off may tell that it overflows as well; otherwise it is unknown.
    infinite = ~usable & (np.abs(found.result) > _OVERFLOWS)
    value = np.where(infinite, np.copysign(np.inf, found.result), np.where(usable, found.result, np.nan))
    return value, np.where(usable, bound, np.inf)


def _density(z: Array) -> Array:
    return np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)


def _panel_mass(on: Grid, weight: Callable[[Array], Array] | None) -> Array:
    """Upper bounds of the mass of each panel."""
    polynomial = 1.0 if weight is None else np.abs(weight(on.left)) + np.abs(weight(on.left + on.width))
    return on.width * _density(on.left) * polynomial
