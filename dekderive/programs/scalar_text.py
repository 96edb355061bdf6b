"""What generated modules say about their functions of z beyond the formula: knots, strip bounds, logistic terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import sympy as sp
from sympy.codegen.cfunctions import expm1

from dekderive.certificates.pieces import Piece, smooth_pieces
from dekderive.certificates.strips import strip_bound, strip_width
from dekderive.errors import DekderiveError, NotCertified, UnprintableNode
from dekderive.programs.logistic_terms import logistic_terms
from dekderive.programs.lower import Function, lower
from dekderive.symbols import z

__all__ = ["StripData", "analytic_text", "function_text", "functions", "knots", "piecewise_text", "strip_data"]

_PART = Fraction(15, 16)  # of the widest strip: bounds grow towards its edge
_UNLIMITED = Fraction(4)  # half width for functions that are analytic everywhere
_STRIP_BITS = 2**-40


@dataclass(frozen=True, slots=True)
class StripData:
    """``|f(x + i y)| <= constant + factor |x|^power`` for ``|y| <= width``."""

    width: float
    constant: float
    factor: float
    power: int

    def derivative(self, order: int) -> StripData:
        """Return the bound of a derivative by Cauchy's estimate, on a strip that is narrower by a third each time.

        Examples
        --------
        >>> StripData(3.0, 1.0, 0.0, 0).derivative(1)
        StripData(width=2.0, constant=1.0, factor=0.0, power=0)
        """
        bound = self
        for k in range(order):
            radius = bound.width / (3 - k)
            # (|x| + r)^p <= 2^p (|x|^p + r^p)
            raised = 2.0**bound.power if bound.power else 1.0
            constant = (bound.constant + bound.factor * raised * radius**bound.power) / radius
            bound = StripData(bound.width - radius, constant, bound.factor * raised / radius, bound.power)
        return bound


def strip_data(f: sp.Expr, derivative: int = 0) -> StripData | None:
    """Return a proved polynomial bound of f, or of its derivative, around the real line; None if none is known.

    Parameters
    ----------
    f : sympy.Expr
        A function of ``dekderive.symbols.z``.
    derivative : int
        0, 1 or 2.

    Examples
    --------
    >>> strip_data(sp.tanh(z)).power
    0
    >>> strip_data(sp.Abs(z)) is None
    True
    """
    own = _own_strip(f.diff(z, derivative) if derivative else f)
    if own is not None or not derivative:
        return own
    whole = _own_strip(f)
    return None if whole is None else whole.derivative(derivative)


def _own_strip(f: sp.Expr) -> StripData | None:
    try:
        width = strip_width(f)
        if width == 0:
            return None
        half = _UNLIMITED if width is None else width * _PART
        terms = strip_bound(f, half).terms
    except DekderiveError:
        return None
    if any(rate or curve for _, rate, curve in terms):  # grows exponentially
        return None
    power = max(p for p, _, _ in terms)
    constant = sum(float(c.upper()) for (p, _, _), c in terms.items() if p < power or not p)
    factor = sum(float(c.upper()) for (p, _, _), c in terms.items() if p)
    # c |x|^p <= c (1 + |x|^q) for p <= q; the sums and the width are rounded to doubles, outwards.
    return StripData(float(half) * (1 - _STRIP_BITS), constant * (1 + _STRIP_BITS), factor * (1 + _STRIP_BITS), power)


def knots(f: sp.Expr) -> tuple[float, ...]:
    """Return the points at which f may have a kink or a jump, ascending.

    Raises
    ------
    UnprintableNode
        If they are not found exactly.

    Examples
    --------
    >>> from dekderive.atoms import relu
    >>> knots(relu(z - 2) - sp.Abs(z)), knots(sp.tanh(z))
    ((0.0, 2.0), ())
    """
    return tuple(float(p.lower) for p in _pieces(f)[1:])


def piecewise_text(f: sp.Expr) -> str | None:
    """Return the decorator that names the knots of f; None if it is smooth on either side of 0.

    Examples
    --------
    >>> from dekderive.atoms import relu
    >>> piecewise_text(relu(z) - relu(z - 6))
    '@hermite.piecewise(0.0, 6.0)'
    """
    found = knots(f)
    return f"@hermite.piecewise({', '.join(map(repr, found))})" if any(found) else None


def analytic_text(f: sp.Expr, derivative: int = 0, terms: Sequence[tuple[str, float, float]] = ()) -> str | None:
    """Return the decorator with the strip bound of f (or a derivative) and its logistic terms; None without a bound.

    Examples
    --------
    >>> analytic_text(sp.cos(z)).startswith("@hermite.analytic(")
    True
    """
    strip = strip_data(f, derivative)
    if strip is None:
        return None
    numbers = [repr(strip.width), repr(strip.constant)]
    if strip.factor:
        numbers += [repr(strip.factor), repr(float(strip.power))]
    if not terms and not derivative:
        terms = logistic_terms(f)
    if terms:
        listed = ", ".join(f'("{name}", {rate!r}, {c!r})' for name, rate, c in terms)
        numbers.append(f"terms=({listed}{',' if len(terms) == 1 else ''})")
    return f"@hermite.analytic({', '.join(numbers)})"


def function_text(name: str, f: sp.Expr) -> tuple[str, frozenset[str]]:
    """Return the ``def`` statements of a function of z, and the modules that they need.

    Between its knots a function is printed as what it is there: in a sum such as ``relu(z) + step(-z) (exp(z) - 1)``
    the product of 0 and an overflow would be NaN.

    Examples
    --------
    >>> from dekderive.atoms import elu
    >>> print(function_text("activation", elu(z))[0])
    def activation_0(z):
        return np.expm1(z)
    <BLANKLINE>
    <BLANKLINE>
    def activation_1(z):
        return z
    <BLANKLINE>
    <BLANKLINE>
    def activation(z):
        return np.select(
            [z < 0.0],
            [activation_0(np.minimum(z, 0.0))],
            activation_1(np.maximum(z, 0.0)),
        )
    """
    found = functions(name, f)
    return "\n\n\n".join(p.text for p in found), frozenset().union(*(p.modules for p in found))


def functions(name: str, f: sp.Expr) -> tuple[Function, ...]:
    """Return what `function_text` prints; the function itself comes last, after those of its pieces.

    Examples
    --------
    >>> from dekderive.atoms import elu
    >>> [function.name for function in functions("activation", elu(z))]
    ['activation_0', 'activation_1', 'activation']
    """
    pieces = _pieces(f)
    if len(pieces) == 1 or all(p.expr.is_polynomial(z) for p in pieces):
        return (_plain(name, f),)
    ends = [repr(float(p.lower)) for p in pieces[1:]]
    parts = [_plain(f"{name}_{i}", p.expr) for i, p in enumerate(pieces)]
    inner = [f"np.clip(z, {low}, {high})" for low, high in pairwise(ends)]
    arguments = [f"np.minimum(z, {ends[0]})", *inner, f"np.maximum(z, {ends[-1]})"]
    calls = [f"{p.name}({argument})" for p, argument in zip(parts, arguments, strict=True)]
    lines = (
        "return np.select(",
        f"    [{', '.join(f'z < {end}' for end in ends)}],",
        f"    [{', '.join(calls[:-1])}],",
        f"    {calls[-1]},",
        ")",
    )
    return (*parts, Function(name, ("z",), lines, frozenset({"np"})))


def _plain(name: str, f: sp.Expr) -> Function:
    f = f.replace(sp.sech, lambda x: 1 / sp.cosh(x)).replace(lambda e: isinstance(e, sp.Add), _without_cancellation)
    if f.has(z):
        return lower(name, f, (), {})
    value = lower(name, f, (), {}).lines[-1].removeprefix("return ")
    # A constant must have the shape of its argument.
    return Function(name, ("z",), (f"return np.full_like(z, {value})",), frozenset({"np"}))


def _without_cancellation(e: sp.Expr) -> sp.Expr:
    """``c exp(x) - c`` as ``c expm1(x)``: exponential units keep their digits next to 0."""
    for term in e.args:
        coefficient, rest = term.as_independent(z, as_Add=False)
        if isinstance(rest, sp.exp) and -coefficient in e.args:
            return e - term + coefficient + coefficient * expm1(rest.args[0])
    return e


def _pieces(f: sp.Expr) -> tuple[Piece, ...]:
    try:
        return smooth_pieces(f)
    except NotCertified as error:
        raise UnprintableNode(f"the kinks of {f} are not known, and quadratures would need them: {error}") from error
