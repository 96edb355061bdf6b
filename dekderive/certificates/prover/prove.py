"""The verbs: each proves a kind of claim and returns a certificate, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import sympy as sp

from dekderive.certificates.certificate import Certificate
from dekderive.certificates.checker.claims import obligations, read_box
from dekderive.certificates.checker.intervals import OutOfDomain
from dekderive.certificates.checker.programs import derivative, evaluate, read_program
from dekderive.certificates.checker.trees import Box, as_intervals
from dekderive.certificates.prover.search import PIECES, find_tree
from dekderive.certificates.prover.translation import Code, program, rational_text
from dekderive.errors import InvalidInput
from dekderive.verdict import Verdict

__all__ = [
    "Domain",
    "Proof",
    "prove_bound",
    "prove_contraction",
    "prove_existence",
    "prove_expectation",
    "prove_identity",
    "prove_unique_root",
]

Domain: TypeAlias = Mapping[sp.Symbol, tuple[sp.Expr, sp.Expr]]


@dataclass(frozen=True)
class Proof:
    """What came of the attempt to prove a claim.

    Attributes
    ----------
    verdict : Verdict
        HOLDS comes with a certificate, FAILS with a point, UNDECIDED with the smallest piece that resisted.
    certificate : Certificate or None
    point : dict or None
        Exact coordinates at which the claim is false.
    piece : dict or None
        Exact ends of the piece of the domain that could not be decided.
    detail : str
    """

    verdict: Verdict
    certificate: Certificate | None = None
    point: Mapping[str, Fraction] | None = None
    piece: Box | None = None
    detail: str = ""


def _domain(domain: Domain) -> dict[str, list[str]]:
    def end(value: sp.Expr) -> str:
        return {sp.oo: "inf", -sp.oo: "-inf"}.get(sp.sympify(value)) or rational_text(value)

    return {symbol.name: [end(low), end(high)] for symbol, (low, high) in domain.items()}


def _prove(claim: dict[str, object], domain: dict[str, list[str]], pieces: int) -> Proof:
    """Find a tree for every inequality that the claim consists of."""
    trees: list[object] = []
    try:
        needed = obligations(claim, read_box(domain))
    except OutOfDomain as error:
        return Proof(Verdict.UNDECIDED, detail=str(error))
    for obligation in needed:
        found = find_tree(obligation, pieces)
        if found.verdict is not Verdict.HOLDS:
            return Proof(found.verdict, None, found.point, found.piece, f"not proved: {obligation.reason}")
        trees.append(found.tree)
    return _certified(claim, domain, trees)


def _certified(claim: dict[str, object], domain: dict[str, list[str]], proofs: list[object]) -> Proof:
    certificate = Certificate.of(claim, domain, proofs)
    outcome = certificate.check()
    if not outcome.holds:
        return Proof(Verdict.UNDECIDED, detail=outcome.reason)
    return Proof(Verdict.HOLDS, certificate, detail=outcome.reason)


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
    return _prove(claim | _text(text, f"bound of {expression}"), _domain(domain), pieces)


def _text(text: str, default: str) -> dict[str, object]:
    return {"text": text or default}


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
    return _prove(claim | _text(text, "contraction"), _domain(domain), pieces)


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
    code, ends = program(expression, list(domain)), _domain(domain)
    shapes = _shapes(code, variable.name, read_box(ends))
    if isinstance(shapes, Proof):
        return shapes
    claim: dict[str, object] = {
        "kind": "unique root",
        "variable": variable.name,
        "program": code,
        "pieces": [[str(a), str(b), shape] for a, b, shape in shapes],
    }
    return _prove(claim | _text(text, f"unique root in {variable.name}"), ends, pieces)


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


def _shape(function: object, slope: object, box: Mapping[str, object]) -> str | None:
    try:
        steep = evaluate(slope, box)  # type: ignore[arg-type]
        if steep.low is not None and steep.low > 1 << 30:
            return "increasing"
    except OutOfDomain:
        pass
    try:
        value = evaluate(function, box)  # type: ignore[arg-type]
    except OutOfDomain:
        return None
    if value.high is not None and value.high < -(1 << 30):
        return "negative"
    return "positive" if value.low is not None and value.low > 1 << 30 else None


def prove_identity(left: sp.Expr, right: sp.Expr, *, text: str = "") -> Proof:
    """Prove that two expressions are the same function, by a normal form (see the checker's ``identities``).

    Returns
    -------
    Proof
        UNDECIDED where the normal form does not show it.

    Examples
    --------
    >>> from dekderive.symbols import z
    >>> prove_identity(sp.sin(z) ** 2, 1 - sp.cos(z) ** 2).verdict.name
    'HOLDS'
    """
    symbols = sorted(left.free_symbols | right.free_symbols, key=lambda s: s.name) or [sp.Symbol("unused")]
    claim: dict[str, object] = {
        "kind": "identity",
        "left": program(left, symbols),
        "right": program(right, symbols),
    }
    return _certified(claim | _text(text, f"{left} = {right}"), {s.name: ["-inf", "inf"] for s in symbols}, [])


def prove_existence(equations: Sequence[sp.Expr], domain: Domain, *, text: str = "") -> Proof:
    """Prove that a system has exactly one solution in a small box, by Krawczyk's test.

    Parameters
    ----------
    equations : sequence of sympy.Expr
        As many as there are symbols in `domain`, each to be 0.
    domain : mapping of Symbol to (low, high)
        A bounded box around an approximate solution.
    text : str, optional

    Returns
    -------
    Proof

    Examples
    --------
    >>> from dekderive.symbols import z
    >>> prove_existence([z - sp.cos(z)], {z: (sp.Rational(7, 10), sp.Rational(4, 5))}).verdict.name
    'HOLDS'
    """
    symbols, ends = list(domain), _domain(domain)
    codes = [program(e, symbols) for e in equations]
    box = read_box(ends)
    centre = as_intervals({n: ((low + high) / 2,) * 2 for n, (low, high) in box.items()})  # type: ignore[operator]
    matrix = sp.Matrix(
        [[_middle(evaluate(derivative(read_program(c, list(box)), n), centre)) for n in box] for c in codes]
    )
    if matrix.rows != matrix.cols or matrix.det() == 0:
        return Proof(Verdict.UNDECIDED, detail="the system is singular in the middle of the box")
    inverse = matrix.inv()
    rows = [[_short(inverse[i, j]) for j in range(matrix.cols)] for i in range(matrix.rows)]
    claim: dict[str, object] = {"kind": "existence", "equations": codes, "preconditioner": rows}
    return _certified(claim | _text(text, "one solution in the box"), ends, [])


def _middle(value: object) -> sp.Rational:
    low, high = value.low, value.high  # type: ignore[attr-defined]
    return sp.Rational((low or 0) + (high or 0), 2 << 128)


def _short(value: sp.Rational) -> str:
    """A number near it with 40 bits: a preconditioner need not be exact."""
    number = Fraction(int(value.p), int(value.q))
    scale = 1 << max(0, 40 - (number.numerator.bit_length() - number.denominator.bit_length()))
    return str(Fraction(round(number * scale), scale))


def prove_expectation(
    expression: sp.Expr, variable: sp.Symbol, variance: sp.Expr, at_most: sp.Expr, *, text: str = "", cells: int = 4096
) -> Proof:
    r"""Prove :math:`\mathbb E[h(u)] \le q` for a normal u, by upper sums over ever finer cells.

    Parameters
    ----------
    expression : sympy.Expr
        h, bounded above.
    variable : sympy.Symbol
    variance, at_most : rational numbers
    text : str, optional
    cells : int
        How many cells may be used.

    Returns
    -------
    Proof

    Examples
    --------
    >>> from dekderive.symbols import z
    >>> prove_expectation((1 - sp.tanh(z) ** 2) ** 2, z, 1, sp.Rational(1, 2)).verdict.name
    'HOLDS'
    """
    claim: dict[str, object] = {
        "kind": "expectation",
        "program": program(expression, [variable]),
        "variance": rational_text(variance),
        "at_most": rational_text(at_most),
    }
    claim |= _text(text, f"E[{expression}] at variance {variance} is at most {at_most}")
    reach = 1
    while reach**2 < 64 * sp.sympify(variance):
        reach *= 2
    count, proof = 16, Proof(Verdict.UNDECIDED, detail="the upper sums do not come below the bound")
    while count <= cells:
        cuts: list[object] = [str(Fraction(2 * i * reach, count) - reach) for i in range(count + 1)]
        found = _certified(claim, {variable.name: ["-inf", "inf"]}, [cuts])
        if found.verdict is Verdict.HOLDS:
            return found
        count *= 2
    return proof
