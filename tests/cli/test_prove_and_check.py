"""``dekderive prove`` and ``dekderive check`` from outside."""

import json

import pytest
from click.testing import CliRunner

from dekderive.cli import main


def run(*arguments):
    result = CliRunner().invoke(main, arguments)
    return result.exit_code, result.output


def prove(*arguments):
    # Group.main turns return values into exit codes only outside of tests: read the JSON.
    return run("prove", *arguments)


def test_a_true_bound_becomes_a_certificate_that_checks(tmp_path):
    path = tmp_path / "bound.json"
    _, text = prove("expit(z)*expit(-z)", "--on", "z=-inf,inf", "--at-most", "0.251", "-o", str(path))
    assert text.startswith("holds")
    _, text = run("check", str(path), "--json")
    assert json.loads(text)[str(path)]["holds"] is True


def test_a_false_bound_ends_with_a_point(tmp_path):
    path = tmp_path / "bound.json"
    _, text = prove("x*y", "--on", "x=0,1", "--on", "y=0,1", "--at-most", "9/10", "--json", "-o", str(path))
    result = json.loads(text)
    assert result["verdict"] == "fails"
    x, y = (eval(result["point"][name]) for name in "xy")
    assert x * y > 0.9
    assert not path.exists()


def test_what_cannot_be_decided_names_the_piece():
    _, text = prove("4*x*(1-x)-cos(x-1/2)", "--on", "x=0,1", "--at-most", "0")
    assert text.startswith("undecided")
    assert "resists on" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["x", "--on", "x"], "NAME=LOW,HIGH"),
        (["x", "--on", "x=1,0", "--at-most", "1"], "empty"),
        (["x", "--on", "x=0,1", "--at-most", "one"], "not a number"),
        (["y", "--on", "x=0,1", "--at-most", "1"], "'y'"),
        (["x", "--on", "x=0,1"], "at_most"),
    ],
    ids=["range", "empty", "number", "symbol", "bound"],
)
def test_bad_input_is_one_clear_line(arguments, said, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["prove", *arguments], "dekderive")
    assert stop.value.code in (1, 64)
    assert said in capsys.readouterr().err


def test_check_tells_a_proof_from_a_file(tmp_path, capsys):
    path = tmp_path / "nothing.json"
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(SystemExit) as stop:
        main(["check", str(path)], "dekderive")
    assert stop.value.code == 1
    assert "NOT PROVED" in capsys.readouterr().out


def test_check_without_files_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["check"], "dekderive")
    assert stop.value.code == 64
    assert "--shipped" in capsys.readouterr().err
