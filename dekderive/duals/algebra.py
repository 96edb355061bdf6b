"""The function algebra of the closed-form engine, and how expressions enter it.

An element is a finite sum of  coefficient * x^n * exp(q x^2 + l x) * gate,  where the gate is one of

* ``None``: 1;
* ``Gate(t)``: P(x + sqrt(t) e > 0 | x) for an independent standard normal e.  Gate(0) is the Heaviside step, and
  Gate(1/s^2) is Phi(s x).  A step and a probit are thus one object, and every rule below is written once;
* ``DELTA``: the Dirac delta at 0, which only arises by differentiating Gate(0).

The algebra is closed under products (but for two gates of which one is a probit: that needs an orthant of dimension
three or more) and under differentiation (but for the derivative of a delta, which Price's theorem never asks for).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import sympy as sp

from dekderive.atoms import ndtr, relu, step
from dekderive.errors import NoClosedForm
from dekderive.symbols import z

__all__ = ["DELTA", "Element", "Gate", "Key", "differentiate", "homogeneity", "lift", "multiply"]


class Gate(NamedTuple):
    """P(x + sqrt(noise) e > 0 | x)."""

    noise: sp.Expr


class _Delta(NamedTuple):
    name: str = "delta"


DELTA = _Delta()


class Key(NamedTuple):
    """The function x^power exp(quadratic x^2 + linear x) gate(x)."""

    power: int = 0
    quadratic: sp.Expr = sp.S.Zero
    linear: sp.Expr = sp.S.Zero
    gate: Gate | _Delta | None = None


Element = Mapping[Key, sp.Expr]
_ONE: Element = {Key(): sp.S.One}


def _collect(pairs: list[tuple[Key, sp.Expr]]) -> Element:
    total: dict[Key, sp.Expr] = {}
    for key, coefficient in pairs:
        total[key] = total.get(key, sp.S.Zero) + coefficient
    return {key: c for key, c in total.items() if sp.expand(c) != 0}


def _add(left: Element, right: Element, scale: sp.Expr = sp.S.One) -> Element:
    return _collect([*left.items(), *((k, scale * c) for k, c in right.items())])


def _product(left: Key, right: Key) -> tuple[Key, sp.Expr]:
    key = Key(left.power + right.power, left.quadratic + right.quadratic, left.linear + right.linear)
    gates = [g for g in (left.gate, right.gate) if g is not None]
    if not gates:
        return key, sp.S.One
    if DELTA in gates:
        # delta(x) f(x) = f(0) delta(x); a gate is 1/2 at 0: step * delta = delta / 2 is what (step^2)' = delta says.
        if gates.count(DELTA) == 2:
            raise NoClosedForm("a product of two deltas at the same point has no meaning")
        value = sp.S.Zero if key.power else sp.Rational(1, 2 ** (len(gates) - 1))
        return Key(gate=DELTA), value
    if len(gates) == 1 or gates == [Gate(sp.S.Zero)] * 2:
        return key._replace(gate=gates[0]), sp.S.One
    raise NoClosedForm("a product of a probit with another gate in one variable needs an orthant of dimension three")


def multiply(left: Element, right: Element) -> Element:
    """Return the product of two elements."""
    terms = [(_product(k, m), c * d) for k, c in left.items() for m, d in right.items()]
    return _collect([(key, factor * c) for (key, factor), c in terms])


def differentiate(element: Element) -> Element:
    """Return the derivative, with deltas for jumps."""
    terms: list[tuple[Key, sp.Expr]] = []
    for key, c in element.items():
        n, q, slope, gate = key
        if gate is DELTA:
            raise NoClosedForm("the derivative of a delta is outside the algebra")
        if n:
            terms.append((key._replace(power=n - 1), c * n))
        terms.append((key._replace(power=n + 1), 2 * q * c))
        terms.append((key, slope * c))
        if isinstance(gate, Gate):
            if gate.noise == 0:
                terms.append((Key(gate=DELTA), sp.S.Zero if n else c))
            else:
                density = Key(n, q - 1 / (2 * gate.noise), slope)
                terms.append((density, c / sp.sqrt(2 * sp.pi * gate.noise)))
    return _collect(terms)


def lift(expression: sp.Expr) -> Element:
    """Write a function of `z` as an element of the algebra.

    Raises
    ------
    NoClosedForm
        If some node is outside the algebra; the message names it.

    Examples
    --------
    >>> from dekderive.atoms import relu
    >>> from dekderive.symbols import z
    >>> lift(relu(3 * z))
    {Key(power=1, quadratic=0, linear=0, gate=Gate(noise=0)): 3}
    """
    if not expression.has(z):
        return {Key(): expression} if expression != 0 else {}
    if expression == z:
        return {Key(1): sp.S.One}
    if expression.is_Add:
        total: Element = {}
        for argument in expression.args:
            total = _add(total, lift(argument))
        return total
    if expression.is_Mul:
        product = _ONE
        for argument in expression.args:
            product = multiply(product, lift(argument))
        return product
    if expression.is_Pow and expression.exp.is_Integer and expression.exp > 0:
        base, product = lift(expression.base), _ONE
        for _ in range(int(expression.exp)):
            product = multiply(product, base)
        return product
    return _lift_function(expression)


def _lift_function(expression: sp.Expr) -> Element:
    if isinstance(expression, sp.exp):
        return _lift_exponential(expression.args[0])
    if isinstance(expression, sp.sin | sp.cos | sp.sinh | sp.cosh):
        return lift(sp.expand(expression.rewrite(sp.exp)))
    x = expression.args[0] if len(expression.args) == 1 else None
    scale = sp.expand(x / z) if x is not None else None
    if scale is None or scale.has(z) or scale.is_positive is None:
        raise NoClosedForm(f"no rule for {expression}: its argument must be z times a constant of known sign")
    if isinstance(expression, relu):
        return multiply({Key(1): scale}, _gate(scale, sp.S.Zero))
    if isinstance(expression, step | sp.Heaviside):
        return _gate(scale, sp.S.Zero)
    if isinstance(expression, sp.Abs):
        return _add({Key(1): -sp.Abs(scale)}, {Key(1, gate=Gate(sp.S.Zero)): 2 * sp.Abs(scale)})
    if isinstance(expression, sp.sign):
        return _add({Key(): -sp.S.One}, _gate(scale, sp.S.Zero), sp.Integer(2))
    if isinstance(expression, ndtr):
        return _gate(scale, scale**-2)
    if isinstance(expression, sp.erf):
        return _add({Key(): -sp.S.One}, _gate(scale, 1 / (2 * scale**2)), sp.Integer(2))
    if isinstance(expression, sp.erfc):
        return _gate(-scale, 1 / (2 * scale**2)) if scale.is_positive is not None else {}
    if isinstance(expression, sp.DiracDelta):
        return {Key(gate=DELTA): 1 / sp.Abs(scale)}
    raise NoClosedForm(f"no rule for the function {type(expression).__name__}")


def _gate(scale: sp.Expr, noise: sp.Expr) -> Element:
    """Gate of scale * x: the gate itself for a positive scale, its complement for a negative one."""
    gate = {Key(gate=Gate(noise)): sp.S.One}
    return gate if scale.is_positive else _add(_ONE, gate, -sp.S.One)


def _lift_exponential(exponent: sp.Expr) -> Element:
    polynomial = sp.Poly(exponent, z) if exponent.is_polynomial(z) else None
    if polynomial is None or polynomial.degree() > 2:
        raise NoClosedForm(f"no rule for exp({exponent}): the exponent must be a polynomial of degree at most 2 in z")
    quadratic, linear, constant = (
        polynomial.coeff_monomial(z**2),
        polynomial.coeff_monomial(z),
        polynomial.coeff_monomial(1),
    )
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
    pure = all(k.quadratic == 0 and k.linear == 0 and k.gate in (None, Gate(sp.S.Zero)) for k in element)
    return degrees.pop() if pure and len(degrees) == 1 else None
