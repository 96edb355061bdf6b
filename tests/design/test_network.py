"""Kernels and features of networks: against simulation, symmetric, float32, near-duplicates, chunks."""

import math

import numpy as np
import pytest

from dekderive import equivalents, kernels
from dekderive.design import Unit, design_explicit, network, sphere_series
from dekderive.equivalents import DeepEquilibrium
from dekderive.errors import InvalidInput, NotConverged
from dekderive.gram import gram
from tests.design.oracles import Model, activation, rule

CASES = [
    ("relu", "ck", "leaky_relu"),
    ("tanh", "ck", "hard_tanh"),
    ("swish", "ck", "hermite_slope"),
    ("swish", "ck", "hermite_two_layer"),
    ("relu", "ntk", "hermite"),
    ("relu", "ntk", "hermite_rate"),
    ("erf", "ntk_full", "hard_tanh"),
]


def designed(name, kernel, family, sa=0.2, **options):
    return design_explicit(DeepEquilibrium(activation(name), sa, 1 - sa), kernel, family, tau0=1.0, **options)


def rows(n=7, d=40, seed=0):
    x = np.random.default_rng(seed).normal(size=(n, d))
    return x / math.sqrt(d)


@pytest.mark.parametrize(("name", "kernel", "family"), CASES)
def test_features_have_the_kernel(name, kernel, family):
    net, x = designed(name, kernel, family), rows(7, 200)
    # Not the seed of the rows: the first weights would be parallel to one of them.
    width, draws = (60000, 1) if len(net.layers) == 1 else (2000, 8)
    found = (
        sum(z @ z.T for z in (net.features(x, width, seed) for seed in range(90, 90 + draws))) / draws
    )  # not the seed of the rows
    expected = net.kernel(x)
    assert np.abs(found - expected).max() < 0.05 * expected.max()
    unit = net.layers[-1]
    louder = Unit(unit.kind, tuple(1.1 * v for v in unit.parameters), unit.tau)
    spoiled = type(net)(net.family, (*net.layers[:-1], louder), net.norm_shift, net.multiplier, net.target).kernel(x)
    assert np.abs(found - spoiled).max() > 0.06 * expected.max()


@pytest.mark.parametrize(("name", "kernel", "family"), CASES)
def test_kernels_are_symmetric_and_positive(name, kernel, family, monkeypatch):
    net, x = designed(name, kernel, family), rows(30)
    k = net.kernel(x)
    assert (k == k.T).all()
    np.testing.assert_allclose(np.diag(k), net.diagonal(x), rtol=0)
    assert np.linalg.eigvalsh(k)[0] > -1e-12 * np.trace(k)
    np.testing.assert_allclose(net.kernel(x[:4], x), k[:4], rtol=1e-10, atol=1e-13)
    monkeypatch.setattr(network, "_PAIRS", 45)
    np.testing.assert_allclose(net.kernel(x), k, rtol=1e-10, atol=1e-13)
    single = net.kernel(x.astype(np.float32))
    assert single.dtype == np.float32
    assert np.abs(single - k).max() < 3e-6 * k.max()


@pytest.mark.parametrize(("name", "kernel", "family"), CASES)
def test_rows_of_any_size_that_a_network_can_meet(name, kernel, family):
    """Zero rows, opposite ones, duplicates, tiny ones: finite, and positive semi-definite as it must be."""
    x = rows(4)
    x = np.vstack([x, 0 * x[0], -x[0], x[1] * (1 + 1e-9), 1e-150 * x[2], 3 * x[3]])
    net = designed(name, kernel, family)
    k = net.kernel(x)
    assert np.isfinite(k).all()
    assert np.linalg.eigvalsh(k)[0] > -1e-12 * np.trace(k)
    assert abs(k[1, 6] - k[1, 1]) < 1e-6 * k[1, 1]


def test_tangent_kernels_of_near_duplicates():
    """1 - cos = 5e-21: the slope of hard tanh sees the root of it, which no covariance holds."""
    net = designed("tanh", "ntk", "hard_tanh")
    x = np.array([[1.0, 0.0], [1.0, 1e-10]])
    k = net.kernel(x)
    slope, clip = net.layers[0].parameters
    # P(only v is clipped) is to first order 2 p(c) E (theta w)^+ = theta exp(-c^2/2)/pi, both edges counted.
    lost = slope**2 * 1e-10 * math.exp(-clip * clip / 2) / math.pi
    assert abs(k[0, 0] - k[0, 1]) == pytest.approx(lost, rel=2e-4, abs=0)


