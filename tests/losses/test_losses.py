"""Losses: the generated functions against high-precision arithmetic, derivatives, bounds and links."""

import mpmath
import numpy as np
import pytest
import sympy as sp
from numpy.testing import assert_allclose
from scipy import stats

from dekderive import losses
from dekderive.errors import InvalidInput
from dekderive.losses import Loss, bind

NAMES = [name for name in losses.__all__ if isinstance(getattr(losses, name), Loss)]
VALUES = {
    "binomial": {"trials": 7},
    "chi": {"degrees": 3},
    "gamma": {"shape": 2.5},
    "gamma_log": {"shape": 2.5},
    "inverse_gaussian": {"shape": 2},
    "negative_binomial": {"size": 3.5},
    "negative_binomial_log": {"size": 3.5},
    "tweedie_log": {"power": 1.4},
    "pseudo_huber": {"width": 0.7},
    "cumulative_logit": {"below": -1.0, "above": 0.5},
}


def pointwise(name):
    return bind(getattr(losses, name), VALUES.get(name))


def inside(p):
    return np.linspace(-4, -0.05, 23) if p.loss.upper == 0 else np.linspace(-4, 4, 23)


@pytest.mark.parametrize("name", NAMES)
def test_derivatives_are_derivatives(name):
    p, h = pointwise(name), 1e-5
    eta, y = inside(p), 0.6
    assert_allclose(p.slope(eta, y), (p.value(eta + h, y) - p.value(eta - h, y)) / (2 * h), rtol=1e-5, atol=1e-8)
    assert_allclose(p.curvature(eta, y), (p.slope(eta + h, y) - p.slope(eta - h, y)) / (2 * h), rtol=1e-5, atol=1e-8)
    assert_allclose(p.cross(eta, y), (p.slope(eta, y + h) - p.slope(eta, y - h)) / (2 * h), rtol=1e-5, atol=1e-8)
    assert_allclose(p.mean_slope(eta), (p.mean(eta + h) - p.mean(eta - h)) / (2 * h), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_the_bound_is_the_supremum_of_the_curvature(name):
    p = pointwise(name)
    bound = float(p.curvature_bound(0.6))
    assert p.loss.bound_holds or np.isinf(bound) or name in ("truncated_normal",)
    eta = -np.logspace(-6, 3, 4001) if p.loss.upper == 0 else np.concatenate([np.linspace(-60, 60, 24001)])
    curvature = p.curvature(eta, 0.6)
    assert (curvature >= 0).all()
    assert curvature.max() <= bound * (1 + 1e-12)
    if np.isinf(bound):
        assert curvature.max() > 1e4
    elif name not in ("cumulative_logit", "probit"):  # their bounds hold for all thresholds, and for all y
        assert curvature.max() > bound * (1 - 1e-3)


def test_the_bounds_of_probit_and_ordered_categories_are_attained_in_the_limit():
    probit = bind(losses.probit)
    assert 0.999 < float(probit.curvature(np.array(-40.0), 1.0)) < 1
    narrow = bind(losses.cumulative_logit, {"below": -1e-6, "above": 1e-6})
    assert 0.4999 < float(narrow.curvature(np.array(0.0), 0.0)) <= 0.5


@pytest.mark.parametrize("name", NAMES)
def test_the_link_inverts_the_mean(name):
    p = pointwise(name)
    eta = inside(p)
    assert_allclose(p.link(p.mean(eta)), eta, rtol=1e-9, atol=1e-9)


LIKELIHOODS = {
    "bernoulli": lambda mean: stats.bernoulli(mean),
    "binomial": lambda mean: stats.binom(7, mean / 7),
    "poisson": lambda mean: stats.poisson(mean),
    "gamma_log": lambda mean: stats.gamma(2.5, scale=mean / 2.5),
    "gamma": lambda mean: stats.gamma(2.5, scale=mean / 2.5),
    "negative_binomial": lambda mean: stats.nbinom(3.5, 3.5 / (3.5 + mean)),
    "negative_binomial_log": lambda mean: stats.nbinom(3.5, 3.5 / (3.5 + mean)),
    "probit": lambda mean: stats.bernoulli(mean),
    "gaussian": lambda mean: stats.norm(mean, 1),
}


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_the_loss_is_minus_the_log_likelihood_up_to_terms_without_the_predictor(name):
    p, y = pointwise(name), 1.0
    eta = inside(p)[2:-2]
    d = LIKELIHOODS[name](p.mean(eta))
    log_density = d.logpmf(y) if hasattr(d.dist, "pmf") else d.logpdf(y)
    assert np.ptp(p.value(eta, y) + log_density) < 1e-10


def test_tweedie_is_the_unit_deviance_of_the_power_variance():
    # d(y, mu) = 2 int_mu^y (y - t) t^-p dt, an independent definition of the same family
    p, y = pointwise("tweedie_log"), 2.3
    for eta in (-0.7, 0.4, 1.5):
        deviance = 2 * mpmath.quad(lambda t: (y - t) * t ** mpmath.mpf("-1.4"), [mpmath.exp(eta), y])
        assert_allclose(2 * (p.value(eta, y) - p.best(y)), float(deviance), rtol=1e-10)


def test_ordered_categories_keep_their_digits_far_out():
    p = bind(losses.cumulative_logit, {"below": 0.0, "above": 1.0})
    with mpmath.workdps(300):
        for eta in (-300.0, 40.0, 250.0):
            exact = -mpmath.log(1 / (1 + mpmath.exp(eta - 1)) - 1 / (1 + mpmath.exp(eta)))
            assert_allclose(float(p.value(np.array(eta), 0.0)), float(exact), rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "y"), [("bernoulli", 1.0), ("binomial", 7.0), ("rademacher", 1.0), ("rademacher", -1.0)]
)
def test_slopes_keep_their_digits_where_the_mean_saturates(name, y):
    p, size = pointwise(name), {"bernoulli": 1, "binomial": 7, "rademacher": 1}[name]
    eta = 45.0 if y > 0 else -45.0
    with mpmath.workdps(60):
        mean = mpmath.tanh(eta) if name == "rademacher" else size / (1 + mpmath.exp(-eta))
        assert_allclose(float(p.slope(np.array(eta), y)), float(mean - y), rtol=1e-14)


