"""Figures of experiments: curves with confidence bands, drawn on figure objects of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dekderive.errors import InvalidInput
from dekderive.experiments.experiment import Curve, Outcome
from dekderive.reports.extras import matplotlib_module
from dekderive.reports.figures import COLOURS

__all__ = ["draw_curves"]

_STYLES = (("o", "-"), ("s", "-"), ("", "--"))
_FORMATS = (".svg", ".png", ".pdf")


def draw_curves(outcome: Outcome, path: Path) -> None:
    """Write a panel for each group of curves: accuracy in per cent against depth, bands of 95 % confidence.

    Parameters
    ----------
    outcome : Outcome
        With curves.
    path : Path
        Ending in .svg, .png or .pdf.

    Raises
    ------
    InvalidInput
        If the name ends otherwise, or the file cannot be written.
    MissingExtra
        If matplotlib is not installed.

    Examples
    --------
    >>> import tempfile
    >>> curve = Curve("one", "kernel", (1.0, 10.0), (0.4, 0.5), (0.02, 0.01))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     draw_curves(Outcome((), curves=(curve,)), Path(folder) / "curve.svg")
    ...     (Path(folder) / "curve.svg").read_text()[:5]
    '<?xml'
    """
    check_format(path)
    panels: dict[str, list[Curve]] = {}
    for curve in outcome.curves:
        panels.setdefault(curve.panel, []).append(curve)
    figure = matplotlib_module("figure").Figure(figsize=(0.6 + 3.1 * len(panels), 3.3), layout="constrained")
    every = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (title, curves) in zip(every, panels.items(), strict=True):
        for k, curve in enumerate(curves):
            _draw(axes, curve, COLOURS[k % len(COLOURS)], *_STYLES[k % len(_STYLES)])
        axes.set(xscale="log", xlabel="depth (activations)")
        axes.xaxis.set_major_formatter(matplotlib_module("ticker").StrMethodFormatter("{x:g}"))
        axes.set_title(title.replace(", ", "\n", 1), fontsize=10)
        axes.grid(True, color="#d9d9d9", lw=0.5)
        axes.spines[["top", "right"]].set_visible(False)
    every[0].set_ylabel("test accuracy (%)")
    every[0].legend(frameon=False, fontsize=8)
    metadata = {"Date": None, "Creator": None} if path.suffix == ".svg" else None
    try:
        with matplotlib_module("pyplot").rc_context({"svg.fonttype": "none", "svg.hashsalt": "experiment"}):
            figure.savefig(path, metadata=metadata, dpi=150)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error}") from error


def check_format(path: Path) -> None:
    """Refuse names of files that are no figures.

    Raises
    ------
    InvalidInput
    """
    if path.suffix not in _FORMATS:
        raise InvalidInput(f"--figure {path}: the name must end in one of {', '.join(_FORMATS)}")


def _draw(axes: Any, curve: Curve, colour: str, marker: str, style: str) -> None:
    mean, half = ([100 * value for value in values] for values in (curve.mean, curve.half_width))
    if not curve.x:
        axes.axhline(mean[0], color=colour, ls=style, lw=1.2, label=curve.label)
        axes.axhspan(mean[0] - half[0], mean[0] + half[0], color=colour, alpha=0.1, lw=0)
        return
    axes.plot(curve.x, mean, marker=marker, ls=style, color=colour, ms=3.5, lw=1.4, label=curve.label)
    low, high = ([m + sign * h for m, h in zip(mean, half, strict=True)] for sign in (-1, 1))
    axes.fill_between(curve.x, low, high, color=colour, alpha=0.18, lw=0)
