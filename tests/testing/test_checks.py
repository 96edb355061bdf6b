"""What users run: every check of their own family or activation; and the strategies that the checks draw from."""

import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import sympy as sp
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from dekderive import testing
from dekderive.atoms import relu, step
from dekderive.errors import InvalidInput, NotIntegrable, PropertyFailed
from dekderive.families import EXAMPLES, Family, bernoulli, by_name, gaussian, poisson
from dekderive.programs import compile_dual
from dekderive.symbols import eta, z
from dekderive.testing import properties
from dekderive.testing.observations import loss_of
from dekderive.testing.quadrature import pair_expectation
from dekderive.theorems import checks_for
from dekderive.update_maps import deq_ntk
from dekderive.verdict import Verdict

LINE = sp.Interval.open(-sp.oo, sp.oo)
quick = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def names(rows, verdict):
    return [row.name for row in rows if row.verdict is verdict]


# ---- a user's family -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "domain"),
    [
        (sp.log(1 + sp.exp(eta) + sp.exp(3 * eta)), LINE),
        (-sp.log(sp.cos(eta)), sp.Interval.open(-sp.pi / 2, sp.pi / 2)),
    ],
    ids=["values 0, 1, 3", "hyperbolic secant"],
)
def test_a_family_given_by_its_log_partition_passes(formula, domain):
    mine = Family("mine", formula, domain)
    rows = testing.check_family(mine, examples=6)
    assert not names(rows, Verdict.FAILS)
    searched = [row for row in rows if "no counterexample" in row.detail]
    assert len(searched) >= (17 if domain == LINE else 14)
    assert all("6 draws" in row.detail or int(row.detail.split()[3]) >= 1 for row in searched)
    # what was proved stays proved
    assert set(names(checks_for(mine), Verdict.HOLDS)) <= set(names(rows, Verdict.HOLDS))


@pytest.mark.slow
@pytest.mark.parametrize("text", EXAMPLES)
def test_every_shipped_family_passes(text):
    rows = testing.check_family(by_name(text), examples=4)
    assert not [row for row in rows if "could not" in row.detail or "no draw" in row.detail]


@pytest.mark.slow
@pytest.mark.parametrize("activation", testing.strategies.ACTIVATIONS, ids=str)
def test_every_activation_passes(activation):
    testing.check_activation(activation, examples=4)


def test_a_wrong_mean_is_found_with_its_counterexample(monkeypatch):
    # a loss whose mean is off by a part in a million: the slope is not the derivative of the value
    mine = Family("mine", sp.log(1 + sp.exp(eta) + sp.exp(2 * eta)), LINE)
    real = loss_of(mine)
    slope = replace(real.slope, function=lambda *a: (1 + 1e-6) * real.slope.function(*a))
    monkeypatch.setattr("dekderive.testing.properties.families.loss_of", lambda family: replace(real, slope=slope))
    with pytest.raises(
        PropertyFailed, match=r"mine: 1 of \d+ checks fail\n  formulas: .*A' - t: .* for mine at eta = "
    ):
        testing.check_family(mine, examples=2)


@given(testing.families())
@settings(quick, max_examples=15)
def test_the_properties_of_families(family):
    predictors = testing.checks.draw_predictors(loss_of(family), np.random.default_rng(1), 5)
    properties.loss_is_the_family(family, predictors)
    properties.mean_is_monotone(family, predictors)
    properties.mean_inverts(family, predictors)


def test_the_properties_of_families_fail_where_they_should():
    points = np.array([-1.0, 0.5, 2.0])
    other = loss_of(poisson())
    with pytest.raises(PropertyFailed, match="A' - t"):
        properties.loss_is_the_family(bernoulli(), points, other)
    falling = replace(other, mean=replace(other.mean, function=lambda e: -e))
    with pytest.raises(PropertyFailed, match="the compiled mean increases"):
        properties.mean_is_monotone(poisson(), points, falling)
    halved = replace(other, mean_slope=replace(other.mean_slope, function=lambda e: 0.5 * np.exp(e)))
    with pytest.raises(PropertyFailed, match=r"\(A'\)\^-1"):
        properties.mean_inverts(poisson(), points, halved)
    floor = replace(other, mean=replace(other.mean, function=lambda e: np.floor(np.exp(e))))
    with pytest.raises(PropertyFailed, match=r"\(A'\)\^-1"):
        properties.mean_inverts(poisson(), points, floor)
    with pytest.raises(PropertyFailed, match="A''"):
        properties.variance_is_bounded(bernoulli(), np.array([0.0]), bound=0.2499)


