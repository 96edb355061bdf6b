"""Every closed form that the engine must find, with the published formula (or a quadrature) as oracle, and its proof.

The formulas are written in elementary functions and evaluated at 30 digits; none of them comes from the engine.
"""

import itertools
import time

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from dekderive.atoms import (
    abrelu,
    binormal,
    celu,
    elu,
    gelu,
    hard_sigmoid,
    hard_swish,
    hard_tanh,
    leaky_relu,
    ndtr,
    relu,
    relu6,
    selu,
    step,
)
from dekderive.certificates import enclose
from dekderive.duals import Dual, dual, mean
from dekderive.symbols import kxx, kxy, kyy, z
from dekderive.verdict import Verdict
from tests.duals.oracles import quadrature

a, b, c = kxx, kyy, kxy
p, D, r = a * b, a * b - c**2, c / sp.sqrt(a * b)
angle, pi, root = sp.asin(r), sp.pi, sp.sqrt(D)
orthant = sp.Rational(1, 4) + angle / (2 * pi)
s, t = sp.symbols("s t", positive=True)
k = sp.Symbol("k", real=True)
n1 = (1 + a) * (1 + b)
W = sp.Rational(49, 64), sp.Rational(25, 16), sp.Rational(2, 5)
AT = {kxx: W[0], kyy: W[1], kxy: W[2] * sp.Rational(35, 32), s: sp.Rational(3, 7), t: sp.Rational(5, 7)}

# (f, g or None, the formula of maths/gaussian_and_certified.md, 1.2)
TABLE = {
    "x": (z, None, c),
    "x^2": (z**2, None, p + 2 * c**2),
    "x^3": (z**3, None, 3 * c * (3 * p + 2 * c**2)),
    "x^4": (z**4, None, 3 * (3 * p**2 + 24 * p * c**2 + 8 * c**4)),
    "He3": (z**3 - 3 * z, None, 3 * c * (3 * p - 3 * a - 3 * b + 2 * c**2 + 3)),
    "step": (step(z), None, orthant),
    "sign": (sp.sign(z), None, 2 * angle / pi),
    "relu": (relu(z), None, root / (2 * pi) + c * orthant),
    "leaky": (leaky_relu(z, s), None, (1 - s) ** 2 * (root + c * angle) / (2 * pi) + c * (1 + s) ** 2 / 4),
    "abs": (sp.Abs(z), None, 2 * (root + c * angle) / pi),
    "relu^2": (relu(z) ** 2, None, 3 * c * root / (2 * pi) + (p + 2 * c**2) * orthant),
    "relu^3": (
        relu(z) ** 3,
        None,
        (4 * p + 11 * c**2) * root / (2 * pi) + 3 * c * (3 * p + 2 * c**2) * orthant,
    ),
    "relu^4": (
        relu(z) ** 4,
        None,
        5 * c * (11 * p + 10 * c**2) * root / (2 * pi) + 3 * (3 * p**2 + 24 * p * c**2 + 8 * c**4) * orthant,
    ),
    "Phi": (ndtr(z), None, sp.Rational(1, 4) + sp.asin(c / sp.sqrt(n1)) / (2 * pi)),
    "erf, scale t": (sp.erf(z / sp.sqrt(2 * t)), None, 2 * sp.asin(c / sp.sqrt((a + t) * (b + t))) / pi),
    "gelu": (
        gelu(z),
        None,
        c / 4
        + c * sp.asin(c / sp.sqrt(n1)) / (2 * pi)
        + (p * n1 - p * c**2 + c**2) / (2 * pi * n1 * sp.sqrt(n1 - c**2)),
    ),
    "exp": (sp.exp(z), None, sp.exp((a + b + 2 * c) / 2)),
    "x exp": (z * sp.exp(z), None, (p + a * c + b * c + c**2 + c) * sp.exp((a + b + 2 * c) / 2)),
    "Gaussians": (
        sp.exp(-t * z**2),
        sp.exp(-s * z**2),
        1 / sp.sqrt((1 + 2 * t * a) * (1 + 2 * s * b) - 4 * t * s * c**2),
    ),
    "x Gaussian": (z * sp.exp(-(z**2) / 2), None, c / (n1 - c**2) ** sp.Rational(3, 2)),
    "sin": (sp.sin(z), None, sp.exp(-(a + b) / 2) * sp.sinh(c)),
    "cos": (sp.cos(z), None, sp.exp(-(a + b) / 2) * sp.cosh(c)),
    "relu, step": (relu(z), step(z), (sp.sqrt(a) + c / sp.sqrt(b)) / (2 * sp.sqrt(2 * pi))),
    "exp, 1": (sp.exp(z), sp.S.One, sp.exp(a / 2)),
    "x, exp": (z, sp.exp(z), c * sp.exp(b / 2)),
    "relu, exp": (
        relu(z),
        sp.exp(z),
        sp.sqrt(a / (2 * pi)) * sp.exp(D / (2 * a)) + c * sp.exp(b / 2) * sp.erfc(-c / sp.sqrt(2 * a)) / 2,
    ),
    "gelu, relu": (
        gelu(z),
        relu(z),
        c / 4 + c * sp.asin(c / sp.sqrt(b * (1 + a))) / (2 * pi) + a * sp.sqrt(p + b - c**2) / (2 * pi * (1 + a)),
    ),
    "erf, x": (sp.erf(z), z, 2 * c / sp.sqrt(pi * (1 + 2 * a))),
    "relu^2, step": (relu(z) ** 2, step(z), a / 4 + a * angle / (2 * pi) + c * root / (2 * pi * b)),
    "sin, step": (sp.sin(z), step(z), sp.exp(-a / 2) * sp.erfi(c / sp.sqrt(2 * b)) / 2),
}


