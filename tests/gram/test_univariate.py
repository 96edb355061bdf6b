"""Gram matrices by one product and one polynomial: right to rounding for every kind of rows, in NumPy and in numba."""

import dataclasses
import sys

import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf

from dekderive.errors import InvalidInput, MissingExtra, NoFixedPoint
from dekderive.gram import diagonal, gram, gram_panels, moments
from dekderive.gram.univariate import compiled_tiles
from dekderive.gram.univariate import gram as fast
from dekderive.gram.univariate.compiled_tiles import numba_is_installed
from dekderive.gram.univariate.panels import Panels
from dekderive.kernels import deq_ntk_erf, deq_ntk_relu
from dekderive.kernels.univariate import build

WEIGHTS = (0.0, 0.25, 0.6, 0.8, 0.95)  # one for every chart, and the kernel without recurrence
BACKENDS = [False, pytest.param(True, marks=pytest.mark.skipif(not numba_is_installed(), reason="needs numba"))]
RULES = [moments.linear(), moments.rows(), moments.linear(0.5, 0.75)]


def given(weight, bias=0.25):
    return {"weight_variance": weight, "input_variance": 0.4, "bias_variance": bias}


def record_of(weight, bias=0.25):
    return build(deq_ntk_relu, **given(weight, bias))


def rows_of_every_kind(n=70, d=6, seed=0):
    X = np.random.default_rng(seed).normal(size=(n, d))
    extra = [X[0], 2 * X[0], -X[0], X[1] * (1 + 1e-9), X[1] + 1e-7, X[2] + 1e-3, 0 * X[0], 0 * X[0], 1e6 * X[3]]
    return np.vstack([X, extra, 1e-6 * X[4:5]])


def exact(x, y, weight, input_variance, bias):
    """The kernel of two float rows from the paper's recursion on correlations, iterated at 50 digits."""
    with mpmath.workdps(50):
        w, u, b = mpf(weight), mpf(input_variance), mpf(bias)
        x, y = ([mpf(float(v)) for v in row] for row in (x, y))
        cxx, cyy, cxy = (
            u * mp.fsum(p * q for p, q in zip(*rows, strict=True)) + b for rows in ((x, x), (y, y), (x, y))
        )
        size = mp.sqrt(cxx * cyy)
        if size == 0:
            return mpf(0)
        z = cxy / size
        rho = z
        for _ in range(400):
            rho = max(min(rho, mpf(1)), mpf(-1))
            angle = mp.acos(rho)
            step = w * (mp.sin(angle) + (mp.pi - angle) * rho) / mp.pi + (1 - w) * z
            slope = w * (mp.pi - angle) / mp.pi
            following = rho + (step - rho) / (1 - slope)
            if abs(following - rho) < mpf(10) ** -45:
                break
            rho = following
        return size / (1 - w) * rho / (1 - w * (1 - mp.acos(max(min(rho, mpf(1)), mpf(-1))) / mp.pi))


@pytest.mark.parametrize("compiled", BACKENDS)
@pytest.mark.parametrize("weight", WEIGHTS)
def test_entries_are_those_of_the_recursion(weight, compiled):
    X = rows_of_every_kind(n=5, d=3)
    for bias in (0.0, 0.25):
        K = fast.matrix(record_of(weight, bias), moments.linear(), X, None, 9, None, compiled=compiled)
        np.testing.assert_array_equal(K, K.T)
        for i in range(len(X)):
            for j in range(i, len(X)):
                value = exact(X[i], X[j], weight, 0.4, bias)
                assert abs(value - mpf(float(K[i, j]))) <= 1e-13 * np.sqrt(K[i, i] * K[j, j])


@pytest.mark.parametrize("compiled", BACKENDS)
@pytest.mark.parametrize("rule", RULES)
def test_agreement_with_the_general_solver(rule, compiled):
    X, Y = rows_of_every_kind(), rows_of_every_kind(seed=1)[:33]
    Y[:5] = X[:5]
    for weight in WEIGHTS:
        parameters = given(weight)
        for other in (None, Y):
            slow = gram(deq_ntk_relu, X, other, moments=rule, **parameters)
            quick = fast.matrix(record_of(weight), rule, X, other, 32, None, deq_ntk_relu, compiled)
            second = X if other is None else Y
            size = (diagonal(deq_ntk_relu, Z, moments=rule, **parameters) for Z in (X, second))
            scale = np.sqrt(np.outer(*size))
            assert (np.abs(quick - slow) <= 1e-13 * scale).all()
        K = fast.matrix(record_of(weight), rule, X, None, None, None, deq_ntk_relu)
        np.testing.assert_allclose(np.diag(K), diagonal(deq_ntk_relu, X, moments=rule, **parameters), rtol=2e-15)


