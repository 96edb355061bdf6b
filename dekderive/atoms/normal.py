"""The normal distribution function and its relatives."""

import sympy as sp

from dekderive.atoms.atom import Atom, fold, latex_name

__all__ = ["dawson", "inverse_mills", "log_ndtr", "ndtr"]


class ndtr(Atom):
    """Standard normal distribution function Phi."""

    is_positive = True
    _latex = latex_name(r"\Phi")

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return sp.S.Half if x.is_zero else None

    @property
    def definition(self) -> sp.Expr:
        return sp.erfc(-self.args[0] / sp.sqrt(2)) / 2

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.exp(-(self.args[0] ** 2) / 2) / sp.sqrt(2 * sp.pi)


class log_ndtr(Atom):
    """``log(Phi(x))``."""

    is_negative = True
    _latex = latex_name(r"\log\Phi")

    @property
    def definition(self) -> sp.Expr:
        return sp.log(sp.erfc(-self.args[0] / sp.sqrt(2)) / 2)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return inverse_mills(self.args[0])


class inverse_mills(Atom):
    """Inverse Mills ratio ``phi(x) / Phi(x)``."""

    is_positive = True
    _latex = latex_name(r"\frac{\varphi}{\Phi}")

    @property
    def definition(self) -> sp.Expr:
        (x,) = self.args
        return sp.exp(-(x**2) / 2) * sp.sqrt(2 / sp.pi) / sp.erfc(-x / sp.sqrt(2))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        (x,) = self.args
        return -self * (x + self)


class dawson(Atom):
    """Dawson's integral ``exp(-x^2) int_0^x exp(t^2) dt``: what a rectifier meets in E[sin(u) step(v)]."""

    at_zero = sp.S.Zero
    _latex = latex_name(r"\operatorname{D}")

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return fold(cls, x, -sp.S.One)

    @property
    def definition(self) -> sp.Expr:
        (x,) = self.args
        return sp.sqrt(sp.pi) / 2 * sp.exp(-(x**2)) * sp.erfi(x)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return 1 - 2 * self.args[0] * self
