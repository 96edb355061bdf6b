"""Kernel ridge regression on labels: one factorisation of the kernel matrix for all classes."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.gaussian_process.kernels import Kernel as SklearnKernel
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from dekderive.errors import InvalidInput
from dekderive.estimators.glm_kernels import as_kernel, cross_gram, gram_of
from dekderive.gram import gram
from dekderive.gram.moments import Moments
from dekderive.kernels.kernel import Kernel
from dekderive.kernels.layered import LayeredKernel

__all__ = ["KernelRidgeClassifier"]

Array = np.ndarray

# Entries of a block of the matrix between new rows and training rows: 64 MiB in float64.
_BLOCK = 1 << 23


class KernelRidgeClassifier(ClassifierMixin, BaseEstimator):
    r"""Kernel regression on centred one-hot labels; the predicted class is the one of the largest score.

    With K the kernel matrix of n training inputs and C classes,

    .. math:: (K + \lambda \bar k I) A = T, \qquad T_{ic} = [y_i = c] - 1/C, \qquad \bar k = \operatorname{tr} K / n,

    and the scores of x are :math:`\sum_i k(x, x_i) A_i`.  For two classes one column stands for both: the second one
    minus the first.  A constant added to all labels moves all scores of an input by the same amount, so that no
    prediction depends on it; 1/C (0.1 for ten classes) is what the literature subtracts.

    Parameters
    ----------
    kernel : Kernel, LayeredKernel, str, scikit-learn kernel or callable
        A record from ``dekderive.kernels``; "precomputed"; a name or a kernel of scikit-learn; or a function that
        returns K(X, Y) for arrays of any shape (images, say).  If its second argument is optional, training calls it
        with the first alone.  Float32 rows of a record keep the matrix in float32, half the memory.
    regularisation : float
        The number :math:`\lambda \ge 0`, relative to the mean of the diagonal.  0 interpolates the labels.
    kernel_parameters : dict, optional
        Parameters of a record of dekderive, by name.
    moments : Moments, optional
        Input moments of a record of dekderive; its own default otherwise.
    gamma, degree, coef0
        Of the named kernels, as in scikit-learn.

    Attributes
    ----------
    classes_ : (C,) ndarray
    dual_coef_ : (n, C) ndarray, or (n,) for two classes
        A, in the precision of the kernel matrix.
    ridge_ : float
        :math:`\lambda \bar k`, what was added to the diagonal.
    residual_ : float
        :math:`\|(K + \lambda \bar k I) A - T\| / \|T\|` in Frobenius norms, of the solution as it was rounded.
    X_fit_ : ndarray
        Training inputs.

    Raises
    ------
    InvalidInput
        In ``fit``, if the matrix is not positive definite to working precision; the message says what to do.

    Notes
    -----
    One Cholesky factorisation, written over one triangle of K, serves all classes: the memory is that of K and of the
    inputs.  Predictions visit new inputs in blocks and never hold the whole matrix between them and the training set.

    References
    ----------
    Z. Feng and J. Z. Kolter, "On the neural tangent kernel of equilibrium models", 2021, section 5.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.preprocessing import normalize
    >>> from dekderive.kernels import deq_ntk_relu
    >>> X, y = load_digits(return_X_y=True)
    >>> X = normalize(X)
    >>> model = KernelRidgeClassifier(deq_ntk_relu, regularisation=0.0).fit(X[:500], y[:500])
    >>> round(model.score(X[500:1000], y[500:1000]), 3)
    0.928
    """

    def __init__(
        self,
        kernel: Any = "rbf",
        *,
        regularisation: float = 1e-6,
        kernel_parameters: dict[str, Any] | None = None,
        moments: Moments | None = None,
        gamma: float | None = None,
        degree: float = 3,
        coef0: float = 1,
    ) -> None:
        self.kernel = kernel
        self.regularisation = regularisation
        self.kernel_parameters = kernel_parameters
        self.moments = moments
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0

    def fit(self, X: ArrayLike, y: ArrayLike) -> KernelRidgeClassifier:
        """Factorise the kernel matrix and solve for all classes.

        Parameters
        ----------
        X : (n, d) array_like; (n, n) for a precomputed kernel; any shape (n, ...) for a function
        y : (n,) array_like
            Labels.

        Returns
        -------
        self

        Raises
        ------
        InvalidInput
        """
        level = float(self.regularisation)
        if not 0 <= level < float("inf"):
            raise InvalidInput(f"regularisation must be a finite number, at least 0, got {self.regularisation!r}")
        if not self._is_record() and (self.kernel_parameters is not None or self.moments is not None):
            raise InvalidInput("kernel_parameters and moments belong to a record of dekderive.kernels; leave them out")
        rows, y = validate_data(self, X, y, dtype=self._precisions(), allow_nd=self._takes_any_shape())
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise InvalidInput(
                f"a classifier needs samples of 2 classes or more; the data contain {len(self.classes_)} class"
            )
        self.X_fit_ = np.asarray(rows)
        self._solve(self._training_matrix(self.X_fit_), codes, level)
        return self

    def decision_function(self, X: ArrayLike) -> Array:
        """Scores of the classes, (m, C), or of the second class above the first, (m,), for two.

        Parameters
        ----------
        X : array_like
            New inputs, shaped as those of ``fit``; (m, n) for a precomputed kernel.

        Returns
        -------
        ndarray
        """
        check_is_fitted(self)
        settings = {"dtype": self._precisions(), "allow_nd": self._takes_any_shape()}
        rows = np.asarray(validate_data(self, X, reset=False, **settings))
        step = max(1, _BLOCK // len(self.X_fit_))
        parts = [self._cross(rows[i : i + step]) @ self.dual_coef_ for i in range(0, len(rows), step)]
        return np.concatenate(parts)

    def predict(self, X: ArrayLike) -> Array:
        """The class of the largest score; of equal scores the first.

        Parameters
        ----------
        X : array_like
            As for :meth:`decision_function`.

        Returns
        -------
        (m,) ndarray
        """
        scores = self.decision_function(X)
        winners = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
        return self.classes_[winners]

    def _is_record(self) -> bool:
        return isinstance(self.kernel, Kernel | LayeredKernel)

    def _takes_any_shape(self) -> bool:
        return callable(self.kernel) and not isinstance(self.kernel, SklearnKernel)

    def _precisions(self) -> tuple[type, ...]:
        """Precisions that inputs keep: float64 alone for the kernels of scikit-learn, some too smooth for float32."""
        smooth = isinstance(self.kernel, SklearnKernel) or (
            isinstance(self.kernel, str) and self.kernel != "precomputed"
        )
        return (np.float64,) if smooth else (np.float64, np.float32)

    def _settings(self) -> dict[str, Any]:
        return {"gamma": self.gamma, "degree": self.degree, "coef0": self.coef0}

    def _training_matrix(self, X: Array) -> Array:
        """A kernel matrix that may be written to."""
        if self._is_record():
            return gram(self.kernel, X, moments=self.moments, **(self.kernel_parameters or {}))
        kernel = as_kernel(self.kernel)
        if self._takes_any_shape() and _second_is_optional(kernel):
            found = np.asarray(kernel(X))
            if found.shape != (len(X), len(X)):
                raise InvalidInput(f"the kernel must return shape {(len(X), len(X))} for X alone, got {found.shape}")
        else:
            found = np.asarray(gram_of(kernel, X, self._settings()))
        kept = found.dtype if found.dtype in (np.float32, np.float64) else np.dtype(np.float64)
        return np.array(found, dtype=kept, order="C")  # the caller's matrix is not ours to overwrite

    def _cross(self, X: Array) -> Array:
        if self._is_record():
            return gram(self.kernel, X, self.X_fit_, moments=self.moments, **(self.kernel_parameters or {}))
        return cross_gram(as_kernel(self.kernel), X, self.X_fit_, self._settings())

    def _solve(self, matrix: Array, codes: Array, level: float) -> None:
        count, classes = len(codes), len(self.classes_)
        targets = np.eye(classes, dtype=matrix.dtype)[codes] - matrix.dtype.type(1 / classes)
        if classes == 2:
            targets = targets[:, 1:] - targets[:, :1]
        diagonal = np.diagonal(matrix).copy()
        self.ridge_ = level * float(diagonal.mean(dtype=np.float64))
        loaded = diagonal + matrix.dtype.type(self.ridge_)
        np.fill_diagonal(matrix, loaded)
        try:
            # Fortran's view of a symmetric matrix in C order is the same matrix, so that LAPACK need not copy it.
            factor = cho_factor(matrix.T, lower=False, overwrite_a=True, check_finite=False)
        except LinAlgError as error:
            raise InvalidInput(
                f"the kernel matrix of {count} inputs is not positive definite in {matrix.dtype} with regularisation "
                f"{level:g}: repeated inputs with different labels, or a kernel too smooth; raise regularisation"
                + ("" if matrix.dtype == np.float64 else ", or pass rows in float64")
            ) from error
        solution = cho_solve(factor, targets, check_finite=False)
        np.fill_diagonal(matrix, loaded)  # the factor took the other triangle; with the diagonal this one is K again
        self.residual_ = _residual(matrix, solution, targets)
        if not np.isfinite(self.residual_):
            raise InvalidInput("the solution of the kernel equations is not finite; raise regularisation")
        self.dual_coef_ = np.ascontiguousarray(solution[:, 0] if classes == 2 else solution)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = isinstance(self.kernel, str) and self.kernel == "precomputed"
        return tags


def _second_is_optional(kernel: Any) -> bool:
    """Whether ``kernel(X)`` is a call that the function takes."""
    try:
        inspect.signature(kernel).bind(None)
    except TypeError:
        return False
    except ValueError:  # a built-in function without a signature
        return False
    return True


def _residual(upper: Array, solution: Array, targets: Array) -> float:
    """Relative size of what is left of the equations, from the upper triangle of the matrix, block by block."""
    count, left = len(upper), 0.0
    product = np.zeros(solution.shape, dtype=np.float64)
    step = max(64, _BLOCK // max(count, 1))
    for begin in range(0, count, step):
        rows = slice(begin, begin + step)
        block = np.triu(upper[rows, begin:])
        product[rows] += block @ solution[begin:]
        width = len(block)
        np.fill_diagonal(block[:, :width], 0)
        product[begin:] += block.T @ solution[rows]
    left = float(np.linalg.norm(product - targets))
    return left / float(np.linalg.norm(targets))
