"""Formulas -> functions of named steps: the names a reader would choose first, then common subexpressions."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from dekderive.duals.numeric import NUMERIC_NODES
from dekderive.errors import UndeclaredSymbol
from dekderive.implicit import inverse_log_partition
from dekderive.programs.numpy_text import NumPyText
from dekderive.symbols import BY_NAME, angle, correlation, cxx, cyy, kxx, kxy, kyy

__all__ = ["Function", "lower"]

# Arguments of every generated function come in this order, then the parameters.
_ORDER = ("angle", "correlation", "kxx", "kyy", "kxy", "cxx", "cyy", "cxy", "mean_x", "mean_y", "gap", "z")

_scale_x, _scale_y, _cosine, _sine = sp.symbols("scale_x scale_y cosine sine", real=True)
_norm_x, _norm_y = sp.symbols("norm_x norm_y", real=True)


@dataclass(frozen=True, slots=True)
class Function:
    """A function of named steps, as text."""

    name: str
    arguments: tuple[str, ...]
    lines: tuple[str, ...]
    modules: frozenset[str]
    decorator: str = ""

    @property
    def text(self) -> str:
        """The ``def`` statement."""
        body = (f"    {piece}" for line in self.lines for piece in _wrap(line))
        return "\n".join([*filter(None, [self.decorator]), f"def {self.name}({', '.join(self.arguments)}):", *body])


def _tuple_text(texts: list[str]) -> str:
    return "\n".join(["return (", *(f"    {text}," for text in texts), ")"])


def _wrap(line: str, width: int = 112) -> list[str]:
    """Break a long statement at its outermost sums, and those at any space: inside parentheses both are Python."""
    if "\n" in line:
        return [piece for part in line.split("\n") for piece in _folded(part, width)]
    if len(line) <= width:
        return [line]
    head, _, expression = line.partition(" ") if line.startswith("return ") else line.partition(" = ")
    pieces, depth, current = [], 0, ""
    for word in expression.split(" "):
        if depth == 0 and word in ("+", "-") and current:
            pieces.append(current)
            current = word
        else:
            current = f"{current} {word}".strip()
        depth += word.count("(") - word.count(")")
    opening = "return (" if head == "return" else f"{head} = ("
    return [opening, *(f for piece in [*pieces, current] for f in _folded(f"    {piece}", width)), ")"]


def _folded(line: str, width: int) -> list[str]:
    indent = line[: len(line) - len(line.lstrip())]
    folded = textwrap.wrap(line.strip(), width - len(indent), break_long_words=False, break_on_hyphens=False)
    return [indent + ("    " if i else "") + piece for i, piece in enumerate(folded)]


def lower(
    name: str,
    outputs: sp.Expr | tuple[sp.Expr, ...],
    parameters: tuple[sp.Symbol, ...],
    functions: Mapping[sp.Expr, str],
) -> Function:
    """Turn one formula, or a tuple of them, into a function.

    Raises
    ------
    UndeclaredSymbol
        If a formula contains a symbol that is neither canonical nor a declared parameter.
    UnprintableNode
        If a formula contains a node that the printer does not know.
    """
    expressions = list(outputs) if isinstance(outputs, tuple) else [sp.sympify(outputs)]
    arguments = _arguments(name, expressions, parameters)
    printer = NumPyText(functions)
    lines: list[str] = []
    expressions = _name_geometry(expressions, lines, printer)
    expressions = _name_expectations(expressions, lines, printer)
    used = {s.name for e in expressions for s in e.free_symbols} | set(arguments)
    temporaries = (sp.Symbol(f"shared_{i}", real=True) for i in range(10**6))
    expressions, constants = _hide_constants(expressions)
    shared, results = sp.cse(expressions, symbols=temporaries, optimizations=None, order="canonical")
    shared = [(symbol, e.xreplace(constants)) for symbol, e in shared]
    results = [e.xreplace(constants) for e in results]
    if clash := used & {s.name for s, _ in shared}:
        raise UndeclaredSymbol(f"{name}: the names {sorted(clash)} are reserved for generated code")
    lines += [f"{symbol.name} = {printer(e)}" for symbol, e in shared]
    texts = [printer(e) for e in results]
    lines.append(f"return {texts[0]}" if not isinstance(outputs, tuple) else _tuple_text(texts))
    if any("np." in line for line in lines):
        printer.modules.add("np")
    return Function(name, arguments, tuple(lines), frozenset(printer.modules))


def _arguments(name: str, expressions: list[sp.Expr], parameters: tuple[sp.Symbol, ...]) -> tuple[str, ...]:
    free = set().union(*(e.free_symbols for e in expressions))
    allowed = {*BY_NAME.values(), *parameters}
    for symbol in sorted(free - allowed, key=lambda s: s.name):
        twin = next((s for s in allowed if s.name == symbol.name), None)
        hint = f"; it only shares its name with dekderive.symbols.{twin.name}, import that one" if twin else ""
        raise UndeclaredSymbol(f"{name}: the symbol {symbol.name!r} is not declared{hint}")
    names = {s.name for s in free}
    return tuple(n for n in _ORDER if n in names) + tuple(p.name for p in parameters if p.name in names)


def _name_geometry(expressions: list[sp.Expr], lines: list[str], printer: NumPyText) -> list[sp.Expr]:
    """Introduce scale_x, norm_x, cosine, sine, kxy and the like where the formulas use them."""
    for symbol, value in (
        (_scale_x, sp.sqrt(kxx)),
        (_scale_y, sp.sqrt(kyy)),
        (_norm_x, sp.sqrt(cxx)),
        (_norm_y, sp.sqrt(cyy)),
        (_cosine, sp.cos(angle)),
        (_sine, sp.sin(angle)),
    ):
        if any(e.has(value) or (value.is_Pow and _half_powers(e, value)) for e in expressions):
            lines.append(f"{symbol.name} = {printer(value)}")
            expressions = [_substitute_root(e, value, symbol) for e in expressions]
    for coordinate in (correlation, _cosine):
        rewritten = [e.replace(lambda m: m.is_Mul, lambda m, c=coordinate: _covariance(m, c)) for e in expressions]
        if rewritten != expressions:
            lines.append(f"kxy = {printer(_scale_x * _scale_y * coordinate)}")
            expressions = rewritten
    return expressions


def _covariance(product: sp.Expr, coordinate: sp.Symbol) -> sp.Expr:
    """scale_x scale_y coordinate f  ->  kxy f."""
    factors = {_scale_x, _scale_y, coordinate}
    rest = [f for f in product.args if f not in factors]
    return kxy * sp.Mul(*rest) if len(rest) == len(product.args) - 3 else product


def _hide_constants(expressions: list[sp.Expr]) -> tuple[list[sp.Expr], dict[sp.Symbol, sp.Expr]]:
    """Give irrational factors such as 1/sqrt(2 pi) an opaque name, or they would be split into shared pieces."""
    hidden: dict[sp.Expr, sp.Symbol] = {}

    def hide(product: sp.Expr) -> sp.Expr:
        numbers = [f for f in product.args if f.is_number]
        constant = sp.Mul(*numbers)
        if constant.is_Rational or len(numbers) == len(product.args):
            return product
        sign = -1 if constant.is_negative else 1
        name = hidden.setdefault(sign * constant, sp.Symbol(f"constant_{len(hidden)}_", positive=True))
        return sign * name * sp.Mul(*(f for f in product.args if not f.is_number))

    rewritten = [e.replace(lambda m: m.is_Mul, hide) for e in expressions]
    return rewritten, {name: value for value, name in hidden.items()}


def _half_powers(expression: sp.Expr, root: sp.Expr) -> bool:
    return any(p.base == root.base and p.exp.is_Rational and p.exp.q == 2 for p in expression.atoms(sp.Pow))


def _substitute_root(expression: sp.Expr, value: sp.Expr, symbol: sp.Symbol) -> sp.Expr:
    if not value.is_Pow:
        return expression.xreplace({value: symbol})
    return expression.replace(
        lambda p: p.is_Pow and p.base == value.base and p.exp.is_Rational and p.exp.q == 2,
        lambda p: symbol ** (2 * p.exp),
    )


def _name_expectations(expressions: list[sp.Expr], lines: list[str], printer: NumPyText) -> list[sp.Expr]:
    """Name every node with a bound variable, so that no common subexpression reaches into it."""
    for label, kinds in (("expectation", NUMERIC_NODES), ("natural", (inverse_log_partition,))):
        nodes = sorted({n for e in expressions for n in e.atoms(*kinds)}, key=sp.default_sort_key)
        names = {node: sp.Symbol(f"{label}_{i}", real=True) for i, node in enumerate(nodes)}
        lines += [f"{symbol.name} = {printer(node)}" for node, symbol in names.items()]
        expressions = [e.xreplace(names) for e in expressions]
    return expressions
