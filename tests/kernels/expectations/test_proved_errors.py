"""Errors that are theorems: of quadratures by strip bounds, of tails by Cauchy's estimate, of mixtures by balls."""

import math

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from dekderive.certificates.logistic import nodes, nodes_text, sup_errors
from dekderive.errors import InvalidInput, NotCertified
from dekderive.kernels import hermite, special
from dekderive.kernels.expectations import logistic_nodes
from dekderive.kernels.expectations.functions import Described, Strip
from dekderive.kernels.expectations.mixtures import BASES, derivative_terms, mixture_dual, sup_error
from dekderive.kernels.expectations.trapezoid import proved_coefficients, proved_tails, rule_for

TANH = (("expit", 2.0, 2.0), ("constant", 0.0, -1.0))
SOFTPLUS = (("softplus", 1.0, 1.0),)
SILU = (("silu", 1.0, 1.0),)
LOG_COSH = (("softplus", 2.0, 1.0), ("linear", 1.0, -1.0), ("constant", 0.0, -math.log(2)))

# |tanh(x + i y)| <= tan 1.5 for |y| <= 1.5; |softplus| <= log 2 + |x| + 3 / sin 3; |silu| <= (|x| + 3) / sin 3.
tanh = hermite.analytic(1.5, 14.2, terms=TANH)(np.tanh)
softplus = hermite.analytic(3.0, 22.0, 1.0, 1.0, terms=SOFTPLUS)(special.softplus)
silu = hermite.analytic(3.0, 21.3, 7.1, 1.0, terms=SILU)(lambda z: z * special.expit(z))


def coefficient(f, a, k):
    """One Hermite coefficient in mpmath, by a trapezoidal rule that is much finer than it need be."""
    h = mpf("0.02") / max(1, mpmath.sqrt(a))
    total = mpf(0)
    for i in range(-int(14 / h), int(14 / h) + 1):
        z = i * h
        before, current = mpf(0), mpf(1)
        for j in range(k):
            before, current = current, (z * current - mpmath.sqrt(j) * before) / mpmath.sqrt(j + 1)
        total += f(mpmath.sqrt(a) * z) * current * mpmath.npdf(z)
    return h * total


@pytest.mark.parametrize("a", [0.25, 9.0])
def test_coefficients_are_within_their_bound(a):
    alpha, norm, error = proved_coefficients(tanh, np.array([a]), 64)
    with mpmath.workdps(25):
        for k in (1, 3, 21):
            off = abs(mpf(float(alpha[0, k])) - coefficient(mpmath.tanh, mpf(a), k))
            assert off <= error[0] * norm[0] + 4e-16


def test_a_coarser_step_violates_the_tolerance_that_the_bound_promises():
    # The bound is not far too wide: at a step three times as long the rule is wrong by more than it promised before.
    strip, a = Strip(1.5, 14.2), 9.0
    rule = rule_for(strip, a, 16, 1.0)
    z = 3 * rule.step * np.arange(-400, 401)
    values = 3 * rule.step * np.tanh(3.0 * z) ** 2 * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    fine = rule.step * np.arange(-1200, 1201)
    exact = rule.step * np.sum(np.tanh(3.0 * fine) ** 2 * np.exp(-fine * fine / 2)) / math.sqrt(2 * math.pi)
    assert abs(np.sum(values) - exact) > 1e3 * rule.square


def test_rules_promise_less_for_more_variance():
    strip = Strip(1.5, 14.2)
    steps = [rule_for(strip, a, 64, 1.0).step for a in (0.0, 1.0, 16.0, 256.0)]
    assert steps == sorted(steps, reverse=True)
    assert all(rule_for(strip, a, 64, 1.0).coefficient <= 1e-17 for a in (0.0, 1.0, 256.0))
    assert rule_for(strip, 1e12, 64, 1.0) is None  # would take hours


@pytest.mark.parametrize("a", [1e-4, 0.04, 1.0, 9.0])
def test_tails_bound_what_follows(a):
    orders = np.array([8.0, 16.0, 32.0, 64.0])
    bounds = proved_tails(Strip(1.5, 14.2), np.array([a]), orders)[0]
    alpha, norm, _ = proved_coefficients(tanh, np.array([a]), 256)
    for order, bound in zip(orders.astype(int), bounds, strict=True):
        assert np.sqrt(np.sum(alpha[0, order:] ** 2)) <= bound + 1e-14 * norm[0]
    if a < 0.01:  # a difference of squares could not say this
        assert bounds[-1] < 1e-40


@pytest.mark.parametrize("f", [tanh, softplus, silu], ids=["tanh", "softplus", "silu"])
@pytest.mark.parametrize(("a", "b"), [(1e-12, 1e-12), (1.0, 1.0), (1e-4, 1e4), (100.0, 1.0), (1e4, 1e4), (1e12, 1e8)])
def test_everything_is_proved_and_agrees_with_what_only_knows_the_values(f, a, b):
    r = np.array([0.0, 0.6, -0.9, 0.99, 1 - 1e-8, 1.0, -1.0])
    c = r * math.sqrt(a) * math.sqrt(b)
    value, bound, proved = hermite.certified_dual(f, f, a, b, c)
    assert proved.all()
    plain = Described(f.function)  # panels and polar sectors
    scale = math.sqrt(hermite.mean(plain, plain, a) * hermite.mean(plain, plain, b))
    assert (bound <= 4e-14 * scale).all()
    if max(a, b) <= 1e8:
        other, its_bound, its_proof = hermite.certified_dual(plain, plain, a, b, c)
        assert not its_proof.any()
        assert (np.abs(value - other) <= bound + its_bound).all()
        assert np.max(np.abs(value - other)) <= 5e-15 * scale


