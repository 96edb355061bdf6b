"""Expression -> NumPy text, by an allow-list.  The printer knows arrays and nothing of the mathematics."""

from __future__ import annotations

from collections.abc import Mapping

import mpmath
import sympy as sp
from sympy.codegen.cfunctions import expm1

from dekderive.atoms import ATOMS, Atom, squared_correlation_2f1
from dekderive.duals.numeric import NUMERIC_NODES
from dekderive.errors import UnprintableNode
from dekderive.implicit import inverse_log_partition
from dekderive.symbols import eta

__all__ = ["NumPyText"]

_ADD, _MULTIPLY, _POWER, _ATOM = range(4)  # precedence of a piece of text

_FUNCTIONS = {
    sp.exp: "np.exp",
    sp.log: "np.log",
    sp.sin: "np.sin",
    sp.cos: "np.cos",
    sp.tan: "np.tan",
    sp.asin: "np.arcsin",
    sp.acos: "np.arccos",
    sp.atan: "np.arctan",
    sp.sinh: "np.sinh",
    sp.cosh: "np.cosh",
    expm1: "np.expm1",
    sp.tanh: "np.tanh",
    sp.asinh: "np.arcsinh",
    sp.acosh: "np.arccosh",
    sp.Abs: "np.abs",
    sp.sign: "np.sign",
    sp.Heaviside: "special.step",
    sp.erf: "special.erf",
    sp.erfc: "special.erfc",
    sp.LambertW: "special.lambertw",
}


