"""Certified Gaussian expectations against mpmath, closed forms, and each other."""

from fractions import Fraction

import mpmath
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from dekderive import atoms
from dekderive.certificates import Enclosure, enclose_dual, enclose_dual_kxy, enclose_mean, mehler_enclosure
from dekderive.certificates.balls import to_enclosure, working_precision
from dekderive.certificates.covariance import covariance
from dekderive.certificates.legendre_pair import piecewise_pair
from dekderive.certificates.pieces import slope, smooth_pieces
from dekderive.certificates.trapezoid import Factor, line_expectation
from dekderive.certificates.trapezoid_pair import pair_expectation
from dekderive.errors import InvalidInput, NotCertified, NotIntegrable
from dekderive.symbols import z

R = sp.Rational
TINY, WIDE = Fraction(1, 10**30), Fraction(1, 10**15)


def mish(x):
    return x * sp.tanh(atoms.softplus(x))


# The activations by mpmath formulas that are written here.
REFERENCE = {
    atoms.expit(z): lambda x: mpmath.mpf(1) / (1 + mpmath.exp(-x)),
    sp.tanh(z): mpmath.tanh,
    atoms.softplus(z): lambda x: mpmath.log(1 + mpmath.exp(x)),
    atoms.silu(z): lambda x: x / (1 + mpmath.exp(-x)),
    mish(z): lambda x: x * ((1 + mpmath.exp(x)) ** 2 - 1) / ((1 + mpmath.exp(x)) ** 2 + 1),
    atoms.log_cosh(z): lambda x: mpmath.log(mpmath.cosh(x)),
    1 - sp.tanh(z) ** 2: lambda x: mpmath.sech(x) ** 2,
    sp.atan(z): mpmath.atan,
    z / (1 + sp.Abs(z)): lambda x: x / (1 + abs(x)),
    atoms.gelu(z): lambda x: x * mpmath.ncdf(x),
    atoms.elu(z): lambda x: x if x > 0 else mpmath.exp(x) - 1,
    sp.Max(-1, sp.Min(1, z)): lambda x: max(-1, min(1, x)),
    sp.exp(-sp.Abs(z)): lambda x: mpmath.exp(-abs(x)),
    atoms.relu(z - R(1, 3)): lambda x: max(x - mpmath.mpf(1) / 3, mpmath.mpf(0)),
    atoms.step(z + 1): lambda x: mpmath.mpf(x > -1),
    atoms.log_softplus(z): lambda x: mpmath.log(mpmath.log(1 + mpmath.exp(x))),
    atoms.log_softplus_slope(z): lambda x: 1 / (1 + mpmath.exp(-x)) / mpmath.log1p(mpmath.exp(x)),
    atoms.langevin(z): lambda x: mpmath.coth(x) - 1 / x,
    atoms.tilted_uniform_mean(z): lambda x: mpmath.hyp1f1(2, 3, x) / mpmath.hyp1f1(1, 2, x) / 2,
    atoms.bessel_ratio(z): lambda x: mpmath.besseli(1, x) / mpmath.besseli(0, x),
    atoms.truncated_normal_mean(z): lambda x: x + mpmath.npdf(x) / mpmath.ncdf(x),
    atoms.log_i0(z): lambda x: mpmath.log(mpmath.besseli(0, x)),
    atoms.inverse_mills(z): lambda x: mpmath.npdf(x) / mpmath.ncdf(x),
    sp.exp(-(z**2) / 2) * sp.sin(z): lambda x: mpmath.exp(-x * x / 2) * mpmath.sin(x),
}
SMOOTH = [sp.tanh(z), atoms.expit(z), atoms.softplus(z), atoms.silu(z), mish(z), atoms.log_cosh(z), 1 - sp.tanh(z) ** 2]
BENT = [atoms.relu(z), z / (1 + sp.Abs(z)), atoms.elu(z), sp.Max(-1, sp.Min(1, z)), atoms.step(z - R(1, 2))]


def overlap(first, second):
    return first.lower <= second.upper and second.lower <= first.upper


def holds(enclosure, value, error):
    with mpmath.workdps(80):
        return bool(enclosure.lower - error <= value <= enclosure.upper + error)


def reference_mean(f, variance, power=1, digits=25):
    with mpmath.workdps(digits + 12):
        s = mpmath.sqrt(mpmath.mpf(variance.p) / variance.q)
        knots = [-1, mpmath.mpf(0), mpmath.mpf(1) / 3, 1]
        ends = sorted({mpmath.mpf(e) for e in (-18, -9, -5, -2, 2, 5, 9, 18)} | {k / s for k in knots})
        return mpmath.quad(lambda u: f(s * u) ** power * mpmath.npdf(u), ends)


