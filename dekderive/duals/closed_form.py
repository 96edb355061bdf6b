"""Closed forms of E[f(u) g(v)], (u, v) ~ N(0, ((kxx, kxy), (kxy, kyy))), by three rules and no integration.

For one term of f and one of g, with joint weight x^n y^m exp(q1 x^2 + q2 y^2 + l1 x + l2 y) and gates:

* *tilt* (complete the square): exp(z'Qz + l'z) N(0, S) = c N(S'l, S'),  S' = S (I - 2QS)^-1,
  c = det(I - 2QS)^(-1/2) exp(l'S'l / 2), provided that I - 2QS is positive definite (otherwise the integral diverges);
* *Stein* (integrate by parts): E[x p] = mean E[p] + sum_k S_xk E[d_k p], which lowers the degree; differentiating a
  gate conditions the pair on (x + noise) = 0;
* *orthant*: what is left is E[gate] = Phi and, for zero means, E[gate gate] = 1/4 + asin(r) / 2 pi (Sheppard).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import sympy as sp

from dekderive.atoms import arcsine, dawson, ndtr
from dekderive.duals.algebra import DELTA, Element, Gate, Key
from dekderive.duals.normal_form import expand, one_exponential, square_root, tidy
from dekderive.errors import NoClosedForm
from dekderive.symbols import kxx, kxy, kyy

__all__ = ["ClosedForm", "expectation"]


@dataclass(frozen=True, slots=True)
class ClosedForm:
    """An expectation, and the conditions (expressions that must be positive) under which it is finite."""

    expression: sp.Expr
    conditions: tuple[sp.Expr, ...] = ()
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Gaussian:
    """N(mean, cov) of the pair, the gates' noises included where a gate is conditioned on."""

    mx: sp.Expr
    my: sp.Expr
    a: sp.Expr
    b: sp.Expr
    c: sp.Expr

    def swapped(self) -> _Gaussian:
        return _Gaussian(self.my, self.mx, self.b, self.a, self.c)


@dataclass(slots=True)
class _Log:
    conditions: set[sp.Expr] = field(default_factory=set)
    rules: set[str] = field(default_factory=set)


def expectation(f: Element, g: Element) -> ClosedForm:
    """Return E[f(u) g(v)] in the symbols kxx, kyy, kxy.

    Raises
    ------
    NoClosedForm
        If a term needs the bivariate normal distribution function with non-zero mean, or a complex gate.

    Examples
    --------
    >>> from dekderive.atoms import step
    >>> from dekderive.duals.algebra import lift
    >>> from dekderive.symbols import z
    >>> expectation(lift(step(z)), lift(step(z))).expression
    arcsine(kxx, kyy, kxy)/(2*pi) + 1/4
    """
    log, total = _Log(), sp.S.Zero
    for left, c in f.items():
        for right, d in g.items():
            total += c * d * _term(left, right, log)
    expression = _real(total)
    order = {name: i for i, name in enumerate(("tilt", "Stein", "orthant"))}
    return ClosedForm(
        tidy(expression),
        tuple(sorted(log.conditions, key=sp.default_sort_key)),
        tuple(sorted(log.rules, key=order.__getitem__)),
    )


def _term(left: Key, right: Key, log: _Log) -> sp.Expr:
    gaussian, weight = _tilt(left, right, log)
    if left.gate is DELTA or right.gate is DELTA:
        return weight * _delta(left, right, gaussian, log)
    return weight * _stein(left.power, right.power, left.gate, right.gate, gaussian, log)  # type: ignore[arg-type]


def _tilt(left: Key, right: Key, log: _Log) -> tuple[_Gaussian, sp.Expr]:
    a, b, c = kxx, kyy, kxy
    weight = sp.S.One
    q1, q2, l1, l2 = left.quadratic, right.quadratic, left.linear, right.linear
    if q1 != 0 or q2 != 0:
        log.rules.add("tilt")
        det = sp.expand((1 - 2 * q1 * a) * (1 - 2 * q2 * b) - 4 * q1 * q2 * c**2)
        # S(I - 2QS)^-1 written out; positive definite iff both leading minors of I - 2QS are positive.
        # For q1, q2 <= 0 they are, for every covariance.
        if not (q1.is_nonpositive and q2.is_nonpositive):
            log.conditions.update(m for m in (1 - 2 * q1 * a, 1 - 2 * q2 * b, det) if not m.is_positive)
        a, b, c = (a - 2 * q2 * (a * b - c**2)) / det, (b - 2 * q1 * (a * b - c**2)) / det, c / det
        weight = 1 / square_root(det)
    if l1 != 0 or l2 != 0:
        log.rules.add("tilt")
        weight *= sp.exp(sp.expand(sp.cancel((l1**2 * a + 2 * l1 * l2 * c + l2**2 * b) / 2)))
    return _Gaussian(l1 * a + l2 * c, l1 * c + l2 * b, a, b, c), weight


