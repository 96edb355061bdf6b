"""What closed forms of Gaussian expectations are written in, each with the digits that a naive formula loses."""

import sympy as sp
from sympy.core.function import ArgumentIndexError

from dekderive.atoms.atom import Atom
from dekderive.atoms.covariance import arcsine, rootgap
from dekderive.atoms.normal import ndtr

__all__ = [
    "binormal",
    "damped_cosh",
    "damped_sinh",
    "exp_binormal",
    "exp_ndtr",
    "noisy_arcsine",
    "noisy_rootgap",
    "squared_correlation_2f1",
]


class noisy_rootgap(Atom):
    """``sqrt((a + s)(b + t) - c^2)``: the root of a determinant after independent noises s and t have been added.

    It is computed as sqrt((a b - c^2) + t a + s b + s t), a sum of non-negative terms: where a b - c^2 is far below
    a b, the noises would be lost in the product (a + s)(b + t).
    """

    nargs = 5
    is_nonnegative = True

    @classmethod
    def eval(cls, a: sp.Expr, b: sp.Expr, c: sp.Expr, s: sp.Expr, t: sp.Expr) -> sp.Expr | None:
        if s.is_zero and t.is_zero:
            return rootgap(a, b, c)
        if c.is_zero:
            return sp.sqrt(a + s) * sp.sqrt(b + t)
        if all(x.is_number for x in (a, b, c, s, t)):
            return sp.sqrt((a + s) * (b + t) - c**2)
        return cls(a, b, -c, s, t) if c.could_extract_minus_sign() else None

    @property
    def definition(self) -> sp.Expr:
        a, b, c, s, t = self.args
        return sp.sqrt((a + s) * (b + t) - c**2)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        a, b, c, s, t = self.args
        return {1: (b + t) / 2, 2: (a + s) / 2, 3: -c, 4: (b + t) / 2, 5: (a + s) / 2}[argindex] / self

    def _latex(self, printer: object, exp: str | None = None) -> str:
        a, b, c, s, t = self.args
        root = rf"\sqrt{{{printer._print((a + s) * (b + t) - c**2)}}}"  # type: ignore[attr-defined]
        return root if exp is None else rf"\left({root}\right)^{{{exp}}}"


class noisy_arcsine(Atom):
    """``asin(c / sqrt((a + s)(b + t)))``, computed as atan2(c, noisy_rootgap(a, b, c, s, t))."""

    nargs = 5

    @classmethod
    def eval(cls, a: sp.Expr, b: sp.Expr, c: sp.Expr, s: sp.Expr, t: sp.Expr) -> sp.Expr | None:
        if s.is_zero and t.is_zero:
            return arcsine(a, b, c)
        if c.is_zero:
            return sp.S.Zero
        if all(x.is_number for x in (a, b, c, s, t)):
            return sp.asin(c / sp.sqrt((a + s) * (b + t)))
        return -cls(a, b, -c, s, t) if c.could_extract_minus_sign() else None

    @property
    def definition(self) -> sp.Expr:
        a, b, c, s, t = self.args
        return sp.asin(c / sp.sqrt((a + s) * (b + t)))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        a, b, c, s, t = self.args
        in_a, in_b = -c / (2 * (a + s)), -c / (2 * (b + t))
        return {1: in_a, 2: in_b, 3: sp.S.One, 4: in_a, 5: in_b}[argindex] / noisy_rootgap(a, b, c, s, t)

    def _latex(self, printer: object, exp: str | None = None) -> str:
        a, b, c, s, t = self.args
        power = f"^{{{exp}}}" if exp is not None else ""
        return rf"\arcsin{power}\left({printer._print(c / sp.sqrt((a + s) * (b + t)))}\right)"  # type: ignore[attr-defined]


