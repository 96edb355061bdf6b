"""The verbs whose proofs need no cutting: identity, existence, expectation, semidefiniteness."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import sympy as sp

from dekderive.certificates.checker.claims import read_box
from dekderive.certificates.checker.intervals import Interval
from dekderive.certificates.checker.matrices import negative_direction, read_matrix
from dekderive.certificates.checker.programs import derivative, evaluate, read_program
from dekderive.certificates.checker.trees import as_intervals
from dekderive.certificates.prover.proof import Domain, Proof, certified, domain_text, titled
from dekderive.certificates.prover.translation import program, rational_text
from dekderive.verdict import Verdict

__all__ = ["prove_existence", "prove_expectation", "prove_identity", "prove_semidefinite"]


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
    return certified(claim | titled(text, f"{left} = {right}"), {s.name: ["-inf", "inf"] for s in symbols}, [])


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
    symbols, ends = list(domain), domain_text(domain)
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
    return certified(claim | titled(text, "one solution in the box"), ends, [])


def _middle(value: Interval) -> sp.Rational:
    low, high = value.low, value.high
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
    claim |= titled(text, f"E[{expression}] at variance {variance} is at most {at_most}")
    reach = 1
    while reach**2 < 64 * sp.sympify(variance):
        reach *= 2
    count, proof = 16, Proof(Verdict.UNDECIDED, detail="the upper sums do not come below the bound")
    while count <= cells:
        cuts: list[object] = [str(Fraction(2 * i * reach, count) - reach) for i in range(count + 1)]
        found = certified(claim, {variable.name: ["-inf", "inf"]}, [cuts])
        if found.verdict is Verdict.HOLDS:
            return found
        count *= 2
    return proof


def prove_semidefinite(matrix: sp.Matrix, *, text: str = "") -> Proof:
    """Prove that a symmetric rational matrix is positive semi-definite.

    Returns
    -------
    Proof
        FAILS with a direction (``x0``, ``x1``, ...) in which the quadratic form is negative.

    Examples
    --------
    >>> box_kernel = sp.Matrix(3, 3, lambda i, j: max(0, 2 - abs(i - j)) and 1)  # a box is no kernel
    >>> proof = prove_semidefinite(box_kernel)
    >>> proof.verdict.name, [str(x) for x in proof.point.values()]
    ('FAILS', ['1', '-1', '1'])
    """
    rows = [[rational_text(matrix[i, j]) for j in range(matrix.cols)] for i in range(matrix.rows)]
    direction = negative_direction(read_matrix(rows))
    if direction is not None:
        point = {f"x{i}": x for i, x in enumerate(direction)}
        return Proof(Verdict.FAILS, point=point, detail="the quadratic form is negative in a direction")
    claim: dict[str, object] = {"kind": "semidefinite", "matrix": rows}
    return certified(claim | titled(text, "the matrix is positive semi-definite"), {}, [])
