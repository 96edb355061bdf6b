"""The scalars of equivalents: against 30 digits, their identities, and what is refused."""

import itertools
import math
import pickle

import numpy as np
import pytest

import dekderive.equivalents as eq
from dekderive.equivalents import DeepEquilibrium, deq_coefficients, explicit_coefficients, gaussian_moments
from dekderive.errors import InvalidInput, NoFixedPoint
from dekderive.kernels import hermite

NAMES = ("tanh", "erf", "relu", "leaky_relu", "elu", "swish")
SMOOTH_OR_NOT = [getattr(eq, name) for name in NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_scalars_agree_with_thirty_digits(name, oracles):
    model = DeepEquilibrium(getattr(eq, name), 0.5, 0.8)
    found, wanted = deq_coefficients(model, 1.2), oracles.scalars(name, 0.5, 0.8, 1.2)
    for field, value in wanted.items():
        for got, exact in zip(np.atleast_1d(getattr(found, field)), np.atleast_1d(value), strict=True):
            assert abs(float(got) - float(exact)) <= 1e-11 * max(1.0, abs(float(exact))), (field, got, exact)


@pytest.mark.parametrize("activation", SMOOTH_OR_NOT, ids=NAMES)
@pytest.mark.parametrize(("weight", "tau0"), list(itertools.product((0.0, 0.2, 0.9), (0.3, 1.0, 3.0))))
def test_signs_on_a_grid(activation, weight, tau0):
    c = deq_coefficients(DeepEquilibrium(activation, weight, 1.0 - weight + 0.1), tau0)
    at = gaussian_moments(activation, c.tau)
    d = 1 - weight * at.m1**2
    assert d >= c.input_variance * tau0**2 / c.tau**2 - 1e-12
    for a1, _, a3, diagonal in (c.ck, c.ntk, c.ntk_full):
        assert min(a1, a3) >= 0
        # On the sphere the kernel is a power series with non-negative coefficients: a1 tau0^2, a3 tau0^4, and the rest.
        assert diagonal - a1 * tau0**2 - a3 * tau0**4 >= -1e-13 * diagonal
    b1, b2, b3, _ = c.ntk
    theta = weight * at.m1**2 / d
    compact = (c.ck[0] * (1 + theta), c.ck[1] * (1 + theta), c.ck[2] * (1 + 3 * theta))
    assert np.allclose((b1, b2, b3), compact, rtol=1e-12, atol=0)


def test_the_equilibrium_is_enclosed_and_unique(oracles):
    found = eq.solve_equilibrium(DeepEquilibrium(eq.tanh, 0.9, 0.5), 1.0)
    low, high = found.enclosure
    assert found.unique
    assert low < found.moments.tau**2 < high
    assert high - low < 1e-10
    for q, sign in ((low, -1), (high, 1)):
        value = q - 0.9 * float(oracles.variance("tanh", oracles.mp.mpf(q))) - 0.5
        assert sign * value > 0
    # |relu'| <= 1 proves nothing at 1.8, but its variance is linear in tau^2; that of swish is not.
    assert eq.solve_equilibrium(DeepEquilibrium(eq.relu, 1.8, 1.0), 1.0).unique
    assert not eq.solve_equilibrium(DeepEquilibrium(eq.swish, 1.8, 1.0), 1.0).unique


def test_of_several_equilibria_the_smallest_is_found():
    # Var of z + 3 sin(2z) rises in steps: the equation has three solutions here.
    wavy = eq.numerical_activation(_wavy, _wavy_slope, name="wavy")
    found = eq.solve_equilibrium(DeepEquilibrium(wavy, 0.3, 0.05), 1.0)
    q = np.linspace(0.05, found.moments.tau**2 * (1 - 1e-6), 400)
    assert np.all(q - 0.3 * (wavy.second(q) - wavy.mean(q) ** 2) < 0.05)
    assert not found.unique


def _wavy(z):
    return z + 3.0 * np.sin(2.0 * z)


def _wavy_slope(z):
    return 1.0 + 6.0 * np.cos(2.0 * z)


@pytest.mark.parametrize("name", [*NAMES, "gelu", "softplus", "hard_tanh"])
def test_generated_moments_agree_with_quadrature_of_the_values(name):
    record = getattr(eq, name)
    q = np.array([0.05, 0.7, 4.0])
    function = record.function
    if name in ("hard_tanh",):
        function = hermite.piecewise(-1.0, 1.0)(lambda z: np.clip(z, -1.0, 1.0))
    other = eq.numerical_activation(function, _no_slope, name="values")
    for field in ("mean", "slope_mean", "curvature_mean", "second", "second_slope"):
        got, wanted = np.broadcast_to(getattr(record, field)(q), q.shape), getattr(other, field)(q)
        assert np.allclose(got, wanted, rtol=1e-10, atol=1e-12), field


def _no_slope(z):
    raise AssertionError("not needed")


def test_lipschitz_constants_hold_and_are_not_idle():
    z = np.linspace(-9, 9, 20001)
    for name in ("tanh", "erf", "relu", "leaky_relu", "elu", "gelu", "softplus", "hard_tanh"):
        record = getattr(eq, name)
        steepest = np.max(np.abs(np.diff(record(z)) / np.diff(z)))
        assert steepest <= record.lipschitz * (1 + 1e-9)
        assert record.lipschitz <= 1.01 * steepest
    assert eq.sign.lipschitz == math.inf


def test_what_is_not_centred_is_refused():
    model = DeepEquilibrium(eq.relu, 0.2, 0.8)
    centred = deq_coefficients(model, 1.0)
    assert deq_coefficients(model, 1.0, bias=centred.bias) == centred
    with pytest.raises(InvalidInput, match="centred at equilibrium"):
        deq_coefficients(model, 1.0, bias=0.0)
    assert deq_coefficients(DeepEquilibrium(eq.tanh, 0.2, 0.8), 1.0, bias=0.0).bias == 0.0


def test_tangent_kernels_that_do_not_exist_are_refused():
    supercritical = deq_coefficients(DeepEquilibrium(eq.relu, 2.5, 1.0), 1.0)  # sa F' = .85, sa E phi'^2 = 1.25
    assert supercritical.ntk is None
    jumps = deq_coefficients(DeepEquilibrium(eq.sign, 0.2, 0.8), 1.0)
    assert jumps.ntk_full is None
    rows = np.eye(5)
    for coefficients in (supercritical, jumps):
        assert eq.equivalent_kernel(coefficients, rows).shape == (5, 5)
        with pytest.raises(NoFixedPoint, match="tangent kernel is infinite"):
            eq.equivalent_kernel(coefficients, rows, kernel="ntk")
    with pytest.raises(NoFixedPoint, match="has no solution"):
        deq_coefficients(DeepEquilibrium(eq.relu, 3.0, 1.0), 1.0)


@pytest.mark.parametrize(
    ("weight", "injected", "tau0"), [(-0.1, 1.0, 1.0), (0.1, 0.0, 1.0), (0.1, 1.0, 0.0), (math.nan, 1.0, 1.0)]
)
def test_settings_out_of_range_are_refused(weight, injected, tau0):
    with pytest.raises(InvalidInput):
        deq_coefficients(DeepEquilibrium(eq.relu, weight, injected), tau0)


def test_one_layer_is_its_own_table():
    one = explicit_coefficients([eq.swish], 1.3)
    at = gaussian_moments(eq.swish, 1.3)
    g1, g2 = at.m1**2, at.m2**2
    assert np.allclose(one.ck, (g1, g2 / 4, g2 / 2, at.second), rtol=1e-14)
    assert np.allclose(one.ntk, (2 * g1, g2 / 4, 3 * g2 / 2, at.second + 1.69 * at.slope_second), rtol=1e-14)
    two = explicit_coefficients([eq.swish, eq.tanh], 1.3)
    behind = gaussian_moments(eq.tanh, math.sqrt(at.second))
    assert np.isclose(two.ck[1], behind.m1**2 * g2 / 4 + behind.m2**2 * at.second_slope**2 / 4, rtol=1e-13)
    assert np.isclose(two.ck[2], behind.m1**2 * g2 / 2 + behind.m2**2 * g1**2 / 2, rtol=1e-13)
    with pytest.raises(InvalidInput):
        explicit_coefficients([], 1.0)


def test_activations_and_coefficients_pickle():
    found = deq_coefficients(DeepEquilibrium(eq.swish, 0.2, 0.8), 1.0)
    assert pickle.loads(pickle.dumps(found)).ck == found.ck


def test_no_recurrent_weights_is_one_explicit_layer():
    implicit = deq_coefficients(DeepEquilibrium(eq.elu, 0.0, 1.0), 0.9)
    explicit = explicit_coefficients([eq.elu], 0.9)
    assert np.allclose(implicit.ck, explicit.ck, rtol=1e-13)
    assert np.allclose(implicit.ntk_full, explicit.ntk, rtol=1e-13)
