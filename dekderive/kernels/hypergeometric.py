"""Gauss's hypergeometric function of a squared correlation: what pairs of real powers are written in."""

from __future__ import annotations

import numpy as np
from scipy import special as _scipy

from dekderive.kernels.discriminants import rootgap
from dekderive.kernels.elementwise import Array, elementwise

__all__ = ["hyp2f1", "squared_correlation_2f1"]


@elementwise
def hyp2f1(alpha: Array, beta: Array, gamma: Array, x: Array) -> Array:
    r"""Gauss's hypergeometric function :math:`{}_2F_1(\alpha, \beta; \gamma; x)` for real x up to 1.

    Parameters
    ----------
    alpha, beta, gamma : array_like
        Parameters.
    x : array_like
        Argument.

    Examples
    --------
    >>> hyp2f1(-0.5, -0.5, 0.5, [0.0, 0.75, 1.0])
    array([1.        , 1.40689968, 1.57079633])
    """
    return _scipy.hyp2f1(alpha, beta, gamma, x)


@elementwise
def squared_correlation_2f1(alpha: Array, beta: Array, gamma: Array, a: Array, b: Array, c: Array) -> Array:
    r"""Hypergeometric function :math:`{}_2F_1(\alpha, \beta; \gamma; c^2 / (a b))` of a covariance.

    Near correlation 1 it depends on :math:`y = 1 - c^2/(ab)`, which comes from the exact determinant, as
    :math:`y^\delta` with :math:`\delta = \gamma - \alpha - \beta`.  There it is computed from y: by the connection
    formula of Gauss (DLMF 15.8.4), by its logarithmic limit where :math:`\delta = 0` (DLMF 15.8.10), and by Euler's
    transformation (DLMF 15.8.1) where :math:`\delta` is near a negative integer.  Only where :math:`\delta` is
    positive and within 0.1 of an integer is the argument itself used, on which the function then depends smoothly.
    The relative error is of order 1e-13; it grows to :math:`10^{-16} / |\delta|` for small :math:`\delta \ne 0`.

    Parameters
    ----------
    alpha, beta, gamma : array_like
        Parameters.
    a, b : array_like
        Variances; where one is 0 the argument is 0.
    c : array_like
        Covariance.

    Examples
    --------
    >>> squared_correlation_2f1(-0.5, -0.5, 0.5, [1.0, 4.0, 0.0], [1.0, 1.0, 1.0], [1.0, 0.0, 0.0])
    array([1.57079633, 1.        , 1.        ])
    """
    alpha, beta, gamma, a, b, c = np.broadcast_arrays(alpha, beta, gamma, a, b, c)
    size = np.sqrt(a) * np.sqrt(b)
    r = np.where(size == 0, 0.0, c / np.where(size == 0, 1.0, size))
    y = np.where(size == 0, 1.0, rootgap(a, b, c) / np.where(size == 0, 1.0, size)) ** 2
    delta = gamma - alpha - beta
    value = _scipy.hyp2f1(alpha, beta, gamma, np.minimum(r * r, 1.0))
    close = y < 0.1
    smooth = np.abs(delta - np.rint(delta)) <= 0.1
    level = np.abs(delta) < 1e-12
    for mask, method in (
        (close & level, _logarithmic),
        (close & smooth & (delta < -0.5), _transformed),
        (close & ~level & (~smooth | (np.abs(delta) < 0.5)), _connected),
    ):
        if mask.any():
            value[mask] = method(alpha[mask], beta[mask], gamma[mask], y[mask])
    return value


def _transformed(alpha: Array, beta: Array, gamma: Array, y: Array) -> Array:
    value = y ** (gamma - alpha - beta) * _scipy.hyp2f1(gamma - alpha, gamma - beta, gamma, 1.0 - y)
    return np.where(alpha * beta == 0, 1.0, value)


def _logarithmic(alpha: Array, beta: Array, gamma: Array, y: Array) -> Array:
    at_one = y == 0
    y = np.where(at_one, 0.05, y)
    total, term = np.zeros_like(y), np.ones_like(y)
    for k in range(18):
        digammas = 2 * _scipy.psi(k + 1) - _scipy.psi(alpha + k) - _scipy.psi(beta + k)
        total += term * (digammas - np.log(y))
        term = term * y * (alpha + k) * (beta + k) / (k + 1) ** 2
    value = _scipy.gamma(gamma) * _scipy.rgamma(alpha) * _scipy.rgamma(beta) * np.where(at_one, np.inf, total)
    return np.where(alpha * beta == 0, 1.0, value)


def _connected(alpha: Array, beta: Array, gamma: Array, y: Array) -> Array:
    delta = gamma - alpha - beta
    regular = _scipy.gamma(delta) * _scipy.rgamma(gamma - alpha) * _scipy.rgamma(gamma - beta)
    singular = _scipy.gamma(-delta) * _scipy.rgamma(alpha) * _scipy.rgamma(beta)
    first = regular * _scipy.hyp2f1(alpha, beta, 1.0 - delta, y)
    second = singular * _scipy.hyp2f1(gamma - alpha, gamma - beta, 1.0 + delta, y)
    return _scipy.gamma(gamma) * (first + np.where(singular == 0, 0.0, y**delta * second))
