"""Expressions from outside (a command line, a configuration file) -> SymPy, without evaluating them as Python.

The text passes three gates.  A regular expression splits it into tokens, and every name must be on the allow-list, so
no keyword, quote, bracket or dot-access survives.  ``ast.parse`` then supplies the precedence rules only.  Finally each
node is rebuilt in SymPy by an explicit rule, with literals made exact from their *text* (``0.1`` is 1/10) and with
every constant kept below a size that can be computed at once (``2**10**10`` is refused, not attempted).
"""

import ast
import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import sympy as sp

from dekderive import atoms
from dekderive.errors import UnsafeExpression

__all__ = ["FUNCTIONS", "parse_expression", "parse_interval"]

MAX_LENGTH = 1000
MAX_TOKENS = 300
MAX_DEPTH = 25
MAX_DIGITS = 60
MAX_DECIMAL_EXPONENT = 300
MAX_EXPONENT = 100
MAX_BITS = 4096
MAX_NODES = 400  # gelu and silu double their argument, so forty of them nested would have 2**40 nodes
MAX_CONSTANT = sp.Integer(10) ** 300
MAX_ARGUMENT = sp.Integer(10) ** 6  # of a function: erfc(1e300) is an overflow inside mpmath, not a small number

# name -> (builder, fewest arguments, most arguments)
FUNCTIONS: Mapping[str, tuple[Callable[..., sp.Expr], int, int]] = {
    "abs": (sp.Abs, 1, 1),
    "asinh": (sp.asinh, 1, 1),
    "atan": (sp.atan, 1, 1),
    "cos": (sp.cos, 1, 1),
    "cosh": (sp.cosh, 1, 1),
    "celu": (atoms.celu, 1, 2),
    "elu": (atoms.elu, 1, 2),
    "erf": (sp.erf, 1, 1),
    "erfc": (sp.erfc, 1, 1),
    "exp": (sp.exp, 1, 1),
    "expit": (atoms.expit, 1, 1),
    "gelu": (atoms.gelu, 1, 1),
    "hard_sigmoid": (atoms.hard_sigmoid, 1, 1),
    "hard_swish": (atoms.hard_swish, 1, 1),
    "hard_tanh": (atoms.hard_tanh, 1, 1),
    "heaviside": (atoms.step, 1, 1),
    "LambertW": (sp.LambertW, 1, 1),
    "langevin": (atoms.langevin, 1, 1),
    "leaky_relu": (atoms.leaky_relu, 1, 2),
    "log": (sp.log, 1, 1),
    "log_cosh": (atoms.log_cosh, 1, 1),
    "log_i0": (atoms.log_i0, 1, 1),
    "log_ndtr": (atoms.log_ndtr, 1, 1),
    "log_sinhc": (atoms.log_sinhc, 1, 1),
    "mish": (atoms.mish, 1, 1),
    "ndtr": (atoms.ndtr, 1, 1),
    "Phi": (atoms.ndtr, 1, 1),
    "relu": (atoms.relu, 1, 1),
    "relu6": (atoms.relu6, 1, 1),
    "selu": (atoms.selu, 1, 1),
    "sigmoid": (atoms.expit, 1, 1),
    "sign": (sp.sign, 1, 1),
    "silu": (atoms.silu, 1, 1),
    "sin": (sp.sin, 1, 1),
    "sinh": (sp.sinh, 1, 1),
    "softplus": (atoms.softplus, 1, 1),
    "sqrt": (sp.sqrt, 1, 1),
    "step": (atoms.step, 1, 1),
    "swish": (atoms.silu, 1, 1),
    "tan": (sp.tan, 1, 1),
    "tanh": (sp.tanh, 1, 1),
}
_CONSTANTS: Mapping[str, sp.Expr] = {"pi": sp.pi, "E": sp.E}

# A number that runs into a letter ("1if", "0x10", "1j") is one bad token, so that it is refused as a whole.
_TOKEN = re.compile(
    r"(?P<space>[ \t]+)|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![A-Za-z0-9_.]))"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<operator>\*\*|[-+*/(),])",
    re.ASCII,
)
_PIECE = re.compile(r"[A-Za-z0-9_.]+|.", re.ASCII | re.DOTALL)
_HINTS = {"^": "write ** for a power", "=": "give one expression, without '='", "[": "use round brackets"}


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """What one call allows, and the words for refusing the rest."""

    text: str
    what: str
    names: Mapping[str, sp.Expr]
    functions: Mapping[str, tuple[Callable[..., sp.Expr], int, int]]

    def refuse(self, piece: str, column: int, reason: str) -> UnsafeExpression:
        shown = piece if len(piece) <= 40 else piece[:37] + "..."
        return UnsafeExpression(
            f"{self.what}: {shown!r} at column {column + 1}: {reason}. Allowed: numbers, {', '.join(self.names)}; "
            f"+ - * / ** and round brackets; the functions {', '.join(sorted(self.functions, key=str.lower))}"
        )

    def refuse_node(self, node: ast.expr, reason: str) -> UnsafeExpression:
        return self.refuse(ast.get_source_segment(self.text, node) or self.text, node.col_offset, reason)


