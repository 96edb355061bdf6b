"""What the engine does not have: the reason is named; what diverges is an error; conditions are enforced."""

import mpmath
import pytest
import sympy as sp

from dekderive.atoms import elu, gelu, hard_tanh, ndtr, relu, softplus, step
from dekderive.certificates import enclose
from dekderive.duals import closed_form, dual, mean, numeric
from dekderive.errors import NoClosedForm, NotIntegrable
from dekderive.symbols import kxx, kxy, kyy, z
from dekderive.verdict import Verdict

p = sp.Symbol("p", positive=True)


@pytest.mark.parametrize(
    ("f", "g", "message"),
    [
        (sp.tanh(z), None, "tanh"),
        (softplus(z), z, "softplus"),
        (ndtr(z) ** 2, None, "4 gates .*dimension four"),
        (ndtr(z) * step(z - 1), relu(z), "a probit of noise 1 in u, a step at 1 in u, a step at 0 in v.*trivariate"),
        (relu(z) * sp.sin(z), None, "bivariate normal distribution function of complex arguments"),
        (relu(z - 1) * sp.sin(z), relu(z), "two gates with a sine or cosine"),
        (sp.exp(z**3), None, "degree at most 2"),
        (relu(z - sp.Symbol("k", real=True)) * relu(sp.Symbol("m", real=True) - z), None, "cannot be ordered"),
        (sp.Abs(z**2 - 1), None, "affine"),
        (sp.Piecewise((z, z > 0)), None, "not defined on the whole line"),
        (sp.sqrt(z), None, "the power sqrt"),
        (1 / (1 + z**2), None, "power"),
    ],
)
def test_the_offending_piece_is_named(f, g, message):
    with pytest.raises(NoClosedForm, match=message):
        closed_form(f, g)


def test_the_fallback_has_exact_derivatives():
    d = dual(sp.tanh(z), relu(z))
    assert d.derivative() == numeric.dual_kxy(sp.tanh(z), relu(z), kxx, kyy, kxy)
    assert d.derivative_in_kxx() == numeric.dual_kxx(sp.tanh(z), relu(z), kxx, kyy, kxy)
    assert d.derivative_in_kyy() == numeric.dual_kyy(sp.tanh(z), relu(z), kxx, kyy, kxy)
    assert dual(sp.tanh(z), sp.S.One).derivative_in_kyy() == 0


def test_what_is_emitted_keeps_its_digits():
    for f in (gelu(z), hard_tanh(z), sp.sin(z)):
        assert dual(f).emitted == dual(f).expression
        assert dual(f).emitted_derivative() == dual(f).derivative()
    # Near variance 0 the closed form of ELU subtracts numbers near 1: 12 digits are lost at 1e-12.
    assert dual(elu(z)).closed
    assert isinstance(dual(elu(z)).emitted, numeric.dual)
    assert isinstance(dual(elu(z)).emitted_derivative(), numeric.dual_kxy)
    assert dual(elu(z, sp.Symbol("alpha", positive=True))).emitted.has(sp.Symbol("alpha", positive=True))


@pytest.mark.parametrize("f", [sp.Abs(z) ** sp.Rational(-1, 2), 1 / z, relu(z) ** -1])
def test_powers_that_are_not_square_integrable(f):
    with pytest.raises(NotIntegrable, match="-1/2|infinite"):
        dual(f)


def test_symbolic_powers_carry_their_condition():
    q = sp.Symbol("q", real=True)
    assert dual(sp.Abs(z) ** q).conditions == (q + sp.S.Half,)
    assert not dual(sp.Abs(z) ** p).conditions


def test_a_formula_is_not_a_number_outside_its_domain():
    """At (3, 3, 1) both minors of I - 2QS are negative, and the determinant is positive: its plain root is real."""
    d = dual(sp.exp(z**2 / 4))
    assert len(d.conditions) == 3
    inside, outside = ({kxx: v, kyy: v, kxy: w} for v, w in ((1, sp.Rational(1, 2)), (3, sp.Rational(1, 4))))
    assert d.conditions[0].subs(inside) > 0
    assert enclose(d.expression, inside).lower > 0
    assert sp.expand((1 - kxx / 2) * (1 - kyy / 2) - kxy**2 / 4).subs(outside) > 0
    assert not enclose(d.expression, outside).is_finite


