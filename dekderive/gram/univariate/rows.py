"""Rows prepared for a univariate kernel: unit vectors with their common direction taken off."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dekderive.gram.points import near_of_rows
from dekderive.gram.univariate.threads import run
from dekderive.kernels.univariate import UnivariateKernel

__all__ = ["AugmentedRows", "CentredRows", "common_direction", "gaps_from_differences", "threshold"]

Array = NDArray[Any]

# Elements that are worked on at a time: enough that threads do not wait for the interpreter; and gathered at a time.
CHUNK, GATHER = 1 << 18, 1 << 19
# Rows of which the common direction is the mean.
SAMPLE = 1024
# Squared lengths outside of this range are left to the general solver, which scales every row apart.
RANGE = 1e-200, 1e200


@dataclass(frozen=True, slots=True, eq=False)
class AugmentedRows:
    """Rows of data with one more coordinate, the same for all, which is not stored.

    Attributes
    ----------
    data : (n, d) ndarray
    extra : float
    squares : (n,) ndarray of float64
        Squared lengths of the augmented rows.
    """

    data: Array
    extra: float
    squares: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.data)

    @property
    def width(self) -> int:
        """Coordinates of an augmented row."""
        return self.data.shape[1] + (self.extra != 0)

    def write(self, chosen: Any, out: Array) -> None:
        """Write some augmented rows."""
        out[:, : self.data.shape[1]] = self.data[chosen]
        out[:, self.data.shape[1] :] = self.extra

    def part(self, chosen: slice) -> AugmentedRows:
        """Some of the rows."""
        return AugmentedRows(self.data[chosen], self.extra, self.squares[chosen])


def squared_lengths(data: Array, pool: ThreadPoolExecutor | None) -> NDArray[np.float64]:
    """Squared lengths of rows in float64; not finite where a row is not, or overflows."""
    squares = np.empty(len(data))

    def fill(part: slice) -> None:
        rows = data[part].astype(np.float64, copy=False)
        with np.errstate(over="ignore", invalid="ignore"):
            np.einsum("ij,ij->i", rows, rows, out=squares[part])

    run(pool, fill, _chunks(data.shape))
    return squares


def _chunks(shape: tuple[int, ...]) -> list[slice]:
    size = max(1, CHUNK // max(shape[1], 1))
    return [slice(i, min(i + size, shape[0])) for i in range(0, shape[0], size)]


def _inverse_lengths(rows: AugmentedRows) -> NDArray[np.float64]:
    return 1.0 / np.sqrt(np.where(rows.squares > 0, rows.squares, 1.0))


@dataclass(frozen=True, slots=True, eq=False)
class CentredRows:
    """One side of a matrix product whose entries give gaps.

    With unit rows u, v and any vector c, ``1 - u.v = |u - c|^2/2 + |v - c|^2/2 - (u - c).(v - c)``.  With c close to
    their mean, the three terms are of the size of the spread of the data, and so are their rounding errors: data that
    all point the same way (images, large biases) keep the digits of their differences, in float32 too.

    Attributes
    ----------
    source : AugmentedRows
    centre : (d,) ndarray of float64
        c.
    rows : (n, d) ndarray
        ``u - c`` in the precision of the result; -c for a row of zeros.
    halves : (n,) ndarray
        ``|u - c|^2 / 2``.
    diagonal : (n,) ndarray of float64
        ``k(x, x)``.
    """

    source: AugmentedRows
    centre: NDArray[np.float64]
    rows: Array
    halves: Array
    diagonal: Array

    @classmethod
    def of(
        cls, source: AugmentedRows, centre: Array, diagonal: Array, dtype: Any, pool: ThreadPoolExecutor | None = None
    ) -> CentredRows:
        """Prepare one side."""
        rows = np.empty((len(source), source.width), dtype=dtype)
        halves, inverse = np.empty(len(source)), _inverse_lengths(source)

        def fill(part: slice) -> None:
            unit = rows[part] if rows.dtype == np.float64 else np.empty(rows[part].shape)
            source.write(part, unit)
            unit *= inverse[part, None]
            unit -= centre
            if unit.base is not rows:
                rows[part] = unit
                unit[...] = rows[part]
            np.einsum("ij,ij->i", unit, unit, out=halves[part])

        run(pool, fill, _chunks(rows.shape))
        return cls(source, centre, rows, (halves / 2).astype(dtype), diagonal)

    def part(self, chosen: slice, dtype: Any) -> CentredRows:
        """Some of the rows, in another precision."""
        return CentredRows.of(self.source.part(chosen), self.centre, self.diagonal[chosen], dtype)

    def __len__(self) -> int:
        return len(self.halves)


def common_direction(*sides: AugmentedRows) -> NDArray[np.float64]:
    """About the mean of all unit rows: of a thousand of them."""
    total, count = np.zeros(sides[0].width), 0
    for rows in sides:
        step = max(1, -(-len(rows) // SAMPLE))
        sample = np.empty((len(rows.data[::step]), rows.width))
        rows.write(slice(None, None, step), sample)
        total += _inverse_lengths(rows)[::step] @ sample
        count += len(sample)
    return np.asarray(total / max(count, 1))


def gaps_from_differences(left: AugmentedRows, right: AugmentedRows, i: Array, j: Array) -> NDArray[np.float64]:
    """``1 - cos`` of single pairs to full relative accuracy; 0 where a row is zero."""
    gap = np.empty(i.size)
    size = max(1, GATHER // left.width)
    for begin in range(0, i.size, size):
        part = slice(begin, begin + size)
        x, y = np.empty((i[part].size, left.width)), np.empty((i[part].size, left.width))
        left.write(i[part], x)
        right.write(j[part], y)
        x *= _power(left.squares[i[part]])[:, None]
        y *= _power(right.squares[j[part]])[:, None]
        with np.errstate(all="ignore"):
            near = near_of_rows(x, y)
        gap[part] = np.where(np.einsum("ij,ij->i", x, y) < 0, 2.0 - near, near)
    return np.where((left.squares[i] > 0) & (right.squares[j] > 0), gap, 0.0)


def _power(squares: Array) -> Array:
    """Powers of two that make lengths of order 1: multiplying by them rounds nothing."""
    return np.ldexp(1.0, -(np.frexp(squares)[1] // 2))


def threshold(kernel: UnivariateKernel, dtype: Any) -> float:
    r"""Part of ``halves[i] + halves[j]`` below which gaps are computed from differences of rows.

    A rounding error e of both halves moves :math:`t = \sqrt{s}` by e/2t, and the kernel by `steepness` times that; at
    the threshold that is 3e-14 in float64, and 6e-7 in float32.
    """
    single = np.dtype(dtype) == np.float32
    share = (kernel.steepness * (0.075 if single else 0.005)) ** 2
    return float(min(max(share, 1e-3), 0.4 if single else 0.2))
