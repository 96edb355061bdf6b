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
(Price's theorem); jumps and kinks of f and g add what their delta functions contribute.

f and g must be elementwise, pure and hashable (functions of a module are), and smooth except at 0, where they may have
a jump or a kink, or at the knots that `piecewise` names.  Anything else raises `NotConverged` rather than return a
plausible number, as far as a function can be told from its values: a spike that lies between all nodes is not seen.
Entries that are no covariance (a negative variance, kxy^2 > kxx kyy, NaN), and those at which f or g is not finite,
are NaN.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dekderive.errors import InvalidInput
from dekderive.kernels.elementwise import Array
from dekderive.kernels.expectations.coefficients import STRIDE, coefficients
from dekderive.kernels.expectations.derivatives import curvature, price
from dekderive.kernels.expectations.equilibrium import equilibrium_variance
from dekderive.kernels.expectations.functions import analytic, piecewise
from dekderive.kernels.expectations.mehler import bivariate, certified, distinct
from dekderive.kernels.expectations.octaves import tabulated
from dekderive.kernels.expectations.panels import Integrand
from dekderive.kernels.expectations.pieces import Product
from dekderive.kernels.expectations.univariate import Mean, MeanDerivative

__all__ = [
    "analytic",
    "certified_dual",
    "dual",
    "dual_kxx",
    "dual_kxy",
    "dual_kyy",
    "dual_with_error",
    "equilibrium",
    "mean",
    "mean_derivative",
    "piecewise",
    "series",
]


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
        If f or g is not smooth between its knots.

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
        If f or g is not smooth between its knots.

    Examples
    --------
    >>> value, bound = dual_with_error(np.tanh, np.tanh, 4.0, 4.0, 3.0)
    >>> bool(bound < 1e-13)
    True
    """
    value, bound = bivariate(f, g, *_float64(kxx, kyy, kxy))
    return value[()], bound[()]


def certified_dual(f: Integrand, g: Integrand, kxx: ArrayLike, kyy: ArrayLike, kxy: ArrayLike) -> tuple[Any, Any, Any]:
    """Return `dual`, a bound of its error, and whether the bound is proved up to rounding.

    Parameters
    ----------
    f, g : callable
    kxx, kyy, kxy : array_like

    Returns
    -------
    value, bound : ndarray or scalar
        In float64.
    proved : ndarray or scalar of bool
        True where f and g are `analytic` and either a series was summed, or both have terms.  Then the truncation of
        the series (Parseval), the quadrature of its coefficients (strip bound) and the nodes of the mixture (ball
        arithmetic) are covered by theorems; rounding by an allowance of some 16 units in the last place of what is
        added up, which is not proved.  False where what the nodes do not resolve was estimated, and for what is no
        covariance.

    Raises
    ------
    NotConverged
        If f or g is not smooth between its knots.

    Notes
    -----
    Sources: Trefethen and Weideman (2014), Theorem 5.1, for the quadrature; Stefanski (1991) for the mixture.

    Examples
    --------
    >>> value, bound, proved = certified_dual(np.tanh, np.tanh, 1.0, 1.0, 0.5)
    >>> bool(bound < 1e-13), bool(proved)  # nothing is known of np.tanh but its values
    (True, False)
    """
    value, bound, proved = certified(f, g, *_float64(kxx, kyy, kxy))
    return value[()], bound[()], proved[()]


def dual_kxy(f: Integrand, g: Integrand, kxx: ArrayLike, kyy: ArrayLike, kxy: ArrayLike) -> Any:
    r"""Return the derivative of `dual` in kxy, :math:`\mathbb E[f'(u) g'(v)]`.

    Jumps of f and g are included: with :math:`J` the jump of f at k, the term :math:`J p(u = k)\,
    \mathbb E[g'(v) \mid u = k]`.  Infinite at correlations +-1 if both jump.

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
        If f or g is not smooth between its knots.

    Notes
    -----
    Source: Price (1958).

    Examples
    --------
    >>> round(float(dual_kxy(np.exp, np.exp, 1.0, 1.0, 0.5) / np.exp(1.5)), 12)
    1.0
    """
    return _like(price(f, g, *_float64(kxx, kyy, kxy)), kxx, kyy, kxy)


def dual_kxx(f: Integrand, g: Integrand, kxx: ArrayLike, kyy: ArrayLike, kxy: ArrayLike) -> Any:
    r"""Return the derivative of `dual` in kxx at fixed kxy, :math:`\tfrac12 \mathbb E[f''(u) g(v)]`.

    Jumps of f and f' are included.  Except for small kxx the second derivative is traded for a first one by
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
        If f or g is not smooth between its knots.

    Notes
    -----
    The normal density p satisfies the heat equation :math:`\partial_a p = \tfrac12 \partial_u^2 p`.

    Examples
    --------
    >>> round(float(dual_kxx(np.exp, np.exp, 1.0, 1.0, 0.5) / np.exp(1.5)), 11)
    0.5
    """
    return _like(0.5 * curvature(f, g, *_float64(kxx, kyy, kxy)), kxx, kyy, kxy)


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
        If f or g is not smooth between its knots.

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
        If f g is not smooth between its knots.

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
        If f g is not smooth between its knots.

    Examples
    --------
    >>> round(float(mean_derivative(np.cos, np.cos, 2.0)), 12)  # -exp(-4)
    -0.018315638889
    """
    (a,) = _float64(kxx)
    return _like(tabulated(MeanDerivative(Product(f, g)), a.ravel()).reshape(a.shape), kxx)


def equilibrium(f: Integrand, g: Integrand, weight_variance: ArrayLike, injected: ArrayLike) -> Any:
    r"""Return the variance q at which :math:`q = w\, \mathrm{Cov}(f(u), g(u)) + i`, u normal of variance q, for g = f.

    Parameters
    ----------
    f, g : callable
        The same function twice.
    weight_variance, injected : array_like
        w and i > 0.

    Returns
    -------
    ndarray or scalar
        The smallest solution; NaN where there is none, or where :math:`w\, d\mathrm{Var} f(u)/dq \ge 1` there.

    Raises
    ------
    NotConverged
        If f is not smooth between its knots.

    Examples
    --------
    >>> round(float(equilibrium(np.abs, np.abs, 0.5, 1.0) * (1 - 0.5 * (1 - 2 / np.pi))), 12)  # Var |u| = (1 - 2/pi) q
    1.0
    """
    pairs = np.broadcast(*_float64(weight_variance, injected))
    found = [_equilibrium(f, g, float(w), float(i)) for w, i in pairs]
    return np.reshape(found, pairs.shape)[()]


@functools.lru_cache(maxsize=256)  # every formula of a kernel asks for the same number again
def _equilibrium(f: Integrand, g: Integrand, weight: float, injected: float) -> float:
    def variance(q: Array) -> Array:
        first = mean(_one, f, q)
        return np.asarray(mean(f, g, q) - first * first)

    def slope(q: Array) -> Array:
        return np.asarray(mean_derivative(f, g, q) - 2 * mean(_one, f, q) * mean_derivative(_one, f, q))

    return equilibrium_variance(variance, slope, weight, injected)


def _one(z: Array) -> Array:
    return np.ones_like(z)


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
        If f is not smooth between its knots.

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
