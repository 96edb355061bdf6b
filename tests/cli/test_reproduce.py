"""``dekderive reproduce``: what it prints, writes and refuses."""

import json
import subprocess
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from click.testing import CliRunner

from dekderive.cli import main
from dekderive.datasets.images import load_images
from dekderive.errors import InvalidInput
from dekderive.experiments import EXPERIMENTS
from dekderive.experiments.freeze import FREEZE, run

TINY = ("--size", "20", "--test-size", "10", "--quiet")


def _run(*arguments):
    return CliRunner().invoke(main, ["reproduce", *map(str, arguments)])


def _write(folder, name="mnist", **changes):
    rng = np.random.default_rng(0)
    arrays = {
        "x_train": rng.integers(0, 256, (30, 6, 6), dtype=np.uint8),
        "y_train": (np.arange(30) % 3).astype(np.uint8),
        "x_test": rng.integers(0, 256, (12, 6, 6), dtype=np.uint8),
        "y_test": (np.arange(12) % 3).astype(np.uint8),
    } | changes
    np.savez(folder / f"{name}.npz", **{key: value for key, value in arrays.items() if value is not None})


def test_the_list_names_experiments_files_and_sizes():
    done = _run("list")
    assert done.exit_code == 0
    for words in ("mnist-deq-ntk", "cifar10-deq-ntk", "cifar10-cdeq-ntk", "freeze", "--full: 60000/10000", "table 2"):
        assert words in done.stdout


@pytest.mark.parametrize("name", ["mnist-deq-ntk", "cifar10-deq-ntk", "cifar10-cdeq-ntk"])
def test_every_experiment_runs_on_a_machine_without_data(name):
    done = _run(name, *TINY)
    assert done.exit_code == 0, done.output
    assert "digits: 20 training and 10 test images, 1 draw(s), seed 0" in done.stdout
    assert "digits stand in for" in done.stdout
    assert "published" in done.stdout
    assert "binomial standard errors" in done.stdout
    assert "s in all" in done.stdout


def test_the_published_number_stands_beside_the_measured_one(tmp_path):
    path = tmp_path / "found.json"
    done = _run("cifar10-deq-ntk", *TINY, "--draws", 2, "--seed", 7, "--json", path)
    found = json.loads(path.read_text(encoding="utf-8"))
    assert set(found) == {
        "experiment", "title", "source", "data", "sizes", "seed", "regularisation", "dtype", "rows", "checks", "curves",
        "remarks", "seconds", "peak_memory", "versions",
    }  # fmt: skip
    assert found["sizes"] == {"train": 20, "test": 10, "draws": 2}
    assert (found["seed"], found["dtype"], found["regularisation"]) == (7, "float64", 0.0)
    assert [row["published"]["value"] for row in found["rows"]] == [0.5908, 0.5977, 0.5943]
    assert found["rows"][1]["parameters"] == {"weight_variance": 0.6, "input_variance": 0.4, "bias_variance": 0.0}
    for row in found["rows"]:
        assert set(row) == {
            "label", "parameters", "measured", "standard_error", "error_kind", "seconds", "published"
        }  # fmt: skip
        assert 0 <= row["measured"] <= 1
        line = next(line for line in done.stdout.splitlines() if line.startswith(row["label"]))
        assert f"{100 * row['measured']:.2f} ± {100 * row['standard_error']:.2f} %" in line
        assert f"{100 * row['published']['value']:.2f} %" in line
    assert found["seconds"] > 0


def test_json_on_stdout_is_nothing_but_json():
    done = _run("mnist-deq-ntk", *TINY, "--json", "-")
    assert json.loads(done.stdout)["experiment"] == "mnist-deq-ntk"


def test_the_same_seed_is_the_same_result():
    first, second = (json.loads(_run("mnist-deq-ntk", *TINY, "--seed", 5, "--json", "-").stdout) for _ in range(2))
    assert first["rows"][0]["measured"] == second["rows"][0]["measured"]


def test_files_of_a_folder_are_used(tmp_path):
    _write(tmp_path)
    done = _run("mnist-deq-ntk", "--data-dir", tmp_path, "--quiet")
    assert done.exit_code == 0, done.output
    assert "mnist: 30 training and 12 test images" in done.stdout
    assert "stand in" not in done.stdout
    single = _run("mnist-deq-ntk", "--data-dir", tmp_path, "--quiet", "--dtype", "float32", "--regularisation", "0.01")
    assert "regularisation 0.01, float32" in single.stdout


