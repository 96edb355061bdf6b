"""Accurate functions of the atoms: against mpmath on their definitions, digit by digit."""

import importlib
import inspect
import math
import warnings

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from dekderive.kernels import logarithmic, special

ONE_ARGUMENT = sorted(n for n in special.__all__ if len(inspect.signature(getattr(special, n)).parameters) == 1)
ONE_ARGUMENT = [n for n in ONE_ARGUMENT if n not in logarithmic.__all__]  # they have tests of their own
FEW_ULPS = 5e-15


def normal(x):
    return mpmath.erfc(-x / mpmath.sqrt(2)) / 2


def mills(x):
    return mpmath.exp(-x * x / 2) / mpmath.sqrt(2 * mpmath.pi) / normal(x)


def bessel(x):
    return mpmath.besseli(1, x) / mpmath.besseli(0, x)


EXACT = {
    "bessel_ratio": bessel,
    "bessel_ratio_slope": lambda x: 1 - bessel(x) / x - bessel(x) ** 2,
    "dawson": lambda x: mpmath.sqrt(mpmath.pi) / 2 * mpmath.exp(-x * x) * mpmath.erfi(x),
    "erf": mpmath.erf,
    "erfc": mpmath.erfc,
    "expit": lambda x: 1 / (1 + mpmath.exp(-x)),
    "inverse_mills": mills,
    "lambertw": lambda x: mpmath.lambertw(x).real if x > -mpmath.exp(-1) else mpmath.nan,
    "langevin": lambda x: mpmath.coth(x) - 1 / x,
    "langevin_slope": lambda x: 1 / x**2 - 1 / mpmath.sinh(x) ** 2,
    "log_cosh": lambda x: mpmath.log(mpmath.cosh(x)),
    "log_i0": lambda x: mpmath.log(mpmath.besseli(0, x)),
    "log_ndtr": lambda x: mpmath.log1p(-normal(-x)) if x > 0 else mpmath.log(normal(x)),
    "log_sinhc": lambda x: mpmath.log(mpmath.sinh(x) / x),
    "ndtr": normal,
    "relu": lambda x: max(x, mpf(0)),
    "sin_minus_xcos": lambda x: mpmath.sin(x) - x * mpmath.cos(x),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "step": lambda x: mpf(x > 0),
    "truncated_normal_mean": lambda x: x + mills(x),
    "truncated_normal_variance": lambda x: 1 - mills(x) * (x + mills(x)),
    "versine": lambda x: 1 - mpmath.cos(x),
}
AT_ZERO = {"bessel_ratio_slope": 0.5, "expit": 0.5, "ndtr": 0.5, "step": 0.5, "langevin_slope": 1 / 3, "erfc": 1.0}
AT_ZERO |= {"softplus": math.log(2), "log_ndtr": -math.log(2), "inverse_mills": math.sqrt(2 / math.pi)}
AT_ZERO |= {"truncated_normal_mean": math.sqrt(2 / math.pi), "truncated_normal_variance": 1 - 2 / math.pi}


def points():
    """Both signs of sizes from 1e-300 to 800, the seams between branches among them."""
    rng = np.random.default_rng(20260101)
    seams = np.array([0.3, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 25.0, 800.0])
    size = np.concatenate(
        [
            10.0 ** np.arange(-300, -16, 71),
            10 ** rng.uniform(-16, 0, 24),
            rng.uniform(0.0, 8.0, 70),
            rng.uniform(8.0, 45.0, 40),
            rng.uniform(45.0, 800.0, 24),
            seams,
            np.nextafter(seams, 0),
        ]
    )
    return np.concatenate([size, -size])


def exact(name, x):
    # Definitions such as coth(x) - 1/x lose twice the digits of a small x.
    lost = 0 if abs(x) > 1e-2 else -2 * math.floor(math.log10(abs(x)))
    with mpmath.workdps(45 + lost):
        return EXACT[name](mpf(float(x)))


def test_every_function_has_an_oracle():
    assert set(ONE_ARGUMENT) == set(EXACT)


def test_every_atom_has_its_function():
    atoms = importlib.import_module("dekderive.atoms")
    assert {atom.__name__ for atom in atoms.ATOMS} <= set(special.__all__)


@pytest.mark.parametrize("name", ONE_ARGUMENT)
def test_relative_error_is_a_few_ulps(name):
    x = points()
    with np.errstate(all="raise"):
        values = getattr(special, name)(x)
    for at, value in zip(x, values, strict=True):
        true = exact(name, at)
        if mpmath.isnan(true):
            assert np.isnan(value)
            continue
        scale = max(abs(true), mpf(1e-305))  # below that numbers are subnormal
        if name == "sin_minus_xcos" and abs(at) > 4:  # it crosses zero there, between two floating-point numbers
            scale = abs(mpf(float(at)))
        assert abs(mpf(float(value)) - true) <= FEW_ULPS * scale, (name, at, value)


@pytest.mark.parametrize("name", ONE_ARGUMENT)
def test_at_zero(name):
    for zero in (0.0, -0.0, 0):
        assert getattr(special, name)(zero) == pytest.approx(AT_ZERO.get(name, 0.0), rel=1e-15)


