"""Kernel ridge regression on small data sets: infinitely deep kernels against scikit-learn's.

    python benchmarks/regression.py [--data-dir DIR] [--splits 20] [--sets diabetes,yacht,...]

prints a Markdown table for each set.  Every method has the same budget, 8 kernels times 8 ridge penalties, chosen by
5-fold cross-validation inside the training part.  Inputs and targets are standardised by the training part alone, and
each Gram matrix is divided by its mean diagonal, so that one grid of penalties means the same to all.

`diabetes` comes with scikit-learn and is split 90/10 at random, with seeds 0, 1, ...  The other sets are read from
DIR/<set>.npz with arrays `X`, `y` and `test_mask` (one row for each split, true on the test part); a `y` with two
columns (energy) becomes two sets.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_diabetes
from sklearn.gaussian_process.kernels import RBF, DotProduct, Kernel, Matern, RationalQuadratic

from dekderive.estimators import EquilibriumKernel
from dekderive.gram.moments import linear, relu_features
from dekderive.kernels import deker_gaussian_relu, deq_ntk_relu

Array = NDArray[np.float64]

REFERENCE = "RBF"
PENALTIES = np.logspace(-5, 2, 8)
FOLDS = 5


def methods(columns: int) -> dict[str, list[Kernel]]:
    """Eight kernels for each method; lengths are relative to the typical distance of standardised inputs."""
    lengths = np.sqrt(columns) * np.geomspace(0.25, 8, 8)
    offsets = np.geomspace(0.1, 10, 8)
    return {
        REFERENCE: [RBF(s) for s in lengths],
        "DEKer relu": [
            EquilibriumKernel(
                deker_gaussian_relu, regularisation=r, moments=relu_features(bias=b), continuous_part=True
            )
            for r, b in product((0.7, 1.0, 2.0, 5.0), (0.1, 1.0))
        ],
        "DEQ-NTK relu": [
            EquilibriumKernel(deq_ntk_relu, weight_variance=w, input_variance=1 - w, moments=linear(bias=b))
            for w, b in product((0.2, 0.5, 0.8, 0.95), (0.1, 1.0))
        ],
        "Matern 1/2": [Matern(s, nu=0.5) for s in lengths],
        "Matern 3/2": [Matern(s, nu=1.5) for s in lengths],
        "Matern 5/2": [Matern(s, nu=2.5) for s in lengths],
        "rational quadratic": [RationalQuadratic(s, a) for s, a in product(lengths[::2], (0.5, 2.0))],
        "linear": [DotProduct(s) for s in offsets],
        "quadratic": [DotProduct(s) ** 2 for s in offsets],
        "cubic": [DotProduct(s) ** 3 for s in offsets],
    }


@dataclass(frozen=True)
class Split:
    """Standardised training and test part, and the unit of the target."""

    X: Array
    y: Array
    X_test: Array
    y_test: Array
    unit: float

    @classmethod
    def of(cls, X: Array, y: Array, test: NDArray[np.bool_]) -> "Split":
        """Standardise by the rows that are not in the test part."""
        train = ~test
        scale = X[train].std(axis=0)
        scale[scale == 0] = 1.0
        Z = (X - X[train].mean(axis=0)) / scale
        unit = float(y[train].std())
        z = (y - y[train].mean()) / unit
        return cls(Z[train], z[train], Z[test], z[test], unit)


def rmse(split: Split, kernels: list[Kernel]) -> float:
    """Test error of the kernel and the penalty that cross-validation chooses, in the unit of the target."""
    fold = np.random.default_rng(0).permutation(len(split.y)) % FOLDS
    best: tuple[float, Kernel, float] | None = None
    for kernel in kernels:
        K = kernel(split.X)
        losses = validation_losses(K / np.diag(K).mean(), split.y, fold)
        if best is None or losses.min() < best[0]:
            best = (float(losses.min()), kernel, float(PENALTIES[losses.argmin()]))
    assert best is not None
    _, kernel, penalty = best
    K = kernel(split.X)
    size = np.diag(K).mean()
    weights = np.linalg.solve(K / size + penalty * np.eye(len(K)), split.y)
    error = kernel(split.X_test, split.X) / size @ weights - split.y_test
    return split.unit * float(np.sqrt(np.mean(error**2)))


def validation_losses(K: Array, y: Array, fold: NDArray[np.int64]) -> Array:
    """Mean squared error of every penalty, over the folds; one eigendecomposition for each fold serves them all."""
    losses = np.zeros(len(PENALTIES))
    for k in range(FOLDS):
        inside, outside = fold != k, fold == k
        values, vectors = np.linalg.eigh(K[np.ix_(inside, inside)])
        weights = vectors @ ((vectors.T @ y[inside])[:, None] / (np.maximum(values, 0.0)[:, None] + PENALTIES))
        residual = K[np.ix_(outside, inside)] @ weights - y[outside, None]
        losses += np.sum(residual**2, axis=0)
    return losses / len(y)


def data_sets(names: list[str], folder: Path | None, splits: int) -> Iterator[tuple[str, list[Split]]]:
    for name in names:
        if name == "diabetes":
            X, y = load_diabetes(return_X_y=True)
            masks = np.zeros((splits, len(y)), dtype=bool)
            for seed, mask in enumerate(masks):
                mask[np.random.default_rng(seed).permutation(len(y))[: len(y) // 10]] = True
            yield name, [Split.of(X, y, mask) for mask in masks]
            continue
        if folder is None or not (folder / f"{name}.npz").is_file():
            sys.exit(f"{name}: no file {name}.npz; say where it is with --data-dir")
        with np.load(folder / f"{name}.npz", allow_pickle=False) as arrays:
            X, y, masks = arrays["X"], arrays["y"], arrays["test_mask"][:splits]
        targets = y.reshape(len(y), -1)
        for column in range(targets.shape[1]):
            label = name if targets.shape[1] == 1 else f"{name}, target {column + 1}"
            yield label, [Split.of(X, targets[:, column], mask) for mask in masks]


def table(name: str, splits: list[Split]) -> str:
    rows, columns = splits[0].X.shape
    errors: dict[str, Array] = {}
    for method, kernels in methods(columns).items():
        start = time.perf_counter()
        errors[method] = np.array([rmse(split, kernels) for split in splits])
        print(f"  {name}: {method}, {time.perf_counter() - start:.0f} s", file=sys.stderr)
    lines = [
        f"### {name} ({rows} training rows, {columns} columns, {len(splits)} splits)",
        "",
        f"| method | RMSE | minus {REFERENCE} | better than {REFERENCE} on |",
        "|---|---|---|---|",
    ]
    for method, error in sorted(errors.items(), key=lambda item: item[1].mean()):
        difference = error - errors[REFERENCE]
        paired = "" if method == REFERENCE else mean_and_error(difference)
        wins = "" if method == REFERENCE else f"{(difference < 0).sum()} of {len(error)}"
        lines.append(f"| {method} | {mean_and_error(error)} | {paired} | {wins} |")
    return "\n".join([*lines, ""])


def mean_and_error(values: Array) -> str:
    """Mean and standard error over splits, with the digits that the standard error warrants."""
    spread = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    digits = int(np.clip(1 - np.floor(np.log10(spread)), 0, 6)) if spread > 0 else 4
    return f"{values.mean():.{digits}f} ± {spread:.{digits}f}"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, help="folder with <set>.npz files")
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--sets", default="diabetes", help="comma-separated; default: diabetes")
    given: Any = parser.parse_args(arguments)
    print(
        "Mean ± standard error over splits.  Splits share training rows, so these standard errors are too small for "
        "statements about other data; differences are paired by split.\n"
    )
    for name, splits in data_sets(given.sets.split(","), given.data_dir, given.splits):
        print(table(name, splits), flush=True)


if __name__ == "__main__":
    main()