@pytest.mark.skipif(not numba_is_installed(), reason="needs numba")
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 2e-14), (np.float32, 2e-6)])
def test_numba_and_numpy_agree(dtype, tolerance):
    X = np.random.default_rng(2).normal(size=(700, 5)).astype(dtype)
    for weight in WEIGHTS:
        first, second = (
            fast.matrix(record_of(weight), moments.linear(), X, None, 256, None, compiled=c) for c in (False, True)
        )
        assert first.dtype == second.dtype == dtype
        scale = np.sqrt(np.outer(np.diag(first), np.diag(first)))
        assert np.abs((first.astype(float) - second) / scale).max() < tolerance


@pytest.mark.parametrize("compiled", BACKENDS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-13), (np.float32, 1e-6)])
@pytest.mark.parametrize("shift", [0.0, 30.0])
def test_near_duplicates_and_crowded_data_keep_their_digits(dtype, tolerance, shift, compiled):
    rng = np.random.default_rng(3)
    x = rng.normal(size=12) + shift
    distances = 10.0 ** -np.arange(0.0, 16.0)
    X = np.vstack([x, x + distances[:, None] * rng.normal(size=(16, 12)), 3 * x, -x]).astype(dtype)
    for weight in (0.25, 0.9, 0.95):
        K = fast.matrix(record_of(weight, 0.0), moments.linear(), X, None, 8, None, compiled=compiled)
        assert K.dtype == dtype
        for j in range(1, len(X)):
            allowed = tolerance * np.sqrt(float(K[0, 0]) * float(K[j, j]))
            assert abs(exact(X[0], X[j], weight, 0.4, 0.0) - mpf(float(K[0, j]))) <= allowed


@pytest.mark.parametrize("compiled", BACKENDS)
def test_rows_that_all_point_the_same_way_in_float32(compiled):
    # 1 - cos is about 1e-4, of which products in float32 leave no digit; centred ones leave all.
    rng = np.random.default_rng(4)
    X = (100 + rng.normal(size=(60, 40))).astype(np.float32)
    K = fast.matrix(record_of(0.6, 0.0), moments.linear(), X, None, None, None, compiled=compiled)
    for i, j in ((0, 1), (5, 40), (17, 59)):
        assert abs(exact(X[i], X[j], 0.6, 0.4, 0.0) / mpf(float(K[i, j])) - 1) < 5e-7


def test_gram_takes_the_polynomial_for_many_pairs_only(monkeypatch):
    seen = []
    monkeypatch.setattr(fast, "matrix", lambda record, *rest: seen.append(record.name) or None)
    monkeypatch.setattr(fast, "ENTRIES", 100)
    X = np.random.default_rng(5).normal(size=(20, 3))
    gram(deq_ntk_relu, X[:9], **given(0.6))
    gram(deq_ntk_erf, X, weight_variance=0.3)
    gram(deq_ntk_relu, X, moments=moments.relu_features(), **given(0.6))
    assert seen == []
    gram(deq_ntk_relu, X, **given(0.6))
    gram(deq_ntk_relu, X, X, **given(0.6))
    assert seen == ["deq_ntk_relu"] * 2


def test_the_public_function_and_its_refusals():
    X = rows_of_every_kind(n=600, d=4)
    parameters = given(0.6)
    K = gram(deq_ntk_relu, X, **parameters)
    direct = fast.matrix(record_of(0.6), moments.linear(), X, None, None, None, deq_ntk_relu)
    np.testing.assert_array_equal(K, direct)
    for bad in (np.nan, np.inf):
        Z = X.copy()
        Z[77, 1] = bad
        with pytest.raises(InvalidInput, match="row 77"):
            gram(deq_ntk_relu, Z, **parameters)
    with pytest.raises(InvalidInput, match=r"as many columns as X \(4\), not 3"):
        gram(deq_ntk_relu, X, X[:, :3], **parameters)
    with pytest.raises(InvalidInput, match="out must be"):
        gram(deq_ntk_relu, X, out=np.empty((3, 3)), **parameters)
    with pytest.raises(InvalidInput, match="block_size"):
        gram(deq_ntk_relu, X, block_size=0, **parameters)
    with pytest.raises(InvalidInput, match="rescale"):
        gram(deq_ntk_relu, 1e200 * X, **parameters)
    scaled = gram(deq_ntk_relu, 1e-120 * X, **given(0.6, 0.0))  # too short for the fast path
    K = gram(deq_ntk_relu, X, **given(0.6, 0.0))
    np.testing.assert_allclose(scaled * 1e120 * 1e120, K, rtol=0, atol=1e-11 * np.diag(K).max())
    np.testing.assert_array_equal(gram(deq_ntk_relu, 2.0**40 * X, **given(0.6, 0.0)), 2.0**80 * K)


