"""The parts of the numerical expectations, each by itself."""

import mpmath
import numpy as np
import pytest
from scipy import special as scipy_special

from dekderive.errors import NotConverged
from dekderive.kernels.expectations import coefficients as series
from dekderive.kernels.expectations.mehler import ORDERS, bivariate, distinct
from dekderive.kernels.expectations.octaves import tabulated
from dekderive.kernels.expectations.panels import NODES, evaluate, grid, level_of, remainder
from dekderive.kernels.expectations.pieces import Derivative, Product, jumps
from dekderive.kernels.expectations.sectors import sector_dual
from dekderive.kernels.expectations.univariate import Mean, MeanDerivative, expectation


def kinked(z):
    return np.maximum(z, 0.0) * scipy_special.expit(z)


def test_panels_cover_the_axis_once():
    for level, refinement, reach, width in [(0, 0, 13.0, 1.0), (8, 2, 20.0, 0.35), (40, 0, 10.0, 1.5)]:
        on = grid(level, refinement, reach, width)
        assert on.left[0] == 0
        assert on.left[-1] + on.width[-1] == pytest.approx(reach, rel=1e-15)
        np.testing.assert_allclose(on.left[1:], (on.left + on.width)[:-1], rtol=1e-14)
        assert on.width.max() <= width
        assert on.z.size == on.panels * NODES
        np.testing.assert_allclose(on.z**7 @ on.weights, reach**8 / 8, rtol=1e-13)


@pytest.mark.parametrize("variance", [1e-300, 1.0, 4.0, 4.1, 1e4, 1e100])
def test_the_first_panel_is_at_most_two_wide(variance):
    level = level_of(variance)
    assert np.sqrt(variance) * 2.0**-level <= 2.0
    assert level % 2 == 0


def test_the_remainder_sees_what_panels_miss():
    on = grid(0, 0, 4.0, 1.0)
    smooth, rough = remainder(np.stack([np.tanh(on.z), np.abs(on.z - 0.7)]), on)
    assert smooth.max() < 1e-14
    assert rough[0] > 1e-5  # the panel that holds the kink
    assert rough[1:].max() < 1e-14


def test_a_constant_function_may_return_a_scalar():
    assert (evaluate(lambda z: 2, np.zeros((2, 3))) == 2.0).all()


def test_hermite_functions_are_orthonormal_on_their_nodes():
    # On an axis that holds all of them: the turning points 2 sqrt(k) are below 29 for k < 200.
    on, even, odd, mass = series._table(256, series._nodes(256, 0, 0, 38.0))
    root_density = np.sqrt(mass / on.weights)
    for half in (even, odd):
        functions = half[:, :100] / (on.weights * root_density)[:, None]
        np.testing.assert_allclose(2 * (functions.T * on.weights) @ functions, np.eye(100), rtol=0, atol=2e-13)


