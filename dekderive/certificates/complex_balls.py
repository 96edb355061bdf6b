"""Functions of one variable, compiled once into closures over balls, real and complex.

`balls.evaluate` walks a tree for each point.  A quadrature evaluates one formula at thousands of points, so the walk is
done once here: the result is a Python closure whose constants have the working precision of the compilation.

Three readings of the same formula are compiled.  ``"real"`` takes real balls.  ``"complex"`` takes complex balls and
means what the formula means on each of them.  ``"analytic"`` takes complex balls and must return something non-finite
on a ball where the function is not analytic (it touches a branch cut, or a point where `Abs` or `step` switch):
``acb.integral`` draws its error bound from that promise, and gives a wrong "certified" value if it is broken.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Literal, TypeAlias

import sympy as sp
from flint import acb, arb, ctx

from dekderive import atoms
from dekderive.atoms import Atom
from dekderive.certificates.balls import Ball, apply, as_ball, ball_function, evaluate, integer_power
from dekderive.errors import UndeclaredSymbol, UnprintableNode
from dekderive.symbols import z

__all__ = ["Mode", "compile_function", "integrand"]

Mode: TypeAlias = Literal["real", "complex", "analytic"]
Function: TypeAlias = Callable[[Ball], Ball]


def compile_function(expr: sp.Expr, mode: Mode) -> Function:
    """Return `expr`, a function of ``symbols.z``, as a closure over balls at the present working precision.

    Parameters
    ----------
    expr : sympy.Expr
        In ``dekderive.symbols.z`` alone, without floats.
    mode : {"real", "complex", "analytic"}
        What it takes, and whether it must refuse balls on which it is not analytic.

    Returns
    -------
    callable
        From ball to ball.

    Raises
    ------
    UndeclaredSymbol
        If another symbol, or a float, occurs.
    UnprintableNode
        If a function has no rule; the message names it.

    Examples
    --------
    >>> from flint import acb
    >>> root = compile_function(sp.sqrt(z**2), "analytic")
    >>> root(acb(2, 1)).is_finite(), root(acb(0, 1)).is_finite()
    (True, False)
    """
    return _compiled(expr, mode, int(ctx.prec))


def integrand(expr: sp.Expr) -> Callable[[Ball, bool], Ball]:
    """Return `expr` in the form that ``acb.integral`` takes: a function of a ball and of the analytic flag.

    Examples
    --------
    >>> from flint import acb
    >>> f = integrand(sp.sqrt(z))
    >>> f(acb(-1), False).is_finite(), f(acb(-1), True).is_finite()
    (True, False)
    """
    anywhere, analytic = compile_function(expr, "complex"), compile_function(expr, "analytic")
    return lambda x, flag: analytic(x) if flag else anywhere(x)


@lru_cache(maxsize=1024)
def _compiled(expr: sp.Expr, mode: Mode, bits: int) -> Function:
    return _node(expr, mode)


def _node(e: sp.Expr, mode: Mode) -> Function:
    if e == z:
        return lambda x: x
    if not e.free_symbols:
        return _constant(as_ball(evaluate(e, {})), mode)
    if isinstance(e, sp.Symbol):
        raise UndeclaredSymbol(f"the symbol {e} has no value; an activation is a formula in dekderive.symbols.z alone")
    if isinstance(e, (sp.Add, sp.Mul)):
        return _fold(e, mode)
    if isinstance(e, sp.Pow):
        return _power(e, mode)
    if isinstance(e, sp.exp):
        return _then(_node(e.args[0], mode), operator.methodcaller("exp"))
    if isinstance(e, (sp.Max, sp.Min)):
        return _extremum(e, mode)
    if isinstance(e, (sp.Function, Atom)):
        return _function(e, mode)
    raise UnprintableNode(f"ball arithmetic has no rule for {type(e).__name__} ({e})")


def _constant(value: Ball, mode: Mode) -> Function:
    constant = value if mode == "real" else acb(value)
    return lambda x: constant


def _then(inner: Function, outer: Function) -> Function:
    return lambda x: outer(inner(x))


def _fold(e: sp.Expr, mode: Mode) -> Function:
    constant, rest = e.as_independent(z, as_Add=isinstance(e, sp.Add))
    combine = operator.add if isinstance(e, sp.Add) else operator.mul
    parts = [_node(a, mode) for a in type(e).make_args(rest)]
    result = parts[0]
    for part in parts[1:]:
        result = _binary(combine, result, part)
    if constant == (0 if isinstance(e, sp.Add) else 1):
        return result
    number, inner = as_ball(evaluate(constant, {})), result
    return lambda x: combine(inner(x), number)


def _binary(combine: Callable[[Ball, Ball], Ball], first: Function, second: Function) -> Function:
    return lambda x: combine(first(x), second(x))


def _power(e: sp.Pow, mode: Mode) -> Function:
    if not e.exp.is_Rational:
        # Without evaluate=False SymPy would turn exp(z log 2) back into 2**z.
        return _node(sp.exp(e.exp * sp.log(e.base), evaluate=False), mode)
    base, p, q = _node(e.base, mode), int(e.exp.p), int(e.exp.q)
    if q == 1:
        return _integer_power(base, p)
    if q == 2:
        root = _then(base, _FLAGGED["sqrt"][mode])
        return _integer_power(root, p)
    exponent = as_ball(e.exp)
    if mode == "real":
        return lambda x: base(x) ** exponent
    flag = mode == "analytic"
    return lambda x: base(x).pow(acb(exponent), analytic=flag)


def _integer_power(base: Function, p: int) -> Function:
    if p == 1:
        return base
    if p == -1:
        return lambda x: 1 / base(x)

    def power(x: Ball) -> Ball:
        # By products: a power of a ball around 0 may be NaN in python-flint.
        y = integer_power(base(x), abs(p))
        return 1 / y if p < 0 else y

    return power


def _extremum(e: sp.Expr, mode: Mode) -> Function:
    largest, parts = isinstance(e, sp.Max), [_node(a, mode) for a in e.args]
    flag, method = mode == "analytic", acb.real_max if largest else acb.real_min

    def pick(a: Ball, b: Ball) -> Ball:
        if mode == "real":
            return a.max(b) if largest else a.min(b)
        return method(a, b, analytic=flag)

    result = parts[0]
    for part in parts[1:]:
        result = _binary(pick, result, part)
    return result


def _function(e: sp.Function, mode: Mode) -> Function:
    if isinstance(e, sp.besseli) and not e.args[0].free_symbols:
        order, inner = as_ball(evaluate(e.args[0], {})), _node(e.args[1], mode)
        return lambda x: inner(x).bessel_i(order)
    if len(e.args) != 1:
        raise UnprintableNode(f"ball arithmetic over one variable has no rule for {type(e).__name__} ({e})")
    inner = _node(e.args[0], mode)
    if e.func in _MEROMORPHIC:
        return _then(inner, _MEROMORPHIC[e.func])
    if e.func in _FLAGGED:
        return _then(inner, _FLAGGED[e.func][mode])
    if mode == "real":
        if isinstance(e, Atom):
            return _then(inner, lambda x: apply(e.func, x))
        return _then(inner, lambda x: ball_function(e, [x]))
    if isinstance(e, Atom):
        return _node(e.definition, mode)
    raise UnprintableNode(f"complex ball arithmetic has no rule for {type(e).__name__} ({e})")


# ---- functions with removable singularities ------------------------------------------------------------------------


def _near_zero(x: Ball) -> bool:
    return not bool(abs(x) > 1)


def _langevin_over_x(x: Ball) -> Ball:
    """Return L(x)/x = 0F1(; 5/2; x^2/4) / (3 0F1(; 3/2; x^2/4)), which has no 0/0 at 0."""
    square = x * x / 4
    return square.hypgeom_0f1(arb(5) / 2) / square.hypgeom_0f1(arb(3) / 2) / 3


def _langevin(x: Ball) -> Ball:
    return x * _langevin_over_x(x) if _near_zero(x) else x.coth() - 1 / x


def _langevin_slope(x: Ball) -> Ball:
    # L' = 1 - 2 L/x - L^2
    if _near_zero(x):
        ratio = _langevin_over_x(x)
        return 1 - 2 * ratio - x * x * ratio * ratio
    return 1 / (x * x) - x.csch() * x.csch()


def _bessel_ratio(x: Ball) -> Ball:
    return x.bessel_i(1) / x.bessel_i(0)


def _bessel_ratio_slope(x: Ball) -> Ball:
    # I1(x)/x = 0F1(; 2; x^2/4) / 2, so that 1 - r/x - r^2 has no 0/0 at 0.
    zero, square = x.bessel_i(0), x * x / 4
    ratio = x.bessel_i(1) / zero
    return 1 - square.hypgeom_0f1(arb(2)) / zero / 2 - ratio * ratio


def _ndtr(x: Ball) -> Ball:
    return (-x / arb(2).sqrt()).erfc() / 2


def _inverse_mills(x: Ball) -> Ball:
    return (-x * x / 2).exp() / (2 * arb.pi()).sqrt() / _ndtr(x)


def _truncated_normal_variance(x: Ball) -> Ball:
    m = _inverse_mills(x)
    return 1 - m * (x + m)


def _log_cosh(x: Ball) -> Ball:
    size = abs(x)
    return size + (-2 * size).exp().log1p() - arb(2).log()


_MEROMORPHIC: Mapping[type, Function] = {
    **{
        getattr(sp, name): operator.methodcaller(name)
        for name in ["sin", "cos", "tan", "cot", "sinh", "cosh", "tanh", "coth", "sech", "csch", "erf", "erfc", "erfi"]
    },
    atoms.expit: lambda x: 1 / (1 + (-x).exp()),
    atoms.ndtr: _ndtr,
    atoms.inverse_mills: _inverse_mills,
    atoms.truncated_normal_mean: lambda x: x + _inverse_mills(x),
    atoms.truncated_normal_variance: _truncated_normal_variance,
    atoms.langevin: _langevin,
    atoms.langevin_slope: _langevin_slope,
    atoms.tilted_uniform_mean: lambda x: (1 + _langevin(x / 2)) / 2,
    atoms.bessel_ratio: _bessel_ratio,
    atoms.bessel_ratio_slope: _bessel_ratio_slope,
    atoms.dawson: lambda x: (-x * x).exp() * x.erfi() * arb.const_sqrt_pi() / 2,
}


def _nan() -> Ball:
    return acb(arb.nan(), arb.nan())


def _off_the_axis_cuts(method: Function) -> Function:
    """Refuse balls that touch the cuts i [1, oo) and -i [1, oo) of atan and asinh, which flint does not report."""
    return lambda x: _nan() if x.real.contains(0) and not bool(abs(x.imag) < 1) else method(x)


def _real_or(real: Function, method: Callable[..., Ball], of: Function | None = None) -> Mapping[str, Function]:
    """Return the three readings of a function whose complex method takes the flag; `of` is applied first."""
    inner = of or (lambda x: x)
    return {
        "real": real,
        "complex": lambda x: method(inner(x)),
        "analytic": lambda x: method(inner(x), analytic=True),
    }


def _log_softplus(x: Ball, analytic: bool = False) -> Ball:
    return (1 + x.exp()).log(analytic=analytic).log(analytic=analytic)


def _log_sinhc(x: Ball, analytic: bool = False) -> Ball:
    return (x * x / 4).hypgeom_0f1(arb(3) / 2).log(analytic=analytic)


_FLAGGED: Mapping[type | str, Mapping[str, Function]] = {
    "sqrt": _real_or(arb.sqrt, acb.sqrt),
    sp.log: _real_or(arb.log, acb.log),
    sp.Abs: _real_or(abs, acb.real_abs),
    sp.sign: _real_or(arb.sgn, acb.real_sgn),
    sp.Heaviside: _real_or(lambda x: (1 + x.sgn()) / 2, acb.real_heaviside),
    atoms.step: _real_or(lambda x: (1 + x.sgn()) / 2, acb.real_heaviside),
    atoms.relu: _real_or(
        lambda x: arb.max(x, arb(0)), lambda x, analytic=False: acb.real_max(x, acb(0), analytic=analytic)
    ),
    atoms.softplus: _real_or(lambda x: x.exp().log1p(), acb.log, lambda x: 1 + x.exp()),
    atoms.log_cosh: _real_or(_log_cosh, acb.log, lambda x: x.cosh()),
    atoms.log_sinhc: _real_or(lambda x: apply(atoms.log_sinhc, x), _log_sinhc),
    atoms.log_softplus: _real_or(lambda x: x.exp().log1p().log(), _log_softplus),
    atoms.log_softplus_slope: _real_or(
        lambda x: 1 / ((1 + (-x).exp()) * x.exp().log1p()),
        lambda x, analytic=False: 1 / ((1 + (-x).exp()) * (1 + x.exp()).log(analytic=analytic)),
    ),
    atoms.log_exprel: _real_or(
        lambda x: x / 2 + apply(atoms.log_sinhc, x / 2), lambda x, analytic=False: x / 2 + _log_sinhc(x / 2, analytic)
    ),
    atoms.log_i0: _real_or(lambda x: x.bessel_i(0).log(), acb.log, lambda x: x.bessel_i(0)),
    atoms.log_ndtr: _real_or(lambda x: _ndtr(x).log(), acb.log, _ndtr),
    sp.atan: {"real": arb.atan, "complex": acb.atan, "analytic": _off_the_axis_cuts(acb.atan)},
    sp.asinh: {"real": arb.asinh, "complex": acb.asinh, "analytic": _off_the_axis_cuts(acb.asinh)},
}
