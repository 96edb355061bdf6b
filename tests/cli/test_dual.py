"""``dekderive dual`` from outside: the expectation, its proof, and a module that computes it."""

import json
import runpy

import numpy as np
import pytest

from dekderive.cli import main


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        main(["dual", *arguments], "dekderive")
    output = capsys.readouterr()
    return stop.value.code, output.out, output.err


def test_a_closed_form_and_its_proof(capsys):
    code, out, _ = run(capsys, "relu(z)", "--with", "heaviside(z)")
    assert code == 0
    assert "rules: Stein, orthant" in out
    assert out.count("holds") >= 2
    assert "d/dkxy" in out


def test_what_has_no_closed_form_is_undecided(capsys):
    code, out, _ = run(capsys, "tanh(z)", "--json")
    result = json.loads(out)
    assert code == 2
    assert result["closed"] is False
    assert result["expectation"] is None


def test_the_module_that_is_written_computes_the_expectation(capsys, tmp_path):
    path = tmp_path / "steps.py"
    assert run(capsys, "heaviside(z)", "-o", str(path))[0] == 0
    value = runpy.run_path(str(path))["dual"](np.array([1.0]), np.array([4.0]), np.array([1.0]))
    np.testing.assert_allclose(value, 1 / 3, rtol=1e-15)  # P(u > 0, v > 0) at correlation 1/2
    code, _, err = run(capsys, "heaviside(z)", "-o", str(path))
    assert code == 1
    assert "exists" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["__import__('os')"], "F"), (["exp(z**4)"], "integrable"), (["relu(x)"], "'x'")],
    ids=["unsafe", "divergent", "symbol"],
)
def test_bad_functions_are_one_clear_line(capsys, arguments, said):
    code, out, err = run(capsys, *arguments)
    assert code == 1
    assert out == ""
    assert said in err
    assert err.count("\n") == 1


def test_latex(capsys):
    assert run(capsys, "sign(z)", "--latex")[1].startswith(r"\frac{2 \arcsin")