def value_of(expression):
    """The value at AT, by balls."""
    return float(enclose(expression, AT).lower)


def prove(f, g=None):
    """The dual and its checks, which must all hold, within two seconds of processor time."""
    start = time.process_time()
    d = dual.__wrapped__(f, g)
    assert d.closed
    for check in d.checks():
        assert check.verdict is Verdict.HOLDS, check
    assert time.process_time() - start < 2.0
    return d


@pytest.mark.parametrize("name", TABLE)
def test_the_table(name):
    f, g, formula = TABLE[name]
    found = prove(f, g).expression.subs(AT).evalf(30)
    assert abs(found - formula.subs(AT).evalf(30)) < sp.Float("1e-27")


# Functions whose formula the table does not write out: the oracle is a quadrature in two dimensions.
KNOTTED = {
    "relu^6": (relu(z) ** 6, lambda x: np.maximum(x, 0) ** 6, (0,)),
    "step(x-k)": (step(z - sp.Rational(3, 2)), lambda x: (x > 1.5) * 1.0, (1.5,)),
    "step(x+k)": (step(z + sp.Rational(1, 2)), lambda x: (x > -0.5) * 1.0, (-0.5,)),
    "hinge": (relu(z - sp.Rational(1, 2)), lambda x: np.maximum(x - 0.5, 0), (0.5,)),
    "hard tanh": (hard_tanh(z), lambda x: np.clip(x, -1, 1), (-1, 1)),
    "clip": (sp.Max(-1, sp.Min(2, z)), lambda x: np.clip(x, -1, 2), (-1, 2)),
    "piecewise": (
        sp.Piecewise((-1, z < -1), (z**2, z < 1), (z, True)),
        lambda x: np.where(x < -1, -1, np.where(x < 1, x**2, x)),
        (-1, 1),
    ),
    "relu6": (relu6(z), lambda x: np.clip(x, 0, 6), (0, 6)),
    "hard sigmoid": (hard_sigmoid(z), lambda x: np.clip(x / 6 + 0.5, 0, 1), (-3, 3)),
    "hard swish": (hard_swish(z), lambda x: x * np.clip(x / 6 + 0.5, 0, 1), (-3, 3)),
    "elu": (elu(z), lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), (0,)),
    "celu": (celu(z, 2), lambda x: np.where(x > 0, x, 2 * np.expm1(np.minimum(x, 0) / 2)), (0,)),
    "selu": (
        selu(z),
        lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543773 * np.expm1(np.minimum(x, 0))),
        (0,),
    ),
    "exp(-|x|)": (sp.exp(-sp.Abs(z)), lambda x: np.exp(-np.abs(x)), (0,)),
    "abrelu": (abrelu(z, -2, 3), lambda x: np.where(x > 0, 3 * x, -2 * x), (0,)),
    "shifted erf": (sp.erf(z - 1), lambda x: special.erf(x - 1), ()),
    "shifted gelu": (gelu(z + 1), lambda x: (x + 1) * special.ndtr(x + 1), ()),
    "sinh": (sp.sinh(z), np.sinh, ()),
    "x sin": (z * sp.sin(z), lambda x: x * np.sin(x), ()),
    "gabor": (sp.exp(-(z**2)) * sp.sin(z), lambda x: np.exp(-(x**2)) * np.sin(x), ()),
    "gelu x step": (gelu(z) * step(z), lambda x: x * special.ndtr(x) * (x > 0), (0,)),
}


@pytest.mark.parametrize("name", [n for n in KNOTTED if n != "gelu x step"])
def test_functions_with_knots(name):
    f, numeric, knots = KNOTTED[name]
    value = value_of(prove(f).expression)
    expected = quadrature(numeric, numeric, *(float(AT[x]) for x in (a, b, c)), knots, knots)
    assert value == pytest.approx(expected, rel=1e-11, abs=1e-12)


