r"""Convolutions that are kernel matrices: filters with compact support that are positive semi-definite.

Truncating a kernel to a box is no kernel: 1(|i - j| <= 1) on three pixels has the eigenvalue 1 - sqrt(2).
Multiplying it by a compactly supported *kernel* is one (the Schur product theorem), and so is a sum over q of B_q (x)
kappa_q with positive semi-definite B_q across channels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh, svds

from dekderive.errors import InvalidInput, NotConverged, UnknownName

__all__ = [
    "TAPERS",
    "circular_norm",
    "coregionalised",
    "filter_matrix",
    "filters_of",
    "norm",
    "norm_bound",
    "row_bound",
    "smallest_eigenvalue",
    "squared_exponential_filter",
    "taper",
]

Array = NDArray[np.float64]
TAPERS = ("triangular", "wendland", "box_indefinite")


def taper(name: str, radius: int | tuple[int, int]) -> Array:
    r"""Return the values of a taper on the window of offsets up to `radius`.

    Parameters
    ----------
    name : {"triangular", "wendland", "box_indefinite"}
        ``triangular``: :math:`\prod (1 - |d_i|/(r_i + 1))_+`; its symbol is
        :math:`|\sum_{0}^{r} e^{ikt}|^2/(r+1) \ge 0` on each axis.  ``wendland``: :math:`(1-t)_+^4(4t+1)` of the
        Euclidean distance t relative to r + 1, positive definite in up to three dimensions (Wendland 1995).
        ``box_indefinite``: 1, the truncation of the paper's equation (18), which is not positive semi-definite.
    radius : int or pair of int

    Returns
    -------
    (2 r1 + 1, 2 r2 + 1) ndarray

    Raises
    ------
    UnknownName, InvalidInput

    Examples
    --------
    >>> taper("triangular", (1, 0)).ravel()
    array([0.5, 1. , 0.5])
    """
    radii = _radii(radius)
    rows, columns = (np.arange(-r, r + 1) for r in radii)
    if name == "triangular":
        return np.outer(1 - np.abs(rows) / (radii[0] + 1), 1 - np.abs(columns) / (radii[1] + 1))
    if name == "wendland":
        t = np.hypot(rows[:, None] / (radii[0] + 1), columns / (radii[1] + 1))
        return np.asarray(np.maximum(1 - t, 0) ** 4 * (4 * t + 1))
    if name == "box_indefinite":
        return np.ones((len(rows), len(columns)))
    raise UnknownName(f"no taper {name!r}; known: {', '.join(TAPERS)}")


def squared_exponential_filter(
    radius: int | tuple[int, int], squared_lengthscale: float, *, taper_name: str = "triangular"
) -> Array:
    r"""Return the filter with entries :math:`e^{-|d|^2/(2\ell^2)}` times a taper.

    Parameters
    ----------
    radius : int or pair of int
    squared_lengthscale : float
    taper_name : str
        See :func:`taper`.

    Returns
    -------
    (2 r1 + 1, 2 r2 + 1) ndarray

    Examples
    --------
    >>> squared_exponential_filter((0, 1), 0.5).round(3)
    array([[0.184, 1.   , 0.184]])
    """
    if not squared_lengthscale > 0:
        raise InvalidInput(f"the squared lengthscale must be positive, got {squared_lengthscale!r}")
    rows, columns = (np.arange(-r, r + 1) for r in _radii(radius))
    distance = rows[:, None] ** 2 + columns**2
    return np.asarray(np.exp(-0.5 * distance / squared_lengthscale) * taper(taper_name, radius))


def coregionalised(mixing: ArrayLike, filters: ArrayLike) -> Array:
    r"""Return the multi-channel filters :math:`\sum_q B_q \otimes \kappa_q` of the linear model of coregionalisation.

    One length scale for each pair of channels, as in Appendix F of the paper, is in general not positive
    semi-definite; this is.

    Parameters
    ----------
    mixing : (q, c, c) array_like
        Positive semi-definite matrices.
    filters : (q, k1, k2) array_like

    Returns
    -------
    (c, c, k1, k2) ndarray

    Raises
    ------
    InvalidInput
        If shapes disagree or a B_q is not symmetric positive semi-definite.

    Examples
    --------
    >>> coregionalised(np.ones((1, 3, 3)), np.ones((1, 1, 3))).shape
    (3, 3, 1, 3)
    """
    b, k = np.asarray(mixing, dtype=np.float64), np.asarray(filters, dtype=np.float64)
    if b.ndim != 3 or k.ndim != 3 or len(b) != len(k) or b.shape[1] != b.shape[2]:
        raise InvalidInput(f"mixing must be (q, c, c) and filters (q, k1, k2), got {b.shape} and {k.shape}")
    scale = np.abs(b).max(initial=0.0)
    if np.abs(b - b.transpose(0, 2, 1)).max() > 1e-12 * scale or np.linalg.eigvalsh(b).min() < -1e-12 * scale:
        raise InvalidInput("each mixing matrix must be symmetric positive semi-definite, for example A A^T")
    return np.einsum("qab,qij->abij", b, k)


def filter_matrix(filters: ArrayLike, shape: tuple[int, int]) -> csr_array:
    """Return the matrix of the zero-padded 'same' convolution (as networks define it) on images of a shape.

    Parameters
    ----------
    filters : (k1, k2) or (c_out, c_in, k1, k2) array_like
        Odd k1, k2.
    shape : (height, width)

    Returns
    -------
    (c_out h w, c_in h w) scipy.sparse.csr_array
        Images are flattened channel by channel, each in row-major order.

    Examples
    --------
    >>> filter_matrix([[1.0, 2.0, 3.0]], (1, 3)).toarray()
    array([[2., 3., 0.],
           [1., 2., 3.],
           [0., 1., 2.]])
    """
    c = _channels(filters)
    h, w = shape
    centre = (c.shape[2] // 2, c.shape[3] // 2)
    i, j = np.meshgrid(np.arange(h), np.arange(w), indexing="ij")
    rows, columns, values = [], [], []
    for (p, q), block in ((pq, c[:, :, pq[0], pq[1]]) for pq in np.ndindex(c.shape[2:])):
        ii, jj = i + p - centre[0], j + q - centre[1]
        inside = (ii >= 0) & (ii < h) & (jj >= 0) & (jj < w)
        target, source = (i * w + j)[inside], (ii * w + jj)[inside]
        for a, b in np.argwhere(block != 0):
            rows.append(a * h * w + target)
            columns.append(b * h * w + source)
            values.append(np.full(len(target), block[a, b]))
    size = (c.shape[0] * h * w, c.shape[1] * h * w)
    if not rows:
        return csr_array(size)
    return csr_array((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=size)


def filters_of(matrix: ArrayLike | csr_array, shape: tuple[int, int], radius: int | tuple[int, int]) -> Array:
    """Return the filters of a kernel matrix on a grid: the row of a pixel that is `radius` away from every border.

    Parameters
    ----------
    matrix : (c_out h w, c_in h w) array_like or sparse array
    shape : (height, width)
    radius : int or pair of int

    Returns
    -------
    (c_out, c_in, 2 r1 + 1, 2 r2 + 1) ndarray

    Raises
    ------
    InvalidInput
        If the grid is smaller than the filter, or the matrix is not that of a convolution with it.

    Examples
    --------
    >>> filters_of(filter_matrix([[1.0, 2.0, 3.0]], (1, 5)), (1, 5), (0, 1)).ravel()
    array([1., 2., 3.])
    """
    (r1, r2), (h, w) = _radii(radius), shape
    dense = csr_array(matrix)
    if h < 2 * r1 + 1 or w < 2 * r2 + 1:
        raise InvalidInput(f"a grid of shape {shape} has no pixel that is {(r1, r2)} away from every border")
    pixel = r1 * w + r2
    outs, ins = dense.shape[0] // (h * w), dense.shape[1] // (h * w)
    rows = dense[[a * h * w + pixel for a in range(outs)]].toarray().reshape(outs, ins, h, w)
    filters = np.ascontiguousarray(rows[:, :, : 2 * r1 + 1, : 2 * r2 + 1])
    difference = abs(filter_matrix(filters, shape) - dense)
    if difference.nnz and difference.max() > 1e-12 * np.abs(filters).max(initial=0.0):
        raise InvalidInput("the matrix is not a zero-padded convolution of that radius: its rows differ")
    return filters


def circular_norm(filters: ArrayLike, shape: tuple[int, int]) -> float:
    """Return the largest singular value of the *circular* convolution on a grid (Sedghi, Gupta and Long 2019).

    It is at least the norm of the zero-padded operator for filters that are not negative; with signs it can be smaller.

    Examples
    --------
    >>> circular_norm([[-1.0, 2.0, -1.0]], (1, 3)) < norm([[-1.0, 2.0, -1.0]], (1, 3))
    True
    """
    symbols = np.fft.fft2(_wrapped(_channels(filters), shape), axes=(0, 1))
    return float(np.linalg.norm(symbols, 2, axis=(2, 3)).max())


def norm_bound(filters: ArrayLike, shape: tuple[int, int]) -> float:
    """Return an upper bound of the spectral norm of the zero-padded convolution, up to rounding.

    The zero-padded operator on h x w pixels is a compression of the circular one on (h + 2 r1) x (w + 2 r2) pixels, on
    which nothing wraps around, so the largest singular value of that one bounds its norm.

    Parameters
    ----------
    filters : (k1, k2) or (c_out, c_in, k1, k2) array_like
    shape : (height, width)

    Examples
    --------
    >>> c = [[-1.0, 2.0, -1.0]]
    >>> norm(c, (1, 3)) <= norm_bound(c, (1, 3)) <= row_bound(c)
    True
    """
    c = _channels(filters)
    return circular_norm(c, (shape[0] + c.shape[2] - 1, shape[1] + c.shape[3] - 1)) * (1 + 1e-13)


def row_bound(filters: ArrayLike) -> float:
    """Return the bound sqrt(max row sum times max column sum) of magnitudes; no grid is needed.

    Examples
    --------
    >>> row_bound([[-1.0, 2.0, -1.0]])
    4.0
    """
    magnitudes = np.abs(_channels(filters)).sum(axis=(2, 3))
    return float(np.sqrt(magnitudes.sum(axis=1).max() * magnitudes.sum(axis=0).max()))


def norm(filters: ArrayLike, shape: tuple[int, int]) -> float:
    """Return the spectral norm of the zero-padded convolution, by Lanczos iteration.

    Examples
    --------
    >>> round(norm([[-1.0, 2.0, -1.0]], (1, 3)), 6)  # 2 + sqrt(2)
    3.414214
    """
    matrix = filter_matrix(filters, shape)
    if min(matrix.shape) <= 32:
        return float(np.linalg.norm(matrix.toarray(), 2))
    operator = LinearOperator(matrix.shape, matvec=matrix.__matmul__, rmatvec=matrix.T.__matmul__, dtype=np.float64)
    start = np.random.default_rng(0).normal(size=min(matrix.shape))
    return float(svds(operator, 1, tol=1e-12, v0=start, return_singular_vectors=False)[0])


def smallest_eigenvalue(filters: ArrayLike, shape: tuple[int, int]) -> float:
    """Return the smallest eigenvalue of the matrix of a symmetric filter; below 0 it is no kernel matrix.

    Raises
    ------
    InvalidInput
        If the matrix is not symmetric.
    NotConverged
        If Lanczos iteration did not find it.

    Examples
    --------
    >>> round(smallest_eigenvalue([[1.0, 1.0, 1.0]], (1, 3)), 6)  # 1 - sqrt(2)
    -0.414214
    """
    matrix = filter_matrix(filters, shape)
    if abs(matrix - matrix.T).max() > 1e-12 * abs(matrix).max():
        raise InvalidInput("the filters are not symmetric: C[a, b, d] must equal C[b, a, -d]")
    if matrix.shape[0] <= 1100:
        return float(np.linalg.eigvalsh(matrix.toarray())[0])
    start = np.random.default_rng(0).normal(size=matrix.shape[0])
    try:
        return float(eigsh(matrix, 1, which="SA", tol=1e-6, v0=start, maxiter=20000, return_eigenvectors=False)[0])
    except ArpackNoConvergence as error:
        raise NotConverged("Lanczos iteration did not find the smallest eigenvalue; use a smaller grid") from error


def _radii(radius: int | tuple[int, int]) -> tuple[int, int]:
    pair = (radius, radius) if isinstance(radius, int | np.integer) else tuple(radius)
    if len(pair) != 2 or any(int(r) != r or r < 0 for r in pair):
        raise InvalidInput(f"a radius is a whole number that is not negative, or a pair of them; got {radius!r}")
    return int(pair[0]), int(pair[1])


def _channels(filters: ArrayLike) -> Array:
    c = np.asarray(filters, dtype=np.float64)
    c = c[None, None] if c.ndim == 2 else c
    if c.ndim != 4 or c.shape[2] % 2 == 0 or c.shape[3] % 2 == 0:
        raise InvalidInput(f"filters must be (k1, k2) or (c_out, c_in, k1, k2) with odd k1 and k2, got {c.shape}")
    return c


def _wrapped(c: Array, shape: tuple[int, int]) -> Array:
    """The filters around the origin of a grid, summed where they wrap: (h, w, c_out, c_in)."""
    grid = np.zeros((*shape, *c.shape[:2]))
    for p, q in np.ndindex(c.shape[2:]):
        grid[(p - c.shape[2] // 2) % shape[0], (q - c.shape[3] // 2) % shape[1]] += c[:, :, p, q]
    return grid
