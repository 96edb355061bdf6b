"""Images, checked, scaled, and with what they contribute to convolutional kernels one by one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dekderive.errors import InvalidInput
from dekderive.gram.convolutional.layer import Layer
from dekderive.solvers.solution import Array

__all__ = ["Side", "as_images", "unit_pixels"]


def as_images(x: ArrayLike, name: str = "X") -> Array:
    """Images as a float array of shape (n, rows, columns, channels).

    Raises
    ------
    InvalidInput
        If it has another number of axes, an axis of images without pixels, or values that are not real and finite.
    """
    images = np.asarray(x)
    if images.dtype.kind not in "fiub":
        raise InvalidInput(f"{name} must hold real numbers, got dtype {images.dtype}")
    if images.ndim != 4:
        advice = "; add the axis of the channels, X[..., None]" if images.ndim == 3 else ""
        raise InvalidInput(f"{name} must have shape (images, rows, columns, channels), got {images.shape}{advice}")
    if 0 in images.shape[1:]:
        raise InvalidInput(f"the images of {name} are empty: shape {images.shape}")
    images = images.astype(np.float32 if images.dtype in (np.float32, np.float16) else np.float64, copy=False)
    bad = ~np.isfinite(images).all(axis=(1, 2, 3))
    if bad.any():
        raise InvalidInput(f"{name} contains NaN or infinity in image {int(np.argmax(bad))}")
    return images


def unit_pixels(images: Array, name: str = "X") -> Array:
    """Every pixel divided by the norm of its channels, in float64.

    Raises
    ------
    InvalidInput
        If a pixel is 0 and has no direction.
    """
    pixels = images.astype(np.float64)
    largest = np.abs(pixels).max(axis=3, keepdims=True)
    if not (largest > 0).all():
        image, row, column = (int(i) for i in np.argwhere(largest[..., 0] == 0)[0])
        raise InvalidInput(
            f"pixel ({row}, {column}) of image {image} of {name} is 0 in all channels and cannot have norm 1; leave "
            "pixels='as given', or move the colours away from 0"
        )
    pixels /= largest
    return np.asarray(pixels / np.sqrt(np.einsum("npqc,npqc->npq", pixels, pixels))[..., None])


@dataclass(frozen=True, eq=False)
class Side:
    r"""Images prepared for a layer.

    Attributes
    ----------
    pixels : (n, rows, columns, channels) ndarray
    norms : (n,) ndarray
        Images are `pixels` times these numbers; the kernel of homogeneous layers without bias scales like them.
    squares : (n, rows, columns) ndarray
        Squared norms of the pixels.
    variances : (n, depth + 1, rows, columns) ndarray
        :math:`\Sigma(x, x)_{pp}` of layers 0 to `depth`, or, alone, of infinite depth.
    """

    pixels: Array
    norms: Array
    squares: Array
    variances: Array

    @classmethod
    def of(cls, layer: Layer, images: Array, name: str = "X", first: int = 0) -> "Side":
        """Prepare images.

        Parameters
        ----------
        layer : Layer
        images : (n, rows, columns, channels) ndarray
        name : str
        first : int
            Of the array, and of its image that comes first here, for messages.

        Raises
        ------
        NoFixedPoint, NotConverged
        """
        pixels = images.astype(np.float64)
        norms = np.ones(len(pixels))
        if layer.activation.homogeneous and layer.bias == 0:
            largest = np.abs(pixels).max(axis=(1, 2, 3), initial=0.0)
            pixels /= np.where(largest > 0, largest, 1.0)[:, None, None, None]
            norms = (
                np.sqrt(np.einsum("npqc,npqc->n", pixels, pixels) / pixels[0, ..., 0].size) if len(pixels) else norms
            )
            norms = np.where(norms > 0, norms, 1.0)
            pixels /= norms[:, None, None, None]
            norms = norms * np.where(largest > 0, largest, 1.0)
        squares = np.einsum("npqc,npqc->npq", pixels, pixels)
        if layer.depth is not None:
            return cls(pixels, norms, squares, layer.layers(squares))
        if layer.level is not None:
            square, variance = (np.full_like(squares, value) for value in layer.level)
            return cls(pixels, norms, square, variance[:, None])
        return cls(pixels, norms, squares, layer.limit(squares, name, first)[:, None])

    def __len__(self) -> int:
        return len(self.pixels)

    def part(self, chosen: NDArray[np.intp] | slice) -> "Side":
        """Some of the images."""
        return Side(self.pixels[chosen], self.norms[chosen], self.squares[chosen], self.variances[chosen])
