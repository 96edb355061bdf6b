"""The hypergeometric function of a squared correlation: against mpmath, up to correlation 1 for given doubles."""

import itertools

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from dekderive.kernels import special

POWERS = [-0.45, -0.3, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 5.5, 8.3]
PARAMETERS = [  # of the even and the odd part of E[|u|^p |v|^q], and of their derivatives in c
    lambda p, q: (-p / 2, -q / 2, 0.5),
    lambda p, q: ((1 - p) / 2, (1 - q) / 2, 1.5),
    lambda p, q: (1 - p / 2, 1 - q / 2, 1.5),
    lambda p, q: ((3 - p) / 2, (3 - q) / 2, 2.5),
]
GAPS = [0.7, 0.2, 0.05, 1e-2, 1e-4, 1e-8, 1e-12, 1e-15]


@pytest.mark.parametrize("kind", range(4))
def test_up_to_correlation_one(kind):
    rng = np.random.default_rng(5)
    for (p, q), gap in itertools.product(itertools.combinations_with_replacement(POWERS, 2), GAPS):
        parameters = PARAMETERS[kind](p, q)
        a, b = 10 ** rng.uniform(-100, 100, 2)
        c = rng.choice([-1, 1]) * np.sqrt(a) * np.sqrt(b) * (1 - gap)
        value = special.squared_correlation_2f1(*parameters, a, b, c)
        with mpmath.workdps(50):
            x = mpf(float(c)) ** 2 / (mpf(float(a)) * mpf(float(b)))
            true = mpmath.hyp2f1(*parameters, x)
            assert abs(mpf(float(value)) - true) <= 5e-13 * abs(true), (p, q, gap, value)


@pytest.mark.parametrize("kind", range(2))
@pytest.mark.parametrize(("p", "q"), [(0.5, 0.5), (1.0, 1.0), (1.5, 0.5), (-0.3, 0.25), (2.0, 3.0), (2.5, 2.5)])
def test_at_correlation_one_it_is_gausss_quotient(kind, p, q):
    a, b, c = PARAMETERS[kind](p, q)
    with mpmath.workdps(30):
        true = mpmath.gammaprod([mpf(c), mpf(c) - a - b], [mpf(c) - a, mpf(c) - b])
        for sign in (1, -1):
            assert abs(mpf(float(special.squared_correlation_2f1(a, b, c, 0.3, 1.2, sign * 0.6))) - true) < 1e-14


def test_a_derivative_that_diverges_is_infinite():
    for p, q in [(0.5, 0.5), (0.3, 0.3), (-0.4, -0.4)]:
        assert special.squared_correlation_2f1(*PARAMETERS[2](p, q), 1.0, 1.0, 1.0) == np.inf
    assert special.squared_correlation_2f1(0.0, 0.75, 0.5, 1.0, 1.0, 1.0) == pytest.approx(1, rel=1e-15)
    assert special.squared_correlation_2f1(0.0, 0.5, 0.5, 1.0, 1.0, 1.0) == 1


def test_edges():
    f = special.squared_correlation_2f1
    assert f(-0.5, -0.5, 0.5, 0.0, 2.0, 0.0) == 1
    assert f(-0.5, -0.5, 0.5, 1e300, 1e300, 0.0) == 1
    assert f(-0.5, -0.5, 0.5, 1e300, 1e300, 1e300) == pytest.approx(np.pi / 2, rel=1e-15)
    assert f(*(np.float32(v) for v in (-0.5, -0.5, 0.5, 1, 1, 1))).dtype == np.float32
    assert np.isnan(f(-0.5, -0.5, 0.5, 1.0, 1.0, np.nan))
    assert np.isnan(f(-0.5, -0.5, 0.5, np.nan, 1.0, 1.0))
    assert special.hyp2f1(1.0, 1.0, 2.0, 0.5) == pytest.approx(2 * np.log(2), rel=1e-15)
    assert special.hyp2f1(np.float32(1), np.float32(1), np.float32(2), np.float32(0.5)).dtype == np.float32
