"""Variances of three exponential families that are 0/0 somewhere: monotone functions, enclosed at points.

Each is a variance A'' whose derivative A''' has a known sign, so an interval is enclosed by its ends.
"""

from __future__ import annotations

from collections.abc import Callable

from dekderive.certificates.checker import elementary
from dekderive.certificates.checker.elementary import ONE, Pair
from dekderive.certificates.checker.intervals import Interval, erf, exp, sqrt

__all__ = ["bessel_ratio_slope", "langevin_slope", "truncated_normal_variance"]

_FAR = 1 << 12  # beyond it the value there is a bound that is good enough
_NEAR = ONE >> 16
_HALF = Interval(ONE // 2, ONE // 2)


def _even_decreasing(at: Callable[[int], Pair], x: Interval) -> Interval:
    """A positive even function that decreases in |x|."""
    size = x.magnitude()
    assert size.low is not None
    high = at(min(size.low, _FAR * ONE))[1]
    low = 0 if size.high is None or size.high > _FAR * ONE else max(0, at(size.high)[0])
    return Interval(low, high)


def langevin_slope(x: Interval) -> Interval:
    """``1/x^2 - 1/sinh(x)^2``, 1/3 at 0; it decreases in |x| because (sinh(x)/x)^3 > cosh(x) (Lazarevic)."""
    return _even_decreasing(_langevin_slope, x)


def _langevin_slope(x: int) -> Pair:
    third = ONE // 3
    if x < _NEAR:  # 1/3 - x^2/15 + ... with alternating signs
        return third - (x * x // ONE) // 15 - 1, third + 1
    point = Interval(x, x)
    sinh = (exp(point) - exp(-point)) / Interval(2 * ONE, 2 * ONE)
    value = point.power(2).reciprocal() - sinh.power(2).reciprocal()
    assert value.low is not None
    assert value.high is not None
    # 1/x^2 is at most 2^32 here, so that this difference is good to 2^-90; and the value is never above 1/3.
    return max(value.low, 0), min(value.high, third + 1)


def bessel_ratio_slope(x: Interval) -> Interval:
    """Derivative of r = I1/I0, ``1 - r/x - r^2``, 1/2 at 0; r is concave on the right half-line."""
    return _even_decreasing(_bessel_ratio_slope, x)


def _bessel_ratio_slope(x: int) -> Pair:
    # r / x = (1/2) (sum t^k / (k! (k+1)!)) / (sum t^k / k!^2),  t = x^2 / 4.
    point = Interval(x, x)
    t = point.power(2) / Interval(4 * ONE, 4 * ONE)
    assert t.high is not None
    first = second = term = Interval(ONE, ONE)
    k = 0
    while term.high > 1 or k * k * ONE < 2 * t.high:  # type: ignore[operator]  # then the terms halve at least
        k += 1
        term = term * t / Interval(k * k * ONE, k * k * ONE)
        first = first + term
        second = second + term / Interval((k + 1) * ONE, (k + 1) * ONE)
    rest = Interval(0, 4)
    quotient = (second + rest) / (first + rest) / Interval(2 * ONE, 2 * ONE)
    ratio = quotient * point
    value = Interval(ONE, ONE) - quotient - ratio.power(2)
    assert value.low is not None
    assert value.high is not None
    return value.low, min(value.high, ONE // 2)


def truncated_normal_variance(x: Interval) -> Interval:
    """Variance of N(x, 1) given that it is positive; it increases from 0 to 1 because the skewness is positive."""
    low = 0 if x.low is None or x.low < -8 * ONE else _truncated(min(x.low, _FAR * ONE))[0]
    high = ONE if x.high is None else min(ONE, _truncated(max(x.high, -8 * ONE))[1])
    return Interval(max(low, 0), high)


def _truncated(x: int) -> Pair:
    if x > 64 * ONE:
        return ONE - 1, ONE
    point, half = Interval(x, x), _HALF
    root_two = sqrt(Interval(2 * ONE, 2 * ONE))
    below = (Interval(ONE, ONE) + erf(point / root_two)) * half
    density = exp(-point.power(2) * half) / sqrt(Interval(*elementary.pi()) * Interval(2 * ONE, 2 * ONE))
    mills = density / below
    value = Interval(ONE, ONE) - mills * (point + mills)
    assert value.low is not None
    assert value.high is not None
    return value.low, value.high
