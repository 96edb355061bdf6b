"""A Gaussian pair at a point: the margin of one variable given the other, and the exponent of the joint density."""

import sympy as sp

from dekderive.atoms.atom import Atom
from dekderive.atoms.covariance import rootgap

__all__ = ["conditional_margin", "squared_distance"]


class conditional_margin(Atom):
    """``(k - h c/a) / sqrt(b - c^2/a)``: the standardised margin of V <= k given U = h, for N(0, ((a, c), (c, b))).

    For a singular covariance it is the limit: plus or minus infinity, or 0 where k = h c/a.

    Examples
    --------
    >>> conditional_margin(sp.Integer(1), sp.Integer(2), 1, 4, 0)
    1
    """

    nargs = 5

    @classmethod
    def eval(cls, h: sp.Expr, k: sp.Expr, a: sp.Expr, b: sp.Expr, c: sp.Expr) -> sp.Expr | None:
        if c.is_zero:
            return k / sp.sqrt(b)
        if k.could_extract_minus_sign() and not k.is_zero:
            return -cls(-h, -k, a, b, c)
        return cls(-h, k, a, b, -c) if c.could_extract_minus_sign() else None

    @property
    def definition(self) -> sp.Expr:
        h, k, a, b, c = self.args
        return (a * k - c * h) / (sp.sqrt(a) * rootgap(a, b, c))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        symbols = [sp.Dummy(positive=True) for _ in self.args]
        h, k, a, b, c = symbols
        slope = ((a * k - c * h) / (sp.sqrt(a) * rootgap(a, b, c))).diff(symbols[argindex - 1])
        return slope.xreplace(dict(zip(symbols, self.args, strict=True)))

    def _latex(self, printer: object, exp: str | None = None) -> str:
        text = printer._print(self.definition)  # type: ignore[attr-defined]
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"


class squared_distance(Atom):
    """``(b h^2 - 2 c h k + a k^2) / (a b - c^2)``: squared Mahalanobis distance of (h, k) under N(0, ((a, c), (c, b))).

    For a singular covariance it is the limit: infinite, or h^2/a where k = h c/a.

    Examples
    --------
    >>> squared_distance(sp.Integer(1), sp.Integer(2), 1, 4, 0)
    2
    """

    nargs = 5
    is_nonnegative = True

    @classmethod
    def eval(cls, h: sp.Expr, k: sp.Expr, a: sp.Expr, b: sp.Expr, c: sp.Expr) -> sp.Expr | None:
        if c.is_zero:
            return h**2 / a + k**2 / b
        if h.could_extract_minus_sign():
            return cls(-h, -k, a, b, c)
        return cls(h, -k, a, b, -c) if c.could_extract_minus_sign() else None

    @property
    def definition(self) -> sp.Expr:
        h, k, a, b, c = self.args
        return (b * h**2 - 2 * c * h * k + a * k**2) / (a * b - c**2)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        h, k, a, b, c = self.args
        determinant = rootgap(a, b, c) ** 2
        # Q = (h, k) S^-1 (h, k)':  dQ = 2 w dh - w' dS w,  w = S^-1 (h, k)'.
        first, second = (b * h - c * k) / determinant, (a * k - c * h) / determinant
        return {1: 2 * first, 2: 2 * second, 3: -(first**2), 4: -(second**2), 5: -2 * first * second}[argindex]

    def _latex(self, printer: object, exp: str | None = None) -> str:
        text = printer._print(self.definition)  # type: ignore[attr-defined]
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"