# The link of a geometric family: exp(exp) needs many subdivisions.
STEEP = sp.exp(-z) * atoms.expit(-sp.exp(-z)) / sp.tanh(sp.exp(-z) / 2)


def test_the_mean_of_a_steep_link():
    def f(x):
        return mpmath.exp(-x) / mpmath.expm1(mpmath.exp(-x))

    value = reference_mean(f, R(1, 2))
    assert holds(enclose_mean(STEEP, R(1, 2), radius=Fraction(1, 10**10)), value, mpmath.mpf(10) ** -20)


@pytest.mark.parametrize("expr", REFERENCE, ids=str)
def test_a_mean_is_that_of_mpmath(expr):
    enclosure = enclose_mean(expr, R(3, 2), radius=Fraction(1, 10**25))
    assert enclosure.radius <= mpmath.mpf(10) ** -25
    assert holds(enclosure, reference_mean(REFERENCE[expr], R(3, 2)), mpmath.mpf(10) ** -25)


@pytest.mark.parametrize("expr", [sp.tanh(z), mish(z), z / (1 + sp.Abs(z))], ids=str)
def test_fifty_digits(expr):
    enclosure = enclose_mean(expr**2, 1, radius=Fraction(1, 10**50))
    assert enclosure.radius <= mpmath.mpf(10) ** -50
    assert holds(enclosure, reference_mean(REFERENCE[expr], R(1), 2, digits=50), mpmath.mpf(10) ** -49)


@pytest.mark.parametrize("expr", SMOOTH, ids=str)
@pytest.mark.parametrize("k", [(1, R(3, 2), R(3, 5)), (R(1, 50), 9, R(-2, 5)), (25, 25, R(249, 10))], ids=str)
def test_three_quadratures_agree(expr, k):
    k = covariance(*k)
    f, g = Factor(expr, sp.sqrt(k.xx)), Factor(expr, sp.sqrt(k.yy))
    values = [
        pair_expectation(f, g, k, TINY, "lattice"),
        pair_expectation(f, g, k, WIDE, "whitened"),
        piecewise_pair(f, g, k, WIDE),
    ]
    assert values[0].rad() <= 1e-30
    assert max(v.rad() for v in values) <= 1e-15
    with working_precision(200):
        assert all(values[0].overlaps(v) for v in values)


def test_panels_without_strip_bounds_agree(monkeypatch):
    monkeypatch.setattr("dekderive.certificates.legendre_pair._known_width", lambda expr: Fraction(0))
    k = covariance(1, R(3, 2), R(3, 5))
    for expr in (*SMOOTH, sp.exp(-(z**2)), atoms.langevin(z)):
        f, g = Factor(expr, sp.sqrt(k.xx)), Factor(expr, sp.sqrt(k.yy))
        with working_precision(200):
            assert piecewise_pair(f, g, k, WIDE).overlaps(pair_expectation(f, g, k, TINY))


@pytest.mark.parametrize("expr", SMOOTH + BENT, ids=str)
def test_mehler_agrees_with_quadrature(expr):
    point = (R(49, 64), R(25, 16), R(1, 8))
    series = mehler_enclosure(expr, expr, *point, order=11, bits=56)
    assert series.radius < 1e-11
    assert overlap(series, enclose_dual(expr, expr, *point, radius=Fraction(1, 10**22)))


CLOSED = [
    (sp.exp(z), sp.exp(z), lambda a, b, c: sp.exp((a + b + 2 * c) / 2)),
    (sp.exp(z), z, lambda a, b, c: c * sp.exp(a / 2)),
    (z**4, z**2, lambda a, b, c: 3 * a**2 * b + 12 * a * c**2),
    (sp.sin(z), sp.sin(z), lambda a, b, c: sp.exp(-(a + b) / 2) * sp.sinh(c)),
    (sp.cos(z), sp.cos(2 * z), lambda a, b, c: sp.exp(-(a + 4 * b) / 2) * sp.cosh(2 * c)),
    (sp.exp(-(z**2)), sp.exp(-(z**2) / 2), lambda a, b, c: 1 / sp.sqrt((1 + 2 * a) * (1 + b) - 2 * c**2)),
    (sp.erf(z), sp.erf(z), lambda a, b, c: 2 / sp.pi * sp.asin(2 * c / sp.sqrt((1 + 2 * a) * (1 + 2 * b)))),
    (atoms.ndtr(z), atoms.ndtr(z), lambda a, b, c: R(1, 4) + sp.asin(c / sp.sqrt((1 + a) * (1 + b))) / (2 * sp.pi)),
    (sp.sign(z), sp.sign(z), lambda a, b, c: 2 / sp.pi * sp.asin(c / sp.sqrt(a * b))),
    (
        atoms.relu(z),
        atoms.step(z),
        lambda a, b, c: (sp.sqrt(a) + c / sp.sqrt(b)) / (2 * sp.sqrt(2 * sp.pi)),
    ),
    (
        sp.Abs(z),
        sp.Abs(z),
        lambda a, b, c: 2 / sp.pi * (sp.sqrt(a * b - c**2) + c * sp.asin(c / sp.sqrt(a * b))),
    ),
]


