"""Interval arithmetic on integers: the numbers of the checker.

An interval is a pair of integers that stand for low 2^-BITS and high 2^-BITS; None stands for an infinite end.  Domains
are strict: the root of an interval that reaches below 0 is an error, never the root of the part above 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from dekderive.certificates.checker import elementary
from dekderive.certificates.checker.elementary import BITS, ONE, OutOfDomain

__all__ = ["Interval", "OutOfDomain", "rational"]

_FAR = 1 << (BITS + 12)  # exp is not computed beyond exp(4096): the bound there is the value at 4096, or infinity


@dataclass(frozen=True)
class Interval:
    """All numbers between two ends."""

    low: int | None
    high: int | None

    def __add__(self, other: Interval) -> Interval:
        low = None if self.low is None or other.low is None else self.low + other.low
        high = None if self.high is None or other.high is None else self.high + other.high
        return Interval(low, high)

    def __neg__(self) -> Interval:
        return Interval(None if self.high is None else -self.high, None if self.low is None else -self.low)

    def __sub__(self, other: Interval) -> Interval:
        return self + -other

    def __mul__(self, other: Interval) -> Interval:
        ends = [_product(a, b) for a in self._signed() for b in other._signed()]
        low = None if any(e == _MINUS for e in ends) else min(e for e in ends if isinstance(e, int)) >> BITS
        high = None if any(e == _PLUS for e in ends) else -(-max(e for e in ends if isinstance(e, int)) >> BITS)
        return Interval(low, high)

    def __truediv__(self, other: Interval) -> Interval:
        return self * other.reciprocal()

    def _signed(self) -> tuple[int | str, int | str]:
        return (_MINUS if self.low is None else self.low), (_PLUS if self.high is None else self.high)

    def reciprocal(self) -> Interval:
        """One over the interval, which must not contain 0."""
        if self.low is not None and self.low > 0:
            return Interval(0 if self.high is None else ONE * ONE // self.high, -(-ONE * ONE // self.low))
        if self.high is not None and self.high < 0:
            return -(-self).reciprocal()
        raise OutOfDomain("division by an interval that contains 0")

    def power(self, n: int) -> Interval:
        """The n-th power; of an even power the two signs are one."""
        if n < 0:
            return self.power(-n).reciprocal()
        base = self.magnitude() if n % 2 == 0 and n else self
        if n % 2 and not base.positive and not base.negative:  # increasing through 0
            low = None if base.low is None else -_point_power(-base.low, n)[1]
            high = None if base.high is None else _point_power(base.high, n)[1]
            return Interval(low, high)
        result = Interval(ONE, ONE)
        for _ in range(n):
            result = result * base
        return result

    def magnitude(self) -> Interval:
        """Absolute values."""
        if self.positive:
            return self
        if self.negative:
            return -self
        return Interval(0, None if self.low is None or self.high is None else max(-self.low, self.high))

    @property
    def positive(self) -> bool:
        """Whether no number is negative."""
        return self.low is not None and self.low >= 0

    @property
    def negative(self) -> bool:
        """Whether no number is positive."""
        return self.high is not None and self.high <= 0

    def join(self, other: Interval) -> Interval:
        """The smallest interval around both."""
        low = None if self.low is None or other.low is None else min(self.low, other.low)
        high = None if self.high is None or other.high is None else max(self.high, other.high)
        return Interval(low, high)

    def at_most(self, bound: Fraction) -> bool:
        """Whether every number is at most `bound`."""
        return self.high is not None and self.high * bound.denominator <= bound.numerator * ONE

    def at_least(self, bound: Fraction) -> bool:
        """Whether every number is at least `bound`."""
        return self.low is not None and self.low * bound.denominator >= bound.numerator * ONE

    def within(self, other: Interval) -> bool:
        """Whether this is a part of `other`."""
        below = other.low is None or (self.low is not None and self.low >= other.low)
        above = other.high is None or (self.high is not None and self.high <= other.high)
        return below and above

    def inside(self, other: Interval) -> bool:
        """Whether this is a part of the interior of `other`, which is bounded."""
        if self.low is None or self.high is None or other.low is None or other.high is None:
            return False
        return self.low > other.low and self.high < other.high


_MINUS, _PLUS = "-inf", "+inf"


def _product(a: int | str, b: int | str) -> int | str:
    if isinstance(a, int) and isinstance(b, int):
        return a * b
    if a == 0 or b == 0:
        return 0  # an infinite end is never attained
    sign = (1 if a == _PLUS or (isinstance(a, int) and a > 0) else -1) * (
        1 if b == _PLUS or (isinstance(b, int) and b > 0) else -1
    )
    return _PLUS if sign > 0 else _MINUS


def _point_power(x: int, n: int) -> tuple[int, int]:
    """x^n for x >= 0, rounded down and up."""
    low = high = ONE
    for _ in range(n):
        low, high = low * x >> BITS, -(-high * x >> BITS)
    return low, high


def rational(value: Fraction) -> Interval:
    """The smallest interval around a rational number."""
    scaled = value.numerator << BITS
    return Interval(scaled // value.denominator, -(-scaled // value.denominator))


def increasing(
    function: Callable[[int], tuple[int, int]], x: Interval, at_minus: int | None, at_plus: int | None
) -> Interval:
    """An increasing function, with its limits at the infinite ends (None: infinite)."""
    low = at_minus if x.low is None else function(x.low)[0]
    high = at_plus if x.high is None else function(x.high)[1]
    return Interval(low, high)


def exp(x: Interval) -> Interval:
    """Exponential."""
    low = 0 if x.low is None or x.low < -_FAR else elementary.exp(min(x.low, _FAR))[0]
    high = None if x.high is None or x.high > _FAR else elementary.exp(max(x.high, -_FAR))[1]
    return Interval(low, high)


def log(x: Interval) -> Interval:
    """Logarithm of positive numbers."""
    if x.low is None or x.low <= 0:
        raise OutOfDomain("the logarithm of an interval that is not positive")
    return increasing(elementary.log, x, None, None)


def sqrt(x: Interval) -> Interval:
    """Root of non-negative numbers."""
    if x.low is None or x.low < 0:
        raise OutOfDomain("the root of an interval that reaches below 0")
    return increasing(elementary.sqrt, x, None, None)


def atan(x: Interval) -> Interval:
    """Inverse tangent."""
    half = -(-elementary.pi()[1] // 2)
    return increasing(elementary.atan, x, -half, half)


def _unit(x: Interval, name: str) -> None:
    if x.low is None or x.high is None or x.low < -ONE or x.high > ONE:
        raise OutOfDomain(f"the {name} of an interval that leaves [-1, 1]")


def asin(x: Interval) -> Interval:
    """Inverse sine."""
    _unit(x, "inverse sine")
    return increasing(elementary.asin, x, None, None)


def acos(x: Interval) -> Interval:
    """Inverse cosine."""
    _unit(x, "inverse cosine")
    assert x.low is not None
    assert x.high is not None
    return Interval(elementary.acos(x.high)[0], elementary.acos(x.low)[1])


def erf(x: Interval) -> Interval:
    """Error function."""
    return increasing(elementary.erf, x, -ONE, ONE)


def expit(x: Interval) -> Interval:
    """Logistic function."""
    one = Interval(ONE, ONE)
    low = one / (one + exp(-Interval(x.low, x.low))) if x.low is not None else Interval(0, 0)
    high = one / (one + exp(-Interval(x.high, x.high))) if x.high is not None else one
    return Interval(low.low, high.high)


def tanh(x: Interval) -> Interval:
    """Hyperbolic tangent, 2 expit(2x) - 1."""
    two, one = Interval(2 * ONE, 2 * ONE), Interval(ONE, ONE)
    return two * expit(two * x) - one


def softplus(x: Interval) -> Interval:
    """``log(1 + exp(x))``; at most x + 2^-BITS beyond 4096."""
    one = Interval(ONE, ONE)
    low = 0 if x.low is None else max(x.low, log(one + exp(Interval(x.low, x.low))).low or 0)
    if x.high is None:
        return Interval(low, None)
    high = x.high + 1 if x.high > _FAR else log(one + exp(Interval(x.high, x.high))).high
    return Interval(low, high)


def damped(x: Interval) -> Interval:
    """``x exp(-x^2/2)``: it rises from -1 to 1 and falls outside, towards 0."""
    root = exp(Interval(-ONE // 2, -ONE // 2))  # the largest value, at 1
    assert root.high is not None
    values = [Interval(0, 0)] if x.low is None or x.high is None else []
    values += [
        Interval(e, e) * exp(-(Interval(e, e).power(2) * Interval(ONE // 2, ONE // 2)))
        for e in (x.low, x.high)
        if e is not None
    ]
    if (x.low is None or x.low <= ONE) and (x.high is None or x.high >= ONE):
        values.append(root)
    if (x.low is None or x.low <= -ONE) and (x.high is None or x.high >= -ONE):
        values.append(-root)
    result = values[0]
    for value in values[1:]:
        result = result.join(value)
    return result


def sign(x: Interval) -> Interval:
    """Sign; at 0 everything between -1 and 1, as for the generalised gradient of the absolute value."""
    if x.low is not None and x.low > 0:
        return Interval(ONE, ONE)
    if x.high is not None and x.high < 0:
        return Interval(-ONE, -ONE)
    return Interval(-ONE, ONE)


def cos(x: Interval) -> Interval:
    """Cosine: +-1 where a multiple of pi may lie inside, otherwise the values at the ends."""
    if x.low is None or x.high is None or x.high - x.low >= 7 * ONE:
        return Interval(-ONE, ONE)
    at_low, at_high = elementary.cos(x.low), elementary.cos(x.high)
    low, high = min(at_low[0], at_high[0]), max(at_low[1], at_high[1])
    pi = elementary.pi()
    first, last = x.low // pi[1] - 2, x.high // pi[0] + 2
    for k in range(first, last + 1):
        multiple = (k * pi[0], k * pi[1]) if k >= 0 else (k * pi[1], k * pi[0])
        if multiple[1] >= x.low and multiple[0] <= x.high:  # it may lie inside: then the extreme value counts
            low, high = (low, ONE) if k % 2 == 0 else (-ONE, high)
    return Interval(low, high)


def sin(x: Interval) -> Interval:
    """Sine, as the cosine of x - pi/2."""
    pi = elementary.pi()
    half = Interval(pi[0] // 2, -(-pi[1] // 2))
    return cos(x - half)
