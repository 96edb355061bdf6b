"""Convolutional kernels inside scikit-learn."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, WhiteKernel
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from dekderive.errors import InvalidInput
from dekderive.estimators import EquilibriumImageKernel
from dekderive.gram.convolutional import convolutional_gram
from dekderive.kernels import deq_ntk_relu


@pytest.fixture
def rows():
    return np.random.default_rng(0).uniform(size=(12, 5 * 4 * 2))


@pytest.fixture
def kernel():
    return EquilibriumImageKernel(deq_ntk_relu, (5, 4, 2), weight_variance=0.5, bias_variance=0.1)


def test_it_is_the_matrix_of_the_images(rows, kernel):
    images = rows.reshape(12, 5, 4, 2)
    matrix = kernel(rows)
    assert_array_equal(matrix, convolutional_gram(deq_ntk_relu, images, weight_variance=0.5, bias_variance=0.1))
    assert_allclose(kernel(rows, rows[:3]), matrix[:, :3], rtol=1e-12)
    assert_array_equal(kernel.diag(rows), np.diag(matrix))
    assert not kernel.is_stationary()
    again, gradient = kernel(rows, eval_gradient=True)
    assert_array_equal(again, matrix)
    assert gradient.shape == (12, 12, 0)


def test_options_arrive(rows):
    images = rows.reshape(12, 5, 4, 2)[:3]
    options = {
        "filter_size": 5, "readout": "gap", "depth": 2, "normalisation": "filter", "pixels": "unit", "tolerance": 1e-8,
        "weight_variance": 0.3, "input_variance": 0.9, "bias_variance": 0.2,
    }  # fmt: skip
    found = EquilibriumImageKernel(deq_ntk_relu, (5, 4, 2), **options)(rows[:3])
    assert_array_equal(found, convolutional_gram(deq_ntk_relu, images, **options))


def test_clones_parameters_and_text(kernel):
    copy = clone(kernel)
    assert copy.get_params() == kernel.get_params()
    assert copy.set_params(filter_size=5).filter_size == 5
    assert repr(kernel) == (
        "EquilibriumImageKernel(deq_ntk_relu, shape=(5, 4, 2), filter_size=3, readout='preactivation', "
        "weight_variance=0.5, bias_variance=0.1)"
    )
    assert kernel.theta.size == 0


def test_it_fits_processes_machines_and_searches(rows, kernel):
    y = rows[:, :7].sum(axis=1)
    process = GaussianProcessRegressor(ConstantKernel(0.1) * kernel + WhiteKernel(1e-4), normalize_y=True).fit(rows, y)
    assert process.predict(rows).shape == (12,)
    labels = (y > np.median(y)).astype(int)
    machine = SVC(kernel=kernel, C=100.0).fit(rows, labels)
    assert machine.score(rows, labels) == 1
    search = GridSearchCV(SVC(kernel=kernel), {"kernel__weight_variance": [0.2, 0.8]}, cv=2, error_score="raise")
    assert search.fit(rows, labels).best_params_


def test_rows_of_another_length_are_refused(rows, kernel):
    with pytest.raises(InvalidInput, match=r"X must be a matrix of flattened images of shape \(5, 4, 2\).*40 columns"):
        kernel(rows[:, 1:])
    with pytest.raises(InvalidInput, match="leave Y out"):
        kernel(rows, rows, eval_gradient=True)
