r"""Gap and tilt that inputs of different length get from an activation, at angle 0.

For u = s z and v = t z with one standard normal z, the functions :math:`e_s = f(s z)/\lVert f(s z) \rVert` are unit
vectors of a Hilbert space, and the gap is :math:`\lVert e_s - e_t \rVert^2 / 2`.  With :math:`\tau = \log s`,

.. math:: \frac{d e_s}{d\tau} = \frac{x f'(x) - \eta f(x)}{\lVert f(s z) \rVert}, \quad x = s z, \qquad
          \eta = \frac{E[x f'(x) f(x)]}{E[f(x)^2]} = \frac{d}{d\tau} \log \lVert f(s z) \rVert ,

so that the difference is the mean of this derivative over the interval times its length h, the gap is :math:`h^2/2`
times the mean square of that mean, and the tilt is h times the mean of eta.  Nothing cancels as h goes to 0.  Both are
even analytic functions of h and of the middle of the interval, and are tabulated in Chebyshev polynomials of the two.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.polynomial import chebyshev

from dekderive.kernels.layered import Expectation
from dekderive.solvers.solution import Array

__all__ = ["LARGEST", "NormGaps"]

LARGEST = 1.0  # largest |log(s / t)| that is looked up here
_WIDTH = 1.0  # of a panel of the table, in log s
_FEW = 64  # intervals for which no table is made
_RADIUS = 1.2  # the functions are taken to be analytic for |Im log s| below this; that of erf is for pi/2
_CHUNK = 8192

_PANEL = np.polynomial.legendre.leggauss(12)
_REACH = 9.5  # exp(-z^2/2) is below 1e-19 there


class NormGaps:
    """Gaps and tilts of one expectation at angle 0.

    Parameters
    ----------
    expectation : Expectation
        With a `function` and its `derivative`.
    parameters : mapping
    lower, upper : float
        Range of the logarithms of the standard deviations that occur.
    """

    def __init__(self, expectation: Expectation, parameters: Mapping[str, float], lower: float, upper: float) -> None:
        self._expectation, self._parameters = expectation, parameters
        count = max(1, math.ceil((upper - lower) / _WIDTH))
        self._edges = np.linspace(lower, upper, count + 1)
        self._longest = min(LARGEST, upper - lower)
        self._tables: dict[int, tuple[Array, Array] | None] = {}

    def __call__(self, middle: Array, length: Array) -> tuple[Array, Array]:
        """Gap and tilt for intervals of that middle and (signed) length in log s; NaN where they are not known."""
        gap, tilt = np.full(middle.shape, np.nan), np.full(middle.shape, np.nan)
        panel = np.clip(np.searchsorted(self._edges, middle, side="right") - 1, 0, self._edges.size - 2)
        for k in np.unique(panel):
            chosen = np.flatnonzero(panel == k)
            if k not in self._tables and chosen.size < _FEW:
                for i in chosen:
                    gap[i], tilt[i] = self._alone(float(middle[i]), float(length[i]))
                continue
            if k not in self._tables:
                self._tables[k] = self._table(int(k))
            if self._tables[k] is None:
                continue
            for begin in range(0, chosen.size, _CHUNK):
                part = chosen[begin : begin + _CHUNK]
                x, y = self._coordinates(int(k), middle[part], length[part] ** 2)
                first, second = self._tables[k]  # type: ignore[misc]
                gap[part] = length[part] ** 2 * chebyshev.chebval2d(x, y, first)
                tilt[part] = length[part] * chebyshev.chebval2d(x, y, second)
        return gap, tilt

    def _alone(self, middle: float, length: float) -> tuple[float, float]:
        found = self._at(middle, np.array([abs(length)]))
        return (math.nan, math.nan) if found is None else (length**2 * float(found[0][0]), length * float(found[1][0]))

    def _coordinates(self, k: int, middle: Array, square: Array) -> tuple[Array, Array]:
        """The interval of a panel, and that of squares of lengths, as [-1, 1]."""
        lower, upper = self._edges[k], self._edges[k + 1]
        x = (2 * middle - lower - upper) / (upper - lower) if upper > lower else 0 * middle
        return x, 2 * square / self._longest**2 - 1 if self._longest > 0 else 0 * square

    def _table(self, k: int) -> tuple[Array, Array] | None:
        """Chebyshev coefficients of gap / h^2 and tilt / h; None if the quadrature does not resolve the function."""
        lower, upper = self._edges[k], self._edges[k + 1]
        half = (upper - lower) / 2
        middles = (lower + upper) / 2 + half * _points(_order(_RADIUS / half if half else math.inf))
        farthest = self._longest**2 / 2
        nearest = 1 + (2 * _RADIUS) ** 2 / farthest if farthest else math.inf
        squares = farthest * (1 + _points(_order(_stretch(nearest))))
        rows = [self._at(float(m), np.sqrt(squares)) for m in middles]
        if any(row is None for row in rows):
            return None
        gaps, tilts = (np.array([row[i] for row in rows]) for i in (0, 1))  # type: ignore[index]
        return _coefficients(gaps), _coefficients(tilts)

    def _at(self, middle: float, lengths: Array) -> tuple[Array, Array] | None:
        """Gap / h^2 and tilt / h at one middle."""
        z, density = _half_line(math.exp(middle))
        half = float(lengths.max()) / 2
        u, share = np.polynomial.legendre.leggauss(3 if half == 0 else _order(_RADIUS / half) // 2 + 2)
        s = np.exp(middle + lengths[:, None] * u / 2)[..., None]
        share = share / 2
        both = [self._moments(s * sign * z) for sign in (1.0, -1.0)]
        square = np.sum([f * f @ density for f, _ in both], axis=0)[..., None]
        eta = np.sum([f * xdf @ density for f, xdf in both], axis=0)[..., None] / square
        wanted = self._expectation.mean.at({**self._parameters, "kxx": s[..., 0] ** 2})
        if not (np.abs(square[..., 0] - wanted) <= 1e-9 * np.abs(wanted)).all():
            return None
        root = np.sqrt(square)
        means = [np.einsum("k,hkz->hz", share, (xdf - eta * f) / root) for f, xdf in both]
        return np.sum([m * m @ density for m in means], axis=0) / 2, eta[..., 0] @ share

    def _moments(self, x: Array) -> tuple[Array, Array]:
        """F and x f'(x)."""
        e, known = self._expectation, {**self._parameters, "z": x}
        assert e.function is not None
        assert e.derivative is not None
        return np.broadcast_to(e.function.at(known), x.shape), x * e.derivative.at(known)


