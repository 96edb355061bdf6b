"""Kernel regression on labels: scikit-learn's kernel ridge and a dense solve are the oracles."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.gaussian_process.kernels import RBF
from sklearn.kernel_ridge import KernelRidge
from sklearn.preprocessing import normalize
from sklearn.utils.estimator_checks import parametrize_with_checks

from dekderive.errors import InvalidInput
from dekderive.estimators import EquilibriumKernel, KernelRidgeClassifier
from dekderive.gram import gram
from dekderive.gram.moments import linear
from dekderive.kernels import deq_ntk_relu, ntk_relu

VARIANCES = {"weight_variance": 0.25, "input_variance": 0.25, "bias_variance": 0.5}
DIGITS, LABELS = load_digits(return_X_y=True)
DIGITS = normalize(DIGITS)
TRAIN, TEST = slice(0, 300), slice(300, 600)


@parametrize_with_checks([KernelRidgeClassifier(), KernelRidgeClassifier("linear", regularisation=1e-3)])
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


@pytest.mark.parametrize("regularisation", [0.0, 1e-3, 10.0])
def test_predictions_are_those_of_kernel_ridge_with_the_same_matrix(regularisation):
    matrix, cross = (
        gram(deq_ntk_relu, DIGITS[TRAIN], **VARIANCES),
        gram(deq_ntk_relu, DIGITS[TEST], DIGITS[TRAIN], **VARIANCES),
    )
    ridge = KernelRidge(alpha=regularisation * matrix.trace() / len(matrix), kernel="precomputed")
    scores = ridge.fit(matrix, np.eye(10)[LABELS[TRAIN]] - 0.1).predict(cross)
    model = KernelRidgeClassifier(deq_ntk_relu, regularisation=regularisation, kernel_parameters=VARIANCES)
    model.fit(DIGITS[TRAIN], LABELS[TRAIN])
    assert_allclose(model.decision_function(DIGITS[TEST]), scores, rtol=1e-9, atol=1e-12)
    assert_array_equal(model.predict(DIGITS[TEST]), scores.argmax(axis=1))
    assert model.residual_ < 1e-12
    assert_allclose(model.ridge_, ridge.alpha)


def test_without_regularisation_training_labels_are_interpolated():
    model = KernelRidgeClassifier(deq_ntk_relu, regularisation=0).fit(DIGITS[TRAIN], LABELS[TRAIN])
    assert_allclose(model.decision_function(DIGITS[TRAIN]), np.eye(10)[LABELS[TRAIN]] - 0.1, atol=1e-10)


def test_a_constant_added_to_all_labels_changes_no_prediction():
    matrix = gram(deq_ntk_relu, DIGITS[TRAIN])
    cross = gram(deq_ntk_relu, DIGITS[TEST], DIGITS[TRAIN])
    model = KernelRidgeClassifier(deq_ntk_relu, regularisation=1e-3).fit(DIGITS[TRAIN], LABELS[TRAIN])
    for constant in (0.0, 0.7):
        targets = np.eye(10)[LABELS[TRAIN]] - constant
        scores = cross @ np.linalg.solve(matrix + model.ridge_ * np.eye(len(matrix)), targets)
        assert_array_equal(scores.argmax(axis=1), model.predict(DIGITS[TEST]))


def test_two_classes_share_one_column():
    X, y = DIGITS[TRAIN], np.where(LABELS[TRAIN] < 5, "small", "large")
    model = KernelRidgeClassifier(deq_ntk_relu, regularisation=1e-2).fit(X, y)
    matrix = gram(deq_ntk_relu, X)
    signs = np.where(y == "small", 1.0, -1.0)  # classes in order: large, small
    expected = np.linalg.solve(matrix + model.ridge_ * np.eye(len(X)), signs)
    assert model.dual_coef_.shape == (len(X),)
    assert_allclose(model.dual_coef_, expected, rtol=1e-9)
    assert_array_equal(model.predict(X) == "small", matrix @ expected > 0)


def test_every_way_to_name_a_kernel_is_the_same_kernel():
    X, y, new = DIGITS[:60], LABELS[:60], DIGITS[60:80]
    reference = KernelRidgeClassifier(deq_ntk_relu, kernel_parameters=VARIANCES).fit(X, y).decision_function(new)
    for kernel in (
        EquilibriumKernel(deq_ntk_relu, **VARIANCES),
        partial(gram, deq_ntk_relu, **VARIANCES),
        lambda X, Y: gram(deq_ntk_relu, X, **VARIANCES) if Y is X else gram(deq_ntk_relu, X, Y, **VARIANCES),
    ):
        assert_allclose(
            KernelRidgeClassifier(kernel).fit(X, y).decision_function(new), reference, rtol=1e-9, atol=1e-12
        )
    matrix, cross = gram(deq_ntk_relu, X, **VARIANCES), gram(deq_ntk_relu, new, X, **VARIANCES)
    kept = matrix.copy()
    model = KernelRidgeClassifier("precomputed").fit(matrix, y)
    assert_allclose(model.decision_function(cross), reference, rtol=1e-9, atol=1e-12)
    assert_array_equal(matrix, kept)
    assert_array_equal(KernelRidgeClassifier(RBF(0.3)).fit(X, y).predict(X), y)


def test_moments_and_depth_reach_the_kernel():
    X, y = DIGITS[:80], LABELS[:80]
    kernel, moments = ntk_relu.with_depth(3), linear(scale=0.5, bias=1.0)
    model = KernelRidgeClassifier(kernel, moments=moments, kernel_parameters={"bias_variance": 0.2}).fit(X, y)
    same = KernelRidgeClassifier(partial(gram, kernel, moments=moments, bias_variance=0.2)).fit(X, y)
    assert_allclose(model.dual_coef_, same.dual_coef_, rtol=1e-9)
    other = KernelRidgeClassifier(kernel).fit(X, y)
    assert np.abs(other.dual_coef_ - model.dual_coef_).max() > 1e-3


def test_float32_rows_stay_float32():
    X, y = DIGITS[TRAIN].astype(np.float32), LABELS[TRAIN]
    single = KernelRidgeClassifier(deq_ntk_relu, regularisation=1e-4).fit(X, y)
    double = KernelRidgeClassifier(deq_ntk_relu, regularisation=1e-4).fit(X.astype(float), y)
    assert single.dual_coef_.dtype == np.float32
    assert 1e-9 < single.residual_ < 1e-3
    new = DIGITS[TEST]
    assert_allclose(single.decision_function(new.astype(np.float32)), double.decision_function(new), atol=2e-3)
    assert np.mean(single.predict(new.astype(np.float32)) == double.predict(new)) > 0.99


def test_blocks_do_not_change_predictions(monkeypatch):
    import dekderive.estimators.kernel_ridge_classifier as module

    model = KernelRidgeClassifier(deq_ntk_relu).fit(DIGITS[TRAIN], LABELS[TRAIN])
    whole, residual = model.decision_function(DIGITS[TEST]), model.residual_
    monkeypatch.setattr(module, "_BLOCK", 7 * 300)
    assert_allclose(model.decision_function(DIGITS[TEST]), whole, rtol=1e-12, atol=1e-14)
    again = clone(model).fit(DIGITS[TRAIN], LABELS[TRAIN])
    assert_allclose(again.dual_coef_, model.dual_coef_, rtol=1e-12)
    assert residual < 1e-13
    assert again.residual_ < 1e-13


def test_the_residual_is_what_is_left_of_the_equations():
    from dekderive.estimators.kernel_ridge_classifier import _residual

    rng = np.random.default_rng(5)
    half = rng.normal(size=(150, 150))
    matrix, solution, targets = half + half.T, rng.normal(size=(150, 3)), rng.normal(size=(150, 3))
    expected = np.linalg.norm(matrix @ solution - targets) / np.linalg.norm(targets)
    assert_allclose(_residual(np.triu(matrix) + 99 * np.tril(half, -1), solution, targets), expected, rtol=1e-12)


def test_images_of_any_shape_reach_a_function():
    images = DIGITS[:100].reshape(-1, 8, 8, 1)

    def kernel(X, Y=None):
        assert X.ndim == 4
        rows = [x.reshape(len(x), -1) for x in (X, Y) if x is not None]
        return gram(deq_ntk_relu, *rows)

    model = KernelRidgeClassifier(kernel).fit(images, LABELS[:100])
    flat = KernelRidgeClassifier(deq_ntk_relu).fit(DIGITS[:100], LABELS[:100])
    assert_array_equal(model.predict(images[:10]), LABELS[:10])
    assert_allclose(model.dual_coef_, flat.dual_coef_, rtol=1e-9)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"regularisation": -1.0}, "regularisation must be a finite number, at least 0"),
        ({"regularisation": np.nan}, "regularisation must be a finite number"),
        ({"kernel": "rbf", "kernel_parameters": {"weight_variance": 0.5}}, "belong to a record of dekderive.kernels"),
        ({"kernel": "sigmoid"}, "kernel must be one of"),
        ({"kernel": lambda X, Y=None: np.ones((3, 3))}, r"must return shape \(20, 20\)"),
        ({"kernel": "linear", "regularisation": 0.0}, "not positive definite in float64 with regularisation 0"),
    ],
)
def test_refusals_say_what_to_do(settings, message):
    model = KernelRidgeClassifier(**{"kernel": deq_ntk_relu, **settings})
    X = np.repeat(np.linspace(-1, 1, 10)[:, None], 2, axis=0)
    with pytest.raises(InvalidInput, match=message):
        model.fit(X, np.arange(20) % 3)


def test_repeated_inputs_with_other_labels_need_a_ridge():
    X, y = DIGITS[[0, 1, 2, 2]], [0, 1, 2, 0]
    with pytest.raises(InvalidInput, match="repeated inputs with different labels"):
        KernelRidgeClassifier(deq_ntk_relu, regularisation=0).fit(X, y)
    model = KernelRidgeClassifier(deq_ntk_relu, regularisation=1e-8).fit(X, y)
    scores = model.decision_function(X)
    assert_allclose(scores[2], scores[3])
    assert_allclose(scores[2] + 1 / 3, [0.5, 0.0, 0.5], atol=1e-6)
