"""What is proved of the DEKer kernel of relu: definiteness, the nugget, and when a fixed point exists."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from dekderive.errors import NoFixedPoint
from dekderive.gram import gram, nugget
from dekderive.gram.moments import linear, relu_features
from dekderive.kernels import deker_bernoulli_identity, deker_gaussian_relu, deker_poisson_log_softplus
from dekderive.solvers import Status, solve, solve_diagonal

few = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
MOMENTS = {"linear": linear(), "linear with bias": linear(bias=0.7), "relu features": relu_features(1.0, 0.0)}
regularisations = st.sampled_from([0.7746, 0.8, 1.0, 1.5, 4.0, 20.0])


def awkward_rows(seed, count, dimension):
    """Random rows with a copy, an antipode, a double, a near-duplicate and a zero row."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((count, dimension)) * np.exp(rng.normal(0, 1, (count, 1)))
    near = x[:1] * (1 + 1e-9 * rng.standard_normal((1, dimension)))
    return np.vstack([x, x[:1], -x[:1], 2 * x[:1], near, np.zeros((1, dimension))])


def normalised_eigenvalues(matrix):
    scale = np.sqrt(np.diag(matrix))
    live = scale > 0
    assert np.all(matrix[~live] == 0)
    return np.linalg.eigvalsh(matrix[np.ix_(live, live)] / np.outer(scale[live], scale[live]))


@few
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 15),
    dimension=st.integers(1, 4),
    regularisation=regularisations,
    moments=st.sampled_from(list(MOMENTS)),
)
def test_kernel_and_continuous_part_are_positive_semidefinite(seed, count, dimension, regularisation, moments):
    x = awkward_rows(seed, count, dimension)
    arguments = {"moments": MOMENTS[moments], "regularisation": regularisation}
    full = gram(deker_gaussian_relu, x, **arguments)
    continuous = gram(deker_gaussian_relu, x, continuous_part=True, **arguments)
    assert np.array_equal(full, full.T)
    off = ~np.eye(len(x), dtype=bool)
    assert np.array_equal(full[off], continuous[off])
    jump = np.diag(full) - np.diag(continuous)
    assert np.all(jump >= 0)
    np.testing.assert_allclose(jump, nugget(deker_gaussian_relu, x, **arguments), rtol=1e-12, atol=0)
    assert normalised_eigenvalues(continuous).min() >= -1e-12
    assert normalised_eigenvalues(full).min() >= -1e-12
    # A copy of a row has the value of the continuous part, whatever the last digit of its inner product says.
    copy = count
    assert full[0, copy] == pytest.approx(continuous[0, 0], rel=1e-13)


# The correlation r*_1 of coincident inputs, to the digits of the table of the maths; the last column is the limit.
REGULARISATIONS = (0.7072, 0.75, 0.8, 1.0, 1.2, 2.0, 6.0, 1e8)
TABLE = {
    "zero mean": ("0.99962", "0.92538", "0.88836", "0.834699", "0.81696", "0.79808", "0.79068", "0.78983"),
    "relu features": ("0.60109", "0.60658", "0.61567", "0.649573", "0.67342", "0.72055", "0.76674", "0.78983"),
}


@pytest.mark.parametrize("features", list(TABLE))
def test_nugget_table(features):
    moments = linear() if features == "zero mean" else relu_features(1.0, 0.0)
    x = np.array([[0.6, -0.8, 2.0]])
    for regularisation, printed in zip(REGULARISATIONS, TABLE[features], strict=True):
        arguments = {"moments": moments, "regularisation": regularisation}
        kxx = float(gram(deker_gaussian_relu, x, **arguments)[0, 0])
        ratio = 1 - float(nugget(deker_gaussian_relu, x, **arguments)[0]) / kxx
        assert ratio == pytest.approx(float(printed), abs=0.51 * 10.0 ** -len(printed.split(".")[1]))


def test_kernel_is_discontinuous_at_the_diagonal_by_the_nugget():
    """k(x, y) -> r*_1 k(x, x) as y -> x, and not -> k(x, x)."""
    x = np.array([[1.0, 0.0]])
    arguments = {"moments": relu_features(1.0, 0.0), "regularisation": 1.0}
    kxx = float(gram(deker_gaussian_relu, x, **arguments)[0, 0])
    distances = np.array([1e-2, 1e-5, 1e-8, 1e-12, 0.0])
    y = np.column_stack([np.cos(distances), np.sin(distances)])
    ratios = gram(deker_gaussian_relu, x, y, **arguments)[0] / kxx
    assert np.abs(ratios[1:] - 0.649573).max() < 1e-4
    assert np.abs(ratios[-1] - ratios[-2]) < 1e-11


@pytest.mark.parametrize("kernel", [deker_bernoulli_identity, deker_poisson_log_softplus], ids=lambda k: k.name)
@settings(few, max_examples=8)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 6), regularisation=st.sampled_from([0.5, 1.0, 3.0]))
def test_smooth_kernels_are_positive_semidefinite(kernel, seed, count, regularisation):
    rng = np.random.default_rng(seed)
    x = awkward_rows(seed, count, 2)[:-1] + 0.01 * rng.standard_normal((1, 2))
    matrix = gram(kernel, x, regularisation=regularisation)
    assert np.array_equal(matrix, matrix.T)
    assert normalised_eigenvalues(matrix).min() >= -1e-11


# ---------------------------------------------------------------------------------------------------------------------
# The variance: (2 lambda^2 - 1) q^2 + 2 s q - c = 0, s = sqrt(2/pi) mean


