"""Ball arithmetic over expressions.  python-flint is imported in this folder only.

Rational subtrees are computed exactly; everything else is a ball, a midpoint with a radius that contains the value.
flint's precision is process-global, so it is only ever set inside `working_precision`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, TypeAlias

import mpmath
import sympy as sp
from flint import arb, ctx, fmpq

from dekderive import atoms
from dekderive.atoms import Atom
from dekderive.certificates.interval import Enclosure
from dekderive.certificates.roots import MonotoneEquation
from dekderive.certificates.special_balls import binormal as _binormal
from dekderive.certificates.special_balls import exp_erfcx
from dekderive.certificates.special_balls import ndtr as _ndtr
from dekderive.errors import UndeclaredSymbol, UnprintableNode
from dekderive.implicit import inverse_log_partition
from dekderive.symbols import eta

__all__ = [
    "Ball",
    "apply",
    "as_ball",
    "ball_function",
    "evaluate",
    "hull",
    "integer_power",
    "is_tiny",
    "neighbourhood",
    "to_enclosure",
    "working_precision",
]

Ball: TypeAlias = Any  # flint's arb; the name keeps its type out of the signatures that other modules read

_LARGEST_EXACT_POWER = 4096  # beyond it a rational power is a ball, so that 2**(10**9) stays cheap


@contextmanager
def working_precision(bits: int) -> Iterator[None]:
    """Compute with `bits` bits inside the block; flint's precision is global, so nothing may set it for good."""
    with ctx.workprec(bits):
        yield


def as_ball(value: sp.Expr | Fraction | Ball) -> Ball:
    """Return a number as a ball at the working precision."""
    if isinstance(value, arb):
        return value
    if isinstance(value, sp.Rational):
        return arb(fmpq(int(value.p), int(value.q)))
    if isinstance(value, Fraction):
        return arb(fmpq(value.numerator, value.denominator))
    return as_ball(_Evaluation({})(value))


def neighbourhood(middle: Fraction, radius: Fraction) -> Ball:
    """Return a ball that contains everything within `radius` of `middle`."""
    return hull(as_ball(middle - radius), as_ball(middle + radius))


def evaluate(expr: sp.Expr, values: Mapping[sp.Symbol, sp.Expr | Ball]) -> Ball:
    """Return an expression as a ball, at the working precision."""
    return as_ball(_Evaluation(values)(expr))


def is_tiny(ball: Ball, bits: int) -> bool:
    """Return whether everything in the ball is below ``2**-bits`` in size."""
    return bool(ball.abs_upper() < arb(2) ** -bits)


def to_enclosure(ball: Ball) -> Enclosure:
    """Return the ends of a ball, rounded outwards."""
    if not ball.is_finite():
        return Enclosure(mpmath.mpf("-inf"), mpmath.mpf("inf"))
    return Enclosure(_exact_mpf(ball.lower()), _exact_mpf(ball.upper()))


def _exact_mpf(end: Ball) -> mpmath.mpf:
    mantissa, exponent = end.man_exp()
    return mpmath.make_mpf(mpmath.libmp.from_man_exp(int(mantissa), int(exponent)))


def _implicit(node: inverse_log_partition, level: Ball) -> Ball:
    slope = node.log_partition.diff(eta)
    equation = MonotoneEquation(
        function=lambda x: as_ball(_Evaluation({eta: x})(node.log_partition)),
        derivative=lambda x: as_ball(_Evaluation({eta: x})(slope)),
        level=level,
        lower=_end(node.branch[0]),
        upper=_end(node.branch[1]),
        bits=int(ctx.prec),
    )
    root = equation.solve() if level.is_finite() else None
    return arb.nan() if root is None else root


def _end(value: sp.Expr) -> Ball:
    return arb.pos_inf() if value == sp.oo else arb.neg_inf() if value == -sp.oo else as_ball(value)


def apply(function: type[sp.Function], ball: Ball) -> Ball:
    """Return a function of one argument at a ball."""
    if ball.is_zero() and getattr(function, "at_zero", None) is not None:
        return as_ball(function.at_zero)
    if function in _UNARY:
        return _UNARY[function](ball)
    if issubclass(function, Atom):
        return as_ball(_Evaluation({_ARGUMENT: ball})(_definition(function)))
    raise UnprintableNode(
        f"ball arithmetic has no rule for {function.__name__}; write the formula with known functions"
    )


_ARGUMENT = sp.Symbol("argument", real=True)


def _definition(function: type[Atom]) -> sp.Expr:
    node = function(_ARGUMENT)
    return node.definition if isinstance(node, function) else node


_PIECEWISE_RATIONAL = (atoms.relu, atoms.step, sp.Abs, sp.sign, sp.Heaviside)


def _heaviside(x: Ball) -> Ball:
    return (1 + x.sgn()) / 2


def _inverse_mills(x: Ball) -> Ball:
    return (-x * x / 2).exp() / (2 * arb.pi()).sqrt() / _ndtr(x)


