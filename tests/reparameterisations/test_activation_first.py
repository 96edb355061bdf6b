"""Natural maps of wanted activations: the table of R and slope, and when there is none."""

import mpmath
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mpf

from dekderive.atoms import elu, expit, gelu, leaky_relu, log_cosh, log_softplus, ndtr, relu, silu, softplus, step
from dekderive.certificates import enclose
from dekderive.errors import DomainError, InvalidInput, NoClosedForm, NotIntegrable, UndeclaredSymbol
from dekderive.families import (
    Family,
    bernoulli,
    binomial,
    chi,
    continuous_bernoulli,
    gamma,
    gaussian,
    geometric,
    half_normal,
    inverse_gaussian,
    langevin,
    negative_binomial,
    poisson,
    rademacher,
    truncated_normal,
    von_mises,
)
from dekderive.implicit import inverse_log_partition
from dekderive.parameters import parameter
from dekderive.reparameterisations import admissible_constants, antiderivative, from_activation
from dekderive.symbols import eta, z

R = sp.Rational
m = mpmath
k = parameter("k", positive=True)
POINTS = (R(-9, 4), R(-2, 7), R(1, 3), R(13, 5))
open_line = sp.Interval.open(-sp.oo, sp.oo)


def level(activation, constant, s):
    """S + c0 by mpmath: the antiderivatives again, written by hand."""
    by_hand = {
        expit(z): lambda t: m.log1p(m.exp(t)),
        ndtr(z): lambda t: t * m.ncdf(t) + m.npdf(t),
        relu(z): lambda t: max(t, mpf(0)) ** 2 / 2,
        sp.erf(z): lambda t: t * m.erf(t) + m.exp(-t * t) / m.sqrt(m.pi),
        sp.tanh(z): lambda t: m.log(m.cosh(t)),
    }
    return by_hand[activation](s) + mpf(constant.p) / constant.q


# The table: R as a function of w = S + c0, and the slope as a function of w, R and the activation s.
TABLE = {
    "Gaussian": (gaussian(), lambda w: m.sqrt(2 * w), lambda w, r, s: s / r),
    "Bernoulli": (bernoulli(), lambda w: m.log(m.expm1(w)), lambda w, r, s: s / -m.expm1(-w)),
    "binomial": (binomial(4), lambda w: m.log(m.expm1(w / 4)), lambda w, r, s: s / 4 / -m.expm1(-w / 4)),
    "Poisson": (poisson(), m.log, lambda w, r, s: s / w),
    "gamma": (gamma(R(5, 2)), lambda w: -m.exp(-w / 2.5), lambda w, r, s: s / 2.5 * m.exp(-w / 2.5)),
    "negative binomial": (
        negative_binomial(3),
        lambda w: m.log(-m.expm1(-w / 3)),
        lambda w, r, s: s / (3 * m.expm1(w / 3)),
    ),
    "Rademacher": (rademacher(), lambda w: m.acosh(m.exp(w)), lambda w, r, s: s / m.tanh(r)),
}


# The limits of this family are searched for tens of seconds where the activation is no rational function of exp(z).
STEEP = {("negative binomial", f) for f in (ndtr(z), relu(z), sp.erf(z))}
ROWS = [(n, f) for f in (expit(z), ndtr(z), relu(z), sp.erf(z), sp.tanh(z)) for n in TABLE]


@pytest.mark.parametrize(
    ("name", "activation"),
    [pytest.param(*row, marks=[pytest.mark.slow] if row in STEEP else []) for row in ROWS],
    ids=[f"{f}-{n}" for n, f in ROWS],
)
def test_the_table(name, activation):
    family, natural_map, slope = TABLE[name]
    constant = R(3, 4)  # admissible for all of them, with no contact
    link = from_activation(family, activation, constant)
    for point in POINTS:
        with m.workdps(45):
            w = level(activation, constant, mpf(point.p) / point.q)
            r = natural_map(w)
            s = enclose(activation, {z: point}, 200).midpoint
            expected = (r, slope(w, r, s), s)
            found = [enclose(f, {z: point}, 200).midpoint for f in (link.natural_map, link.slope, link.activation)]
            for value, exact in zip(found, expected, strict=True):
                assert abs(value - exact) < mpf(10) ** -25 * (1 + abs(exact))


