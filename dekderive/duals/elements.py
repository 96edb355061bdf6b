"""The function algebra of the closed-form engine.

An element is a finite sum of  coefficient * x^n * exp(q x^2 + l x) * gates,  where a gate is one of

* ``Gate(side, k, t)``: P(side (x - k) + sqrt(t) e > 0 | x) for an independent standard normal e.  Without noise, t = 0,
  it is a Heaviside step at the knot k; with noise it is a probit, Gate(1, 0, 1/s^2) = Phi(s x).  A step and a probit
  are thus one object, and every rule of the engine is written once;
* ``Delta(k)``: the Dirac delta at k, which only arises by differentiating a step.

The linear coefficient l may be complex: that is how sin and cos enter.  Elements are closed under products and under
differentiation (but for the derivative of a delta, which Price's theorem never asks for).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import sympy as sp

from dekderive.atoms import ndtr
from dekderive.errors import NoClosedForm

__all__ = ["ONE", "Delta", "Element", "Gate", "Key", "add", "differentiate", "multiply", "sign_of"]


class Gate(NamedTuple):
    """P(side (x - knot) + sqrt(noise) e > 0 | x)."""

    side: int = 1
    knot: sp.Expr = sp.S.Zero
    noise: sp.Expr = sp.S.Zero


class Delta(NamedTuple):
    """The Dirac delta at a knot."""

    knot: sp.Expr


class Key(NamedTuple):
    """The function x^power exp(quadratic x^2 + linear x) times the gates."""

    power: int = 0
    quadratic: sp.Expr = sp.S.Zero
    linear: sp.Expr = sp.S.Zero
    gates: tuple[Gate | Delta, ...] = ()


Element = Mapping[Key, sp.Expr]
ONE: Element = {Key(): sp.S.One}


def sign_of(x: sp.Expr) -> int | None:
    """Return the sign of a constant, or None if its assumptions do not decide it.

    Examples
    --------
    >>> sign_of(sp.sqrt(2) - 1), sign_of(sp.Symbol("k", real=True))
    (1, None)
    """
    for candidate in (x, sp.factor(x)):
        if candidate.is_zero:
            return 0
        if candidate.is_positive:
            return 1
        if candidate.is_negative:
            return -1
    return None


def _collect(pairs: Iterable[tuple[Key, sp.Expr]]) -> Element:
    total: dict[Key, sp.Expr] = {}
    for key, coefficient in pairs:
        total[key] = total.get(key, sp.S.Zero) + coefficient
    return {key: c for key, c in total.items() if sp.expand(c) != 0}


def add(left: Element, right: Element, scale: sp.Expr = sp.S.One) -> Element:
    """Return left + scale * right.

    Examples
    --------
    >>> add(ONE, ONE, sp.Integer(-1))
    {}
    """
    return _collect([*left.items(), *((k, scale * c) for k, c in right.items())])


def multiply(left: Element, right: Element) -> Element:
    """Return the product of two elements.

    Raises
    ------
    NoClosedForm
        If two knots cannot be ordered, or two deltas meet.

    Examples
    --------
    >>> rectified = {Key(1, gates=(Gate(),)): sp.S.One}
    >>> multiply(rectified, {Key(gates=(Gate(),)): sp.S.One}) == rectified
    True
    """
    return _collect((key, f * c * d) for k, c in left.items() for m, d in right.items() for key, f in _product(k, m))


def _product(left: Key, right: Key) -> list[tuple[Key, sp.Expr]]:
    bare = Key(left.power + right.power, left.quadratic + right.quadratic, sp.expand(left.linear + right.linear))
    gates = [*left.gates, *right.gates]
    deltas = [g for g in gates if isinstance(g, Delta)]
    if deltas:
        gates.remove(deltas[0])
        return [(Key(gates=(deltas[0],)), _value(bare, gates, deltas[0].knot))]
    steps = [g for g in gates if isinstance(g, Gate) and g.noise == 0]
    smooth = [g for g in gates if g not in steps]
    total: list[tuple[tuple[Gate, ...], sp.Expr]] = [((), sp.S.One)]
    for gate in steps:
        total = [(kept, c * factor) for held, c in total for kept, factor in _merge(held, gate)]
    return [(bare._replace(gates=tuple(sorted((*kept, *smooth), key=_order))), c) for kept, c in total]


def _order(gate: Gate | Delta) -> tuple[str, ...]:
    return tuple(str(x) for x in gate)


def _value(bare: Key, gates: list[Gate | Delta], point: sp.Expr) -> sp.Expr:
    """The value at the place of a delta; a step is 1/2 at its knot: that is what (step^2)' = delta says."""
    value = point**bare.power * sp.exp(sp.expand(bare.quadratic * point**2 + bare.linear * point))
    for gate in gates:
        if sp.expand(value) == 0:
            break
        distance = sp.expand(point - gate.knot)
        where = sign_of(distance)
        if isinstance(gate, Delta):
            if not where:
                raise NoClosedForm("a product of two deltas at the same point has no meaning")
            return sp.S.Zero
        if gate.noise != 0:
            value *= ndtr(gate.side * distance / sp.sqrt(gate.noise))
        elif where is None:
            raise NoClosedForm(f"the knots {point} and {gate.knot} cannot be ordered: give them values or assumptions")
        else:
            value *= sp.Rational(1 + gate.side * where, 2)
    return value


