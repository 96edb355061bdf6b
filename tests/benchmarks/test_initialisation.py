"""An equilibrium model that starts as a kernel GLM beats the same model with random weights before any training."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize

FILE = Path(__file__).resolve().parents[2] / "benchmarks" / "initialisation.py"


@pytest.fixture(scope="module")
def smooth():
    return runpy.run_path(str(FILE))


@pytest.fixture(scope="module")
def task(smooth):
    return smooth["Task"].draw(points=40, count=150, seed=0)


def test_a_kernel_glm_is_a_better_start(smooth, task):
    found = smooth["at_epoch_zero"](task, 2)
    (informed,), (mean,), (oracle,) = (found[name] for name in ("informed", "mean curve", "oracle"))
    assert informed < 0.6 * min(found["random"])
    assert informed < 0.6 * min(found["random, V2 = 0"])
    assert informed < 0.6 * min(found["naive"])
    assert oracle < mean < informed
    assert found["zero"] == [1.0]


def test_the_informed_start_is_the_map_estimate(smooth, task):
    """lambda/2 a'Ka + sum(log cosh f - y f) with f = Ka, minimised by a program that knows no fixed point."""
    gram, scale = smooth["covariance"](task.x, task.x), np.linalg.norm(smooth["covariance"](task.x, task.x), 2)
    found = smooth["predict"](smooth["initialise"]("informed", task), task.inputs[:, :5])
    for y, prediction in zip(task.inputs.T, found.T, strict=False):

        def objective(a, y=y):
            f = gram @ a
            value = scale / 2 * a @ f + np.sum(np.logaddexp(f, -f) - np.log(2) - y * f)
            return value, gram @ (scale * a + np.tanh(f) - y)

        solved = minimize(objective, np.zeros(len(y)), jac=True, method="BFGS", options={"gtol": 1e-9})
        assert_allclose(prediction, smooth["covariance"](task.moved, task.x) @ solved.x, atol=1e-6)


def test_inputs_and_targets_are_of_one_path(smooth):
    """Where the two grids meet, they have the same values; the moments are those of the process."""
    step = 4 * np.pi / 39
    task = smooth["Task"].draw(points=40, count=4000, seed=1)
    paths = np.concatenate([task.inputs, task.targets])
    both = np.concatenate([task.x, task.moved])
    distance = np.abs(both[:, None] - both)
    expected = 0.1 * np.exp(-0.5 * distance**2) * np.exp(-(np.sin(distance) ** 2))
    assert_allclose(np.cov(paths), expected, atol=0.1 * 5 * np.sqrt(2 / 4000))
    expected_mean = np.exp(-both * both / 10) * np.sin(both) + np.exp(-np.square(both + 9))
    assert_allclose(paths.mean(axis=1), expected_mean, atol=5 * np.sqrt(0.1 / 4000))
    assert task.x[1] - task.x[0] == pytest.approx(step)


def test_the_command_prints_and_draws(smooth, capsys, tmp_path):
    sizes = ["--points", "30", "--test", "60", "--seeds", "2"]
    smooth["main"]([*sizes, "--figure", str(tmp_path / "start.svg")])
    output = capsys.readouterr().out
    assert re.search(r"\| informed \| 0\.\d+ \| 0\.\d+ \| 0\.406 \|", output)
    assert float(re.search(r"informed / best random: (\S+)", output)[1]) < 0.6
    assert "<svg" in (tmp_path / "start.svg").read_text(encoding="utf-8")


def test_training_starts_from_the_same_model(smooth, task):
    pytest.importorskip("torch")
    for name in ("informed", "random"):
        layer = smooth["initialise"](name, task)
        errors = smooth["train"](layer, task, task, 3)
        assert errors[0] == pytest.approx(task.error(smooth["predict"](layer, task.inputs)), rel=1e-4)
        assert len(errors) == 4
        assert errors[-1] < errors[0]


def test_the_test_error_is_measured_at_the_first_and_the_last_epoch(smooth):
    for epochs in (0, 3, 5, 100, 137):
        measured = smooth["checkpoints"](epochs)
        assert measured[0] == 0
        assert measured[-1] == epochs
        assert measured == sorted(set(measured))
