"""Certified Hermite coefficients and the Parseval remainder."""

import importlib
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from dekderive import atoms
from dekderive.certificates import enclose_dual, enclose_dual_kxy, hermite_series
from dekderive.errors import InvalidInput
from dekderive.symbols import z

R = sp.Rational
SMOOTH = [sp.tanh(z), atoms.expit(z), atoms.softplus(z), atoms.silu(z), 1 - sp.tanh(z) ** 2, sp.exp(-(z**2))]
BENT = [atoms.relu(z), sp.Max(-1, sp.Min(1, z)), z / (1 + sp.Abs(z))]


@pytest.mark.parametrize("expr", [sp.sin(z), sp.exp(z / 2), z**3 - z, atoms.relu(z)], ids=str)
@pytest.mark.parametrize("variance", [R(1, 4), R(5, 2)])
def test_coefficients_are_those_that_are_known(expr, variance):
    series = hermite_series(expr, variance, 9, 80)
    with mpmath.workdps(40):
        a = mpmath.mpf(variance.p) / variance.q
        s = mpmath.sqrt(a)
        for n, found in enumerate(series.coefficients):
            root = mpmath.sqrt(mpmath.factorial(n))
            if expr == sp.sin(z):  # E f^(n)(sX) s^n / sqrt(n!)
                exact = mpmath.sin(n * mpmath.pi / 2) * mpmath.exp(-a / 2) * s**n / root
            elif expr == sp.exp(z / 2):
                exact = mpmath.exp(a / 8) * (s / 2) ** n / root
            elif expr == atoms.relu(z):
                double = {0: 1, 1: mpmath.sqrt(2 * mpmath.pi) / 2, 2: 1, 4: -1, 6: 3, 8: -15}.get(n, 0)
                exact = s * double / mpmath.sqrt(2 * mpmath.pi) / root
            else:
                exact = {1: 3 * s**3 - s, 3: mpmath.sqrt(6) * s**3}.get(n, mpmath.mpf(0))
            assert found.lower - mpmath.mpf(10) ** -35 <= exact <= found.upper + mpmath.mpf(10) ** -35
            assert found.radius < mpmath.mpf(2) ** -78


@pytest.mark.parametrize("expr", SMOOTH, ids=str)
def test_the_trapezoidal_sum_agrees_with_integration_over_pieces(expr):
    from dekderive.certificates.balls import as_ball, to_enclosure, working_precision
    from dekderive.certificates.mehler import coefficients_by_pieces

    series = hermite_series(expr, 2, 8, 90)
    with working_precision(96):
        other = [to_enclosure(a) for a in coefficients_by_pieces(expr, as_ball(sp.sqrt(2)), 8, 50)]
    for first, second in zip(series.coefficients, other, strict=True):
        assert first.lower <= second.upper
        assert second.lower <= first.upper


@pytest.mark.parametrize("expr", SMOOTH + BENT, ids=str)
def test_the_remainder_bounds_the_dual_and_its_derivative_on_the_whole_interval(expr):
    order = 12
    first, second = hermite_series(expr, 1, order), hermite_series(expr, 2, order)
    products = [float(a) * float(b) for a, b in zip(first.coefficients, second.coefficients, strict=True)]
    bound, slope_bound = float(first.error_bound(second)), float(first.slope_error_bound(second))
    worst = 0.0
    for rho in (R(-1), R(-9, 10), R(1, 3), R(4, 5), R(99, 100), R(1)):
        k = (1, 2, rho * sp.sqrt(2))
        error = abs(float(enclose_dual(expr, expr, *k)) - np.polynomial.polynomial.polyval(float(rho), products))
        worst = max(worst, error)
        assert error <= bound + 1e-14
        if abs(rho) < 1:
            slope = float(enclose_dual_kxy(expr, expr, *k)) * 2**0.5
            series = np.polynomial.polynomial.polyval(float(rho), np.polynomial.polynomial.polyder(products))
            assert abs(slope - series) <= slope_bound + 1e-13
    assert worst >= bound / 8 or bound < 1e-13  # it is attained, up to the difference of the two variances, at 1


def test_published_remainders():
    # The polynomial orders that reach these bounds at variance 1.
    for expr, order, expected in [
        (atoms.expit(z), 20, 2.5e-11),
        (atoms.expit(z), 40, 3.0e-16),
        (atoms.silu(z), 40, 1.8e-15),
        (sp.tanh(z), 40, 1.06e-8),
        (sp.tanh(z), 120, 5.6e-15),
    ]:
        series = hermite_series(expr, 1, order)
        assert float(series.error_bound(series)) == pytest.approx(expected, rel=0.1)


def test_a_jump_has_a_value_series_but_no_slope_bound():
    series = hermite_series(atoms.step(z - R(1, 2)), 1, 6)
    assert mpmath.isinf(series.slope_tail)
    assert 0 < series.tail < 1
    with mpmath.workdps(30):
        assert abs(series.coefficients[1].midpoint - mpmath.npdf(0.5)) < 1e-15


@given(st.fractions(Fraction(1, 16), 9, max_denominator=16), st.sampled_from(SMOOTH))
@settings(max_examples=10, deadline=None)
def test_energy_is_split_between_what_is_kept_and_what_is_not(variance, expr):
    short, long = hermite_series(expr, variance, 6), hermite_series(expr, variance, 14)
    assert long.tail <= short.tail * (1 + 1e-9)
    kept = sum(float(a) ** 2 for a in short.coefficients)
    assert kept + float(short.tail) ** 2 == pytest.approx(float(short.energy), abs=1e-15, rel=1e-12)
    assert float(short.slope_tail) >= float(short.tail) * 7**0.5 * (1 - 1e-6) - 1e-8


def test_variance_zero_is_a_constant():
    series = hermite_series(atoms.expit(z) + 1, 0, 3)
    assert [float(a) for a in series.coefficients] == [1.5, 0, 0, 0]
    assert series.tail < 1e-9


@pytest.mark.parametrize("arguments", [(-1, 4, 64), (1, -1, 64), (1, 4, 0), (1.5, 4, 64), (1, 2.5, 64)], ids=str)
def test_bad_arguments(arguments):
    with pytest.raises(InvalidInput):
        hermite_series(sp.tanh(z), *arguments)


# A sum that is truncated too early, or a strip that is too wide, must show against the integrals over pieces.
def test_a_step_that_is_too_large_is_seen(monkeypatch):
    module = importlib.import_module("dekderive.certificates.parseval")  # the package has a function of this name
    right = hermite_series(sp.tanh(z) * z, 4, 6, 60)
    plan = module._plan

    def coarse(factor, order, bits):
        step, count, error, work = plan(factor, order, bits)
        return step * 3, count, error, work

    monkeypatch.setattr(module, "_plan", coarse)
    wrong = hermite_series(sp.tanh(z) * z, 4, 6, 60)
    assert (
        wrong.coefficients[4].lower > right.coefficients[4].upper
        or wrong.coefficients[4].upper < right.coefficients[4].lower
    )
