"""Derivatives of Gram matrices in the parameters of the kernel, by the implicit function theorem."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dekderive.errors import NotConverged
from dekderive.gram.engine import Work, coincident, fill, is_continuous, solve_pairs, works
from dekderive.gram.gram import chosen_moments, diagonal_of, side_of
from dekderive.gram.inputs import RowMoments, Side
from dekderive.gram.layers.equilibrium import Equilibrium
from dekderive.gram.layers.layer import TINY
from dekderive.gram.layers.recursion import Network
from dekderive.gram.layers.transfer import Seeds
from dekderive.gram.moments import Moments
from dekderive.gram.points import as_rows
from dekderive.kernels.kernel import Chart, Formula, Kernel
from dekderive.kernels.layered import LayeredKernel
from dekderive.solvers.arguments import checked_parameters
from dekderive.solvers.charts import covariance
from dekderive.solvers.solution import Array

__all__ = ["gram_gradient"]


def gram_gradient(
    kernel: Kernel | LayeredKernel,
    X: ArrayLike,
    *,
    moments: Moments | None = None,
    continuous_part: bool = False,
    block_size: int | None = None,
    **parameters: float,
) -> tuple[Array, Array]:
    r"""Kernel matrix and its derivatives in all parameters.

    Variances obey :math:`k = h(k, p)` and the chart coordinate x of a pair :math:`F(x, k_{xx}, k_{yy}, p) = 0`, so

    .. math::

        \frac{dk}{dp} = \frac{h_p}{1 - h_k}, \qquad
        \frac{dx}{dp} = -\frac{F_p + F_{k_{xx}} k_{xx}' + F_{k_{yy}} k_{yy}'}{F_x},

    and the kernel value follows by the chain rule.  Nothing is iterated beyond the fixed point itself.  Of a kernel of
    finite depth the derivatives go through the layers together with the gaps, and keep their digits like them.

    Parameters
    ----------
    kernel, X, moments, continuous_part, block_size, **parameters
        As for :func:`dekderive.gram.gram`, which also lists what is raised.

    Returns
    -------
    K : (n, n) ndarray
        Exactly what ``gram`` returns.
    dK : (n, n, p) ndarray
        ``dK[..., i]`` is the derivative in ``kernel.parameters[i]``, whether or not it was passed.  For a zero row the
        derivative in a bias that is 0 is infinite off the diagonal (the kernel grows like its square root), and so it
        is between parallel inputs, of different lengths or opposite, for tangent kernels of finite depth whose slope
        jumps.

    Raises
    ------
    NotConverged
        If an equation is so close to losing its solution that a derivative is not finite.

    Examples
    --------
    >>> from dekderive.gram.moments import linear
    >>> from dekderive.kernels import deker_gaussian_relu
    >>> K, dK = gram_gradient(deker_gaussian_relu, [[1.0, 0.0]], moments=linear(), regularisation=1.0)
    >>> K, dK  # without means kxx = c/(2 lambda^2 - 1)
    (array([[1.]]), array([[[-4.]]]))
    """
    known = checked_parameters(kernel, parameters)
    rule = chosen_moments(kernel, moments)
    points = rule.points(as_rows(X))
    side = side_of(kernel, rule, points, known)
    moments_of_pairs = RowMoments(rule, points, points)
    if isinstance(kernel, LayeredKernel):
        return _layered(kernel, side, moments_of_pairs, known, points.rows.dtype, block_size)
    K = np.empty((len(side),) * 2, dtype=points.rows.dtype)
    dK = np.empty((*K.shape, len(kernel.parameters)), dtype=K.dtype)
    slopes = _variance_slopes(kernel, side, known)
    at_diagonal = _diagonal_slopes(kernel, side, known, slopes)
    of_pairs = (_of_equilibrium if kernel.solved_in_gaps else _of_chart)(kernel, side, known, slopes)
    for work in works(kernel, side, None, moments_of_pairs, block_size):
        value, of_value = of_pairs(work)
        part = work.spread(of_value)
        fill(K, work.block, work.spread(value), symmetric=True)
        fill(dK, work.block, _with_zero_rows(part, work, side, slopes, at_diagonal), symmetric=True)
    here = np.arange(len(side))
    K[here, here] = diagonal_of(kernel, side, known, continuous_part)
    jump = ~is_continuous(kernel, side, known) if continuous_part else np.zeros(len(side), dtype=bool)
    if jump.any():
        values = coincident(side, jump)
        x, _ = solve_pairs(kernel, values, known)
        at_diagonal[jump] = _pair_slopes(kernel, x, values, known, slopes[jump], slopes[jump])
    dK[here, here] = at_diagonal
    return K, dK


def _of_chart(
    kernel: Kernel, side: Side, parameters: Mapping[str, float], slopes: Array
) -> Callable[[Work], tuple[Array, Array]]:
    """Values and derivatives at the pairs of a block, from the equation in the kernel's chart."""

    def evaluate(work: Work) -> tuple[Array, Array]:
        x, value = solve_pairs(kernel, work.values, parameters)
        i, j = work.open
        return value, _pair_slopes(kernel, x, work.values, parameters, slopes[i], slopes[j])

    return evaluate


