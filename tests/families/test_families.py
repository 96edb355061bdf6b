import mpmath
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from dekderive import families
from dekderive.certificates import enclose
from dekderive.errors import InvalidInput, UnknownName
from dekderive.families import EXAMPLES, by_name
from dekderive.kernels import special
from dekderive.parameters import parameter
from dekderive.symbols import eta
from dekderive.verdict import Verdict

oo = mpmath.inf
real = sp.Interval.open(-sp.oo, sp.oo)
negative = sp.Interval.open(-sp.oo, 0)
density = {  # text -> (carrier h, support or None for {0, 1, ...}, statistic): the distributions themselves
    "bernoulli": (lambda y: 1, [0, 1], None),
    "binomial(10)": (lambda y: mpmath.binomial(10, y), range(11), None),
    "poisson": (lambda y: 1 / mpmath.factorial(y), None, None),
    "negative_binomial(7/2)": (lambda y: mpmath.gamma(y + 3.5) / mpmath.gamma(3.5) / mpmath.factorial(y), None, None),
    "geometric": (lambda y: 1, None, None),
    "rademacher": (lambda y: 0.5, [-1, 1], None),
    "gaussian": (lambda y: mpmath.npdf(y), (-oo, oo), None),
    "gaussian(3/4)": (lambda y: mpmath.npdf(y, 0, mpmath.sqrt(0.75)), (-oo, oo), None),
    "gamma(5/2)": (lambda y: y**1.5 / mpmath.gamma(2.5), (0, oo), None),
    "exponential": (lambda y: 1, (0, oo), None),
    "half_normal": (lambda y: 2 / mpmath.sqrt(mpmath.pi) / mpmath.sqrt(2), (0, oo), lambda y: y**2),
    "chi(3)": (lambda y: 4 * y**2 / mpmath.sqrt(mpmath.pi) / 2**1.5, (0, oo), lambda y: y**2),
    "inverse_gaussian(2)": (lambda y: mpmath.sqrt(1 / (mpmath.pi * y**3)) * mpmath.exp(-1 / y), (0, oo), None),
    "continuous_bernoulli": (lambda y: 1, (0, 1), None),
    "truncated_normal": (lambda y: mpmath.npdf(y), (0, oo), None),
    "langevin": (lambda y: 0.5, (-1, 1), None),
    "von_mises": (lambda y: 1 / mpmath.pi, (0, mpmath.pi), mpmath.cos),
}
POINTS = (sp.Rational(-3, 2), sp.Rational(-1, 3))


@pytest.mark.parametrize("text", EXAMPLES)
@pytest.mark.parametrize("point", POINTS, ids=str)
def test_the_log_partition_normalises_the_distribution(text, point):
    """A, its mean and its variance, against sums or integrals over the carrier measure."""
    carrier, support, statistic = density[text]
    statistic = statistic or (lambda y: y)
    family = by_name(text)
    with mpmath.workdps(30):
        e = mpmath.mpf(point.p) / point.q

        def moment(k):
            def term(y):
                return carrier(y) * statistic(y) ** k * mpmath.exp(e * statistic(y))

            if support is None:
                return mpmath.nsum(lambda y: term(y), [0, oo])
            if isinstance(support, tuple):
                low, high = support
                return mpmath.quad(term, [low, *([1] if low < 1 < high else []), *([6] if high == oo else []), high])
            return mpmath.fsum(term(y) for y in support)

        total, first, second = (moment(k) for k in range(3))
        expected = mpmath.log(total), first / total, second / total - (first / total) ** 2
        found = [enclose(f, {eta: point}).midpoint for f in (family.log_partition, family.mean, family.variance)]
        for value, exact in zip(found, expected, strict=True):
            assert abs(value - exact) < mpmath.mpf(10) ** -12 * (1 + abs(exact))