def parse_expression(
    text: str,
    symbols: Iterable[sp.Symbol],
    functions: Mapping[str, tuple[Callable[..., sp.Expr], int, int]] = FUNCTIONS,
    *,
    what: str = "expression",
) -> sp.Expr:
    """Read a formula over the given symbols; anything that is not on the allow-list is refused, never evaluated.

    Parameters
    ----------
    text : str
        For example ``"relu(z)"`` or ``"-exp(-z)/2"``.  Decimal literals are exact: ``0.1`` is 1/10.
    symbols : iterable of sympy.Symbol
        The symbols the formula may use, by their names; ``pi`` and ``E`` are always known.
    functions : mapping, optional
        Name -> (builder, fewest arguments, most arguments).
    what : str
        How an error names this text (an option of the command line, say).

    Returns
    -------
    sympy.Expr
        Real: no part of it is infinite, undefined or imaginary.

    Raises
    ------
    UnsafeExpression
        Names the offending piece, its column and what is allowed.

    Examples
    --------
    >>> from dekderive.symbols import z
    >>> parse_expression("relu(z) + 0.1*z**2", [z])
    z**2/10 + relu(z)
    >>> parse_expression("2**10**10", [z])
    Traceback (most recent call last):
    ...
    dekderive.errors.UnsafeExpression: expression: '10**10' at column 4: ...
    """
    text = text.strip(" \t")  # a leading blank would be an indentation error
    names = {**{s.name: s for s in symbols}, **_CONSTANTS}
    vocabulary = _Vocabulary(text, what, names, functions)
    _check_tokens(vocabulary)
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError as error:
        column = max(0, (error.offset or 1) - 1)
        piece = _PIECE.match(text, min(column, len(text) - 1))
        raise vocabulary.refuse(piece.group() if piece else text, column, "the formula cannot be read here") from None
    except (RecursionError, MemoryError, ValueError):
        raise vocabulary.refuse(text, 0, "nested too deeply") from None
    return _convert(tree.body, vocabulary, 0)


def parse_interval(text: str, *, what: str = "interval") -> sp.Interval:
    """Read an open interval such as ``"(-inf, 0)"``.

    Raises
    ------
    UnsafeExpression
        If the text is not ``(lower, upper)`` with lower < upper.

    Examples
    --------
    >>> parse_interval("(-inf, 0)")
    Interval.open(-oo, 0)
    """
    inner = text.strip()
    inner = inner[1:-1] if inner.startswith("(") and inner.endswith(")") else ""
    ends = inner.split(",")
    if len(ends) != 2:
        raise UnsafeExpression(f"{what}: {text[:60]!r} is not an open interval; write for example '(-inf, 0)'")
    infinite = {"-inf": -sp.oo, "-oo": -sp.oo, "inf": sp.oo, "+inf": sp.oo, "oo": sp.oo}
    lower, upper = (infinite.get(end.strip().lower()) for end in ends)
    lower = parse_expression(ends[0], (), what=what) if lower is None else lower
    upper = parse_expression(ends[1], (), what=what) if upper is None else upper
    if (lower < upper) != sp.true:
        raise UnsafeExpression(f"{what}: the lower end {lower} is not below the upper end {upper}; swap or change them")
    return sp.Interval.open(lower, upper)


def _check_tokens(vocabulary: _Vocabulary) -> None:
    """Refuse the first token that is not on the allow-list, before any parser sees the text."""
    text = vocabulary.text
    if not text:
        raise UnsafeExpression(f"{vocabulary.what}: the formula is empty; write for example 'relu(z)'")
    if len(text) > MAX_LENGTH:
        raise vocabulary.refuse(text, MAX_LENGTH, f"longer than {MAX_LENGTH} characters")
    position, count = 0, 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            piece = _PIECE.match(text, position)
            assert piece is not None  # _PIECE matches any character
            reason = _HINTS.get(piece.group(), "not part of a formula")
            raise vocabulary.refuse(piece.group(), position, reason)
        token = match.group()
        if match.lastgroup == "name" and token not in vocabulary.names and token not in vocabulary.functions:
            raise vocabulary.refuse(token, position, "this name is not known here")
        position, count = match.end(), count + 1
        if count > MAX_TOKENS:
            raise vocabulary.refuse(token, match.start(), f"more than {MAX_TOKENS} pieces")


