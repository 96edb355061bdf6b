"""A Gram matrix of a univariate kernel, panel by panel: the product by BLAS, the rest in place."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dekderive.gram.univariate.compiled_tiles import NumbaTiles, numba_is_installed
from dekderive.gram.univariate.rows import CentredRows, gaps_from_differences, threshold
from dekderive.gram.univariate.threads import pooled, run
from dekderive.gram.univariate.tiles import NumPyTiles, transpose
from dekderive.kernels.univariate import UnivariateKernel

__all__ = ["Panels"]

Array = NDArray[Any]

# Rows per panel: enough for the matrix product to run at full speed.
HEIGHT = 1024
# Importing and loading numba takes as long as NumPy needs for some this many pairs.
COMPILED = 1 << 24
# float32: where more than this part of a panel is near, its product is computed again in float64.
CROWDED = 1 / 64
# Columns at a time for that, and rows at a time for mirror images.
STRIPE = 2048


class Panels:
    """Fills panels of rows of a Gram matrix.

    Parameters
    ----------
    kernel : UnivariateKernel
    left : CentredRows
    right : CentredRows or None
        None for a symmetric matrix, of which a panel of rows ``[begin, end)`` has the columns ``[0, end)``.
    height : int, optional
        Rows per panel.
    compiled : bool, optional
        Whether to use numba; by default where it is installed and the matrix is large.
    """

    def __init__(
        self,
        kernel: UnivariateKernel,
        left: CentredRows,
        right: CentredRows | None,
        height: int | None = None,
        compiled: bool | None = None,
    ) -> None:
        self.kernel, self.left, self.symmetric = kernel, left, right is None
        self.right = left if right is None else right
        self.height = height or HEIGHT
        self.dtype = np.result_type(left.rows, self.right.rows)
        near = threshold(kernel, self.dtype)
        if compiled is None:
            compiled = len(left) * len(self.right) >= COMPILED and numba_is_installed()
        self.numpy_tiles = NumPyTiles(kernel, self.dtype, near)
        self.compiled_tiles = NumbaTiles(kernel, self.dtype, near) if compiled else None
        self.factors = np.sqrt(self.left.diagonal), np.sqrt(self.right.diagonal)
        self._factors = self.factors[0].astype(self.dtype), self.factors[1].astype(self.dtype)

    def slices(self) -> Iterator[slice]:
        """The panels."""
        for begin in range(0, len(self.left), self.height):
            yield slice(begin, min(begin + self.height, len(self.left)))

    def fill(self, out: Array) -> None:
        """Write the whole matrix but for the diagonal of a symmetric one."""
        # One product of a matrix with itself is faster than those of its panels; a file is filled panel by panel.
        whole = self.symmetric and out.flags.c_contiguous and not isinstance(out, np.memmap)
        if whole:
            np.matmul(self.left.rows, self.left.rows.T, out=out)
        with pooled() as pool:
            for rows in self.slices():
                panel = out[rows]
                self._panel(rows, panel, pool, multiplied=whole)
                if self.symmetric:
                    self._mirror(rows, panel, out, pool)

    def stream(self) -> Iterator[tuple[slice, Array]]:
        """One panel after the other, in one buffer; of a symmetric matrix the part up to the diagonal."""
        buffer = np.empty((min(self.height, len(self.left)), len(self.right)), self.dtype)
        with pooled() as pool:
            for rows in self.slices():
                panel = buffer[: rows.stop - rows.start]
                self._panel(rows, panel, pool)
                if self.symmetric:
                    panel = panel[:, : rows.stop]
                    square = panel[:, rows]
                    i, j = np.tril_indices(len(square), -1)
                    square[j, i] = square[i, j]
                    np.fill_diagonal(square, self.left.diagonal[rows])
                yield rows, panel

    def _multiply(self, rows: slice, panel: Array) -> None:
        """Products of the rows of a panel; of a symmetric matrix up to the diagonal."""
        left, right = self.left.rows, self.right.rows
        before = rows.start if self.symmetric else len(self.right)
        if before:
            np.matmul(left[rows], right[:before].T, out=panel[:, :before])
        if self.symmetric:  # NumPy computes half of a product with itself
            np.matmul(left[rows], left[rows].T, out=panel[:, before : rows.stop])

    def _panel(self, rows: slice, panel: Array, pool: ThreadPoolExecutor | None, multiplied: bool = False) -> None:
        """Products, unless they are there, then kernel values."""
        width = rows.stop if self.symmetric else len(self.right)
        if not multiplied:
            self._multiply(rows, panel)
        tiles: Any = self.compiled_tiles if self.compiled_tiles and panel.flags.c_contiguous else self.numpy_tiles
        size = max(1, tiles.bytes // (self.dtype.itemsize * max(width, 1)))
        slabs = [slice(i, min(i + size, rows.stop)) for i in range(rows.start, rows.stop, size)]
        near = run(pool, lambda slab: self._slab(tiles, rows, slab, panel, width), slabs)
        found = sum(part.size for part in near)
        if self.dtype == np.float32 and found > CROWDED * panel.shape[0] * width:
            self._again_in_double(rows, panel, width, pool)
            return
        jobs = [(slab, part) for slab, part in zip(slabs, near, strict=True) if part.size]
        run(pool, lambda job: self._correct(rows, panel, width, *job), jobs)

    def _slab(self, tiles: Any, rows: slice, slab: slice, panel: Array, width: int) -> NDArray[np.intp]:
        part = panel[slab.start - rows.start : slab.stop - rows.start]
        end = slab.stop if self.symmetric else width
        left = self.left.halves[slab], self._factors[0][slab]
        found = tiles.apply(
            part, end, left, (self.right.halves, self._factors[1]), slab.start if self.symmetric else None
        )
        return np.asarray(found)

    def _correct(self, rows: slice, panel: Array, width: int, slab: slice, found: NDArray[np.intp]) -> None:
        """Values of near pairs, from differences of rows."""
        i, j = np.divmod(found, slab.stop if self.symmetric else width)
        i += slab.start
        if self.symmetric:
            i, j = i[j < i], j[j < i]
        gap = gaps_from_differences(self.left.source, self.right.source, i, j)
        panel[i - rows.start, j] = self.factors[0][i] * self.factors[1][j] * self.kernel(gap)

    def _again_in_double(self, rows: slice, panel: Array, width: int, pool: ThreadPoolExecutor | None) -> None:
        """The panel of float32 rows, from products in float64."""
        left = self.left.part(rows, np.float64)
        for begin in range(0, width, STRIPE):
            columns = slice(begin, min(begin + STRIPE, width))
            inner = Panels(self.kernel, left, self.right.part(columns, np.float64), self.height, compiled=False)
            part = np.empty((len(left), columns.stop - begin))
            inner._panel(slice(0, len(left)), part, pool)
            panel[:, columns] = part

    def _mirror(self, rows: slice, panel: Array, out: Array, pool: ThreadPoolExecutor | None) -> None:
        stripes = [slice(j, min(j + 256, rows.stop)) for j in range(0, rows.stop, 256)]

        def mirror(columns: slice) -> None:
            # Rows of the panel from the first one that lies below all of these columns.
            first = max(columns.stop, rows.start)
            if first < rows.stop:
                transpose(panel[first - rows.start :, columns], out[columns, first : rows.stop])
            top = max(columns.start, rows.start)
            if top < columns.stop:  # the columns reach into the triangle above the diagonal
                square = out[top : columns.stop, top : columns.stop]
                i, j = np.tril_indices(len(square), -1)
                square[j, i] = square[i, j]
                if columns.start < top:
                    corner = slice(columns.start, top)
                    out[corner, top : columns.stop] = out[top : columns.stop, corner].T

        run(pool, mirror, stripes)
