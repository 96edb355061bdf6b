"""The softmax model: one predictor for each class, coupled through the probabilities; Newton's method."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dekderive.errors import InvalidInput
from dekderive.losses.loss import Penalty
from dekderive.losses.pointwise import bind_penalty
from dekderive.solvers.kglm.matrices import Dense, as_matrix
from dekderive.solvers.kglm.softmax import Curved, Softmax
from dekderive.solvers.kglm.solution import Array, Certificate, KGLMSolution
from dekderive.solvers.solution import Status

__all__ = ["CURVATURE_BOUND", "SoftmaxStatistics", "make_softmax", "solve_multinomial"]

# The Hessian diag(p) - p p' of log-sum-exp has row sums of magnitudes 2 p (1 - p), at most 1/2 (Böhning 1992).
CURVATURE_BOUND = 0.5
_HALVINGS = 50
_NEAR = 1e6  # times the tolerance: there a step must lower the residual, and need not lower the objective


def make_softmax(
    gram: ArrayLike | Dense,
    targets: ArrayLike,
    regularisation: float,
    weights: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    penalty: Penalty | None = None,
    penalty_values: Mapping[str, Any] | None = None,
) -> Softmax:
    """Check what a caller passes; arguments as for `solve_multinomial`.

    Raises
    ------
    InvalidInput

    Examples
    --------
    >>> make_softmax(np.eye(2), np.eye(2), 1.0).slope(np.zeros((2, 2))).tolist()
    [[-0.5, 0.5], [0.5, -0.5]]
    """
    matrix = as_matrix(gram)
    y = np.asarray(targets, dtype=np.float64)
    if not isinstance(matrix, Dense) or y.ndim != 2 or len(y) != matrix.size:
        raise InvalidInput(f"targets must be ({matrix.size}, classes) probabilities, got shape {y.shape}")
    if not np.allclose(y.sum(axis=1), 1) or not (y >= 0).all():
        raise InvalidInput("the rows of the targets must be probabilities that sum to 1; encode labels as unit vectors")
    if not (np.ndim(regularisation) == 0 and np.isfinite(regularisation) and regularisation > 0):
        raise InvalidInput(f"the regularisation must be a positive number, got {regularisation!r}")
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=np.float64)
    if w.shape != (len(y),) or not np.all((w >= 0) & np.isfinite(w)):
        raise InvalidInput(f"weights must be {len(y)} finite numbers that are not negative, got shape {w.shape}")
    m = np.asarray(0.0 if offset is None else offset, dtype=np.float64)
    if m.shape not in ((), y.shape) or not np.isfinite(m).all():
        raise InvalidInput(
            f"the offset of the softmax model must be {y.shape}, finite, one number for each observation and class "
            f"(the same number for all classes would change nothing); got shape {m.shape}"
        )
    values = bind_penalty(penalty, penalty_values)
    return Softmax(matrix.entries, y, float(regularisation), w, m if m.ndim else float(m), penalty, values)


def solve_multinomial(
    gram: ArrayLike | Dense,
    targets: ArrayLike,
    regularisation: float,
    *,
    weights: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    penalty: Penalty | None = None,
    penalty_values: Mapping[str, Any] | None = None,
    tolerance: float | None = None,
    max_iterations: int = 200,
) -> KGLMSolution:
    r"""Fit the softmax model :math:`F = \frac{1}{\lambda} K\,(w \circ (Y - \mathrm{softmax}(F + M) - Q'(F + M)))`.

    Parameters
    ----------
    gram : (n, n) array_like
    targets : (n, C) array_like
        Probabilities: rows that sum to 1.
    regularisation : float
    weights : (n,) array_like, optional
    offset : (n, C) array_like, optional
        M, added to the predictors.
    penalty : Penalty, optional
        Q, of the predictor of every class.
    penalty_values : mapping, optional
        Its parameters.
    tolerance, max_iterations
        As for `solve_kglm`.

    Returns
    -------
    KGLMSolution
        `f` and `alpha` of shape (n, C); without a penalty the rows of `alpha` sum to 0.

    Raises
    ------
    InvalidInput

    Examples
    --------
    >>> x = np.linspace(-2, 2, 9)
    >>> gram = np.exp(-0.5 * (x[:, None] - x) ** 2)
    >>> fit = solve_multinomial(gram, np.eye(3)[np.digitize(x, [-0.8, 0.8])], 0.1)
    >>> fit.converged, fit.f.argmax(axis=1).tolist()
    (True, [0, 0, 0, 1, 1, 1, 2, 2, 2])
    """
    matrix = as_matrix(gram)
    model = make_softmax(gram, targets, regularisation, weights, offset, penalty, penalty_values)
    tolerance = 16 * np.finfo(float).eps * math.sqrt(len(model.gram)) if tolerance is None else tolerance
    curvature = (CURVATURE_BOUND + model.penalty_bound) * float(model.weights.max(initial=0.0)) / model.regularisation
    lipschitz = matrix.norm * curvature
    f, iterations, status = _newton(model, tolerance, max_iterations, lipschitz)
    alpha = model.slope(f) / -model.regularisation
    residual = model.gram @ alpha - f
    bound = matrix.norm_bound * curvature
    margin = 1 + 0.5 * math.sqrt(bound)
    # The products and the probabilities are rounded: `bounds` has the argument, for one predictor.
    unit = 0.5 * np.finfo(float).eps
    rounding = np.abs(model.gram) @ (np.abs(alpha) * (len(f) + 8) + 4 / regularisation * model.weights[:, None]) * unit
    size = float(np.linalg.norm(np.abs(residual) + rounding))
    return KGLMSolution(
        f=f,
        alpha=alpha,
        residual=float(np.abs(residual).max(initial=0.0)),
        iterations=iterations,
        status=status,
        solver="newton",
        lipschitz=lipschitz,
        lipschitz_bound=bound,
        certificate=Certificate.CONTRACTION if bound < 1 else Certificate.STRICT_CONVEXITY,
        error_bound=(min(margin, 1 / (1 - bound)) if bound < 1 else margin) * size,
    )


def _newton(model: Softmax, tolerance: float, limit: int, lipschitz: float) -> tuple[Array, int, Status]:
    """Corrections of alpha by Armijo's rule, and near the solution of f by the residual, as for one predictor."""
    f = alpha = best = np.zeros_like(model.targets)
    smallest = np.inf
    # A softmax is bounded, but a penalty may have no bound: the tolerance then scales with its curvature at hand.
    for iterations in range(limit):
        slope = model.slope(f)
        difference = f + model.gram @ slope / model.regularisation
        residual, unit = np.abs(difference).max(initial=0.0), tolerance * _scale(model, f, lipschitz)
        if residual <= unit or residual >= 0.5 * smallest:
            return (f if residual <= smallest else best), iterations, Status.CONVERGED
        curved = model.curved(f)
        if residual <= _NEAR * unit:
            best, smallest = f, residual
            f = f - curved.jacobian(difference)
            continue
        da = -curved.coefficients(model.regularisation * alpha + slope, model.regularisation * difference)
        df = model.gram @ da
        t = _step_length(model, f, alpha, df, da, slope)
        if t == 0.0:
            return f, iterations + 1, Status.MAX_STEPS
        f, alpha = f + t * df, alpha + t * da
    return f, limit, Status.MAX_STEPS


