"""Conjugate and tangent kernels of an implicit network whose activation is centred at its equilibrium."""

from __future__ import annotations

from typing import Literal

import sympy as sp

from dekderive.atoms import versine
from dekderive.citations import cite
from dekderive.duals import Dual, dual, mean, numeric
from dekderive.duals.algebra import homogeneity
from dekderive.errors import InvalidInput, NotIntegrable
from dekderive.kernels.kernel import Chart, Claim, Parameter
from dekderive.symbols import (
    angle,
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
from dekderive.update_maps.expectation import regular_derivative, without_cancellation
from dekderive.update_maps.update_map import UpdateMap, choose_chart, in_chart, mirror, quadratic_root

__all__ = ["centre", "implicit_ck", "implicit_ntk", "reference_norm"]

reference_norm = sp.Symbol("reference_norm", positive=True)  # tau_0

_INFINITY = float("inf")
_PARAMETERS = (
    (weight_variance, Parameter("weight_variance", 0.0, _INFINITY, 0.2, "variance of the recurrent weights", True)),
    (input_variance, Parameter("input_variance", 0.0, _INFINITY, 0.8, "variance of the input weights")),
)
_REFERENCE = (
    reference_norm,
    Parameter("reference_norm", 0.0, _INFINITY, 1.0, "norm of the inputs at which the activation is centred"),
)


def implicit_ck(activation: sp.Expr, *, name: str | None = None) -> UpdateMap:
    r"""Derive the conjugate kernel of an infinitely wide implicit network, its activation centred at equilibrium.

    The network is :math:`z = \phi(\sqrt{\sigma_a^2} A z + \sqrt{\sigma_b^2} B x)/\sqrt m` with
    :math:`\phi = \varphi - b`, :math:`b = \mathbb E\varphi(\tau_* \xi)`, and the variance at equilibrium of inputs of
    norm :math:`\tau_0`,

    .. math:: \tau_*^2 = \sigma_a^2\, \mathrm{Var}\, \varphi(\tau_* \xi) + \sigma_b^2 \tau_0^2 .

    The state k is the covariance of pre-activations, and the kernel G that of activations:

    .. math:: k = \sigma_a^2 G + \sigma_b^2 \langle x, x' \rangle, \qquad G = \mathbb E[\phi(u) \phi(v)] .

    Parameters
    ----------
    activation : sympy.Expr
        :math:`\varphi` as a function of ``z``; it need not be centred.
    name : str, optional

    Returns
    -------
    UpdateMap
        With the parameters ``weight_variance`` (sigma_a^2) and ``input_variance`` (sigma_b^2), and, unless the mean of
        the activation is the same at every variance (odd functions), ``reference_norm`` (tau_0).  Inputs are x itself:
        for rows of length about 1 divide by the root of their dimension (``linear(scale=d ** -0.5)``).

    Raises
    ------
    NotIntegrable, NoClosedForm
        From the expectations.
    InvalidInput
        If the activation is constant.

    Notes
    -----
    Source: Ling et al. (2024), the Implicit-CK.  b is a closed form for positively homogeneous activations, and
    elsewhere a function of the parameters that is solved for; it is differentiated as such, so that gradients in the
    parameters keep the activation centred.

    Examples
    --------
    >>> from dekderive.atoms import relu
    >>> [symbol.name for symbol, _ in implicit_ck(relu(z)).parameters]
    ['weight_variance', 'input_variance', 'reference_norm']
    >>> [symbol.name for symbol, _ in implicit_ck(sp.tanh(z)).parameters]
    ['weight_variance', 'input_variance']
    """
    update = _Implicit(activation)
    return update.map(
        name or "implicit_ck",
        "implicit_ck",
        f"conjugate kernel of the implicit network with centred activation {activation}",
        in_chart(update.conjugate, update.chart),
        update.square,
    )


def implicit_ntk(
    activation: sp.Expr, *, input_weights: Literal["frozen", "trained"] = "frozen", name: str | None = None
) -> UpdateMap:
    r"""Derive the tangent kernel of an infinitely wide implicit network, its activation centred at equilibrium.

    With G and k as in :func:`implicit_ck`, and :math:`\dot G = \mathbb E[\phi'(u) \phi'(v)]`, it is

    .. math:: K = \frac{G}{1 - \sigma_a^2 \dot G} \quad\text{(frozen)}, \qquad
              K = \frac{G + \sigma_b^2 \langle x, x' \rangle \dot G}{1 - \sigma_a^2 \dot G} \quad\text{(trained)}.

    Parameters
    ----------
    activation : sympy.Expr
        As for :func:`implicit_ck`.
    input_weights : {"frozen", "trained"}
        Recurrent weights A and readout are trained in both; whether the input weights B are.  "frozen" is the
        convention of Ling et al. (2024).
    name : str, optional

    Returns
    -------
    UpdateMap

    Raises
    ------
    InvalidInput
        For another value of `input_weights`.
    NotIntegrable
        If the activation jumps: the tangent kernel is then infinite at x = x'.
    NoClosedForm
        From the expectations.

    Notes
    -----
    Source: Ling et al. (2024), the Implicit-NTK, for "frozen".  A Gram matrix is refused
    (:class:`~dekderive.errors.NoFixedPoint`) where :math:`\sigma_a^2 \mathbb E[\phi'(u)^2] \ge 1`.

    Examples
    --------
    >>> from dekderive.atoms import relu
    >>> implicit_ntk(relu(z), input_weights="trained").chart.name
    'ANGLE'
    """
    if input_weights not in ("frozen", "trained"):
        raise InvalidInput(f"input_weights is 'frozen' or 'trained', got {input_weights!r}")
    update = _Implicit(activation)
    if update.jumps:
        raise NotIntegrable(
            f"{activation} jumps, so that E[phi'(u)^2] is infinite and with it the tangent kernel at x = x'; "
            "implicit_ck() has no derivatives"
        )
    trained = input_weights == "trained"
    return update.map(
        name or "implicit_ntk",
        "implicit_ntk",
        f"tangent kernel of the implicit network with centred activation {activation}, input weights {input_weights}",
        _tangent(
            in_chart(update.conjugate, update.chart),
            sp.expand(in_chart(update.slope_dual.emitted, update.chart)),
            in_chart(kxy, update.chart),
            trained,
        ),
        _tangent(update.square, update.slope_square, kxx, trained),
    )


def _tangent(conjugate: sp.Expr, slopes: sp.Expr, covariance: sp.Expr, trained: bool) -> sp.Expr:
    """The readout; sigma_b^2 <x, x'> is k - sigma_a^2 G."""
    injected = (covariance - weight_variance * conjugate) * slopes if trained else 0
    return (conjugate + injected) / (1 - weight_variance * slopes)


def centre(activation: sp.Expr) -> sp.Expr:
    r"""Return the mean b of an activation at equilibrium, as an expression in the parameters.

    For :math:`\varphi` of degree 1 with :math:`\mathbb E\varphi(\xi) = c` and :math:`\mathrm{Var}\,\varphi(\xi) = v` it
    is :math:`c \tau_*`, :math:`\tau_*^2 = \sigma_b^2 \tau_0^2/(1 - \sigma_a^2 v)`.

    Parameters
    ----------
    activation : sympy.Expr

    Examples
    --------
    >>> centre(sp.tanh(z))
    0
    >>> from dekderive.atoms import relu
    >>> centre(relu(z)).subs(weight_variance, 0)
    sqrt(2)*sqrt(input_variance)*reference_norm/(2*sqrt(pi))
    """
    first = mean(sp.S.One, activation)
    if not first.has(kxx):
        return first
    injected = input_variance * reference_norm**2
    if homogeneity(activation) == 1:
        share = sp.simplify((mean(activation, activation) - first**2) / kxx)
        spread = reference_norm * sp.sqrt(input_variance) / sp.sqrt(1 - weight_variance * share)
        return sp.simplify(first / sp.sqrt(kxx)) * spread
    return first.xreplace({kxx: numeric.equilibrium(activation, activation, weight_variance, injected)})


class _Implicit:
    """The expectations of a centred activation, and the update map that they make."""

    def __init__(self, activation: sp.Expr) -> None:
        if not activation.has(z):
            raise InvalidInput(f"the activation {activation} is constant; it must be a function of z")
        self.activation = activation
        self.slope, self.jumps = regular_derivative(activation)
        self.dual = dual(activation)
        self.centre = centre(activation)
        first = mean(sp.S.One, activation)
        # A mean that does not depend on the variance is the centre itself.
        self.first = first if first.has(kxx) else self.centre
        b, other = self.centre, mirror(self.first)
        self.conjugate = self.dual.emitted - b * self.first - b * other + b**2
        self.square = mean(activation, activation) - 2 * b * self.first + b**2
        self.slope_dual = dual(self.slope)
        self.slope_square = mean(self.slope, self.slope)
        self.chart = choose_chart((self.dual,) if self.jumps else (self.dual, self.slope_dual))

    def map(self, name: str, model: str, summary: str, readout: sp.Expr, readout_diagonal: sp.Expr) -> UpdateMap:
        """The update map with a readout."""
        next_kxy = weight_variance * self.conjugate + input_variance * cxy
        diagonal = weight_variance * self.square + input_variance * cxx
        residual, carries_gap = self._residual(next_kxy)
        md = self.slope_square
        duals: tuple[tuple[str, Dual], ...] = (("activation_activation", self.dual),)
        functions: tuple[tuple[str, sp.Expr], ...] = (("activation", self.activation),)
        if not self.jumps:
            duals = (*duals, ("slope_slope", self.slope_dual))
            functions = (*functions, ("activation_slope", self.slope))
        return UpdateMap(
            name=name,
            summary=summary,
            model=model,
            parameters=(*_PARAMETERS, _REFERENCE) if self.centre.has(reference_norm) else _PARAMETERS,
            inputs=(cxx,),
            pair_inputs=(cxy, gap) if carries_gap else (cxy,),
            moments="linear",
            functions=functions,
            duals=duals,
            diagonal_step=diagonal,
            step=next_kxy,
            step_derivative=weight_variance * self.dual.emitted_derivative(),
            chart=self.chart,
            residual=residual,
            readout=readout,
            readout_diagonal=readout_diagonal,
            closed_diagonal=self._closed_diagonal(),
            start=None,
            claim=Claim.NONE if self.jumps else Claim.CONTRACTION,
            modulus=None if self.jumps else weight_variance * sp.sqrt(md) * sp.sqrt(mirror(md)),
            origin=cite("ling2024deq"),
        )

    def _closed_diagonal(self) -> sp.Expr | None:
        """(1 - w h) s^2 + 2 w b c s - (w b^2 + u cxx) = 0 in s = sqrt(kxx), for E f = c s and E f^2 = h s^2."""
        if homogeneity(self.activation) != 1:
            return None
        w, b = weight_variance, self.centre
        first, second = (
            sp.simplify(self.first / sp.sqrt(kxx)),
            sp.simplify(mean(self.activation, self.activation) / kxx),
        )
        constant = w * b**2 + input_variance * cxx
        if b == 0:
            return constant / (1 - w * second)
        return quadratic_root(1 - w * second, 2 * w * b * first, -constant) ** 2

    def _residual(self, next_kxy: sp.Expr) -> tuple[sp.Expr, bool]:
        scale = sp.sqrt(kxx) * sp.sqrt(kyy)
        if self.chart is Chart.CORRELATION:
            return correlation - in_chart(next_kxy, self.chart) / scale, False
        if homogeneity(self.activation) != 1:
            return sp.expand(in_chart(next_kxy, self.chart) / scale) - sp.cos(angle), False
        # E[f(u) f(v)] = sqrt(kxx kyy) h(angle), w = sigma_a^2, s = sqrt k.  The mean of both equations for the
        # variances, minus the equation for kxy, is free of the centre, and all of its terms are small for
        # near-duplicates:
        #   (1 - cos t) - w (h(0) - h(t)) = [sigma_b^2 |x - x'|^2 / 2 - (1 - w h(0)) (s_x - s_y)^2 / 2]/(s_x s_y),
        # where |x - x'|^2 / 2 = (|x| - |x'|)^2 / 2 + |x| |x'| gap.
        h = sp.expand(in_chart(self.dual.expression, self.chart) / scale)
        whole = h.subs(angle, 0)
        lost = without_cancellation(whole - h)
        norms = sp.sqrt(cxx) * sp.sqrt(cyy)
        apart = (sp.sqrt(cxx) - sp.sqrt(cyy)) ** 2 / 2 + norms * gap
        drift = (1 - weight_variance * whole) * (sp.sqrt(kxx) - sp.sqrt(kyy)) ** 2 / 2
        return sp.expand(versine(angle) - weight_variance * lost) - (input_variance * apart - drift) / scale, True
