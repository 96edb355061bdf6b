import mpmath
import pytest
import sympy as sp
from mpmath import mpf

from dekderive.atoms import log_cosh, log_i0, log_ndtr, log_sinhc
from dekderive.certificates import enclose
from dekderive.certificates.balls import to_enclosure, working_precision
from dekderive.certificates.ranges import range_of
from dekderive.errors import NoClosedForm
from dekderive.implicit import inverse_log_partition
from dekderive.symbols import eta, z

R, m = sp.Rational, mpmath
CASES = [  # A, its branch, A by mpmath, levels
    (log_i0(eta), (0, sp.oo), lambda e: m.log(m.besseli(0, e)), (R(1, 10**20), R(1, 3), 50, 10**5)),
    (eta / 2 + log_sinhc(eta / 2), (-sp.oo, sp.oo), lambda e: m.log(m.expm1(e) / e), (-30, -1, R(1, 7), 20)),
    (eta**2 / 2 + log_ndtr(eta), (-sp.oo, sp.oo), lambda e: e * e / 2 + m.log(m.ncdf(e)), (-6, 0, 5, 1000)),
    (-sp.log(-eta), (-sp.oo, 0), lambda e: -m.log(-e), (-20, 0, 90)),
    (log_cosh(eta), (-sp.oo, 0), lambda e: m.log(m.cosh(e)), (R(1, 3), 5)),
]


@pytest.mark.parametrize(("log_partition", "ends", "by_hand", "levels"), CASES, ids=[str(c[0]) for c in CASES])
def test_the_enclosure_contains_the_solution(log_partition, ends, by_hand, levels):
    node = inverse_log_partition(log_partition, *map(sp.sympify, ends), z)
    for w in levels:
        value = enclose(node, {z: w})
        low, high = (mpf(e) if abs(e) != sp.oo else mpf("inf") * int(sp.sign(e)) for e in map(sp.sympify, ends))
        assert low <= value.midpoint <= high
        with m.workdps(300):
            exact = mpf(sp.Rational(w).p) / sp.Rational(w).q
            width = value.upper - value.lower
            sides = [by_hand(e) - exact for e in (value.lower - width, value.upper + width)]
        assert sides[0] * sides[1] < 0
        assert value.radius <= abs(value.midpoint) * mpf(10) ** -36


def test_levels_that_are_not_attained_have_no_enclosure():
    node = inverse_log_partition(log_cosh(eta), sp.S.Zero, sp.oo, z)
    assert not enclose(node, {z: -1}).is_finite
    assert enclose(node, {z: 0}).contains_zero


def test_the_end_of_a_branch_is_seen_without_solving():
    assert inverse_log_partition(log_i0(eta), sp.S.Zero, sp.oo, sp.S.Zero) == 0


def test_ranges_are_those_of_a_monotone_function():
    for log_partition, ends in ((log_cosh(eta), (sp.S.Zero, sp.oo)), (log_cosh(eta), (-sp.oo, sp.S.Zero))):
        node = inverse_log_partition(log_partition, *ends, z**2 + 1)
        with working_precision(100):
            low, high = (to_enclosure(end) for end in range_of(node, z, R(1), R(2)))
        expected = sorted(float(enclose(node, {z: p})) for p in (1, 2))
        assert [float(low), float(high)] == pytest.approx(expected, rel=1e-12)


def test_eta_is_bound_inside():
    node = inverse_log_partition(log_i0(eta), sp.S.Zero, sp.oo, z + 1)
    assert node.free_symbols == {z}
    assert node.subs(eta, 3) == node
    assert node.diff(eta) == 0
    assert node.diff(z) == 1 / log_i0(eta).diff(eta).subs(eta, node)
    assert "A^{-1}" in sp.latex(node)


def test_open_parameters_are_refused():
    with pytest.raises(NoClosedForm, match="give k a value"):
        inverse_log_partition(sp.Symbol("k", positive=True) * log_i0(eta), sp.S.Zero, sp.oo, z)
