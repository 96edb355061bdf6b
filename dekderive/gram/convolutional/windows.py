"""Windows of a square filter on a zero-padded grid of pixels: sums over them, and how many pixels they hold."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dekderive.errors import InvalidInput
from dekderive.solvers.solution import Array

__all__ = ["Grid", "Overlap", "box_sum"]

# Up to this radius a sum over a window is a sum of shifted copies; beyond it, a product with a banded matrix.
NARROW = 4


def box_sum(z: Array, radius: int) -> Array:
    """Sums of the last two axes over square windows of side ``2 * radius + 1``, zero outside the grid.

    Sums are added up afresh for every window.  A running sum would be cheaper for wide filters, and would leave the
    rounding errors of bright pixels in the sums of dark ones.

    Examples
    --------
    >>> box_sum(np.ones((2, 3)), 1)
    array([[4., 6., 4.],
           [4., 6., 4.]])
    """
    if radius == 0:
        return z
    if radius > NARROW:
        rows, columns = z.shape[-2:]
        return np.asarray(_band(rows, radius) @ z @ _band(columns, radius))
    across = z.copy()
    for d in range(1, min(radius, z.shape[-1] - 1) + 1):
        across[..., d:] += z[..., :-d]
        across[..., :-d] += z[..., d:]
    total = across.copy()
    for d in range(1, min(radius, z.shape[-2] - 1) + 1):
        total[..., d:, :] += across[..., :-d, :]
        total[..., :-d, :] += across[..., d:, :]
    return total


def _band(size: int, radius: int) -> Array:
    index = np.arange(size)
    return (np.abs(index[:, None] - index) <= radius).astype(np.float64)


@dataclass(frozen=True)
class Overlap:
    r"""The pixels p whose partner p + d lies on the grid too, for one displacement d.

    Attributes
    ----------
    left, right : tuple of slice
        Where p, and where p + d, is.
    weight : (rows, columns) ndarray
        :math:`1 / (S_p S_{p+d})`.
    whole : (rows, columns) ndarray of bool
        Whether both windows hold the same pixels, displaced, and have the same weight.
    """

    left: tuple[slice, slice]
    right: tuple[slice, slice]
    weight: Array
    whole: NDArray[np.bool_]


@dataclass(frozen=True)
class Grid:
    r"""A zero-padded grid under a square filter of odd size.

    Attributes
    ----------
    rows, columns, filter_size : int
    normalisation : {"taps", "filter"}
        Whether :math:`S_p^2` is the number of pixels under the filter at p, or always the number of its taps.
    """

    rows: int
    columns: int
    filter_size: int
    normalisation: str

    def __post_init__(self) -> None:
        size = self.filter_size
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1 or size % 2 == 0:
            raise InvalidInput(
                f"filter_size must be a positive odd integer, got {size!r}; an even filter has no central pixel, "
                "and zero padding would move the image by half a pixel in every layer"
            )
        if self.normalisation not in ("taps", "filter"):
            raise InvalidInput(f"normalisation must be 'taps' or 'filter', got {self.normalisation!r}")

    @property
    def radius(self) -> int:
        """Half of the filter, without its centre."""
        return (int(self.filter_size) - 1) // 2

    @cached_property
    def counts(self) -> Array:
        """Number of pixels under the filter at each pixel."""
        return box_sum(np.ones((self.rows, self.columns)), self.radius)

    @cached_property
    def inverse_roots(self) -> Array:
        """The factors 1/S of all pixels."""
        squares = self.counts if self.normalisation == "taps" else np.full_like(self.counts, self.filter_size**2)
        return np.asarray(1.0 / np.sqrt(squares))

    @cached_property
    def weights(self) -> Array:
        """The factors 1/S^2 of all pixels, without the rounding of a root."""
        return 1.0 / (self.counts if self.normalisation == "taps" else np.full_like(self.counts, self.filter_size**2))

    @cached_property
    def displacements(self) -> list[tuple[int, int]]:
        """All p' - p of pairs of pixels."""
        return [(a, b) for a in range(1 - self.rows, self.rows) for b in range(1 - self.columns, self.columns)]

    def overlap(self, displacement: tuple[int, int]) -> Overlap:
        """The pairs of pixels of one displacement.

        Examples
        --------
        >>> Grid(1, 3, 3, "taps").overlap((0, 1)).weight.round(3)
        array([[0.408, 0.408]])
        """
        (a, b), (rows, columns) = displacement, (self.rows, self.columns)
        left = (slice(max(0, -a), rows - max(0, a)), slice(max(0, -b), columns - max(0, b)))
        right = (slice(max(0, a), rows - max(0, -a)), slice(max(0, b), columns - max(0, -b)))
        if displacement == (0, 0):
            return Overlap(left, right, self.weights, np.ones((rows, columns), dtype=bool))
        roots, counts = self.inverse_roots, self.counts
        weight = roots[left] * roots[right]
        common = box_sum(np.ones(weight.shape), self.radius)
        whole = (common == counts[left]) & (common == counts[right])
        return Overlap(left, right, weight, whole)
