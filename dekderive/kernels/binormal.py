"""The bivariate normal distribution function, with relative accuracy in its tails.

Two lines through the origin and the corner (h, k) cut the quadrant u <= h, v <= k into pieces that are, up to half
planes, complementary Owen functions: with H = h/sqrt(a) and m the coordinate of the corner along its edge,

    C(H, m) = 1/2 Phi(-|H|) - T(|H|, m/|H|) = integral of phi(t) Phi(-t m/|H|) over t > |H|,   m >= 0.

Taken as that difference (Owen 1956) C has no digit left in a tail.  Centred at the corner, which has the same
Mahalanobis radius R^2 = H^2 + m^2 for both edges, it is

    C = exp(-R^2/2) |H|/R / sqrt(8 pi) J(R, m, m/R),
    J(s, m, r) = integral of exp(-s x - x^2/2) erfcx((m + r x)/sqrt(2)) over x > 0,

a positive integral of an entire function, to which 24 Gauss-Legendre nodes give sixteen digits for all s, m >= 0 and
0 <= r <= 1.  Where the corner is the point of the quadrant nearest to the origin and the correlation is negative, the
whole probability is one such integral.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special as _scipy

from dekderive.kernels.discriminants import rootgap
from dekderive.kernels.double_double import Pair, add, divide, multiply, scale, two_product
from dekderive.kernels.elementwise import Array, elementwise
from dekderive.kernels.gaussian_pair import scaled_phi, times_exp
from dekderive.kernels.normal import ndtr

__all__ = ["GAUSS", "Corner", "binormal", "exp_binormal", "normalised"]

_ROOT_HALF = math.sqrt(0.5)
_ROOT_8_PI = math.sqrt(8 * math.pi)
_LARGE = 1e70  # stands for infinity, and has a square
_SMALL = 1e-30  # of two arguments: below it they change no digit of a law that is not singular
_LAST = 38.0  # exp(-_LAST) is where the integrals are cut
# Gauss-Legendre on [0, 1]: the lower half of the nodes with their weights.  NumPy's own are right to 13 digits only.
GAUSS = (
    (0.00240639000148932, 0.0061706148999936),
    (0.012635722014345251, 0.014265694314466832),
    (0.030862723998633622, 0.022138719408709904),
    (0.056792236497799485, 0.02964929245771839),
    (0.08999900701304854, 0.03667324070554015),
    (0.12993790421072282, 0.04309508076597664),
    (0.17595317403151223, 0.04880932605205694),
    (0.22728926430558022, 0.05372213505798282),
    (0.2831032461869774, 0.0577528340268628),
    (0.3424786601519183, 0.060835236463901696),
    (0.40444056626319186, 0.06291872817341415),
    (0.4679715535686972, 0.06396909767337608),
)


def _laplace(s: Array, m: Array, r: Array) -> Array:
    """J(s, m, r) of the module's docstring."""
    end = 2.0 * _LAST / (s + np.sqrt(s * s + 2.0 * _LAST))
    total = np.zeros_like(s)
    for node, weight in GAUSS:
        for at in (node, 1.0 - node):
            x = at * end
            total += weight * np.exp(-x * (s + 0.5 * x)) * _scipy.erfcx(_ROOT_HALF * (m + r * x))
    return total * end


