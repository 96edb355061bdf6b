"""What x sin(x) and x cos(x) give beside `damped_sinh` and `damped_cosh`: products of gaps times exponentials."""

import sympy as sp

from dekderive.atoms.atom import Atom
from dekderive.atoms.gaussian_pair import damped_cosh, damped_sinh

__all__ = ["damped_gap_cosh", "damped_gap_sinh"]


def _gaps(atom: Atom) -> tuple[sp.Expr, sp.Expr]:
    """The factors of the exponentials of -(a + b - 2 c)/2 and -(a + b + 2 c)/2."""
    a, b, c = atom.args
    return (a - c) * (b - c) * sp.exp(c - (a + b) / 2) / 2, (a + c) * (b + c) * sp.exp(-c - (a + b) / 2) / 2


def _latex(self: Atom, printer: object, exp: str | None = None) -> str:
    text = rf"\left({printer._print(self.definition)}\right)"  # type: ignore[attr-defined]
    return text if exp is None else rf"{text}^{{{exp}}}"


class damped_gap_cosh(Atom):
    """``exp(-(a + b)/2) ((a b + c^2) cosh(c) - c (a + b) sinh(c))``, even in c.

    Twice this is ``(a - c)(b - c) exp(-(a + b - 2 c)/2) + (a + c)(b + c) exp(-(a + b + 2 c)/2)``.  Where the
    first exponential is not negligible at large variances, its factors are gaps, and of order c together.

    Examples
    --------
    >>> x, y, c = sp.symbols("x y c", positive=True)
    >>> damped_gap_cosh(x, y, -c)
    damped_gap_cosh(x, y, c)
    """

    nargs = 3
    _latex = _latex

    @classmethod
    def eval(cls, a: sp.Expr, b: sp.Expr, c: sp.Expr) -> sp.Expr | None:
        if c.is_zero:
            return a * b * sp.exp(-(a + b) / 2)
        return cls(a, b, -c) if c.could_extract_minus_sign() else None

    @property
    def definition(self) -> sp.Expr:
        near, far = _gaps(self)
        return near + far

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return _slope(self, argindex, damped_gap_sinh, damped_cosh, damped_sinh)


class damped_gap_sinh(Atom):
    """``exp(-(a + b)/2) ((a b + c^2) sinh(c) - c (a + b) cosh(c))``, odd in c; see `damped_gap_cosh`.

    Examples
    --------
    >>> x, y, c = sp.symbols("x y c", positive=True)
    >>> damped_gap_sinh(x, y, -c)
    -damped_gap_sinh(x, y, c)
    """

    nargs = 3
    _latex = _latex

    @classmethod
    def eval(cls, a: sp.Expr, b: sp.Expr, c: sp.Expr) -> sp.Expr | None:
        if c.is_zero:
            return sp.S.Zero
        return -cls(a, b, -c) if c.could_extract_minus_sign() else None

    @property
    def definition(self) -> sp.Expr:
        near, far = _gaps(self)
        return near - far

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return _slope(self, argindex, damped_gap_cosh, damped_sinh, damped_cosh)


def _slope(atom: Atom, argindex: int, twin: type[Atom], same: type[Atom], other: type[Atom]) -> sp.Expr:
    a, b, c = atom.args
    own, mixed = same(a, b, c), other(a, b, c)
    if argindex == 3:
        return twin(a, b, c) + 2 * c * own - (a + b) * mixed
    return -atom / 2 + (b if argindex == 1 else a) * own - c * mixed
