"""Kernels of finite depth against the published recursions in 70 digits, and against a wide network."""

import mpmath as mp
import numpy as np
import pytest
import sympy as sp

from dekderive import kernels
from dekderive.gram import gaps, gram
from dekderive.gram.moments import linear
from dekderive.programs import compile
from dekderive.symbols import z
from dekderive.update_maps import nngp, ntk

GAPS = [1e-2, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12, 1e-14]
RATIOS = [1.0, 1 + 1e-7, 1 + 1e-3, 1.9]
MADE = {"nngp_sin": compile(nngp(sp.sin(z), name="nngp_sin")), "ntk_sin": compile(ntk(sp.sin(z), name="ntk_sin"))}
VARIANCES = [(2.0, 0.0), (1.5, 0.1)]


def kernel_of(name):
    return MADE[name] if name in MADE else getattr(kernels, name)


def near_duplicates(rng, gap, ratio, dimension=3):
    x = rng.normal(size=dimension)
    x /= np.linalg.norm(x)
    v = rng.normal(size=dimension)
    v -= v @ x * x
    v /= np.linalg.norm(v)
    return x, ratio * ((1 - gap) * x + np.sqrt(gap * (2 - gap)) * v)


@pytest.mark.parametrize("variances", VARIANCES, ids=str)
@pytest.mark.parametrize("depth", [1, 20])
@pytest.mark.parametrize("name", [f"{m}_{f}" for f in ("relu", "erf", "gelu", "sin") for m in ("nngp", "ntk")])
def test_gaps_of_near_duplicates_keep_twelve_digits(finite_depth, name, depth, variances):
    model, activation = name.split("_")
    rng = np.random.default_rng(1)
    w, b = variances
    record = kernel_of(name).with_depth(depth)
    for ratio in RATIOS:
        for wanted in GAPS if depth == 1 else GAPS[::2]:
            x, y = near_duplicates(rng, wanted, ratio)
            exact = finite_depth.gap(activation, x, y, depth, w, b, model)
            found = gaps(record, x[None], y[None], weight_variance=w, bias_variance=b)[0, 0]
            assert abs(found / exact - 1) < 1e-12, (ratio, wanted)


@pytest.mark.parametrize("name", ["nngp_relu", "ntk_relu", "ntk_erf", "ntk_gelu"])
def test_gaps_of_float32_rows_keep_six_digits(finite_depth, name):
    model, activation = name.split("_")
    rng = np.random.default_rng(2)
    record = getattr(kernels, name).with_depth(20)
    for wanted in GAPS[:6]:
        x, y = (row.astype(np.float32) for row in near_duplicates(rng, wanted, 1.0))
        exact = finite_depth.gap(activation, x, y, 20, 1.5, 0.1, model)
        found = gaps(record, x[None], y[None], weight_variance=1.5, bias_variance=0.1)[0, 0]
        assert abs(found - exact) <= 1e-6 * abs(exact), wanted


@pytest.mark.parametrize("name", ["nngp_relu", "ntk_relu", "nngp_erf", "ntk_erf", "nngp_gelu", "ntk_gelu"])
def test_values_of_pairs_at_any_angle(finite_depth, name):
    model, activation = name.split("_")
    X = np.random.default_rng(3).normal(size=(4, 5))
    X[1] = -X[0]
    K = gram(getattr(kernels, name).with_depth(3), X, weight_variance=1.3, bias_variance=0.2)
    for i, j in [(0, 1), (0, 2), (2, 3), (1, 3)]:
        exact = finite_depth.covariances(activation, X[i], X[j], 3, 1.3, 0.2, model)
        assert K[i, j] == pytest.approx(float(exact[1]), rel=1e-13)
        assert K[i, i] == pytest.approx(float(exact[0]), rel=1e-13)


def test_depth_one_is_the_arc_cosine_kernel():
    # Cho and Saul (2009), equations (4) to (6), n = 1: |x||y| (sin t + (pi - t) cos t) / pi, for E over w ~ N(0, I),
    # times 2; their weights have variance 1.
    X = np.random.default_rng(4).normal(size=(5, 3))
    norms = np.linalg.norm(X, axis=1)
    t = np.arccos(np.clip(X @ X.T / np.outer(norms, norms), -1, 1))
    wanted = np.outer(norms, norms) * (np.sin(t) + (np.pi - t) * np.cos(t)) / np.pi
    found = 2 * gram(kernels.nngp_relu, X, weight_variance=1.0)
    np.testing.assert_allclose(found, wanted, rtol=1e-7)  # arccos of a cosine
    # w acts on the inputs and after the layer.
    np.testing.assert_allclose(gram(kernels.nngp_relu, X, weight_variance=3.0), 9 * found / 2, rtol=1e-14)


def test_the_rectifier_recursion_of_arora_et_al():
    # Arora et al. (2019), equations (6) to (9) with c_sigma = 2: no weight variance in the first layer.
    X = np.random.default_rng(5).normal(size=(4, 3))
    S = theta = X @ X.T
    for _ in range(3):
        size = np.sqrt(np.outer(np.diag(S), np.diag(S)))
        r = np.clip(S / size, -1, 1)
        slope = (np.pi - np.arccos(r)) / np.pi
        S = size * (np.sqrt(1 - r * r) + (np.pi - np.arccos(r)) * r) / np.pi
        theta = theta * slope + S
    found = gram(kernels.ntk_relu.with_depth(3), X, moments=linear(scale=2**-0.5), weight_variance=2.0)
    np.testing.assert_allclose(found, theta, rtol=1e-7)


