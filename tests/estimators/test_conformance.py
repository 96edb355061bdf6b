"""What scikit-learn expects of any kernel, for every kernel that is shipped."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.metrics.pairwise import pairwise_kernels

from dekderive.estimators import EquilibriumKernel

INPUTS = {
    "plane": np.random.default_rng(1).normal(size=(5, 2)),
    "line": np.random.default_rng(2).normal(size=(4, 1)),  # all pairs parallel or opposite
    "long and short": np.random.default_rng(3).normal(size=(5, 7)) * [[0.01], [0.1], [1.0], [2.0], [4.0]],
    "copies": np.random.default_rng(4).normal(size=(3, 2))[[0, 1, 1, 2, 0]],
}


@pytest.mark.parametrize("continuous_part", [False, True])
@pytest.mark.parametrize("inputs", INPUTS)
def test_gradients_are_those_of_central_differences(kernel, inputs, continuous_part):
    X = INPUTS[inputs]
    kernel = clone(kernel).set_params(continuous_part=continuous_part).suited_to(X)
    K, gradient = kernel(X, eval_gradient=True)
    assert gradient.shape == (len(X), len(X), kernel.n_dims)
    assert_array_equal(K, kernel(X))
    for i, column in enumerate(np.eye(kernel.n_dims)):
        h = 1e-5
        up, down = (kernel.clone_with_theta(kernel.theta + s * h * column)(X) for s in (1, -1))
        assert_allclose(gradient[..., i], (up - down) / (2 * h), rtol=1e-6, atol=1e-7 * np.abs(K).max())


def test_theta_holds_logarithms_in_the_order_of_the_parameters(kernel):
    names = kernel.kernel.parameter_names
    assert [h.name for h in kernel.hyperparameters] == list(names)
    assert_array_equal(kernel.theta, np.log([getattr(kernel, name) for name in names]))
    kernel.theta = kernel.theta + 0.25
    assert_array_equal(np.log([getattr(kernel, name) for name in names]), kernel.theta)
    kernel.set_params(**{names[-1]: 0.43})
    assert kernel.theta[-1] == np.log(0.43)
    with pytest.raises(ValueError, match="theta has not the correct number of entries"):
        kernel.theta = np.zeros(len(names) + 1)


def test_fixed_hyperparameters_are_in_no_theta_bound_or_gradient(kernel, rows):
    X, _ = rows
    theta, bounds, (_, gradient) = kernel.theta, kernel.bounds, kernel(X, eval_gradient=True)
    for i, name in enumerate(kernel.kernel.parameter_names):
        fixed = EquilibriumKernel(**{**kernel.get_params(), f"{name}_bounds": "fixed"})
        keep = [j for j in range(len(theta)) if j != i]
        assert fixed.n_dims == len(theta) - 1
        assert_array_equal(fixed.theta, theta[keep])
        assert_array_equal(np.reshape(fixed.bounds, (-1, 2)), bounds[keep])
        assert_array_equal(fixed(X, eval_gradient=True)[1], gradient[..., keep])


def test_bounds_contain_theta(kernel):
    assert kernel.bounds.shape == (kernel.n_dims, 2)
    assert np.all(kernel.bounds[:, 0] <= kernel.theta)
    assert np.all(kernel.theta <= kernel.bounds[:, 1])


def test_auto_and_cross_agree_but_for_the_nugget(kernel, rows):
    X, _ = rows
    off = ~np.eye(len(X), dtype=bool)
    assert_allclose(kernel(X)[off], kernel(X, X)[off], rtol=1e-11)
    assert np.all(kernel.diag(X) >= np.diag(kernel(X, X)) * (1 - 1e-12))
    continuous = clone(kernel).set_params(continuous_part=True)
    # Coincident inputs are where the equation is worst conditioned: half of the digits, where rounding makes the angle.
    assert_allclose(continuous(X), kernel(X, X), rtol=1e-7)
    assert_array_equal(continuous(X, X), kernel(X, X))


@pytest.mark.parametrize("continuous_part", [False, True])
def test_diag_is_the_diagonal(kernel, rows, continuous_part):
    X, _ = rows
    kernel.set_params(continuous_part=continuous_part)
    assert_array_equal(kernel.diag(X), np.diag(kernel(X)))


def test_matrices_are_symmetric_and_positive_semidefinite(kernel, rows):
    X, Y = rows
    Z = np.vstack([X, Y, -X, 2 * X, Y])
    kernel = kernel.suited_to(Z)
    for matrix in (kernel(Z), clone(kernel).set_params(continuous_part=True)(Z)):
        assert_array_equal(matrix, matrix.T)
        assert np.linalg.eigvalsh(matrix)[0] > -1e-9 * np.trace(matrix)
    assert_allclose(kernel(Z, Y), kernel(Y, Z).T, rtol=1e-10)


def test_operators_commute_with_evaluation(kernel, rows):
    X, Y = rows
    K, L = kernel(X), kernel(X, Y)
    assert_allclose((kernel + 1.5)(X), K + 1.5)
    assert_array_equal((1.5 + kernel)(X), (kernel + 1.5)(X))
    assert_array_equal((2.0 * kernel)(X), (kernel * 2.0)(X))
    assert_allclose((kernel**2)(X, Y), L**2)
    assert_allclose((kernel + RBF() * kernel)(X, Y), L + RBF()(X, Y) * L)
    assert_allclose((kernel + WhiteKernel(0.5))(X), K + 0.5 * np.eye(len(X)))
    combined = ConstantKernel(2.0) * kernel + WhiteKernel(0.5)
    assert combined.n_dims == kernel.n_dims + 2
    assert_allclose(combined.diag(X), 2 * kernel.diag(X) + 0.5)
    assert combined(X, eval_gradient=True)[1].shape == (len(X), len(X), combined.n_dims)
    assert not combined.is_stationary()
    assert combined.requires_vector_input


def test_clones_are_equal_and_independent(kernel):
    other = clone(kernel)
    assert other == kernel
    assert other is not kernel
    assert other.get_params() == kernel.get_params()
    assert other.hyperparameters == kernel.hyperparameters
    name = kernel.kernel.parameter_names[0]
    before = getattr(kernel, name)
    other.set_params(**{name: before * 0.9})
    assert other != kernel
    assert getattr(kernel, name) == before
    moved = kernel.clone_with_theta(kernel.theta + 0.01)
    assert getattr(kernel, name) == before
    assert_allclose(getattr(moved, name), before * np.exp(0.01))


def test_a_clone_after_set_params_keeps_them(kernel):
    for name in kernel.kernel.parameter_names:
        kernel.set_params(**{name: 0.25, f"{name}_bounds": (0.2, 0.3)})
    other = clone(clone(kernel))
    assert other.get_params() == kernel.get_params()
    assert_allclose(other.bounds, np.log([[0.2, 0.3]] * kernel.n_dims))


def test_kernels_differ_in_type_record_and_settings(kernel):
    assert kernel != RBF()
    assert kernel != clone(kernel).set_params(continuous_part=True)
    name = kernel.kernel.parameter_names[-1]
    assert kernel != clone(kernel).set_params(**{f"{name}_bounds": "fixed"})


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda k: pickle.loads(pickle.dumps(k))])
def test_copies_and_pickles_compute_the_same(kernel, rows, duplicate):
    X, _ = rows
    other = duplicate(kernel)
    assert other == kernel
    assert_array_equal(other(X), kernel(X))
    assert_array_equal(other.bounds, kernel.bounds)


def test_repr_names_the_kernel_and_its_values(kernel):
    text = repr(kernel)
    assert text.startswith(f"EquilibriumKernel({kernel.kernel.name}, ")
    for name in kernel.kernel.parameter_names:
        assert f"{name}={getattr(kernel, name):.3g}" in text


def test_it_is_a_metric_for_pairwise_kernels(kernel, rows):
    X, Y = rows
    assert_array_equal(pairwise_kernels(X, Y, metric=kernel), kernel(X, Y))
    assert_array_equal(pairwise_kernels(X, metric=kernel), kernel(X, X))  # scikit-learn passes Y = X
    assert_allclose(pairwise_kernels(X, Y, metric=kernel, n_jobs=2), kernel(X, Y), rtol=1e-10)


def test_tags(kernel):
    assert not kernel.is_stationary()
    assert kernel.requires_vector_input


def test_other_numeric_types_are_computed_in_float64(kernel, rows):
    X, Y = rows
    single = X.astype(np.float32)
    K, gradient = kernel(single, eval_gradient=True)
    assert {K.dtype, gradient.dtype, kernel.diag(single).dtype, kernel(single, Y).dtype} == {np.dtype(np.float64)}
    assert_array_equal(K, kernel(single.astype(np.float64)))
    integers = [[1, 0, 2], [0, -1, 1]]
    assert_array_equal(kernel(integers), kernel(np.array(integers, dtype=float)))
