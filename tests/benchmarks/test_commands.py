"""The benchmarks run, measure what they say, and standardise by training rows alone."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest
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
