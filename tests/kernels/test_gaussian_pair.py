"""Functions of a noisy covariance, and exponentials times what falls as fast: against mpmath on the given doubles."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mpf

from dekderive.kernels import special

FEW_ULPS = 1e-15
RNG_SEED = 20260301


def exact(x):
    return mpf(float(x))


def assert_close(found, true, where, tolerance=FEW_ULPS):
    """Relative error; below 1e-305 numbers are subnormal."""
    if mpmath.isinf(true) or true > mpf(1.79e308):
        assert found == np.inf, where
        return
    assert abs(exact(found) - true) <= tolerance * max(abs(true), mpf(1e-305)), (where, found, mpmath.nstr(true, 20))


# --- noisy covariances -----------------------------------------------------------------------------------------------


def noisy_covariances(count=800):
    """Covariances and noises at any scale: unrelated, nearly singular, and indefinite by an ulp."""
    rng = np.random.default_rng(RNG_SEED)
    size, ratio = rng.uniform(-290, 290, count), rng.uniform(-8, 8, count)
    a, b = 10 ** (size + ratio), 10 ** (size - ratio)
    near = 1 - 10 ** rng.uniform(-17, -1, count)
    correlation = rng.choice([-1, 1], count) * np.where(rng.random(count) < 0.5, rng.uniform(-1, 1, count), near)
    c = np.sqrt(a) * np.sqrt(b) * correlation
    s, t = a * 10 ** rng.uniform(-20, 3, count), b * 10 ** rng.uniform(-20, 3, count)
    kind = np.arange(count) % 4
    # Noises far above or far below the variances; an indefinite pair whose noise is of the size of the excess.
    s = np.where(kind == 1, 10 ** rng.uniform(-300, 300, count), s)
    t = np.where(kind == 1, 10 ** rng.uniform(-300, 300, count), t)
    b = np.where(kind == 2, a, b)
    c = np.where(kind == 2, np.nextafter(a, np.inf), c)
    s, t = np.where(kind == 2, a * 10 ** rng.uniform(-17, -14, count), s), np.where(kind == 2, 0.0, t)
    # What is left of the determinant is 1e-4 of it.
    c = np.where(kind == 3, 0.9999 * np.sqrt(a + s) * np.sqrt(b + t), c)
    return a, b, c, s, t


def exact_noisy_rootgap(a, b, c, s, t):
    return mpmath.sqrt(max((a + s) * (b + t) - c * c, mpf(0)))


def test_noisy_functions_have_all_their_digits_at_any_scale():
    arguments = noisy_covariances()
    with np.errstate(all="raise"):
        roots, angles = special.noisy_rootgap(*arguments), special.noisy_arcsine(*arguments)
    with mpmath.workdps(700):
        for *point, root, angle in zip(*arguments, roots, angles, strict=True):
            numbers = [exact(v) for v in point]
            true = exact_noisy_rootgap(*numbers)
            assert_close(root, true, point)
            assert_close(abs(angle), abs(mpmath.atan2(numbers[2], true)), point)
            assert np.signbit(angle) == np.signbit(point[2])


def test_noises_far_below_a_singular_covariance_are_not_lost():
    for size in (1e-300, 1e-150, 1.0, 1e150, 1e300):
        assert special.noisy_rootgap(size, size, size, 1 / size, 1 / size) == pytest.approx(
            np.sqrt(2.0) if size > 1 else np.sqrt(3.0) if size == 1 else 1 / size, rel=4e-16
        )
    # The covariance is above both variances by one ulp: 1 - c^2 = -2^-51 - 2^-104, and the noise just pays for it.
    above = np.nextafter(1.0, 2.0)
    assert special.noisy_rootgap(1.0, 1.0, above, 2.0**-51, 0.0) == 0
    noise = 2.0**-51 + 2.0**-100
    assert special.noisy_rootgap(1.0, 1.0, above, noise, 0.0) == pytest.approx(np.sqrt(15.0) * 2.0**-52, rel=4e-16)


def test_without_noise_they_are_rootgap_and_arcsine():
    a, b, c, _, _ = noisy_covariances()
    np.testing.assert_allclose(special.noisy_rootgap(a, b, c, 0.0, 0.0), special.rootgap(a, b, c), rtol=4e-15)
    np.testing.assert_allclose(special.noisy_arcsine(a, b, c, 0.0, 0.0), special.arcsine(a, b, c), rtol=4e-15)


def test_noisy_zero_variances():
    assert special.noisy_rootgap(0, 0, 0, 0, 0) == 0
    assert special.noisy_arcsine(0, 0, 0, 0, 0) == 0
    assert special.noisy_rootgap(0, 0, 0, 0.25, 0.25) == 0.25
    assert special.noisy_rootgap(0, 3.0, 0, 0.5, 0) == pytest.approx(np.sqrt(1.5), rel=2e-16)
    assert special.noisy_rootgap(1.0, 1.0, 2.0, 0.5, 0.5) == 0


# --- exp(p) Phi(x) ---------------------------------------------------------------------------------------------------


def test_exp_ndtr_where_either_factor_is_out_of_range():
    rng = np.random.default_rng(RNG_SEED)
    x = np.concatenate([rng.uniform(-1000, -1, 250), rng.uniform(-3, 9, 150), -(10 ** rng.uniform(-300, 6, 60))])
    p = np.where((x < -1) & (np.arange(x.size) % 5 > 0), x * x / 2, 0.0) + rng.uniform(-640, 700, x.size)
    with np.errstate(all="raise"):
        values = special.exp_ndtr(p, x)
    with mpmath.workdps(60):
        for at, argument, value in zip(p, x, values, strict=True):
            true = mpmath.exp(exact(at)) * mpmath.erfc(-exact(argument) / mpmath.sqrt(2)) / 2
            assert_close(value, true, (at, argument))


def test_exp_ndtr_at_the_edges():
    f = special.exp_ndtr
    assert f(0.0, 0.0) == 0.5
    assert f(1.0, np.inf) == np.exp(1.0)
    assert f(1.0, -np.inf) == 0
    assert f(-np.inf, 3.0) == 0
    assert f(-np.inf, -3.0) == f(-np.inf, -np.inf) == 0
    assert f(np.inf, -3.0) == np.inf
    assert f(1e6, 3.0) == np.inf
    assert f(1e6, -1e200) == 0
    assert f(709.9, -1.0) == pytest.approx(float(mpmath.exp(mpf(709.9)) * mpmath.ncdf(-1)), rel=FEW_ULPS)
    assert np.isnan(f(np.nan, 0.0))
    assert np.isnan(f(0.0, np.nan))
    assert f(np.float32(1), np.float32(-2)).dtype == np.float32


# --- damped hyperbolic functions -------------------------------------------------------------------------------------


def covariances_of_pairs():
    """Near-duplicates of large variance, where a + b - 2 |c| cancels to order 1, and every other scale."""
    rng = np.random.default_rng(RNG_SEED)
    large = 10 ** rng.uniform(2, 12, 300)
    apart = large + rng.uniform(-1400, 1400, 300)
    small, other = 10 ** rng.uniform(-300, 2.5, 300), 10 ** rng.uniform(-300, 2.5, 300)
    a, b = np.concatenate([large, small]), np.abs(np.concatenate([apart, other]))
    near = 1 - 10 ** rng.uniform(-17, -8, 600)
    correlation = rng.choice([-1, 1], 600) * np.where(np.arange(600) % 3 == 0, rng.uniform(-1, 1, 600), near)
    return a, b, np.sqrt(a) * np.sqrt(b) * correlation


def test_damped_functions_have_all_their_digits():
    a, b, c = covariances_of_pairs()
    with np.errstate(all="raise"):
        sines, cosines = special.damped_sinh(a, b, c), special.damped_cosh(a, b, c)
    with mpmath.workdps(60):
        for *point, sine, cosine in zip(a, b, c, sines, cosines, strict=True):
            p, q, r = (exact(v) for v in point)
            damping = mpmath.exp(-(p + q - 2 * abs(r)) / 2)
            assert_close(sine, -mpmath.sign(r) * damping * mpmath.expm1(-2 * abs(r)) / 2, point)
            assert_close(cosine, damping * (1 + mpmath.exp(-2 * abs(r))) / 2, point)


def test_damped_functions_at_the_edges():
    assert special.damped_sinh(0, 0, 0) == 0
    assert special.damped_cosh(0, 0, 0) == 1
    assert special.damped_sinh(1e300, 1e300, 1e300) == 0.5
    assert special.damped_sinh(1e300, 1e300, -1e300) == -0.5
    assert special.damped_cosh(1e-300, 1e-300, 1e-300) == 1
    assert special.damped_sinh(1e-300, 1e-300, -1e-300) == -1e-300
    assert special.damped_cosh(np.inf, 1.0, 0.5) == 0
    assert np.isnan(special.damped_sinh(1.0, 1.0, np.nan))


# --- all of them -----------------------------------------------------------------------------------------------------

ARGUMENTS = {"noisy_rootgap": 5, "noisy_arcsine": 5, "exp_ndtr": 2, "damped_sinh": 3, "damped_cosh": 3}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_dtypes_shapes_and_nan(name):
    function, count = getattr(special, name), ARGUMENTS[name]
    singles = [np.float32(v) for v in (1.25, 0.75, 0.5, 0.25, 0.125)[:count]]
    found = function(*singles)
    assert found.dtype == np.float32
    assert found == np.float32(function(*(float(v) for v in singles)))
    assert np.ndim(function(*[1] * count)) == 0
    assert function(np.ones((2, 1)), *[np.ones(3)] * (count - 1)).shape == (2, 3)
    assert function(np.empty((0, 2)), *[1.0] * (count - 1)).shape == (0, 2)
    for place in range(count):
        assert np.isnan(function(*[np.nan if i == place else 1.0 for i in range(count)]))


variances = st.floats(1e-12, 1e12)


@given(variances, variances, st.floats(-1, 1), variances, variances)
@settings(deadline=None, max_examples=100)
def test_pairs_may_be_swapped_and_scaled(a, b, r, s, t):
    c = float(np.sqrt(a) * np.sqrt(b) * r)
    root = special.noisy_rootgap(a, b, c, s, t)
    assert special.noisy_rootgap(b, a, c, t, s) == pytest.approx(root, rel=2e-15)
    assert special.noisy_rootgap(a, b, -c, s, t) == root
    assert special.noisy_rootgap(
        a * 2.0**600, b * 2.0**-580, c * 2.0**10, s * 2.0**600, t * 2.0**-580
    ) == pytest.approx(root * 2.0**10, rel=2e-15)
    assert special.noisy_arcsine(a, b, -c, s, t) == -special.noisy_arcsine(a, b, c, s, t)
    assert special.damped_cosh(a, b, c) >= abs(special.damped_sinh(a, b, c))


@given(st.floats(-40, 40), st.floats(-40, 40), st.floats(0, 5))
@settings(deadline=None, max_examples=100)
def test_exp_ndtr_rises_in_both_arguments(p, x, step):
    value = special.exp_ndtr(p, x)
    assert special.exp_ndtr(p + step, x) >= value * (1 - FEW_ULPS)
    assert special.exp_ndtr(p, x + step) >= value * (1 - FEW_ULPS)