@given(testing.kglm_instances(families=testing.families_from([gaussian(), poisson()]), points=st.integers(1, 8)))
@settings(quick, max_examples=10)
def test_families_from_a_list(instance):
    assert instance.pointwise.loss.name in ("gaussian", "poisson")
    assert 1 <= len(instance.targets) <= 8
    properties.fixed_point(instance)


def test_families_from_a_module_or_nothing():
    module = type(sys)("mine")
    module.one, module.two, module.other = bernoulli(), poisson(), 3
    assert find(testing.families_from(module), lambda f: f.name == "poisson").name == "poisson"
    with pytest.raises(InvalidInput, match=r"no dekderive\.Family"):
        testing.families_from([1, 2])
    k = sp.Symbol("k", positive=True)
    unknown = Family("gamma", -k * sp.log(-eta), sp.Interval.open(-sp.oo, 0), parameters=(k,))
    with pytest.raises(InvalidInput, match="give them numbers"):
        loss_of(unknown)


# ---- a user's activation ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", [sp.sin(z), relu(z), z * sp.exp(-(z**2))], ids=str)
def test_an_activation_passes(activation):
    rows = testing.check_activation(activation, examples=5)
    assert not names(rows, Verdict.FAILS)
    assert {"dual", "dual: Price", "dual: positivity", "dual: Hermite", "P17: fixed point", "P18: gradients"} <= {
        row.name for row in rows
    }
    assert "Price" in names(rows, Verdict.HOLDS)


def test_a_jump_has_no_tangent_kernel():
    with pytest.raises(NotIntegrable, match="jumps"):
        deq_ntk(step(z))
    rows = {row.name: row for row in testing.check_activation(step(z), examples=5)}
    assert rows["tangent kernel"].verdict is Verdict.UNDECIDED
    assert "jumps" in rows["tangent kernel"].detail
    assert "no counterexample" in rows["dual: Price"].detail


def test_an_activation_has_no_other_symbols():
    with pytest.raises(InvalidInput, match="alone"):
        testing.check_activation(z * sp.Symbol("a"))


@given(testing.activation_pairs(), testing.covariances(include_boundary=True))
@quick
def test_expectations_of_pairs(pair, covariance):
    properties.dual_value(pair, covariance)


@given(testing.activation_pairs(), testing.covariances())
@settings(quick, max_examples=25)
def test_price(pair, covariance):
    properties.price(pair, covariance)


@given(testing.activations(), testing.points_on_spheres(), st.floats(-1, 1))
@settings(quick, max_examples=25)
def test_positivity_and_hermite_series(f, rows, correlation):
    properties.positive_definite(f, np.clip(rows @ rows.T, -1, 1))
    properties.hermite_sum(f, correlation)


def test_wrong_duals_are_refused():
    pair, k = (relu(z), relu(z)), testing.Covariance(1.0, 2.0, 0.5)
    right = compile_dual(*pair)
    with pytest.raises(PropertyFailed, match=r"E\[f\(u\) g\(v\)\]"):
        properties.dual_value(pair, k, replace(right, dual=lambda *a: 2 * right.dual(*a)))  # of sqrt(2) relu
    with pytest.raises(PropertyFailed, match="Price"):  # the derivative in the correlation instead of the covariance
        properties.price(pair, k, replace(right, dual_kxy=lambda a, b, c: np.sqrt(a * b) * right.dual_kxy(a, b, c)))
    square = compile_dual(z**2)
    less = replace(square, dual=lambda a, b, c: square.dual(a, b, c) - 2 * a * b)  # less its mean twice
    with pytest.raises(PropertyFailed, match="lmin"):
        properties.positive_definite(z**2, np.eye(3), less)
    with pytest.raises(PropertyFailed, match="Hermite"):  # an angle that is measured from the other side
        properties.hermite_sum(relu(z), 0.5, replace(right, dual=lambda a, b, c: right.dual(a, b, -c)))


