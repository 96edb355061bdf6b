"""Slope and activation of known links, against mpmath's numerical derivative of R and A(R) written here by hand."""

import mpmath
import pytest
import sympy as sp
from mpmath import mpf

from dekderive.atoms import (
    expit,
    inverse_mills,
    leaky_relu,
    log_cosh,
    log_ndtr,
    log_softplus_slope,
    ndtr,
    relu,
    softplus,
    step,
    truncated_normal_mean,
)
from dekderive.certificates import enclose
from dekderive.errors import DomainError, NotIntegrable, UndeclaredSymbol
from dekderive.families import (
    bernoulli,
    binomial,
    continuous_bernoulli,
    gamma,
    gaussian,
    half_normal,
    inverse_gaussian,
    negative_binomial,
    poisson,
    rademacher,
    truncated_normal,
    von_mises,
)
from dekderive.parameters import parameter
from dekderive.reparameterisations import Reparameterisation
from dekderive.symbols import eta, z
from dekderive.verdict import Verdict

R = sp.Rational
k = parameter("k", positive=True)
K = mpf(3) / 2  # the value that symbolic parameters get
m = mpmath
phi = sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi)


def square(e):
    return e * e / 2


def log1pexp(e):
    return m.log1p(m.exp(e))


def positive(s):
    return max(s, mpf(0))


def smooth(s):  # s Phi(s) + phi(s)
    return s * m.ncdf(s) + m.npdf(s)


def sp_log1pexp(s):
    return m.log1p(m.exp(s))


