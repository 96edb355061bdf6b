"""Expectations of the layers against quadrature in the plane, at every correlation and variance."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dekderive.design.units import Unit, hard_tanh, hermite, leaky_relu
from dekderive.errors import InvalidInput
from tests.design.oracles import rule

UNITS = [
    hermite((0.7, -0.3, 0.2, 0.05), 1.3),
    hermite((0.5,), 0.4),
    hard_tanh(-1.7, 0.8, 1.0),
    leaky_relu(1.2, 0.1, 1.5),
    leaky_relu(-0.4, 0.9, 0.7),
]
IDS = [f"{u.kind}{len(u.parameters)}{i}" for i, u in enumerate(UNITS)]


def knots(unit, deviation):
    return (unit.parameters[1] / deviation, -unit.parameters[1] / deviation) if unit.kind == "hard_tanh" else ()


def plane(unit, f, a, b, c):
    """E f(u) f(v): the outer integral over u, the inner one over v given u with its own breaks."""
    z, w = rule(*knots(unit, math.sqrt(a)))
    rest, total = math.sqrt(b - c * c / a), 0.0
    x, v = np.polynomial.legendre.leggauss(24)
    at = sorted({0.0, *((unit.parameters[1], -unit.parameters[1]) if unit.kind == "hard_tanh" else ())})
    for node, weight in zip(z, w, strict=True):
        if weight < 1e-17:
            continue
        centre = c / math.sqrt(a) * node
        breaks = sorted([*np.linspace(-9, 9, 13), *[(k - centre) / rest for k in at if abs(k - centre) < 9 * rest]])
        half = np.diff(breaks) / 2
        y = ((np.array(breaks[:-1]) + half)[:, None] + half[:, None] * x).ravel()
        mass = (half[:, None] * v).ravel() * np.exp(-y * y / 2) / math.sqrt(2 * math.pi)
        total += weight * f(np.array([math.sqrt(a) * node]))[0] * (f(centre + rest * y) @ mass)
    return total


@pytest.mark.parametrize("unit", UNITS, ids=IDS)
@pytest.mark.parametrize(("a", "b", "rho"), [(1.7, 1.7, 0.3), (0.9, 2.5, -0.85), (2.0, 1.9, 0.99)])
def test_bivariate_expectations(unit, a, b, rho):
    c = rho * math.sqrt(a * b)
    arrays = [np.array(v) for v in (a, b, c, 1 - rho)]
    scale = math.sqrt(float(unit.second(arrays[0]) * unit.second(arrays[1])))
    assert abs(float(unit.dual(*arrays)) - plane(unit, unit, a, b, c)) < 1e-12 * scale
    slope = float(unit.slope_second(arrays[0]))
    assert abs(float(unit.slope_dual(*arrays)) - plane(unit, unit.slope, a, b, c)) < 1e-11 * slope


@pytest.mark.parametrize("unit", UNITS, ids=IDS)
@pytest.mark.parametrize("q", [1e-6, 0.5, 1.0, 30.0])
def test_moments(unit, q):
    z, w = rule(*knots(unit, math.sqrt(q)))
    u, at = math.sqrt(q) * z, np.array(q)
    scale = unit(u) ** 2 @ w
    np.testing.assert_allclose(unit.second(at), scale, rtol=1e-12)
    np.testing.assert_allclose(unit.mean(at), unit(u) @ w, atol=1e-12 * math.sqrt(scale))
    np.testing.assert_allclose(unit.slope_second(at), unit.slope(u) ** 2 @ w, rtol=1e-12)
    near = unit.dual(at, at, at, np.array(0.0))
    np.testing.assert_allclose(near, unit.second(at), rtol=1e-13)
    np.testing.assert_allclose(unit.slope_dual(at, at, at, np.array(0.0)), unit.slope_second(at), rtol=1e-12)


@pytest.mark.parametrize("unit", UNITS, ids=IDS)
def test_moments_at_tau(unit):
    tau = unit.tau
    z, w = rule(*knots(unit, tau))
    f, m = unit(tau * z), unit.moments
    expected = {
        "m1": f * z @ w / tau,
        "m2": f * (z * z - 1) @ w / tau**2,
        "second": f * f @ w,
        "second_slope": f * f * (z * z - 1) @ w / (2 * tau**2),
        "slope_second": unit.slope(tau * z) ** 2 @ w,
    }
    for name, value in expected.items():
        assert abs(m[name] - value) < 1e-12 * max(1.0, m["second"] / tau**2), name
    assert abs(f @ w) < 1e-13 * math.sqrt(m["second"])


@settings(deadline=None, derandomize=True, max_examples=80)
@given(st.sampled_from(UNITS), st.floats(-30, 30))
def test_slopes_are_derivatives(unit, x):
    at = np.array([x])
    corners = [0.0] if unit.kind == "leaky_relu" else [*knots(unit, 1.0)]
    if any(abs(x - k) < 1e-3 for k in corners):
        return
    h = 1e-5
    difference = (unit(at + h) - unit(at - h)) / (2 * h)
    assert abs(difference - unit.slope(at))[0] < 1e-6 * (1 + abs(unit.slope(at)[0]) + abs(x) ** 3)


@pytest.mark.parametrize("gap", ["1e-20", "1e-8", "0.3", "1.9"])
def test_gaps_after_leaky_relu_keep_their_digits(gap):
    """With 50 digits, also for variances that almost agree."""
    unit = leaky_relu(1.2, 0.1, 1.5)
    for ratio in ("1", "1.0000001", "3"):
        with mp.workdps(50):
            a, b, theta = mp.mpf(2), 2 * mp.mpf(ratio), mp.acos(1 - mp.mpf(gap))
            even, odd, tau = (mp.mpf(1.2) + mp.mpf(0.1)) / 2, (mp.mpf(1.2) - mp.mpf(0.1)) / 2, mp.mpf(1.5)

            def dual(p, q, t, even=even, odd=odd, tau=tau):
                u, v = (odd * mp.sqrt(2 / mp.pi) * (mp.sqrt(r) - tau) for r in (p, q))
                inner = mp.sin(t) + (mp.pi / 2 - t) * mp.cos(t) - 1
                return mp.sqrt(p * q) * (even**2 * mp.cos(t) + 2 / mp.pi * odd**2 * inner) + u * v

            exact = 1 - dual(a, b, theta) / mp.sqrt(dual(a, a, 0) * dual(b, b, 0))
        values = [np.array(float(x)) for x in (a, b)]
        lag = np.sqrt(values[0] * values[1]) * (1 - float(gap))
        found = unit.next_gap(*values, lag, np.array(float(gap)))
        # The ratio of the variances is rounded: that alone moves gaps of 1e-15 by an ulp times its root.
        assert abs(float(found / float(exact)) - 1) < (1e-8 if ratio == "1.0000001" else 1e-13)


def test_zero_variances_are_no_special_case():
    zero, one = np.array(0.0), np.array(1.0)
    for unit in UNITS:
        value = unit.dual(zero, one, zero, zero)
        expected = unit(np.array([0.0]))[0] * unit.mean(one)
        assert abs(float(value - expected)) < 1e-14
        assert np.isfinite(unit.slope_dual(zero, one, zero, zero)).all()


def test_single_precision_stays_single():
    x = np.linspace(-2, 2, 9, dtype=np.float32)
    for unit in UNITS:
        assert unit(x).dtype == unit.slope(x).dtype == np.float32
        np.testing.assert_allclose(unit(x), unit(x.astype(float)), rtol=1e-5, atol=1e-6)


def test_invalid_layers():
    for arguments in (("hermite", (), 1.0), ("cubic", (1.0,), 1.0), ("hermite", (math.nan,), 1.0)):
        with pytest.raises(InvalidInput):
            Unit(*arguments)
    with pytest.raises(InvalidInput):
        hermite((1.0,), 0.0)
    with pytest.raises(InvalidInput):
        hard_tanh(1.0, -1.0, 1.0)
