"""The committed losses are what their derivations say."""

from pathlib import Path

from codegen.ledger import compare, steady
from codegen.regenerate import regenerate
from dekderive.ledger import intact

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "dekderive/losses"


def test_the_committed_losses_are_current_under_two_hash_seeds():
    plans = [regenerate(ROOT, seed, "losses") for seed in (0, 1)]
    assert not [str(finding) for finding in (*compare(plans[0], FOLDER), *steady(plans)) if finding.blocking]
    assert {generated.path for generated in plans[0]} >= {"__init__.py", "_generated/bernoulli.py"}


def test_the_ledger_vouches_for_every_file():
    assert not intact(FOLDER)
