"""Panels that shrink towards given points, and averages of functions over normal distributions of any mean."""

from __future__ import annotations

import math

import numpy as np

from dekderive.kernels.elementwise import Array
from dekderive.kernels.expectations.functions import knots_of
from dekderive.kernels.expectations.panels import Grid, Integrand, evaluate, rule

__all__ = ["averages", "breaks", "farther", "line"]

_SCALE = 2.0  # panels next to a knot are at most that wide: activations turn on a scale of order 1
_POINTS = 1 << 19  # nodes at a time: bounds the memory
_UNDERFLOW = 38.6  # the normal density is no number beyond


def breaks(points: Array, finest: Array, low: float, high: float, widest: float) -> Array:
    """Return ends of panels on [low, high], ascending: no wider than `widest`, nor than their distance to any point.

    Next to a point they are no wider than its entry in `finest`.  Every point inside is an end.

    Examples
    --------
    >>> breaks(np.array([0.0]), np.array([1.0]), -1.0, 6.0, 2.0)
    array([-1. ,  0. ,  0.75,  1.5 ,  3. ,  4.5 ,  6. ])
    """
    ends = np.unique(np.concatenate([[low, high], points[(points > low) & (points < high)]]))
    left, right = ends[:-1], ends[1:]
    done = [ends]
    while left.size:
        width = right - left
        away = np.maximum(np.maximum(left[:, None] - points, points - right[:, None]), 0.0)
        allowed = np.minimum(np.min(np.maximum(away, finest), axis=1, initial=np.inf), widest)
        middle = left + 0.5 * width
        # A panel that has no double between its ends cannot be cut.
        cut = (width > allowed) & (middle > left) & (middle < right)
        left, middle, right = left[cut], middle[cut], right[cut]
        done.append(middle)
        left, right = np.concatenate([left, middle]), np.concatenate([middle, right])
    return np.sort(np.concatenate(done))


def farther(reach: float, f: Integrand, deviation: float) -> float:
    """Extend an axis beyond the knots of f: it may vanish on this side of them, as a hinge does.

    Examples
    --------
    >>> farther(10.0, np.abs, 0.1), farther(10.0, lambda z: z, 0.0)
    (10.0, 10.0)
    """
    places = [abs(k) / deviation for k in knots_of(f) if deviation and abs(k) < _UNDERFLOW * deviation]
    return max(reach, *(place + 5.0 for place in places), 0.0)


def line(f: Integrand, deviation: float, refinement: int, reach: float, width: float, nodes: int) -> Grid:
    """Panels on [-reach, reach] for ``f(deviation z)`` as a function of z: broken at its knots, graded around them.

    Examples
    --------
    >>> line(np.abs, 1.0, 0, 6.0, 3.0, 4).left
    array([-6. , -3. , -1.5,  0. ,  1.5,  3. ])
    """
    points = np.array([0.0, *knots_of(f)])
    with np.errstate(all="ignore"):
        places = points / deviation
        finest = np.full(points.shape, np.divide(_SCALE, deviation))
    # Knots in the outermost tail (of all variances but large ones) have no effect, and are infinite at variance 0.
    reach = farther(reach, f, deviation)
    near = np.abs(places) <= 2 * reach
    fraction = 2.0**-refinement
    ends = breaks(places[near], finest[near] * fraction, -reach, reach, width * fraction)
    left, widths = ends[:-1], np.diff(ends)
    x, w = rule(nodes)
    return Grid((left[:, None] + widths[:, None] * x).ravel(), (widths[:, None] * w).ravel(), left, widths)


def averages(
    g: Integrand, mean: Array, deviation: Array, refinement: int = 0, reach: float = 10.0, nodes: int = 16
) -> Array:
    """Return ``E[g(mean + deviation w)]``, w standard normal, for arrays of means and deviations of one dimension.

    Panels in w are at most 2 wide, broken at the knots of g and graded around them.

    Examples
    --------
    >>> averages(np.square, np.array([1.0, 3.0]), np.array([2.0, 0.0])).round(12)
    array([5., 9.])
    """
    result = np.full(mean.shape, np.nan)
    sharp = ~(deviation > 0)
    if sharp.any():
        # At a knot the limit of narrow distributions is the average of both sides, whatever g says there.
        aside = 8 * np.finfo(float).eps * np.abs(mean[sharp]) + np.finfo(float).tiny
        result[sharp] = 0.5 * (evaluate(g, mean[sharp] - aside) + evaluate(g, mean[sharp] + aside))
    rows = np.flatnonzero(~sharp & np.isfinite(mean) & np.isfinite(deviation))
    if not rows.size:
        return result
    fraction = 2.0**-refinement
    farthest = float(np.max(np.abs(mean[rows]) + reach * deviation[rows]))
    points = np.array([0.0, *knots_of(g)])
    fixed = breaks(points, np.full(points.shape, _SCALE * fraction), -farthest, farthest, math.inf)[1:-1]
    own = breaks(np.empty(0), np.empty(0), -reach, reach, 2.0 * fraction)
    block = max(1, _POINTS // (nodes * (fixed.size + own.size)))
    for begin in range(0, rows.size, block):
        part = rows[begin : begin + block]
        result[part] = _averages(g, mean[part], deviation[part], fixed, own, nodes)
    return result


def _averages(g: Integrand, mean: Array, deviation: Array, fixed: Array, own: Array, nodes: int) -> Array:
    """One block: every row has the ends `own` in w, and those of `fixed` that fall between them."""
    reach = own[-1]
    first = np.searchsorted(fixed, mean - reach * deviation, side="right")
    last = np.searchsorted(fixed, mean + reach * deviation, side="left")
    count = last - first
    rows = np.arange(mean.size)
    extra = np.repeat(rows, count)
    index = np.arange(extra.size) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    row = np.concatenate([np.repeat(rows, own.size), extra])
    ends = np.concatenate([np.tile(own, mean.size), (fixed[index] - mean[extra]) / deviation[extra]])
    ends = np.clip(ends, -reach, reach)
    order = np.lexsort((ends, row))
    row, ends = row[order], ends[order]
    inside = row[1:] == row[:-1]
    left, width, row = ends[:-1][inside], np.diff(ends)[inside], row[:-1][inside]
    x, weights = rule(nodes)
    w = left[:, None] + width[:, None] * x
    with np.errstate(all="ignore"):
        values = evaluate(g, mean[row, None] + deviation[row, None] * w)
        mass = (values * np.exp(-0.5 * w * w)) @ weights * width / math.sqrt(2 * math.pi)
    total = np.zeros(mean.shape)
    np.add.at(total, row, mass)
    return total