def _of_equilibrium(
    kernel: Kernel, side: Side, parameters: Mapping[str, float], slopes: Array
) -> Callable[[Work], tuple[Array, Array]]:
    """The same from the equation of gaps."""
    seeds = Seeds.of(kernel.parameter_names, parameters, TINY)
    pairs = Equilibrium(kernel, (side.second, side.kxx), None, parameters, seeds)

    def evaluate(work: Work) -> tuple[Array, Array]:
        value, slope = pairs.values(*work.open, work.values)
        return value, _checked(kernel, slope)

    return evaluate


def _layered(
    kernel: LayeredKernel,
    side: Side,
    moments: RowMoments,
    parameters: Mapping[str, float],
    kind: np.dtype[Any],
    block_size: int | None,
) -> tuple[Array, Array]:
    """The matrix and its derivatives, for a kernel of finite depth."""
    count = len(kernel.parameters)
    network = Network(kernel, side.second, None, parameters, Seeds.of(kernel.parameter_names, parameters, TINY))
    at_diagonal = _numbers(kernel, network.left.slope)
    K = np.empty((len(side),) * 2, dtype=kind)
    dK = np.empty((*K.shape, count), dtype=kind)
    for work in works(kernel, side, None, moments, block_size):
        i, j = work.i[work.positive], work.j[work.positive]
        still = np.zeros((i.size, count))  # no parameter moves the inputs
        gap, tilt = work.values["gap"], work.values["tilt"]
        pairs = network.pairs(i, j, gap, tilt, still)
        part = _with_zero_rows(work.spread(_numbers(kernel, pairs.slope)), work, side, at_diagonal, at_diagonal)
        # Again, and cheaply: the matrix is then that of `gram` to the last bit, which optimisers compare with it.
        fill(K, work.block, work.spread(network.values(i, j, gap, tilt)), symmetric=True)
        fill(dK, work.block, part, symmetric=True)
    here = np.arange(len(side))
    K[here, here], dK[here, here] = side.kxx, at_diagonal
    return K, dK


def _numbers(kernel: LayeredKernel, slopes: Array) -> Array:
    if np.isnan(slopes).any():
        name = kernel.parameter_names[int(np.argwhere(np.isnan(slopes))[0, -1])]
        raise NotConverged(f"{kernel.name}: a derivative in {name} is not a number; rescale the inputs")
    return slopes


def _partials(formula: Formula, values: Mapping[str, Any], count: int) -> tuple[Array, ...]:
    """The partial derivatives that a gradient formula returns, as arrays of one length."""
    with np.errstate(all="ignore"):
        return tuple(np.broadcast_to(np.asarray(d, dtype=np.float64), (count,)) for d in formula.at(values))


def _checked(kernel: Kernel, slopes: Array) -> Array:
    if not np.isfinite(slopes).all():
        name = kernel.parameter_names[int(np.argwhere(~np.isfinite(slopes))[0, -1])]
        raise NotConverged(
            f"{kernel.name}: a derivative in {name} is not finite: the parameters are at the edge of where "
            "fixed points exist; move them inwards"
        )
    return slopes