# name: (family, R, R by mpmath, A by mpmath, activation, slope); None: only the values are compared
ROWS = {
    "Gaussian, id": (gaussian(), z, lambda s: s, square, z, sp.S.One),
    "Gaussian, relu": (gaussian(), relu(z), positive, square, relu(z), step(z)),
    "Gaussian, leaky": (
        gaussian(),
        leaky_relu(z, R(1, 5)),
        lambda s: max(s, s / 5),
        square,
        relu(z) - relu(-z) / 25,
        step(z) + step(-z) / 5,
    ),
    "Gaussian, abs": (gaussian(), sp.Abs(z), abs, square, z, sp.sign(z)),
    "Gaussian, relu^2": (
        gaussian(),
        sp.sqrt(R(2, 3)) * relu(z) ** R(3, 2),
        lambda s: m.sqrt(mpf(2) / 3) * positive(s) ** 1.5,
        square,
        relu(z) ** 2,
        sp.sqrt(R(3, 2)) * sp.sqrt(relu(z)),
    ),
    "Gaussian, relu^3": (
        gaussian(),
        relu(z) ** 2 / sp.sqrt(2),
        lambda s: positive(s) ** 2 / m.sqrt(2),
        square,
        relu(z) ** 3,
        sp.sqrt(2) * relu(z),
    ),
    "Gaussian, erf": (
        gaussian(),
        sp.erf(z),
        m.erf,
        square,
        2 * sp.exp(-(z**2)) * sp.erf(z) / sp.sqrt(sp.pi),
        2 * sp.exp(-(z**2)) / sp.sqrt(sp.pi),
    ),
    "Gaussian, sin": (gaussian(), sp.sin(z), m.sin, square, sp.sin(z) * sp.cos(z), sp.cos(z)),
    "Gaussian, exp": (gaussian(), sp.exp(z), m.exp, square, sp.exp(2 * z), sp.exp(z)),
    "Gaussian, activation Phi": (
        gaussian(),
        sp.sqrt(2 * (z * ndtr(z) + phi)),
        lambda s: m.sqrt(2 * smooth(s)),
        square,
        ndtr(z),
        sp.sqrt(2) * sp.sqrt(ndtr(z)) / (2 * sp.sqrt(truncated_normal_mean(z))),
    ),
    "Gaussian, lifted relu": (
        gaussian(),
        sp.sqrt(relu(z) ** 2 + R(1, 5)),
        lambda s: m.sqrt(positive(s) ** 2 + mpf(1) / 5),
        square,
        relu(z),
        relu(z) / sp.sqrt(z**2 + R(1, 5)),
    ),
    "Poisson, id": (poisson(), z, lambda s: s, m.exp, sp.exp(z), sp.S.One),
    "Poisson, log softplus": (
        poisson(),
        sp.log(softplus(z)),
        lambda s: m.log(sp_log1pexp(s)),
        m.exp,
        expit(z),
        log_softplus_slope(z),
    ),
    "Poisson, log cosh": (poisson(), log_cosh(z), lambda s: m.log(m.cosh(s)), m.exp, sp.sinh(z), sp.tanh(z)),
    "Poisson, activation Phi": (
        poisson(),
        sp.log(z * ndtr(z) + phi),
        lambda s: m.log(smooth(s)),
        m.exp,
        ndtr(z),
        1 / truncated_normal_mean(z),
    ),
    "Bernoulli, id": (bernoulli(), z, lambda s: s, log1pexp, expit(z), sp.S.One),
    "binomial, id": (binomial(10), z, lambda s: s, lambda e: 10 * log1pexp(e), 10 * expit(z), sp.S.One),
    "Bernoulli, probit mean": (
        bernoulli(),
        log_ndtr(z) - log_ndtr(-z),
        lambda s: m.log(m.ncdf(s) / m.ncdf(-s)),
        log1pexp,
        inverse_mills(-z),
        inverse_mills(z) + inverse_mills(-z),
    ),
    "Bernoulli, activation Phi": (
        bernoulli(),
        sp.log(sp.exp(z * ndtr(z) + phi) - 1),
        lambda s: m.log(m.expm1(smooth(s))),
        log1pexp,
        ndtr(z),
        None,
    ),
    "Bernoulli, cloglog": (
        bernoulli(),
        sp.log(sp.exp(sp.exp(z)) - 1),
        lambda s: m.log(m.expm1(m.exp(s))),
        log1pexp,
        sp.exp(z),
        sp.exp(z) * expit(sp.exp(z)) / sp.tanh(sp.exp(z) / 2),
    ),
    "Rademacher, id": (rademacher(), z, lambda s: s, lambda e: m.log(m.cosh(e)), sp.tanh(z), sp.S.One),
    "Rademacher, activation erf": (
        rademacher(),
        sp.sign(z) * sp.acosh(sp.exp(z * sp.erf(z) + (sp.exp(-(z**2)) - 1) / sp.sqrt(sp.pi))),
        lambda s: m.sign(s) * m.acosh(m.exp(s * m.erf(s) + m.expm1(-s * s) / m.sqrt(m.pi))),
        lambda e: m.log(m.cosh(e)),
        sp.erf(z),
        None,
    ),
    "continuous Bernoulli, id": (
        continuous_bernoulli(),
        z,
        lambda s: s,
        lambda e: m.log(m.expm1(e) / e),
        None,
        sp.S.One,
    ),
    "truncated normal, id": (
        truncated_normal(),
        z,
        lambda s: s,
        lambda e: e * e / 2 + m.log(m.ncdf(e)),
        truncated_normal_mean(z),
        sp.S.One,
    ),
    "von Mises, id": (von_mises(), z, lambda s: s, lambda e: m.log(m.besseli(0, e)), None, sp.S.One),
    "gamma, log link": (gamma(k), -sp.exp(-z), lambda s: -m.exp(-s), lambda e: -K * m.log(-e), k, sp.exp(-z)),
    "gamma, activation id": (
        gamma(k),
        -sp.exp(-(z**2) / (2 * k)),
        lambda s: -m.exp(-s * s / (2 * K)),
        lambda e: -K * m.log(-e),
        z,
        z * sp.exp(-(z**2) / (2 * k)) / k,
    ),
    "gamma, activation relu": (
        gamma(k),
        -sp.exp(-(relu(z) ** 2) / (2 * k)),
        lambda s: -m.exp(-(positive(s) ** 2) / (2 * K)),
        lambda e: -K * m.log(-e),
        relu(z),
        relu(z) * sp.exp(-(z**2) / (2 * k)) / k,
    ),
    "gamma, softplus rate": (
        gamma(1),
        -softplus(z),
        lambda s: -sp_log1pexp(s),
        lambda e: -m.log(-e),
        -log_softplus_slope(z),
        -expit(z),
    ),
    "negative binomial, logit": (
        negative_binomial(k),
        -softplus(-z),
        lambda s: -sp_log1pexp(-s),
        lambda e: -K * m.log(1 - m.exp(e)),
        k * expit(z),
        expit(-z),
    ),
    "inverse Gaussian, activation -expit": (
        inverse_gaussian(),
        -(softplus(z) ** 2) / 2,
        lambda s: -(sp_log1pexp(s) ** 2) / 2,
        lambda e: -m.sqrt(-2 * e),
        -expit(z),
        -expit(z) * softplus(z),
    ),
    "half-normal, log deviation": (
        half_normal(),
        -sp.exp(-2 * z) / 2,
        lambda s: -m.exp(-2 * s) / 2,
        lambda e: -m.log(-2 * e) / 2,
        sp.S.One,
        sp.exp(-2 * z),
    ),
}
POINTS = (R(-7, 4), R(-1, 3), R(1, 5), R(11, 4))


