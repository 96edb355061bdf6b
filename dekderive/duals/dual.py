"""The dual of two functions, E[f(u) g(v)] under a bivariate Gaussian, and the checks that prove it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from dekderive.atoms import Atom
from dekderive.duals import numeric
from dekderive.duals.algebra import differentiate, lift, multiply
from dekderive.duals.closed_form import expectation
from dekderive.duals.normal_form import tidy
from dekderive.duals.proof import decide_zero
from dekderive.errors import NoClosedForm, NotIntegrable
from dekderive.symbols import kxx, kxy, kyy, z
from dekderive.verdict import Check, Verdict

__all__ = ["Dual", "dual", "mean"]


@dataclass(frozen=True, slots=True)
class Dual:
    r"""The dual kernel of two functions.

    .. math:: \mathbb E[f(u)\, g(v)], \qquad
              (u, v) \sim \mathcal N\Big(0, \begin{pmatrix} k_{xx} & k_{xy} \\ k_{xy} & k_{yy} \end{pmatrix}\Big)

    Attributes
    ----------
    left, right : sympy.Expr
        f and g, as expressions in ``dekderive.symbols.z``.
    expression : sympy.Expr
        The value, in ``kxx, kyy, kxy``: a closed form, or a numeric node where the engine has no rule.
    rule : str
        The rules that were used, or ``"Hermite series"``.
    conditions : tuple of sympy.Expr
        Expressions that must be positive for the integral to converge (empty: it always does).
    """

    left: sp.Expr
    right: sp.Expr
    expression: sp.Expr
    rule: str
    conditions: tuple[sp.Expr, ...] = ()

    @property
    def closed(self) -> bool:
        """Whether the expression is a closed form."""
        return not self.expression.has(*numeric.NUMERIC_NODES)

    def derivative(self) -> sp.Expr:
        """Return d/dkxy by Price's theorem, E[f'(u) g'(v)] (jumps differentiate to deltas).

        The closed form on the left is never differentiated: that subtracts terms of size 1/sqrt(kxx kyy - kxy^2)
        which cancel only in exact arithmetic.

        Examples
        --------
        >>> from dekderive.atoms import relu
        >>> dual(relu(z), relu(z)).derivative()
        arcsine(kxx, kyy, kxy)/(2*pi) + 1/4
        """
        if not (self.left.has(z) and self.right.has(z)):
            return sp.S.Zero
        try:
            return expectation(differentiate(lift(self.left)), differentiate(lift(self.right))).expression
        except NoClosedForm:
            return numeric.dual_kxy(self.left, self.right, kxx, kyy, kxy)

    def checks(self) -> tuple[Check, ...]:
        """Prove the closed form: Price's identity and the value at kxy = 0 determine it, by integration in kxy."""
        if not self.closed:
            statement = "no closed form in this engine: evaluated by a Hermite series with its Parseval remainder"
            return (Check("dual", statement, Verdict.UNDECIDED, "numeric, error reported at run time"),)
        if self.rule == _SYMMETRY:
            even = f"the even part of {self.right if self.right.has(z) else self.left} is constant"
            return (Check("symmetry", f"{even}, so its expectation is that constant", Verdict.HOLDS, "simplified"),)
        f, g = lift(self.left), lift(self.right)
        one = lift(sp.S.One)
        product = expectation(f, one).expression * expectation(one, g).expression
        at_zero = self.expression.subs(kxy, 0) - product
        price = self.expression.diff(kxy) - self.derivative()
        label = f"E[{self.left.subs(z, sp.Symbol('u'))} * {self.right.subs(z, sp.Symbol('v'))}]"
        return (
            Check("Price", f"d/dkxy {label} = E[f'(u) g'(v)]", *decide_zero(price)),
            Check("independence", f"{label} = E[f(u)] E[g(v)] at kxy = 0", *decide_zero(at_zero)),
        )


