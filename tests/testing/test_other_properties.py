"""P10 to P15, P17 and P18, with their domains; each also fails for an object that is wrong and plausible."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dekderive.errors import PropertyFailed
from dekderive.initialisers.convolution import circular_norm, filter_matrix
from dekderive.kernels import deq_ntk_erf, deq_ntk_relu
from dekderive.solvers import Solution, Status
from dekderive.testing import (
    TangentInstance,
    WeightPair,
    filters,
    points_on_spheres,
    properties,
    tangent_instances,
    weight_pairs,
)

quick = settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
relu_only = tangent_instances(st.just(deq_ntk_relu))
RELU = TangentInstance(deq_ntk_relu, 0.6, 0.4, 0.0, 0.5)


# ---- P10 to P12 ------------------------------------------------------------------------------------------------------


@given(weight_pairs())
@quick
def test_p10_p11_perturbations(pair):
    properties.two_weight_matrices(pair)
    properties.nearest_definite(pair)
    properties.coarse_inequality(pair.left)


def test_p10_the_lipschitz_constant_of_the_image_is_not_enough():
    # sigma = 5 + 4 expit has values in (5, 9), where |sigma'| <= .0266 and not 1: the printed constant
    pair = WeightPair(np.array([[0.5]]), np.array([[0.4]]), np.array([8.0]), "5 + 4 expit")
    properties.two_weight_matrices(pair)
    with pytest.raises(PropertyFailed, match="P10"):
        properties.two_weight_matrices(pair, factor=0.0266 * 0.5 * 0.6 / 0.97)


def test_p10_the_bounds_are_sharp():
    linear = WeightPair(np.array([[-0.9]]), np.array([[-0.8]]), np.array([1e-3]), "sin")  # nearly the identity
    properties.two_weight_matrices(linear)
    with pytest.raises(PropertyFailed, match="P10"):
        properties.two_weight_matrices(linear, factor=0.99)
    with pytest.raises(PropertyFailed, match="P10"):
        properties.nearest_definite(linear, factor=0.09)


def test_p11_is_attained():
    matrix = np.array([[-1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
    properties.coarse_inequality(matrix)
    with pytest.raises(PropertyFailed, match="P11"):
        properties.coarse_inequality(matrix, factor=2 * (1 - 1e-9))


@pytest.mark.parametrize(("size", "t"), [(1, 1.0), (5, 0.5), (25, 2.0)])
def test_p12_tails(size, t):
    properties.gaussian_norm_tail(size, t, draws=10_000 if size == 25 else 40_000, seed=7)


def test_p12_the_printed_threshold_of_proposition_14():
    with pytest.raises(PropertyFailed, match="P12"):
        properties.gaussian_norm_tail(25, 4.0, draws=10_000, threshold=2 * math.sqrt(25 + 4.0))


@pytest.mark.slow
@pytest.mark.parametrize("size", [10, 25])
def test_p12_tails_with_all_draws(size):
    properties.gaussian_norm_tail(size, 2.0, seed=8)


# ---- P13 to P15 ------------------------------------------------------------------------------------------------------


@given(st.integers(1, 6), st.floats(0.1, 20), st.integers(2, 40), st.sampled_from(["triangular", "wendland"]))
@quick
def test_p13_tapered_filters_are_kernels(radius, squared_lengthscale, n, taper):
    properties.tapered_is_definite((0, radius), squared_lengthscale, (1, n), taper)


@given(st.integers(1, 4), st.floats(0.1, 20), st.integers(2, 9), st.integers(2, 9))
@settings(quick, max_examples=20)
def test_p13_in_two_dimensions(radius, squared_lengthscale, h, w):
    properties.tapered_is_definite(radius, squared_lengthscale, (h, w))


@given(st.floats(0.8, 20), st.integers(12, 40))
@quick
def test_p13_a_box_is_no_kernel(squared_lengthscale, n):
    # r = 1: definite on the whole lattice for ls^2 <= 1/(2 ln 2) = .7213 only
    with pytest.raises(PropertyFailed, match="P13"):
        properties.tapered_is_definite((0, 1), squared_lengthscale, (1, n), "box_indefinite")


@given(filters(), st.integers(3, 16), st.integers(3, 16))
@settings(quick, max_examples=30)
def test_p14_the_norm_is_bounded(c, h, w):
    properties.norm_is_bounded(c, (h, w))


def test_p14_the_circular_norm_is_no_bound():
    c = np.array([[-1.0, 2.0, -1.0]])
    for n in (3, 5):
        with pytest.raises(PropertyFailed, match="P14"):
            properties.norm_is_bounded(c, (1, n), bound=circular_norm(c, (1, n)))


@given(filters(), st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
@quick
def test_p15_the_matrix_is_a_convolution(c, h, w, seed):
    properties.is_convolution(c, np.random.default_rng(seed).normal(size=(c.shape[1], h, w)))


@pytest.mark.parametrize("wrong", ["flipped", "contiguous", "transposed"])
def test_p15_other_matrices_are_refused(wrong):
    rng = np.random.default_rng(0)
    c, images = rng.normal(size=(2, 2, 3, 3)), rng.normal(size=(2, 4, 4))
    if wrong == "contiguous":  # Definition 9 as printed: a slice of consecutive entries, which is a 1-D correlation
        line = c.reshape(2, 2, 1, 9)
        matrix = filter_matrix(line, (1, 16))
    else:
        matrix = filter_matrix(c[..., ::-1, ::-1] if wrong == "flipped" else np.swapaxes(c, 0, 1), (4, 4))
    with pytest.raises(PropertyFailed, match="P15"):
        properties.is_convolution(c, images, matrix)


# ---- P17 and P18 -----------------------------------------------------------------------------------------------------


@given(tangent_instances(), st.floats(-1, 1), st.integers(1, 30))
@quick
def test_p17_fixed_point_order_and_depth(instance, other, depth):
    properties.tangent_fixed_point(instance)
    properties.tangent_at_duplicates(instance)
    properties.monotone_in_cosine(instance, other, everywhere=True)
    properties.finite_depth(instance, depth)
    properties.iterations_agree(instance)


@given(relu_only, st.integers(1, 30))
@quick
def test_p17_the_tangent_kernel_of_finite_depth(instance, depth):
    properties.finite_depth(instance, depth, tangent=True)


@given(tangent_instances(), points_on_spheres())
@quick
def test_p17_gram_matrices_are_definite(instance, rows):
    properties.gram_is_definite(instance, rows)


@given(tangent_instances(inner=True))
@quick
def test_p18_gradients(instance):
    properties.gradients(instance)


def solved(instance, **changes):
    solution = instance.solution
    state = {**solution.state, **{k: np.asarray(v) for k, v in changes.items() if k != "value"}}
    value = np.asarray(changes.get("value", solution.value))
    return Solution(value, solution.residual, 1, Status.CONVERGED, None, state)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kxy": 0.9}, r"Sigma\* = R"),
        ({"kxy": RELU.covariance() + 1e-13}, r"Sigma\* = R"),
        ({"value": 0.1}, r"Sigma\* <= Theta\*"),
        # a plain read-out v'phi(z) gives k1 + k0 Theta*, and the network of finite depth with its own output layer more
        ({"value": 1.518}, r"Theta\* \(1"),
        ({"value": RELU.covariance() / (1 - 0.6)}, r"Theta\* \(1"),
    ],
)
def test_p17_other_values_are_refused(changes, message):
    with pytest.raises(PropertyFailed, match=message):
        properties.tangent_fixed_point(RELU, solved(RELU, **changes))


def test_p17_the_diagonal_is_not_that_of_the_conjugate_kernel():
    with pytest.raises(PropertyFailed, match=r"Theta\*\(x, x\)"):
        properties.tangent_at_duplicates(RELU, value=1.0)
    # for other activations the limit is not 1/(1 - sw2)
    erf = TangentInstance(deq_ntk_erf, 0.6, 0.4, 0.0, 0.5)
    with pytest.raises(PropertyFailed, match=r"Theta\*\(x, x\)"):
        properties.tangent_at_duplicates(erf, value=2.5)


def test_p17_wrong_kernels_are_refused():
    decreasing = replace(deq_ntk_relu, readout=replace(deq_ntk_relu.readout, function=lambda t, *a: t))
    with pytest.raises(PropertyFailed, match=r"P17, Theta\* at"):
        properties.monotone_in_cosine(replace(RELU, kernel=decreasing), -0.5, everywhere=True)
    with pytest.raises(PropertyFailed, match="lmin"):
        properties.gram_is_definite(RELU, np.eye(3), np.ones((3, 3)) - 1.5 * np.eye(3))
    # a kernel whose values are rounded to single precision
    rounded = np.float32(RELU.covariance())
    with pytest.raises(PropertyFailed, match="P17"):
        properties.tangent_fixed_point(RELU, solved(RELU, kxy=rounded))


def test_p17_a_faster_rate_is_refused():
    steep = TangentInstance(deq_ntk_relu, 0.9, 0.1, 0.0, 0.0)
    properties.finite_depth(steep, 12, tangent=True)
    with pytest.raises(PropertyFailed, match="P17"):
        properties.finite_depth(steep, 12, rate=0.4)


def test_p17_iterations_that_disagree_are_noticed(monkeypatch):
    # plain iteration of another recursion: the one with the variances of the next instance
    other = TangentInstance(deq_ntk_relu, 0.6, 0.4 - 1e-6, 1e-6, 0.5)
    wrong = other.solution
    properties.iterations_agree(RELU)
    monkeypatch.setattr(TangentInstance, "at", lambda self, s, method="newton": wrong)
    with pytest.raises(PropertyFailed, match="Newton and Picard"):
        properties.iterations_agree(RELU)


def test_p18_a_factor_in_the_derivatives_is_noticed():
    # derivatives in standard deviations instead of variances, or a missing chain rule
    with pytest.raises(PropertyFailed, match="P18"):
        properties.gradients(RELU, factor=2 * math.sqrt(0.6))
    with pytest.raises(PropertyFailed, match="P18"):
        properties.gradients(RELU, factor=1 + 1e-4)