@pytest.mark.parametrize("correlation", [1.0, -1.0, 0.3, 1 - 1e-12, -1 + 1e-7])
def test_the_quadrature_that_judges(correlation):
    # the arc-cosine kernel of order 1, in closed form
    theta = math.acos(correlation) if abs(correlation) < 1 - 1e-9 else math.sqrt(max(2 * (1 - correlation), 0))
    theta = math.pi if correlation == -1.0 else theta
    k = testing.Covariance(4.0, 0.25, correlation)
    value = pair_expectation(lambda x: np.maximum(x, 0), lambda x: np.maximum(x, 0), k)
    expected = (math.sin(theta) + (math.pi - theta) * math.cos(theta)) / (2 * math.pi)
    assert value == pytest.approx(expected, abs=1e-11)


# ---- strategies ------------------------------------------------------------------------------------------------------


@given(testing.covariances(include_boundary=True))
@quick
def test_covariances_are_covariances(k):
    assert k.kxx >= 0
    assert k.kyy >= 0
    assert k.kxy**2 <= k.kxx * k.kyy


def test_the_boundary_is_drawn_where_it_is_asked_for():
    hunt = settings(derandomize=True, database=None, max_examples=2000)
    everywhere = testing.covariances(include_boundary=True)
    assert find(everywhere, lambda k: k.kxx == 0, settings=hunt).kxy == 0
    assert abs(find(everywhere, lambda k: k.correlation > 1 - 1e-15, settings=hunt).correlation - 1) < 1e-15

    @given(testing.covariances())
    @quick
    def inside(k):
        assert abs(k.correlation) < 0.9991

    inside()


@given(testing.image_pairs())
@quick
def test_pictures_have_unit_pixels(pair):
    assert pair.left.shape == pair.right.shape
    assert pair.filter_size % 2 == 1
    assert np.allclose(np.linalg.norm(pair.left, axis=0), 1)
    assert np.allclose(np.linalg.norm(pair.right, axis=0), 1)


@given(testing.near_duplicates(), testing.points_on_spheres(), testing.points())
@quick
def test_points(pair, sphere, rows):
    x, y = pair
    assert np.linalg.norm(x - y) <= 0.0101 * np.linalg.norm(x)
    assert np.allclose(np.linalg.norm(sphere, axis=1), 1)
    assert np.abs(rows).max() <= 2
    assert len(rows) <= 40


@given(testing.links())
@settings(quick, max_examples=12)
def test_links_are_reparameterisations(link):
    point = {z: sp.Rational(2, 7)}
    composed = link.family.log_partition.subs(eta, link.natural_map).diff(z)
    assert float((composed - link.activation).subs(point).doit().evalf()) == pytest.approx(0, abs=1e-12)
    assert float((link.natural_map.diff(z) - link.slope).subs(point).doit().evalf()) == pytest.approx(0, abs=1e-12)


def test_without_hypothesis_the_error_says_what_to_install():
    program = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "import importlib.util as u; real = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'hypothesis' else real(name, *a)\n"
        "try:\n    import dekderive.testing\n"
        "except ImportError as error:\n    print(type(error).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("MissingExtra")
    assert 'pip install "dekderive[testing]"' in done.stdout


def test_a_search_reports_what_it_could_not_examine():
    def refuse(n):
        raise InvalidInput("this problem is outside of the theorem")

    row = testing.run_property("n", "n", st.integers(), refuse, 5)
    assert row.verdict is Verdict.UNDECIDED
    assert "outside of the theorem" in row.detail
    row = testing.run_property("n", "n", st.integers(0, 3).filter(lambda n: n > 5), refuse, 5)
    assert row.detail == "no draw met the hypotheses"
