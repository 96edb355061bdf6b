r"""Gaussian expectations of pairs that jump and bend, by Gauss-Legendre panels between the knots, with proved errors.

On a panel of half length H whose function is analytic and at most M in size within the Bernstein ellipse of parameter
:math:`\varrho` (half axes :math:`H (\varrho \pm 1/\varrho)/2`), n nodes err by at most

.. math:: \frac{64}{15} \frac{H M \varrho^{-2n}}{1 - \varrho^{-2}}, \qquad n \ge 2:

the Chebyshev coefficients are at most :math:`2 M \varrho^{-k}`, the rule is exact below degree 2n, odd degrees cancel,
and an even :math:`T_k` errs by at most :math:`2 + 2/(k^2 - 1)`.  M comes from a strip bound of the piece, or
without any proof by hand: the rectangle around the ellipse is covered by balls, on each of which f must be analytic.

In two variables, with :math:`r^2 = 1 - \rho^2`, the density satisfies
:math:`|\varphi_2(u + iy, v)| \le e^{y^2/2r^2} \varphi(v) / (\sqrt{2\pi}\, r)`.  Hence the panels of u contribute their
errors times :math:`E|g(V)|`, and then those of v theirs times :math:`\sum_i w_i |f(u_i)| \varphi(u_i)`.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TypeAlias

import sympy as sp
from flint import acb, arb, ctx

from dekderive.certificates.balls import Ball, as_ball, evaluate, working_precision
from dekderive.certificates.complex_balls import compile_function
from dekderive.certificates.covariance import Covariance
from dekderive.certificates.majorants import Majorant, moment, upper_fraction
from dekderive.certificates.pieces import smooth_pieces
from dekderive.certificates.strip_table import fraction_ball
from dekderive.certificates.strips import strip_bound, strip_width
from dekderive.certificates.trapezoid import BOUND_BITS, Factor, bits_for, digits_for
from dekderive.certificates.trapezoid_pair import joint
from dekderive.errors import NotCertified, NotConverged

__all__ = ["piecewise_pair"]

_Pair: TypeAlias = tuple[Majorant, Majorant]
_REAL = Fraction(0)
_ELLIPSES = (8.0, 6.0, 4.5, 3.5, 2.8, 2.3, 1.9, 1.6, 1.4)
_MOST_NODES = 48
_MOST_PANELS = 4096
_SPLITS = 6  # of the cover of an ellipse


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A part of a smooth piece in the coordinate u: exact ends, so that they can be had at any precision."""

    expr: sp.Expr
    start: sp.Expr
    end: sp.Expr

    def halved(self) -> tuple[_Stretch, _Stretch]:
        """Return its two halves."""
        middle = (self.start + self.end) / 2
        return _Stretch(self.expr, self.start, middle), _Stretch(self.expr, middle, self.end)

    def middle_and_half(self) -> tuple[Ball, Ball]:
        """Return midpoint and half length at the working precision."""
        start, end = as_ball(evaluate(self.start, {})), as_ball(evaluate(self.end, {}))
        return (start + end) / 2, (end - start) / 2


@dataclass(frozen=True, slots=True)
class _Panel:
    """A stretch with the number of nodes on it, and a bound of the rule's error before the density's factor."""

    stretch: _Stretch
    nodes: int
    error: Ball


def piecewise_pair(f: Factor, g: Factor, k: Covariance, radius: Fraction) -> Ball:
    """Return a ball around E[f(U) g(V)] of at most this radius, for functions that are analytic between their knots.

    Parameters
    ----------
    f, g : Factor
        The functions with the scales sqrt(kxx), sqrt(kyy).
    k : Covariance
        With a correlation strictly between -1 and 1.
    radius : Fraction

    Returns
    -------
    Ball

    Raises
    ------
    NotCertified
        If the knots are not found, the growth has no proved bound, or the function is singular at a knot.
    NotIntegrable, NotConverged
        As for `trapezoid.line_expectation`.

    References
    ----------
    L. N. Trefethen, Is Gauss quadrature better than Clenshaw-Curtis?, SIAM Review 50 (2008), theorem 4.5.

    Examples
    --------
    >>> from dekderive.certificates.covariance import covariance
    >>> from dekderive.symbols import z
    >>> f, k = Factor(sp.sign(z), sp.Integer(1)), covariance(1, 1, sp.Rational(1, 2))
    >>> value = piecewise_pair(f, f, k, Fraction(1, 10**12))
    >>> value.overlaps(arb(1) / 3)
    True
    """
    digits = digits_for(radius) + math.log(64)
    with working_precision(BOUND_BITS):
        panels = _both(f, g, k, digits)
    bits = (
        40 + bits_for(radius) + math.ceil(math.log2(panels.size)) + 2 * len(panels.rows + panels.columns).bit_length()
    )
    for _ in range(3):
        with working_precision(bits):
            value = _sum(f, g, k, panels, digits)
            if bool(value.rad() <= fraction_ball(radius)):
                return value
        bits *= 2
    raise NotConverged(f"the radius {float(radius):.3g} was not reached; ask for a larger one")


