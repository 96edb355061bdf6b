"""The neural tangent kernel of a deep equilibrium model (Feng and Kolter)."""

from __future__ import annotations

import sympy as sp

from dekderive.atoms import sin_minus_xcos, versine
from dekderive.citations import cite
from dekderive.duals import Dual, dual, mean
from dekderive.duals.algebra import homogeneity
from dekderive.errors import InvalidInput, NotIntegrable
from dekderive.kernels.kernel import Chart, Claim, Parameter
from dekderive.symbols import (
    angle,
    bias_variance,
    correlation,
    cxx,
    cxy,
    cyy,
    gap,
    input_variance,
    kxx,
    kxy,
    kyy,
    weight_variance,
)
from dekderive.update_maps.expectation import regular_derivative
from dekderive.update_maps.update_map import UpdateMap, choose_chart, closed_diagonal, in_chart, mirror

__all__ = ["deq_ntk", "normalised"]


def normalised(activation: sp.Expr) -> sp.Expr:
    """Scale an activation so that E[f(u)^2] = 1 for a standard normal u.

    Raises
    ------
    InvalidInput
        If E[f(u)^2] has no closed form at unit variance (give a scaled activation instead).

    Examples
    --------
    >>> from dekderive.atoms import relu
    >>> from dekderive.symbols import z
    >>> normalised(relu(z))
    sqrt(2)*relu(z)
    """
    second = sp.simplify(mean(activation, activation).subs(kxx, 1))
    if not second.is_number or second.atoms(sp.Function):
        second = sp.nsimplify(second) if second.is_Rational else second
    if second.free_symbols or not second.is_positive:
        raise InvalidInput(f"E[f(u)^2] of {activation} is {second}; it must be a positive number to normalise by")
    return activation / sp.sqrt(second)


def deq_ntk(activation: sp.Expr, *, name: str | None = None) -> UpdateMap:
    r"""Derive the tangent kernel of the infinitely wide deep equilibrium model with this activation.

    The pre-activation covariance is the fixed point of

    .. math:: k' = \sigma_w^2\, \mathbb E[\phi(u)\phi(v)] + \sigma_u^2\, \langle x, x' \rangle + \sigma_b^2,

    and the tangent kernel of a pre-activation coordinate is
    :math:`\Theta = k / (1 - \sigma_w^2\, \mathbb E[\phi'(u)\phi'(v)])`.

    For a positively homogeneous activation the equation is solved for the angle, from the gap
    1 - cos(x, x') of the inputs, so that near-duplicates keep their full relative accuracy.

    Parameters
    ----------
    activation : sympy.Expr
        As a function of ``z``; use :func:`normalised` for the convention of the paper.
    name : str, optional

    Returns
    -------
    UpdateMap

    Raises
    ------
    NotIntegrable
        If the activation jumps.

    Notes
    -----
    Source: Feng and Kolter, Theorem 2 (for unit-norm inputs and variances that sum to one; here for any inputs).
    The readout is the one of the paper: a pre-activation coordinate.

    Examples
    --------
    >>> from dekderive.atoms import relu
    >>> from dekderive.symbols import z
    >>> deq_ntk(normalised(relu(z))).chart.name
    'ANGLE'
    """
    conjugate = dual(activation)
    regular, jumps = regular_derivative(activation)
    if jumps:
        raise NotIntegrable(
            f"{activation} jumps, so that E[f'(u)^2] diverges: its tangent kernel is infinite at x = x', and the "
            "recursion no contraction near it; use an activation without jumps"
        )
    tangent = dual(regular)
    injection = input_variance * cxy + bias_variance
    diagonal = weight_variance * mean(activation, activation) + input_variance * cxx + bias_variance
    next_kxy = weight_variance * conjugate.emitted + injection
    derivative = weight_variance * conjugate.emitted_derivative()
    homogeneous = homogeneity(activation) == 1
    chart = choose_chart((conjugate, tangent))
    residual, start = _residual(next_kxy, chart, conjugate, homogeneous)
    square = mean(regular, regular)
    return UpdateMap(
        name=name or "deq_ntk",
        summary=f"tangent kernel of the deep equilibrium model with activation {activation}",
        model="deq_ntk",
        parameters=_PARAMETERS,
        inputs=(cxx,),
        pair_inputs=(cxy, gap) if start is not None else (cxy,),
        moments="linear",
        functions=(("activation", activation), ("activation_slope", regular)),
        duals=(("activation_activation", conjugate), ("slope_slope", tangent)),
        diagonal_step=diagonal,
        step=next_kxy,
        step_derivative=derivative,
        chart=chart,
        residual=residual,
        readout=in_chart(kxy, chart) / (1 - weight_variance * sp.expand(in_chart(tangent.emitted, chart))),
        readout_diagonal=kxx / (1 - weight_variance * square),
        closed_diagonal=closed_diagonal(diagonal),
        start=start,
        claim=Claim.CONTRACTION,
        modulus=weight_variance * sp.sqrt(square) * sp.sqrt(mirror(square)),
        origin=cite("feng2021deqntk", "Theorem 2"),
    )


