"""Derivatives of kernels in their inputs."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dekderive.errors import InvalidInput, NotConverged
from dekderive.gram.engine import Work, solve_pairs, works
from dekderive.gram.gram import chosen_moments, side_of
from dekderive.gram.inputs import RowMoments, Side
from dekderive.gram.layers.equilibrium import GAPS, Equilibrium
from dekderive.gram.layers.recursion import Network
from dekderive.gram.layers.transfer import Seeds
from dekderive.gram.moments import Moments
from dekderive.gram.points import Block, Pairs, Points, as_rows
from dekderive.kernels.kernel import Chart, Formula, Kernel
from dekderive.kernels.layered import LayeredKernel
from dekderive.solvers.arguments import checked_parameters
from dekderive.solvers.charts import covariance
from dekderive.solvers.solution import Array

__all__ = ["input_gradient"]


def input_gradient(
    kernel: Kernel | LayeredKernel,
    X: ArrayLike,
    Y: ArrayLike,
    *,
    moments: Moments | None = None,
    block_size: int | None = None,
    **parameters: float,
) -> Array:
    r"""Derivatives of ``gram(kernel, X, Y)`` in the rows of `X`.

    A kernel is a function of the length of x, of that of y, and of the angle t between them.  With the unit vectors
    :math:`\hat x`, and :math:`e` at a right angle to it towards y,

    .. math:: \frac{\partial k}{\partial x} = \frac{1}{|x|} \Big( \frac{\partial k}{\partial \log |x|}\, \hat x
                                              - \frac{\partial k}{\partial t}\, e \Big) ;

    to this comes the derivative in the mean where the moments have one that is linear in x (``rows``).  Kernels of
    infinite depth are differentiated by the implicit function theorem, in their variances first.

    Parameters
    ----------
    kernel : Kernel or LayeredKernel
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
        If the moments are no function of lengths and the angle.
    NotConverged
        If an equation is so close to losing its solution that a derivative is not finite.

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
    >>> from dekderive.kernels import deq_ntk_relu
    >>> input_gradient(deq_ntk_relu, [[2.0]], [[3.0]], weight_variance=0.5, input_variance=1.0)  # k = 4 x y
    array([[[12.]]])
    """
    known = checked_parameters(kernel, parameters)
    rule = chosen_moments(kernel, moments)
    left, right = rule.points(as_rows(X)), rule.points(as_rows(Y, "Y"))
    if left.rows.shape[1] != right.rows.shape[1]:
        raise InvalidInput(f"Y must have as many columns as X ({left.rows.shape[1]}), not {right.rows.shape[1]}")
    x, y = side_of(kernel, rule, left, known), side_of(kernel, rule, right, known, "Y")
    columns = as_rows(X).shape[1]
    out = np.empty((len(x), len(y), columns), dtype=np.result_type(left.rows, right.rows))
    if isinstance(kernel, Kernel) and kernel.activation is None:
        of_pairs = _of_chart(kernel, x, known, rule, left)
    else:
        of_pairs = _of_lengths_and_angles(kernel, x, y, known, rule)
    for work in works(kernel, x, y, _AllMoments(RowMoments(rule, left, right)), block_size):
        pairs = Pairs(left, right, work.block)
        slopes = work.spread(of_pairs(work, rule.gap_slope_of_pairs(pairs)[work.positive]))
        gradient = _gradient(left, right, work.i, work.j, pairs, slopes[:, :2])[:, :columns]
        gradient = gradient + rule.mean_weight(columns) * slopes[:, 2:]
        out[work.block.rows, work.block.columns] = gradient.reshape(-1, len(y), columns)
    return out


class _AllMoments:
    """Moments of pairs, of which every equation finds what it reads."""

    def __init__(self, moments: RowMoments) -> None:
        self._moments = moments

    def of_block(self, block: Block, names: Collection[str]) -> dict[str, Array]:
        return self._moments.of_block(block, {*names, *GAPS})


def _of_lengths_and_angles(
    kernel: Kernel | LayeredKernel, x: Side, y: Side, parameters: Mapping[str, float], rule: Moments
) -> Callable[[Work, Array], Array]:
    """Derivatives in log |x|, in the angle and in the mean, which these kernels do not read, at pairs of a block."""
    along, still = np.tile([rule.power, 0.0], (len(x), 1)), np.zeros((len(y), 2))
    own = len(kernel.own_parameters) if isinstance(kernel, LayeredKernel) else len(kernel.parameters) - 3
    seeds = Seeds.none(own, 2)
    if isinstance(kernel, LayeredKernel):
        network = Network(kernel, x.second, y.second, parameters, seeds, along, still)
    else:
        diagonal = (x.second, x.kxx), (y.second, y.kxx)
        equilibrium = Equilibrium(kernel, *diagonal, parameters, seeds, along, still)

    def evaluate(work: Work, of_gap: Array) -> Array:
        dgap = np.column_stack([np.zeros(of_gap.size), of_gap])
        if isinstance(kernel, LayeredKernel):
            slope = network.pairs(*work.open, work.values["gap"], work.values["tilt"], dgap).slope
        else:
            slope = equilibrium.values(*work.open, work.values, dgap)[1]
        return np.column_stack([slope, np.zeros(of_gap.size)])

    return evaluate


def _of_chart(
    kernel: Kernel, x: Side, parameters: Mapping[str, float], rule: Moments, left: Points
) -> Callable[[Work, Array], Array]:
    """The same from the equation in the kernel's chart."""
    assert kernel.diagonal_step_input_gradient is not None
    values = {**x.values(), **parameters}
    # Derivatives of cxx and of the mean in log |x|, in the angle and in the mean.
    moved = {"cxx": np.outer(rule.power * x.second, (1, 0, 0))}
    moved["mean_x"] = np.outer(rule.mean_slope_of_points(left), (1, 0, 0)) + np.array([0.0, 0.0, 1.0])
    partials = _partials(kernel.diagonal_step_input_gradient, values, len(x))
    with np.errstate(all="ignore"):
        own = np.broadcast_to(kernel.diagonal_step_derivative.at(values), x.kxx.shape)
        change = sum(d[:, None] * moved[n] for n, d in zip(kernel.input_names, partials, strict=True))
        dkxx = np.where((x.kxx > 0)[:, None], change / (1.0 - own)[:, None], 0.0)

    def evaluate(work: Work, of_gap: Array) -> Array:
        i = work.open[0]
        known: dict[str, Any] = {**work.values, **parameters}
        coordinate, _ = solve_pairs(kernel, work.values, parameters)
        known |= {kernel.chart.value: coordinate, "kxy": covariance(kernel, coordinate, known["kxx"], known["kyy"])}
        length = np.sqrt(known["cxx"]) * np.sqrt(known["cyy"])
        of_moments = {name: value[i] for name, value in moved.items()}
        of_moments["cxy"] = np.outer(rule.power / 2 * known["cxy"], (1, 0, 0)) - np.outer(length * of_gap, (0, 1, 0))
        of_moments["gap"] = np.outer(of_gap, (0, 1, 0))
        return _implicit(kernel, known, coordinate, of_moments, dkxx[i])

    return evaluate


