"""Gram matrices too large for memory, a panel of rows at a time."""

from collections.abc import Iterator

from numpy.typing import ArrayLike

from dekderive.errors import InvalidInput
from dekderive.gram.gram import check_record, chosen_moments
from dekderive.gram.moments import Moments
from dekderive.gram.univariate import gram as univariate
from dekderive.kernels.kernel import Kernel
from dekderive.kernels.univariate import UnivariateKernel, is_univariate
from dekderive.solvers.arguments import checked_parameters
from dekderive.solvers.solution import Array

__all__ = ["gram_panels"]


def gram_panels(
    kernel: Kernel | UnivariateKernel,
    X: ArrayLike,
    Y: ArrayLike | None = None,
    *,
    moments: Moments | None = None,
    block_size: int | None = None,
    **parameters: float,
) -> Iterator[tuple[slice, Array]]:
    r"""The rows of a Gram matrix, panel by panel, in the memory of one panel and of a copy of the data.

    Parameters
    ----------
    kernel : Kernel or UnivariateKernel
        With a homogeneous activation (:func:`dekderive.kernels.univariate.is_univariate`).
    X, Y, moments, **parameters
        As for :func:`dekderive.gram.gram`.
    block_size : int, optional
        Rows per panel, 1024 by default.

    Yields
    ------
    rows : slice
    panel : ndarray
        ``gram(kernel, X, Y)[rows]``; without `Y` only its part up to the diagonal, ``gram(kernel, X)[rows,
        :rows.stop]``.  The next panel overwrites it: write it to disk, or copy it.

    Raises
    ------
    InvalidInput
        If the kernel is not univariate, and as for :func:`dekderive.gram.gram`.

    Examples
    --------
    >>> import numpy as np
    >>> from dekderive.kernels import deq_ntk_relu
    >>> X = np.random.default_rng(0).normal(size=(5, 2))
    >>> [(rows.start, panel.shape) for rows, panel in gram_panels(deq_ntk_relu, X, block_size=2)]
    [(0, (2, 2)), (2, (2, 4)), (4, (1, 5))]
    """
    rule = chosen_moments(kernel, moments)
    if isinstance(kernel, UnivariateKernel):
        check_record(kernel, parameters)
        return univariate.panels_of(kernel, rule, X, Y, block_size)
    record = univariate.trusted(kernel, checked_parameters(kernel, parameters)) if is_univariate(kernel) else None
    if record is None:
        raise InvalidInput(
            f"{kernel.name} is no function of one cosine here; use gram, with a memory map as `out` if it must be"
        )
    return univariate.panels_of(record, rule, X, Y, block_size)