POWERS = {
    "abs^(1/3)": (sp.Abs(z) ** sp.Rational(1, 3), lambda x: abs(x) ** (mpmath.mpf(1) / 3)),
    "relu^(3/2)": (relu(z) ** sp.Rational(3, 2), lambda x: x**1.5 if x > 0 else mpmath.mpf(0)),
    "sign abs^(-1/4)": (sp.sign(z) * sp.Abs(z) ** sp.Rational(-1, 4), lambda x: mpmath.sign(x) * abs(x) ** -0.25),
    "step": (step(z), lambda x: mpmath.mpf(x > 0)),
    "x^2": (z**2, lambda x: x**2),
}


def _polar(f, g, a, b, c):
    """E[f(u) g(v)] in polar coordinates, where real powers separate: no singularity but at four angles."""
    root = mpmath.sqrt(a * b - c * c)
    degree = mpmath.log(abs(f(mpmath.mpf(2)) / f(mpmath.mpf(1))), 2) + mpmath.log(
        g(mpmath.mpf(2)) / g(mpmath.mpf(1)), 2
    )
    radial = mpmath.quad(lambda r: r ** (degree + 1) * mpmath.exp(-r * r / 2), [0, 1, 4, 12])
    kink = mpmath.atan2(-c, root)  # where v = (c cos + root sin) / sqrt(a) vanishes
    cuts = sorted({t for base in (mpmath.pi / 2, kink) for t in (base - mpmath.pi, base, base + mpmath.pi)})
    cuts = [-mpmath.pi, *(t for t in cuts if -mpmath.pi < t < mpmath.pi), mpmath.pi]

    def ray(t):
        return f(mpmath.sqrt(a) * mpmath.cos(t)) * g((c * mpmath.cos(t) + root * mpmath.sin(t)) / mpmath.sqrt(a))

    return radial * mpmath.quad(ray, cuts) / (2 * mpmath.pi)


@pytest.mark.parametrize(
    ("left", "right"),
    [("abs^(1/3)", "abs^(1/3)"), ("abs^(1/3)", "relu^(3/2)"), ("relu^(3/2)", "relu^(3/2)"),
     ("sign abs^(-1/4)", "relu^(3/2)"), ("sign abs^(-1/4)", "sign abs^(-1/4)"), ("relu^(3/2)", "step"),
     ("abs^(1/3)", "x^2")],
)  # fmt: skip
def test_real_powers(left, right):
    (f, fn), (g, gn) = POWERS[left], POWERS[right]
    d = dual(f, g)
    assert d.closed
    assert {check.verdict for check in d.checks()} == {Verdict.HOLDS}
    at = {kxx: sp.Rational(9, 10), kyy: sp.Rational(3, 2), kxy: sp.Rational(-2, 5)}
    with mpmath.workdps(25):
        expected = _polar(fn, gn, *(mpmath.mpf(v.p) / v.q for v in at.values()))
    assert abs(d.expression.subs(at).evalf(25) - sp.Float(expected, 25)) < 1e-10
    h = sp.Rational(1, 10**10)
    slope = [d.expression.subs({**at, kxy: at[kxy] + e}).evalf(40) for e in (h, -h)]
    assert abs((slope[0] - slope[1]) / (2 * h) - d.derivative().subs(at).evalf(20)) < 1e-14


def test_moments_of_real_powers():
    f = sp.Abs(z) ** sp.Rational(1, 3)
    assert (
        sp.simplify(
            mean(f, f)
            - 2 ** sp.Rational(1, 3) * sp.gamma(sp.Rational(5, 6)) / sp.sqrt(sp.pi) * kxx ** sp.Rational(1, 3)
        )
        == 0
    )


def test_a_wrong_power_formula_is_not_proved():
    from dekderive.duals import Dual

    right = dual(relu(z) ** sp.Rational(3, 2))
    wrong = Dual(right.left, right.right, right.expression * sp.Rational(101, 100), right.rule)
    assert Verdict.HOLDS not in [wrong.checks()[0].verdict]
