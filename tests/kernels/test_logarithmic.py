"""Logarithms that cancel, underflow or pass through 1: relative errors against mpmath, near their zeros too."""

import warnings

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from dekderive.kernels import logarithmic

EXACT = {  # textbook formulas; the working precision pays for what cancels in them
    "log1mexp": lambda x: mpmath.log(1 - mpmath.exp(x)),
    "log_exprel": lambda x: mpmath.log((mpmath.exp(x) - 1) / x) if x else mpf(0),
    "log_softplus": lambda x: mpmath.log(mpmath.log1p(mpmath.exp(x))),
    "log_softplus_slope": lambda x: mpmath.exp(x) / (1 + mpmath.exp(x)) / mpmath.log1p(mpmath.exp(x)),
    "tilted_uniform_mean": lambda x: 1 / (1 - mpmath.exp(-x)) - 1 / x if x else mpf(1) / 2,
    "truncated_normal_log_partition": lambda x: x * x / 2 + mpmath.log(mpmath.erfc(-x / mpmath.sqrt(2)) / 2),
}
ZERO_CROSSINGS = {"log_softplus": 0.5413248546129181, "truncated_normal_log_partition": 0.7286001084842727}


def points(name):
    rng = np.random.default_rng(20261121)
    seams = np.array([0.3, 0.5, np.log(2), 1.0, 2.0, 37.0, 709.0, 745.2, 800.0])
    zero = ZERO_CROSSINGS.get(name, 1.0)
    size = [10.0 ** np.arange(-300, -16, 71), 10 ** rng.uniform(-16, 0, 30), rng.uniform(0, 8, 80)]
    size = np.concatenate([*size, rng.uniform(8, 800, 60), seams, np.nextafter(seams, 0), np.nextafter(seams, 900)])
    near = zero + rng.choice([-1, 1], 40) * 10 ** rng.uniform(-15, -0.2, 40)
    x = np.concatenate([size, -size, near, zero + np.spacing(zero) * np.arange(-3, 4)])
    return x[x < 0] if name == "log1mexp" else x


@pytest.mark.parametrize("name", sorted(EXACT))
def test_relative_error_is_a_few_ulps_also_beside_a_zero(name):
    x = points(name)
    with np.errstate(all="raise"):
        values = getattr(logarithmic, name)(x)
    with mpmath.workdps(700):
        for at, value in zip(x, values, strict=True):
            true = EXACT[name](mpf(float(at)))
            assert abs(mpf(float(value)) - true) <= 4e-15 * max(abs(true), mpf(1e-305)), (name, at, value)


@pytest.mark.parametrize("name", sorted(EXACT))
def test_no_finite_number_gives_a_warning_or_a_nan(name):
    x = np.array([1e300, 1e154, 1e-154, 5e-324, 0.0, np.finfo(float).max])
    x = -x if name == "log1mexp" else np.concatenate([x, -x])
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        assert not np.isnan(getattr(logarithmic, name)(x)).any()


LIMITS = {  # at infinity, at minus infinity
    "log_exprel": (np.inf, -np.inf),
    "log_softplus": (np.inf, -np.inf),
    "log_softplus_slope": (0.0, 1.0),
    "tilted_uniform_mean": (1.0, 0.0),
    "truncated_normal_log_partition": (np.inf, -np.inf),
}


@pytest.mark.parametrize("name", sorted(LIMITS))
def test_at_infinity_and_for_nan(name):
    function = getattr(logarithmic, name)
    assert (function(np.inf), function(-np.inf)) == LIMITS[name]
    assert np.isnan(function(np.nan))
    assert function(np.float32(0.25)).dtype == np.float32
    assert function([[0.25], [0.5]]).shape == (2, 1)


def test_the_logarithm_of_a_negative_number_is_not_a_number():
    assert logarithmic.log1mexp(-np.inf) == 0
    assert logarithmic.log1mexp(0.0) == -np.inf
    assert np.isnan(logarithmic.log1mexp([1e-3, 800.0, np.inf, np.nan])).all()
