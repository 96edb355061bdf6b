"""The committed losses are what their derivations say."""

import runpy
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

from codegen.ledger import compare, steady
from codegen.regenerate import regenerate
from dekderive import losses
from dekderive.certificates import enclose
from dekderive.ledger import intact
from dekderive.programs.loss_text import loss_formulas
from dekderive.symbols import eta, y

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "dekderive/losses"


@pytest.mark.slow
def test_the_committed_losses_are_current_under_two_hash_seeds():
    plans = [regenerate(ROOT, seed, "losses") for seed in (0, 1)]
    assert not [str(finding) for finding in (*compare(plans[0], FOLDER), *steady(plans)) if finding.blocking]
    assert {generated.path for generated in plans[0]} >= {"__init__.py", "_generated/bernoulli.py"}


def test_the_ledger_vouches_for_every_file():
    assert not intact(FOLDER)


FILES = sorted((ROOT / "derivations/losses").glob("*.py"))
MODELS = [model for path in FILES for model in runpy.run_path(str(path)).get("models", ())]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_function_computes_its_formula(model):
    # ball arithmetic on the formula, which knows nothing of how it was printed
    values = {"shape": "5/2", "size": "7/2", "trials": "9", "degrees": "3", "power": "3/2", "width": "3/4"}
    values |= {"below": "-5/4", "above": "1/2"}
    symbols = {s: sp.Rational(values[s.name]) for s, _ in model.parameters}
    record = getattr(losses, model.name)
    points = [sp.Rational(-7, 3), sp.Rational(-1, 1000), sp.Rational(-31, 2)]
    points += [-p for p in points] if record.upper > 0 else []
    for name, formula in loss_formulas(model):
        # log(1 - exp(eta)) of the negative binomial is tiny far out; a sum of losses needs it to an absolute 1e-16
        slack = 1e-16 if name == "value" else 1e-300
        parts = formula if isinstance(formula, tuple) else (formula,)
        for eta_, y_ in ((p, t) for p in points for t in (sp.Rational(0), sp.Rational(3, 5), sp.Rational(1))):
            at = {eta: eta_, y: y_, **symbols}
            printed = getattr(record, name).at({s.name: float(v) for s, v in at.items()})
            for part, value in zip(parts, np.ravel(printed), strict=True):
                if part.is_infinite:
                    assert value == (np.inf if part == sp.oo else -np.inf)
                    continue
                terms = sum(abs(float(enclose(term, at))) for term in sp.Add.make_args(sp.expand(part)))
                assert abs(float(enclose(part - sp.Rational(float(value)), at))) <= 1e-13 * terms + slack, name
