"""The neural tangent kernel of a deep equilibrium model (Feng and Kolter), and its Gaussian process."""

from __future__ import annotations

import sympy as sp

from dekderive.atoms import sin_minus_xcos, versine
from dekderive.citations import cite
from dekderive.duals import Dual, mean
from dekderive.duals.algebra import homogeneity
from dekderive.duals.numeric import NUMERIC_NODES
from dekderive.errors import DekderiveError, InvalidInput, NotIntegrable
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
    z,
)
from dekderive.update_maps.expectation import expectation_forms, regular_derivative
from dekderive.update_maps.layered import own_parameters
from dekderive.update_maps.normalisation import unit_second_moment
from dekderive.update_maps.update_map import UpdateMap, choose_chart, closed_diagonal, in_chart, mirror

__all__ = ["READOUTS", "deq_nngp", "deq_ntk"]

READOUTS = ("preactivation", "linear", "activation")


def deq_ntk(activation: sp.Expr, *, readout: str = "preactivation", name: str | None = None) -> UpdateMap:
    r"""Derive the tangent kernel of the infinitely wide deep equilibrium model with this activation.

    The pre-activation covariance is the fixed point of

    .. math:: k' = \sigma_w^2\, \mathbb E[\phi(u)\phi(v)] + \sigma_u^2\, \langle x, x' \rangle + \sigma_b^2,

    and the tangent kernel of a pre-activation coordinate is
    :math:`\Theta = k / (1 - \sigma_w^2\, \mathbb E[\phi'(u)\phi'(v)])`.  The kernel of the model depends on what is
    read off the fixed point z:

    * ``"preactivation"``, one coordinate of z (the kernel of the paper): :math:`\Theta`;
    * ``"linear"``, :math:`v \cdot z / \sqrt N` with trained v of unit variance: :math:`k + \Theta`;
    * ``"activation"``, :math:`v \cdot \phi(z) / \sqrt N`:
      :math:`\mathbb E[\phi(u)\phi(v)] + \mathbb E[\phi'(u)\phi'(v)]\, \Theta`.

    For a positively homogeneous activation the equation is solved for the angle, from the gap
    1 - cos(x, x') of the inputs, so that near-duplicates keep their full relative accuracy; for the others
    ``dekderive.gram`` solves for the gap itself.

    Parameters
    ----------
    activation : sympy.Expr
        As a function of ``z``; use :func:`normalised` for the convention of the paper.
    readout : {"preactivation", "linear", "activation"}
    name : str, optional

    Returns
    -------
    UpdateMap

    Raises
    ------
    NotIntegrable
        If the activation jumps: the tangent kernel is then infinite at x = x' (:func:`deq_nngp` has no derivatives).
    InvalidInput
        If there is no such readout.

    Notes
    -----
    Source: Feng and Kolter, Theorem 2 (for unit-norm inputs and variances that sum to one; here for any inputs).  The
    first two terms of a readout are the gradient in v, and the chain rule through z.

    Examples
    --------
    >>> from dekderive.atoms import relu
    >>> from dekderive.update_maps import normalised
    >>> deq_ntk(normalised(relu(z))).chart.name
    'ANGLE'
    """
    slope, jumps = regular_derivative(activation)
    if jumps:
        raise NotIntegrable(
            f"{activation} jumps, so that E[phi'(u)^2] is infinite and with it the tangent kernel at x = x'; "
            "deq_nngp() has no derivatives"
        )
    return _deq("deq_ntk", "tangent kernel", activation, slope, readout, name)


def deq_nngp(activation: sp.Expr, *, readout: str = "preactivation", name: str | None = None) -> UpdateMap:
    r"""Derive the Gaussian process that the infinitely wide deep equilibrium model is at initialisation.

    It is the fixed point k of the covariances of :func:`deq_ntk` itself for the readouts ``"preactivation"`` and
    ``"linear"``, and :math:`\mathbb E[\phi(u)\phi(v)]` for ``"activation"``.  The activation may jump.

    Parameters
    ----------
    activation, readout, name
        As for :func:`deq_ntk`.

    Returns
    -------
    UpdateMap

    Raises
    ------
    InvalidInput
        If there is no such readout.

    Notes
    -----
    Source: Feng and Kolter, Theorem 2, where it is :math:`\Sigma^*`.

    Examples
    --------
    >>> from dekderive.atoms import step
    >>> deq_nngp(step(z)).claim.name, deq_nngp(sp.sin(z)).claim.name
    ('NONE', 'CONTRACTION')
    """
    slope, jumps = regular_derivative(activation)
    return _deq("deq_nngp", "Gaussian process", activation, None if jumps else slope, readout, name)


