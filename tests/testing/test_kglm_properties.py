"""P1 to P9 and P16 over the shipped families; each also fails for an object that is wrong and plausible."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import root

from dekderive import losses
from dekderive.errors import InvalidInput, PropertyFailed
from dekderive.losses import bind
from dekderive.testing import KGLMInstance, bounded_models, families, kglm_instances, models, properties
from dekderive.testing.failure import largest
from dekderive.testing.kglm_instance import squared_exponential

quick = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
slow = settings(quick, max_examples=400)
gaussians = st.just(bind(losses.gaussian))


def problem(name="bernoulli", penalty=None, n=12, level=20.0, offset=0.0, seed=0):
    """One instance with a repeated input, for negative controls."""
    rng = np.random.default_rng(seed)
    rows, new = rng.uniform(-2, 2, size=(n, 1)), rng.uniform(-2, 2, size=(4, 1))
    rows[-1] = rows[0]
    pointwise = bind(getattr(losses, name), None, *penalty) if penalty else bind(getattr(losses, name))
    targets = rng.choice([-1.0, 1.0], n) if name == "rademacher" else rng.integers(0, 2, n) * 1.0
    gram = squared_exponential(rows, rows, 0.7)
    curvature = min(float(pointwise.curvature_bound(targets).max()), 1.0)
    lam = np.linalg.norm(gram, 2) * curvature / level
    cross = squared_exponential(new, rows, 0.7)
    return KGLMInstance(pointwise, gram, cross, targets, lam, offset, rows, new, 0.7, seed)


HUBER = (losses.pseudo_huber_penalty, {"strength": 0.8, "width": 0.7})


# ---- the theorems ----------------------------------------------------------------------------------------------------


@given(kglm_instances())
@settings(quick, max_examples=100)
def test_p1_p2_fixed_point_and_prediction(instance):
    properties.fixed_point(instance)
    properties.mean_fixed_point(instance)
    properties.prediction(instance)


@given(kglm_instances(families=families(), points=st.integers(1, 12)))
@settings(quick, max_examples=25)
def test_p1_p2_for_every_shipped_family(instance):
    properties.fixed_point(instance)
    properties.mean_fixed_point(instance)
    properties.prediction(instance)


@given(kglm_instances(repeated=0.5))
@quick
def test_p3_null_vectors(instance):
    properties.null_vectors(instance)


@given(kglm_instances(lipschitz=(1e-2, 1e2)))
@quick
def test_p4_uniqueness(instance):
    properties.uniqueness(instance)


@given(kglm_instances(families=bounded_models(), lipschitz=(1e-2, 0.949)))
@quick
def test_p5_solvers_agree(instance):
    properties.solvers_agree(instance)


@given(kglm_instances(families=bounded_models()))
@quick
def test_p6_damped_rate(instance):
    properties.damped_rate(instance)


@given(kglm_instances())
@quick
def test_p7_jacobians(instance):
    properties.jacobian_in_predictors(instance)
    properties.jacobian_of_layer(instance)


@given(kglm_instances(offsets=True))
@quick
def test_p8_offset(instance):
    properties.offset_outside(instance)


@given(kglm_instances(families=gaussians, penalties=(None,)), st.floats(-3, 3))
@quick
def test_p9_translation(instance, shift):
    properties.translation(instance, shift)


@given(kglm_instances(points=st.integers(1, 20)))
@quick
def test_p16_weights_and_scale(instance):
    properties.weights_duplicate(instance)
    properties.scale_invariance(instance)


@given(kglm_instances(families=gaussians, penalties=(None,), points=st.integers(1, 12), offsets=True))
@quick
def test_p16_leave_one_out(instance):
    properties.leave_one_out(instance)


@given(kglm_instances(points=st.integers(1, 20)))
@settings(quick, max_examples=25)
def test_p16_gradients(instance):
    properties.fit_gradients(instance)


@pytest.mark.slow
@given(kglm_instances(lipschitz=(1e-2, 1e3)), kglm_instances(families=families(), points=st.integers(1, 25)))
@slow
def test_p1_to_p8_over_many_draws(instance, other):
    for each in (instance, other):
        properties.fixed_point(each)
        properties.mean_fixed_point(each)
        properties.prediction(each)
        properties.null_vectors(each)
        properties.jacobian_in_predictors(each)
        properties.scale_invariance(each)


# ---- negative controls -----------------------------------------------------------------------------------------------


def test_p1_another_power_of_lambda_is_no_fixed_point():
    instance = problem()
    squared = replace(instance, regularisation=instance.regularisation**2)
    with pytest.raises(PropertyFailed, match=r"P1, f = H\(f\).*bernoulli: n = 12, lambda = "):
        properties.fixed_point(instance, f=squared.solution.f)


def test_p1_stopping_early_is_noticed():
    instance = problem()
    f = instance.solution.f
    with pytest.raises(PropertyFailed, match="P1"):
        properties.fixed_point(instance, f=f + 1e-9 * np.sin(np.arange(len(f))))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda layer: {"W2": -layer.W2},
        lambda layer: {"W2": layer.W2 + 1e-6 * np.eye(len(layer.W2))},
        lambda layer: {"W1": layer.W1.T @ layer.W1},
        lambda layer: {"W3": np.zeros_like(layer.W3)},
    ],
    ids=["sign of W2", "jitter in W2", "W1", "no W3"],
)
def test_p1_wrong_weights(wrong):
    instance = problem(penalty=HUBER)
    layer = replace(instance.layer, **wrong(instance.layer))
    with pytest.raises(PropertyFailed, match="P1, z = sigma"):
        properties.mean_fixed_point(instance, layer)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda layer: {"V1": -layer.V1},
        lambda layer: {"V2": 2 * layer.V2},
        lambda layer: {"V1": layer.V1 * (1 + 1e-6)},
    ],
)
def test_p2_wrong_readout(wrong):
    instance = problem(penalty=HUBER)
    with pytest.raises(PropertyFailed, match="P2"):
        properties.prediction(instance, replace(instance.layer, **wrong(instance.layer)))


def test_p2_the_mean_is_not_the_canonical_parameter():
    # (8) predicts f; A'(f) is what the authors' read-out returns
    instance = problem()
    with pytest.raises(PropertyFailed, match="P2"):
        properties.prediction(instance, f=instance.layer.activation(instance.solution.f))


def test_p3_a_cross_kernel_that_is_not_that_of_the_kernel():
    instance = problem()
    cross = instance.cross + 1e-3 * np.random.default_rng(1).normal(size=instance.cross.shape)
    with pytest.raises(PropertyFailed, match="P3"):
        properties.null_vectors(replace(instance, cross=cross))


def test_p4_a_box_is_no_kernel_and_has_many_solutions():
    x = np.arange(12.0)
    gap = np.abs(x[:, None] - x)
    gram = np.exp(-(gap**2) / 20) * (gap <= 2)
    gram *= 20 / np.linalg.norm(gram, 2)
    instance = KGLMInstance(bind(losses.rademacher), gram, gram, np.zeros(12), 1.0)
    with pytest.raises(PropertyFailed, match="P4"):
        properties.uniqueness(instance, starts=20, solve=any_root)
    # the same root finder agrees with the theorem where K is positive semi-definite
    properties.uniqueness(problem("rademacher", n=6, level=5.0), solve=any_root)


def any_root(instance, start):
    """A root found from this start or a scaled one; a search that fails is no second solution."""
    for scale in (3, 2, 1, 0.5, 0.1, 0.0):
        found = root(lambda f: f - instance.image(f), scale * start, tol=1e-13)
        if largest(found.fun) < 1e-10:
            return found.x
    raise AssertionError("no root found")


def test_p5_is_about_contractions_only():
    with pytest.raises(InvalidInput, match="L <= 0.95"):
        properties.solvers_agree(problem(level=2.0))


def test_p6_a_smaller_rate_and_a_longer_step_are_refuted():
    instance = problem("rademacher", level=5.0)
    lipschitz = replace(instance, gram=instance.gram + 1e-6 * np.eye(12)).lipschitz
    with pytest.raises(PropertyFailed, match="P6"):
        properties.damped_rate(instance, rate=0.9 * lipschitz / (2 + lipschitz))
    with pytest.raises(PropertyFailed, match="P6"):
        properties.damped_rate(instance, step=1.0)


def printed_jacobian(layer, z, y):
    """The source's: diag(sigma') behind the matrix, and u without W3 rho(z)."""
    eta = layer.pointwise.link(z)
    slope = layer.pointwise.mean_slope(eta)
    rho_slope = (layer.pointwise.curvature(eta, y) - slope) / slope
    u = layer.W1 @ z + layer.W2 @ y + layer.bias
    return (layer.W1 + layer.W3 * rho_slope) * layer.pointwise.mean_slope(u)


def test_p7_the_printed_order_is_refuted():
    instance = problem(penalty=HUBER)
    with pytest.raises(PropertyFailed, match="P7, the Jacobian of the layer"):
        properties.jacobian_of_layer(instance, printed_jacobian)
    f = instance.solution.f
    curvature = instance.pointwise.curvature(f, instance.targets)
    transposed = -(instance.gram * curvature / instance.regularisation).T
    with pytest.raises(PropertyFailed, match="P7, the Jacobian of H"):
        properties.jacobian_in_predictors(instance, transposed)


@given(kglm_instances(families=models(), offsets=True, points=st.integers(1, 12)), st.floats(2, 5))
@quick
def test_p8_the_printed_offset_is_refuted(instance, regularisation):
    # M inside of the factor 1/lambda, as displayed in the last line of Appendix H; |M| >= .2
    instance = replace(instance, regularisation=regularisation)
    printed = replace(instance.layer, bias=instance.layer.bias / regularisation)
    with pytest.raises(PropertyFailed, match="P8"):
        properties.offset_outside(instance, printed)


def test_p8_needs_an_offset():
    with pytest.raises(InvalidInput, match="offsets=True"):
        properties.offset_outside(problem())


def test_p9_without_the_offset_the_fit_moves():
    with pytest.raises(PropertyFailed, match="P9"):
        properties.translation(problem("gaussian"), move_offset=False)
    with pytest.raises(PropertyFailed, match="P9"):  # no location family
        properties.translation(problem("poisson"), shift=0.5)


def test_p16_leave_one_out_is_not_exact_for_other_losses():
    with pytest.raises(InvalidInput, match="quadratic"):
        properties.leave_one_out(problem())


def test_p16_wrong_statistics_are_noticed(monkeypatch):
    from dekderive.solvers.kglm.statistics import FitStatistics

    instance = problem("gaussian", n=6)
    monkeypatch.setattr(FitStatistics, "loo", property(lambda self: self.f))  # no adjustment by leverages
    with pytest.raises(PropertyFailed, match="P16, observation"):
        properties.leave_one_out(instance)
    monkeypatch.setattr(
        FitStatistics, "by_regularisation", property(lambda self: -self.f / self.problem.regularisation)
    )
    with pytest.raises(PropertyFailed, match="P16, df / d lambda"):
        properties.fit_gradients(instance)


def test_p16_a_solver_without_weights_or_with_an_absolute_nugget_is_noticed(monkeypatch):
    from dekderive.testing.properties import kglm_variants

    real = kglm_variants.solve_kglm
    monkeypatch.setattr(kglm_variants, "solve_kglm", lambda *a, weights=None, **k: real(*a, **k))
    with pytest.raises(PropertyFailed, match="are copies"):
        properties.weights_duplicate(problem())

    jittered = KGLMInstance.solve

    def solve(self, solver="newton", start=None):
        return jittered(replace(self, gram=self.gram + 1e-6 * np.eye(len(self.gram))), solver, start)

    monkeypatch.setattr(KGLMInstance, "solve", solve)
    with pytest.raises(PropertyFailed, match="P16, scale"):
        properties.scale_invariance(problem())


def test_a_failure_is_an_assertion_that_shows_the_instance():
    with pytest.raises(AssertionError, match=r"rademacher.*T = \["):
        properties.fixed_point(problem("rademacher", n=3), f=np.zeros(3))
