"""Figures are well-formed, self-contained, the same on every run, and leave matplotlib's settings alone."""

import functools
import re
import subprocess
import sys
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest

from dekderive.reports import figures

_X = np.linspace(-1, 1, 21)
_RNG = np.random.default_rng(0)
_GRAM = np.corrcoef(_RNG.normal(size=(12, 5)))
_Y = _RNG.normal(size=30)

FIGURES = {
    "curves": lambda: figures.curves_figure(
        [{"x": _X, "curves": {"a": _X**2, "b": np.where(_X > 0, np.nan, _X)}, "xlabel": "x", "ylabel": "y"}] * 2
    ),
    "convergence": lambda: figures.convergence_figure({"slow": 0.5 ** np.arange(9), "fast": [1, 1e-2, 1e-9, 0.0]}),
    "gram": lambda: figures.gram_figure(_GRAM, {"one": np.arange(12.0), "two": np.ones(12)}, ordered_by="target"),
    "prediction": lambda: figures.prediction_figure(_Y, {"m": _Y + 1, "n": _Y - 1}, unit="g"),
    "confusion": lambda: figures.confusion_figure({"m": np.array([[3, 1], [0, 4]])}, ["yes", "no"]),
    "folds": lambda: figures.fold_figure({"m": [1.0, 2.0], "n": [2.0, 1.0]}, ylabel="RMSE"),
}


@functools.cache
def _drawn(name):
    return FIGURES[name]()


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_one_closed_svg(name):
    svg = _drawn(name)
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    assert root.get("viewBox")
    outside = set(re.findall(r'https?://[^"]+', svg)) - {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert not outside
    identifiers = re.findall(r'\bid="([^"]+)"', svg)
    assert len(identifiers) == len(set(identifiers))
    assert set(re.findall(r'(?:url\(#|href="#)([^)"]+)', svg)) <= set(identifiers)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_the_same_on_every_run(name):
    assert FIGURES[name]() == _drawn(name)


def test_figures_of_one_page_share_no_identifier():
    found = [set(re.findall(r'\bid="([^"]+)"', _drawn(name))) for name in FIGURES]
    assert sum(map(len, found)) == len(set().union(*found))
    one = figures.curves_figure([{"x": _X, "curves": {"a": _X}, "xlabel": "x", "ylabel": "y"}], name="duals")
    assert not set(re.findall(r'\bid="([^"]+)"', one)) & found[0]


def test_an_exact_zero_ends_a_logarithmic_line():
    with_zero = figures.convergence_figure({"a": [1.0, 1e-3, 0.0]})
    without = figures.convergence_figure({"a": [1.0, 1e-3]})
    markers = [svg.count("<use ") for svg in (with_zero, without)]
    assert markers[0] >= markers[1]
    assert "nan" not in with_zero.lower()


def test_a_large_scatter_is_drawn_as_pixels():
    y = _RNG.normal(size=5000)
    assert len(figures.prediction_figure(y, {"m": y}, unit="g")) < 200_000


def test_no_global_setting_is_touched():
    before = dict(matplotlib.rcParams)
    for name in ("curves", "gram"):
        FIGURES[name]()
    assert dict(matplotlib.rcParams) == before


def test_pyplot_is_never_imported():
    code = (
        "import sys; from dekderive.reports.figures import fold_figure; fold_figure({'m': [1.0, 2.0]}, ylabel='r');"
        "raise SystemExit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