def _stein(n: int, m: int, gx: Gate | None, gy: Gate | None, law: _Gaussian, log: _Log) -> sp.Expr:
    """E[x^n y^m gx(x) gy(y)]."""
    if n == 0 and m == 0:
        return _orthant(gx, gy, law, log)
    if n == 0:
        return _stein(m, n, gy, gx, law.swapped(), log)
    log.rules.add("Stein")
    total = sp.S.Zero
    if law.mx != 0:
        total += law.mx * _stein(n - 1, m, gx, gy, law, log)
    if n > 1 and law.a != 0:
        total += law.a * (n - 1) * _stein(n - 2, m, gx, gy, law, log)
    if m > 0 and law.c != 0:
        total += law.c * m * _stein(n - 1, m - 1, gx, gy, law, log)
    if gx is not None and law.a != 0:
        density, given = _condition(gx, law)
        total += law.a * density * _stein(n - 1, m, None, gy, given, log)
    if gy is not None and law.c != 0:
        density, given = _condition(gy, law.swapped())
        total += law.c * density * _stein(n - 1, m, gx, None, given.swapped(), log)
    return total


def _condition(gate: Gate, law: _Gaussian) -> tuple[sp.Expr, _Gaussian]:
    """Density at 0 of x + noise, and the law of the pair given that it is 0."""
    variance = _cancel(law.a + gate.noise)
    density = sp.exp(_cancel(-(law.mx**2) / (2 * variance))) / (sp.sqrt(2 * sp.pi) * square_root(variance))
    gain_x, gain_y = law.a / variance, law.c / variance
    given = _Gaussian(
        _cancel(law.mx - gain_x * law.mx),
        _cancel(law.my - gain_y * law.mx),
        _cancel(law.a - gain_x * law.a),
        _cancel(law.b - gain_y * law.c),
        _cancel(law.c - gain_x * law.c),
    )
    return density, given


def _delta(left: Key, right: Key, law: _Gaussian, log: _Log) -> sp.Expr:
    if left.gate is not DELTA:
        return _delta(right, left, law.swapped(), log)
    if left.power:
        return sp.S.Zero
    density, given = _condition(Gate(sp.S.Zero), law)
    if right.gate is DELTA:
        return density * _condition(Gate(sp.S.Zero), given.swapped())[0] if not right.power else sp.S.Zero
    return density * _stein(0, right.power, None, right.gate, given, log)  # type: ignore[arg-type]


def _orthant(gx: Gate | None, gy: Gate | None, law: _Gaussian, log: _Log) -> sp.Expr:
    if gx is None and gy is None:
        return sp.S.One
    log.rules.add("orthant")
    if gx is None or gy is None:
        mean, variance = (law.mx, law.a + gx.noise) if gx is not None else (law.my, law.b + gy.noise)  # type: ignore[union-attr]
        if mean == 0:
            return sp.S.Half
        return _phi(mean / square_root(_cancel(variance)))
    if law.mx != 0 or law.my != 0:
        raise NoClosedForm("two gates with non-zero means need the bivariate normal distribution function")
    return sp.Rational(1, 4) + _arcsine(law.a + gx.noise, law.b + gy.noise, law.c) / (2 * sp.pi)


def _phi(x: sp.Expr) -> sp.Expr:
    imaginary = sp.expand(x / sp.I)
    if imaginary.has(sp.I):
        if x.has(sp.I):
            raise NoClosedForm("a gate with a complex mean is outside the engine")
        return ndtr(x)
    # Phi(i y) = 1/2 + (i/sqrt(pi)) exp(y^2/2) Dawson(y/sqrt(2))
    return sp.S.Half + sp.I / sp.sqrt(sp.pi) * sp.exp(_cancel(imaginary**2 / 2)) * dawson(imaginary / sp.sqrt(2))


def _arcsine(a: sp.Expr, b: sp.Expr, c: sp.Expr) -> sp.Expr:
    # asin(c / sqrt(a b)) is unchanged by (a, b, c) -> (s a, t b, sqrt(s t) c).  Clear the common denominators of a
    # and b: they are equal after a tilt (both are the determinant) and 1 otherwise.
    (na, da), (nb, db), (nc, dc) = (sp.fraction(sp.together(_cancel(e))) for e in (a, b, c))
    if sp.expand(da - db) == 0 and sp.expand(da - dc) == 0:
        return arcsine(sp.factor(na), sp.factor(nb), nc)
    if da.is_number and db.is_number and dc.is_number:
        scale = sp.ilcm(da, db) if da.is_Integer and db.is_Integer else 1
        return arcsine(sp.expand(a * scale), sp.expand(b * scale), sp.expand(c * scale))
    return arcsine(sp.factor(a), sp.factor(b), sp.factor(c))


def _cancel(expression: sp.Expr) -> sp.Expr:
    return expression if expression.is_Atom else sp.cancel(sp.together(expression))


def _real(expression: sp.Expr) -> sp.Expr:
    """Remove the imaginary unit that sin and cos brought in; what remains complex is outside the engine."""
    if not expression.has(sp.I):
        return expression
    expanded = sp.Add(*(one_exponential(t) for t in sp.Add.make_args(expand(expression))))

    def euler(e: sp.Expr) -> sp.Expr:
        real, imaginary = sp.expand(e.args[0]).as_real_imag()
        return sp.exp(real) * (sp.cos(imaginary) + sp.I * sp.sin(imaginary))

    result = expand(expanded.replace(lambda e: isinstance(e, sp.exp) and e.has(sp.I), euler))
    if result.has(sp.I):
        raise NoClosedForm("the imaginary parts do not cancel")
    return result
