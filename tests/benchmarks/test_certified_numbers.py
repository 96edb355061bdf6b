"""The table of certified numbers is printed, and its reference computes the same expectations."""

import runpy
from fractions import Fraction
from pathlib import Path

import mpmath
import pytest

from dekderive.certificates import enclose_mean

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "certified_numbers.py"


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(SCRIPT))


def test_the_table_has_a_row_for_each_activation(script, capsys):
    script["main"](["--rounds", "1", "--activations", "tanh,gelu"])
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert [row.split("|")[1].strip() for row in rows] == ["activation", "tanh", "gelu"]


def test_the_reference_is_what_is_certified(script):
    for name, (expr, f) in script["ACTIVATIONS"].items():
        value = enclose_mean(expr**2, script["VARIANCE"], radius=Fraction(1, 10**18))
        with mpmath.workdps(25):
            assert abs(value.midpoint - script["reference_mean"](f, 15)) < 1e-14, name


def test_an_unknown_activation_is_refused(script, capsys):
    with pytest.raises(SystemExit):
        script["main"](["--activations", "tahn"])
    assert "known: sigmoid" in capsys.readouterr().err