def _deq(
    model: str, noun: str, activation: sp.Expr, slope: sp.Expr | None, readout: str, name: str | None
) -> UpdateMap:
    if readout not in READOUTS:
        raise InvalidInput(f"readout must be one of {', '.join(READOUTS)}, got {readout!r}")
    forms = expectation_forms(activation)
    tangent = expectation_forms(slope) if slope is not None and model == "deq_ntk" else None
    conjugate, square = forms.dual, mean(activation, activation)
    diagonal = weight_variance * square + input_variance * cxx + bias_variance
    next_kxy = weight_variance * conjugate.emitted + input_variance * cxy + bias_variance
    chart = choose_chart((conjugate,) if tangent is None else (conjugate, tangent.dual))
    residual, start = _residual(next_kxy, chart, conjugate, homogeneity(activation) == 1)
    slope_square = None if slope is None else mean(slope, slope)
    modulus = None if slope_square is None else weight_variance * sp.sqrt(slope_square) * sp.sqrt(mirror(slope_square))
    found = {"activation": forms} | ({} if tangent is None else {"slope": tangent})
    pair = [in_chart(kxy, chart), *(_expanded(e.dual, chart) for e in found.values())]
    one = [kxx, square, *([] if tangent is None else [slope_square])]
    read = "" if readout == "preactivation" else f", {readout} readout"
    return UpdateMap(
        name=name or model,
        summary=f"{noun} of the deep equilibrium model with activation {activation}{read}",
        model=model,
        parameters=(*_variances(activation), *own_parameters(activation)),
        inputs=(cxx,),
        pair_inputs=(cxy, gap) if start is not None else (cxy,),
        moments="linear",
        functions=tuple(zip(("activation", "activation_slope"), (e.dual.left for e in found.values()), strict=False)),
        duals=tuple((f"{name}_{name}", e.dual) for name, e in found.items()),
        diagonal_step=diagonal,
        step=next_kxy,
        step_derivative=weight_variance * conjugate.emitted_derivative(),
        chart=chart,
        residual=residual,
        readout=_read(readout, *pair),
        readout_diagonal=_read(readout, *one),
        closed_diagonal=closed_diagonal(diagonal),
        start=start,
        claim=Claim.NONE if modulus is None else Claim.CONTRACTION,
        modulus=modulus,
        origin=cite("feng2021deqntk", "Theorem 2"),
        expectations=tuple(found.items()),
        read=readout,
    )


def _read(readout: str, kernel: sp.Expr, value: sp.Expr, slope: sp.Expr | None = None) -> sp.Expr:
    """The kernel of a readout, from k, E[f f] and E[f' f']; without the latter, the Gaussian process."""
    if slope is None:
        return value if readout == "activation" else kernel
    theta = kernel / (1 - weight_variance * slope)
    return {"preactivation": theta, "linear": kernel + theta, "activation": value + slope * theta}[readout]


def _expanded(value: Dual, chart: Chart) -> sp.Expr:
    """An expectation in the chart; nodes are left alone, whose functions are to be printed as they are named."""
    expression = in_chart(value.emitted, chart)
    return expression if expression.has(*NUMERIC_NODES) else sp.expand(expression)


def _variances(activation: sp.Expr) -> tuple[tuple[sp.Symbol, Parameter], ...]:
    """The three variances; 1 bounds that of the weights where an activation keeps or raises unit variance."""
    infinity = float("inf")
    try:
        keeps = not activation.free_symbols - {z} and float(unit_second_moment(activation)) > 1 - 1e-12
    except DekderiveError:
        keeps = False
    upper = 1.0 if keeps or homogeneity(activation) == 1 else infinity
    return (
        (weight_variance, Parameter("weight_variance", 0.0, upper, 0.6, "variance of the recurrent weights", True)),
        (input_variance, Parameter("input_variance", 0.0, infinity, 0.4, "variance of the input weights", True)),
        (bias_variance, Parameter("bias_variance", 0.0, infinity, 0.0, "variance of the biases", True)),
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
