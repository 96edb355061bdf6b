"""The proofs of a closed form, in increasing independence.

1. Price: d/dkxy of the formula is E[f'(u) g'(v)].  It shares the recursion of the engine, on other functions.
2. Independence: at kxy = 0 the formula is E[f(u)] E[g(v)].  With 1 it determines the formula, by integration in kxy: a
   term without kxy passes 1, and a wrong coefficient of kxy passes 2, so neither suffices alone.
3. Coincidence: at kyy = kxy = kxx the formula is E[f(u)^2], found from the product f f in one variable.
4. A certified Mehler series: shares no code with the engine.  On request, because it takes seconds.

The formula that is proved is the one that is shown: it is read back, atom by atom.
"""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from dekderive.certificates.enclosure import enclose
from dekderive.duals.proof import decide_residual
from dekderive.duals.solution import second_moment, solve
from dekderive.errors import DekderiveError, NoClosedForm
from dekderive.symbols import kxx, kxy, kyy, z
from dekderive.verdict import Check, Verdict

__all__ = ["closed_checks", "independent_check"]


def closed_checks(f: sp.Expr, g: sp.Expr, expression: sp.Expr, derivative: Callable[[], sp.Expr]) -> tuple[Check, ...]:
    """Return the first two checks, and the third where f = g.

    Examples
    --------
    >>> closed_checks(z, z, 2 * kxy, lambda: sp.S.One)[0].verdict.name
    'FAILS'
    """
    # The algebra has no nested radicals.  What holds for every positive number in place of one holds for it.
    plain_f, plain_g, plain = _without_nested_radicals(f, g, expression)
    solution = solve(plain_f, plain_g)
    label = f"E[{f.subs(z, sp.Symbol('u'))} * {g.subs(z, sp.Symbol('v'))}]"

    def price() -> tuple[Verdict, str]:
        return decide_residual(lambda: solution.price_residual(plain), lambda: expression.diff(kxy) - derivative())

    def independence() -> tuple[Verdict, str]:
        return decide_residual(
            lambda: solution.independence_residual(plain),
            lambda: expression.subs(kxy, 0) - solve(f, g).write(solve(f, g).product()),
        )

    checks = [
        Check("Price", f"d/dkxy {label} = E[f'(u) g'(v)]", *price()),
        Check("independence", f"{label} = E[f(u)] E[g(v)] at kxy = 0", *independence()),
    ]
    if f == g:
        checks.append(Check("coincidence", f"{label} = E[f(u)^2] at x = x'", *_coincidence(f, expression)))
    return tuple(checks)


def _without_nested_radicals(f: sp.Expr, g: sp.Expr, expression: sp.Expr) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """The same with a positive symbol for every sum of numbers of which f or g has a root."""
    powers = sorted(f.atoms(sp.Pow) | g.atoms(sp.Pow), key=sp.default_sort_key)
    bases = dict.fromkeys(p.base for p in powers if p.base.is_Add and p.base.is_positive and not p.exp.is_integer)
    names = {base: sp.Symbol(f"radicand_{i}", positive=True) for i, base in enumerate(b for b in bases if b.is_number)}
    return f.xreplace(names), g.xreplace(names), expression.xreplace(names)


def _coincidence(f: sp.Expr, expression: sp.Expr) -> tuple[Verdict, str]:
    same = {kyy: kxx, kxy: kxx}
    plain_f, _, plain = _without_nested_radicals(f, f, expression)
    return decide_residual(
        lambda: solve(plain_f, plain_f).coincidence_residual(plain),
        lambda: expression.subs(same, simultaneous=True) - second_moment(f, f)[0],
    )


# Rational covariances with small correlation: the Mehler series then needs few terms.
_POINT = (sp.Rational(49, 64), sp.Rational(25, 16), sp.Rational(35, 256))


def independent_check(f: sp.Expr, g: sp.Expr, expression: sp.Expr) -> Check:
    """Compare with a certified enclosure of the Mehler series at one rational point (correlation 1/8).

    Examples
    --------
    >>> independent_check(z, z, kxy).verdict.name
    'HOLDS'
    >>> independent_check(z, z, kxy + kxx / 10**9).verdict.name
    'FAILS'
    """
    from dekderive.certificates.expectations import mehler_enclosure

    statement = "the formula lies in the certified Mehler series at kxx = 49/64, kyy = 25/16, correlation 1/8"
    values = dict(zip((kxx, kyy, kxy), _POINT, strict=True))
    parameters = sorted((f.free_symbols | g.free_symbols) - {z}, key=lambda s: s.name)
    numbers = {s: sp.Rational(3 + 2 * i, 7) * (-1 if s.is_negative else 1) for i, s in enumerate(parameters)}
    try:
        series = mehler_enclosure(f.subs(numbers), g.subs(numbers), *_POINT, order=20, bits=64)
        ball = enclose(expression, values | numbers)
    except NoClosedForm as error:
        return Check("Mehler", statement, Verdict.UNDECIDED, str(error))
    except DekderiveError as error:
        return Check("Mehler", statement, Verdict.UNDECIDED, f"{type(error).__name__}: {error}")
    if ball.upper < series.lower or series.upper < ball.lower:
        return Check("Mehler", statement, Verdict.FAILS, f"{ball} and {series} do not meet")
    return Check("Mehler", statement, Verdict.HOLDS, f"overlaps an enclosure of radius {sp.Float(series.radius, 2)}")
