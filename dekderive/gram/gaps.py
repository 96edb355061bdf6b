"""Relative gaps of kernels: what a matrix of kernel values has rounded away for near-duplicates."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike

from dekderive.errors import InvalidInput
from dekderive.gram.engine import Work, diagonal_values, fill, solve_pairs, works
from dekderive.gram.gram import chosen_moments, side_of
from dekderive.gram.inputs import RowMoments, Side
from dekderive.gram.layers.equilibrium import Equilibrium
from dekderive.gram.layers.recursion import Network
from dekderive.gram.moments import Moments
from dekderive.gram.points import as_rows
from dekderive.kernels import special
from dekderive.kernels.kernel import Chart, Kernel
from dekderive.kernels.layered import LayeredKernel
from dekderive.solvers.arguments import checked_parameters
from dekderive.solvers.solution import Array

__all__ = ["gaps"]


def gaps(
    kernel: Kernel | LayeredKernel,
    X: ArrayLike,
    Y: ArrayLike | None = None,
    *,
    moments: Moments | None = None,
    block_size: int | None = None,
    **parameters: float,
) -> Array:
    r"""Relative gaps between the rows of `X` and those of `Y`, or of `X` with itself.

    .. math:: 1 - \frac{k(x, y)}{\sqrt{k(x, x)\, k(y, y)}}

    Computed from a matrix of kernel values this has an error of 1e-16 at best, and of 1e-7 in float32, so that nothing
    is left of it for near-duplicates.  Here it is as it comes out of the recursion.

    Parameters
    ----------
    kernel, X, Y, moments, block_size, **parameters
        As for :func:`dekderive.gram.gram`, which also lists what is raised.

    Returns
    -------
    (n, m) ndarray of float64
        Between 0 and 2; 0 where the kernel vanishes at one of both inputs.

    Notes
    -----
    For a kernel of finite depth the relative error is some 1e-14 for rows of float64, as long as the lengths of both
    inputs differ by less than a factor e, the activation is smooth on either side of 0, and its expectations have
    closed forms; otherwise gaps below 1e-3 may lose digits, and their absolute error is some 1e-16.  For rows of
    float32 it is 1e-6 at worst, since only pairs with ``1 - cos < 0.25`` are computed from differences of rows.

    The same holds for a deep equilibrium model whose activation has no degree of homogeneity, times the condition
    number 1 / (1 - weight_variance E[phi'(u)^2]).  For other kernels of infinite depth in the chart of the angle the
    relative error is some 1e-16 divided by the square root of the gap, and in that of the correlation the absolute
    error is some 1e-16.

    Examples
    --------
    >>> import numpy as np
    >>> from dekderive.kernels import deq_ntk_relu
    >>> near = np.array([[1.0, 0.0], [1.0, 1e-9]])
    >>> gaps(deq_ntk_relu, near, weight_variance=0.5)[0, 1] > 1e-12
    np.True_
    """
    known = checked_parameters(kernel, parameters)
    rule = chosen_moments(kernel, moments)
    left = rule.points(as_rows(X))
    right = left if Y is None else rule.points(as_rows(Y, "Y"))
    if left.rows.shape[1] != right.rows.shape[1]:
        raise InvalidInput(f"Y must have as many columns as X ({left.rows.shape[1]}), not {right.rows.shape[1]}")
    x = side_of(kernel, rule, left, known)
    y = None if Y is None else side_of(kernel, rule, right, known, "Y")
    out = np.zeros((len(left), len(right)))
    if isinstance(kernel, LayeredKernel):
        of_pairs = _of_layers(kernel, x, y, known)
    else:
        of_pairs = (_of_equilibrium if kernel.solved_in_gaps else _of_chart)(kernel, x, y, known)
    for work in works(kernel, x, y, RowMoments(rule, left, right), block_size):
        fill(out, work.block, work.spread(of_pairs(work)), Y is None)
    return out


def _of_layers(
    kernel: LayeredKernel, x: Side, y: Side | None, parameters: Mapping[str, float]
) -> Callable[[Work], Array]:
    network = Network(kernel, x.second, None if y is None else y.second, parameters)

    def evaluate(work: Work) -> Array:
        none = np.empty((work.values["gap"].size, 0))
        i, j = work.i[work.positive], work.j[work.positive]
        return network.pairs(i, j, work.values["gap"], work.values["tilt"], none).gap

    return evaluate


def _of_equilibrium(
    kernel: Kernel, x: Side, y: Side | None, parameters: Mapping[str, float]
) -> Callable[[Work], Array]:
    for side in (x, x if y is None else y):
        diagonal_values(kernel, side, parameters)  # refuses what is infinite there
    sides = (x.second, x.kxx), None if y is None else (y.second, y.kxx)
    pairs = Equilibrium(kernel, *sides, parameters)
    return lambda work: pairs.gaps(*work.open, work.values)


def _of_chart(kernel: Kernel, x: Side, y: Side | None, parameters: Mapping[str, float]) -> Callable[[Work], Array]:
    """With k = kxy F at pairs and kxx F_x at x = x', the gap is 1 - cos t + cos t (1 - F / sqrt(F_x F_y))."""
    first = diagonal_values(kernel, x, parameters)
    second = first if y is None else diagonal_values(kernel, y, parameters)

    def evaluate(work: Work) -> Array:
        i, j = work.i[work.positive], work.j[work.positive]
        coordinate, value = solve_pairs(kernel, work.values, parameters)
        ratio = value / (np.sqrt(first[i]) * np.sqrt(second[j]))
        if kernel.chart is not Chart.ANGLE:
            return np.maximum(1.0 - ratio, 0.0)
        cosine = np.cos(coordinate)
        factor = ratio / np.where(cosine == 0, 1.0, cosine)
        gap = special.versine(coordinate) + cosine * (1.0 - factor)
        return np.where(np.abs(cosine) < 0.5, 1.0 - ratio, np.maximum(gap, 0.0))

    return evaluate
