import warnings

import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf

from dekderive.errors import InvalidInput, NoFixedPoint
from dekderive.gram import diagonal, gram, moments, nugget
from dekderive.solvers import solve

WUB = {"weight_variance": 0.6, "input_variance": 0.4, "bias_variance": 0.0}
SETTINGS = {
    "deker_relu": [{"regularisation": 0.75}, {"regularisation": 1.0}, {"regularisation": 6.0}],
    "poisson": [{"regularisation": 9.0}],
    "ntk_relu": [WUB, WUB | {"bias_variance": 0.3}, WUB | {"weight_variance": 0.95}],
    "ntk_erf": [WUB, WUB | {"bias_variance": 0.3, "weight_variance": 0.7}],
}
SETTINGS |= {"deker_gaussian_relu": SETTINGS["deker_relu"], "deker_poisson_identity": SETTINGS["poisson"]}
SETTINGS["deq_ntk_relu"] = SETTINGS["ntk_relu"]
# The normalised erf has slope 1.66 at 0, so that small inputs need weight variances below 0.36.
SETTINGS["deq_ntk_erf"] = [WUB | {"weight_variance": 0.3}, WUB | {"weight_variance": 0.35, "bias_variance": 0.3}]
CASES = [(name, p) for name, settings in SETTINGS.items() for p in settings]


def rows_of_every_kind(rng, n=40, d=5):
    """Generic rows, antipodes, copies, multiples and near-copies."""
    X = rng.normal(size=(n, d)) / np.sqrt(d)
    extra = [-X[0], X[0], 2 * X[0], X[1] * (1 + 1e-9), X[1] + 1e-7, -0.5 * X[2]]
    return np.vstack([X, extra])


@pytest.mark.parametrize(("name", "parameters"), CASES)
@pytest.mark.parametrize("rule", [moments.linear(), moments.relu_features(), moments.rows()])
def test_entries_are_solutions_for_pairs_and_the_diagonal_is_by_identity(kernels, name, parameters, rule):
    X = rows_of_every_kind(np.random.default_rng(0))
    kernel = kernels[name]
    K = gram(kernel, X, moments=rule, **parameters)
    np.testing.assert_array_equal(K, K.T)
    C, c, mu = rule.second_moment(X), rule.second_moment_diagonal(X), rule.mean(X)
    inputs = {"cxx": c[:, None], "cyy": c, "cxy": C}
    if "mean_x" in kernel.input_names:
        inputs |= {"mean_x": mu[:, None], "mean_y": mu}
    pairs = solve(kernel, inputs, **parameters).raise_for_status()
    off = ~np.eye(len(X), dtype=bool)
    # Moments of near-copies have lost the digits that the rows still have; those pairs are tested below.
    np.testing.assert_allclose(K[off], pairs.value[off], rtol=0, atol=1e-7 * np.diag(K).max())
    generic = off & (np.abs(C) < 0.999 * np.sqrt(np.outer(c, c)))
    np.testing.assert_allclose(K[generic], pairs.value[generic], rtol=0, atol=1e-13 * np.diag(K).max())
    np.testing.assert_allclose(np.diag(K), diagonal(kernel, X, moments=rule, **parameters), rtol=0)


@pytest.mark.parametrize(("name", "parameters"), CASES)
def test_positive_semi_definite_with_and_without_the_nugget(kernels, name, parameters):
    X = rows_of_every_kind(np.random.default_rng(1), n=60)
    for rule in (moments.linear(), moments.relu_features(), moments.relu_features(0.5, 0.3)):
        K = gram(kernels[name], X, moments=rule, **parameters)
        smooth = gram(kernels[name], X, moments=rule, continuous_part=True, **parameters)
        jump = nugget(kernels[name], X, moments=rule, **parameters)
        size = np.abs(np.linalg.eigvalsh(K)).max()
        assert np.linalg.eigvalsh(K)[0] > -1e-13 * size
        assert np.linalg.eigvalsh(smooth)[0] > -1e-12 * size
        np.testing.assert_allclose(np.diag(K) - np.diag(smooth), jump, rtol=1e-12, atol=1e-14)
        np.testing.assert_array_equal(np.where(np.eye(len(X)), 0, K), np.where(np.eye(len(X)), 0, smooth))
        if name.endswith("relu") and name.startswith("deker"):
            assert (jump > 1e-3 * np.diag(K)).all()
        else:
            np.testing.assert_array_equal(jump, 0.0)


def test_the_continuous_part_is_the_limit_of_close_inputs(kernels):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(6, 3))
    for name, parameters in CASES:
        limit = diagonal(kernels[name], X / 3, continuous_part=True, **parameters)
        gaps = [
            np.abs(np.diag(gram(kernels[name], X / 3, X / 3 + h, **parameters)) - limit).max()
            for h in (1e-4, 1e-6, 1e-8)
        ]
        assert gaps[1] < gaps[0] / 30
        assert gaps[2] < gaps[1] / 30 + 1e-14
        cross = gram(kernels[name], X / 3, X / 3, **parameters)
        np.testing.assert_allclose(np.diag(cross), limit, rtol=1e-12)


