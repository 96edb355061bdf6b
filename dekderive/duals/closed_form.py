"""Closed forms of E[f(u) g(v)], (u, v) ~ N(0, ((kxx, kxy), (kxy, kyy))), by three rules and no integration.

For one term of f and one of g, with joint weight x^n y^m exp(q1 x^2 + q2 y^2 + l1 x + l2 y) and gates:

* *tilt* (complete the square): exp(z'Qz + l'z) N(0, S) = c N(S'l, S'),  S' = S (I - 2QS)^-1,
  c = det(I - 2QS)^(-1/2) exp(l'S'l / 2), provided that I - 2QS is positive definite (otherwise the integral diverges);
* *Stein* (integrate by parts): E[z_k p] = mean_k E[p] + sum_l S_kl E[d_l p], which lowers the degree; differentiating a
  gate conditions the pair on (x + noise) = knot;
* *orthant*: what is left is E[gate] = Phi and E[gate gate] = the bivariate normal distribution function, which is
  1/4 + asin(r) / 2 pi for zero arguments (Sheppard).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import sympy as sp
from sympy.polys.fields import FracElement

from dekderive.duals.elements import Delta, Element, Gate, Key, multiply
from dekderive.duals.normal_form import Terms
from dekderive.duals.reading import Reader
from dekderive.duals.scalars import NotRational, Radical
from dekderive.errors import NoClosedForm
from dekderive.symbols import kxx, kxy, kyy

__all__ = ["Engine", "Log", "Wave", "constants_of"]


class Law(NamedTuple):
    """A Gaussian pair: means, variances and covariance."""

    mean: tuple[FracElement, FracElement]
    covariance: tuple[tuple[FracElement, FracElement], tuple[FracElement, FracElement]]


class Wave(NamedTuple):
    """exp(-(variance + other) / 2 +- cross): the exponentials of two sines whose arguments have these moments."""

    variance: FracElement
    other: FracElement
    cross: FracElement


class Event(NamedTuple):
    """The gate P(side (z_axis - knot) + sqrt(noise) e > 0)."""

    axis: int
    side: int
    knot: FracElement
    noise: FracElement


@dataclass(slots=True)
class Log:
    """What a derivation used: its rules, and what must be positive."""

    rules: set[str] = field(default_factory=set)
    conditions: set[sp.Expr] = field(default_factory=set)
    waves: set[Wave] = field(default_factory=set)

    @property
    def rule(self) -> str:
        """The names of the rules in the order in which they apply."""
        names = [name for name in ("tilt", "Stein", "orthant") if name in self.rules]
        return ", ".join(names) or "constant"


def constants_of(elements: Iterable[Element]) -> set[sp.Expr]:
    """Irrational numbers inside exponents and knots; sqrt(2) is a generator there, with its square known."""
    found: set[sp.Expr] = set()
    for element in elements:
        for key in element:
            inside = [key.quadratic, key.linear, *(x for gate in key.gates for x in gate)]
            for expression in map(sp.sympify, inside):
                found |= _irrational(expression)
    return found


def _irrational(e: sp.Expr) -> set[sp.Expr]:
    if e.is_Rational or e.is_Symbol or e in (sp.pi, sp.I):
        return set()
    if e.is_Pow and e.base.is_Rational and e.exp.is_Rational and e.exp.q == 2:
        return {sp.sqrt(p) for p in (*sp.factorint(abs(e.base.p)), *sp.factorint(e.base.q)) if p > 1}
    if e.is_Add or e.is_Mul or (e.is_Pow and e.exp.is_Integer):
        return set().union(*(_irrational(x) for x in e.args))
    return {e} if e.is_number else set()


class Engine:
    """Expectations of elements as normal forms, over the field of their parameters.

    Parameters
    ----------
    reader : Reader
        Knows the field, and reads coefficients.

    Examples
    --------
    >>> from dekderive.duals.algebra import lift
    >>> from dekderive.duals.reading import Reader
    >>> from dekderive.symbols import z
    >>> engine = Engine(Reader())
    >>> list(engine.pair(lift(z**2), lift(z**2)).values())
    [kxx*kyy + 2*kxy**2]
    """

    def __init__(self, reader: Reader) -> None:
        self.reader, self.forms, self.s = reader, reader.forms, reader.scalars
        self.log = Log()
        s = self.s
        self._pair = Law((s.zero, s.zero), ((s.a, s.c), (s.c, s.b)))
        self._one = Law((s.zero, s.zero), ((s.a, s.a), (s.a, s.a)))
        self._memo: dict[tuple, Terms] = {}

    def pair(self, f: Element, g: Element) -> Terms:
        """E[f(u) g(v)].

        Raises
        ------
        NoClosedForm
            If a term has more than two gates, or a bivariate distribution function at complex arguments.
        """
        return self._expectation(f, g, self._pair)

    def single(self, f: Element, g: Element) -> Terms:
        """E[f(u) g(u)], u ~ N(0, kxx): the products in one variable are formed before anything is integrated.

        Raises
        ------
        NoClosedForm
            As for `pair`.
        """
        return self._expectation(multiply(f, g), {Key(): sp.S.One}, self._one)

    def _expectation(self, f: Element, g: Element, law: Law) -> Terms:
        parts, one = [], law is self._one
        for left, c in f.items():
            for right, d in g.items():
                weight = self.forms.multiply(self.reader(c), self.reader(d))
                parts.append(self.forms.multiply(weight, self._term(left, right, law, one)))
        return self.forms.add(parts)

    def _term(self, left: Key, right: Key, law: Law, one: bool) -> Terms:
        law, weight = self._tilt(left, right, law, one)
        events = []
        for index, key in enumerate((left, right)):
            for gate in key.gates:
                if isinstance(gate, Delta):
                    event = Event(index, 1, self._field(gate.knot), self.s.zero)
                    density, law = self._condition(event, law)
                    weight = self.forms.multiply(weight, density)
                else:
                    events.append(Event(index, gate.side, self._field(gate.knot), self._field(gate.noise)))
        powers = tuple(0 if any(isinstance(g, Delta) for g in key.gates) else key.power for key in (left, right))
        if len(events) > 2:
            raise NoClosedForm(_too_many(left, right))
        return self.forms.multiply(weight, self._stein(powers, tuple(events), law))

    def _field(self, e: sp.Expr) -> FracElement:
        try:
            return self.s(sp.sympify(e))
        except NotRational as error:
            raise NoClosedForm(f"{e} is not a rational function of the parameters") from error

    def _tilt(self, left: Key, right: Key, law: Law, one: bool) -> tuple[Law, Terms]:
        s = self.s
        ((a, c), (_, b)) = law.covariance
        q, r, h, m = (self._field(x) for x in (left.quadratic, right.quadratic, left.linear, right.linear))
        weight = self.forms.scalar(s.one)
        if q or r:
            self.log.rules.add("tilt")
            gap = a * b - c**2
            det = 1 - 2 * q * a - 2 * r * b + 4 * q * r * gap
            self._record(left.quadratic, right.quadratic, one)
            a, b, c = (a - 2 * r * gap) / det, (b - 2 * q * gap) / det, c / det
            weight = self.forms.radical(s.inverse(s.square_root(det)))
        if not (h or m):
            return Law(law.mean, ((a, c), (c, b))), weight
        self.log.rules.add("tilt")
        if s.is_complex(s.reduce(h)) and s.is_complex(s.reduce(m)):
            self.log.waves.add(Wave(*(s.reduce(x) for x in (-(h**2) * a, -(m**2) * b, h * m * c))))
        weight = self.forms.multiply(weight, self.forms.exponential((h**2 * a + 2 * h * m * c + m**2 * b) / 2))
        return Law((h * a + m * c, h * c + m * b), ((a, c), (c, b))), weight

    def _record(self, q: sp.Expr, r: sp.Expr, one: bool) -> None:
        """I - 2QS is positive definite iff 1 - 2 q kxx and the determinant are positive; for q, r <= 0 they are."""
        if q.is_nonpositive and r.is_nonpositive:
            return
        minors = [1 - 2 * q * kxx]
        if not one:
            minors += [1 - 2 * r * kyy, sp.expand((1 - 2 * q * kxx) * (1 - 2 * r * kyy) - 4 * q * r * kxy**2)]
        self.log.conditions.update(m for m in minors if not m.is_positive)

    def _condition(self, event: Event, law: Law) -> tuple[Terms, Law]:
        """Density at the knot of z_axis + noise, and the law of the pair given that it is there."""
        s, forms = self.s, self.forms
        row = law.covariance[event.axis]
        variance = row[event.axis] + event.noise
        distance = event.knot - law.mean[event.axis]
        density = forms.multiply(
            forms.radical(s.inverse(s.square_root(2 * s.pi * variance))),
            forms.exponential(-(distance**2) / (2 * variance)),
        )
        gain = (row[0] / variance, row[1] / variance)
        mean = (law.mean[0] + gain[0] * distance, law.mean[1] + gain[1] * distance)
        ((a, c), (_, b)) = law.covariance
        c = c - gain[0] * row[1]
        return density, Law(mean, ((a - gain[0] * row[0], c), (c, b - gain[1] * row[1])))

    def _stein(self, powers: tuple[int, ...], events: tuple[Event, ...], law: Law) -> Terms:
        """E[x^n y^m gates]."""
        known = self._memo.get((powers, events, law))
        if known is None:
            known = self._orthant(events, law) if powers == (0, 0) else self._lower(powers, events, law)
            self._memo[powers, events, law] = known
        return known

    def _lower(self, powers: tuple[int, ...], events: tuple[Event, ...], law: Law) -> Terms:
        self.log.rules.add("Stein")
        k = 0 if powers[0] else 1
        rest = tuple(n - (i == k) for i, n in enumerate(powers))
        parts = []
        if law.mean[k]:
            parts.append(self.forms.scale(self._stein(rest, events, law), law.mean[k]))
        for i in (0, 1):
            if rest[i] and law.covariance[k][i]:
                lower = tuple(n - (j == i) for j, n in enumerate(rest))
                parts.append(self.forms.scale(self._stein(lower, events, law), law.covariance[k][i] * rest[i]))
        for i, event in enumerate(events):
            if law.covariance[k][event.axis]:
                density, given = self._condition(event, law)
                inner = self._stein(rest, events[:i] + events[i + 1 :], given)
                inner = self.forms.multiply(density, inner)
                parts.append(self.forms.scale(inner, law.covariance[k][event.axis] * event.side))
        return self.forms.add(parts)

    def _orthant(self, events: tuple[Event, ...], law: Law) -> Terms:
        s, forms = self.s, self.forms
        if not events:
            return forms.scalar(s.one)
        self.log.rules.add("orthant")
        margins, below = [], []
        for event in events:
            variance = law.covariance[event.axis][event.axis] + event.noise
            distance = (law.mean[event.axis] - event.knot) * event.side
            if not variance:  # conditioned on a knot of the same variable: the gate is a constant
                return self._settled(event, distance, events, law)
            below.append(s.inverse(s.square_root(variance)))
            margins.append(s.times(Radical(distance, frozenset()), below[-1]))
        if len(events) == 1:
            return forms.probit(margins[0])
        if any(s.is_complex(s.reduce(m.factor)) for m in margins):
            raise NoClosedForm(
                "two gates with a sine or cosine need the bivariate normal distribution function of complex arguments"
            )
        first, second = events
        cross = law.covariance[first.axis][second.axis] * first.side * second.side
        correlation = s.times(s.times(below[0], below[1]), Radical(cross, frozenset()))
        return forms.binormal(margins[0], margins[1], correlation)

    def _settled(self, event: Event, distance: FracElement, events: tuple[Event, ...], law: Law) -> Terms:
        sign = self.s.sign(distance)
        value = self.s.one * (1 + sign) / 2
        rest = tuple(e for e in events if e is not event)
        return self.forms.scale(self._orthant(rest, law), value) if value else {}


def _too_many(left: Key, right: Key) -> str:
    names = ("u", left.gates), ("v", right.gates)
    listed = ", ".join(f"{_gate_name(g)} in {n}" for n, gates in names for g in gates)
    count = {3: "a trivariate orthant probability", 4: "an orthant probability of dimension four"}
    total = len(left.gates) + len(right.gates)
    return f"the product of {total} gates ({listed}) needs {count.get(total, 'an orthant of higher dimension')}"


def _gate_name(gate: Gate | Delta) -> str:
    if isinstance(gate, Delta):
        return f"a delta at {gate.knot}"
    return f"a step at {gate.knot}" if gate.noise == 0 else f"a probit of noise {gate.noise}"
