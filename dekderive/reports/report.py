"""A report: what one page shows, and the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from dekderive.citations import Citation
from dekderive.reports.chain import Section
from dekderive.reports.extras import jinja2_module
from dekderive.reports.formula_svg import FormulaSetter
from dekderive.verdict import Check

__all__ = ["Figure", "Fit", "FitRow", "Report", "html"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing with its title and a caption that says what one sees."""

    title: str
    svg: str
    caption: str
    narrow: bool = False


@dataclass(frozen=True, slots=True)
class FitRow:
    """One line of the table of scores."""

    kernel: str
    method: str
    cells: tuple[str, ...]
    chosen: str
    best: bool = False


@dataclass(frozen=True, slots=True)
class Fit:
    """What the kernel did on a data set."""

    name: str
    description: str
    columns: tuple[str, ...]
    rows: tuple[FitRow, ...]
    remark: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that the page of one kernel shows.

    Attributes
    ----------
    title, summary, verdict : str
    facts : tuple of (str, str)
        Short facts under the title.
    chain : tuple of Section
        The derivation.
    checks : tuple of Check
    figures : tuple of Figure
    fit : Fit or None
    usage : str
        Code that imports the module; empty if none was written.
    provenance : tuple of (str, str)
    sources : tuple of Citation
    """

    title: str
    summary: str
    verdict: str
    facts: tuple[tuple[str, str], ...]
    chain: tuple[Section, ...]
    checks: tuple[Check, ...]
    figures: tuple[Figure, ...]
    fit: Fit | None
    usage: str
    provenance: tuple[tuple[str, str], ...]
    sources: tuple[Citation, ...]


def html(report: Report) -> str:
    """Return the page: one file, with nothing to load from anywhere.

    Raises
    ------
    MissingExtra
        If jinja2 or matplotlib is not installed.
    """
    jinja2 = jinja2_module()
    setter = FormulaSetter()
    parts = [_typeset(section, setter) for section in report.chain]
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = environment.from_string(files("dekderive.reports").joinpath("report.html.jinja").read_text("utf-8"))
    safe = _safe_figures(report.figures)
    fit = None if report.fit is None else {**_fields(report.fit), "figures": _safe_figures(report.fit.figures)}
    shown = {**_fields(report), "parts": parts, "figures": safe, "fit": fit, "glyphs": _safe(setter.definitions())}
    return str(template.render(report=shown))


def _typeset(section: Section, setter: FormulaSetter) -> dict[str, Any]:
    formulas = [
        {"pictures": [_safe(setter.svg(line)) for line in f.lines], "lines": f.lines, "note": f.note}
        for f in section.formulas
    ]
    return {"title": section.title, "note": section.note, "formulas": formulas}


def _safe_figures(figures: Sequence[Figure]) -> list[dict[str, Any]]:
    return [{**_fields(f), "svg": _safe(f.svg)} for f in figures]


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def _safe(markup: str) -> Any:
    """Mark our own drawings as markup; everything else on the page is escaped."""
    import markupsafe

    return markupsafe.Markup(markup)
