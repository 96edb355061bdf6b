"""The record that every reader fills in, and the checks that all of them share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dekderive.errors import InvalidInput, UnknownName

__all__ = ["Dataset", "choose_target", "column_names", "make"]

_MOST_CLASSES = 20


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """A table of numbers and what to predict from it.

    Attributes
    ----------
    name : str
    X : ndarray of shape (n, p), float64
    y : ndarray of shape (n,)
        float64 for a regression; int64 codes 0, 1, ... for a classification.
    feature_names : tuple of str
    task : str
        ``"regression"`` or ``"classification"``.
    target_name : str
    classes : tuple of str
        Label of each code; empty for a regression.
    """

    name: str
    X: NDArray[np.float64]
    y: NDArray[np.float64] | NDArray[np.int64]
    feature_names: tuple[str, ...]
    task: str
    target_name: str = "target"
    classes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        rows, columns = self.X.shape
        return f"<Dataset {self.name}: {rows} rows, {columns} features, {self.task} of {self.target_name}>"


def make(
    name: str,
    X: ArrayLike,
    y: NDArray[Any],
    features: tuple[str, ...] | None,
    target_name: str,
    task: str | None,
    labels: Sequence[str] | None = None,
) -> Dataset:
    """Check the arrays, decide the task, and code the classes 0, 1, ..."""
    X = np.ascontiguousarray(X, dtype=np.float64)
    if X.ndim != 2 or len(X) != len(y) or not len(X) or not X.shape[1]:
        raise InvalidInput(
            f"{name}: features of shape {X.shape} do not fit {len(y)} targets; X must be (rows, columns)"
        )
    features = tuple(map(str, features)) if features else tuple(f"x{j}" for j in range(X.shape[1]))
    _check_finite(name, X, features)
    if y.dtype.kind == "f":
        _check_finite(name, y.reshape(-1, 1).astype(float), (target_name,))
    chosen = task or _guess_task(y)
    if chosen == "regression":
        if y.dtype.kind not in "fiub":
            raise InvalidInput(f"{name}: the target {target_name!r} holds text, which a regression cannot predict")
        return Dataset(name, X, y.astype(np.float64), features, "regression", target_name)
    values, codes = np.unique(y, return_inverse=True)
    if len(values) < 2:
        raise InvalidInput(f"{name}: the target {target_name!r} has one value only; there is nothing to classify")
    classes = tuple(labels) if labels is not None and len(labels) == len(values) else tuple(map(_label, values))
    return Dataset(name, X, codes.astype(np.int64).ravel(), features, "classification", target_name, classes)


def _label(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _guess_task(y: NDArray[Any]) -> str:
    """Labels and integers of few values are classes; floats are measurements, even whole ones (scores 3.0 to 8.0)."""
    if y.dtype.kind in "USO":
        return "classification"
    few = len(np.unique(y)) <= min(_MOST_CLASSES, len(y) // 2)
    return "classification" if y.dtype.kind in "iub" and few else "regression"


def _check_finite(name: str, table: NDArray[np.float64], columns: Sequence[str]) -> None:
    bad = np.argwhere(~np.isfinite(table))
    if len(bad):
        row, column = bad[0]
        raise InvalidInput(
            f"{name}, row {row + 1}, column {columns[column]!r}: {table[row, column]} is not a finite number "
            f"({len(bad)} such entries); fill them in or drop the rows"
        )


def column_names(names: ArrayLike | None, y: NDArray[Any]) -> tuple[str, ...]:
    """Return one name per column of the targets: those given, where their number fits, or made-up ones."""
    width = 1 if y.ndim == 1 else y.shape[1]
    if names is not None and len(np.atleast_1d(names)) == width:
        return tuple(map(str, np.atleast_1d(names)))
    return ("target",) if width == 1 else tuple(f"target{i}" for i in range(width))


def choose_target(name: str, y: NDArray[Any], names: tuple[str, ...], target: str | None) -> tuple[NDArray[Any], str]:
    """Return the column called `target` and its name; with several targets there is no default."""
    if target is not None and target not in names:
        raise UnknownName(f"{name}: no target {target!r}; the targets are {', '.join(names)}")
    if y.ndim == 1:
        return y, names[0]
    if target is None and len(names) > 1:
        raise UnknownName(f"{name}: has {len(names)} targets; choose one with --target: {', '.join(names)}")
    place = names.index(target) if target is not None else 0
    return y[:, place], names[place]
