"""The catalogue is complete, its records are consistent, and a verdict means what it says."""

import re

import pytest

from dekderive.citations import cite
from dekderive.errors import InvalidInput, UnknownName
from dekderive.theorems import (
    CATALOGUE,
    PAPERS,
    Basis,
    Counterexample,
    Kind,
    Probe,
    Refutation,
    Standing,
    Theorem,
    by_key,
    select,
)
from dekderive.verdict import Check, Verdict

DECLARATIVE, EQUILIBRIUM, DEKER, IMPLICIT = PAPERS

# Every numbered statement of the texts, as printed.
STATEMENTS = {
    DECLARATIVE: [
        *(f"Theorem {n}" for n in (1, 3, 7, 8, 15)),
        *(f"Proposition {n}" for n in (2, 4, 12, 13, 14)),
        *(f"Corollary {n}" for n in (5, 6, 11)),
        *(f"Definition {n}" for n in (9, 10)),
        "Assumption 2",
        "Appendix H",
        "Figure 2",
    ],
    EQUILIBRIUM: ["Theorem 1", "Theorem 2", "Theorem 3", "Lemma 1", "Definition 3.1", "Remark 2"],
    DEKER: ["Theorem 1", "Theorem A", "Theorem A'", "Theorem B", "Theorem C", "Theorem D", "Nugget"],
    IMPLICIT: ["CK", "NTK"],
}
EQUATIONS = {DECLARATIVE: range(10, 21), EQUILIBRIUM: range(2, 27)}


def of(paper):
    return [theorem for theorem in CATALOGUE if theorem.paper == paper]


@pytest.mark.parametrize(("paper", "number"), [(p, n) for p, numbers in STATEMENTS.items() for n in numbers])
def test_every_statement_is_there(paper, number):
    assert [t.key for t in of(paper) if re.match(rf"{re.escape(number)}(?![\w.'])", t.number)], number


@pytest.mark.parametrize("paper", EQUATIONS)
def test_every_equation_is_covered(paper):
    covered = set()
    for theorem in of(paper):
        for low, high in re.findall(r"\((\d+)\)(?:-\((\d+)\))?", theorem.number):
            covered |= set(range(int(low), int(high or low) + 1))
    assert not set(EQUATIONS[paper]) - covered


def test_theorem_3_plus_is_there_with_its_proof():
    theorem = by_key("kglm/theorem-3-plus")
    assert theorem.standing is Standing.NEW
    assert theorem.basis is Basis.PROOF
    assert "QED" in theorem.proof
    assert not any("Assumption" in hypothesis for hypothesis in theorem.hypotheses)


def test_keys_are_unique_and_grouped_by_paper():
    keys = [theorem.key for theorem in CATALOGUE]
    assert len(set(keys)) == len(keys)
    groups = {theorem.key.partition("/")[0]: theorem.paper for theorem in CATALOGUE}
    assert groups == {"kglm": DECLARATIVE, "deq-ntk": EQUILIBRIUM, "deker": DEKER, "implicit-ck": IMPLICIT}
    assert all(groups[theorem.key.partition("/")[0]] == theorem.paper for theorem in CATALOGUE)


@pytest.mark.parametrize("theorem", CATALOGUE, ids=lambda t: t.key)
def test_a_record_is_readable(theorem):
    texts = theorem.title, theorem.statement, theorem.printed, theorem.proof, theorem.remarks, *theorem.hypotheses
    for text in texts:
        assert not re.search(r"(?<![.):])  ", text), text
        assert not re.search(r"[,.;:][A-Za-z]{3,}", text), text  # a space that was lost where lines were joined
    assert theorem.statement.endswith((".", ")"))
    if theorem.standing.fails:
        assert any(probe.control for probe in theorem.probes), "its wrong form is not tried by the same check"


def test_selection():
    assert select(["kglm/theorem-3", "kglm/theorem-3"]) == (by_key("kglm/theorem-3"),)
    assert set(select(["deq-ntk"])) == set(of(EQUILIBRIUM)) == set(select(paper=EQUILIBRIUM))
    assert select() == CATALOGUE
    for name, hint in (("kglm/theorem-99", "kglm/theorem-3-plus"), ("kg", "deker, deq-ntk, implicit-ck, kglm")):
        with pytest.raises(UnknownName, match=hint):
            select([name])


