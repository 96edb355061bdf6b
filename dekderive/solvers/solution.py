"""What a solver returns: the value, how far it is from a fixed point, and in words whether to trust it."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dekderive.errors import NoFixedPoint, NotConverged

__all__ = ["Array", "Solution", "Status"]

Array = NDArray[np.floating[Any]]


class Status(enum.Enum):
    """How a solve ended; the value of a member is a sentence for the user."""

    CONVERGED = "the solver reached its tolerance"
    MAX_STEPS = "the solver used up its steps before it reached its tolerance; allow more steps or loosen the tolerance"
    NON_FINITE = "the iteration met an overflow or a NaN; rescale the inputs or choose another start"
    NO_FIXED_POINT = "the update map has no fixed point for these inputs"

    @property
    def code(self) -> int:
        """Position in the order from harmless to hopeless; arrays of outcomes hold it."""
        return list(Status).index(self)


def worst(codes: NDArray[np.int8]) -> Status:
    """The most severe of the outcomes of the entries of an array."""
    return list(Status)[int(np.max(codes, initial=0))]


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    r"""A fixed point or a root, entry by entry, with what is known about its quality.

    Attributes
    ----------
    value : ndarray
        NaN wherever there is no number worth returning (no fixed point, overflow).
    residual : ndarray or float
        Absolute value of the equation's left-hand side at `value`; each solver says in which equation.
    steps : int
        Number of iterations of the slowest entry.
    status : Status
        The worst over all entries.
    error_bound : ndarray, float or None
        A bound on the distance to the exact solution that a theorem provides, in exact arithmetic: the rounding errors
        made when the map itself is evaluated are not part of it.  None where no theorem covers the problem, and
        infinite at entries where a theorem applies but its test failed.
    state : mapping of str to ndarray
        Further quantities by name; for arrays of problems ``state["failed"]`` marks the entries that did not converge.
    message : str
        What exactly went wrong, where more can be said than `status` says; otherwise empty.

    Examples
    --------
    >>> import numpy as np
    >>> from dekderive.solvers import newton
    >>> root = newton(lambda x: x * x - 2, lambda x: 2 * x, start=1.0, lower=0.0, upper=2.0)
    >>> float(root.raise_for_status().value)
    1.414213562373095
    """

    value: Array
    residual: Array | float
    steps: int
    status: Status
    error_bound: Array | float | None = None
    state: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    message: str = ""

    def raise_for_status(self) -> "Solution":
        """Return the solution itself if every entry converged.

        Raises
        ------
        NoFixedPoint
            If some entry has no fixed point.
        NotConverged
            If some entry ran out of steps or met a non-finite number.
        """
        if self.status is Status.CONVERGED:
            return self
        failed = np.asarray(self.state.get("failed", True))
        where = f" ({int(failed.sum())} of {failed.size} entries)" if failed.size > 1 else ""
        detail = f": {self.message}" if self.message else "."
        error = NoFixedPoint if self.status is Status.NO_FIXED_POINT else NotConverged
        raise error(f"{self.status.value}{where}{detail}")