PLAIN = {
    "x": (z, lambda x: x, ()),
    "x^4": (z**4, lambda x: x**4, ()),
    "He3": (z**3 - 3 * z, lambda x: x**3 - 3 * x, ()),
    "step": (step(z), lambda x: (x > 0) * 1.0, (0,)),
    "sign": (sp.sign(z), np.sign, (0,)),
    "leaky": (leaky_relu(z, sp.Rational(1, 10)), lambda x: np.where(x > 0, x, x / 10), (0,)),
    "abs": (sp.Abs(z), np.abs, (0,)),
    "relu^3": (relu(z) ** 3, lambda x: np.maximum(x, 0) ** 3, (0,)),
    "Phi": (ndtr(z), special.ndtr, ()),
    "erf": (sp.erf(z / 2), lambda x: special.erf(x / 2), ()),
    "gelu": (gelu(z), lambda x: x * special.ndtr(x), ()),
    "exp": (sp.exp(z), np.exp, ()),
    "x exp": (z * sp.exp(z), lambda x: x * np.exp(x), ()),
    "Gaussian": (sp.exp(-2 * z**2), lambda x: np.exp(-2 * x**2), ()),
    "x Gaussian": (z * sp.exp(-(z**2) / 2), lambda x: x * np.exp(-(x**2) / 2), ()),
    "sin": (sp.sin(z), np.sin, ()),
    "cos": (sp.cos(2 * z), lambda x: np.cos(2 * x), ()),
}
ALL = {name: row for name, row in {**PLAIN, **KNOTTED}.items() if name != "gelu x step"}
WAVES = ("sin", "cos", "x sin", "gabor")
TILTED = ("elu", "celu", "selu", "exp(-|x|)", "shifted erf", "shifted gelu", "hard swish", "hinge", "piecewise")


def compare(left, right):
    """A pair is found, proved, and has the value of a quadrature."""
    (f, fn, f_knots), (g, gn, g_knots) = ALL[left], ALL[right]
    value = value_of(prove(f, g).expression)
    expected = quadrature(fn, gn, *(float(AT[x]) for x in (a, b, c)), f_knots, g_knots)
    assert value == pytest.approx(expected, rel=1e-11, abs=1e-12)


@given(st.sampled_from(list(itertools.combinations(ALL, 2))))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_mixed_pairs(pair):
    compare(*pair)


@given(st.sampled_from(WAVES), st.sampled_from(TILTED))
@settings(max_examples=8, deadline=None, derandomize=True)
def test_waves_meet_shifted_and_exponential_gates(wave, gate):
    compare(wave, gate)


@pytest.mark.slow
@pytest.mark.parametrize("left", ALL)
def test_every_mixed_pair(left):
    for right in list(ALL)[list(ALL).index(left) + 1 :]:
        compare(left, right)


def test_a_rectified_probit_meets_a_polynomial():
    f, fn, knots = KNOTTED["gelu x step"]
    value = value_of(prove(f, z**3).expression)
    expected = quadrature(fn, lambda x: x**3, *(float(AT[x]) for x in (a, b, c)), knots)
    assert value == pytest.approx(expected, rel=1e-11)


def test_symbolic_parameters():
    assert prove(step(z - k)).expression == binormal(-k, -k, kxx, kyy, kxy)
    for f in (relu(z - k), abrelu(z, k, s), celu(z, s), sp.erf(s * (z - k)), sp.sin(s * z), sp.exp(-s * sp.Abs(z))):
        prove(f)
    value = value_of(dual(relu(z - k)).expression.subs(k, sp.Rational(1, 2)))
    expected = quadrature(*[lambda x: np.maximum(x - 0.5, 0)] * 2, *(float(AT[x]) for x in (a, b, c)), (0.5,), (0.5,))
    assert float(value) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", [n for n in KNOTTED if n != "gelu x step"])
def test_second_moments(name):
    f, fn, knots = KNOTTED[name]
    value = float(enclose(mean(f, f), {kxx: sp.Rational(7, 5)}).lower)
    expected = quadrature(lambda x: fn(x) ** 2, np.ones_like, 1.4, 1.0, 0.0, knots)
    assert value == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("name", ["relu", "gelu", "gabor", "hard tanh", "elu"])
def test_heat_equation(name):
    """d/dkxx = E[f'' g] / 2, by a central difference of the formula in ball arithmetic."""
    f = TABLE[name][0] if name in TABLE else KNOTTED[name][0]
    d, h = dual(f), sp.Rational(1, 10**9)
    ends = [enclose(d.expression, AT | {kxx: AT[kxx] + e}).lower for e in (h, -h)]
    slope = value_of(d.derivative_in_kxx())
    assert float((ends[0] - ends[1]) / (2 * h)) == pytest.approx(slope, rel=1e-13)
    mirrored = d.derivative_in_kyy().subs({kxx: kyy, kyy: kxx}, simultaneous=True)
    assert value_of(mirrored) == pytest.approx(slope, rel=1e-14)


@pytest.mark.parametrize("name", ["hard tanh", "elu", "gabor", "hinge"])
def test_a_mutated_coefficient_of_any_term_is_refuted(name):
    right = dual(KNOTTED[name][0])
    terms = sp.Add.make_args(right.expression)
    for term in terms[:: max(1, len(terms) // 4)]:
        wrong = Dual(right.left, right.right, right.expression + term / 100, right.rule)
        assert Verdict.FAILS in [check.verdict for check in wrong.checks()], term
