"""What a solver of a kernel GLM returns: the predictor, its coefficients, and what is proved about them."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dekderive.errors import NotConverged
from dekderive.solvers.solution import Status

__all__ = ["Array", "Certificate", "KGLMSolution"]

Array = NDArray[np.float64]


class Certificate(enum.Enum):
    """Why the equation of the fit has exactly one solution."""

    CONTRACTION = "contraction: the bound of the Lipschitz constant is below 1, so plain iteration converges too"
    STRICT_CONVEXITY = "convexity: the kernel matrix is positive semi-definite and the loss is convex"


@dataclass(frozen=True, slots=True, eq=False)
class KGLMSolution:
    r"""The fit of a kernel GLM at its training inputs.

    Attributes
    ----------
    f : (n,) or (n, t) ndarray
        The predictor without the offset, :math:`f = K \alpha`.
    alpha : ndarray
        Its coefficients, :math:`\alpha = -\ell'(f + M; y) / \lambda`; predictions elsewhere are ``k(., X) @ alpha``.
    residual : float or (t,) ndarray
        :math:`\lVert f + K \ell'(f + M; y) / \lambda \rVert_\infty`, one for each target.
    iterations : int
        Of the slowest target.
    status : Status
        The worst over the targets.
    solver : str
        Which method it was.
    lipschitz : float
        :math:`L = \lVert K \rVert_2 \sup \ell'' / \lambda`, the Lipschitz constant of the map whose fixed point f is
        (estimated to many digits; ``inf`` if the curvature is unbounded).
    lipschitz_bound : float
        An upper bound of it, up to rounding.
    certificate : Certificate
    error_bound : float or (t,) ndarray
        A proved bound of :math:`\lVert f - f^* \rVert_2`, rounding included to first order; it needs no bound of the
        curvature (``dekderive.solvers.kglm.bounds``).  Infinite where the fit did not converge to anything.
    """

    f: Array
    alpha: Array
    residual: Any
    iterations: int
    status: Status
    solver: str
    lipschitz: float
    lipschitz_bound: float
    certificate: Certificate
    error_bound: Any

    @property
    def converged(self) -> bool:
        """Whether every target reached the tolerance."""
        return self.status is Status.CONVERGED

    def raise_for_status(self) -> KGLMSolution:
        """Return the solution itself if it converged.

        Raises
        ------
        NotConverged
            Otherwise; the message has the solver, the residual and L.
        """
        if not self.converged:
            raise NotConverged(
                f"{self.status.value} ({self.solver}: residual {np.max(self.residual):.3g} after {self.iterations} "
                f"iterations, Lipschitz constant {self.lipschitz:.3g})"
            )
        return self