@pytest.mark.parametrize("order", ORDERS)
def test_hermite_functions_at_single_nodes(order):
    on, _, odd, mass = series._table(order, series._nodes(order, 0, 0, 13.0))
    k = order - 1
    with mpmath.workdps(60):
        for i in (3, on.z.size // 2, -2):
            z = mpmath.mpf(float(on.z[i]))
            before, current = mpmath.mpf(0), mpmath.exp(-z * z / 4) / (2 * mpmath.pi) ** 0.25
            for j in range(k):
                before, current = current, (z * current - mpmath.sqrt(j) * before) / mpmath.sqrt(j + 1)
            value = odd[i, -1] / np.sqrt(on.weights[i] * mass[i])
            assert abs(mpmath.mpf(float(value)) - current) < mpmath.mpf("2e-13")


def test_parseval_tails_bound_the_coefficients_that_follow():
    variances = np.array([0.5, 4.0, 30.0])
    for f in (np.tanh, kinked):
        short, long = (series.coefficients(f, variances, order) for order in (128, 1024))
        following = np.sqrt(np.sum(long.alpha[:, 128:] ** 2, axis=1)) / long.norm
        assert (following <= short.tails[:, -1] + 1e-12).all()
        np.testing.assert_allclose(short.alpha, long.alpha[:, :128], rtol=0, atol=1e-13)
        np.testing.assert_allclose(short.norm**2, expectation(Product(f, f), variances)[0], rtol=1e-13)


def test_kept_coefficients_are_bounded_in_memory():
    rng = np.random.default_rng(2)
    for i in range(70):
        f = lambda z, i=i: np.tanh(z * (1 + 0.01 * i))  # noqa: E731
        series.coefficients(f, np.sort(rng.uniform(0.5, 2, 300)), 512)
    assert sum(rows.size for rows in series._kept.values()) <= series._KEPT_BYTES
    assert len(series._kept) <= series._KEPT_ENTRIES


def test_distinct_values_and_places():
    x = np.repeat([3.0, 1.0, 2.0], 200).reshape(2, 300)
    for _ in range(2):  # the second answer comes from memory
        values, where = distinct(x)
        np.testing.assert_array_equal(values[where], x)
        np.testing.assert_array_equal(values, [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(distinct(x.reshape(300, 2))[1].shape, (300, 2))


# --- derivatives of functions that are known by their values ---------------------------------------------------------


@pytest.mark.parametrize("reach", [1.0, 30.0, 1500.0])
def test_derivatives_of_smooth_functions(reach):
    u = np.concatenate([np.linspace(-reach, reach, 4001), [0.0, -0.0, 1e-200]])
    s = scipy_special.expit(u)
    slope = s * scipy_special.expit(-u)
    np.testing.assert_allclose(Derivative(scipy_special.expit, 0)(u), s, rtol=0, atol=3e-15)
    np.testing.assert_allclose(Derivative(scipy_special.expit, 1)(u), slope, rtol=0, atol=3e-14)
    np.testing.assert_allclose(Derivative(scipy_special.expit, 2)(u), slope * (1 - 2 * s), rtol=0, atol=1e-12)
    np.testing.assert_allclose(Derivative(np.sin, 2)(u), -np.sin(u), rtol=0, atol=2e-9 if reach > 100 else 1e-11)


def test_one_sided_derivatives_and_jumps():
    f = lambda z: np.where(z > 0, np.exp(z), 0.25 * z) + (z == 0) * 0.625  # noqa: E731
    right, left = Derivative(f, 1)(np.array([0.0, -0.0]))
    assert right == pytest.approx(1.0, rel=1e-11)
    assert left == pytest.approx(0.25, rel=1e-11)
    assert jumps(f, 0) == ((0.0, pytest.approx(1.0, rel=1e-13)),)
    assert jumps(f, 1) == ((0.0, pytest.approx(0.75, rel=1e-11)),)
    assert jumps(np.tanh, 0) == jumps(np.tanh, 1) == ()
    assert jumps(np.abs, 0) == ()


def test_derivatives_are_equal_for_equal_functions():
    assert Derivative(np.tanh, 1) == Derivative(np.tanh, 1)
    assert hash(Product(np.tanh, np.sin)) == hash(Product(np.tanh, np.sin))
    assert Derivative(np.tanh, 1) != Derivative(np.tanh, 2)


def test_a_kink_away_from_zero_is_named_with_its_place():
    with pytest.raises(NotConverged, match=r"near -(3|2.999)"):
        Derivative(lambda z: np.abs(z + 3.0), 1)(np.array([5.0]))
    # ... and does no harm where it is not asked for.
    assert Derivative(lambda z: np.abs(z + 3.0), 1)(np.array([0.5])) == pytest.approx(1.0)


def test_derivatives_where_the_function_overflows_are_not_numbers():
    value = Derivative(np.exp, 1)(np.array([1.0, 800.0]))
    assert value[0] == pytest.approx(np.e, rel=1e-13)
    assert np.isnan(value[1])


# --- the quadrature in sectors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("angle", [0.0, 1e-9, 0.01, 0.4, 1.5, 3.0, np.pi])
def test_sectors_agree_with_the_series_and_with_closed_forms(angle):
    a, b = np.array([0.6]), np.array([7.0])
    value, error = sector_dual(kinked, np.tanh, a, b, np.array([angle]), np.ones(1))
    assert error < 1e-13
    if np.abs(np.cos(angle)) < 0.95:
        series_value, bound = bivariate(kinked, np.tanh, a, b, np.sqrt(a * b) * np.cos(angle))
        assert np.abs(value - series_value) <= error + bound
    relu = lambda z: np.maximum(z, 0.0)  # noqa: E731
    value, _ = sector_dual(relu, relu, a, b, np.array([angle]), np.ones(1))
    true = np.sqrt(a * b) * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2 * np.pi)
    assert value == pytest.approx(true, rel=0, abs=1e-15)


def test_sectors_reach_as_far_as_the_functions_do():
    value, _ = sector_dual(np.exp, np.exp, np.array([30.0]), np.array([30.0]), np.array([0.0]), np.exp([60.0]))
    assert value == pytest.approx(np.exp(60.0), rel=1e-13)


def test_sectors_refuse_what_they_do_not_resolve():
    shifted = lambda z: np.abs(z - 0.3)  # noqa: E731
    with pytest.raises(NotConverged, match=r"lambda.*known to"):
        sector_dual(shifted, shifted, np.ones(1), np.ones(1), np.array([0.1]), np.ones(1))
    with pytest.raises(NotConverged, match="known to inf"):
        sector_dual(np.tanh, np.tanh, np.array([1e60]), np.array([1e60]), np.array([0.1]), np.ones(1))


# --- tables ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function", [Mean(np.tanh), Mean(Product(kinked, kinked)), MeanDerivative(Product(kinked, np.cos))]
)
def test_tables_agree_with_the_quadrature(function):
    variances = np.concatenate([[0.0], 10 ** np.random.default_rng(4).uniform(-14, 4, 300), 4.0 ** np.arange(-5, 6)])
    direct, bound = function(np.sort(variances))
    np.testing.assert_allclose(tabulated(function, np.sort(variances)), direct, rtol=3e-14, atol=3e-15)
    assert (bound <= 1e-13 * np.maximum(1.0, variances.max())).all()


def test_a_value_does_not_depend_on_its_neighbours():
    function = Mean(Product(np.tanh, np.tanh))
    variances = np.array([0.3, 2.0, 90.0])
    together = tabulated(function, variances)
    assert [tabulated(function, variances[i : i + 1])[0] for i in range(3)] == list(together)


def test_functions_that_grow_too_fast_for_a_table_are_evaluated():
    variances = np.linspace(4.1, 15.9, 7)  # exp(2 a) grows by 10 orders of magnitude over this octave
    np.testing.assert_allclose(tabulated(Mean(Product(np.exp, np.exp)), variances), np.exp(2 * variances), rtol=1e-13)


def test_a_table_is_no_way_around_an_error():
    with pytest.raises(NotConverged):
        tabulated(Mean(lambda z: np.abs(z - 1.0)), np.array([1.0]))
