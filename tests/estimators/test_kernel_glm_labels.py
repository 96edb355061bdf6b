"""What follows from fits of labels: leave-one-out, penalties, offsets, degrees of freedom, evidence, derivatives."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from scipy.special import expit, logsumexp
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.gaussian_process.kernels import RBF, ConstantKernel
from sklearn.preprocessing import scale

from dekderive import losses
from dekderive.errors import InvalidInput
from dekderive.estimators import KernelGLMClassifier
from dekderive.estimators.glm_selection import criterion
from dekderive.solvers.kglm.multinomial import SoftmaxStatistics, make_softmax, solve_multinomial
from dekderive.solvers.kglm.ordinal import solve_ordinal

MANY = ("multinomial", "ordinal")


@pytest.fixture(scope="module")
def iris():
    # with a fifth of the labels moved to a neighbouring class, so that leaving one out matters
    X, y = load_iris(return_X_y=True)
    rng = np.random.default_rng(1)
    moved = rng.uniform(size=150) < 0.2
    y = np.where(moved, np.clip(y + rng.choice([-1, 1], 150), 0, 2), y)
    order = rng.permutation(150)[:50]
    return scale(X)[order], y[order]


@pytest.fixture(scope="module")
def small():
    rng = np.random.default_rng(4)
    x = rng.uniform(-2, 2, size=(14, 1))
    x[3] = x[9]
    codes = np.digitize(x[:, 0] + 0.6 * rng.normal(size=14), [-0.7, 0.6])
    return x, codes, np.exp(-0.5 * (x - x.T) ** 2)


def log_loss(model, eta, y):
    """Minus twice the log-likelihood of predictors, from the definition."""
    if model.family_ == "multinomial":
        return 2 * float((logsumexp(eta, axis=1) - eta[np.arange(len(y)), y]).sum())
    theta = np.concatenate([[-np.inf], model.thresholds_, [np.inf]])
    return -2 * float(np.log(expit(theta[y + 1] - eta) - expit(theta[y] - eta)).sum())


@pytest.mark.parametrize("penalty", [None, "pseudo_huber"])
@pytest.mark.parametrize("family", MANY)
def test_leaving_one_out_is_close_to_fitting_again(iris, family, penalty):
    # thresholds are estimated again; the penalty goes with its observation
    X, y = iris
    settings = {"gamma": 0.3, "regularisation": 0.4, "penalty": penalty}
    brute = 0.0
    X, y = X[:36], y[:36]
    model = KernelGLMClassifier(family, **settings).fit(X, y)
    for i in range(36):
        rest = np.arange(36) != i
        again = KernelGLMClassifier(family, **settings).fit(X[rest], y[rest])
        brute -= 2 * float(again.predict_log_proba(X[i : i + 1])[0, y[i]])
    fast = model._statistics.loo_deviance
    assert fast == pytest.approx(brute, rel=0.05)
    assert abs(model.deviance_ - brute) > 5 * abs(fast - brute)
    if family == "multinomial":
        assert fast == pytest.approx(log_loss(model, model.loo_, y), rel=1e-12)
    assert model.deviance_ == pytest.approx(log_loss(model, model.predict_natural(X), y), rel=1e-10)


@pytest.mark.parametrize("penalty", [None, "logistic"])
def test_two_softmax_classes_have_the_statistics_of_a_logistic_model(penalty):
    # F_1 - F_0 has the prior of half the regularisation; Q(F_0) + Q(F_1) = 2 Q(F_1) for an even Q and F_0 = -F_1
    X, y = load_breast_cancer(return_X_y=True)
    X, y = scale(X)[:80, :5], y[:80]
    w = np.random.default_rng(0).integers(0, 3, 80)
    if penalty is None:
        one = KernelGLMClassifier("multinomial", regularisation=1.0).fit(X, y, sample_weight=w)
        two = KernelGLMClassifier("bernoulli", regularisation=0.5).fit(X, y, sample_weight=w)
        assert_allclose(one.loo_[:, 1] - one.loo_[:, 0], two.loo_, atol=1e-9)
        assert one.edf_ == pytest.approx(two.edf_, rel=1e-9)
        for name in ("loo", "gcv", "laplace"):
            assert criterion(name, one._statistics) == pytest.approx(criterion(name, two._statistics), rel=1e-8)
        change = one.fit_gradient("regularisation")
        assert_allclose(2 * (change[:, 1] - change[:, 0]), two.fit_gradient("regularisation"), atol=1e-9)
        assert one.deviance_ == pytest.approx(two.deviance_, rel=1e-9)
        assert one.null_deviance_ == pytest.approx(two.null_deviance_, rel=1e-8)
    else:
        one = KernelGLMClassifier("multinomial", penalty=penalty, regularisation=1.0).fit(X, y, sample_weight=w)
        assert_allclose(one.alpha_.sum(axis=1), 0, atol=1e-12)


def test_a_penalty_and_an_offset_in_the_primal(iris):
    X, y = iris
    rng = np.random.default_rng(2)
    shift, w, strength = rng.normal(size=(50, 3)), rng.integers(0, 3, 50), 0.7

    def objective(flat):
        eta = X @ flat.reshape(4, 3) + shift
        p = np.exp(eta - logsumexp(eta, axis=1, keepdims=True))
        width = 0.5
        huber = strength * width**2 * (np.sqrt(1 + (eta / width) ** 2) - 1)
        value = w @ (logsumexp(eta, axis=1) - eta[np.arange(50), y] + huber.sum(axis=1)) + 0.3 * (flat**2).sum()
        slope = p - np.eye(3)[y] + strength * eta / np.sqrt(1 + (eta / width) ** 2)
        return value, (X.T @ (w[:, None] * slope)).ravel() + 0.6 * flat

    found = minimize(objective, np.zeros(12), jac=True, method="BFGS", options={"gtol": 1e-9})
    model = KernelGLMClassifier(
        kernel="linear",
        regularisation=0.6,
        penalty="pseudo_huber",
        penalty_parameters={"strength": strength, "width": 0.5},
    ).fit(X, y, sample_weight=w, offset=shift)
    assert_allclose(X.T @ model.alpha_, found.x.reshape(4, 3), atol=1e-6)
    assert_allclose(model.predict_natural(X, offset=shift), X @ found.x.reshape(4, 3) + shift, atol=1e-6)
    with pytest.raises(InvalidInput, match="pass the offset of the new inputs too"):
        model.predict(X)


def test_a_penalty_of_ordered_classes_in_the_primal(iris):
    X, y = iris

    def objective(v):
        theta = np.array([-np.inf, v[4], v[4] + np.exp(v[5]), np.inf])
        eta = X @ v[:4] + 0.3
        data = -np.log(expit(theta[y + 1] - eta) - expit(theta[y] - eta)).sum()
        return data + 0.4 * (eta**2).sum() + 0.3 * v[:4] @ v[:4]

    found = minimize(objective, np.zeros(6), method="BFGS", options={"gtol": 1e-7})
    model = KernelGLMClassifier(
        "ordinal", kernel="linear", regularisation=0.6, penalty="gaussian", penalty_parameters={"strength": 0.8}
    ).fit(X, y, offset=np.full(50, 0.3))
    assert_allclose(X.T @ model.alpha_, found.x[:4], atol=1e-5)
    assert_allclose(model.thresholds_, [found.x[4], found.x[4] + np.exp(found.x[5])], atol=1e-5)


def test_degrees_of_freedom_are_derivatives_of_the_fitted_probabilities_in_their_targets(small):
    _, codes, gram = small
    y, h = np.eye(3)[codes] * 0.9 + 0.1 / 3, 1e-5

    def probabilities(targets):
        f = solve_multinomial(gram, targets, 0.3).f
        return np.exp(f - logsumexp(f, axis=1, keepdims=True))

    total = 0.0
    for i in range(14):
        # along the probabilities that sum to 1: e_c - 1/3, which is what Y_ic moves once the rows of p sum to 1
        for c in range(3):
            step = np.zeros((14, 3))
            step[i] = h * (np.eye(3)[c] - 1 / 3)
            total += (probabilities(y + step)[i, c] - probabilities(y - step)[i, c]) / (2 * h)
    statistics = SoftmaxStatistics(make_softmax(gram, y, 0.3), solve_multinomial(gram, y, 0.3).f)
    assert statistics.edf == pytest.approx(total, rel=1e-6)
    assert statistics.edf < statistics.observations == 28


def test_degrees_of_freedom_of_ordered_classes_end_at_their_thresholds(small):
    _, codes, gram = small
    assert solve_ordinal(gram, codes, 1e8).edf == pytest.approx(2, abs=1e-6)
    assert 2 < solve_ordinal(gram, codes, 0.3).edf < 14
    # the slope of the profile is 0, and its Hessian is that of differences
    fit = solve_ordinal(gram, codes, 0.3)
    h = 1e-5
    for j in range(2):
        step = h * np.eye(2)[j]
        ends = [solve_ordinal(gram, codes, 0.3, thresholds=fit.thresholds + s * step) for s in (-1, 1)]
        assert (ends[1].objective - ends[0].objective) / (2 * h) == pytest.approx(0, abs=1e-8)
        assert_allclose((ends[1].threshold_slope - ends[0].threshold_slope) / (2 * h), fit.schur[:, j], rtol=1e-6)


@pytest.mark.parametrize("penalty", [None, losses.logistic_penalty])
def test_the_evidence_and_the_covariances_are_those_of_the_dense_matrices(small, penalty):
    _, codes, gram = small
    rng, y, lam = np.random.default_rng(0), np.eye(3)[codes], 0.2
    w, shift = np.array([0.0, 2.0] * 7), rng.normal(size=(14, 3))
    fit = solve_multinomial(gram, y, lam, weights=w, offset=shift, penalty=penalty)
    statistics = SoftmaxStatistics(make_softmax(gram, y, lam, w, shift, penalty), fit.f)
    eta = fit.f + shift
    p = np.exp(eta - logsumexp(eta, axis=1, keepdims=True))
    bend = np.zeros_like(eta) if penalty is None else 2 * expit(eta) * expit(-eta)
    hessian = np.zeros((14, 3, 14, 3))
    for i in range(14):
        hessian[i, :, i] = w[i] * (np.diag(p[i] + bend[i]) - np.outer(p[i], p[i]))
    hessian = hessian.reshape(42, 42)
    wide = np.kron(gram, np.eye(3))
    identity = np.eye(42)
    value = w @ (logsumexp(eta, axis=1) - (y * eta).sum(1)) + lam / 2 * (fit.alpha * fit.f).sum()
    if penalty is not None:
        value += w @ (2 * np.logaddexp(0, eta) - eta).sum(1)
    dense = -value - 0.5 * np.linalg.slogdet(identity + wide @ hessian / lam)[1]
    assert statistics.log_evidence == pytest.approx(dense, abs=1e-9)
    covariance = np.linalg.solve(identity + wide @ hessian / lam, wide / lam).reshape(14, 3, 14, 3)
    assert_allclose(statistics.curved.blocks, np.einsum("icid->icd", covariance), atol=1e-10)
    right = rng.normal(size=(14, 3))
    assert_allclose(statistics.curved.covariance(right), np.einsum("icjd,jd->ic", covariance, right), atol=1e-9)


@pytest.mark.parametrize("penalty", [None, "logistic"])
@pytest.mark.parametrize("family", MANY)
def test_derivatives_of_fits_of_labels(small, family, penalty):
    x, codes, _ = small
    rng = np.random.default_rng(6)
    kernel, h = ConstantKernel(1.5) * RBF(0.8), 1e-5
    shape = (14, 3) if family == "multinomial" else (14,)
    shift, w = 0.3 * rng.normal(size=shape), rng.uniform(0.5, 2, 14)

    def fitted(lam=0.6, theta=None, offset=shift):
        chosen = kernel if theta is None else kernel.clone_with_theta(theta)
        model = KernelGLMClassifier(family, chosen, regularisation=lam, penalty=penalty)
        return model.fit(x, codes, sample_weight=w, offset=offset)

    model = fitted()
    there = (fitted(0.6 + h).solution_.f - fitted(0.6 - h).solution_.f) / (2 * h)
    assert_allclose(model.fit_gradient("regularisation"), there, rtol=1e-5, atol=1e-7)
    for j in range(2):
        step = h * np.eye(2)[j]
        ends = [fitted(theta=kernel.theta + s * step).solution_.f for s in (-1, 1)]
        assert_allclose(model.fit_gradient("kernel")[..., j], (ends[1] - ends[0]) / (2 * h), rtol=1e-5, atol=1e-7)
    place = (5, 1) if family == "multinomial" else (5,)
    unit = np.zeros(shape)
    unit[place] = h
    there = (fitted(offset=shift + unit).solution_.f - fitted(offset=shift - unit).solution_.f) / (2 * h)
    assert_allclose(model.fit_gradient("offset")[(..., *place)], there, rtol=1e-5, atol=1e-7)


def test_derivatives_in_probabilities_and_in_labels_of_two_classes(small):
    x, codes, gram = small
    y, h = np.eye(3)[codes] * 0.9 + 0.1 / 3, 1e-5
    statistics = SoftmaxStatistics(make_softmax(gram, y, 0.3), solve_multinomial(gram, y, 0.3).f)
    step = np.zeros((14, 3))
    step[4] = h * np.array([1.0, -1.0, 0.0])
    there = (solve_multinomial(gram, y + step, 0.3).f - solve_multinomial(gram, y - step, 0.3).f) / (2 * h)
    assert_allclose(statistics.by_targets[:, :, 4, 0] - statistics.by_targets[:, :, 4, 1], there, rtol=1e-5, atol=1e-8)
    model = KernelGLMClassifier("ordinal").fit(x, codes)
    with pytest.raises(InvalidInput, match="no derivative in the targets"):
        model.fit_gradient("targets")
    two = KernelGLMClassifier("bernoulli").fit(x, codes > 0)
    assert two.fit_gradient("targets").shape == (14, 14)


@pytest.mark.parametrize("family", MANY)
@pytest.mark.parametrize("name", ["loo", "gcv"])
def test_criteria_choose_the_regularisation(iris, family, name):
    X, y = iris
    model = KernelGLMClassifier(family, "linear", regularisation=name).fit(X, y)
    here = criterion(name, model._statistics)
    for factor in (0.7, 1.4):
        other = KernelGLMClassifier(family, "linear", regularisation=factor * model.regularisation_).fit(X, y)
        assert criterion(name, other._statistics) > here
    assert 0 < model.deviance_ < model.null_deviance_
    shares = np.bincount(y) / 50
    assert model.null_deviance_ == pytest.approx(-2 * 50 * (shares * np.log(shares)).sum(), rel=1e-8)


def test_the_softmax_equation_is_solved_to_rounding(small):
    _, codes, gram = small
    y = np.eye(3)[codes]
    norm = np.linalg.norm(gram, 2)
    for lipschitz in (0.1, 10, 1e3, 1e4):
        fit = solve_multinomial(gram, y, norm / 2 / lipschitz)
        assert fit.converged
        assert fit.residual <= 1e-13 * (1 + lipschitz) * (1 + np.abs(fit.f).max())
        assert np.abs(fit.f.sum(axis=1)).max() < 1e-10 * (1 + np.abs(fit.f).max())