class binormal(Atom):
    """Bivariate normal distribution function ``P(U <= h, V <= k)`` of N(0, ((a, c), (c, b)))."""

    nargs = 5
    is_nonnegative = True

    @classmethod
    def eval(cls, h: sp.Expr, k: sp.Expr, a: sp.Expr, b: sp.Expr, c: sp.Expr) -> sp.Expr | None:
        if h.is_zero and k.is_zero:
            return sp.Rational(1, 4) + arcsine(a, b, c) / (2 * sp.pi)
        if c.is_zero:
            return ndtr(h / sp.sqrt(a)) * ndtr(k / sp.sqrt(b))
        return None

    @property
    def definition(self) -> sp.Expr:
        h, k, a, b, c = self.args
        r = sp.Dummy("r", real=True)
        # Plackett: the derivative in the covariance is the joint density.
        exponent = -(h**2 / a - 2 * r * h * k / sp.sqrt(a * b) + k**2 / b) / (2 * (1 - r**2))
        density = sp.exp(exponent) / (2 * sp.pi * sp.sqrt(1 - r**2))
        start = ndtr(h / sp.sqrt(a)).definition * ndtr(k / sp.sqrt(b)).definition
        return start + sp.Integral(density, (r, 0, c / sp.sqrt(a * b)))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        h, k, a, b, c = self.args
        gap = rootgap(a, b, c)
        joint = sp.exp(-(b * h**2 - 2 * c * h * k + a * k**2) / (2 * gap**2)) / (2 * sp.pi * gap)
        in_h = sp.exp(-(h**2) / (2 * a)) / sp.sqrt(2 * sp.pi * a) * ndtr((a * k - c * h) / (sp.sqrt(a) * gap))
        in_k = sp.exp(-(k**2) / (2 * b)) / sp.sqrt(2 * sp.pi * b) * ndtr((b * h - c * k) / (sp.sqrt(b) * gap))
        # Heat equation: the derivative in a variance is half the second derivative in its argument.
        in_a = -(h * in_h + c * joint) / (2 * a)
        in_b = -(k * in_k + c * joint) / (2 * b)
        return {1: in_h, 2: in_k, 3: in_a, 4: in_b, 5: joint}[argindex]

    def _latex(self, printer: object, exp: str | None = None) -> str:
        h, k, a, b, c = (printer._print(x) for x in self.args)  # type: ignore[attr-defined]
        power = f"^{{{exp}}}" if exp is not None else ""
        return rf"\Phi_2{power}\left({h}, {k}; {a}, {b}, {c}\right)"


class exp_binormal(Atom):
    """``exp(p) P(U <= h, V <= k)``, also where the exponential overflows and the probability underflows."""

    nargs = 6
    is_nonnegative = True

    @classmethod
    def eval(cls, p: sp.Expr, *rest: sp.Expr) -> sp.Expr | None:
        return binormal(*rest) if p.is_zero else None

    @property
    def definition(self) -> sp.Expr:
        return sp.exp(self.args[0]) * binormal(*self.args[1:])

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        p, *rest = self.args
        if argindex == 1:
            return self
        terms = sp.Add.make_args(sp.expand(binormal(*rest).fdiff(argindex - 1)))
        return sp.Add(*(_exponentials_together(sp.exp(p) * term) for term in terms))

    def _latex(self, printer: object, exp: str | None = None) -> str:
        p, probability = (printer._print(e) for e in (self.args[0], binormal(*self.args[1:])))  # type: ignore[attr-defined]
        product = rf"e^{{{p}}} {probability}"
        return product if exp is None else rf"\left({product}\right)^{{{exp}}}"


class exp_ndtr(Atom):
    """``exp(p) Phi(x)``, also where the exponential overflows and the distribution function underflows."""

    nargs = 2
    is_positive = True

    @classmethod
    def eval(cls, p: sp.Expr, x: sp.Expr) -> sp.Expr | None:
        if p.is_zero:
            return ndtr(x)
        return sp.exp(p) / 2 if x.is_zero else None

    @property
    def definition(self) -> sp.Expr:
        p, x = self.args
        return sp.exp(p) * ndtr(x).definition

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        p, x = self.args
        return self if argindex == 1 else sp.exp(p - x**2 / 2) / sp.sqrt(2 * sp.pi)

    def _latex(self, printer: object, exp: str | None = None) -> str:
        p, x = (printer._print(e) for e in self.args)  # type: ignore[attr-defined]
        product = rf"e^{{{p}}} \Phi\left({x}\right)"
        return product if exp is None else rf"\left({product}\right)^{{{exp}}}"


