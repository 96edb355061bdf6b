"""Elementary functions of one number, enclosed by integer arithmetic alone.

A number x stands for itself as the integer x 2^BITS.  Each function returns integers (low, high) with
low <= f(x) 2^BITS <= high.  Inside, everything is a pair of integers at 64 bits more, rounded outwards in every product
and quotient, and every series comes with a bound of what it leaves out: no error analysis has to be believed.
"""

from __future__ import annotations

import math
from functools import lru_cache

from dekderive.errors import DekderiveError

__all__ = ["BITS", "ONE", "OutOfDomain", "acos", "asin", "atan", "cos", "erf", "exp", "log", "pi", "sin", "sqrt"]

BITS = 128
ONE = 1 << BITS
_GUARD = 64
_WORK = BITS + _GUARD
_UNIT = 1 << _WORK


class OutOfDomain(DekderiveError, ArithmeticError):
    """A function was asked for values that it does not have on all of an interval."""


Pair = tuple[int, int]  # low <= value <= high; at the working precision unless a function says otherwise


def _add(a: Pair, b: Pair) -> Pair:
    return a[0] + b[0], a[1] + b[1]


def _subtract(a: Pair, b: Pair) -> Pair:
    return a[0] - b[1], a[1] - b[0]


def _times(a: Pair, b: Pair) -> Pair:
    products = (a[0] * b[0], a[0] * b[1], a[1] * b[0], a[1] * b[1])
    return min(products) >> _WORK, -(-max(products) >> _WORK)