@pytest.mark.parametrize(("f", "g", "formula"), CLOSED, ids=[f"{f}-{g}" for f, g, _ in CLOSED])
@pytest.mark.parametrize("k", [(1, R(3, 2), R(3, 5)), (R(1, 10), 2, R(-2, 5)), (2, 2, R(199, 100))], ids=str)
def test_closed_forms(f, g, formula, k):
    value = enclose_dual(f, g, *k, radius=Fraction(1, 10**24))
    with mpmath.workdps(50):
        exact = mpmath.mpf(str(sp.N(formula(*map(sp.sympify, k)), 45)))
    assert holds(value, exact, mpmath.mpf(10) ** -35)
    assert value.radius <= mpmath.mpf(10) ** -24


def test_the_mordell_integral_of_sech():
    # h(t) = E[sech(sqrt(pi/2)...)]: int e^{-pi t x^2} sech(pi x) dx satisfies h(t) = h(1/t) / sqrt(t).
    def h(t):
        return enclose_mean(1 / sp.cosh(sp.pi * z), 1 / (2 * sp.pi * t), radius=TINY), sp.sqrt(1 / t)

    (first, root), (second, other) = h(sp.Integer(3)), h(R(1, 3))
    with mpmath.workdps(50):
        left = first.midpoint * mpmath.mpf(str(sp.N(root, 50)))
        right = second.midpoint * mpmath.mpf(str(sp.N(other, 50))) / mpmath.sqrt(3)
        assert abs(left - right) < mpmath.mpf(10) ** -29


def test_price():
    h, k = R(1, 10**6), (1, R(3, 2), R(3, 5))
    for expr in (sp.tanh(z), mish(z), atoms.relu(z), sp.Max(-1, sp.Min(1, z))):
        up, down = (enclose_dual(expr, expr, *k[:2], k[2] + d, radius=Fraction(1, 10**22)) for d in (h, -h))
        with mpmath.workdps(40):
            difference = (up.midpoint - down.midpoint) / (2 * mpmath.mpf(10) ** -6)
        assert abs(enclose_dual_kxy(expr, expr, *k).midpoint - difference) < 1e-10


def test_a_jump_has_no_derivative_here():
    for expr in (atoms.step(z), sp.Piecewise((0, z < 0), (1, True)), sp.Piecewise((z, z < 1), (2 * z, True))):
        with pytest.raises(NotCertified, match=r"delta|proved bound"):
            enclose_dual_kxy(expr, sp.tanh(z), 1, 1, R(1, 2))
    assert slope(sp.Piecewise((z, z < 1), (1, True))).subs(z, 3) == 0


@pytest.mark.parametrize("expr", [sp.tanh(z - 1), atoms.relu(z) + 1, sp.exp(-sp.Abs(z))], ids=str)
def test_degenerate_covariances_are_one_dimensional(expr):
    plus, minus = (enclose_dual(expr, expr, 1, 4, s * 2, radius=TINY) for s in (1, -1))
    assert overlap(plus, enclose_mean(expr * expr.subs(z, 2 * z), 1, radius=TINY))
    assert overlap(minus, enclose_mean(expr * expr.subs(z, -2 * z), 1, radius=TINY))
    nearly = enclose_dual(expr, expr, 1, 4, 2 - R(1, 50), radius=Fraction(1, 10**12))
    assert 0 < abs(nearly.midpoint - plus.midpoint) < 0.05
    constant = enclose_dual(expr, expr, 0, 4, 0, radius=TINY)
    at_zero, mean = enclose_mean(expr, 0), enclose_mean(expr, 4, radius=TINY)
    with mpmath.workdps(40):
        assert abs(constant.midpoint - at_zero.midpoint * mean.midpoint) < 1e-15
    assert enclose_dual(expr, expr, 0, 0, 0).radius < 1e-15


