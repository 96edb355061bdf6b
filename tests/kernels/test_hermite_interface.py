"""Gaussian expectations by series: what is refused, and the manners of the interface."""

import threading

import numpy as np
import pytest

from dekderive.errors import InvalidInput, NotConverged
from dekderive.kernels import hermite, special


def relu(z):
    return np.maximum(z, 0.0)


def one(z):
    return 1.0


def expit(z):
    return special.expit(z)


def softplus(z):
    return special.softplus(z)


def silu(z):
    return z * special.expit(z)


def slope(z):
    return special.expit(z) / special.softplus(z)


def leaky_bump(z):
    """A function with a jump, a kink and no closed form."""
    return np.where(z > 0, 1.0 + np.tanh(z), 0.3 * z) + 0.2 * np.cos(z)


# --- what is refused -------------------------------------------------------------------------------------------------


def hinge(z):
    return np.maximum(z - 1.1, 0.0)


def test_a_kink_away_from_zero_is_refused():
    for call in (
        lambda: hermite.dual(hinge, hinge, 1.0, 1.0, 0.5),
        lambda: hermite.dual_kxy(hinge, hinge, 1.0, 1.0, 0.5),
        lambda: hermite.mean(hinge, one, 1.0),
        lambda: hermite.mean_derivative(hinge, one, 0.1),
        lambda: hermite.series(hinge, 1.0, 3),
    ):
        with pytest.raises(NotConverged, match=r"hinge.*smooth"):
            call()


def test_oscillations_below_the_nodes_are_refused():
    with pytest.raises(NotConverged, match=r"sin.*oscillate"):
        hermite.dual(np.sin, np.sin, 1e8, 1e8, 0.5e8)
    with pytest.raises(NotConverged, match=r"sin.*oscillate"):
        hermite.mean(np.sin, np.sin, 1e8)


def divergent(z):
    return np.exp(z * z / 3)


def test_divergent_expectations_are_no_numbers():
    # E f^2 is infinite for variances above 3/4; below them the series is right.
    assert np.isnan(hermite.dual(divergent, divergent, 1.0, 1.0, 0.0))
    assert not hermite.dual_with_error(divergent, divergent, 1.0, 1.0, 0.0)[1] < np.inf
    assert np.isnan(hermite.mean(divergent, divergent, 1.0))
    true = 1 / np.sqrt((1 - 0.2) ** 2 - (2 / 3 * 0.1) ** 2)  # 1 / sqrt((1 - 2ta)(1 - 2tb) - 4 t^2 c^2), t = 1/3
    assert hermite.dual(divergent, divergent, 0.3, 0.3, 0.1) == pytest.approx(true, rel=1e-12)


def test_overflow_is_not_a_number_and_leaves_its_neighbours_alone():
    value = hermite.mean(np.exp, np.exp, np.array([1.0, 1e6, 2.0]))
    np.testing.assert_allclose(value[[0, 2]], np.exp([2.0, 4.0]), rtol=1e-13)
    assert not np.isfinite(value[1])
    value = hermite.dual(np.exp, np.exp, np.array([1.0, 1e6]), 1.0, 0.5)
    assert value[0] == pytest.approx(np.exp(1.5), rel=1e-13)
    assert np.isnan(value[1])


def test_what_is_no_covariance_is_not_a_number():
    kxx = np.array([-1.0, np.nan, np.inf, 1.0, 1.0, 0.0, 1.0])
    kxy = np.array([0.0, 0.0, 0.0, np.nan, 1.001, 0.5, 0.5])
    for call in (hermite.dual, hermite.dual_kxy, hermite.dual_kxx, hermite.dual_kyy):
        value = call(np.tanh, expit, kxx, 1.0, kxy)
        assert np.isnan(value[:-1]).all(), call
        assert np.isfinite(value[-1])
    value, bound = hermite.dual_with_error(np.tanh, expit, kxx, 1.0, kxy)
    assert (np.isnan(value) == np.isinf(bound)).all()
    assert np.isnan(hermite.mean(np.tanh, expit, [-1.0, np.nan, np.inf])).all()
    assert np.isnan(hermite.series(np.tanh, -1.0, 3)).all()


def test_a_correlation_that_rounding_took_beyond_one_counts_as_one():
    a = np.float64(0.1)
    assert hermite.dual(relu, relu, a, a, np.nextafter(a, 1)) == pytest.approx(0.05, rel=1e-13)


def test_a_negative_order_is_refused():
    with pytest.raises(InvalidInput, match="order"):
        hermite.series(np.tanh, 1.0, -1)


# --- arrays, dtypes, caches ------------------------------------------------------------------------------------------


