"""Gram matrices of kernels of finite depth: symmetry, degenerate rows, gaps, derivatives."""

import itertools

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from dekderive import kernels
from dekderive.atoms import elu, hard_tanh, relu, step
from dekderive.errors import InvalidInput, NotConverged
from dekderive.gram import diagonal, gaps, gram, gram_from_moments, gram_gradient, input_gradient, nugget
from dekderive.gram.moments import cosine_features, linear, relu_features, rows, sign_features
from dekderive.programs import compile
from dekderive.symbols import z
from dekderive.update_maps import nngp, ntk

SHIPPED = [getattr(kernels, f"{m}_{f}") for m in ("nngp", "ntk") for f in ("relu", "erf", "gelu")]
OTHERS = [
    compile(ntk(sp.cos(z), name="ntk_cos")),
    compile(nngp(step(z), name="nngp_step")),
    compile(ntk(elu(z), name="ntk_elu")),
    compile(ntk(sp.tanh(z), name="ntk_tanh")),
    compile(nngp(hard_tanh(z), name="nngp_hard_tanh")),
]
ALL = SHIPPED + OTHERS
SMOOTH = [k for k in ALL if k.name not in ("nngp_step", "ntk_relu", "ntk_elu")]


def awkward(size=1.0):
    """Identical, opposite, parallel and zero rows, and near-duplicates."""
    X = np.random.default_rng(0).normal(size=(9, 4)) * size
    X[1], X[2], X[3], X[4], X[5] = X[0], -X[0], 1.9 * X[0], 0.0, 0.0
    X[6] = X[0] * (1 + 1e-9)
    X[7] = X[0] + 1e-11 * X[8]
    return X


def scaled_eigenvalues(K):
    d = np.sqrt(np.diagonal(K))
    d = np.where(d > 0, d, 1.0)
    return np.linalg.eigvalsh(K / d / d[:, None])


