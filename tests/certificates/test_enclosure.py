from fractions import Fraction

import flint
import mpmath
import pytest
import sympy as sp

from dekderive import atoms
from dekderive.certificates import Enclosure, enclose, zero_verdict
from dekderive.errors import InvalidInput, UndeclaredSymbol, UnprintableNode
from dekderive.symbols import kxx, kxy, kyy, z
from dekderive.verdict import Verdict

R = sp.Rational

# Each atom by an mpmath formula written here, not by its definition.
REFERENCE = {
    atoms.relu: lambda x: max(x, mpmath.mpf(0)),
    atoms.step: lambda x: (mpmath.sign(x) + 1) / 2,
    atoms.softplus: lambda x: mpmath.log1p(mpmath.exp(x)),
    atoms.expit: lambda x: mpmath.exp(x) / (1 + mpmath.exp(x)),
    atoms.log_cosh: lambda x: mpmath.log((mpmath.exp(x) + mpmath.exp(-x)) / 2),
    atoms.log_sinhc: lambda x: mpmath.log(mpmath.quad(mpmath.cosh, [0, x]) / x) if x else mpmath.mpf(0),
    atoms.langevin: lambda x: mpmath.diff(lambda t: mpmath.log(mpmath.sinh(t) / t), x) if x else mpmath.mpf(0),
    atoms.langevin_slope: lambda x: x**-2 - mpmath.csch(x) ** 2 if x else mpmath.mpf(1) / 3,
    atoms.ndtr: mpmath.ncdf,
    atoms.log_ndtr: lambda x: mpmath.log(mpmath.ncdf(x)),
    atoms.inverse_mills: lambda x: mpmath.npdf(x) / mpmath.ncdf(x),
    atoms.log_i0: lambda x: mpmath.log(mpmath.besseli(0, x)),
    atoms.bessel_ratio: lambda x: mpmath.besseli(1, x) / mpmath.besseli(0, x),
    atoms.bessel_ratio_slope: lambda x: mpmath.diff(lambda t: mpmath.besseli(1, t) / mpmath.besseli(0, t), x),
    atoms.dawson: lambda x: mpmath.exp(-(x**2)) * mpmath.quad(lambda t: mpmath.exp(t * t), [0, x]),
    atoms.versine: lambda x: 1 - mpmath.cos(x),
    atoms.sin_minus_xcos: lambda x: mpmath.sin(x) - x * mpmath.cos(x),
}


@pytest.mark.parametrize("atom", REFERENCE, ids=lambda a: a.__name__)
@pytest.mark.parametrize("point", [R(0), R(1, 1000), R(-7, 3), R(5, 2), R(9)], ids=str)
def test_an_atom_is_enclosed_tightly(atom, point):
    value = enclose(atom(z), {z: point})
    with mpmath.workdps(80):
        expected = REFERENCE[atom](mpmath.mpf(point.p) / point.q)
    assert abs(value.midpoint - expected) <= value.radius + mpmath.mpf(10) ** -30 * (1 + abs(expected))
    assert value.radius <= mpmath.mpf(10) ** -36 * (1 + abs(expected))


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        (sp.LambertW(R(-1, 10), -1), lambda: mpmath.lambertw(mpmath.mpf(-1) / 10, -1).real),
        (sp.besseli(2, R(3, 2)), lambda: mpmath.besseli(2, 1.5)),
        (sp.gamma(R(7, 3)), lambda: mpmath.gamma(mpmath.mpf(7) / 3)),
        (sp.erfi(R(1, 2)) + sp.coth(3), lambda: mpmath.erfi(0.5) + mpmath.coth(3)),
        (sp.Max(sp.sqrt(2), R(7, 5)) - sp.Min(sp.pi, sp.E), lambda: mpmath.sqrt(2) - mpmath.e),
        (sp.Heaviside(sp.sqrt(2) - R(3, 2)) + sp.sign(sp.pi - 3), lambda: mpmath.mpf(1)),
        (2 ** R(1, 3) + R(1, 8) ** R(-2, 3), lambda: mpmath.cbrt(2) + 4),
        (sp.pi ** sp.sqrt(2), lambda: mpmath.pi ** mpmath.sqrt(2)),
        (sp.asin(R(1, 3)) + sp.acos(R(-1, 3)), lambda: 2 * mpmath.asin(mpmath.mpf(1) / 3) + mpmath.pi / 2),
        (sp.atan(7) - sp.acosh(3), lambda: mpmath.atan(7) - mpmath.acosh(3)),
    ],
    ids=lambda v: "exact" if callable(v) and not isinstance(v, sp.Basic) else str(v),
)
def test_other_functions_agree_with_mpmath(expr, expected):
    value = enclose(expr, {})
    with mpmath.workdps(60):
        assert abs(value.midpoint - expected()) < mpmath.mpf(10) ** -38