@pytest.mark.parametrize("name", ONE_ARGUMENT)
def test_no_warning_and_no_nan_for_any_finite_number(name):
    x = np.concatenate([points(), [1e300, -1e300, 1e154, 1e-154, 5e-324, np.finfo(float).max, -np.finfo(float).max]])
    if name == "lambertw":
        x = x[x > -0.36]
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        assert not np.isnan(getattr(special, name)(x)).any()


LIMITS = {  # at infinity, at minus infinity
    "bessel_ratio": (1, -1),
    "bessel_ratio_slope": (0, 0),
    "erf": (1, -1),
    "erfc": (0, 2),
    "expit": (1, 0),
    "langevin": (1, -1),
    "langevin_slope": (0, 0),
    "log_cosh": (np.inf, np.inf),
    "log_i0": (np.inf, np.inf),
    "log_ndtr": (0, -np.inf),
    "log_sinhc": (np.inf, np.inf),
    "ndtr": (1, 0),
    "softplus": (np.inf, 0),
    "inverse_mills": (0, np.inf),
    "truncated_normal_mean": (np.inf, 0),
    "truncated_normal_variance": (1, 0),
}


@pytest.mark.parametrize("name", LIMITS)
def test_limits_and_nan(name):
    function = getattr(special, name)
    assert (function(np.inf), function(-np.inf)) == LIMITS[name]
    assert np.isnan(function(np.nan))


@pytest.mark.parametrize("name", ONE_ARGUMENT)
def test_float32_is_the_rounded_float64_value(name):
    x = points()[::7].astype(np.float32)
    if name == "lambertw":
        x = np.abs(x)
    found = getattr(special, name)(x)
    assert found.dtype == np.float32
    with np.errstate(under="ignore"):
        np.testing.assert_array_equal(found, getattr(special, name)(x.astype(float)).astype(np.float32))


@pytest.mark.parametrize("name", ONE_ARGUMENT)
def test_scalars_integers_and_shapes(name):
    function = getattr(special, name)
    assert np.ndim(function(2.0)) == 0
    assert function(2) == function(2.0)
    assert function(np.float32(2.0)).dtype == np.float32
    assert function(np.ones((2, 1, 3))).shape == (2, 1, 3)
    assert function(np.empty((0, 2))).shape == (0, 2)
    assert function([1, 2]).dtype == np.float64


def test_the_truncated_normal_variance_is_a_variance():
    # Var(y | y > 0), y ~ N(x, 1), by integration; the closed formula cancels for x = -30.
    for x in (-30, -5, -1, 0, 3):
        density = lambda y, x=x: mpmath.exp(x * y - y * y / 2)  # noqa: E731
        moments = [mpmath.quad(lambda y, k=k: y**k * density(y), [0, 0.1, 1, 5, 20, 60]) for k in range(3)]  # noqa: B023
        true = moments[2] / moments[0] - (moments[1] / moments[0]) ** 2
        assert special.truncated_normal_variance(x) == pytest.approx(float(true), rel=1e-12)


# --- functions of a covariance ---------------------------------------------------------------------------------------


def covariances(count=600):
    """Covariances over 600 orders of magnitude; every other one is nearly singular."""
    rng = np.random.default_rng(7)
    size, ratio = rng.uniform(-140, 140, count), rng.uniform(-10, 10, count)
    a = 10 ** (size + ratio) * rng.uniform(1, 10, count)
    b = 10 ** (size - ratio) * rng.uniform(1, 10, count)
    correlation = np.where(np.arange(count) % 2, rng.uniform(-1, 1, count), 1 - 10 ** rng.uniform(-16, -1, count))
    return a, b, np.sqrt(a) * np.sqrt(b) * correlation * rng.choice([-1, 1], count)


def exact_rootgap(a, b, c):
    return mpmath.sqrt(max(a * b - c * c, mpf(0)))


EXACT_PAIRS = {
    "rootgap": exact_rootgap,
    "arcsine": lambda a, b, c: mpmath.atan2(c, exact_rootgap(a, b, c)),
    "angle": lambda a, b, c: mpmath.atan2(exact_rootgap(a, b, c), c),
}


@pytest.mark.parametrize("name", EXACT_PAIRS)
def test_covariances_at_any_scale(name):
    a, b, c = covariances()
    with np.errstate(all="raise"):
        values = getattr(special, name)(a, b, c)
    with mpmath.workdps(50):
        for *covariance, value in zip(a, b, c, values, strict=True):
            true = EXACT_PAIRS[name](*(mpf(float(v)) for v in covariance))
            assert abs(mpf(float(value)) - true) <= FEW_ULPS * abs(true), (name, covariance)


def test_singular_covariances_are_exactly_singular():
    a = 10 ** np.random.default_rng(3).uniform(-300, 300, 500)
    assert not special.rootgap(a, a, a).any()
    assert not special.rootgap(a, 4 * a, -2 * a).any()
    assert (special.arcsine(a, a, a) == np.pi / 2).all()
    assert not special.angle(a, a, a).any()
    assert (special.angle(a, a, -a) == np.pi).all()