def covariances(n=30, seed=5):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 6)) * rng.uniform(0.3, 2.0, n)[:, None]
    gram = x @ x.T / 6
    return np.diag(gram).copy(), gram


def test_broadcasting_is_elementwise():
    k, gram = covariances()
    full = hermite.dual(slope, expit, k[:, None], k, gram)
    assert full.shape == gram.shape
    a, b, c = (x.ravel() for x in np.broadcast_arrays(k[:, None], k, gram))
    np.testing.assert_allclose(hermite.dual(slope, expit, a, b, c), full.ravel(), rtol=1e-14)
    np.testing.assert_allclose(
        [hermite.dual(slope, expit, *p) for p in zip(a[:40], b, c, strict=False)], full.ravel()[:40], rtol=1e-14
    )
    np.testing.assert_allclose(hermite.dual(expit, slope, k[:, None], k, gram), full.T, rtol=1e-13)


def test_many_entries_are_cut_into_pieces():
    rng = np.random.default_rng(8)
    k = rng.uniform(0.5, 2.0, 300)
    gram = np.sqrt(k[:, None] * k) * rng.uniform(-1, 1, (300, 300))
    full = hermite.dual(expit, expit, k[:, None], k, gram)  # more entries than fit in one piece
    assert full[299, 7] == pytest.approx(hermite.dual(expit, expit, k[299], k[7], gram[299, 7]), rel=1e-14)
    distinct = rng.uniform(0.5, 2.0, 20_000)  # more variances than rows fit in one piece
    value = hermite.dual(relu, relu, distinct, 2 * distinct, 0.5 * distinct)
    np.testing.assert_allclose(value / distinct, value[0] / distinct[0], rtol=1e-13)


def test_gram_matrices_are_positive_semidefinite():
    k, gram = covariances(40)
    for f in (expit, np.tanh, leaky_bump):
        value = hermite.dual(f, f, k[:, None], k, gram)
        np.testing.assert_allclose(np.diag(value), hermite.mean(f, f, k), rtol=1e-13)
        assert np.linalg.eigvalsh(0.5 * (value + value.T))[0] >= -1e-13 * np.trace(value)


def test_dtypes_shapes_and_scalars():
    k = np.ones((2, 1), dtype=np.float32)
    for call in (hermite.dual, hermite.dual_kxy, hermite.dual_kxx):
        value = call(expit, expit, k, k.T, np.float32(0.5))
        assert value.shape == (2, 2)
        assert value.dtype == np.float32
        assert call(expit, expit, 1, 1, 0).dtype == np.float64
        assert np.ndim(call(expit, expit, 1, 1, 0)) == 0
        assert call(expit, expit, np.empty((0, 1)), np.ones(3), 0.0).shape == (0, 3)
    assert hermite.mean(expit, expit, k).dtype == np.float32
    assert hermite.mean_derivative(expit, expit, np.empty((0, 2))).shape == (0, 2)
    assert hermite.series(expit, np.ones((2, 3)), 4).shape == (2, 3, 5)
    # A float32 covariance of coincident inputs exceeds the variances by a rounding of float32.
    assert np.isfinite(hermite.dual(expit, expit, k, k, np.float32(1.0000001)).item(0))


def test_answers_do_not_depend_on_what_was_asked_before():
    k, gram = covariances()
    fresh = hermite.dual(np.tanh, expit, k[:, None], k, gram)
    for wanted in (slice(None, None, 2), slice(3, 9), slice(None)):  # as Newton's method drops solved equations
        part = hermite.dual(np.tanh, expit, k[wanted, None], k[wanted], gram[wanted, wanted])
        np.testing.assert_array_equal(part, fresh[wanted, wanted])
    for i in range(60):  # functions that differ, one after the other, push each other out
        hermite.dual(lambda z, i=i: np.tanh(z + 0.01 * i), expit, k[:, None], k, gram)
    np.testing.assert_allclose(hermite.dual(np.tanh, expit, k[:, None], k, gram), fresh, rtol=1e-15)


def test_threads_share_the_caches():
    k, gram = covariances()
    functions = [np.tanh, expit, silu, softplus]
    expected = [hermite.dual(f, f, k[:, None], k, gram) for f in functions]
    wrong = []

    def work(shift):
        for i in range(40):
            which = (i + shift) % 4
            rows = slice((i * shift) % 7, None)
            value = hermite.dual(functions[which], functions[which], k[rows, None], k, gram[rows])
            if not np.allclose(value, expected[which][rows], rtol=1e-14, atol=0):
                wrong.append((i, shift))

    threads = [threading.Thread(target=work, args=(shift,)) for shift in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