@pytest.mark.parametrize("bias", [0.0, 0.2])
@pytest.mark.parametrize("kernel", ALL, ids=lambda k: k.name)
def test_awkward_rows(kernel, bias):
    X = awkward()
    kernel = kernel.with_depth(2)
    K = gram(kernel, X, bias_variance=bias)
    assert np.isfinite(K).all()
    assert (K == K.T).all()
    assert scaled_eigenvalues(K)[0] > -2e-13 * len(X)
    # Equal rows have equal entries, however they are computed.
    np.testing.assert_array_equal(K[0, 1], K[0, 0])
    np.testing.assert_allclose(K[1:, 0], K[1:, 1], rtol=1e-13)
    np.testing.assert_array_equal(np.diagonal(K), diagonal(kernel, X, bias_variance=bias))
    np.testing.assert_array_equal(nugget(kernel, X, bias_variance=bias), 0.0)
    np.testing.assert_allclose(gram(kernel, X, X, bias_variance=bias), K, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(gram(kernel, X, bias_variance=bias, block_size=2), K, rtol=1e-13)
    g = gaps(kernel, X, bias_variance=bias)
    assert np.isfinite(g).all()
    assert (np.diagonal(g) == 0).all()
    assert g[0, 1] == 0
    assert ((g >= 0) & (g <= 2 + 1e-15)).all()


@pytest.mark.parametrize("size", [2.0**-498, 2.0**498])  # powers of two: rows are scaled exactly
@pytest.mark.parametrize("name", ["nngp_relu", "ntk_relu"])
def test_homogeneous_kernels_at_the_ends_of_the_range(name, size):
    kernel = getattr(kernels, name).with_depth(5)
    K, ordinary = gram(kernel, awkward(size)), gram(kernel, awkward())
    np.testing.assert_allclose(K / size / size, ordinary, rtol=1e-12)
    np.testing.assert_allclose(gaps(kernel, awkward(size)), gaps(kernel, awkward()), rtol=1e-12, atol=1e-60)
    assert np.isfinite(gram(kernel, np.vstack([awkward(1e-150), awkward(1e150)]), bias_variance=0.1)).all()
    K, dK = gram_gradient(kernel, awkward(size)[[0, 1, 8]])
    assert np.isfinite(dK).all()


@pytest.mark.parametrize("name", ["nngp_erf", "ntk_erf", "nngp_gelu", "ntk_gelu"])
def test_smooth_kernels_over_24_orders_of_magnitude(name):
    X = np.vstack([size * awkward()[[0, 2, 3, 8]] for size in (1e-12, 1e-6, 1.0, 1e6, 1e12)])
    K = gram(getattr(kernels, name).with_depth(3), X, weight_variance=1.0)
    assert np.isfinite(K).all()
    assert scaled_eigenvalues(K)[0] > -1e-12


def test_large_variances_of_erf_are_those_of_the_sign():
    # erf(s z) -> sign(z) with a gap of the order 1/s.
    X = 1e9 * np.random.default_rng(1).normal(size=(5, 3))
    unit = X / np.linalg.norm(X, axis=1)[:, None]
    np.testing.assert_allclose(
        gram(kernels.nngp_erf, X, weight_variance=1.0), 2 / np.pi * np.arcsin(np.clip(unit @ unit.T, -1, 1)), atol=1e-7
    )


def test_a_row_of_zeros_without_bias():
    X = np.array([[0.0, 0.0], [1.0, 2.0], [0.0, 0.0]])
    K = gram(kernels.ntk_relu.with_depth(3), X)
    np.testing.assert_array_equal(K[[0, 2]], 0.0)
    # E[cos(0) cos(v)] = exp(-kyy / 2); the next layer sees variances w cos(0)^2 and w E[cos(v)^2].
    cosine = compile(nngp(sp.cos(z), name="nngp_cos"))
    K = gram(cosine, X, weight_variance=1.0)
    np.testing.assert_allclose(K[0], [1.0, np.exp(-2.5), 1.0], rtol=1e-15)


@pytest.mark.parametrize("kernel", SHIPPED, ids=lambda k: k.name)
def test_moments_are_as_good_as_rows(kernel):
    X = np.random.default_rng(2).normal(size=(6, 8))
    wanted = gram(kernel.with_depth(3), X, bias_variance=0.3)
    np.testing.assert_allclose(gram_from_moments(kernel.with_depth(3), X @ X.T, bias_variance=0.3), wanted, rtol=1e-13)


@given(
    st.lists(st.lists(st.floats(-3, 3).map(lambda x: round(x, 6)), min_size=2, max_size=2), min_size=2, max_size=6),
    st.floats(0.2, 5.0),
    st.floats(0.0, 2.0),
    st.integers(1, 6),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_kernels_are_positive_semi_definite(X, w, b, depth):
    for kernel in (kernels.ntk_relu, kernels.nngp_erf, kernels.ntk_gelu):
        K = gram(kernel.with_depth(depth), X, weight_variance=w, bias_variance=b)
        assert np.isfinite(K).all()
        assert scaled_eigenvalues(K)[0] > -1e-13 * len(X)


@pytest.mark.parametrize("name", ["nngp_erf", "ntk_erf", "nngp_gelu", "ntk_gelu"])
def test_tables_are_as_good_as_single_quadratures(name):
    # More than 64 pairs are looked up in a table of Chebyshev polynomials.
    rng = np.random.default_rng(3)
    x = rng.normal(size=4)
    X = np.exp(rng.uniform(-0.4, 0.4, size=(30, 1))) * (x + 1e-7 * rng.normal(size=(30, 4)))
    kernel = getattr(kernels, name).with_depth(2)
    together = gaps(kernel, X)
    for i, j in itertools.islice(itertools.combinations(range(30), 2), 0, None, 29):
        alone = gaps(kernel, X[[i]], X[[j]])[0, 0]
        assert together[i, j] == pytest.approx(alone, rel=1e-12)


def difference(function, h):
    return (8 * (function(h) - function(-h)) - (function(2 * h) - function(-2 * h))) / (12 * h)


@pytest.mark.parametrize("kernel", ALL, ids=lambda k: k.name)
def test_derivatives_in_the_variances(kernel):
    kernel = kernel.with_depth(2)
    X = awkward()[[0, 1, 2, 3, 6, 7, 8]] / 2
    at = {"weight_variance": 1.2, "bias_variance": 0.2}
    K, dK = gram_gradient(kernel, X, **at)
    np.testing.assert_array_equal(K, gram(kernel, X, **at))
    for i, name in enumerate(at):
        wanted = difference(lambda h, n=name: gram(kernel, X, **{**at, n: at[n] + h}), 1e-3)
        np.testing.assert_allclose(dK[..., i], wanted, rtol=1e-7, atol=1e-9 * np.abs(wanted).max())


def test_the_derivative_in_a_bias_of_zero():
    # One-sided: b >= 0.  K^1 = w c + b and K^2 = w relu_hat + b.
    X = np.array([[1.0, 0.5], [0.2, -1.0], [0.0, 0.0]])
    _, dK = gram_gradient(kernels.ntk_relu, X)
    h = 1e-7
    wanted = (gram(kernels.ntk_relu, X, bias_variance=h) - gram(kernels.ntk_relu, X)) / h
    np.testing.assert_allclose(dK[:2, :2, 1], wanted[:2, :2], rtol=1e-5)
    assert np.isposinf(dK[2, :2, 1]).all()
    assert dK[2, 2, 1] == pytest.approx(wanted[2, 2], rel=1e-5)


RULES = [linear(), linear(0.7, 0.3), rows(), relu_features(1.0, 0.2)]


@pytest.mark.parametrize("rule", RULES, ids=lambda r: f"{r.name}-{r.bias}")
@pytest.mark.parametrize("kernel", SHIPPED, ids=lambda k: k.name)
def test_derivatives_in_the_inputs(kernel, rule):
    kernel = kernel.with_depth(2)
    X = awkward()[[0, 8]]
    Y = np.vstack([awkward()[[0, 2, 3]], np.random.default_rng(4).normal(size=(2, 4))])
    found = input_gradient(kernel, X, Y, moments=rule, bias_variance=0.1)
    for c in range(X.shape[1]):
        e = np.eye(4)[c]
        wanted = difference(lambda h, e=e: gram(kernel, X + h * e, Y, moments=rule, bias_variance=0.1), 2e-4)
        # The tangent kernel of the rectifier has a cusp at x = y; its symmetric difference is the mean of both sides.
        cusp = 1e-4 if kernel.name == "ntk_relu" else 1e-9
        np.testing.assert_allclose(found[..., c], wanted, atol=cusp * np.abs(found).max())


@pytest.mark.parametrize("kernel", SHIPPED, ids=lambda k: k.name)
def test_derivatives_at_coincident_inputs_are_half_of_the_diagonal_s(kernel):
    # d/dx k(x, x) = 2 d/dx k(x, y) at y = x, for a symmetric kernel.
    x = np.random.default_rng(5).normal(size=(1, 3))
    found = input_gradient(kernel.with_depth(3), x, x, bias_variance=0.2)[0, 0]
    for c in range(3):
        e = np.eye(3)[c]
        wanted = difference(lambda h, e=e: diagonal(kernel.with_depth(3), x + h * e, bias_variance=0.2)[0], 1e-3)
        assert found[c] == pytest.approx(wanted / 2, rel=1e-9)


def test_input_gradients_of_near_duplicates_are_those_of_the_limit():
    x = np.random.default_rng(6).normal(size=(1, 3))
    for kernel in (kernels.nngp_relu, kernels.ntk_erf):
        limit = input_gradient(kernel.with_depth(4), x, x)[0, 0]
        for distance in (1e-5, 1e-8, 1e-12):
            near = input_gradient(kernel.with_depth(4), x, x + distance * np.array([0.3, 1.0, -0.5]))[0, 0]
            np.testing.assert_allclose(near, limit, atol=50 * distance + 1e-13 * np.abs(limit).max())


def test_refusals():
    with pytest.raises(InvalidInput, match="has no finite depth"):
        kernels.deker_gaussian_relu.with_depth(3)
    with pytest.raises(InvalidInput, match="statement, network"):
        kernels.deq_ntk_relu.with_depth(3, "paper")
    with pytest.raises(InvalidInput, match="no function of the angle"):
        input_gradient(kernels.ntk_relu, [[1.0]], [[1.0]], moments=cosine_features())
    with pytest.raises(NotConverged, match="row 0 overflows within 400 layers"):
        gram(kernels.nngp_relu.with_depth(400), [[1.0, 1.0]], weight_variance=200.0)
    with pytest.raises(InvalidInput, match="columns"):
        gaps(kernels.ntk_relu, [[1.0]], [[1.0, 2.0]])


def test_gaps_of_kernels_of_infinite_depth():
    # deq_ntk_relu loses like the angle: twice the distance, twice the gap.
    X = np.array([[1.0, 0.0], [1.0, 1e-9], [1.0, 2e-9], [0.0, 1.0]])
    g = gaps(kernels.deq_ntk_relu, X, bias_variance=0.0)
    assert g[0, 2] == pytest.approx(2 * g[0, 1], rel=1e-6)
    K = gram(kernels.deq_ntk_relu, X, bias_variance=0.0)
    assert g[0, 3] == pytest.approx(1 - K[0, 3] / np.sqrt(K[0, 0] * K[3, 3]), rel=1e-14)


def test_gaps_from_features_of_signs():
    x = np.array([[1.0, 0.0], [1.0, 1e-10]])
    g = gaps(kernels.nngp_relu, x, moments=sign_features())[0, 1]
    # c = 1 - 2t/pi; to first order a layer of the rectifier leaves relative gaps as they are.
    assert g == pytest.approx(2e-10 / np.pi, rel=1e-4)


def test_deeper_is_the_same_kernel_of_the_same_rows_in_float32():
    X = np.random.default_rng(7).normal(size=(6, 3))
    single = gram(kernels.ntk_relu.with_depth(4), X.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, gram(kernels.ntk_relu.with_depth(4), X), rtol=1e-6)
    assert compile(nngp(relu(z), name="other")).activation.degree == 1.0


@pytest.mark.parametrize("kernel", ALL, ids=lambda k: k.name)
@pytest.mark.parametrize("depth", [1, 6])
def test_correlations_and_gaps_are_two_ways_to_the_same_matrix(kernel, depth):
    # Pairs that stay apart are done by their correlations.  Deep layers bring them together, and some go opposite ways.
    rng = np.random.default_rng(11)
    X = rng.normal(size=(8, 3)) * np.exp(rng.uniform(-2, 2, size=(8, 1)))
    X = np.vstack([X, -X[:3], X[:3] * 1.01, X[3:5] + 1e-5, np.zeros((1, 3))])
    at = {"weight_variance": 1.1, "bias_variance": 0.05}
    kernel = kernel.with_depth(depth)
    root = np.sqrt(diagonal(kernel, X, **at))
    wanted = np.outer(root, root) * (1 - gaps(kernel, X, **at))
    np.testing.assert_allclose(gram(kernel, X, **at) / np.outer(root, root), wanted / np.outer(root, root), atol=2e-14)
