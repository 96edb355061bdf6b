"""Theorem 3, divided after the sum over windows: by displacements and Newton's method against iterated tensors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.special import ndtr

from dekderive.gram import gram
from dekderive.gram.convolutional import convolutional_diagonal, convolutional_gram, convolutional_tensors
from dekderive.kernels import deq_ntk_erf, deq_ntk_relu, nngp_gelu, nngp_relu

SLOWER = settings(max_examples=12, deadline=None, derandomize=True)


@st.composite
def pairs(draw, smallest_channels=1):
    """Two images of a random shape, a filter size, and their generator."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows, columns = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    channels, size = draw(st.integers(smallest_channels, 3)), draw(st.sampled_from([1, 3, 5]))
    x, y = rng.normal(size=(2, rows, columns, channels))
    return x, y, size, rng


def unit(images):
    return images / np.linalg.norm(images, axis=-1, keepdims=True)


def close(found, expected, tolerance):
    assert_allclose(found, expected, rtol=0, atol=tolerance * max(np.abs(expected).max(), 1e-300))


@SLOWER
@given(
    pairs(2),
    st.floats(0.0, 0.9),
    st.floats(0.05, 2.0),
    st.sampled_from([0.0, 0.3]),
    st.sampled_from(["taps", "filter"]),
)
def test_displacements_give_the_whole_tensor(reference, drawn, w, u, b, normalisation):
    x, y, size, _ = drawn
    sigma, theta, _ = reference.tensors(x, y, size, (w, u, b), normalisation=normalisation)
    options = {"filter_size": size, "normalisation": normalisation, "tolerance": 1e-12}
    found = convolutional_tensors(deq_ntk_relu, x, y, weight_variance=w, input_variance=u, bias_variance=b, **options)
    close(found[0], sigma, 1e-12)
    close(found[1], theta, 1e-10)


@SLOWER
@given(pairs(2), st.floats(0.0, 0.6), st.floats(0.05, 1.0), st.booleans(), st.sampled_from([None, 2]))
def test_so_do_other_activations(reference, drawn, w, u, units, depth):
    x, y, size, _ = drawn
    x, y = (unit(x), unit(y)) if units else (x, y)
    sigma, theta, _ = reference.tensors(x, y, size, (w, u, 0.1), phi=reference.erf, depth=depth)
    found = convolutional_tensors(
        deq_ntk_erf, x, y, filter_size=size, depth=depth, weight_variance=w, input_variance=u, bias_variance=0.1,
        tolerance=1e-12,
    )  # fmt: skip
    close(found[0], sigma, 1e-11)
    close(found[1], theta, 1e-9)


@SLOWER
@given(pairs(2), st.integers(0, 4), st.sampled_from(["taps", "filter"]))
def test_finite_depth(reference, drawn, depth, normalisation):
    x, y, size, _ = drawn
    sigma, theta, _ = reference.tensors(x, y, size, (0.7, 0.4, 0.2), depth=depth, normalisation=normalisation)
    found = convolutional_tensors(
        deq_ntk_relu, x, y, filter_size=size, depth=depth, normalisation=normalisation,
        weight_variance=0.7, input_variance=0.4, bias_variance=0.2,
    )  # fmt: skip
    close(found[0], sigma, 1e-12)
    close(found[1], theta, 1e-10)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(pairs(), st.floats(0.0, 0.95))
def test_normalised_variances_are_1(drawn, w):
    x, _, size, _ = drawn
    options = {"filter_size": size, "weight_variance": w, "input_variance": 1 - w, "bias_variance": 0.0}
    sigma, theta = convolutional_tensors(deq_ntk_relu, x, x, pixels="unit", **options)
    assert_allclose(np.einsum("pqpq->pq", sigma), 1, rtol=0, atol=1e-13)
    assert_allclose(np.einsum("pqpq->pq", theta) * (1 - w), 1, rtol=0, atol=1e-11)
    assert np.abs(sigma).max() <= 1 + 1e-13


@SLOWER
@given(pairs(2), st.floats(0.0, 0.9), st.sampled_from([0.0, 0.4]))
def test_a_filter_of_one_tap_is_the_dense_kernel_of_every_pixel(drawn, w, b):
    x, y, _, _ = drawn
    parameters = {"weight_variance": w, "input_variance": 0.7, "bias_variance": b}
    _, theta = convolutional_tensors(deq_ntk_relu, x, y, filter_size=1, tolerance=1e-12, **parameters)
    rows, columns = x.shape[:2]
    dense = gram(deq_ntk_relu, x.reshape(-1, x.shape[2]), y.reshape(-1, y.shape[2]), **parameters)
    close(theta, dense.reshape(rows, columns, rows, columns), 1e-11)


