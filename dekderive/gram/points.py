"""Rows of data as points, and the angles of pairs of them with the digits that the data determine."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dekderive.errors import InvalidInput
from dekderive.solvers.solution import Array

__all__ = ["Pairs", "Points", "as_rows"]

# Cosines this close to +-1 lose digits of the angle, and are recomputed from differences of rows, by dtype of the data.
NEAR = {np.dtype(np.float64): 1e-4, np.dtype(np.float32): 2e-2}

# Elements that are gathered at once for that.
GATHER = 1 << 20


def as_rows(x: ArrayLike, name: str = "X") -> Array:
    """A matrix of finite real numbers: float32 if it is float32 (or float16), float64 otherwise.

    Raises
    ------
    InvalidInput
        If it is not two-dimensional, has no columns, is not real, or contains NaN or infinity.
    """
    if hasattr(x, "toarray") and not isinstance(x, np.ndarray):
        raise InvalidInput(f"{name} is a sparse matrix; pass {name}.toarray()")
    rows = np.asarray(x)
    if rows.dtype.kind not in "fiub":
        raise InvalidInput(f"{name} must hold real numbers, got dtype {rows.dtype}")
    if rows.ndim != 2:
        advice = "; for one column use X.reshape(-1, 1), for one row X.reshape(1, -1)" if rows.ndim == 1 else ""
        raise InvalidInput(f"{name} must be a matrix with one row for each input, got shape {rows.shape}{advice}")
    if rows.shape[1] == 0:
        raise InvalidInput(f"{name} has no columns")
    rows = rows.astype(np.float32 if rows.dtype in (np.float32, np.float16) else np.float64, copy=False)
    bad = ~np.isfinite(rows).all(axis=1)
    if bad.any():
        raise InvalidInput(f"{name} contains NaN or infinity in row {int(np.argmax(bad))}; impute or drop it")
    return rows


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Rows divided by powers of two (which rounds nothing), so that products neither overflow nor underflow.

    Attributes
    ----------
    rows : (n, d) ndarray
        ``rows * 2**exponents[:, None]`` are the points.
    squares, norms : (n,) ndarray of float64
        Squared Euclidean norms of `rows`, and their roots: between 1/2 and sqrt(d), or 0.
    exponents : (n,) ndarray of int
    """

    rows: Array
    squares: Array
    norms: Array
    exponents: NDArray[np.int64]

    @classmethod
    def of(cls, x: Array, extra: float = 0.0) -> "Points":
        """The rows of `x`, each with one more coordinate `extra` unless that is 0."""
        if extra != 0:
            x = np.hstack([x, np.full((len(x), 1), extra, dtype=x.dtype)])
        exponents = np.frexp(np.abs(x).max(axis=1, initial=0.0))[1].astype(np.int64)
        rows = np.ldexp(x, -exponents[:, None].astype(np.int32))
        squares = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
        return cls(rows, squares, np.sqrt(squares), exponents)

    @property
    def lengths(self) -> Array:
        """Norms of the points themselves."""
        return np.ldexp(self.norms, self.exponents)

    @property
    def squared_lengths(self) -> Array:
        """Their squares, without the rounding of a root."""
        return np.ldexp(self.squares, 2 * self.exponents)

    def __len__(self) -> int:
        return len(self.rows)


class Pairs:
    """Some pairs of points ``(left[i], right[j])``, as one-dimensional arrays.

    Parameters
    ----------
    left, right : Points
    i, j : ndarray of int
    inner : ndarray of float64
        Inner products of the *scaled* rows.
    """

    def __init__(self, left: Points, right: Points, i: NDArray[Any], j: NDArray[Any], inner: Array) -> None:
        self.left, self.right, self.i, self.j, self.inner = left, right, i, j, inner
        self._near: Array | None = None

    @classmethod
    def block(cls, left: Points, right: Points, rows: slice, columns: slice, lower: bool = False) -> "Pairs":
        """All pairs of a block, row by row; of a diagonal block only those below the diagonal if `lower`."""
        inner = (left.rows[rows] @ right.rows[columns].T).astype(np.float64, copy=False)
        if lower:
            i, j = np.tril_indices(len(inner), -1)
            return cls(left, right, i + rows.start, j + columns.start, inner[i, j])
        i = np.repeat(np.arange(rows.start, rows.stop), inner.shape[1])
        j = np.tile(np.arange(columns.start, columns.stop), inner.shape[0])
        return cls(left, right, i, j, inner.ravel())

    @property
    def dot(self) -> Array:
        """Inner products of the points."""
        return np.ldexp(self.inner, (self.left.exponents[self.i] + self.right.exponents[self.j]).astype(np.int32))

    @property
    def lengths(self) -> tuple[Array, Array]:
        """Lengths of both points of each pair."""
        return self.left.lengths[self.i], self.right.lengths[self.j]

    @property
    def near(self) -> Array:
        """``1 - |cos|`` to full relative accuracy, also for pairs that are almost (anti)parallel; 1 for zero rows."""
        if self._near is None:
            norms = self.left.norms[self.i] * self.right.norms[self.j]
            cosine = np.abs(self.inner) / np.where(norms > 0, norms, 1.0)
            near = np.maximum(1.0 - cosine, 0.0)
            close = np.flatnonzero(near < NEAR[np.result_type(self.left.rows, self.right.rows)])
            chunk = max(1, GATHER // self.left.rows.shape[1])
            for begin in range(0, close.size, chunk):
                part = close[begin : begin + chunk]
                near[part] = self._near_from_differences(part)
            self._near = near
        return self._near

    def _near_from_differences(self, part: NDArray[Any]) -> Array:
        r"""``1 - |cos|`` from the part of ``x - y`` that is orthogonal to x: no digits are lost as y approaches x."""
        i, j = self.i[part], self.j[part]
        x, y = self.left.rows[i].astype(np.float64), self.right.rows[j].astype(np.float64)
        # Powers of two again: comparable lengths, so that x - y is exact (Sterbenz) for near-duplicates.
        shift = np.rint(np.log2(self.left.norms[i] / self.right.norms[j])).astype(np.int32)
        y = np.ldexp(y, shift[:, None]) * np.where(self.inner[part] < 0, -1.0, 1.0)[:, None]
        difference = x - y
        along = np.einsum("ij,ij->i", x, difference) / np.einsum("ij,ij->i", x, x)
        across = difference - along[:, None] * x
        sine_squared = np.einsum("ij,ij->i", across, across) / np.einsum("ij,ij->i", y, y)
        return sine_squared / (1.0 + np.sqrt(np.maximum(1.0 - sine_squared, 0.0)))

    @property
    def gap(self) -> Array:
        """``1 - cos``; 0 where a row is zero, by convention."""
        norms = self.left.norms[self.i] * self.right.norms[self.j]
        return np.where(norms > 0, np.where(self.inner < 0, 2.0 - self.near, self.near), 0.0)

    @property
    def angles(self) -> tuple[Array, Array]:
        """The angle and its supplement, each to full relative accuracy."""
        small = 2.0 * np.arcsin(np.sqrt(self.near / 2.0))
        obtuse = self.inner < 0
        return np.where(obtuse, np.pi - small, small), np.where(obtuse, small, np.pi - small)