class squared_correlation_2f1(Atom):
    """Hypergeometric function 2F1(alpha, beta; gamma; c^2/(a b)) of a covariance: what pairs of real powers give."""

    nargs = 6

    @classmethod
    def eval(cls, alpha: sp.Expr, beta: sp.Expr, gamma: sp.Expr, a: sp.Expr, b: sp.Expr, c: sp.Expr) -> sp.Expr | None:
        if alpha.is_zero or beta.is_zero or c.is_zero:
            return sp.S.One
        return cls(alpha, beta, gamma, a, b, -c) if c.could_extract_minus_sign() else None

    @property
    def definition(self) -> sp.Expr:
        alpha, beta, gamma, a, b, c = self.args
        return sp.hyper((alpha, beta), (gamma,), c**2 / (a * b))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        if argindex <= 3:
            raise ArgumentIndexError(self, argindex)
        alpha, beta, gamma, a, b, c = self.args
        slope = alpha * beta / gamma * squared_correlation_2f1(alpha + 1, beta + 1, gamma + 1, a, b, c)
        return slope * {4: -(c**2) / (a**2 * b), 5: -(c**2) / (a * b**2), 6: 2 * c / (a * b)}[argindex]

    def _latex(self, printer: object, exp: str | None = None) -> str:
        alpha, beta, gamma, a, b, c = self.args
        alpha, beta, gamma, x = (printer._print(e) for e in (alpha, beta, gamma, c**2 / (a * b)))  # type: ignore[attr-defined]
        power = f"^{{{exp}}}" if exp is not None else ""
        return rf"{{}}_{{2}}F_{{1}}{power}\left({alpha}, {beta}; {gamma}; {x}\right)"


class damped_sinh(Atom):
    """``exp(-(a + b)/2) sinh(c)`` of a covariance ((a, c), (c, b)): what E[sin(u) sin(v)] is, without overflow."""

    nargs = 3

    @classmethod
    def eval(cls, a: sp.Expr, b: sp.Expr, c: sp.Expr) -> sp.Expr | None:
        if c.is_zero:
            return sp.S.Zero
        return -cls(a, b, -c) if c.could_extract_minus_sign() else None

    @property
    def definition(self) -> sp.Expr:
        a, b, c = self.args
        return sp.exp(-(a + b) / 2) * sp.sinh(c)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return damped_cosh(*self.args) if argindex == 3 else -self / 2

    def _latex(self, printer: object, exp: str | None = None) -> str:
        return _latex_of(self, printer, exp, r"\sinh")


class damped_cosh(Atom):
    """``exp(-(a + b)/2) cosh(c)`` of a covariance ((a, c), (c, b)): what E[cos(u) cos(v)] is, without overflow."""

    nargs = 3
    is_positive = True

    @classmethod
    def eval(cls, a: sp.Expr, b: sp.Expr, c: sp.Expr) -> sp.Expr | None:
        if c.is_zero:
            return sp.exp(-(a + b) / 2)
        return cls(a, b, -c) if c.could_extract_minus_sign() else None

    @property
    def definition(self) -> sp.Expr:
        a, b, c = self.args
        return sp.exp(-(a + b) / 2) * sp.cosh(c)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return damped_sinh(*self.args) if argindex == 3 else -self / 2

    def _latex(self, printer: object, exp: str | None = None) -> str:
        return _latex_of(self, printer, exp, r"\cosh")


def _exponentials_together(term: sp.Expr) -> sp.Expr:
    """exp(p) exp(q) Phi(x)  ->  exp_ndtr(p + q, x), and exp(p) exp(q)  ->  exp(p + q)."""
    factors = sp.Mul.make_args(term)
    exponent = sp.Add(*(f.args[0] for f in factors if isinstance(f, sp.exp)))
    gates = [f for f in factors if isinstance(f, ndtr)]
    rest = sp.Mul(*(f for f in factors if not isinstance(f, sp.exp | ndtr)))
    return rest * (exp_ndtr(exponent, gates[0].args[0]) if gates else sp.exp(exponent))


def _latex_of(atom: Atom, printer: object, exp: str | None, name: str) -> str:
    a, b, c = atom.args
    exponent, argument = printer._print(-(a + b) / 2), printer._print(c)  # type: ignore[attr-defined]
    product = rf"e^{{{exponent}}} {name}\left({argument}\right)"
    return product if exp is None else rf"\left({product}\right)^{{{exp}}}"