@SLOWER
@given(pairs(), st.floats(0.0, 0.9))
def test_symmetry_and_flips(drawn, w):
    x, y, size, _ = drawn
    options = {"filter_size": size, "weight_variance": w, "input_variance": 0.5, "bias_variance": 0.1}
    _, theta = convolutional_tensors(deq_ntk_relu, x, y, **options)
    _, swapped = convolutional_tensors(deq_ntk_relu, y, x, **options)
    close(np.moveaxis(swapped, (2, 3), (0, 1)), theta, 1e-11)
    _, flipped = convolutional_tensors(deq_ntk_relu, x[::-1], y[::-1], **options)
    close(flipped, theta[::-1, :, ::-1], 1e-11)
    _, turned = convolutional_tensors(deq_ntk_relu, x.transpose(1, 0, 2), y.transpose(1, 0, 2), **options)
    close(turned, theta.transpose(1, 0, 3, 2), 1e-11)


@pytest.mark.parametrize("depth", [None, 1, 3])
@pytest.mark.parametrize("bias", [0.0, 0.2])
def test_readouts(reference, depth, bias):
    rng = np.random.default_rng(3)
    images = rng.normal(size=(2, 4, 3, 2))
    x, y = images
    variances = 0.6, 0.8, bias
    sigma, theta, stated = reference.tensors(x, y, 3, variances, depth=depth)
    qx, qy = (np.einsum("pqpq->pq", reference.tensors(z, z, 3, variances, depth=depth)[0]) for z in (x, y))
    expected = reference.flattened(sigma, theta, stated, reference.relu, qx, qy)
    names = dict(zip(("weight_variance", "input_variance", "bias_variance"), variances, strict=True))
    for readout, value in expected.items():
        options = {"readout": readout, "depth": depth, "tolerance": 1e-12} | names
        matrix = convolutional_gram(deq_ntk_relu, images, **options)
        assert matrix[0, 1] == pytest.approx(value, rel=1e-10), readout
        assert matrix[1, 0] == matrix[0, 1]
        assert_allclose(np.diag(matrix), convolutional_diagonal(deq_ntk_relu, images, **options), rtol=1e-13)
        assert_allclose(convolutional_gram(deq_ntk_relu, images, images[:1], **options)[:, 0], matrix[:, 0], rtol=1e-12)


def test_what_equation_21_traces_is_not_the_tangent_kernel_of_the_readout():
    """Tr Phi = sigma_W^2 (kernel of the readout) + sigma_U^2 Tr K0 (corrected Theorem 3)."""
    x, y = unit(np.random.default_rng(5).normal(size=(2, 4, 4, 2)))
    value = {
        readout: convolutional_gram(
            deq_ntk_relu, x[None], y[None], readout=readout, weight_variance=0.35, input_variance=0.65
        )[0, 0]
        for readout in ("eq21", "linear")
    }
    assert value["eq21"] == pytest.approx(0.35 * value["linear"] + 0.65 * np.sum(x * y), rel=1e-11)
    assert abs(value["eq21"] / value["linear"] - 1) > 0.1


def test_records_of_finite_networks_serve_too():
    """relu without its factor sqrt(2) takes twice the weight variance; gelu is homogeneous nowhere."""
    images = np.random.default_rng(6).normal(size=(2, 3, 4, 2))
    ours = convolutional_gram(deq_ntk_relu, images, weight_variance=0.5, input_variance=0.7)
    theirs = convolutional_gram(nngp_relu, images, weight_variance=1.0, input_variance=0.7)
    assert_allclose(theirs, ours, rtol=1e-11)
    z, weights = np.polynomial.hermite_e.hermegauss(100)
    u = np.sqrt(0.9) * z[:, None]
    matrix = np.array([[0.9, 0.35], [0.35, 1.3]])
    v = matrix[0, 1] / 0.9 * u + np.sqrt(np.linalg.det(matrix) / 0.9) * z
    weights = np.outer(weights, weights) / (2 * np.pi)

    def gelu(t):
        return t * ndtr(t)

    def slope(t):
        return ndtr(t) + t * np.exp(-t * t / 2) / np.sqrt(2 * np.pi)

    # One pixel without recurrence but for one layer: T^(1) = w E[phi phi] + u <x, y> + w E[phi' phi'] <x, y>.
    x, y = np.sqrt(0.9) * np.array([1.0, 0.0]), np.array([0.35 / np.sqrt(0.9), 0.0])
    y[1] = np.sqrt(1.3 - y[0] ** 2)
    found = convolutional_gram(
        nngp_gelu, x.reshape(1, 1, 1, 2), y.reshape(1, 1, 1, 2), depth=1, weight_variance=1.5, input_variance=0.4
    )[0, 0]
    expected = 1.5 * np.sum(weights * gelu(u) * gelu(v)) + 0.4 * 0.35
    expected += 1.5 * np.sum(weights * slope(u) * slope(v)) * 0.35
    assert found == pytest.approx(expected, rel=1e-12)