_UNARY: Mapping[type, Callable[[Ball], Ball]] = {
    sp.exp: arb.exp,
    sp.log: arb.log,
    sp.sin: arb.sin,
    sp.cos: arb.cos,
    sp.tan: arb.tan,
    sp.cot: arb.cot,
    sp.sinh: arb.sinh,
    sp.cosh: arb.cosh,
    sp.tanh: arb.tanh,
    sp.coth: arb.coth,
    sp.sech: arb.sech,
    sp.csch: arb.csch,
    sp.asin: arb.asin,
    sp.acos: arb.acos,
    sp.atan: arb.atan,
    sp.asinh: arb.asinh,
    sp.acosh: arb.acosh,
    sp.atanh: arb.atanh,
    sp.erf: arb.erf,
    sp.erfc: arb.erfc,
    sp.erfi: arb.erfi,
    sp.gamma: arb.gamma,
    sp.loggamma: arb.lgamma,
    sp.LambertW: arb.lambertw,
    sp.Abs: abs,
    sp.sign: arb.sgn,
    sp.Heaviside: _heaviside,
    atoms.relu: lambda x: arb.max(x, arb(0)),
    atoms.softplus: lambda x: x.exp().log1p(),
    atoms.log_softplus: lambda x: x.exp().log1p().log(),
    atoms.log_softplus_slope: lambda x: 1 / ((1 + (-x).exp()) * x.exp().log1p()),
    atoms.log1mexp: lambda x: (-x.expm1()).log(),
    atoms.log_exprel: lambda x: (x.expm1() / x).log(),
    atoms.tilted_uniform_mean: lambda x: -1 / (-x).expm1() - 1 / x,
    atoms.truncated_normal_log_partition: lambda x: x * x / 2 + _ndtr(x).log(),
    atoms.ndtr: _ndtr,
    atoms.log_ndtr: lambda x: _ndtr(x).log(),
    atoms.inverse_mills: _inverse_mills,
    atoms.truncated_normal_mean: lambda x: x + _inverse_mills(x),
    atoms.truncated_normal_variance: lambda x: 1 - _inverse_mills(x) * (x + _inverse_mills(x)),
}


class _Evaluation:
    """One evaluation of a tree at the current precision.  Rational subtrees stay exact, so that a b - c^2 can be 0."""

    def __init__(self, values: Mapping[sp.Symbol, sp.Expr | Ball]) -> None:
        self.values = values
        self.memo: dict[sp.Basic, sp.Rational | Ball] = {}

    def __call__(self, node: sp.Basic) -> sp.Rational | Ball:
        if node not in self.memo:
            self.memo[node] = self.evaluate(node)
        return self.memo[node]

    def evaluate(self, node: sp.Basic) -> sp.Rational | Ball:
        if isinstance(node, sp.Rational):
            return node
        if node in _CONSTANTS:
            return _CONSTANTS[node]()
        if isinstance(node, sp.Symbol):
            return self.symbol(node)
        if isinstance(node, sp.Add):
            return self.combine(node.args, lambda a, b: a + b)
        if isinstance(node, sp.Mul):
            return self.combine(node.args, lambda a, b: a * b)
        if isinstance(node, sp.Pow):
            return self.power(node.base, node.exp)
        if isinstance(node, sp.Float):
            raise UndeclaredSymbol(f"the float {node} is not an exact number; write Rational(1, 10) for 0.1")
        if isinstance(node, (sp.Max, sp.Min)):
            pick = arb.max if isinstance(node, sp.Max) else arb.min
            return self.combine(node.args, lambda a, b: pick(as_ball(a), as_ball(b)))
        if isinstance(node, sp.Function):
            return self.function(node)
        raise UnprintableNode(f"ball arithmetic has no rule for {type(node).__name__} ({node})")

    def symbol(self, node: sp.Symbol) -> sp.Rational | Ball:
        if node in self.values:
            value = self.values[node]
            return self(value) if isinstance(value, sp.Basic) else value
        strangers = [s for s in self.values if isinstance(s, sp.Symbol) and s.name == node.name]
        hint = f"; the value given is for another symbol named {node} with other assumptions" if strangers else ""
        raise UndeclaredSymbol(f"the symbol {node} has no value{hint}")

    def combine(self, args: Sequence[sp.Expr], operation: Callable[[Any, Any], Any]) -> sp.Rational | Ball:
        values = [self(a) for a in args]
        exact = [v for v in values if isinstance(v, sp.Rational)]
        balls = [v for v in values if not isinstance(v, sp.Rational)]
        if exact:
            total = exact[0]
            for value in exact[1:]:
                total = operation(total, value)
            if not balls:
                return total
            balls.append(as_ball(total))
        result = balls[0]
        for ball in balls[1:]:
            result = operation(result, ball)
        return result

    def power(self, base: sp.Expr, exponent: sp.Expr) -> sp.Rational | Ball:
        if base is sp.S.Exp1:
            return as_ball(self(exponent)).exp()
        b, e = self(base), self(exponent)
        if not isinstance(e, sp.Rational):
            return (e * as_ball(b).log()).exp()
        if isinstance(b, sp.Rational):
            folded = _exact_power(b, e)
            if folded is not None:
                return folded
        return _rational_power(as_ball(b), int(e.p), int(e.q))

    def function(self, node: sp.Function) -> sp.Rational | Ball:
        if isinstance(node, inverse_log_partition):
            return ball_function(node, [as_ball(self(node.level))])
        if isinstance(node, sp.hyper):
            return self.hypergeometric(node)
        if isinstance(node, Atom) and len(node.args) > 1:
            return self.pair_function(node)
        if not isinstance(node, (Atom, sp.besseli, sp.LambertW)) and node.func not in _UNARY:
            raise UnprintableNode(f"ball arithmetic has no rule for {type(node).__name__} ({node})")
        args = [self(a) for a in node.args]
        if isinstance(args[0], sp.Rational) and isinstance(node, _PIECEWISE_RATIONAL):
            return node.func(*args)
        return ball_function(node, [as_ball(a) for a in args])

    def pair_function(self, node: Atom) -> sp.Rational | Ball:
        if isinstance(node, atoms.exp_ndtr):
            p, x = (as_ball(self(argument)) for argument in node.args)
            return p.exp() * _ndtr(x)
        if isinstance(node, atoms.exp_erfcx_re | atoms.exp_erfcx_im):
            value = exp_erfcx(*(as_ball(self(argument)) for argument in node.args))
            return value.real if isinstance(node, atoms.exp_erfcx_re) else value.imag
        if isinstance(node, atoms.binormal):
            # The determinant by the rules of the tree: of rational numbers it is exact, and may be 0.
            a, b, c = node.args[2:]
            return _binormal(*(as_ball(self(e)) for e in (*node.args, a * b - c**2)))
        return self(node.definition)

    def hypergeometric(self, node: sp.hyper) -> Ball:
        if (len(node.ap), len(node.bq)) != (2, 1):
            raise UnprintableNode(f"ball arithmetic has the hypergeometric function 2F1, and no rule for {node}")
        left, right, below, x = (as_ball(self(e)) for e in (*node.ap, *node.bq, node.argument))
        return x.hypgeom_2f1(left, right, below)