def test_a_saturated_model_attains_the_best_value_also_at_the_ends():
    bernoulli, poisson = bind(losses.bernoulli), bind(losses.poisson)
    assert_allclose(bernoulli.best([0.0, 1.0]), 0, atol=1e-15)
    assert_allclose(poisson.best([0.0, 3.0]), [0, 3 - 3 * np.log(3)], atol=1e-14)
    many = bind(losses.binomial, {"trials": np.array([1, 4])})
    assert_allclose(many.best([0.5, 2.0]), [np.log(2), 4 * np.log(2)], rtol=1e-14)


def test_penalties_add_to_value_slope_and_bound():
    bare = bind(losses.bernoulli)
    both = bind(losses.bernoulli, None, losses.logistic_penalty, {"strength": 2.0})
    eta = np.array([-2.0, 0.3])
    assert_allclose(both.slope(eta, 1.0) - bare.slope(eta, 1.0), 2 * np.tanh(eta / 2), rtol=1e-14)
    assert both.curvature_bound(1.0) == 0.25 + 1.0
    assert_allclose(both.penalty_slope(eta), 2 * np.tanh(eta / 2), rtol=1e-14)
    assert_allclose(both.best(0.5), bare.best(0.5))


def test_outside_the_natural_domain_the_loss_is_infinite_and_the_mean_nan():
    p = bind(losses.gamma)
    assert p.value(np.array([0.5]), 1.0) == np.inf
    assert np.isnan(p.mean(0.5))


@pytest.mark.parametrize("values", [{"trials": 0}, {"trials": np.nan}, {"trials": -1}])
def test_values_outside_their_range_are_refused(values):
    with pytest.raises(InvalidInput, match="trials must lie between"):
        bind(losses.binomial, values)


def test_unknown_parameters_are_refused():
    with pytest.raises(TypeError, match=r"no parameter 'size'.*trials"):
        bind(losses.binomial, {"size": 3})
    with pytest.raises(TypeError, match="there is no penalty"):
        bind(losses.binomial, None, None, {"strength": 3})


def test_a_family_and_a_penalty_of_your_own():
    import dekderive as dek
    from dekderive.symbols import eta

    secant = dek.Family("secant", -sp.log(sp.cos(eta)), sp.Interval.open(-sp.pi / 2, sp.pi / 2))
    model = dek.update_maps.kglm(secant, penalty=sp.cosh(eta))
    p = bind(dek.compile(model))
    at = np.array([-1.2, 0.4])
    assert_allclose(p.slope(at, 0.3), np.tan(at) - 0.3 + np.sinh(at), rtol=1e-14)
    assert_allclose(p.curvature(at, 0.3), 1 / np.cos(at) ** 2 + np.cosh(at), rtol=1e-14)
    assert (p.loss.lower, p.loss.upper) == pytest.approx((-np.pi / 2, np.pi / 2))


def test_what_is_not_convex_is_refused():
    from dekderive.symbols import eta, y
    from dekderive.update_maps import convex_loss, penalty

    with pytest.raises(InvalidInput, match="not convex"):
        convex_loss("cauchy", sp.log(1 + (eta - y) ** 2), mean=eta)
    with pytest.raises(InvalidInput, match="not convex"):
        penalty(-(eta**2))
    with pytest.raises(InvalidInput, match="exceeds the bound"):
        penalty(eta**2, curvature_bound=sp.S.One)
    with pytest.raises(InvalidInput, match="not its second derivative"):
        penalty(eta**2, curvature=sp.S.One)


@pytest.mark.parametrize(
    ("name", "y", "bounded"),
    [
        ("poisson", 0.0, True),
        ("bernoulli", 1.0, True),
        ("binomial", 7.0, True),
        ("rademacher", -1.0, True),
        ("negative_binomial", 0.0, True),
        ("negative_binomial_log", 0.0, True),
        ("geometric", 0.0, True),
        ("tweedie_log", 0.0, True),
        ("probit", 0.0, True),
        ("gamma", 0.0, False),
        ("gamma_log", 0.0, False),
        ("exponential", 0.0, False),
        ("chi", 0.0, False),
        ("half_normal", 0.0, False),
        ("inverse_gaussian", 0.0, False),
        ("continuous_bernoulli", 1.0, False),
        ("continuous_bernoulli", 0.0, False),
        ("langevin", -1.0, False),
        ("truncated_normal", 0.0, False),
        ("von_mises", 0.0, False),
    ],
)
def test_at_the_end_of_the_support_the_loss_has_an_infimum_or_has_none(name, y, bounded):
    # a mass at the end has a likelihood of at most 1; a density has none
    best = float(pointwise(name).best(np.array(y)))
    assert np.isfinite(best) == bounded
    if bounded:
        assert best == pytest.approx(0.0, abs=1e-12)
