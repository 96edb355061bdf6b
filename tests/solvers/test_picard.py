import numpy as np
import pytest

from dekderive.errors import InvalidInput, NotConverged
from dekderive.solvers import Status, anderson, picard

DOTTIE = 0.739085133215160641655312


@pytest.mark.parametrize("solver", [picard, anderson])
def test_finds_a_known_fixed_point(solver):
    found = solver(np.cos, np.array([0.3]))
    assert found.status is Status.CONVERGED
    assert abs(found.value[0] - DOTTIE) < 2e-15
    assert found.error_bound is None


def test_banach_bound_holds_and_is_not_wasteful():
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(30, 30))
    matrix *= 0.9 / np.abs(matrix).sum(axis=1).max()  # contracts the maximum norm by 0.9
    shift = rng.normal(size=30)
    exact = np.linalg.solve(np.eye(30) - matrix, shift)
    for tolerance in (1e-3, 1e-8):
        found = picard(lambda x: matrix @ x + shift, np.zeros(30), modulus=0.9, tolerance=tolerance)
        error = np.abs(found.value - exact).max()
        assert error <= found.error_bound <= tolerance * np.abs(exact).max() * 1.01
    # On the slowest map of that modulus the bound is attained.
    slow = picard(lambda x: 0.9 * x + 1, 0.0, modulus=0.9, tolerance=1e-6)
    assert abs(float(slow.value) - 10) == pytest.approx(slow.error_bound, rel=1e-6)


def test_without_a_modulus_a_small_step_is_no_small_error():
    found = picard(lambda x: 0.999 * x + 1, 0.0, tolerance=1e-6, max_steps=100_000)
    assert found.status is Status.CONVERGED
    assert abs(float(found.value) - 1000) > 0.5


@pytest.mark.parametrize("solver", [picard, anderson])
def test_failures_are_statuses(solver):
    diverged = solver(lambda x: np.exp(x) + 1, np.array([5.0]))
    assert diverged.status is not Status.CONVERGED
    assert not np.isfinite(diverged.value).all() or diverged.status is Status.MAX_STEPS
    with pytest.raises(NotConverged):
        diverged.raise_for_status()
    with pytest.raises(InvalidInput, match="shape"):
        solver(lambda x: np.zeros(3), np.zeros(2))


def test_a_two_cycle_runs_out_of_steps():
    found = picard(lambda x: -x, np.array([1.0, 2.0]), max_steps=50)
    assert found.status is Status.MAX_STEPS
    assert found.residual[1] == 4.0
    assert picard(lambda x: np.exp(x), np.array([[1.0, -1.0]])).status is Status.NON_FINITE


@pytest.mark.parametrize("modulus", [1.0, -0.1, float("nan")])
def test_a_modulus_of_one_is_refused(modulus):
    with pytest.raises(InvalidInput, match=r"\[0, 1\)"):
        picard(np.cos, 0.0, modulus=modulus)


@pytest.mark.parametrize("solver", [picard, anderson])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_independent_problems_do_not_disturb_each_other(solver, axis):
    rates = np.array([0.1, 0.5, 0.9])
    start = np.zeros((2, 3)) if axis == 0 else np.zeros((3, 2))
    scale = rates[None, :] if axis == 0 else rates[:, None]
    found = solver(lambda x: scale * np.cos(x), start, axis=axis)
    assert found.status is Status.CONVERGED
    for i, rate in enumerate(rates):
        alone = solver(lambda x, rate=rate: rate * np.cos(x), np.zeros(2))
        np.testing.assert_allclose(found.value[:, i] if axis == 0 else found.value[i], alone.value, rtol=1e-14)
    assert found.state["failed"].shape == (3,)


def test_float32_stays_float32():
    for solver in (picard, anderson):
        assert solver(np.cos, np.array([0.5], dtype=np.float32)).value.dtype == np.float32
