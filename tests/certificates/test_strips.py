"""Strip bounds against ball arithmetic on the strip, and what must not pass."""

from fractions import Fraction

import pytest
import sympy as sp
from flint import acb, arb
from hypothesis import given, settings
from hypothesis import strategies as st

from dekderive import atoms
from dekderive.certificates.balls import working_precision
from dekderive.certificates.complex_balls import compile_function
from dekderive.certificates.majorants import constant, exponential, grid_tail, grid_total, moment, power, total
from dekderive.certificates.strip_table import TABLE, cover
from dekderive.certificates.strips import strip_bound, strip_width
from dekderive.errors import NotCertified, NotIntegrable
from dekderive.symbols import z

R = sp.Rational
ENTRIES = [function(z) for function, strip in TABLE.items() if strip.width != 0]
COMPOSED = [
    z * atoms.expit(z),
    z * sp.tanh(atoms.softplus(z)),
    1 - sp.tanh(z) ** 2,
    sp.cosh(z) ** -2,
    sp.exp(-R(1, 3) * z**2 + z - 2),
    sp.exp(z / 4 - 1),
    z**3 - 2 * z + R(1, 7),
    sp.log(atoms.softplus(2 * z - 1)),
    atoms.expit(z) / atoms.softplus(z),
    atoms.expit(z) / sp.sqrt(atoms.softplus(z)),
    1 / atoms.softplus(z),
    1 / (1 + sp.exp(-2 * z)),
    sp.log(1 + sp.exp(-z)),
    sp.tanh(2 * z - 1) * atoms.softplus(R(1, 3) - z),
    sp.sqrt(1 + z**2),
    1 / (z**2 + 2 * z + 5),
    (1 + 4 * z**2) ** R(-3, 2),
    sp.tanh(atoms.expit(z) + sp.sin(z) / 2),
    sp.exp(-atoms.softplus(z)),
    atoms.gelu(sp.sqrt(2) * z),
    sp.exp(z / 3 + R(1, 2)) * sp.exp(-((2 * z / 3 + 1) ** 2)),  # SymPy keeps the two factors apart
    sp.exp(z) * sp.exp(-z / 2 + R(1, 3)) * (z + 1) * sp.tanh(z) ** 2,
    atoms.softplus(z) ** 2 * atoms.softplus(-z) * atoms.expit(z) ** -1,
    sp.exp(-(z**2)) * sp.sin(3 * z),
    2**z,
]


def excesses(expr, half_width, bound, every=1):
    """Points of the strip at which the function is certainly larger than the bound."""
    f = compile_function(expr, "complex")
    found = []
    for i in range(-64, 65, every):
        for share in (Fraction(0), Fraction(1, 2), Fraction(9, 10), Fraction(1)):
            x, y = arb(i) / 8 + arb(1) / 97, arb(float(half_width * share))
            if bool(f(acb(x, y)).abs_lower() > bound(x)):
                found.append((float(x), float(y)))
    return found


def half_widths(expr):
    width = strip_width(expr)
    return [Fraction(1, 2), Fraction(3, 2)] if width is None else [width / 3, width * Fraction(9, 10)]


@pytest.mark.parametrize("expr", ENTRIES + COMPOSED, ids=str)
def test_a_bound_holds_on_its_strip(expr):
    assert not excesses(expr, Fraction(0), strip_bound(expr, Fraction(0)))
    for d in half_widths(expr):
        assert not excesses(expr, d, strip_bound(expr, d))


@pytest.mark.parametrize("expr", ENTRIES + COMPOSED, ids=str)
def test_the_function_is_analytic_on_its_strip(expr):
    # The logarithm of Phi is continued past the principal branch; it is analytic where its derivative is.
    named = {atoms.log_ndtr(z): atoms.inverse_mills(z), atoms.truncated_normal_log_partition(z): atoms.inverse_mills(z)}
    f, d = compile_function(named.get(expr, expr), "analytic"), arb(float(half_widths(expr)[1]))
    for i in range(-60, 61):
        for j in range(11):
            assert f(acb(arb(i) / 10 + arb(0, 1 / 400), d * j / 10 + arb(0, 1 / 400))).is_finite()


affine = st.builds(
    lambda slope, shift: R(slope) * z + R(shift),
    st.fractions(-2, 2, max_denominator=4).filter(bool),
    st.fractions(-2, 2, max_denominator=4),
)
SHAPES = [type(e) for e in ENTRIES] + [lambda x: sp.exp(-(x**2)), sp.exp, lambda x: x, lambda x: 1 / (1 + x**2)]
shapes = st.builds(lambda f, x: f(x), st.sampled_from(SHAPES), affine)


@given(shapes, shapes, shapes)
@settings(max_examples=40, deadline=None)
def test_bounds_of_random_compositions_hold(first, second, third):
    expr = first * second + second * third * z
    d = half_widths(expr)[1]
    assert not excesses(expr, d, strip_bound(expr, d), every=8)


LIMITED = [e for e in ENTRIES if strip_width(e) is not None]


@pytest.mark.parametrize("expr", LIMITED, ids=str)
def test_beyond_the_width_there_is_no_bound(expr):
    with pytest.raises(NotCertified, match="half width"):
        strip_bound(expr, strip_width(expr))


# The bound of a narrower strip is a wrong bound on a wider one; the check above must see it.
@pytest.mark.parametrize(
    "expr", [sp.tanh(z), atoms.expit(z), sp.cosh(z) ** -2, sp.exp(-(z**2)), atoms.langevin_slope(z)]
)
def test_a_bound_that_is_too_small_is_seen(expr):
    width = strip_width(expr) or Fraction(3)
    d = width * Fraction(97, 100)
    assert excesses(expr, d, strip_bound(expr, width / 3))
    assert not excesses(expr, d, strip_bound(expr, d))


