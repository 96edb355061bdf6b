"""Gram matrices of convolutional equilibrium models."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dekderive.errors import InvalidInput
from dekderive.gram.convolutional.engine import chosen_backend, values_of
from dekderive.gram.convolutional.images import Side, as_images, unit_pixels
from dekderive.gram.convolutional.layer import Layer
from dekderive.gram.convolutional.readouts import check_readout
from dekderive.gram.convolutional.windows import Grid
from dekderive.gram.gram import prepared_output
from dekderive.kernels.kernel import Kernel
from dekderive.kernels.layered import LayeredKernel
from dekderive.solvers.solution import Array

__all__ = ["checked_images", "convolutional_diagonal", "convolutional_gram", "layer_for"]

# Images on either side of a tile: their variances are solved for once in every tile.
TILE = 64


def convolutional_gram(
    kernel: Kernel | LayeredKernel,
    X: ArrayLike,
    Y: ArrayLike | None = None,
    *,
    filter_size: int = 3,
    readout: str = "preactivation",
    depth: int | None = None,
    normalisation: str = "taps",
    pixels: str = "as given",
    tolerance: float = 1e-10,
    backend: str = "auto",
    block_size: int | None = None,
    out: Array | None = None,
    **parameters: float,
) -> Array:
    r"""Tangent kernel of a convolutional equilibrium model between images.

    The covariance of the pre-activations of images x and y at pixels p and p' solves

    .. math::

        \Sigma_{pp'} = \frac{1}{S_p S_{p'}} \sum_d \bigl(\sigma_W^2\, \mathbb E[\phi(u) \phi(v)]
        + \sigma_U^2 \langle x, y \rangle\bigr)_{p+d,\, p'+d} + \sigma_b^2, \qquad
        T_{pp'} = \Sigma_{pp'} + \frac{1}{S_p S_{p'}} \sum_d \bigl(\sigma_W^2\, \mathbb E[\phi'(u) \phi'(v)]\,
        T\bigr)_{p+d,\, p'+d} ,

    where (u, v) is Gaussian with covariance :math:`\Sigma` between, and :math:`\Sigma(x, x), \Sigma(y, y)` at, the two
    pixels, and d runs over the taps of the filter for which both pixels are on the image.

    Parameters
    ----------
    kernel : Kernel or LayeredKernel
        Record with the activation: of model ``"deq_ntk"``, whose parameters and defaults are taken; or ``"nngp"`` or
        ``"ntk"``, and then `weight_variance` and `input_variance` must be passed, and multiply expectations of the
        activation as it is (for ``nngp_relu`` that of relu, not of :math:`\sqrt2` relu).
    X : (n, rows, columns, channels) array_like
    Y : (m, rows, columns, channels) array_like, optional
    filter_size : int
        Odd.
    readout : {"preactivation", "linear", "eq21", "gap"}
        The first is the trace of T: the sum over pixels of the tangent kernel of a pre-activation.  "linear" is the
        tangent kernel of :math:`\sum_p \langle v_p, \phi_p \rangle / \sqrt{C}`, "gap" that of global average pooling,
        :math:`\sum_p \langle v, \phi_p \rangle / (PQ \sqrt{C})`; "eq21" is the trace of the tensor that equation (21)
        defines, :math:`\sigma_W^2` times "linear" plus :math:`\sigma_U^2 \sum_p \langle x_p, y_p \rangle`.
    depth : int, optional
        Apply the layer that often, starting from :math:`\Sigma^{(0)} = T^{(0)}` of (16), the covariance of one
        convolution of the images with variance 1, instead of for ever.
    normalisation : {"taps", "filter"}
        :math:`S_p^2` is the number of pixels under the filter at p (the paper, corrected); or always its number of
        taps, as in convolutional networks elsewhere, where pixels near the border then have smaller variances.
    pixels : {"as given", "unit"}
        "unit" divides every pixel by the norm of its channels, as the paper's experiments do, and refuses black ones.
        Otherwise pixels may have any norms: the variances :math:`\Sigma(x, x)_{pp}` solve their own equation first.
    tolerance : float
        Relative to :math:`\sqrt{K(x, x) K(y, y)}`.
    backend : {"auto", "numpy", "numba"}
    block_size : int, optional
        Images on either side of a tile, 64 by default.
    out : (n, m) ndarray, optional
        Where to put the result, for example a memory map.
    **parameters : float
        ``weight_variance``, ``input_variance``, ``bias_variance``, and those of the activation.

    Returns
    -------
    (n, m) ndarray
        float32 if all images are float32, float64 otherwise.  Symmetric to the last bit without `Y`.

    Raises
    ------
    InvalidInput
        For images, options or parameters that are none.
    NoFixedPoint
        If the variances or the tangent kernel are infinite.
    NotConverged
        If equations of some image or pair could not be solved.
    MissingExtra
        If numba is asked for and is not installed.

    Notes
    -----
    The equations of different displacements p' - p are independent of each other.  All readouts but "gap" need
    displacement 0 alone, as many unknowns as there are pixels; "gap" needs all (2 rows - 1)(2 columns - 1) of them.

    For activations that are homogeneous of degree 1, and for others if all pixels have the same norm and the windows
    are averaged over the pixels they hold, the unknowns are gaps :math:`\sqrt{\Sigma(x, x)_{pp} \Sigma(y, y)_{p'p'}} -
    \Sigma_{pp'}`, which start from differences of pixels: near-duplicates keep their digits, and duplicates have the
    value of the diagonal.

    References
    ----------
    Z. Feng and J. Z. Kolter, "On the neural tangent kernel of equilibrium models", 2021, Theorem 3, with the division
    by S after the sum over windows.

    Examples
    --------
    >>> import numpy as np
    >>> from dekderive.kernels import deq_ntk_relu
    >>> images = np.random.default_rng(0).uniform(size=(2, 8, 8, 3))
    >>> convolutional_gram(deq_ntk_relu, images, pixels="unit", weight_variance=0.5, input_variance=0.5).round(3)
    array([[128.   , 87.078],
           [ 87.078, 128.   ]])
    """
    left, right = checked_images(X, "X", pixels), None if Y is None else checked_images(Y, "Y", pixels)
    layer = layer_for(kernel, (left, right), (filter_size, normalisation, depth, readout, tolerance), parameters)
    other = left if right is None else right
    engine = chosen_backend(backend, layer, readout, len(left) * len(other) // (2 if right is None else 1))
    kind = np.dtype(np.float32 if _is_single(X) and (Y is None or _is_single(Y)) else np.float64)
    out = prepared_output(out, (len(left), len(other)), kind)
    for tile in _tiles(layer, left, right, block_size):
        i, j = tile.pairs
        values = values_of(layer, readout, tile.x, tile.y, i, j, tolerance, engine)
        out[tile.row + i, tile.column + j] = values
        if right is None:
            out[tile.column + j, tile.row + i] = values
    return out


def convolutional_diagonal(
    kernel: Kernel | LayeredKernel,
    X: ArrayLike,
    *,
    filter_size: int = 3,
    readout: str = "preactivation",
    depth: int | None = None,
    normalisation: str = "taps",
    pixels: str = "as given",
    tolerance: float = 1e-10,
    backend: str = "auto",
    **parameters: float,
) -> Array:
    """The diagonal of ``convolutional_gram(kernel, X, ...)``, of shape (n,), without the matrix.

    Parameters
    ----------
    kernel, X, filter_size, readout, depth, normalisation, pixels, tolerance, backend, **parameters
        As for :func:`convolutional_gram`, which also lists what is raised.

    Returns
    -------
    (n,) ndarray

    Examples
    --------
    >>> import numpy as np
    >>> from dekderive.kernels import deq_ntk_relu
    >>> convolutional_diagonal(deq_ntk_relu, np.ones((1, 2, 2, 1)), weight_variance=0.5, input_variance=0.5)
    array([8.])
    """
    images = checked_images(X, "X", pixels)
    layer = layer_for(kernel, (images, None), (filter_size, normalisation, depth, readout, tolerance), parameters)
    engine = chosen_backend(backend, layer, readout, len(images))
    values = np.empty(len(images), dtype=np.float32 if _is_single(X) else np.float64)
    for begin in range(0, len(images), TILE):
        side = Side.of(layer, images[begin : begin + TILE], "X", begin)
        same = np.arange(len(side))
        values[begin : begin + TILE] = values_of(layer, readout, side, side, same, same, tolerance, engine)
    return values


def layer_for(
    kernel: Kernel | LayeredKernel,
    images: tuple[Array, Array | None],
    options: tuple[int, str, int | None, str, float],
    parameters: Mapping[str, Any],
) -> Layer:
    """The layer that images of these shapes and norms pass through.

    Parameters
    ----------
    kernel : Kernel or LayeredKernel
    images : pair of ndarray
        The second may be None.
    options : tuple
        Filter size, normalisation, depth, readout, tolerance; all are checked.
    parameters : mapping
    """
    filter_size, normalisation, depth, readout, tolerance = options
    left, right = images
    if right is not None and left.shape[1:] != right.shape[1:]:
        raise InvalidInput(
            f"the images of X and Y must have the same shape, got {left.shape[1:]} and {right.shape[1:]}"
        )
    if not (isinstance(tolerance, float | int) and 1e-14 <= tolerance < 1):
        raise InvalidInput(f"tolerance must be a number from 1e-14 to 1, got {tolerance!r}")
    check_readout(readout, depth)
    layer = Layer.of(kernel, Grid(left.shape[1], left.shape[2], filter_size, normalisation), depth, parameters)
    if not layer.needs_level:
        return layer
    ranges = [square_range(z) for z in images if z is not None and len(z)]
    return layer.at_level(min(r[0] for r in ranges), max(r[1] for r in ranges)) if ranges else layer


def square_range(images: Array) -> tuple[float, float]:
    """Smallest and largest squared norm of the pixels of some images."""
    found = [
        np.einsum("npqc,npqc->npq", part, part, dtype=np.float64)
        for part in np.array_split(images, max(1, len(images) // TILE))
    ]
    return min(float(s.min()) for s in found), max(float(s.max()) for s in found)


def checked_images(x: ArrayLike, name: str, pixels: str) -> Array:
    """Images, with unit pixels if that is asked for."""
    images = as_images(x, name)
    if pixels == "unit":
        return unit_pixels(images, name)
    if pixels != "as given":
        raise InvalidInput(f"pixels must be 'as given' or 'unit', got {pixels!r}")
    return images


def _is_single(x: ArrayLike) -> bool:
    return getattr(x, "dtype", None) in (np.float32, np.float16)


@dataclass(frozen=True, eq=False)
class _Tile:
    """A block of the matrix; of a symmetric one, on the diagonal, its lower half."""

    x: Side
    y: Side
    row: int
    column: int
    lower: bool

    @property
    def pairs(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        if self.lower:
            i, j = np.tril_indices(len(self.x))
            return i, j
        i, j = np.indices((len(self.x), len(self.y))).reshape(2, -1)
        return i, j


def _tiles(layer: Layer, left: Array, right: Array | None, block_size: int | None) -> Iterator[_Tile]:
    if block_size is not None and (
        isinstance(block_size, bool) or not isinstance(block_size, int | np.integer) or block_size < 1
    ):
        raise InvalidInput(f"block_size must be a positive integer, got {block_size!r}")
    size = int(block_size or TILE)
    for row in range(0, len(left), size):
        x = Side.of(layer, left[row : row + size], "X", row)
        if right is None:
            for column in range(0, row, size):
                yield _Tile(x, Side.of(layer, left[column : column + size], "X", column), row, column, False)
            yield _Tile(x, x, row, row, True)
        else:
            for column in range(0, len(right), size):
                yield _Tile(x, Side.of(layer, right[column : column + size], "Y", column), row, column, False)
