"""Derivatives of a function that is only known by its values: polynomials on panels, differentiated.

The derivatives are those of the smooth parts between the knots (0, where nothing is said); what a jump or a kink adds
to them, as distributions, is told by `jumps`.  Differentiation amplifies rounding errors by the square of the degree,
and by its fourth power at the ends of an interval: so every polynomial is fitted on an interval twice as wide as the
one it is used on.  A function is smooth through 0 if one polynomial fits it on both sides.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from dekderive.errors import NotConverged
from dekderive.kernels.elementwise import Array
from dekderive.kernels.expectations.functions import centred, knots_of
from dekderive.kernels.expectations.graded import breaks
from dekderive.kernels.expectations.mixtures import Term, derivative_terms, mixture_of
from dekderive.kernels.expectations.panels import NOISE, RESOLVED, Integrand, chebyshev, describe, evaluate

__all__ = ["Derivative", "Product", "jumps"]

_POINTS = 32  # of each fit
_NARROWEST = 2.0**-12  # panel, relative to its distance from 0 (or to 1)
_NARROWEST_AT_ZERO = 2.0**-6  # half width of a panel around 0; smooth functions with sharper turns count as kinked
_STEEP = 30.0
_BLOCK = 1 << 16  # points at a time: bounds the memory


@dataclass(frozen=True)
class Product:
    """The function ``f g``; equal for equal factors, so that it can be a key."""

    f: Integrand
    g: Integrand

    def __call__(self, u: Array) -> Array:
        """Evaluate."""
        with np.errstate(all="ignore"):
            left = evaluate(self.f, u)
            return left * (left if self.g is self.f else evaluate(self.g, u))

    @property
    def knots(self) -> tuple[float, ...]:
        """Those of both factors."""
        return tuple(sorted({*knots_of(self.f), *knots_of(self.g)}))

    def __str__(self) -> str:
        return f"{describe(self.f)} times {describe(self.g)}"


@dataclass(frozen=True)
class Derivative:
    """Derivative of f of the given order, between its knots; at a knot from the right, and at -0.0 from the left.

    NaN where f is not finite nearby.

    Examples
    --------
    >>> slope = Derivative(np.tanh, 1)
    >>> np.abs(slope(np.array([0.0, 1.0])) - 1 / np.cosh([0.0, 1.0])**2) < 1e-13
    array([ True,  True])
    """

    f: Integrand
    order: int

    @property
    def knots(self) -> tuple[float, ...]:
        """Those of the function."""
        return knots_of(self.f)

    @property
    def mixture(self) -> tuple[Term, ...]:
        """The derivatives of the terms of the function, where it has terms."""
        terms = mixture_of(self.f)
        for _ in range(self.order):
            terms = derivative_terms(terms)
        return terms

    def __call__(self, u: Array) -> Array:
        """Evaluate."""
        flat = np.ravel(u)
        farthest = float(np.max(np.abs(flat), initial=1.0))
        if not math.isfinite(farthest):
            return np.full(u.shape, np.nan)
        line = _differentiated(self.f, math.ceil(math.log2(farthest)), self.order)
        value = np.empty(flat.shape)
        for begin in range(0, flat.size, _BLOCK):
            value[begin : begin + _BLOCK] = line.at(flat[begin : begin + _BLOCK])
        return value.reshape(u.shape)

    def __str__(self) -> str:
        return f"derivative {self.order} of {describe(self.f)}"


@functools.lru_cache(maxsize=256)
def jumps(f: Integrand, order: int) -> tuple[tuple[float, float], ...]:
    """Return the knots at which the derivative of f of the given order jumps, and its jumps.

    Examples
    --------
    >>> jumps(np.sign, 0), jumps(np.abs, 0)
    (((0.0, 2.0),), ())
    """
    knots = knots_of(f)
    if not knots or (knots == (0.0,) and _differentiated(f, 0, 0).smooth):
        return ()
    reach = math.ceil(math.log2(max(1.0, *map(abs, knots))))
    line = _differentiated(f, reach, order)
    found = []
    for knot in knots:
        right, left = line.at(np.array([knot])).item(), line.at(np.array([knot]), before=True).item()
        # What the fourth power of the degree makes of rounding errors, at the end of a fit.
        rounding = 1e-13 * 100.0**order * max(_scale(f), abs(right), abs(left))
        if abs(right - left) > rounding:
            found.append((knot, right - left))
    return tuple(found)


@dataclass(frozen=True, eq=False)
class _Line:
    """Chebyshev polynomials on panels of the real line: each is used from its `left` to the next one's."""

    left: Array
    centre: Array  # of the interval of the fit
    half: Array  # its half width
    coefficients: Array  # (degree, panel)
    smooth: bool  # through 0

    def at(self, u: Array, *, before: bool = False) -> Array:
        """Values at u, at the ends of panels from the right, or from the left if `before`."""
        panel = np.maximum(np.searchsorted(self.left, u, side="left" if before else "right") - 1, 0)
        if not self.smooth and not before:
            panel -= (u == 0) & np.signbit(u)
        t = (u - self.centre[panel]) / self.half[panel]
        b1, b2 = np.zeros_like(t), np.zeros_like(t)
        with np.errstate(all="ignore"):
            for c in self.coefficients[:0:-1]:  # Clenshaw's recursion
                b1, b2 = c[panel] + 2.0 * t * b1 - b2, b1
            return self.coefficients[0][panel] + t * b1 - b2

    def differentiated(self) -> _Line:
        slopes = np.polynomial.chebyshev.chebder(self.coefficients, axis=0) / self.half
        return _Line(self.left, self.centre, self.half, slopes, self.smooth)


