"""Kernels of finite depth inside scikit-learn."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from sklearn.base import clone
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import WhiteKernel
from sklearn.kernel_ridge import KernelRidge

from dekderive import kernels
from dekderive.estimators import EquilibriumKernel
from dekderive.gram import gram
from dekderive.gram.moments import linear

KERNELS = [kernels.ntk_relu.with_depth(3), kernels.nngp_erf.with_depth(2), kernels.ntk_gelu]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    return X, np.sin(X[:, 0]) + 0.5 * X[:, 1] * X[:, 2] + 0.05 * rng.normal(size=40)


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda k: k.name)
def test_a_gaussian_process_learns(kernel, data):
    X, y = data
    record = EquilibriumKernel(kernel, moments=linear(scale=3**-0.5), bias_variance=0.1)
    process = GaussianProcessRegressor(record + WhiteKernel(0.01, "fixed"), normalize_y=True).fit(X, y)
    start = GaussianProcessRegressor(record + WhiteKernel(0.01), optimizer=None, normalize_y=True).fit(X, y)
    assert process.log_marginal_likelihood_value_ > start.log_marginal_likelihood_value_ + 1
    mean, deviation = process.predict(X, return_std=True)
    assert np.sqrt(np.mean((mean - y) ** 2)) < 0.3 * np.std(y)
    assert (deviation > 0).all()


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda k: k.name)
def test_gradients_in_theta(kernel, data):
    X = data[0][:5]
    record = EquilibriumKernel(kernel, weight_variance=1.3, bias_variance=0.2)
    K, dK = record(X, eval_gradient=True)
    np.testing.assert_array_equal(K, gram(kernel, X, weight_variance=1.3, bias_variance=0.2))
    assert dK.shape == (5, 5, 2)
    wanted = approx_fprime(record.theta, lambda t: record.clone_with_theta(t)(X).ravel(), 1e-7)
    np.testing.assert_allclose(dK.reshape(-1, 2), wanted, rtol=1e-5, atol=1e-6)


def test_parameters_and_bounds():
    record = EquilibriumKernel(kernels.ntk_relu.with_depth(3))
    assert repr(record) == "EquilibriumKernel(ntk_relu.with_depth(3), weight_variance=2, bias_variance=0)"
    weights, bias = record.hyperparameters
    assert bias.fixed  # 0 has no logarithm
    assert not weights.fixed
    assert clone(record) == record
    assert clone(record).kernel.depth == 3
    assert record.suited_to([[1.0, 2.0]]) == record
    deeper = clone(record).set_params(kernel=kernels.ntk_relu.with_depth(5))
    assert deeper.kernel.depth == 5
    fixed = EquilibriumKernel(kernels.ntk_relu, weight_variance_bounds="fixed")
    _, dK = fixed([[1.0, 0.0]], eval_gradient=True)
    assert dK.shape == (1, 1, 0)


def test_ridge_regression_takes_the_depth_as_a_setting(data):
    X, y = data
    errors = []
    for depth in (1, 4):
        ridge = KernelRidge(kernel=EquilibriumKernel(kernels.ntk_erf.with_depth(depth), bias_variance=0.1), alpha=1e-3)
        errors.append(np.mean((ridge.fit(X[:30], y[:30]).predict(X[30:]) - y[30:]) ** 2))
    assert errors[0] != errors[1]
    assert max(errors) < np.var(y)
