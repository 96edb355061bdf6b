"""Simulated SGD features against the DEKer update: which mean multiplies which expectation is decided by the process.

Two assertions everywhere: the update is within 5 standard errors of the simulation, and the update with the two means
exchanged (mean_x on E[sigma(u) rho(v)]) is rejected by more than 20 standard errors where the norms differ.
"""

from importlib import import_module

import numpy as np
import pytest

SETTINGS = ("gaussian_relu", "poisson_log_softplus", "bernoulli_identity")
RATIOS = (0.0, 0.5)  # limits of d / m
UNEQUAL = [1, 2]  # entries (0, 1) and (0, 2) of the upper triangle: the norms differ most
REPLICATES, OBSERVATIONS = 24, 60_000


def width(ratio, observations):
    return 1e12 if ratio == 0 else observations / ratio


def package_step(name, setting, gram, *, swapped=False):
    """One step of the generated kernel, on every pair of inputs."""
    kernel = getattr(import_module("dekderive.kernels"), f"deker_{name}")
    n = len(gram)
    i, j = np.triu_indices(n, 1)
    variance, second, mean = np.diag(gram), setting.second_moment, setting.mean
    shared = {"regularisation": setting.regularisation}
    result = np.diag(kernel.diagonal_step.at({"kxx": variance, "cxx": np.diag(second), "mean_x": mean} | shared))
    pair = {"kxx": variance[i], "kyy": variance[j], "kxy": gram[i, j], "cxy": second[i, j]}
    means = {"mean_x": mean[j], "mean_y": mean[i]} if swapped else {"mean_x": mean[i], "mean_y": mean[j]}
    result = result.astype(float)
    result[i, j] = result[j, i] = kernel.step.at(pair | means | shared)
    return result


def drift_term(simulation, setting, gram, ratio):
    beta = simulation.drift(setting, gram)
    return ratio * np.outer(beta, beta) * gram


@pytest.fixture(scope="module", params=[(name, ratio) for name in SETTINGS for ratio in RATIOS], ids=str)
def sampled(request, simulation):
    """A setting, d / m, and replicates of the Gram matrix after one step."""
    name, ratio = request.param
    setting = getattr(simulation, name)()
    rng = np.random.default_rng(20230611)
    draws = [
        simulation.exact_step(rng, setting, setting.gram, setting.draw(rng, OBSERVATIONS), width(ratio, OBSERVATIONS))
        for _ in range(REPLICATES)
    ]
    return name, setting, ratio, np.array(draws)


def test_one_step_agrees_with_the_generated_update(sampled, simulation):
    name, setting, ratio, draws = sampled
    predicted = package_step(name, setting, setting.gram) + drift_term(simulation, setting, setting.gram, ratio)
    z = simulation.z_scores(draws, predicted)
    assert np.abs(z).max() < 5, z


def test_one_step_rejects_the_exchanged_means(sampled, simulation):
    name, setting, ratio, draws = sampled
    drift = drift_term(simulation, setting, setting.gram, ratio)
    z = simulation.z_scores(draws, package_step(name, setting, setting.gram, swapped=True) + drift)
    if name == "bernoulli_identity":  # E[rho(u) sigma(v)] = 1/2 whatever u and v: the exchange cannot be seen,
        assert np.abs(z).max() < 5, z
        without = simulation.predicted_step(setting, setting.gram, means=False)
        assert np.abs(simulation.z_scores(draws, without + drift)).min() > 20  # but leaving the means out can
    else:
        assert np.abs(z[UNEQUAL]).min() > 20, z


def test_one_step_needs_the_drift_term_unless_the_features_are_much_wider(sampled, simulation):
    """The recursion is a statement about m >> d: at d / m = 1/2 it is off by the drift inside the span."""
    name, setting, ratio, draws = sampled
    z = simulation.z_scores(draws, package_step(name, setting, setting.gram))
    assert (np.abs(z).max() > 20) == (ratio > 0), z