@functools.lru_cache(maxsize=128)
def _differentiated(f: Integrand, reach: int, order: int) -> _Line:
    return _fitted(f, reach) if order == 0 else _differentiated(f, reach, order - 1).differentiated()


@functools.lru_cache(maxsize=64)
def _scale(f: Integrand) -> float:
    """Size of f near 0: what its rounding errors are measured against."""
    values = np.abs(evaluate(f, np.linspace(-2.0, 2.0, 26, dtype=np.float64)))
    return float(np.max(values[np.isfinite(values)], initial=0.0))


@functools.lru_cache(maxsize=32)
def _fitted(f: Integrand, reach: int) -> _Line:
    """Fit f on [-2^reach, 2^reach]."""
    if not centred(f):
        return _between_knots(f, reach)
    middle = _around_zero(f)
    start = 0.0 if middle is None else middle[1]
    right = _side(f, 1.0, start, 2.0**reach, kinked=middle is None)
    left = _side(f, -1.0, start, 2.0**reach, kinked=middle is None)
    pieces = [*left[::-1], *([] if middle is None else [(-start, 0.0, middle[0], 2.0 * start)]), *right]
    # The left end of a panel on the left is its far end.
    ends, centres, coefficients, halves = zip(*pieces, strict=True)
    return _Line(np.array(ends), np.array(centres), np.array(halves), np.array(coefficients).T, middle is not None)


def _around_zero(f: Integrand) -> tuple[Array, float] | None:
    """Fit f on [-2 w, 2 w] for use on [-w, w], w as large as possible; None if f has a kink or a jump."""
    width = 1.0
    while width >= _NARROWEST_AT_ZERO:
        coefficients, missing, steep = _fit(f, 0.0, 2.0 * width)
        if missing <= RESOLVED * _scale(f) and not steep:
            return coefficients, width
        width *= 0.5
    return None


