"""Tangent kernels of deep equilibrium models, for inputs of unit length (P17 and P18)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dekderive.gram.gradient import gram_gradient
from dekderive.gram.gram import gram
from dekderive.solvers import Solution
from dekderive.testing.failure import largest, require
from dekderive.testing.observations import Array
from dekderive.testing.tangent_instance import TangentInstance

__all__ = [
    "finite_depth",
    "gradients",
    "gram_is_definite",
    "iterations_agree",
    "monotone_in_cosine",
    "tangent_at_duplicates",
    "tangent_fixed_point",
]


def tangent_fixed_point(instance: TangentInstance, solution: Solution | None = None) -> None:
    r"""P17: :math:`|R(\Sigma^*) - \Sigma^*| (1 - q) \le 10^{-14}`, :math:`|\Sigma^*| \le \Sigma^*(x,x)`, and Theta*.

    q is the contraction modulus, :math:`\sigma_w^2` for the normalised ReLU; residuals are relative to
    :math:`\max(1, \Sigma^*(x, x))`.  Where :math:`\Sigma^* \ge 0`, :math:`\Theta^* \ge \Sigma^*`; and always
    :math:`\Theta^* (1 - \sigma_w^2 E[f'(u) f'(v)]) = \Sigma^*`, relative to its terms.

    Parameters
    ----------
    instance : TangentInstance
    solution : Solution, optional
        That is judged.

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> from dekderive.kernels import deq_ntk_relu
    >>> tangent_fixed_point(TangentInstance(deq_ntk_relu, 0.6, 0.4, 0.0, 0.5))
    """
    solution = instance.solution if solution is None else solution
    k, top, theta = instance.covariance(solution), instance.variance, float(solution.value)
    unit = max(1.0, top)
    residual = abs(instance.step(k) - k) * (1 - instance.modulus)
    require(residual, 1e-14 * unit, "P17, Sigma* = R(Sigma*)", instance)
    require(abs(k), top * (1 + 4e-16), "P17, |Sigma*| <= Sigma*(x, x)", instance)
    if k >= 0:
        require(k, theta * (1 + 4e-16), "P17, Sigma* <= Theta*", instance)
    slope = instance.step_derivative(k)
    bound = 1e-11 * unit / (1 - instance.modulus) + 8 * _change(instance, k) * abs(theta)
    require(abs(theta * (1 - slope) - k), bound, "P17, Theta* (1 - sw2 E[f' f']) = Sigma*", instance)


def _change(instance: TangentInstance, k: float) -> float:
    """How much the slope changes with the last digits of the covariance: for a kink there is no bound near 1."""
    slope = instance.step_derivative(k)
    return max(abs(instance.step_derivative(k * (1 - e)) - slope) for e in (4e-16, 1e-15))


def tangent_at_duplicates(instance: TangentInstance, value: float | None = None) -> None:
    r"""P17: :math:`\Theta^*(x, x) = \Sigma^*(x, x)/(1 - \sigma_w^2 E[f'(u)^2])`, to 1e-12.

    It is 1/(1 - sw2) for the normalised ReLU.  The value on the diagonal of a Gram matrix, and that of
    two infinitely close inputs, are the same.

    Parameters
    ----------
    instance : TangentInstance
    value : float, optional
        Instead of the diagonal of ``gram``.

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> from dekderive.kernels import deq_ntk_relu
    >>> tangent_at_duplicates(TangentInstance(deq_ntk_relu, 0.6, 0.4, 0.0, 0.5))
    """
    if value is None:
        value = float(gram(instance.kernel, np.array([[1.0]]), **instance.parameters)[0, 0])
    expected = instance.variance / (1 - instance.modulus)
    require(abs(value - expected), 1e-12 * expected / (1 - instance.modulus), "P17, Theta*(x, x)", instance)
    close = float(instance.at(1.0).value)
    require(abs(close - expected), 1e-12 * expected / (1 - instance.modulus), "P17, Theta* at cosine 1", instance)


def monotone_in_cosine(instance: TangentInstance, other: float, everywhere: bool = False) -> None:
    r"""P17: :math:`\Sigma^*` increases with the cosine; Theta* does where :math:`\Sigma^* \ge 0`, or everywhere.

    :math:`d\Sigma^*/ds = \sigma_u^2/(1 - \sigma_w^2 E[f' f']) > 0`.  For positive covariances E[f'(u) f'(v)] is a
    power series with positive coefficients, and so is :math:`\Theta^*`; for negative ones that depends on f (it is true
    for the ReLU).

    Parameters
    ----------
    instance : TangentInstance
    other : float
        Another cosine.
    everywhere : bool

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> from dekderive.kernels import deq_ntk_relu
    >>> monotone_in_cosine(TangentInstance(deq_ntk_relu, 0.6, 0.4, 0.0, 0.5), -0.5, everywhere=True)
    """
    low, high = sorted((instance.cosine, other))
    solution = instance.at(np.array([low, high]))
    covariances, values = solution.state["kxy"], np.asarray(solution.value)
    top = instance.variance / (1 - instance.modulus)
    require(float(covariances[0] - covariances[1]), 1e-14 * top, f"P17, Sigma* at {low} and {high}", instance)
    if everywhere or covariances[0] >= 0:
        bound = 1e-14 * top / (1 - instance.modulus)
        require(float(values[0] - values[1]), bound, f"P17, Theta* at {low} and {high}", instance)


def gram_is_definite(instance: TangentInstance, rows: Array, matrix: Array | None = None) -> None:
    r"""P17: a Gram matrix has :math:`\lambda_{\min} \ge -10^{-10} \lambda_{\max}`, copies and antipodes included.

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> from dekderive.kernels import deq_ntk_relu
    >>> gram_is_definite(TangentInstance(deq_ntk_relu, 0.6, 0.4, 0.0, 0.5), np.array([[1.0], [-1.0], [1.0]]))
    """
    judged = gram(instance.kernel, rows, **instance.parameters) if matrix is None else matrix
    values = np.linalg.eigvalsh(np.asarray(judged, dtype=np.float64))
    require(-float(values[0]), 1e-10 * float(values[-1]), "P17, - lmin of the Gram matrix", instance)


def finite_depth(instance: TangentInstance, depth: int, rate: float | None = None, tangent: bool = False) -> None:
    r"""P17: :math:`|\Sigma^{(L)} - \Sigma^*| \le 2 q^L \Sigma^*(x, x)` from :math:`\Sigma^{(0)} = s` (proved).

    With `tangent` also :math:`|\Theta^{(L)} - \Theta^*| \le 3 (L + 1) q^L / (1 - q)`, for
    :math:`\Theta^{(L)} = \dot\Sigma^{(L)} \Theta^{(L-1)} + \Sigma^{(L)}`: an empirical bound, for the normalised
    ReLU only.

    Parameters
    ----------
    instance : TangentInstance
    depth : int
        L.
    rate : float, optional
        q; default: the contraction modulus.
    tangent : bool

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> from dekderive.kernels import deq_ntk_relu
    >>> finite_depth(TangentInstance(deq_ntk_relu, 0.6, 0.4, 0.0, 0.5), 7, tangent=True)
    """
    q, top = instance.modulus if rate is None else rate, instance.variance
    sigma = min(max(instance.cosine, -top), top)
    theta, nearby = sigma, 0.0
    for _ in range(depth):
        slope = instance.step_derivative(sigma)
        nearby = max(nearby, _change(instance, sigma))
        sigma = instance.step(sigma)
        theta = slope * theta + sigma
    gap = abs(sigma - instance.covariance())
    require(gap, 2 * q**depth * top + 1e-14 * max(1.0, top), f"P17, |Sigma^({depth}) - Sigma*|", instance)
    if tangent:
        gap = abs(theta - float(instance.solution.value))
        bound = 3 * (depth + 1) * q**depth / (1 - q) + (1e-13 + 8 * nearby * abs(theta)) / (1 - q) ** 2
        require(gap, bound, f"P17, |Theta^({depth}) - Theta*|", instance)


def iterations_agree(instance: TangentInstance) -> None:
    """Newton's method in the chart, and plain iteration of the recursion, agree to 1e-11 max(1, Sigma*(x, x)).

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> from dekderive.kernels import deq_ntk_relu
    >>> iterations_agree(TangentInstance(deq_ntk_relu, 0.6, 0.4, 0.0, 0.5))
    """
    other = instance.covariance(instance.at(instance.cosine, method="picard"))
    require(abs(other - instance.covariance()), 1e-11 * max(1.0, instance.variance), "Newton and Picard", instance)


def gradients(instance: TangentInstance, factor: float = 1.0) -> None:
    r"""P18: derivatives of :math:`\Theta^*` in the three variances against central differences, to 1e-5 of their size.

    Parameters
    ----------
    instance : TangentInstance
        With a cosine of at most 0.99 in magnitude: there is a cusp at 1.
    factor : float
        By which the derivatives of ``gram_gradient`` are multiplied before they are judged.

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> from dekderive.kernels import deq_ntk_relu
    >>> gradients(TangentInstance(deq_ntk_relu, 0.6, 0.4, 0.0, 0.5))
    """
    s = instance.cosine
    rows = np.array([[1.0, 0.0], [s, np.sqrt(1 - s**2)]])
    slopes = gram_gradient(instance.kernel, rows, **instance.parameters)[1][0, 1] * factor
    for name, slope in zip(instance.kernel.parameter_names, slopes, strict=True):
        value = instance.parameters[name]
        h = 1e-5 * (1 - instance.modulus)
        low = max(value - h, 0.0)
        # at the end of the range of a variance: a one-sided difference of second order
        ends = (value + h, low) if value > h else (value + h, value + h / 2)
        above, other = (float(replace(instance, **{name: end}).solution.value) for end in ends)
        if value > h:
            difference = (above - other) / (2 * h)
        else:
            difference = (4 * other - above - 3 * float(instance.solution.value)) / h
        scale = 1 + largest(slopes)
        require(abs(slope - difference), 1e-5 * scale, f"P18, d Theta* / d {name}", instance)
