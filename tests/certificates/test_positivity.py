import mpmath
import pytest
import sympy as sp

from dekderive import atoms
from dekderive.certificates import positive_verdict
from dekderive.certificates.balls import to_enclosure, working_precision
from dekderive.certificates.ranges import range_of
from dekderive.errors import InvalidInput
from dekderive.symbols import z
from dekderive.verdict import Verdict

R = sp.Rational

TRUE = [
    (R(1, 3) + R(1, 1000) - atoms.langevin_slope(z), -30, 30),
    (R(1, 2) + R(1, 1000) - atoms.bessel_ratio_slope(z), -30, 30),
    (R(113, 100) - atoms.gelu(z).diff(z), -10, 10),
    (R(11, 10) - atoms.silu(z).diff(z), -10, 10),
    (1 - atoms.inverse_mills(z) * (z + atoms.inverse_mills(z)), -6, 6),
    (R(6, 10) - sp.tanh(z).diff(z, 2) ** 2, -5, 5),  # the maximum is 16/27
    (atoms.relu(z) + R(1, 100) - z, -3, 3),
    (sp.pi + R(1, 100) - sp.acos(z), -1, 1),
    (sp.Max(z, 1) + sp.cos(z) / 2, -9, 9),
    (1 / (z**2 + R(1, 100)), -1, 1),
]  # fmt: skip
FALSE = [
    (R(1, 3) - R(1, 1000) - atoms.langevin_slope(z), -30, 30),
    (R(1128, 1000) - atoms.gelu(z).diff(z), -10, 10),  # the maximum is 1.12890...
    (z - R(1, 10**6), 0, 1),
    (sp.cos(z), 0, 2),
    (z, 0, 1),
]


@pytest.mark.parametrize(("expr", "lower", "upper"), TRUE, ids=str)
def test_true_inequalities_are_proved(expr, lower, upper):
    verdict, detail = positive_verdict(expr, z, lower, upper)
    assert verdict is Verdict.HOLDS, detail


@pytest.mark.parametrize(("expr", "lower", "upper"), FALSE, ids=str)
def test_false_inequalities_are_refuted_at_a_point(expr, lower, upper):
    verdict, detail = positive_verdict(expr, z, lower, upper)
    assert verdict is Verdict.FAILS
    point = sp.Rational(detail.rpartition("= ")[2])
    assert lower <= point <= upper
    assert expr.subs(z, point).evalf(30) <= 0


@pytest.mark.parametrize(
    ("expr", "reason"),
    [((z - R(1, 3)) ** 2, "a zero that bisection never meets"), (1 / (z - R(1, 3)) ** 2, "a pole")],
)  # fmt: skip
def test_what_cannot_be_proved_is_undecided(expr, reason):
    verdict, detail = positive_verdict(expr, z, 0, 1, max_boxes=200)
    assert verdict is not Verdict.HOLDS, reason
    if verdict is Verdict.UNDECIDED:
        assert "0.333" in detail


def test_a_jump_is_not_skipped_by_the_mean_value_form():
    assert positive_verdict(R(1, 2) - atoms.step(z - R(1, 3)), z, 0, R(1, 2))[0] is Verdict.FAILS
    assert positive_verdict(R(1, 2) - sp.Heaviside(z - R(1, 3)), z, 0, R(1, 2))[0] is Verdict.FAILS


@pytest.mark.parametrize("ends", [(1, 0), (0.5, 1), (0, sp.sqrt(2))])
def test_bad_intervals_are_refused(ends):
    with pytest.raises(InvalidInput):
        positive_verdict(z + 2, z, *ends)


@pytest.mark.parametrize(
    "atom", [a for a in atoms.ATOMS if 1 in a.nargs and a is not atoms.log1mexp], ids=lambda a: a.__name__
)
@pytest.mark.parametrize(("lower", "upper"), [(R(-3), R(2)), (R(0), R(1)), (R(1, 2), R(5, 8)), (R(-4), R(-1))], ids=str)
def test_ranges_contain_every_value(atom, lower, upper):
    with working_precision(100):
        bounds = range_of(atom(z), z, lower, upper)
        assert bounds is not None
        low, high = to_enclosure(bounds[0]).lower, to_enclosure(bounds[1]).upper
    for i in range(41):
        value = atom(lower + (upper - lower) * R(i, 40)).evalf(30)
        assert low - mpmath.mpf(10) ** -25 <= mpmath.mpf(value) <= high + mpmath.mpf(10) ** -25
