import numpy as np
import pytest

from dekderive.errors import InvalidInput, NoFixedPoint
from dekderive.gram import cross_gram_from_moments, gram, gram_from_moments, moments

SETTINGS = {
    "deker_relu": {"regularisation": 0.9},
    "poisson": {"regularisation": 9.0},
    "ntk_relu": {"weight_variance": 0.6, "input_variance": 0.4, "bias_variance": 0.1},
    "ntk_erf": {"weight_variance": 0.6, "input_variance": 0.4, "bias_variance": 0.1},
}


@pytest.mark.parametrize("name", sorted(SETTINGS))
@pytest.mark.parametrize("rule", [moments.linear(), moments.relu_features(), moments.rows(), moments.cosine_features()])
def test_the_same_as_from_rows(kernels, name, rule):
    kernel, rng = kernels[name], np.random.default_rng(0)
    X, Y = rng.normal(size=(17, 6)) / 2, rng.normal(size=(5, 6)) / 2
    C, mu = rule.second_moment(X), rule.mean(X) if "mean_x" in kernel.input_names else None
    for options in ({}, {"continuous_part": True}, {"block_size": 4}):
        K = gram(kernel, X, moments=rule, **options, **SETTINGS[name])
        mine = gram_from_moments(kernel, C, mu, **options, **SETTINGS[name])
        np.testing.assert_allclose(mine, K, rtol=0, atol=1e-13 * np.diag(K).max())
        np.testing.assert_array_equal(mine, mine.T)
    nu = None if mu is None else rule.mean(Y)
    cross = cross_gram_from_moments(
        kernel, rule.second_moment(X, Y), rule.second_moment_diagonal(X), rule.second_moment_diagonal(Y), mu, nu,
        **SETTINGS[name],
    )  # fmt: skip
    np.testing.assert_allclose(cross, gram(kernel, X, Y, moments=rule, **SETTINGS[name]), rtol=0, atol=1e-12)


def test_output_types(kernels):
    C = np.array([[1.0, 0.25], [0.25, 1.0]], dtype=np.float32)
    out = np.empty((2, 2), dtype=np.float32)
    assert gram_from_moments(kernels["ntk_relu"], C, out=out) is out
    assert gram_from_moments(kernels["ntk_relu"], C.astype(int)).dtype == np.float64
    assert gram_from_moments(kernels["ntk_relu"], np.ones((0, 0))).shape == (0, 0)


def test_zero_inputs_and_rank_one(kernels):
    K = gram_from_moments(kernels["ntk_relu"], [[0.0, 0.0], [0.0, 4.0]], weight_variance=0.5)
    np.testing.assert_allclose(K, [[0, 0], [0, 16.0]])
    C = np.outer([1.0, -2.0, 3.0], [1.0, -2.0, 3.0])
    K = gram_from_moments(kernels["deker_relu"], C, regularisation=1.0)
    assert np.linalg.eigvalsh(K)[0] > -1e-14


INDEFINITE = np.array([[1.0, 0.9, 0.0], [0.9, 1.0, 0.9], [0.0, 0.9, 1.0]])  # every 2 x 2 minor is positive


@pytest.mark.parametrize(
    ("C", "mean", "message"),
    [
        (np.ones((2, 3)), None, "square"),
        (np.ones(3), None, "matrix of real numbers"),
        ([["a"]], None, "matrix of real numbers"),
        ([[np.nan]], None, "NaN"),
        ([[1.0, 0.5], [0.4, 1.0]], None, r"entry \(0, 1\) must equal its transpose"),
        ([[1.0, 1.5], [1.5, 1.0]], None, "satisfy"),
        ([[1.0, 0.0], [0.0, 1.0]], [0.9, 0.9], "satisfy"),
        ([[0.0, 0.5], [0.5, 1.0]], None, "satisfy"),
        ([[-1.0, 0.0], [0.0, 1.0]], None, "second moment -1"),
        ([[1.0, 0.0], [0.0, 1.0]], [2.0, 0.0], "mean 2"),
        ([[1.0, 0.0], [0.0, 1.0]], [0.0], "hold 2"),
        (INDEFINITE, None, "eigenvalue -0.27"),
        (1e-12 * INDEFINITE, None, "eigenvalue -0.27"),
    ],
)
def test_moments_of_no_statistic_are_refused(kernels, C, mean, message):
    with pytest.raises(InvalidInput, match=message):
        gram_from_moments(kernels["deker_relu"], C, mean)


def test_refusals_of_cross_moments(kernels):
    with pytest.raises(InvalidInput, match="does not read means"):
        gram_from_moments(kernels["ntk_relu"], np.eye(2), np.zeros(2))
    with pytest.raises(InvalidInput, match="y_diagonal must hold 3"):
        cross_gram_from_moments(kernels["ntk_relu"], np.zeros((2, 3)), np.ones(2), np.ones(2))
    with pytest.raises(InvalidInput, match="x_diagonal must not be negative"):
        cross_gram_from_moments(kernels["ntk_relu"], np.zeros((1, 1)), [-1.0], [1.0])
    with pytest.raises(InvalidInput, match="satisfy"):
        cross_gram_from_moments(kernels["ntk_relu"], [[1.5]], [1.0], [1.0])
    with pytest.raises(NoFixedPoint, match="row 1 of second_moment"):
        gram_from_moments(kernels["poisson"], np.diag([0.1, 90.0]), regularisation=4.0)