@lru_cache(maxsize=1024)
def dual(f: sp.Expr, g: sp.Expr | None = None) -> Dual:
    """Return the dual of f and g (of f with itself if g is omitted).

    Parameters
    ----------
    f, g : sympy.Expr
        Functions of ``dekderive.symbols.z``.

    Returns
    -------
    Dual
        With a closed form where the engine has one, otherwise with a numeric node.

    Raises
    ------
    NotIntegrable
        If the expectation diverges for every variance.
    NoClosedForm
        If there is no closed form and the functions have parameters without a value.

    Notes
    -----
    Sources: Price (1958) for the derivative; Cho and Saul (2009) and Williams (1996) for special cases.

    Examples
    --------
    >>> from dekderive.atoms import relu, step
    >>> dual(relu(z)).expression
    kxy*arcsine(kxx, kyy, kxy)/(2*pi) + kxy/4 + rootgap(kxx, kyy, kxy)/(2*pi)
    >>> dual(sp.tanh(z)).closed
    False
    """
    f = sp.sympify(f)
    g = f if g is None else sp.sympify(g)
    try:
        closed = expectation(lift(f), lift(g))
    except NoClosedForm:
        for function in (f, g):
            _refuse_growth(function)
        if not (f.has(z) and g.has(z)):
            return _one_dimensional(f, g)
        return Dual(f, g, numeric.dual(f, g, kxx, kyy, kxy), "Hermite series")
    if any(condition.is_nonpositive for condition in closed.conditions):
        raise NotIntegrable(f"E[f(u) g(v)] diverges for every variance; f = {f}, g = {g}")
    return Dual(f, g, closed.expression, ", ".join(closed.rules) or "constant", closed.conditions)


_SYMMETRY = "symmetry"


def _one_dimensional(f: sp.Expr, g: sp.Expr) -> Dual:
    """E[c g(v)] = c E[g(v)]: no pair is involved, and a constant even part of g is all of it."""
    constant, function, variance = (g, f, kxx) if f.has(z) else (f, g, kyy)
    elementary = function.replace(lambda e: isinstance(e, Atom), lambda e: e.definition)
    even = sp.simplify((elementary + elementary.subs(z, -z)) / 2)
    if not even.has(z):
        return Dual(f, g, constant * even, _SYMMETRY)
    return Dual(f, g, constant * numeric.mean(sp.S.One, function, variance), "Hermite series")


@lru_cache(maxsize=1024)
def mean(f: sp.Expr, g: sp.Expr) -> sp.Expr:
    """Return E[f(u) g(u)], u ~ N(0, kxx), as an expression in kxx.

    Examples
    --------
    >>> from dekderive.atoms import relu
    >>> mean(relu(z), relu(z))
    kxx/2
    """
    try:
        return expectation(multiply(lift(f), lift(g)), lift(sp.S.One)).expression
    except NoClosedForm:
        pass
    try:  # two gates in one variable are outside the one-variable engine, but their dual at u = v is not
        closed = expectation(lift(f), lift(g)).expression
        return tidy(closed.subs({kyy: kxx, kxy: kxx}, simultaneous=True))
    except NoClosedForm:
        pass
    if not (f.has(z) and g.has(z)):
        return _one_dimensional(f, g).expression.xreplace({kyy: kxx})
    return numeric.mean(f, g, kxx)


def _refuse_growth(function: sp.Expr) -> None:
    """Raise NotIntegrable if log|f(z)| / z^2 does not fall towards 0 at infinity, as far as two distances can tell.

    The numeric fallback is offered for every variance, so a function that grows like exp(q z^2), q > 0, is refused even
    though its expectation is finite for small variances.
    """
    if function.free_symbols != {z}:
        return

    def rate(point: int) -> sp.Expr:
        value = abs(function.subs(z, point).evalf(15))
        return sp.log(value).evalf(15) / point**2 if value.is_positive else sp.S.Zero

    for sign in (1, -1):
        near, far = rate(40 * sign), rate(80 * sign)
        if far > sp.Rational(1, 100) and far > sp.Rational(9, 10) * near:
            raise NotIntegrable(
                f"{function} grows like exp({float(far):.2g} z^2) or faster: not integrable for every variance"
            )
