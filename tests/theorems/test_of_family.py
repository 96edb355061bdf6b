"""The theorems for a family that is given by its log-partition alone."""

import mpmath
import pytest
import sympy as sp

from dekderive.families import EXAMPLES, Family, bernoulli, by_name, poisson
from dekderive.symbols import eta
from dekderive.theorems import checks_for
from dekderive.theorems.of_family import variance_bound
from dekderive.verdict import Verdict

LINE = sp.Interval.open(-sp.oo, sp.oo)


def family(formula, domain=LINE):
    return Family("mine", sp.sympify(formula, locals={"eta": eta}), domain)


def named(checks):
    return {check.name: check for check in checks}


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_shipped_family_passes(text):
    checks = named(checks_for(by_name(text)))
    assert Verdict.all([c.verdict for c in checks.values()]) is Verdict.HOLDS, checks
    whole = by_name(text).domain == LINE
    assert ("exactly one" in checks["kglm/theorem-3-plus"].statement) == whole
    assert ("deker/theorem-b" in checks) == whole


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("log(1 + exp(eta))", sp.Rational(1, 4)),
        ("log(cosh(eta))", 1),
        ("log(1 + exp(eta) + exp(3*eta))", sp.Rational(9, 4)),  # values 0, 1, 3: a quarter of the squared range
        ("3*eta**2/2", 3),
    ],
)
def test_a_bound_on_the_whole_line(formula, value):
    bound = variance_bound(family(formula))
    assert (bound.value, bound.box, bound.verdict) == (value, None, Verdict.HOLDS)
    contraction = named(checks_for(family(formula)))["kglm/assumption-2"]
    assert contraction.statement.startswith("lam > ||K||" if value == 1 else f"lam > {value} ||K||")
    assert "deker/theorem-a" in named(checks_for(family(formula)))


@pytest.mark.parametrize(
    ("made", "low", "high"),
    [
        (poisson(), -2, 2),
        (family("-log(-eta)", sp.Interval.open(-sp.oo, 0)), -2, -0.5),
        (family("-log(eta)", sp.Interval.open(0, sp.oo)), 0.5, 2),
        (family("-log(1 - eta**2)", sp.Interval.open(-1, 1)), -0.5, 0.5),
        (family("exp(eta) + eta**2"), -2, 2),
    ],
)
def test_a_bound_on_a_box(made, low, high):
    bound = variance_bound(made)
    assert tuple(map(float, bound.box)) == (low, high)
    assert bound.verdict is Verdict.HOLDS
    second = sp.lambdify(eta, made.log_partition.diff(eta, 2), "mpmath")
    largest = max(second(mpmath.mpf(low) + (high - low) * mpmath.mpf(k) / 1000) for k in range(1001))
    assert largest <= bound.value <= largest * 1.01
    assert "deker/theorem-a" not in named(checks_for(made))


def test_a_supremum_inside_the_domain():
    # A'' has its maximum near 2: neither at an end nor at a point of symmetry.
    made = family("log(cosh(eta - 2)) + eta**2/2 + log(1 + exp(eta))")
    bound = variance_bound(made)
    assert bound.verdict is Verdict.HOLDS
    second = sp.lambdify(eta, made.log_partition.diff(eta, 2), "mpmath")
    largest = max(second(mpmath.mpf(k) / 100) for k in range(-500, 501))
    assert largest <= bound.value <= largest * 1.15
    assert bound.box == (-32, 32)


def test_the_gaussian_family_gets_the_theorems_on_relu():
    names = set(named(checks_for(by_name("gaussian"))))
    assert {"deker/theorem-c", "deker/theorem-d", "deker/nugget"} <= names
    assert not {"deker/theorem-c", "deker/theorem-d"} & set(named(checks_for(by_name("gaussian(3/4)"))))
    assert not {"deker/theorem-c", "deker/theorem-d"} & set(named(checks_for(bernoulli())))


def test_convexity_that_is_not_proved_leaves_theorem_3_plus_undecided():
    checks = named(checks_for(family("log(cosh(eta)) + eta**2/2 + cos(eta)/4")))
    assert checks["convex"].verdict is Verdict.UNDECIDED
    assert checks["kglm/theorem-3-plus"].verdict is Verdict.UNDECIDED
    assert "drawn points" in checks["kglm/theorem-3-plus"].detail
    assert "consistent on 3 singular problems" in checks["kglm/theorem-3-plus"].detail
