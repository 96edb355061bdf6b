"""SymPy expressions -> LaTeX in the letters of the papers, broken into lines that fit a page."""

from __future__ import annotations

import re
from collections.abc import Mapping

import sympy as sp
from sympy.printing.latex import LatexPrinter

from dekderive import symbols
from dekderive.atoms import sin_minus_xcos, versine
from dekderive.duals import numeric

__all__ = ["LETTERS", "equation", "interval", "latex"]

# Code uses words because the papers reuse letters (sigma is an activation and a weight scale); a page has one context.
LETTERS: Mapping[sp.Symbol, str] = {
    symbols.eta: r"\eta",
    symbols.z: "z",
    symbols.y: "y",
    symbols.kxx: "k_{xx}",
    symbols.kyy: "k_{yy}",
    symbols.kxy: "k_{xy}",
    symbols.correlation: "r",
    symbols.angle: r"\theta",
    symbols.cxx: "c_{xx}",
    symbols.cyy: "c_{yy}",
    symbols.cxy: "c_{xy}",
    symbols.mean_x: r"\mu_{x}",
    symbols.mean_y: r"\mu_{y}",
    symbols.gap: "g",
    symbols.regularisation: r"\lambda",
    symbols.weight_variance: r"\sigma_{w}^{2}",
    symbols.input_variance: r"\sigma_{u}^{2}",
    symbols.bias_variance: r"\sigma_{b}^{2}",
}

_WIDTH = 48  # of a line, in the rough unit of `_breadth`
_INDENT = 3.0  # of the lines that continue a formula
_SILENT = frozenset({r"\frac", r"\left", r"\right", r"\operatorname"})  # commands without a width of their own


class _Printer(LatexPrinter):
    """SymPy's printer with the letters above, one root for a product of roots, and no sum that begins with a minus."""

    def __init__(self) -> None:
        super().__init__({"symbol_names": dict(LETTERS), "fold_short_frac": False})

    def _as_ordered_terms(self, expr: sp.Expr, order: str | None = None) -> list[sp.Expr]:
        terms = list(super()._as_ordered_terms(expr, order=order))
        return sorted(terms, key=lambda t: t != next((p for p in terms if not p.could_extract_minus_sign()), terms[0]))

    def _print_Mul(self, expr: sp.Expr) -> str:
        for power in (sp.S.Half, -sp.S.Half):
            roots = [f for f in expr.args if f.is_Pow and f.exp == power]
            if len(roots) > 1:
                # A name with braces is printed as it stands.  Multiplying the bases would only be undone by SymPy,
                # which splits the root of a product of positive symbols.
                inside = " ".join(self.parenthesize(f.base, sp.printing.precedence.PRECEDENCE["Mul"]) for f in roots)
                rest = sp.Mul(*(f for f in expr.args if f not in roots), evaluate=False)
                return self._print(rest * sp.Symbol(rf"\sqrt{{{inside}}}", positive=True) ** sp.sign(power))
        sums = [f for f in expr.args if f.is_Add]
        rest = sp.Mul(*(f for f in expr.args if not f.is_Add))
        if len(sums) == 1 and r"\frac" in (inside := self._print(sums[0])) and sp.fraction(rest)[1] != 1:
            # A fraction in a numerator is too small to read; put the denominator in front.
            return rf"{self._print(rest)} \left({inside}\right)"
        return super()._print_Mul(expr)

    def _print_acos(self, expr: sp.Expr, exp: str | None = None) -> str:
        return self._arc("arccos", expr, exp)

    def _print_asin(self, expr: sp.Expr, exp: str | None = None) -> str:
        return self._arc("arcsin", expr, exp)

    def _print_atan(self, expr: sp.Expr, exp: str | None = None) -> str:
        return self._arc("arctan", expr, exp)

    def _arc(self, name: str, expr: sp.Expr, exp: str | None) -> str:
        power = f"^{{{exp}}}" if exp is not None else ""
        return rf"\{name}{power}\left({self._print(expr.args[0])}\right)"


def latex(expression: sp.Expr) -> str:
    r"""Return the LaTeX of an expression, with the canonical symbols in the letters of the papers.

    Examples
    --------
    >>> from dekderive.symbols import kxx, regularisation
    >>> latex(kxx / regularisation**2)
    '\\frac{k_{xx}}{\\lambda^{2}}'
    """
    return _plain_brackets(_Printer().doprint(_spelt_out(expression)))


def _spelt_out(expression: sp.Expr) -> sp.Expr:
    """Functions that exist for the sake of rounding only, in the terms that a reader knows."""
    expression = expression.replace(versine, lambda x: 1 - sp.cos(x))
    expression = expression.replace(sin_minus_xcos, lambda x: sp.sin(x) - x * sp.cos(x))
    nodes = {node: _one_variable(node) for node in expression.atoms(numeric.mean)}
    return expression.xreplace(nodes)


def _one_variable(node: sp.Expr) -> sp.Symbol:
    """E[f(u) g(u)] as a name that is printed as it stands."""
    f, g = (latex(part.subs(symbols.z, sp.Symbol("u"))) for part in node.args[:2])
    inside = f"{f}^{{2}}" if f == g and node.args[0].is_Function else rf"{f}\, {g}"
    return sp.Symbol(rf"\mathbb{{E}}[{inside}]", real=True)