def test_the_inverse_gaussian_row():
    link = from_activation(inverse_gaussian(3), -expit(z), constant=R(-1, 2))
    assert sp.expand(link.natural_map + (softplus(z) + R(1, 2)) ** 2 / 6) == 0
    assert sp.expand(link.slope + (softplus(z) + R(1, 2)) * expit(z) / 3) == 0


@pytest.mark.parametrize(
    ("family", "activation", "natural_map"),
    [
        (gaussian(), z, z),  # not |z|
        (gaussian(k), z, z / sp.sqrt(k)),
        (gaussian(), relu(z), relu(z)),
        (gaussian(), leaky_relu(z, R(1, 4)), relu(z) - relu(-z) / 2),
        (gaussian(), z**3, z**2 / sp.sqrt(2)),  # z |z| / sqrt(2) would only be once differentiable
        (gaussian(), relu(z) ** 3, relu(z) ** 2 / sp.sqrt(2)),
        (bernoulli(), expit(z), z),
        (binomial(7), 7 * expit(z), z),
        (poisson(), sp.exp(z), z),
        (poisson(), expit(z), log_softplus(z)),
        (poisson(), sp.sinh(z), log_cosh(z)),
        (gamma(k), k, -sp.exp(-z)),
        (gamma(k), z, -sp.exp(-(z**2) / (2 * k))),
        (gamma(k), relu(z), -sp.exp(-(relu(z) ** 2) / (2 * k))),
        (chi(3), sp.Integer(3), -sp.exp(-2 * z) / 2),
        (half_normal(), sp.S.One, -sp.exp(-2 * z) / 2),
        (negative_binomial(k), k * expit(z), -softplus(-z)),
        (geometric(), expit(z), -softplus(-z)),
        (rademacher(), sp.tanh(z), z),
        (inverse_gaussian(), -expit(z), -(softplus(z) ** 2) / 2),
    ],
    ids=str,
)
def test_known_links_come_back(family, activation, natural_map):
    link = from_activation(family, activation)
    assert link.natural_map == natural_map
    assert link.activation == activation


@pytest.mark.parametrize(
    ("family", "activation", "constant"),
    [(gaussian(), sp.tanh(z), None), (rademacher(), sp.erf(z), -1 / sp.sqrt(sp.pi))],
    ids=str,
)
def test_the_branch_changes_where_that_is_smooth(family, activation, constant):
    """R is odd, and increases through 0 with the slope sqrt(S''(0) / A''(0))."""
    link = from_activation(family, activation, constant)
    assert constant is None or admissible_constants(family, activation).start == constant
    assert sp.simplify(link.natural_map.subs(z, -z) + link.natural_map) == 0
    limit = sp.sqrt(activation.diff(z).subs(z, 0) / family.variance.subs(eta, 0))
    for point in (R(-1, 10**9), R(1, 10**9)):
        assert float(enclose(link.slope - limit, {z: point})) == pytest.approx(0, abs=1e-15)


def test_a_wave_stays_on_one_branch():
    link = from_activation(gaussian(), sp.sin(z))
    assert admissible_constants(gaussian(), sp.sin(z)) == sp.Interval(1, sp.oo)
    assert float(enclose(link.natural_map, {z: 5})) == pytest.approx(2 * abs(float(sp.sin(R(5, 2)))))


