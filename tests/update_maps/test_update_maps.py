"""Update maps: the two equations agree, the charts are faithful, the modulus bounds the derivative."""

import functools

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from dekderive.atoms import gelu, leaky_relu, relu, softplus, step
from dekderive.duals.proof import decide_zero
from dekderive.families import bernoulli, gamma, gaussian, negative_binomial, poisson
from dekderive.kernels.kernel import Chart, Claim
from dekderive.parameters import parameter
from dekderive.reparameterisations import Reparameterisation
from dekderive.symbols import (
    angle,
    bias_variance,
    correlation,
    cxx,
    cxy,
    cyy,
    gap,
    input_variance,
    kxx,
    kxy,
    kyy,
    mean_x,
    mean_y,
    regularisation,
    weight_variance,
    z,
)
from dekderive.update_maps import deker, deq_ntk, normalised
from dekderive.update_maps.update_map import closed_diagonal, in_chart, mirror, quadratic_root
from dekderive.verdict import Verdict

shape = parameter("shape", positive=True)

CLOSED = {
    "gaussian relu": lambda: deker(Reparameterisation(gaussian(), relu(z))),
    "gaussian leaky": lambda: deker(Reparameterisation(gaussian(), leaky_relu(z, sp.Rational(1, 5)))),
    "gaussian erf": lambda: deker(Reparameterisation(gaussian(), sp.erf(z))),
    "gaussian sin": lambda: deker(Reparameterisation(gaussian(), sp.sin(z))),
    "gaussian identity": lambda: deker(Reparameterisation(gaussian(), z)),
    "poisson identity": lambda: deker(Reparameterisation(poisson(), z)),
    "gamma log": lambda: deker(Reparameterisation(gamma(shape), -sp.exp(-z))),
    "deq relu": lambda: deq_ntk(normalised(relu(z))),
    "deq leaky": lambda: deq_ntk(normalised(leaky_relu(z, sp.Rational(1, 5)))),
    "deq abs": lambda: deq_ntk(normalised(sp.Abs(z))),
    "deq erf": lambda: deq_ntk(normalised(sp.erf(z))),
    "deq gelu": lambda: deq_ntk(gelu(z)),
    "deq sin": lambda: deq_ntk(normalised(sp.sin(z))),
}


@functools.cache
def made(name):
    return CLOSED[name]()


@pytest.fixture(scope="module", params=CLOSED)
def update(request):
    return made(request.param)


VALUES = {
    kxx: sp.Rational(7, 5),
    kyy: sp.Rational(9, 11),
    cxx: sp.Rational(3, 2),
    cyy: sp.Rational(5, 4),
    cxy: sp.Rational(-1, 3),
    mean_x: sp.Rational(2, 7),
    mean_y: sp.Rational(1, 6),
    regularisation: sp.Rational(13, 9),
    weight_variance: sp.Rational(3, 5),
    input_variance: sp.Rational(3, 10),
    bias_variance: sp.Rational(1, 10),
    shape: sp.Rational(3, 2),
}


def test_the_pair_equation_at_coincidence_is_the_diagonal_equation(update):
    same = {kyy: kxx, kxy: kxx, cyy: cxx, cxy: cxx, mean_y: mean_x}
    verdict, detail = decide_zero(update.step.subs(same, simultaneous=True) - update.diagonal_step)
    assert verdict is Verdict.HOLDS, detail


def test_price_derivative_is_the_derivative_of_the_step(update):
    step_at = update.step.subs({s: v for s, v in VALUES.items() if s != kxy})
    h, at = sp.Rational(1, 10**15), sp.Rational(2, 5)
    quotient = ((step_at.subs(kxy, at + h) - step_at.subs(kxy, at - h)) / (2 * h)).evalf(40)
    assert abs(update.step_derivative.subs({**VALUES, kxy: at}).evalf(30) - quotient) < 1e-24


def test_the_map_is_symmetric_in_the_two_inputs(update):
    assert decide_zero(mirror(update.step) - update.step)[0] is Verdict.HOLDS


def linear_root(expression, symbol, target):
    """The value of `symbol`, on which the expression depends linearly, that makes it `target`."""
    at_zero, at_one = expression.subs(symbol, 0), expression.subs(symbol, 1)
    return (target - at_zero) / (at_one - at_zero)


def test_the_chart_residual_vanishes_where_the_step_is_fixed(update):
    """Choose cxy so that kxy is a fixed point; the residual must be zero there, and not elsewhere."""
    at, values = sp.Rational(1, 4), dict(VALUES)
    if update.model == "deq_ntk":  # homogeneous charts use the diagonals, so these must be fixed points too
        parameters = {s: VALUES[s] for s in (weight_variance, input_variance, bias_variance)}
        for k, c in ((kxx, cxx), (kyy, cyy)):
            values[c] = linear_root(update.diagonal_step.subs({**parameters, kxx: VALUES[k]}), cxx, VALUES[k])
    values = {s: sp.Rational(str(sp.sympify(v).evalf(60))) for s, v in values.items()}
    step_of_cxy = update.step.subs({**{s: v for s, v in values.items() if s != cxy}, kxy: at})
    values[cxy] = sp.Rational(str(linear_root(step_of_cxy, cxy, at).evalf(60)))
    cosine = at / sp.sqrt(values[kxx] * values[kyy])
    values[gap] = 1 - values[cxy] / sp.sqrt(values[cxx] * values[cyy])
    point = {correlation: cosine} if update.chart is Chart.CORRELATION else {angle: sp.acos(cosine)}
    assert abs(update.residual.subs(values).subs(point).evalf(30)) < 1e-25
    shifted = {s: v + sp.Rational(1, 100) for s, v in point.items()}
    assert abs(update.residual.subs(values).subs(shifted).evalf(20)) > 1e-6