# ---------------------------------------------------------------------------------------------------------------------
# What a record may say, and what follows from its checks


def result(verdict):
    return lambda: Check("step", "a statement", verdict, "consistent on 10 draws")


def made(kind=Kind.IDENTITY, verdict=Verdict.HOLDS, control=None, **changes):
    parts = {
        "key": "kglm/invented",
        "source": cite(DECLARATIVE),
        "number": "0",
        "title": "Invented",
        "hypotheses": (),
        "printed": "One is one.",
        "standing": Standing.RIGHT,
        "proof": "It is.",
        "basis": Basis.PROOF,
        "probes": (
            Probe(Kind.CERTIFICATE, result(Verdict.HOLDS)),
            Probe(kind, result(verdict), None if control is None else result(control)),
        ),
    }
    return Theorem(**(parts | changes))


def refutation(refuted=True):
    return Counterexample("n = 1", lambda: Refutation(refuted, "it fails"))


CONTRADICTIONS = [
    ({"standing": Standing.WRONG, "corrected": "One is not two."}, "no counterexample"),
    ({"standing": Standing.WRONG, "counterexample": refutation()}, "no correction"),
    ({"counterexample": refutation()}, "is not false"),
    ({"corrected": "One is two."}, "is right, but has a correction"),
    ({"printed": "", "standing": Standing.NEW}, "says nothing"),
    ({"standing": Standing.NEW}, "is not in the paper"),
    ({"probes": ()}, "has no check"),
    ({"proof": ""}, "claims a proof"),
    ({"probes": (Probe(Kind.PROPERTY, result(Verdict.UNDECIDED)),)}, "prove nothing"),
    ({"basis": Basis.EVIDENCE}, "why it is open"),
    ({"open_because": "nobody tried"}, "why it is open"),
]


@pytest.mark.parametrize(("changes", "message"), CONTRADICTIONS)
def test_a_record_that_contradicts_itself_is_refused(changes, message):
    with pytest.raises(InvalidInput, match=message):
        made(**changes)


@pytest.mark.parametrize(
    ("theorem", "true", "evidence"),
    [
        (made(), Verdict.HOLDS, "proved"),
        (made(Kind.PROPERTY, Verdict.UNDECIDED), Verdict.HOLDS, "proved"),
        (made(verdict=Verdict.UNDECIDED), Verdict.UNDECIDED, "undecided"),
        (made(verdict=Verdict.FAILS), Verdict.FAILS, "refuted"),
        (made(Kind.SIMULATION, Verdict.FAILS), Verdict.FAILS, "refuted"),
        (made(Kind.PROPERTY, Verdict.UNDECIDED, control=Verdict.FAILS), Verdict.HOLDS, "proved"),
        (made(Kind.PROPERTY, Verdict.UNDECIDED, control=Verdict.UNDECIDED), Verdict.UNDECIDED, "undecided"),
        (made(control=Verdict.HOLDS), Verdict.UNDECIDED, "undecided"),
        (made(basis=Basis.EVIDENCE, open_because="hard"), Verdict.UNDECIDED, "verified numerically"),
        (made(verdict=Verdict.FAILS, basis=Basis.EVIDENCE, open_because="hard"), Verdict.FAILS, "refuted"),
    ],
)
def test_the_verdict_on_the_true_statement(theorem, true, evidence):
    assessment = theorem.assess()
    assert assessment.true is true
    assert assessment.evidence == evidence
    assert assessment.explanation


def test_the_verdict_on_the_printed_statement():
    wrong = {"standing": Standing.WRONG, "corrected": "One is not two."}
    assert made().assess().printed is Verdict.HOLDS
    assert made(counterexample=refutation(), **wrong).assess().printed is Verdict.FAILS
    assert made(counterexample=refutation(False), **wrong).assess().printed is Verdict.UNDECIDED
    assert made(printed="", standing=Standing.NEW, corrected="One is one.").assess().printed is None
    assert made(verdict=Verdict.UNDECIDED).assess().printed is Verdict.UNDECIDED
