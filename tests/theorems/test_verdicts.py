"""Every statement is examined: what is wrong fails, what is proved holds, what is open says why, and controls fail."""

import functools
import json

import pytest

from dekderive.commands.theorems import _record
from dekderive.theorems import CATALOGUE, Basis, by_key
from dekderive.verdict import Verdict

KEYS = [theorem.key for theorem in CATALOGUE]
# What no proof is known of here; anything else must hold.
OPEN = {
    "implicit-ck/ck-equivalent",
    "implicit-ck/ntk-equivalent",
    "implicit-ck/code-fourth-power",
    "implicit-ck/code-centred-traces",
    "implicit-ck/explicit-recursion",
}
# The statements that the audit found to be false, and no others.
FALSE = {
    "kglm/figure-2", "kglm/equation-5", "kglm/equation-6", "kglm/assumption-2", "kglm/proposition-4",
    "kglm/section-3.3-normalisation", "kglm/appendix-h", "kglm/appendix-a-minimality", "kglm/appendix-c-partition",
    "kglm/equation-12", "kglm/equation-14", "kglm/equation-17", "kglm/equation-18", "kglm/definition-9",
    "kglm/corollary-11", "kglm/appendix-f-kernel", "kglm/section-3.3-convolution-norm", "kglm/proposition-12",
    "kglm/appendix-i-coarse", "kglm/proposition-14",
    "deq-ntk/section-3.1-layer", "deq-ntk/theorem-1", "deq-ntk/theorem-2-proof", "deq-ntk/equation-13",
    "deq-ntk/equation-14", "deq-ntk/equations-18-20", "deq-ntk/equation-26", "deq-ntk/appendix-b-normalisation",
    "deq-ntk/theorem-3", "deq-ntk/equation-24", "deq-ntk/appendix-b.1-iterations", "deq-ntk/appendix-b.1-size",
    "deker/mean-terms", "implicit-ck/code-fourth-power", "implicit-ck/code-centred-traces",
}  # fmt: skip


@functools.cache
def assessed(key):
    return by_key(key).assess()


@pytest.mark.parametrize("key", KEYS)
def test_the_true_statement(key):
    assessment = assessed(key)
    assert assessment.true is (Verdict.UNDECIDED if key in OPEN else Verdict.HOLDS), assessment.explanation
    assert assessment.evidence == ("verified numerically" if key in OPEN else "proved")


@pytest.mark.parametrize("key", KEYS)
def test_the_printed_statement(key):
    assessment = assessed(key)
    assert (assessment.printed is Verdict.FAILS) == (key in FALSE)
    assert by_key(key).standing.fails == (key in FALSE)


@pytest.mark.parametrize("key", KEYS)
def test_wrong_forms_fail_the_same_checks(key):
    for control in assessed(key).controls:
        assert control.verdict is Verdict.FAILS, control


@pytest.mark.parametrize("key", KEYS)
def test_draws_prove_nothing_and_proofs_are_decided(key):
    assessment = assessed(key)
    for probe, check in zip(by_key(key).probes, assessment.checks, strict=True):
        if probe.kind.proves:
            assert check.verdict is Verdict.HOLDS, check
        else:
            assert check.verdict is Verdict.UNDECIDED, check
            assert check.detail.startswith("consistent on "), check


@pytest.mark.parametrize("key", sorted(OPEN))
def test_what_is_open_says_why_and_what_was_measured(key):
    explanation = assessed(key).explanation
    assert by_key(key).basis is Basis.EVIDENCE
    assert explanation.startswith("derived by an entrywise expansion")
    assert "consistent on 6 mixtures" in explanation


@pytest.mark.parametrize("key", KEYS)
def test_every_assessment_can_be_written_as_json(key):
    written = json.loads(json.dumps(_record(assessed(key))))
    assert written["key"] == key
    assert (written["counterexample"] is not None) == (key in FALSE)


def test_numbers_of_a_refutation_are_numbers():
    for key in sorted(FALSE):
        refutation = assessed(key).refutation
        assert refutation.refuted
        assert refutation.numbers, key
        for value in refutation.numbers.values():
            assert isinstance(value, float), (key, value)
