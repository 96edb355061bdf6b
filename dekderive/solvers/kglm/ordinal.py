"""Ordered categories: the thresholds of the cumulative logit model, estimated together with the predictor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from dekderive.errors import InvalidInput, NotConverged
from dekderive.losses import Penalty, Pointwise, bind, cumulative_logit
from dekderive.solvers.kglm.matrices import Dense, as_matrix
from dekderive.solvers.kglm.problem import make_problem
from dekderive.solvers.kglm.solution import Array, KGLMSolution
from dekderive.solvers.kglm.solve import solve_kglm
from dekderive.solvers.kglm.statistics import FitStatistics

__all__ = ["OrdinalStatistics", "solve_ordinal", "threshold_pairs"]

_STEPS = 100
_HALVINGS = 50


def threshold_pairs(levels: NDArray[np.intp], thresholds: Array) -> tuple[Array, Array]:
    """Return the thresholds below and above each observed category.

    Examples
    --------
    >>> threshold_pairs(np.array([0, 1]), np.array([0.5]))
    (array([-inf,  0.5]), array([0.5, inf]))
    """
    padded = np.concatenate([[-np.inf], thresholds, [np.inf]])
    return padded[levels], padded[levels + 1]


def _bound(
    levels: NDArray[np.intp], thresholds: Array, penalty: Penalty | None, values: Mapping[str, Any] | None
) -> Pointwise:
    below, above = threshold_pairs(levels, thresholds)
    return bind(cumulative_logit, {"below": below, "above": above}, penalty, values)


def solve_ordinal(
    gram: ArrayLike | Dense,
    levels: ArrayLike,
    regularisation: float,
    *,
    thresholds: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    penalty: Penalty | None = None,
    penalty_values: Mapping[str, Any] | None = None,
) -> OrdinalStatistics:
    r"""Fit :math:`P(y \le j) = \mathrm{expit}(\theta_j - f - M)`; jointly convex in f and the thresholds.

    The thresholds are found by Newton's method on the profile, the minimum over f, whose Hessian is a Schur
    complement of the joint one.

    Parameters
    ----------
    gram : (n, n) array_like
    levels : (n,) array_like of int
        Categories 0, 1, ..., J - 1, each of them observed.
    regularisation : float
    thresholds : (J - 1,) array_like, optional
        Increasing; estimated if left out.
    weights, offset : array_like, optional
    penalty, penalty_values : optional
        A penalty of the predictor f + M; without one, adding a constant to f and to the thresholds changes only the
        norm of f.

    Returns
    -------
    OrdinalStatistics
        With the `solution`, the `thresholds` and what follows from them.

    Raises
    ------
    InvalidInput
        If a category is not observed, or the thresholds do not increase.
    NotConverged
        If the thresholds could not be found.

    Examples
    --------
    >>> x = np.linspace(-2, 2, 30)
    >>> gram = np.exp(-0.5 * (x[:, None] - x) ** 2)
    >>> fit = solve_ordinal(gram, np.digitize(x, [-0.8, 0.8]), 0.5)
    >>> fit.solution.converged, bool(abs(fit.thresholds.sum()) < 1e-10)
    (True, True)
    """
    matrix = as_matrix(gram)
    level = np.asarray(levels).astype(np.intp)
    w = np.ones(len(level)) if weights is None else np.asarray(weights, dtype=np.float64)
    count = int(level.max(initial=0)) + 1
    shares = np.bincount(level, weights=w, minlength=count)
    if count < 2 or (shares <= 0).any():
        raise InvalidInput("ordered classes must be numbered 0, 1, ... without gaps, two or more, each with a weight")

    def statistics(theta: Array, start: Array | None = None) -> OrdinalStatistics:
        bound = _bound(level, theta, penalty, penalty_values)
        y = np.zeros(len(level))
        fit = solve_kglm(matrix, y, bound, regularisation, weights=w, offset=offset, start=start)
        problem = make_problem(matrix, y, bound, regularisation, w, offset)
        return OrdinalStatistics(FitStatistics(problem, fit.f), level, theta, fit)

    if thresholds is not None:
        theta = np.asarray(thresholds, dtype=np.float64)
        if theta.shape != (count - 1,) or (np.diff(theta) <= 0).any():
            raise InvalidInput(f"thresholds must be {count - 1} increasing numbers, got {theta}")
        return statistics(theta)
    cumulative = np.cumsum(shares)[:-1] / shares.sum()
    return _estimated(statistics, np.log(cumulative / (1 - cumulative)))


def _estimated(statistics: Any, start: Array) -> OrdinalStatistics:
    """Newton's method on the profile, which is convex where the thresholds increase and infinite elsewhere."""
    here: OrdinalStatistics = statistics(start)
    for _ in range(_STEPS):
        slope = here.threshold_slope
        step = -np.linalg.solve(here.schur, slope)
        if np.abs(step).max() <= 1e-13 * (1 + np.abs(here.thresholds).max()):
            return here
        decrease, noise = float(slope @ step), 1e-12 * (1 + abs(here.objective))
        t = 1.0
        for _ in range(_HALVINGS):
            theta = here.thresholds + t * step
            if (np.diff(theta) > 0).all():
                there = statistics(theta, here.fixed.f - here.spread @ (t * step))  # f moves along with them
                if there.objective <= here.objective + 1e-4 * t * decrease + noise:
                    break
            t *= 0.5
        else:
            break
        if abs(decrease) <= noise and np.abs(there.threshold_slope).max() >= 0.5 * np.abs(slope).max():
            return here  # rounding is reached
        here = there
    raise NotConverged(
        f"the thresholds were not found in {_STEPS} steps (slope {np.abs(here.threshold_slope).max():.3g}); raise the "
        "regularisation, or pass thresholds"
    )