@pytest.mark.parametrize(
    ("expr", "singularity"),
    [
        (sp.tanh(3 * z), sp.pi / 6),
        (atoms.expit(2 * z - 5), sp.pi / 2),
        (z * sp.tanh(atoms.softplus(z)), 3 * sp.pi / 4),
        (sp.atan(z / 2) * sp.sin(z), 2),
        (1 / (z**2 + 2 * z + 5), 2),
        (atoms.log_ndtr(z), 2.816),
        (atoms.bessel_ratio(z), 2.4048255577),
        (atoms.langevin(z) + atoms.log_cosh(z), sp.pi / 2),
    ],
    ids=str,
)
def test_the_width_stops_short_of_the_nearest_singularity(expr, singularity):
    assert float(singularity) / 2.5 < float(strip_width(expr)) <= float(singularity)


@pytest.mark.parametrize("expr", [atoms.relu(z), z / (1 + sp.Abs(z)), sp.Max(z, 0), atoms.elu(z), sp.exp(-sp.Abs(z))])
def test_a_kink_has_a_bound_on_the_line_only(expr):
    assert strip_width(expr) == 0
    assert not excesses(expr, Fraction(0), strip_bound(expr, Fraction(0)))
    with pytest.raises(NotCertified):
        strip_bound(expr, Fraction(1, 100))


@pytest.mark.parametrize("expr", [sp.tan(z), sp.gamma(z), 1 / z, sp.exp(z**3), sp.exp(sp.exp(z)), sp.log(z**2 + 1)])
def test_what_has_no_rule_is_refused_with_advice(expr):
    with pytest.raises(NotCertified, match=r"write|grows"):
        strip_bound(expr, Fraction(0))


@pytest.mark.parametrize("name", ["sqrt", "log", "Abs", "sign", "atan", "asinh"])
def test_a_ball_on_a_cut_is_refused_when_analyticity_is_asked_for(name):
    expr = {"sqrt": sp.sqrt(z**2), "log": sp.log(z**2)}.get(name) or getattr(sp, name)(z)
    on_cut = acb(arb(0, 0.1), arb("1.5")) if name in ("atan", "asinh") else acb(arb(0, 0.1), arb(0, 0.1) + arb(1))
    assert not compile_function(expr, "analytic")(on_cut).is_finite()
    assert compile_function(expr, "analytic")(acb("0.4", "0.1")).is_finite()


def test_the_cover_is_close_to_the_maximum():
    largest = float(cover(sp.sin(z), Fraction(1), Fraction(1)))
    assert float(sp.sqrt(sp.sin(1) ** 2 + sp.sinh(1) ** 2)) <= largest < 1.9


# ---- moments --------------------------------------------------------------------------------------------------------

terms = st.tuples(
    st.integers(0, 5), st.fractions(0, 2, max_denominator=8), st.fractions(-1, R(2, 5), max_denominator=8)
)


def term(p, rate, curve):
    return power(p) * exponential(rate, curve)


@given(terms, st.integers(0, 4))
@settings(max_examples=25, deadline=None)
def test_a_moment_is_its_integral(key, start):
    bound = term(*key)
    with working_precision(80):
        exact = _integral(key, start)
        assert abs(moment(bound, start) / exact - 1) < arb(10) ** -8


def _weight(key, u):
    p, rate, curve = key
    exponent = (
        arb(rate.numerator) / rate.denominator * u + (arb(curve.numerator) / curve.denominator - arb(1) / 2) * u * u
    )
    value = exponent.exp()
    for _ in range(p):
        value = value * u
    return value


def _integral(key, start):
    return 2 * acb.integral(lambda u, _: _weight(key, u), start, 60).real / (2 * arb.pi()).sqrt()


@given(terms, st.integers(4, 40))
@settings(max_examples=25, deadline=None)
def test_grid_sums_are_bounded(key, nodes):
    bound, step = term(*key), arb(1) / 4
    heights = {i: bound(step * i) * (-step * step * i * i / 2).exp() / (2 * arb.pi()).sqrt() for i in range(-400, 401)}
    assert sum(heights.values()) * step <= grid_total(bound, step)
    try:
        tail = grid_tail(bound, step, nodes)
    except NotCertified:
        return
    assert sum(w for i, w in heights.items() if abs(i) > nodes) * step <= tail


def test_a_moment_that_diverges_is_an_error():
    with pytest.raises(NotIntegrable, match="smaller variance"):
        moment(exponential(Fraction(0), Fraction(1, 2)))


@given(terms, terms, st.fractions(-3, 3, max_denominator=8))
@settings(max_examples=50, deadline=None)
def test_majorants_add_multiply_and_compose(first, second, x):
    a, b, at = term(*first), term(*second) + constant(1), arb(x.numerator) / x.denominator
    slack = 1 + arb(10) ** -8
    assert a(at) + b(at) <= (a + b)(at) * slack
    assert a(at) * b(at) <= (a * b)(at) * slack
    assert a(at) ** 2 <= (a**2)(at) * slack
    assert a(3 * at) <= a.rescaled(arb(3))(at) * slack
    if first[2] >= 0:
        assert a(2 * at - 1) <= a.of_affine(Fraction(2), Fraction(1))(at) * slack
    assert total([a, b])(at) >= a(at) / slack
    assert a(at / 3) <= a.rising()(at) * slack
