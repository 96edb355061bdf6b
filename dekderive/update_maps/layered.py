"""Kernels of finite depth: the Gaussian process and the tangent kernel of an infinitely wide network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from dekderive.citations import Citation, cite
from dekderive.duals import Dual
from dekderive.errors import NotIntegrable
from dekderive.kernels.kernel import Claim, Parameter
from dekderive.symbols import bias_variance, cxx, gap, kxx, weight_variance, z
from dekderive.update_maps.expectation import ExpectationForms, expectation_forms, regular_derivative

__all__ = ["LayeredMap", "nngp", "ntk", "own_parameters"]


@dataclass(frozen=True, slots=True)
class LayeredMap:
    """One layer of a network of infinite width, from which a kernel of any depth is made.

    Attributes
    ----------
    name, summary, model : str
    parameters : tuple of (sympy.Symbol, Parameter)
    inputs, pair_inputs : tuple of sympy.Symbol
    moments : str
        Default input moments (``dekderive.gram.moments``).
    functions : tuple of (str, sympy.Expr)
        The activation, and its slope for the tangent kernel, as functions of ``z``.
    activation, slope : ExpectationForms
        ``slope`` is None for the Gaussian process.
    origin : Citation
    """

    name: str
    summary: str
    model: str
    parameters: tuple[tuple[sp.Symbol, Parameter], ...]
    inputs: tuple[sp.Symbol, ...]
    pair_inputs: tuple[sp.Symbol, ...]
    moments: str
    functions: tuple[tuple[str, sp.Expr], ...]
    activation: ExpectationForms
    slope: ExpectationForms | None
    origin: Citation

    claim = Claim.NONE  # a recursion of finite depth has no fixed point to claim anything about

    @property
    def duals(self) -> tuple[tuple[str, Dual], ...]:
        """The Gaussian expectations that a layer is made of."""
        slope = () if self.slope is None else (("slope_slope", self.slope.dual),)
        return (("activation_activation", self.activation.dual), *slope)

    @property
    def expectations(self) -> tuple[tuple[str, ExpectationForms], ...]:
        """The same by the names of the record's fields."""
        slope = () if self.slope is None else (("slope", self.slope),)
        return (("activation", self.activation), *slope)

    @property
    def activation_parameters(self) -> tuple[sp.Symbol, ...]:
        """Parameters of the activation, in order."""
        return tuple(symbol for symbol, _ in self.parameters[2:])


def nngp(activation: sp.Expr, *, name: str | None = None) -> LayeredMap:
    r"""Derive the covariance of the Gaussian process that an infinitely wide network is at initialisation.

    With weight variance w, bias variance b and second moments c of the inputs,

    .. math:: K^1 = w\, c + b, \qquad K^{l+1} = w\, \mathbb E[\phi(u) \phi(v)] + b, \quad (u, v) \sim N(0, K^l),

    and :math:`K^{L+1}` is the kernel of depth L: L hidden layers, each with its activation, and a linear readout.
    Depth is no part of the derivation: the generated kernel has depth 1, and ``kernel.with_depth(L)`` any other.

    Parameters
    ----------
    activation : sympy.Expr
        As a function of ``z``.  Symbols made with :func:`dekderive.parameters.parameter` become parameters of the
        kernel, where the expectation has a closed form.
    name : str, optional

    Returns
    -------
    LayeredMap

    Raises
    ------
    NotIntegrable, NoClosedForm
        From the expectation.

    Notes
    -----
    Source: Lee et al. (2018), equations (4) and (5), whose inputs are divided by the root of their dimension:
    ``linear(scale=d ** -0.5)``.  It is the ``nngp`` of neural-tangents for ``serial(Dense(n, W_std, b_std), phi, ...,
    Dense(1, W_std, b_std))`` with ``W_std**2`` and ``b_std**2`` for the two variances, under the same scale.

    Examples
    --------
    >>> from dekderive.atoms import relu
    >>> nngp(relu(z)).activation.loss
    -sin_minus_xcos(angle)/pi + versine(angle)
    """
    return LayeredMap(
        name=name or "nngp",
        summary=f"Gaussian process of a wide network with activation {activation}",
        model="nngp",
        functions=(("activation", activation),),
        activation=(forms := expectation_forms(activation)),
        slope=None,
        origin=cite("lee2018deep"),
        parameters=_parameters(activation, forms),
        **_INPUTS,
    )


