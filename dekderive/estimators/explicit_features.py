"""Random features of designed explicit networks, as a scikit-learn transformer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from dekderive.design import design_explicit
from dekderive.equivalents import DeepEquilibrium, relu
from dekderive.errors import InvalidInput
from dekderive.solvers.solution import Array

__all__ = ["ExplicitNetworkFeatures"]


class ExplicitNetworkFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    r"""Features whose inner products approximate the kernel of a deep equilibrium model, without any fixed point.

    An explicit network is designed for the mean square norm of the data (see
    :func:`dekderive.design.design_explicit`) and drawn at random; a linear model on its features is kernel regression
    with the equilibrium model, at the cost of a matrix product.

    Parameters
    ----------
    deq : DeepEquilibrium, optional
        By default that of ReLU with variances 1/2 and 1/2.
    kernel : {"ck", "ntk", "ntk_full"}
    family : str
    width : int
        Number of units of each hidden layer.
    scale : float or "auto"
        Rows are multiplied with it first; ``"auto"`` makes their mean square norm 1.
    random_state : int, RandomState or None

    Attributes
    ----------
    network_ : ExplicitNetwork
    weights_ : tuple of ndarray
    scale_ : float
    n_features_in_ : int

    Raises
    ------
    NotReachable, NoFixedPoint, InvalidInput
        On fitting, as of :func:`~dekderive.design.design_explicit`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import RidgeClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X, y = load_digits(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), ExplicitNetworkFeatures(width=400, random_state=0), RidgeClassifier())
    >>> model.fit(X[:1000], y[:1000]).score(X[1000:], y[1000:]) > 0.9
    True
    """

    def __init__(
        self,
        deq: DeepEquilibrium | None = None,
        *,
        kernel: str = "ck",
        family: str = "auto",
        width: int = 500,
        scale: float | str = "auto",
        random_state: Any = None,
    ) -> None:
        self.deq = deq
        self.kernel = kernel
        self.family = family
        self.width = width
        self.scale = scale
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any = None) -> ExplicitNetworkFeatures:
        """Design the network for the norms of X, and draw it.

        Parameters
        ----------
        X : (n, d) array_like
        y : ignored

        Returns
        -------
        self
        """
        rows = validate_data(self, X, dtype=(np.float64, np.float32))
        square = float(np.mean(np.einsum("ij,ij->i", rows, rows, dtype=np.float64)))
        if isinstance(self.scale, str) and self.scale != "auto":
            raise InvalidInput(f"scale must be a number or 'auto', got {self.scale!r}")
        if not square > 0:
            raise InvalidInput("all rows are zero; there is no scale to design a network for")
        self.scale_ = 1.0 / math.sqrt(square) if isinstance(self.scale, str) else float(self.scale)
        deq = DeepEquilibrium(relu, 0.5, 0.5) if self.deq is None else self.deq
        self.network_ = design_explicit(deq, self.kernel, self.family, tau0=self.scale_ * math.sqrt(square))
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        drawn = self.network_.weights(rows.shape[1], self.width, seed)
        self.weights_ = tuple(w.astype(rows.dtype, copy=False) for w in drawn)
        self._n_features_out = self.width * (1 if self.kernel == "ck" else 2)
        return self

    def transform(self, X: ArrayLike) -> Array:
        """The features of the rows of X.

        Parameters
        ----------
        X : (n, d) array_like

        Returns
        -------
        (n, width) or (n, 2 width) ndarray
            float32 if X is float32.
        """
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=(np.float64, np.float32), reset=False)
        return self.network_.apply(self.weights_, rows.dtype.type(self.scale_) * rows)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