_INNERMOST = re.compile(r"\\left\(((?:(?!\\left|\\right|\\frac|\\sqrt|\^).)*)\\right\)")


def _plain_brackets(text: str) -> str:
    r"""Replace ``\left( x \right)`` by ``(x)`` where x is one line high: stretching brackets look too small there."""
    text = re.sub(r"\\left\|\{([^\\{}]*)\}\\right\|", r"|\1|", text)
    text = re.sub(r"\{(\\left\((?:(?!\\left|\\right).)*\\right\))\}", r"\1", text)
    return _INNERMOST.sub(lambda match: f"({match.group(1).strip()})", text)


def interval(domain: sp.Interval) -> str:
    r"""Return an interval in LaTeX.

    Examples
    --------
    >>> interval(sp.Interval.open(-sp.oo, 0))
    '(-\\infty, 0)'
    """
    left = "(" if domain.left_open else "["
    right = ")" if domain.right_open else "]"
    return f"{left}{latex(domain.start)}, {latex(domain.end)}{right}"


def equation(left: str, expression: sp.Expr, *, relation: str = "=", width: int = _WIDTH) -> tuple[str, ...]:
    r"""Return ``left = expression`` as LaTeX lines; a sum that is too long continues on lines that begin with its sign.

    A quotient by a short denominator is written as ``(1/denominator) (sum)`` so that the sum can be broken at all.

    Parameters
    ----------
    left : str
        LaTeX of the left-hand side.
    expression : sympy.Expr
    relation : str, optional
    width : int, optional
        Longest line, in characters as a reader sees them (a fraction counts its longer part).

    Examples
    --------
    >>> from dekderive.symbols import cxx, kxx
    >>> equation("a", cxx + kxx)
    ('a = c_{xx} + k_{xx}',)
    >>> equation("a", cxx + kxx, width=5)
    ('a = c_{xx}', '+ k_{xx}')
    """
    whole = f"{left} {relation} {latex(expression)}"
    if _breadth(whole) <= width:
        return (whole,)
    factor, terms = _terms(_spelt_out(expression))
    pieces = [_signed(t) for t in terms]
    opening = f"{left} {relation} {factor}".rstrip()
    groups = [pieces[0][1] if pieces[0][0] == "+" else f"-{pieces[0][1]}"]
    for sign, text in pieces[1:]:
        room = width - (_breadth(opening) if len(groups) == 1 else _INDENT)
        if _breadth(f"{groups[-1]} {sign} {text}") > room:
            groups.append(f"{sign} {text}")
        else:
            groups[-1] += f" {sign} {text}"
    return tuple(_bracketed(groups, opening, bool(factor)))


def _bracketed(groups: list[str], opening: str, bracket: bool) -> list[str]:
    """Join the left-hand side to the first line; brackets span lines, so each line balances its own invisibly."""
    if not bracket:
        return [f"{opening} {groups[0]}", *groups[1:]]
    if len(groups) == 1:
        return [rf"{opening} \left[ {groups[0]} \right]"]
    sign, _, last = groups[-1].partition(" ")
    return [rf"{opening} \left[ {groups[0]} \right.", *groups[1:-1], rf"{sign} \left. {last} \right]"]


def _terms(expression: sp.Expr) -> tuple[str, tuple[sp.Expr, ...]]:
    """Split into the LaTeX of a common factor (empty for 1) and the terms of a sum, in the printer's order."""
    printer = _Printer()
    if expression.is_Add:
        return "", tuple(printer._as_ordered_terms(expression))
    sums = [f for f in sp.Mul.make_args(expression) if f.is_Add]
    if len(sums) != 1:
        return "", (expression,)
    factor = expression / sums[0]
    return latex(factor), tuple(printer._as_ordered_terms(sums[0]))


def _signed(term: sp.Expr) -> tuple[str, str]:
    text = latex(term)
    return ("-", text[1:].lstrip()) if text.startswith("-") else ("+", text)


def _breadth(text: str) -> float:
    """Estimate the printed width: commands count one letter, grouping none, a fraction its longer part."""
    width, position = 0.0, 0
    while position < len(text):
        if text.startswith(r"\frac", position):
            top, after = _group(text, position + 5)
            bottom, position = _group(text, after)
            width += max(_breadth(top), _breadth(bottom)) + 0.5
        elif text[position] == "\\":
            end = position + 1
            while end < len(text) and text[end].isalpha():
                end += 1
            width += 0.0 if text[position:end] in _SILENT or end == position + 1 else 1.0
            position = max(end, position + 2) if end == position + 1 else end
        elif text[position] in "^_":
            script, position = _group(text, position + 1)
            width += 0.6 * _breadth(script)
        else:
            width += 0.0 if text[position] in "{} " else (1.6 if text[position] in "+-=" else 1.0)
            position += 1
    return width


def _group(text: str, position: int) -> tuple[str, int]:
    """Return the contents of the braces (or the single character) at `position`, and the place after them."""
    if position >= len(text) or text[position] != "{":
        return text[position : position + 1], position + 1
    depth = 0
    for end in range(position, len(text)):
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        if depth == 0:
            return text[position + 1 : end], end + 1
    return text[position + 1 :], len(text)
