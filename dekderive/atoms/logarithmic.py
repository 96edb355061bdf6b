"""Logarithms of sums that cancel or underflow: log-partitions, and what their derivatives are made of."""

import sympy as sp

from dekderive.atoms.atom import Atom, latex_name
from dekderive.atoms.hyperbolic import langevin_slope
from dekderive.atoms.normal import truncated_normal_mean
from dekderive.atoms.rectified import expit

__all__ = [
    "log1mexp",
    "log_exprel",
    "log_softplus",
    "log_softplus_slope",
    "tilted_uniform_mean",
    "truncated_normal_log_partition",
]


class log_softplus(Atom):
    """``log(log(1 + exp(x)))``: the logarithm of softplus, which is x far to the left."""

    _latex = latex_name(r"\log\operatorname{softplus}")

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return sp.log(sp.log(2)) if x.is_zero else None

    @property
    def definition(self) -> sp.Expr:
        return sp.log(sp.log(1 + sp.exp(self.args[0])))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return log_softplus_slope(self.args[0])


class log_softplus_slope(Atom):
    """``expit(x) / softplus(x)``: it falls from 1 far to the left, where it is 0/0 in floating point, to 1/x."""

    is_positive = True
    _latex = latex_name(r"\left(\log\operatorname{softplus}\right)'")

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return 1 / (2 * sp.log(2)) if x.is_zero else None

    @property
    def definition(self) -> sp.Expr:
        (x,) = self.args
        return 1 / ((1 + sp.exp(-x)) * sp.log(1 + sp.exp(x)))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        # Far to the left the bracket is -exp(x)/2 with an error of an ulp of 1: small against every other value.
        return self * (expit(-self.args[0]) - self)


class log1mexp(Atom):
    """``log(1 - exp(x))`` for x < 0: the log-partition of the geometric distribution, with the other sign."""

    is_negative = True
    _latex = latex_name(r"\log(1 - \exp)")

    @property
    def definition(self) -> sp.Expr:
        return sp.log(1 - sp.exp(self.args[0]))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        (x,) = self.args
        return expit(x) / sp.tanh(x / 2)  # -exp(x) / (1 - exp(x)) without a difference


class log_exprel(Atom):
    """``log((exp(x) - 1) / x)``, the log-partition of the uniform distribution on [0, 1]."""

    at_zero = sp.S.Zero
    _latex = latex_name(r"\log\operatorname{exprel}")

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return cls.at_zero if x.is_zero else None

    @property
    def definition(self) -> sp.Expr:
        (x,) = self.args
        return sp.log((sp.exp(x) - 1) / x)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return tilted_uniform_mean(self.args[0])


class tilted_uniform_mean(Atom):
    """Mean ``1/(1 - exp(-x)) - 1/x`` of the density on [0, 1] proportional to ``exp(x y)``; -1/x far to the left."""

    is_positive = True
    at_zero = sp.S.Half
    _latex = latex_name(r"\operatorname{m}_{[0, 1]}")

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return cls.at_zero if x.is_zero else None

    @property
    def definition(self) -> sp.Expr:
        (x,) = self.args
        return 1 / (1 - sp.exp(-x)) - 1 / x

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return langevin_slope(self.args[0] / 2) / 4


class truncated_normal_log_partition(Atom):
    """``x^2/2 + log(Phi(x))``, the log-partition of N(x, 1) truncated to the positive half-line."""

    _latex = latex_name(r"\operatorname{A}_+")

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return -sp.log(2) if x.is_zero else None

    @property
    def definition(self) -> sp.Expr:
        (x,) = self.args
        return x**2 / 2 + sp.log(sp.erfc(-x / sp.sqrt(2)) / 2)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return truncated_normal_mean(self.args[0])