def _merge(held: tuple[Gate, ...], gate: Gate) -> list[tuple[tuple[Gate, ...], sp.Expr]]:
    """Product of at most one step with another: a step, nothing, or (between two knots) a sum."""
    if not held:
        return [((gate,), sp.S.One)]
    (other,) = held
    where = sign_of(sp.expand(gate.knot - other.knot))
    if where is None:
        raise NoClosedForm(f"the knots {gate.knot} and {other.knot} cannot be ordered: give them values or assumptions")
    if gate.side == other.side:
        return [((gate if where == gate.side else other,), sp.S.One)]
    rising, falling = (gate, other) if gate.side > 0 else (other, gate)
    if sign_of(sp.expand(falling.knot - rising.knot)) != 1:
        return []
    return [((rising,), sp.S.One), ((falling,), sp.S.One), ((), -sp.S.One)]


def differentiate(element: Element) -> Element:
    """Return the derivative, with deltas for jumps.

    Raises
    ------
    NoClosedForm
        If the element contains a delta.

    Examples
    --------
    >>> differentiate({Key(1, gates=(Gate(),)): sp.S.One})
    {Key(power=0, quadratic=0, linear=0, gates=(Gate(side=1, knot=0, noise=0),)): 1}
    """
    terms: list[tuple[Key, sp.Expr]] = []
    for key, c in element.items():
        if any(isinstance(g, Delta) for g in key.gates):
            raise NoClosedForm("the derivative of a delta is outside the algebra")
        if key.power:
            terms.append((key._replace(power=key.power - 1), c * key.power))
        terms.append((key._replace(power=key.power + 1), 2 * key.quadratic * c))
        terms.append((key, key.linear * c))
        for i, gate in enumerate(key.gates):
            rest = key._replace(gates=key.gates[:i] + key.gates[i + 1 :])
            slope, scale = _slope(gate)  # type: ignore[arg-type]
            terms += [(k, c * scale * factor) for k, factor in _product(rest, slope)]
    return _collect(terms)


def _slope(gate: Gate) -> tuple[Key, sp.Expr]:
    if gate.noise == 0:
        return Key(gates=(Delta(gate.knot),)), sp.Integer(gate.side)
    height = gate.side * sp.exp(-(gate.knot**2) / (2 * gate.noise)) / sp.sqrt(2 * sp.pi * gate.noise)
    return Key(0, -1 / (2 * gate.noise), gate.knot / gate.noise), height
