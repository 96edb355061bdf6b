"""The expectation E[f(u) f(v)] in the chart of the angle: formulas in which near-duplicates keep their digits."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from dekderive.atoms import (
    arcsine,
    binormal,
    exp_binormal,
    exp_ndtr,
    noisy_arcsine,
    noisy_rootgap,
    relu,
    rootgap,
    sin_minus_xcos,
    step,
    versine,
)
from dekderive.duals import Dual, dual, mean
from dekderive.duals.algebra import homogeneity
from dekderive.errors import NoClosedForm
from dekderive.symbols import angle, kxx, kxy, kyy, z

__all__ = ["ExpectationForms", "expectation_forms", "in_angle", "regular_derivative", "without_cancellation"]

_SCALE = sp.sqrt(kxx) * sp.sqrt(kyy)


@dataclass(frozen=True, slots=True)
class ExpectationForms:
    """What ``dekderive.kernels.layered.Expectation`` is generated from, under the same names.

    Attributes
    ----------
    dual : Dual
        E[f(u) f(v)] in covariances.
    mean, value : sympy.Expr
    price, loss, degree, function, derivative : sympy.Expr or None
    """

    dual: Dual
    mean: sp.Expr
    value: sp.Expr
    price: sp.Expr | None
    loss: sp.Expr | None
    degree: int | None
    function: sp.Expr | None
    derivative: sp.Expr | None

    @property
    def odd(self) -> bool:
        """Whether f(-z) = -f(z), so that E[f(u) f(v)] is an odd function of the covariance.

        Examples
        --------
        >>> expectation_forms(sp.erf(z)).odd, expectation_forms(relu(z)).odd
        (True, False)
        """
        f = self.dual.left
        return bool(sp.expand(f + f.subs(z, -z)) == 0)


def expectation_forms(f: sp.Expr) -> ExpectationForms:
    """Derive the forms of E[f(u) f(v)].

    Raises
    ------
    NotIntegrable, NoClosedForm
        From the expectations.

    Examples
    --------
    >>> from dekderive.atoms import step
    >>> expectation_forms(step(z)).loss
    angle/pi
    """
    conjugate = dual(f)
    value = in_angle(conjugate.expression)
    degree = homogeneity(f)
    loss = None
    if degree is not None:
        ratio = sp.expand(value / _SCALE**degree)
        if ratio.free_symbols.isdisjoint({kxx, kyy}):
            loss = without_cancellation(ratio.subs(angle, 0) - ratio) / ratio.subs(angle, 0)
            loss = sp.expand(loss)
    derivative, jumps = regular_derivative(f)
    smooth = degree is None and not jumps and all(k == 0 for k in _knots(f))
    return ExpectationForms(
        dual=conjugate,
        mean=_mean(f, conjugate, value),
        value=value,
        price=_price(conjugate),
        loss=loss,
        degree=degree,
        function=f if smooth else None,
        derivative=derivative if smooth else None,
    )


def _mean(f: sp.Expr, conjugate: Dual, value: sp.Expr) -> sp.Expr:
    """E[f(u)^2]: the value at x = x', which does not subtract kxx^2 from (kxx + 1)^2, where that can be substituted."""
    if not conjugate.closed or value.has(binormal, exp_binormal, exp_ndtr):
        return mean(f, f)
    return value.subs({angle: 0, kyy: kxx}, simultaneous=True)


def regular_derivative(f: sp.Expr) -> tuple[sp.Expr, bool]:
    """Return f' away from the jumps of f, and whether there are any.

    Where a step is multiplied by a factor that vanishes at the same place, f has a kink and no jump there.

    Examples
    --------
    >>> from dekderive.atoms import elu, step
    >>> regular_derivative(elu(z))
    (exp(z)*step(-z) + step(z), False)
    >>> regular_derivative(step(z))
    (0, True)
    """
    slope = f.diff(z)
    if not slope.has(sp.DiracDelta):
        return slope, False
    regular, jumps = sp.S.Zero, False
    for term in sp.Add.make_args(sp.expand(slope)):
        deltas = term.atoms(sp.DiracDelta)
        if not deltas:
            regular += term
    for delta in slope.atoms(sp.DiracDelta):
        # Terms with one delta function belong together: exp(z) - 1 vanishes at 0, its terms do not.
        weight = sp.expand(slope).coeff(delta)
        roots = sp.solve(delta.args[0], z)
        jumps = jumps or any(sp.simplify(weight.subs(z, k)) != 0 for k in roots)
    return regular, jumps