# ---- numerical inverses ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "log_partition", "activation"),
    [
        (continuous_bernoulli(), lambda e: m.log(m.expm1(e) / e), relu(z)),
        (truncated_normal(), lambda e: e * e / 2 + m.log(m.ncdf(e)), ndtr(z)),
        (von_mises(), lambda e: m.log(m.besseli(0, e)), expit(z)),
        (langevin(), lambda e: m.log(m.sinh(e) / e), sp.erf(z)),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_where_there_is_no_formula_the_inverse_is_a_node(family, log_partition, activation):
    link = from_activation(family, activation, constant=1)
    assert isinstance(link.natural_map, inverse_log_partition)
    assert link.activation == activation
    with m.workdps(40):
        for point in POINTS:
            w = level(activation, sp.S.One, mpf(point.p) / point.q)
            r, slope, s = (enclose(f, {z: point}).midpoint for f in (link.natural_map, link.slope, activation))
            assert abs(log_partition(r) - w) < mpf(10) ** -30 * (1 + abs(w))
            assert abs(slope * m.diff(log_partition, r) - s) < mpf(10) ** -25


def test_a_numerical_inverse_changes_branch_too():
    link = from_activation(von_mises(), sp.tanh(z))
    assert link.natural_map == sp.sign(z) * inverse_log_partition(family_log_i0(), 0, sp.oo, log_cosh(z))
    assert float(enclose(link.slope, {z: R(1, 10**6)})) == pytest.approx(2**0.5, rel=1e-9)


def family_log_i0():
    return von_mises().log_partition


def test_a_numerical_inverse_needs_numbers():
    mine = Family("mine", k * (sp.log(sp.cosh(eta)) + eta**2), open_line, parameters=(k,))
    with pytest.raises(NoClosedForm, match="give k a value"):
        from_activation(mine, expit(z))


# ---- conditions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "activation", "allowed"),
    [
        (gaussian(), ndtr(z), sp.Interval(0, sp.oo)),
        (gaussian(), relu(z), sp.Interval(0, sp.oo)),
        (rademacher(), sp.tanh(z), sp.Interval(0, sp.oo)),
        (rademacher(), sp.erf(z), sp.Interval(-1 / sp.sqrt(sp.pi), sp.oo)),
        (poisson(), ndtr(z), sp.Interval(0, sp.oo)),  # the infimum of S is not attained
        (poisson(), relu(z), sp.Interval.open(0, sp.oo)),  # and here it is
        (poisson(), z, sp.Interval.open(0, sp.oo)),
        (poisson(), z + 1, sp.Interval.open(R(1, 2), sp.oo)),
        (bernoulli(), z**3 - z, sp.Interval.open(R(1, 4), sp.oo)),
        (negative_binomial(2), sp.tanh(z), sp.Interval.open(0, sp.oo)),
        (inverse_gaussian(), -expit(z), sp.Interval(-sp.oo, 0)),
        (inverse_gaussian(), -relu(z), sp.Interval.open(-sp.oo, 0)),
        (gamma(2), sp.exp(z), open_line),
        (continuous_bernoulli(), -relu(z), open_line),
    ],
    ids=str,
)
def test_admissible_constants(family, activation, allowed):
    assert admissible_constants(family, activation) == allowed


@pytest.mark.parametrize(
    ("family", "activation", "constant", "message"),
    [
        (poisson(), ndtr(z), -1, r"poisson needs c0 >= 0 for the activation ndtr\(z\), got -1"),
        (bernoulli(), relu(z), 0, r"bernoulli needs c0 > 0 for the activation relu\(z\), got 0"),
        (gaussian(), relu(z), R(-1, 3), "gaussian needs c0 >= 0 .* got -1/3"),
        (inverse_gaussian(), -relu(z), 0, "inverse_gaussian needs c0 < 0"),
        (poisson(), sp.S.One, None, "antiderivative z of the activation must be bounded below"),
        (bernoulli(), -expit(z), None, "must be bounded below"),
        (inverse_gaussian(), expit(z), None, r"antiderivative softplus\(z\) of the activation must be bounded above"),
        (inverse_gaussian(), relu(z), -5, "must be bounded above"),
        (gaussian(), sp.S.Zero, None, "the activation is 0"),
    ],
    ids=str,
)
def test_the_condition_that_fails_is_named(family, activation, constant, message):
    with pytest.raises(DomainError, match=message):
        from_activation(family, activation, constant)


def test_default_constants():
    assert from_activation(gaussian(), relu(z)) == from_activation(gaussian(), relu(z), 0)
    assert from_activation(bernoulli(), relu(z)) == from_activation(bernoulli(), relu(z), 1)
    assert from_activation(gaussian(), sp.sin(z)) == from_activation(gaussian(), sp.sin(z), 1)
    assert from_activation(inverse_gaussian(), -relu(z)) == from_activation(inverse_gaussian(), -relu(z), -1)


def test_a_step_needs_a_constant_to_be_square_integrable():
    with pytest.raises(NotIntegrable, match=r"\|z - p\|\^-0.5 near p = 0"):
        from_activation(gaussian(), step(z))
    assert from_activation(gaussian(), step(z), 1).activation == step(z)