@pytest.mark.parametrize("name", SETTINGS)
def test_generated_update_agrees_with_quadrature(name, simulation):
    setting = getattr(simulation, name)()
    for swapped in (False, True):
        expected = simulation.predicted_step(setting, setting.gram, swapped=swapped)
        computed = package_step(name, setting, setting.gram, swapped=swapped)
        assert np.abs(computed - expected).max() < 1e-12 * np.abs(expected).max()


def test_many_steps_reach_the_fixed_point_with_its_nugget(simulation):
    """14 steps from a common start, at four points two of which nearly coincide (angle 0.02).

    A continuous kernel would give the last two a correlation above 0.999; the process gives 0.65.
    """
    from dekderive.kernels import deker_gaussian_relu
    from dekderive.solvers import solve

    angles, norms = np.array([0.0, np.pi / 3, 0.0, 0.02]), np.array([0.5, 5.0, 5.0, 5.0])
    points = norms[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])
    second, mean = simulation.relu_feature_moments(points)
    setting = simulation.gaussian_relu()._replace(second_moment=second, mean=mean)
    rng = np.random.default_rng(8)
    finals = []
    for _ in range(20):
        statistics = simulation.relu(rng.standard_normal((40_000, 2)) @ points.T)
        gram = np.eye(4) + 0.3
        for _ in range(14):
            gram = simulation.exact_step(rng, setting, gram, statistics, 1e12)
        finals.append(gram)
    i, j = np.triu_indices(4)
    inputs = {
        "cxx": np.diag(second)[i],
        "cyy": np.diag(second)[j],
        "cxy": second[i, j],
        "mean_x": mean[i],
        "mean_y": mean[j],
    }
    solution = solve(deker_gaussian_relu, inputs, regularisation=1.0)
    limit = np.zeros((4, 4))
    limit[i, j] = np.where(i == j, solution.state["kxx"], solution.value)
    z = simulation.z_scores(np.array(finals), limit)
    assert np.abs(z).max() < 5, z
    last = np.mean(finals, axis=0)
    assert last[2, 3] / np.sqrt(last[2, 2] * last[3, 3]) == pytest.approx(0.6496, abs=0.01)


@pytest.mark.slow
def test_literal_sgd(simulation):
    """The gradient steps themselves, V of 1000 x 32000 Gaussians drawn afresh at each: d / m = 1/32."""
    observations, features, steps, settled, replicates = 1000, 32_000, 12, 2, 9
    rng = np.random.default_rng(11)
    setting = simulation.gaussian_relu()
    statistics = setting.draw(rng, observations)
    setting = setting._replace(second_moment=statistics.T @ statistics / observations, mean=statistics.mean(axis=0))
    start = np.eye(3) + 0.3

    def following(gram, **kwargs):
        drift = drift_term(simulation, setting, gram, observations / features)
        return package_step("gaussian_relu", setting, gram, **kwargs) + drift

    runs = []
    for _ in range(replicates):
        psi = rng.standard_normal((features, 3)) / np.sqrt(features) @ np.linalg.cholesky(start).T
        grams = [psi.T @ psi]
        for _ in range(steps):
            psi = simulation.literal_step(rng, setting, psi, statistics)
            grams.append(psi.T @ psi)
        runs.append(grams)

    # Given the last iterate, the deviation from the update has mean zero: one replicate per step.
    for kwargs, accepted in (({}, True), ({"swapped": True}, False)):
        deviations = [run[t + 1] - following(run[t], **kwargs) for run in runs for t in range(settled, steps)]
        z = simulation.z_scores(np.array(deviations), 0.0)
        assert np.abs(z).max() < 5 if accepted else np.abs(z[UNEQUAL]).min() > 20, z

    # And the late iterates have the fixed point as their mean: one replicate per run.
    late = np.array(runs)[:, 8:].mean(axis=1)
    for kwargs, accepted in (({}, True), ({"swapped": True}, False)):
        gram = start
        for _ in range(60):
            gram = following(gram, **kwargs)
        z = simulation.z_scores(late, gram)
        assert np.abs(z).max() < 5 if accepted else np.abs(z[UNEQUAL]).min() > 20, z