@dataclass(frozen=True, slots=True)
class _Both:
    """The panels of both coordinates, with the error of all but the sum over v, and the size of f and g."""

    rows: list[_Panel]
    columns: list[_Panel]
    error: Ball
    size: float


def _both(f: Factor, g: Factor, k: Covariance, digits: float) -> _Both:
    f_bound, g_bound = f.bound(_REAL), g.bound(_REAL)
    reach, tail = _reach(joint(f_bound, g_bound), joint(g_bound, f_bound), digits)
    r, size = k.complement(), 1 + float(moment(f_bound) + moment(g_bound))
    # Each of at most some 16 reach / r panels is allowed its share; 1/r is the largest conditional density.
    allowed = digits + math.log(16 * size * reach) - 2 * math.log(float(r))
    rows, columns = (_panels(e, reach, r, allowed) for e in (f, g))
    return _Both(rows, columns, tail + moment(g_bound) * _total_error(rows, r), size * size)


def _reach(pairs: list[_Pair], swapped: list[_Pair], digits: float) -> tuple[int, Ball]:
    """Return T for which the pairs with |U| > T or |V| > T contribute less than exp(-digits), and their bound."""
    reach = math.ceil(math.sqrt(2 * digits))
    while reach < 2**16:
        tail = arb(0)
        for parts in (pairs, swapped):
            tail += sum((moment(a, reach) * moment(b) for a, b in parts), arb(0))
        if bool(tail < arb(-digits).exp()):
            return reach, tail.upper()
        reach += 1 + reach // 32
    raise NotConverged("the tails of the activation are too heavy for this radius; ask for a larger one")


def _total_error(panels: list[_Panel], r: Ball) -> Ball:
    return sum((p.error for p in panels), arb(0)) / ((2 * arb.pi()).sqrt() * r)


# ---- panels ---------------------------------------------------------------------------------------------------------


def _panels(f: Factor, reach: int, r: Ball, digits: float) -> list[_Panel]:
    todo, done = _stretches(f, reach), []
    while todo:
        stretch = todo.pop()
        panel = _panel(f, stretch, r, digits)
        if panel is not None:
            done.append(panel)
            continue
        todo += stretch.halved()
        if len(todo) + len(done) > _MOST_PANELS or bool(stretch.middle_and_half()[1] < arb(2) ** -30):
            where = float(stretch.middle_and_half()[0] * f.ball())
            raise NotCertified(
                f"{f.expr} is singular near z = {where:.6g}, or the correlation is too close to 1 for it; "
                "use a function that is smooth there, or another covariance"
            )
    return done


def _stretches(f: Factor, reach: int) -> list[_Stretch]:
    """Return the pieces that are not 0 in the coordinate u = z / s, cut to |u| < reach."""
    found = []
    for piece in smooth_pieces(f.expr):
        start, end = (_clipped(e, f, reach) for e in (piece.lower, piece.upper))
        if piece.expr != 0 and start != end:
            found.append(_Stretch(piece.expr, start, end))
    return found


def _clipped(knot: sp.Expr, f: Factor, reach: int) -> sp.Expr:
    if knot.is_infinite:
        return sp.sign(knot) * reach
    exact = knot / f.scale
    value = as_ball(evaluate(exact, {}))
    if bool(abs(value) < reach):
        return exact
    if not bool(abs(value) >= reach):
        raise NotCertified(f"whether the knot {knot} lies within {reach} standard deviations was not decided; move it")
    return sp.sign(knot) * reach


def _panel(f: Factor, stretch: _Stretch, r: Ball, digits: float) -> _Panel | None:
    """Return the cheapest rule on a stretch whose error is below exp(-digits), or None if it must be cut."""
    middle, half = stretch.middle_and_half()
    best: _Panel | None = None
    for size in _ELLIPSES:
        height = half * (size - 1 / size) / 2
        cost = (height / r) * (height / r) / 2
        if float(cost) > digits:
            continue
        largest = _bound(stretch.expr, f.ball(), middle, half * (size + 1 / size) / 2, height)
        if largest is None:
            continue
        mass = arb(64) / 15 * half * largest * cost.exp() / (1 - 1 / arb(size * size))
        nodes = max(2, math.ceil((digits + float((mass + arb(2) ** -1000).log())) / (2 * math.log(size))))
        if nodes <= _MOST_NODES and (best is None or nodes < best.nodes):
            best = _Panel(stretch, nodes, (mass / arb(size) ** (2 * nodes)).upper())
    return best