def _variance_slopes(kernel: Kernel, side: Side, parameters: Mapping[str, float]) -> Array:
    """Derivatives of kxx in the parameters, of shape (n, p)."""
    values = {**side.values(), **parameters}
    partials = np.column_stack(_partials(kernel.diagonal_step_gradient, values, len(side)))
    with np.errstate(all="ignore"):
        own = np.broadcast_to(kernel.diagonal_step_derivative.at(values), side.kxx.shape)
        # Only at a zero row can the step have no derivative in kxx; the parameters then act on 0 itself.
        own = np.where((side.kxx == 0) & ~np.isfinite(own), 0.0, own)
        return _checked(kernel, partials / (1.0 - own)[:, None])


def _diagonal_slopes(kernel: Kernel, side: Side, parameters: Mapping[str, float], slopes: Array) -> Array:
    """Derivatives of the kernel at x' = x, of shape (n, p)."""
    own, *rest = _partials(kernel.readout_diagonal_gradient, {**side.values(), **parameters}, len(side))
    return _checked(kernel, own[:, None] * slopes + np.column_stack(rest))


def _pair_slopes(
    kernel: Kernel, x: Array, values: Mapping[str, Array], parameters: Mapping[str, float], first: Array, second: Array
) -> Array:
    """Derivatives of the kernel at pairs of positive variances with derivatives `first` and `second`, (N, p)."""
    known = {**values, **parameters, kernel.chart.value: x}
    known["kxy"] = covariance(kernel, x, values["kxx"], values["kyy"])
    in_kxx, in_kyy, *in_parameters = _residual_partials(kernel, known, x.size)
    with np.errstate(all="ignore"):
        change = np.column_stack(in_parameters) + in_kxx[:, None] * first + in_kyy[:, None] * second
        steepness = np.broadcast_to(kernel.residual_derivative.at(known), x.shape)
        moved = -change / steepness[:, None]
        if kernel.chart is Chart.ANGLE:
            moved[x == 0] = 0.0  # parallel inputs of equal norm stay parallel, whatever the parameters
        of_x, of_kxx, of_kyy, *of_parameters = _partials(kernel.readout_gradient, known, x.size)
        total = of_x[:, None] * moved + of_kxx[:, None] * first + of_kyy[:, None] * second
        return _checked(kernel, total + np.column_stack(of_parameters))


def _residual_partials(kernel: Kernel, known: Mapping[str, Any], count: int) -> list[Array]:
    """Partial derivatives of the equation of pairs.

    Where it carries the gap it is one between angles, and does not change if second moments, variances and
    `bias_variance` are multiplied by one number; at numbers of order 1, powers 3/2 of them do not overflow.
    """
    if "gap" not in kernel.pair_names:
        return list(_partials(kernel.residual_gradient, known, count))
    size = np.ldexp(1.0, -np.frexp(np.maximum(known["cxx"], known["cyy"]))[1])
    size = np.where(np.isfinite(size), size, 1.0)
    extensive = ("cxx", "cyy", "cxy", "kxx", "kyy", "kxy", "bias_variance")
    moved = {n: v * size if n in extensive else v for n, v in known.items()}
    partials = list(_partials(kernel.residual_gradient, moved, count))
    order = ("kxx", "kyy", *kernel.parameter_names)
    return [d * size if n in extensive else d for n, d in zip(order, partials, strict=True)]


def _with_zero_rows(part: Array, work: Work, side: Side, slopes: Array, at_diagonal: Array) -> Array:
    """Complete the derivatives of a block by those of pairs in which a variance is 0.

    If a parameter lifts the variance of a zero row off 0 linearly, covariances with others rise like its square root;
    two zero rows are one input twice.
    """
    closed: NDArray[np.intp] = np.flatnonzero(~work.positive)
    if closed.size:
        i, j = work.i[closed], work.j[closed]
        lifted = (slopes[i] > 0) & (side.kxx[i] == 0)[:, None] | (slopes[j] > 0) & (side.kxx[j] == 0)[:, None]
        both = (side.kxx[i] == 0) & (side.kxx[j] == 0)
        part[closed] = np.where(both[:, None], at_diagonal[i], np.where(lifted, np.inf, 0.0))
    return part
