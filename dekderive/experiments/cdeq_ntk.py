"""Convolutional CDEQ-NTK on CIFAR-10 (Feng and Kolter, table 2)."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dekderive.datasets.images import ImageSet
from dekderive.estimators.kernel_ridge_classifier import KernelRidgeClassifier
from dekderive.experiments.classification import accuracy_row
from dekderive.experiments.deq_ntk import PAPER
from dekderive.experiments.experiment import Experiment, Outcome, Published, Settings, Sizes, agreement
from dekderive.gram.convolutional import convolutional_gram
from dekderive.kernels import deq_ntk_relu

__all__ = ["CIFAR10_CONVOLUTIONAL", "mean_colour", "unit_pixels"]

Array = NDArray[Any]

_VARIANCES = {"weight_variance": 0.65, "input_variance": 0.35, "bias_variance": 0.0}
_PUBLISHED = Published(0.3749, 2000, 10000, ("cifar10", "cifar10_subset"))
_TOLERANCE = 1e-6


def unit_pixels(images: Array, centre: Array | None = None) -> Array:
    r"""Images whose pixels have colours of norm 1, as the paper takes them.

    Parameters
    ----------
    images : (n, rows, columns, channels) ndarray
        Intensities in [0, 1].  A single channel v, which would only keep its sign, is taken as (v, 1 - v).
    centre : (channels,) ndarray, optional
        A colour to subtract first.

    Returns
    -------
    (n, rows, columns, channels) ndarray
        A pixel that is 0 and has no direction becomes grey, all channels the same.

    Examples
    --------
    >>> import numpy as np
    >>> unit_pixels(np.array([[[[0.6, 0.0, 0.8], [0.0, 0.0, 0.0]]]])).round(4)
    array([[[[0.6   , 0.    , 0.8   ],
             [0.5774, 0.5774, 0.5774]]]])
    """
    pixels = images if images.shape[3] > 1 else np.concatenate([images, 1 - images], axis=3)
    if centre is not None:
        pixels = pixels - centre
    norms = np.sqrt(np.einsum("npqc,npqc->npq", pixels, pixels))[..., None]
    grey = pixels.shape[3] ** -0.5
    return np.asarray(np.where(norms > 0, pixels / np.where(norms > 0, norms, 1), grey))


def mean_colour(data: ImageSet) -> Array | None:
    """Return the mean colour of the training images, of which grey ones have only one.

    Examples
    --------
    >>> from dekderive.datasets.images import load_images
    >>> mean_colour(load_images(["cifar10"])) is None
    True
    """
    if data.x_train.shape[3] == 1:
        return None
    return np.asarray(data.x_train.mean(axis=(0, 1, 2), dtype=np.float64) / data.full_scale)


def _run(settings: Settings) -> Outcome:
    options: dict[str, Any] = {"filter_size": 3, "readout": "eq21", "tolerance": _TOLERANCE, **_VARIANCES}
    row = accuracy_row(
        "CDEQ-NTK 0.65, 0.35",
        partial(
            KernelRidgeClassifier,
            partial(convolutional_gram, deq_ntk_relu, **options),
            regularisation=settings.regularisation,
        ),
        partial(unit_pixels, centre=mean_colour(settings.data)),
        settings,
        {**_VARIANCES, "filter_size": 3.0},
        _PUBLISHED,
    )
    check = agreement(row, settings)
    return Outcome((row,), () if check is None else (check,))


CIFAR10_CONVOLUTIONAL = Experiment(
    name="cifar10-cdeq-ntk",
    title="Convolutional CDEQ-NTK on CIFAR-10",
    source=f"{PAPER}, table 2",
    images=("cifar10", "cifar10_subset"),
    quick=Sizes(150, 150),
    full=Sizes(2000, 10000),
    run=_run,
    notes=(
        "the mean colour of the training images is subtracted, then pixels are divided by their norm.  The paper says "
        "the latter only; but then all images in shades of grey are one image, and the kernel matrix is singular",
        "the windows are normalised after the convolution (as printed, before it, the variances are not 1); the kernel "
        "is the trace of equation (21)",
    ),
)
