"""Definiteness of a rational matrix, by exact elimination."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from dekderive.certificates.checker.programs import Malformed, read_rational
from dekderive.certificates.checker.trees import Refused

__all__ = ["negative_direction", "prove_semidefinite", "read_matrix"]

LARGEST = 200


def read_matrix(data: object) -> list[list[Fraction]]:
    """Read a symmetric matrix of rational numbers."""
    if not isinstance(data, list) or not data or len(data) > LARGEST:
        raise Malformed(f"a matrix must be a list of at most {LARGEST} rows")
    if any(not isinstance(row, list) or len(row) != len(data) for row in data):
        raise Malformed("the matrix is not square")
    rows = [[read_rational(x) for x in row] for row in data]
    if any(rows[i][j] != rows[j][i] for i in range(len(rows)) for j in range(i)):
        raise Malformed("the matrix is not symmetric")
    return rows


def prove_semidefinite(claim: Mapping[str, object]) -> None:
    """Check that a matrix is positive semi-definite.

    Raises
    ------
    Malformed, Refused
    """
    direction = negative_direction(read_matrix(claim.get("matrix")))
    if direction is not None:
        raise Refused(f"the quadratic form is negative at ({', '.join(str(float(x)) for x in direction)})")


def negative_direction(matrix: list[list[Fraction]]) -> list[Fraction] | None:
    """Return a vector x with x'Kx < 0, or None if there is none.

    Elimination step by step: K = sum_k l_k l_k' / d_k + rest.  A negative pivot, or a zero pivot with something beside
    it, is a direction of the rest; going back through the steps makes it one of K.
    """
    rest = [row[:] for row in matrix]
    n = len(rest)
    steps: list[tuple[int, list[Fraction]]] = []
    for k in range(n):
        pivot = rest[k][k]
        if pivot < 0:
            return _lifted({k: Fraction(1)}, steps, n)
        if pivot == 0:
            beside = next((j for j in range(k + 1, n) if rest[k][j] != 0), None)
            if beside is None:
                continue
            # On the two coordinates the form is 2 b x y + c y^2: negative at y = 1, x = -(c + 1) / (2 b).
            b, c = rest[k][beside], rest[beside][beside]
            return _lifted({beside: Fraction(1), k: -(c + 1) / (2 * b)}, steps, n)
        factors = [rest[k][j] / pivot for j in range(n)]
        for i in range(k + 1, n):
            if factors[i]:
                for j in range(k + 1, n):
                    rest[i][j] -= factors[i] * rest[k][j]
        steps.append((k, factors))
    return None


def _lifted(direction: Mapping[int, Fraction], steps: list[tuple[int, list[Fraction]]], n: int) -> list[Fraction]:
    """Choose the eliminated coordinates so that what was eliminated contributes nothing."""
    x = [direction.get(i, Fraction(0)) for i in range(n)]
    for k, factors in reversed(steps):
        x[k] = -sum((factors[j] * x[j] for j in range(k + 1, n)), Fraction(0))
    return x