@pytest.mark.parametrize("name", ROWS)
def test_slope_and_activation_are_the_derivatives(name):
    family, natural_map, by_hand, log_partition, _, _ = ROWS[name]
    link = Reparameterisation(family, natural_map)
    for point in POINTS:
        values = {z: point, k: R(3, 2)}
        slope, activation = (enclose(f, values).midpoint for f in (link.slope, link.activation))
        with m.workdps(60):
            s = mpf(point.p) / point.q
            for found, expected in (
                (slope, m.diff(by_hand, s)),
                (activation, m.diff(lambda t: log_partition(by_hand(t)), s)),
            ):
                assert abs(found - expected) < mpf(10) ** -25 * (1 + abs(expected))


@pytest.mark.parametrize("name", ROWS)
def test_they_come_out_in_the_form_of_the_table(name):
    family, natural_map, _, _, activation, slope = ROWS[name]
    link = Reparameterisation(family, natural_map)
    assert activation is None or link.activation == activation
    assert slope is None or link.slope == slope


@pytest.mark.parametrize("name", ROWS)
def test_no_check_fails(name):
    checks = Reparameterisation(*ROWS[name][:2]).checks()
    assert [c.name for c in checks] == ["natural domain", "slope", "activation", "square-integrable"]
    assert all(c.verdict is not Verdict.FAILS for c in checks)
    assert all("undefined" not in c.detail for c in checks)


def test_the_same_link_in_other_words():
    one = Reparameterisation(negative_binomial(k), -softplus(-z))
    other = Reparameterisation(negative_binomial(k), sp.log(expit(z)))
    assert (one.slope, one.activation) == (other.slope, other.activation)


def test_links_are_values():
    assert Reparameterisation(gaussian(), relu(z)) == Reparameterisation(gaussian(), relu(z))
    assert hash(Reparameterisation(gaussian(), relu(z))) == hash(Reparameterisation(gaussian(), relu(z)))
    assert Reparameterisation(gaussian(), relu(z)) != Reparameterisation(gaussian(2), relu(z))
    assert repr(Reparameterisation(gaussian(), relu(z))) == "<Reparameterisation gaussian: R = relu(z)>"


# ---- canonical links -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", [gaussian(2), bernoulli(), poisson(), rademacher(), truncated_normal(), von_mises()])
def test_the_canonical_activation_is_the_mean(family):
    link = Reparameterisation.canonical(family)
    assert link.natural_map == z
    assert link.slope == 1
    assert link.activation == family.mean.subs(eta, z)


