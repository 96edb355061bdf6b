"""Derivatives of kernels of finite depth in their inputs."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dekderive.errors import InvalidInput
from dekderive.gram.engine import works
from dekderive.gram.gram import chosen_moments, side_of
from dekderive.gram.inputs import RowMoments
from dekderive.gram.layers.recursion import Network
from dekderive.gram.layers.transfer import Seeds
from dekderive.gram.moments import Moments
from dekderive.gram.points import Pairs, Points, as_rows
from dekderive.kernels.layered import LayeredKernel
from dekderive.solvers.arguments import checked_parameters
from dekderive.solvers.solution import Array

__all__ = ["input_gradient"]


def input_gradient(
    kernel: LayeredKernel,
    X: ArrayLike,
    Y: ArrayLike,
    *,
    moments: Moments | None = None,
    block_size: int | None = None,
    **parameters: float,
) -> Array:
    r"""Derivatives of ``gram(kernel, X, Y)`` in the rows of `X`.

    A kernel of finite depth is a function of the length of x, of that of y, and of the angle t between them.  With the
    unit vectors :math:`\hat x`, and :math:`e` at a right angle to it towards y,

    .. math:: \frac{\partial k}{\partial x} = \frac{1}{|x|} \Big( \frac{\partial k}{\partial \log |x|}\, \hat x
                                              - \frac{\partial k}{\partial t}\, e \Big) .

    Parameters
    ----------
    kernel : LayeredKernel
    X : (n, d) array_like
    Y : (m, d) array_like
    moments : Moments, optional
        Any but ``cosine_features``, which do not depend on angles.
    block_size, **parameters
        As for :func:`dekderive.gram.gram`, which also lists what is raised.

    Returns
    -------
    (n, m, d) ndarray
        Where y is a multiple of x, a kernel such as the tangent kernel of the rectifier has a cusp: its derivatives in
        two opposite directions that turn x are of one size.  There, e counts as 0, and the result is the mean of both.
        NaN where x is a row of zeros (a norm has no derivative there), unless a bias coordinate joins it.

    Raises
    ------
    InvalidInput
        If the kernel is not of finite depth, or the moments are no function of lengths and the angle.

    Examples
    --------
    >>> from dekderive.gram import gram
    >>> from dekderive.parameters import parameter
    >>> from dekderive.programs import compile
    >>> from dekderive.symbols import z
    >>> from dekderive.update_maps import nngp
    >>> kernel = compile(nngp(z, name="line"))  # of linear layers: k = <x, y>
    >>> input_gradient(kernel, [[1.0, 2.0]], [[3.0, 5.0]])
    array([[[3., 5.]]])
    """
    if not isinstance(kernel, LayeredKernel):
        raise InvalidInput(f"input_gradient takes a kernel of finite depth, and {kernel.name} is of infinite depth")
    known = checked_parameters(kernel, parameters)
    rule = chosen_moments(kernel, moments)
    left, right = rule.points(as_rows(X)), rule.points(as_rows(Y, "Y"))
    if left.rows.shape[1] != right.rows.shape[1]:
        raise InvalidInput(f"Y must have as many columns as X ({left.rows.shape[1]}), not {right.rows.shape[1]}")
    x, y = side_of(kernel, rule, left, known), side_of(kernel, rule, right, known, "Y")
    # Two directions: the logarithm of |x|, and the angle.
    along = np.tile([rule.power, 0.0], (len(x), 1))
    seeds = Seeds.none(len(kernel.parameters) - 2, 2)
    network = Network(kernel, x.second, y.second, known, seeds, along, np.zeros((len(y), 2)))
    columns = as_rows(X).shape[1]
    out = np.empty((len(x), len(y), columns), dtype=np.result_type(left.rows, right.rows))
    for work in works(kernel, x, y, RowMoments(rule, left, right), block_size):
        pairs = Pairs(left, right, work.block)
        moved = np.column_stack([np.zeros(work.i.size), rule.gap_slope_of_pairs(pairs)])[work.positive]
        i, j = work.i[work.positive], work.j[work.positive]
        slopes = work.spread(network.pairs(i, j, work.values["gap"], work.values["tilt"], moved).slope)
        gradient = _gradient(left, right, work.i, work.j, pairs, slopes)[:, :columns]
        out[work.block.rows, work.block.columns] = gradient.reshape(-1, len(y), columns)
    return out


def _gradient(left: Points, right: Points, i: NDArray[Any], j: NDArray[Any], pairs: Pairs, slopes: Array) -> Array:
    """From the derivatives in log |x| and in the angle to those in x."""
    with np.errstate(all="ignore"):
        x = left.rows[i].astype(np.float64) / left.norms[i][:, None]
        towards = pairs.directions
        gradient = slopes[:, :1] * x - np.where(towards == 0, 0.0, slopes[:, 1:] * towards)
        return np.ldexp(gradient / left.norms[i][:, None], -left.exponents[i][:, None].astype(np.int32))
