"""Functions that SymPy lacks, or that it would expand into a form which loses digits.

An atom is a name with three facts: its *definition* in elementary functions (which ball arithmetic and mpmath evaluate
at high precision), its derivative *in atoms*, and the accurate NumPy function of the same name in
``dekderive.kernels.special`` that generated code calls.  Families and activations are written with atoms, because a
pattern such as ``log(1 + exp(x))`` cannot be recognised reliably once SymPy has rearranged it.
"""

from collections.abc import Callable

import sympy as sp

__all__ = [
    "ATOMS",
    "Atom",
    "arcsine",
    "bessel_ratio",
    "dawson",
    "elu",
    "expit",
    "gelu",
    "inverse_mills",
    "langevin",
    "langevin_slope",
    "leaky_relu",
    "log_cosh",
    "log_i0",
    "log_ndtr",
    "log_sinhc",
    "ndtr",
    "relu",
    "rootgap",
    "silu",
    "sin_minus_xcos",
    "softplus",
    "step",
    "versine",
]


class Atom(sp.Function):
    """Base class of the atoms; not for users to subclass (a new activation is an expression, not a class)."""

    nargs = 1
    is_real = True
    at_zero: sp.Expr | None = None  # the value at 0 where the definition is 0/0

    @property
    def definition(self) -> sp.Expr:
        """The atom in elementary functions."""
        raise AttributeError  # pragma: no cover - every atom below defines it

    def _eval_evalf(self, prec: int) -> sp.Expr:
        if self.at_zero is not None and self.args[0].is_zero:
            return self.at_zero.evalf(n=max(1, int(prec / 3.33)))
        # 64 spare bits pay for the cancellation inside definitions such as coth(x) - 1/x near 0.
        value = self.definition.evalf(n=int((prec + 64) / 3.33), maxn=2000)
        return value._eval_evalf(prec) if value.is_number else value


def _latex_name(name: str) -> Callable[..., str]:
    def _latex(self: sp.Function, printer: object, exp: str | None = None) -> str:
        inner = ", ".join(printer._print(a) for a in self.args)  # type: ignore[attr-defined]
        power = f"^{{{exp}}}" if exp is not None else ""
        return rf"{name}{power}\left({inner}\right)"

    return _latex


def _fold(cls: type[Atom], x: sp.Expr, parity: sp.Expr) -> sp.Expr | None:
    """Use f(-x) = parity f(x) to give each value one name, and the limit where the definition is 0/0."""
    if x.is_zero:
        return cls.at_zero
    return parity * cls(-x) if x.could_extract_minus_sign() else None


class relu(Atom):
    """Positive part, ``max(x, 0)``."""

    is_nonnegative = True
    _latex = _latex_name(r"\operatorname{relu}")

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
    _latex = _latex_name(r"\operatorname{step}")

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
    _latex = _latex_name(r"\operatorname{softplus}")

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
    _latex = _latex_name(r"\operatorname{expit}")

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return sp.S.Half if x.is_zero else None

    @property
    def definition(self) -> sp.Expr:
        return 1 / (1 + sp.exp(-self.args[0]))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        # expit(-x), not 1 - expit(x): the difference loses every digit for x > 37.
        return expit(self.args[0]) * expit(-self.args[0])


class log_cosh(Atom):
    """``log(cosh(x))``."""

    is_nonnegative = True
    at_zero = sp.S.Zero
    _latex = _latex_name(r"\log\cosh")

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return _fold(cls, x, sp.S.One)

    @property
    def definition(self) -> sp.Expr:
        return sp.log(sp.cosh(self.args[0]))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.tanh(self.args[0])


class log_sinhc(Atom):
    """``log(sinh(x) / x)``, the log-partition of the uniform distribution on [-1, 1]."""

    is_nonnegative = True
    at_zero = sp.S.Zero
    _latex = _latex_name(r"\log\operatorname{sinhc}")

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return _fold(cls, x, sp.S.One)

    @property
    def definition(self) -> sp.Expr:
        (x,) = self.args
        return sp.log(sp.sinh(x) / x)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return langevin(self.args[0])


class langevin(Atom):
    """Langevin function ``coth(x) - 1/x``."""

    at_zero = sp.S.Zero
    _latex = _latex_name(r"\operatorname{L}")

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return _fold(cls, x, -sp.S.One)

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
    _latex = _latex_name(r"\operatorname{L}'")

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return _fold(cls, x, sp.S.One)

    @property
    def definition(self) -> sp.Expr:
        (x,) = self.args
        return 1 / x**2 - 1 / sp.sinh(x) ** 2

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        (x,) = self.args
        return 2 * sp.cosh(x) / sp.sinh(x) ** 3 - 2 / x**3


