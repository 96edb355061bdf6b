"""Filters that are kernels, their matrices, and their norms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.signal import correlate2d

from dekderive.errors import InvalidInput, UnknownName
from dekderive.initialisers.convolution import (
    circular_norm,
    coregionalised,
    filter_matrix,
    filters_of,
    norm,
    norm_bound,
    row_bound,
    smallest_eigenvalue,
    squared_exponential_filter,
    taper,
)

many = settings(max_examples=60, deadline=None, derandomize=True)


@given(
    st.sampled_from(["triangular", "wendland"]),
    st.integers(1, 6),
    st.floats(0.1, 20),
    st.integers(3, 24),
    st.integers(1, 12),
)
@many
def test_tapered_kernels_are_positive_semidefinite(name, radius, squared, height, width):
    c = squared_exponential_filter(radius, squared, taper_name=name)
    matrix = filter_matrix(c, (height, width)).toarray()
    values = np.linalg.eigvalsh(matrix)
    assert values[0] >= -1e-10 * values[-1]


@pytest.mark.parametrize(("radius", "squared", "smallest"), [(5, 10.0, -1.963), (3, 4.0, None), (2, 2.0, None)])
def test_boxes_are_not(radius, squared, smallest):
    c = squared_exponential_filter(radius, squared, taper_name="box_indefinite")
    found = smallest_eigenvalue(c, (32, 32))
    assert found < -1e-3
    if smallest is not None:
        assert found == pytest.approx(smallest, abs=2e-3)
    assert smallest_eigenvalue(squared_exponential_filter(radius, squared), (32, 32)) > 5e-3


def test_the_smallest_box_is_the_counterexample():
    assert smallest_eigenvalue(taper("box_indefinite", (0, 1)), (1, 3)) == pytest.approx(1 - np.sqrt(2))


def test_channels_mixed_by_psd_matrices_are_psd_and_by_pairs_of_lengthscales_are_not():
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(3, 3, 3))
    filters = np.stack([squared_exponential_filter(2, s) for s in (0.5, 1.5, 4.0)])
    c = coregionalised(factors @ factors.transpose(0, 2, 1), filters)
    assert smallest_eigenvalue(c, (6, 6)) > -1e-10
    pairs = np.zeros((3, 3, 5, 5))
    for a in range(3):
        for b in range(a, 3):
            pairs[a, b] = pairs[b, a] = squared_exponential_filter(2, rng.uniform(0, 4))
    assert smallest_eigenvalue(pairs, (6, 6)) < -0.1
    with pytest.raises(InvalidInput, match="positive semi-definite"):
        coregionalised(-np.ones((1, 2, 2)), filters[:1])


random_filters = st.tuples(
    st.integers(0, 10**6), st.integers(1, 3), st.sampled_from([3, 5, 7]), st.integers(3, 12), st.integers(3, 12)
)


@given(random_filters)
@many
def test_the_embedding_bounds_the_zero_padded_norm(case):
    seed, channels, q, h, w = case
    c = np.random.default_rng(seed).normal(size=(channels, channels, q, q))
    exact = np.linalg.norm(filter_matrix(c, (h, w)).toarray(), 2)
    assert exact <= norm_bound(c, (h, w)) * (1 + 1e-10)
    assert norm_bound(c, (h, w)) <= row_bound(c) * (1 + 1e-10)
    assert norm(c, (h, w)) == pytest.approx(exact, rel=1e-9)


def test_the_circular_norm_can_be_too_small():
    c = [[-1.0, 2.0, -1.0]]
    assert circular_norm(c, (1, 3)) == pytest.approx(3.0)
    assert norm(c, (1, 3)) == pytest.approx(2 + np.sqrt(2))


@given(random_filters)
@many
def test_the_matrix_is_the_convolution(case):
    seed, channels, q, h, w = case
    rng = np.random.default_rng(seed)
    c, image = rng.normal(size=(2, channels, q, q)), rng.normal(size=(channels, h, w))
    padded = np.pad(image, ((0, 0), (q // 2, q // 2), (q // 2, q // 2)))
    wanted = [sum(correlate2d(padded[b], c[a, b], mode="valid") for b in range(channels)) for a in range(2)]
    assert_allclose(filter_matrix(c, (h, w)) @ image.ravel(), np.ravel(wanted), atol=1e-12)
    if min(h, w) >= q:
        assert_allclose(filters_of(filter_matrix(c, (h, w)), (h, w), q // 2), c, atol=0)


def test_the_matrix_of_a_tapered_filter_is_the_kernel_matrix_of_the_pixels():
    h, w, r, squared = 5, 6, 2, 1.7
    pixels = np.stack(np.meshgrid(np.arange(h), np.arange(w), indexing="ij"), axis=-1).reshape(-1, 2)
    d = pixels[:, None] - pixels
    gram = np.exp(-0.5 * (d**2).sum(-1) / squared) * np.maximum(1 - np.abs(d) / (r + 1), 0).prod(-1)
    assert_allclose(filter_matrix(squared_exponential_filter(r, squared), (h, w)).toarray(), gram, atol=1e-15)
    assert_allclose(filters_of(gram, (h, w), r)[0, 0], squared_exponential_filter(r, squared), atol=1e-15)


def test_what_is_no_convolution_is_refused():
    with pytest.raises(InvalidInput, match="its rows differ"):
        filters_of(np.diag(np.arange(9.0)), (3, 3), 1)
    with pytest.raises(InvalidInput, match="no pixel"):
        filters_of(np.eye(9), (3, 3), 2)
    with pytest.raises(InvalidInput, match="odd"):
        filter_matrix(np.ones((2, 2)), (3, 3))
    with pytest.raises(InvalidInput, match="not symmetric"):
        smallest_eigenvalue([[1.0, 2.0, 3.0]], (3, 3))
    with pytest.raises(UnknownName, match="known: triangular"):
        taper("hann", 2)
