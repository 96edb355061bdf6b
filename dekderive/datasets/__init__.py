"""Small data sets by name: scikit-learn's bundled sets, CSV files, ``<name>.npz`` folders and OpenML."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dekderive.datasets.csv_files import from_csv
from dekderive.datasets.dataset import Dataset, choose_target, column_names, make
from dekderive.datasets.npz_files import from_folder
from dekderive.errors import InvalidInput, MissingExtra, UnknownName

__all__ = ["BUNDLED", "Dataset", "load"]

# Sets that scikit-learn carries in its wheel (no download), and the loader of each.
BUNDLED: Mapping[str, str] = {
    "breast_cancer": "load_breast_cancer",
    "diabetes": "load_diabetes",
    "digits": "load_digits",
    "iris": "load_iris",
    "linnerud": "load_linnerud",
    "wine": "load_wine",
}


def load(
    name_or_path: str,
    target: str | None = None,
    data_dir: str | Path | None = None,
    *,
    task: str | None = None,
) -> Dataset:
    """Read a data set.

    Parameters
    ----------
    name_or_path : str
        A path ending in ``.csv`` (header line, numbers; the last column is the target unless `target` names another),
        ``openml:NAME`` (downloaded by scikit-learn), the name of an ``.npz`` file in `data_dir` or of a set inside one,
        or one of scikit-learn's bundled sets.  A name in `data_dir` goes before a bundled one.
    target : str, optional
        Column to predict.
    data_dir : path, optional
        Folder of ``.npz`` files with arrays ``X``, ``y`` (and optionally ``feature_names``, ``target_names``); or
        ``names`` and ``<name>__X``, ``<name>__y``; or images ``x_train``, ``y_train``.
    task : {"regression", "classification"}, optional
        Overrides the guess: text labels and integers of at most twenty values are classes.

    Raises
    ------
    UnknownName
        No such set, or no such target; the message lists those that exist.
    InvalidInput
        NaN, infinite, missing or non-numeric entries; the message names row and column.
    MissingExtra
        scikit-learn is needed and not installed.

    Examples
    --------
    >>> load("diabetes")
    <Dataset diabetes: 442 rows, 10 features, regression of target>
    """
    if task not in (None, "regression", "classification"):
        raise InvalidInput(f"task {task!r} is neither 'regression' nor 'classification'")
    if name_or_path.startswith("openml:"):
        return _openml(name_or_path.removeprefix("openml:"), target, task)
    if name_or_path.lower().endswith(".csv"):
        return from_csv(Path(name_or_path), target, task)
    if data_dir is not None:
        found = from_folder(name_or_path, target, Path(data_dir), task)
        if found is not None:
            return found
    if name_or_path in BUNDLED:
        return _bundled(name_or_path, target, task)
    where = f" and not in {data_dir}" if data_dir is not None else ""
    raise UnknownName(
        f"no data set {name_or_path!r} here{where}; known: {', '.join(BUNDLED)}; or give a path ending in .csv, "
        "openml:NAME, or the folder of <name>.npz files with --data-dir"
    )


def _bundled(name: str, target: str | None, task: str | None) -> Dataset:
    bunch = getattr(_sklearn_datasets(), BUNDLED[name])()
    several = bunch.target.ndim == 2  # with one target, target_names are the names of the classes
    targets = column_names(bunch.target_names, bunch.target) if several else ("target",)
    y, target_name = choose_target(name, bunch.target, targets, target)
    labels = [str(c) for c in bunch.target_names] if name in {"breast_cancer", "iris", "wine"} else None
    return make(name, bunch.data, y, tuple(bunch.feature_names), target_name, task, labels)


def _openml(name: str, target: str | None, task: str | None) -> Dataset:
    datasets = _sklearn_datasets()
    try:
        bunch = datasets.fetch_openml(
            name, target_column=target or "default-target", as_frame=False, parser="liac-arff"
        )
    except (OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InvalidInput(f"openml:{name}: not read ({reason}); check the name, the target and the network") from error
    if any((bunch.get("categories") or {}).get(column) for column in bunch.feature_names):
        raise InvalidInput(f"openml:{name}: has categorical columns; encode them as numbers and pass a CSV file")
    y, target_name = choose_target(name, bunch.target, tuple(bunch.target_names or ("target",)), None)
    return make(f"openml:{name}", bunch.data, y, tuple(bunch.feature_names), target_name, task)


def _sklearn_datasets() -> Any:
    try:
        from sklearn import datasets
    except ImportError as error:
        raise MissingExtra("this data set comes with scikit-learn: pip install 'dekderive[sklearn]'") from error
    return datasets