def test_charts_are_chosen_by_the_singularity():
    charts = {name: made(name).chart for name in CLOSED}
    rectified = {name for name, chart in charts.items() if chart is Chart.ANGLE}
    assert rectified == {"gaussian relu", "gaussian leaky", "deq relu", "deq leaky", "deq abs"}


def test_closed_diagonals_solve_the_diagonal_equation():
    for name in ("gaussian relu", "gaussian leaky", "gaussian identity", "deq relu", "deq leaky", "deq abs"):
        update = made(name)
        closed = update.closed_diagonal.replace(quadratic_root, lambda *args: quadratic_root(*args).definition)
        root = closed.subs(VALUES)
        assert root > 0
        assert abs((update.diagonal_step.subs({**VALUES, kxx: root}) - root).evalf(30)) < 1e-28, name
    assert made("gaussian erf").closed_diagonal is None
    assert closed_diagonal(kxx**2 + cxx) is None


def test_the_mean_multiplies_the_slope_of_its_own_input():
    update = made("gaussian relu")
    # E[step(u) relu(v)] = (sqrt(kyy) + kxy / sqrt(kxx)) / (2 sqrt(2 pi)): the mean of x comes with the norm of y.
    coefficient = -(regularisation**2) * update.step.coeff(regularisation, -2).expand().coeff(mean_x)
    expected = (sp.sqrt(kyy) + kxy / sp.sqrt(kxx)) / (2 * sp.sqrt(2 * sp.pi))
    value = (-(regularisation**2) * update.step).expand().coeff(mean_x)
    assert decide_zero(value - expected)[0] is Verdict.HOLDS
    swapped = (sp.sqrt(kxx) + kxy / sp.sqrt(kyy)) / (2 * sp.sqrt(2 * sp.pi))
    assert decide_zero(value - swapped)[0] is Verdict.FAILS
    assert coefficient is not None


covariances = st.tuples(
    st.fractions("1/10", 3, max_denominator=20),
    st.fractions("1/10", 3, max_denominator=20),
    st.fractions("-19/20", "19/20", max_denominator=20),
)


@given(k=covariances, c=covariances, means=st.tuples(*[st.fractions(-1, 1, max_denominator=10)] * 2))
@settings(max_examples=25, deadline=None)
@pytest.mark.parametrize(
    "name", ["gaussian erf", "gaussian sin", "poisson identity", "deq relu", "deq erf", "deq gelu"]
)
def test_the_modulus_bounds_the_derivative(name, k, c, means):
    update = made(name)
    a, b, r = (float(x) for x in k)
    # Moments that belong to some statistic: C = mean mean' + a covariance.
    m, n = (float(x) for x in means)
    p, q, s = (float(x) for x in c)
    values = {**VALUES, kxx: a, kyy: b, kxy: r * (a * b) ** 0.5, mean_x: m, mean_y: n}
    values |= {cxx: m * m + p, cyy: n * n + q, cxy: m * n + s * (p * q) ** 0.5}
    slope = abs(update.step_derivative.subs(values).evalf(15))
    assert slope <= update.modulus.subs(values).evalf(15) * (1 + 1e-12)


def test_claims():
    assert made("gaussian relu").claim is Claim.UNIQUE_ROOT  # proved in derivations/deker_gaussian_relu.py
    assert made("gaussian leaky").claim is Claim.NONE
    assert made("gaussian erf").claim is Claim.CONTRACTION
    assert made("deq relu").modulus == weight_variance
    assert made("gaussian identity").modulus == 1 / regularisation**2


def test_numeric_links_derive_too():
    update = deker(Reparameterisation(bernoulli(), z))
    assert update.chart is Chart.CORRELATION
    assert not dict(update.duals)["activation_activation"].closed
    assert dict(update.duals)["slope_activation"].expression == sp.Rational(1, 2)
    poisson_softplus = deker(Reparameterisation(poisson(), sp.log(softplus(z))))
    assert not dict(poisson_softplus.duals)["slope_slope"].closed
    assert deker(Reparameterisation(negative_binomial(2), -softplus(-z))).name == "deker_negative_binomial_2"
    assert step(z) not in poisson_softplus.step.free_symbols


def test_in_chart_is_exact():
    update = made("gaussian relu")
    theta, q = sp.Rational(6, 5), {kxx: sp.Rational(7, 5), kyy: sp.Rational(9, 11)}
    left = in_chart(update.step, Chart.ANGLE).subs({**VALUES, angle: theta}).evalf(30)
    right = update.step.subs({**VALUES, kxy: sp.sqrt(q[kxx] * q[kyy]) * sp.cos(theta)}).evalf(30)
    assert abs(left - right) < 1e-28
