"""KernelGLM against independent software and against its own definition."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from scipy.special import expit, gammaln
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics import d2_tweedie_score, r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import scale

from dekderive import losses
from dekderive.errors import InvalidInput, UnknownName
from dekderive.estimators import KernelGLM
from dekderive.kernels import deker_gaussian_relu


@pytest.fixture(scope="module")
def counts():
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, size=(70, 2))
    X[:8] = X[8:16]
    return X, rng.poisson(np.exp(0.6 + np.sin(2 * X[:, 0]))).astype(float), rng


def test_the_gaussian_is_kernel_ridge_regression():
    X, y = load_diabetes(return_X_y=True)
    X, y = scale(X), scale(y)
    ridge = KernelRidge(kernel="rbf", gamma=0.05, alpha=0.7).fit(X[:200], y[:200])
    model = KernelGLM(kernel="rbf", gamma=0.05, regularisation=0.7).fit(X[:200], y[:200])
    assert_allclose(model.dual_coef_, ridge.dual_coef_, atol=1e-10)
    assert_allclose(model.predict(X[200:]), ridge.predict(X[200:]), atol=1e-10)
    assert model.score(X[200:], y[200:]) == pytest.approx(r2_score(y[200:], model.predict(X[200:])))


@pytest.mark.parametrize("family", ["poisson", "gamma_log", "binomial(6)", "negative_binomial_log(2.5)"])
def test_a_linear_kernel_with_little_regularisation_is_the_glm_of_statsmodels(family):
    sm = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(1)
    X = np.column_stack([np.ones(150), rng.normal(size=(150, 2))])
    eta = X @ [0.4, 0.5, -0.3]
    name = family.partition("(")[0]
    y = {
        "poisson": lambda: rng.poisson(np.exp(eta)),
        "gamma_log": lambda: rng.gamma(2.0, np.exp(eta) / 2),
        "binomial": lambda: rng.binomial(6, expit(eta)),
        "negative_binomial_log": lambda: rng.negative_binomial(2.5, 2.5 / (2.5 + np.exp(eta))),
    }[name]().astype(float)
    of = {
        "poisson": sm.families.Poisson(),
        "gamma_log": sm.families.Gamma(sm.families.links.Log()),
        "binomial": sm.families.Binomial(),
        "negative_binomial_log": sm.families.NegativeBinomial(alpha=1 / 2.5),
    }[name]
    data = np.column_stack([y, 6 - y]) if name == "binomial" else y
    peer = sm.GLM(data, X, family=of).fit(tol=1e-12, maxiter=200)
    model = KernelGLM(family, kernel="linear", regularisation=1e-8).fit(X, y)
    assert_allclose(X.T @ model.alpha_, peer.params, atol=1e-6)
    assert_allclose(model.deviance_, peer.deviance, rtol=1e-6)
    assert_allclose(model.null_deviance_, peer.null_deviance, rtol=1e-6)
    assert model.edf_ == pytest.approx(3, abs=1e-5)


@pytest.mark.parametrize(
    ("family", "nll"),
    [
        ("poisson", lambda b, X, y: np.sum(np.exp(X @ b) - y * (X @ b) + gammaln(y + 1))),
        ("tweedie_log(1.3)", lambda b, X, y: np.sum(np.exp(0.7 * (X @ b)) / 0.7 + y * np.exp(-0.3 * (X @ b)) / 0.3)),
        ("pseudo_huber(0.5)", lambda b, X, y: np.sum(0.25 * (np.sqrt(1 + ((X @ b - y) / 0.5) ** 2) - 1))),
    ],
)
def test_a_linear_kernel_is_ridge_penalised_likelihood_in_the_primal(family, nll):
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(60, 3)), rng.poisson(2, 60) + 0.5
    lam = 2.0
    found = minimize(
        lambda b: nll(b, X, y) + lam / 2 * b @ b,
        np.zeros(3),
        method="BFGS",
        options={"gtol": 1e-9, "eps": 1e-6, "maxiter": 500},
    )
    model = KernelGLM(family, kernel="linear", regularisation=lam).fit(X, y)
    assert_allclose(X.T @ model.alpha_, found.x, atol=2e-5)


def test_scores_are_explained_deviance(counts):
    X, y, _ = counts
    model = KernelGLM("poisson", regularisation=0.5).fit(X, y)
    assert model.score(X, y) == pytest.approx(d2_tweedie_score(y, model.predict(X), power=1))
    assert model.deviance_ == pytest.approx(model.deviance(X, y))
    assert 1 - model.deviance_ / model.null_deviance_ == pytest.approx(model.score(X, y))


def test_leaving_one_out_is_exact_for_the_gaussian(counts):
    X, y, _ = counts
    model = KernelGLM(regularisation=0.3).fit(X, y)
    for i in (0, 8, 33):
        rest = np.arange(70) != i
        again = KernelGLM(regularisation=0.3).fit(X[rest], y[rest])
        assert model.loo_[i] == pytest.approx(again.predict(X[i : i + 1])[0], abs=1e-9)


def test_leaving_one_out_is_close_for_bernoulli():
    X, y = load_breast_cancer(return_X_y=True)
    X, y = scale(X[:90, :6]), y[:90].astype(float)
    settings = {"kernel": "rbf", "gamma": 0.2, "regularisation": 0.5}
    model = KernelGLM("bernoulli", **settings).fit(X, y)
    brute = np.empty(90)
    for i in range(90):
        rest = np.arange(90) != i
        brute[i] = KernelGLM("bernoulli", **settings).fit(X[rest], y[rest]).predict_natural(X[i : i + 1])[0]
    loss = model.loss_
    fast, slow, naive = (float(loss.value(eta, y).sum()) for eta in (model.loo_, brute, model.predict_natural(X)))
    assert fast == pytest.approx(slow, rel=0.05)
    assert abs(naive - slow) > 5 * abs(fast - slow)


@pytest.mark.parametrize("family", ["poisson", "gaussian", "gamma_log", "tweedie_log", "binomial(20)"])
def test_weights_are_copies(counts, family):
    X, y, rng = counts
    y = np.minimum(y + 0.5, 20)
    w = rng.integers(0, 3, 70)
    one = KernelGLM(family, regularisation=0.8).fit(X, y, sample_weight=w)
    two = KernelGLM(family, regularisation=0.8).fit(np.repeat(X, w, axis=0), np.repeat(y, w))
    new = rng.uniform(-2, 2, (9, 2))
    assert_allclose(one.predict(new), two.predict(new), rtol=1e-9)
    assert one.edf_ == pytest.approx(two.edf_, rel=1e-8)


@pytest.mark.parametrize("penalty", [None, "logistic"])
@pytest.mark.parametrize("family", ["poisson", "bernoulli", "gamma_log", "pseudo_huber"])
def test_derivatives_of_the_fit(counts, family, penalty):
    X, y, _ = counts
    X, y = X[:25], (y[:25] > 1) * 1.0 if family == "bernoulli" else y[:25] + 0.5
    kernel = ConstantKernel(1.3) * RBF(0.7)

    def fitted(lam=0.6, theta=None, targets=None, offset=None):
        k = kernel if theta is None else kernel.clone_with_theta(theta)
        m = KernelGLM(family, k, regularisation=lam, penalty=penalty, tol=1e-15)
        return m.fit(
            X, y if targets is None else targets, offset=np.zeros(25) if offset is None else offset
        ).solution_.f

    model = KernelGLM(family, kernel, regularisation=0.6, penalty=penalty).fit(X, y, offset=np.zeros(25))
    h = 1e-5
    assert_allclose(
        model.fit_gradient("regularisation"), (fitted(0.6 + h) - fitted(0.6 - h)) / (2 * h), rtol=1e-5, atol=1e-7
    )
    for j in range(2):
        step = h * np.eye(2)[j]
        there = (fitted(theta=kernel.theta + step) - fitted(theta=kernel.theta - step)) / (2 * h)
        assert_allclose(model.fit_gradient("kernel")[:, j], there, rtol=1e-5, atol=1e-7)
    unit = h * np.eye(25)[11]
    inward = -1 if family == "bernoulli" and y[11] == 1 else 1
    there = (fitted(targets=y + inward * 2 * unit) - fitted(targets=y)) / (2 * inward * h)
    assert_allclose(model.fit_gradient("targets")[:, 11], there, rtol=1e-3, atol=1e-5)
    there = (fitted(offset=unit) - fitted(offset=-unit)) / (2 * h)
    assert_allclose(model.fit_gradient("offset")[:, 11], there, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("criterion", ["loo", "gcv", "laplace"])
def test_the_regularisation_minimises_its_criterion(counts, criterion):
    from dekderive.estimators.glm_selection import criterion as value_of

    X, y, _ = counts
    model = KernelGLM("poisson", regularisation=criterion).fit(X, y)
    here = value_of(criterion, model._statistics())
    for factor in (0.7, 1.4):
        other = KernelGLM("poisson", regularisation=factor * model.regularisation_).fit(X, y)
        assert value_of(criterion, other._statistics()) > here


def test_gaussian_evidence_and_variances_are_those_of_a_gaussian_process(counts):
    from sklearn.gaussian_process import GaussianProcessRegressor

    X, y, rng = counts
    process = GaussianProcessRegressor(ConstantKernel(2.0) * RBF(0.8) + WhiteKernel(1.0), optimizer=None).fit(X, y)
    model = KernelGLM(kernel=RBF(0.8), regularisation=0.5).fit(X, y)  # K / lambda = 2 K, noise 1
    new = rng.uniform(-2, 2, (6, 2))
    mean, std = process.predict(new, return_std=True)
    eta, ours = model.predict_natural(new, return_std=True)
    assert_allclose(eta, mean, atol=1e-9)
    assert_allclose(ours**2 + 1, std**2, atol=1e-8)
    constant = -0.5 * y @ y - 35 * np.log(2 * np.pi)  # what the loss eta^2/2 - eta y leaves out
    assert model.log_evidence_ + constant == pytest.approx(process.log_marginal_likelihood_value_, abs=1e-8)
    low, high = model.predict_interval(new, coverage=0.6826894921370859)
    assert_allclose(high - low, 2 * ours, rtol=1e-9)


def test_the_equilibrium_model_of_a_fit(counts):
    X, y, rng = counts
    new, exposure = rng.uniform(-2, 2, (6, 2)), rng.uniform(-0.5, 0.5, 76)
    model = KernelGLM("poisson", regularisation=4.0, penalty="logistic", prior_mean=0.3)
    model.fit(X, y, offset=exposure[:70], sample_weight=rng.uniform(0.5, 2, 70))
    layer = model.to_deq(new, offset=exposure[70:])
    assert_allclose(layer(y), model.predict_natural(new, offset=exposure[70:]), atol=1e-10)
    assert_allclose(layer.activation(layer(y)), model.predict(new, offset=exposure[70:]), rtol=1e-10)
    with pytest.raises(InvalidInput, match="no canonical link"):
        KernelGLM("gamma_log").fit(X, y + 1).to_deq()


def test_kernels_in_every_form_agree(counts):
    X, y, rng = counts
    new = rng.uniform(-2, 2, (5, 2))
    gram = np.exp(-0.5 * ((X[:, None] - X) ** 2).sum(-1))
    cross = np.exp(-0.5 * ((new[:, None] - X) ** 2).sum(-1))
    one = KernelGLM("poisson", kernel="rbf", gamma=0.5).fit(X, y).predict(new)
    assert_allclose(KernelGLM("poisson", kernel=RBF(1.0)).fit(X, y).predict(new), one, rtol=1e-10)
    assert_allclose(KernelGLM("poisson", kernel="precomputed").fit(gram, y).predict(cross), one, rtol=1e-10)
    by_hand = lambda A, B: np.exp(-0.5 * ((A[:, None] - B) ** 2).sum(-1))  # noqa: E731
    assert_allclose(KernelGLM("poisson", kernel=by_hand).fit(X, y).predict(new), one, rtol=1e-10)
    deep = KernelGLM("poisson", kernel=deker_gaussian_relu).fit(X + 3, y)
    assert deep.converged_
    assert np.isfinite(deep.predict(new + 3)).all()


def test_many_targets_are_fitted_at_once(counts):
    X, y, rng = counts
    Y = np.column_stack([y, y[::-1], rng.poisson(3, 70)])
    model = KernelGLM("poisson", regularisation=0.7).fit(X, Y)
    for j in range(3):
        one = KernelGLM("poisson", regularisation=0.7).fit(X, Y[:, j])
        assert_allclose(model.predict(X)[:, j], one.predict(X), rtol=1e-8)
        assert model.deviance_[j] == pytest.approx(one.deviance_, rel=1e-8)


def test_a_constant_shift_of_gaussian_targets_is_an_offset(counts):
    X, y, _ = counts
    one = KernelGLM(regularisation=0.5).fit(X, y)
    two = KernelGLM(regularisation=0.5).fit(X, y + 2.0, offset=np.full(70, 2.0))
    assert_allclose(one.alpha_, two.alpha_, atol=1e-12)


def test_canonical_gamma_starts_at_the_null_model(counts):
    X, _, rng = counts
    y = rng.gamma(2.0, 1 + X[:, 0] ** 2)
    model = KernelGLM("gamma(2)", regularisation=5.0).fit(X, y)
    assert model.prior_mean_ == pytest.approx(-2 / y.mean())
    assert model.score(X, y) > 0
    assert (model.predict(X) > 0).all()


def test_it_works_in_a_search(counts):
    X, y, _ = counts
    search = GridSearchCV(KernelGLM("poisson"), {"regularisation": [0.1, 1.0, 10.0]}, cv=3).fit(X, y)
    assert search.best_params_["regularisation"] in (0.1, 1.0, 10.0)
    search = GridSearchCV(KernelGLM("poisson", kernel="precomputed"), {"regularisation": [0.1, 1.0]}, cv=3)
    assert np.isfinite(search.fit(X @ X.T + 1, y).best_score_)


def test_offsets_are_asked_for_again(counts):
    X, y, _ = counts
    model = KernelGLM("poisson").fit(X, y, offset=np.ones(70))
    with pytest.raises(InvalidInput, match="pass the offset of the new inputs too"):
        model.predict(X)
    with pytest.raises(InvalidInput, match="without an offset"):
        KernelGLM("poisson").fit(X, y).predict(X, offset=np.ones(70))


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"family": "cauchy"}, UnknownName, "known: bernoulli"),
        ({"family": "binomial(1, 2)"}, InvalidInput, "takes 1 parameter"),
        ({"family": "binomial(x)"}, InvalidInput, "must be numbers"),
        ({"family": 3}, InvalidInput, "must be a name or a loss"),
        ({"family": "bernoulli"}, InvalidInput, "outside"),
        ({"kernel": "sigmoid"}, InvalidInput, "kernel must be one of"),
        ({"kernel": lambda A, B: np.ones(3)}, InvalidInput, "must return a matrix of shape"),
        ({"kernel": "precomputed"}, InvalidInput, "must be square"),
        ({"penalty": "laplace"}, UnknownName, "known: gaussian"),
        ({"regularisation": "aic"}, UnknownName, "known: loo"),
        ({"regularisation": -1.0}, InvalidInput, "positive number"),
    ],
)
def test_wrong_settings_are_refused(counts, settings, error, message):
    X, y, _ = counts
    with pytest.raises(error, match=message):
        KernelGLM(**{"family": "poisson", **settings}).fit(X, y)


def test_losses_can_be_passed_as_records(counts):
    X, y, _ = counts
    one = KernelGLM("negative_binomial_log(2)").fit(X, y)
    two = KernelGLM(losses.negative_binomial_log, family_parameters={"size": 2}).fit(X, y)
    three = KernelGLM(losses.bind(losses.negative_binomial_log, {"size": 2})).fit(X, y)
    assert_allclose(two.alpha_, one.alpha_)
    assert_allclose(three.alpha_, one.alpha_)
