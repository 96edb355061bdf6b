"""The whole four-way tensors of a pair of images."""

import numpy as np
from numpy.typing import ArrayLike

from dekderive.gram.convolutional.gram import checked_images, layer_for
from dekderive.gram.convolutional.images import Side
from dekderive.gram.convolutional.pairs import fields_of
from dekderive.kernels.kernel import Kernel
from dekderive.kernels.layered import LayeredKernel
from dekderive.solvers.solution import Array

__all__ = ["convolutional_tensors"]


def convolutional_tensors(
    kernel: Kernel | LayeredKernel,
    x: ArrayLike,
    y: ArrayLike,
    *,
    filter_size: int = 3,
    depth: int | None = None,
    normalisation: str = "taps",
    pixels: str = "as given",
    tolerance: float = 1e-10,
    **parameters: float,
) -> tuple[Array, Array]:
    r"""Covariance and tangent kernel of the pre-activations of two images at all pairs of pixels.

    Parameters
    ----------
    x, y : (rows, columns, channels) array_like
    kernel, filter_size, depth, normalisation, pixels, tolerance, **parameters
        As for :func:`dekderive.gram.convolutional.convolutional_gram`, which also lists what is raised.

    Returns
    -------
    conjugate, tangent : (rows, columns, rows, columns) ndarray
        :math:`\Sigma_{pp'}` and :math:`T_{pp'}`, p in x and p' in y.

    Examples
    --------
    >>> import numpy as np
    >>> from dekderive.kernels import deq_ntk_relu
    >>> image = np.ones((2, 3, 1))
    >>> conjugate, tangent = convolutional_tensors(deq_ntk_relu, image, image)
    >>> conjugate.shape, float(conjugate[0, 1, 0, 1].round(12)), float(tangent[0, 1, 0, 1].round(12))
    ((2, 3, 2, 3), 1.0, 2.5)
    """
    images = checked_images(np.asarray(x)[None], "x", pixels), checked_images(np.asarray(y)[None], "y", pixels)
    layer = layer_for(kernel, images, (filter_size, normalisation, depth, "preactivation", tolerance), parameters)
    grid = layer.grid
    left, right = (Side.of(layer, z, name) for z, name in zip(images, "xy", strict=True))
    factor = left.norms[0] * right.norms[0]
    conjugate, tangent = (np.empty((grid.rows, grid.columns) * 2) for _ in range(2))
    for a, b in grid.displacements:
        overlap = grid.overlap((a, b))
        fields = fields_of(layer, overlap, left, right, tolerance)
        p, q = np.mgrid[overlap.left]
        conjugate[p, q, p + a, q + b] = factor * fields.conjugate[0]
        tangent[p, q, p + a, q + b] = factor * fields.tangent[0]
    return conjugate, tangent