@pytest.mark.parametrize("expr", [sp.tanh(z), atoms.softplus(z), atoms.silu(z)], ids=str)
def test_large_variances(expr):
    value = enclose_dual(expr, expr, 400, 900, 300, radius=Fraction(1, 10**12))
    limit = {sp.tanh(z): sp.sign(z)}.get(expr, atoms.relu(z))
    rough = enclose_dual(limit, limit, 400, 900, 300)
    assert value.radius <= 1e-12
    assert abs(value.midpoint - rough.midpoint) < 3


def test_a_big_value_keeps_its_radius():
    value = enclose_dual(z**4, z**4, 10**6, 10**6, 10**5, radius=Fraction(1, 10**10))
    exact = 3 * (3 * 10**24 + 24 * 10**12 * 10**10 + 8 * 10**20)
    assert value.lower <= exact <= value.upper
    assert value.radius <= 1e-10


# ---- properties ------------------------------------------------------------------------------------------

variances = st.fractions(Fraction(1, 8), 4, max_denominator=8)
correlations = st.fractions(-1, 1, max_denominator=6)
functions = st.sampled_from([*SMOOTH, *BENT])


def admissible(a, b, share):
    return sp.Rational(share) * min(sp.Rational(a), sp.Rational(b))


@given(functions, functions, variances, variances, correlations)
@settings(max_examples=12, deadline=None)
def test_enclosures_are_symmetric_nested_and_obey_cauchy_schwarz(f, g, a, b, share):
    c = admissible(a, b, share)
    wide, narrow = (enclose_dual(f, g, a, b, c, radius=r) for r in (Fraction(1, 10**6), Fraction(1, 10**14)))
    swapped = enclose_dual(g, f, b, a, c, radius=Fraction(1, 10**14))
    assert wide.radius <= 1e-6
    assert narrow.radius <= 1e-14
    assert overlap(wide, narrow)
    assert overlap(narrow, swapped)
    left, right = enclose_mean(f**2, a), enclose_mean(g**2, b)
    assert narrow.lower <= mpmath.sqrt(left.upper * right.upper) * (1 + 1e-12)


SHAPES = [
    sp.tanh,
    atoms.expit,
    atoms.softplus,
    sp.atan,
    sp.erf,
    atoms.langevin,
    lambda x: sp.exp(-(x**2)),
    sp.sin,
    atoms.silu,
]
shapes = st.builds(
    lambda f, slope, shift: f(R(slope) * z + R(shift)),
    st.sampled_from(SHAPES),
    st.fractions(-2, 2, max_denominator=4).filter(bool),
    st.fractions(-1, 1, max_denominator=4),
)


@given(
    shapes, shapes, shapes, variances, variances, st.fractions(Fraction(-9, 10), Fraction(9, 10), max_denominator=10)
)
@settings(max_examples=10, deadline=None)
def test_products_of_shifted_functions(f, g, h, a, b, share):
    k = covariance(a, b, admissible(a, b, share))
    first, second = Factor(f * g + h, sp.sqrt(k.xx)), Factor(h, sp.sqrt(k.yy))
    with working_precision(150):
        exact = pair_expectation(first, second, k, Fraction(1, 10**20), "lattice")
        assert exact.overlaps(pair_expectation(first, second, k, Fraction(1, 10**10), "whitened"))
        assert exact.overlaps(piecewise_pair(first, second, k, Fraction(1, 10**10)))


# ---- mutations: a bound that is wrong must show ----------------------------------------------------------------------


def test_a_strip_that_is_believed_too_wide_gives_a_wrong_interval(monkeypatch):
    from dekderive.certificates import strip_table, trapezoid

    believed = dict(strip_table.TABLE)
    believed[sp.tanh] = strip_table.Strip(Fraction(4), lambda d: believed[atoms.step].bound(Fraction(0)))
    expr = sp.tanh(z + R(7, 11)) ** 2
    right = line_expectation((Factor(expr, sp.Integer(3)),), Fraction(1, 10**12))
    caches = (trapezoid._plan, trapezoid._rescaled, *strip_caches())
    try:
        for cache in caches:
            cache.cache_clear()
        monkeypatch.setattr("dekderive.certificates.strips.TABLE", believed)
        wrong = line_expectation((Factor(expr, sp.Integer(3)),), Fraction(1, 10**12))
    finally:
        for cache in caches:
            cache.cache_clear()
    assert not right.overlaps(wrong)


