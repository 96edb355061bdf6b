"""Closed forms: proved by Price and the value at kxy = 0, and compared with quadrature that shares no code."""

import dataclasses
import itertools

import numpy as np
import pytest
import sympy as sp
from numpy.polynomial.legendre import leggauss
from scipy import special

from dekderive.atoms import arcsine, damped_sinh, gelu, leaky_relu, ndtr, noisy_arcsine, relu, rootgap, step
from dekderive.duals import Dual, dual, mean
from dekderive.errors import NoClosedForm, NotIntegrable
from dekderive.symbols import kxx, kxy, kyy, z
from dekderive.verdict import Verdict

SLOPE = sp.Rational(1, 10)
FUNCTIONS = {
    "relu": (relu(z), lambda x: np.maximum(x, 0)),
    "step": (step(z), lambda x: np.heaviside(x, 0.5)),
    "leaky": (leaky_relu(z, SLOPE), lambda x: np.where(x > 0, x, 0.1 * x)),
    "abs": (sp.Abs(z), np.abs),
    "sign": (sp.sign(z), np.sign),
    "identity": (z, lambda x: x),
    "constant": (sp.Integer(3), lambda x: np.full_like(x, 3.0)),
    "cubic": (z**3 - 2 * z + 1, lambda x: x**3 - 2 * x + 1),
    "exp": (sp.exp(z), np.exp),
    "exp_shrink": (sp.exp(-z / 2), lambda x: np.exp(-x / 2)),
    "sin": (sp.sin(2 * z), lambda x: np.sin(2 * x)),
    "cos": (sp.cos(z), np.cos),
    "erf": (sp.erf(z), special.erf),
    "Phi": (ndtr(z), special.ndtr),
    "gelu": (gelu(z), lambda x: x * special.ndtr(x)),
    "relu_flipped": (relu(-2 * z), lambda x: np.maximum(-2 * x, 0)),
    "gauss": (z * sp.exp(-(z**2) / 2), lambda x: x * np.exp(-(x**2) / 2)),
}
PAIRS = list(itertools.combinations_with_replacement(FUNCTIONS, 2))


def quadrature(f, g, a, b, c):
    """Gauss-Legendre in x and y given x, each split where its function may have a kink."""
    t, w = leggauss(120)
    x = np.concatenate([6.5 * t - 6.5, 6.5 * t + 6.5])
    wx = np.tile(6.5 * w, 2)
    s = np.sqrt(b - c * c / a)
    total = 0.0
    for xi, wi in zip(x, wx, strict=True):
        centre = c / np.sqrt(a) * xi
        kink = float(np.clip(-centre / s, -13, 13))
        for low, high in ((-13, kink), (kink, 13)):
            half = (high - low) / 2
            y = low + half * (t + 1)
            inner = np.sum(w * g(centre + s * y) * np.exp(-(y**2) / 2)) * half
            total += wi * np.exp(-(xi**2) / 2) * f(np.array([np.sqrt(a) * xi]))[0] * inner
    return total / (2 * np.pi)


@pytest.mark.parametrize(("left", "right"), PAIRS)
def test_every_pair_is_proved(left, right):
    d = dual(FUNCTIONS[left][0], FUNCTIONS[right][0])
    assert d.closed
    for check in d.checks():
        assert check.verdict is Verdict.HOLDS, check


@pytest.mark.parametrize(("left", "right"), PAIRS[::3])
def test_agrees_with_quadrature(left, right):
    (f, fn), (g, gn) = FUNCTIONS[left], FUNCTIONS[right]
    a, b, c = sp.Rational(9, 10), sp.Rational(3, 2), sp.Rational(-2, 5)
    value = float(dual(f, g).expression.subs({kxx: a, kyy: b, kxy: c}).evalf(30))
    assert value == pytest.approx(quadrature(fn, gn, 0.9, 1.5, -0.4), rel=1e-10, abs=1e-10)


def test_published_closed_forms():
    # Cho and Saul (2009), order 1, halved twice for the Gaussian measure; Williams (1996) with weights of variance 1.
    sine, angle = rootgap(kxx, kyy, kxy), arcsine(kxx, kyy, kxy)
    assert dual(relu(z)).expression == kxy * angle / (2 * sp.pi) + kxy / 4 + sine / (2 * sp.pi)
    assert dual(sp.erf(z)).expression == 2 * noisy_arcsine(kxx, kyy, kxy, sp.S.Half, sp.S.Half) / sp.pi
    assert dual(sp.sin(z)).expression == damped_sinh(kxx, kyy, kxy)
    assert dual(relu(z), step(z)).expression.equals((sp.sqrt(kxx) + kxy / sp.sqrt(kyy)) / (2 * sp.sqrt(2 * sp.pi)))


