"""What follows from a fit without fitting again: leverages, leave-one-out, evidence, variances and derivatives."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import cho_solve, solve_triangular

from dekderive.losses.pointwise import Pointwise
from dekderive.solvers.kglm.newton import factor
from dekderive.solvers.kglm.problem import Problem
from dekderive.solvers.kglm.solution import Array

__all__ = ["FitStatistics"]


@dataclass(frozen=True)
class FitStatistics:
    r"""Statistics of the fit of one target, from one Cholesky factor of :math:`B = \lambda I + S K S`.

    Parameters
    ----------
    problem : Problem
        With a dense matrix and one target.
    f : (n,) ndarray
        The solution.
    """

    problem: Problem
    f: Array

    @property
    def gram(self) -> Array:
        """K."""
        return self.problem.matrix.entries  # type: ignore[union-attr]

    @cached_property
    def curvature(self) -> Array:
        """D = w l'' at the fit."""
        return np.maximum(self.problem.curvature(self.f[None])[0], 0.0)

    @cached_property
    def slope(self) -> Array:
        """W l' at the fit."""
        return np.broadcast_to(self.problem.slope(self.f[None])[0], self.f.shape)

    @cached_property
    def alpha(self) -> Array:
        """The coefficients."""
        return self.slope / -self.problem.regularisation

    @cached_property
    def _lower(self) -> Array:
        return factor(self.gram, self.curvature, self.problem.regularisation)

    def _whitened(self, columns: Array) -> Array:
        """L^{-1} S columns."""
        s = np.sqrt(self.curvature)
        scaled = columns * (s if columns.ndim == 1 else s[:, None])
        return solve_triangular(self._lower, scaled, lower=True, check_finite=False, overwrite_b=True)

    @cached_property
    def leverages(self) -> Array:
        r"""The diagonal h of :math:`(\lambda K^{-1} + D)^{-1}`: the Laplace variances at the training inputs."""
        return self.variance(self.gram, np.diag(self.gram))

    def variance(self, cross: Array, diagonal: Array) -> Array:
        r"""Laplace variances :math:`(k(x, x) - k S B^{-1} S k^T) / \lambda` at inputs with K(X, x) = `cross`."""
        explained = (self._whitened(cross) ** 2).sum(axis=0)
        return np.maximum(diagonal - explained, 0.0) / self.problem.regularisation

    @cached_property
    def edf(self) -> float:
        """Effective degrees of freedom: the sum of the derivatives of the fitted means in their own targets."""
        with np.errstate(all="ignore"):
            data = np.broadcast_to(self.problem.pointwise.loss.curvature.at(self._values), self.f.shape)
        w = np.broadcast_to(self.problem.weights, self.f.shape)
        return float((w[w > 0] * data[w > 0] * self.leverages[w > 0]).sum())

    @property
    def _values(self) -> dict[str, object]:
        p = self.problem
        return {**p.pointwise.values, "eta": self.f + p.offset, "y": p.targets[0]}

    @property
    def observations(self) -> float:
        """The sum of the weights."""
        return float(np.sum(np.broadcast_to(self.problem.weights, self.f.shape)))

    def covariance(self, right: Array) -> Array:
        r""":math:`(\lambda K^{-1} + D)^{-1}` times `right`, (n,) or (n, m)."""
        return self.solve_jacobian(self.gram @ right) / self.problem.regularisation

    @property
    def deviance(self) -> float:
        """The deviance of the fit: twice the loss less that of a saturated model."""
        return self._deviance(self.f)

    @property
    def loo_deviance(self) -> float:
        """The deviance of left-out observations."""
        return self._deviance(self.loo)

    def _deviance(self, f: Array) -> float:
        p, y = self.problem, self.problem.targets[0]
        bare = Pointwise(p.pointwise.loss, None, p.pointwise.values)
        excess = bare.value(f + p.offset, y) - bare.best(y)
        w = np.broadcast_to(p.weights, excess.shape)
        return float(2 * np.sum(w[w > 0] * excess[w > 0]))

    @cached_property
    def loo(self) -> Array:
        r"""Predictors at each input with its observation (and its penalty) left out.

        They are :math:`f_i + h_i l'_i/(1 - D_i h_i)`, exact where the loss is quadratic and otherwise one
        Newton step from the fit.
        """
        rest = 1 - self.curvature * self.leverages
        return self.f + self.leverages * self.slope / np.maximum(rest, np.finfo(float).eps)

    @cached_property
    def log_evidence(self) -> float:
        r"""Laplace's approximation :math:`-\Psi - \frac12 \log\det(I + S K S / \lambda)`, up to the base measure."""
        n, p = len(self.f), self.problem
        determinant = 2 * float(np.log(np.diag(self._lower)).sum()) - n * math.log(p.regularisation)
        return -float(p.objective(self.f[None], self.alpha[None])[0]) - 0.5 * determinant

    def solve_jacobian(self, right: Array) -> Array:
        r"""J^{-1} right for :math:`J = I + K D / \lambda`, the Jacobian of the equation: right - K S B^{-1} S right."""
        s = np.sqrt(self.curvature)
        s = s if right.ndim == 1 else s[:, None]
        return right - self.gram @ (s * cho_solve((self._lower, True), s * right, check_finite=False))

    @property
    def by_regularisation(self) -> Array:
        r"""Df / d lambda = -J^{-1} f / lambda, shape (n,)."""
        return self.solve_jacobian(self.f) / -self.problem.regularisation

    @property
    def by_targets(self) -> Array:
        r"""df_i / dy_j = -(J^{-1} K)_{ij} w_j (dl'/dy)_j / lambda, shape (n, n)."""
        p = self.problem
        cross = p.weights * p.pointwise.cross(self.f + p.offset, p.targets[0])
        return self.solve_jacobian(self.gram) * (cross / -p.regularisation)

    @property
    def by_offset(self) -> Array:
        r"""df_i / dM_j = -(J^{-1} K)_{ij} D_j / lambda, shape (n, n)."""
        return self.solve_jacobian(self.gram) * (self.curvature / -self.problem.regularisation)

    def by_kernel(self, derivatives: Array) -> Array:
        r"""Df / d theta = J^{-1} (dK / d theta) alpha for derivatives of K of shape (n, n, p); shape (n, p)."""
        return self.solve_jacobian(np.einsum("ijp,j->ip", derivatives, self.alpha))
