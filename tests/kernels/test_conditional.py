"""The margin of one variable given the other, and the squared distance: against mpmath, and at singular laws."""

import mpmath
import numpy as np
import pytest
import sympy as sp
from mpmath import mpf

from dekderive import atoms
from dekderive.kernels import special

inf = np.inf


def points(count=500):
    """Points and laws of any size; correlations up to 1 - 1e-17, and points on the axis of the law."""
    rng = np.random.default_rng(8)
    a, b = 10 ** rng.uniform(-140, 140, (2, count))
    r = rng.choice([-1, 1], count) * (1 - 10 ** rng.uniform(-17, 0, count))
    h = rng.normal(size=count) * 10 ** rng.uniform(-3, 2, count)
    k = h * np.where(np.arange(count) % 2, np.sign(r), rng.normal(size=count))
    return h * np.sqrt(a), k * np.sqrt(b), a, b, np.sqrt(a) * np.sqrt(b) * r


def test_all_digits_at_any_scale_and_correlation():
    arguments = points()
    with np.errstate(all="raise"):
        margins, distances = special.conditional_margin(*arguments), special.squared_distance(*arguments)
    regular = 0
    with mpmath.workdps(80):
        for *point, margin, distance in zip(*arguments, margins, distances, strict=True):
            h, k, a, b, c = (mpf(float(v)) for v in point)
            determinant = a * b - c * c
            if determinant <= 0:
                continue
            regular += 1
            true = (a * k - c * h) / mpmath.sqrt(a * determinant)
            assert abs(mpf(float(margin)) - true) <= 1e-15 * abs(true), point
            true = (b * h * h - 2 * c * h * k + a * k * k) / determinant
            assert abs(mpf(float(distance)) - true) <= 1e-15 * true, point
    assert regular > 400


@pytest.mark.parametrize(
    ("point", "margin", "distance"),
    [
        ((1, 1, 1, 1, 1), 0, 1),
        ((1, 2, 1, 4, 2), 0, 1),
        ((1, -2, 1, 4, -2), 0, 1),
        ((1, 1, 1, 1, 1 + 4e-16), 0, 1),  # indefinite by rounding
        ((0.1, 0.3, 0.3, 2.7, 0.9), 0, 1 / 30),  # singular for reals, not for doubles
        ((1, 1, 1, 4, 2), -inf, inf),
        ((1, 1, 1, 1, -1), inf, inf),
        ((1, 1, 0, 4, 0), 0.5, inf),
        ((0, 1, 0, 4, 0), 0.5, 0.25),
        ((1, 1, 4, 0, 0), inf, inf),
        ((1, -1, 4, 0, 0), -inf, inf),
        ((1, 0, 4, 0, 0), 0, 0.25),
        ((0, 0, 0, 0, 0), 0, 0),
        ((0, 0, 1, 1, 1), 0, 0),
    ],
)
def test_singular_laws_and_zero_variances(point, margin, distance):
    assert special.conditional_margin(*point) == pytest.approx(margin, abs=1e-7)
    assert special.squared_distance(*point) == pytest.approx(distance, rel=1e-7)


@pytest.mark.parametrize("name", ["conditional_margin", "squared_distance"])
def test_dtypes_shapes_and_nan(name):
    function = getattr(special, name)
    assert function(*[np.float32(v) for v in (1, 2, 3, 4, 0.5)]).dtype == np.float32
    assert function(np.ones((2, 1)), np.ones(3), 1, 1, 0.5).shape == (2, 3)
    for place in range(5):
        assert np.isnan(function(*[np.nan if i == place else 1.0 for i in range(5)]))


@pytest.mark.parametrize("atom", [atoms.conditional_margin, atoms.squared_distance])
def test_derivatives_of_the_atoms(atom):
    symbols = sp.symbols("h k a b c", positive=True)
    point = dict(zip(symbols, (sp.Rational(1, 3), 2, 3, 5, sp.Rational(-7, 4)), strict=True))
    node = atom(*symbols)
    for symbol in symbols:
        expected = node.definition.diff(symbol).subs(point).evalf(25)
        assert abs(node.diff(symbol).subs(point).evalf(25) - expected) < 1e-20
