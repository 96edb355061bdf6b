"""Inverses of monotone functions that have no formula, elementwise: safeguarded Newton."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["inverse"]

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

_MAX_STEPS = 200
_EXPANSIONS = 1100  # doublings from 1 to beyond the largest double, or halvings to below the smallest


def inverse(
    function: Callable[[Array], Array],
    derivative: Callable[[Array], Array],
    level: ArrayLike,
    lower: float = -np.inf,
    upper: float = np.inf,
) -> Array:
    """Return the x in (lower, upper) with ``function(x) = level``, elementwise.

    Newton's method inside a bracket that shrinks at every step; where Newton leaves the bracket, it is halved.

    Parameters
    ----------
    function, derivative : callable
        Strictly monotone on the interval, and its derivative; called with one-dimensional arrays.
    level : array_like
    lower, upper : float
        Ends of the interval, possibly infinite.

    Returns
    -------
    ndarray
        Of the shape of `level`.  NaN where the level is NaN or is not a value of the function; an end of the interval
        where the level is the limit of the function there, in double precision.

    Examples
    --------
    >>> inverse(np.exp, np.exp, [1.0, np.e])
    array([0., 1.])
    >>> inverse(np.cosh, np.sinh, np.cosh(3.0), upper=0.0)
    array(-3.)
    """
    target = np.asarray(level, dtype=np.float64)
    with np.errstate(all="ignore"):
        return _solve(function, derivative, target.ravel(), float(lower), float(upper)).reshape(target.shape)


def _solve(
    function: Callable[[Array], Array], derivative: Callable[[Array], Array], level: Array, lower: float, upper: float
) -> Array:
    start = _interior(lower, upper)
    rising = bool(derivative(np.array([start]))[0] > 0)

    def gap(x: Array, at: Indices) -> Array:
        value = function(x) - level[at]
        return value if rising else -value

    everything = np.arange(level.size)
    low, high = _bracket(gap, everything, start, lower, upper)
    x = np.where(np.isfinite(low + high), 0.5 * (low + high), np.nan)
    active = everything[np.isfinite(x) & (low < high)]
    x[low == high] = low[low == high]
    for _ in range(_MAX_STEPS):
        if not active.size:
            break
        value = gap(x[active], active)
        low[active] = np.where(value <= 0, x[active], low[active])
        high[active] = np.where(value >= 0, x[active], high[active])
        slope = np.abs(derivative(x[active]))
        following = x[active] - value / slope
        outside = ~((following > low[active]) & (following < high[active]))
        middle = _middle(low[active], high[active])
        following = np.where(outside, middle, following)
        settled = (value == 0) | (np.abs(following - x[active]) <= 2 * np.spacing(np.abs(following)))
        x[active] = np.where(value == 0, x[active], following)
        active = active[~settled]
    return x


def _interior(lower: float, upper: float) -> float:
    if np.isfinite(lower):
        return 0.5 * (lower + upper) if np.isfinite(upper) else lower + 1.0
    return upper - 1.0 if np.isfinite(upper) else 0.0


def _middle(low: Array, high: Array) -> Array:
    """Return the geometric mean of a bracket that spans orders of magnitude, else the arithmetic mean."""
    wide = (low > 0) & (high > 4 * low) | (high < 0) & (low < 4 * high)
    geometric = np.sign(low) * np.sqrt(np.abs(low)) * np.sqrt(np.abs(high))
    return np.where(wide, geometric, low + 0.5 * (high - low))


def _bracket(
    gap: Callable[[Array, Indices], Array], everything: Indices, start: float, lower: float, upper: float
) -> tuple[Array, Array]:
    """Return neighbours on the way from the start to an end, with the solution between them; NaN if there are none."""
    low = np.full(everything.size, start)
    high = low.copy()
    first = gap(low, everything)
    low[np.isnan(first)] = np.nan
    for direction, end, waiting in ((-1, lower, everything[first > 0]), (1, upper, everything[first < 0])):
        here, beyond = (low, high) if direction < 0 else (high, low)
        for k in range(1, _EXPANSIONS):
            if not waiting.size:
                break
            point = end + (start - end) * 0.5**k if np.isfinite(end) else start + direction * np.ldexp(1.0, k)
            if not np.isfinite(point) or point == end:
                break
            beyond[waiting] = here[waiting]
            here[waiting] = point
            waiting = waiting[gap(here[waiting], waiting) * direction < 0]
        # Never crossed: the solution is the end, if the function attains its level there up to rounding.
        here[waiting] = end if np.isfinite(end) else np.nan
        attained = np.abs(gap(here[waiting], waiting)) <= 1e-15
        low[waiting[~attained]] = np.nan
    return low, high
