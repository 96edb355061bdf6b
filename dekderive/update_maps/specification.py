"""Digest of the mathematics of a record, by a serialiser of our own.

``srepr`` and ``str`` change with the version of SymPy, and dummies print a per-process number.  Here an expression is
its head and its arguments, commutative arguments sorted by their own text, numbers as p/q, symbols by name.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
from typing import Any

import sympy as sp

from dekderive.errors import UndeclaredSymbol
from dekderive.update_maps.layered import LayeredMap
from dekderive.update_maps.update_map import UpdateMap

__all__ = ["serialise", "spec", "specification"]


def serialise(value: Any) -> str:
    """Return a canonical text of a record, an expression, or a plain value.

    Raises
    ------
    UndeclaredSymbol
        If an expression contains a float or a dummy.

    Examples
    --------
    >>> x, y = sp.symbols("x y")
    >>> serialise(y + 2 * x)
    'Add(Mul(2,x),y)'
    """
    if isinstance(value, sp.Basic):
        return _expression(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = (f"{f.name}={serialise(getattr(value, f.name))}" for f in dataclasses.fields(value))
        return f"{type(value).__name__}({','.join(fields)})"
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, tuple | list):
        return f"[{','.join(serialise(v) for v in value)}]"
    return repr(value)


def _expression(e: sp.Basic) -> str:
    if isinstance(e, sp.Dummy | sp.Float):
        raise UndeclaredSymbol(f"{e!r} cannot be part of a record: use a named symbol, and exact numbers")
    if isinstance(e, sp.Symbol):
        return e.name
    if isinstance(e, sp.Rational):
        return f"{e.p}/{e.q}" if e.q != 1 else str(e.p)
    if not e.args:
        return type(e).__name__
    parts = [_expression(a) for a in e.args]
    return f"{type(e).__name__}({','.join(sorted(parts) if e.is_Add or e.is_Mul else parts)})"


def spec(value: Any) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of the canonical text."""
    return hashlib.sha256(serialise(value).encode()).hexdigest()[:16]


def specification(update_map: UpdateMap | LayeredMap) -> str:
    """Digest of what was asked for: model, functions, parameters, and of a fixed-point equation its chart and claim.

    The derived formulas are not part of it, so that a SymPy which prints them differently changes the text and not the
    specification.
    """
    u = update_map
    if isinstance(u, LayeredMap):
        return spec((u.name, u.model, u.functions, u.parameters, u.inputs, u.pair_inputs, u.moments))
    asked: tuple[Any, ...] = (u.name, u.model, u.functions, u.parameters, u.inputs, u.pair_inputs, u.moments)
    asked += (u.chart, u.claim, u.start)
    if u.read != "preactivation":
        asked += (u.read,)
    return spec(tuple(a if a is not None else "none" for a in asked))
