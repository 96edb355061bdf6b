"""What every accurate elementwise function shares: dtypes in and out, scalars, and silence about overflow."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "branches", "elementwise", "polynomial"]

Array = NDArray[np.float64]


def elementwise(function: Callable[..., Array]) -> Callable[..., Any]:
    """Let a function of float64 arrays (at least one-dimensional) take anything that is a real number.

    float32 in, float32 out: the work is done in float64, so the result is the rounded true value.  Everything else is
    computed and returned in float64; scalars come back as scalars.  Branches that are evaluated where another one is
    used may overflow; NumPy is not to warn about that.

    Examples
    --------
    >>> double = elementwise(lambda x: 2 * x)
    >>> double(3), double(np.float32(3)).dtype
    (np.float64(6.0), dtype('float32'))
    """

    @functools.wraps(function)
    def evaluate(*args: Any) -> Any:
        numbers = [a if isinstance(a, int | float) else np.asarray(a) for a in args]
        kind = np.result_type(*numbers)
        kind = kind if kind in (np.float16, np.float32) else np.dtype(np.float64)
        arrays = [np.asarray(a, dtype=np.float64) for a in numbers]
        shape = np.broadcast_shapes(*(a.shape for a in arrays))
        with np.errstate(all="ignore"):
            value = function(*(np.atleast_1d(a) for a in arrays))
            return value.astype(kind, copy=False).reshape(shape)[()]

    return evaluate


def branches(x: Array, cases: Sequence[tuple[NDArray[np.bool_], Callable[[Array], Array]]]) -> Array:
    """Evaluate each function on the entries of its own mask; entries of no mask (NaN) stay NaN.

    Examples
    --------
    >>> x = np.array([-1.0, 4.0])
    >>> branches(x, [(x < 0, np.negative), (x >= 0, np.sqrt)])
    array([1., 2.])
    """
    value = np.full_like(x, np.nan)
    for mask, function in cases:
        if mask.all():
            return function(x)
        if mask.any():
            value[mask] = function(x[mask])
    return value


def polynomial(coefficients: Sequence[float], t: Array) -> Array:
    """Sum ``coefficients[k] * t**k`` by Horner's rule.

    Examples
    --------
    >>> polynomial([1.0, 2.0, 3.0], np.array([10.0]))
    array([321.])
    """
    total = np.full_like(t, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total *= t
        total += coefficient
    return total
