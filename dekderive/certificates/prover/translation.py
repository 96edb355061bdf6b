"""Expression -> straight-line program of the checker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import sympy as sp

from dekderive import atoms
from dekderive.atoms import Atom
from dekderive.errors import UndeclaredSymbol, UnprintableNode

__all__ = ["Code", "program", "rational_text"]

Code: TypeAlias = list[list[object]]

_UNARY: Mapping[type, str] = {
    sp.exp: "exp",
    sp.log: "log",
    sp.sin: "sin",
    sp.cos: "cos",
    sp.atan: "atan",
    sp.asin: "asin",
    sp.acos: "acos",
    sp.erf: "erf",
    sp.tanh: "tanh",
    sp.Abs: "absolute",
    sp.sign: "sign",
    atoms.expit: "expit",
    atoms.softplus: "softplus",
    atoms.log_softplus_slope: "log_softplus_slope",
    atoms.langevin_slope: "langevin_slope",
    atoms.bessel_ratio_slope: "bessel_ratio_slope",
    atoms.truncated_normal_variance: "truncated_normal_variance",
}


def rational_text(value: sp.Expr) -> str:
    """Return ``"p/q"`` of an exact rational number.

    Raises
    ------
    UndeclaredSymbol
        If it is not exactly rational: a float hides what was meant.

    Examples
    --------
    >>> rational_text(sp.Rational(3, 5))
    '3/5'
    """
    number = sp.sympify(value)
    if not number.is_Rational:
        raise UndeclaredSymbol(f"{value} is not an exact rational number; write Rational(1, 10) for 0.1")
    return f"{number.p}/{number.q}" if number.q != 1 else str(number.p)


def program(expression: sp.Expr, variables: Sequence[sp.Symbol]) -> Code:
    """Write an expression as instructions; equal subexpressions are written once.

    Raises
    ------
    UndeclaredSymbol
        If it contains a symbol that is no variable, or a float.
    UnprintableNode
        If it contains a function that the checker does not know; the message names it.

    Examples
    --------
    >>> from dekderive.symbols import z
    >>> program(1 - z**2, [z])
    [['rational', '1'], ['variable', 'z'], ['power', 1, 2], ['negate', 2], ['add', 0, 3]]
    """
    writer = _Writer({v: v.name for v in variables})
    value = writer.write(sp.sympify(expression))
    if value != len(writer.code) - 1:  # the value is the last instruction
        writer.code.append(["add", value, writer.put("rational", "0")])
    return writer.code


class _Writer:
    def __init__(self, variables: Mapping[sp.Symbol, str]) -> None:
        self.variables = variables
        self.code: Code = []
        self.known: dict[tuple[object, ...], int] = {}

    def put(self, *line: object) -> int:
        if line not in self.known:
            self.known[line] = len(self.code)
            self.code.append(list(line))
        return self.known[line]

    def write(self, e: sp.Expr) -> int:
        if e in self.variables:
            return self.put("variable", self.variables[e])
        if e.is_Symbol:
            raise UndeclaredSymbol(f"the symbol {e} is no variable of the domain")
        if e == sp.pi:
            return self.put("pi")
        if e is sp.S.Exp1:
            return self.put("exp", self.put("rational", "1"))
        if e.is_number and not e.args:
            return self.put("rational", rational_text(e))
        if e.is_Add or e.is_Mul:
            return self.chain(e)
        if e.is_Pow or isinstance(e, sp.exp):
            return self.power(e)
        if type(e) in _UNARY:
            return self.put(_UNARY[type(e)], self.write(e.args[0]))
        if isinstance(e, Atom):
            return self.write(sp.sympify(e.definition))
        if isinstance(e, sp.sinh | sp.cosh | sp.sech | sp.csch | sp.coth | sp.tan | sp.erfc):
            return self.write(_ELEMENTARY[type(e)](e.args[0]))
        raise UnprintableNode(
            f"the checker has no rule for {type(e).__name__} (in {e}); write the formula with functions it knows"
        )

    def chain(self, e: sp.Expr) -> int:
        if e.is_Add:
            first, *parts = sorted(e.args, key=lambda a: (not a.is_number, sp.default_sort_key(a)))
            value = self.write(first)
            for part in parts:
                value = self.put("add", value, self.signed(part))
            return value
        damped = self.damped(e)
        if damped is not None:
            return damped
        coefficient, rest = e.as_coeff_Mul()
        if coefficient == -1:
            return self.put("negate", self.write(rest))
        above, below = sp.fraction(rest) if coefficient == 1 else (e, sp.S.One)
        if below != 1 and not below.is_number:
            return self.put("divide", self.write(above), self.write(below))
        value = self.write(e.args[0])
        for part in e.args[1:]:
            value = self.put("multiply", value, self.write(part))
        return value

    def damped(self, e: sp.Expr) -> int | None:
        """Write x exp(-c x^2) as one function: interval arithmetic has infinity times 0 for the product."""
        bells = [f for f in e.args if isinstance(f, sp.exp)]
        for bell in bells:
            for x in (f for f in e.args if f.is_Symbol):
                rate = -bell.args[0] / x**2
                if rate.is_number and rate.is_positive:
                    scale = sp.sqrt(2 * rate)
                    rest = sp.Mul(*(f for f in e.args if f not in (x, bell))) / scale
                    value = self.put("damped", self.write(scale * x))
                    return value if rest == 1 else self.put("multiply", self.write(rest), value)
        return None

    def signed(self, part: sp.Expr) -> int:
        if part.is_number or not part.could_extract_minus_sign():
            return self.write(part)
        return self.put("negate", self.write(-part))

    def power(self, e: sp.Expr) -> int:
        if isinstance(e, sp.exp):
            return self.put("exp", self.write(e.args[0]))
        base, exponent = e.base, e.exp
        if exponent.is_Integer:
            return self.put("power", self.write(base), int(exponent))
        if exponent.is_Rational and exponent.q == 2:
            root = self.put("sqrt", self.write(base))
            return root if exponent.p == 1 else self.put("power", root, int(exponent.p))
        return self.put("exp", self.write(exponent * sp.log(base)))


_ELEMENTARY = {
    sp.sinh: lambda x: (sp.exp(x) - sp.exp(-x)) / 2,
    sp.cosh: lambda x: (sp.exp(x) + sp.exp(-x)) / 2,
    sp.sech: lambda x: 2 / (sp.exp(x) + sp.exp(-x)),
    sp.csch: lambda x: 2 / (sp.exp(x) - sp.exp(-x)),
    sp.coth: lambda x: 1 / sp.tanh(x),
    sp.tan: lambda x: sp.sin(x) / sp.cos(x),
    sp.erfc: lambda x: 1 - sp.erf(x),
}
