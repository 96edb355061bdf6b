"""Sets of images with a training and a test part: ``.npz`` files of a folder, or the digits of scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dekderive.datasets.npz_files import read_arrays
from dekderive.errors import InvalidInput, MissingExtra

__all__ = ["ImageSet", "load_images"]

_ARRAYS = ("x_train", "y_train", "x_test", "y_test")
# The last quarter of scikit-learn's digits was written by other people than the first three.
_DIGITS_TRAIN = 1347


@dataclass(frozen=True, slots=True, eq=False)
class ImageSet:
    """Images and their labels.

    Attributes
    ----------
    name : str
    x_train, x_test : ndarray of shape (n, rows, columns, channels)
        As stored; :meth:`train` and :meth:`test` return intensities in [0, 1].
    y_train, y_test : (n,) ndarray of int64
    full_scale : float
        The stored intensity that stands for 1.
    remark : str
        What a reader of results on this set must know; empty if nothing.
    """

    name: str
    x_train: NDArray[Any]
    y_train: NDArray[np.int64]
    x_test: NDArray[Any]
    y_test: NDArray[np.int64]
    full_scale: float
    remark: str = ""

    @property
    def classes(self) -> int:
        """Number of classes in the training part."""
        return len(np.unique(self.y_train))

    def train(self, chosen: NDArray[np.intp], dtype: Any = np.float64) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Training images and labels at these places; intensities in [0, 1]."""
        return (self.x_train[chosen] / self.full_scale).astype(dtype), self.y_train[chosen]

    def test(self, chosen: NDArray[np.intp], dtype: Any = np.float64) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Test images and labels at these places; intensities in [0, 1]."""
        return (self.x_test[chosen] / self.full_scale).astype(dtype), self.y_test[chosen]

    def __repr__(self) -> str:
        _, rows, columns, channels = self.x_train.shape
        sizes = f"{len(self.x_train)} training and {len(self.x_test)} test images"
        return f"<ImageSet {self.name}: {sizes}, {rows} x {columns} x {channels}>"


def load_images(names: Sequence[str], data_dir: str | Path | None = None) -> ImageSet:
    """Read the first of these files, or scikit-learn's digits if no folder is given.

    Parameters
    ----------
    names : sequence of str
        Names without ``.npz``, best one first, such as ``("cifar10", "cifar10_subset")``.
    data_dir : path, optional
        Folder of the files, each with the arrays ``x_train`` of shape (n, rows, columns) or (n, rows, columns,
        channels), ``y_train`` (n,), ``x_test`` and ``y_test``.  Integer images are divided by 255.

    Returns
    -------
    ImageSet

    Raises
    ------
    InvalidInput
        If the folder or all of the files are missing, or a file is not as described.
    MissingExtra
        If no folder is given and scikit-learn is not installed.

    Examples
    --------
    >>> images = load_images(["mnist"])
    >>> images
    <ImageSet digits: 1347 training and 450 test images, 8 x 8 x 1>
    >>> images.remark
    "no --data-dir: scikit-learn's 8 x 8 digits stand in for mnist, so nothing here compares with published numbers"
    """
    if data_dir is None:
        return _digits(names[0])
    folder = Path(data_dir)
    if not folder.is_dir():
        raise InvalidInput(f"data folder {folder} does not exist; check --data-dir")
    for name in names:
        if (folder / f"{name}.npz").is_file():
            return _from_file(name, folder / f"{name}.npz")
    wanted = " or ".join(f"{name}.npz" for name in names)
    raise InvalidInput(f"data folder {folder} holds no {wanted}; leave --data-dir out to use scikit-learn's digits")


def _from_file(name: str, path: Path) -> ImageSet:
    x_train, y_train, x_test, y_test = read_arrays(path, _ARRAYS)
    x_train, x_test = (_four_axes(path, key, x) for key, x in (("x_train", x_train), ("x_test", x_test)))
    y_train, y_test = (_labels(path, key, y) for key, y in (("y_train", y_train), ("y_test", y_test)))
    if x_train.shape[1:] != x_test.shape[1:]:
        raise InvalidInput(f"{path}: x_train has images of shape {x_train.shape[1:]}, x_test {x_test.shape[1:]}")
    for part, x, y in (("train", x_train, y_train), ("test", x_test, y_test)):
        if len(x) != len(y) or not len(x):
            raise InvalidInput(f"{path}: x_{part} has {len(x)} images and y_{part} {len(y)} labels")
    scale = 255.0 if x_train.dtype.kind in "iu" else 1.0
    return ImageSet(name, x_train, y_train, x_test, y_test, scale)


def _four_axes(path: Path, key: str, x: NDArray[Any]) -> NDArray[Any]:
    if x.ndim == 3:
        x = x[..., None]
    if x.ndim != 4 or x.dtype.kind not in "iuf" or x.shape[3] > 4:
        raise InvalidInput(
            f"{path}: {key} must hold numbers of shape (images, rows, columns) or (images, rows, columns, channels), "
            f"got {x.dtype} {x.shape}"
        )
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        raise InvalidInput(f"{path}: {key} contains NaN or infinity")
    return x


def _labels(path: Path, key: str, y: NDArray[Any]) -> NDArray[np.int64]:
    flat = y.reshape(-1) if y.ndim == 2 and y.shape[1] == 1 else y
    if flat.ndim != 1 or flat.dtype.kind not in "iu":
        raise InvalidInput(f"{path}: {key} must hold one integer label for each image, got {y.dtype} {y.shape}")
    return flat.astype(np.int64)


def _digits(wanted: str) -> ImageSet:
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MissingExtra("the digits come with scikit-learn: pip install 'dekderive[sklearn]'") from error
    bunch = load_digits()
    x, y = bunch.images[..., None], bunch.target.astype(np.int64)
    cut = _DIGITS_TRAIN
    remark = (
        f"no --data-dir: scikit-learn's 8 x 8 digits stand in for {wanted}, so nothing here compares with published "
        "numbers"
    )
    return ImageSet("digits", x[:cut], y[:cut], x[cut:], y[cut:], 16.0, remark)
