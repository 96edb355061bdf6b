"""Generated functions, replayed on power series with balls as coefficients."""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, TypeAlias

from flint import arb, arb_series, ctx

from dekderive.certificates.balls import as_ball, neighbourhood
from dekderive.errors import NoClosedForm, NotCertified

# Terms of the power series of the atoms: 5^(2k) / (2k + 2)! is below 1e-40 from here on.
_TERMS = 30

__all__ = ["Series", "on_series", "power_series", "truncated"]

Series: TypeAlias = Any  # flint's arb_series


@contextmanager
def truncated(terms: int, bits: int) -> Iterator[None]:
    """Compute with series of `terms` terms and `bits` bits; both are global in flint."""
    before, ctx.cap = ctx.cap, terms
    try:
        with ctx.workprec(bits):
            yield
    finally:
        ctx.cap = before


def power_series(*coefficients: Any) -> Series:
    """Return the polynomial with these coefficients: balls, fractions, or numbers that are meant exactly."""
    return arb_series([c if isinstance(c, arb) else as_ball(Fraction(c)) for c in coefficients])


class _NumPy:
    """What generated code of homogeneous kernels uses of NumPy."""

    @property
    def pi(self) -> _Number:
        return _Number(arb_series([arb.pi()]))

    def __getattr__(self, name: str) -> Callable[..., _Number]:
        if name not in ("sqrt", "sin", "cos"):
            raise NoClosedForm(f"generated code calls np.{name}, which is not replayed on power series")
        return lambda x: _Number(getattr(_series(x), name)())


class _Special:
    """The atoms that they use, as powers of the argument times a series: their zeros at 0 do not cancel later."""

    @staticmethod
    def versine(x: Any) -> _Number:
        return _Number(_entire(_series(x), 2), 2, _series(x))

    @staticmethod
    def sin_minus_xcos(x: Any) -> _Number:
        return _Number(_entire(_series(x), 3), 3, _series(x))

    def __getattr__(self, name: str) -> Any:
        raise NoClosedForm(f"generated code calls special.{name}, which is not replayed on power series")


def _entire(x: Series, power: int) -> Series:
    r"""``(1 - cos x)/x^2`` or ``(sin x - x cos x)/x^3`` for \|x\| <= 4, by their power series.

    With n = 2k + power the terms are (-1)^k x^2k / n!, times n - 1 for the second.  Those from _TERMS on are at most
    1e-40 on the disc of radius 5, and by Cauchy's bound on discs of radius 1 so are all Taylor coefficients of their
    sum at points of modulus 4.
    """
    if not abs(x[0]) <= 4:
        raise NotCertified("angles above 4 are not replayed on power series")
    square, value = x * x, arb_series([0])
    for k in reversed(range(_TERMS)):
        n = 2 * k + power
        value = value * square + arb((-1) ** k * (n - 1 if power == 3 else 1)) / arb(math.factorial(n))
    tail = arb(0, 1e-40)
    return value + arb_series([tail] * ctx.cap)


class _Number:
    """A power of a base times a series, in Python arithmetic."""

    __slots__ = ("base", "power", "series")

    def __init__(self, series: Series, power: int = 0, base: Series = None) -> None:
        self.series, self.power, self.base = series, power, base

    def over(self, power: int) -> Series:
        """The quotient by that power of the base."""
        factor = arb_series([arb(1)])
        for _ in range(self.power - power):
            factor = factor * self.base
        return self.series * factor

    def __add__(self, other: Any) -> _Number:
        other = _number(other)
        if other.series.length() == 0:
            return self
        if self.series.length() == 0:
            return other
        power = min(self.power, other.power)
        return _Number(self.over(power) + other.over(power), power, other.base if self.base is None else self.base)

    def __mul__(self, other: Any) -> _Number:
        other = _number(other)
        return _Number(
            self.series * other.series, self.power + other.power, other.base if self.base is None else self.base
        )

    def __truediv__(self, other: Any) -> _Number:
        return _Number(self.series / _series(other), self.power, self.base)

    __radd__, __rmul__ = __add__, __mul__

    def __sub__(self, other: Any) -> _Number:
        return self + -_number(other)

    def __rsub__(self, other: Any) -> _Number:
        return -self + other

    def __rtruediv__(self, other: Any) -> _Number:
        return _number(other) / self

    def __neg__(self) -> _Number:
        return _Number(-self.series, self.power, self.base)

    def __pow__(self, n: int) -> _Number:
        result = _Number(arb_series([arb(1)]))
        for _ in range(n):
            result = result * self
        return result


def _number(value: Any) -> _Number:
    return value if isinstance(value, _Number) else _Number(power_series(value))


def _series(value: Any) -> Series:
    return _number(value).over(0)


def _literal(x: Any) -> Any:
    """A number with at most 24 binary digits is meant exactly; another one was rounded to the nearest double."""
    if isinstance(x, float) and (x * 2.0**24) % 1.0 != 0.0:
        with ctx.workprec(128):
            return _Number(power_series(neighbourhood(Fraction(x), Fraction(math.ulp(x)))))
    return x


def on_series(function: Callable[..., Any], power: int = 0) -> Callable[..., Series]:
    """Return a generated function as a function of power series.

    Parameters
    ----------
    function : callable
        From a generated module.
    power : int
        A power of the angle to divide by: the function must vanish to that order by its atoms.

    Returns
    -------
    callable
        To be called with series inside of :func:`truncated`.

    Raises
    ------
    NoClosedForm
        When called, if the code calls something else than what kernels of homogeneous activations need.

    Examples
    --------
    >>> from dekderive.kernels import deq_ntk_relu
    >>> with truncated(2, 64):
    ...     slope = on_series(deq_ntk_relu.diagonal_step.function)(*map(power_series, (0, 1, 0.5, 3, 0)))
    >>> float(slope[0])
    3.0
    """
    code = function.__code__.replace(co_consts=tuple(_literal(c) for c in function.__code__.co_consts))
    names = {"np": _NumPy(), "special": _Special()}
    replayed = types.FunctionType(code, {**function.__globals__, **names}, function.__name__, function.__defaults__)

    def call(*arguments: Series) -> Series:
        value = _number(replayed(*map(_Number, arguments)))
        if value.power < power:
            raise NoClosedForm(f"{function.__name__} does not vanish like angle^{power} term by term")
        return value.over(power)

    return call