def test_the_whole_set_goes_before_the_subset(tmp_path):
    _write(tmp_path, "cifar10_subset")
    assert load_images(("cifar10", "cifar10_subset"), tmp_path).name == "cifar10_subset"
    _write(tmp_path, "cifar10", y_train=(np.arange(30) % 3)[:, None])
    images = load_images(("cifar10", "cifar10_subset"), tmp_path)
    assert images.name == "cifar10"
    assert images.y_train.shape == (30,)
    assert images.classes == 3
    assert images.train(np.arange(3))[0].max() <= 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x_test": None}, "there is no array 'x_test'"),
        ({"y_train": np.arange(29)}, "30 images and y_train 29 labels"),
        ({"x_test": np.zeros((12, 5, 6))}, r"images of shape \(6, 6, 1\), x_test \(5, 6, 1\)"),
        ({"x_train": np.zeros((30, 36))}, r"x_train must hold numbers of shape \(images, rows, columns\)"),
        ({"x_train": np.zeros((30, 3, 6, 6))}, "x_train must hold numbers"),
        ({"x_train": np.full((30, 6, 6), np.nan)}, "x_train contains NaN"),
        ({"y_test": np.linspace(0, 1, 12)}, "y_test must hold one integer label"),
    ],
)
def test_files_that_are_not_as_described_are_refused(tmp_path, changes, message):
    _write(tmp_path, **changes)
    with pytest.raises(InvalidInput, match=message):
        load_images(["mnist"], tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "no experiment 'nothing'; known: list, mnist-deq-ntk"),
        (["mnist-deq-ntk", "--data-dir", "nowhere"], "data folder nowhere does not exist; check --data-dir"),
        (["mnist-deq-ntk", "--data-dir", "."], "data folder . holds no mnist.npz; leave --data-dir out"),
        (["mnist-deq-ntk", "--figure", "a.svg"], "mnist-deq-ntk has no figure; leave --figure out"),
        (["freeze", "--figure", "a.doc"], "--figure a.doc: the name must end in one of .svg, .png, .pdf"),
        (["freeze", "--figure", "nowhere/a.svg"], "nowhere/a.svg cannot be written: folder"),
        (["mnist-deq-ntk", "--json", "nowhere/a.json"], "nowhere/a.json cannot be written: folder"),
        (["mnist-deq-ntk", "--regularisation", "-1"], "--regularisation -1.0 must be a finite number, at least 0"),
    ],
)
def test_refusals_are_one_line(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    done = _run(*arguments)
    assert done.exit_code == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert message in done.stderr


def test_a_size_that_is_no_number_is_a_usage_error():
    assert _run("mnist-deq-ntk", "--size", "many").exit_code == 64
    assert _run("mnist-deq-ntk", "--size", "3").exit_code == 64


def test_the_figure_of_the_freeze_is_written(tmp_path, monkeypatch):
    short = replace(FREEZE, run=partial(run, depths=(1, 6)))
    monkeypatch.setitem(EXPERIMENTS, "freeze", short)
    path = tmp_path / "freeze.svg"
    done = _run("freeze", *TINY, "--draws", 2, "--figure", path, "--json", tmp_path / "freeze.json")
    found = json.loads((tmp_path / "freeze.json").read_text(encoding="utf-8"))
    verdicts = {check["verdict"] for check in found["checks"]}
    assert done.exit_code == (1 if "fails" in verdicts else 2 if "undecided" in verdicts else 0)
    assert len(found["checks"]) == 7
    assert len(found["curves"]) == 9
    assert {row["parameters"]["depth"] for row in found["rows"]} == {1, 6, None}
    text = path.read_text(encoding="utf-8")
    for words in ("NTK, finite depth", "DEQ-NTK, infinite depth", "weight variance 0.6"):
        assert words in text


def test_experiments_need_no_sympy():
    code = (
        "import sys; from click.testing import CliRunner; from dekderive.cli import main\n"
        "done = CliRunner().invoke(main, ['reproduce', 'mnist-deq-ntk', '--size', '20', '--test-size', '10'])\n"
        "assert done.exit_code == 0, done.output\n"
        "raise SystemExit('sympy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
