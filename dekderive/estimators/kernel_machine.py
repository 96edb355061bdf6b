"""What the regressor and the classifier share: kernels, weights, offsets, and what is kept of a fit."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process.kernels import Kernel as SklearnKernel
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from dekderive.errors import InvalidInput, UnknownName
from dekderive.estimators.glm_kernels import as_kernel, cross_gram, gram_of
from dekderive.solvers.kglm import Certificate, KGLMSolution

__all__ = ["KernelMachine"]

Array = np.ndarray


class KernelMachine(BaseEstimator):
    """What the regressor and the classifier share: kernels, offsets, the linear predictor at new inputs."""

    def _settings(self) -> dict[str, Any]:
        return {"gamma": self.gamma, "degree": self.degree, "coef0": self.coef0}

    def _start_fit(
        self, X: Array, sample_weight: ArrayLike | None, offset: ArrayLike | None
    ) -> tuple[Array, Array | None]:
        """The kernel matrix and the checked weights."""
        self.X_fit_, self.kernel_ = X, as_kernel(self.kernel)
        self.has_offset_ = offset is not None
        self._cache: dict[Any, Any] = {}
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        if weights is not None and not weights.any():
            raise InvalidInput("every sample weight is zero; at least one observation must count")
        self.sample_weight_ = weights
        return gram_of(self.kernel_, X, self._settings()), weights

    def _adopt(self, fit: KGLMSolution, regularisation: float) -> None:
        self.solution_, self.regularisation_ = fit, regularisation
        self.dual_coef_ = self.alpha_ = fit.alpha
        self.n_iter_ = max(1, fit.iterations)
        self.lipschitz_, self.converged_, self.error_bound_ = fit.lipschitz, fit.converged, fit.error_bound
        self.contraction_ = fit.certificate is Certificate.CONTRACTION
        if not fit.converged:
            warnings.warn(
                f"{fit.status.value}; {fit.solver} left a residual of {np.max(fit.residual):.3g}",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _gram(self) -> Array:
        if "gram" not in self._cache:
            self._cache["gram"] = gram_of(self.kernel_, self.X_fit_, self._settings())
        found: Array = self._cache["gram"]
        return found

    def _cross(self, X: ArrayLike) -> Array:
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        return cross_gram(self.kernel_, rows, self.X_fit_, self._settings())

    def _check_offset(self, offset: ArrayLike | None) -> None:
        if offset is None and self.has_offset_:
            raise InvalidInput("the model was fitted with an offset; pass the offset of the new inputs too")
        if offset is not None and not self.has_offset_:
            raise InvalidInput("the model was fitted without an offset, so predictions take none")

    def _gradient(self, statistics: Any, by: str) -> Array:
        if by == "kernel":
            if not isinstance(self.kernel_, SklearnKernel):
                raise InvalidInput("only scikit-learn and dekderive kernels have derivatives in their hyperparameters")
            found: Array = statistics.by_kernel(self.kernel_(self.X_fit_, eval_gradient=True)[1])
            return found
        if by not in ("regularisation", "targets", "offset"):
            raise UnknownName(f"no derivative by {by!r}; known: regularisation, targets, offset, kernel")
        found = getattr(statistics, f"by_{by}")
        return found

    def _offset_at(self, count: int, offset: ArrayLike | None) -> Array | float:
        self._check_offset(offset)
        if offset is None:
            return 0.0
        return np.broadcast_to(np.asarray(offset, dtype=np.float64), (count,))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = isinstance(self.kernel, str) and self.kernel == "precomputed"
        return tags