def _scale(model: Softmax, f: Array, lipschitz: float) -> float:
    if not math.isfinite(lipschitz):
        top = float(np.linalg.norm(model.gram, 1)) * float(model.weights.max(initial=0.0)) / model.regularisation
        lipschitz = top * (CURVATURE_BOUND + float(model.bend(f).max(initial=0.0)))
    return (1 + lipschitz) * (1 + float(np.abs(f).max(initial=0.0)))


def _step_length(model: Softmax, f: Array, alpha: Array, df: Array, da: Array, slope: Array) -> float:
    here = model.objective(f, alpha)
    decrease = float((df * (slope + model.regularisation * alpha)).sum())
    noise = 1e-13 * (abs(here) + float(np.abs(df * slope).sum()))
    t = 1.0
    for _ in range(_HALVINGS):
        if model.objective(f + t * df, alpha + t * da) <= here + 1e-4 * t * decrease + noise:
            return t
        t *= 0.5
    return 0.0


@dataclass(frozen=True)
class SoftmaxStatistics:
    r"""What follows from a softmax fit without fitting again, as `FitStatistics` for one predictor.

    Derivatives are of the (n, C) predictors F.

    Examples
    --------
    >>> model = make_softmax(np.eye(3), np.eye(3)[[0, 1, 2]], 1.0)
    >>> statistics = SoftmaxStatistics(model, solve_multinomial(np.eye(3), np.eye(3), 1.0).f)
    >>> bool(abs(statistics.loo).max() < 1e-12)  # other inputs say nothing
    True
    >>> statistics.by_regularisation.shape, statistics.by_targets.shape
    ((3, 3), (3, 3, 3, 3))
    """

    model: Softmax
    f: Array

    @cached_property
    def curved(self) -> Curved:
        """The Hessian at the fit."""
        return self.model.curved(self.f)

    @property
    def alpha(self) -> Array:
        """The coefficients."""
        return self.model.slope(self.f) / -self.model.regularisation

    @property
    def observations(self) -> float:
        """The sum of the weights, times C - 1: what the saturated model has for parameters."""
        return float(self.model.weights.sum()) * (self.f.shape[1] - 1)

    @cached_property
    def edf(self) -> float:
        """Effective degrees of freedom: the trace of the data Hessian times the Laplace covariance."""
        return float(np.einsum("icd,idc->", self.curved.local, self.curved.blocks))

    @cached_property
    def loo(self) -> Array:
        r"""Predictors (n, C) at each input with its observation left out: one Newton step from the fit.

        With C_i the Laplace covariance of the predictors at input i, H_i and g_i the Hessian and slope of its
        observation, they are :math:`F_i + C_i (I - H_i C_i)^{-1} g_i`.
        """
        own, bend = self.curved.local, self.model.bend(self.f) * self.model.weights[:, None]
        total = own + bend[:, :, None] * np.eye(own.shape[1])
        rest = np.eye(own.shape[1]) - total @ self.curved.blocks
        step = self.curved.blocks @ np.linalg.solve(rest, self.model.slope(self.f)[:, :, None])
        return np.asarray(self.f + step[:, :, 0])

    @property
    def loo_deviance(self) -> float:
        """The deviance of left-out observations."""
        return self._deviance(self.loo)

    @property
    def deviance(self) -> float:
        """The deviance of the fit."""
        return self._deviance(self.f)

    def _deviance(self, f: Array) -> float:
        y = self.model.targets
        best = -(y * np.log(np.where(y > 0, y, 1.0))).sum(axis=1)
        return float(2 * self.model.weights @ (self.model.losses(f + self.model.offset) - best))

    @property
    def log_evidence(self) -> float:
        r"""Laplace's approximation: minus the objective, less half of :math:`\log\det(I + K H / \lambda)`."""
        return -self.model.objective(self.f, self.alpha) - 0.5 * self.curved.log_determinant

    @property
    def by_regularisation(self) -> Array:
        r"""The derivative -J^{-1} F / lambda of F in lambda, (n, C)."""
        return self.curved.jacobian(self.f) / -self.model.regularisation

    @property
    def by_targets(self) -> Array:
        """The derivative of F_ic in Y_jd, (n, C, n, C): the Laplace covariance times the weights."""
        return self._columns(lambda unit: self.curved.covariance(self.model.weights[:, None] * unit))

    @property
    def by_offset(self) -> Array:
        """The derivative of F_ic in M_jd, (n, C, n, C)."""
        return self._columns(lambda unit: -self.curved.covariance(self.curved.hessian(unit)))

    def _columns(self, function: Any) -> Array:
        n, count = self.f.shape
        found, unit = np.empty((n, count, n, count)), np.zeros((n, count))
        for j in range(n):
            for d in range(count):
                unit[j, d] = 1.0
                found[:, :, j, d] = function(unit)
                unit[j, d] = 0.0
        return found

    def by_kernel(self, derivatives: Array) -> Array:
        r"""J^{-1} (dK / d theta) alpha for derivatives of K of shape (n, n, p); shape (n, C, p)."""
        moved = np.einsum("ijp,jc->pic", derivatives, self.alpha)
        return np.stack([self.curved.jacobian(part) for part in moved], axis=-1)
