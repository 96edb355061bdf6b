"""Finite depth with injected inputs, in both conventions: against recursions in multiple precision, and their limit."""

import pickle

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from dekderive import kernels
from dekderive.errors import InvalidInput
from dekderive.gram import gaps, gram, gram_gradient, input_gradient
from dekderive.programs import compile
from dekderive.symbols import z
from dekderive.update_maps import deq_nngp, deq_ntk, normalised

NAMES = ("weight_variance", "input_variance", "bias_variance")
ROWS = np.array([[0.5, -1.25], [1.0, 0.25]])


def recursion(anchors, activation, x, y, depth, first, variances, dimension=1, readout="preactivation", model="ntk"):
    """Equations (2) to (6), or the network of section 3.1, as printed, at (x, x), (x, y), (y, y)."""
    equilibrium, finite_depth = anchors
    mp = equilibrium.mp
    with mp.workdps(equilibrium.DIGITS):
        plain, plain_slope = finite_depth.EXPECTATIONS[activation]
        scale = equilibrium.scale_of(plain)
        w, u, b = (mp.mpf(v) for v in variances)
        c = [mp.fdot(p, q) for p, q in ((x, x), (x, y), (y, y))]
        k = list(c) if first == "statement" else [(w / mp.mpf(dimension) + u) * m + b for m in c]
        theta = list(k)
        for _ in range(depth):
            pairs = [(k[0], k[0], k[0]), (k[0], k[2], k[1]), (k[2], k[2], k[2])]
            k = [w * scale * plain(*p) + u * m + b for p, m in zip(pairs, c, strict=True)]
            theta = [new + w * scale * plain_slope(*p) * old for new, p, old in zip(k, pairs, theta, strict=True)]
        theta = k if model == "nngp" else theta
        if readout == "linear" and model == "ntk":
            return [new + old for new, old in zip(k, theta, strict=True)]
        if readout == "preactivation" or (model == "nngp" and readout == "linear"):
            return theta
        pairs = [(k[0], k[0], k[0]), (k[0], k[2], k[1]), (k[2], k[2], k[2])]
        value = [scale * plain(*p) for p in pairs]
        if model == "nngp":
            return value
        return [v + scale * plain_slope(*p) * t for v, p, t in zip(value, pairs, theta, strict=True)]


@pytest.fixture(scope="module")
def anchors(equilibrium, finite_depth):
    return equilibrium, finite_depth


def exact_rows(mp, rows):
    return [[mp.mpf(float(t)) for t in row] for row in rows]


@pytest.mark.parametrize("readout", ["preactivation", "linear", "activation"])
@pytest.mark.parametrize("first", ["statement", "network"])
@pytest.mark.parametrize("activation", ["relu", "erf"])
def test_iterates_and_their_gradients(anchors, activation, first, readout):
    mp, variances = anchors[0].mp, (0.6, 0.75, 0.125)
    function = {"relu": kernels.deq_ntk_relu, "erf": kernels.deq_ntk_erf}[activation]
    if readout != "preactivation":
        from dekderive.atoms import relu

        function = compile(deq_ntk(normalised(relu(z) if activation == "relu" else sp.erf(z)), readout=readout))
    kernel, values = function.with_depth(3, first), dict(zip(NAMES, variances, strict=True))
    settings = list(variances) + [2.0] * (first == "network")
    if first == "network":
        values["input_dimension"] = 2.0
    x, y = exact_rows(mp, ROWS)

    def exact(p):
        return recursion(anchors, activation, x, y, 3, first, p[:3], p[3] if len(p) > 3 else 1, readout)

    found, gradient = gram_gradient(kernel, ROWS, **values)
    assert np.allclose(found[[0, 0, 1], [0, 1, 1]], [float(e) for e in exact(settings)], rtol=2e-14, atol=0)
    assert np.array_equal(found, gram(kernel, ROWS, **values))
    with mp.workdps(anchors[0].DIGITS):
        h = mp.mpf(10) ** -18
        for place in range(len(settings)):
            up, down = ([mp.mpf(v) + s * h * (k == place) for k, v in enumerate(settings)] for s in (1, -1))
            slopes = [float((a - b) / (2 * h)) for a, b in zip(exact(up), exact(down), strict=True)]
            assert np.allclose(gradient[[0, 0, 1], [0, 1, 1], place], slopes, rtol=1e-11, atol=1e-11), place


def test_the_two_conventions_are_those_of_the_paper():
    """At (.6, .4, 0), one activation and three inputs, the network has 1.12 and equation (6) has 1.6."""
    given_values = dict(zip(NAMES, (0.6, 0.4, 0.0), strict=True))
    statement, network = (kernels.deq_ntk_relu.with_depth(1, first) for first in ("statement", "network"))
    assert gram(statement, [[1.0]], **given_values)[0, 0] == pytest.approx(1.6, rel=1e-14)
    assert gram(network, [[1.0]], input_dimension=3.0, **given_values)[0, 0] == pytest.approx(1.12, rel=1e-14)
    for deep in (statement.with_depth(120), network.with_depth(120)):
        limit = gram(kernels.deq_ntk_relu, ROWS / 1.5, **given_values)
        assert np.allclose(gram(deep, ROWS / 1.5, **given_values), limit, rtol=1e-12)


unit = st.floats(-1.0, 1.0)


@st.composite
def sums_to_one(draw):
    w = draw(st.floats(0.0, 0.95))
    u = (1 - w) * draw(st.floats(0.0, 1.0))
    return w, u, max(0.0, 1 - w - u)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(v=sums_to_one(), angle=st.floats(0.0, np.pi), depth=st.integers(1, 40))