@pytest.mark.parametrize(
    "mutate",
    [
        lambda e: e * sp.Rational(101, 100),
        lambda e: e + kxy / 50,
        lambda e: e.subs(kxy, -kxy),
        lambda e: e + kxx,  # constant in kxy: only the value at kxy = 0 can see it
        lambda e: e + sp.Rational(1, 10**6),
        lambda e: e.subs(sp.pi, sp.Integer(3)),
    ],
)
@pytest.mark.parametrize("name", ["relu", "erf", "gelu", "exp"])
def test_a_wrong_formula_is_refuted(name, mutate):
    right = dual(FUNCTIONS[name][0])
    wrong = mutate(right.expression)
    if (wrong - right.expression).expand() == 0:
        pytest.skip("this mutation does not change this formula")
    mutant = Dual(right.left, right.right, wrong, right.rule)
    assert Verdict.FAILS in [check.verdict for check in mutant.checks()]


def test_a_constant_offset_passes_price_and_is_caught_by_independence():
    right = dual(relu(z))
    price, independence, coincidence = Dual(right.left, right.right, right.expression + kxx, right.rule).checks()
    assert price.verdict is Verdict.HOLDS
    assert independence.verdict is coincidence.verdict is Verdict.FAILS


def test_jumps_have_deltas():
    assert dual(step(z)).derivative() == 1 / (2 * sp.pi * rootgap(kxx, kyy, kxy))
    # Dropping the delta, as Piecewise does, would give 0.
    assert dual(sp.sign(z), relu(z)).derivative().equals(1 / sp.sqrt(2 * sp.pi * kxx))


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_mean_is_the_dual_at_coincidence(name):
    f = FUNCTIONS[name][0]
    value = mean(f, f).subs(kxx, sp.Rational(7, 5)).evalf(25)
    near = dual(f).expression.subs({kxx: sp.Rational(7, 5), kyy: sp.Rational(7, 5)})
    limit = near.subs(kxy, sp.Rational(7, 5) - sp.Rational(1, 10**60)).evalf(40)
    assert abs(value - limit) < 1e-24 * max(1, abs(value))


def test_symbolic_parameters():
    a, s = sp.Symbol("a", positive=True), sp.Symbol("s", positive=True)
    assert all(c.verdict is Verdict.HOLDS for c in dual(sp.erf(a * z), sp.exp(s * z)).checks())
    assert all(c.verdict is Verdict.HOLDS for c in dual(leaky_relu(z, a)).checks())


def test_integrability_conditions_are_recorded():
    d = dual(sp.exp(z**2 / 4))
    assert d.conditions
    inside = {kxx: 1, kyy: 1, kxy: sp.Rational(1, 2)}
    outside = {kxx: 3, kyy: 3, kxy: 0}
    assert all(c.subs(inside) > 0 for c in d.conditions)
    assert any(c.subs(outside) <= 0 for c in d.conditions)
    assert not dual(sp.exp(-(z**2))).conditions


def test_the_fallback_is_a_node_and_says_so():
    d = dual(sp.tanh(z))
    assert not d.closed
    assert d.rule == "Hermite series"
    assert d.checks()[0].verdict is Verdict.UNDECIDED
    assert z not in d.expression.free_symbols
    with pytest.raises(NoClosedForm, match="give slope a value"):
        dual(sp.tanh(sp.Symbol("slope") * z))


def test_divergent_everywhere_is_an_error():
    with pytest.raises((NotIntegrable, NoClosedForm)):
        dual(sp.exp(z**4))


def test_a_constant_with_a_nested_radical_is_no_obstacle_to_the_proof():
    square = mean(gelu(z), gelu(z)).subs(kxx, 1)
    right = dual(gelu(z) / sp.sqrt(square))
    assert [c.verdict for c in right.checks()] == [Verdict.HOLDS] * 3
    assert right.expression.has(square)
    wrong = dataclasses.replace(right, expression=right.expression.subs(square, square + sp.Rational(1, 10**9)))
    assert {c.verdict for c in wrong.checks()} == {Verdict.FAILS}
