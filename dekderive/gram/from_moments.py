"""Gram matrices from second moments that the caller has computed."""

import numpy as np
from numpy.typing import ArrayLike

from dekderive.errors import InvalidInput
from dekderive.gram.engine import fill, pair_values, works
from dekderive.gram.gram import diagonal_of, prepared_output
from dekderive.gram.inputs import Side, TableMoments
from dekderive.kernels.kernel import Kernel
from dekderive.kernels.layered import LayeredKernel
from dekderive.solvers.arguments import checked_parameters
from dekderive.solvers.solution import Array

__all__ = ["cross_gram_from_moments", "gram_from_moments"]

# Up to this size all eigenvalues are checked (a second or so); beyond it all 2 x 2 minors still are.
EIGENVALUES = 1500

# Rounding that a table of moments may show, by dtype, relative to its diagonal.
SLACK = {np.dtype(np.float64): 1e-10, np.dtype(np.float32): 1e-4}


def gram_from_moments(
    kernel: Kernel | LayeredKernel,
    second_moment: ArrayLike,
    mean: ArrayLike | None = None,
    *,
    continuous_part: bool = False,
    block_size: int | None = None,
    out: Array | None = None,
    **parameters: float,
) -> Array:
    r"""Kernel matrix of n different inputs with given moments of their statistics.

    Parameters
    ----------
    kernel : Kernel or LayeredKernel
    second_moment : (n, n) array_like
        :math:`C_{jk} = c(x_j, x_k)`.  Its diagonal stands for identical inputs, and nothing else does.
    mean : (n,) array_like, optional
        :math:`\mu_j`; 0 by default, and only for kernels that read means.
    continuous_part, block_size, out, **parameters
        As for :func:`dekderive.gram.gram`, which also lists what is raised besides.

    Returns
    -------
    (n, n) ndarray

    Raises
    ------
    InvalidInput
        If no statistic has these moments: C is not symmetric, or :math:`C - \mu\mu^T` is not positive semi-definite up
        to rounding.  All eigenvalues are checked up to n = 1500, all 2 x 2 minors always.

    Examples
    --------
    >>> from dekderive.kernels import deq_ntk_relu
    >>> C = [[1.0, 0.5], [0.5, 2.0]]
    >>> gram_from_moments(deq_ntk_relu, C, weight_variance=0.0, input_variance=1.0, bias_variance=0.0)
    array([[1. , 0.5],
           [0.5, 2. ]])
    """
    known = checked_parameters(kernel, parameters)
    C, mu = _table(second_moment, "second_moment"), _means(kernel, mean, len(np.asarray(second_moment)), "mean")
    if C.shape[0] != C.shape[1]:
        raise InvalidInput(f"second_moment must be square, got shape {C.shape}")
    second = np.diagonal(C).astype(np.float64)
    _check_minors(C, second, second, mu, mu, symmetric=True)
    _check_eigenvalues(C, mu)
    side = Side.of(kernel, second, mu, known, "second_moment")
    out = prepared_output(out, C.shape, C.dtype)
    evaluate = pair_values(kernel, side, None, known)
    for work in works(kernel, side, None, TableMoments(C, second, second), block_size):
        fill(out, work.block, work.spread(evaluate(work)), symmetric=True)
    np.fill_diagonal(out, diagonal_of(kernel, side, known, continuous_part))
    return out


def cross_gram_from_moments(
    kernel: Kernel | LayeredKernel,
    second_moment: ArrayLike,
    x_diagonal: ArrayLike,
    y_diagonal: ArrayLike,
    x_mean: ArrayLike | None = None,
    y_mean: ArrayLike | None = None,
    *,
    block_size: int | None = None,
    out: Array | None = None,
    **parameters: float,
) -> Array:
    r"""Kernel matrix between n inputs and m other inputs with given moments, for predictions.

    Parameters
    ----------
    kernel : Kernel or LayeredKernel
    second_moment : (n, m) array_like
        :math:`c(x_j, y_k)`.
    x_diagonal, y_diagonal : (n,) and (m,) array_like
        :math:`c(x_j, x_j)` and :math:`c(y_k, y_k)`.
    x_mean, y_mean : (n,) and (m,) array_like, optional
        Means; 0 by default, and only for kernels that read means.
    block_size, out, **parameters
        As for :func:`dekderive.gram.gram`, which also lists what is raised besides.

    Returns
    -------
    (n, m) ndarray

    Raises
    ------
    InvalidInput
        If some pair of inputs has moments that no statistic has.

    Examples
    --------
    >>> from dekderive.kernels import deq_ntk_relu
    >>> given = dict(weight_variance=0.0, input_variance=1.0, bias_variance=0.0)
    >>> cross_gram_from_moments(deq_ntk_relu, [[0.5, -1.0]], [1.0], [2.0, 3.0], **given)
    array([[ 0.5, -1. ]])
    """
    known = checked_parameters(kernel, parameters)
    C = _table(second_moment, "second_moment")
    sides = []
    for name, given, mean, size in zip(("x", "y"), (x_diagonal, y_diagonal), (x_mean, y_mean), C.shape, strict=True):
        second = _vector(given, size, f"{name}_diagonal")
        if (second < 0).any():
            raise InvalidInput(f"{name}_diagonal must not be negative")
        sides.append((second, _means(kernel, mean, size, f"{name}_mean")))
    (cxx, mean_x), (cyy, mean_y) = sides
    _check_minors(C, cxx, cyy, mean_x, mean_y, symmetric=False)
    x, y = Side.of(kernel, cxx, mean_x, known, "x_diagonal"), Side.of(kernel, cyy, mean_y, known, "y_diagonal")
    out = prepared_output(out, C.shape, C.dtype)
    evaluate = pair_values(kernel, x, y, known)
    for work in works(kernel, x, y, TableMoments(C, cxx, cyy), block_size):
        fill(out, work.block, work.spread(evaluate(work)), symmetric=False)
    return out


