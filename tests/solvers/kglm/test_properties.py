"""Theorem 3 and its corrections as properties of random kernel GLMs."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import minimize

from dekderive import losses
from dekderive.losses import bind
from dekderive.solvers.kglm import Certificate, solve_kglm
from dekderive.solvers.kglm.problem import make_problem

spec = importlib.util.spec_from_file_location("kglm_instances", Path(__file__).parent / "instances.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
instances, solve = module.instances, module.solve

CANONICAL = ("gaussian", "bernoulli", "poisson", "binomial", "rademacher")
EVERY = (*CANONICAL, "probit", "pseudo_huber", "gamma_log", "tweedie_log", "negative_binomial_log")
BOUNDED = ("gaussian", "bernoulli", "binomial", "rademacher", "probit", "pseudo_huber")
quick = settings(max_examples=60, deadline=None, derandomize=True)


@given(instances(EVERY))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_newton_solves_the_equation(problem):
    # f = -K l'(f) / lambda, evaluated here and not by the solver
    fit = solve(problem, solver="newton")
    assert fit.converged
    gram = problem.matrix.entries
    image = -gram @ problem.pointwise.slope(fit.f, problem.targets[0]) / problem.regularisation
    lipschitz = np.linalg.norm(gram, 2) / problem.regularisation * problem.curvature(fit.f[None]).max()
    assert np.abs(fit.f - image).max() <= 1e-12 * (1 + lipschitz) * (1 + np.abs(fit.f).max())


@given(instances(CANONICAL))
@quick
def test_the_means_are_a_fixed_point_of_the_equilibrium_layer(problem):
    # equation (7), in z, wherever the means are inside their range by 1e-6 (on Poisson means, relative)
    fit = solve(problem)
    p, lam, gram = problem.pointwise, problem.regularisation, problem.matrix.entries
    z = p.mean(fit.f)
    low, high = p.support()
    if np.min(np.minimum(z - low, high - z)) < 1e-6:
        return
    rho = p.penalty_slope(p.link(z))
    following = p.mean(gram @ (problem.targets[0] - z - rho) / lam)
    assert_allclose(
        following,
        z,
        atol=1e-10 * (1 + fit.lipschitz if np.isfinite(fit.lipschitz) else 1e4),
        rtol=1e-10 * (1 + np.abs(fit.f).max()) * (1 + problem.local_lipschitz(fit.f[None])[0]),
    )


@given(instances(CANONICAL), st.integers(0, 10**6))
@quick
def test_the_prediction_identity_holds_also_for_singular_kernels(problem, seed):
    # (8): K~ alpha from V1 (z + rho(z)) + V2 T(Y), at inputs off the training set; no assumption on K
    fit = solve(problem)
    p, lam = problem.pointwise, problem.regularisation
    cross = np.random.default_rng(seed).normal(size=(4, problem.matrix.size))
    z = p.mean(fit.f)
    readout = -cross / lam @ (z + p.penalty_slope(fit.f)) + cross / lam @ problem.targets[0]
    assert_allclose(cross @ fit.alpha, readout, atol=1e-10 * (1 + 1 / lam) * (1 + np.abs(fit.f).max()))


def test_null_vectors_change_neither_the_objective_nor_predictions():
    x = np.array([-1.0, 0.2, 0.2, 0.9])
    kernel = lambda a, b: np.exp(-0.5 * (a[:, None] - b) ** 2)  # noqa: E731
    gram, y = kernel(x, x), np.array([0.0, 1.0, 0.0, 1.0])
    fit = solve_kglm(gram, y, bind(losses.bernoulli), 0.1)
    problem = make_problem(gram, y, bind(losses.bernoulli), 0.1)
    moved = fit.alpha + 3 * np.array([0, 1, -1, 0])
    new = kernel(np.linspace(-2, 2, 7), x)
    assert_allclose(new @ moved, new @ fit.alpha, atol=1e-12)
    one, two = (problem.objective((gram @ a)[None], a[None])[0] for a in (fit.alpha, moved))
    assert one == pytest.approx(two, abs=1e-12)
    # the coefficients that are returned are those of the representer theorem, which (8) is about
    assert_allclose(fit.alpha, (y - 1 / (1 + np.exp(-fit.f))) / 0.1, atol=1e-12)


@given(instances(EVERY, top=2.0), st.integers(0, 10**6))
@quick
def test_the_solution_does_not_depend_on_the_start(problem, seed):
    fit = solve(problem)
    starts = np.random.default_rng(seed).normal(size=(5, problem.matrix.size))
    found = [solve(problem, start=s).f for s in starts]
    assert np.abs(np.array(found) - fit.f).max() <= 1e-8 * (1 + np.abs(fit.f).max())


@given(instances(BOUNDED, top=-0.03))
@quick
def test_contractions_have_one_answer_by_every_method(problem):
    bound = problem.lipschitz_bound
    solvers = ["newton", "damped", "mm", "anderson", "newton_pcg"] + (["picard"] if bound < 0.95 else [])
    found = {name: solve(problem, solver=name) for name in solvers}
    for name, fit in found.items():
        assert fit.converged, name
        assert np.abs(fit.f - found["newton"].f).max() <= 1e-10 * (1 + np.abs(fit.f).max()), name
    assert (found["newton"].certificate is Certificate.CONTRACTION) == (bound < 1)


@given(instances(BOUNDED, top=2.0))
@quick
def test_damped_steps_contract_in_the_norm_of_the_inverse_kernel(problem):
    gram = problem.matrix.entries + 1e-6 * np.eye(problem.matrix.size)
    regular = make_problem(gram, problem.targets[0], problem.pointwise, problem.regularisation)
    lipschitz = np.linalg.norm(gram, 2) / problem.regularisation * regular.curvature_bound
    exact = solve(regular, solver="newton").f
    beta, f = 2 / (2 + lipschitz), np.zeros_like(exact)
    inverse = np.linalg.inv(gram)
    previous = None
    for _ in range(8):
        error = f - exact
        size = np.sqrt(max(error @ inverse @ error, 0))
        if previous is not None and previous > 1e-4:
            assert size / previous <= lipschitz / (2 + lipschitz) + 1e-5
        previous, f = size, f + beta * (regular.image(f[None])[0] - f)


@given(instances(EVERY, top=3.0), st.integers(0, 10**6), st.floats(-9, -1))
@quick
def test_the_error_bound_bounds_the_error(problem, seed, size):
    # at any f, and not only at the end of an iteration
    best = solve(problem, solver="newton")
    assert best.error_bound < 1e-6 * (1 + np.abs(best.f).max()) * (1 + problem.local_lipschitz(best.f[None])[0])
    rough = best.f + 10**size * np.random.default_rng(seed).normal(size=len(best.f))
    bound = problem.error_bound(rough[None])[0]
    assert np.linalg.norm(rough - best.f) <= bound + best.error_bound


@given(instances(("bernoulli", "poisson", "gaussian", "rademacher"), top=1.5), st.floats(2, 5))
@quick
def test_an_offset_stands_outside_of_the_factor(problem, regularisation):
    # Appendix H as corrected: u = K (T - g(u)) / lambda + M; the printed form has M / lambda.
    rng = np.random.default_rng(problem.matrix.size)
    m = rng.uniform(0.2, 1.0, problem.matrix.size)
    gram, y, p = problem.matrix.entries, problem.targets[0], problem.pointwise
    fit = solve_kglm(gram, y, p, regularisation, offset=m)
    u = fit.f + m
    w = -p.slope(u, y)
    assert np.abs(gram @ w / regularisation + m - u).max() <= 1e-11 * (1 + np.abs(u).max())
    assert np.abs((gram @ w + m) / regularisation - u).max() > 1e-3


@given(instances(EVERY), st.sampled_from([1e-3, 7.0, 1e4]))
@quick
def test_scaling_the_kernel_with_lambda_changes_nothing(problem, factor):
    one = solve(problem, solver="newton")
    gram, lam = factor * problem.matrix.entries, factor * problem.regularisation
    two = solve_kglm(gram, problem.targets[0], problem.pointwise, lam, solver="newton")
    scale = (1 + problem.local_lipschitz(one.f[None])[0]) * (1 + np.abs(one.f).max())
    assert np.abs(one.f - two.f).max() <= 1e-12 * scale


@given(instances(EVERY, penalties=("none",), top=2.0))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_the_solution_minimises_the_primal_objective(problem):
    # an optimiser that knows nothing of the equation, in the coordinates of an eigenbasis of K
    values, vectors = np.linalg.eigh(problem.matrix.entries)
    keep = values > 1e-10 * values[-1]
    root = vectors[:, keep] * np.sqrt(values[keep])
    y, p, lam = problem.targets[0], problem.pointwise, problem.regularisation

    def objective(v):
        return p.value(root @ v, y).sum() + lam / 2 * v @ v, root.T @ p.slope(root @ v, y) + lam * v

    found = minimize(
        objective,
        np.zeros(root.shape[1]),
        jac=True,
        method="L-BFGS-B",
        options={"ftol": 1e-15, "gtol": 1e-11, "maxiter": 5000},
    )
    fit = solve(problem)
    at_fit = p.value(fit.f, y).sum() + lam / 2 * fit.alpha @ fit.f
    assert at_fit <= found.fun + 1e-9 * (1 + abs(found.fun))
    assert np.abs(root @ found.x - fit.f).max() < 1e-3 * (1 + np.abs(fit.f).max())


@pytest.mark.slow
@given(instances(EVERY, top=4.0))
@settings(max_examples=1000, deadline=None, derandomize=True)
def test_newton_solves_many_equations(problem):
    fit = solve(problem, solver="newton")
    scale = (1 + problem.local_lipschitz(fit.f[None])[0]) * (1 + np.abs(fit.f).max())
    assert fit.converged
    assert fit.residual <= 1e-12 * scale
