"""The benchmarks run, measure what they say, and standardise by training rows alone."""

import importlib
import os
import re
import runpy
from pathlib import Path

import mpmath
import numpy as np
import pytest
import scipy.special
from numpy.testing import assert_allclose

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def regression():
    return runpy.run_path(str(FOLDER / "regression.py"))


def test_the_naive_iterations_agree_with_the_kernels(capsys):
    runpy.run_path(str(FOLDER / "gram_speed.py"))["main"](
        ["--shapes", "20x3,8x2", "--rounds", "2", "--naive-rounds", "1"]
    )
    output = capsys.readouterr().out
    differences = [float(text) for text in re.findall(r"relative difference (\S+)\.", output)]
    assert len(differences) == 4
    assert max(differences) < 1e-10
    assert output.count("| X @ X.T |") == 2


def test_every_method_has_the_same_budget(regression):
    assert {len(kernels) for kernels in regression["methods"](5).values()} == {8}


def test_test_rows_do_not_move_the_scale(regression):
    draw = np.random.default_rng(0)
    X, y = draw.normal(size=(50, 3)), draw.normal(size=50)
    X[:, 2] = 1.0
    test = np.arange(50) < 10
    split = regression["Split"].of(X, y, test)
    assert_allclose(split.X.mean(axis=0), 0, atol=1e-12)
    assert_allclose(split.X.std(axis=0), [1, 1, 0], atol=1e-12)
    assert_allclose(split.y_test * split.unit + y[~test].mean(), y[test])
    far = np.where(test[:, None], 100 * X, X)
    assert_allclose(regression["Split"].of(far, y, test).X, split.X)


def test_the_folds_are_solved_like_ridge_regressions(regression):
    draw = np.random.default_rng(1)
    root, y = draw.normal(size=(25, 25)), draw.normal(size=25)
    K, fold = root @ root.T, np.arange(25) % 5
    losses = regression["validation_losses"](K, y, fold)
    for penalty, loss in zip(regression["PENALTIES"], losses, strict=True):
        errors = [
            y[fold == k] - K[np.ix_(fold == k, fold != k)]
            @ np.linalg.solve(K[np.ix_(fold != k, fold != k)] + penalty * np.eye(20), y[fold != k])
            for k in range(5)
        ]  # fmt: skip
        assert_allclose(loss, np.mean(np.concatenate(errors) ** 2), rtol=1e-6)


def test_a_linear_truth_is_found_by_the_linear_kernel(regression, tmp_path, capsys):
    draw = np.random.default_rng(2)
    X = draw.normal(size=(60, 2))
    y = X @ [[1.0, 3.0], [2.0, -1.0]] + 0.01 * draw.normal(size=(60, 2))
    masks = np.stack([draw.permutation(60) < 12 for _ in range(2)])
    np.savez(tmp_path / "plane.npz", X=X, y=y, test_mask=masks)
    regression["main"](["--data-dir", str(tmp_path), "--sets", "plane", "--splits", "2"])
    output = capsys.readouterr().out
    assert output.count("### plane, target") == 2
    assert "(48 training rows, 2 columns, 2 splits)" in output
    first = re.search(r"\|---.*\n\| (linear|quadratic|cubic) \| ([0-9.]+) ", output)
    assert first
    assert float(first[2]) < 0.02
    assert "| RBF |" in output


def test_a_missing_set_is_named(regression):
    with pytest.raises(SystemExit, match=r"no file yacht.npz; say where it is with --data-dir"):
        regression["main"](["--sets", "yacht"])


@pytest.fixture
def side_by_side(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER.parent))
    if hasattr(os, "sched_setaffinity"):
        monkeypatch.setattr(os, "sched_setaffinity", lambda *_: None)  # the tests keep their cores
    return importlib.import_module("benchmarks.neural_tangents")


def test_without_its_peer_this_package_is_compared_with_multiple_precision(side_by_side, capsys):
    side_by_side.main(["--sections", "near,nan,range", "--depths", "1,3"])
    output = capsys.readouterr().out
    assert "--create-environment DIR makes what it needs" in output
    near, values, copies, variances = output.split("###")[1:]
    assert errors(near, "float64") <= 1e-12
    assert errors(near, "float32") <= 1e-6
    assert errors(values, "float64") <= 1e-13
    assert errors(values, "float32") <= 1e-6
    assert errors(copies, "float") == 0
    assert errors(variances, "float64") <= 1e-12
    assert errors(variances, "float32") <= 1e-6


def errors(table, kind):
    """The largest number in the rows of one dtype; text such as NaN or inf counts."""
    rows = [line.split("|")[2:-1] for line in table.splitlines() if line.startswith("| ") and kind in line]
    assert len(rows) >= 3
    return max(float(cell) for row in rows for cell in row)


def test_a_missing_environment_says_how_to_make_it(side_by_side, tmp_path):
    with pytest.raises(SystemExit, match="make it with --create-environment"):
        side_by_side.main(["--environment", str(tmp_path), "--sections", "nan"])


def test_the_reference_of_the_side_by_side_run_knows_what_integrals_say(side_by_side):
    """One hidden layer at one pair, by a trapezoidal rule for the definition; and its own rule beside an arc sine."""
    x, y = np.array([0.9, -0.4]), np.array([0.3, 1.1])
    a, b, c = (1.5 * p @ q / 2 + 0.1 for p, q in ((x, x), (y, y), (x, y)))
    s = np.arange(-9, 9.05, 0.1)
    weight = 0.1 * np.exp(-s * s / 2) / np.sqrt(2 * np.pi)
    u, v = np.sqrt(a) * s[:, None], c / np.sqrt(a) * s[:, None] + np.sqrt(b - c * c / a) * s

    def bell(t):
        return np.exp(-t * t)

    for layer, (f, slope) in {
        "erf": (scipy.special.erf, lambda t: 2 / np.sqrt(np.pi) * bell(t)),
        "gaussian": (bell, lambda t: -2 * t * bell(t)),
        "sin": (np.sin, np.cos),
        "gabor": (lambda t: bell(t) * np.sin(t), lambda t: bell(t) * (np.cos(t) - 2 * t * np.sin(t))),
        "gelu": (
            lambda t: t * scipy.special.ndtr(t),
            lambda t: scipy.special.ndtr(t) + t * np.sqrt(bell(t) / (2 * np.pi)),
        ),
    }.items():
        nngp = 1.5 * (weight @ (f(u) * f(v)) @ weight) + 0.1
        ntk = nngp + 1.5 * (weight @ (slope(u) * slope(v)) @ weight) * c
        with mpmath.workdps(70):
            found = side_by_side.reference.kernels(layer, x, y, 1, 1.5, 0.1)
        assert_allclose([float(value) for value in found], [nngp, ntk], rtol=1e-13)
    rule = side_by_side.reference.expectation(scipy.special.erf, 1.5, 0.7)
    assert rule == pytest.approx(2 / np.pi * np.arcsin(2 * 0.7 * 1.5 / 4.0), rel=1e-14)
