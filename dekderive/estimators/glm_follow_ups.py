"""What a kernel GLM of numbers answers after its fit: intervals, residuals, leave-one-out, evidence, derivatives."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri
from sklearn.utils.validation import check_is_fitted

from dekderive.errors import InvalidInput, UnknownName
from dekderive.estimators.glm_responses import residuals_of, response_quantiles
from dekderive.estimators.kernel_machine import KernelMachine
from dekderive.solvers.kglm.problem import make_problem
from dekderive.solvers.kglm.statistics import FitStatistics

__all__ = ["FollowUps"]

Array = np.ndarray


class FollowUps(KernelMachine):
    """The part of `KernelGLM` that needs a fit and makes none."""

    def predict_interval(
        self,
        X: ArrayLike,
        coverage: float = 0.95,
        offset: ArrayLike | None = None,
        *,
        of: str = "mean",
        diagonal: ArrayLike | None = None,
    ) -> tuple[Array, Array]:
        """Central Laplace intervals at new inputs, of the mean or of a new response.

        The predictor is Gaussian in Laplace's approximation.  An interval of the mean is that of the predictor, mapped
        by the inverse link; one of the response is between quantiles of the family mixed over the predictor, and of
        counts the smallest integers at which the distribution reaches its level, so that it covers at least what was
        asked for.  The dispersion is 1.

        Parameters
        ----------
        X : (m, d) array_like, or (m, n) for a precomputed kernel
        coverage : float
            Between 0 and 1.
        offset : (m,) array_like, optional
        of : {"mean", "response"}
        diagonal : (m,) array_like, optional
            K(x, x) of the new inputs; needed for a precomputed kernel.

        Returns
        -------
        lower, upper : (m,) ndarray

        Raises
        ------
        UnknownName, InvalidInput
        """
        if not 0 < coverage < 1:
            raise InvalidInput(f"the coverage of an interval must be between 0 and 1, got {coverage}")
        if of not in ("mean", "response"):
            raise UnknownName(f"no interval of {of!r}; known: mean, response")
        eta, std = self.predict_natural(X, offset, return_std=True, diagonal=diagonal)
        if of == "response":
            low, high = response_quantiles(self.loss_, eta, std, (0.5 - 0.5 * coverage, 0.5 + 0.5 * coverage))
            return low, high
        reach = ndtri(0.5 + 0.5 * coverage) * std
        loss = self.loss_.loss
        ends = np.clip(
            np.stack([eta - reach, eta + reach]), np.nextafter(loss.lower, 0), np.nextafter(loss.upper, -np.inf)
        )
        low, high = self.loss_.mean(ends)
        return low, high

    def residuals(
        self,
        X: ArrayLike,
        y: ArrayLike,
        kind: str = "deviance",
        offset: ArrayLike | None = None,
    ) -> Array:
        r"""Residuals as statisticians have them.

        With T the statistic of a response, :math:`\mu` its fitted mean, V its variance and d its deviance they are
        :math:`T - \mu` ("response"), :math:`(T - \mu)/\sqrt V` ("pearson"), :math:`\mathrm{sign}(T - \mu) \sqrt d`
        ("deviance"), and :math:`(T - \mu) \, d\eta/d\mu` ("working").

        Parameters
        ----------
        X : (m, d) array_like, or (m, n) for a precomputed kernel
        y : (m,) or (m, t) array_like
        kind : {"deviance", "pearson", "response", "working"}
        offset : (m,) array_like, optional

        Returns
        -------
        ndarray
            Of the shape of `y`.

        Raises
        ------
        UnknownName, InvalidInput
            For "pearson", if the loss is not that of a family, so that a response has no variance.
        """
        target = np.asarray(y, dtype=np.float64)
        eta = self.predict_natural(X, offset)
        if target.shape != eta.shape:
            raise InvalidInput(f"the responses must have the shape of the predictions, {eta.shape}; got {target.shape}")
        return residuals_of(self.loss_, eta, target, kind)

    def _statistics(self, target: int = 0) -> FitStatistics:
        check_is_fitted(self)
        if self.y_fit_.ndim == 2 and self.y_fit_.shape[1] > 1 and target is None:
            raise InvalidInput("the model has several targets; say which one")
        key = ("statistics", target)
        if key not in self._cache:
            y, f = (a.reshape(len(self.y_fit_), -1)[:, target] for a in (self.y_fit_, self.solution_.f))
            problem = make_problem(self._gram(), y, self.loss_, self.regularisation_, self.sample_weight_, self.offset_)
            self._cache[key] = FitStatistics(problem, f)
        found: FitStatistics = self._cache[key]
        return found

    @property
    def edf_(self) -> float:
        """Effective degrees of freedom (of the first target)."""
        return self._statistics().edf

    @property
    def loo_(self) -> Array:
        """Predictors at the training inputs, each with its observation left out; exact for quadratic losses."""
        return self._statistics().loo + self.offset_

    @property
    def log_evidence_(self) -> float:
        """Laplace's approximation of the log evidence, up to the base measure of the family."""
        return self._statistics().log_evidence

    def fit_gradient(self, by: str, *, target: int = 0) -> Array:
        r"""Derivatives of the fitted predictor at the training inputs, by the implicit function theorem.

        Parameters
        ----------
        by : {"regularisation", "targets", "offset", "kernel"}
            "kernel" means the logarithms of the hyperparameters of a scikit-learn or dekderive kernel, in the order of
            its ``theta``.
        target : int

        Returns
        -------
        (n,), (n, n) or (n, p) ndarray
            ``[i, j]`` is the derivative of the i-th predictor in the j-th number.

        Raises
        ------
        UnknownName, InvalidInput
        """
        return self._gradient(self._statistics(target), by)
