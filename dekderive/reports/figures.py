"""Figures of a report: arrays -> SVG text, drawn on figure objects of their own (no pyplot, no global settings)."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dekderive.reports.extras import matplotlib_module

__all__ = [
    "confusion_figure",
    "convergence_figure",
    "curves_figure",
    "fold_figure",
    "gram_figure",
    "prediction_figure",
]

# Okabe and Ito's palette: distinct for every common kind of colour vision, and in print.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_STYLES = ("-", "--", "-.", ":")
_INK, _FAINT = "#222222", "#d9d9d9"
_FAMILY = "STIXGeneral"  # ships with matplotlib, so that a report looks the same everywhere


def curves_figure(panels: Sequence[Mapping[str, Any]], *, name: str = "curves") -> str:
    """Draw line panels side by side.

    Parameters
    ----------
    panels : sequence of mappings
        Each with ``x`` (array), ``curves`` (name -> array), ``xlabel``, ``ylabel``, and optionally ``title``.
    name : str
        Prefix of the ids inside the SVG: one page must not have two figures of one name.

    Returns
    -------
    str
        SVG.
    """
    figure, axes = _new(len(panels), height=3.1)
    for ax, panel in zip(axes, panels, strict=True):
        for i, (label, values) in enumerate(panel["curves"].items()):
            _line(ax, panel["x"], values, i, label)
        _label(ax, panel["xlabel"], panel["ylabel"], panel.get("title", ""))
        _legend(ax, len(panel["curves"]))
    return _svg(figure, name)


def convergence_figure(histories: Mapping[str, ArrayLike], *, xlabel: str = "iteration") -> str:
    """Draw distances to the solution against the iteration, on a log scale, where an exact zero has no place."""
    figure, (ax,) = _new(1, height=3.1, width=6.2)
    for i, (name, errors) in enumerate(histories.items()):
        values = np.asarray(errors, dtype=float)
        shown = np.where(values > 0, values, np.nan)
        ax.plot(np.arange(len(values)), shown, _STYLES[i % 4], color=COLOURS[i], marker="os^D"[i % 4], ms=3.5, lw=1.4,
                label=name)  # fmt: skip
    ax.set_yscale("log")
    _label(ax, xlabel, "largest distance to the solution", "")
    _legend(ax, len(histories))
    return _svg(figure, "convergence")


def gram_figure(gram: NDArray[Any], spectra: Mapping[str, ArrayLike], *, ordered_by: str) -> str:
    """Draw a Gram matrix as an image, and the eigenvalues of several as fractions of their sum."""
    figure, (left, right) = _new(2, height=3.4, ratios=(1.0, 1.15))
    # The diagonal, and a few twins, would take all the contrast.
    low, high = np.quantile(gram[~np.eye(len(gram), dtype=bool)], [0.005, 0.995])
    image = left.imshow(gram, cmap="cividis", vmin=low, vmax=high, interpolation="nearest", aspect="equal")
    bar = figure.colorbar(image, ax=left, fraction=0.046, pad=0.03, extend="both")
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=2, colors=_INK, labelsize=8)
    left.tick_params(length=2, colors=_INK, labelsize=8)
    for spine in left.spines.values():
        spine.set_visible(False)
    _label(left, f"row, ordered by {ordered_by}", "row", "", grid=False)
    for i, (name, values) in enumerate(spectra.items()):
        shares = np.sort(np.asarray(values, dtype=float))[::-1]
        shares = shares / shares.sum()
        _line(right, np.arange(1, len(shares) + 1), np.where(shares > 1e-17, shares, np.nan), i, name)
    right.set_xscale("log")
    right.set_yscale("log")
    _label(right, "index of the eigenvalue", "share of the trace", "")
    _legend(right, len(spectra))
    return _svg(figure, "gram")


def prediction_figure(observed: ArrayLike, predicted: Mapping[str, ArrayLike], *, unit: str) -> str:
    """Draw predictions for held-out rows against what was observed, one panel per method, on common axes."""
    y = np.asarray(observed, dtype=float)
    everything = np.concatenate([y, *(np.asarray(p, dtype=float) for p in predicted.values())])
    low, high = float(everything.min()), float(everything.max())
    margin = 0.03 * (high - low or 1.0)
    figure, axes = _new(len(predicted), height=3.3, share=True)
    for i, (ax, (name, values)) in enumerate(zip(axes, predicted.items(), strict=True)):
        # Thousands of markers would make the page heavy; as pixels they weigh nothing.
        ax.plot(y, values, ".", color=COLOURS[i], ms=4.5, alpha=0.55, mew=0, rasterized=len(y) > 600)
        ax.plot([low, high], [low, high], "-", color=_INK, lw=0.9, label="predicted = observed")
        ax.set_xlim(low - margin, high + margin)
        ax.set_ylim(low - margin, high + margin)
        ax.set_aspect("equal")
        _label(ax, f"observed {unit}", f"predicted {unit}" if i == 0 else "", name)
    _legend(axes[0], 1)
    return _svg(figure, "prediction")


def confusion_figure(tables: Mapping[str, NDArray[Any]], classes: Sequence[str]) -> str:
    """Draw confusion matrices: the share of each observed class (rows) that was predicted as each class (columns)."""
    figure, axes = _new(len(tables), height=3.4, share=True)
    size = len(classes)
    for i, (ax, (name, counts)) in enumerate(zip(axes, tables.items(), strict=True)):
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for row in range(size) if size <= 12 else ():
            for column in range(size):
                if counts[row, column]:
                    ink = "white" if shares[row, column] > 0.55 else _INK
                    ax.text(column, row, str(counts[row, column]), ha="center", va="center", color=ink, fontsize=8)
        short = [c if len(c) <= 12 else c[:11] + "…" for c in classes]
        ax.set_xticks(range(size), short, rotation=45 if size > 3 else 0, ha="right" if size > 3 else "center")
        ax.set_yticks(range(size), short)
        ax.tick_params(length=0, colors=_INK, labelsize=8)
        for spine in ax.spines.values():
            spine.set_visible(False)
        _label(ax, "predicted class", "observed class" if i == 0 else "", name, grid=False)
    return _svg(figure, "confusion")


def fold_figure(scores: Mapping[str, ArrayLike], *, ylabel: str) -> str:
    """Draw the score of every fold; a thin line joins the methods on the same fold, for folds differ in difficulty."""
    names = list(scores)
    table = np.array([np.asarray(scores[n], dtype=float) for n in names])
    figure, (ax,) = _new(1, height=2.9, width=6.2)
    places = np.arange(len(names))
    for fold in table.T:
        ax.plot(places, fold, "-", color=_FAINT, lw=0.9, zorder=1)
    for i, row in enumerate(table):
        ax.plot(np.full(row.shape, i), row, "o", color=COLOURS[i % 2], ms=4.5, mew=0, alpha=0.8, zorder=2)
        ax.plot([i - 0.16, i + 0.16], [row.mean()] * 2, "-", color=_INK, lw=1.6, zorder=3)
    ax.set_xticks(places, names)
    ax.set_xlim(-0.5, len(names) - 0.5)
    _label(ax, "", ylabel, "")
    ax.grid(False, axis="x")
    return _svg(figure, "folds")


def _new(
    count: int, *, height: float, width: float = 8.6, share: bool = False, ratios: tuple[float, ...] | None = None
) -> tuple[Any, list[Any]]:
    figure = matplotlib_module("figure").Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.05)
    axes = figure.subplots(
        1, count, squeeze=False, sharey=share, gridspec_kw={"width_ratios": ratios} if ratios else {}
    )
    return figure, list(axes[0])


def _line(ax: Any, x: ArrayLike, y: ArrayLike, index: int, name: str) -> None:
    ax.plot(x, y, _STYLES[index % 4], color=COLOURS[index % len(COLOURS)], lw=1.7, label=name)


def _label(ax: Any, xlabel: str, ylabel: str, title: str, *, grid: bool = True) -> None:
    ax.set_xlabel(xlabel, color=_INK, fontsize=10)
    ax.set_ylabel(ylabel, color=_INK, fontsize=10)
    if title:
        ax.set_title(title, color=_INK, fontsize=10.5, loc="left")
    if grid:
        ax.grid(True, color=_FAINT, lw=0.5)
        ax.set_axisbelow(True)
        ax.tick_params(length=3, colors=_INK, labelsize=9)
        ax.spines[["top", "right"]].set_visible(False)
        ax.spines[["left", "bottom"]].set_color("#888888")


def _legend(ax: Any, count: int) -> None:
    if count:
        frame = ax.legend(fontsize=9, labelcolor=_INK, handlelength=2.2, framealpha=0.85, edgecolor="none").get_frame()
        frame.set_facecolor("white")  # a curve behind the legend must not strike it through


def _svg(figure: Any, name: str) -> str:
    """Render, with the fonts of the report, and with ids that neither change from run to run nor clash on one page."""
    for text in figure.findobj(matplotlib_module("text").Text):
        text.set_fontfamily(_FAMILY)
        text.set_math_fontfamily("cm")
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None}, dpi=150)
    svg = buffer.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    identifiers = {old: f"{name}-{i}" for i, old in enumerate(dict.fromkeys(re.findall(r'\bid="([^"]+)"', svg)))}
    svg = re.sub(r'\bid="([^"]+)"', lambda m: f'id="{identifiers[m.group(1)]}"', svg)
    return re.sub(r'(url\(#|href="#)([^)"]+)', lambda m: m.group(1) + identifiers.get(m.group(2), m.group(2)), svg)
