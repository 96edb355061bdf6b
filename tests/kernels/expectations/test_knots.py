"""Functions with kinks and jumps at points other than 0: against one-dimensional integrals in mpmath."""

import math

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from dekderive.errors import InvalidInput, NotConverged
from dekderive.kernels import hermite, special
from dekderive.kernels.expectations.conditional import conditional_dual
from dekderive.kernels.expectations.graded import averages, breaks
from dekderive.kernels.expectations.pieces import jumps

# --- the functions, and exact averages E[g(m + s w)] of them, from Phi and phi ---


@hermite.piecewise(1.0)
def late_step(z):
    return np.heaviside(z - 1.0, 0.5)


@hermite.piecewise(-0.5)
def early_step(z):
    return np.heaviside(z + 0.5, 0.5)


@hermite.piecewise(1.0)
def hinge(z):
    return np.maximum(z - 1.0, 0.0)


@hermite.piecewise(-1.0, 1.0)
def clip(z):
    return np.clip(z, -1.0, 1.0)


@hermite.piecewise(0.0, 6.0)
def relu6(z):
    return np.clip(z, 0.0, 6.0)


@hermite.piecewise(0.5)
def bent(z):
    """A jump and a kink at 1/2, and no closed form."""
    return np.where(z > 0.5, 1.0 + np.tanh(z), 0.3 * z) + 0.2 * np.cos(z)


def step_average(k):
    return lambda m, s: mpmath.ncdf((m - k) / s) if s else (mpf(1) if m > k else mpf(0))


def hinge_average(k):
    def average(m, s):
        if not s:
            return max(m - k, mpf(0))
        t = (m - k) / s
        return (m - k) * mpmath.ncdf(t) + s * mpmath.npdf(t)

    return average


def clip_average(low, high):
    below, above = hinge_average(low), hinge_average(high)
    return lambda m, s: low + below(m, s) - above(m, s)


AVERAGE = {
    late_step: step_average(mpf(1)),
    early_step: step_average(mpf(-1) / 2),
    hinge: hinge_average(mpf(1)),
    clip: clip_average(mpf(-1), mpf(1)),
    relu6: clip_average(mpf(0), mpf(6)),
}


def sharp(f):
    """The function itself: its average over no width."""
    return lambda u: AVERAGE[f](u, mpf(0))


def oracle(f, g, a, b, c):
    """E[f(u) g(v)]: the average over v given u in closed form, the integral over u in mpmath."""
    sa, slope = mpmath.sqrt(a), c / a
    s = mpmath.sqrt(max(b - c * c / a, mpf(0)))
    ends = {mpf(-13), mpf(13), mpf(0), mpf(4), mpf(-4), *(k / sa for k in f.knots)}
    if c:
        width = s / abs(slope) / sa
        near = [k / slope / sa for k in g.knots]
        ends |= {x + sign * n * width for x in near for n in (0, 2, 6, 15) for sign in (1, -1)}
    ends = sorted(e for e in ends if abs(e) <= 13)
    value = sharp(f)
    return mpmath.quad(lambda z: value(sa * z) * AVERAGE[g](slope * sa * z, s) * mpmath.npdf(z), ends)


def size(f, a):
    ends = sorted({mpf(-13), mpf(13), mpf(0), *(k / mpmath.sqrt(a) for k in f.knots if abs(k) < 13 * mpmath.sqrt(a))})
    return mpmath.sqrt(mpmath.quad(lambda z: sharp(f)(mpmath.sqrt(a) * z) ** 2 * mpmath.npdf(z), ends))


PAIRS = [(late_step, early_step), (hinge, clip), (relu6, late_step)]
VARIANCES = [(1.0, 1.0), (100.0, 0.25), (1e4, 1e4), (0.0625, 1e4)]
CORRELATIONS = [0.6, -0.9, 0.99, 1 - 1e-8, 1.0, -1.0]


@pytest.mark.parametrize(("a", "b"), VARIANCES)
@pytest.mark.parametrize("pair", PAIRS, ids=lambda p: f"{p[0].__name__}-{p[1].__name__}")
def test_values_at_all_correlations(pair, a, b):
    f, g = pair
    c = np.array(CORRELATIONS) * math.sqrt(a) * math.sqrt(b)
    value, bound = hermite.dual_with_error(f, g, a, b, c)
    with mpmath.workdps(30):
        scale = float(size(f, mpf(a)) * size(g, mpf(b)))
        true = [oracle(f, g, mpf(a), mpf(b), mpf(x)) for x in c]
    error = np.array([abs(float(mpf(float(v)) - t)) for v, t in zip(value, true, strict=True)])
    assert np.max(error) <= 2e-14 * scale
    assert (error <= bound).all()
    assert (bound <= 1e-12 * scale).all()


