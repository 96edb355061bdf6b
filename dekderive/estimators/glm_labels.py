"""Models of labels behind one interface: two classes, softmax, ordered classes; how each is fitted and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from dekderive.errors import InvalidInput
from dekderive.estimators.glm_families import null_predictor, penalty_of, pointwise_of
from dekderive.losses import Pointwise
from dekderive.solvers.kglm import KGLMSolution, solve_kglm
from dekderive.solvers.kglm.multinomial import SoftmaxStatistics, make_softmax, solve_multinomial
from dekderive.solvers.kglm.ordinal import OrdinalStatistics, solve_ordinal
from dekderive.solvers.kglm.problem import make_problem
from dekderive.solvers.kglm.statistics import FitStatistics

__all__ = ["LabelFit", "LabelModel", "LabelStatistics", "checked_offset"]

Array = np.ndarray
LabelStatistics: TypeAlias = FitStatistics | SoftmaxStatistics | OrdinalStatistics


@dataclass(frozen=True)
class LabelFit:
    """A fit of labels for one regularisation."""

    solution: KGLMSolution
    statistics: LabelStatistics
    thresholds: Array | None = None


def checked_offset(family: str, offset: ArrayLike | None, rows: int, classes: int) -> Array | float:
    """Return an offset in the shape of the predictors of a family; 0 without one.

    Raises
    ------
    InvalidInput
        If it has another shape: the softmax model needs one number for each class, the others one for each row.

    Examples
    --------
    >>> checked_offset("ordinal", 0.5, 2, 3)
    array([0.5, 0.5])
    """
    if offset is None:
        return 0.0
    given = np.asarray(offset, dtype=np.float64)
    if family == "multinomial":
        if given.shape != (rows, classes):
            raise InvalidInput(
                f"the offset of the softmax model must be ({rows}, {classes}), one number for each observation and "
                f"class (the same number for all classes changes nothing); got shape {given.shape}"
            )
        return given
    if given.shape not in ((), (rows,)):
        raise InvalidInput(f"the offset must be a number or have {rows} rows, got shape {given.shape}")
    return np.broadcast_to(given, (rows,))


@dataclass(frozen=True)
class LabelModel:
    """The data of a classifier: everything but the regularisation.

    Examples
    --------
    >>> model = LabelModel("ordinal", np.eye(3), np.array([0, 1, 2]), 3)
    >>> model.fit(1.0).thresholds.shape, round(model.null_deviance(), 6)
    ((2,), 6.591674)
    """

    family: str
    gram: Array
    codes: Array
    count: int
    weights: Array | None = None
    offset: Array | float = 0.0
    penalty: Any = None
    penalty_parameters: dict[str, Any] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pointwise(self) -> Pointwise:
        """The loss of two classes."""
        return pointwise_of(self.family, None, self.penalty, self.penalty_parameters)

    def fit(self, regularisation: float) -> LabelFit:
        """Fit with one regularisation."""
        shared: dict[str, Any] = {"weights": self.weights, "offset": self.offset}
        if self.family in ("bernoulli", "probit"):
            y, loss = self.codes.astype(np.float64), self.pointwise
            fit = solve_kglm(self.gram, y, loss, regularisation, **shared, **self.settings)
            problem = make_problem(self.gram, y, loss, regularisation, self.weights, self.offset)
            return LabelFit(fit, FitStatistics(problem, fit.f))
        shared |= {"penalty": penalty_of(self.penalty), "penalty_values": self.penalty_parameters}
        if self.family == "ordinal":
            found = solve_ordinal(self.gram, self.codes, regularisation, **shared)
            return LabelFit(found.solution, found, found.thresholds)
        limit = self.settings.get("max_iterations")
        more = {} if limit is None else {"max_iterations": limit}
        targets = np.eye(self.count)[self.codes]
        fit = solve_multinomial(
            self.gram, targets, regularisation, tolerance=self.settings.get("tolerance"), **shared, **more
        )
        return LabelFit(fit, SoftmaxStatistics(make_softmax(self.gram, targets, regularisation, **shared), fit.f))

    def null_deviance(self) -> float:
        """The deviance of the model with intercepts (or thresholds) alone."""
        w = np.ones(len(self.codes)) if self.weights is None else np.asarray(self.weights)
        if self.family == "ordinal":
            return solve_ordinal(np.zeros_like(self.gram), self.codes, 1.0, weights=w, offset=self.offset).deviance
        if self.family == "multinomial":
            return self._null_softmax(w)
        y, bare = self.codes.astype(np.float64), Pointwise(self.pointwise.loss)
        at = null_predictor(bare, y, w, self.offset) + np.broadcast_to(self.offset, y.shape)
        return float(2 * w[w > 0] @ bare.value(at, y)[w > 0])

    def _null_softmax(self, w: Array) -> float:
        targets, shift = np.eye(self.count)[self.codes], np.broadcast_to(self.offset, (len(w), self.count))

        def objective(b: Array) -> tuple[float, Array]:
            slope = w[:, None] * (softmax(shift + b, axis=1) - targets)
            return -float(w @ (targets * log_softmax(shift + b, axis=1)).sum(axis=1)), slope.sum(axis=0)

        shares = np.maximum(w @ targets, np.finfo(float).tiny) / w.sum()
        found = minimize(objective, np.log(shares), jac=True, method="BFGS", options={"gtol": 1e-9 * w.sum()})
        return 2 * float(found.fun)
