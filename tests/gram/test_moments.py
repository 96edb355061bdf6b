import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf

from dekderive.errors import InvalidInput, UnknownName
from dekderive.gram import moments
from dekderive.gram.points import Block, Pairs, Points, as_rows

RULES = {
    "linear": moments.linear(1.5, 0.5),
    "rows": moments.rows(),
    "relu_features": moments.relu_features(1.5, 0.5),
    "step_features": moments.step_features(0.5),
    "sign_features": moments.sign_features(0.5),
    "cosine_features": moments.cosine_features(0.7),
}


def features(name, X, rng, count):
    """Random features drawn as the docstrings say; their empirical moments are the oracle."""
    if name in ("linear", "relu_features"):
        X = np.hstack([1.5 * X, np.full((len(X), 1), 0.5)])
    if name == "rows":
        return X.T
    if name in ("step_features", "sign_features"):
        X = np.hstack([X, np.full((len(X), 1), 0.5)])
    projections = rng.normal(size=(count, X.shape[1])) @ X.T
    if name == "cosine_features":
        return np.sqrt(2) * np.cos(0.7 * projections + rng.uniform(0, 2 * np.pi, size=(count, 1)))
    activations = {"linear": np.copy, "relu_features": lambda z: np.maximum(z, 0), "step_features": lambda z: z > 0.0}
    return activations.get(name, np.sign)(projections).astype(float)


@pytest.mark.parametrize("name", sorted(RULES))
def test_moments_are_those_of_the_features(name):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5, 3))
    X[1] = -2 * X[0]
    T = features(name, X, rng, 400_000)
    rule = RULES[name]
    scale = np.sqrt(np.outer(rule.second_moment_diagonal(X), rule.second_moment_diagonal(X)))
    spread = 1e-14 if name == "rows" else 8e-3  # five standard errors
    assert np.abs((T.T @ T) / len(T) - rule.second_moment(X)).max() <= spread * scale.max()
    assert np.abs(T.mean(axis=0) - rule.mean(X)).max() <= spread * np.sqrt(scale.max())


@pytest.mark.parametrize("name", sorted(RULES))
def test_tables_are_consistent(name):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(6, 4))
    rule = RULES[name]
    C = rule.second_moment(X)
    np.testing.assert_array_equal(C, C.T)
    np.testing.assert_array_equal(np.diag(C), rule.second_moment_diagonal(X))
    np.testing.assert_allclose(rule.second_moment(X, X[:2]), C[:, :2], rtol=1e-13, atol=1e-15)
    assert np.linalg.eigvalsh(C - np.outer(rule.mean(X), rule.mean(X)))[0] > -1e-14
    assert rule.second_moment(X.astype(np.float32)).dtype == np.float32
    assert moments.by_name(name).name == name
    i, j = np.tril_indices(6, -1)
    points = rule.points(X)
    pairs = Pairs(points, points, Block(slice(0, 6), slice(0, 6), lower=True))
    cosine = C[i, j] / np.sqrt(np.diag(C)[i] * np.diag(C)[j])
    np.testing.assert_allclose(rule.gap_of_pairs(pairs), 1 - cosine, rtol=1e-12)


def exact_angle(x, y):
    """The angle of two float rows at 60 digits, by the half-angle formula."""
    x, y = ([mpf(float(v)) for v in row] for row in (x, y))
    nx, ny = mp.sqrt(mp.fsum(v * v for v in x)), mp.sqrt(mp.fsum(v * v for v in y))
    minus = mp.sqrt(mp.fsum((a / nx - b / ny) ** 2 for a, b in zip(x, y, strict=True)))
    plus = mp.sqrt(mp.fsum((a / nx + b / ny) ** 2 for a, b in zip(x, y, strict=True)))
    return 2 * mp.atan2(minus, plus)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("scale", [1.0, 1e-30, 3e30])
