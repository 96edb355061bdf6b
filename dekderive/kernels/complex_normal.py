"""The normal distribution function of a complex argument, scaled so that nothing overflows."""

from __future__ import annotations

import numpy as np
from scipy import special as _scipy

from dekderive.kernels.double_double import Pair, add, scale, two_product
from dekderive.kernels.elementwise import Array, elementwise
from dekderive.kernels.gaussian_pair import times_exp

__all__ = ["exp_erfcx_im", "exp_erfcx_re"]


def _turned(re: Array, im: Array, phase: Pair, imaginary: bool) -> Array:
    """A part of (re + i im) exp(i phase); the low word of the phase matters where the phase is large."""
    high, low = phase
    low = np.where(np.isfinite(low), low, 0.0)
    cosine, sine = np.cos(high), np.sin(high)
    cosine, sine = cosine - low * sine, sine + low * cosine
    return im * cosine + re * sine if imaginary else re * cosine - im * sine


def _part(p: Array, q: Array, x: Array, y: Array, imaginary: bool) -> Array:
    p, q, x, y = np.broadcast_arrays(p, q, x, y)
    left, none = x < 0, np.zeros_like(p)
    size = np.abs(x)
    side = np.where(left, -1.0, 1.0)
    # erfcx(s) = w(i s) with Faddeeva's function w, which is bounded by 1 in the upper half-plane.
    value = _scipy.wofz(-side * y + 1j * size)
    value = np.where(size == np.inf, 0.0, value)
    total = times_exp(side * _turned(value.real, value.imag, (q, none), imaginary), (p, none))
    if left.any():  # erfcx(s) = 2 exp(s^2) - erfcx(-s)
        squares = add(two_product(x, x), scale(two_product(y, y), -1.0))
        phase = add((q, none), scale(two_product(x, y), 2.0))
        unit = _turned(np.ones_like(p), none, phase, imaginary)
        total = total + np.where(left, times_exp(2.0 * unit, add((p, none), squares)), 0.0)
    return total


@elementwise
def exp_erfcx_re(p: Array, q: Array, x: Array, y: Array) -> Array:
    r"""Real part of :math:`e^{p + i q}\,\mathrm{erfcx}(x + i y)`, :math:`\mathrm{erfcx}(s) = e^{s^2}\mathrm{erfc}(s)`.

    The error is a few units in the last place of the modulus, where p and q are exact.

    Parameters
    ----------
    p, q : array_like
        Exponent.
    x, y : array_like
        Argument.

    Examples
    --------
    >>> exp_erfcx_re(0.0, 0.0, [0.0, 1e9], [1.0, 1e9])
    array([3.67879441e-01, 2.82094792e-10])
    """
    return _part(p, q, x, y, False)


@elementwise
def exp_erfcx_im(p: Array, q: Array, x: Array, y: Array) -> Array:
    r"""Imaginary part of :math:`e^{p + i q}\,\mathrm{erfcx}(x + i y)`; see `exp_erfcx_re`.

    Parameters
    ----------
    p, q : array_like
        Exponent.
    x, y : array_like
        Argument.

    Examples
    --------
    >>> exp_erfcx_im(0.0, 0.0, [1.0, 1e9], [0.0, 1e9])
    array([ 0.00000000e+00, -2.82094792e-10])
    """
    return _part(p, q, x, y, True)
