r"""What a Gaussian expectation loses when two inputs part, by Price's theorem.

With :math:`c = \sqrt{a b} \cos\theta`,

.. math:: V(0) - V(\theta) = \sqrt{a b} \int_0^\theta \frac{\partial V}{\partial c}(t)\, \sin t\, dt .

The integrand is analytic on the interval (a kink of the activation is a square-root singularity in c, which the angle
removes) and nothing cancels in it up to a right angle.  Large variances bring singularities close to t = 0 and, where
the activation has an even part, to t = pi; panels are halved towards both until a rule of five and one of ten nodes
agree.
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

_SCALES = 4.0


def price_integral(
    expectation: Expectation, angle: Array, kxx: Array, kyy: Array, parameters: Mapping[str, float]
) -> Array:
    """The integral of ``price * sin`` from 0 to `angle`, for pairs of any variances."""
    total = _from_end(0.0, expectation, np.minimum(angle, np.pi / 2), kxx, kyy, parameters)
    beyond = np.flatnonzero(angle > np.pi / 2)
    if beyond.size:
        pair = (kxx[beyond], kyy[beyond], parameters)
        whole = _from_end(np.pi, expectation, np.full(beyond.size, np.pi / 2), *pair)
        total[beyond] += whole - _from_end(np.pi, expectation, np.maximum(np.pi - angle[beyond], 0.0), *pair)
    return total


def _from_end(
    end: float, expectation: Expectation, angle: Array, kxx: Array, kyy: Array, parameters: Mapping[str, float]
) -> Array:
    """The integral of ``price(|end - s|) sin(s)`` over s from 0 to `angle`."""
    result = np.zeros_like(angle)
    active, upper = np.flatnonzero(angle > 0), angle[angle > 0]
    # What activations do over lengths of 1 shows at angles of this size.  Two rules that both overlook it agree, too.
    narrow = _SCALES * (1.0 / np.sqrt(kxx) + 1.0 / np.sqrt(kyy))
    for _ in range(64):
        if not active.size:
            break
        pair = (end, expectation, kxx[active], kyy[active], parameters)
        five, ten = _rule(_FIVE, 0.0 * upper, upper, *pair), _rule(_TEN, 0.0 * upper, upper, *pair)
        agree = ~(np.abs(ten - five) > _AGREEMENT * np.abs(result[active] + ten)) & (upper <= narrow[active])
        result[active[agree]] += ten[agree]
        active, upper = active[~agree], upper[~agree]
        if active.size:
            pair = (end, expectation, kxx[active], kyy[active], parameters)
            result[active] += _rule(_TEN, upper / 2, upper, *pair)
            upper = upper / 2
    return result


def _rule(
    rule: tuple[Array, Array],
    lower: Array,
    upper: Array,
    end: float,
    expectation: Expectation,
    kxx: Array,
    kyy: Array,
    parameters: Mapping[str, float],
) -> Array:
    nodes, weights = rule
    half = (upper - lower)[:, None] / 2
    t = lower[:, None] + half * (1.0 + nodes)
    assert expectation.price is not None
    known = {**parameters, "angle": np.abs(end - t), "kxx": kxx[:, None], "kyy": kyy[:, None]}
    density = np.broadcast_to(expectation.price.at(known), t.shape)
    return (density * np.sin(t) * half) @ weights