def diagonal(c, mean, regularisation):
    return solve_diagonal(deker_gaussian_relu, {"cxx": c, "mean_x": mean}, regularisation=regularisation)


@few
@given(c=st.floats(1e-3, 1e3), fraction=st.floats(-1.0, 1.0), regularisation=st.floats(0.7072, 50.0))
def test_one_positive_root_above_the_critical_regularisation(c, fraction, regularisation):
    """lambda^2 > 1/2: exactly one positive root, whatever the mean; it solves the quadratic."""
    mean = fraction * math.sqrt(c)
    solution = diagonal(c, mean, regularisation)
    assert solution.status is Status.CONVERGED
    q = math.sqrt(float(solution.value))
    lead, s = 2 * regularisation**2 - 1, math.sqrt(2 / math.pi) * mean
    terms = (lead * q * q, 2 * s * q, -c)
    assert abs(sum(terms)) <= 1e-14 * sum(map(abs, terms)) / min(1.0, lead)


@few
@given(c=st.floats(1e-3, 1e3), fraction=st.floats(-1.0, 1.0), square=st.floats(0.01, 0.499))
@example(c=1.0, fraction=1.0, square=0.1816)
@example(c=1.0, fraction=1.0, square=0.1818)
def test_existence_and_choice_of_root_below_the_critical_regularisation(c, fraction, square):
    """lambda^2 < 1/2: a root iff mean > 0 and (2/pi) mean^2 >= c (1 - 2 lambda^2); the smaller one is attracting."""
    regularisation, mean = math.sqrt(square), fraction * math.sqrt(c)
    lead, s = 1 - 2 * regularisation**2, math.sqrt(2 / math.pi) * mean
    assume(abs(s * s - c * lead) > 1e-9 * c)
    solution = diagonal(c, mean, regularisation)
    if not (mean > 0 and s * s > c * lead):
        assert solution.status is Status.NO_FIXED_POINT
        assert np.isnan(solution.value)
        with pytest.raises(NoFixedPoint, match="regularisation"):
            solution.raise_for_status()
        return
    assert solution.status is Status.CONVERGED
    smaller, larger = ((s - e * math.sqrt(s * s - c * lead)) / lead for e in (1, -1))
    q = math.sqrt(float(solution.value))
    assert q == pytest.approx(smaller, rel=1e-7)
    assert q < larger
    slope = float(
        deker_gaussian_relu.diagonal_step_derivative.at(
            {"kxx": q * q, "cxx": c, "mean_x": mean, "regularisation": regularisation}
        )
    )
    assert slope < 1


def test_critical_values_of_the_regularisation():
    """No mean helps below lambda^2 = (1 - 2/pi)/2; relu features need lambda^2 >= (1 - 2/pi^2)/2, lambda >= 0.6314."""
    for c, mean, square, printed in (
        (1.0, 1.0, (1 - 2 / math.pi) / 2, 0.1817),
        (0.5, 1 / math.sqrt(2 * math.pi), (1 - 2 / math.pi**2) / 2, 0.39868),
        (1.0, 0.0, 0.5, 0.5),
    ):
        assert square == pytest.approx(printed, abs=5e-5)
        assert diagonal(c, mean, math.sqrt(square) * (1 + 1e-9)).status is Status.CONVERGED
        assert diagonal(c, mean, math.sqrt(square) * (1 - 1e-9)).status is Status.NO_FIXED_POINT
    assert math.sqrt((1 - 2 / math.pi**2) / 2) == pytest.approx(0.6314, abs=5e-5)


@pytest.mark.parametrize("mean", [0.0, -0.4])
def test_without_a_positive_mean_the_critical_value_itself_has_no_fixed_point(mean):
    """lambda^2 = 1/2 needs mean > 0; the double nearest to 1/sqrt(2) lies above it, its neighbour below."""
    below = math.nextafter(math.sqrt(0.5), 0.0)
    assert below**2 < 0.5
    assert diagonal(1.0, mean, below).status is Status.NO_FIXED_POINT


def test_message_names_the_bound():
    solution = diagonal(0.5, 1 / math.sqrt(2 * math.pi), 0.6)
    with pytest.raises(NoFixedPoint, match=r"0\.631"):
        solution.raise_for_status()
    with pytest.raises(NoFixedPoint):
        gram(deker_gaussian_relu, np.eye(3), moments=linear(), regularisation=0.7)


def test_zero_inputs_have_the_zero_kernel():
    assert float(diagonal(0.0, 0.0, 1.0).value) == 0.0
    pair = solve(deker_gaussian_relu, {"cxx": 0.0, "cyy": 1.0, "cxy": 0.0}, regularisation=1.0)
    assert float(pair.value) == 0.0


@few
@given(
    c=st.floats(1e-3, 1e3),
    fraction=st.floats(-1.0, 1.0),
    roots=st.tuples(st.floats(1e-3, 1e2), st.floats(1e-3, 1e2)),
    regularisation=st.floats(0.72, 20.0),
)
def test_variance_recursion_contracts_in_the_standard_deviation(c, fraction, roots, regularisation):
    """|h(q) - h(q')| <= |q - q'| / (lambda sqrt 2), although the slope jumps."""
    mean = fraction * math.sqrt(c)
    known = {"cxx": c, "mean_x": mean, "regularisation": regularisation}
    images = [math.sqrt(max(0.0, float(deker_gaussian_relu.diagonal_step.at({**known, "kxx": q * q})))) for q in roots]
    bound = abs(roots[0] - roots[1]) / (regularisation * math.sqrt(2))
    assert abs(images[0] - images[1]) <= bound + 1e-7 * (sum(images) + math.sqrt(c))