def test_a_tail_that_is_dropped_gives_a_wrong_interval(monkeypatch):
    from dekderive.certificates import trapezoid

    expr = atoms.softplus(z)
    right = line_expectation((Factor(expr, sp.Integer(1)),), Fraction(1, 10**12))
    trapezoid._plan.cache_clear()
    monkeypatch.setattr(trapezoid, "count_nodes", lambda growth, step, digits, tolerance: (int(4 / step), tolerance))
    wrong = line_expectation((Factor(expr, sp.Integer(1)),), Fraction(1, 10**12))
    trapezoid._plan.cache_clear()
    assert not right.overlaps(wrong)


def strip_caches():
    from dekderive.certificates import strips

    return strips._resolve, strips.strip_bound, strips._steepest


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [(1, 1, 2), (-1, 1, 0), (0, 1, R(1, 2)), (0.5, 1, 0), (sp.Symbol("a"), 1, 0)], ids=str)
def test_covariances_that_are_none(k):
    with pytest.raises(InvalidInput, match=r"covariance|variance|exact"):
        enclose_dual(z, z, *k)


@pytest.mark.parametrize("radius", [0, -1, "wide"])
def test_radii_that_are_none(radius):
    with pytest.raises(InvalidInput, match="radius"):
        enclose_mean(z, 1, radius=radius)


def test_divergence_and_the_unknown_are_errors():
    with pytest.raises(NotIntegrable, match="variance"):
        enclose_mean(sp.exp(z**2), 1)
    assert enclose_mean(sp.exp(z**2), R(1, 4), radius=TINY).contains_zero is False
    with pytest.raises(NotCertified, match="no proved bound"):
        enclose_mean(sp.tan(z), 1)
    with pytest.raises(NotCertified, match="Piecewise"):
        enclose_dual(sp.Abs(sp.sin(z)), z, 1, 1, 0)


def test_irrational_covariances_are_decided():
    assert covariance(2, 3, sp.sqrt(6)).gap == 0
    assert overlap(enclose_dual(z, z, 2, 3, sp.sqrt(6)), enclose_mean(sp.sqrt(6) * z**2, 1))
    with pytest.raises(InvalidInput):
        covariance(2, 3, sp.sqrt(6) + R(1, 10**30))


def test_pieces_of_nested_switches():
    hat = sp.Max(1 - sp.Abs(z), 0) * sp.Piecewise((1, z**2 < R(1, 2)), (2, True))
    ends = [(p.lower, p.upper, p.expr.subs(z, R(3, 4))) for p in smooth_pieces(hat)]
    assert [e[0] for e in ends] == [-sp.oo, -1, -sp.sqrt(2) / 2, 0, sp.sqrt(2) / 2, 1]
    assert ends[4][2] == R(1, 2)


@pytest.mark.slow
@pytest.mark.parametrize("expr", [sp.tanh(z), atoms.softplus(z), z / (1 + sp.Abs(z))], ids=str)
def test_a_pair_is_that_of_mpmath(expr):
    f = REFERENCE[expr]
    with mpmath.workdps(18):
        a, b, rho = mpmath.mpf(1), mpmath.sqrt(mpmath.mpf(3) / 2), mpmath.mpf("0.6") / mpmath.sqrt(mpmath.mpf(3) / 2)
        r = mpmath.sqrt(1 - rho**2)

        def density(u, v):
            return mpmath.exp(-(u * u - 2 * rho * u * v + v * v) / (2 * r * r)) / (2 * mpmath.pi * r)

        ends = [-9, -4, -2, 0, 2, 4, 9]
        value = mpmath.quad(lambda u, v: f(a * u) * f(b * v) * density(u, v), ends, ends)
    assert holds(enclose_dual(expr, expr, 1, R(3, 2), R(3, 5)), value, mpmath.mpf(10) ** -13)


@pytest.mark.slow
def test_nested_integrals_of_arb_agree():
    from flint import acb, arb

    with working_precision(40):

        def inner(u):
            return acb.integral(lambda v, _: (u * 3 / 5 + v * 4 / 5).tanh() * (-v * v / 2).exp(), -8, 8, rel_tol=1e-7)

        outer = acb.integral(lambda u, _: u.tanh() * inner(u) * (-u * u / 2).exp(), -8, 8, rel_tol=1e-6)
        value = to_enclosure(outer.real / (2 * arb.pi()))
    found = enclose_dual(sp.tanh(z), sp.tanh(z), 1, 1, R(3, 5))
    assert isinstance(found, Enclosure)
    assert value.radius < 1e-5
    assert value.lower - 1e-13 <= found.midpoint <= value.upper + 1e-13
