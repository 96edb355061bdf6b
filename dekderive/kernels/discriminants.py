"""Functions of differences of products, ``a b - c^2``, computed from the exact difference where it cancels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dekderive.kernels.double_double import two_product
from dekderive.kernels.elementwise import Array, elementwise

__all__ = ["angle", "arcsine", "quadratic_root", "rootgap"]


def _mantissa_exponent(x: Array) -> tuple[Array, NDArray[np.int_]]:
    mantissa, exponent = np.frexp(x)
    return mantissa, np.where(mantissa == 0, -5000, exponent)  # 0 must not decide which term is the larger


def _difference(a: Array, b: Array, c: Array) -> tuple[Array, NDArray[np.int_]]:
    """``c^2 - a b`` as ``(d, e)``, meaning ``d 4^e``, with d rounded once or twice from the exact value.

    Mantissas and exponents are kept apart, so nothing overflows; what is smaller than the other term by 2^-200 counts
    as 2^-200 of it, which does not show.
    """
    (ma, ea), (mb, eb), (mc, ec) = (_mantissa_exponent(x) for x in (a, b, c))
    exponent = np.maximum(2 * ec, ea + eb + 1) // 2 + 1
    square, square_error = two_product(mc, mc)
    other, other_error = two_product(ma, mb)
    up = np.maximum(2 * (ec - exponent), -200)
    across = np.maximum(ea + eb - 2 * exponent, -200)
    leading = np.ldexp(square, up) - np.ldexp(other, across)
    return leading + (np.ldexp(square_error, up) - np.ldexp(other_error, across)), exponent


@elementwise
def rootgap(a: Array, b: Array, c: Array) -> Array:
    r"""Root of the determinant of a covariance, :math:`\sqrt{a b - c^2}`; 0 where rounding made it negative.

    It is :math:`\sqrt{p - |c|} \sqrt{p + |c|}` with :math:`p = \sqrt a \sqrt b`, which neither overflows nor
    underflows.  Where p and c agree in their leading digits the difference of the exact products is used instead: p
    itself is rounded.

    Parameters
    ----------
    a, b : array_like
        Variances.
    c : array_like
        Covariance.

    Examples
    --------
    >>> rootgap([5e300, 0.0, 0.3], [5e300, 0.0, 1.2], [3e300, 0.0, 0.6])
    array([4.e+300, 0.e+000, 0.e+000])
    """
    p = np.sqrt(a) * np.sqrt(b)
    size = np.abs(c)
    root = np.sqrt(np.maximum(p - size, 0.0)) * np.sqrt(p + size)
    close = (np.abs(p - size) < p / 16) & (p < np.inf)
    if close.any():
        gap, exponent = _difference(*(np.broadcast_to(v, close.shape)[close] for v in (a, b, c)))
        root[close] = np.ldexp(np.sqrt(np.maximum(-gap, 0.0)), exponent)
    return root


@elementwise
def arcsine(a: Array, b: Array, c: Array) -> Array:
    r"""Arc sine of a correlation, :math:`\arcsin(c / \sqrt{a b})`; 0 where a variance is 0.

    Parameters
    ----------
    a, b : array_like
        Variances.
    c : array_like
        Covariance.

    Examples
    --------
    >>> arcsine([4.0, 0.0], [1.0, 1.0], [1.0, 0.0])
    array([0.52359878, 0.        ])
    """
    return np.arctan2(c, rootgap(a, b, c))


@elementwise
def angle(a: Array, b: Array, c: Array) -> Array:
    r"""Angle whose cosine is a correlation, :math:`\arccos(c / \sqrt{a b})`, without its cancellation near 0.

    Parameters
    ----------
    a, b : array_like
        Variances.
    c : array_like
        Covariance.

    Examples
    --------
    >>> angle(1.0, 1.0, 0.0)
    np.float64(1.5707963267948966)
    """
    return np.arctan2(rootgap(a, b, c), c + 0.0)  # + 0.0 turns -0.0, whose angle would be pi, into 0.0


@elementwise
def quadratic_root(c2: Array, c1: Array, c0: Array) -> Array:
    r"""Smallest positive root of :math:`c_2 q^2 + c_1 q + c_0 = 0`; NaN where there is none.

    At :math:`c_0 = 0` it is the limit from :math:`c_0 < 0`: 0 where :math:`c_1 > 0`, and where the equation is
    :math:`c_2 q^2 = 0`.

    Parameters
    ----------
    c2, c1, c0 : array_like
        Coefficients, of any signs and sizes; the discriminant is rounded from its exact value.

    Examples
    --------
    >>> quadratic_root([1.0, 1.0, -1.0], [-3.0, 0.0, 1.0], [2.0, 4.0, 0.0])
    array([ 1., nan,  0.])
    """
    c2, c1, c0 = np.broadcast_arrays(c2, c1, c0)
    gap, exponent = _difference(c2, c0, 0.5 * c1)  # (c1/2)^2 - c2 c0
    half = np.where(c1 == 0, 0.0, np.ldexp(0.5 * c1, -exponent))
    # The sum whose terms agree in sign; the roots are w / c2 and c0 / w, at the common scale 2^exponent.
    w = -(half + np.copysign(np.sqrt(gap), half))
    (m2, e2), (m0, e0) = np.frexp(c2), np.frexp(c0)
    first = np.ldexp(w / m2, exponent - e2)
    second = np.ldexp(m0 / w, e0 - exponent)
    second = np.where((c0 == 0) & (w < 0), 0.0, np.where(second > 0, second, np.inf))
    first = np.where((first > 0) & (c2 != 0), first, np.inf)
    root = np.minimum(first, second)
    root = np.where((root < np.inf) & (gap >= 0), root, np.nan)
    return np.where((c1 == 0) & (c0 == 0), 0.0, root)