def test_iterates_of_the_rectifier_are_geometrically_close(v, angle, depth):
    """|Sigma^(L) - Sigma*| <= 2 w^L, and a bound of the tangent kernel with half that rate.

    The step of the rectifier has an expectation that is Holder continuous of order 1/2 only, |k0(a) - k0(b)| <=
    sqrt(|a - b| / 2), so that e_L = Sdot_L e_(L-1) + (Sdot_L - Sdot*) Theta* + Sigma_L - Sigma* is at most
    2 w^L (L + 1/(1 - w)) + w^((L+1)/2) / ((1 - w)(1 - sqrt w)).
    """
    x = np.array([[1.0, 0.0], [np.cos(angle), np.sin(angle)]])
    values, w = dict(zip(NAMES, v, strict=True)), v[0]
    sigma, theta = kernels.deq_nngp_relu, kernels.deq_ntk_relu
    near = gram(sigma.with_depth(depth), x, **values)[0, 1]
    assert abs(near - gram(sigma, x, **values)[0, 1]) <= 2 * w**depth + 1e-14
    near = gram(theta.with_depth(depth), x, **values)[0, 1]
    limit = gram(theta, x, **values)
    smooth, cusp = 2 * w**depth * (depth + 1 / (1 - w)), w ** ((depth + 1) / 2) / ((1 - w) * (1 - np.sqrt(w)))
    assert abs(near - limit[0, 1]) <= smooth + cusp + 1e-13 / (1 - w)
    assert limit[0, 0] == pytest.approx(1 / (1 - w), rel=1e-13)


def test_the_tangent_kernel_may_converge_at_half_the_rate():
    """Without injected inputs Sigma* = 1, where the rectifier has its cusp: the error is no multiple of L w^L."""
    values, x = dict(zip(NAMES, (0.5, 0.0, 0.5), strict=True)), np.array([[1.0, 0.0], [np.cos(1.0), np.sin(1.0)]])
    errors = [2.0 - gram(kernels.deq_ntk_relu.with_depth(depth), x, **values)[0, 1] for depth in (13, 25)]
    assert errors[0] > 3 * 14 * 0.5**13 / 0.5
    assert errors[1] / errors[0] == pytest.approx(0.5**6, rel=0.2)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(v=sums_to_one(), seed=st.integers(0, 10**6))
def test_kernels_of_smooth_activations_are_semidefinite_and_ordered(v, seed):
    """Duplicates, opposites and near-duplicates included; Theta >= k >= 0 where k >= 0; no larger than its diagonal."""
    w = 0.8 * v[0]
    values = dict(zip(NAMES, (w, 1 - w - v[2] / 2, v[2] / 2), strict=True))
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(6, 3))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    x = np.vstack([x, x[:1], -x[:1], x[:1] + 1e-9 * rng.normal(size=(1, 3))])
    for theta, sigma in (
        (kernels.deq_ntk_erf, kernels.deq_nngp_erf),
        (kernels.deq_ntk_gelu, kernels.deq_nngp_gelu),
    ):
        found, k = gram(theta, x, **values), gram(sigma, x, **values)
        scale = np.sqrt(np.diag(found))
        assert np.linalg.eigvalsh(found / np.outer(scale, scale)).min() >= -1e-13 * len(x)
        assert (found >= k - 1e-13)[k >= 0].all()
        assert (np.abs(found) <= np.outer(scale, scale) * (1 + 1e-13)).all()
        apart = gaps(theta, x, **values)
        assert np.allclose(1 - apart, found / np.outer(scale, scale), atol=1e-12)


def test_zero_rows_and_variances_that_are_zero():
    x = np.array([[0.0, 0.0], [0.0, 0.0], [1.0, 2.0]])
    for kernel in (kernels.deq_ntk_erf, kernels.deq_ntk_tanh, kernels.deq_nngp_gelu):
        no_bias = gram(kernel, x, weight_variance=0.3, input_variance=0.7)
        assert (no_bias[:2] == 0).all()
        assert no_bias[2, 2] > 0
        biased = gram(kernel, x, weight_variance=0.3, input_variance=0.7, bias_variance=0.5)
        assert biased[0, 1] == pytest.approx(biased[0, 0], rel=1e-13)
        assert biased[0, 2] > 0
        plain = gram(kernel, x, weight_variance=0.0, input_variance=0.7, bias_variance=0.25)
        assert np.allclose(plain, 0.7 * x @ x.T + 0.25, rtol=1e-14)
        constant = gram(kernel, x, weight_variance=0.3, input_variance=0.0, bias_variance=0.25)
        assert np.allclose(constant, constant[0, 0], rtol=1e-13)
        derivative = gram_gradient(kernel, x[1:], weight_variance=0.0, input_variance=0.7, bias_variance=0.25)[1]
        small = gram(kernel, x[1:], weight_variance=1e-7, input_variance=0.7, bias_variance=0.25)
        assert np.allclose(derivative[..., 0], (small - plain[1:, 1:]) / 1e-7, rtol=1e-5)


def test_finite_iterates_pickle_and_refuse():
    kernel = compile(deq_nngp(sp.tanh(z), readout="activation", name="mine"))
    deep = kernel.with_depth(4, "network")
    again = pickle.loads(pickle.dumps(deep))
    given_values = {"weight_variance": 1.5, "input_dimension": 2.0}
    assert np.array_equal(gram(again, ROWS, **given_values), gram(deep, ROWS, **given_values))
    assert input_gradient(deep, ROWS, ROWS, **given_values).shape == (2, 2, 2)
    with pytest.raises(TypeError, match="input_dimension"):
        gram(kernel.with_depth(4), ROWS, **given_values)
    with pytest.raises(InvalidInput, match="depth"):
        kernel.with_depth(0)
