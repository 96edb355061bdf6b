"""Rows of data as points, and the angles of pairs of them with the digits that the data determine."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dekderive.errors import InvalidInput
from dekderive.solvers.arguments import exact_product
from dekderive.solvers.solution import Array

__all__ = ["Block", "Pairs", "Points", "as_matrix", "as_rows", "near_of_rows"]

# Cosines this close to +-1 lose more than 3e-14 (for float32 rows 5e-7) of 1 - |cos|, and are recomputed from
# differences of rows, by dtype of the data.
NEAR = {np.dtype(np.float64): 5e-3, np.dtype(np.float32): 0.25}

# Pairs whose squared distance is below this part of the spread of the data, or below this number for unit rows, are not
# recomputed from products of centred rows: too few digits would be left.
CENTRED = (1e-3, 1e-5)

# Elements that are gathered at once for that.
GATHER = 1 << 20


def as_rows(x: ArrayLike, name: str = "X") -> Array:
    """A matrix of finite real numbers: float32 if it is float32 (or float16), float64 otherwise.

    Raises
    ------
    InvalidInput
        If it is not two-dimensional, has no columns, is not real, or contains NaN or infinity.
    """
    rows = as_matrix(x, name)
    bad = ~np.isfinite(rows).all(axis=1)
    if bad.any():
        raise InvalidInput(f"{name} contains NaN or infinity in row {int(np.argmax(bad))}; impute or drop it")
    return rows


def as_matrix(x: ArrayLike, name: str = "X") -> Array:
    """The same without a look at the numbers: for callers that see their squares first."""
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
    return rows.astype(np.float32 if rows.dtype in (np.float32, np.float16) else np.float64, copy=False)


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


@dataclass(frozen=True)
class Block:
    """Rows and columns of a Gram matrix; of a diagonal block only what is below the diagonal if `lower`."""

    rows: slice
    columns: slice
    lower: bool = False

    @functools.cached_property
    def indices(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Row and column of every pair, row by row."""
        height, width = self.rows.stop - self.rows.start, self.columns.stop - self.columns.start
        if self.lower:
            i, j = np.tril_indices(height, -1)
            return i + self.rows.start, j + self.columns.start
        i, j = np.arange(self.rows.start, self.rows.stop), np.arange(self.columns.start, self.columns.stop)
        return np.repeat(i, width), np.tile(j, height)

    def product(self, left: Array, right: Array) -> Array:
        """Inner products of all pairs of rows, by one matrix product, in float64."""
        matrix = left[self.rows] @ right[self.columns].T
        flat = matrix[np.tril_indices(len(matrix), -1)] if self.lower else matrix.ravel()
        return flat.astype(np.float64, copy=False)


