"""The equilibrium model of a kernel GLM: every solver, penalties, offsets, weights, and what is refused."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from dekderive import losses
from dekderive.errors import InvalidInput, NotConverged, UnknownName
from dekderive.initialisers import kglm_filters, kglm_weights
from dekderive.initialisers.convolution import squared_exponential_filter
from dekderive.losses import bind
from dekderive.solvers.kglm import solve_kglm
from dekderive.solvers.solution import Status


def kernel(a, b):
    return np.exp(-0.5 * (a[:, None] - b) ** 2 / 0.6**2)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(5)
    x = rng.uniform(-2, 2, 30)
    x[:5] = x[5:10]  # a singular kernel matrix
    return x, np.linspace(-3, 3, 11), rng


def targets(name, rng):
    return {
        "bernoulli": rng.integers(0, 2, 30),
        "rademacher": rng.choice([-1, 1], 30),
        "poisson": rng.poisson(2, 30),
        "gaussian": rng.normal(size=30),
        "half_normal": np.abs(rng.normal(size=30)),
    }[name].astype(float)


@pytest.mark.parametrize("penalty", [None, losses.logistic_penalty, losses.gaussian_penalty])
@pytest.mark.parametrize("name", ["bernoulli", "rademacher", "poisson", "gaussian"])
def test_the_forward_pass_is_the_kernel_glm(data, name, penalty):
    x, new, rng = data
    y, p, lam = targets(name, rng), bind(getattr(losses, name), None, penalty), 0.7
    m, m_new = 0.3 * np.sin(x), 0.3 * np.sin(new)
    w = rng.uniform(0.2, 2, 30)
    fit = solve_kglm(kernel(x, x), y, p, lam, weights=w, offset=m)
    layer = kglm_weights(p, kernel(x, x), kernel(new, x), regularisation=lam, weights=w, offset=m, readout_offset=m_new)
    wanted = kernel(new, x) @ fit.alpha + m_new
    assert_allclose(layer(y), wanted, atol=1e-10 * (1 + np.abs(wanted).max()))
    z = layer.embed(y)
    assert_allclose(z, p.mean(fit.f + m), atol=1e-10 * (1 + np.abs(z).max()))
    # equation (7) itself, in the means
    inner = layer.W1 @ z + layer.W2 @ layer.statistic(y) + layer.W3 @ layer.penalty_activation(z) + layer.bias
    assert_allclose(layer.activation(inner), z, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("solver", ["picard", "damped", "anderson", "newton"])
def test_any_solver_finds_the_same_equilibrium(data, solver):
    x, _, rng = data
    y = rng.choice([-1.0, 1.0], size=(30, 4))
    gram = kernel(x, x)
    lam = np.linalg.norm(gram, 2) / 0.9
    fit = solve_kglm(gram, y, bind(losses.rademacher), lam)
    layer = kglm_weights(losses.rademacher, gram, regularisation=lam)
    assert_allclose(layer(y, solver=solver), fit.f, atol=1e-11)


def test_without_a_contraction_picard_says_so_and_newton_works(data):
    x, _, rng = data
    y, gram = rng.choice([-1.0, 1.0], 30), kernel(x, x)
    layer = kglm_weights(losses.rademacher, gram, regularisation=np.linalg.norm(gram, 2) / 60)
    with pytest.raises(NotConverged):
        layer(y, solver="picard")
    fit = solve_kglm(gram, y, bind(losses.rademacher), np.linalg.norm(gram, 2) / 60)
    assert_allclose(layer(y), fit.f, atol=1e-9)


def test_statistics_other_than_the_datum(data):
    x, _, rng = data
    y, p = targets("half_normal", rng), bind(losses.half_normal)
    fit = solve_kglm(kernel(x, x), y, p, 5.0, offset=-0.5)
    layer = kglm_weights(p, kernel(x, x), regularisation=5.0, offset=-0.5)
    assert_allclose(layer(y), fit.f - 0.5, atol=1e-10)


def test_what_is_no_equilibrium_layer_is_refused():
    with pytest.raises(InvalidInput, match="no canonical link"):
        kglm_weights(losses.probit, np.eye(2), regularisation=1.0)
    with pytest.raises(InvalidInput, match="positive number"):
        kglm_weights(losses.bernoulli, np.eye(2), regularisation=0.0)
    with pytest.raises(InvalidInput, match="as many columns"):
        kglm_weights(losses.bernoulli, np.eye(2), np.eye(3), regularisation=1.0)
    with pytest.raises(UnknownName, match="known: newton"):
        kglm_weights(losses.bernoulli, np.eye(2), regularisation=1.0)([0.0, 1.0], solver="broyden")


def test_a_convolutional_layer_is_the_kernel_glm_of_the_pixels():
    rng = np.random.default_rng(2)
    filters, shape = squared_exponential_filter(2, 2.0), (7, 6)
    layer = kglm_filters(losses.bernoulli, filters, shape, regularisation=3.0, offset=0.2)
    y = rng.integers(0, 2, 42) * 1.0
    one = squared_exponential_filter((2, 0), 2.0)[:, 0]
    grams = [
        np.array([[one[i - j + 2] if abs(i - j) <= 2 else 0.0 for j in range(n)] for i in range(n)]) for n in shape
    ]
    fit = solve_kglm(tuple(grams), y, bind(losses.bernoulli), 3.0, offset=0.2)
    assert_allclose(layer.dense()(y), fit.f + 0.2, atol=1e-11)
    assert layer.norm_bound >= np.linalg.norm(np.kron(*grams), 2) / 3.0
    assert layer.lipschitz_bound == pytest.approx(layer.norm_bound / 4)


def test_the_box_is_refused_where_no_map_exists():
    box = squared_exponential_filter(3, 4.0, taper_name="box_indefinite")
    with pytest.raises(InvalidInput, match="no MAP exists"):
        kglm_filters(losses.bernoulli, box, (12, 12), regularisation=1.0)
    with pytest.raises(InvalidInput, match="no MAP exists"):
        kglm_filters(losses.gaussian, box, (12, 12), regularisation=1.0)
    # for the Gaussian a minimum exists as soon as lambda is below every |negative eigenvalue|
    three = np.ones((1, 3))
    assert kglm_filters(losses.gaussian, three, (1, 3), regularisation=0.4).C2.shape == (1, 1, 1, 3)
    with pytest.raises(InvalidInput, match="no MAP exists"):
        kglm_filters(losses.gaussian, three, (1, 3), regularisation=0.42)


@pytest.mark.parametrize("penalty", [None, losses.logistic_penalty])
def test_columns_are_solved_together_as_they_are_alone(penalty):
    rng = np.random.default_rng(3)
    x = np.linspace(-2, 2, 9)
    p = bind(losses.bernoulli, None, penalty)
    layer = kglm_weights(p, np.exp(-0.5 * (x[:, None] - x) ** 2), regularisation=0.02, offset=0.3)
    y = (rng.uniform(size=(9, 40)) < 0.5) * 1.0
    y[:, 3] = 0.0  # done sooner than others
    together = layer.preactivation(y)
    assert together.status is Status.CONVERGED
    assert together.value.shape == (9, 40)
    for j in (0, 3, 39):
        alone = layer.preactivation(y[:, j])
        assert_allclose(together.value[:, j], alone.value, atol=1e-12 * (1 + np.abs(alone.value).max()))
    assert not together.state["failed"].any()
