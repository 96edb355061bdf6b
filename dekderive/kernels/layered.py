"""The record of a kernel of finite depth: the expectations that one layer is made of, in forms that keep the gap."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from dekderive.errors import InvalidInput
from dekderive.kernels.execution import from_text
from dekderive.kernels.kernel import Formula, Kernel, Parameter

__all__ = ["Expectation", "LayeredKernel", "with_injection"]


@dataclass(frozen=True, slots=True)
class Expectation:
    r"""The Gaussian expectation :math:`V = \mathbb E[f(u) f(v)]` of one function, as generated formulas.

    They are written in the angle between the two inputs, :math:`k_{xy} = \sqrt{k_{xx} k_{yy}} \cos\theta`, because a
    covariance in floating point has lost what distinguishes near-duplicates.

    Attributes
    ----------
    mean : Formula
        ``E[f(u)^2]`` in kxx.
    mean_gradient : Formula
        Its derivatives in kxx and in the parameters of the activation.
    value : Formula
        V in (angle, kxx, kyy).
    value_gradient : Formula
        Derivatives of V in kxx and kyy *at fixed angle*, and in the parameters of the activation.
    price : Formula or None
        ``dV / dkxy = E[f'(u) f'(v)]``; None where it is infinite or not needed.
    loss : Formula or None
        For positively homogeneous f the gap ``1 - V(angle) / V(0)`` as a function of the angle alone, without
        cancellation.
    degree : float or None
        Degree of homogeneity, if f has one.
    function, derivative : Formula or None
        f and f' themselves, as functions of z, for functions without a degree of homogeneity that are smooth on either
        side of 0 and have no jump there.
    closed : bool
        Whether V is a closed form, right to rounding; otherwise it is right to some 1e-14 of E f^2.
    odd : bool
        Whether f is known to be odd.  Stated of activations of deep equilibrium models only, where nearly opposite
        inputs are then solved for the gap of x and -y.
    """

    mean: Formula
    mean_gradient: Formula
    value: Formula
    value_gradient: Formula
    price: Formula | None
    loss: Formula | None
    degree: float | None
    function: Formula | None
    derivative: Formula | None
    closed: bool
    odd: bool = False


@dataclass(frozen=True, slots=True)
class LayeredKernel:
    r"""The kernel of a network of infinite width and finite depth: of its Gaussian process, or the tangent kernel.

    With weight variance w, bias variance b, second moments c of the inputs and activation :math:`\phi`,

    .. math::

        K^1 = w\, c + b, \qquad K^{l+1} = w\, \mathbb E[\phi(u) \phi(v)] + b, \quad (u, v) \sim N(0, K^l), \qquad
        \Theta^1 = K^1, \qquad \Theta^{l+1} = K^{l+1} + w\, \mathbb E[\phi'(u) \phi'(v)]\, \Theta^l .

    The kernel of depth L is :math:`K^{L+1}` (model ``"nngp"``) or :math:`\Theta^{L+1}` (model ``"ntk"``): L hidden
    layers, and a linear readout with weights and bias of its own.

    Attributes
    ----------
    name, summary, model : str
    depth : int
        Number of hidden layers, that is, of activations.
    parameters : tuple of Parameter
        ``weight_variance``, ``bias_variance``, then those of the activation.
    input_names, pair_names : tuple of str
        What the inputs contribute: ``cxx``, the ``gap`` 1 - cxy / sqrt(cxx cyy), and the ``tilt`` log(cxx / cyy) / 2.
    moments : str
        Name of the default input moments in ``dekderive.gram.moments``.
    activation : Expectation
        Of the activation.
    slope : Expectation or None
        Of its derivative, for the tangent kernel.
    spec : str
        Digest of the mathematics that the module was generated from.
    sources : tuple of str
    first, read : str
        Of networks whose inputs are injected into every layer: where the recursion begins, and what is read off its
        end (see ``Kernel.with_depth``); empty for others.
    text : str
        Source of a kernel that was compiled in memory: it pickles as that, and is executed again where it is unpickled.
    """

    name: str
    summary: str
    model: str
    depth: int
    parameters: tuple[Parameter, ...]
    input_names: tuple[str, ...]
    pair_names: tuple[str, ...]
    moments: str
    activation: Expectation
    slope: Expectation | None
    spec: str
    sources: tuple[str, ...]
    first: str = ""
    read: str = ""
    text: str = dataclasses.field(default="", repr=False, compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        if not self.text:  # of an imported module, whose functions pickle by reference
            return LayeredKernel, tuple(getattr(self, f.name) for f in dataclasses.fields(self))
        return _at_depth, (self.text, self.name, self.depth, self.first)

    def __copy__(self) -> LayeredKernel:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> LayeredKernel:
        return self

    @property
    def own_parameters(self) -> tuple[Parameter, ...]:
        """Those of the activation."""
        variances = ("weight_variance", "input_variance", "bias_variance", "input_dimension")
        return tuple(p for p in self.parameters if p.name not in variances)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the parameters, in order."""
        return tuple(p.name for p in self.parameters)

    def with_depth(self, depth: int) -> LayeredKernel:
        """Return the same kernel with another number of hidden layers.

        Raises
        ------
        InvalidInput
            If `depth` is not a positive integer.
        """
        if isinstance(depth, bool) or int(depth) != depth or depth < 1:
            raise InvalidInput(f"{self.name}: depth is the number of hidden layers, at least 1; got {depth!r}")
        return dataclasses.replace(self, depth=int(depth))

    def __repr__(self) -> str:
        return f"<LayeredKernel {self.name}, depth {self.depth} ({', '.join(self.parameter_names)}): {self.summary}>"


_DIMENSION = Parameter(
    "input_dimension", 0.0, float("inf"), 1.0, "dimension d of the inputs, whose weights are / sqrt d"
)
_FIRST = ("statement", "network")


def with_injection(kernel: Kernel, depth: int, first: str) -> LayeredKernel:
    """Return a network of finite depth with the layers of a deep equilibrium model; see ``Kernel.with_depth``.

    Raises
    ------
    InvalidInput

    Examples
    --------
    >>> from dekderive.kernels import deq_ntk_relu
    >>> with_injection(deq_ntk_relu, 20, "network").parameter_names[-1]
    'input_dimension'
    """
    if kernel.activation is None:
        raise InvalidInput(f"{kernel.name} is not the kernel of a deep equilibrium model, and has no finite depth")
    if first not in _FIRST:
        raise InvalidInput(f"{kernel.name}: first must be one of {', '.join(_FIRST)}, got {first!r}")
    return LayeredKernel(
        name=kernel.name,
        summary=f"{kernel.summary}, after finitely many steps",
        model=kernel.model,
        depth=1,
        parameters=(*kernel.parameters, *((_DIMENSION,) if first == "network" else ())),
        input_names=("cxx",),
        pair_names=("gap", "tilt"),
        moments=kernel.moments,
        activation=kernel.activation,
        slope=kernel.slope,
        spec=kernel.spec,
        sources=kernel.sources,
        first=first,
        read=kernel.read,
        text=kernel.text,
    ).with_depth(depth)


def _at_depth(text: str, name: str, depth: int, first: str) -> LayeredKernel:
    """Return a compiled kernel from its pickle."""
    kernel: Any = from_text(text, name, "KERNEL")
    return kernel.with_depth(depth, first) if first else kernel.with_depth(depth)
