"""The benchmarks of kernel GLMs run on a fresh machine, and count what they say."""

import re
import runpy
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


def test_kernel_logistic_regression_is_the_equilibrium_model(capsys):
    runpy.run_path(str(FOLDER / "klr_is_deq.py"))["main"](["--images", "40"])
    output = capsys.readouterr().out
    assert "40 images, 31,360 pixels; Lipschitz constant 0.1250" in output
    assert "float64: 0 pixels disagree" in output
    assert float(re.search(r"difference of the predictors (\S+)", output)[1]) < 1e-13


def test_the_speed_table_compares_equal_answers(capsys):
    runpy.run_path(str(FOLDER / "kernel_glm_speed.py"))["main"](["--rows", "150", "--images", "5", "--rounds", "1"])
    rows = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines() if re.match(r"\| [0-9.]+ \|", line)]
    assert len(rows) == 6
    assert all(float(row[5]) < 1e-6 for row in rows[:2])
    assert all(int(row[1]) <= 10 for row in rows[:2])