class Pairs:
    """The pairs of points of a block, as one-dimensional arrays.

    Parameters
    ----------
    left, right : Points
    block : Block
    """

    def __init__(self, left: Points, right: Points, block: Block) -> None:
        self.left, self.right, self._block = left, right, block
        self.i, self.j = block.indices
        self.inner = block.product(left.rows, right.rows)  # of the scaled rows
        self._near: Array | None = None

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
            kind = np.result_type(self.left.rows, self.right.rows)
            near = self._near_from_products()
            close = np.flatnonzero(near < NEAR[kind])
            if kind == np.float32 and self._crowded(close):
                self.inner = self._block.product(self.left.rows.astype(np.float64), self.right.rows.astype(np.float64))
                near = self._near_from_products()
                close = np.flatnonzero(near < NEAR[np.dtype(np.float64)])
            if self._crowded(close):
                near[close], close = self._near_from_centred_products(close)
            chunk = max(1, GATHER // self.left.rows.shape[1])
            for begin in range(0, close.size, chunk):
                part = close[begin : begin + chunk]
                near[part] = self._near_from_differences(part)
            self._near = near
        return self._near

    def _crowded(self, close: NDArray[np.intp]) -> bool:
        # A difference of two rows costs about as much as sixty inner products of a matrix product.
        return 64 * close.size > self.i.size

    def _near_from_products(self) -> Array:
        norms = self.left.norms[self.i] * self.right.norms[self.j]
        return np.maximum(1.0 - np.abs(self.inner) / np.where(norms > 0, norms, 1.0), 0.0)

    def _near_from_centred_products(self, close: NDArray[np.intp]) -> tuple[Array, NDArray[np.intp]]:
        """For data that all point the same way: |u - v|^2/2 of unit rows with their common direction taken off.

        Returns the values and those pairs for which they are not good enough: opposite ones, and such as are close even
        in comparison with the spread of the data or with rounding.
        """
        u, v = (p.rows / np.where(p.norms > 0, p.norms, 1.0)[:, None] for p in (self.left, self.right))
        common = u.mean(axis=0)
        u, v = u - common, v - common
        square_u, square_v = np.einsum("ij,ij->i", u, u), np.einsum("ij,ij->i", v, v)
        spread = square_u[self.i[close]] + square_v[self.j[close]]
        squares = spread - 2 * self._block.product(u, v)[close]
        # Unit rows are rounded, so that |u - v| itself has to be large enough too.
        rest = (squares < CENTRED[0] * spread) | (squares < CENTRED[1]) | (self.inner[close] < 0)
        return np.maximum(squares, 0.0) / 2, close[rest]

    def _near_from_differences(self, part: NDArray[Any]) -> Array:
        i, j = self.i[part], self.j[part]
        return near_of_rows(self.left.rows[i].astype(np.float64), self.right.rows[j].astype(np.float64))

    @property
    def directions(self) -> Array:
        """Of every pair the unit vector at a right angle to x towards y, (N, d); 0 where y is a multiple of x."""
        x, y = self.left.rows[self.i].astype(np.float64), self.right.rows[self.j].astype(np.float64)
        across = _orthogonal_part(x, y)
        length = np.sqrt(np.einsum("ij,ij->i", across, across))
        # Parts below the rounding error of y have no direction.
        none = length <= 1e-30 * self.right.norms[self.j]
        return np.where(none[:, None], 0.0, across / np.where(none, 1.0, length)[:, None])

    @property
    def tilt(self) -> Array:
        """Logarithm of the ratio of both lengths: to full relative accuracy for near-duplicates; 0 for zero rows."""
        x, y = self.left.lengths[self.i], self.right.lengths[self.j]
        some = (x > 0) & (y > 0)
        tilt = np.log(np.where(some, x, 1.0)) - np.log(np.where(some, y, 1.0))
        # Elsewhere an error of one rounding does not show: in no kernel does the tilt count for more than the gap.
        close = np.flatnonzero((self.near < NEAR[np.dtype(np.float64)]) & (np.abs(tilt) < 0.05) & some)
        chunk = max(1, GATHER // self.left.rows.shape[1])
        for begin in range(0, close.size, chunk):
            part = close[begin : begin + chunk]
            i, j = self.i[part], self.j[part]
            u = self.left.rows[i].astype(np.float64)
            shift = (self.right.exponents[j] - self.left.exponents[i]).astype(np.int32)
            v = np.ldexp(self.right.rows[j].astype(np.float64), shift[:, None])
            v *= np.where(self.inner[part] < 0, -1.0, 1.0)[:, None]
            grown = np.einsum("ij,ij->i", u - v, u + v) / np.einsum("ij,ij->i", v, v)
            tilt[part] = np.log1p(grown) / 2
        return tilt

    @property
    def gap(self) -> Array:
        """``1 - cos``; 0 where a row is zero, by convention."""
        norms = self.left.norms[self.i] * self.right.norms[self.j]
        return np.where(norms > 0, np.where(self.inner < 0, 2.0 - self.near, self.near), 0.0)

    @property
    def opposite_gap(self) -> Array:
        """``1 + cos``, with the digits that the gap loses close to 2; 2 where a row is zero, by convention."""
        norms = self.left.norms[self.i] * self.right.norms[self.j]
        return np.where(norms > 0, np.where(self.inner < 0, self.near, 2.0 - self.near), 2.0)

    @property
    def angles(self) -> tuple[Array, Array]:
        """The angle and its supplement, each to full relative accuracy."""
        small = 2.0 * np.arcsin(np.sqrt(self.near / 2.0))
        obtuse = self.inner < 0
        return np.where(obtuse, np.pi - small, small), np.where(obtuse, small, np.pi - small)


def near_of_rows(x: Array, y: Array) -> Array:
    """``1 - |cos|`` from the part of y that is orthogonal to x, with its digits where they are almost parallel."""
    across = _orthogonal_part(x, y)
    sine_squared = np.einsum("ij,ij->i", across, across) / np.einsum("ij,ij->i", y, y)
    return sine_squared / (1.0 + np.sqrt(np.maximum(1.0 - sine_squared, 0.0)))


def _orthogonal_part(x: Array, y: Array) -> Array:
    r"""The parts of the rows of y that are orthogonal to those of x, all rows of order 1; y where x is zero.

    With any number c close to :math:`x \cdot y / |x|^2`, it is the orthogonal part of :math:`y - c x`, which is small
    for almost parallel rows, and is computed from the exact products.
    """
    square = np.einsum("ij,ij->i", x, x)
    square = np.where(square > 0, square, 1.0)
    multiple, error = exact_product(x, (np.einsum("ij,ij->i", x, y) / square)[:, None])
    rest = (y - multiple) - error
    return rest - (np.einsum("ij,ij->i", x, rest) / square)[:, None] * x