def ntk(activation: sp.Expr, *, name: str | None = None) -> LayeredMap:
    r"""Derive the tangent kernel of an infinitely wide network, all of its weights and biases being trained.

    Next to the covariances of :func:`nngp` it takes the tangent kernel from layer to layer,

    .. math:: \Theta^1 = K^1, \qquad
              \Theta^{l+1} = K^{l+1} + w\, \mathbb E[\phi'(u) \phi'(v)]\, \Theta^l, \quad (u, v) \sim N(0, K^l),

    and :math:`\Theta^{L+1}` is the kernel of depth L.

    Parameters
    ----------
    activation, name
        As for :func:`nngp`.

    Returns
    -------
    LayeredMap

    Raises
    ------
    NotIntegrable
        If the activation jumps: the tangent kernel is then infinite at x = x'.
    NoClosedForm
        From the expectations.

    Notes
    -----
    Source: Jacot et al. (2018), Theorem 1, who has w = 1 (after the first layer's inputs are divided by the root of
    their dimension) and b = beta^2.  It is the ``ntk`` of neural-tangents in its NTK parameterisation.  Arora et al.
    (2019) leave out the weight variance of the first layer: their kernel has ``linear(scale=w ** -0.5)``, w = 2 for the
    rectifier, and no bias.

    Examples
    --------
    >>> from dekderive.atoms import relu
    >>> ntk(relu(z)).slope.loss
    angle/pi
    """
    slope, jumps = regular_derivative(activation)
    if jumps:
        raise NotIntegrable(
            f"{activation} jumps, so that E[phi'(u)^2] is infinite and with it the tangent kernel at x = x'; "
            "nngp() has no derivatives"
        )
    forms = expectation_forms(activation)
    return LayeredMap(
        name=name or "ntk",
        summary=f"tangent kernel of a wide network with activation {activation}",
        model="ntk",
        functions=(("activation", activation), ("activation_slope", slope)),
        activation=forms,
        slope=expectation_forms(slope),
        origin=cite("jacot2018neural", "Theorem 1"),
        parameters=_parameters(activation, forms),
        **_INPUTS,
    )


_tilt = sp.Symbol("tilt", real=True)  # log(cxx / cyy) / 2
_INPUTS: dict[str, Any] = {"inputs": (cxx,), "pair_inputs": (gap, _tilt), "moments": "linear"}


def _parameters(activation: sp.Expr, forms: ExpectationForms) -> tuple[tuple[sp.Symbol, Parameter], ...]:
    """Both variances, and the activation's own parameters by name."""
    # The default of a homogeneous activation keeps variances as they are from layer to layer.
    unit = forms.mean.subs(kxx, 1) if forms.degree == 1 else sp.S.One
    keeping = float(1 / unit) if unit.is_number else 1.0
    infinity = float("inf")
    return (
        (weight_variance, Parameter("weight_variance", 0.0, infinity, keeping, "variance of the weights")),
        (bias_variance, Parameter("bias_variance", 0.0, infinity, 0.0, "variance of the biases", True)),
        *own_parameters(activation),
    )


def own_parameters(activation: sp.Expr) -> tuple[tuple[sp.Symbol, Parameter], ...]:
    """The activation's own parameters, by name.

    Examples
    --------
    >>> from dekderive.parameters import parameter
    >>> [record.name for _, record in own_parameters(sp.sin(parameter("rate") * z))]
    ['rate']
    """
    return tuple((s, _own(s)) for s in sorted(activation.free_symbols - {z}, key=lambda s: s.name))


def _own(symbol: sp.Symbol) -> Parameter:
    lower = 0.0 if symbol.is_nonnegative else -float("inf")
    closed = bool(symbol.is_nonnegative and not symbol.is_positive)
    return Parameter(symbol.name, lower, float("inf"), 1.0, "of the activation", closed)
