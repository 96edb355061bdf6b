"""Functions of an angle, and of a covariance matrix, that keep the gap to coincidence."""

import sympy as sp

from dekderive.atoms.atom import Atom, latex_name

__all__ = ["arcsine", "rootgap", "sin_minus_xcos", "versine"]


class versine(Atom):
    """``1 - cos(x)`` without its cancellation near 0."""

    is_nonnegative = True
    at_zero = sp.S.Zero
    _latex = latex_name(r"\operatorname{vers}")

    @property
    def definition(self) -> sp.Expr:
        return 2 * sp.sin(self.args[0] / 2) ** 2

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.sin(self.args[0])


class sin_minus_xcos(Atom):
    """``sin(x) - x cos(x)``, which is x^3/3 near 0."""

    at_zero = sp.S.Zero
    _latex = latex_name(r"\operatorname{s}_1")

    @property
    def definition(self) -> sp.Expr:
        (x,) = self.args
        return sp.sin(x) - x * sp.cos(x)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return self.args[0] * sp.sin(self.args[0])


class rootgap(Atom):
    """``sqrt(a b - c^2)`` of a covariance ((a, c), (c, b)), computed as sqrt((p - c)(p + c)), p = sqrt(a) sqrt(b)."""

    nargs = 3
    is_nonnegative = True

    @classmethod
    def eval(cls, a: sp.Expr, b: sp.Expr, c: sp.Expr) -> sp.Expr | None:
        if c.is_zero:
            return sp.sqrt(a) * sp.sqrt(b)
        if a == b and c in (a, -a):
            return sp.S.Zero
        if a.is_number and b.is_number and c.is_number:
            return sp.sqrt(a * b - c**2)
        return cls(a, b, -c) if c.could_extract_minus_sign() else None

    @property
    def definition(self) -> sp.Expr:
        a, b, c = self.args
        return sp.sqrt(a * b - c**2)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        a, b, c = self.args
        return {1: b / 2, 2: a / 2, 3: -c}[argindex] / self

    def _latex(self, printer: object, exp: str | None = None) -> str:
        inner = printer._print(sp.expand(self.args[0] * self.args[1] - self.args[2] ** 2))  # type: ignore[attr-defined]
        root = rf"\sqrt{{{inner}}}"
        return root if exp is None else rf"\left({root}\right)^{{{exp}}}"


class arcsine(Atom):
    """``asin(c / sqrt(a b))`` of a covariance ((a, c), (c, b)), computed as atan2(c, rootgap(a, b, c))."""

    nargs = 3

    @classmethod
    def eval(cls, a: sp.Expr, b: sp.Expr, c: sp.Expr) -> sp.Expr | None:
        if c.is_zero:
            return sp.S.Zero
        if a == b and c == a:
            return sp.pi / 2
        if a.is_number and b.is_number and c.is_number:
            return sp.asin(c / sp.sqrt(a * b))
        return -cls(a, b, -c) if c.could_extract_minus_sign() else None

    @property
    def definition(self) -> sp.Expr:
        a, b, c = self.args
        return sp.asin(c / sp.sqrt(a * b))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        a, b, c = self.args
        # asin(c / sqrt(ab)): d/dc = 1 / rootgap,  d/da = -c / (2 a rootgap).
        return {1: -c / (2 * a), 2: -c / (2 * b), 3: sp.S.One}[argindex] / rootgap(a, b, c)

    def _latex(self, printer: object, exp: str | None = None) -> str:
        a, b, c = self.args
        power = f"^{{{exp}}}" if exp is not None else ""
        return rf"\arcsin{power}\left({printer._print(c / sp.sqrt(a * b))}\right)"  # type: ignore[attr-defined]
