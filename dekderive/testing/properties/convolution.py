"""Convolutions that are kernel matrices: definiteness, bounds of the norm, and what a matrix does (P13 to P15)."""

from __future__ import annotations

import numpy as np
from scipy.signal import correlate2d

from dekderive.initialisers.convolution import filter_matrix, norm, norm_bound, squared_exponential_filter
from dekderive.testing.failure import largest, require
from dekderive.testing.observations import Array

__all__ = ["is_convolution", "norm_is_bounded", "tapered_is_definite"]


def tapered_is_definite(
    radius: int | tuple[int, int],
    squared_lengthscale: float,
    shape: tuple[int, int],
    taper: str = "triangular",
) -> None:
    r"""P13: the matrix of a tapered filter has :math:`\lambda_{\min} \ge -10^{-10} \lambda_{\max}`.

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> tapered_is_definite((0, 1), 2.0, (1, 8))
    >>> tapered_is_definite((0, 1), 1e9, (1, 3), taper="box_indefinite")
    Traceback (most recent call last):
    ...
    dekderive.errors.PropertyFailed: P13, - lmin / lmax: 0.171573 exceeds 1e-10, for box_indefinite, ...
    """
    filters = squared_exponential_filter(radius, squared_lengthscale, taper_name=taper)
    values = np.linalg.eigvalsh(filter_matrix(filters, shape).toarray())
    where = f"{taper}, radius {radius}, squared length scale {squared_lengthscale:g}, {shape[0]} x {shape[1]} pixels"
    require(-float(values[0] / values[-1]), 1e-10, "P13, - lmin / lmax", where)


def norm_is_bounded(filters: Array, shape: tuple[int, int], bound: float | None = None) -> None:
    r"""P14: the spectral norm of a zero-padded convolution is at most its bound by an FFT on the embedding grid.

    Up to :math:`1 + 10^{-10}`.  The circular norm on the grid itself is no bound where filters have signs.

    Parameters
    ----------
    filters : (c_out, c_in, k1, k2) or (k1, k2) ndarray
    shape : (height, width)
    bound : float, optional
        That is judged; default: ``norm_bound``.

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> from dekderive.initialisers.convolution import circular_norm
    >>> c = np.array([[-1.0, 2.0, -1.0]])
    >>> norm_is_bounded(c, (1, 3))
    >>> norm_is_bounded(c, (1, 3), bound=circular_norm(c, (1, 3)))
    Traceback (most recent call last):
    ...
    dekderive.errors.PropertyFailed: P14, the norm of a zero-padded convolution: 3.41421 exceeds 3, for ...
    """
    limit = norm_bound(filters, shape) if bound is None else bound
    where = f"filters of shape {np.shape(filters)} on {shape[0]} x {shape[1]} pixels"
    require(norm(filters, shape), limit * (1 + 1e-10), "P14, the norm of a zero-padded convolution", where)


def is_convolution(filters: Array, images: Array, matrix: Array | None = None) -> None:
    """P15: the matrix of a filter applied to images is the correlation with zeros outside, to 1e-12 of its terms.

    Parameters
    ----------
    filters : (c_out, c_in, k1, k2) ndarray
    images : (c_in, height, width) ndarray
    matrix : (c_out h w, c_in h w) ndarray, optional
        That is judged; default: ``filter_matrix``.

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> is_convolution(np.arange(9.0).reshape(1, 1, 3, 3), np.arange(20.0).reshape(1, 4, 5))
    """
    outs = len(filters)
    shape = images.shape[1:]
    dense = filter_matrix(filters, shape) if matrix is None else matrix
    found = np.reshape(dense @ images.ravel(), (outs, *shape))
    for a in range(outs):
        expected = _same(images, filters[a])
        scale = 1 + float(np.abs(filters).sum()) * largest(images)
        where = f"filters of shape {filters.shape}, images of shape {images.shape}"
        require(largest(found[a] - expected), 1e-12 * scale, "P15, K y = conv(y)", where)


def _same(images: Array, filters: Array) -> Array:
    """Correlation at the pixels of the image, by padding it first."""
    p, q = filters.shape[1] // 2, filters.shape[2] // 2
    padded = np.pad(images, ((0, 0), (p, p), (q, q)))
    return np.asarray(sum(correlate2d(padded[b], filters[b], mode="valid") for b in range(len(filters))))