def ball_function(node: sp.Function, args: Sequence[Ball]) -> Ball:
    """Return the function of `node` at other arguments, given as balls."""
    if isinstance(node, inverse_log_partition):
        return _implicit(node, args[0])
    if isinstance(node, sp.Heaviside):
        return _heaviside(args[0])
    if isinstance(node, sp.besseli):
        return args[1].bessel_i(args[0])
    if isinstance(node, sp.LambertW) and len(args) == 2 and node.args[1] == -1:
        return args[0].lambertw(-1)
    if len(args) == 1:
        return apply(node.func, args[0])
    raise UnprintableNode(f"ball arithmetic has no rule for {type(node).__name__} ({node})")


_CONSTANTS: Mapping[sp.Basic, Callable[[], Ball]] = {
    sp.pi: arb.pi,
    sp.S.Exp1: arb.const_e,
    sp.EulerGamma: arb.const_euler,
    sp.Catalan: arb.const_catalan,
}


def _exact_power(base: sp.Rational, exponent: sp.Rational) -> sp.Rational | None:
    """Return base**exponent if that is a rational number of moderate size, else None."""
    if base == 0:
        return sp.S.Zero if exponent > 0 else sp.S.One if exponent == 0 else None
    if abs(exponent.p) > _LARGEST_EXACT_POWER:
        return None
    root = base
    if exponent.q > 1:
        if base < 0:
            return None
        (p, p_exact), (q, q_exact) = (sp.integer_nthroot(int(n), int(exponent.q)) for n in (base.p, base.q))
        if not (p_exact and q_exact):
            return None
        root = sp.Rational(p, q)
    return root ** sp.Integer(exponent.p)


def _rational_power(base: Ball, p: int, q: int) -> Ball:
    """Return base**(p/q) by roots and products: ``ball**2`` is NaN on a ball around 0 in python-flint."""
    root = base if q == 1 else base.sqrt() if q == 2 else base.root(q) if bool(base >= 0) else arb.nan()
    power = integer_power(root, abs(p))
    return 1 / power if p < 0 else power


def integer_power(base: Ball, n: int) -> Ball:
    """Return base**n, n >= 0, by products."""
    factor, result = base, arb(1)
    while n:
        if n & 1:
            result = result * factor
        n >>= 1
        factor = factor * factor if n else factor
    return result


def hull(lower: Ball, upper: Ball) -> Ball:
    """Return a ball that contains two others (and sticks out a little)."""
    return lower.union(upper)
