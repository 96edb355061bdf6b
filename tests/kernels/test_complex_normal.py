"""Re and Im of exp(p + i q) erfcx(x + i y) against mpmath, and the closed forms that are written in them."""

import mpmath
import numpy as np
import pytest
import sympy as sp

from dekderive.atoms import exp_erfcx_im, exp_erfcx_re
from dekderive.certificates import enclose
from dekderive.kernels import special

FEW_ULPS = 1e-13  # of the modulus; Faddeeva's function is tabulated to that


def exact_erfcx(p, q, x, y):
    s = mpmath.mpc(float(x), float(y))
    return mpmath.exp(mpmath.mpc(float(p), float(q)) + s * s) * mpmath.erfc(s)


def points():
    rng = np.random.default_rng(20240807)
    n = 80
    x, y = (rng.choice([-1, 1], n) * 10 ** rng.uniform(-8, 1.2, n) for _ in range(2))
    p = rng.uniform(-600, 600, n) - np.where(x < 0, x * x - y * y, 0.0)
    q = rng.choice([-1, 1], n) * 10 ** rng.uniform(-8, 3, n)
    return p, q, x, y


def test_both_parts_to_a_few_units_of_the_modulus():
    p, q, x, y = points()
    with np.errstate(all="raise"):
        re, im = special.exp_erfcx_re(p, q, x, y), special.exp_erfcx_im(p, q, x, y)
    with mpmath.workdps(230):
        for *point, a, b in zip(p, q, x, y, re, im, strict=True):
            true = exact_erfcx(*point)
            if abs(true) < mpmath.mpf(10) ** 300:
                assert abs(mpmath.mpc(float(a), float(b)) - true) <= FEW_ULPS * abs(true), point


def test_small_imaginary_parts_keep_their_own_digits():
    y = np.array([1e-300, 1e-20, 1e-9])
    slope = 2 * 1.3 * special.exp_ndtr(1.3**2, -1.3 * np.sqrt(2)) * 2 - 2 / np.sqrt(np.pi)
    np.testing.assert_allclose(special.exp_erfcx_im(0.0, 0.0, 1.3, y), slope * y, rtol=1e-13)


def test_nothing_overflows_in_the_right_half_plane():
    for name in ("exp_erfcx_re", "exp_erfcx_im"):
        function = getattr(special, name)
        assert abs(function(0.0, 0.0, 1e200, 1e200)) < 1e-199
        assert function(-1.0, 0.5, np.inf, 1.0) == 0
        assert function(np.float32(0), np.float32(1), np.float32(1), np.float32(1)).dtype == np.float32
        assert function(np.ones((2, 1)), 1.0, np.ones(3), 1.0).shape == (2, 3)
        assert all(np.isnan(function(*[np.nan if i == j else 1.0 for i in range(4)])) for j in range(4))


@pytest.mark.parametrize("atom", [exp_erfcx_re, exp_erfcx_im])
def test_the_atom_its_ball_and_its_function_agree(atom):
    numbers = [sp.Rational(v) for v in ("-3/7", "5/3", "2/3", "7/5")]
    with mpmath.workdps(60):
        true = mpmath.exp(mpmath.mpc(mpmath.mpf(-3) / 7, mpmath.mpf(5) / 3))
        s = mpmath.mpc(mpmath.mpf(2) / 3, mpmath.mpf(7) / 5)
        true *= mpmath.exp(s * s) * mpmath.erfc(s)
        true = true.real if atom is exp_erfcx_re else true.imag
        node = atom(*numbers)
        ball = enclose(node, {})
        assert ball.lower <= true <= ball.upper
        assert abs(mpmath.mpf(node.evalf(30)) - true) < mpmath.mpf(10) ** -28
    assert getattr(special, atom.__name__)(*map(float, numbers)) == pytest.approx(float(true), rel=1e-14)
