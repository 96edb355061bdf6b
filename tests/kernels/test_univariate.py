"""The polynomial of a univariate kernel: against the paper's recursion at 40 digits, near-duplicates included."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

from dekderive.errors import InvalidInput, NoClosedForm
from dekderive.kernels import deq_ntk_erf, deq_ntk_relu
from dekderive.kernels.univariate import UnivariateChart, build, is_univariate

WEIGHTS = (0.0, 1e-6, 0.05, 0.25, 0.6, 0.8, 0.95, 0.99)
GAPS = (0.0, 1e-15, 1e-8, 1e-4, 0.01, 0.25, 0.5, 0.9, 1.0, 1.3, 1.7, 1.99, 2.0 - 1e-8, 2.0)


def exact(gap, weight):
    """Theta / Theta(x, x) and its gap, from Theorem 2 solved by bisection in the angle, at 40 digits."""
    with mpmath.workdps(60):
        w, s = mpf(weight), mpf(float(gap))
        low, high = mpf(0), mp.pi
        for _ in range(190):
            t = (low + high) / 2
            # rho - w kappa_1(rho) - (1 - w) z <= 0 at rho = cos t
            below = mp.cos(t) - w * (mp.sin(t) + (mp.pi - t) * mp.cos(t)) / mp.pi - (1 - w) * (1 - s) > 0
            low, high = (t, high) if below else (low, t)
        value = (1 - w) * mp.cos(low) / (1 - w * (mp.pi - low) / mp.pi)
        return value, 1 - value


def record_of(weight):
    return build(deq_ntk_relu, weight_variance=weight, input_variance=0.4, bias_variance=0.1)


@pytest.mark.parametrize("weight", WEIGHTS)
def test_values_and_gaps_against_forty_digits(weight):
    record = record_of(weight)
    for gap in GAPS:
        value, relative = exact(gap, weight)
        assert abs(value - mpf(float(record(gap)))) <= 1e-13
        error = float(abs(relative - mpf(float(record.relative_gap(gap)))))
        assert error <= 1e-14 * (1 + record.steepness) * np.sqrt(gap) + 1e-25
        if weight >= 0.25:
            assert error <= 2e-14 * float(relative) + 1e-25
    assert float(record(0.0)) == 1.0


@pytest.mark.parametrize("weight", WEIGHTS)
def test_the_error_is_within_the_bounds_that_are_stated(weight):
    record = record_of(weight)
    single = record.single
    for gap in np.random.default_rng(0).random(25) ** 2 * 2:
        value, _ = exact(gap, weight)
        assert abs(value - mpf(float(record(gap)))) <= record.error_bound + record.rounding_bound
        rounded = np.float32(gap)
        value, _ = exact(rounded, weight)
        assert abs(value - mpf(float(record(rounded)))) <= single.error_bound + record.rounding_bound * 2.0**29
    assert record.error_bound < 1e-14
    assert record.rounding_bound < 4e-14
    assert single.degree < record.degree or record.degree < 3


def test_every_chart_is_used():
    assert {record_of(w).chart for w in (0.25, 0.7, 0.9)} == set(UnivariateChart)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.floats(0, 0.98), st.lists(st.floats(0, 2), min_size=2, max_size=20))
def test_bounded_and_monotone_in_the_cosine(weight, gaps):
    record = record_of(weight)
    gaps = np.sort(gaps)
    values = record(gaps)
    assert (np.abs(values) <= 1).all()
    assert (np.diff(values) <= record.error_bound + record.rounding_bound).all()


def test_scale_and_diagonal():
    record = record_of(0.6)
    second = np.array([0.0, 1.0, 3.0])
    expected = (0.4 * second + 0.1) / (1 - 0.6) ** 2
    np.testing.assert_allclose(record.diagonal(second), expected, rtol=1e-15)
    assert dict(record.parameters) == {"weight_variance": 0.6, "input_variance": 0.4, "bias_variance": 0.1}


def test_refusals():
    assert not is_univariate(deq_ntk_erf)
    assert not is_univariate("deq_ntk_relu")
    with pytest.raises(InvalidInput, match="not homogeneous"):
        build(deq_ntk_erf, weight_variance=0.3, input_variance=0.4, bias_variance=0.1)
    with pytest.raises(InvalidInput, match="takes weight_variance"):
        build(deq_ntk_relu, weight_variance=0.3)
    with pytest.raises(NoClosedForm, match="too close to the limit"):
        record_of(0.9999)
    for gap in (-0.1, 2.1, np.nan):
        with pytest.raises(InvalidInput, match="between 0 and 2"):
            record_of(0.6)(gap)