def _over(a: Pair, b: Pair) -> Pair:
    """Quotient by a positive number."""
    floors = [(x << _WORK) // y for x in a for y in b]
    ceilings = [-((-x << _WORK) // y) for x in a for y in b]
    return min(floors), max(ceilings)


def _by(a: Pair, n: int) -> Pair:
    """Quotient by a positive integer."""
    return a[0] // n, -(-a[1] // n)


def _root(a: Pair) -> Pair:
    low, high = max(a[0], 0), a[1]
    return math.isqrt(low << _WORK), math.isqrt(high << _WORK) + 1


def _widened(a: Pair, by: int) -> Pair:
    return a[0] - by, a[1] + by


def _given(x: int) -> Pair:
    return x << _GUARD, x << _GUARD


def _rounded(a: Pair) -> Pair:
    return a[0] >> _GUARD, -(-a[1] >> _GUARD)


def _atanh_series(x: Pair) -> Pair:
    """``x + x^3/3 + x^5/5 + ...`` for |x| <= 1/3; the terms left out are below 9/8 of the first of them."""
    square, power, total, n = _times(x, x), x, x, 1
    while max(abs(power[0]), abs(power[1])) > 4:
        power = _times(power, square)
        n += 2
        total = _add(total, _by(power, n))
    return _widened(total, 8)


@lru_cache(maxsize=1)
def _ln2() -> Pair:
    third = _by((_UNIT, _UNIT), 3)
    return tuple(2 * end for end in _atanh_series(third))  # type: ignore[return-value]


@lru_cache(maxsize=1)
def _pi() -> Pair:
    """Machin's formula, pi = 16 atan(1/5) - 4 atan(1/239)."""
    fifth, small = (_small_atan(_by((_UNIT, _UNIT), n)) for n in (5, 239))
    return 16 * fifth[0] - 4 * small[1], 16 * fifth[1] - 4 * small[0]


def _small_atan(x: Pair) -> Pair:
    """``x - x^3/3 + x^5/5 - ...`` for |x| <= 1/4; the terms left out are below the first of them."""
    square, power, total, n, sign = _times(x, x), x, x, 1, 1
    while max(abs(power[0]), abs(power[1])) > 4:
        power = _times(power, square)
        n, sign = n + 2, -sign
        term = _by(power, n)
        total = _add(total, term) if sign > 0 else _subtract(total, term)
    return _widened(total, 8)


def _exp(x: Pair) -> Pair:
    """Write x = k ln 2 + r; Taylor's series at r/256, eight squarings, and a shift by k."""
    k = (x[0] + x[1]) // (2 * _ln2()[0])
    ln2 = _ln2()
    r = _subtract(x, (k * ln2[0], k * ln2[1]) if k >= 0 else (k * ln2[1], k * ln2[0]))
    r = _by(r, 256)
    total, term, n = (_UNIT, _UNIT), (_UNIT, _UNIT), 0
    while max(abs(term[0]), abs(term[1])) > 4:
        n += 1
        term = _by(_times(term, r), n)
        total = _add(total, term)
    total = _widened(total, 8)  # |r| < 1/256, so that what is left out is below the last term
    for _ in range(8):
        total = _times(total, total)
    if k >= 0:
        return total[0] << k, total[1] << k
    return max(total[0] >> -k, 0), -(-total[1] >> -k)


def _sin_cos(x: Pair) -> tuple[Pair, Pair]:
    """Taylor's series after a multiple of 2 pi has been taken off."""
    circle = _pi()
    k = ((x[0] + x[1]) // 2 + circle[0]) // (2 * circle[0])
    turn = (2 * k * circle[0], 2 * k * circle[1]) if k >= 0 else (2 * k * circle[1], 2 * k * circle[0])
    r = _subtract(x, turn)
    sums: list[Pair] = [(0, 0), (0, 0), (0, 0), (0, 0)]  # of the terms by their degree modulo 4
    term, n = (_UNIT, _UNIT), 0
    while max(abs(term[0]), abs(term[1])) > 4 or n < 8:
        sums[n % 4] = _add(sums[n % 4], term)
        n += 1
        term = _by(_times(term, r), n)
    # |r| < 4 <= n / 2: the terms left out halve at least.
    cosine, sine = _subtract(sums[0], sums[2]), _subtract(sums[1], sums[3])
    return _widened(sine, 16), _widened(cosine, 16)


def _atan(x: Pair) -> Pair:
    """Halve the angle four times, atan(x) = 2 atan(x / (1 + sqrt(1 + x^2))), then the series."""
    for _ in range(4):
        hypotenuse = _root(_add((_UNIT, _UNIT), _times(x, x)))
        x = _over(x, _add((_UNIT, _UNIT), hypotenuse))
    small = _small_atan(x)
    return 16 * small[0], 16 * small[1]


def exp(x: int) -> Pair:
    """Enclose exp(x)."""
    if x == 0:
        return ONE, ONE
    return _rounded(_exp(_given(x)))


def sqrt(x: int) -> Pair:
    """Enclose the root of a non-negative number."""
    root = math.isqrt(x << BITS)
    return root, root + (root * root != x << BITS)


def log(x: int) -> Pair:
    """Enclose log(x), x > 0, from x = m 2^k with m near 1: log m = 16 log m^(1/16), and 2 atanh((y - 1)/(y + 1))."""
    if x <= 0:
        raise OutOfDomain("the logarithm needs a positive argument")
    k = x.bit_length() - BITS
    y: Pair = ((x << _GUARD) >> k, -((-x << _GUARD) >> k)) if k > 0 else (x << (_GUARD - k), x << (_GUARD - k))
    for _ in range(4):
        y = _root(y)
    series = _atanh_series(_over(_subtract(y, (_UNIT, _UNIT)), _add(y, (_UNIT, _UNIT))))
    ln2 = _ln2()
    shift = (k * ln2[0], k * ln2[1]) if k >= 0 else (k * ln2[1], k * ln2[0])
    return _rounded(_add((32 * series[0], 32 * series[1]), shift))


def pi() -> Pair:
    """Enclose pi."""
    return _rounded(_pi())


def sin(x: int) -> Pair:
    """Enclose sin(x)."""
    low, high = _rounded(_sin_cos(_given(x))[0])
    return max(low, -ONE), min(high, ONE)


def cos(x: int) -> Pair:
    """Enclose cos(x)."""
    low, high = _rounded(_sin_cos(_given(x))[1])
    return max(low, -ONE), min(high, ONE)


def atan(x: int) -> Pair:
    """Enclose atan(x)."""
    return _rounded(_atan(_given(x)))


def asin(x: int) -> Pair:
    """Enclose asin(x), |x| <= 1, as atan(x / sqrt(1 - x^2)); at the ends it is +-pi/2."""
    if abs(x) > ONE:
        raise OutOfDomain("the inverse sine needs an argument in [-1, 1]")
    half = _by(_pi(), 2)
    if abs(x) == ONE:
        return _rounded(half if x > 0 else (-half[1], -half[0]))
    given = _given(x)
    leg = _root(_subtract((_UNIT, _UNIT), _times(given, given)))
    return _rounded(_atan(_over(given, leg)))


def acos(x: int) -> Pair:
    """Enclose acos(x), |x| <= 1, as twice atan(sqrt((1 - x)/(1 + x))); at -1 it is pi."""
    if abs(x) > ONE:
        raise OutOfDomain("the inverse cosine needs an argument in [-1, 1]")
    if x == -ONE:
        return pi()
    given = _given(x)
    ratio = _over(_subtract((_UNIT, _UNIT), given), _add((_UNIT, _UNIT), given))
    half = _atan(_root(ratio))
    return _rounded((2 * half[0], 2 * half[1]))


def erf(x: int) -> Pair:
    """Enclose erf(x): the sum of 2^n x^(2n+1)/(2n+1)!!, whose terms have one sign, over exp(x^2) sqrt(pi)/2."""
    if x < 0:
        low, high = erf(-x)
        return -high, -low
    if x > 16 * ONE:  # 1 - erf(x) <= exp(-x^2), which is below 2^-369
        return ONE - 1, ONE
    given = _given(x)
    square = _times(given, given)
    total, term, n = given, given, 0
    # Once 2 x^2 / (2n + 3) <= 1/2 the terms halve at least, and what is left out is below the last one.
    while term[1] > 4 or 4 * square[1] > (2 * n + 3) * _UNIT:
        n += 1
        term = _by(_times(term, (2 * square[0], 2 * square[1])), 2 * n + 1)
        total = _add(total, term)
    total = (total[0], total[1] + term[1] + 4)
    low, high = _over((2 * total[0], 2 * total[1]), _times(_exp(square), _root(_pi())))
    low, high = _rounded((low, high))
    return max(low, 0), min(high, ONE)
