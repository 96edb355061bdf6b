"""What the bivariate normal distribution function adds to its expansion about the origin."""

import sympy as sp

from dekderive.atoms.atom import Atom
from dekderive.atoms.covariance import arcsine
from dekderive.atoms.gaussian_pair import binormal
from dekderive.atoms.normal import ndtr

__all__ = ["binormal_excess"]


class binormal_excess(Atom):
    """``P(U <= h, V <= k)`` without its constant, its arcsine and half of each marginal probability.

    In full: ``binormal(h, k, a, b, c) - 1/4 - arcsine(a, b, c)/(2 pi) - (Phi(h/sqrt(a)) + Phi(k/sqrt(b)) - 1)/2``.
    It is even in (h, k) and of second order near the origin.  In the dual of a bounded function these terms alone are
    multiplied by covariances; written as probabilities they would cancel at large variances.

    Examples
    --------
    >>> a, b = sp.symbols("a b", positive=True)
    >>> c = sp.Symbol("c", real=True)
    >>> binormal_excess(-1, 2, a, b, c)
    binormal_excess(1, -2, a, b, c)
    """

    nargs = 5

    @classmethod
    def eval(cls, h: sp.Expr, k: sp.Expr, a: sp.Expr, b: sp.Expr, c: sp.Expr) -> sp.Expr | None:
        if h.is_zero and k.is_zero:
            return sp.S.Zero
        if c.is_zero:
            return sp.erf(h / sp.sqrt(2 * a)) * sp.erf(k / sp.sqrt(2 * b)) / 4
        leading = k if h.is_zero else h
        return cls(-h, -k, a, b, c) if leading.could_extract_minus_sign() else None

    @property
    def definition(self) -> sp.Expr:
        h, k, a, b, c = self.args
        margins = (ndtr(h / sp.sqrt(a)) + ndtr(k / sp.sqrt(b)) - 1) / 2
        return binormal(h, k, a, b, c) - arcsine(a, b, c) / (2 * sp.pi) - sp.Rational(1, 4) - margins

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        arguments = [sp.Dummy(positive=True) for _ in self.args]
        whole = binormal_excess(*arguments).definition.diff(arguments[argindex - 1])
        return whole.xreplace(dict(zip(arguments, self.args, strict=True)))

    def _latex(self, printer: object, exp: str | None = None) -> str:
        h, k, a, b, c = (printer._print(x) for x in self.args)  # type: ignore[attr-defined]
        power = f"^{{{exp}}}" if exp is not None else ""
        return rf"\bar\Phi_2{power}\left({h}, {k}; {a}, {b}, {c}\right)"