def test_tanh_agrees_with_a_two_dimensional_trapezoidal_rule():
    # Error exp(-2 pi d / h) with d = pi / 2 over the standard deviation: below 1e-20 here.
    rng = np.random.default_rng(6)
    w, b = 1.5, 0.1
    record = compile(nngp(sp.tanh(z), name="nngp_tanh"))
    for wanted, ratio in [(1e-8, 1 + 1e-3), (1e-14, 1.9)]:
        x, y = near_duplicates(rng, wanted, ratio)
        with mp.workdps(40):
            rows = [[mp.mpf(float(t)) for t in row] for row in (x, y)]
            first, cross, second = (w * mp.fdot(rows[i], rows[j]) + b for i, j in ((0, 0), (0, 1), (1, 1)))
            first, cross, second = (w * k + b for k in _tanh(first, second, cross))
            exact = 1 - cross / mp.sqrt(first * second)
        found = gaps(record, x[None], y[None], weight_variance=w, bias_variance=b)[0, 0]
        assert abs(found / exact - 1) < 1e-12


def _tanh(a, b, c):
    h = mp.mpf(1) / 12
    nodes = [k * h for k in range(-110, 111)]
    weights = [h * mp.exp(-v * v / 2) / mp.sqrt(2 * mp.pi) for v in nodes]
    s, r = mp.sqrt(a), c / mp.sqrt(a)
    t = mp.sqrt(b - r * r)
    cross = mp.fsum(
        p * mp.tanh(s * u) * mp.fsum(q * mp.tanh(r * u + t * v) for v, q in zip(nodes, weights, strict=True))
        for u, p in zip(nodes, weights, strict=True)
    )
    squares = [mp.fsum(p * mp.tanh(mp.sqrt(k) * u) ** 2 for u, p in zip(nodes, weights, strict=True)) for k in (a, b)]
    return squares[0], cross, squares[1]


def test_the_cholesky_problem_of_near_copies(finite_depth):
    # 50 points with copies 1e-3, 1e-5 and 1e-7 away, in float32, at depth 10.
    rng = np.random.default_rng(7)
    base = rng.normal(size=(50, 7))
    X = np.vstack([base + size * rng.normal(size=base.shape) / 7**0.5 for size in (0.0, 1e-3, 1e-5, 1e-7)])
    X = X.astype(np.float32)
    record = kernels.ntk_relu.with_depth(10)
    single, double = gram(record, X), gram(record, X.astype(np.float64))
    assert single.dtype == np.float32
    assert (single == single.T).all()
    # What float32 rows lose is the rounding of the result, half a unit in its last place.
    off = np.abs(single - double)
    assert (off <= np.abs(double) * 2.0**-24 * (1 + 1e-6)).all()
    least = np.linalg.eigvalsh(double)[0]
    bound = np.sqrt(np.sum((double * 2.0**-24) ** 2))  # Frobenius
    assert np.linalg.eigvalsh(single.astype(float))[0] > least - bound
    assert least > -1e-12 * np.trace(double)
    for i, j in [(0, 50), (3, 153), (60, 160)]:
        exact = finite_depth.gap("relu", X[i], X[j], 10, 2.0, 0.0, "ntk")
        assert abs(gaps(record, X[[i]], X[[j]])[0, 0] - exact) <= 1e-12 * exact


@pytest.mark.slow
def test_a_wide_network_has_this_tangent_kernel():
    # Width 4096 in the NTK parameterisation; errors of order 1/sqrt(width), averaged over ten networks.
    rng = np.random.default_rng(8)
    width, w, b = 4096, 1.7, 0.3
    X = rng.normal(size=(2, 5))
    values = [_empirical(rng, X, width, w, b) for _ in range(10)]
    found = gram(kernels.ntk_erf.with_depth(2), X, weight_variance=w, bias_variance=b)
    deviation = np.std(values, axis=0) / np.sqrt(10)
    assert (np.abs(np.mean(values, axis=0) - found) < 4 * deviation + 1e-3 * found.max()).all()
    assert (deviation < 0.02 * found.max()).all()


def _empirical(rng, X, width, w, b):
    """Tangent kernel of a network with two hidden layers, all derivatives by hand.

    Second moments are inner products, so that the variance of the first weights is not divided by their number.
    """
    from scipy.special import erf

    def slope(x):
        return 2 / np.sqrt(np.pi) * np.exp(-x * x)

    first = rng.normal(size=(X.shape[1], width)) * np.sqrt(w)
    second = rng.normal(size=(width, width)) * np.sqrt(w / width)
    last = rng.normal(size=width) * np.sqrt(w / width)
    one = X @ first + np.sqrt(b) * rng.normal(size=width)
    two = erf(one) @ second + np.sqrt(b) * rng.normal(size=width)
    to_two = last * slope(two)
    to_one = (to_two @ second.T) * slope(one)
    # d f / d (standard normal weight) = sqrt(w / fan_in) * input * backward, and sqrt(b) * backward for a bias.
    return (
        (w / width * erf(two) @ erf(two).T + b)
        + (w / width * erf(one) @ erf(one).T + b) * (to_two @ to_two.T)
        + (w * X @ X.T + b) * (to_one @ to_one.T)
    )