def test_tiny_variances():
    # clip is the identity for all that a Gaussian of variance 1e-12 sees, and the hinge vanishes.
    assert hermite.dual(clip, clip, 1e-12, 4e-12, 1e-12) == pytest.approx(1e-12, rel=1e-13)
    assert hermite.dual_kxy(clip, clip, 1e-12, 4e-12, 1e-12) == pytest.approx(1.0, rel=1e-13)
    assert hermite.dual(hinge, clip, 1e-12, 1.0, 0.0) == 0.0
    # Ten and more standard deviations out: relative to the norm, which is as small.
    with mpmath.workdps(60):
        a = mpf("0.01")
        for c in (0.009, 0.01):
            true = oracle(late_step, late_step, mpf(0.01), mpf(0.01), mpf(c))
            found = mpf(float(hermite.dual(late_step, late_step, 0.01, 0.01, c)))
            assert abs(found - true) <= mpf("1e-12") * size(late_step, a) ** 2


@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (0.2, 25.0), (1e4, 100.0)])
def test_derivatives_have_the_delta_functions_of_all_knots(a, b):
    r = np.array([0.0, 0.6, -0.9, 0.99, -(1 - 1e-6)])
    c = r * math.sqrt(a * b)
    with mpmath.workdps(20):
        p, q = mpf(a), mpf(b)
        cs = [mpf(x) for x in c]
        gap = [p * q - x * x for x in cs]
        # Two jumps, at 1 and at -1/2: the joint density there.
        joint = [
            mpmath.exp(-(q + x + p / 4) / (2 * d)) / (2 * mpmath.pi * mpmath.sqrt(d))
            for x, d in zip(cs, gap, strict=True)
        ]
        density = mpmath.exp(-1 / (2 * p)) / mpmath.sqrt(2 * mpmath.pi * p)
        given = [mpmath.ncdf((x / p + mpf(1) / 2) / mpmath.sqrt(d / p)) for x, d in zip(cs, gap, strict=True)]
        slope = [
            density * (w / p + (x / p) * mpmath.exp(-((x / p + mpf(1) / 2) ** 2) * p / (2 * d)) * -1
                       / mpmath.sqrt(2 * mpmath.pi * d / p))
            for x, d, w in zip(cs, gap, given, strict=True)
        ]  # fmt: skip
        steps = [oracle(late_step, early_step, p, q, x) for x in cs]
    kwargs = {"rtol": 0, "atol": 1e-13}
    found = hermite.dual_kxy(late_step, early_step, a, b, c)
    np.testing.assert_allclose(found, np.array(joint, dtype=float), rtol=1e-11, atol=1e-300)
    # A kink and a jump: E[H(u - 1) delta(v + 1/2)] is the mirror image of E[delta(u - 1) H(v + 1/2)].
    expected = float(density) * np.array(given, dtype=float)
    np.testing.assert_allclose(hermite.dual_kxy(late_step, _ramp, a, b, c), expected, **kwargs)
    # Two kinks: the steps.
    np.testing.assert_allclose(hermite.dual_kxy(hinge, _ramp, a, b, c), np.array(steps, dtype=float), **kwargs)
    # The heat equation: of a kink, and of a jump, whose delta' picks the slope of the density and of the average.
    np.testing.assert_allclose(hermite.dual_kxx(hinge, early_step, a, b, c), expected / 2, **kwargs)
    found = hermite.dual_kxx(late_step, early_step, a, b, c)
    np.testing.assert_allclose(found, np.array(slope, dtype=float) / 2, rtol=0, atol=1e-12 * np.sqrt(1 + 1 / a))


@hermite.piecewise(-0.5)
def _ramp(z):
    return np.maximum(z + 0.5, 0.0)


def test_derivatives_at_correlation_one():
    # E[delta(u - 1) H(u - 1)] = p(1) / 2: given u = 1 the average of both sides, not the value on either.
    density = math.exp(-0.5) / math.sqrt(2 * math.pi)
    assert hermite.dual_kxy(late_step, hinge, 1.0, 1.0, 1.0) == pytest.approx(density / 2, rel=1e-13)
    assert hermite.dual_kxy(late_step, late_step, 1.0, 1.0, 1.0) == np.inf
    assert hermite.dual_kxy(late_step, early_step, 1.0, 1.0, 1.0) == 0.0  # never both at their jumps


def test_series_and_quadrature_agree_where_there_is_no_closed_form():
    for a, b, r in [(1.0, 1.0, 0.5), (4.0, 0.3, -0.9), (30.0, 8.0, 0.97)]:
        c = r * math.sqrt(a * b)
        series, bound = hermite.dual_with_error(bent, bent, a, b, c)
        plane, _ = conditional_dual(bent, bent, *np.array([[a], [b], [math.acos(r)], [1.0]]))
        assert abs(series - plane[0]) <= 1e-14 + bound