@dataclass(frozen=True)
class OrdinalStatistics:
    r"""What follows from an ordinal fit without fitting again, with the thresholds as parameters of their own.

    The joint Hessian in the predictor and the thresholds is :math:`\begin{pmatrix} \lambda K^{-1} + D & N \\ N^T & P
    \end{pmatrix}`; with :math:`\Sigma = (\lambda K^{-1} + D)^{-1}` and the Schur complement :math:`C = P - N^T \Sigma
    N` nothing but small matrices is needed beyond the statistics for fixed thresholds.

    Attributes
    ----------
    fixed : FitStatistics
        Those for fixed thresholds.
    levels : (n,) ndarray of int
    thresholds : (J - 1,) ndarray
    solution : KGLMSolution
    """

    fixed: FitStatistics
    levels: NDArray[np.intp]
    thresholds: Array
    solution: KGLMSolution

    @property
    def objective(self) -> float:
        """Loss, penalty and norm."""
        f = self.fixed.f[None]
        return float(self.fixed.problem.objective(f, self.fixed.alpha[None])[0])

    @cached_property
    def _locals(self) -> tuple[Array, Array]:
        """Slopes (n, 3) and Hessians (n, 3, 3) of the observations in (predictor, threshold below, above), weighted."""
        problem = self.fixed.problem
        below, above = threshold_pairs(self.levels, self.thresholds)
        eta = self.fixed.f + problem.offset
        p, q = expit(eta - above), expit(below - eta)
        with np.errstate(all="ignore"):
            gap = above - below
            g, gg = 1 / np.expm1(gap), 0.25 / np.sinh(0.5 * gap) ** 2  # 0 where a threshold is infinite
        dp, dq = p * expit(above - eta), q * expit(eta - below)
        slopes = np.stack([p - q, q + g, -p - g], axis=1)
        hessians = np.empty((len(eta), 3, 3))
        hessians[:, 0, 0], hessians[:, 1, 1], hessians[:, 2, 2] = dp + dq, dq + gg, dp + gg
        hessians[:, 0, 1] = hessians[:, 1, 0] = -dq
        hessians[:, 0, 2] = hessians[:, 2, 0] = -dp
        hessians[:, 1, 2] = hessians[:, 2, 1] = -gg
        w = np.broadcast_to(problem.weights, eta.shape)
        return slopes * w[:, None], hessians * w[:, None, None]

    @cached_property
    def _selectors(self) -> Array:
        """(n, 2, J - 1): which threshold is below and above an observation; a row of zeros for an infinite one."""
        count = len(self.thresholds)
        padded = np.vstack([np.zeros(count), np.eye(count), np.zeros(count)])
        return np.stack([padded[self.levels], padded[self.levels + 1]], axis=1)

    @property
    def threshold_slope(self) -> Array:
        """Derivative of the objective in the thresholds, (J - 1,)."""
        return np.einsum("is,isj->j", self._locals[0][:, 1:], self._selectors)

    @cached_property
    def cross(self) -> Array:
        """N, (n, J - 1)."""
        return np.einsum("is,isj->ij", self._locals[1][:, 0, 1:], self._selectors)

    @cached_property
    def spread(self) -> Array:
        """Sigma N, (n, J - 1)."""
        return self.fixed.covariance(self.cross)

    @cached_property
    def schur(self) -> Array:
        """The Hessian of the profile, (J - 1, J - 1)."""
        own = np.einsum("isj,ist,itk->jk", self._selectors, self._locals[1][:, 1:, 1:], self._selectors)
        found: Array = own - self.cross.T @ self.spread
        return 0.5 * (found + found.T)

    @cached_property
    def blocks(self) -> Array:
        """Joint Laplace covariances of (predictor, threshold below, above) for each observation, (n, 3, 3)."""
        inverse = np.linalg.inv(self.schur)
        mixed = -self.spread @ inverse
        found = np.empty((len(self.levels), 3, 3))
        found[:, 0, 0] = self.fixed.leverages - (mixed * self.spread).sum(axis=1)
        found[:, 0, 1:] = found[:, 1:, 0] = np.einsum("ij,isj->is", mixed, self._selectors)
        found[:, 1:, 1:] = np.einsum("isj,jk,itk->ist", self._selectors, inverse, self._selectors)
        return found

    @property
    def observations(self) -> float:
        """The sum of the weights."""
        return self.fixed.observations

    @property
    def edf(self) -> float:
        """Effective degrees of freedom, those of the thresholds with them: the trace of data Hessian times covariance.

        It tends to J - 1 for large lambda.
        """
        return float(np.einsum("ist,its->", self._locals[1], self.blocks))

    @cached_property
    def _left_out(self) -> Array:
        """Predictor and thresholds at each input with its observation (and its penalty) left out, (n, 3)."""
        slopes, hessians = (part.copy() for part in self._locals)
        problem, f = self.fixed.problem, self.fixed.f
        slopes[:, 0], hessians[:, 0, 0] = problem.slope(f[None])[0], problem.curvature(f[None])[0]
        step = self.blocks @ np.linalg.solve(np.eye(3) - hessians @ self.blocks, slopes[:, :, None])
        below, above = threshold_pairs(self.levels, self.thresholds)
        return np.stack([f, below, above], axis=1) + step[:, :, 0]

    @property
    def loo(self) -> Array:
        """Predictors at each input with its observation left out: one joint Newton step from the fit."""
        return self._left_out[:, 0]

    @property
    def loo_deviance(self) -> float:
        """The deviance of left-out observations, thresholds re-estimated; infinite where they would cross."""
        f, below, above = self._left_out.T
        values = np.where(below < above, self._losses(f, below, above), np.inf)
        w = np.broadcast_to(self.fixed.problem.weights, f.shape)
        return float(2 * (w[w > 0] @ values[w > 0]))

    @property
    def deviance(self) -> float:
        """Minus twice the logarithm of the likelihood: a saturated model has probability 1."""
        losses = self._losses(self.fixed.f, *threshold_pairs(self.levels, self.thresholds))
        return float(2 * np.sum(self.fixed.problem.weights * losses))

    def _losses(self, f: Array, below: Array, above: Array) -> Array:
        values = {"eta": f + self.fixed.problem.offset, "y": np.zeros(len(f)), "below": below, "above": above}
        with np.errstate(all="ignore"):
            found: Array = cumulative_logit.value.at(values)
        return found

    @property
    def log_evidence(self) -> float:
        """Laplace's approximation of the log evidence, with the thresholds at their estimates."""
        return self.fixed.log_evidence

    def _total(self, direct: Array, thresholds: Array) -> Array:
        """The derivative of f from the one at fixed thresholds and the derivatives of the thresholds."""
        return direct - self.spread @ thresholds

    def _moved(self, direct: Array, own: Array | float = 0.0) -> Array:
        """Derivatives of the thresholds from those of f at fixed thresholds, and of their slope itself."""
        return -np.linalg.solve(self.schur, self.cross.T @ direct + own)

    @property
    def by_regularisation(self) -> Array:
        """Df / d lambda, (n,), thresholds re-estimated."""
        direct = self.fixed.by_regularisation
        return self._total(direct, self._moved(direct))

    @property
    def by_offset(self) -> Array:
        """df_i / dM_j, (n, n), thresholds re-estimated."""
        direct = self.fixed.by_offset
        return self._total(direct, self._moved(direct, self.cross.T))

    def by_kernel(self, derivatives: Array) -> Array:
        """Df / d theta for derivatives of K of shape (n, n, p), (n, p), thresholds re-estimated."""
        direct = self.fixed.by_kernel(derivatives)
        return self._total(direct, self._moved(direct))

    @property
    def by_targets(self) -> Array:
        """Always refused: categories have no derivatives.

        Raises
        ------
        InvalidInput
        """
        raise InvalidInput("ordered categories are no numbers, so the fit has no derivative in the targets")
