"""Numbers behind the figures of a kernel, against closed values."""

import numpy as np
import pytest

from dekderive.errors import NoFixedPoint
from dekderive.gram import moments
from dekderive.kernels import deker_gaussian_relu, deker_poisson_identity, deq_ntk_relu
from dekderive.reports.circle import approach, circle, correlation_curve

COSINES = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])


def test_moments_along_the_circle():
    pairs = circle(moments.linear(), COSINES)
    np.testing.assert_allclose(pairs.correlations, COSINES, atol=1e-15)
    rectified = circle(moments.relu_features(), COSINES)
    angle = np.arccos(COSINES)
    np.testing.assert_allclose(
        rectified.correlations, (np.sin(angle) + (np.pi - angle) * COSINES) / np.pi, rtol=1e-12, atol=1e-15
    )
    np.testing.assert_allclose(rectified.inputs["mean_x"], 1 / np.sqrt(2 * np.pi))


@pytest.mark.parametrize(
    ("regularisation", "centred", "features"),
    # The correlation of two inputs that are infinitely close, from the equation of the angle solved to 6 digits.
    [(0.8, 0.88836, 0.61567), (1.0, 0.834699, 0.649573), (2.0, 0.79808, 0.72055), (6.0, 0.79068, 0.76674)],
)
def test_the_jump_of_the_rectified_kernel(regularisation, centred, features):
    for rule, expected in ((moments.linear(), centred), (moments.relu_features(), features)):
        curve = correlation_curve(deker_gaussian_relu, circle(rule, COSINES), regularisation=regularisation)
        assert curve[-1] == pytest.approx(expected, abs=6e-6)
        assert np.all(np.diff(curve) > 0)


def test_a_smooth_kernel_is_continuous_on_the_circle():
    curve = correlation_curve(deker_poisson_identity, circle(moments.step_features(), COSINES), regularisation=4.0)
    assert curve[-1] == pytest.approx(1, abs=1e-9)


def test_histories_end_at_the_solution():
    histories = approach(deker_gaussian_relu, circle(moments.linear(), COSINES[1:-1]), regularisation=2.0)
    recursion, newton = histories.values()
    assert recursion[-1] < 1e-13
    assert len(newton) <= 9


def test_the_tangent_kernel_contracts_at_its_weight_variance():
    histories = approach(deq_ntk_relu, circle(moments.linear(), COSINES[1:-1]), weight_variance=0.5, input_variance=1.0)
    recursion = histories["recursion (Picard)"]
    # kxx' = w kxx + u with fixed point 2, from 1; covariances converge faster.
    np.testing.assert_allclose(recursion[10:20] / recursion[9:19], 0.5, rtol=1e-6)


def test_no_fixed_point_is_an_error():
    with pytest.raises(NoFixedPoint):
        correlation_curve(deker_gaussian_relu, circle(moments.linear(), COSINES), regularisation=0.5)