def test_angles_of_near_duplicates_keep_their_digits(dtype, scale):
    rng = np.random.default_rng(2)
    x = rng.normal(size=20)
    distances = 10.0 ** -np.arange(0.0, 17.0, 0.5)
    close = x + distances[:, None] * rng.normal(size=(len(distances), 20))
    stacked = np.vstack([close, -close]).astype(dtype) * dtype(scale)
    x = x.astype(dtype) * dtype(scale)
    left, right = Points.of(x[None]), Points.of(stacked)
    block = Pairs(left, right, Block(slice(0, 1), slice(0, len(stacked))))
    with mpmath.workdps(60):
        for k, row in enumerate(stacked):
            exact = exact_angle(x, row)
            angle, supplement = (mpf(float(a[k])) for a in block.angles)
            gap = mpf(float(block.gap[k]))
            small = min(exact, mp.pi - exact)
            # float32 products are trusted above the threshold of points.NEAR, where they carry 6 digits of the angle.
            relative = 1e-11 if dtype is np.float64 else (1e-6 if small > 0.1 else 1e-11)
            assert abs(angle - exact) <= relative * exact
            assert abs(supplement - (mp.pi - exact)) <= relative * (mp.pi - exact)
            assert abs(gap - 2 * mp.sin(exact / 2) ** 2) <= 3 * relative * gap


def test_scaled_copies_are_parallel_to_rounding():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(1, 50))
    factors = np.array([2.0, -4.0, 2.0**-900, 3.0, 1e100, -0.1, 1.0000001])
    block = Pairs(Points.of(x), Points.of(factors[:, None] * x), Block(slice(0, 1), slice(0, 7)))
    assert (block.near[:3] == 0).all()
    assert block.near.max() < 1e-31


def test_zero_rows():
    X = [[0.0, 0.0], [1.0, 1.0]]
    np.testing.assert_array_equal(moments.relu_features().second_moment(X), [[0, 0], [0, 1.0]])
    np.testing.assert_array_equal(moments.linear().second_moment(X), [[0, 0], [0, 2.0]])
    np.testing.assert_allclose(moments.linear(1.0, 2.0).second_moment(X), [[4, 4], [4, 6.0]])
    with pytest.raises(InvalidInput, match="row 0 is zero"):
        moments.step_features().second_moment(X)


def test_refusals():
    with pytest.raises(InvalidInput, match="scale must be positive"):
        moments.linear(scale=0.0)
    with pytest.raises(InvalidInput, match="bias must be finite"):
        moments.relu_features(bias=np.inf)
    with pytest.raises(UnknownName, match="linear, rows, relu_features"):
        moments.by_name("rbf")
    with pytest.raises(InvalidInput, match="rescale the data"):
        moments.linear().second_moment([[1e200, 0.0]])
    with pytest.raises(InvalidInput, match="rescale the data"):
        moments.linear().second_moment([[1.0, 0.0], [1e-160, 0.0]])
    with pytest.raises(InvalidInput, match="as many columns"):
        moments.linear().second_moment(np.ones((2, 2)), np.ones((2, 3)))
    for bad, message in [
        (np.ones(3), r"X.reshape\(-1, 1\)"),
        (np.ones((2, 2, 2)), "one row for each input"),
        (np.ones((2, 0)), "no columns"),
        (np.array([["a"]]), "real numbers"),
        (np.ones((2, 2)) * 1j, "real numbers"),
        ([[1.0], [np.nan]], "row 1"),
        ([[np.inf]], "row 0"),
    ]:
        with pytest.raises(InvalidInput, match=message):
            as_rows(bad)
    import scipy.sparse

    with pytest.raises(InvalidInput, match="toarray"):
        as_rows(scipy.sparse.eye_array(3).tocsr())
    assert as_rows([[1, 2]]).dtype == np.float64
    assert as_rows(np.ones((1, 1), dtype=np.float16)).dtype == np.float32


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_angles_of_data_that_all_point_the_same_way(dtype):
    """Most pairs are nearly parallel: a different path than that of a few near-duplicates."""
    rng = np.random.default_rng(8)
    X = (5.0 + 1e-2 * rng.normal(size=(12, 30)) * rng.uniform(0.5, 3.0, size=(12, 1))).astype(dtype)
    X[1] = X[0] + np.finfo(dtype).eps * 50 * rng.normal(size=30)
    X[2], X[3] = -X[4], 2 * X[5]
    points = Points.of(X)
    pairs = Pairs(points, points, Block(slice(0, 12), slice(0, 12), lower=True))
    angles, supplements = pairs.angles
    with mpmath.workdps(60):
        for i, j, angle, supplement in zip(pairs.i, pairs.j, angles, supplements, strict=True):
            exact = exact_angle(X[i], X[j])
            assert abs(mpf(float(angle)) - exact) <= 1e-11 * exact + 1e-17
            assert abs(mpf(float(supplement)) - (mp.pi - exact)) <= 1e-11 * (mp.pi - exact) + 1e-17
