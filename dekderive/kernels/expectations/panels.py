"""Gauss-Legendre panels for functions of a Gaussian that are smooth on either side of 0.

A function of ``u = sqrt(a) z`` is wanted for many variances a at the same nodes z.  Panels that double in width away
from 0 resolve it for all of them: whatever f does at distances of order 1 from 0, some panel has that size.  Whether a
function *is* resolved is read off the top Legendre coefficients of every panel; nothing is taken on trust.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dekderive.errors import NotConverged
from dekderive.kernels.elementwise import Array

__all__ = [
    "NODES",
    "REACHES",
    "Attempt",
    "Grid",
    "Index",
    "Integrand",
    "chebyshev",
    "describe",
    "evaluate",
    "grid",
    "level_of",
    "refined",
    "remainder",
    "rule",
]

Integrand = Callable[[Array], Any]
Index = NDArray[np.intp]

NODES = 24  # per panel
REACHES = (13.0, 16.0, 20.0, 24.0, 28.0, 32.0, 38.0)  # ends of the z axis; exp(-z^2/4) is 5e-19 at 13
RESOLVED = 1e-14  # of the norm of f, in the top Legendre coefficients
NOISE = 1e-10  # a remainder below this that refinement does not reduce is the rounding error of f itself
MAX_REFINEMENT = 6


@dataclass(frozen=True, eq=False)
class Grid:
    """Positive nodes and weights, panel by panel."""

    z: Array
    weights: Array
    left: Array  # left end of each panel
    width: Array

    @property
    def panels(self) -> int:
        """Number of panels."""
        return self.left.size


@functools.lru_cache(maxsize=32)
def rule(nodes: int) -> tuple[Array, Array]:
    """Gauss-Legendre nodes and weights on [0, 1]."""
    x, w = np.polynomial.legendre.leggauss(nodes)
    return 0.5 * (x + 1.0), 0.5 * w


@functools.lru_cache(maxsize=64)
def grid(level: int, refinement: int, reach: float, width: float, nodes: int = NODES) -> Grid:
    """Panels on [0, reach]: ``2^-level`` wide, then doubling up to `width`; each is cut 2^refinement times.

    Examples
    --------
    >>> grid(1, 0, 3.0, 1.0).left
    array([0. , 0.5, 1. , 2. ])
    """
    ends = [0.0]
    step = min(2.0**-level, width)
    while ends[-1] < reach:
        ends.append(min(ends[-1] + step, reach))
        step = min(ends[-1], width)
    cuts = np.arange(2**refinement) / 2**refinement
    left = (np.array(ends[:-1])[:, None] + np.diff(ends)[:, None] * cuts).ravel()
    widths = np.repeat(np.diff(ends), cuts.size) / cuts.size
    x, w = rule(nodes)
    return Grid((left[:, None] + widths[:, None] * x).ravel(), (widths[:, None] * w).ravel(), left, widths)


@functools.lru_cache(maxsize=8)
def chebyshev(nodes: int) -> tuple[Array, Array]:
    """Chebyshev points on [-1, 1], and the matrix from values at them to Chebyshev coefficients.

    Angles are reduced as integers: the three-term recurrence would leave errors that differentiation amplifies.
    """
    odd = 2 * np.arange(nodes) + 1
    points = np.sin(np.pi * (odd - nodes) / (2 * nodes))
    turns = (np.arange(nodes)[:, None] * odd[::-1]) % (4 * nodes)
    matrix = np.cos(np.pi * turns / (2 * nodes)) * (2.0 / nodes)
    matrix[0] *= 0.5
    return points, matrix


def level_of(largest_variance: float) -> int:
    """Level at which the first panel is at most 2 wide in u; even, so that few grids serve all variances."""
    if largest_variance <= 4.0:
        return 0
    return 2 * math.ceil(0.25 * math.log2(largest_variance / 4.0))


def evaluate(f: Integrand, u: Array) -> Array:
    """``f(u)`` in float64 and in the shape of u (f may be constant); overflow is left to show as inf or NaN."""
    with np.errstate(all="ignore"):
        return np.broadcast_to(np.asarray(f(u), dtype=np.float64), u.shape)


@functools.lru_cache(maxsize=8)
def _top_coefficients(nodes: int) -> Array:
    """Matrix that takes values at the nodes of a panel to its last two coefficients, of orthonormal polynomials."""
    x, w = rule(nodes)
    legendre = np.polynomial.legendre.legvander(2.0 * x - 1.0, nodes - 1)[:, -2:]
    degrees = np.array([nodes - 2, nodes - 1])
    return w[:, None] * legendre * np.sqrt(2.0 * degrees + 1.0)


def remainder(values: Array, on: Grid) -> Array:
    """Root mean square, over each panel, of what its nodes do not resolve of the rows of `values`."""
    with np.errstate(all="ignore"):
        top = values.reshape(values.shape[0], on.panels, -1) @ _top_coefficients(values.shape[1] // on.panels)
        return np.hypot(top[:, :, 0], top[:, :, 1])


def describe(f: Integrand) -> str:
    """Name of a function for error messages."""
    return getattr(f, "__name__", None) or str(f)


@dataclass(frozen=True, eq=False)
class Attempt:
    """What one grid makes of some rows: results, and per row the norm, what is not resolved, and where it ends."""

    result: Array
    norm: Array
    unresolved: Array
    at_end: Array  # size of the integrand at the end of the axis

    def put(self, rows: Index, other: Attempt) -> None:
        """Overwrite rows."""
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(other, field.name)

    def take(self, chosen: NDArray[np.bool_]) -> Attempt:
        """Some of the rows."""
        return Attempt(*(getattr(self, field.name)[chosen] for field in fields(self)))


def refined(
    attempt: Callable[[Index, int, float], Attempt], f: Integrand, variances: Array
) -> tuple[Attempt, NDArray[np.bool_]]:
    """Refine the panels and extend the axis, for each row until it is resolved.

    Parameters
    ----------
    attempt : callable
        ``attempt(rows, refinement, reach)``.
    f : callable
        For error messages.
    variances : ndarray
        One for each row.

    Returns
    -------
    Attempt
    ndarray
        Whether the row is usable; False where f overflows, or grows so fast that the integral does not end.

    Raises
    ------
    NotConverged
        If f is not smooth on either side of 0, as far as the finest panels can tell.
    """
    todo, reach, refinement = np.arange(variances.size), 0, 0
    before = np.full(variances.shape, np.inf)
    usable = np.zeros(variances.shape, dtype=bool)
    best = found = attempt(todo, refinement, REACHES[reach])
    while True:
        with np.errstate(invalid="ignore"):
            finite = np.isfinite(found.norm)
            endless = finite & (found.at_end > 1e-17 * found.norm)
            noisy = (found.unresolved <= NOISE * found.norm) & (found.unresolved > before[todo] / 4)
            rough = finite & ~endless & ~noisy & (found.unresolved > RESOLVED * found.norm)
        done = ~(rough | endless)
        best.put(todo[done], found.take(done))
        usable[todo[done]] = finite[done]
        extend = bool(endless.any()) and reach + 1 < len(REACHES)
        todo = todo[~done] if extend else todo[rough]
        if not todo.size:
            return best, usable
        if extend:
            reach, before = reach + 1, np.full(variances.shape, np.inf)
        elif refinement == MAX_REFINEMENT:
            raise NotConverged(
                f"the Gaussian expectation of {describe(f)} at variance {variances[todo[0]]:g} is not resolved by the "
                "finest panels; its functions must be smooth except at 0, or at the knots that hermite.piecewise "
                "names, and not oscillate on a scale far below the standard deviation"
            )
        else:
            refinement += 1
            before[todo] = found.unresolved[rough]
        found = attempt(todo, refinement, REACHES[reach])
