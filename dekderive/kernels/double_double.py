"""Unevaluated sums of two doubles: twice the digits, for the differences and exponents that would lose theirs.

A number is a pair (high, low) with ``|low| <= ulp(high) / 2``; sums and products of two doubles are exact pairs (Knuth,
Dekker), and the operations on pairs have a relative error of about 2^-100.  Arguments must be so far from overflow and
underflow that the square of each is a normal number.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from dekderive.kernels.elementwise import Array

__all__ = ["Pair", "add", "divide", "multiply", "scale", "two_product", "two_sum"]

Pair: TypeAlias = tuple[Array, Array]

_SPLITTER = 2.0**27 + 1.0  # Veltkamp's constant: cuts 53 bits into two halves whose products are exact


def two_sum(x: Array, y: Array) -> Pair:
    """``x + y`` as a rounded sum and its rounding error.

    Examples
    --------
    >>> [float(part) for part in two_sum(np.float64(1.0), np.float64(1e-20))]
    [1.0, 1e-20]
    """
    total = x + y
    other = total - x
    return total, (x - (total - other)) + (y - other)


def two_product(x: Array, y: Array) -> Pair:
    """``x y`` as a rounded product and its rounding error.

    Examples
    --------
    >>> high, low = two_product(np.float64(1 + 2**-30), np.float64(1 - 2**-30))
    >>> float(high), float(low) == -(2.0**-60)
    (1.0, True)
    """
    product = x * y
    x_high = _SPLITTER * x - (_SPLITTER * x - x)
    y_high = _SPLITTER * y - (_SPLITTER * y - y)
    x_low, y_low = x - x_high, y - y_high
    return product, ((x_high * y_high - product) + x_high * y_low + x_low * y_high) + x_low * y_low


def _renormalised(high: Array, low: Array) -> Pair:
    total = high + low
    return total, low - (total - high)


def add(x: Pair, y: Pair) -> Pair:
    """Sum of two pairs, also where they nearly cancel.

    Examples
    --------
    >>> one, third = (np.float64(1.0), np.float64(0.0)), divide((np.float64(1.0), 0.0), (np.float64(3.0), 0.0))
    >>> [float(part) for part in add(one, scale(add(third, add(third, third)), -1.0))]
    [0.0, 0.0]
    """
    high, high_error = two_sum(x[0], y[0])
    low, low_error = two_sum(x[1], y[1])
    high, high_error = _renormalised(high, high_error + low)
    return _renormalised(high, high_error + low_error)


def scale(x: Pair, factor: float | Array) -> Pair:
    """Multiply a pair by a power of two, or by -1.

    Examples
    --------
    >>> [float(part) for part in scale((np.float64(3.0), np.float64(1e-20)), -0.5)]
    [-1.5, -5e-21]
    """
    return x[0] * factor, x[1] * factor


def multiply(x: Pair, y: Pair) -> Pair:
    """Multiply two pairs.

    Examples
    --------
    >>> third = divide((np.float64(1.0), 0.0), (np.float64(3.0), 0.0))
    >>> float(abs(multiply(third, (np.float64(3.0), 0.0))[1])) < 1e-31
    True
    """
    high, low = two_product(x[0], y[0])
    return _renormalised(high, low + (x[0] * y[1] + x[1] * y[0]))


def divide(x: Pair, y: Pair) -> Pair:
    """Quotient of two pairs.

    Examples
    --------
    >>> high, low = divide((np.float64(1.0), 0.0), (np.float64(3.0), 0.0))
    >>> float(high), float(low)
    (0.3333333333333333, 1.850371707708594e-17)
    """
    first = x[0] / y[0]
    rest = add(x, scale(multiply((first, np.zeros_like(first)), y), -1.0))
    return _renormalised(first, rest[0] / y[0])
