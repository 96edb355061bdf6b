r"""What a Gaussian expectation loses when two inputs part, by Price's theorem.

With :math:`c = \sqrt{a b} \cos\theta`,

.. math:: V(0) - V(\theta) = \sqrt{a b} \int_0^\theta \frac{\partial V}{\partial c}(t)\, \sin t\, dt .

The integrand is analytic on the interval (a kink of the activation is a square-root singularity in c, which the angle
removes) and nothing cancels in it.  Large variances bring singularities close to t = 0; panels are halved towards
there until a rule of five and one of ten nodes agree.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dekderive.kernels.layered import Expectation
from dekderive.solvers.solution import Array

__all__ = ["price_integral"]

_FIVE = np.polynomial.legendre.leggauss(5)
_TEN = np.polynomial.legendre.leggauss(10)

# The rule of ten nodes is right to the square of what separates it from the rule of five.
_AGREEMENT = 3e-8


def price_integral(
    expectation: Expectation, angle: Array, kxx: Array, kyy: Array, parameters: Mapping[str, float]
) -> Array:
    """The integral of ``price * sin`` from 0 to `angle`, for pairs of any variances."""
    assert expectation.price is not None
    result = np.zeros_like(angle)
    active, upper = np.flatnonzero(angle > 0), angle[angle > 0]
    for _ in range(64):
        if not active.size:
            break
        pair = (expectation, kxx[active], kyy[active], parameters)
        five, ten = _rule(_FIVE, 0.0 * upper, upper, *pair), _rule(_TEN, 0.0 * upper, upper, *pair)
        agree = ~(np.abs(ten - five) > _AGREEMENT * (result[active] + ten))
        result[active[agree]] += ten[agree]
        active, upper = active[~agree], upper[~agree]
        if active.size:
            pair = (expectation, kxx[active], kyy[active], parameters)
            result[active] += _rule(_TEN, upper / 2, upper, *pair)
            upper = upper / 2
    return result


def _rule(
    rule: tuple[Array, Array],
    lower: Array,
    upper: Array,
    expectation: Expectation,
    kxx: Array,
    kyy: Array,
    parameters: Mapping[str, float],
) -> Array:
    nodes, weights = rule
    half = (upper - lower)[:, None] / 2
    t = lower[:, None] + half * (1.0 + nodes)
    known = {**parameters, "angle": t, "kxx": kxx[:, None], "kyy": kyy[:, None]}
    density = np.broadcast_to(expectation.price.at(known), t.shape)  # type: ignore[union-attr]
    return (density * np.sin(t) * half) @ weights
