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
from dekderive.estimators.glm_families import CLASSIFIERS
from dekderive.estimators.glm_labels import LabelModel, LabelStatistics, checked_offset
from dekderive.estimators.glm_selection import checked_criterion, criterion, minimise_over_regularisation
from dekderive.estimators.kernel_machine import KernelMachine

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
        As for `KernelGLM`.  Of C classes, generalised cross-validation counts C - 1 numbers for each observation.
    penalty, penalty_parameters
        As for `KernelGLM`; in the softmax model of the predictor of each class.
    solver
        Of two classes.
    tol, max_iter
        Of the solver, for two classes and the softmax model.

    Attributes
    ----------
    classes_ : ndarray
    dual_coef_, alpha_ : (n,) ndarray, or (n, classes) for the softmax model
    thresholds_ : (classes - 1,) ndarray
        Of the ordinal model.
    regularisation_, n_iter_, lipschitz_, contraction_, converged_, error_bound_
        See ``dekderive.solvers.kglm.KGLMSolution``.
    deviance_, null_deviance_ : float
        Minus twice the log-likelihood, of the fit and of the model with intercepts (or thresholds) alone.

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
        offset : (n,) array_like, or (n, classes) for the softmax model, optional
            Added to the predictor, and to be given again for predictions.

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
        gram, _ = self._start_fit(X, sample_weight, offset)
        self.codes_ = codes
        self.offset_ = checked_offset(self.family_, offset, len(codes), len(self.classes_))
        model = self._model(gram)
        chosen = self.regularisation
        if isinstance(chosen, str):
            scale = (0.5 if self.family_ == "ordinal" else 0.25) * float(np.mean(np.diag(gram)))
            name = checked_criterion(chosen)
            chosen = minimise_over_regularisation(lambda x: criterion(name, model.fit(x).statistics), scale)
        found = model.fit(float(chosen))
        if found.thresholds is not None:
            self.thresholds_ = found.thresholds
        self._adopt(found.solution, float(chosen))
        self._cache["statistics"] = found.statistics
        self.deviance_, self.null_deviance_ = found.statistics.deviance, model.null_deviance()
        return self

    def _model(self, gram: Array) -> LabelModel:
        return LabelModel(
            self.family_,
            gram,
            self.codes_,
            len(self.classes_),
            self.sample_weight_,
            self.offset_,
            self.penalty,
            self.penalty_parameters,
            {"solver": self.solver, "tolerance": self.tol, "max_iterations": self.max_iter},
        )

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
        return family

    @property
    def _statistics(self) -> LabelStatistics:
        check_is_fitted(self)
        if "statistics" not in self._cache:
            self._cache["statistics"] = self._model(self._gram()).fit(self.regularisation_).statistics
        found: LabelStatistics = self._cache["statistics"]
        return found

    @property
    def log_evidence_(self) -> float:
        """Laplace's approximation of the log evidence (thresholds at their estimates)."""
        return self._statistics.log_evidence

    @property
    def edf_(self) -> float:
        """Effective degrees of freedom; thresholds count."""
        return self._statistics.edf

    @property
    def loo_(self) -> Array:
        """Predictors at the training inputs, each with its observation left out: one Newton step from the fit."""
        return self._statistics.loo + self.offset_

    def fit_gradient(self, by: str) -> Array:
        r"""Derivatives of the fitted predictor at the training inputs, by the implicit function theorem.

        Parameters
        ----------
        by : {"regularisation", "targets", "offset", "kernel"}
            As for `KernelGLM.fit_gradient`; "targets" are the probabilities that labels stand for, and ordered classes
            have none.

        Returns
        -------
        ndarray
            ``[i, j]`` is the derivative of the i-th predictor in the j-th number; for the softmax model i, and j for
            targets and offsets, are pairs (observation, class).

        Raises
        ------
        UnknownName, InvalidInput
        """
        return self._gradient(self._statistics, by)

    def predict_natural(self, X: ArrayLike, offset: ArrayLike | None = None) -> Array:
        """The predictor: (m,) for two classes or ordered ones, (m, classes) for the softmax model."""
        cross = self._cross(X)
        self._check_offset(offset)
        return cross @ self.alpha_ + checked_offset(self.family_, offset, len(cross), len(self.classes_))

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
