"""Families that users write themselves, and what the constructor refuses."""

import mpmath
import pytest
import sympy as sp

from dekderive.atoms import expit, softplus
from dekderive.certificates import enclose
from dekderive.errors import InvalidInput, NoClosedForm, UndeclaredSymbol, UnprintableNode
from dekderive.families.family import Family
from dekderive.parameters import parameter
from dekderive.symbols import eta, y, z

real = sp.Interval.open(-sp.oo, sp.oo)
negative = sp.Interval.open(-sp.oo, 0)


def borel() -> Family:
    """Total progeny of a branching process: P(n) = e^{-mu n} (mu n)^{n-1} / n!, n >= 1; eta = log(mu) - mu."""
    return Family("borel", sp.log(-sp.LambertW(-sp.exp(eta))), sp.Interval.open(-sp.oo, -1))


def test_borel_normalises_its_distribution():
    family = borel()
    with mpmath.workdps(35):
        mu = mpmath.mpf(2) / 5
        point = mpmath.log(mu) - mu
        terms = [mpmath.exp(point * n + (n - 1) * mpmath.log(n) - mpmath.loggamma(n + 1)) for n in range(1, 600)]
        total = mpmath.fsum(terms)
        log_total = mpmath.log(total)
        mean = mpmath.fsum(n * t for n, t in enumerate(terms, 1)) / total
        variance = mpmath.fsum(n * n * t for n, t in enumerate(terms, 1)) / total - mean**2
    exact = sp.log(sp.Rational(2, 5)) - sp.Rational(2, 5)
    for expr, expected in ((family.log_partition, log_total), (family.mean, mean), (family.variance, variance)):
        with mpmath.workdps(35):
            assert abs(enclose(expr, {eta: exact}).midpoint - expected) < mpmath.mpf(10) ** -25 * (1 + abs(expected))


def test_borel_is_derived_like_a_shipped_family():
    family = borel()
    assert family.mean == 1 / (1 + sp.LambertW(-sp.exp(eta)))
    assert family.mean_domain == sp.Interval.open(1, sp.oo)
    assert family.log_partition_range == negative
    assert family.sup_variance == sp.oo


def test_a_minimum_away_from_zero():
    family = Family("shifted", eta**2 / 2 + eta, real)
    assert family.stationary_point == -1
    assert family.log_partition_range == sp.Interval(-sp.Rational(1, 2), sp.oo)
    assert not family.is_even


def test_a_maximal_variance_at_no_special_point_is_not_guessed():
    # A Poisson limit on one side and a sum of two Bernoullis: the peak of A'' is at neither end nor at 0.
    family = Family("two", softplus(eta) + softplus(2 * eta - 3), real)
    with pytest.raises(NoClosedForm, match="neither at an end"):
        _ = family.sup_variance
    assert any("neither at an end" in c.detail for c in family.checks())


def test_plain_functions_are_recognised_as_atoms():
    family = Family("plain", sp.log(1 + sp.exp(eta)), real)
    assert family.mean == expit(eta)


@pytest.mark.parametrize(
    ("log_partition", "message"),
    [
        (sp.exp(sp.Symbol("eta")), r"import dekderive\.symbols\.eta instead"),
        (0.5 * eta**2, "float 0.5"),
        (eta**2 * sp.Dummy("c"), "the dummy symbol _c"),
        (sp.Symbol("k", positive=True) * eta**2, "'k', which is not declared; known: eta"),
        (sp.exp(z), "'z', which is not declared"),
        ("import os", "not an expression"),
    ],
    ids=str,
)
def test_strangers_in_the_log_partition(log_partition, message):
    if isinstance(log_partition, str):
        log_partition = sp.true
    with pytest.raises(UndeclaredSymbol, match=message):
        Family("mine", log_partition, real)


def test_a_parameter_with_other_assumptions_is_a_stranger():
    with pytest.raises(UndeclaredSymbol, match="'k' with other assumptions"):
        Family("mine", sp.Symbol("k", positive=True) * eta**2, real, parameters=(parameter("k"),))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ((sp.Symbol("k"),), "not a real symbol"),
        ((sp.Symbol("kxx", positive=True),), "canonical"),
        ((parameter("k"), parameter("k", positive=True)), "same name"),
        ((sp.Dummy("k", real=True),), "not a real symbol"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(UndeclaredSymbol, match=message):
        Family("mine", eta**2, real, parameters=parameters)


@pytest.mark.parametrize(
    ("log_partition", "domain", "message"),
    [
        (-(eta**2), real, "not strictly convex: A'' = -2"),
        (3 * eta, real, "not strictly convex: A'' = 0"),
        (eta**3, real, "not strictly convex"),
        (sp.Integer(7), real, "does not depend on eta"),
        (-sp.log(-eta), real, "not a real number at eta = 2/5"),
        (eta**2, sp.Interval(-1, 1), "open interval"),
        (eta**2, sp.Interval.open(0, z), "open interval"),
        (eta**2, sp.FiniteSet(1), "open interval"),
    ],
    ids=str,
)
def test_what_is_not_a_log_partition(log_partition, domain, message):
    with pytest.raises(InvalidInput, match=message):
        Family("mine", log_partition, domain)


def test_text_is_not_evaluated():
    with pytest.raises(InvalidInput, match="the log-partition is .* not an expression"):
        Family("mine", "__import__('os').getcwd()", real)


@pytest.mark.parametrize("name", ["", "binomial(10)", "my family", 3])
def test_the_name_must_be_an_identifier(name):
    with pytest.raises(InvalidInput, match="cannot name a family"):
        Family(name, eta**2, real)


def test_a_function_without_enclosure_is_named():
    with pytest.raises(UnprintableNode, match="airyai"):
        Family("mine", sp.airyai(eta), real)


def test_the_statistic_is_checked_too():
    assert Family("mine", eta**2, real, statistic=y**2).statistic == y**2
    with pytest.raises(UndeclaredSymbol, match=r"import dekderive\.symbols\.y"):
        Family("mine", eta**2, real, statistic=sp.Symbol("y"))


def test_a_family_prints_its_formula():
    assert repr(Family("mine", eta**2, real)) == "<Family mine: A = eta**2 on Interval(-oo, oo)>"