def _table(given: ArrayLike, name: str) -> Array:
    table = np.asarray(given)
    if table.dtype.kind not in "fiu" or table.ndim != 2:
        raise InvalidInput(f"{name} must be a matrix of real numbers, got {table.dtype} of shape {table.shape}")
    table = table.astype(np.float32 if table.dtype == np.float32 else np.float64, copy=False)
    if not np.isfinite(table).all():
        raise InvalidInput(f"{name} contains NaN or infinity")
    return table


def _vector(given: ArrayLike, size: int, name: str) -> Array:
    vector = np.asarray(given)
    if vector.dtype.kind not in "fiu" or vector.shape != (size,) or not np.isfinite(vector).all():
        raise InvalidInput(f"{name} must hold {size} finite real numbers, got {vector.dtype} of shape {vector.shape}")
    return vector.astype(np.float64)


def _means(kernel: Kernel | LayeredKernel, given: ArrayLike | None, size: int, name: str) -> Array:
    if given is None:
        return np.zeros(size)
    if "mean_x" not in kernel.input_names:
        raise InvalidInput(f"{kernel.name} does not read means; leave {name} out")
    return _vector(given, size, name)


def _check_minors(C: Array, cxx: Array, cyy: Array, mean_x: Array, mean_y: Array, symmetric: bool) -> None:
    """Every pair must satisfy Cauchy and Schwarz, after the means are taken off."""
    slack = SLACK[C.dtype]
    for second, mean in ((cxx, mean_x), (cyy, mean_y)):
        bad = (second < 0) | (np.abs(mean) > np.sqrt(np.maximum(second, 0.0)) * (1 + slack))
        if bad.any():
            row = int(np.argmax(bad))
            raise InvalidInput(f"no statistic has second moment {second[row]:g} and mean {mean[row]:g} (input {row})")
    safe_x, safe_y = (np.sqrt(np.where(c > 0, c, 1.0)) for c in (cxx, cyy))
    a, b = mean_x / safe_x, mean_y / safe_y
    for row in range(len(C)):  # row by row: no second matrix of that size
        cosine = C[row] / safe_x[row] / safe_y
        good = (cosine - a[row] * b) ** 2 <= np.maximum((1 - a[row] ** 2) * (1 - b * b), 0.0) + slack
        good &= (np.abs(cosine) <= 1 + slack) & ~(((cxx[row] == 0) | (cyy == 0)) & (C[row] != 0))
        if symmetric:
            good &= np.abs(cosine - C[:, row] / safe_x[row] / safe_y) <= slack
        if not good.all():
            column = int(np.argmin(good))
            raise InvalidInput(
                f"no statistic has these moments: entry ({row}, {column}) must equal its transpose and satisfy "
                "(cxy - mean_x mean_y)^2 <= (cxx - mean_x^2)(cyy - mean_y^2)"
            )


def _check_eigenvalues(C: Array, mean: Array) -> None:
    if not 0 < len(C) <= EIGENVALUES:
        return
    size = np.sqrt(np.diagonal(C).astype(np.float64))
    safe = np.where(size > 0, size, 1.0)
    a = mean / safe
    # Scaled to a unit diagonal, so that small inputs are judged by their own size.
    least = float(np.linalg.eigvalsh(C / safe[:, None] / safe - np.outer(a, a))[0])
    if least < -SLACK[C.dtype] * len(C):
        raise InvalidInput(
            f"no statistic has these moments: second_moment - mean mean^T has the eigenvalue {least:.3g} (its inputs "
            "scaled to length 1), and must be positive semi-definite"
        )