def _side(
    f: Integrand, sign: float, start: float, end: float, *, kinked: bool
) -> list[tuple[float, float, Array, float]]:
    """Panels from `start` to `end` on one side: left end, centre of the fit, coefficients, half width of the fit."""
    first = start if start else 1.0
    edges = [first * 2.0**k for k in range(math.ceil(math.log2(max(end, 1.0) / first)))]
    waiting = [(edge, edge, math.inf) for edge in edges[::-1]] + ([] if start else [(0.0, 1.0, math.inf)])
    pieces = []
    while waiting:
        near, width, before = waiting.pop()
        low, high = near - 0.5 * width, near + 1.5 * width
        low = max(low, 0.0) if kinked else low
        centre, half = sign * 0.5 * (low + high), 0.5 * (high - low)
        found, coefficients, missing = _usable(f, centre, half, before)
        if found:
            pieces.append((near if sign > 0 else -near - width, centre, coefficients, half))
        elif width < _NARROWEST * max(near, 1.0):
            raise NotConverged(_complaint(f, sign * near))
        else:
            waiting += [(near + 0.5 * width, 0.5 * width, missing), (near, 0.5 * width, missing)]
    return pieces


def _between_knots(f: Integrand, reach: int) -> _Line:
    """Fit f between its knots, on panels that double in width away from them."""
    knots = np.array(knots_of(f))
    end = max(2.0**reach, 2.0 * float(np.max(np.abs(knots))))
    points = np.union1d(knots, [0.0])
    ends = breaks(points, np.ones_like(points), -end, end, math.inf)
    walls = np.concatenate([[-math.inf], knots, [math.inf]])
    waiting = [(low, high - low, math.inf) for low, high in zip(ends[-2::-1], ends[:0:-1], strict=True)]
    pieces = []
    while waiting:
        left, width, before = waiting.pop()
        # The knots on both sides are ends of panels, and no fit reaches beyond them.
        wall = int(np.searchsorted(walls, left, side="right"))
        low, high = max(left - 0.5 * width, walls[wall - 1]), min(left + 1.5 * width, walls[wall])
        found, coefficients, missing = _usable(f, 0.5 * (low + high), 0.5 * (high - low), before)
        if found:
            pieces.append((left, 0.5 * (low + high), coefficients, 0.5 * (high - low)))
        elif width < _NARROWEST * max(abs(left), 1.0):
            raise NotConverged(_complaint(f, left))
        else:
            waiting += [(left + 0.5 * width, 0.5 * width, missing), (left, 0.5 * width, missing)]
    lefts, centres, fits, halves = zip(*pieces, strict=True)
    return _Line(np.array(lefts), np.array(centres), np.array(halves), np.array(fits).T, 0.0 not in knots)


def _complaint(f: Integrand, place: float) -> str:
    return (
        f"{describe(f)} is not smooth near {place:g}, and its derivatives are needed there; name the points other than "
        "0 at which it has kinks or jumps with dekderive.kernels.hermite.piecewise"
    )


def _usable(f: Integrand, centre: float, half: float, before: float) -> tuple[bool, Array, float]:
    """Whether a fit is as good as it gets, its coefficients, what it misses; `before` is what the wider one missed."""
    coefficients, missing, steep = _fit(f, centre, half)
    size = max(_scale(f), float(np.max(np.abs(coefficients))))
    # Errors are relative to the largest value of the fit: one that is used for far smaller values is no good.
    steep = steep and size > _scale(f)
    noisy = missing <= NOISE * size and missing > before / 4
    return (missing <= RESOLVED * size and not steep) or noisy or math.isnan(missing), coefficients, missing


def _fit(f: Integrand, centre: float, half: float) -> tuple[Array, float, bool]:
    """Chebyshev coefficients of f on an interval, the size of the last few, and whether f is much smaller inside.

    NaN if f is not finite on the interval.
    """
    points, matrix = chebyshev(_POINTS)
    values = evaluate(f, centre + half * points)
    if not np.isfinite(values).all():
        return np.full(_POINTS, np.nan), math.nan, False
    size = float(np.max(np.abs(values)))
    steep = size > _STEEP * float(np.max(np.abs(values[np.abs(points) < 0.5])))
    coefficients = matrix @ values
    missing = float(np.max(np.abs(coefficients[-3:])))
    # What is below the rounding error carries no information, and differentiation would amplify it.
    coefficients[np.abs(coefficients) < np.finfo(float).eps * size] = 0.0
    return coefficients, missing, steep
