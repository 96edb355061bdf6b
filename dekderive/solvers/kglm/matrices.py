"""The kernel matrix as solvers see it: products, spectrum, and the shifted inverse, dense or as a Kronecker product."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh
from scipy.sparse.linalg import LinearOperator, eigsh

from dekderive.errors import InvalidInput

__all__ = ["Dense", "Kronecker", "Matrix", "as_matrix"]

Array = NDArray[np.float64]
_ROUNDS = 12  # of power iteration; each tightens the Collatz-Wielandt quotient


# Positive semi-definite.  Arrays have one row for each target, so that a target lies together in memory.


@dataclass(frozen=True)
class Dense:
    """A matrix that is stored."""

    entries: Array

    @property
    def size(self) -> int:
        """Number of rows."""
        return len(self.entries)

    @property
    def terms(self) -> int:
        """How many terms a product with K adds up, in all."""
        return self.size

    def times(self, v: Array) -> Array:
        """V K."""
        return v @ self.entries

    def absolute_times(self, v: Array) -> Array:
        """V |K|, of absolute values."""
        return v @ np.abs(self.entries)

    @cached_property
    def spectrum(self) -> tuple[Array, Array]:
        """Eigenvalues (those that rounding made negative set to 0) and eigenvectors."""
        values, vectors = eigh(self.entries, check_finite=False)
        return np.maximum(values, 0.0), vectors

    def prepare(self) -> None:
        """Compute the spectrum now."""
        _ = self.spectrum

    def filter(self, transfer: Callable[[Array], Array]) -> Callable[[Array], Array]:
        """V -> v transfer(K)."""
        values, vectors = self.spectrum
        matrix = (vectors * transfer(values)) @ vectors.T
        return lambda v: v @ matrix

    def filtered(self, v: Array, transfer: Callable[[Array], Array]) -> Array:
        """V transfer(K), row by row."""
        values, vectors = self.spectrum
        return ((v @ vectors) * transfer(values)) @ vectors.T

    @cached_property
    def norm(self) -> float:
        """The largest eigenvalue in magnitude, by Lanczos iteration."""
        if "spectrum" in vars(self):
            return float(self.spectrum[0][-1])
        if self.size <= 64:
            return float(np.abs(np.linalg.eigvalsh(self.entries)).max(initial=0.0))
        operator = LinearOperator(self.entries.shape, matvec=self.entries.__matmul__, dtype=np.float64)
        start = np.abs(self.entries).sum(axis=1)
        if not start.any():
            return 0.0
        return float(eigsh(operator, 1, which="LM", v0=start, tol=1e-6, return_eigenvectors=False)[0])

    @cached_property
    def norm_bound(self) -> float:
        """Collatz-Wielandt: for v > 0, the norm of |K|, and hence of K, is at most max (|K| v) / v."""
        absolute = np.abs(self.entries)
        return _collatz_wielandt(absolute.__matmul__, self.size)


@dataclass(frozen=True)
class Kronecker:
    """The matrix K1 (x) K2 of a product kernel on a grid; vectors are grids in row-major order."""

    left: Dense
    right: Dense

    @property
    def size(self) -> int:
        """Number of grid points."""
        return self.left.size * self.right.size

    def _grids(self, v: Array) -> Array:
        return v.reshape(*v.shape[:-1], self.left.size, self.right.size)

    @property
    def terms(self) -> int:
        """How many terms a product with K adds up, in all."""
        return self.left.size + self.right.size

    def absolute_times(self, v: Array) -> Array:
        """V |K|, of absolute values."""
        return (np.abs(self.left.entries) @ self._grids(v) @ np.abs(self.right.entries)).reshape(v.shape)

    def times(self, v: Array) -> Array:
        """V K."""
        return (self.left.entries @ self._grids(v) @ self.right.entries).reshape(v.shape)

    def prepare(self) -> None:
        """Compute the spectrum now."""
        _ = self._eigenvalues

    def filter(self, transfer: Callable[[Array], Array]) -> Callable[[Array], Array]:
        """V -> v transfer(K), through the eigenvectors of the two factors."""
        weights = transfer(self._eigenvalues)
        return lambda v: self._through_spectrum(v, weights)

    def filtered(self, v: Array, transfer: Callable[[Array], Array]) -> Array:
        """V transfer(K), row by row."""
        return self._through_spectrum(v, transfer(self._eigenvalues))

    @cached_property
    def _eigenvalues(self) -> Array:
        return np.multiply.outer(self.left.spectrum[0], self.right.spectrum[0]).ravel()

    def _through_spectrum(self, v: Array, weights: Array) -> Array:
        u, w = self.left.spectrum[1], self.right.spectrum[1]
        return (u @ ((u.T @ self._grids(v) @ w) * self._grids(weights)) @ w.T).reshape(v.shape)

    @property
    def norm(self) -> float:
        """Product of the norms of the factors."""
        return self.left.norm * self.right.norm

    @property
    def norm_bound(self) -> float:
        """Product of the bounds of the factors."""
        return self.left.norm_bound * self.right.norm_bound


Matrix: TypeAlias = Dense | Kronecker


def as_matrix(gram: ArrayLike | tuple[ArrayLike, ArrayLike] | Matrix) -> Matrix:
    """Return a kernel matrix in the form that solvers use; a pair of matrices stands for their Kronecker product.

    Raises
    ------
    InvalidInput
        If a matrix is not square, not symmetric or not finite.

    Examples
    --------
    >>> as_matrix((np.eye(2), np.eye(3))).size
    6
    """
    if isinstance(gram, tuple):
        left, right = (_dense(part) for part in gram)
        return Kronecker(left, right)
    if isinstance(gram, Dense):
        return gram
    return gram if isinstance(gram, Kronecker) else _dense(gram)


def _dense(gram: object) -> Dense:
    entries = np.asarray(gram, dtype=np.float64)
    if entries.ndim != 2 or entries.shape[0] != entries.shape[1]:
        raise InvalidInput(f"the kernel matrix must be square, got shape {entries.shape}")
    scale = float(np.abs(entries).max(initial=0.0))
    if not np.isfinite(scale):
        raise InvalidInput("the kernel matrix has entries that are not finite; look for NaN in the inputs")
    if np.abs(entries - entries.T).max(initial=0.0) > 1e-8 * scale:
        raise InvalidInput("the kernel matrix is not symmetric; pass K(X, X), with the rows of X in one order")
    return Dense(entries)


def _collatz_wielandt(product: Callable[[Array], Array], size: int) -> float:
    v = product(np.ones(size))
    bound = float(v.max(initial=0.0))
    if bound == 0.0:
        return 0.0
    for _ in range(_ROUNDS):
        v = np.maximum(v / v.max(), 1e-12)  # positive, also where a row is zero
        image = product(v)
        bound = min(bound, float((image / v).max()))
        v = image
    return bound * (1 + 4 * size * np.finfo(float).eps)