@pytest.mark.parametrize(("lam", "height"), [(0.75, 0.92538), (1.0, 0.834699), (2.0, 0.79808)])
@pytest.mark.parametrize("name", ["deker_relu", "deker_gaussian_relu"])
def test_published_nuggets(kernels, name, lam, height):
    X = np.array([[3.0, 4.0]])
    k = diagonal(kernels[name], X, moments=moments.linear(), regularisation=lam)
    jump = nugget(kernels[name], X, moments=moments.linear(), regularisation=lam)
    assert float(k[0]) == pytest.approx(25 / (2 * lam**2 - 1), rel=1e-14)
    assert float(1 - jump[0] / k[0]) == pytest.approx(height, abs=6e-6)


def exact_tangent_kernel(x, y, w, u):
    """Normalised relu without bias, from two float rows, at 60 digits."""
    x, y = ([mpf(float(v)) for v in row] for row in (x, y))
    nx, ny = mp.sqrt(mp.fsum(v * v for v in x)), mp.sqrt(mp.fsum(v * v for v in y))
    gap = mp.fsum((a / nx - b / ny) ** 2 for a, b in zip(x, y, strict=True)) / 2

    def excess(t):
        return (1 - w) * (1 - mp.cos(t) - gap) + w * (mp.sin(t) - t * mp.cos(t)) / mp.pi

    low, high = mpf(0), mp.pi
    for _ in range(190):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) < 0 else (low, middle)
    return u * nx * ny / (1 - w) * mp.cos(low) / (1 - w * (1 - low / mp.pi))


@pytest.mark.parametrize("name", ["ntk_relu", "deq_ntk_relu"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-13), (np.float32, 1e-6)])
def test_near_duplicates_keep_their_digits(kernels, name, dtype, tolerance):
    rng = np.random.default_rng(3)
    x = rng.normal(size=12)
    distances = 10.0 ** -np.arange(0.0, 16.0)
    X = np.vstack([x, x + distances[:, None] * rng.normal(size=(16, 12)), 3 * x, -x]).astype(dtype)
    K = gram(kernels[name], X, moments=moments.linear(), weight_variance=0.9, input_variance=0.1)
    assert K.dtype == dtype
    with mpmath.workdps(60):
        size = float(exact_tangent_kernel(X[0], X[0], mpf(0.9), mpf(0.1)))
        for j in range(1, len(X)):
            exact = exact_tangent_kernel(X[0], X[j], mpf(0.9), mpf(0.1))
            assert abs(mpf(float(K[0, j])) - exact) <= tolerance * size * max(1.0, abs(float(exact)) / size)


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_blocks_and_output_arrays_change_nothing(kernels, name, tmp_path):
    X = np.random.default_rng(4).normal(size=(23, 4)) / 2
    Y = np.random.default_rng(5).normal(size=(7, 4)) / 2
    (parameters, *_) = SETTINGS[name]
    whole, cross = gram(kernels[name], X, **parameters), gram(kernels[name], X, Y, **parameters)
    for size in (1, 5, 23, 1000):
        part = gram(kernels[name], X, block_size=size, **parameters)
        np.testing.assert_allclose(part, whole, rtol=1e-14, atol=1e-15)
        np.testing.assert_array_equal(part, part.T)
        np.testing.assert_allclose(gram(kernels[name], X, Y, block_size=size, **parameters), cross, rtol=0, atol=1e-14)
    out = np.lib.format.open_memmap(tmp_path / "K.npy", mode="w+", dtype=np.float64, shape=(23, 23))
    assert gram(kernels[name], X, out=out, block_size=6, **parameters) is out
    np.testing.assert_allclose(out, whole, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_types_of_data(kernels, name):
    X = np.array([[1, 0, 1], [0, 1, 0], [1, 1, -1]])
    (parameters, *_) = SETTINGS[name]
    K = gram(kernels[name], X, moments=moments.rows(), **parameters)
    assert K.dtype == np.float64
    np.testing.assert_array_equal(K, gram(kernels[name], X.astype(float), moments=moments.rows(), **parameters))
    single = gram(kernels[name], X.astype(np.float32), moments=moments.rows(), **parameters)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, K, rtol=1e-5)
    for f in (diagonal, nugget):
        assert f(kernels[name], X.astype(np.float32), moments=moments.rows(), **parameters).dtype == np.float32
    mixed = gram(kernels[name], X.astype(np.float32), X.astype(float), moments=moments.rows(), **parameters)
    assert mixed.dtype == np.float64
    assert gram(kernels[name], X[:0], **parameters).shape == (0, 0)
    assert gram(kernels[name], X, X[:0], **parameters).shape == (3, 0)
    assert gram(kernels[name], X[:1], moments=moments.rows(), **parameters).shape == (1, 1)