def test_no_canonical_link_on_a_half_line():
    with pytest.raises(DomainError, match=r"natural domain of gamma is \(-oo, 0\), not the whole line"):
        Reparameterisation.canonical(gamma(k))


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "natural_map", "message"),
    [
        (gamma(2), z, "leaves the natural domain .* at z = 0"),
        (gamma(2), -relu(z), "leaves the natural domain .* it is 0"),
        (gamma(2), -(z**2), "at z = 0"),
        (gamma(2), R(1, 2) - softplus(z), "leaves the natural domain .* at z = -1"),
        (gamma(2), -((z - R(17, 13)) ** 2) + R(1, 10**6), "leaves the natural domain"),
        (negative_binomial(3), sp.sin(z) - R(9, 10), "leaves the natural domain"),
        (gaussian(), 1 / z, "not bounded near z = 0"),
        (gaussian(), 1 / (z - R(1, 3)), "not bounded near z = 0.333333"),
        (gaussian(), sp.tan(z), "not bounded near z = "),
        (gaussian(), sp.log(z), "not a real number near z = "),
        (gaussian(), sp.sqrt(z + 20), "not a real number near z = "),
        (gaussian(), sp.asin(z), "not a real number near z = "),
        (gaussian(), step(z), "jumps at z = 0"),
        (gaussian(), z + sp.sign(2 * z - 3), "jumps at z = 3/2"),
        (gaussian(), sp.atan(1 / (z - R(1, 3))), "jumps near z = 0.333333"),
        (gaussian(), sp.Integer(3), "is the constant 3"),
        (gaussian(), sp.sign(z) ** 2 + z - z, "is the constant 1|constant almost everywhere"),
    ],
    ids=str,
)
def test_what_is_no_natural_map(family, natural_map, message):
    with pytest.raises(DomainError, match=message):
        Reparameterisation(family, natural_map)


@pytest.mark.parametrize(
    ("family", "natural_map", "message"),
    [
        (gaussian(), sp.sqrt(2) * sp.sqrt(relu(z)), r"slope .* behaves like \|z - p\|\^-0.5 near p = 0"),
        (gaussian(), sp.Abs(z - 2) ** R(1, 4), r"behaves like \|z - p\|\^-0.75 near p = 2"),
        (gaussian(), sp.exp(z**2 / 8), r"grows like exp\(1/8 z\^2\) as z tends to oo, .* variance below 2 only"),
        (poisson(), sp.exp(z), "activation .* grows faster than every Gaussian falls as z tends to oo"),
        (poisson(), -z * sp.exp(-z), "as z tends to -oo"),
        (poisson(), z**2 / 5000, r"grows like exp\(1/5000 z\^2\)"),
    ],
    ids=str,
)
def test_what_has_no_gaussian_expectation(family, natural_map, message):
    with pytest.raises(NotIntegrable, match=message):
        Reparameterisation(family, natural_map)


def test_fast_but_harmless_growth_is_accepted():
    assert Reparameterisation(poisson(), 100 * z).slope == 100
    assert Reparameterisation(gaussian(), sp.Abs(z) ** R(3, 4)).slope.has(sp.Abs)  # |z|^(-1/4) is square-integrable


def test_strangers_in_the_natural_map():
    with pytest.raises(UndeclaredSymbol, match=r"import dekderive\.symbols\.z instead"):
        Reparameterisation(gaussian(), sp.Symbol("z"))
    with pytest.raises(UndeclaredSymbol, match="'k', which is not declared"):
        Reparameterisation(gaussian(), k * z)
    with pytest.raises(UndeclaredSymbol, match="the float 0.5"):
        Reparameterisation(gaussian(), 0.5 * z)
    assert Reparameterisation(gaussian(k), z / k).slope == 1 / k
