"""What is particular to infinitely deep kernels: their hyperparameters, where they exist, and the nugget."""

import dataclasses
import math
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from dekderive.errors import InvalidInput, NoFixedPoint
from dekderive.estimators import EquilibriumKernel
from dekderive.estimators.existence import critical_value
from dekderive.gram import gram
from dekderive.gram.moments import cosine_features, linear, relu_features
from dekderive.kernels import (
    deker_gamma_log,
    deker_gaussian_relu,
    deker_poisson_identity,
    deker_poisson_log_softplus,
    deq_ntk_erf,
    deq_ntk_relu,
)


def lower_bound(kernel):
    return math.exp(kernel.bounds[0, 0])


# ---- hyperparameters as arguments ----


def test_the_arguments_come_from_the_record():
    kernel = EquilibriumKernel(deker_gaussian_relu, regularisation=1.5, regularisation_bounds=(1.05, 10))
    assert kernel.get_params() == {
        "kernel": deker_gaussian_relu,
        "moments": None,
        "continuous_part": False,
        "regularisation": 1.5,
        "regularisation_bounds": (1.05, 10),
    }
    assert_array_equal(kernel.bounds, np.log([[1.05, 10]]))
    assert repr(kernel) == "EquilibriumKernel(deker_gaussian_relu, regularisation=1.5)"


def test_what_is_left_out_takes_the_default_of_the_record():
    kernel = EquilibriumKernel(deq_ntk_relu)
    for parameter in deq_ntk_relu.parameters:
        assert getattr(kernel, parameter.name) == parameter.default


def test_unknown_arguments_are_refused_with_those_that_exist():
    with pytest.raises(
        TypeError, match="no hyperparameter 'weight_variance'; it takes regularisation, regularisation_bo"
    ):
        EquilibriumKernel(deker_gaussian_relu, weight_variance=0.5)
    with pytest.raises(ValueError, match="Invalid parameter shape"):
        EquilibriumKernel(deker_gaussian_relu).set_params(shape=2.0)


def test_only_kernel_records_are_taken():
    with pytest.raises(TypeError, match="kernel record, for example dekderive.kernels.deker_gaussian_relu; got str"):
        EquilibriumKernel("deker_gaussian_relu")


@pytest.mark.parametrize("name", ["theta", "moments", "kernel", "bounds", "a__b"])
def test_a_parameter_that_would_hide_something_is_refused(name):
    parameters = (dataclasses.replace(deker_gaussian_relu.parameters[0], name=name),)
    with pytest.raises(InvalidInput, match=f"parameter '{name}', a name that scikit-learn kernels use"):
        EquilibriumKernel(dataclasses.replace(deker_gaussian_relu, parameters=parameters))


def test_the_record_itself_can_be_exchanged():
    kernel = EquilibriumKernel(deker_gaussian_relu, regularisation=1.5)
    kernel.set_params(kernel=deq_ntk_relu, weight_variance=0.2)
    assert kernel == EquilibriumKernel(deq_ntk_relu, weight_variance=0.2)
    assert clone(kernel) == kernel
    kernel.set_params(kernel=deker_gaussian_relu)
    assert kernel.regularisation == 1.5


def test_values_are_those_of_gram(rows):
    X, Y = rows
    kernel = EquilibriumKernel(deker_gaussian_relu, regularisation=1.3, moments=linear(bias=0.5))
    given = {"regularisation": 1.3, "moments": linear(bias=0.5)}
    assert_array_equal(kernel(X), gram(deker_gaussian_relu, X, **given))
    assert_array_equal(kernel(X, Y), gram(deker_gaussian_relu, X, Y, **given))
    assert repr(kernel).endswith("regularisation=1.3, moments=Moments(name='linear', scale=1.0, bias=0.5))")


# ---- the nugget ----


def test_the_nugget_is_on_identical_inputs_only():
    # Without means and with regularisation 1, kxx = c, and the limit correlation is 0.834699 (the root of the angle
    # equation, to 6 digits).
    X = np.array([[3.0, 4.0], [0.5, 0.0]])
    kernel = EquilibriumKernel(deker_gaussian_relu, regularisation=1.0, moments=linear())
    assert_allclose(kernel.diag(X), [25.0, 0.25])
    assert_allclose(np.diag(kernel(X, X)), [25 * 0.834699, 0.25 * 0.834699], rtol=1e-6)
    kernel.set_params(continuous_part=True)
    assert_allclose(kernel.diag(X), [25 * 0.834699, 0.25 * 0.834699], rtol=1e-6)
    assert repr(kernel).endswith("continuous_part=True)")


def test_smooth_kernels_have_none(rows):
    X, _ = rows
    kernel = EquilibriumKernel(deq_ntk_erf)
    assert_allclose(np.diag(kernel(X, X)), kernel.diag(X), rtol=1e-7)


# ---- what an optimiser may do ----