def test_features_in_chunks_and_for_other_rows(monkeypatch):
    net, x = designed("relu", "ck", "leaky_relu"), rows(30)
    z = net.features(x, 20, 5)
    monkeypatch.setattr(network, "_FEATURES", 60)
    np.testing.assert_allclose(net.features(x, 20, 5), z, rtol=1e-12)
    np.testing.assert_allclose(net.features(x[3:5], 20, 5), z[3:5], rtol=1e-12)
    assert net.features(x.astype(np.float32), 20, 5).dtype == np.float32
    np.testing.assert_allclose(net.features(x.astype(np.float32), 20, 5), z, rtol=1e-4, atol=1e-5)


def test_refusals():
    net = designed("relu", "ck", "hermite")
    with pytest.raises(InvalidInput, match="columns"):
        net.kernel(rows(), rows(3, 5))
    with pytest.raises(InvalidInput, match="columns"):
        net.apply(net.weights(5, 10, 0), rows())
    with pytest.raises(InvalidInput, match="positive"):
        net.features(rows(), 0)
    with pytest.raises(InvalidInput, match="NaN"):
        net.kernel([[math.nan]])
    with pytest.raises(NotConverged, match="too long"):
        net.kernel([[1e100, 0.0], [1e100, 1.0]])


# ---- inputs of equal norm --------------------------------------------------------------------------------------------


def sphere(n=12, d=60, seed=1):
    x = rows(n, d, seed)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@pytest.mark.parametrize("kernel", ["ck", "ntk", "ntk_full"])
@pytest.mark.parametrize("name", ["relu", "tanh", "swish", "elu"])
def test_the_sphere_series_is_the_kernel_itself(name, kernel):
    x = sphere()
    exact = Model(name, 0.4, 0.6, 1.0).kernel(x @ x.T, kernel, order=60)
    net = designed(name, kernel, "sphere_series", 0.4, terms=40)
    apart = np.abs(net.kernel(x) - exact)
    np.fill_diagonal(apart, 0)
    assert apart.max() < 1e-13
    assert net.feasible
    short = np.abs(designed(name, kernel, "sphere_series", 0.4, terms=3).kernel(x) - exact)
    assert short.max() > 1e-9  # three terms are not the kernel


@pytest.mark.parametrize("name", ["relu", "tanh", "swish", "elu", "erf", "leaky_relu"])
def test_the_series_of_every_kernel_is_positive_and_starts_with_the_equivalent(name):
    for sa in (0.05, 0.5, 0.9):
        oracle = Model(name, sa, 1 - sa, 2.0)
        for kind, scalars in zip(("ck", "ntk", "ntk_full"), oracle.coefficients[2:], strict=True):
            model = DeepEquilibrium(activation(name), sa, 1 - sa)
            if scalars[3] <= 0:
                continue
            series = sphere_series(model, 2.0, 30, kernel=kind)
            assert (series >= -1e-15 * scalars[3]).all()
            assert series.sum() <= scalars[3] * (1 + 1e-12)
            np.testing.assert_allclose(series[:2], [scalars[0] * 4, scalars[2] * 16], rtol=1e-10, atol=1e-14)


def test_the_third_coefficient_in_closed_form():
    """b3 = (2 sa p2 l b2 + p3 l^3)/D with p_k = c_k^2/tau^(2k) and l = e/D."""
    oracle = Model("swish", 0.5, 0.5, 1.0)
    nodes, weights = rule()
    f = oracle.centred(oracle.q)
    c2 = f * (nodes**2 - 1) @ weights / math.sqrt(2)
    c3 = f * (nodes**3 - 3 * nodes) @ weights / math.sqrt(6)
    c1 = f * nodes @ weights
    p1, p2, p3 = c1**2 / oracle.q, c2**2 / oracle.q**2, c3**2 / oracle.q**3
    free = 1 - 0.5 * p1
    slope = 0.5 / free
    b2 = p2 * slope**2 / free
    series = sphere_series(DeepEquilibrium(activation("swish"), 0.5, 0.5), 1.0, 3)
    expected = [p1 * 0.5 / free, b2, (2 * 0.5 * p2 * slope * b2 + p3 * slope**3) / free]
    np.testing.assert_allclose(series, expected, rtol=1e-12)


@pytest.mark.parametrize("kernel", ["ck", "ntk"])
@pytest.mark.parametrize("name", ["relu", "tanh", "erf"])
def test_the_exact_kernels_of_the_package(name, kernel):
    record = getattr(kernels, f"implicit_{kernel}_{name}")
    centred = {"reference_norm": 1.0} if "reference_norm" in record.parameter_names else {}
    x = sphere(30, 80)
    exact = gram(record, x, weight_variance=0.4, input_variance=0.6, **centred)
    model = DeepEquilibrium(getattr(equivalents, name), 0.4, 0.6)
    network = design_explicit(model, kernel, "sphere_series", tau0=1.0, terms=40)
    assert np.abs(network.kernel(x) - exact).max() < 2e-13