def _implicit(
    kernel: Kernel, known: Mapping[str, Any], x: Array, of_moments: Mapping[str, Array], dkxx: Array
) -> Array:
    """Derivatives of kernel values, from those of the moments and of kxx, by the implicit function theorem."""
    assert kernel.residual_input_gradient is not None
    names = (*kernel.input_names, *kernel.pair_names)
    in_moments = _partials(kernel.residual_input_gradient, known, x.size)
    in_kxx = _partials(kernel.residual_gradient, known, x.size)[0]
    of_x, of_kxx, *_ = _partials(kernel.readout_gradient, known, x.size)
    with np.errstate(all="ignore"):
        change = in_kxx[:, None] * dkxx
        for name, partial in zip(names, in_moments, strict=True):
            change = change + partial[:, None] * of_moments[name]
        moved = -change / np.broadcast_to(kernel.residual_derivative.at(known), x.shape)[:, None]
        if kernel.chart is Chart.ANGLE:
            moved[x == 0] = 0.0  # the mean of both directions
        result = of_x[:, None] * moved + of_kxx[:, None] * dkxx
    if not np.isfinite(result).all():
        raise NotConverged(f"{kernel.name}: a derivative in an input is not finite; move the parameters inwards")
    return result


def _partials(formula: Formula, values: Mapping[str, Any], count: int) -> tuple[Array, ...]:
    with np.errstate(all="ignore"):
        return tuple(np.broadcast_to(np.asarray(d, dtype=np.float64), (count,)) for d in formula.at(values))


def _gradient(left: Points, right: Points, i: NDArray[Any], j: NDArray[Any], pairs: Pairs, slopes: Array) -> Array:
    """From the derivatives in log |x| and in the angle to those in x."""
    with np.errstate(all="ignore"):
        x = left.rows[i].astype(np.float64) / left.norms[i][:, None]
        towards = pairs.directions
        gradient = slopes[:, :1] * x - np.where(towards == 0, 0.0, slopes[:, 1:] * towards)
        return np.ldexp(gradient / left.norms[i][:, None], -left.exponents[i][:, None].astype(np.int32))
