"""From inner products to kernel values, in place, a slab of rows at a time: in NumPy."""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dekderive.kernels.univariate import UnivariateChart, UnivariateKernel

__all__ = ["NumPyTiles", "transpose"]

Array = NDArray[Any]


class NumPyTiles:
    """The elementwise work on a slab of a matrix product.

    Parameters
    ----------
    kernel : UnivariateKernel
    dtype : dtype
    near : float
        Gaps below this part of ``halves[i] + halves[j]`` are reported instead of trusted.
    """

    bytes = 1 << 21  # per slab: with fewer, threads wait for the interpreter rather than work

    def __init__(self, kernel: UnivariateKernel, dtype: Any, near: float) -> None:
        self.dtype, self.near = np.dtype(dtype), near
        kind = self.dtype.type
        record = kernel.single if self.dtype == np.float32 else kernel
        self.chart = record.chart
        self.constant, self.root = kind(record.constant), kind(math.sqrt(record.constant))
        self.slope, self.offset = kind(record.slope), kind(record.offset)
        self.coefficients = [kind(c) for c in reversed(record.coefficients)]
        self.one, self.zero = kind(1), kind(0)
        self._local = threading.local()

    def _scratch(self, height: int, width: int) -> list[Array]:
        size = height * width
        kept: list[Array] = getattr(self._local, "arrays", [])
        if not kept or kept[0].size < size:
            kept = self._local.arrays = [np.empty(size, self.dtype) for _ in range(3)]
        return [array[:size].reshape(height, width) for array in kept]

    def apply(
        self, slab: Array, width: int, left: tuple[Array, Array], right: tuple[Array, Array], diagonal: int | None
    ) -> NDArray[np.intp]:
        """Replace the products in ``slab[:, :width]`` by kernel values.

        Parameters
        ----------
        slab : (m, n) ndarray
        width : int
        left, right : (halves, factors) of the rows and of all columns
        diagonal : int or None
            Column of the pair of the first row with itself, in a symmetric matrix.

        Returns
        -------
        (k,) ndarray of int
            Positions in the raveled ``(m, width)`` slab of the pairs that are near; their values are not good.
        """
        part, (h, f), (g, q) = slab[:, :width], left, (right[0][:width], right[1][:width])
        s, t, p = self._scratch(*part.shape)
        np.subtract(g, part, out=s)
        s += h[:, None]
        if diagonal is not None:
            steps = np.arange(len(part))
            s[steps, diagonal + steps] = self.one  # its own value is set apart
        found = np.empty(0, np.intp)
        if s.size and s.min() < self.near * float(h.max() + g.max()):
            found = np.flatnonzero(s < self.near * (h[:, None] + g))
            np.maximum(s, self.zero, out=s)
        self._relative_gap(s, t, p)
        np.subtract(self.one, p, out=p)
        p *= q
        np.multiply(p, f[:, None], out=part)
        return found

    def _relative_gap(self, s: Array, t: Array, p: Array) -> None:
        """The relative gap in `p`, from the gap in `s`; `t` is scratch."""
        np.sqrt(s, out=t)
        x = s
        if self.chart is UnivariateChart.ROOT:
            np.multiply(t, self.slope, out=x)
        elif self.chart is UnivariateChart.SHIFTED_ROOT:
            np.add(t, self.constant, out=x)
            np.sqrt(x, out=x)
            np.add(x, self.root, out=p)
            p *= x
            t /= p
            x *= self.slope
        else:
            np.subtract(self.constant, s, out=x)
            if self.constant < 2 + 1e-4:
                np.maximum(x, self.zero, out=x)
            np.sqrt(x, out=x)
            x += self.root
            np.divide(t, x, out=x)
            x *= self.slope
        x += self.offset
        first, *rest = self.coefficients
        if not rest:
            p[...] = first
        else:
            np.multiply(x, first, out=p)
            for c in rest[:-1]:
                p += c
                p *= x
            p += rest[-1]
        p *= t


def transpose(source: Array, target: Array) -> None:
    """Write the transposed of one array to another, in tiles whose two copies fit into a cache."""
    step = 128
    for i in range(0, source.shape[0], step):
        for j in range(0, source.shape[1], step):
            target[j : j + step, i : i + step] = source[i : i + step, j : j + step].T