class ndtr(Atom):
    """Standard normal distribution function Phi."""

    is_positive = True
    _latex = _latex_name(r"\Phi")

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
    _latex = _latex_name(r"\log\Phi")

    @property
    def definition(self) -> sp.Expr:
        return sp.log(sp.erfc(-self.args[0] / sp.sqrt(2)) / 2)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return inverse_mills(self.args[0])


class inverse_mills(Atom):
    """Inverse Mills ratio ``phi(x) / Phi(x)``."""

    is_positive = True
    _latex = _latex_name(r"\frac{\varphi}{\Phi}")

    @property
    def definition(self) -> sp.Expr:
        (x,) = self.args
        return sp.exp(-(x**2) / 2) * sp.sqrt(2 / sp.pi) / sp.erfc(-x / sp.sqrt(2))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        (x,) = self.args
        return -self * (x + self)


class log_i0(Atom):
    """``log(I_0(x))``, the log-partition of the von Mises distribution."""

    is_nonnegative = True
    at_zero = sp.S.Zero
    _latex = _latex_name(r"\log I_0")

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return _fold(cls, x, sp.S.One)

    @property
    def definition(self) -> sp.Expr:
        return sp.log(sp.besseli(0, self.args[0]))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return bessel_ratio(self.args[0])


class bessel_ratio(Atom):
    """``I_1(x) / I_0(x)``."""

    at_zero = sp.S.Zero
    _latex = _latex_name(r"\frac{I_1}{I_0}")

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return _fold(cls, x, -sp.S.One)

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
    _latex = _latex_name(r"\left(\frac{I_1}{I_0}\right)'")

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return _fold(cls, x, sp.S.One)

    @property
    def definition(self) -> sp.Expr:
        (x,) = self.args
        ratio = sp.besseli(1, x) / sp.besseli(0, x)
        return 1 - ratio / x - ratio**2

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        (x,) = self.args
        ratio = bessel_ratio(x)
        return ratio / x**2 - self / x - 2 * ratio * self


class dawson(Atom):
    """Dawson's integral ``exp(-x^2) int_0^x exp(t^2) dt``: what a rectifier meets in E[sin(u) step(v)]."""

    at_zero = sp.S.Zero
    _latex = _latex_name(r"\operatorname{D}")

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return _fold(cls, x, -sp.S.One)

    @property
    def definition(self) -> sp.Expr:
        (x,) = self.args
        return sp.sqrt(sp.pi) / 2 * sp.exp(-(x**2)) * sp.erfi(x)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return 1 - 2 * self.args[0] * self


class versine(Atom):
    """``1 - cos(x)`` without its cancellation near 0."""

    is_nonnegative = True
    at_zero = sp.S.Zero
    _latex = _latex_name(r"\operatorname{vers}")

    @property
    def definition(self) -> sp.Expr:
        return 2 * sp.sin(self.args[0] / 2) ** 2

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.sin(self.args[0])


class sin_minus_xcos(Atom):
    """``sin(x) - x cos(x)``, which is x^3/3 near 0."""

    at_zero = sp.S.Zero
    _latex = _latex_name(r"\operatorname{s}_1")

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


ATOMS: tuple[type[Atom], ...] = (
    relu,
    step,
    softplus,
    expit,
    log_cosh,
    log_sinhc,
    langevin,
    langevin_slope,
    ndtr,
    log_ndtr,
    inverse_mills,
    log_i0,
    bessel_ratio,
    bessel_ratio_slope,
    dawson,
    versine,
    sin_minus_xcos,
    rootgap,
    arcsine,
)


# Activations that are combinations of atoms: functions of an expression, nothing more.


def leaky_relu(x: sp.Expr, slope: sp.Expr = sp.Rational(1, 100)) -> sp.Expr:
    """Return ``max(x, 0) + slope min(x, 0)``."""
    return relu(x) - sp.sympify(slope) * relu(-x)


def gelu(x: sp.Expr) -> sp.Expr:
    """Return ``x Phi(x)``, the Gaussian error linear unit."""
    return x * ndtr(x)


def silu(x: sp.Expr) -> sp.Expr:
    """Return ``x expit(x)``, also known as swish."""
    return x * expit(x)


def elu(x: sp.Expr) -> sp.Expr:
    """Return ``x`` for positive x and ``exp(x) - 1`` for negative x."""
    return relu(x) + step(-x) * (sp.exp(x) - 1)