def test_a_kernel_that_is_not_univariate_after_all_is_noticed():
    # The lengths of both inputs enter the equation behind the back of the declaration.
    def residual(angle, cxx, cyy, gap, weight_variance, input_variance, bias_variance):
        value = deq_ntk_relu.residual(angle, cxx, cyy, gap, weight_variance, input_variance, bias_variance)
        return value + 1e-6 * (cxx - cyy) ** 2 * (angle - 1)

    tampered = dataclasses.replace(
        deq_ntk_relu, residual=dataclasses.replace(deq_ntk_relu.residual, function=residual), spec="tampered"
    )
    assert fast.trusted(deq_ntk_relu, given(0.6)) is not None
    assert fast.trusted(tampered, given(0.6)) is None


def test_records_in_place_of_kernels():
    X = rows_of_every_kind(n=20)
    record = record_of(0.6)
    K = gram(record, X)
    np.testing.assert_allclose(K, gram(deq_ntk_relu, X, **given(0.6)), rtol=0, atol=1e-12 * np.diag(K).max())
    np.testing.assert_allclose(gram(record, X, **given(0.6)), K, rtol=0)
    with pytest.raises(InvalidInput, match="compiled for"):
        gram(record, X, weight_variance=0.7)
    with pytest.raises(InvalidInput, match="linear"):
        gram(record, X, moments=moments.relu_features())
    with pytest.raises(InvalidInput, match="rescale"):
        gram(record, 1e160 * X)
    assert gram(record, X[:0]).shape == (0, 0)
    assert gram(record, X, X[:0]).shape == (len(X), 0)
    assert gram(record, X[:1]).shape == (1, 1)
    np.testing.assert_array_equal(gram(record, np.zeros((3, 2)))[0], np.full(3, record.diagonal(0.0)))


@pytest.mark.parametrize("compiled", BACKENDS)
def test_output_arrays_and_panels(tmp_path, compiled):
    X = rows_of_every_kind(n=150)
    record = record_of(0.8)
    whole = gram(record, X)
    out = np.lib.format.open_memmap(tmp_path / "K.npy", mode="w+", dtype=np.float64, shape=whole.shape)
    assert fast.matrix(record, moments.linear(), X, None, 37, out, compiled=compiled) is out
    np.testing.assert_allclose(out, whole, rtol=0, atol=1e-14 * np.diag(whole).max())
    np.testing.assert_array_equal(out, out.T)
    fortran = np.empty(whole.shape, order="F")
    fast.matrix(record, moments.linear(), X, None, 37, fortran, compiled=compiled)
    np.testing.assert_allclose(fortran, whole, rtol=0, atol=1e-14 * np.diag(whole).max())
    for rows, panel in gram_panels(record, X, block_size=41):
        np.testing.assert_allclose(panel, whole[rows, : rows.stop], rtol=0, atol=1e-14 * np.diag(whole).max())
        np.testing.assert_array_equal(panel[:, rows], panel[:, rows].T)
    for rows, panel in gram_panels(deq_ntk_relu, X, X[:9], block_size=41, **given(0.8)):
        np.testing.assert_allclose(panel, gram(record, X, X[:9])[rows], rtol=0, atol=1e-14 * np.diag(whole).max())
    with pytest.raises(InvalidInput, match="no function of one cosine"):
        gram_panels(deq_ntk_erf, X, weight_variance=0.3)


def test_without_numba_everything_works(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    X = rows_of_every_kind(n=30)
    assert Panels(record_of(0.6), *prepared(X), compiled=None).compiled_tiles is None
    compiled_tiles._compiled.cache_clear()
    with pytest.raises(MissingExtra, match=r"pip install 'dekderive\[fast\]'"):
        compiled_tiles.NumbaTiles(record_of(0.6), np.float64, 1e-3)


def prepared(X):
    left, right = fast._sides(record_of(0.6), moments.linear(), X, None, None, None, None)
    return left, right


def test_positive_semi_definite_with_copies():
    X = rows_of_every_kind(n=200)
    for weight in WEIGHTS:
        K = gram(record_of(weight, 0.0), X)
        scale = np.sqrt(np.where(np.diag(K) > 0, np.diag(K), 1.0))
        assert np.linalg.eigvalsh(K / scale[:, None] / scale)[0] > -1e-12


def test_no_fixed_point_is_still_an_error():
    with pytest.raises((InvalidInput, NoFixedPoint)):
        gram(deq_ntk_relu, np.ones((600, 2)), weight_variance=1.0)
