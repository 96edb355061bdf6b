"""Gram matrices of infinitely deep kernels."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dekderive.errors import InvalidInput
from dekderive.gram.engine import continuous_values, diagonal_values, fill, pair_values, works
from dekderive.gram.inputs import RowMoments, Side
from dekderive.gram.moments import Moments, by_name, linear
from dekderive.gram.points import Points, as_rows
from dekderive.gram.univariate import gram as univariate
from dekderive.kernels.kernel import Kernel
from dekderive.kernels.layered import LayeredKernel
from dekderive.kernels.univariate import UnivariateKernel
from dekderive.solvers.arguments import checked_parameters
from dekderive.solvers.solution import Array

__all__ = ["diagonal", "gram", "nugget"]


def gram(
    kernel: Kernel | LayeredKernel | UnivariateKernel,
    X: ArrayLike,
    Y: ArrayLike | None = None,
    *,
    moments: Moments | None = None,
    continuous_part: bool = False,
    block_size: int | None = None,
    out: Array | None = None,
    **parameters: float,
) -> Array:
    r"""Kernel matrix between the rows of `X` and those of `Y`, or of `X` with itself.

    Parameters
    ----------
    kernel : Kernel, LayeredKernel or UnivariateKernel
        Of infinite depth, or of the depth that the record says (see ``kernel.with_depth``).  A univariate kernel has
        its parameters in it.
    X : (n, d) array_like
    Y : (m, d) array_like, optional
        With `Y` left out, the diagonal holds the kernel at *identical* inputs.  With `Y` given, no row of `X` is
        identical to a row of `Y`, whatever they contain: every entry is the limit of the kernel at different inputs.
        For slopes with a jump the two differ; see :func:`nugget`.
    moments : Moments, optional
        How rows become statistics; ``dekderive.gram.moments`` has constructors, and a kernel names its own default.
    continuous_part : bool
        Leave the nugget out of the diagonal: then ``gram(X)`` is continuous in X, equals ``gram(X, X)`` and is still
        positive semi-definite.
    block_size : int, optional
        Rows that are worked on at a time; by default about half a million pairs.
    out : (n, m) ndarray, optional
        Where to put the result, for example a memory map.
    **parameters : float
        Parameters of the kernel, by name; those left out take their defaults.

    Returns
    -------
    (n, m) ndarray
        float32 if all rows are float32, float64 otherwise.  (Scalar equations are solved in float64 in any case; what
        float32 rows save is half of the matrix product and of the result.)  Symmetric to the last bit without `Y`.

    Raises
    ------
    InvalidInput
        For data or parameters that the kernel does not take.
    NoFixedPoint
        If some row has no fixed point; the message names the bound that is violated.
    NotConverged
        If some pair could not be solved to rounding.

    Notes
    -----
    Inner products come from one matrix product for each block.  Where the kernel reads the gap ``1 - cos`` (or the
    moments read angles), pairs that are almost parallel are recomputed from differences of rows, so that
    near-duplicates keep all their digits.

    Large matrices of kernels that are functions of one cosine (:func:`dekderive.kernels.univariate.is_univariate`) are
    a matrix product and a polynomial, which is checked against the equation of the kernel first; their errors are some
    1e-14 of :math:`\sqrt{k(x, x) k(y, y)}`, and up to 1e-6 of it for rows of float32, which are multiplied and mapped
    in float32.

    References
    ----------
    R. Tsuchida and C. S. Ong, "Stochastic gradient updates yield deep equilibrium kernels", TMLR 2023.
    Z. Feng and J. Z. Kolter, "On the neural tangent kernel of equilibrium models", 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from dekderive.kernels import deq_ntk_relu
    >>> angle = np.array([0.0, 1.0])
    >>> circle = np.column_stack([np.cos(angle), np.sin(angle)])
    >>> gram(deq_ntk_relu, circle, weight_variance=0.6, input_variance=0.4, bias_variance=0.0).round(6)
    array([[2.5     , 1.127072],
           [1.127072, 2.5     ]])
    """
    if isinstance(kernel, UnivariateKernel):
        return _of_record(kernel, X, Y, moments, block_size, out, parameters)
    known = checked_parameters(kernel, parameters)
    rule = chosen_moments(kernel, moments)
    if isinstance(kernel, Kernel) and univariate.worth_it(kernel, rule, X, Y):
        record = univariate.trusted(kernel, known)
        built = None if record is None else univariate.matrix(record, rule, X, Y, block_size, out, kernel)
        if built is not None:
            return built
    left = rule.points(as_rows(X))
    right = left if Y is None else rule.points(as_rows(Y, "Y"))
    if left.rows.shape[1] != right.rows.shape[1]:
        raise InvalidInput(f"Y must have as many columns as X ({left.rows.shape[1]}), not {right.rows.shape[1]}")
    x = side_of(kernel, rule, left, known)
    y = None if Y is None else side_of(kernel, rule, right, known, "Y")
    out = prepared_output(out, (len(left), len(right)), np.result_type(left.rows, right.rows))
    evaluate = pair_values(kernel, x, y, known)
    for work in works(kernel, x, y, RowMoments(rule, left, right), block_size):
        fill(out, work.block, work.spread(evaluate(work)), Y is None)
    if Y is None:
        np.fill_diagonal(out, diagonal_of(kernel, x, known, continuous_part))
    return out


def _of_record(
    record: UnivariateKernel,
    X: ArrayLike,
    Y: ArrayLike | None,
    moments: Moments | None,
    block_size: int | None,
    out: Array | None,
    parameters: Mapping[str, float],
) -> Array:
    check_record(record, parameters)
    built = univariate.matrix(record, chosen_moments(record, moments), X, Y, block_size, out)
    if built is None:
        raise InvalidInput("the squared length of some row is outside of 1e-200 to 1e200; rescale the data")
    return built


def check_record(record: UnivariateKernel, parameters: Mapping[str, float]) -> None:
    """Refuse parameters that are not those of a univariate kernel."""
    own = dict(record.parameters)
    for name, value in parameters.items():
        if name not in own or value != own[name]:
            raise InvalidInput(f"{record.name} was compiled for {own}; it takes no {name}={value!r}")


def diagonal(
    kernel: Kernel | LayeredKernel,
    X: ArrayLike,
    *,
    moments: Moments | None = None,
    continuous_part: bool = False,
    **parameters: float,
) -> Array:
    """The diagonal of ``gram(kernel, X, ...)``, of shape (n,), without the matrix.

    Parameters
    ----------
    kernel, X, moments, continuous_part, **parameters
        As for :func:`gram`, which also lists what is raised.

    Returns
    -------
    (n,) ndarray

    Examples
    --------
    >>> from dekderive.kernels import deq_ntk_relu
    >>> diagonal(deq_ntk_relu, [[1.0, 0.0]], weight_variance=0.5, input_variance=1.0, bias_variance=0.0)
    array([4.])
    """
    known = checked_parameters(kernel, parameters)
    rule = chosen_moments(kernel, moments)
    points = rule.points(as_rows(X))
    value = diagonal_of(kernel, side_of(kernel, rule, points, known), known, continuous_part)
    return value.astype(points.rows.dtype, copy=False)


def nugget(
    kernel: Kernel | LayeredKernel, X: ArrayLike, *, moments: Moments | None = None, **parameters: float
) -> Array:
    r"""Height of the jump of the kernel at x' = x.

    .. math:: k(x, x) - \lim_{x' \to x} k(x, x') \ge 0

    It is positive where correlation 1 repels (for slopes with a jump always), and exactly 0 where it attracts.  The
    kernel is the sum of a continuous positive semi-definite kernel and of this nugget on identical inputs.

    Parameters
    ----------
    kernel, X, moments, **parameters
        As for :func:`gram`, which also lists what is raised.

    Returns
    -------
    (n,) ndarray

    Examples
    --------
    >>> from dekderive.gram.moments import linear
    >>> from dekderive.kernels import deker_gaussian_relu
    >>> nugget(deker_gaussian_relu, [[1.0, 0.0]], moments=linear(), regularisation=1.0).round(6)
    array([0.165301])
    """
    known = checked_parameters(kernel, parameters)
    rule = chosen_moments(kernel, moments)
    points = rule.points(as_rows(X))
    side = side_of(kernel, rule, points, known)
    jump = diagonal_values(kernel, side, known) - continuous_values(kernel, side, known)
    return np.maximum(jump, 0.0).astype(points.rows.dtype, copy=False)


def chosen_moments(kernel: Kernel | LayeredKernel | UnivariateKernel, moments: Moments | None) -> Moments:
    """The moments asked for, or those that the kernel names."""
    if moments is None:
        return linear() if isinstance(kernel, UnivariateKernel) else by_name(kernel.moments)
    if not isinstance(moments, Moments):
        raise InvalidInput(
            f"moments must come from dekderive.gram.moments, for example linear(); got {type(moments).__name__}"
        )
    return moments


def side_of(
    kernel: Kernel | LayeredKernel, rule: Moments, points: Points, parameters: Mapping[str, float], name: str = "X"
) -> Side:
    """One side of a Gram matrix, from prepared rows."""
    return Side.of(kernel, rule.checked_diagonal(points), rule.mean_of_points(points), parameters, name)


def diagonal_of(
    kernel: Kernel | LayeredKernel, side: Side, parameters: Mapping[str, float], continuous_part: bool
) -> Array:
    """The diagonal, with or without the nugget."""
    return (continuous_values if continuous_part else diagonal_values)(kernel, side, parameters)


def prepared_output(out: Array | None, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """The array to write to, after a check of the one that was passed."""
    if out is None:
        return np.empty(shape, dtype=dtype)
    if not isinstance(out, np.ndarray) or out.shape != shape or out.dtype != dtype:
        got = f"{type(out).__name__} {getattr(out, 'dtype', '')} {np.shape(out)}"
        raise InvalidInput(f"out must be an ndarray of dtype {dtype} and shape {shape}, got {got}")
    return out
