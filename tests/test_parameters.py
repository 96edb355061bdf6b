"""Parameters: usable names, allow-listed assumptions, one symbol per name."""

import keyword

import pytest
import sympy as sp

from dekderive import symbols
from dekderive.errors import InvalidInput
from dekderive.parameters import parameter


def test_a_parameter_is_the_symbol_a_user_would_have_written():
    # SymPy tells symbols apart by assumptions; positive implies real, so these must be one symbol, not two namesakes.
    assert parameter("shape", positive=True) == sp.Symbol("shape", positive=True)
    assert parameter("shift") == sp.Symbol("shift", real=True)
    assert parameter("count", positive=True, integer=True) == sp.Symbol("count", positive=True, integer=True)


@pytest.mark.parametrize(
    "name", [*symbols.BY_NAME, "relu", "step", "pi", "E", "np", "special", "exp", "lambda", "None"]
)
def test_a_name_with_a_meaning_is_refused(name):
    with pytest.raises(InvalidInput, match="has a meaning here already"):
        parameter(name)


def test_every_python_keyword_is_refused():
    # Parameters become keyword arguments of generated functions.
    for name in keyword.kwlist:
        with pytest.raises(InvalidInput):
            parameter(name)


@pytest.mark.parametrize("name", ["", "1k", "a b", "a-b", "_hidden", "k'", "x;y", 3, None])
def test_what_is_no_identifier_is_refused(name):
    with pytest.raises(InvalidInput, match="use letters, digits"):
        parameter(name)


@pytest.mark.parametrize(
    "assumptions",
    [
        {"prime": True},
        {"commutative": False},
        {"positive": False},
        {"positive": 1},
        {"real": True},
        {"possitive": True},
    ],
)
def test_assumptions_are_allow_listed(assumptions):
    (key,) = assumptions
    with pytest.raises(InvalidInput, match=f"cannot assume {key}=.*use integer, negative"):
        parameter("shape", **assumptions)


def test_contradictory_assumptions_name_the_contradiction():
    with pytest.raises(InvalidInput, match="no real number is negative, positive"):
        parameter("shape", positive=True, negative=True)
