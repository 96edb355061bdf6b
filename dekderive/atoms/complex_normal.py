"""The normal distribution function of a complex argument: what a wave gives against a shifted or exponential gate."""

import sympy as sp

from dekderive.atoms.atom import Atom
from dekderive.atoms.gaussian_pair import exp_ndtr

__all__ = ["exp_erfcx_im", "exp_erfcx_re"]


class _ComplexErfcx(Atom):
    """A part of ``exp(p + i q) erfcx(x + i y)``, erfcx(s) = exp(s^2) erfc(s)."""

    nargs = 4

    def _values(self) -> tuple[sp.Expr, sp.Expr]:
        """The complex number and its conjugate, written without `re` and `im`, which SymPy would expand."""
        p, q, x, y = self.args
        points = ((p + sign * sp.I * q, x + sign * sp.I * y) for sign in (1, -1))
        value, conjugate = (sp.exp(e + s**2) * sp.erfc(s) for e, s in points)
        return value, conjugate

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return super()._eval_evalf(prec).as_real_imag()[0]

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """With F = exp(p + i q) erfcx(s): dF/ds = 2 s F - 2 exp(p + i q) / sqrt(pi), and d/dy = i d/dx."""
        p, q, x, y = self.args
        re, im = exp_erfcx_re(*self.args), exp_erfcx_im(*self.args)
        flat = 2 * sp.exp(p) / sp.sqrt(sp.pi)
        slope = (2 * (x * re - y * im) - flat * sp.cos(q), 2 * (x * im + y * re) - flat * sp.sin(q))
        both = {1: (re, im), 2: (-im, re), 3: slope, 4: (-slope[1], slope[0])}[argindex]
        return both[isinstance(self, exp_erfcx_im)]

    _part = ""

    def _latex(self, printer: object, exp: str | None = None) -> str:
        p, q, x, y = self.args
        exponent, argument = (printer._print(e) for e in (p + sp.I * q, x + sp.I * y))  # type: ignore[attr-defined]
        part = rf"{self._part}\left(e^{{{exponent}}} \operatorname{{erfcx}}\left({argument}\right)\right)"
        return part if exp is None else rf"\left({part}\right)^{{{exp}}}"


class exp_erfcx_re(_ComplexErfcx):
    """Real part of ``exp(p + i q) erfcx(x + i y)``, erfcx(s) = exp(s^2) erfc(s).

    Since exp(s^2/2) Phi(s) = erfcx(-s / sqrt(2)) / 2, it is the normal distribution function of a complex argument with
    the exponential of its square taken out: for x >= 0 it is of modulus below 1, and nothing can overflow.

    Examples
    --------
    >>> x, y = sp.symbols("x y", positive=True)
    >>> exp_erfcx_re(0, 0, x, -y)
    exp_erfcx_re(0, 0, x, y)
    """

    _part = r"\operatorname{Re}"

    @classmethod
    def eval(cls, p: sp.Expr, q: sp.Expr, x: sp.Expr, y: sp.Expr) -> sp.Expr | None:
        if y.is_zero:
            return 2 * sp.cos(q) * exp_ndtr(p + x**2, -sp.sqrt(2) * x)
        return cls(p, -q, x, -y) if y.could_extract_minus_sign() else None

    @property
    def definition(self) -> sp.Expr:
        value, conjugate = self._values()
        return (value + conjugate) / 2


class exp_erfcx_im(_ComplexErfcx):
    """Imaginary part of ``exp(p + i q) erfcx(x + i y)``; see `exp_erfcx_re`.

    Examples
    --------
    >>> x, y = sp.symbols("x y", positive=True)
    >>> exp_erfcx_im(0, 0, x, -y)
    -exp_erfcx_im(0, 0, x, y)
    """

    _part = r"\operatorname{Im}"

    @classmethod
    def eval(cls, p: sp.Expr, q: sp.Expr, x: sp.Expr, y: sp.Expr) -> sp.Expr | None:
        if y.is_zero:
            return 2 * sp.sin(q) * exp_ndtr(p + x**2, -sp.sqrt(2) * x)
        return -cls(p, -q, x, -y) if y.could_extract_minus_sign() else None

    @property
    def definition(self) -> sp.Expr:
        value, conjugate = self._values()
        return (value - conjugate) / (2 * sp.I)
