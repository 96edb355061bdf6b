"""Rectifiers and their smooth versions."""

import sympy as sp

from dekderive.atoms.atom import Atom, latex_name

__all__ = ["expit", "relu", "softplus", "step"]


class relu(Atom):
    """Positive part, ``max(x, 0)``."""

    is_nonnegative = True
    _latex = latex_name(r"\operatorname{relu}")

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        if x.is_nonnegative:
            return x
        if x.is_nonpositive:
            return sp.S.Zero
        return None

    @property
    def definition(self) -> sp.Expr:
        (x,) = self.args
        return (x + sp.Abs(x)) / 2

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return step(self.args[0])


class step(Atom):
    """Heaviside step, with ``step(0) = 1/2`` (stated here once; a Gaussian never lands on 0)."""

    is_nonnegative = True
    _latex = latex_name(r"\operatorname{step}")

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        if x.is_positive:
            return sp.S.One
        if x.is_negative:
            return sp.S.Zero
        if x.is_zero:
            return sp.S.Half
        return None

    @property
    def definition(self) -> sp.Expr:
        return (1 + sp.sign(self.args[0])) / 2

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        # A jump has a delta as its derivative.  Dropping it (as Piecewise does) makes Price's theorem false.
        return sp.DiracDelta(self.args[0])


class softplus(Atom):
    """``log(1 + exp(x))``."""

    is_positive = True
    _latex = latex_name(r"\operatorname{softplus}")

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return sp.log(2) if x.is_zero else None

    @property
    def definition(self) -> sp.Expr:
        return sp.log(1 + sp.exp(self.args[0]))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return expit(self.args[0])


class expit(Atom):
    """Logistic function ``1 / (1 + exp(-x))``."""

    is_positive = True
    _latex = latex_name(r"\operatorname{expit}")

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return sp.S.Half if x.is_zero else None

    @property
    def definition(self) -> sp.Expr:
        return 1 / (1 + sp.exp(-self.args[0]))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        # expit(-x), not 1 - expit(x): the difference loses every digit for x > 37.
        return expit(self.args[0]) * expit(-self.args[0])
