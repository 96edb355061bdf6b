"""Intervals of responses: distribution functions against independent ones, quantiles, and coverage in simulation."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.integrate import quad

from dekderive import losses
from dekderive.errors import InvalidInput, UnknownName
from dekderive.estimators import KernelGLM
from dekderive.estimators.glm_responses import response_quantiles
from dekderive.losses import bind

VALUES = {
    "binomial": {"trials": 9},
    "chi": {"degrees": 3},
    "gamma": {"shape": 2.5},
    "gamma_log": {"shape": 2.5},
    "inverse_gaussian": {"shape": 2},
    "negative_binomial": {"size": 3.5},
    "negative_binomial_log": {"size": 3.5},
    "tweedie_log": {"power": 1.4},
}
# Densities from the exponential family itself, exp(eta T(y) - A(eta)) h(y); h, and where y is.
CONTINUOUS = {
    "chi": (lambda y: y**2, (0, 60)),
    "continuous_bernoulli": (lambda y: 1.0, (0, 1)),
    "exponential": (lambda y: 1.0, (0, 60)),
    "gamma": (lambda y: y**1.5, (0, 60)),
    "gaussian": (lambda y: np.exp(-(y**2) / 2), (-12, 12)),
    "half_normal": (lambda y: 1.0, (0, 60)),
    "inverse_gaussian": (lambda y: y**-1.5 * np.exp(-1 / y) if y > 0 else 0.0, (0, 200)),
    "langevin": (lambda y: 1.0, (-1, 1)),
    "truncated_normal": (lambda y: np.exp(-(y**2) / 2), (0, 20)),
}
COUNTS = {
    "bernoulli": (lambda y: 1.0, range(2)),
    "binomial": (lambda y: stats.binom.pmf(y, 9, 0.5), range(10)),
    "geometric": (lambda y: 1.0, range(400)),
    "negative_binomial": (lambda y: stats.nbinom.pmf(y, 3.5, 0.5) * 2.0**y, range(400)),
    "poisson": (lambda y: stats.poisson.pmf(y, 1), range(100)),
    "rademacher": (lambda y: 1.0, (-1, 1)),
}


def pointwise(name):
    return bind(getattr(losses, name), VALUES.get(name))


@pytest.mark.parametrize("eta", [-1.7, -0.4, 0.8])
@pytest.mark.parametrize("name", CONTINUOUS)
def test_quantiles_invert_the_integral_of_the_density(name, eta):
    p = pointwise(name)
    eta = -abs(eta) if p.loss.upper == 0 else eta
    base, (low, high) = CONTINUOUS[name]

    def density(y):
        return base(y) * np.exp(eta * float(p.statistic(np.array(y))))

    total = quad(density, low, high, limit=400, epsabs=0, epsrel=1e-11)[0]
    levels = (0.05, 0.5, 0.99)
    for level, q in zip(levels, response_quantiles(p, np.array([eta]), np.zeros(1), levels), strict=True):
        assert quad(density, low, q[0], limit=400, epsabs=0, epsrel=1e-11)[0] / total == pytest.approx(level, abs=1e-7)


@pytest.mark.parametrize("eta", [-1.7, -0.4, 0.8])
@pytest.mark.parametrize("name", COUNTS)
def test_quantiles_of_counts_are_the_smallest_that_reach_a_level(name, eta):
    p = pointwise(name)
    eta = -abs(eta) if p.loss.upper == 0 else eta
    base, support = COUNTS[name]
    mass = np.array([base(y) * np.exp(eta * y) for y in support])
    cumulative = np.cumsum(mass) / mass.sum()
    levels = (0.025, 0.31, 0.5, 0.975)
    for level, q in zip(levels, response_quantiles(p, np.array([eta]), np.zeros(1), levels), strict=True):
        assert q[0] == list(support)[int(np.argmax(cumulative >= level))]


def test_tweedie_quantiles_are_those_of_a_simulated_compound_sum():
    p, rng, eta = pointwise("tweedie_log"), np.random.default_rng(0), 0.4
    mean = np.exp(eta)
    counts = rng.poisson(mean**0.6 / 0.6, 400_000)
    y = rng.gamma(np.maximum(counts, 1e-300) * (0.6 / 0.4), 0.4 * mean**0.4) * (counts > 0)
    assert y.mean() == pytest.approx(mean, rel=0.01)
    assert y.var() == pytest.approx(mean**1.4, rel=0.02)
    zero = float((counts == 0).mean())
    levels = (0.5 * zero, 0.5, 0.9, 0.99)
    found = [q[0] for q in response_quantiles(p, np.array([eta]), np.zeros(1), levels)]
    assert found[0] == 0.0
    assert_allclose([(y <= q).mean() for q in found[1:]], levels[1:], atol=0.003)


def test_an_uncertain_gaussian_predictor_widens_a_gaussian_interval():
    low, high = response_quantiles(bind(losses.gaussian), np.array([0.3]), np.array([2.0]), (0.1, 0.9))
    assert_allclose([low[0], high[0]], stats.norm.ppf([0.1, 0.9], 0.3, np.sqrt(5.0)), atol=1e-9)


def test_an_uncertain_log_mean_gives_a_mixture():
    p, rng = bind(losses.poisson), np.random.default_rng(1)
    draws = rng.poisson(np.exp(rng.normal(1.0, 0.7, 400_000)))
    for level in (0.03, 0.5, 0.97):
        q = response_quantiles(p, np.array([1.0]), np.array([0.7]), (level,))[0][0]
        assert (draws <= q).mean() >= level - 0.003
        assert (draws <= q - 1).mean() < level + 0.003


@pytest.mark.parametrize(
    ("family", "draw"),
    [
        ("poisson", lambda rng, f: rng.poisson(np.exp(f))),
        pytest.param("binomial(12)", lambda rng, f: rng.binomial(12, 1 / (1 + np.exp(-f))), marks=pytest.mark.slow),
        pytest.param("gamma_log(3)", lambda rng, f: rng.gamma(3.0, np.exp(f) / 3), marks=pytest.mark.slow),
        pytest.param(
            "negative_binomial_log(4)",
            lambda rng, f: rng.negative_binomial(4, 4 / (4 + np.exp(f))),
            marks=pytest.mark.slow,
        ),
        pytest.param("gaussian", lambda rng, f: f + rng.normal(size=f.shape), marks=pytest.mark.slow),
    ],
)
def test_intervals_cover_new_responses(family, draw):
    # predictors drawn from the prior of the model, so that the nominal coverage is the frequency over draws
    rng, hits, count, means = np.random.default_rng(5), 0, 0, 0
    x = np.linspace(0, 6, 70)[:, None]
    root = np.linalg.cholesky(np.exp(-0.5 * (x - x.T) ** 2) + 1e-9 * np.eye(70))
    for _ in range(25):
        f = root @ rng.normal(size=70)
        y, new = draw(rng, f), draw(rng, f)
        train = rng.permutation(70)[:40]
        model = KernelGLM(family, "rbf", gamma=0.5, regularisation=1.0).fit(x[train], y[train])
        low, high = model.predict_interval(x, 0.8, of="response")
        hits, count = hits + int(((new >= low) & (new <= high)).sum()), count + 70
        inner = model.predict_interval(x, 0.8)
        means += int(((new >= inner[0]) & (new <= inner[1])).sum())
    # counts are covered more often than asked for: an interval of them has atoms at its ends
    assert 0.77 <= hits / count <= (0.96 if family not in ("gaussian", "gamma_log(3)") else 0.84)
    assert means / count < 0.65


def test_what_has_no_interval_is_refused():
    x = np.linspace(0, 1, 8)[:, None]
    with pytest.raises(InvalidInput, match="no distribution of responses on the line"):
        KernelGLM("pseudo_huber").fit(x, x[:, 0]).predict_interval(x, of="response")
    with pytest.raises(UnknownName, match="known: mean, response"):
        KernelGLM().fit(x, x[:, 0]).predict_interval(x, of="median")
    with pytest.raises(InvalidInput, match="one target"):
        KernelGLM().fit(x, np.hstack([x, x])).predict_interval(x)
    gram = np.exp(-((x - x.T) ** 2))
    model = KernelGLM("poisson", "precomputed").fit(gram, np.arange(8))
    with pytest.raises(InvalidInput, match="pass it as `diagonal`"):
        model.predict_interval(gram)
    with pytest.raises(InvalidInput, match="far outside"):
        response_quantiles(bind(losses.gamma), np.array([40.0]), np.array([0.1]), (0.5,))
    other = KernelGLM("poisson", "rbf", gamma=1.0).fit(x, np.arange(8))
    assert_allclose(model.predict_interval(gram, diagonal=1.0), other.predict_interval(x), rtol=1e-9)