def _order(distance: float) -> int:
    """Points of interpolation for a relative error of 1e-16, for a function analytic within `distance` of [-1, 1].

    A Gauss rule needs half as many.
    """
    if not math.isfinite(distance):
        return 1
    ellipse = distance + math.hypot(distance, 1.0)  # Bernstein's, through +-i distance
    return math.ceil(37.0 / math.log(ellipse))


def _stretch(real: float) -> float:
    """The imaginary distance whose Bernstein ellipse passes through the real point -`real`."""
    return math.sqrt(real * real - 1) if math.isfinite(real) else math.inf


def _points(count: int) -> Array:
    return np.cos(np.pi * (np.arange(count) + 0.5) / count)


def _coefficients(values: Array) -> Array:
    """Coefficients of the Chebyshev interpolant of values at the points of both axes."""
    for axis in (0, 1):
        n = values.shape[axis]
        transform = 2.0 / n * np.cos(np.pi * np.outer(np.arange(n), np.arange(n) + 0.5) / n)
        transform[0] /= 2
        values = np.moveaxis(np.tensordot(transform, values, axes=(1, axis)), 0, axis)
    return values


def _half_line(scale: float) -> tuple[Array, Array]:
    """Nodes z > 0, and weights that hold the normal density, for functions that vary over lengths of 1 / `scale`.

    Beyond ``scale * z = 12`` activations have settled, and panels grow.
    """
    near = np.arange(0.0, 13.0) / scale
    far = near[-1] * 2.0 ** np.arange(1, 200)
    edges = np.unique(np.concatenate([near, far[far < _REACH], np.arange(0.0, math.ceil(_REACH))]))
    edges = np.append(edges[edges < _REACH], _REACH)
    nodes, weights = _PANEL
    half = np.diff(edges)[:, None] / 2
    z = (edges[:-1, None] + half * (1 + nodes)).ravel()
    return z, (half * weights).ravel() * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