def _bound(expr: sp.Expr, scale: Ball, middle: Ball, half_length: Ball, height: Ball) -> Ball | None:
    """Return a bound of |f(s u)| on a rectangle in u: from its strip where one is proved, else by covering it."""
    width = _known_width(expr)
    if width == 0:
        return _largest(expr, scale, middle, half_length, height)
    # A short fraction, so that the same few strips are asked for again and again.
    reached = Fraction(math.ceil(upper_fraction(abs(scale) * height) * 64), 64)
    if width is not None and reached >= width:
        return None
    return strip_bound(expr, reached).rising()((abs(scale) * (abs(middle) + half_length)).upper()).upper()


@lru_cache(maxsize=512)
def _known_width(expr: sp.Expr) -> Fraction | None:
    try:
        return strip_width(expr)
    except NotCertified:
        return _REAL


def _largest(expr: sp.Expr, scale: Ball, middle: Ball, half_length: Ball, height: Ball) -> Ball | None:
    """Return a bound of |f(s u)| on a rectangle in u, or None where f is not analytic or too large on it.

    f is real on the real line, so the upper half of the rectangle is enough; it is covered by balls.
    """
    evaluate_at = compile_function(expr, "analytic")
    columns = max(1, math.ceil(2 * float(half_length) / max(float(height), 1e-300)))
    step = half_length / columns
    todo = [(middle + (2 * i + 1 - columns) * step, height / 2, step, height / 2, 0) for i in range(columns)]
    largest = arb(0)
    while todo:
        x, y, a, b, depth = todo.pop()
        value = evaluate_at(acb(scale * (x + arb(0, a.upper())), scale * (y + arb(0, b.upper()))))
        if value.is_finite() and (depth == _SPLITS or bool(value.abs_upper() < 16 * (1 + largest))):
            largest = arb.max(largest, value.abs_upper())
        elif depth == _SPLITS:
            return None
        else:
            todo += [(x + p * a / 2, y + q * b / 2, a / 2, b / 2, depth + 1) for p in (-1, 1) for q in (-1, 1)]
    return largest.upper()


# ---- the sum --------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def _rule(n: int, bits: int) -> list[tuple[Ball, Ball]]:
    with working_precision(bits):
        return [arb.legendre_p_root(n, k, weight=True) for k in range(n)]


def _nodes(f: Factor, panels: list[_Panel]) -> list[tuple[Ball, Ball]]:
    """Return the nodes u with w f(s u)."""
    found, scale = [], f.ball()
    for panel in panels:
        function = compile_function(panel.stretch.expr, "real")
        middle, half = panel.stretch.middle_and_half()
        for x, w in _rule(panel.nodes, int(ctx.prec)):
            u = middle + half * x
            found.append((u, half * w * function(scale * u)))
    return found


def _sum(f: Factor, g: Factor, k: Covariance, panels: _Both, digits: float) -> Ball:
    """Return the double sum, with what the rules and the pairs that are left out (too small) may contribute."""
    r, rho = k.complement(), k.correlation()
    rows, columns = _nodes(f, panels.rows), sorted(_nodes(g, panels.columns), key=lambda node: float(node[0]))
    rate, density = -1 / (2 * r * r), 1 / (2 * arb.pi() * r)
    rows = [(u, value * (-u * u / 2).exp()) for u, value in rows]
    weights = sum((abs(value) for _, value in rows), arb(0))
    # Pairs with exp(-t^2/2r^2) < exp(-cut) are left out; 1 more in the cut covers that the test is done in floats.
    together = density * weights * sum((abs(value) for _, value in columns), arb(0))
    cut = digits + 1 + max(0.0, math.log(float(together) + 1e-300))
    left_out = together * arb(1 - cut).exp()
    near, places = math.sqrt(2 * cut) * float(r), [float(v) for v, _ in columns]
    total = arb(0)
    for u, value in rows:
        centre, at = rho * u, float(rho * u)
        row = arb(0)
        for v, other in columns[bisect_left(places, at - near) : bisect_right(places, at + near)]:
            t = v - centre
            row += other * (rate * t * t).exp()
        total += value * row
    second = weights / (2 * arb.pi()).sqrt() * _total_error(panels.columns, r)
    return total * density + arb(0, (panels.error + second + left_out).upper())