def test_three_argument_atoms_are_exact_on_the_boundary():
    third = R(1, 3)
    assert enclose(sp.sqrt(kxx * kyy - kxy**2), {kxx: third, kyy: third, kxy: third}) == Enclosure(
        mpmath.mpf(0), mpmath.mpf(0)
    )
    inside = enclose(atoms.arcsine(kxx, kyy, kxy), {kxx: third, kyy: R(1, 7), kxy: R(1, 12)})
    assert abs(inside.midpoint - mpmath.asin(mpmath.sqrt(21) / 12)) < 1e-15


# ---- traps of the ball library ---------------------------------------------------------------------------------------


def test_the_global_precision_is_left_alone():
    before = flint.ctx.prec
    enclose(sp.exp(z), {z: 1}, precision=500)
    with pytest.raises(UnprintableNode):
        enclose(sp.airyai(z), {z: 1})
    assert flint.ctx.prec == before


def test_a_square_of_a_ball_around_zero_is_not_nan():
    nearly_zero = sp.sqrt(2) ** 3 - 2 * sp.sqrt(R(2)) + sp.sin(z)  # a ball around 0, not the exact 0
    value = enclose((nearly_zero + sp.log(z + 1)) ** 2, {z: 0})
    assert value.is_finite
    assert value.contains_zero


def test_the_lower_tail_of_ndtr_keeps_relative_accuracy():
    # SymPy rewrites erfc(-x) to 2 - erfc(x), from which nothing of Phi(-40) survives.
    value = enclose(atoms.ndtr(z), {z: -40})
    with mpmath.workdps(40):
        assert abs(value.midpoint / mpmath.ncdf(-40) - 1) < mpmath.mpf(10) ** -35
    assert value.radius < value.midpoint * mpmath.mpf(2) ** -120


def test_cancellation_is_met_with_more_precision():
    value = enclose(sp.log(1 + sp.exp(z)) - sp.exp(z), {z: -200})  # -exp(-400)/2, after 289 leading bits cancel
    with mpmath.workdps(250):
        assert abs(value.midpoint / (-mpmath.exp(-400) / 2) - 1) < mpmath.mpf(10) ** -36


def test_outside_the_domain_nothing_is_claimed():
    for expr in (sp.log(z), sp.sqrt(z), sp.asin(z - 4), z ** R(1, 3), 1 / (z + 5)):
        value = enclose(expr, {z: -5})
        assert not value.is_finite
        assert not value.excludes_zero


def test_unresolved_is_neither_positive_nor_negative():
    value = enclose(sp.sin(z) ** 2 + sp.cos(z) ** 2 - 1, {z: 1})
    assert not value.is_positive
    assert not value.is_negative
    assert value.contains_zero
    assert value.radius < 1e-70


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0.1, sp.Float("0.1"), sp.I, sp.oo, z, "1/2"])
def test_points_must_be_exact(value):
    with pytest.raises(InvalidInput, match="exact real number"):
        enclose(z, {z: value})


def test_fractions_and_algebraic_numbers_are_points():
    assert float(enclose(z**2, {z: Fraction(1, 2)})) == 0.25
    assert float(enclose(z**2, {z: sp.sqrt(2)})) == 2.0


def test_a_float_in_the_formula_is_refused():
    with pytest.raises(UndeclaredSymbol, match=r"float 0\.1"):
        enclose(0.1 * z, {z: 1})


def test_a_stranger_of_the_same_name_is_told_apart():
    with pytest.raises(UndeclaredSymbol, match="no value; the value given is for another symbol named z"):
        enclose(sp.Symbol("z"), {z: 1})


@pytest.mark.parametrize(
    "expr", [sp.airyai(z), sp.Piecewise((z, z > 0), (0, True)), sp.DiracDelta(z), sp.Function("g")(z)]
)
def test_an_unknown_node_is_named(expr):
    with pytest.raises(UnprintableNode, match=type(expr).__name__):
        enclose(expr, {z: 1})


# ---- verdicts --------------------------------------------------------------------------------------------------------


def test_a_true_identity_is_consistent_but_not_proved():
    verdict, detail = zero_verdict(sp.tanh(z) - 1 + 2 / (sp.exp(2 * z) + 1), [{z: 1}, {z: R(-100, 3)}])
    assert verdict is Verdict.UNDECIDED
    assert detail.startswith("consistent with 0 at 2 points")


def test_a_false_identity_names_the_point():
    verdict, detail = zero_verdict(sp.sin(z) - z + z**3 / 6, [{z: 0}, {z: R(1, 10**9)}])
    assert verdict is Verdict.FAILS
    assert "z = 1/1000000000" in detail


def test_a_false_identity_far_below_double_precision_is_caught():
    assert zero_verdict(sp.exp(z) - 1, [{z: R(1, 10**60)}])[0] is Verdict.FAILS


def test_a_literal_zero_holds_and_an_undefined_value_is_undecided():
    assert zero_verdict(sp.S.Zero, [])[0] is Verdict.HOLDS
    verdict, detail = zero_verdict(sp.log(z), [{z: -1}])
    assert verdict is Verdict.UNDECIDED
    assert "undefined" in detail
