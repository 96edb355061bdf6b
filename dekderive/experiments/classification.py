"""What the classification experiments share: draws of images, normalisation, accuracies with their errors."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dekderive.errors import InvalidInput
from dekderive.estimators.kernel_ridge_classifier import KernelRidgeClassifier
from dekderive.experiments.experiment import Published, Row, Settings
from dekderive.experiments.machine import physical_memory

__all__ = ["Draw", "accuracy_row", "draws", "require_memory", "unit_rows"]

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """Training and test images of one random draw, intensities in [0, 1].

    Attributes
    ----------
    x_train, x_test : (n, rows, columns, channels) ndarray
    y_train, y_test : (n,) ndarray
    """

    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array


def draws(settings: Settings) -> Iterator[Draw]:
    """Yield random subsets, without replacement, of the training and of the test part.

    Parameters
    ----------
    settings : Settings

    Yields
    ------
    Draw

    Examples
    --------
    >>> from dekderive.datasets.images import load_images
    >>> from dekderive.experiments.experiment import Settings, Sizes
    >>> [draw.x_train.shape for draw in draws(Settings(load_images(["mnist"]), Sizes(20, 10, 2), 0, 0.0))]
    [(20, 8, 8, 1), (20, 8, 8, 1)]
    """
    data, sizes = settings.data, settings.sizes
    for k in range(sizes.draws):
        rng = np.random.default_rng((settings.seed, k))
        train = np.sort(rng.choice(len(data.x_train), sizes.train, replace=False))
        test = np.sort(rng.choice(len(data.x_test), sizes.test, replace=False))
        yield Draw(*data.train(train, settings.dtype), *data.test(test, settings.dtype))


def unit_rows(images: Array) -> Array:
    r"""Images as rows of norm 1, as the paper takes them; images that are 0 stay 0.

    Parameters
    ----------
    images : (n, ...) ndarray

    Returns
    -------
    (n, d) ndarray

    Examples
    --------
    >>> unit_rows(np.array([[[3.0], [4.0]], [[0.0], [0.0]]]))
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    rows = images.reshape(len(images), -1)
    norms = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return np.asarray(rows / np.where(norms > 0, norms, 1)[:, None])


def accuracy_row(
    label: str,
    model: Callable[[], KernelRidgeClassifier],
    prepare: Callable[[Array], Array],
    settings: Settings,
    parameters: Mapping[str, float | None],
    published: Published | None = None,
) -> Row:
    """Fit and test on every draw.

    Parameters
    ----------
    label : str
    model : callable
        Makes the classifier.
    prepare : callable
        Turns images into its inputs.
    settings : Settings
    parameters : mapping
        For the record.
    published : Published, optional

    Returns
    -------
    Row
        With the standard error of the mean over draws, or, from a single one, the binomial one.
    """
    found = []
    begin = time.perf_counter()
    for k, draw in enumerate(draws(settings)):
        settings.say(f"{label}: draw {k + 1} of {settings.sizes.draws}")
        fitted = model().fit(prepare(draw.x_train), draw.y_train)
        found.append(float(np.mean(fitted.predict(prepare(draw.x_test)) == draw.y_test)))
    seconds = (time.perf_counter() - begin) / len(found)
    mean, error, kind = mean_and_error(found, settings.sizes.test)
    return Row(label, parameters, mean, error, kind, seconds, published)


def mean_and_error(found: Sequence[float], test: int) -> tuple[float, float, str]:
    """Return mean, standard error and the kind of error of accuracies over draws.

    Examples
    --------
    >>> mean_and_error([0.9], 100)
    (0.9, 0.03, 'binomial')
    >>> mean_and_error([0.9, 0.8], 100)
    (0.85, 0.05, 'draws')
    """
    mean = float(np.mean(found))
    if len(found) == 1:
        return mean, math.sqrt(mean * (1 - mean) / test), "binomial"
    return mean, float(np.std(found, ddof=1)) / math.sqrt(len(found)), "draws"


def require_memory(settings: Settings, columns: int) -> None:
    """Refuse sizes whose kernel matrix and inputs do not fit into the memory of this machine.

    Raises
    ------
    InvalidInput
    """
    size, n = np.dtype(settings.dtype).itemsize, settings.sizes.train
    needed = size * (n * n + 3 * columns * (n + settings.sizes.test)) + (1 << 28)
    there = physical_memory()
    if there is not None and needed > there:
        advice = "--dtype float32 halves it, " if settings.dtype == "float64" else ""
        raise InvalidInput(
            f"{n} training images need {needed / 2**30:.1f} GiB for the kernel matrix and the images, and this machine "
            f"has {there / 2**30:.1f} GiB; {advice}--size takes fewer images"
        )
