"""Hyperbolic functions that are 0/0 at 0 or overflow: log-partitions on {-1, 1} and on [-1, 1]."""

import sympy as sp

from dekderive.atoms.atom import Atom, fold, latex_name

__all__ = ["langevin", "langevin_slope", "log_cosh", "log_sinhc"]


class log_cosh(Atom):
    """``log(cosh(x))``."""

    is_nonnegative = True
    at_zero = sp.S.Zero
    _latex = latex_name(r"\log\cosh")

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return fold(cls, x, sp.S.One)

    @property
    def definition(self) -> sp.Expr:
        return sp.log(sp.cosh(self.args[0]))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.tanh(self.args[0])


class log_sinhc(Atom):
    """``log(sinh(x) / x)``, the log-partition of the uniform distribution on [-1, 1]."""

    is_nonnegative = True
    at_zero = sp.S.Zero
    _latex = latex_name(r"\log\operatorname{sinhc}")

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return fold(cls, x, sp.S.One)

    @property
    def definition(self) -> sp.Expr:
        (x,) = self.args
        return sp.log(sp.sinh(x) / x)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return langevin(self.args[0])


class langevin(Atom):
    """Langevin function ``coth(x) - 1/x``."""

    at_zero = sp.S.Zero
    _latex = latex_name(r"\operatorname{L}")

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return fold(cls, x, -sp.S.One)

    @property
    def definition(self) -> sp.Expr:
        (x,) = self.args
        return sp.coth(x) - 1 / x

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return langevin_slope(self.args[0])


class langevin_slope(Atom):
    """Derivative of the Langevin function, ``1/x^2 - 1/sinh(x)^2``; at most 1/3."""

    is_positive = True
    at_zero = sp.Rational(1, 3)
    _latex = latex_name(r"\operatorname{L}'")

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return fold(cls, x, sp.S.One)

    @property
    def definition(self) -> sp.Expr:
        (x,) = self.args
        return 1 / x**2 - 1 / sp.sinh(x) ** 2

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        (x,) = self.args
        return 2 * sp.cosh(x) / sp.sinh(x) ** 3 - 2 / x**3