def test_default_bounds_stop_short_of_where_the_fixed_point_disappears():
    # Published: without means a fixed point needs regularisation^2 > 1/2; with the means of ReLU features it needs
    # (2/pi) mu^2 >= c (1 - 2 regularisation^2) with mu^2 = c/pi.
    assert_allclose(
        lower_bound(EquilibriumKernel(deker_gaussian_relu, moments=linear())), 1.05 / math.sqrt(2), rtol=2e-5
    )
    critical = math.sqrt((1 - 2 / math.pi**2) / 2)
    assert_allclose(lower_bound(EquilibriumKernel(deker_gaussian_relu, moments=relu_features())), 1.05 * critical, 2e-5)


def test_default_bounds_of_a_bounded_statistic_hold_for_all_rows():
    # lambda^2 >= min_P (1 + exp(2P))/P for c = 1 and mean 0; the minimum is where (2P - 1) exp(2P) = 1.
    grid = np.linspace(0.5, 0.8, 200_001)
    critical = math.sqrt(np.min((1 + np.exp(2 * grid)) / grid))
    kernel = EquilibriumKernel(deker_poisson_identity, moments=cosine_features())
    assert_allclose(lower_bound(kernel), 1.05 * critical, rtol=2e-5)


def test_a_tangent_kernel_keeps_its_weight_variance_below_one():
    kernel = EquilibriumKernel(deq_ntk_relu)
    assert_allclose(np.exp(kernel.bounds[0]), [0.01, 0.99])
    assert_allclose(np.exp(kernel.bounds[1]), [1e-5, 1e5])


def test_where_existence_is_no_box_only_the_weight_variance_is_free():
    # For erf the tangent kernel is infinite at x' = x if inputs are weak and weights strong.
    kernel = EquilibriumKernel(deq_ntk_erf, bias_variance=0.1)
    assert [h.fixed for h in kernel.hyperparameters] == [False, True, True]
    weak, strong = (math.exp(clone(kernel).set_params(input_variance=v).bounds[0, 1]) for v in (0.01, 2.0))
    assert weak < strong <= 0.99
    for u, w in ((0.01, weak), (2.0, strong)):
        assert np.isfinite(clone(kernel).set_params(input_variance=u, weight_variance=w).diag([[1.0], [10.0]])).all()
    with pytest.raises(NoFixedPoint, match="tighter weight_variance_bounds"):
        clone(kernel).set_params(input_variance=0.01, weight_variance=min(weak * 1.1, 0.99))([[1.0]])
    by_hand = clone(kernel).set_params(input_variance_bounds=(0.1, 1))
    assert by_hand.n_dims == 2


def test_zero_has_no_logarithm_and_is_fixed(rows):
    kernel = EquilibriumKernel(deq_ntk_relu, bias_variance=0.0)
    assert [h.fixed for h in kernel.hyperparameters] == [False, False, True]
    assert kernel(rows[0], eval_gradient=True)[1].shape[2] == kernel.n_dims == 2
    kernel.set_params(bias_variance=0.1)
    assert kernel.n_dims == 3
    contradiction = EquilibriumKernel(deq_ntk_relu, bias_variance=0.0, bias_variance_bounds=(0.1, 1))
    with pytest.raises(InvalidInput, match="bias_variance is 0 and has bounds .* start from a positive value"):
        _ = contradiction.theta


def test_parameters_of_the_family_are_fixed_unless_given_bounds(rows):
    X, _ = rows
    kernel = EquilibriumKernel(deker_gamma_log, shape=2.0).suited_to(X)
    assert [h.name for h in kernel.hyperparameters if not h.fixed] == ["regularisation"]
    free = EquilibriumKernel(deker_gamma_log, shape=2.0, shape_bounds=(0.5, 3)).suited_to(X)
    assert free.n_dims == 2
    assert_array_equal(free.theta, np.log([free.regularisation, 2.0]))


def test_all_fixed_has_an_empty_gradient(rows):
    kernel = EquilibriumKernel(deker_gaussian_relu, regularisation_bounds="fixed")
    K, gradient = kernel(rows[0], eval_gradient=True)
    assert gradient.shape == (6, 6, 0)
    assert_array_equal(K, kernel(rows[0]))


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ((0.5, 1.0), "leaves the range of weight_variance"),
        ((0.0, 0.5), "0 < lower <= upper"),
        ((0.5, 0.1), "0 < lower <= upper"),
        ((0.1, math.nan), "0 < lower <= upper"),
        ("free", "must be a pair"),
        (0.5, "must be a pair"),
    ],
)
def test_impossible_bounds_are_refused(bounds, message):
    with pytest.raises(InvalidInput, match=message):
        _ = EquilibriumKernel(deq_ntk_relu, weight_variance_bounds=bounds).bounds


# ---- where there is no fixed point ----


def test_no_fixed_point_says_which_bounds_to_set(rows):
    kernel = EquilibriumKernel(deker_gaussian_relu, regularisation=0.6, moments=linear())
    for evaluate in (kernel, kernel.diag, lambda X: kernel(X, X), lambda X: kernel(X, eval_gradient=True)):
        with pytest.raises(
            NoFixedPoint, match=r"at least 0.7071.* tighter regularisation_bounds; `kernel.suited_to\(X\)`"
        ):
            evaluate(rows[0])


