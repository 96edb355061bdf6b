"""Kernel generalised linear models for numbers: Gaussian, Poisson, gamma, binomial, robust losses and your own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from dekderive.errors import InvalidInput
from dekderive.estimators.glm_families import check_responses, null_predictor, pointwise_of
from dekderive.estimators.glm_follow_ups import FollowUps
from dekderive.estimators.glm_kernels import diagonal_of
from dekderive.estimators.glm_selection import select
from dekderive.initialisers import DEQWeights, kglm_weights
from dekderive.losses import Pointwise
from dekderive.solvers.kglm import solve_kglm

__all__ = ["KernelGLM"]

Array = np.ndarray


class KernelGLM(RegressorMixin, FollowUps):
    r"""Kernel generalised linear model, which is also an equilibrium model.

    Minimises :math:`\sum_i w_i\,[\ell(\eta_i; y_i) + Q(\eta_i)] + \frac{\lambda}{2}\lVert f\rVert_k^2` over functions
    f of the reproducing kernel Hilbert space, :math:`\eta_i = f(x_i) + m + o_i`; the minimiser is :math:`f = k(\cdot,
    X)\alpha` with :math:`\alpha = -w\circ(\ell' + Q')/\lambda`.  For a canonical family its means are the fixed point
    of a deep equilibrium layer, see :meth:`to_deq`.

    Parameters
    ----------
    family : str, Loss or Pointwise
        ``"gaussian"``, ``"poisson"``, ``"gamma_log"``, ``"binomial(10)"``, ``"pseudo_huber"``, ... (an unknown name
        lists all), or a loss from ``dekderive.losses`` or compiled from a family of your own.  Families with a domain
        other than the real line (``"gamma"``) use the canonical link; the names with ``_log`` use the log link.
    kernel : str, scikit-learn kernel, dekderive kernel, or callable
        ``"rbf"``, ``"laplacian"``, ``"linear"``, ``"cosine"``, ``"poly"``, ``"precomputed"``; a callable returns K(X,
        Y).
    regularisation : float or {"loo", "gcv", "laplace"}
        lambda, or how it is chosen: deviance of left-out observations, generalised cross-validation, Laplace evidence.
    penalty : {"gaussian", "logistic", "pseudo_huber"} or Penalty, optional
        Q = -log q at the training inputs.
    family_parameters, penalty_parameters : dict, optional
        Known parameters by name: ``{"trials": 10}``, ``{"strength": 0.5}``.
    gamma, degree, coef0
        Of the kernels that are given by name, as in ``sklearn.metrics.pairwise``.
    prior_mean : float, optional
        The constant m.  Default 0 where the family allows that, otherwise the predictor of the null model.
    solver : str
        See ``dekderive.solvers.kglm.solve_kglm``.
    tol, max_iter : optional
        Of the solver.

    Attributes
    ----------
    dual_coef_, alpha_ : (n,) or (n, t) ndarray
    regularisation_, prior_mean_, n_iter_, lipschitz_, contraction_, converged_, error_bound_
        See ``dekderive.solvers.kglm.KGLMSolution``.
    deviance_, null_deviance_ : float or (t,) ndarray

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = np.linspace(0, 6, 60)[:, None]
    >>> y = rng.poisson(np.exp(1 + np.sin(X[:, 0])))
    >>> model = KernelGLM(family="poisson", kernel="rbf", regularisation="loo").fit(X, y)
    >>> model.predict([[1.5], [4.5]]).round(1)
    array([7.7, 1.6])
    """

    def __init__(
        self,
        family: Any = "gaussian",
        kernel: Any = "rbf",
        *,
        regularisation: float | str = 1.0,
        penalty: Any = None,
        family_parameters: dict[str, Any] | None = None,
        penalty_parameters: dict[str, Any] | None = None,
        gamma: float | None = None,
        degree: float = 3,
        coef0: float = 1,
        prior_mean: float | None = None,
        solver: str = "auto",
        tol: float | None = None,
        max_iter: int | None = None,
    ) -> None:
        self.family = family
        self.kernel = kernel
        self.regularisation = regularisation
        self.penalty = penalty
        self.family_parameters = family_parameters
        self.penalty_parameters = penalty_parameters
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.prior_mean = prior_mean
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter

    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, offset: ArrayLike | None = None
    ) -> KernelGLM:
        """Fit the model.

        Parameters
        ----------
        X : (n, d) array_like, or (n, n) for a precomputed kernel
        y : (n,) or (n, t) array_like
            Several columns are fitted at once, on one kernel matrix.
        sample_weight : (n,) array_like, optional
            A weight of 2 is the same as the observation twice.
        offset : (n,) array_like, optional
            Added to the predictor, and to be given again for predictions.

        Returns
        -------
        self

        Raises
        ------
        InvalidInput, UnknownName
        """
        checked = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        X, y = (np.asarray(a, dtype=np.float64) for a in checked)
        self.loss_ = pointwise_of(self.family, self.family_parameters, self.penalty, self.penalty_parameters)
        check_responses(self.loss_, y)
        gram, weights = self._start_fit(X, sample_weight, offset)
        given = np.zeros(len(y)) if offset is None else np.broadcast_to(np.asarray(offset, dtype=np.float64), (len(y),))
        w = 1.0 if weights is None else weights
        columns = y.reshape(len(y), -1).T
        null = np.array([null_predictor(self.loss_, column, w, given) for column in columns])
        self.prior_mean_ = self._prior_mean(null)
        shift = given + self.prior_mean_ if offset is not None or self.prior_mean_ else 0.0
        if isinstance(self.regularisation, str):
            chosen = select(self.regularisation, gram, y, self.loss_, weights, shift)
        else:
            chosen = float(self.regularisation)
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
        self.y_fit_, self.offset_ = y, shift
        self._adopt(fit, chosen)
        eta = fit.f.reshape(len(y), -1).T + shift
        self.deviance_ = self._shaped(self._deviances(columns, eta, w))
        self.null_deviance_ = self._shaped(self._deviances(columns, null[:, None] + given, w))
        return self

    def _prior_mean(self, null: Array) -> float:
        if self.prior_mean is not None:
            return float(self.prior_mean)
        loss = self.loss_.loss
        return 0.0 if loss.lower < 0 < loss.upper else float(null.mean())

    def _shaped(self, values: Array) -> Any:
        return values if self.y_fit_.ndim == 2 else float(values[0])

    def _deviances(self, rows: Array, eta: Array, weights: Any) -> Array:
        bare = Pointwise(self.loss_.loss, None, self.loss_.values)
        w = np.broadcast_to(weights, rows.shape)
        excess = np.where(w > 0, bare.value(eta, rows) - bare.best(rows), 0.0)
        return np.asarray(2 * np.sum(w * excess, axis=-1))

    def predict_natural(
        self,
        X: ArrayLike,
        offset: ArrayLike | None = None,
        *,
        return_std: bool = False,
        diagonal: ArrayLike | None = None,
    ) -> Any:
        """The predictor eta (the natural parameter, or its logarithmic or probit counterpart) at new inputs.

        Parameters
        ----------
        X : (m, d) array_like, or (m, n) for a precomputed kernel
        offset : (m,) array_like, optional
        return_std : bool
            Also return Laplace standard deviations (one target only).
        diagonal : (m,) array_like, optional
            K(x, x) of the new inputs, for the standard deviations with a precomputed kernel.

        Returns
        -------
        eta : (m,) or (m, t) ndarray
        std : (m,) ndarray

        Raises
        ------
        InvalidInput
        """
        cross = self._cross(X)
        shift = np.asarray(self._offset_at(len(cross), offset)) + self.prior_mean_
        f = cross @ self.alpha_
        eta = f + (shift if f.ndim == 1 or np.ndim(shift) == 0 else shift[:, None])
        if not return_std:
            return eta
        if f.ndim == 2:
            raise InvalidInput("standard deviations are those of one target; fit the targets one by one")
        if diagonal is None:
            own = diagonal_of(self.kernel_, np.asarray(X, dtype=np.float64), self._settings())
        else:
            own = np.broadcast_to(np.asarray(diagonal, dtype=np.float64), (len(cross),))
        return eta, np.sqrt(self._statistics().variance(cross.T, own))

    def predict(self, X: ArrayLike, offset: ArrayLike | None = None) -> Array:
        """The mean of the statistic T(y) at new inputs; NaN where the predictor leaves the natural domain.

        Parameters
        ----------
        X : (m, d) array_like, or (m, n) for a precomputed kernel
        offset : (m,) array_like, optional
        """
        eta = self.predict_natural(X, offset)
        return self.loss_.mean(eta)

    def score(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, offset: ArrayLike | None = None
    ) -> float:
        """D^2: 1 less the deviance over that of the null model; R^2 for the Gaussian.  The mean over several targets.

        NaN if the deviance is infinite, as that of a gamma response 0 is.

        Parameters
        ----------
        X : (m, d) array_like
        y : (m,) or (m, t) array_like
        sample_weight, offset : (m,) array_like, optional
        """
        eta = self.predict_natural(X, offset)
        target = np.asarray(y, dtype=np.float64)
        rows, etas = target.reshape(len(target), -1).T, eta.reshape(len(target), -1).T
        w = 1.0 if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        given = self._offset_at(len(target), offset)
        null = np.array([null_predictor(self.loss_, row, w, given) for row in rows])
        deviance = self._deviances(rows, etas, w)
        baseline = self._deviances(rows, null[:, None] + np.broadcast_to(given, rows.shape), w)
        constant = baseline <= 1e-14 * len(target)
        with np.errstate(invalid="ignore"):
            explained = 1 - deviance / np.where(constant, 1.0, baseline)
        return float(np.where(constant, deviance <= 1e-12, explained).mean())

    def deviance(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, offset: ArrayLike | None = None
    ) -> Any:
        """Twice the loss less that of a saturated model, summed over rows."""
        eta, target = self.predict_natural(X, offset), np.asarray(y, dtype=np.float64)
        w = 1.0 if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        return self._shaped(self._deviances(target.reshape(len(target), -1).T, eta.reshape(len(target), -1).T, w))

    def to_deq(self, X: ArrayLike | None = None, offset: ArrayLike | None = None) -> DEQWeights:
        """The deep equilibrium model whose forward pass on `y` is this fit: W1, W2, W3, V1, V2, and activations.

        Parameters
        ----------
        X : (m, d) array_like, optional
            Where it predicts; at the training inputs if left out.
        offset : (m,) array_like, optional

        Returns
        -------
        DEQWeights

        Raises
        ------
        InvalidInput
            If the link is not the canonical one.
        """
        check_is_fitted(self)
        cross = None if X is None else self._cross(X)
        readout = None if cross is None else np.asarray(self._offset_at(len(cross), offset)) + self.prior_mean_
        return kglm_weights(
            self.loss_,
            self._gram(),
            cross,
            regularisation=self.regularisation_,
            weights=self.sample_weight_,
            offset=self.offset_,
            readout_offset=readout,
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
