"""Products of gaps times damped exponentials: E[x sin(x) y sin(y)] keeps its digits at every variance."""

import mpmath
import numpy as np
import pytest
import sympy as sp

from dekderive.atoms import damped_gap_cosh, damped_gap_sinh
from dekderive.duals import dual
from dekderive.kernels import special
from dekderive.programs.numpy_text import NumPyText
from dekderive.symbols import kxx, kxy, kyy, z

ARGUMENTS = (kxx, kyy, kxy)


def emitted(expression):
    """The function that generated code evaluates."""
    text = NumPyText()(expression)
    return eval(f"lambda kxx, kyy, kxy: {text}", {"special": special, "np": np})


def wave_moments(a, b, c):
    """E[x sin(x) y sin(y)] and its derivative in c, term by term in exponentials."""
    near, far = mpmath.exp(c - (a + b) / 2) / 2, mpmath.exp(-c - (a + b) / 2) / 2
    value = (c + (a - c) * (b - c)) * near + ((a + c) * (b + c) - c) * far
    slope = (1 - (a + b - 2 * c)) * near + ((a + b + 2 * c) - 1) * far
    return value, value_slope(a, b, c, near, far, slope)


def value_slope(a, b, c, near, far, slope):
    return slope + (c + (a - c) * (b - c)) * near - ((a + c) * (b + c) - c) * far


def covariances(count):
    rng = np.random.default_rng(71)
    a = 10 ** rng.uniform(-12, 12, count)
    other = np.stack(
        [10 ** rng.uniform(-12, 12, count), a * (1 + 10 ** rng.uniform(-17, -1, count)), np.abs(a + np.sqrt(a))]
    )
    b = other[np.arange(count) % 3, np.arange(count)]
    near = 1 - 10 ** rng.uniform(-17, -3, count)
    correlation = rng.choice([-1, 1], count) * np.where(np.arange(count) % 4, near, rng.uniform(0, 1, count))
    return a, b, np.sqrt(a) * np.sqrt(b) * correlation


@pytest.mark.parametrize("order", [0, 1])
def test_x_sin_x_at_variances_from_1e_12_to_1e12(order):
    d = dual(z * sp.sin(z))
    function = emitted([d.expression, d.derivative()][order])
    a, b, c = covariances(600)
    with np.errstate(all="raise", under="ignore"), mpmath.workdps(60):
        for *point, value in zip(a, b, c, function(a, b, c), strict=True):
            p, q, r = (mpmath.mpf(float(v)) for v in point)
            scale = mpmath.sqrt(wave_moments(p, p, p)[order] * wave_moments(q, q, q)[order])
            assert abs(value - wave_moments(p, q, r)[order]) <= 3e-15 * scale, point


@pytest.mark.parametrize("atom", [damped_gap_cosh, damped_gap_sinh])
def test_the_atoms_are_what_they_say(atom):
    a, b, c = (sp.Rational(v) for v in ("7/5", "3/2", "-4/5"))
    square, mixed = a * b + c**2, -c * (a + b)
    even, odd = sp.cosh(c), sp.sinh(c)
    plain = square * even + mixed * odd if atom is damped_gap_cosh else square * odd + mixed * even
    plain = (sp.exp(-(a + b) / 2) * plain).evalf(30)
    assert abs(atom(a, b, c).evalf(30) - plain) < sp.Float("1e-28", 30)
    function = getattr(special, atom.__name__)
    assert function(1.4, 1.5, -0.8) == pytest.approx(float(plain), rel=1e-14)
    assert function(np.float32(1), np.float32(2), np.float32(1)).dtype == np.float32
    assert all(np.isnan(function(*[np.nan if i == j else 1.0 for i in range(3)])) for j in range(3))
    assert function(np.inf, np.inf, 0.0) == 0 == function(0.0, 0.0, 0.0)


@pytest.mark.parametrize("frequency", [1, 2])
def test_other_waves_are_written_with_them_too(frequency):
    assert dual(z * sp.sin(frequency * z)).expression.has(damped_gap_cosh)
    assert dual(z * sp.cos(frequency * z)).expression.has(damped_gap_sinh)
