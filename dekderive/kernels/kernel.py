"""The record that a generated module fills in: formulas as functions, and what is known about them."""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from dekderive.kernels.execution import from_text

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
        `model` is ``"deker"``, ``"deq_ntk"``, ``"implicit_ck"`` or ``"implicit_ntk"``.
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
    claim : Claim
    modulus : Formula or None
        Bound of ``|step_derivative|`` for given variances, moments and parameters, where `claim` is CONTRACTION.  It
        may exceed 1 for some pairs, and then nothing is claimed of those.
    spec : str
        Digest of the mathematics that the module was generated from.
    sources : tuple of str
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

    def __repr__(self) -> str:
        return f"<Kernel {self.name}({', '.join(self.parameter_names)}): {self.summary}>"
