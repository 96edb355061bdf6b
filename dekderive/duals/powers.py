r"""The table rule for real powers: the duals of |x|^p, relu(x)^p and sign(x) |x|^p are hypergeometric functions.

With :math:`r = k_{xy} / \sqrt{k_{xx} k_{yy}}` and :math:`s = 2^{(p+q)/2} k_{xx}^{p/2} k_{yy}^{q/2} / \pi`,

.. math::

    \mathbb E\,|u|^p |v|^q &= s\, \Gamma(\tfrac{p+1}2)\, \Gamma(\tfrac{q+1}2)\;
        {}_2F_1(-\tfrac p2, -\tfrac q2; \tfrac12; r^2), \\
    \mathbb E\,\operatorname{sign}(u) |u|^p \operatorname{sign}(v) |v|^q &= 2 s\, r\,
        \Gamma(\tfrac p2 + 1)\, \Gamma(\tfrac q2 + 1)\; {}_2F_1(\tfrac{1-p}2, \tfrac{1-q}2; \tfrac32; r^2).

Both are Mehler series: the coefficients of \|x\|^p in Hermite polynomials are Mellin transforms of the normal density.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import sympy as sp

from dekderive.atoms import squared_correlation_2f1
from dekderive.errors import NoClosedForm, NotIntegrable
from dekderive.symbols import kxx, kxy, kyy, z
from dekderive.verdict import Check, Verdict

__all__ = ["PowerDual", "power_dual", "power_mean"]

_X = sp.Symbol("x_", positive=True)
Part = tuple[sp.Expr, sp.Expr]  # (coefficient, power)


class Powers(NamedTuple):
    """f(x) = sum of c |x|^p (even) and of c sign(x) |x|^p (odd)."""

    even: tuple[Part, ...]
    odd: tuple[Part, ...]


class PowerDual(NamedTuple):
    """The closed form, what must be positive for it, and its proof."""

    expression: sp.Expr
    conditions: tuple[sp.Expr, ...]
    checks: tuple[Check, ...]


def _parts(f: sp.Expr) -> Powers:
    """Read a function off its two half-lines, where relu, Abs, sign and step simplify by themselves."""
    halves: list[dict[sp.Expr, sp.Expr]] = []
    for side in (_X, -_X):
        total: dict[sp.Expr, sp.Expr] = {}
        half = f.subs(z, side)
        if half.has(sp.zoo):
            raise NotIntegrable(f"{f} is infinite on a half-line")
        if half.has(sp.nan, sp.Piecewise):
            raise NoClosedForm(f"{f} is not defined on the whole line, or no sum of real powers of |z|")
        for term in sp.Add.make_args(sp.expand(sp.powdenest(half, force=False))):
            if term == 0:
                continue
            c, rest = term.as_independent(_X, as_Add=False)
            base, power = rest.as_base_exp()
            if rest != 1 and (base != _X or power.has(_X)):
                raise NoClosedForm(f"{f} is no sum of real powers of |z| (see the term {term} for z = {side})")
            p = sp.expand(power) if rest != 1 else sp.S.Zero
            total[p] = total.get(p, sp.S.Zero) + c
        halves.append(total)
    right, left = halves
    even, odd = [], []
    for p in sorted({*right, *left}, key=sp.default_sort_key):
        x, y = right.get(p, sp.S.Zero), left.get(p, sp.S.Zero)
        even += [((x + y) / 2, p)] if sp.expand(x + y) != 0 else []
        odd += [((x - y) / 2, p)] if sp.expand(x - y) != 0 else []
    if any(c.has(sp.I) for c, _ in (*even, *odd)):
        raise NoClosedForm(f"{f} is not real for negative z: write it with Abs(z), relu(z) or sign(z)")
    return Powers(tuple(even), tuple(odd))


def _conditions(f: sp.Expr, powers: Powers) -> set[sp.Expr]:
    """Square-integrability: 2p > -1."""
    conditions = set()
    for _, p in (*powers.even, *powers.odd):
        excess = sp.expand(p + sp.S.Half)
        if excess.is_nonpositive:
            raise NotIntegrable(f"{f} is not square-integrable: the power {p} must exceed -1/2")
        if not excess.is_positive:
            conditions.add(excess)
    return conditions


def _moment(p: sp.Expr, variance: sp.Expr) -> sp.Expr:
    """E|u|^p."""
    return 2 ** (p / 2) * sp.gamma((p + 1) / 2) / sp.sqrt(sp.pi) * variance ** (p / 2)


def _pair(p: sp.Expr, q: sp.Expr, odd: bool) -> sp.Expr:
    scale = 2 ** ((p + q) / 2) * kxx ** (p / 2) * kyy ** (q / 2) / sp.pi
    if odd:
        outer = 2 * scale * sp.gamma(p / 2 + 1) * sp.gamma(q / 2 + 1) * kxy / (sp.sqrt(kxx) * sp.sqrt(kyy))
        return outer * _series((1 - p) / 2, (1 - q) / 2, sp.Rational(3, 2))
    outer = scale * sp.gamma((p + 1) / 2) * sp.gamma((q + 1) / 2)
    return outer * _series(-p / 2, -q / 2, sp.S.Half)


def _series(a: sp.Expr, b: sp.Expr, c: sp.Expr) -> sp.Expr:
    """Gauss's hypergeometric function; a polynomial where a or b is a non-positive integer."""
    x = kxy**2 / (kxx * kyy)
    for end in (a, b):
        if end.is_Integer and end <= 0:
            n = range(int(-end) + 1)
            return sp.Add(*(sp.rf(a, k) * sp.rf(b, k) / (sp.rf(c, k) * sp.factorial(k)) * x**k for k in n))
    return squared_correlation_2f1(a, b, c, kxx, kyy, kxy)