def _knots(f: sp.Expr) -> set[sp.Expr]:
    """Where f may fail to be smooth."""
    gates = f.atoms(relu, step, sp.Abs, sp.sign, sp.Heaviside)
    return {root for gate in gates for root in sp.solve(gate.args[0], z)}


def _price(conjugate: Dual) -> sp.Expr | None:
    try:
        return in_angle(conjugate.derivative())
    except NoClosedForm:  # a product of two deltas' derivatives: the tangent kernel of a tangent kernel of a jump
        return None


def in_angle(expression: sp.Expr) -> sp.Expr:
    """Write an expression in (kxx, kyy, kxy) in the angle, so that nothing is subtracted from kxx kyy.

    ``kxx kyy - kxy^2`` becomes ``kxx kyy sin(angle)^2`` wherever it is hidden: in roots, in arc sines, and in
    polynomials of numerators and denominators.

    Examples
    --------
    >>> in_angle(rootgap(kxx, kyy, kxy))
    sqrt(kxx)*sqrt(kyy)*sin(angle)
    >>> in_angle(1 / (kxx * kyy - kxy**2 + 1))
    1/(kxx*kyy*sin(angle)**2 + 1)
    """
    e = expression.replace(lambda t: isinstance(t, noisy_rootgap), lambda t: _root(*_noisy(t)))
    e = e.replace(lambda t: isinstance(t, noisy_arcsine), lambda t: _arc(*_noisy(t)))
    e = e.replace(lambda t: isinstance(t, rootgap), lambda t: _root(*t.args))
    e = e.replace(lambda t: isinstance(t, arcsine), lambda t: _arc(*t.args))
    e = e.replace(lambda t: t.is_Add and t.has(kxy) and t.is_polynomial(kxx, kyy, kxy), _polynomial)
    return e.xreplace({kxy: _SCALE * sp.cos(angle)})


def _noisy(atom: sp.Expr) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    a, b, c, s, t = atom.args
    return a + s, b + t, c


def _polynomial(total: sp.Expr) -> sp.Expr:
    """Replace kxy^2 by kxx kyy (1 - sin^2) in a polynomial; what cancels does so exactly."""
    poly = sp.Poly(sp.expand(total), kxy)
    square = kxx * kyy * (1 - sp.sin(angle) ** 2)
    return sp.expand(sum(c * square ** (n // 2) * kxy ** (n % 2) for (n,), c in poly.terms()))


def _determinant(a: sp.Expr, b: sp.Expr, c: sp.Expr) -> sp.Expr:
    return _polynomial(sp.expand(a * b - c**2))


def _root(a: sp.Expr, b: sp.Expr, c: sp.Expr) -> sp.Expr:
    if {a, b} == {kxx, kyy} and c == kxy:
        return _SCALE * sp.sin(angle)
    return sp.sqrt(_determinant(a, b, c))


def _arc(a: sp.Expr, b: sp.Expr, c: sp.Expr) -> sp.Expr:
    if {a, b} == {kxx, kyy} and c == kxy:
        return sp.pi / 2 - angle
    return sp.atan(c / sp.sqrt(_determinant(a, b, c)))  # of a noisy pair: its determinant is positive


def without_cancellation(expression: sp.Expr) -> sp.Expr:
    """Cos t -> 1 - versine(t), sin t -> sin_minus_xcos(t) + t cos t; expanding cancels what must cancel, exactly.

    Examples
    --------
    >>> without_cancellation(1 - sp.cos(angle))
    versine(angle)
    """
    cosine, sine = 1 - versine(angle), sp.sin(angle)
    square = versine(angle) * (2 - versine(angle))
    even = sp.expand(expression).replace(
        lambda e: e.is_Pow and e.base == sine and e.exp.is_Integer and e.exp > 1,
        lambda e: square ** (e.exp // 2) * sine ** (e.exp % 2),
    )
    return sp.expand(even.xreplace({sp.cos(angle): cosine, sine: sin_minus_xcos(angle) + angle * cosine}))
