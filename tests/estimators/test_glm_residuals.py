"""Residuals against statsmodels, and against the moments of the families."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from dekderive import losses
from dekderive.errors import InvalidInput, UnknownName
from dekderive.estimators import KernelGLM
from dekderive.estimators.glm_responses import residuals_of
from dekderive.losses import bind

KINDS = ("deviance", "pearson", "response", "working")


@pytest.mark.parametrize(
    ("name", "values", "mean", "variance"),
    [
        ("poisson", None, 2.5, 2.5),
        ("bernoulli", None, 0.3, 0.21),
        ("binomial", {"trials": 6}, 1.5, 1.125),
        ("gamma", {"shape": 3.0}, 2.0, 4 / 3),
        ("gamma_log", {"shape": 3.0}, 2.0, 4 / 3),
        ("negative_binomial", {"size": 4.0}, 2.0, 3.0),
        ("negative_binomial_log", {"size": 4.0}, 2.0, 3.0),
        ("tweedie_log", {"power": 1.5}, 4.0, 8.0),
        ("probit", None, 0.3, 0.21),
        ("inverse_gaussian", {"shape": 5.0}, 2.0, 1.6),
    ],
)
def test_pearson_residuals_have_the_variance_of_the_family(name, values, mean, variance):
    p = bind(getattr(losses, name), values)
    eta, y = p.link([mean]), np.array([1.0])
    assert_allclose(residuals_of(p, eta, y, "pearson"), (1 - mean) / np.sqrt(variance), rtol=1e-9)
    excess = p.value(eta, y) - p.best(y)
    assert_allclose(residuals_of(p, eta, y, "deviance") ** 2, 2 * excess, rtol=1e-12)
    h = 1e-6
    slope = (p.link([mean + h]) - p.link([mean - h])) / (2 * h)
    assert_allclose(residuals_of(p, eta, y, "working"), (1 - mean) * slope, rtol=1e-5)


@pytest.mark.parametrize("family", ["poisson", "gamma_log", "negative_binomial_log(2.5)"])
def test_residuals_are_those_of_statsmodels(family):
    sm = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(1)
    X = np.column_stack([np.ones(80), rng.normal(size=(80, 2))])
    exposure = rng.uniform(0.5, 3, 80)
    y = rng.poisson(exposure * np.exp(X @ [0.4, 0.5, -0.3])) + (family == "gamma_log") * 0.5
    of = {
        "poisson": sm.families.Poisson(),
        "gamma_log": sm.families.Gamma(sm.families.links.Log()),
        "negative_binomial_log(2.5)": sm.families.NegativeBinomial(alpha=1 / 2.5),
    }[family]
    peer = sm.GLM(y, X, family=of, exposure=exposure).fit(tol=1e-12, maxiter=200)
    model = KernelGLM(family, "linear", regularisation=1e-8).fit(X, y, offset=np.log(exposure))
    for kind in KINDS:
        ours = model.residuals(X, y, kind, offset=np.log(exposure))
        assert_allclose(ours, getattr(peer, f"resid_{kind}"), rtol=1e-5, atol=1e-6)


def test_residuals_of_several_targets_and_what_is_refused():
    x = np.linspace(-1, 1, 9)[:, None]
    model = KernelGLM("poisson").fit(x, np.column_stack([np.arange(9.0), np.arange(9.0)[::-1]]))
    assert model.residuals(x, model.y_fit_).shape == (9, 2)
    assert_allclose((model.residuals(x, model.y_fit_) ** 2).sum(axis=0), model.deviance_)
    with pytest.raises(UnknownName, match="known: deviance"):
        model.residuals(x, model.y_fit_, "anscombe")
    with pytest.raises(InvalidInput, match="shape of the predictions"):
        model.residuals(x, np.zeros(9))
    with pytest.raises(InvalidInput, match="without a variance"):
        KernelGLM("pseudo_huber").fit(x, x[:, 0]).residuals(x, x[:, 0], "pearson")


def test_an_infinite_deviance_is_no_number():
    x, y = np.linspace(-1, 1, 9)[:, None], np.r_[0.0, np.arange(1.0, 9.0)]
    model = KernelGLM("gamma_log").fit(x, y)
    assert model.deviance_ == np.inf
    assert np.isnan(model.score(x, y))
    with pytest.raises(InvalidInput, match="infinite for every regularisation"):
        KernelGLM("gamma_log", regularisation="loo").fit(x, y)
    assert KernelGLM("gamma_log", regularisation="laplace").fit(x, y).converged_
