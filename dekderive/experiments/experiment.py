"""The record of an experiment: what a paper reports, and the function that measures it again."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dekderive.datasets.images import ImageSet
from dekderive.verdict import Check, Verdict

__all__ = ["Curve", "Experiment", "Outcome", "Published", "Row", "Settings", "Sizes", "agreement"]


def _silent(what: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many training images, test images and random draws of them.

    Attributes
    ----------
    train, test, draws : int
    """

    train: int
    test: int
    draws: int = 1


@dataclass(frozen=True, slots=True)
class Published:
    """A published accuracy.

    Attributes
    ----------
    value : float
        Share of the test images, in [0, 1].
    train, test : int
        Numbers of images it was measured with.
    images : tuple of str
        Names of the sets that compare: the one of the paper, and others with images drawn from it.
    """

    value: float
    train: int
    test: int
    images: tuple[str, ...]

    @property
    def standard_error(self) -> float:
        """Binomial standard error of the published number, from its number of test images."""
        return math.sqrt(self.value * (1 - self.value) / self.test)


@dataclass(frozen=True, slots=True, eq=False)
class Settings:
    """What one run of an experiment is given.

    Attributes
    ----------
    data : ImageSet
    sizes : Sizes
        At most as many images as there are.
    seed : int
        Of the draws of images.
    regularisation : float
        Relative to the mean of the diagonal of the kernel matrix.
    dtype : str
        "float64" or "float32": precision of the dense kernel matrices.
    say : callable
        Told what is being done.
    """

    data: ImageSet
    sizes: Sizes
    seed: int
    regularisation: float
    dtype: str = "float64"
    say: Callable[[str], None] = _silent


@dataclass(frozen=True, slots=True)
class Row:
    """One measured number.

    Attributes
    ----------
    label : str
    parameters : mapping of str to float or None
    measured : float
        Accuracy, in [0, 1].
    standard_error : float
    error_kind : str
        "binomial" (one draw: from the number of test images) or "draws" (from the spread over random draws).
    seconds : float
        Wall time of one draw.
    published : Published or None
    """

    label: str
    parameters: Mapping[str, float | None]
    measured: float
    standard_error: float
    error_kind: str
    seconds: float
    published: Published | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve with the half-widths of its confidence band, for a figure.

    Attributes
    ----------
    panel, label : str
    x, mean, half_width : tuple of float
        Without x the curve is a level: one mean and one half-width.
    """

    panel: str
    label: str
    x: tuple[float, ...]
    mean: tuple[float, ...]
    half_width: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run found.

    Attributes
    ----------
    rows : tuple of Row
    checks : tuple of Check
        Published claims, and whether they were seen.
    remarks : tuple of str
    curves : tuple of Curve
    """

    rows: tuple[Row, ...]
    checks: tuple[Check, ...] = ()
    remarks: tuple[str, ...] = ()
    curves: tuple[Curve, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Experiment:
    """A published experiment.

    Attributes
    ----------
    name, title, source : str
    images : tuple of str
        Names of the files that will do, best one first.
    quick, full : Sizes
        What a run takes by default (a minute or two), and what the paper took.
    run : callable
        ``run(settings) -> Outcome``.
    draw : callable or None
        ``draw(outcome, path)`` writes a figure.
    regularisation : float
        Default; 0 where the paper takes none.
    notes : tuple of str
        What the paper leaves open, and what is done here.
    """

    name: str
    title: str
    source: str
    images: tuple[str, ...]
    quick: Sizes
    full: Sizes
    run: Callable[[Settings], Outcome]
    draw: Callable[[Outcome, Path], None] | None = None
    regularisation: float = 0.0
    notes: tuple[str, ...] = field(default=())

    def __repr__(self) -> str:
        return f"<Experiment {self.name}: {self.title}>"


def agreement(row: Row, settings: Settings) -> Check | None:
    """Compare with the published number, where the run was of the published size on the published images.

    The two numbers agree if they differ by at most two standard errors of the difference, of which the published part
    is binomial.

    Returns
    -------
    Check or None
        None where the numbers do not compare.

    Examples
    --------
    >>> from dekderive.datasets.images import load_images
    >>> settings = Settings(load_images(["mnist"]), Sizes(1000, 450), 0, 0.0)
    >>> agreement(Row("digits", {}, 0.95, 0.01, "binomial", 1.0, Published(0.986, 60000, 10000, ("mnist",))), settings)
    """
    known = row.published
    if known is None or settings.data.name not in known.images or settings.sizes.train != known.train:
        return None
    scale = math.hypot(row.standard_error, known.standard_error)
    distance = (row.measured - known.value) / scale
    return Check(
        row.label,
        f"accuracy is the published {known.value:.2%} up to sampling",
        Verdict.HOLDS if abs(distance) <= 2 else Verdict.FAILS,
        f"{row.measured:.2%}, which is {distance:+.1f} standard errors of the difference away",
    )


def summary(value: Any) -> Any:
    """Return records, tuples and mappings as what JSON can hold."""
    if isinstance(value, Verdict):
        return value.value
    if hasattr(value, "__dataclass_fields__"):
        return {name: summary(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, Mapping):
        return {str(key): summary(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [summary(entry) for entry in value]
    return value