def test_covariances_that_rounding_made_indefinite_count_as_singular():
    assert special.rootgap(1.0, 1.0, 1.0 + 1e-15) == 0.0
    assert special.arcsine(1.0, 1.0, -1.0 - 1e-15) == -np.pi / 2


def test_zero_variances():
    assert special.rootgap(0.0, 0.0, 0.0) == 0.0
    assert special.arcsine(0.0, 0.0, 0.0) == 0.0
    assert special.arcsine(0.0, 2.0, 0.0) == 0.0
    assert special.angle(0.0, 2.0, -0.0) == 0.0
    assert special.rootgap(1e300, 1e300, 0.0) == pytest.approx(1e300, rel=1e-15)
    assert special.rootgap(1e-300, 1e-300, 6e-301) == pytest.approx(8e-301, rel=1e-15)


def test_pair_functions_broadcast_and_keep_float32():
    a = np.array([[1.0], [2.0]], dtype=np.float32)
    for name in EXACT_PAIRS:
        value = getattr(special, name)(a, np.ones(3, dtype=np.float32), np.float32(0.5))
        assert value.shape == (2, 3)
        assert value.dtype == np.float32
        assert np.ndim(getattr(special, name)(1, 1, 0)) == 0


# --- the quadratic equation ------------------------------------------------------------------------------------------


def exact_quadratic_root(c2, c1, c0):
    discriminant = c1 * c1 - 4 * c2 * c0
    if discriminant < 0:
        return None
    w = -(c1 + (1 if c1 >= 0 else -1) * mpmath.sqrt(discriminant)) / 2
    positive = [q for q in (w / c2, c0 / w) if q > 0]
    return min(positive) if positive else None


def quadratics():
    rng = np.random.default_rng(11)
    signs = rng.choice([-1.0, 1.0], (3, 400))
    plain = signs * rng.uniform(0.1, 10, (3, 400))
    size = rng.uniform(-150, 150, 400)  # roots of size 10^size
    scaled = plain * np.stack([np.ones(400), 10**size, 10 ** (2 * size)])
    wild = signs * 10 ** rng.uniform(-140, 140, (3, 400))
    root, apart = rng.uniform(0.1, 10, 400), 1 + 10 ** rng.uniform(-14, -1, 400)
    double = np.stack([np.ones(400), -root * (1 + apart), root**2 * apart])
    return np.concatenate([plain, scaled, wild, double], axis=1)


def test_quadratic_root_of_any_sign_and_scale():
    coefficients = quadratics()
    with np.errstate(all="raise"):
        found = special.quadratic_root(*coefficients)
    missing = 0
    with mpmath.workdps(700):
        for *c, q in zip(*coefficients, found, strict=True):
            true = exact_quadratic_root(*(mpf(float(v)) for v in c))
            if true is None:
                missing += 1
                assert np.isnan(q), c
            elif mpf(1e-305) < true < mpf(1e305):
                # A double root moves by the square root of a rounding error, of the coefficients and not of the result.
                assert abs(mpf(float(q)) - true) <= 1e-15 * true, (c, q)
    assert 100 < missing < 1400


def test_quadratic_root_at_the_edges():
    root = special.quadratic_root
    assert root(1, 0, 0) == 0  # no input: no variance
    assert root(-1, 0, 0) == 0
    assert root(1, 1, 0) == 0
    assert root(-1, 1, 0) == 0
    assert root(1, -2, 0) == 2  # the limit of the positive root as c0 -> 0 from below
    assert root(0, 2, -1) == 0.5
    assert root(1, -2, 1) == 1
    assert root(-1, 3, -2) == 1  # two positive roots: the smaller one
    assert root(-1, -3, 4) == 1
    for none in [(1, 1, 1), (1, 0, 1), (-1, 0, -1), (-1, 1, -1), (0, -1, -1), (0, 0, -1), (-1, -1, 0), (-1, -1, -1)]:
        assert np.isnan(root(*none)), none
    assert np.isnan(root(np.nan, 1.0, -1.0))


def test_quadratic_root_is_the_variance_of_rectified_features():
    # (lambda^2 - 1/2) q^2 + sqrt(2/pi) mu q - c/2 = 0 with c of 1e+-300 and mu of 1e+-150.
    for scale in (1e-150, 1.0, 1e150):
        for mean in (-0.5, 0.0, 0.5):
            q = special.quadratic_root(0.5, math.sqrt(2 / math.pi) * mean * scale, -0.5 * scale * scale)
            s = math.sqrt(2 / math.pi) * mean
            assert q / scale == pytest.approx(math.sqrt(s * s + 1) - s, rel=1e-15)


def test_quadratic_root_broadcasts():
    value = special.quadratic_root(np.ones((2, 1), dtype=np.float32), np.float32(0), -np.ones(3, dtype=np.float32))
    assert value.shape == (2, 3)
    assert value.dtype == np.float32