def test_derivatives_without_closed_form_against_differences():
    for a, b, c in [(0.7, 1.9, 0.8), (0.2, 0.15, 0.1), (4.0, 1.0, -1.9)]:
        h = 2e-3 * min(a, b, math.sqrt(a * b) - abs(c))
        for derivative, direction in (
            (hermite.dual_kxx, (1, 0, 0)),
            (hermite.dual_kyy, (0, 1, 0)),
            (hermite.dual_kxy, (0, 0, 1)),
        ):
            offsets = np.array([-3, -2, -1, 1, 2, 3])
            points = np.array([a, b, c])[:, None] + h * offsets * np.array(direction)[:, None]
            difference = hermite.dual(bent, bent, *points) @ np.array([-1, 9, -45, 45, -9, 1]) / (60 * h)
            assert derivative(bent, bent, a, b, c) == pytest.approx(difference, rel=3e-10)


def test_means_and_their_derivatives():
    # E[clip(u)^2] = 1 - 2 phi(1/s) s - (1 - s^2)(2 Phi(1/s) - 1)
    def second_moment(a):
        s = mpmath.sqrt(a)
        return 1 - 2 * s * mpmath.npdf(1 / s) - (1 - a) * (2 * mpmath.ncdf(1 / s) - 1)

    with mpmath.workdps(30):
        for a in (0.01, 0.2, 0.3, 4.0, 1e4):
            assert hermite.mean(clip, clip, a) == pytest.approx(float(second_moment(mpf(a))), rel=1e-13)
            true = float(mpmath.diff(second_moment, mpf(a)))
            assert hermite.mean_derivative(clip, clip, a) == pytest.approx(true, rel=1e-11)
            # d/da P(u > 1) = p(1) / 2a
            true = float(mpmath.npdf(1 / mpmath.sqrt(a)) / (2 * mpf(a) ** 1.5))
            assert hermite.mean_derivative(late_step, late_step, a) == pytest.approx(true, rel=1e-11)


def test_the_series_of_a_knotted_function():
    # E[H(u - 1) h_k(u)] = phi(1) h_(k-1)(1) / sqrt(k)
    found = hermite.series(late_step, 1.0, 40)
    h = [1.0, 1.0]
    for k in range(1, 40):
        h.append((h[k] - math.sqrt(k) * h[k - 1]) / math.sqrt(k + 1))
    density = math.exp(-0.5) / math.sqrt(2 * math.pi)
    expected = [0.15865525393145705, *(density * h[k - 1] / math.sqrt(k) for k in range(1, 41))]
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-15)


def test_averages_of_any_mean_and_width():
    mean = np.array([0.0, 1.0, -30.0, 1e3, 5.0, 1.0])
    deviation = np.array([1.0, 1e-9, 100.0, 1.0, 0.0, 1e4])
    with mpmath.workdps(30):
        for g in (clip, hinge, late_step):
            for m, s, found in zip(mean, deviation, averages(g, mean, deviation), strict=True):
                true = AVERAGE[g](mpf(float(m)), mpf(float(s)))
                assert abs(found - float(true)) <= 3e-15 * max(1.0, abs(m) + s)


def test_panels_are_graded_towards_their_points():
    points, finest = np.array([-2.0, 0.0, 3.0]), np.array([1.0, 1e-6, 0.5])
    ends = breaks(points, finest, -50.0, 50.0, 8.0)
    assert set(points) <= set(ends)
    assert (ends[0], ends[-1]) == (-50.0, 50.0)
    width = np.diff(ends)
    assert width.max() <= 8.0
    for point, least in zip(points, finest, strict=True):
        away = np.maximum(np.maximum(ends[:-1] - point, point - ends[1:]), 0.0)
        assert (width <= np.maximum(away, least)).all()
    assert ends.size < 120


def test_jumps_are_found_at_the_knots():
    assert jumps(relu6, 0) == ()
    assert [(k, round(j, 9)) for k, j in jumps(relu6, 1)] == [(0.0, 1.0), (6.0, -1.0)]
    assert [(k, round(j, 9)) for k, j in jumps(bent, 0)] == [(0.5, round(1 + math.tanh(0.5) - 0.15, 9))]


def test_knots_that_are_not_named_are_refused():
    @hermite.piecewise(2.0)
    def wrong(z):
        return special.softplus(np.maximum(z - 1.0, 0.0))

    with pytest.raises(NotConverged, match="piecewise"):
        hermite.dual_kxy(wrong, wrong, 1.0, 1.0, 0.5)
    with pytest.raises(InvalidInput, match="finite"):
        hermite.piecewise(float("nan"))(np.tanh)


def test_manners():
    value = hermite.dual(clip, clip, np.float32(1.0), np.float32(1.0), np.float32(0.5))
    assert value.dtype == np.float32
    assert np.isnan(hermite.dual(clip, clip, [1.0, -1.0, np.nan], 1.0, [2.0, 0.0, 0.0])).all()
    column, row = np.array([[1.0], [2.0]]), np.array([[1.0, 2.0, 3.0]])
    assert hermite.dual_kxy(clip, late_step, column, row, 0.5).shape == (2, 3)
