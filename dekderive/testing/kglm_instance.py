"""One problem for the theorems about kernel GLMs: data, kernel, family, prior factor and regularisation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from dekderive.initialisers import DEQWeights, kglm_weights
from dekderive.losses import Pointwise
from dekderive.solvers.kglm import KGLMSolution, solve_kglm
from dekderive.solvers.kglm.problem import Problem, make_problem
from dekderive.testing.observations import Array

__all__ = ["KGLMInstance", "squared_exponential"]


def squared_exponential(left: ArrayLike, right: ArrayLike, lengthscale: float) -> Array:
    r"""Return the matrix of :math:`e^{-|x - x'|^2 / (2 \ell^2)}` between the rows of two arrays; equal rows give 1.

    Examples
    --------
    >>> squared_exponential([[0.0], [1.0]], [[0.0]], 1.0).ravel().round(4)
    array([1.    , 0.6065])
    """
    difference = np.asarray(left, dtype=np.float64)[:, None] - np.asarray(right, dtype=np.float64)
    return np.asarray(np.exp(-0.5 * (difference**2).sum(axis=-1) / lengthscale**2))


@dataclass(frozen=True, eq=False)
class KGLMInstance:
    r"""Find :math:`f = \frac{1}{\lambda} K\,(T - A'(f + M) - Q'(f + M))`, and predict at new inputs.

    Attributes
    ----------
    pointwise : Pointwise
        The loss of the family, with its penalty Q.
    gram : (n, n) ndarray
        K(X, X), positive semi-definite, and singular where an input occurs twice.
    cross : (m, n) ndarray
        K(new, X).
    targets : (n,) ndarray
        Y; for losses made from families the statistics T(Y).
    regularisation : float
        lambda.
    offset : float or (n,) ndarray
        M, inside of the natural domain.
    rows, new_rows : ndarray or None
        X and the new inputs, where K was made from them.
    lengthscale : float or None
    seed : int
        For what a property draws in addition (other starts, perturbations).

    Examples
    --------
    >>> from dekderive.losses import bernoulli, bind
    >>> instance = KGLMInstance(bind(bernoulli), np.eye(2), np.eye(2), np.array([0.0, 1.0]), 0.5)
    >>> instance
    bernoulli: n = 2, lambda = 0.5, L = 0.5, T = [0. 1.]
    >>> instance.solution.f.round(4)
    array([-0.6748,  0.6748])
    """

    pointwise: Pointwise
    gram: Array
    cross: Array
    targets: Array
    regularisation: float
    offset: Array | float = 0.0
    rows: Array | None = None
    new_rows: Array | None = None
    lengthscale: float | None = None
    seed: int = 0

    @cached_property
    def solution(self) -> KGLMSolution:
        """The fit by Newton's method, converged or not."""
        return self.solve()

    def solve(self, solver: str = "newton", start: Array | None = None) -> KGLMSolution:
        """Fit by any of the solvers, from any start."""
        return solve_kglm(
            self.gram,
            self.targets,
            self.pointwise,
            self.regularisation,
            offset=self.offset,
            solver=solver,
            start=start,
        )

    @cached_property
    def problem(self) -> Problem:
        """The equation as solvers see it."""
        return make_problem(self.gram, self.targets, self.pointwise, self.regularisation, offset=self.offset)

    @cached_property
    def layer(self) -> DEQWeights:
        """The equilibrium model of Theorem 3; the family must have its canonical link."""
        return kglm_weights(
            self.pointwise,
            self.gram,
            self.cross,
            regularisation=self.regularisation,
            offset=self.offset,
            readout_offset=self.offset if np.ndim(self.offset) == 0 else 0.0,
        )

    @property
    def lipschitz(self) -> float:
        r""":math:`L = \lVert K/\lambda \rVert_2 \sup (A'' + Q'')`; infinite if the curvature is unbounded."""
        return self.problem.lipschitz

    def local_lipschitz(self, f: Array) -> float:
        """The same with the curvature at f instead of its supremum."""
        return float(self.problem.local_lipschitz(f[None])[0])

    def scale(self, f: Array) -> float:
        """(1 + L)(1 + |f|), L at f: by which rounding errors of the fixed-point map grow."""
        return (1 + self.local_lipschitz(f)) * (1 + float(np.abs(f).max(initial=0.0)))

    def image(self, f: Array) -> Array:
        r"""The map :math:`f \mapsto -\frac{1}{\lambda} K \ell'(f + M)`, written out here, not a solver's."""
        return -self.gram @ self.pointwise.slope(f + self.offset, self.targets) / self.regularisation

    def __repr__(self) -> str:
        penalty = self.pointwise.penalty
        values = {**self.pointwise.values, **(self.pointwise.penalty_values if penalty else {})}
        name = self.pointwise.loss.name + (f" with {penalty.name}" if penalty else "")
        known = f" ({', '.join(f'{k} = {v:g}' for k, v in values.items() if np.ndim(v) == 0)})" if values else ""
        shown = [f"n = {len(self.targets)}", f"lambda = {self.regularisation:.6g}", f"L = {self.lipschitz:.3g}"]
        if np.any(np.asarray(self.offset) != 0):
            shown.append(f"M = {_short(self.offset)}")
        if self.rows is not None and self.lengthscale is not None:
            shown.append(f"X = {_short(self.rows)}, length scale {self.lengthscale:.4g}")
        return f"{name}{known}: {', '.join(shown)}, T = {_short(self.targets)}"


def _short(values: ArrayLike) -> str:
    return np.array2string(np.asarray(values), precision=5, threshold=8, edgeitems=2, max_line_width=1000).replace(
        "\n", ""
    )