def test_mixtures_at_correlation_one_are_one_dimensional():
    # Variances at which no series is short; in mpmath by 1-D integrals with the kinks of the limit as breakpoints.
    with mpmath.workdps(25):
        for terms, f in (
            (TANH, mpmath.tanh),
            (SOFTPLUS, lambda x: mpmath.log1p(mpmath.exp(-abs(x))) + max(x, 0)),
            (SILU, lambda x: x / (1 + mpmath.exp(-x))),
            (LOG_COSH, lambda x: abs(x) + mpmath.log1p(mpmath.exp(-2 * abs(x))) - mpmath.log(2)),
        ):
            for a in (25.0, 1e6):
                near = [s * n / mpmath.sqrt(a) for n in (0, 1, 4, 12, 40) for s in (1, -1)]
                ends = sorted({*(x for x in near if abs(x) < 12), mpf(-12), mpf(12)})
                true = mpmath.quad(lambda z, f=f, a=a: f(mpmath.sqrt(mpf(a)) * z) ** 2 * mpmath.npdf(z), ends)
                value, size = mixture_dual(terms, terms, *np.array([[a], [a], [a]]))
                assert abs(mpf(float(value[0])) - true) <= 3e-15 * size[0]


def test_derivatives_of_mixtures():
    a, b, c = (np.array([x]) for x in (30.0, 8.0, 14.0))
    h = 1e-3
    for terms in (TANH, SOFTPLUS, SILU, LOG_COSH):
        slope = derivative_terms(terms)
        curvature = derivative_terms(slope)
        for left, right, factor, direction in (
            (slope, slope, 1.0, (0, 0, 1)),
            (curvature, terms, 0.5, (1, 0, 0)),
            (terms, curvature, 0.5, (0, 1, 0)),
        ):
            at = [
                mixture_dual(
                    terms, terms, a + k * h * direction[0], b + k * h * direction[1], c + k * h * direction[2]
                )[0]
                for k in (-2, -1, 1, 2)
            ]
            difference = (8 * (at[2] - at[1]) - (at[3] - at[0])) / (12 * h)
            assert factor * mixture_dual(left, right, a, b, c)[0] == pytest.approx(difference, rel=1e-9)
    assert derivative_terms((("expit_curvature", 1.0, 1.0),)) == ()


def test_pairs_of_all_orders_follow_from_each_other():
    # Price: d/dc of a pair is the pair of derivatives.  With every base there is, so that no closed form is left out.
    a, b, c, h = (np.array([x]) for x in (3.0, 0.7, -0.8, 1e-3))
    names = list(BASES)
    for f in names:
        for g in names:
            left, right = ((f, 1.0, 1.0),), ((g, 2.0, 1.0),)
            slopes = derivative_terms(left), derivative_terms(right)
            if not all(slopes):
                continue
            at = [mixture_dual(left, right, a, b, c + k * h)[0] for k in (-2, -1, 1, 2)]
            difference = (8 * (at[2] - at[1]) - (at[3] - at[0])) / (12 * h)
            assert mixture_dual(*slopes, a, b, c)[0] == pytest.approx(difference, rel=1e-8, abs=1e-12), (f, g)


def test_the_table_is_the_one_that_is_proved():
    assert nodes() == logistic_nodes.NODES
    with open(logistic_nodes.__file__, encoding="utf-8") as file:
        assert file.read() == nodes_text()
    assert sup_error(TANH) == pytest.approx(2 * logistic_nodes.ERRORS["expit"])


def test_the_proved_errors_are_those_of_the_functions():
    # At many points, in mpmath: none exceeds its bound, and the largest comes close to it.
    worst = 0.0
    with mpmath.workdps(40):
        for i in range(-120, 121):
            x = mpf(i) / 8
            mixed = mpmath.fsum(mpf(w) * mpmath.ncdf(x / mpf(s)) for s, w in logistic_nodes.NODES)
            worst = max(worst, float(abs(1 / (1 + mpmath.exp(-x)) - mixed)))
    assert logistic_nodes.ERRORS["expit"] / 3 <= worst <= logistic_nodes.ERRORS["expit"]


def test_a_wrong_node_is_found_out():
    table = list(nodes())
    s, w = table[12]
    table[12] = (s * (1 + 1e-12), w)
    assert sup_errors(tuple(table))["expit"] > 1e-15
    with pytest.raises(NotCertified, match="exactly 1"):
        sup_errors(tuple(table[:-1]))


def test_strip_bounds_are_checked():
    for numbers in ((0.0, 1.0), (1.0, -1.0), (1.0, math.inf), (math.nan, 1.0)):
        with pytest.raises(InvalidInput, match="strip"):
            hermite.analytic(*numbers)
    with pytest.raises(InvalidInput, match="knots"):
        Described(np.tanh, knots=(1.0,), strip=Strip(1.0, 1.0))


def test_the_bound_would_be_wrong_if_it_were_smaller():
    # Truncated series: the true error, against the closed form of the same function, is not a hundredth of the bound.
    erf = hermite.analytic(2.0, 2 + 4 * math.exp(4.0) / math.sqrt(math.pi))(special.erf)
    ratios = []
    with mpmath.workdps(30):
        for a in (0.5, 4.0, 16.0, 30.0):
            for r in np.linspace(0.3, 0.97, 24):
                value, bound, proved = hermite.certified_dual(erf, erf, a, a, r * a)
                true = 2 * mpmath.asin(2 * mpf(r * a) / (1 + 2 * mpf(a))) / mpmath.pi
                error = float(abs(mpf(float(value)) - true))
                assert proved
                assert error <= bound
                ratios.append(error / bound)
    assert max(ratios) > 0.01
