"""What a kernel GLM takes for a kernel, and how it is evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.gaussian_process.kernels import Kernel as SklearnKernel
from sklearn.metrics.pairwise import pairwise_kernels

from dekderive.errors import InvalidInput
from dekderive.estimators.equilibrium_kernel import EquilibriumKernel
from dekderive.kernels.kernel import Kernel

__all__ = ["as_kernel", "cross_gram", "diagonal_of", "gram_of"]

_NAMED = {
    "rbf": ("gamma",),
    "laplacian": ("gamma",),
    "linear": (),
    "cosine": (),
    "poly": ("gamma", "degree", "coef0"),
    "polynomial": ("gamma", "degree", "coef0"),
}


def as_kernel(kernel: Any) -> Any:
    """Return a name, a scikit-learn kernel or a callable; records of dekderive become scikit-learn kernels.

    Raises
    ------
    InvalidInput
        If it is none of these, or a name that is not positive semi-definite.
    """
    if isinstance(kernel, Kernel):
        return EquilibriumKernel(kernel)
    known = kernel in (*_NAMED, "precomputed") if isinstance(kernel, str) else False
    if known or isinstance(kernel, SklearnKernel) or callable(kernel):
        return kernel
    raise InvalidInput(
        f"kernel must be one of {', '.join(_NAMED)}, 'precomputed', a scikit-learn or dekderive kernel, or a callable "
        f"that returns K(X, Y); got {kernel!r}"
    )


def gram_of(kernel: Any, X: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
    """K(X, X); for "precomputed", X itself."""
    if isinstance(kernel, str) and kernel == "precomputed":
        if X.shape[0] != X.shape[1]:
            raise InvalidInput(f"a precomputed kernel matrix must be square in fit, got shape {X.shape}")
        return X
    if isinstance(kernel, SklearnKernel):
        return np.asarray(kernel(X))
    return cross_gram(kernel, X, X, settings)


def cross_gram(kernel: Any, X: np.ndarray, Y: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
    """K(X, Y) with one row for each row of X; for "precomputed", X itself, with one column for each row of Y."""
    if isinstance(kernel, str):
        if kernel == "precomputed":
            return X
        chosen = {name: settings[name] for name in _NAMED[kernel] if settings[name] is not None}
        return np.asarray(pairwise_kernels(X, Y, metric=kernel, **chosen))
    matrix = np.asarray(kernel(X, Y))
    if matrix.shape != (len(X), len(Y)):
        raise InvalidInput(
            f"the kernel must return a matrix of shape {(len(X), len(Y))} for X and Y, it returned {matrix.shape}; a "
            "function of two vectors can be passed as sklearn.gaussian_process.kernels.PairwiseKernel"
        )
    return matrix


def diagonal_of(kernel: Any, X: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
    """The values k(x, x) of the rows of X."""
    if isinstance(kernel, str) and kernel == "precomputed":
        raise InvalidInput("K(x, x) of new inputs is not known for a precomputed kernel; pass it as `diagonal`")
    if isinstance(kernel, SklearnKernel):
        return np.asarray(kernel.diag(X))
    return np.array([cross_gram(kernel, row[None], row[None], settings)[0, 0] for row in X])
