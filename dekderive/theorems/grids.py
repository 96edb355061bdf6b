"""Zero-padded grids of pixels under a filter, for the convolutional tangent kernel.

Notation: pixels p, p' of a grid with zero padding; S_p^2 is the number of pixels under the filter at p; L adds a tensor
over pairs of pixels that lie under the filters at p and p' with the same displacement.
"""

from __future__ import annotations

from fractions import Fraction

from dekderive.theorems.evidence import exact
from dekderive.verdict import Check

__all__ = ["SETTING", "Pixel", "all_rows", "pairs_of", "pixels", "row_sums", "shifts", "taps_of", "unit_rows"]

SETTING = (
    "every pixel of x and y has norm 1",
    "sigma_W^2 + sigma_U^2 = 1",
    "sigma_W^2 < 1",
    "zero padding, S_p^2 the number of pixels under the filter at p",
)
Pixel = tuple[int, int]


def pixels(rows: int, columns: int) -> list[Pixel]:
    """Return the pixels of a grid, row by row.

    Examples
    --------
    >>> pixels(1, 2)
    [(0, 0), (0, 1)]
    """
    return [(i, j) for i in range(rows) for j in range(columns)]


def shifts(size: int) -> list[Pixel]:
    """Return the positions of a square filter of odd size, relative to its centre.

    Examples
    --------
    >>> len(shifts(3))
    9
    """
    r = size // 2
    return [(a, b) for a in range(-r, r + 1) for b in range(-r, r + 1)]


def pairs_of(p: Pixel, q: Pixel, rows: int, columns: int, size: int = 3) -> list[tuple[Pixel, Pixel]]:
    """Return the pairs of pixels that one filter, at p and at q, reads together.

    Examples
    --------
    >>> pairs_of((0, 0), (0, 1), 1, 3)
    [((0, 0), (0, 1)), ((0, 1), (0, 2))]
    """
    inside = set(pixels(rows, columns))
    moved = [((p[0] + a, p[1] + b), (q[0] + a, q[1] + b)) for a, b in shifts(size)]
    return [(m, n) for m, n in moved if m in inside and n in inside]


def taps_of(rows: int, columns: int, size: int = 3) -> dict[Pixel, int]:
    """Return the number of pixels under the filter at each pixel, S_p^2.

    Examples
    --------
    >>> taps_of(3, 3)[0, 0], taps_of(3, 3)[1, 1]
    (4, 9)
    """
    return {p: len(pairs_of(p, p, rows, columns, size)) for p in pixels(rows, columns)}


def row_sums(rows: int, columns: int, form: str) -> dict[Pixel, Fraction]:
    """Return the sum of the coefficients of (1/SS') L (corrected) or L (1/SS') (printed) in the row of each (p, p).

    Examples
    --------
    >>> row_sums(5, 5, "printed")[0, 0]
    Fraction(25, 36)
    """
    taps = taps_of(rows, columns)
    if form == "corrected":
        return {p: Fraction(len(pairs_of(p, p, rows, columns)), taps[p]) for p in taps}
    if form == "count":  # appendix B: S_p, not its square, is the number of pixels
        return {p: Fraction(len(pairs_of(p, p, rows, columns)), taps[p] ** 2) for p in taps}
    return {p: sum((Fraction(1, taps[m]) for m, _ in pairs_of(p, p, rows, columns)), Fraction(0)) for p in taps}


def unit_rows(form: str) -> Check:
    """Check that the rows of (1/SS') L that belong to pairs (p, p) add up to 1, in exact arithmetic.

    Examples
    --------
    >>> unit_rows("corrected").verdict.name, unit_rows("printed").verdict.name
    ('HOLDS', 'FAILS')
    """
    sums = {s for size in ((1, 1), (2, 3), (4, 4), (5, 5)) for s in row_sums(*size, form).values()}
    low, high = min(sums), max(sums)
    statement = "the rows of the pairs (p, p) add up to 1 on grids up to 5 x 5"
    return exact("row sums", statement, sums == {Fraction(1)}, f"from {low} to {high}")


def all_rows() -> Check:
    """Check that no row sums to more than 1: common displacements are at most min(S_p^2, S_p'^2) <= S_p S_p'.

    Examples
    --------
    >>> all_rows().verdict.name
    'HOLDS'
    """
    worst = Fraction(0)
    for rows, columns in ((2, 3), (4, 4), (5, 5)):
        taps = taps_of(rows, columns)
        for p in taps:
            for q in taps:
                worst = max(worst, Fraction(len(pairs_of(p, q, rows, columns)) ** 2, taps[p] * taps[q]))
    return exact(
        "contraction", "(#D)^2 <= S_p^2 S_p'^2 for all pairs on grids up to 5 x 5", worst <= 1, f"largest ratio {worst}"
    )