FACTS = {  # sup A'', range of A, mean domain, even
    "gaussian": (1, sp.Interval(0, sp.oo), real, True),
    "gaussian(3/4)": (sp.Rational(3, 4), sp.Interval(0, sp.oo), real, True),
    "bernoulli": (sp.Rational(1, 4), sp.Interval.open(0, sp.oo), sp.Interval.open(0, 1), False),
    "binomial(10)": (sp.Rational(5, 2), sp.Interval.open(0, sp.oo), sp.Interval.open(0, 10), False),
    "poisson": (sp.oo, sp.Interval.open(0, sp.oo), sp.Interval.open(0, sp.oo), False),
    "gamma(5/2)": (sp.oo, real, sp.Interval.open(0, sp.oo), False),
    "exponential": (sp.oo, real, sp.Interval.open(0, sp.oo), False),
    "half_normal": (sp.oo, real, sp.Interval.open(0, sp.oo), False),
    "chi(3)": (sp.oo, real, sp.Interval.open(0, sp.oo), False),
    "negative_binomial(7/2)": (sp.oo, sp.Interval.open(0, sp.oo), sp.Interval.open(0, sp.oo), False),
    "geometric": (sp.oo, sp.Interval.open(0, sp.oo), sp.Interval.open(0, sp.oo), False),
    "rademacher": (1, sp.Interval(0, sp.oo), sp.Interval.open(-1, 1), True),
    "inverse_gaussian(2)": (sp.oo, negative, sp.Interval.open(0, sp.oo), False),
    "continuous_bernoulli": (sp.Rational(1, 12), real, sp.Interval.open(0, 1), False),
    "truncated_normal": (1, real, sp.Interval.open(0, sp.oo), False),
    "langevin": (sp.Rational(1, 3), sp.Interval(0, sp.oo), sp.Interval.open(-1, 1), True),
    "von_mises": (sp.Rational(1, 2), sp.Interval(0, sp.oo), sp.Interval.open(-1, 1), True),
}


@pytest.mark.parametrize("text", EXAMPLES)
def test_facts_of_the_literature(text):
    family = by_name(text)
    supremum, values, means, even = FACTS[text]
    assert family.sup_variance == supremum
    assert family.log_partition_range == values
    assert family.mean_domain == means
    assert family.is_even is even


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_supremum_is_a_bound_and_is_approached(text):
    family = by_name(text)
    top = family.sup_variance
    line = [sp.Rational(p, 3) for p in range(-60, 61) if sp.Rational(p, 3) in family.domain]
    near_end = [-sp.Rational(1, 10**6)] if family.domain.end == 0 else [sp.Integer(30), sp.S.Zero]
    largest = max(enclose(family.variance, {eta: p}).upper for p in line + near_end)
    if top == sp.oo:
        assert largest > 100
    else:
        with mpmath.workdps(50):
            exact = mpmath.mpf(top.p) / top.q
            assert largest <= exact + mpmath.mpf(10) ** -30
            assert largest > exact - mpmath.mpf(10) ** -3


@pytest.mark.parametrize("text", EXAMPLES)
def test_no_check_fails(text):
    checks = by_name(text).checks()
    assert {c.name for c in checks} == {"mean", "variance", "convex", "supremum of the variance"}
    assert all(c.verdict is not Verdict.FAILS for c in checks)
    assert all("undefined" not in c.detail for c in checks)


@given(
    st.sampled_from(EXAMPLES),
    st.fractions(-12, -1 / 64, max_denominator=64),
    st.fractions(1 / 64, 8, max_denominator=64),
)
def test_the_mean_increases(text, point, distance):
    family = by_name(text)
    other = point + distance if family.domain.end == sp.oo else point / (1 + distance)
    assert enclose(family.mean, {eta: point}).upper < enclose(family.mean, {eta: other}).lower