_PARAMETERS = (
    (weight_variance, Parameter("weight_variance", 0.0, 1.0, 0.6, "variance of the recurrent weights", True)),
    (input_variance, Parameter("input_variance", 0.0, float("inf"), 0.4, "variance of the input weights", True)),
    (bias_variance, Parameter("bias_variance", 0.0, float("inf"), 0.0, "variance of the biases", True)),
)


def _residual(next_kxy: sp.Expr, chart: Chart, conjugate: Dual, homogeneous: bool) -> tuple[sp.Expr, sp.Expr | None]:
    scale = sp.sqrt(kxx) * sp.sqrt(kyy)
    if chart is Chart.CORRELATION:
        return correlation - in_chart(next_kxy, chart) / scale, None
    if not homogeneous:
        return sp.expand(in_chart(next_kxy, chart) / scale) - sp.cos(angle), None
    # Where E[f(u) f(v)] = sqrt(kxx kyy) h(angle), the diagonals obey sqrt(kxx kyy) (1 - w h(0)) = sqrt(P Q),
    # P = u cxx + b.
    # Subtracting the equation for kxy, everything becomes a gap:  (1 - cos t) - w (h(0) - h(t)) = (1 - w h(0)) g,
    # with g the relative gap of the injected kernel.  All terms are small together for near-duplicates.
    h = sp.expand(in_chart(conjugate.expression, chart) / scale)
    lost = _without_cancellation(h.subs(angle, 0) - h)
    injected = _injected_gap()
    spread = sp.expand(versine(angle) - weight_variance * lost)
    # The start is the angle of the injected kernel: there the residual is positive.  Rounding can push g / 2 past 1.
    return spread - (1 - weight_variance * h.subs(angle, 0)) * injected, 2 * sp.asin(sp.sqrt(sp.Min(1, injected / 2)))


def _without_cancellation(expression: sp.Expr) -> sp.Expr:
    """Cos t -> 1 - versine(t), sin t -> sin_minus_xcos(t) + t cos t; expanding cancels what must cancel, exactly."""
    cosine = 1 - versine(angle)
    return sp.expand(
        expression.xreplace({sp.cos(angle): cosine, sp.sin(angle): sin_minus_xcos(angle) + angle * cosine})
    )


def _injected_gap() -> sp.Expr:
    """Relative gap of u <x, x'> + b from that of <x, x'>: a sum of non-negative terms, so nothing cancels.

    With m = |x||x'|, P = u|x|^2 + b, Q = u|x'|^2 + b:  P Q - (u m + b)^2 = u b (|x| - |x'|)^2.
    """
    norms = sp.sqrt(cxx) * sp.sqrt(cyy)
    p, q = input_variance * cxx + bias_variance, input_variance * cyy + bias_variance
    root = sp.sqrt(p) * sp.sqrt(q)
    spread = (sp.sqrt(cxx) - sp.sqrt(cyy)) ** 2
    excess = input_variance * bias_variance * spread / (root + input_variance * norms + bias_variance)
    return (input_variance * norms * gap + excess) / root
