"""Probabilities that cancel at large variances are written as what remains of them."""

import pytest
import sympy as sp

from dekderive import atoms
from dekderive.atoms import arcsine, binormal, binormal_excess, ndtr
from dekderive.certificates import enclose
from dekderive.duals.centring import centred
from dekderive.symbols import kxx, kxy, kyy

R = sp.Rational
POINT = {kxx: R(3, 2), kyy: R(2, 5), kxy: R(-1, 3)}


def rectangle(low, high, left, right):
    """P(low < U <= high, left < V <= right)."""
    corner = lambda h, k: binormal(h, k, kxx, kyy, kxy)  # noqa: E731
    return corner(high, right) - corner(low, right) - corner(high, left) + corner(low, left)


@pytest.mark.parametrize("ends", [(-1, 1, -1, 1), (0, 6, 0, 6), (-2, 3, R(1, 2), 4)], ids=str)
def test_a_rectangle_is_a_sum_of_excesses(ends):
    probability = sp.expand(rectangle(*ends))
    rewritten = centred(probability)
    assert rewritten.has(binormal_excess)
    assert not rewritten.has(binormal, ndtr, arcsine)
    difference = enclose(rewritten - probability, POINT)
    assert difference.contains_zero
    assert difference.radius < 1e-30


def test_only_powers_that_cancel_are_rewritten():
    mixed = sp.expand((kxy + 1) * rectangle(0, 6, 0, 6)) + 36 * binormal(-6, -6, kxx, kyy, kxy) * kxx**0
    rewritten = centred(mixed)
    assert rewritten.coeff(binormal(-6, -6, kxx, kyy, kxy)) != 0
    assert (sp.expand(rewritten).coeff(kxy)).has(binormal_excess)
    assert not sp.expand(rewritten).coeff(kxy).has(binormal)
    assert enclose(rewritten - mixed, POINT).contains_zero


@pytest.mark.parametrize(
    "expression",
    [
        (kxy + 1) * binormal(-1, -1, kxx, kyy, kxy),
        binormal(-1, -1, kxx, kyy, kxy) - ndtr(-1 / sp.sqrt(kxx)),
        kxy * arcsine(kxx, kyy, kxy),
        sp.exp(kxx) * binormal(-1, -1, kxx, kyy, kxy) + atoms.rootgap(kxx, kyy, kxy),
    ],
    ids=str,
)
def test_what_does_not_cancel_stays(expression):
    assert centred(expression) == expression


def test_derivatives_of_the_excess():
    h, k = sp.symbols("h k", real=True)
    node = binormal_excess(h, k, kxx, kyy, kxy)
    point = {**POINT, h: R(1, 3), k: R(-3, 4)}
    step = R(1, 10**12)
    for symbol in point:
        up, down = ({**point, symbol: point[symbol] + s * step} for s in (1, -1))
        slope = (enclose(node, up).midpoint - enclose(node, down).midpoint) / (2 * 10.0**-12)
        assert abs(enclose(node.diff(symbol), point).midpoint - slope) < 1e-12
