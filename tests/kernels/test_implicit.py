import mpmath
import numpy as np
import pytest

from dekderive.kernels import special
from dekderive.kernels.implicit import inverse

m = mpmath
CASES = {
    "von Mises": (special.log_i0, special.bessel_ratio, (0.0, np.inf), lambda e: m.log(m.besseli(0, e)), (1e-12, 300)),
    "Langevin": (special.log_sinhc, special.langevin, (0.0, np.inf), lambda e: m.log(m.sinh(e) / e), (1e-12, 300)),
    "continuous Bernoulli": (
        lambda x: x / 2 + special.log_sinhc(x / 2),
        lambda x: 0.5 + special.langevin(x / 2) / 2,
        (-np.inf, np.inf),
        lambda e: m.log(m.expm1(e) / e),
        (-4, 300),
    ),
    "truncated normal": (
        lambda x: x * x / 2 + special.log_ndtr(x),
        special.truncated_normal_mean,
        (-np.inf, np.inf),
        lambda e: e * e / 2 + m.log(m.ncdf(e)),
        (-5, 300),
    ),
    "gamma": (lambda x: -np.log(-x), lambda x: -1 / x, (-np.inf, 0.0), lambda e: -m.log(-e), (-300, 300)),
}


@pytest.mark.parametrize("name", CASES)
def test_the_inverse_to_rounding(name):
    """The error in x is that of the function, an ulp or two, divided by its slope."""
    function, derivative, (lower, upper), exact, (low, high) = CASES[name]
    rng = np.random.default_rng(3)
    level = rng.uniform(low, high, 40) if low < 0 else np.exp(rng.uniform(np.log(low), np.log(high), 40))
    x = inverse(function, derivative, level, lower, upper)
    with m.workdps(40):
        for w, root in zip(level, x, strict=True):
            residual = exact(m.mpf(float(root))) - m.mpf(float(w))
            # x and A(x) are rounded; x^2/2 + log Phi(x) cancels by a factor of x^2 to the left.
            unit = 2.3e-16 * (abs(w) + abs(root) * abs(float(derivative(np.array([root]))[0])) + min(root, 0) ** 2)
            assert abs(residual) < 8 * unit, (w, root)


def test_shapes_scalars_and_nan():
    x = inverse(np.exp, np.exp, [[1.0, np.nan], [np.e, 10.0]])
    assert x.shape == (2, 2)
    assert np.isnan(x[0, 1])
    np.testing.assert_allclose(x[1], [1.0, np.log(10.0)], rtol=1e-15)
    assert inverse(np.exp, np.exp, 1.0).shape == ()
    assert inverse(np.exp, np.exp, np.empty((0, 3))).shape == (0, 3)


def test_a_level_that_is_not_a_value_gives_nan():
    assert np.isnan(inverse(np.exp, np.exp, -1.0))
    assert np.isnan(inverse(np.cosh, np.sinh, 0.5, lower=0.0))


def test_extreme_levels():
    np.testing.assert_allclose(inverse(np.exp, np.exp, [1e-300, 1e300]), [np.log(1e-300), np.log(1e300)], rtol=1e-14)
    far = np.array([-700.0, 700.0])
    np.testing.assert_allclose(inverse(np.log, np.reciprocal, far, lower=0.0), np.exp(far), rtol=1e-12)


def test_a_decreasing_function():
    np.testing.assert_allclose(
        inverse(lambda x: np.exp(-x), lambda x: -np.exp(-x), [0.5, 2.0]), [np.log(2), -np.log(2)]
    )
    np.testing.assert_allclose(inverse(np.cosh, np.sinh, np.cosh([1e-3, 4.0]), upper=0.0), [-1e-3, -4.0], rtol=1e-9)


def test_no_warnings_escape():
    with np.errstate(all="raise"):
        inverse(special.log_i0, special.bessel_ratio, [0.0, 1e-320, 1e300], lower=0.0)
