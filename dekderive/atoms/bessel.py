"""Modified Bessel functions: the log-partition of the von Mises distribution."""

import sympy as sp

from dekderive.atoms.atom import Atom, fold, latex_name

__all__ = ["bessel_ratio", "bessel_ratio_slope", "log_i0"]


class log_i0(Atom):
    """``log(I_0(x))``, the log-partition of the von Mises distribution."""

    is_nonnegative = True
    at_zero = sp.S.Zero
    _latex = latex_name(r"\log I_0")

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return fold(cls, x, sp.S.One)

    @property
    def definition(self) -> sp.Expr:
        return sp.log(sp.besseli(0, self.args[0]))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return bessel_ratio(self.args[0])


class bessel_ratio(Atom):
    """``I_1(x) / I_0(x)``."""

    at_zero = sp.S.Zero
    _latex = latex_name(r"\frac{I_1}{I_0}")

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return fold(cls, x, -sp.S.One)

    @property
    def definition(self) -> sp.Expr:
        (x,) = self.args
        return sp.besseli(1, x) / sp.besseli(0, x)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return bessel_ratio_slope(self.args[0])


class bessel_ratio_slope(Atom):
    """Derivative of ``I_1 / I_0``: with ``r`` the ratio, ``1 - r/x - r^2``; at most 1/2."""

    is_positive = True
    at_zero = sp.S.Half
    _latex = latex_name(r"\left(\frac{I_1}{I_0}\right)'")

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return fold(cls, x, sp.S.One)

    @property
    def definition(self) -> sp.Expr:
        (x,) = self.args
        ratio = sp.besseli(1, x) / sp.besseli(0, x)
        return 1 - ratio / x - ratio**2

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        (x,) = self.args
        ratio = bessel_ratio(x)
        return ratio / x**2 - self / x - 2 * ratio * self