def test_suited_to_moves_only_what_must_move(rows):
    X, _ = rows
    kernel = EquilibriumKernel(deker_gaussian_relu, regularisation=0.6, moments=linear())
    suited = kernel.suited_to(X)
    assert kernel.regularisation == 0.6
    assert_allclose(lower_bound(suited), 1.05 / math.sqrt(2), rtol=2e-5)
    assert lower_bound(suited) < suited.regularisation < 1
    assert np.isfinite(suited(X)).all()
    fine = EquilibriumKernel(deker_gaussian_relu, regularisation=0.8, regularisation_bounds=(0.75, 9), moments=linear())
    assert fine.suited_to(X) == fine
    fixed = EquilibriumKernel(deker_poisson_identity, regularisation_bounds="fixed").suited_to(X)
    assert fixed.n_dims == 0
    assert np.isfinite(fixed(X)).all()


def test_suited_to_finds_the_row_that_decides():
    # For the Poisson family without means, lambda^2 >= min_P (c + exp(2P))/P grows with c: the longest row decides.
    X = np.array([[0.1, 0.0], [3.0, 4.0], [1.0, 1.0]])
    grid = np.linspace(0.5, 3.0, 500_001)
    critical = math.sqrt(np.min((25 + np.exp(2 * grid)) / grid))
    suited = EquilibriumKernel(deker_poisson_identity, moments=linear()).suited_to(X)
    assert_allclose(lower_bound(suited), 1.05 * critical, rtol=2e-5)
    assert suited.regularisation > 1.05 * critical
    with pytest.raises(NoFixedPoint):
        clone(suited).set_params(regularisation=0.999 * critical)(X)
    clone(suited).set_params(regularisation=1.001 * critical)(X)


def test_the_critical_value_is_bisected_from_either_side():
    assert_allclose(critical_value(lambda v: v >= 3.0, (0.1, 10.0), "above"), 3.0, rtol=2e-5)
    assert_allclose(critical_value(lambda v: v >= 300.0, (0.1, 10.0), "above"), 300.0, rtol=2e-5)
    assert_allclose(critical_value(lambda v: v <= 0.03, (0.1, 10.0), "below"), 0.03, rtol=2e-5)
    assert critical_value(lambda v: True, (0.1, 10.0), "above") is None
    with pytest.raises(NoFixedPoint, match="no fixed point for any value"):
        critical_value(lambda v: False, (0.1, 10.0), "above")


# ---- kernels without closed forms ----


def test_a_kernel_of_numerical_expectations_on_few_rows(rows):
    # The one shipped kernel that needs seconds: all other tests see it only with `-m slow`.
    X = rows[0][:3]
    kernel = EquilibriumKernel(deker_poisson_log_softplus, regularisation=1.2)
    K, gradient = kernel(X, eval_gradient=True)
    assert_array_equal(kernel.diag(X), np.diag(K))
    up, down = (kernel.clone_with_theta(kernel.theta + h)(X) for h in (1e-4, -1e-4))
    assert_allclose(gradient[..., 0], (up - down) / 2e-4, rtol=1e-5, atol=1e-7 * K.max())


# ---- data ----


@pytest.mark.parametrize(
    "X", [[[np.nan, 1.0]], [[np.inf, 1.0]], [1.0, 2.0], [["a", "b"]], np.zeros((2, 0)), [[1j, 1.0]], [[[1.0]]]]
)
def test_bad_data_are_value_errors(X):
    kernel = EquilibriumKernel(deker_gaussian_relu)
    for evaluate in (kernel, kernel.diag, lambda X: kernel([[1.0, 2.0]], X), lambda X: kernel(X, eval_gradient=True)):
        with pytest.raises(InvalidInput):
            evaluate(X)
    assert issubclass(InvalidInput, ValueError)


def test_values_outside_their_range_are_value_errors(rows):
    for kernel in (
        EquilibriumKernel(deker_gaussian_relu, regularisation=0.0),
        EquilibriumKernel(deker_gaussian_relu, regularisation=-1.0),
        EquilibriumKernel(deq_ntk_relu, weight_variance=1.0),
    ):
        with pytest.raises(ValueError, match="regularisation|weight_variance"):
            kernel(rows[0])


def test_a_gradient_needs_one_set_of_rows(rows):
    with pytest.raises(ValueError, match="leave Y out"):
        EquilibriumKernel(deker_gaussian_relu)(*rows, eval_gradient=True)


def test_without_scikit_learn_the_extra_is_named():
    code = "import sys; sys.modules['sklearn'] = None; import dekderive.estimators"
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert outcome.returncode == 1
    assert outcome.stderr.splitlines()[-1].startswith("dekderive.errors.MissingExtra")
    assert 'pip install "dekderive[sklearn]"' in outcome.stderr
