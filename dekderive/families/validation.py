"""What a log-partition has to be, checked when a family is made."""

from __future__ import annotations

import sympy as sp

from dekderive import symbols
from dekderive.certificates.enclosure import enclose
from dekderive.errors import InvalidInput, UndeclaredSymbol
from dekderive.limits import sample_parameters
from dekderive.symbols import eta, y

__all__ = ["as_expression", "check_symbols", "interior_points", "validate"]


def as_expression(value: object, where: str) -> sp.Expr:
    """Return a SymPy expression or a number as one; text is refused, because reading it would evaluate it."""
    try:
        return sp.sympify(value, strict=True)
    except sp.SympifyError:
        raise InvalidInput(
            f"{where} is {value!r}, not an expression; write it with SymPy, or read text by dekderive.parse"
        ) from None


def validate(
    name: str, log_partition: sp.Expr, domain: sp.Interval, statistic: sp.Expr, parameters: tuple[sp.Symbol, ...]
) -> None:
    """Raise if the parts do not make an exponential family; see `Family` for the errors."""
    if not (isinstance(name, str) and name.isidentifier()):
        raise InvalidInput(f"{name!r} cannot name a family; use letters, digits and underscores, as in 'binomial_10'")
    _check_parameters(name, parameters)
    where = f"the log-partition of family {name!r}"
    check_symbols(log_partition, (eta, *parameters), where)
    check_symbols(statistic, (y, *parameters), f"the statistic of family {name!r}")
    if not log_partition.has(eta):
        raise InvalidInput(f"{where} does not depend on eta: {log_partition}; write it in dekderive.symbols.eta")
    _check_domain(name, domain)
    _check_convex(where, log_partition, domain)


def check_symbols(expr: sp.Expr, allowed: tuple[sp.Symbol, ...], where: str) -> None:
    """Raise UndeclaredSymbol unless `expr` is exact and has no other symbols than `allowed`."""
    if not isinstance(expr, sp.Expr):
        raise UndeclaredSymbol(f"{where} is not an expression: {expr!r}")
    floats = expr.atoms(sp.Float)
    if floats:
        raise UndeclaredSymbol(
            f"{where} contains the float {min(floats)}; write it exactly, as Rational(1, 10) for 0.1"
        )
    for symbol in sorted(expr.free_symbols - set(allowed), key=str):
        raise UndeclaredSymbol(f"{where} contains {_describe(symbol, allowed)}")


def _describe(symbol: sp.Basic, allowed: tuple[sp.Symbol, ...]) -> str:
    name = str(symbol)
    if isinstance(symbol, sp.Dummy):
        return f"the dummy symbol {name}, which no two runs name alike; use an ordinary symbol"
    same_name = [s for s in allowed if s.name == getattr(symbol, "name", None)]
    if same_name and same_name[0] in symbols.BY_NAME.values():
        return f"Symbol({name!r}), a stranger that shares its name; import dekderive.symbols.{name} instead"
    if same_name:
        return f"a symbol {name!r} with other assumptions than the declared parameter; use one symbol for both"
    return f"the symbol {name!r}, which is not declared; known: {', '.join(s.name for s in allowed)}"


def _check_parameters(name: str, parameters: tuple[sp.Symbol, ...]) -> None:
    for p in parameters:
        if not isinstance(p, sp.Symbol) or isinstance(p, sp.Dummy) or not p.is_real:
            raise UndeclaredSymbol(
                f"parameter {p!r} of family {name!r} is not a real symbol; make it with dekderive.parameter"
            )
        if p.name in symbols.BY_NAME:
            raise UndeclaredSymbol(
                f"parameter {p.name!r} of family {name!r} has the name of a canonical symbol; rename it"
            )
    if len({p.name for p in parameters}) < len(parameters):
        raise UndeclaredSymbol(f"family {name!r} declares two parameters of the same name; rename one")


def _check_domain(name: str, domain: sp.Interval) -> None:
    suitable = isinstance(domain, sp.Interval) and domain.left_open and domain.right_open
    if not suitable or domain.free_symbols or not all(e.is_extended_real for e in (domain.start, domain.end)):
        raise InvalidInput(
            f"the domain of family {name!r} is {domain}; give an open interval, as sympy.Interval.open(-oo, 0)"
        )


def _check_convex(where: str, log_partition: sp.Expr, domain: sp.Interval) -> None:
    curvature = log_partition.diff(eta, 2)
    parameters = sample_parameters(log_partition, eta)
    for point in interior_points(domain):
        values = {**parameters, eta: point}
        value, second = (enclose(e, values) for e in (log_partition, curvature))
        place = ", ".join(f"{s} = {v}" for s, v in values.items())
        if not value.is_finite:
            raise InvalidInput(f"{where} is not a real number at {place}; is the domain {domain} right?")
        if second.is_finite and not second.is_positive and (second.is_negative or second.radius < 1e-30):
            raise InvalidInput(f"{where} is not strictly convex: A'' = {second} at {place}; no variance is like that")


def interior_points(domain: sp.Interval) -> tuple[sp.Expr, ...]:
    """Return a few exact points of an open interval, from near one end to near the other."""
    low, high = domain.start, domain.end
    r = sp.Rational
    if low == -sp.oo and high == sp.oo:
        return r(-9, 2), r(-4, 3), r(-1, 7), r(2, 5), r(7, 3), sp.Integer(6)
    if low == -sp.oo:
        return tuple(high - d for d in (6, r(7, 3), r(4, 5), r(1, 7)))
    if high == sp.oo:
        return tuple(low + d for d in (r(1, 7), r(4, 5), r(7, 3), 6))
    return tuple(low + (high - low) * f for f in (r(1, 9), r(2, 5), r(3, 4), r(19, 20)))
