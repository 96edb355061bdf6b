"""Functions of one variance, tabulated: a Chebyshev polynomial in the standard deviation on every octave that is met.

``E[F(s z)]`` is the integral of F against the density of standard deviation s, which is analytic for |arg s| < pi/4
whatever F is.  On an octave [s, 2 s] the Chebyshev coefficients therefore fall like 4.24^-n (the ellipse that touches
both rays), and a solver that asks for the expectation at thousands of variances costs a few dozen quadratures.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from dekderive.kernels.elementwise import Array
from dekderive.kernels.expectations.panels import chebyshev

__all__ = ["FunctionOfVariance", "tabulated"]

FunctionOfVariance = Callable[[Array], tuple[Array, Array]]  # -> values, bounds of their errors

_NODES = 28
_RESOLVED = 1e-14
_GROWTH = 100.0  # over an octave


def tabulated(function: FunctionOfVariance, variances: Array) -> Array:
    """Return the values of `function`, from its tables; directly where a table would not be accurate.

    Parameters
    ----------
    function : callable
        Hashable and pure.
    variances : ndarray, one-dimensional

    Examples
    --------
    >>> def bell(a):
    ...     return np.exp(-a), np.full_like(a, 1e-16)
    >>> a = np.array([0.0, 0.1, 3.0])
    >>> np.abs(tabulated(bell, a) - np.exp(-a)) < 1e-15
    array([ True,  True,  True])
    """
    value = np.full(variances.shape, np.nan)
    direct = variances == 0
    proper = (variances > 0) & (variances < np.inf)
    mantissa, exponent = np.frexp(np.sqrt(np.where(proper, variances, 1.0)))
    for octave in np.unique(exponent[proper]):
        here = proper & (exponent == octave)
        coefficients = _octave(function, int(octave))
        if coefficients is None:
            direct |= here
        else:
            value[here] = np.polynomial.chebyshev.chebval(4.0 * mantissa[here] - 3.0, coefficients)
    if direct.any():
        distinct, inverse = np.unique(variances[direct], return_inverse=True)
        value[direct] = function(distinct)[0][inverse]
    return value


@functools.lru_cache(maxsize=1024)
def _octave(function: FunctionOfVariance, exponent: int) -> Array | None:
    """Chebyshev coefficients for standard deviations in [0.5, 1] 2^exponent; None if they do not tell the function."""
    points, matrix = chebyshev(_NODES)
    values, bounds = function(np.ldexp(0.25 * (points + 3.0), exponent) ** 2)
    if not (np.isfinite(values).all() and np.isfinite(bounds).all()):
        return None
    # The error is relative to the largest value; a function that grows faster than that is better evaluated itself.
    even = np.max(bounds) <= _GROWTH * np.min(bounds)
    coefficients: Array = matrix @ values
    resolved = np.max(np.abs(coefficients[-3:])) <= _RESOLVED * np.max(np.abs(values)) + np.max(bounds)
    return coefficients if even and resolved else None
