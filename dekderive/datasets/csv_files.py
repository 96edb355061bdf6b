"""CSV files: a header line, numbers, and one column to predict."""

import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from dekderive.datasets.dataset import Dataset, make
from dekderive.errors import InvalidInput, UnknownName

__all__ = ["from_csv"]


def from_csv(path: Path, target: str | None, task: str | None) -> Dataset:
    """Read the file at `path`; every complaint names the line and the column it is about."""
    rows = _csv_rows(path)
    if len(rows) < 2:
        raise InvalidInput(f"{path}: needs a header line and at least one row of numbers")
    header = [cell.strip() for cell in rows[0][1]]
    _check_header(path, header)
    target = header[-1] if target is None else target
    if target not in header:
        raise UnknownName(f"{path}: no column {target!r}; the columns are {', '.join(header)}")
    for number, row in rows[1:]:
        if len(row) != len(header):
            raise InvalidInput(f"{path}, line {number}: {len(row)} entries, but the header has {len(header)} columns")
    place = header.index(target)
    features = tuple(h for h in header if h != target)
    X = np.array([[_entry(path, n, header[j], c) for j, c in enumerate(row) if j != place] for n, row in rows[1:]])
    y = _target_column(path, target, [(n, row[place]) for n, row in rows[1:]])
    return make(path.stem, X, y, features, target, task)


def _csv_rows(path: Path) -> list[tuple[int, list[str]]]:
    """Return the non-blank lines with their numbers in the file."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            return list(_numbered(stream))
    except FileNotFoundError:
        raise InvalidInput(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"{path}: not readable as CSV text in UTF-8 ({error})") from error


def _numbered(stream: TextIO) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(stream, strict=True)
    for row in reader:
        if any(cell.strip() for cell in row):
            yield reader.line_num, row


def _check_header(path: Path, header: Sequence[str]) -> None:
    if len(header) < 2:
        raise InvalidInput(f"{path}: one column only; give at least one feature and a target, separated by commas")
    repeated = sorted({h for h in header if header.count(h) > 1})
    if repeated:
        raise InvalidInput(
            f"{path}: the header repeats {', '.join(map(repr, repeated))}; every column needs its own name"
        )
    if all(_is_number(h) for h in header):
        raise InvalidInput(f"{path}: the first line holds numbers; the first line must name the columns")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _entry(path: Path, number: int, column: str, cell: str) -> float:
    where = f"{path}, line {number}, column {column!r}"
    if not cell.strip():
        raise InvalidInput(f"{where}: the entry is missing; fill it in or drop the row")
    if not _is_number(cell):
        raise InvalidInput(f"{where}: {cell.strip()[:40]!r} is not a number; encode it or drop the column")
    value = float(cell)
    if not math.isfinite(value):
        raise InvalidInput(f"{where}: {cell.strip()} is not a finite number; fill it in or drop the row")
    return value


def _target_column(path: Path, target: str, cells: Sequence[tuple[int, str]]) -> NDArray[Any]:
    """Return numbers, or text labels if no entry at all is a number (one stray word is an error, not a class)."""
    if all(cell.strip() and not _is_number(cell) for _, cell in cells):
        return np.array([cell.strip() for _, cell in cells])
    values = np.array([_entry(path, number, target, cell) for number, cell in cells])
    whole = all(cell.strip().lstrip("+-").isdecimal() for _, cell in cells)
    return values.astype(np.int64) if whole and np.all(np.abs(values) < 2**53) else values
