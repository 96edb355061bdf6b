"""What a comparison found on a data set: the table of scores and its figures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from dekderive.datasets import Dataset
from dekderive.reports.candidates import Candidate
from dekderive.reports.comparison import Comparison, Scores
from dekderive.reports.figures import confusion_figure, fold_figure, gram_figure, prediction_figure
from dekderive.reports.report import Figure, Fit, FitRow

__all__ = ["fit_section"]

_LARGEST_IMAGE = 400
_METHOD_WORDS = {
    "regression": ", and the Gaussian processes by marginal likelihood",
    "classification": "; ridge classifies one class against the rest, and support vectors have a C of their own",
}


def fit_section(data: Dataset, comparison: Comparison, examples: Mapping[str, Candidate], unit: str) -> Fit:
    """Return the section on a data set.

    Parameters
    ----------
    data : Dataset
    comparison : Comparison
    examples : mapping of str to Candidate
        Kernel name -> the candidate whose Gram matrix is drawn.
    unit : str
        Words for the target.
    """
    best = _best(comparison)
    rows = tuple(
        FitRow(
            s.kernel, s.method, _cells(s, data), ", ".join(f"{k} {v:.3g}" for k, v in s.chosen[0].items()), s is best
        )
        for s in comparison.scores
    )
    columns = ("RMSE", "R²") if data.task == "regression" else ("accuracy",)
    return Fit(
        data.name,
        f"{data.X.shape[0]} rows, {data.X.shape[1]} features, {data.task} of “{unit}”; "
        f"{comparison.folds}-fold cross-validation. Inputs and targets are standardised on the training folds only; "
        f"each kernel side chooses among {comparison.candidates} candidates and 9 ridges by inner cross-validation "
        f"on the training folds{_METHOD_WORDS[data.task]}. Of an equilibrium kernel that jumps at x = y the continuous "
        "part is used: its nugget would be a ridge that nobody chose.",
        columns,
        rows,
        "Mean ± standard deviation over the folds; bold: best mean. Folds share training rows, so the standard "
        "deviations describe the spread of the folds and are no standard errors.",
        (*_score_figures(data, comparison, unit), _gram(data, examples, unit)),
    )


def _best(comparison: Comparison) -> Scores:
    means = [s.folds.mean() for s in comparison.scores]
    return comparison.scores[int(np.argmax(means) if comparison.higher_is_better else np.argmin(means))]


def _cells(scores: Scores, data: Dataset) -> tuple[str, ...]:
    mean, spread = float(scores.folds.mean()), float(scores.folds.std(ddof=1))
    if data.task == "classification":
        return (f"{mean:.4f} ± {spread:.4f}",)
    digits = max(0, 2 - int(np.floor(np.log10(max(spread, 1e-12)))) - 1) if spread > 0 else 3
    y = data.y.astype(float)
    determination = 1 - float(np.mean((y - scores.predictions) ** 2) / np.var(y))
    return f"{mean:.{digits}f} ± {spread:.{digits}f}", f"{determination:.3f}"


def _score_figures(data: Dataset, comparison: Comparison, unit: str) -> tuple[Figure, ...]:
    words = "error" if data.task == "regression" else "accuracy"
    folds = Figure(
        "Score of every fold",
        fold_figure({f"{s.kernel}\n{s.method}": s.folds for s in comparison.scores}, ylabel=comparison.metric),
        f"Each dot is the {words} on one fold; grey lines join the same fold, and the black bar is the mean. "
        + ("Higher is better." if comparison.higher_is_better else "Lower is better."),
        narrow=True,
    )
    shown = [s for s in comparison.scores if s.method == comparison.scores[0].method]
    if data.task == "regression":
        svg = prediction_figure(data.y, {s.name: s.predictions for s in shown}, unit=unit)
        caption = (
            "Every row is predicted by the model that did not see it. On the line, prediction and observation agree; "
            "a cloud flatter than the line is drawn towards the mean."
        )
        return (folds, Figure("Predicted against observed", svg, caption))
    tables = {s.name: _confusion(data, s) for s in shown}
    caption = (
        "Every row is predicted by the model that did not see it. Numbers count rows; "
        "the shade is the share of the observed class."
    )
    return (folds, Figure("Predicted against observed classes", confusion_figure(tables, data.classes), caption))


def _confusion(data: Dataset, scores: Scores) -> NDArray[np.int64]:
    size = len(data.classes)
    counts = np.zeros((size, size), dtype=np.int64)
    np.add.at(counts, (data.y.astype(int), scores.predictions.astype(int)), 1)
    return counts


def _gram(data: Dataset, examples: Mapping[str, Candidate], unit: str) -> Figure:
    """The Gram matrix on rows in the order of the target: structure that predicts shows as blocks or a gradient."""
    chosen = np.linspace(0, len(data.y) - 1, min(len(data.y), _LARGEST_IMAGE)).round().astype(int)
    order = np.argsort(data.y, kind="stable")[chosen]
    spread = data.X.std(axis=0)
    X = ((data.X - data.X.mean(axis=0)) / np.where(spread > 0, spread, 1.0))[order]
    grams = {name: candidate.gram(X) for name, candidate in examples.items()}
    (first, matrix), *_ = grams.items()
    scale = np.sqrt(np.diag(matrix))
    spectra = {name: np.maximum(np.linalg.eigvalsh(g), 0) for name, g in grams.items()}
    values = ", ".join(f"{k} {v:.3g}" for k, v in examples[first].values.items())
    return Figure(
        "Gram matrix and spectrum",
        gram_figure(matrix / np.outer(scale, scale), spectra, ordered_by=unit),
        f"Left: correlations K(x, y)/√(K(x, x) K(y, y)) of {len(X)} rows with the hyper-parameters of the first fold "
        f"({values}). Right: eigenvalues of the Gram matrices as shares of their trace. "
        + _spectrum_words(first, matrix),
    )


def _spectrum_words(name: str, gram: NDArray[np.float64]) -> str:
    """Say how far from singular a Gram matrix is."""
    eigenvalues = np.linalg.eigvalsh(gram)
    share = float(eigenvalues[0] / np.trace(gram))
    if share <= 1e-14:
        return f"The smallest of {name} is {share:.1e} of the trace: positive semi-definite up to rounding."
    return f"The smallest of {name} is {share:.1e} of the trace, so the matrix is positive definite."
