"""Antiderivatives of activations: a table, linear combinations, and affine arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import sympy as sp
from sympy.simplify.fu import TR8

from dekderive import atoms
from dekderive.certificates import enclose, positive_verdict, zero_verdict
from dekderive.errors import NoClosedForm
from dekderive.limits import limit, sample_parameters
from dekderive.simplification import tidy
from dekderive.symbols import z
from dekderive.verdict import Verdict

__all__ = ["Extreme", "antiderivative", "infimum", "supremum"]


def _density(x: sp.Expr) -> sp.Expr:
    return sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)


_TABLE: dict[type, Callable[[sp.Expr], sp.Expr]] = {
    atoms.relu: lambda x: atoms.relu(x) ** 2 / 2,
    atoms.step: atoms.relu,
    atoms.expit: atoms.softplus,
    atoms.langevin: atoms.log_sinhc,
    atoms.langevin_slope: atoms.langevin,
    atoms.bessel_ratio: atoms.log_i0,
    atoms.bessel_ratio_slope: atoms.bessel_ratio,
    atoms.log_softplus_slope: atoms.log_softplus,
    atoms.tilted_uniform_mean: atoms.log_exprel,
    atoms.ndtr: lambda x: x * atoms.ndtr(x) + _density(x),
    atoms.inverse_mills: atoms.log_ndtr,
    atoms.truncated_normal_mean: atoms.truncated_normal_log_partition,
    atoms.truncated_normal_variance: atoms.truncated_normal_mean,
    sp.Abs: lambda x: x * sp.Abs(x) / 2,
    sp.sign: sp.Abs,
    sp.exp: sp.exp,
    sp.sin: lambda x: -sp.cos(x),
    sp.cos: sp.sin,
    sp.sinh: sp.cosh,
    sp.cosh: sp.sinh,
    sp.tanh: atoms.log_cosh,
    sp.erf: lambda x: x * sp.erf(x) + sp.exp(-(x**2)) / sp.sqrt(sp.pi),
    sp.erfc: lambda x: x * sp.erfc(x) - sp.exp(-(x**2)) / sp.sqrt(sp.pi),
    sp.atan: lambda x: x * sp.atan(x) - sp.log(1 + x**2) / 2,
    sp.asinh: lambda x: x * sp.asinh(x) - sp.sqrt(1 + x**2),
}


@lru_cache(maxsize=256)
def antiderivative(function: sp.Expr) -> sp.Expr:
    r"""Return an antiderivative S of an activation.

    The additive constant is the one of the table: :math:`\mathrm{relu}^2/2`, softplus for expit, :math:`\log\cosh` for
    tanh, :math:`x\Phi(x) + \varphi(x)` for :math:`\Phi`, :math:`x\,\mathrm{erf}(x) + e^{-x^2}/\sqrt\pi`,
    :math:`-\cos`, powers without a constant, and so on; 0 at the jump for what a step switches on.

    Parameters
    ----------
    function : sympy.Expr
        In ``dekderive.symbols.z``.

    Raises
    ------
    NoClosedForm
        If some term is not in the table; the message names it.

    Examples
    --------
    >>> antiderivative(sp.tanh(2 * z) + 3), antiderivative(atoms.ndtr(z)).subs(z, 0)
    (3*z + log_cosh(2*z)/2, sqrt(2)/(2*sqrt(pi)))
    """
    terms = sp.expand(tidy(TR8(function)), power_exp=False, power_base=False, log=False)
    total = sp.Add(*(_of_term(t) for t in sp.Add.make_args(terms)))
    drawn = sample_parameters(function, z)
    points = [{z: sp.Rational(p, 9), **drawn} for p in (-23, -5, 4, 19)]
    verdict, detail = zero_verdict(total.diff(z).replace(sp.DiracDelta, lambda *_: sp.S.Zero) - function, points)
    if verdict is Verdict.FAILS:
        raise NoClosedForm(f"no antiderivative of {function} was found: the derivative of {total} differs, {detail}")
    return total


def _of_term(term: sp.Expr) -> sp.Expr:
    constant, rest = term.as_independent(z, as_Add=False)
    primitive = _primitive(rest)
    if primitive is None:
        raise NoClosedForm(
            f"no antiderivative of {rest} is known here; give the natural map R itself, to Reparameterisation"
        )
    return constant * primitive


def _primitive(f: sp.Expr) -> sp.Expr | None:
    """Return an antiderivative of a term without constant factors."""
    if f == 1 or f == z:
        return z ** (1 + int(f == z)) / (1 + int(f == z))
    base, power = f.as_base_exp() if not isinstance(f, sp.exp) else (f, sp.S.One)
    if base == z and power.is_number and (power + 1).is_positive and power.is_Integer:
        return z ** (power + 1) / (power + 1)
    argument = _linear_argument(base)
    if argument is not None:
        slope = argument.diff(z)
        if power == 1 and base.func in _TABLE:
            return _TABLE[base.func](argument) / slope
        if isinstance(base, atoms.relu) and (power + 1).is_positive:
            return base ** (power + 1) / (power + 1) / slope
        if isinstance(base, sp.cosh) and power == -2:
            return sp.tanh(argument) / slope
    return _gaussian(f) or _switched(f) or _by_parts(f)


def _linear_argument(f: sp.Expr) -> sp.Expr | None:
    if len(f.args) != 1 or not f.args[0].is_polynomial(z) or sp.degree(f.args[0], z) != 1:
        return None
    return f.args[0]


def _gaussian(f: sp.Expr) -> sp.Expr | None:
    """Antiderivative of exp(-a z^2) and z exp(q z^2)."""
    for factor in sp.Mul.make_args(f):
        q = factor.args[0] / z**2 if isinstance(factor, sp.exp) else None
        if q is not None and not q.has(z):
            if f == z * factor:
                return factor / (2 * q)
            if f == factor and q.is_negative:
                return sp.sqrt(sp.pi / -q) / 2 * sp.erf(sp.sqrt(-q) * z)
    return None


def _switched(f: sp.Expr) -> sp.Expr | None:
    """Antiderivative of step(x) g(z) and relu(x) g(z): that of g, made 0 at the jump."""
    for factor in sp.Mul.make_args(f):
        if not isinstance(factor, (atoms.step, atoms.relu)) or _linear_argument(factor) is None:
            continue
        (x,) = factor.args
        inner = f / factor * (x if isinstance(factor, atoms.relu) else 1)
        try:
            primitive = antiderivative(sp.expand(inner))
        except NoClosedForm:
            return None
        (jump,) = sp.solve(x, z)
        return atoms.step(x) * (primitive - primitive.subs(z, jump))
    return None


def _by_parts(f: sp.Expr) -> sp.Expr | None:
    """Antiderivative of z Phi(z) (the Gaussian error linear unit), z exp(a z + b), z sin(a z + b), z cos(a z + b)."""
    if not (f.is_Mul and z in f.args and len(f.args) == 2):
        return None
    g = f / z
    if g == atoms.ndtr(z):
        return ((z**2 - 1) * atoms.ndtr(z) + z * _density(z)) / 2
    x = _linear_argument(g)
    if x is None or not isinstance(g, (sp.exp, sp.sin, sp.cos)):
        return None
    first = _TABLE[g.func](x) / x.diff(z)
    return z * first - antiderivative(sp.expand(first))


# ---- extremes --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Extreme:
    """An infimum or supremum over the line, and the points where it is attained (none: it is a limit only)."""

    value: sp.Expr
    points: tuple[sp.Expr, ...] = ()


@lru_cache(maxsize=256)
def infimum(primitive: sp.Expr) -> Extreme:
    """Return the infimum over the line.

    It is looked for at the ends of the line, at 0, at kinks and at the roots of a polynomial derivative, and refuted
    by values that lie lower.

    Raises
    ------
    NoClosedForm
        If it is elsewhere.

    Examples
    --------
    >>> infimum(atoms.log_cosh(z) - 3)
    Extreme(value=-3, points=(0,))
    >>> infimum(atoms.softplus(z))
    Extreme(value=0, points=())
    """
    wave = _wave(primitive)
    if wave is not None:
        return wave
    drawn = sample_parameters(primitive, z)
    values: list[tuple[sp.Expr, tuple[sp.Expr, ...]]] = [(limit(primitive, z, end), ()) for end in (sp.oo, -sp.oo)]
    if any(v == -sp.oo for v, _ in values):
        return Extreme(-sp.oo)
    values += [(primitive.subs(z, p), (p,)) for p in _critical_points(primitive)]
    finite = [(v, p) for v, p in values if v != sp.oo]
    if not finite:
        raise NoClosedForm(f"the infimum of {primitive} is at no point that was looked at")
    lowest = min((v for v, _ in finite), key=lambda v: float(enclose(v, drawn)))
    points = [q for v, p in finite if enclose(v - lowest, drawn).contains_zero for q in p]
    slack = sp.Rational(1, 10**6)
    verdict, detail = positive_verdict((primitive - lowest + slack).subs(drawn), z, -40, 40, max_boxes=512)
    if verdict is Verdict.FAILS:
        raise NoClosedForm(
            f"the infimum of {primitive} is below {lowest}, at a place without a formula ({detail}); "
            "give the natural map R itself, to Reparameterisation"
        )
    return Extreme(tidy(lowest), tuple(points))


def supremum(primitive: sp.Expr) -> Extreme:
    """Return the supremum over the line; see `infimum`.

    Examples
    --------
    >>> supremum(-atoms.softplus(z)).value, supremum(sp.tanh(z)).value
    (0, 1)
    """
    below = infimum(sp.expand(-primitive))
    return Extreme(-below.value, below.points)


def _wave(primitive: sp.Expr) -> Extreme | None:
    """Return the minimum of d + a sin(b z + c) or d + a cos(b z + c)."""
    constant, rest = primitive.as_independent(z, as_Add=True)
    amplitude, function = rest.as_independent(z, as_Add=False)
    if not isinstance(function, (sp.sin, sp.cos)) or _linear_argument(function) is None:
        return None
    at = sp.pi / 2 if isinstance(function, sp.sin) else sp.S.Zero  # the argument of a maximum
    (x,) = function.args
    target = at + sp.pi if amplitude.is_positive else at
    return Extreme(constant - sp.Abs(amplitude), (*sp.solve(x - target, z), *sp.solve(x - target - 2 * sp.pi, z)))


def _critical_points(primitive: sp.Expr) -> tuple[sp.Expr, ...]:
    points = {sp.S.Zero}
    for node in sp.preorder_traversal(primitive):
        if isinstance(node, (atoms.relu, atoms.step, sp.Abs, sp.sign)) and _linear_argument(node) is not None:
            points.update(sp.solve(node.args[0], z))
    slope = primitive.diff(z)
    if slope.is_polynomial(z) and slope.has(z) and not slope.free_symbols - {z}:
        points.update(sp.Poly(slope, z).real_roots())
    return tuple(sorted(points, key=str))