class Corner:
    """The corner of a quadrant as the law sees it; all arrays are one-dimensional, 0 < a b - c^2, (h, k) != (0, 0)."""

    def __init__(self, p: Array, h: Array, k: Array, a: Array, b: Array, c: Array) -> None:
        zero = np.zeros_like(p)
        gap_square = add(two_product(a, b), scale(two_product(c, c), -1.0))
        gap = np.sqrt(gap_square[0])
        across_x = add(two_product(c, h), scale(two_product(a, k), -1.0))
        across_y = add(two_product(c, k), scale(two_product(b, h), -1.0))
        root_a, root_b = np.sqrt(a), np.sqrt(b)
        self.p = (p, zero)
        self.h, self.k = h / root_a, k / root_b
        self.h_square = divide(two_product(h, h), (a, zero))
        self.k_square = divide(two_product(k, k), (b, zero))
        # (r H - K) / sqrt(1 - r^2) and (r K - H) / sqrt(1 - r^2): both are positive where the corner is the point of
        # the quadrant nearest to the origin.
        self.beyond_h, self.beyond_k = across_x[0] / (root_a * gap), across_y[0] / (root_b * gap)
        radius_square = add(self.h_square, divide(multiply(across_x, across_x), multiply((a, zero), gap_square)))
        self.radius = np.sqrt(radius_square[0])
        self.exponent = add(self.p, scale(radius_square, -0.5))
        self.correlation = c / (root_a * root_b)
        self.sine = gap / (root_a * root_b)

    def __getitem__(self, mask: NDArray[np.bool_]) -> Corner:
        part = object.__new__(Corner)
        for name, value in vars(self).items():
            taken = tuple(v[mask] for v in value) if isinstance(value, tuple) else value[mask]
            setattr(part, name, taken)
        return part

    def probability(self) -> Array:
        """exp(p) P(U <= h, V <= k)."""
        nearest = (self.beyond_h >= 0) & (self.beyond_k >= 0) & (self.correlation <= 0)
        value = np.empty_like(self.h)
        for mask, method in ((nearest, Corner._one_integral), (~nearest, Corner._two_pieces)):
            if mask.any():
                value[mask] = method(self[mask])
        return value

    def _one_integral(self) -> Array:
        """exp(p) P for c <= 0, the corner being nearest: condition on u, and scale by the density at the corner."""
        integral = _laplace(self.beyond_k, self.beyond_h, -self.correlation)
        return times_exp(self.sine / _ROOT_8_PI * integral, self.exponent)

    def _two_pieces(self) -> Array:
        in_both = (self.h >= 0) & (self.k >= 0)
        whole = times_exp(np.where(in_both, 1.0, 0.0), self.p)
        first = self._piece(self.h, self.beyond_h, self.h_square)
        return whole + (first + self._piece(self.k, self.beyond_k, self.k_square))

    def _piece(self, edge: Array, beyond: Array, square: Pair) -> Array:
        """exp(p) times what one edge contributes, up to the 1 of a quadrant that contains the origin."""
        inside = edge >= 0
        outer = np.where(inside, beyond <= 0, beyond >= 0)
        size, m = np.abs(edge), np.abs(beyond)
        part = np.where(size > 0, size / self.radius, 0.0) / _ROOT_8_PI
        part = times_exp(part * _laplace(self.radius, m, np.minimum(m / self.radius, 1.0)), self.exponent)
        half_plane = scaled_phi(self.p, -size, square)
        return np.where(inside, np.where(outer, part - half_plane, -part), np.where(outer, part, half_plane - part))


def _exp_binormal(p: Array, h: Array, k: Array, a: Array, b: Array, c: Array) -> Array:
    p, h, k, a, b, c = (np.array(v) for v in np.broadcast_arrays(p, h, k, a, b, c))
    shape = p.shape
    p, h, k, a, b, c = (v.ravel() for v in (p, h, k, a, b, c))
    p = np.clip(p, -1e300, 1e300)
    law = [a, b, c]
    h, k, a, b, c = normalised(h, k, a, b, c)
    unknown = np.isnan(p) | np.isnan(h) | np.isnan(k) | ~np.isfinite(sum(law))
    alone = (a == 0) | (b == 0)
    singular = ~alone & (rootgap(a, b, c) == 0)
    central = ~alone & ~singular & (np.maximum(np.abs(h), np.abs(k)) < _SMALL)
    value = np.full_like(p, np.nan)
    cases = (
        (alone, _independent),
        (singular, _on_a_line),
        (central, lambda p, _h, _k, a, b, c: times_exp(np.arctan2(rootgap(a, b, c), -c) / (2 * np.pi), _pair(p))),
        (~(alone | singular | central), _from_corner),
    )
    for mask, method in cases:
        mask = mask & ~unknown
        if mask.any():
            value[mask] = method(*(v[mask] for v in (p, h, k, a, b, c)))
    return np.maximum(value, 0.0).reshape(shape)


def _pair(x: Array) -> Pair:
    return x, np.zeros_like(x)


def _from_corner(p: Array, *law: Array) -> Array:
    # A quadrant that contains the origin has no tail: exp(p), which may overflow, multiplies the result.
    inside = (law[0] >= 0) & (law[1] >= 0)
    value = Corner(np.where(inside, 0.0, p), *law).probability()
    return times_exp(value, _pair(np.where(inside, p, 0.0)))


