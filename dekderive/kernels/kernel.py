"""The record that a generated module fills in: formulas as functions, and what is known about them."""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from dekderive.kernels.execution import from_text

if TYPE_CHECKING:
    from dekderive.kernels.layered import Expectation, LayeredKernel

__all__ = ["Chart", "Claim", "Formula", "Kernel", "Parameter"]


class Chart(enum.Enum):
    """The coordinate in which the off-diagonal equation is solved."""

    CORRELATION = "correlation"  # kxy = sqrt(kxx kyy) r,           r in [-1, 1]
    ANGLE = "angle"  # kxy = sqrt(kxx kyy) cos(theta),  theta in [0, pi]; removes the square-root singularity at r = +-1


class Claim(enum.Enum):
    """What is proved about the update map, and hence what may stop a solver."""

    CONTRACTION = "contraction: the map shrinks distances by the modulus, so the Banach bound holds"
    UNIQUE_ROOT = "unique root: the equation in the chart changes sign exactly once inside the interval"
    NONE = "no claim: the solver reports a residual, and no error bound"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a kernel: an open interval, a default, and one sentence."""

    name: str
    lower: float
    upper: float
    default: float
    description: str
    lower_closed: bool = False  # whether `lower` itself is allowed (a variance may be zero)


@dataclass(frozen=True, slots=True)
class Formula:
    """A generated elementwise function and the names of its arguments, in order."""

    function: Callable[..., Any]
    arguments: tuple[str, ...]

    def __call__(self, *args: Any, **values: Any) -> Any:
        """Evaluate with positional or keyword arguments; an unknown name is a TypeError."""
        return self.function(*args, **values)

    def at(self, values: Mapping[str, Any]) -> Any:
        """Evaluate, taking the arguments that are needed from a larger mapping."""
        return self.function(*(values[name] for name in self.arguments))


@dataclass(frozen=True, slots=True)
class Kernel:
    """An infinitely deep kernel, in the form that solvers and estimators read.

    The kernel is the fixed point of a triangular recursion on covariances: the variances kxx obey an equation of their
    own (`diagonal_step`), and given them each kxy obeys a scalar equation (`step`).

    Attributes
    ----------
    name, summary, model : str
        `model` is ``"deker"``, ``"deq_ntk"``, ``"deq_nngp"``, ``"implicit_ck"`` or ``"implicit_ntk"``.
    parameters : tuple of Parameter
    input_names, pair_names : tuple of str
        What the inputs contribute, per input (``cxx``, ``mean_x``) and per pair (``cxy``, and ``gap`` for charts that
        carry ``1 - cxy / sqrt(cxx cyy)`` apart so that near-duplicates keep their digits).
    moments : str
        Name of the default input moments in ``dekderive.gram.moments``.
    chart : Chart
    diagonal_step, diagonal_step_derivative : Formula
        ``kxx -> next kxx`` and its derivative in ``kxx``.
    diagonal_fixed_point : Formula or None
        Closed form of the fixed point of `diagonal_step`, NaN where there is none; None where no closed form is known.
    step, step_derivative : Formula
        ``kxy -> next kxy`` and its derivative in ``kxy``, from Price's theorem.
    residual, residual_derivative : Formula
        The off-diagonal equation in the chart: at most 0 at the lower end, at least 0 at the upper end.
    start : Formula or None
        Starting point in the chart from which Newton's method converges monotonically.
    readout, readout_diagonal : Formula
        The kernel value, from the chart coordinate and from ``kxx`` at x = x'.
    diagonal_step_gradient, residual_gradient, readout_gradient, readout_diagonal_gradient : Formula
        Tuples of partial derivatives, for the implicit function theorem.  Order: chart coordinate (readout only), kxx,
        kyy (neither for `diagonal_step_gradient`; kyy only for pairs), then the parameters in their order.
    diagonal_step_input_gradient, residual_input_gradient : Formula or None
        Partial derivatives in the moments of x: `input_names`, and for the residual then `pair_names`; None for deep
        equilibrium models, whose expectations serve for that.
    claim : Claim
    modulus : Formula or None
        Bound of ``|step_derivative|`` for given variances, moments and parameters, where `claim` is CONTRACTION.  It
        may exceed 1 for some pairs, and then nothing is claimed of those.
    spec : str
        Digest of the mathematics that the module was generated from.
    sources : tuple of str
    activation, slope : Expectation or None
        Of a deep equilibrium model: the expectations of the activation and, for its tangent kernel, of its derivative,
        as a network of finite depth has them.
    read : str
        Of a deep equilibrium model: ``"preactivation"``, ``"linear"`` or ``"activation"``.
    text : str
        Source of a kernel that was compiled in memory: it pickles as that, and is executed again where it is unpickled.
    """

    name: str
    summary: str
    model: str
    parameters: tuple[Parameter, ...]
    input_names: tuple[str, ...]
    pair_names: tuple[str, ...]
    moments: str
    chart: Chart
    diagonal_step: Formula
    diagonal_step_derivative: Formula
    diagonal_fixed_point: Formula | None
    step: Formula
    step_derivative: Formula
    residual: Formula
    residual_derivative: Formula
    start: Formula | None
    readout: Formula
    readout_diagonal: Formula
    diagonal_step_gradient: Formula
    residual_gradient: Formula
    readout_gradient: Formula
    readout_diagonal_gradient: Formula
    claim: Claim
    modulus: Formula | None
    spec: str
    sources: tuple[str, ...]
    diagonal_step_input_gradient: Formula | None = None
    residual_input_gradient: Formula | None = None
    activation: "Expectation | None" = None
    slope: "Expectation | None" = None
    read: str = "preactivation"
    text: str = field(default="", repr=False, compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        if not self.text:  # of an imported module, whose functions pickle by reference
            return Kernel, tuple(getattr(self, f.name) for f in fields(self))
        return from_text, (self.text, self.name, "KERNEL")

    def __copy__(self) -> "Kernel":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Kernel":
        return self

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the parameters, in order."""
        return tuple(p.name for p in self.parameters)

    @property
    def solved_in_gaps(self) -> bool:
        """Whether Gram matrices are solved for the gap: an activation with expectations, but without a degree."""
        return self.activation is not None and self.activation.loss is None and self.activation.price is not None

    def with_depth(self, depth: int, first: str = "statement") -> "LayeredKernel":
        r"""Return the kernel after finitely many steps: a network of finite depth with injected inputs.

        .. math:: \Sigma^{(l)} = \sigma_w^2\, \mathbb E[\phi(u)\phi(v)] + \sigma_u^2 c + \sigma_b^2, \qquad
                  \Theta^{(l)} = \Sigma^{(l)} + \sigma_w^2\, \mathbb E[\phi'(u)\phi'(v)]\, \Theta^{(l-1)},
                  \qquad (u, v) \sim N(0, \Sigma^{(l-1)}) .

        Parameters
        ----------
        depth : int
            Number of activations, at least 1: the L of the paper.
        first : {"statement", "network"}
            Where the recursion begins.  ``"statement"`` is equation (6) of the paper:
            :math:`\Theta^{(0)} = \Sigma^{(0)} = c`, the kernel of the network behind a trained random linear layer.
            ``"network"`` is the network that the paper describes, whose first weights are applied to the inputs
            themselves, divided by the root of their dimension d: :math:`\Sigma^{(0)} = (\sigma_w^2/d + \sigma_u^2)\, c
            + \sigma_b^2`, with one more parameter ``input_dimension``.  Both have the same limit.

        Returns
        -------
        LayeredKernel

        Raises
        ------
        InvalidInput
            If the kernel is not one of a deep equilibrium model, or the arguments are not as above.

        Notes
        -----
        Source: Feng and Kolter, Theorem 1, with the convention :math:`\dot\Sigma^{(L+1)} = 1`.

        Examples
        --------
        >>> from dekderive.gram import gram
        >>> from dekderive.kernels import deq_ntk_relu
        >>> gram(deq_ntk_relu.with_depth(1), [[1.0]], weight_variance=0.6, input_variance=0.4)
        array([[1.6]])
        >>> gram(deq_ntk_relu.with_depth(1, "network"), [[1.0]], weight_variance=0.6, input_variance=0.4,
        ...      input_dimension=3.0).round(12)
        array([[1.12]])
        """
        from dekderive.kernels.layered import with_injection

        return with_injection(self, depth, first)

    def __repr__(self) -> str:
        return f"<Kernel {self.name}({', '.join(self.parameter_names)}): {self.summary}>"
