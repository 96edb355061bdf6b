"""Balls of the functions of a Gaussian pair: they contain what mpmath computes by other formulas, and are tight."""

import mpmath
import pytest
import sympy as sp
from flint import arb

from dekderive import atoms
from dekderive.certificates import enclose
from dekderive.certificates.balls import evaluate, working_precision
from dekderive.errors import UnprintableNode
from dekderive.symbols import kxx, kxy, kyy, z

R = sp.Rational
COVARIANCES = [(R(2), R(1, 3), R(1, 2)), (R(1), R(1), R(-9, 10)), (R(1, 100), R(50), R(-1, 7)), (R(4), R(9), R(0))]


def number(q):
    return mpmath.mpf(q.p) / q.q


def owen(h, a):
    """T(h, a) by its defining integral."""
    return mpmath.quad(lambda x: mpmath.exp(-h * h * (1 + x * x) / 2) / (1 + x * x), [0, a / 4, a]) / (2 * mpmath.pi)


def exact_binormal(h, k, a, b, c):
    """Owen's decomposition (1956), for h k != 0."""
    h, k, r = h / mpmath.sqrt(a), k / mpmath.sqrt(b), c / mpmath.sqrt(a * b)
    s = mpmath.sqrt((1 - r) * (1 + r))
    halves = (mpmath.ncdf(h) + mpmath.ncdf(k)) / 2 - (mpmath.mpf(1) / 2 if h * k < 0 else 0)
    return halves - owen(h, (k / h - r) / s) - owen(k, (h / k - r) / s)


def assert_encloses(found, expected, digits=30):
    assert abs(found.midpoint - expected) <= found.radius + mpmath.mpf(10) ** -digits * abs(expected)
    assert found.radius <= mpmath.mpf(10) ** -digits * abs(expected)


@pytest.mark.parametrize("law", COVARIANCES, ids=str)
@pytest.mark.parametrize("corner", [(R(-1), R(-1, 2)), (R(3, 2), R(-2)), (R(1, 5), R(7, 3))], ids=str)
def test_binormal_against_owens_functions(law, corner):
    h, k = corner
    found = enclose(atoms.binormal(h, k, kxx, kyy, kxy), dict(zip((kxx, kyy, kxy), law, strict=True)))
    with mpmath.workdps(60):
        assert_encloses(found, exact_binormal(*(number(v) for v in (h, k, *law))))


def test_binormal_of_a_singular_law_is_exact():
    point = {kxx: R(1, 3), kyy: R(4, 3), kxy: R(2, 3), z: R(-1, 2)}
    with mpmath.workdps(60):
        low, high = mpmath.ncdf(-mpmath.sqrt(3) / 2), mpmath.ncdf(mpmath.sqrt(3) / 2)
        assert_encloses(enclose(atoms.binormal(z, 1, kxx, kyy, kxy), point), low)
        point[kxy] = R(-2, 3)
        assert_encloses(
            enclose(atoms.binormal(-2 * z, 1, kxx, kyy, kxy), point), mpmath.ncdf(mpmath.sqrt(3)) - (1 - high)
        )
    nothing = enclose(atoms.binormal(z, R(1, 2), kxx, kyy, kxy), point)  # P(U <= -1/2, -2 U <= 1/2)
    assert nothing.lower == nothing.upper == 0


def test_binormal_contains_both_limits_where_the_determinant_is_not_known():
    law = {kxx: sp.sqrt(2), kyy: sp.sqrt(3), kxy: sp.root(6, 4)}  # a b - c^2 is a ball around 0, never the number 0
    found = enclose(atoms.binormal(-1, R(-1, 2), kxx, kyy, kxy), law)
    with mpmath.workdps(60):
        true = min(mpmath.ncdf(-1 / mpmath.root(2, 4)), mpmath.ncdf(-1 / mpmath.root(3, 4) / 2))
        assert found.lower <= true <= found.upper + mpmath.mpf(10) ** -50


def test_an_indefinite_law_has_no_value():
    assert not enclose(atoms.binormal(z, 1, 1, 1, kxy), {z: 0, kxy: R(11, 10)}).is_finite


def test_the_far_tail_has_a_relative_accuracy():
    found = enclose(atoms.binormal(-kxx, -kxx, 1, 1, R(1, 2)), {kxx: 30})
    with mpmath.workdps(60):
        tail = mpmath.quad(
            lambda t: mpmath.npdf(t) * mpmath.ncdf((-30 - t / 2) / mpmath.sqrt(0.75)) * mpmath.mpf(10) ** 264,
            [-60, -50, -40, -35, -32, -30],
        )
        assert_encloses(found, tail * mpmath.mpf(10) ** -264, digits=25)


def test_scaled_functions_where_the_factors_are_out_of_range():
    with mpmath.workdps(60):
        found = enclose(atoms.exp_ndtr(kxx**2 / 2, -kxx), {kxx: 1000})
        x = mpmath.mpf(1000)
        assert_encloses(found, mpmath.exp(x * x / 2) * mpmath.erfc(x / mpmath.sqrt(2)) / 2)
        both = enclose(atoms.exp_binormal(kxx**2, -kxx, -kxx, 1, 1, kxy), {kxx: 100, kxy: 0})
        x = mpmath.mpf(100)
        assert_encloses(both, (mpmath.exp(x * x / 2) * mpmath.erfc(x / mpmath.sqrt(2)) / 2) ** 2)


@pytest.mark.parametrize("point", [R(0), R(1, 3), R(-4, 5), R(999, 1000)], ids=str)
def test_hypergeometric_function(point):
    found = enclose(sp.hyper((R(-3, 4), R(-5, 4)), (R(1, 2),), z), {z: point})
    with mpmath.workdps(60):
        assert_encloses(found, mpmath.hyp2f1(mpmath.mpf(-3) / 4, mpmath.mpf(-5) / 4, 0.5, number(point)))


def test_hypergeometric_function_at_one_is_gausss_quotient():
    found = enclose(sp.hyper((R(-3, 4), R(-5, 4)), (R(1, 2),), z), {z: 1})
    with mpmath.workdps(60):
        a, b, c = mpmath.mpf(-3) / 4, mpmath.mpf(-5) / 4, mpmath.mpf(1) / 2
        assert_encloses(found, mpmath.gammaprod([c, c - a - b], [c - a, c - b]))


def test_other_hypergeometric_functions_are_refused():
    with pytest.raises(UnprintableNode, match="2F1"):
        enclose(sp.hyper((R(1, 3),), (R(1, 2),), z), {z: R(1, 2)})


def test_balls_as_arguments_are_contained():
    # A wide argument: every value on it lies in the ball of the result.
    with working_precision(80):
        wide = arb("0.5", "1e-3")
        found = evaluate(atoms.binormal(z, R(1, 4), 1, 1, R(-1, 2)), {z: wide})
        for h in (R(499, 1000), R(1, 2), R(501, 1000)):
            inner = evaluate(atoms.binormal(z, R(1, 4), 1, 1, R(-1, 2)), {z: h})
            assert found.contains(inner)