def power_dual(f: sp.Expr, g: sp.Expr) -> PowerDual:
    """Return the dual of two sums of real powers.

    Raises
    ------
    NoClosedForm
        If one of them is no such sum.
    NotIntegrable
        If one of them is not square-integrable.

    Examples
    --------
    >>> power_dual(sp.Abs(z), sp.S.One).expression
    sqrt(2)*sqrt(kxx)/sqrt(pi)
    """
    left, right = _parts(f), _parts(g)
    conditions = _conditions(f, left) | _conditions(g, right)
    total = sp.S.Zero
    checks: dict[str, Check] = {}
    for odd in (False, True):
        for c, p in left.odd if odd else left.even:
            for d, q in right.odd if odd else right.even:
                total += c * d * _pair(p, q, odd)
                checks |= {check.statement: check for check in _proof(p, q, odd)}
    return PowerDual(total, tuple(sorted(conditions, key=sp.default_sort_key)), tuple(checks.values()))


def power_mean(f: sp.Expr, g: sp.Expr) -> sp.Expr:
    """Return E[f(u) g(u)], u ~ N(0, kxx), for two sums of real powers.

    Raises
    ------
    NoClosedForm, NotIntegrable
        As for `power_dual`.

    Examples
    --------
    >>> power_mean(sp.Abs(z), sp.Abs(z))
    kxx
    """
    left, right = _parts(f), _parts(g)
    _conditions(f, left), _conditions(g, right)
    pairs = [(c * d, p + q) for x, y in zip(left, right, strict=True) for c, p in x for d, q in y]
    return sp.Add(*(c * _moment(p, kxx) for c, p in pairs))


def _outer(p: sp.Expr, q: sp.Expr, odd: bool) -> sp.Expr:
    """What stands before the series, divided by s."""
    if odd:
        return 2 * sp.gamma(p / 2 + 1) * sp.gamma(q / 2 + 1)
    return sp.gamma((p + 1) / 2) * sp.gamma((q + 1) / 2)


def _growth(p: sp.Expr, q: sp.Expr, odd: bool, n: sp.Expr) -> sp.Expr:
    """Ratio of the coefficients n + 1 and n of the series."""
    if odd:
        return ((1 - p) / 2 + n) * ((1 - q) / 2 + n) / ((sp.Rational(3, 2) + n) * (n + 1))
    return (n - p / 2) * (n - q / 2) / ((sp.S.Half + n) * (n + 1))


@lru_cache(maxsize=2)
def _price_holds(odd: bool) -> bool:
    """Price's identity for every coefficient of the series, and for every pair of powers.

    d/dx sign(x)^j |x|^p = p sign(x)^(1-j) |x|^(p-1), and sqrt(kxx kyy) s(p-1, q-1) = s(p, q) / 2.  The coefficients of
    the two sides agree at the lowest index, and grow by the same rational function of the index.
    """
    n, p, q = sp.symbols("n p q")
    shifted = p - 1, q - 1
    if odd:
        lowest = _outer(p, q, True) / (p * q * _outer(*shifted, False) / 2)
        growth = (2 * n + 3) / (2 * n + 1) * _growth(p, q, True, n) - _growth(*shifted, False, n)
    else:
        lowest = 2 * _outer(p, q, False) * _growth(p, q, False, sp.S.Zero) / (p * q * _outer(*shifted, True) / 2)
        growth = (n + 1) / n * _growth(p, q, False, n) - _growth(*shifted, True, n - 1)
    return bool(sp.gammasimp(lowest) == 1 and sp.cancel(growth) == 0)


@lru_cache(maxsize=1)
def _independence_holds() -> bool:
    p, q = sp.symbols("p q")
    ratio = _pair(p, q, False).subs(kxy, 0) / (_moment(p, kxx) * _moment(q, kyy))
    return bool(sp.powsimp(sp.expand_power_exp(ratio)) == 1)  # a hypergeometric series is 1 at 0


def _proof(p: sp.Expr, q: sp.Expr, odd: bool) -> tuple[Check, Check]:
    name = f"sign(z)|z|^({p}), sign(z)|z|^({q})" if odd else f"|z|^({p}), |z|^({q})"
    price = Verdict.HOLDS if _price_holds(odd) else Verdict.UNDECIDED
    first = Check("Price", f"every power of kxy: {name}", price, "coefficients of the series, for symbolic powers")
    if odd:
        return first, Check("independence", f"{name}: 0 at kxy = 0, by symmetry", Verdict.HOLDS, "odd in kxy")
    product = Verdict.HOLDS if _independence_holds() else Verdict.UNDECIDED
    statement = f"{name}: the product of the moments at kxy = 0"
    return first, Check("independence", statement, product, "for symbolic powers")
