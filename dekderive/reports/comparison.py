"""An equilibrium kernel and an RBF kernel on the same folds, with the same budget of hyper-parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from dekderive.datasets import Dataset
from dekderive.errors import InvalidInput, MissingExtra
from dekderive.reports.candidates import Candidate
from dekderive.reports.fitting import METHODS, Part, evaluated

__all__ = ["Comparison", "Scores", "compare"]

Array = NDArray[np.float64]
Progress = Callable[[str], None]

_INNER = 4


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What one method did on the held-out rows.

    Attributes
    ----------
    method, kernel : str
        For example ``"kernel ridge"`` and ``"DEKer"``.
    folds : ndarray
        One score a fold: the root mean squared error in the unit of the target, or the accuracy.
    predictions : ndarray of shape (n,)
        Prediction for each row by the model that did not see it.
    chosen : tuple of mappings
        Hyper-parameters chosen on each training part.
    """

    method: str
    kernel: str
    folds: Array
    predictions: Array
    chosen: tuple[Mapping[str, float], ...]

    @property
    def name(self) -> str:
        """Kernel and method."""
        return f"{self.kernel}, {self.method}"


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Scores of all methods on the same folds."""

    metric: str
    higher_is_better: bool
    folds: int
    candidates: int  # kernels that each side could choose from
    scores: tuple[Scores, ...]


def compare(
    data: Dataset,
    sides: Mapping[str, Callable[[int], tuple[Candidate, ...]]],
    *,
    folds: int = 5,
    seed: int = 0,
    progress: Progress | None = None,
) -> Comparison:
    """Cross-validate kernel ridge, and a Gaussian process (or a support vector machine), for each kernel.

    Inputs and targets are standardised with the training rows of each fold; every choice (kernel candidate, ridge, C)
    is made by an inner cross-validation on those rows, and Gaussian processes maximise their marginal likelihood.

    Parameters
    ----------
    data : Dataset
    sides : mapping of str to callable
        Kernel name -> its candidates, given the number of features.
    folds, seed : int
    progress : callable, optional
        Told the name of each piece of work before it starts.

    Returns
    -------
    Comparison

    Raises
    ------
    InvalidInput
        If there are fewer rows (or members of a class) than folds.
    MissingExtra
        If scikit-learn is not installed.
    """
    parts = _split(data, folds, seed)
    tell = progress or (lambda _: None)
    methods = METHODS[data.task]
    candidates = {name: side(data.X.shape[1]) for name, side in sides.items()}
    found = {(method, name): _Record.empty(data) for method in methods for name in sides}
    with _one_thread():
        for number, part in enumerate(parts):
            for name in sides:
                tell(f"fold {number + 1} of {folds}: Gram matrices of {name}")
                options = evaluated(part, candidates[name])
                for method, run in methods.items():
                    tell(f"fold {number + 1} of {folds}: {method}, {name}")
                    found[method, name].add(data, part, *run(part, options))
    scores = tuple(
        Scores(method, name, np.array(record.folds), record.predictions, tuple(record.chosen))
        for (method, name), record in found.items()
    )
    count = max(len(options) for options in candidates.values())
    regression = data.task == "regression"
    return Comparison("RMSE" if regression else "accuracy", not regression, folds, count, scores)


@dataclass(slots=True, eq=False)
class _Record:
    """Scores of one method as the folds come in."""

    predictions: Array
    folds: list[float]
    chosen: list[Mapping[str, float]]

    @classmethod
    def empty(cls, data: Dataset) -> _Record:
        return cls(np.full(len(data.y), np.nan), [], [])

    def add(self, data: Dataset, part: Part, predicted: Array, chosen: Mapping[str, float]) -> None:
        self.predictions[part.test] = predicted
        self.folds.append(_score(data, part, predicted))
        self.chosen.append(chosen)


def _one_thread() -> AbstractContextManager[Any]:
    """Keep BLAS to one thread: on matrices of some hundred rows, threads mostly wait for each other."""
    try:
        limits: Any = import_module("threadpoolctl").threadpool_limits  # it comes with scikit-learn
    except ImportError:
        return nullcontext()
    return cast("AbstractContextManager[Any]", limits(limits=1))


def _split(data: Dataset, folds: int, seed: int) -> tuple[Part, ...]:
    try:
        from sklearn.model_selection import KFold, StratifiedKFold
    except ImportError as error:
        raise MissingExtra("models are fitted with scikit-learn: pip install 'dekderive[sklearn]'") from error
    smallest = len(data.y) if data.task == "regression" else int(np.min(np.bincount(data.y.astype(int))))
    if folds < 2 or smallest < 2 * folds:
        what = "rows" if data.task == "regression" else "members of the smallest class"
        raise InvalidInput(
            f"{data.name}: {smallest} {what} are too few for {folds} folds; use from 2 to {smallest // 2}"
        )
    kind = KFold if data.task == "regression" else StratifiedKFold
    outer = kind(folds, shuffle=True, random_state=seed)
    inner = kind(_INNER if smallest >= 4 * _INNER else 2, shuffle=True, random_state=seed)
    return tuple(_part(data, train, test, inner, seed) for train, test in outer.split(data.X, data.y))


def _part(data: Dataset, train: NDArray[np.intp], test: NDArray[np.intp], inner: Any, seed: int) -> Part:
    mean, scale = data.X[train].mean(axis=0), data.X[train].std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)  # a constant column carries nothing; leave it at zero
    X, X_test = (data.X[train] - mean) / scale, (data.X[test] - mean) / scale
    y = data.y[train]
    if data.task == "regression":
        targets = y[:, None].astype(float)
    else:
        targets = np.where(y[:, None] == np.arange(len(data.classes)), 1.0, -1.0)
    centre = targets.mean(axis=0)
    spread = targets.std(axis=0) if data.task == "regression" else np.ones_like(centre)
    spread = np.where(spread > 0, spread, 1.0)
    splits = tuple(inner.split(X, y))
    return Part(train, test, X, X_test, data.y, (targets - centre) / spread, centre, spread, splits, seed)


def _score(data: Dataset, part: Part, predicted: Array) -> float:
    observed = data.y[part.test]
    if data.task == "regression":
        return float(np.sqrt(np.mean((observed - predicted) ** 2)))
    return float(np.mean(observed == predicted))
