"""The dual of two functions, E[f(u) g(v)] under a bivariate Gaussian, and the checks that prove it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from dekderive.atoms import Atom, arcsine, binormal, exp_binormal, rootgap
from dekderive.duals import numeric
from dekderive.duals.ladder import closed_checks, independent_check
from dekderive.duals.powers import power_dual, power_mean
from dekderive.duals.proof import decide_zero
from dekderive.duals.solution import second_moment, solve
from dekderive.errors import NoClosedForm, NotIntegrable
from dekderive.symbols import kxx, kxy, kyy, z
from dekderive.verdict import Check, Verdict

__all__ = ["Dual", "closed_form", "dual", "mean"]

_SYMMETRY, _POWERS, _SERIES = "symmetry", "Gauss hypergeometric", "Hermite series"


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

    Examples
    --------
    >>> from dekderive.atoms import step
    >>> d = dual(step(z))
    >>> d.expression, d.closed, d.conditions
    (arcsine(kxx, kyy, kxy)/(2*pi) + 1/4, True, ())
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

    @property
    def singular(self) -> bool:
        """Whether the closed form has a square-root singularity at kxy^2 = kxx kyy (f and g share a kink or a jump).

        An even power of rootgap is a polynomial, and does not count.

        Examples
        --------
        >>> from dekderive.atoms import relu
        >>> dual(relu(z)).singular, dual(sp.erf(z)).singular
        (True, False)
        """
        gap = rootgap(kxx, kyy, kxy)
        expression = self.expression.replace(
            lambda e: e.is_Pow and e.base == gap and e.exp.is_even, lambda e: (kxx * kyy - kxy**2) ** (e.exp / 2)
        )
        shared = any(
            e.args[-3:] in ((kxx, kyy, kxy), (kxx, kyy, -kxy)) for e in expression.atoms(binormal, exp_binormal)
        )
        return shared or expression.has(gap, arcsine(kxx, kyy, kxy))

    @property
    def emitted(self) -> sp.Expr:
        """The expression that generated code evaluates.

        It is the closed form, unless that loses digits in floating point: a bivariate distribution function times a
        growing exponential (ELU, exp(-|x|)) is a product of a huge and a tiny number.  Then it is the numeric node, if
        all parameters have values.

        Examples
        --------
        >>> from dekderive.atoms import elu
        >>> type(dual(elu(z)).emitted).__name__, type(dual(elu(z)).expression).__name__
        ('dual', 'Add')
        """
        return self._stable(self.expression, numeric.dual)

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
        if not self.closed:
            return numeric.dual_kxy(self.left, self.right, kxx, kyy, kxy)
        if self.rule == _POWERS:
            return self.expression.diff(kxy)
        solution = solve(self.left, self.right)
        return solution.write(solution.price())

    def emitted_derivative(self) -> sp.Expr:
        """Return d/dkxy as generated code evaluates it; see `emitted`.

        Examples
        --------
        >>> dual(sp.exp(-sp.Abs(z))).emitted_derivative().func.__name__
        'dual_kxy'
        """
        return self._stable(self.derivative(), numeric.dual_kxy)

    def derivative_in_kxx(self) -> sp.Expr:
        """Return d/dkxx, which is E[f''(u) g(v)] / 2 (the heat equation), also where f' jumps.

        A closed form is differentiated in normal form, where what must cancel has cancelled exactly.

        Examples
        --------
        >>> from dekderive.atoms import relu
        >>> dual(relu(z)).derivative_in_kxx()
        rootgap(kxx, kyy, kxy)/(4*pi*kxx)
        """
        return self._in_variance(kxx, numeric.dual_kxx)

    def derivative_in_kyy(self) -> sp.Expr:
        """Return d/dkyy, which is E[f(u) g''(v)] / 2.

        Examples
        --------
        >>> dual(sp.exp(z)).derivative_in_kyy()
        exp(kxx/2 + kxy + kyy/2)/2
        """
        return self._in_variance(kyy, numeric.dual_kyy)

    def _in_variance(self, variance: sp.Symbol, node: type[sp.Function]) -> sp.Expr:
        if not (self.left if variance == kxx else self.right).has(z):
            return sp.S.Zero
        if not self.closed and self.expression.func is numeric.dual:
            return node(self.left, self.right, kxx, kyy, kxy)
        if not self.closed or self.rule in (_POWERS, _SYMMETRY):
            return self.expression.diff(variance)
        solution = solve(self.left, self.right)
        generator = solution.engine.s.a if variance == kxx else solution.engine.s.b
        return solution.write(solution.engine.forms.differentiate(solution.terms, generator))

    def _stable(self, expression: sp.Expr, node: type[sp.Function]) -> sp.Expr:
        parameters = (self.left.free_symbols | self.right.free_symbols) - {z}
        if parameters or not self.closed or not _loses_digits(expression):
            return expression
        return node(self.left, self.right, kxx, kyy, kxy)

    def checks(self, *, independent: bool = False) -> tuple[Check, ...]:
        """Prove the closed form: Price's identity and the value at kxy = 0 determine it, by integration in kxy.

        Where f = g, the value at coincidence is compared with E[f(u)^2], which the one-variable engine finds from the
        product f f.

        Parameters
        ----------
        independent : bool
            Also compare with a certified Mehler series, which shares no code with the engine (seconds, not
            milliseconds).

        Returns
        -------
        tuple of Check
            An empty residual HOLDS; a residual that balls separate from 0 FAILS; otherwise UNDECIDED.

        Examples
        --------
        >>> from dekderive.atoms import relu
        >>> [c.name for c in dual(relu(z)).checks()]
        ['Price', 'independence', 'coincidence']
        """
        if not self.closed:
            statement = "no closed form in this engine: evaluated by a Hermite series with its Parseval remainder"
            return (Check("dual", statement, Verdict.UNDECIDED, "numeric, error reported at run time"),)
        checks: tuple[Check, ...]
        if self.rule == _SYMMETRY:
            even = f"the even part of {self.right if self.right.has(z) else self.left} is constant"
            checks = (Check("symmetry", f"{even}, so its expectation is that constant", Verdict.HOLDS, "simplified"),)
        elif self.rule == _POWERS:
            found = power_dual(self.left, self.right)
            same = decide_zero(self.expression - found.expression)
            checks = (Check("table", "the formula is the one of the table for real powers", *same), *found.checks)
        else:
            checks = closed_checks(self.left, self.right, self.expression, self.derivative)
        return (*checks, independent_check(self.left, self.right, self.expression)) if independent else checks


def _loses_digits(expression: sp.Expr) -> bool:
    """Whether a bivariate distribution function is multiplied by an exponential."""
    return expression.has(exp_binormal)


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
        return closed_form(f, g)
    except NoClosedForm:
        pass
    for function in (f, g):
        _refuse_growth(function)
    if not (f.has(z) and g.has(z)):
        return _one_dimensional(f, g)
    return Dual(f, g, numeric.dual(f, g, kxx, kyy, kxy), _SERIES)


@lru_cache(maxsize=1024)
def closed_form(f: sp.Expr, g: sp.Expr | None = None) -> Dual:
    """Return the dual of f and g in closed form, or say which piece has none.

    Parameters
    ----------
    f, g : sympy.Expr
        Functions of ``dekderive.symbols.z``.

    Raises
    ------
    NoClosedForm
        Naming the offending piece and the reason.  It does not claim that no closed form exists.
    NotIntegrable
        If the expectation diverges for every variance.

    Examples
    --------
    >>> from dekderive.atoms import ndtr
    >>> closed_form(ndtr(z) ** 2)
    Traceback (most recent call last):
    ...
    dekderive.errors.NoClosedForm: E[f(u) g(v)] with f = ndtr(z)**2, g = ndtr(z)**2: the product of 4 gates (a probit \
of noise 1 in u, a probit of noise 1 in u, a probit of noise 1 in v, a probit of noise 1 in v) needs an orthant \
probability of dimension four
    """
    f = sp.sympify(f)
    g = f if g is None else sp.sympify(g)
    try:
        solution = solve(f, g)
        closed = Dual(f, g, solution.write(solution.terms), solution.rule, solution.conditions)
    except NoClosedForm as error:
        try:
            found = power_dual(f, g)
        except NoClosedForm:
            raise NoClosedForm(f"E[f(u) g(v)] with f = {f}, g = {g}: {error}") from error
        closed = Dual(f, g, found.expression, _POWERS, found.conditions)
    if any(condition.is_nonpositive for condition in closed.conditions):
        raise NotIntegrable(f"E[f(u) g(v)] diverges for every variance; f = {f}, g = {g}")
    return closed


def _one_dimensional(f: sp.Expr, g: sp.Expr) -> Dual:
    """E[c g(v)] = c E[g(v)]: no pair is involved, and a constant even part of g is all of it."""
    constant, function, variance = (g, f, kxx) if f.has(z) else (f, g, kyy)
    elementary = function.replace(lambda e: isinstance(e, Atom), lambda e: e.definition)
    even = sp.simplify((elementary + elementary.subs(z, -z)) / 2)
    if not even.has(z):
        return Dual(f, g, constant * even, _SYMMETRY)
    return Dual(f, g, constant * numeric.mean(sp.S.One, function, variance), _SERIES)


@lru_cache(maxsize=1024)
def mean(f: sp.Expr, g: sp.Expr) -> sp.Expr:
    """Return E[f(u) g(u)], u ~ N(0, kxx), as an expression in kxx.

    Raises
    ------
    NotIntegrable
        If it diverges for every variance.

    Examples
    --------
    >>> from dekderive.atoms import relu
    >>> mean(relu(z), relu(z))
    kxx/2
    """
    f, g = sp.sympify(f), sp.sympify(g)
    try:
        return second_moment(f, g)[0]
    except NoClosedForm:
        pass
    try:
        return power_mean(f, g)
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