@pytest.mark.parametrize("activation", [softplus(z), silu(z), sp.log(2 + z**2)], ids=str)
def test_an_unknown_antiderivative_asks_for_the_natural_map(activation):
    with pytest.raises(NoClosedForm, match="give the natural map R itself"):
        from_activation(gaussian(), activation)


def test_strangers_and_floats():
    with pytest.raises(UndeclaredSymbol, match="the activation contains the symbol 'k'"):
        from_activation(gaussian(), k * z)
    with pytest.raises(InvalidInput, match=r"0\.1 is not an exact real number"):
        from_activation(gaussian(), relu(z), 0.1)


# ---- antiderivatives -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "activation",
    [
        z**4 - 3 * z + 2,
        leaky_relu(z, R(1, 7)),
        relu(2 - 3 * z) ** R(3, 2),
        elu(z),
        gelu(z),
        step(1 - z) * z,
        relu(z) * sp.cos(z),
        sp.sin(2 * z) * sp.cos(z),
        sp.cos(z) ** 2,
        z * sp.exp(-(z**2)),
        sp.exp(-(z**2) / 3),
        z * sp.exp(2 * z),
        sp.atan(z) + sp.asinh(z / 2),
        sp.cosh(z) ** -2 + sp.Abs(z) - sp.sign(z),
        expit(3 * z - 1) - sp.erfc(z),
    ],
    ids=str,
)
def test_antiderivatives_against_quadrature(activation):
    primitive = antiderivative(activation)
    f = sp.lambdify(z, activation.replace(lambda e: hasattr(e, "definition"), lambda e: e.definition), "mpmath")
    low, high = R(-3, 2), R(7, 3)
    difference = enclose(primitive, {z: high}).midpoint - enclose(primitive, {z: low}).midpoint
    with m.workdps(20):
        total = m.quad(f, [mpf(-1.5), 0, mpf(2) / 3, 1, mpf(7) / 3])
    assert abs(difference - total) < 1e-13


# ---- a family of the user's, and properties --------------------------------------------------------------------------


def test_a_family_of_the_users():
    """Borel: A inverts by undoing log, Lambert's W and exp; R = w - exp(w)."""
    borel = Family("borel", sp.log(-sp.LambertW(-sp.exp(eta))), sp.Interval.open(-sp.oo, -1))
    link = from_activation(borel, -expit(z))
    assert link.natural_map == -softplus(z) - expit(-z)
    assert link.slope == -(expit(z) ** 2)
    assert link.activation == -expit(z)


def test_a_family_on_a_bounded_interval():
    """The hyperbolic secant: A = -log cos(eta) on (-pi/2, pi/2) inverts by acos, and tanh meets it at 0."""
    secant = Family("secant", -sp.log(sp.cos(eta)), sp.Interval.open(-sp.pi / 2, sp.pi / 2))
    link = from_activation(secant, sp.tanh(z))
    assert link.natural_map == sp.sign(z) * sp.acos(1 / sp.cosh(z))
    assert link.activation == sp.tanh(z)
    for point in POINTS:  # R = asin(tanh(z)), and R' = 1 / cosh(z)
        assert enclose(link.natural_map - sp.asin(sp.tanh(z)), {z: point}).contains_zero
        assert float(enclose(link.slope * sp.cosh(z) - 1, {z: point})) == pytest.approx(0, abs=1e-30)


FAMILIES = (gaussian(R(3, 2)), bernoulli(), binomial(3), poisson(), gamma(R(5, 2)), negative_binomial(2), rademacher())
ACTIVATIONS = (expit(z), ndtr(z), relu(z), sp.erf(z), sp.tanh(z), gelu(z), leaky_relu(z, R(1, 3)), sp.exp(z / 2))


@settings(max_examples=25, deadline=None)  # a family and an activation are derived once, the first time they are drawn
@given(
    st.sampled_from(FAMILIES),
    st.sampled_from(ACTIVATIONS),
    st.fractions(1, 3, max_denominator=4),
    st.fractions(-6, 6, max_denominator=16).filter(lambda p: p != 0),
)
def test_slope_times_mean_is_the_activation(family, activation, constant, point):
    link = from_activation(family, activation, R(constant.numerator, constant.denominator))
    mean = family.log_partition.diff(eta).subs(eta, link.natural_map)
    gap = enclose(link.slope * mean - activation, {z: point})
    assert gap.is_finite
    assert gap.contains_zero
    assert gap.radius < 1e-40
