r"""Kernels of equilibrium models on inputs of one norm, as power series of the cosine."""

from __future__ import annotations

import math

import numpy as np

from dekderive.design.families import hermite_series
from dekderive.design.network import ExplicitNetwork
from dekderive.design.target import KINDS, Target
from dekderive.equivalents import DeepEquilibrium, equilibrium
from dekderive.errors import InvalidInput
from dekderive.kernels import hermite
from dekderive.solvers.solution import Array

__all__ = ["sphere_network", "sphere_series"]


def sphere_series(deq: DeepEquilibrium, tau0: float, terms: int, *, kernel: str = "ck") -> Array:
    r"""Coefficients :math:`\beta_1 \dots \beta_K` of a kernel :math:`\sum_k \beta_k \rho^k` on a sphere.

    The conjugate kernel solves :math:`G = \sum_k c_k^2\, ((\sigma_a^2 G + e \rho)/\tau^2)^k`,
    :math:`e = \sigma_b^2\tau_0^2`, with the Hermite coefficients :math:`c_k` of the activation at equilibrium: a fixed
    point of power series with non-negative terms, so that all :math:`\beta_k \ge 0`.  The tangent kernels are
    :math:`K = G + (\sigma_a^2/e)\, G\, dG/d\rho` and :math:`K + \rho\, dG/d\rho`.

    Parameters
    ----------
    deq : DeepEquilibrium
    tau0 : float
        Norm of the inputs.
    terms : int
        K.
    kernel : {"ck", "ntk", "ntk_full"}

    Returns
    -------
    (K,) ndarray
        Their sum tends to the kernel at equal inputs; what is missing bounds the error of the truncated series, which
        at cosine rho is at most :math:`|\rho|^{K+1}` times it.

    Raises
    ------
    InvalidInput
        If `terms` is not positive, or the kernel is unknown.
    NoFixedPoint
        If the model has no equilibrium.

    Examples
    --------
    >>> from dekderive.equivalents import DeepEquilibrium, deq_coefficients, relu
    >>> model = DeepEquilibrium(relu, 0.2, 0.8)
    >>> series, scalars = sphere_series(model, 1.0, 4), deq_coefficients(model, 1.0).ck
    >>> abs(series[:2] - [scalars[0], scalars[2]]).max() < 1e-15
    np.True_
    """
    if terms < 1:
        raise InvalidInput(f"a series has at least one term, got {terms!r}")
    if kernel not in KINDS:
        raise InvalidInput(f"kernel must be one of {', '.join(KINDS)}, got {kernel!r}")
    moments = equilibrium(deq, tau0)
    conjugate = _fixed_point(_coefficients(deq, moments.tau, terms) ** 2, deq, tau0, moments.tau**2)
    inputs = deq.input_variance * tau0**2
    derived = np.arange(1, terms + 1) * conjugate[1:]  # of rho^0, rho^1, ...
    series = conjugate
    if kernel != "ck":
        product = np.convolve(conjugate, derived)[: terms + 1]
        series = conjugate + deq.weight_variance / inputs * product
    if kernel == "ntk_full":
        series = series + np.concatenate([[0.0], derived])
    return series[1:]


def _coefficients(deq: DeepEquilibrium, tau: float, terms: int) -> Array:
    """Hermite coefficients 0, 1, ..., of the centred activation."""
    found = np.asarray(hermite.series(deq.activation.function, tau * tau, terms), dtype=np.float64)
    found[0] = 0.0
    return found


def _fixed_point(squares: Array, deq: DeepEquilibrium, tau0: float, variance: float) -> Array:
    """Each round settles one more coefficient; the linear part of the equation is solved, not iterated."""
    terms = squares.size - 1
    share = deq.weight_variance / variance
    free = 1.0 - share * squares[1]
    series = np.zeros(terms + 1)
    for k in range(1, terms + 1):
        inner = share * series
        inner[1] += deq.input_variance * tau0**2 / variance
        total = np.zeros(terms + 1)
        for square in squares[k:0:-1]:
            total[0] += square
            total = np.convolve(total, inner)[: terms + 1]
        series[k] = total[k] / free
    return series


def sphere_network(deq: DeepEquilibrium, target: Target, terms: int) -> ExplicitNetwork:
    r"""One hidden layer with the Hermite coefficients :math:`\sqrt{\beta_k}`, or :math:`\sqrt{\beta_k/(1 + k)}`.

    On inputs of norm tau0 its kernel is that of the model up to :math:`|\rho|^{K+1}` times what the series leaves over,
    which goes into one more degree; for others the four equations hold as for any network of one hidden layer.

    Examples
    --------
    >>> from dekderive.design.target import target_of
    >>> from dekderive.equivalents import DeepEquilibrium, tanh
    >>> model = DeepEquilibrium(tanh, 0.2, 0.8)
    >>> len(sphere_network(model, target_of(model, 1.0, "ck"), 7).layers[0].parameters)
    9
    """
    series = sphere_series(deq, target.tau0, terms, kernel=target.kind)
    rest = max(target.scalars[3] - math.fsum(series), 0.0)
    signs = np.sign(_coefficients(deq, equilibrium(deq, target.tau0).tau, terms + 2))
    # An odd kernel has odd terms only, and its remainder is of odd degree too.
    last = terms + 2 if target.odd and terms % 2 else terms + 1
    every = np.zeros(last)
    every[:terms], every[-1] = series, rest
    if target.odd:
        every[1::2] = 0.0
    degree = np.arange(1, last + 1)
    sizes = np.sqrt(np.maximum(every, 0.0) / (1.0 if target.kind == "ck" else 1.0 + degree))
    coefficients = np.where(signs[1 : last + 1] < 0, -sizes, sizes)
    return hermite_series(target, tuple(coefficients.tolist()), "sphere_series")
