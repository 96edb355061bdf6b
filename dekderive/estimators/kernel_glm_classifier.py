"""Kernel generalised linear models for labels: logistic, probit, softmax and ordered categories."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, log_expit, log_ndtr, log_softmax
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from dekderive.errors import InvalidInput, UnknownName
from dekderive.estimators.glm_families import CLASSIFIERS, pointwise_of
from dekderive.estimators.glm_selection import minimise_over_regularisation, select
from dekderive.estimators.kernel_machine import KernelMachine
from dekderive.losses import bind, cumulative_logit
from dekderive.solvers.kglm import KGLMSolution, solve_kglm
from dekderive.solvers.kglm.multinomial import evidence_multinomial, solve_multinomial
from dekderive.solvers.kglm.ordinal import solve_ordinal, threshold_pairs
from dekderive.solvers.kglm.problem import make_problem
from dekderive.solvers.kglm.statistics import FitStatistics

__all__ = ["KernelGLMClassifier"]

Array = np.ndarray


class KernelGLMClassifier(ClassifierMixin, KernelMachine):
    r"""Kernel logistic, probit, softmax or ordinal regression.

    Parameters
    ----------
    family : {"auto", "bernoulli", "probit", "multinomial", "ordinal"}
        "auto" is "bernoulli" for two classes and "multinomial" for more.  For "ordinal" the order of the classes is
        that of their values, and the thresholds are estimated.
    kernel, gamma, degree, coef0
        As for `KernelGLM`.
    regularisation : float or {"loo", "gcv", "laplace"}
        "loo" and "gcv" for two classes only.
    penalty, penalty_parameters
        As for `KernelGLM`; two classes only.
    solver, tol, max_iter
        Of the solver, for two classes.

    Attributes
    ----------
    classes_ : ndarray
    dual_coef_, alpha_ : (n,) ndarray, or (n, classes) for the softmax model
    thresholds_ : (classes - 1,) ndarray
        Of the ordinal model.
    regularisation_, n_iter_, lipschitz_, contraction_, converged_, error_bound_
        See ``dekderive.solvers.kglm.KGLMSolution``.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = KernelGLMClassifier(regularisation=0.1).fit(X, y)
    >>> round(model.score(X, y), 2)
    0.98
    """

    def __init__(
        self,
        family: str = "auto",
        kernel: Any = "rbf",
        *,
        regularisation: float | str = 1.0,
        penalty: Any = None,
        penalty_parameters: dict[str, Any] | None = None,
        gamma: float | None = None,
        degree: float = 3,
        coef0: float = 1,
        solver: str = "auto",
        tol: float | None = None,
        max_iter: int | None = None,
    ) -> None:
        self.family = family
        self.kernel = kernel
        self.regularisation = regularisation
        self.penalty = penalty
        self.penalty_parameters = penalty_parameters
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter

    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, offset: ArrayLike | None = None
    ) -> KernelGLMClassifier:
        """Fit the model.

        Parameters
        ----------
        X : (n, d) array_like, or (n, n) for a precomputed kernel
        y : (n,) array_like
            Labels.
        sample_weight : (n,) array_like, optional
        offset : (n,) array_like, optional
            Added to the predictor (not for the softmax model).

        Returns
        -------
        self

        Raises
        ------
        InvalidInput, UnknownName
        """
        rows, y = validate_data(self, X, y, dtype=np.float64)
        X = np.asarray(rows)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.family_ = self._family()
        gram, weights = self._start_fit(X, sample_weight, offset)
        shift = 0.0 if offset is None else np.broadcast_to(np.asarray(offset, dtype=np.float64), (len(codes),))
        self.codes_, self.offset_ = codes, shift
        if self.family_ in ("multinomial", "ordinal"):
            self._fit_many(gram, codes, weights, shift)
        else:
            self._fit_two(gram, codes, weights, shift)
        return self

    def _family(self) -> str:
        count = len(self.classes_)
        if self.family not in ("auto", *CLASSIFIERS):
            raise UnknownName(f"no family {self.family!r} for labels; known: auto, {', '.join(CLASSIFIERS)}")
        if count < 2:
            raise InvalidInput(f"a classifier needs samples of 2 classes or more; the data contain {count} class")
        family = self.family
        if family == "auto":
            family = "bernoulli" if count == 2 else "multinomial"
        if family in ("bernoulli", "probit") and count > 2:
            raise InvalidInput(
                f"Only binary classification is supported by family {family!r}, and there are {count} classes. The "
                "type of the target is multiclass; use 'multinomial' or 'ordinal'"
            )
        if family in ("multinomial", "ordinal") and self.penalty is not None:
            raise InvalidInput("a penalty is for two classes; leave it out")
        return family

    def _fit_two(self, gram: Array, codes: Array, weights: Array | None, shift: Any) -> None:
        self.loss_ = pointwise_of(self.family_, None, self.penalty, self.penalty_parameters)
        y = codes.astype(np.float64)
        chosen = self.regularisation
        if isinstance(chosen, str):
            chosen = select(chosen, gram, y, self.loss_, weights, shift)
        fit = solve_kglm(
            gram,
            y,
            self.loss_,
            chosen,
            weights=weights,
            offset=shift,
            solver=self.solver,
            tolerance=self.tol,
            max_iterations=self.max_iter,
        )
        self._adopt(fit, float(chosen))

    def _fit_many(self, gram: Array, codes: Array, weights: Array | None, shift: Any) -> None:
        if self.family_ == "multinomial" and np.ndim(shift):
            raise InvalidInput("the softmax model takes no offset: one number cannot be added to several predictors")
        chosen = self.regularisation
        if isinstance(chosen, str):
            chosen = self._select(chosen, gram, codes, weights, shift)
        fit, thresholds = self._solve(gram, codes, float(chosen), weights, shift)
        if thresholds is not None:
            self.thresholds_ = thresholds
        self._adopt(fit, float(chosen))

    def _solve(
        self, gram: Array, codes: Array, regularisation: float, weights: Array | None, shift: Any
    ) -> tuple[KGLMSolution, Array | None]:
        if self.family_ == "ordinal":
            return solve_ordinal(gram, codes, regularisation, weights=weights, offset=shift)
        targets = np.eye(len(self.classes_))[codes]
        limit = {} if self.max_iter is None else {"max_iterations": self.max_iter}
        return solve_multinomial(gram, targets, regularisation, weights=weights, tolerance=self.tol, **limit), None

    def _select(self, name: str, gram: Array, codes: Array, weights: Array | None, shift: Any) -> float:
        if name != "laplace":
            raise InvalidInput(f"regularisation={name!r} is for two classes; use a number or 'laplace'")

        def cost(regularisation: float) -> float:
            fit, thresholds = self._solve(gram, codes, regularisation, weights, shift)
            return -self._evidence(gram, codes, regularisation, fit, thresholds, weights, shift)

        return minimise_over_regularisation(cost, 0.25 * float(np.mean(np.diag(gram))))

    def _evidence(
        self,
        gram: Array,
        codes: Array,
        regularisation: float,
        fit: KGLMSolution,
        thresholds: Array | None,
        weights: Array | None,
        shift: Any,
    ) -> float:
        if thresholds is None and self.family_ == "multinomial":
            w = np.ones(len(codes)) if weights is None else weights
            return evidence_multinomial(gram, np.eye(len(self.classes_))[codes], regularisation, fit, w, shift)
        y = codes.astype(np.float64)
        if thresholds is not None:
            below, above = threshold_pairs(codes, thresholds)
            y, loss = np.zeros(len(codes)), bind(cumulative_logit, {"below": below, "above": above})
        else:
            loss = self.loss_
        problem = make_problem(gram, y, loss, regularisation, weights, shift)
        return FitStatistics(problem, fit.f).log_evidence

    @property
    def log_evidence_(self) -> float:
        """Laplace's approximation of the log evidence (thresholds at their estimates)."""
        thresholds = getattr(self, "thresholds_", None) if self.family_ == "ordinal" else None
        return self._evidence(
            self._gram(),
            self.codes_,
            self.regularisation_,
            self.solution_,
            thresholds,
            self.sample_weight_,
            self.offset_,
        )

    def predict_natural(self, X: ArrayLike, offset: ArrayLike | None = None) -> Array:
        """The predictor: (m,) for two classes or ordered ones, (m, classes) for the softmax model."""
        cross = self._cross(X)
        shift = self._offset_at(len(cross), offset)
        return cross @ self.alpha_ + shift

    def decision_function(self, X: ArrayLike, offset: ArrayLike | None = None) -> Array:
        """The predictor, or for ordered categories the logarithms of their probabilities, (m, classes)."""
        check_is_fitted(self)
        if self.family_ == "ordinal" and len(self.classes_) > 2:
            return self.predict_log_proba(X, offset)
        eta = self.predict_natural(X, offset)
        if self.family_ == "ordinal":
            return eta - self.thresholds_[0]
        return eta[:, 1] - eta[:, 0] if eta.ndim == 2 and len(self.classes_) == 2 else eta

    def predict_log_proba(self, X: ArrayLike, offset: ArrayLike | None = None) -> Array:
        """Logarithms of the probabilities of the classes, (m, classes), accurate also where they are tiny."""
        eta = self.predict_natural(X, offset)
        if self.family_ == "multinomial":
            return np.asarray(log_softmax(eta, axis=1))
        if self.family_ == "ordinal":
            padded = np.concatenate([[-np.inf], self.thresholds_, [np.inf]])
            a, b = padded[1:] - eta[:, None], padded[:-1] - eta[:, None]
            # expit(a) - expit(b) = expit(a) expit(-b) (1 - exp(b - a))
            return np.asarray(log_expit(a) + log_expit(-b) + np.log1p(-np.exp(padded[:-1] - padded[1:])))
        log = log_ndtr if self.family_ == "probit" else log_expit
        return np.stack([log(-eta), log(eta)], axis=1)

    def predict_proba(self, X: ArrayLike, offset: ArrayLike | None = None) -> Array:
        """Probabilities of the classes, (m, classes)."""
        check_is_fitted(self)
        if self.family_ == "bernoulli":
            eta = self.predict_natural(X, offset)
            return np.stack([expit(-eta), expit(eta)], axis=1)
        return np.exp(self.predict_log_proba(X, offset))

    def predict(self, X: ArrayLike, offset: ArrayLike | None = None) -> Array:
        """The most probable class."""
        scores = self.decision_function(X, offset)
        winners = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
        return self.classes_[winners]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = self.family not in ("bernoulli", "probit")
        return tags
