"""The meaning check must notice a print that computes something else, and be content with one that does not."""

import re
from fractions import Fraction
from pathlib import Path

import pytest

from codegen.meaning import LIMIT, compare_formulas
from codegen.plan import load_sources
from codegen.points import points
from dekderive.kernels.kernel import Parameter
from dekderive.programs import emit
from dekderive.programs.load import load

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def source():
    (found,) = [source for source in load_sources(ROOT) if source.name == "deq_ntk_relu"]
    return found


@pytest.fixture(scope="module")
def text(source):
    return emit(source.derivation)


def worst(source, text):
    kernel = load(text, source.name)
    return max(compare_formulas(source.derivation, kernel), key=lambda comparison: comparison.units)


def test_the_emitted_text_computes_its_formulas(source, text):
    assert worst(source, text).units < LIMIT


# One wrong sign, constant, function and argument order; each is a plausible slip, and each must be found.
SLIPS = [
    (r"np\.sin\(", "np.cos("),
    (r"np\.pi\b", "3.1415926535"),
    (r"weight_variance \* ", "weight_variance * weight_variance * "),
    (r"return kxx / \(1\.0 - ", "return kxx / (1.0 + "),
]


@pytest.mark.parametrize(("pattern", "replacement"), SLIPS)
def test_a_slip_is_found(source, text, pattern, replacement):
    wrong, count = re.subn(pattern, replacement, text, count=1)
    assert count == 1, "the slip no longer applies; choose another"
    found = worst(source, wrong)
    assert found.units > 1e5
    assert "but the formula is" in str(found)


def test_a_nan_where_the_formula_is_finite_is_found(source, text):
    wrong = re.sub(r"(def readout_diagonal\(.*\):\n)", r'\1    return float("nan")\n', text, count=1)
    assert worst(source, wrong).units == float("inf")


PARAMETERS = (
    Parameter("weight_variance", 0.0, 1.0, 0.6, "", lower_closed=True),
    Parameter("regularisation", 0.0, float("inf"), 1.0, ""),
)


def test_points_lie_in_the_domain_exactly():
    for point in points(PARAMETERS, 200, seed=3):
        exact = {name: Fraction(value) for name, value in point.items()}
        assert exact["kxy"] ** 2 <= exact["kxx"] * exact["kyy"]
        assert exact["cxy"] ** 2 <= exact["cxx"] * exact["cyy"]
        assert exact["mean_x"] ** 2 <= exact["cxx"]
        assert 0 <= exact["weight_variance"] < 1
        assert exact["regularisation"] > 0
        assert 0 <= exact["gap"] <= 2


def test_points_reach_the_boundary_exactly():
    drawn = list(points(PARAMETERS, 50, seed=3))
    ends = {point["kxy"] / (point["kxx"] * point["kyy"]) ** 0.5 for point in drawn if abs(point["correlation"]) == 1.0}
    assert ends == {1.0, -1.0}
    assert 0.0 in {point["angle"] for point in drawn}
    assert 0.0 in {point["weight_variance"] for point in drawn}