class NumPyText:
    """Prints expressions as NumPy source.

    Parameters
    ----------
    functions : mapping of sympy.Expr to str
        Names of the module-level functions that numeric nodes refer to.
    """

    def __init__(self, functions: Mapping[sp.Expr, str] | None = None) -> None:
        self._functions = dict(functions or {})
        self.modules: set[str] = set()  # what the text needs imported

    def __call__(self, expression: sp.Expr) -> str:
        """Return the text of an expression.

        Raises
        ------
        UnprintableNode
            If a node is not on the allow-list.

        Examples
        --------
        >>> x = sp.Symbol("x", real=True)
        >>> NumPyText()((1 + x) ** 2 / sp.sqrt(x))
        '(x + 1.0) ** 2 / np.sqrt(x)'
        """
        return self._print(expression)[0]

    def _wrap(self, expression: sp.Expr, minimum: int) -> str:
        text, precedence = self._print(expression)
        return text if precedence >= minimum else f"({text})"

    def _print(self, e: sp.Expr) -> tuple[str, int]:
        if e.is_Symbol:
            return e.name, _ATOM
        if e.is_number and not e.has(sp.Function):
            return self._number(e)
        if e.is_Add:
            return self._sum(e), _ADD
        if e.is_Mul:
            return self._product(e), _MULTIPLY
        if e.is_Pow:
            return self._power(e.base, e.exp)
        if isinstance(e, NUMERIC_NODES):
            self.modules.add("hermite")
            names = [self._functions[f] for f in e.args[:2]]
            return f"hermite.{type(e).__name__}({', '.join([*names, *(self(a) for a in e.args[2:])])})", _ATOM
        if isinstance(e, inverse_log_partition):
            return self._inverse(e), _ATOM
        if isinstance(e, Atom) or type(e) in ATOMS:
            self.modules.add("special")
            return f"special.{type(e).__name__}({', '.join(self(a) for a in e.args)})", _ATOM
        if isinstance(e, sp.hyper) and (len(e.ap), len(e.bq)) == (2, 1):
            return self._hypergeometric(e), _ATOM
        if isinstance(e, sp.Min | sp.Max) and len(e.args) == 2:
            self.modules.add("np")
            extreme = "np.minimum" if isinstance(e, sp.Min) else "np.maximum"
            return f"{extreme}({', '.join(self(a) for a in sorted(e.args, key=sp.default_sort_key))})", _ATOM
        function = _FUNCTIONS.get(type(e))
        if function is None:
            raise UnprintableNode(
                f"{type(e).__name__} (in {e}) has no NumPy text; write the formula with dekderive.atoms"
            )
        self.modules.add(function.split(".")[0])
        return f"{function}({', '.join(self(a) for a in e.args)})", _ATOM

    def _hypergeometric(self, e: sp.hyper) -> str:
        parameters = (*e.ap, *e.bq)
        (top, power), bottom = sp.numer(e.argument).as_base_exp(), sp.Mul.make_args(sp.denom(e.argument))
        if power == 2 and len(bottom) == 2 and all(v.free_symbols for v in bottom):
            return self(squared_correlation_2f1(*parameters, *bottom, top))  # a squared correlation keeps its gap to 1
        self.modules.add("special")
        return f"special.hyp2f1({', '.join(self(a) for a in (*parameters, e.argument))})"

    def _inverse(self, e: inverse_log_partition) -> str:
        self.modules |= {"implicit", "np"}
        lower, upper = ("-np.inf" if x == -sp.oo else "np.inf" if x == sp.oo else self(x) for x in e.branch)
        functions = f"lambda eta: {self(e.log_partition)}, lambda eta: {self(e.log_partition.diff(eta))}"
        return f"implicit.inverse({functions}, {self(e.level)}, {lower}, {upper})"

    def _number(self, e: sp.Expr) -> tuple[str, int]:
        if e.is_Integer:
            return (f"{int(e)}.0", _ATOM) if e >= 0 else (f"-{-int(e)}.0", _ADD)
        if e == sp.pi:
            self.modules.add("np")
            return "np.pi", _ATOM
        if not e.is_finite or not e.is_real:
            raise UnprintableNode(f"{e} is not a finite real number")
        # Irrational constants are folded to the nearest double: one rounding instead of one per operation.
        value = mpmath.mpf(e.evalf(30)) if not e.is_Rational else mpmath.fraction(e.p, e.q)
        text = repr(float(value))
        return text, _ADD if text.startswith("-") else _ATOM

    def _sum(self, e: sp.Expr) -> str:
        # Positive terms first, in SymPy's canonical order: the text must not depend on hash seeds.
        terms = e.as_ordered_terms()
        terms = [t for t in terms if not t.could_extract_minus_sign()] + [
            t for t in terms if t.could_extract_minus_sign()
        ]
        text = self._wrap(terms[0], _ADD)
        for term in terms[1:]:
            if term.could_extract_minus_sign():
                text += f" - {self._wrap(-term, _MULTIPLY)}"
            else:
                text += f" + {self._wrap(term, _ADD)}"
        return text

    def _product(self, e: sp.Expr) -> str:
        coefficient, rest = self._constant(e)
        above = [f for f in rest if not (f.is_Pow and f.exp.could_extract_minus_sign())]
        below = [1 / f for f in rest if f.is_Pow and f.exp.could_extract_minus_sign()]
        sign = "-" if coefficient.is_negative else ""
        coefficient = abs(coefficient)
        numerator, denominator = self._split_constant(coefficient)
        top = ([numerator] if numerator else []) + [self._wrap(f, _MULTIPLY) for f in above] or ["1.0"]
        text = sign + " * ".join(top)
        # A divisor that is itself a product or a quotient needs its parentheses: a / b * b is a.
        bottom = ([denominator] if denominator else []) + [self._wrap(f, _POWER) for f in below]
        if not bottom:
            return text
        return f"{text} / {bottom[0]}" if len(bottom) == 1 else f"{text} / ({' * '.join(bottom)})"

    def _constant(self, e: sp.Expr) -> tuple[sp.Expr, list[sp.Expr]]:
        factors = e.as_ordered_factors()
        numbers = [f for f in factors if f.is_number]
        return sp.Mul(*numbers), [f for f in factors if not f.is_number]

    def _split_constant(self, c: sp.Expr) -> tuple[str, str]:
        """Text of a positive constant as (numerator, denominator); p / (q pi) stays readable, the rest is folded."""
        if c == 1:
            return "", ""
        over_pi = c * sp.pi if (c * sp.pi).is_Rational else None
        if over_pi is not None and max(over_pi.p, over_pi.q) < 2**53:
            self.modules.add("np")
            bottom = "np.pi" if over_pi.q == 1 else f"({over_pi.q}.0 * np.pi)"
            return ("" if over_pi.p == 1 else f"{over_pi.p}.0"), bottom
        if c.is_Rational and c.q != 1 and c.p < 2**53 and c.q < 2**53:
            exact = c.q & (c.q - 1) == 0
            return (repr(c.p / c.q), "") if exact else ("" if c.p == 1 else f"{c.p}.0", f"{c.q}.0")
        return self._number(c)[0], ""

    def _radicand(self, base: sp.Expr) -> str:
        """Text of what is under a root: 1 - x^2 and x^2 - y^2 as products, which do not cancel where they vanish."""
        terms = sorted(sp.Add.make_args(base), key=lambda t: t.could_extract_minus_sign())
        if len(terms) == 2 and [t.could_extract_minus_sign() for t in terms] == [False, True]:
            p, q = (sp.S.One if t == 1 else t.base if t.is_Pow and t.exp == 2 else None for t in (terms[0], -terms[1]))
            if p is not None and q is not None and all(x.is_Symbol or x == 1 for x in (p, q)):
                return f"{self._wrap(p - q, _ATOM)} * {self._wrap(p + q, _ATOM)}"
        return self(base)

    def _power(self, base: sp.Expr, exponent: sp.Expr) -> tuple[str, int]:
        if exponent.could_extract_minus_sign():
            return f"1.0 / {self._wrap(1 / sp.Pow(base, exponent), _POWER)}", _MULTIPLY
        if exponent.is_Integer:
            if exponent == 2 and base.is_Symbol:
                return f"{base.name} * {base.name}", _MULTIPLY
            return f"{self._wrap(base, _ATOM)} ** {int(exponent)}", _POWER
        self.modules.add("np")
        root = f"np.sqrt({self._radicand(base)})"
        if exponent == sp.S.Half:
            return root, _ATOM
        if exponent.is_Rational and exponent.q == 2:
            return f"{self._wrap(base ** (exponent - sp.S.Half), _MULTIPLY)} * {root}", _MULTIPLY
        return f"{self._wrap(base, _ATOM)} ** {self._wrap(exponent, _ATOM)}", _POWER
