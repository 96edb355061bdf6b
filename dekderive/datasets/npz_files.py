"""Folders of ``<name>.npz`` files."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dekderive.datasets.dataset import Dataset, choose_target, column_names, make
from dekderive.errors import InvalidInput, UnknownName

if TYPE_CHECKING:
    from numpy.lib.npyio import NpzFile

__all__ = ["from_folder", "read_arrays"]


def from_folder(name: str, target: str | None, folder: Path, task: str | None) -> Dataset | None:
    """Return the set from ``<name>.npz``, or from the first file with `name` among its ``names``; None if neither."""
    if not folder.is_dir():
        raise InvalidInput(f"data folder {folder} does not exist; check --data-dir")
    if Path(name).name == name and (folder / f"{name}.npz").is_file():
        return _from_npz(name, target, folder / f"{name}.npz", task)
    for path in sorted(folder.glob("*.npz")):
        with _open(path) as arrays:
            if "names" in arrays.files and name in _array(path, arrays, "names").astype(str):
                return make(
                    name, _array(path, arrays, f"{name}__X"), _array(path, arrays, f"{name}__y"), None, "class", task
                )
    return None


def read_arrays(path: Path, keys: Sequence[str]) -> list[NDArray[Any]]:
    """Return the arrays of a file by their names.

    Raises
    ------
    InvalidInput
        If the file is no archive of arrays, or one of the names is missing.
    """
    with _open(path) as arrays:
        return [_array(path, arrays, key) for key in keys]


def _from_npz(name: str, target: str | None, path: Path, task: str | None) -> Dataset:
    with _open(path) as arrays:
        files = set(arrays.files)
        if {"X", "y"} <= files:
            y = _array(path, arrays, "y")
            targets = column_names(_array(path, arrays, "target_names") if "target_names" in files else None, y)
            column, target_name = choose_target(name, y, targets, target)
            features = tuple(map(str, _array(path, arrays, "feature_names"))) if "feature_names" in files else None
            return make(name, _array(path, arrays, "X"), column, features, target_name, task)
        if {"x_train", "y_train"} <= files:
            images = _array(path, arrays, "x_train")
            scale = 255.0 if images.dtype == np.uint8 else 1.0
            rows = images.reshape(len(images), -1) / scale
            return make(name, rows, _array(path, arrays, "y_train").astype(int), None, "class", task)
        if "names" in files:
            raise UnknownName(f"{path.name} holds several sets; choose one: {', '.join(arrays['names'].astype(str))}")
    raise InvalidInput(f"{path}: has neither arrays X and y, nor names, nor x_train and y_train; see `datasets.load`")


def _open(path: Path) -> "NpzFile":
    try:
        arrays = np.load(path, allow_pickle=False)  # a pickle would run code from the file
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise InvalidInput(f"{path}: not a readable .npz file ({error})") from error
    if not isinstance(arrays, np.lib.npyio.NpzFile):
        raise InvalidInput(f"{path}: not an .npz archive of named arrays")
    return arrays


def _array(path: Path, arrays: "NpzFile", key: str) -> NDArray[Any]:
    try:
        return np.asarray(arrays[key])
    except KeyError:
        raise InvalidInput(f"{path}: there is no array {key!r} in this file") from None
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise InvalidInput(f"{path}: array {key!r} cannot be read ({error})") from error
