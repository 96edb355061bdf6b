"""Generated functions, replayed on balls: the same code, with NumPy and the special functions exchanged.

A generated function is straight-line code over ``np`` and ``special``.  With these two names bound to ball arithmetic
it returns enclosures of its own formula.  A literal with many digits stands for an irrational constant that was rounded
when the text was printed, so it is read as a ball that contains whatever rounds to it.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import sympy as sp

from dekderive import atoms
from dekderive.certificates.balls import Ball, as_ball, evaluate, integer_power, neighbourhood, working_precision
from dekderive.errors import NoClosedForm

__all__ = ["on_balls"]

_FUNCTIONS = {
    "sqrt": sp.sqrt,
    "exp": sp.exp,
    "log": sp.log,
    "sin": sp.sin,
    "cos": sp.cos,
    "tan": sp.tan,
    "arcsin": sp.asin,
    "arccos": sp.acos,
    "arctan": sp.atan,
    "sinh": sp.sinh,
    "cosh": sp.cosh,
    "tanh": sp.tanh,
    "arcsinh": sp.asinh,
    "arccosh": sp.acosh,
    "abs": sp.Abs,
    "sign": sp.sign,
    "minimum": sp.Min,
    "maximum": sp.Max,
}
_ARGUMENTS = sp.symbols("argument_0:6", real=True)


class _NumPy:
    """What generated code uses of NumPy."""

    @property
    def pi(self) -> _Number:
        return _Number(as_ball(sp.pi))

    def __getattr__(self, name: str) -> Callable[..., _Number]:
        if name not in _FUNCTIONS:
            raise NoClosedForm(f"generated code calls np.{name}, which has no enclosure")
        return _enclosed(_FUNCTIONS[name])


class _Special:
    """The atoms, by the names of their NumPy functions."""

    def __getattr__(self, name: str) -> Callable[..., _Number]:
        function = getattr(atoms, name, None) or {"erf": sp.erf, "erfc": sp.erfc, "lambertw": sp.LambertW}.get(name)
        if function is None:
            raise NoClosedForm(f"generated code calls special.{name}, which has no enclosure")
        return _enclosed(function)


class _Refused:
    """Modules without enclosures: expectations by series, implicit functions."""

    def __getattr__(self, name: str) -> Callable[..., _Number]:
        raise NoClosedForm(
            f"the kernel calls {name}, a numerical expectation or inverse: its solutions have no enclosure yet"
        )


def _enclosed(function: Callable[..., sp.Expr]) -> Callable[..., _Number]:
    def call(*values: Any) -> _Number:
        symbols = _ARGUMENTS[: len(values)]
        return _Number(evaluate(function(*symbols), dict(zip(symbols, map(_ball, values), strict=True))))

    return call


def _literal(x: Any) -> Any:
    """A number with at most 24 binary digits is meant exactly; another one was rounded to the nearest double."""
    if isinstance(x, float) and (x * 2.0**24) % 1.0 != 0.0:
        with working_precision(128):
            return _Number(neighbourhood(Fraction(x), Fraction(math.ulp(x))))
    return x


class _Number:
    """A ball in Python arithmetic; powers by products, because a power of a ball around 0 is NaN in python-flint."""

    __slots__ = ("ball",)

    def __init__(self, ball: Ball) -> None:
        self.ball = ball

    def __add__(self, other: Any) -> _Number:
        return _Number(self.ball + _ball(other))

    def __sub__(self, other: Any) -> _Number:
        return _Number(self.ball - _ball(other))

    def __mul__(self, other: Any) -> _Number:
        return _Number(self.ball * _ball(other))

    def __truediv__(self, other: Any) -> _Number:
        return _Number(self.ball / _ball(other))

    def __rsub__(self, other: Any) -> _Number:
        return _Number(_ball(other) - self.ball)

    def __rtruediv__(self, other: Any) -> _Number:
        return _Number(_ball(other) / self.ball)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> _Number:
        return _Number(-self.ball)

    def __pow__(self, n: int) -> _Number:
        return _Number(integer_power(self.ball, n) if n >= 0 else 1 / integer_power(self.ball, -n))


def _ball(value: Any) -> Ball:
    return value.ball if isinstance(value, _Number) else as_ball(Fraction(value))


def on_balls(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a generated function as a function of balls.

    Parameters
    ----------
    function : callable
        From a generated module.

    Returns
    -------
    callable
        To be called with balls inside of ``working_precision``.

    Raises
    ------
    NoClosedForm
        When called, if the code calls something that has no enclosure.

    Examples
    --------
    >>> from dekderive.certificates.balls import as_ball, working_precision
    >>> from dekderive.kernels import deq_ntk_relu
    >>> with working_precision(100):
    ...     value = on_balls(deq_ntk_relu.diagonal_step.function)(*map(as_ball, map(sp.Rational, (2, 1, "1/2", 3, 1))))
    >>> float(value)
    5.0
    """
    code = function.__code__.replace(co_consts=tuple(_literal(c) for c in function.__code__.co_consts))
    names = {"np": _NumPy(), "special": _Special(), "hermite": _Refused(), "implicit": _Refused()}
    replayed = types.FunctionType(code, {**function.__globals__, **names}, function.__name__, function.__defaults__)

    def call(*balls: Ball) -> Any:
        value = replayed(*map(_Number, balls))
        return tuple(map(_ball, value)) if isinstance(value, tuple) else _ball(value)

    return call
