"""The committed activations and scalars of equivalents are what their derivations say."""

import runpy
from pathlib import Path

import pytest

from codegen.ledger import compare, steady
from codegen.regenerate import regenerate
from dekderive.ledger import intact
from dekderive.verdict import Verdict

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "dekderive/equivalents/activations"


def test_the_files_are_intact():
    assert intact(FOLDER) == ()


@pytest.mark.slow
def test_the_committed_activations_are_current_under_two_hash_seeds():
    plans = [regenerate(ROOT, seed, "equivalents") for seed in (0, 1)]
    assert steady(plans) == ()
    blocking = [finding for finding in compare(plans[0], FOLDER) if finding.blocking]
    assert not blocking, "\n".join(map(str, blocking))


def test_the_derivation_of_the_scalars_holds():
    checks = runpy.run_path(str(ROOT / "derivations/equivalents/scalars.py"))["checks"]
    assert len(checks) == 6
    for check in checks:
        assert check.verdict is Verdict.HOLDS, check
