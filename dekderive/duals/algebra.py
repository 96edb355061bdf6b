"""How expressions in `z` enter the function algebra of the closed-form engine.

An expression with kinks is first cut into cells on which it is smooth (`pieces`).  Its element is the smooth form of
the cell that holds the origin, plus a jump of forms for each knot, gated so that the gate *vanishes at the origin*:
H(x - k) for k >= 0, and H(k - x) for k < 0.  For small variances each gate is then as small as the tail it stands
for, and nothing cancels; from 1 - H(x - k) the tail would have to be recovered as a difference of numbers near 1.
"""

from __future__ import annotations

import sympy as sp

from dekderive.atoms import ndtr
from dekderive.duals.elements import ONE, Delta, Element, Gate, Key, add, differentiate, multiply, sign_of
from dekderive.duals.pieces import KINKED, pieces
from dekderive.errors import NoClosedForm
from dekderive.symbols import z

__all__ = ["affine", "differentiate", "homogeneity", "lift", "multiply"]


def lift(expression: sp.Expr) -> Element:
    """Write a function of `z` as an element of the algebra.

    Raises
    ------
    NoClosedForm
        If some node is outside the algebra; the message names it.

    Examples
    --------
    >>> from dekderive.atoms import relu
    >>> lift(relu(3 * z))
    {Key(power=1, quadratic=0, linear=0, gates=(Gate(side=1, knot=0, noise=0),)): 3}
    """
    if expression.has(sp.Float):
        expression = expression.xreplace({x: sp.Rational(x) for x in expression.atoms(sp.Float)})
    if expression.has(sp.DiracDelta):
        return _with_deltas(expression)
    if not expression.has(*KINKED):
        return _smooth(expression)
    cells = pieces(expression)
    forms = [_smooth(cell.form) for cell in cells]
    knots = [cell.end for cell in cells[:-1]]
    below = max((i + 1 for i, k in enumerate(knots) if k.is_negative), default=0)
    total = forms[below]
    for i, knot in enumerate(knots):
        side = -1 if i < below else 1
        jump = add(forms[i + 1], forms[i], -sp.S.One)
        gated = multiply(jump, {Key(gates=(Gate(side, knot),)): sp.Integer(side)})
        total = add(total, gated)
    return total


def _with_deltas(expression: sp.Expr) -> Element:
    total: Element = {}
    for term in sp.Add.make_args(sp.expand(expression)):
        deltas = [f for f in sp.Mul.make_args(term) if isinstance(f, sp.DiracDelta)]
        element = lift(sp.Mul(*(f for f in sp.Mul.make_args(term) if f not in deltas)))
        for delta in deltas:
            slope, constant = affine(delta.args[0], delta)
            point = sp.expand(-constant / slope)
            element = multiply(element, {Key(gates=(Delta(point),)): 1 / sp.Abs(slope)})
        total = add(total, element)
    return total


def _smooth(expression: sp.Expr) -> Element:
    if not expression.has(z):
        return {Key(): expression} if expression != 0 else {}
    if expression == z:
        return {Key(1): sp.S.One}
    if expression.is_Add:
        total: Element = {}
        for argument in expression.args:
            total = add(total, _smooth(argument))
        return total
    if expression.is_Mul:
        product = ONE
        for argument in expression.args:
            product = multiply(product, _smooth(argument))
        return product
    if expression.is_Pow and expression.exp.is_Integer and expression.exp > 0:
        base, product = _smooth(expression.base), ONE
        for _ in range(int(expression.exp)):
            product = multiply(product, base)
        return product
    if expression.is_Pow and expression.base.has(z):
        raise NoClosedForm(f"no rule for the power {expression}")
    return _function(expression)


def _function(expression: sp.Expr) -> Element:
    if isinstance(expression, sp.exp):
        return _exponential(expression.args[0])
    if isinstance(expression, sp.sin | sp.cos | sp.sinh | sp.cosh):
        return _smooth(sp.expand(expression.rewrite(sp.exp)))
    if not isinstance(expression, ndtr | sp.erf | sp.erfc):
        raise NoClosedForm(f"no rule for the function {type(expression).__name__} (in {expression})")
    slope, constant = affine(expression.args[0], expression)
    knot, side = sp.expand(-constant / slope), 1 if slope.is_positive else -1
    if isinstance(expression, ndtr):
        return _probit(side, knot, slope**-2)
    half = 1 / (2 * slope**2)
    if isinstance(expression, sp.erfc):
        return add({}, _probit(-side, knot, half), sp.Integer(2))
    return add({Key(): -sp.S.One}, _probit(side, knot, half), sp.Integer(2))


def _probit(side: int, knot: sp.Expr, noise: sp.Expr) -> Element:
    """The gate itself if it is below 1/2 at the origin, else one minus its complement."""
    wanted = -1 if knot.is_negative else 1
    gate: Element = {Key(gates=(Gate(wanted, knot, noise),)): sp.S.One}
    return gate if side == wanted else add(ONE, gate, -sp.S.One)


def affine(argument: sp.Expr, where: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Return (s, d) with argument = s z + d, for a slope s of known sign.

    Raises
    ------
    NoClosedForm
        If the argument is not affine in `z`, or the sign of its slope is not known.

    Examples
    --------
    >>> affine(2 * z - 3, z)
    (2, -3)
    """
    argument = sp.expand(argument)
    slope = argument.coeff(z)
    constant = sp.expand(argument - slope * z)
    if constant.has(z) or slope.has(z) or not sign_of(slope):
        raise NoClosedForm(
            f"no rule for {where}: its argument must be z times a constant of known sign, plus a constant"
        )
    return slope, constant


def _exponential(exponent: sp.Expr) -> Element:
    polynomial = sp.Poly(exponent, z) if exponent.is_polynomial(z) else None
    if polynomial is None or polynomial.degree() > 2:
        raise NoClosedForm(f"no rule for exp({exponent}): the exponent must be a polynomial of degree at most 2 in z")
    quadratic, linear, constant = (polynomial.coeff_monomial(m) for m in (z**2, z, 1))
    return {Key(0, quadratic, linear): sp.exp(constant)}


def homogeneity(expression: sp.Expr) -> int | None:
    """Return d if the function is positively homogeneous of degree d (f(s z) = s^d f(z) for s > 0), else None.

    Examples
    --------
    >>> from dekderive.atoms import relu, step
    >>> homogeneity(relu(z)), homogeneity(step(z)), homogeneity(sp.exp(z))
    (1, 0, None)
    """
    try:
        element = lift(expression)
    except NoClosedForm:
        return None
    degrees = {k.power for k in element}
    pure = all(k.quadratic == 0 and k.linear == 0 and k.gates in ((), (Gate(),)) for k in element)
    return degrees.pop() if pure and len(degrees) == 1 else None