@given(st.sampled_from(EXAMPLES), st.fractions(-10, -1 / 16, max_denominator=32))
def test_the_variance_is_the_derivative_of_the_mean(text, point):
    family = by_name(text)
    h = sp.Rational(1, 10**12)
    point = sp.Rational(point.numerator, point.denominator)
    left, right, value = (
        enclose(f, {eta: p}, 200).midpoint
        for f, p in ((family.mean, point - h), (family.mean, point + h), (family.variance, point))
    )
    with mpmath.workdps(60):
        quotient = (right - left) / (2 * mpmath.mpf(h.p) / h.q)
        # The third derivative of the mean is below 1e7 for every family this far from 0.
        assert abs(quotient - value) < mpmath.mpf(10) ** -16 * (1 + abs(value))


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("geometric", "-1e-9"),
        ("geometric", "-700"),
        ("continuous_bernoulli", "1e-7"),
        ("rademacher", "30"),
        ("bernoulli", "40"),
        ("von_mises", "1e-6"),
    ],
)
def test_digits_survive_in_double_precision(text, point):
    """The forms that users and generated code evaluate, near the ends of the domain."""
    functions = [{name: getattr(special, name) for name in dir(special) if not name.startswith("_")}, "numpy"]
    family = by_name(text)
    for expr in (family.mean, family.variance):
        exact = enclose(expr, {eta: sp.Rational(point)})
        assert sp.lambdify(eta, expr, functions)(float(point)) == pytest.approx(float(exact), rel=1e-13)


# ---- parameters and names --------------------------------------------------------------------------------------------


def test_a_symbolic_parameter_is_declared_and_carried():
    k = parameter("k", positive=True)
    family = families.gamma(k)
    assert family.parameters == (k,)
    assert family.mean == -k / eta
    assert families.gaussian(k).sup_variance == k
    n = parameter("n", positive=True, integer=True)
    assert families.binomial(n).mean_domain == sp.Interval.open(0, n)
    assert families.binomial(n).sup_variance == n / 4


def test_families_are_values():
    assert by_name("gamma(5/2)") == families.gamma(sp.Rational(5, 2))
    assert hash(by_name("gamma(2.5)")) == hash(by_name("gamma(5/2)"))
    assert by_name("gamma(5/2)") != by_name("gamma(3)")
    assert by_name("ising") == by_name(" Rademacher ") == families.ising()
    assert by_name("gaussian(2)").name == "gaussian_2"
    assert by_name("gamma(5/2)").name == "gamma_5_2"


@pytest.mark.parametrize("text", ["beta", "gamma(2", "gamma)2(", "", "__import__('os')", "gamma(2)(3)", "poisson; x"])
def test_unknown_names_are_listed(text):
    with pytest.raises(UnknownName, match=r"no family .* known: bernoulli, binomial"):
        by_name(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("binomial", "takes 1 parameter"),
        ("poisson(3)", "takes 0 parameter"),
        ("binomial(1, 2)", "takes 1 parameter"),
        ("binomial(x)", "'x' in 'binomial(x)' is not a number"),
        ("gamma(1/0)", "is not a number"),
        ("gamma(1e9)", "is not a number"),
        ("binomial(5/2)", "must be a positive whole number, got 5/2"),
        ("binomial(0)", "must be a positive whole number, got 0"),
        ("gamma(-1)", "must be a positive number, got -1"),
    ],
)
def test_bad_parameters_are_refused(text, message):
    with pytest.raises(InvalidInput, match=message.replace("(", r"\(").replace(")", r"\)")):
        by_name(text)


def test_symbols_and_floats_as_parameters_are_checked():
    with pytest.raises(InvalidInput, match=r"dekderive.parameter\('k', positive=True\)"):
        families.gamma(sp.Symbol("k"))
    with pytest.raises(InvalidInput, match="positive=True, integer=True"):
        families.binomial(parameter("k", positive=True))
    with pytest.raises(InvalidInput, match=r"0\.5 is not an exact real number"):
        families.gamma(0.5)
