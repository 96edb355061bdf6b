"""The excess of the bivariate normal distribution function: against Plackett's integral, and its limits."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from dekderive.kernels import special


def exact_excess(h, k, a, b, c):
    """erf erf / 4 + int (exp(-Q/2) - 1) over angles: Plackett's identity, without its part at the origin."""
    h, k, r = h / mpmath.sqrt(a), k / mpmath.sqrt(b), c / mpmath.sqrt(a * b)
    end = mpmath.asin(r)

    def missing(t):
        return mpmath.expm1(-(h * h - 2 * h * k * mpmath.sin(t) + k * k) / (2 * mpmath.cos(t) ** 2))

    ends = [0, *(end * (1 - mpf(10) ** -n) for n in range(1, 7)), end]
    margins = mpmath.erf(h / mpmath.sqrt(2)) * mpmath.erf(k / mpmath.sqrt(2)) / 4
    return margins + mpmath.quad(missing, ends) / (2 * mpmath.pi)


def test_it_keeps_its_digits_for_arguments_of_any_size():
    rng = np.random.default_rng(4)
    for i in range(60):
        a, b = 10 ** rng.uniform(-3, 3, 2)
        r = rng.choice([-1, 1]) * (rng.uniform(0, 1) if i % 2 else 1 - 10 ** rng.uniform(-9, -1))
        h, k = rng.normal(size=2) * 10 ** rng.uniform(-8, 0.7)
        k = h if i % 3 == 0 else 0.0 if i % 7 == 0 else k
        point = (h * np.sqrt(a), k * np.sqrt(b), a, b, r * np.sqrt(a) * np.sqrt(b))
        found = special.binormal_excess(*point)
        with mpmath.workdps(40):
            true = exact_excess(*(mpf(float(v)) for v in point))
            # Its two integrals may have different signs; neither is larger than h^2 + k^2.
            scale = max(abs(true), min(h * h + k * k, 1) * mpf(1e-2))
            assert abs(mpf(float(found)) - true) <= 1e-13 * scale, (point, found)


def test_it_is_what_it_is_called():
    rng = np.random.default_rng(5)
    h, k = rng.normal(size=(2, 400)) * 10 ** rng.uniform(-2, 2, 400)
    r = np.where(np.arange(400) % 5 == 0, rng.choice([-1.0, 1.0], 400), rng.uniform(-1, 1, 400))
    margins = (special.ndtr(h) + special.ndtr(k) - 1) / 2
    expected = special.binormal(h, k, 1, 1, r) - 0.25 - special.arcsine(1.0, 1.0, r) / (2 * np.pi) - margins
    np.testing.assert_allclose(special.binormal_excess(h, k, 1, 1, r), expected, rtol=0, atol=2e-15)
    np.testing.assert_array_equal(special.binormal_excess(-h, -k, 1, 1, r), special.binormal_excess(h, k, 1, 1, r))
    np.testing.assert_array_equal(special.binormal_excess(k, h, 1, 1, r), special.binormal_excess(h, k, 1, 1, r))


def test_limits():
    f = special.binormal_excess
    assert f(0, 0, 1, 1, 0.5) == 0
    assert f(np.inf, np.inf, 1, 1, 0.5) == pytest.approx(1 - 0.25 - 1 / 12 - 0.5, rel=1e-15)
    assert f(2.0, 3.0, 0, 1, 0) == pytest.approx((special.ndtr(3.0) - 0.5) / 2, rel=1e-15)
    assert f(0.0, 3.0, 0, 1, 0) == 0
    assert f(1e-200, 1e-200, 1, 1, -1) == pytest.approx(1e-200 / np.sqrt(2 * np.pi), rel=1e-15)
    for place in range(5):
        assert np.isnan(f(*[np.nan if i == place else 1.0 for i in range(5)]))
    assert f(*[np.float32(v) for v in (1, 2, 3, 4, 0.5)]).dtype == np.float32
