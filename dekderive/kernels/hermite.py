r"""Gaussian expectations without a closed form: what generated kernels call for them.

For (u, v) normal with variances a, b and correlation r, Mehler's formula turns the expectation of f(u) g(v) into a
power series in r,

.. math:: \mathbb E[f(u) g(v)] = \sum_k \alpha_k(a)\, \beta_k(b)\, r^k, \qquad
          \alpha_k(a) = \mathbb E[f(\sqrt a\, z)\, h_k(z)],

with orthonormal Hermite polynomials h_k.  The coefficients depend on one input each, so that a Gram matrix of n inputs
takes n one-dimensional quadratures, and Parseval's identity bounds what a truncated series misses:

.. math:: |r|^K \sqrt{\mathbb E f^2 - \textstyle\sum_{k<K} \alpha_k^2}\,
                \sqrt{\mathbb E g^2 - \textstyle\sum_{k<K} \beta_k^2}.

Where that bound is not negligible at any order (kinks at correlations close to +-1) a two-dimensional quadrature takes
over.  Derivatives are expectations of derivatives: of u in the variances (heat equation), of u and v in the covariance
(Price's theorem); jumps and kinks of f and g at 0 add what their delta functions contribute, in closed form.

f and g must be elementwise, pure and hashable (functions of a module are); smooth on either side of 0, where they may
have a jump or a kink.  Anything else raises `NotConverged` rather than return a plausible number, as far as a function
can be told from its values: a spike that lies between all nodes is not seen.  Entries that are no covariance (a
negative variance, kxy^2 > kxx kyy, NaN), and those at which f or g is not finite, are NaN.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dekderive.errors import InvalidInput
from dekderive.kernels.discriminants import rootgap
from dekderive.kernels.elementwise import Array
from dekderive.kernels.expectations.coefficients import STRIDE, coefficients
from dekderive.kernels.expectations.mehler import bivariate, distinct
from dekderive.kernels.expectations.octaves import tabulated
from dekderive.kernels.expectations.panels import Integrand
from dekderive.kernels.expectations.pieces import Derivative, Product, jump
from dekderive.kernels.expectations.univariate import SMALL, Mean, MeanDerivative, density_at_zero

__all__ = ["dual", "dual_kxx", "dual_kxy", "dual_kyy", "dual_with_error", "mean", "mean_derivative", "series"]


def dual(f: Integrand, g: Integrand, kxx: ArrayLike, kyy: ArrayLike, kxy: ArrayLike) -> Any:
    r"""Return :math:`\mathbb E[f(u) g(v)]`.

    Parameters
    ----------
    f, g : callable
    kxx, kyy : array_like
        Variances of u and v.  Unbroadcast arrays, such as a column and a row, are worked on as they are.
    kxy : array_like
        Covariance.

    Returns
    -------
    ndarray or scalar
        Of the broadcast shape; float32 where all three are.  The error is a few 1e-14 of
        :math:`\sqrt{\mathbb E f^2\, \mathbb E g^2}`.

    Raises
    ------
    NotConverged
        If f or g is not smooth on either side of 0.

    Notes
    -----
    Source: Mehler (1866).

    Examples
    --------
    >>> round(float(dual(np.exp, np.exp, 1.0, 1.0, 0.5) / np.exp(1.5)), 13)
    1.0
    """
    return _like(bivariate(f, g, *_float64(kxx, kyy, kxy))[0], kxx, kyy, kxy)


def dual_with_error(f: Integrand, g: Integrand, kxx: ArrayLike, kyy: ArrayLike, kxy: ArrayLike) -> tuple[Any, Any]:
    """Return `dual` and a bound of its error.

    Parameters
    ----------
    f, g : callable
    kxx, kyy, kxy : array_like

    Returns
    -------
    value, bound : ndarray or scalar
        In float64.  The bound is Parseval's for the truncation (where the two-dimensional quadrature took over, the
        difference of two rules) plus what the nodes do not resolve of f and g, plus rounding.

    Raises
    ------
    NotConverged
        If f or g is not smooth on either side of 0.

    Examples
    --------
    >>> value, bound = dual_with_error(np.tanh, np.tanh, 4.0, 4.0, 3.0)
    >>> bool(bound < 1e-13)
    True
    """
    value, bound = bivariate(f, g, *_float64(kxx, kyy, kxy))
    return value[()], bound[()]


def dual_kxy(f: Integrand, g: Integrand, kxx: ArrayLike, kyy: ArrayLike, kxy: ArrayLike) -> Any:
    r"""Return the derivative of `dual` in kxy, :math:`\mathbb E[f'(u) g'(v)]`.

    Jumps of f and g at 0 are included: with :math:`J` the jump of f, the term :math:`J p(u = 0)\,
    \mathbb E[g'(v) \mid u = 0]`.  Infinite at correlations +-1 if both jump.

    Parameters
    ----------
    f, g : callable
    kxx, kyy, kxy : array_like

    Returns
    -------
    ndarray or scalar

    Raises
    ------
    NotConverged
        If f or g is not smooth on either side of 0.

    Notes
    -----
    Source: Price (1958).

    Examples
    --------
    >>> round(float(dual_kxy(np.exp, np.exp, 1.0, 1.0, 0.5) / np.exp(1.5)), 12)
    1.0
    """
    a, b, c = _float64(kxx, kyy, kxy)
    value = bivariate(Derivative(f, 1), Derivative(g, 1), a, b, c)[0]
    jump_f, jump_g = jump(f, 0), jump(g, 0)
    with np.errstate(all="ignore"):
        if jump_f:
            value = value + jump_f * density_at_zero(a) * _conditional(Derivative(g, 1), a, b, c)
        if jump_g:
            value = value + jump_g * density_at_zero(b) * _conditional(Derivative(f, 1), b, a, c)
        if jump_f and jump_g:
            value = value + jump_f * jump_g / (2 * math.pi * rootgap(a, b, c))
    return _like(value, kxx, kyy, kxy)


def dual_kxx(f: Integrand, g: Integrand, kxx: ArrayLike, kyy: ArrayLike, kxy: ArrayLike) -> Any:
    r"""Return the derivative of `dual` in kxx at fixed kxy, :math:`\tfrac12 \mathbb E[f''(u) g(v)]`.

    Jumps of f and f' at 0 are included.  Except for small kxx the second derivative is traded for a first one by
    Stein's identity, :math:`k_{xx} \mathbb E[f''(u) g(v)] = \mathbb E[u f'(u) g(v)] - k_{xy} \mathbb E[f'(u) g'(v)]`.

    Parameters
    ----------
    f, g : callable
    kxx, kyy, kxy : array_like

    Returns
    -------
    ndarray or scalar

    Raises
    ------
    NotConverged
        If f or g is not smooth on either side of 0.

    Notes
    -----
    The normal density p satisfies the heat equation :math:`\partial_a p = \tfrac12 \partial_u^2 p`.

    Examples
    --------
    >>> round(float(dual_kxx(np.exp, np.exp, 1.0, 1.0, 0.5) / np.exp(1.5)), 11)
    0.5
    """
    a, b, c = _float64(kxx, kyy, kxy)
    small = a < SMALL
    if small.all():
        value = _curvature(f, g, a, b, c)
    elif not small.any():
        value = _curvature_by_stein(f, g, a, b, c)
    else:
        a, b, c, small = np.broadcast_arrays(a, b, c, small)
        value = np.empty(a.shape)
        value[small] = _curvature(f, g, a[small], b[small], c[small])
        value[~small] = _curvature_by_stein(f, g, a[~small], b[~small], c[~small])
    return _like(0.5 * value, kxx, kyy, kxy)


def _curvature(f: Integrand, g: Integrand, a: Array, b: Array, c: Array) -> Array:
    """``E[f''(u) g(v)]`` from f''."""
    value = bivariate(Derivative(f, 2), g, a, b, c)[0]
    kink, jump_f = jump(f, 1), jump(f, 0)
    with np.errstate(all="ignore"):
        if kink:
            value = value + kink * density_at_zero(a) * _conditional(g, a, b, c)
        if jump_f:
            # delta' picks the derivative of E[g(v) | u] in u, at 0.
            slope, jump_g = _conditional(Derivative(g, 1), a, b, c), jump(g, 0)
            if jump_g:
                slope = slope + jump_g * density_at_zero(_conditional_variance(a, b, c))
            value = value - jump_f * density_at_zero(a) * (c / a) * slope
    return value


def _curvature_by_stein(f: Integrand, g: Integrand, a: Array, b: Array, c: Array) -> Array:
    """``E[f''(u) g(v)]`` from f' and g'; the delta function of a jump of f does not show in u f'(u)."""
    first = bivariate(Product(np.positive, Derivative(f, 1)), g, a, b, c)[0]
    with np.errstate(all="ignore"):
        return (first - c * dual_kxy(f, g, a, b, c)) / a


def dual_kyy(f: Integrand, g: Integrand, kxx: ArrayLike, kyy: ArrayLike, kxy: ArrayLike) -> Any:
    r"""Return the derivative of `dual` in kyy at fixed kxy, :math:`\tfrac12 \mathbb E[f(u) g''(v)]`.

    Parameters
    ----------
    f, g : callable
    kxx, kyy, kxy : array_like

    Returns
    -------
    ndarray or scalar

    Raises
    ------
    NotConverged
        If f or g is not smooth on either side of 0.

    Examples
    --------
    >>> round(float(dual_kyy(np.exp, np.exp, 1.0, 1.0, 0.5) / np.exp(1.5)), 11)
    0.5
    """
    return dual_kxx(g, f, kyy, kxx, kxy)


def mean(f: Integrand, g: Integrand, kxx: ArrayLike) -> Any:
    r"""Return :math:`\mathbb E[f(u) g(u)]`, the limit of `dual` for v = u.

    Parameters
    ----------
    f, g : callable
    kxx : array_like
        Variance of u; of any size.

    Returns
    -------
    ndarray or scalar

    Raises
    ------
    NotConverged
        If f g is not smooth on either side of 0.

    Examples
    --------
    >>> round(float(mean(np.cos, np.cos, 2.0)), 12)  # exp(-2) cosh(2)
    0.509157819444
    """
    (a,) = _float64(kxx)
    return _like(tabulated(Mean(Product(f, g)), a.ravel()).reshape(a.shape), kxx)


def mean_derivative(f: Integrand, g: Integrand, kxx: ArrayLike) -> Any:
    r"""Return the derivative of `mean` in kxx; with F = f g, :math:`\mathbb E[(z^2 - 1) F(\sqrt a z)] / 2a`.

    For small variances, where that loses its digits, it is :math:`\tfrac12 \mathbb E[F''(u)]`, kinks included.

    Parameters
    ----------
    f, g : callable
    kxx : array_like

    Returns
    -------
    ndarray or scalar

    Raises
    ------
    NotConverged
        If f g is not smooth on either side of 0.

    Examples
    --------
    >>> round(float(mean_derivative(np.cos, np.cos, 2.0)), 12)  # -exp(-4)
    -0.018315638889
    """
    (a,) = _float64(kxx)
    return _like(tabulated(MeanDerivative(Product(f, g)), a.ravel()).reshape(a.shape), kxx)


def series(f: Integrand, a: ArrayLike, order: int) -> Array:
    r"""Return the Hermite coefficients :math:`\alpha_k(a)`, k = 0 ... order, along a new last axis.

    Parameters
    ----------
    f : callable
    a : array_like
        Variances.
    order : int

    Returns
    -------
    ndarray
        Of shape ``a.shape + (order + 1,)``, in float64.

    Raises
    ------
    InvalidInput
        If order is negative.
    NotConverged
        If f is not smooth on either side of 0.

    Examples
    --------
    >>> series(np.square, 3.0, 3).round(12) + 0.0
    array([3.        , 0.        , 4.24264069, 0.        ])
    """
    if order < 0:
        raise InvalidInput(f"the order of a Hermite series must be at least 0, got {order}")
    values, inverse = distinct(_float64(a)[0])
    usable = (values >= 0) & (values < np.inf)
    result = np.full((values.size, order + 1), np.nan)
    if usable.any():
        padded = STRIDE * (order // STRIDE + 1)
        result[usable] = coefficients(f, values[usable], padded).alpha[:, : order + 1]
    return result[inverse]


def _float64(*arrays: ArrayLike) -> list[Array]:
    return [np.asarray(a, dtype=np.float64) for a in arrays]


def _like(value: Array, *inputs: ArrayLike) -> Any:
    """Float32 for float32, and a scalar for scalars."""
    kind = np.result_type(*(x if isinstance(x, int | float) else np.asarray(x) for x in inputs))
    with np.errstate(all="ignore"):
        return np.asarray(value, dtype=np.float32 if kind == np.float32 else np.float64)[()]


def _conditional_variance(a: Array, b: Array, c: Array) -> Array:
    """Variance of v given u, ``b - c^2 / a``."""
    return (rootgap(a, b, c) / np.sqrt(a)) ** 2


def _conditional(g: Integrand, a: Array, b: Array, c: Array) -> Array:
    """``E[g(v) | u = 0]``."""
    variance = np.asarray(_conditional_variance(a, b, c))
    return tabulated(Mean(g), variance.ravel()).reshape(variance.shape)
