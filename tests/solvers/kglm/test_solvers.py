"""Solvers of kernel GLMs: hard cases, batches, grids, statuses and refusals."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from dekderive import losses
from dekderive.errors import InvalidInput, NotConverged, UnknownName
from dekderive.losses import bind
from dekderive.solvers.kglm import solve_kglm
from dekderive.solvers.kglm.matrices import as_matrix
from dekderive.solvers.solution import Status


def squared_exponential(rows, scale):
    return np.exp(-0.5 * ((rows[:, None] - rows) ** 2).sum(-1) / scale**2)


@pytest.fixture(scope="module")
def line():
    rng = np.random.default_rng(3)
    rows = rng.uniform(-2, 2, size=(120, 1))
    rows[:20] = rows[20:40]
    gram = squared_exponential(rows, 0.4)
    return gram, np.linalg.norm(gram, 2), rng


@pytest.mark.parametrize("lipschitz", [0.3, 10, 1e3, 1e4])
@pytest.mark.parametrize("name", ["bernoulli", "rademacher"])
def test_newton_needs_few_steps_at_any_regularisation(line, name, lipschitz):
    gram, norm, rng = line
    y = rng.choice([0.0, 1.0] if name == "bernoulli" else [-1.0, 1.0], 120)
    p = bind(getattr(losses, name))
    fit = solve_kglm(gram, y, p, norm * float(p.curvature_bound(0.0)) / lipschitz, solver="newton")
    assert fit.converged
    assert fit.iterations <= 10
    assert fit.lipschitz == pytest.approx(lipschitz, rel=1e-5)


def test_saturated_means_do_not_harm_the_predictor():
    # z rounds to 1, whose logit is infinite; f does not
    fit = solve_kglm(np.eye(2) * 1e3, [1.0, 0.0], bind(losses.bernoulli), 1e-17)
    z = 1 / (1 + np.exp(-fit.f))
    assert fit.converged
    assert z[0] == 1.0
    assert 30 < fit.f[0] < 60
    assert_allclose(fit.f, [fit.f[0], -fit.f[0]], rtol=1e-9)


def test_plain_iteration_is_a_cycle_where_it_is_no_contraction(line):
    gram, norm, rng = line
    y = rng.choice([-1.0, 1.0], 120)
    fit = solve_kglm(gram, y, bind(losses.rademacher), norm / 50, solver="picard", max_iterations=400)
    assert fit.status is Status.MAX_STEPS
    with pytest.raises(NotConverged, match=r"picard: residual .* Lipschitz constant 50"):
        fit.raise_for_status()
    assert solve_kglm(gram, y, bind(losses.rademacher), norm / 50, solver="damped").converged


@pytest.mark.parametrize("lipschitz", [0.2, 2.0, 15.0, 400.0])
def test_a_grid_is_its_kronecker_product(lipschitz):
    rng = np.random.default_rng(1)
    one, two = (squared_exponential(np.arange(k, dtype=float)[:, None], 1.5) for k in (7, 5))
    targets = (rng.uniform(size=(35, 80)) < 0.4) * 1.0
    p = bind(losses.bernoulli)
    gram = np.kron(one, two)
    lam = np.linalg.norm(gram, 2) * 0.25 / lipschitz
    grid = solve_kglm((one, two), targets, p, lam)
    assert grid.converged
    assert grid.f.shape == (35, 80)
    scale = (1 + lipschitz) * (1 + np.abs(grid.f).max())
    for k in (0, 41, 79):
        each = solve_kglm(gram, targets[:, k], p, lam, solver="newton")
        assert np.abs(grid.f[:, k] - each.f).max() <= 1e-11 * scale
        assert grid.residual[k] <= 1e-12 * scale


@pytest.mark.parametrize("solver", ["mm", "anderson", "newton_pcg"])
def test_threads_change_nothing(solver):
    one = squared_exponential(np.arange(6.0)[:, None], 1.5)
    targets = (np.random.default_rng(1).uniform(size=(36, 150)) < 0.4) * 1.0
    fits = [solve_kglm((one, one), targets, bind(losses.bernoulli), 0.3, solver=solver, workers=k) for k in (1, 3)]
    assert (fits[0].f == fits[1].f).all()
    assert fits[0].iterations == fits[1].iterations


@pytest.mark.parametrize("solver", ["newton", "newton_pcg"])
def test_unbounded_curvature_in_batches(line, solver):
    gram, norm, rng = line
    y = rng.poisson(3.0, size=(120, 6)) * 1.0
    fit = solve_kglm(gram, y, bind(losses.poisson), norm / 300, solver=solver)
    assert fit.converged
    assert (fit.error_bound < 1e-6).all()
    other = solve_kglm(gram, y[:, 2], bind(losses.poisson), norm / 300)
    assert_allclose(fit.f[:, 2], other.f, atol=1e-9 * (1 + np.abs(other.f).max()))
    assert fit.lipschitz == np.inf


def test_a_domain_with_an_end_is_never_left(line):
    gram, norm, rng = line
    y = rng.gamma(2.0, 1.5, size=120)
    p = bind(losses.gamma, {"shape": 2.0})
    fit = solve_kglm(gram, y, p, norm / 20, offset=float(p.link(y.mean())))
    eta = fit.f + float(p.link(y.mean()))
    assert fit.converged
    assert (eta < 0).all()
    assert_allclose(fit.f, -gram @ (-2.0 / eta - y) / (norm / 20), atol=1e-9)
    with pytest.raises(InvalidInput, match=r"must stay in \(-inf, 0\)"):
        solve_kglm(gram, y, p, 1.0)


def test_weights_are_copies(line):
    gram, norm, rng = line
    y = rng.integers(0, 2, 120) * 1.0
    w = rng.integers(0, 4, 120)
    copies = np.repeat(np.arange(120), w)
    p = bind(losses.bernoulli)
    weighted = solve_kglm(gram, y, p, norm / 40, weights=w)
    repeated = solve_kglm(gram[np.ix_(copies, copies)], y[copies], p, norm / 40)
    assert_allclose(weighted.f[copies], repeated.f, atol=1e-9)
    assert (weighted.alpha[w == 0] == 0).all()


def test_an_indefinite_matrix_is_noticed():
    box = (np.abs(np.subtract.outer(np.arange(9), np.arange(9))) <= 1) * 1.0
    with pytest.raises(InvalidInput, match="positive semi-definite"):
        solve_kglm(box, np.tile([1.0, 0, 0], 3), bind(losses.bernoulli), 1e-3)


def test_the_norm_and_its_bound():
    rng = np.random.default_rng(0)
    for gram in (squared_exponential(rng.normal(size=(200, 2)), 1.0), np.cov(rng.normal(size=(150, 400)))):
        matrix = as_matrix(gram)
        exact = np.linalg.norm(gram, 2)
        assert matrix.norm == pytest.approx(exact, rel=1e-6)
        assert matrix.norm_bound >= exact
    assert as_matrix(squared_exponential(rng.normal(size=(200, 2)), 1.0)).norm_bound == pytest.approx(
        as_matrix(squared_exponential(np.random.default_rng(0).normal(size=(200, 2)), 1.0)).norm, rel=0.5
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gram": np.ones((3, 2))}, "must be square"),
        ({"gram": np.triu(np.ones((3, 3)))}, "not symmetric"),
        ({"gram": np.full((3, 3), np.nan)}, "not finite"),
        ({"targets": [0.0, 1.0]}, "must have 3 rows"),
        ({"targets": [0.0, 1.0, np.inf]}, "need not be a MAP"),
        ({"targets": [0.0, 1.0, np.nan]}, "need not be a MAP"),
        ({"regularisation": 0.0}, "positive number"),
        ({"regularisation": np.nan}, "positive number"),
        ({"weights": [1.0, -1.0, 1.0]}, "not negative"),
        ({"offset": [1.0, 2.0]}, "offset must be a number"),
        ({"start": [1.0, 2.0]}, "shape of the targets"),
    ],
)
def test_wrong_input_is_refused(change, message):
    arguments = {"gram": np.eye(3), "targets": [0.0, 1.0, 1.0], "regularisation": 1.0} | change
    gram, targets, lam = (arguments.pop(k) for k in ("gram", "targets", "regularisation"))
    with pytest.raises(InvalidInput, match=message):
        solve_kglm(gram, targets, bind(losses.bernoulli), lam, **arguments)


# For each family with a canonical link a response, outside of the support of the statistic where there is one.
OUTSIDE = {
    "bernoulli": -0.7,
    "binomial": 11.0,
    "chi": -1.3,
    "continuous_bernoulli": 1.6,
    "exponential": -0.9,
    "gamma": -0.9,
    "gaussian": 3.0,
    "geometric": -2.0,
    "half_normal": -1.0,
    "inverse_gaussian": -0.5,
    "langevin": 1.7,
    "negative_binomial": -3.0,
    "poisson": -1.5,
    "rademacher": -2.5,
    "truncated_normal": -0.8,
    "von_mises": 1.4,
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_every_number_is_a_response_of_a_canonical_link(name):
    # also at the ends of the support, and where the statistic (y^2, cos y) has no number outside of it
    p = bind(getattr(losses, name))
    lam, start = 0.3, 0.0 if p.loss.upper > 0 else -1.0
    for y in (OUTSIDE[name], *(end for end in p.support() if np.isfinite(end))):
        fit = solve_kglm([[1.0]], [y], p, lam, offset=start)
        assert fit.converged
        f, top = fit.f[0], p.loss.upper - start
        below, above = (
            f - 1e-6 * (1 + abs(f)),
            min(f + 1e-6 * (1 + abs(f)), 0.5 * (f + top) if top < np.inf else np.inf),
        )
        ends = np.array([below, above])
        # K = 1, so that alpha = f: the slope of the objective changes its sign at the fit
        assert_allclose(np.sign(p.mean(ends + start) - p.statistic(y) + lam * ends), [-1, 1])


@pytest.mark.parametrize(
    ("name", "edge", "beyond"),
    [
        ("gamma_log", 0.0, -1e-9),
        ("tweedie_log", 0.0, -1e-9),
        ("negative_binomial_log", 0.0, -1e-9),
        ("probit", 0.0, -1e-9),
        ("probit", 1.0, 1 + 1e-9),
    ],
)
def test_other_links_have_the_responses_for_which_their_loss_is_convex(name, edge, beyond):
    p = bind(getattr(losses, name))
    fit = solve_kglm(np.eye(2), [edge, 0.5], p, 0.5)
    assert fit.converged
    with pytest.raises(InvalidInput, match="need not be a MAP"):
        solve_kglm(np.eye(2), [beyond, 0.5], p, 0.5)


def test_outside_of_the_support_of_another_link_there_is_no_map():
    # exp(-eta) with a negative factor falls faster than any square rises
    p, eta = bind(losses.gamma_log), -np.array([1.0, 10.0, 100.0])
    assert (np.diff(p.value(eta, -0.1) + 0.5 * eta**2) < 0).any()
    assert p.value(eta, -0.1)[-1] + 0.5 * 1e4 < -1e30


def test_solvers_that_cannot_work_say_so():
    with pytest.raises(UnknownName, match="known: auto"):
        solve_kglm(np.eye(2), [0.0, 1.0], bind(losses.bernoulli), 1.0, solver="cobyla")
    with pytest.raises(InvalidInput, match="bounded curvature"):
        solve_kglm(np.eye(2), [0.0, 1.0], bind(losses.poisson), 1.0, solver="mm")
    with pytest.raises(InvalidInput, match="Kronecker"):
        solve_kglm((np.eye(2), np.eye(1)), [0.0, 1.0], bind(losses.bernoulli), 1.0, solver="newton")
