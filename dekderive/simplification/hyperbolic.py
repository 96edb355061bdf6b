"""What SymPy leaves of tanh, coth and erf: quotients and differences of exponentials, each the name of an atom."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from dekderive.atoms import (
    expit,
    langevin,
    langevin_slope,
    log_exprel,
    log_ndtr,
    log_sinhc,
    log_softplus_slope,
    ndtr,
    softplus,
    tilted_uniform_mean,
    truncated_normal_log_partition,
)
from dekderive.simplification.logarithms import coefficient_and_exponent

__all__ = ["differences", "error_function", "quotients"]


def quotients(e: sp.Expr) -> sp.Expr:
    """Apply sinh / cosh = tanh, (1 - e^x) expit(-x) = -tanh(x/2) and expit / softplus = log_softplus_slope."""
    powers = dict(f.as_base_exp() for f in e.args if not isinstance(f, sp.exp))
    for base, n in powers.items():
        if isinstance(base, expit) and n == 1 and powers.get(softplus(*base.args)) == -1:
            return e / base * softplus(*base.args) * log_softplus_slope(*base.args)
        if isinstance(base, sp.sinh) and n.is_Integer:
            (x,) = base.args
            m = powers.get(sp.cosh(x), sp.S.Zero)
            if m.is_Integer and n * m < 0:
                k = sp.sign(n) * sp.Min(abs(n), abs(m))
                return e / (base**k * sp.cosh(x) ** -k) * sp.tanh(x) ** k
        if base.is_Add and n == 1 and len(base.args) == 2:
            (c, x), (d, y) = (coefficient_and_exponent(t) for t in base.args)
            if c == -d and x + y == 0:  # (c e^x - c e^-x) / (d e^x + d e^-x)
                below = next((b for b in powers if b.is_Add and powers[b] == -1 and _is_cosh(b, x)), None)
                if below is not None:
                    return e * below / base * c / coefficient_and_exponent(below.args[0])[0] * sp.tanh(x)
            if c != -d or (x != 0 and y != 0):
                continue
            c, x = (c, y) if x == 0 else (d, x)  # c - c e^x
            if powers.get(expit(-x)) == 1:
                return e / (base * expit(-x)) * -c * sp.tanh(x / 2)
    return e


def _is_cosh(e: sp.Expr, x: sp.Expr) -> bool:
    """Return whether e = d e^x + d e^-x."""
    if len(e.args) != 2:
        return False
    (c, y), (d, w) = (coefficient_and_exponent(t) for t in e.args)
    return bool(c == d and y + w == 0 and y in (x, -x))


def differences(e: sp.Expr) -> sp.Expr:
    """Replace c f + c p by c w wherever `_partners` has f + p = w: coth(x) - 1/x = L(x), and others of the kind."""
    for term in e.args:
        for factor in sp.Mul.make_args(term):
            for partner, whole in _partners(factor):
                if term / factor * partner in e.args:
                    rest = sp.Add(*(t for t in e.args if t not in (term, term / factor * partner)))
                    return rest + term / factor * whole
    return e


def _partners(factor: sp.Expr) -> list[tuple[sp.Expr, sp.Expr]]:
    """Return pairs (p, w) of expressions with factor + p = w."""
    base, n = factor.as_base_exp()
    if isinstance(base, sp.coth) and n == 1:
        (x,) = base.args
        return [(-1 / x, langevin(x))]
    if isinstance(base, sp.tanh) and n == -1:
        (x,) = base.args
        return [(-1 / x, langevin(x))]
    if isinstance(base, sp.tanh) and n == -2:
        (x,) = base.args
        return [(-sp.S.One, sp.sinh(x) ** -2)]
    if isinstance(base, sp.sinh) and n == -2:
        (x,) = base.args
        return [(-1 / x**2, -langevin_slope(x))]
    return _PARTNERS[type(base)](base.args[0]) if n == 1 and type(base) in _PARTNERS else []


_PARTNERS: dict[type, Callable[[sp.Expr], list[tuple[sp.Expr, sp.Expr]]]] = {
    expit: lambda x: [
        (-expit(-x), sp.tanh(x / 2)),
        (-sp.S.Half, sp.tanh(x / 2) / 2),
        (-sp.tanh(x / 2) / x, sp.tanh(x / 2) * tilted_uniform_mean(x)),
    ],
    sp.tanh: lambda x: [(sp.S.One, 2 * expit(2 * x)), (-sp.S.One, -2 * expit(-2 * x))],
    langevin: lambda x: [(sp.S.One, 2 * tilted_uniform_mean(2 * x)), (-sp.S.One, -2 * tilted_uniform_mean(-2 * x))],
    log_sinhc: lambda x: [(x, log_exprel(2 * x)), (-x, log_exprel(-2 * x))],
    log_ndtr: lambda x: [(x**2 / 2, truncated_normal_log_partition(x))],
}


def error_function(e: sp.Expr) -> sp.Expr:
    """Apply c + c erf(x) = 2 c Phi(sqrt(2) x), in which the lower tail keeps its digits."""
    for term in e.args:
        for factor in sp.Mul.make_args(term):
            if not isinstance(factor, sp.erf):
                continue
            (x,) = factor.args
            for sign in (1, -1):
                partner = sign * term / factor
                if partner in e.args:
                    rest = sp.Add(*(t for t in e.args if t not in (term, partner)))
                    return rest + 2 * partner * ndtr(sign * sp.sqrt(2) * x)
    return e
