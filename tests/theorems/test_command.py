"""`dekderive theorems`."""

import json

import pytest
from click.testing import CliRunner

from dekderive.cli import main
from dekderive.commands import theorems as command
from dekderive.theorems import CATALOGUE, PAPERS, Kind, Probe
from dekderive.verdict import Check, Verdict


def run(*arguments):
    return CliRunner().invoke(main, ["theorems", *arguments])


def test_a_row_for_each_statement_and_the_verdict_as_exit_code():
    result = run("deq-ntk/theorem-2", "deq-ntk/equation-24", "--json")
    assert result.exit_code == 0, result.output
    written = json.loads(result.stdout)
    assert written["verdict"] == "holds"
    right, misprint = written["theorems"]
    assert (right["key"], right["standing"]) == ("deq-ntk/theorem-2", "right, and more is true")
    assert right["true"]["verdict"] == right["printed"]["verdict"] == "holds"
    assert right["counterexample"] is None
    assert {check["kind"] for check in right["checks"]} == {"symbolic identity", "certificate", "property test"}
    assert misprint["printed"]["verdict"] == "fails"
    assert misprint["true"]["verdict"] == "holds"
    assert misprint["counterexample"]["numbers"] == {"unrolled": 2.0, "printed": 1.0}
    assert all(control["verdict"] == "fails" for control in misprint["controls"])


def test_without_a_name_there_is_a_row_for_each_statement(monkeypatch):
    import dekderive.theorems as package

    def select(names, paper):
        assert (names, paper) == ((), "feng2021deqntk")
        return package.catalogue.select(["deq-ntk/equation-24", "deq-ntk/remark-2"])

    monkeypatch.setattr(package, "select", select)
    result = run("--paper", "feng2021deqntk", "--quiet")
    assert result.exit_code == 0
    first, second = result.stdout.splitlines()[:2]
    assert first.split()[:5] == ["deq-ntk/equation-24", "printed", "fails", "true", "holds"]
    assert second.split()[:5] == ["deq-ntk/remark-2", "printed", "holds", "true", "holds"]
    assert "2 statements, 1 wrong as printed" in result.stdout


def test_a_name_shows_the_whole_record():
    result = run("kglm/proposition-4")
    assert result.exit_code == 0
    for words in ("printed (fails)", "true (holds, proved)", "1.811590082982", "control, a wrong form", "hypothesis:"):
        assert words in result.stdout


def test_a_statement_without_proof_is_undecided_and_says_why():
    result = run("implicit-ck/code-fourth-power")
    assert result.exit_code == 2
    assert "not proved line by line" in result.stdout


def test_a_failing_check_is_exit_code_1(monkeypatch):
    import dekderive.theorems as package

    broken = Probe(Kind.CERTIFICATE, lambda: Check("broken", "1 = 2", Verdict.FAILS))
    (theorem,) = (t for t in CATALOGUE if t.key == "kglm/definition-10")
    changed = type(theorem)(
        **{name: getattr(theorem, name) for name in theorem.__dataclass_fields__ if name != "probes"},
        probes=(*theorem.probes, broken),
    )
    monkeypatch.setattr(package, "select", lambda names, paper: (changed,))
    result = run()
    assert result.exit_code == 1
    assert "refuted" in result.stdout
    assert "failed: broken" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["kglm/theorem-99"], 1, "no theorem 'kglm/theorem-99'; known: kglm/theorem-1,"),
        (["nothing"], 1, "known: deker, deq-ntk, implicit-ck, kglm"),
        (["--paper", "nobody2020"], 64, "'nobody2020' is not one of"),
        (["--log-partition", "eta**2"], 1, "--family NAME"),
        (["deker", "--family", "poisson"], 1, "leave out NAME"),
        (["--family", "nothing"], 1, "no family 'nothing'"),
    ],
)
def test_refusals(arguments, code, message):
    result = run(*arguments)
    assert result.exit_code == code
    assert message in result.stderr


def test_the_papers_of_the_option_are_those_of_the_catalogue():
    assert command._PAPERS == PAPERS


def test_a_family_of_ones_own():
    result = run("--family", "rate", "--log-partition", "-log(-eta)", "--domain", "(-inf, 0)", "--json")
    assert result.exit_code == 0
    written = json.loads(result.stdout)
    assert written["family"] == "rate"
    statements = {check["name"]: check["statement"] for check in written["checks"]}
    assert statements["kglm/assumption-2"].endswith("for pre-activations in [-2, -1/2]")
    text = run("--family", "bernoulli").stdout
    assert "lam > 1/4 ||K|| makes the DEQ of the kGLM a contraction" in text
