"""KernelGLMClassifier against independent software."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from scipy.special import expit, log_ndtr, logsumexp
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF, ConstantKernel
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import scale

from dekderive.errors import InvalidInput, UnknownName
from dekderive.estimators import KernelGLMClassifier


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return scale(X[:200, :8]), y[:200]


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return scale(X), y


def test_a_linear_kernel_is_logistic_regression(cancer):
    X, y = cancer
    peer = LogisticRegression(C=1 / 0.5, fit_intercept=False, tol=1e-12, max_iter=10000, solver="newton-cholesky").fit(
        X, y
    )
    model = KernelGLMClassifier(kernel="linear", regularisation=0.5).fit(X, y)
    assert_allclose(X.T @ model.alpha_, peer.coef_[0], atol=1e-8)
    assert_allclose(model.predict_proba(X), peer.predict_proba(X), atol=1e-8)


def test_the_mode_and_the_evidence_are_those_of_a_gaussian_process_classifier(cancer):
    X, y = cancer
    peer = GaussianProcessClassifier(ConstantKernel(2.0) * RBF(2.0), optimizer=None).fit(X, y)
    model = KernelGLMClassifier(kernel=RBF(2.0), regularisation=0.5).fit(X, y)
    assert_allclose(expit(model.solution_.f), peer.base_estimator_.pi_, atol=1e-6)
    assert model.log_evidence_ == pytest.approx(peer.log_marginal_likelihood_value_, abs=1e-6)


def test_softmax_is_multinomial_logistic_regression(iris):
    X, y = iris
    peer = LogisticRegression(C=1 / 0.5, fit_intercept=False, tol=1e-10, max_iter=20000).fit(X, y)
    model = KernelGLMClassifier(kernel="linear", regularisation=0.5).fit(X, y)
    assert_allclose(X.T @ model.alpha_, peer.coef_.T, atol=1e-6)
    assert_allclose(model.alpha_.sum(axis=1), 0, atol=1e-12)
    assert_allclose(model.predict_proba(X), peer.predict_proba(X), atol=1e-6)


def test_softmax_in_the_primal_with_weights(iris):
    X, y = iris
    rng = np.random.default_rng(0)
    w, Y = rng.integers(0, 3, 150), np.eye(3)[y]

    def objective(flat):
        B = flat.reshape(4, 3)
        eta = X @ B
        value = w @ (logsumexp(eta, axis=1) - (Y * eta).sum(1)) + 0.5 * 0.7 * (B**2).sum()
        p = np.exp(eta - logsumexp(eta, axis=1, keepdims=True))
        return value, (X.T @ (w[:, None] * (p - Y)) + 0.7 * B).ravel()

    found = minimize(objective, np.zeros(12), jac=True, method="BFGS", options={"gtol": 1e-9})
    model = KernelGLMClassifier(kernel="linear", regularisation=0.7).fit(X, y, sample_weight=w)
    assert_allclose(X.T @ model.alpha_, found.x.reshape(4, 3), atol=1e-6)
    copies = KernelGLMClassifier(kernel="linear", regularisation=0.7).fit(np.repeat(X, w, axis=0), np.repeat(y, w))
    assert_allclose(model.predict_log_proba(X), copies.predict_log_proba(X), atol=1e-8)


def test_two_softmax_classes_are_a_logistic_model_with_half_the_regularisation(cancer):
    X, y = cancer
    one = KernelGLMClassifier("multinomial", regularisation=1.0).fit(X, y)
    two = KernelGLMClassifier("bernoulli", regularisation=0.5).fit(X, y)
    assert_allclose(one.decision_function(X), two.decision_function(X), atol=1e-10)
    assert one.log_evidence_ == pytest.approx(two.log_evidence_, abs=1e-8)


def test_probit_in_the_primal(cancer):
    X, y = cancer
    found = minimize(
        lambda b: -log_ndtr((2 * y - 1) * (X @ b)).sum() + 0.4 * b @ b,
        np.zeros(8),
        method="BFGS",
        options={"gtol": 1e-7},
    )
    model = KernelGLMClassifier("probit", kernel="linear", regularisation=0.8).fit(X, y)
    assert_allclose(X.T @ model.alpha_, found.x, atol=1e-5)


def test_ordered_classes_in_the_primal(iris):
    X, y = iris
    lam = 0.6

    def objective(v):
        b, theta = v[:4], np.array([-np.inf, v[4], v[4] + np.exp(v[5]), np.inf])
        eta = X @ b
        return -np.log(expit(theta[y + 1] - eta) - expit(theta[y] - eta)).sum() + lam / 2 * b @ b

    found = minimize(objective, np.zeros(6), method="BFGS", options={"gtol": 1e-7})
    model = KernelGLMClassifier("ordinal", kernel="linear", regularisation=lam).fit(X, y)
    assert_allclose(X.T @ model.alpha_, found.x[:4], atol=1e-4)
    assert_allclose(model.thresholds_, [found.x[4], found.x[4] + np.exp(found.x[5])], atol=1e-4)
    p = model.predict_proba(X)
    assert_allclose(p.sum(axis=1), 1, atol=1e-12)
    eta = model.predict_natural(X)
    assert_allclose(p[:, 0], expit(model.thresholds_[0] - eta), atol=1e-12)


def test_two_ordered_classes_are_a_logistic_model_with_a_free_intercept(cancer):
    X, y = cancer
    peer = LogisticRegression(C=1 / 0.5, tol=1e-12, max_iter=10000, solver="newton-cholesky").fit(X, y)
    model = KernelGLMClassifier("ordinal", kernel="linear", regularisation=0.5).fit(X, y)
    assert_allclose(X.T @ model.alpha_, peer.coef_[0], atol=1e-6)
    assert_allclose(-model.thresholds_, peer.intercept_, atol=1e-6)
    assert_allclose(model.decision_function(X), peer.decision_function(X), atol=1e-5)


def test_tiny_probabilities_keep_their_logarithms(iris):
    X, y = iris
    for family in ("multinomial", "ordinal"):
        model = KernelGLMClassifier(family, kernel="linear", regularisation=0.1).fit(X, y)
        logs = model.predict_log_proba(300 * X)
        assert np.isfinite(logs).all()
        assert logs.min() < -800


@pytest.mark.parametrize("family", ["multinomial", "ordinal"])
def test_the_evidence_chooses_the_regularisation(iris, family):
    X, y = iris[0][::3], iris[1][::3]
    model = KernelGLMClassifier(family, regularisation="laplace").fit(X, y)
    for factor in (0.6, 1.7):
        other = KernelGLMClassifier(family, regularisation=factor * model.regularisation_).fit(X, y)
        assert other.log_evidence_ < model.log_evidence_


def test_what_does_not_fit_is_refused(iris):
    X, y = iris
    with pytest.raises(InvalidInput, match="Only binary classification"):
        KernelGLMClassifier("bernoulli").fit(X, y)
    with pytest.raises(InvalidInput, match="2 classes or more"):
        KernelGLMClassifier().fit(X, np.zeros(150))
    with pytest.raises(InvalidInput, match=r"must be \(150, 3\), one number for each observation and class"):
        KernelGLMClassifier().fit(X, y, offset=np.ones(150))
    with pytest.raises(UnknownName, match="known: loo"):
        KernelGLMClassifier(regularisation="aic").fit(X, y)
    with pytest.raises(UnknownName, match="known: auto"):
        KernelGLMClassifier("cauchit").fit(X, y)