def _convert(node: ast.expr, vocabulary: _Vocabulary, depth: int) -> sp.Expr:
    """Rebuild one node in SymPy, and refuse constants that are not finite, real and of moderate size."""
    if depth > MAX_DEPTH:
        raise vocabulary.refuse_node(node, f"nested more than {MAX_DEPTH} deep")
    match node:
        case ast.Constant():
            return _number(node, vocabulary)
        case ast.Name(id=name):
            if name not in vocabulary.names:
                raise vocabulary.refuse_node(node, "a function needs its argument in brackets")
            return vocabulary.names[name]
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            value = _convert(operand, vocabulary, depth + 1)
            return -value if isinstance(node.op, ast.USub) else value
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.Pow()):
            return _moderate(_operation(node, vocabulary, depth), node, vocabulary)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in vocabulary.functions:
            builder, fewest, most = vocabulary.functions[name]
            if not fewest <= len(arguments) <= most:
                wanted = str(fewest) if fewest == most else f"{fewest} or {most}"
                raise vocabulary.refuse_node(node, f"{name} takes {wanted} argument(s), not {len(arguments)}")
            return _moderate(builder(*(_argument(a, vocabulary, depth + 1) for a in arguments)), node, vocabulary)
    raise vocabulary.refuse_node(node, "not part of a formula")


def _number(node: ast.Constant, vocabulary: _Vocabulary) -> sp.Expr:
    literal = ast.get_source_segment(vocabulary.text, node) or ""
    mantissa, _, exponent = literal.lower().partition("e")
    if len(mantissa) > MAX_DIGITS:
        raise vocabulary.refuse_node(node, f"a number of more than {MAX_DIGITS} digits")
    if len(exponent) > 5 or abs(int(exponent or 0)) > MAX_DECIMAL_EXPONENT:
        raise vocabulary.refuse_node(node, f"a decimal exponent beyond {MAX_DECIMAL_EXPONENT}")
    return sp.Rational(literal)  # from the text, so 0.1 is 1/10 and not the nearest binary fraction


def _argument(node: ast.expr, vocabulary: _Vocabulary, depth: int) -> sp.Expr:
    value = _convert(node, vocabulary, depth)
    if value.is_number and not _is_at_most(value, MAX_ARGUMENT):
        raise vocabulary.refuse_node(node, "a constant argument beyond a million")
    return value


def _operation(node: ast.BinOp, vocabulary: _Vocabulary, depth: int) -> sp.Expr:
    left = _convert(node.left, vocabulary, depth + 1)
    right = _convert(node.right, vocabulary, depth + 1)
    match node.op:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.Div():
            return left / right
    if right.is_number and not _is_at_most(right, sp.Integer(MAX_EXPONENT)):
        raise vocabulary.refuse_node(node.right, f"an exponent beyond {MAX_EXPONENT}")
    # (2 z)**100 multiplies the size of the 2 by 100, and so may the next power: look before computing.
    size = max((max(abs(a.p), a.q).bit_length() for a in left.atoms(sp.Rational)), default=0)
    if right.is_number and size * abs(float(right)) > MAX_BITS:
        raise vocabulary.refuse_node(node, f"a power with more than {MAX_BITS} binary digits")
    return left**right


def _moderate(value: sp.Expr, node: ast.expr, vocabulary: _Vocabulary) -> sp.Expr:
    """Return `value` if it is real and finite and, when constant, at most 1e300 in size.

    Every constant inside `value` passed here before, so evaluating it is cheap: no tower of exponentials can build up.
    """
    if sum(1 for _ in itertools.islice(sp.preorder_traversal(value), MAX_NODES + 1)) > MAX_NODES:
        raise vocabulary.refuse_node(node, f"a formula of more than {MAX_NODES} nodes")
    if value.has(sp.zoo, sp.nan, sp.oo, -sp.oo):
        raise vocabulary.refuse_node(node, "undefined (a division by zero?)")
    if value.has(sp.I):
        raise vocabulary.refuse_node(node, "not a real number")
    if value.is_number and not _is_at_most(value, MAX_CONSTANT):
        raise vocabulary.refuse_node(node, "not a real constant of at most 1e300")
    return value


def _is_at_most(value: sp.Expr, bound: sp.Integer) -> bool:
    """Return whether a constant is real, and at most `bound` in absolute value, judged to 15 digits."""
    if value.is_Rational:
        return bool(abs(value) <= bound)
    approximate = value.evalf(15)
    return bool(approximate.is_Float and approximate.is_finite and abs(approximate) <= bound)
