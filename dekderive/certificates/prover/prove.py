"""The verbs whose proofs are split trees: bound, contraction, unique root."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import sympy as sp

from dekderive.certificates.checker.claims import read_box
from dekderive.certificates.checker.intervals import Interval, OutOfDomain
from dekderive.certificates.checker.programs import Program, derivative, evaluate, read_program
from dekderive.certificates.checker.trees import Box, as_intervals
from dekderive.certificates.prover.proof import Domain, Proof, domain_text, proved, titled
from dekderive.certificates.prover.search import PIECES
from dekderive.certificates.prover.translation import Code, program, rational_text
from dekderive.errors import InvalidInput
from dekderive.verdict import Verdict

__all__ = ["prove_bound", "prove_contraction", "prove_unique_root"]


def prove_bound(
    expression: sp.Expr,
    domain: Domain,
    *,
    at_most: sp.Expr | None = None,
    at_least: sp.Expr | None = None,
    text: str = "",
    pieces: int = PIECES,
) -> Proof:
    r"""Prove that an expression stays below (above) a number on a box.

    Parameters
    ----------
    expression : sympy.Expr
    domain : mapping of Symbol to (low, high)
        Exact rational ends; ``sympy.oo`` for none.
    at_most, at_least : rational numbers
    text : str, optional
        The claim in words.
    pieces : int
        How many pieces of the domain may be looked at.

    Returns
    -------
    Proof

    Raises
    ------
    InvalidInput
        If no bound is given.
    UndeclaredSymbol, UnprintableNode
        If the expression cannot be written for the checker.

    Examples
    --------
    >>> from dekderive.symbols import z
    >>> square = sp.Rational(1, 4) - (1 / (1 + sp.exp(-z)) - sp.Rational(1, 2)) ** 2
    >>> prove_bound(square, {z: (-sp.oo, sp.oo)}, at_most=sp.Rational(1, 4)).verdict.name
    'HOLDS'
    >>> prove_bound(sp.sin(z), {z: (0, 2)}, at_most=sp.Rational(1, 2)).point["z"]
    Fraction(1, 1)
    """
    if at_most is None and at_least is None:
        raise InvalidInput("prove_bound needs at_most or at_least")
    claim: dict[str, object] = {"kind": "bound", "program": program(expression, list(domain))}
    for key, bound in (("at_most", at_most), ("at_least", at_least)):
        if bound is not None:
            claim[key] = rational_text(bound)
    return proved(claim | titled(text, f"bound of {expression}"), domain_text(domain), pieces)


def prove_contraction(
    maps: Mapping[sp.Symbol, sp.Expr],
    domain: Domain,
    modulus: sp.Expr,
    *,
    weights: Sequence[sp.Expr] | None = None,
    text: str = "",
    pieces: int = PIECES,
) -> Proof:
    """Prove that a map takes a box into itself and contracts the (weighted) maximum norm by `modulus` there.

    By Banach's theorem there is then exactly one fixed point in the box, for every value of the symbols of `domain`
    that are no coordinates.

    Parameters
    ----------
    maps : mapping of coordinate to its image
    domain : mapping of Symbol to (low, high)
        Of the coordinates and of the parameters.
    modulus : rational number below 1
    weights : sequence of positive rational numbers, optional
    text : str, optional
    pieces : int

    Returns
    -------
    Proof

    Examples
    --------
    >>> from dekderive.symbols import z
    >>> prove_contraction({z: sp.cos(z)}, {z: (0, 1)}, sp.Rational(17, 20)).verdict.name
    'HOLDS'
    """
    names = list(domain)
    claim: dict[str, object] = {
        "kind": "contraction",
        "coordinates": [s.name for s in maps],
        "map": [program(e, names) for e in maps.values()],
        "modulus": rational_text(modulus),
    }
    if weights is not None:
        claim["weights"] = [rational_text(w) for w in weights]
    return proved(claim | titled(text, "contraction"), domain_text(domain), pieces)


def prove_unique_root(
    expression: sp.Expr, variable: sp.Symbol, domain: Domain, *, text: str = "", pieces: int = PIECES
) -> Proof:
    """Prove that an expression has exactly one zero in one variable, for every value of the other symbols.

    The interval of the variable is cut into pieces on which the expression is negative, increasing, or positive, in
    this order (give the negative of a decreasing expression).

    Returns
    -------
    Proof

    Examples
    --------
    >>> from dekderive.symbols import z
    >>> prove_unique_root(z - sp.cos(z), z, {z: (0, 2)}).verdict.name
    'HOLDS'
    """
    code, ends = program(expression, list(domain)), domain_text(domain)
    shapes = _shapes(code, variable.name, read_box(ends))
    if isinstance(shapes, Proof):
        return shapes
    claim: dict[str, object] = {
        "kind": "unique root",
        "variable": variable.name,
        "program": code,
        "pieces": [[str(a), str(b), shape] for a, b, shape in shapes],
    }
    return proved(claim | titled(text, f"unique root in {variable.name}"), ends, pieces)


def _shapes(code: Code, name: str, box: Box) -> list[tuple[Fraction, Fraction, str]] | Proof:
    """Cut the interval of a variable until each piece is negative, positive or increasing; join what is alike."""
    function = read_program(code, list(box))
    slope = derivative(function, name)
    low, high = box[name]
    if low is None or high is None:
        raise InvalidInput(f"a unique root needs a bounded interval for {name}")
    done: list[tuple[Fraction, Fraction, str]] = []
    stack = [(low, high)]
    while stack:
        a, b = stack.pop()
        shape = _shape(function, slope, as_intervals({**box, name: (a, b)}))
        if shape is None and b - a < (high - low) / 2**16:
            return Proof(Verdict.UNDECIDED, piece={**box, name: (a, b)}, detail="neither of one sign nor increasing")
        if shape is None:
            stack += [((a + b) / 2, b), (a, (a + b) / 2)]
        elif done and done[-1][2] == shape:
            done[-1] = (done[-1][0], b, shape)
        else:
            done.append((a, b, shape))
    return done


def _shape(function: Program, slope: Program, box: Mapping[str, Interval]) -> str | None:
    try:
        steep = evaluate(slope, box)
        if steep.low is not None and steep.low > 1 << 30:
            return "increasing"
    except OutOfDomain:
        pass
    try:
        value = evaluate(function, box)
    except OutOfDomain:
        return None
    if value.high is not None and value.high < -(1 << 30):
        return "negative"
    return "positive" if value.low is not None and value.low > 1 << 30 else None