def normalised(h: Array, k: Array, a: Array, b: Array, c: Array) -> tuple[Array, ...]:
    """Scale by powers of two, so that the variances are of order 1, and order the two variables.

    Examples
    --------
    >>> one = np.ones(1)
    >>> [float(x[0]) for x in normalised(32 * one, -8 * one, 16 * one, 256 * one, 0 * one)]
    [-0.25, 4.0, 0.25, 0.25, 0.0]
    """
    half_a, half_b = (np.frexp(a)[1] + 1) // 2, (np.frexp(b)[1] + 1) // 2
    h, k = np.ldexp(h, -half_a), np.ldexp(k, -half_b)
    h = np.where(a == 0, np.sign(h) * _LARGE, np.clip(h, -_LARGE, _LARGE))
    k = np.where(b == 0, np.sign(k) * _LARGE, np.clip(k, -_LARGE, _LARGE))
    a, b, c = np.ldexp(a, -2 * half_a), np.ldexp(b, -2 * half_b), np.ldexp(c, -half_a - half_b)
    # The same number for ((h, a), (k, b)) and ((k, b), (h, a)), to the last bit.
    first, second = h / np.sqrt(np.where(a > 0, a, 1.0)), k / np.sqrt(np.where(b > 0, b, 1.0))
    swap = (first > second) | ((first == second) & ((a > b) | ((a == b) & (h > k))))
    h, k = np.where(swap, k, h), np.where(swap, h, k)
    a, b = np.where(swap, b, a), np.where(swap, a, b)
    return h, k, a, b, c


def _independent(p: Array, h: Array, k: Array, a: Array, b: Array, _c: Array) -> Array:
    """A variable without variance is 0: it is below h or not, and half so for h = 0, as a step is."""
    h, k = (x / np.sqrt(np.where(v > 0, v, 1.0)) for x, v in ((h, a), (k, b)))
    return scaled_phi(_pair(p), h, two_product(h, h)) * ndtr(k)


def _on_a_line(p: Array, h: Array, k: Array, a: Array, b: Array, c: Array) -> Array:
    """Correlation 1 or -1: P(U <= min(H, K)), or P(-K <= U <= H)."""
    first, second = h / np.sqrt(a), k / np.sqrt(b)
    low, high = np.minimum(first, second), np.maximum(first, second)
    aligned = scaled_phi(_pair(p), low, two_product(low, low))
    # An interval with 0 inside, or near 0, is a sum or a difference of integrals from 0.  Elsewhere it is the
    # difference of two tails, on the negative side where they keep their digits.
    near = 0.5 * (_scipy.erf(_ROOT_HALF * low) + _scipy.erf(_ROOT_HALF * high))
    tails = scaled_phi(_pair(p), low, two_product(low, low)) - scaled_phi(_pair(p), -high, two_product(high, high))
    interval = np.where(low > -1.0, times_exp(near, _pair(p)), tails)
    return np.where(c > 0, aligned, np.where(low > -high, interval, 0.0))


@elementwise
def binormal(h: Array, k: Array, a: Array, b: Array, c: Array) -> Array:
    r"""Bivariate normal distribution function :math:`P(U \le h,\, V \le k)` of N(0, ((a, c), (c, b))).

    Where a variance is 0 the variable is 0, and :math:`P(0 \le h)` is the step function, 1/2 at 0.  A covariance that
    rounding made indefinite counts as singular.  Swapping (h, a) and (k, b) changes no bit.

    Parameters
    ----------
    h, k : array_like
        Upper ends, which may be infinite.
    a, b : array_like
        Variances.
    c : array_like
        Covariance.

    Notes
    -----
    The absolute error is a few units of 1e-16.  The relative error is of order 1e-15 in the tail where h and k are
    negative, and wherever the corner (h, k) is the point of the quadrant nearest to the origin.

    Examples
    --------
    >>> binormal([-30.0, 0.0, np.inf], [-30.0, 0.0, 0.0], 1.0, 1.0, [0.5, 0.5, 0.9])
    array([1.21167159e-264, 3.33333333e-001, 5.00000000e-001])
    """
    return np.minimum(_exp_binormal(np.zeros(1), h, k, a, b, c), 1.0)


@elementwise
def exp_binormal(p: Array, h: Array, k: Array, a: Array, b: Array, c: Array) -> Array:
    r"""``exp(p)`` times the bivariate normal distribution function :math:`P(U \le h,\, V \le k)`.

    It is what an exponential of Gaussian variables gives on a quadrant; the exponential may overflow where the
    probability underflows.  Their exponents are added in twice the digits.

    Parameters
    ----------
    p : array_like
        Exponent.
    h, k, a, b, c : array_like
        As for `binormal`.

    Examples
    --------
    >>> exp_binormal([0.0, 1e4], [0.0, -100.0], [0.0, -100.0], 1.0, 1.0, 0.0)
    array([2.50000000e-01, 1.59123123e-05])
    """
    return _exp_binormal(p, h, k, a, b, c)