@pytest.mark.parametrize("scale", [1e-150, 1e-20, 1e150])
def test_homogeneous_kernels_at_extreme_scales(kernels, scale):
    X = rows_of_every_kind(np.random.default_rng(6), n=10)
    for name in ("deker_relu", "ntk_relu", "deker_gaussian_relu", "deq_ntk_relu"):
        parameters = WUB if "ntk" in name else {"regularisation": 1.2}
        for rule in (moments.linear(), moments.relu_features()):
            K = gram(kernels[name], X, moments=rule, **parameters)
            scaled = gram(kernels[name], scale * X, moments=rule, **parameters)
            # Not exactly equal: multiplying the rows by a scale rounds them, and turns exact copies into near ones.
            np.testing.assert_allclose(scaled / scale / scale, K, rtol=0, atol=1e-12 * np.diag(K).max())


def test_scales_that_are_powers_of_two_change_no_bit(kernels):
    X = np.random.default_rng(7).normal(size=(12, 3))
    K = gram(kernels["deq_ntk_relu"], X, **WUB)
    np.testing.assert_array_equal(gram(kernels["deq_ntk_relu"], 2.0**300 * X, **WUB), 2.0**600 * K)
    parameters = {"moments": moments.relu_features(), "regularisation": 1.1}
    K = gram(kernels["deker_gaussian_relu"], X, **parameters)
    np.testing.assert_allclose(
        gram(kernels["deker_gaussian_relu"], 2.0**300 * X, **parameters), 2.0**600 * K, rtol=1e-15
    )


def test_zero_rows_give_zero_without_warnings(kernels):
    X = np.array([[0.0, 0.0], [1.0, 2.0], [0.0, 0.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("deker_relu", "ntk_relu", "ntk_erf", "deker_gaussian_relu", "deq_ntk_relu", "deq_ntk_erf"):
            parameters = WUB | {"weight_variance": 0.3} if "ntk" in name else {}
            for rule in (moments.linear(), moments.relu_features()):
                K = gram(kernels[name], X, moments=rule, **parameters)
                assert K[1, 1] > 0
                assert np.count_nonzero(K) == 1
                assert not nugget(kernels[name], X, moments=rule, **parameters)[[0, 2]].any()
        biased = gram(kernels["ntk_relu"], X, weight_variance=0.5, input_variance=1.0, bias_variance=1.0)
        np.testing.assert_allclose(biased[np.ix_([0, 2], [0, 2])], 4.0)


def test_no_fixed_point_is_an_error_that_names_the_bound(kernels):
    X = np.array([[0.1, 0.0], [5.0, 0.0]])
    with pytest.raises(NoFixedPoint, match=r"row 1 of X.*regularisation at least "):
        gram(kernels["poisson"], X, regularisation=4.0)
    with pytest.raises(NoFixedPoint, match=r"row 0 of X.*at least 0\.70710"):
        gram(kernels["deker_gaussian_relu"], X, moments=moments.linear(), regularisation=0.7)
    with pytest.raises(NoFixedPoint, match="row 1 of Y"):
        gram(kernels["poisson"], X[:1], X, regularisation=4.0)
    for function in (diagonal, nugget):
        with pytest.raises(NoFixedPoint, match="at least"):
            function(kernels["poisson"], X, regularisation=4.0)


def test_an_infinite_tangent_kernel_is_an_error(kernels):
    # At the origin chi = weight_variance * 4/pi exceeds 1, although the limit at different inputs is finite.
    X = np.array([[1e-3, 0.0], [0.0, 1e-3]])
    with pytest.raises(NoFixedPoint, match=r"E\[phi'\(u\)\^2\] must be below 1"):
        gram(kernels["ntk_erf"], X, weight_variance=3.0, input_variance=1.0, bias_variance=0.0)


def test_refusals(kernels):
    kernel, X = kernels["deker_relu"], np.ones((3, 2))
    with pytest.raises(InvalidInput, match=r"as many columns as X \(2\), not 3"):
        gram(kernel, X, np.ones((3, 3)))
    with pytest.raises(InvalidInput, match="Y contains NaN"):
        gram(kernel, X, X * np.nan)
    with pytest.raises(InvalidInput, match="reshape"):
        gram(kernel, X[0])
    with pytest.raises(InvalidInput, match="rescale"):
        gram(kernel, 1e200 * X)
    with pytest.raises(InvalidInput, match="moments must come from"):
        gram(kernel, X, moments="linear")
    for size in (0, -1, 1.5, True):
        with pytest.raises(InvalidInput, match="block_size"):
            gram(kernel, X, block_size=size)
    for out in (np.empty((3, 2)), np.empty((3, 3), dtype=np.float32), [[0.0] * 3] * 3):
        with pytest.raises(InvalidInput, match="out must be"):
            gram(kernel, X, out=out)
    with pytest.raises(TypeError, match="it takes regularisation"):
        gram(kernel, X, lam=1.0)
    with pytest.raises(InvalidInput, match="regularisation must lie"):
        gram(kernel, X, regularisation=-1.0)
