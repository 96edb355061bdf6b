"""The logarithmic derivative of softplus: a quotient that is 0/0 in fixed point far to the left, yet near 1 there."""

from __future__ import annotations

from dekderive.certificates.checker.elementary import ONE, Pair
from dekderive.certificates.checker.intervals import Interval, exp, expit, softplus

__all__ = ["log_softplus_slope"]

_FAR = ONE << 12  # beyond it the value there, about 1/4096, is an upper bound that is good enough
_UNIT = Interval(ONE, ONE)


def log_softplus_slope(x: Interval) -> Interval:
    """``expit(x) / softplus(x)``, from 1 down to 0.

    With t = exp(x) it is t / ((1 + t) log(1 + t)), and its derivative has the sign of log(1 + t) - t < 0.
    """
    low = 0 if x.high is None or x.high > _FAR else _slope(x.high)[0]
    high = ONE if x.low is None else _slope(min(x.low, _FAR))[1]
    return Interval(low, high)


def _slope(x: int) -> Pair:
    point = Interval(x, x)
    if x < -ONE:  # numerator and denominator tend to 0: divide by t before anything is rounded
        value = ((_UNIT + exp(point)) * _relative_log1p(exp(point))).reciprocal()
    else:
        value = expit(point) / softplus(point)
    assert value.low is not None
    assert value.high is not None
    return max(value.low, 0), min(value.high, ONE)


def _relative_log1p(t: Interval) -> Interval:
    """``log(1 + t) / t = 1 - t/2 + t^2/3 - ...`` for 0 < t < 1/2: signs alternate, and the terms decrease."""
    total, power, n = _UNIT, _UNIT, 1
    while True:
        power = power * t
        n += 1
        term = power / Interval(n * ONE, n * ONE)
        assert term.high is not None
        if term.high <= 1:  # what is left out is at most the first term of it
            return total + Interval(-term.high, term.high)
        total = total + term if n % 2 else total - term
