import numpy as np
import pytest

from dekderive.errors import InvalidInput
from dekderive.solvers import Status, anderson, picard


def test_a_linear_problem_is_solved_as_by_elimination():
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(4, 4))
    matrix *= 0.98 / np.abs(np.linalg.eigvals(matrix)).max()
    shift = rng.normal(size=4)
    found = anderson(lambda x: matrix @ x + shift, np.zeros(4), memory=5)
    np.testing.assert_allclose(found.value, np.linalg.solve(np.eye(4) - matrix, shift), rtol=1e-11)
    assert found.steps < 30 < picard(lambda x: matrix @ x + shift, np.zeros(4)).steps


def test_a_two_cycle_of_the_plain_iteration_is_broken():
    found = anderson(lambda x: -3 * np.tanh(x - 0.2), np.array([2.0]))
    assert found.status is Status.CONVERGED
    assert found.value[0] == pytest.approx(-3 * np.tanh(found.value[0] - 0.2), abs=1e-14)


def test_residual_is_that_of_the_map():
    found = anderson(lambda x: 0.5 * x + 1, np.zeros(3), max_steps=2, tolerance=0.0)
    assert found.residual.shape == (3,)
    assert found.residual.max() <= 1.0


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_scales_do_not_matter(scale):
    found = anderson(lambda x: scale * np.cos(x / scale), np.array([0.5 * scale]))
    assert found.value[0] / scale == pytest.approx(0.7390851332151607, rel=1e-14)


def test_a_memory_of_zero_is_refused():
    with pytest.raises(InvalidInput, match="memory"):
        anderson(np.cos, 0.0, memory=0)
