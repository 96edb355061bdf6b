"""Derivations of kernels of finite depth."""

import numpy as np
import pytest
import sympy as sp

from dekderive.atoms import arcsine, elu, leaky_relu, noisy_rootgap, relu, rootgap, softplus, step
from dekderive.certificates.enclosure import enclose
from dekderive.derivation import Derivation
from dekderive.errors import NoClosedForm, NotIntegrable
from dekderive.gram import gram, gram_gradient
from dekderive.parameters import parameter
from dekderive.programs import compile, emit
from dekderive.symbols import angle, kxx, kxy, kyy, z
from dekderive.update_maps import nngp, ntk
from dekderive.update_maps.expectation import expectation_forms, in_angle, regular_derivative
from dekderive.verdict import Verdict

SQUARE = parameter("slant", nonnegative=True)


@pytest.mark.parametrize("jump", [step(z), sp.sign(z), step(z - 1), z + step(-z)])
def test_the_tangent_kernel_of_a_jump_is_infinite(jump):
    with pytest.raises(NotIntegrable, match="jumps"):
        ntk(jump)


@pytest.mark.parametrize("kink", [relu(z), sp.Abs(z), elu(z), leaky_relu(z), relu(z) ** 2, z * step(z)])
def test_a_kink_is_no_jump(kink):
    slope, jumps = regular_derivative(kink)
    assert not jumps
    assert not slope.has(sp.DiracDelta)
    for point in (sp.Rational(-7, 5), sp.Rational(3, 5)):
        exact = (kink.subs(z, point + sp.Rational(1, 10**8)) - kink.subs(z, point - sp.Rational(1, 10**8))) * 10**8 / 2
        assert abs(sp.N(slope.subs(z, point) - exact)) < 1e-7


@pytest.mark.parametrize(
    "expression",
    [
        rootgap(kxx, kyy, kxy),
        kxy * arcsine(kxx, kyy, kxy),
        1 / (kxx * kyy - kxy**2 + kxx + kyy + 1) ** 2,
        kxy**3 * noisy_rootgap(kxx, kyy, kxy, sp.Rational(1, 2), 1) - kxx * kxy**2 + kyy,
    ],
)
def test_the_chart_of_the_angle_is_a_change_of_variables(expression):
    chart = in_angle(expression)
    assert not chart.has(kxy)
    for a, b, t in [("3/4", "5/2", "1/3"), ("7", "1/9", "5/2")]:
        known = {kxx: sp.Rational(a), kyy: sp.Rational(b)}
        c = sp.sqrt(known[kxx] * known[kyy]) * sp.cos(sp.Rational(t))
        difference = expression.subs({**known, kxy: c}) - chart.subs({**known, angle: sp.Rational(t)})
        assert abs(sp.N(difference, 40)) < 1e-30


def test_nothing_is_subtracted_from_the_product_of_the_variances():
    # At kxx = kyy = 1e16 and an angle of 1e-6, kxx kyy - kxy^2 is 1e20, in float64 a multiple of 1e16.
    price = expectation_forms(sp.erf(z)).price
    value = sp.lambdify((angle, kxx, kyy), price, "numpy")(1e-6, 1e16, 1e16)
    exact = enclose(price, {angle: sp.Rational(1e-6), kxx: sp.Integer(10) ** 16, kyy: sp.Integer(10) ** 16})
    assert value == pytest.approx(float(exact), rel=1e-14)


@pytest.mark.parametrize("activation", [relu(z), sp.Abs(z), leaky_relu(z, sp.Rational(1, 5)), relu(z) ** 2, step(z)])
def test_losses_of_homogeneous_functions_do_not_cancel(activation):
    forms = expectation_forms(activation)
    lost = sp.lambdify(angle, forms.loss.replace(lambda e: hasattr(e, "definition"), lambda e: e.definition), "mpmath")
    import mpmath as mp

    ratio = sp.lambdify((angle, kxx, kyy), forms.value, "mpmath")
    record = compile(nngp(activation, name="record"))
    for t in ("1e-9", "1e-4", "0.3", "1.5", "3"):
        with mp.workdps(60):
            exact = 1 - ratio(mp.mpf(float(t)), mp.mpf(1), mp.mpf(1)) / ratio(mp.mpf(0), mp.mpf(1), mp.mpf(1))
            assert abs(lost(mp.mpf(float(t))) - exact) < mp.mpf(10) ** -50
            assert abs(record.activation.loss(np.float64(t)) - exact) < 3e-14 * abs(exact) + mp.mpf(10) ** -30


def test_parameters_of_the_activation_are_parameters_of_the_kernel():
    record = compile(ntk(leaky_relu(z, SQUARE), name="slanted"))
    assert record.parameter_names == ("weight_variance", "bias_variance", "slant")
    X = np.array([[1.0, 0.2], [0.3, -1.0], [1.0, 0.2000001]])
    _, dK = gram_gradient(record.with_depth(2), X, slant=0.3)
    h = 1e-5
    ends = [gram(record.with_depth(2), X, slant=0.3 + s) for s in (h, -h)]
    np.testing.assert_allclose(dK[..., 2], (ends[0] - ends[1]) / (2 * h), rtol=1e-9)
    np.testing.assert_allclose(gram(record, X, slant=1.0), gram(compile(ntk(z, name="line")), X), rtol=1e-14)


def test_numeric_expectations_take_no_parameters():
    with pytest.raises(NoClosedForm, match="slant"):
        nngp(sp.tanh(SQUARE * z))


@pytest.mark.parametrize("make", [nngp, ntk])
def test_closed_forms_are_proved_and_others_left_undecided(make):
    assert Derivation(make(relu(z), name="a")).verdict() is Verdict.HOLDS
    assert Derivation(make(sp.erf(z), name="a")).verdict() is Verdict.HOLDS
    assert Derivation(make(softplus(z), name="a")).verdict() is Verdict.UNDECIDED


def test_the_specification_is_that_of_the_function():
    assert Derivation(ntk(relu(z), name="a")).spec != Derivation(nngp(relu(z), name="a")).spec
    assert Derivation(ntk(relu(z), name="a")).spec != Derivation(ntk(sp.erf(z), name="a")).spec
    text = emit(Derivation(ntk(sp.tanh(z), name="a")))
    assert text == emit(Derivation(ntk(sp.tanh(z), name="a")))
    assert "sympy" not in text


def test_a_linear_activation_has_the_linear_kernel():
    X = np.array([[1.0, 0.2], [0.3, -1.0], [-1.0, -0.2]])
    np.testing.assert_allclose(gram(compile(nngp(z, name="line")), X, weight_variance=2.0), 4 * X @ X.T, atol=1e-15)
    found = gram(compile(ntk(z, name="line")).with_depth(2), X, weight_variance=2.0, bias_variance=0.5)
    # K^1 = 2c + b, K^2 = 4c + 3b, K^3 = 8c + 7b; Theta^2 = K^2 + 2 K^1, Theta^3 = K^3 + 2 Theta^2, with b = 1/2.
    np.testing.assert_allclose(found, 24 * X @ X.T + 0.5 * (7 + 2 * (3 + 2)), atol=1e-13)


def test_the_chain_of_a_derivation_ends_with_its_layers():
    from dekderive.reports.chain import chain

    sections = chain(Derivation(ntk(relu(z), name="a")))
    assert [s.title for s in sections] == ["Scalar functions", "Gaussian expectations", "Layers"]
    assert any("angle/pi" in formula.text for formula in sections[-1].formulas)
