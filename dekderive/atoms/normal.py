"""The normal distribution function and its relatives."""

import sympy as sp

from dekderive.atoms.atom import Atom, fold, latex_name

__all__ = [
    "dawson",
    "inverse_mills",
    "log_ndtr",
    "ndtr",
    "truncated_normal_mean",
    "truncated_normal_variance",
]


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
        return -self * truncated_normal_mean(self.args[0])


class truncated_normal_mean(Atom):
    """Mean ``x + phi(x) / Phi(x)`` of N(x, 1) given that it is positive; about -1/x far to the left."""

    is_positive = True
    _latex = latex_name(r"\operatorname{m}_+")

    @property
    def definition(self) -> sp.Expr:
        (x,) = self.args
        return x + inverse_mills(x).definition

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return truncated_normal_variance(self.args[0])


class truncated_normal_variance(Atom):
    """Variance ``1 - m (x + m)``, m = phi(x) / Phi(x), of N(x, 1) given that it is positive; between 0 and 1."""

    is_positive = True
    _latex = latex_name(r"\operatorname{v}_+")

    @property
    def definition(self) -> sp.Expr:
        (x,) = self.args
        ratio = inverse_mills(x).definition
        return 1 - ratio * (x + ratio)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        (x,) = self.args
        return inverse_mills(x) * (truncated_normal_mean(x) ** 2 - self)


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
