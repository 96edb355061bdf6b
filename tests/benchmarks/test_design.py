"""The benchmark of designs runs, and shows what its page says."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest

FILE = Path(__file__).resolve().parents[2] / "benchmarks" / "design.py"


@pytest.fixture(scope="module")
def bench():
    return runpy.run_path(str(FILE))


def rows_of(text):
    lines = [line.strip("| \n").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line] for line in lines if not set("".join(line)) <= {"-", " "}]


def test_errors_fall_but_for_the_design_without_norm_feature(bench, capsys):
    bench["main"](["errors", "--sizes", "60,120", "--seeds", "1"])
    table = {(r[0], r[1]): [float(v) for v in r[2:4]] for r in rows_of(capsys.readouterr().out)[1:]}
    relu = "relu ck, σ²=0.2"
    assert max(table[relu, "leaky_relu"]) < 2e-4
    assert table[relu, "hermite"][0] < 0.2 * table[relu, "size of the kernel"][0]
    tangent = "relu ntk, σ²=0.2"
    assert table[tangent, "hermite"][1] < 0.6 * table[tangent, "no norm feature *"][1]
    assert table["tanh ck, σ²=0.2", "leaky_relu *"][1] > 10 * table["tanh ck, σ²=0.2", "hard_tanh"][1]


def test_the_model_and_its_network_predict_alike(bench, capsys):
    bench["main"](["accuracy", "--train", "300", "--test", "200", "--widths", "400", "--steps", "15"])
    table = rows_of(capsys.readouterr().out)[1:]
    scores = {r[0]: float(r[1]) for r in table}
    error = float(table[0][2])
    first = scores["equilibrium model, kernel ridge"]
    assert first > 0.9
    assert abs(scores["explicit network, kernel ridge"] - first) <= error
    assert abs(scores["explicit network of width 400"] - first) <= 3 * error + 0.02
    assert all(re.fullmatch(r"\d+\.\d+", r[5]) for r in table)


def test_the_map_of_leaky_layers(bench, capsys):
    bench["main"](["feasibility", "--points", "6"])
    table = rows_of(capsys.readouterr().out)[1:]
    ends = [float(r[1]) for r in table]
    assert ends == sorted(ends, reverse=True)  # two layers reach less far, the more the unit leaks
    assert all(float(r[2]) >= float(r[1]) for r in table)


def test_iterated_features_are_at_equilibrium_and_have_the_kernel(bench):
    X = np.random.default_rng(3).normal(size=(6, 30)).astype(np.float32)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    z = bench["deq_features"]("relu", 0.4, X, 1500, 25, 1)
    exact = bench["exact"]("relu", "ck", 0.4, X.astype(float))
    assert np.abs(z @ z.T - exact).max() < 0.05
    assert np.abs(z - bench["deq_features"]("relu", 0.4, X, 1500, 26, 1)).max() < 1e-6
