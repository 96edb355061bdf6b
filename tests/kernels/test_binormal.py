"""The bivariate normal distribution function: against quadrature at 28 digits, limits, and its symmetries."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mpf

from dekderive.kernels import binormal as module
from dekderive.kernels import special

ABSOLUTE, RELATIVE = 4e-16, 2e-15


def exact_binormal(h, k, a, b, c, size):
    """Integral of phi(u) Phi((K - r u) / s) below H for the given doubles, split at its kinks; size is its order."""
    h, k, a, b, c = (mpf(float(v)) for v in (h, k, a, b, c))
    h, k = h / mpmath.sqrt(a), k / mpmath.sqrt(b)
    r, s = c / mpmath.sqrt(a * b), mpmath.sqrt((a * b - c * c) / (a * b))
    unit = mpf(float(size)) if size > 0 else mpf(1)  # mpmath's quadrature stops at an absolute error
    centres = [(mpf(0), mpf(1)), (h, 1 / (1 + abs(h))), (h, mpf(1)), (h, s / (1 + abs(r * k - h) / s))]
    if r != 0:
        centres += [(k / r, s / abs(r)), (k / r, 1 / (1 + abs(k / r)))]
    ends = {x + sign * step * width for x, width in centres for step in (0, 1, 3, 9, 27) for sign in (1, -1)}
    ends = sorted(x for x in ends | {h} if -60 - abs(h) < x <= h)

    def density(u):
        return mpmath.npdf(u) * mpmath.erfc((r * u - k) / s / mpmath.sqrt(2)) / 2 / unit

    return unit * mpmath.quad(density, [ends[0] - 40, *ends])


def corners(count, seed):
    """Corners of quadrants in all four quadrants, at variances of any size; a third of the laws is nearly singular."""
    rng = np.random.default_rng(seed)
    a, b = 10 ** rng.uniform(-3, 3, (2, count))
    kind = np.arange(count) % 3
    near = rng.choice([-1, 1], count) * (1 - 10 ** rng.uniform(-12, -1, count))
    weak = rng.uniform(-1, 1, count) * 10 ** rng.uniform(-10, 0, count)
    r = np.where(kind == 0, rng.uniform(-1, 1, count), np.where(kind == 1, near, weak))
    size = 10 ** rng.uniform(-3, 1.5, count)
    h, k = rng.normal(size=(2, count)) * size
    k = np.where(np.arange(count) % 5 == 0, h * (1 + rng.normal(size=count) * 10 ** rng.uniform(-10, 0, count)), k)
    h, k = (np.where(np.arange(count) % 2, -np.abs(x), x) for x in (h, k))
    h = np.where(np.arange(count) % 11 == 0, 0.0, h)
    return h * np.sqrt(a), k * np.sqrt(b), a, b, r * np.sqrt(a) * np.sqrt(b)


def assert_right(points):
    with np.errstate(all="raise"):
        values = special.binormal(*points)
    with mpmath.workdps(28):
        for *point, value in zip(*points, values, strict=True):
            true = exact_binormal(*point, value)
            error = abs(mpf(float(value)) - true)
            assert error <= ABSOLUTE, (point, value)
            if point[0] <= 0 and point[1] <= 0 and true > mpf(1e-300):
                assert error <= RELATIVE * true, (point, value, mpmath.nstr(true, 20))


def test_against_quadrature():
    assert_right(corners(22, 1))


@pytest.mark.slow
def test_against_quadrature_at_many_points():
    assert_right(corners(500, 2))


def test_the_far_tail_keeps_its_digits():
    # Where the difference of Owen's T functions is 0: 1e-100 beside terms of 1e-2.
    for h, k, r in [
        (-30, -30, 0.5),
        (-20, -2, -0.5),
        (-5, -15, 0.9),
        (-3, 1, -0.99),
        (-25, -25, 1 - 1e-9),
        (-8, -8, 0),
    ]:
        value = special.binormal(h, k, 1.0, 1.0, r)
        with mpmath.workdps(28):
            assert abs(mpf(float(value)) / exact_binormal(h, k, 1, 1, r, value) - 1) < RELATIVE, (h, k, r)


def test_at_the_origin_it_is_sheppards_formula():
    for r in (-1 + 1e-12, -0.5, 0.0, 0.25, 1 - 1e-12):
        with mpmath.workdps(40):
            true = mpf(1) / 4 + mpmath.asin(mpf(r)) / (2 * mpmath.pi)
        assert special.binormal(0, 0, 4.0, 0.25, r) == pytest.approx(float(true), rel=4e-16)


def test_singular_laws():
    f = special.binormal
    h = np.array([-9.0, -2.0, -1e-9, 0.0, 0.5, 3.0])
    k = np.array([-3.0, 2.5, 2e-9, 0.0, -0.25, 7.0])
    np.testing.assert_allclose(f(h, 2 * k, 1, 4, 2), special.ndtr(np.minimum(h, k)), rtol=4e-16)
    between = [0.0, float(mpmath.ncdf(-2) - mpmath.ncdf(-2.5)), float(1e-9 / mpmath.sqrt(2 * mpmath.pi)), 0.0]
    between += [float(mpmath.ncdf(0.5) - mpmath.ncdf(0.25)), float(mpmath.ncdf(3) - mpmath.ncdf(-7))]
    np.testing.assert_allclose(f(h, 2 * k, 1, 4, -2), between, rtol=3e-15, atol=2e-25)
    # Two tails whose difference is in their last digits: P(9 <= U <= 9.5) = 1.1e-19.
    with mpmath.workdps(30):
        assert f(9.5, -9.0, 1, 1, -1) == pytest.approx(float(mpmath.ncdf(-9) - mpmath.ncdf(-9.5)), rel=4e-16)
    assert f(1.0, 1.0, 1, 1, 1 + 1e-15) == special.ndtr(1.0)  # indefinite by rounding


def test_it_is_continuous_where_the_law_becomes_singular():
    h, k = np.array([-2.0, -0.5, 0.0, 1.0, 3.0]), np.array([-1.9, 0.6, 0.1, -0.9, -2.5])
    for sign in (1, -1):
        near = special.binormal(h, k, 1.0, 1.0, sign * (1 - 2.0**-53))
        np.testing.assert_allclose(near, special.binormal(h, k, 1.0, 1.0, sign), atol=1e-15)


def test_variances_of_zero_are_steps():
    f = special.binormal
    assert f(1.0, 0.3, 0.0, 4.0, 0.0) == special.ndtr(0.15)
    assert f(-1.0, 0.3, 0.0, 4.0, 0.0) == 0
    assert f(0.0, 0.3, 0.0, 4.0, 0.0) == 0.5 * special.ndtr(0.15)
    assert f(0.3, 1e-300, 4.0, 0.0, 0.0) == special.ndtr(0.15)
    assert f(0.0, 0.0, 0.0, 0.0, 0.0) == 0.25
    assert f(1.0, 1.0, 0.0, 0.0, 0.0) == 1
    # and they are the limits of small ones
    for h, k in [(1.0, 0.3), (-1.0, 0.3), (0.3, 1.0)]:
        assert f(h, k, 1e-300, 4.0, 1e-150) == f(h, k, 0.0, 4.0, 0.0)


def test_infinite_arguments_and_extreme_scales():
    f, inf = special.binormal, np.inf
    assert f(inf, 0.7, 1, 1, 0.5) == pytest.approx(special.ndtr(0.7), rel=4e-16)
    assert f(-2.0, inf, 1, 1, 0.5) == pytest.approx(special.ndtr(-2.0), rel=4e-16)
    assert f(inf, inf, 1, 1, -0.5) == 1
    assert f(-inf, inf, 1, 1, -0.5) == 0
    assert f(-inf, -inf, 1, 1, 1) == 0
    assert f(-3.0, -inf, 1, 1, 0.5) == 0
    one = f(-1.0, 0.5, 1.0, 1.0, 0.25)
    for size in (2.0**-490, 2.0**490):  # the square of it is still a number
        assert f(-size, 0.5, size * size, 1.0, 0.25 * size) == one
    assert f(-1e300, 0.5, 1e-300, 1.0, 0.0) == 0
    assert f(1e300, 1e300, 1e-300, 1e-300, 0.0) == 1


def test_dtypes_shapes_and_nan():
    f = special.binormal
    found = f(np.float32(-1), np.float32(0.5), np.float32(1), np.float32(2), np.float32(-0.5))
    assert found.dtype == np.float32
    assert found == np.float32(f(-1.0, 0.5, 1.0, 2.0, -0.5))
    assert np.ndim(f(0, 1, 1, 1, 0)) == 0
    assert f(np.ones((2, 1)), np.ones(3), 1, 1, 0.5).shape == (2, 3)
    assert f(np.empty((0, 2)), 1.0, 1, 1, 0.5).shape == (0, 2)
    for place in range(5):
        assert np.isnan(f(*[np.nan if i == place else v for i, v in enumerate((1.0, 1.0, 1.0, 1.0, 0.5))]))


def test_times_an_exponential():
    f = special.exp_binormal
    with mpmath.workdps(40):
        # E[exp(u + v); u < 0, v < 0] is the probability of the tilted law: exp((a + b + 2c)/2) P(U < -a-c, V < -b-c).
        for a, b, c in [
            (4.0, 1.0, 0.5),
            (400.0, 900.0, -120.0),
            (2e4, 2e4, 1e4),
            (2e4, 1e4, -14000.0),
            (9.0, 9.0, 9.0),
        ]:
            found = f((a + b + 2 * c) / 2, -a - c, -b - c, a, b, c)
            scaled = _quadrant(*(mpf(v) for v in (a, b, c)))
            assert found == pytest.approx(float(scaled), rel=3e-15), (a, b, c)
    assert f(800.0, 5.0, 5.0, 1.0, 1.0, 0.5) == np.inf
    assert f(800.0, 5.0, -1e3, 1.0, 1.0, 0.5) == 0
    assert f(-np.inf, -5.0, -1e3, 1.0, 1.0, 0.5) == f(-np.inf, 5.0, 1e3, 1.0, 1.0, 0.5) == 0
    assert f(0.0, -1.0, 0.5, 1.0, 1.0, 0.25) == special.binormal(-1.0, 0.5, 1.0, 1.0, 0.25)
    assert f(5e5, -1e3, -1e3, 1.0, 1.0, 1.0) == pytest.approx(special.exp_ndtr(5e5, -1e3), rel=4e-16)
    assert f(5e5, -1e3, 1.0, 1.0, 0.0, 0.0) == pytest.approx(special.exp_ndtr(5e5, -1e3), rel=4e-16)


def _quadrant(a, b, c):
    """E[exp(u + v); u < 0, v < 0] by integration over u of the one-sided expectation over v given u."""
    if a * b == c * c:  # u = v
        return mpmath.exp(2 * a) * mpmath.erfc(mpmath.sqrt(2 * a)) / 2
    gain, rest = c / a, b - c * c / a

    def inner(u):
        mean = gain * u
        x = -(mean + rest) / mpmath.sqrt(rest)
        return mpmath.exp(u + mean + rest / 2) * mpmath.erfc(-x / mpmath.sqrt(2)) / 2

    density = lambda u: mpmath.npdf(u, 0, mpmath.sqrt(a)) * inner(u)  # noqa: E731
    ends = [-(mpf(2) ** n) for n in range(9, -8, -1)]
    return mpmath.quad(density, [*ends, 0])


def test_the_nodes_integrate_polynomials_of_degree_47():
    with mpmath.workdps(30):
        for power in range(48):
            total = sum(mpf(w) * (mpf(x) ** power + (1 - mpf(x)) ** power) for x, w in module.GAUSS)
            assert abs(total * (power + 1) - 1) < 3e-16


arguments = st.floats(-30, 30)
variances = st.floats(1e-6, 1e6)
correlations = st.one_of(st.floats(-1, 1), st.sampled_from([-1.0, 1.0, 1 - 1e-12, 1e-12 - 1]))


@given(arguments, arguments, variances, variances, correlations, st.floats(0, 3))
@settings(deadline=None, max_examples=60)
def test_symmetry_complement_bounds_and_monotonicity(h, k, a, b, r, step):
    h, k, c = h * np.sqrt(a), k * np.sqrt(b), r * np.sqrt(a) * np.sqrt(b)
    further = h + step * np.sqrt(a)
    value, swapped, complement, larger = special.binormal(
        [h, k, h, further], [k, h, -k, k], [a, b, a, a], [b, a, b, b], [c, c, -c, c]
    )
    in_h, in_k = special.ndtr([h / np.sqrt(a), k / np.sqrt(b)])
    assert swapped == value
    assert value + complement == pytest.approx(in_h, abs=ABSOLUTE)
    assert max(0.0, in_h + in_k - 1) - ABSOLUTE <= value <= min(in_h, in_k) * (1 + 1e-12) + 1e-300
    assert larger >= value * (1 - 1e-12) - ABSOLUTE
    if r >= 0:  # Slepian
        assert value >= in_h * in_k * (1 - 1e-12)
