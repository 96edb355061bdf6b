"""What is known about a function beyond its values: where it is not smooth, and how it behaves off the real line."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import numpy as np

from dekderive.errors import InvalidInput
from dekderive.kernels.elementwise import Array
from dekderive.kernels.expectations.panels import Integrand, evaluate

__all__ = ["Described", "Strip", "analytic", "centred", "knots_of", "piecewise"]

_ORIGIN = (0.0,)


@dataclass(frozen=True)
class Strip:
    r"""A bound off the real line: :math:`|f(x + i y)| \le A + C |x|^p` for :math:`|y| \le d`, f analytic there.

    Attributes
    ----------
    width : float
        d, positive.
    constant, factor : float
        A and C, not negative.
    power : float
        p, not negative.
    """

    width: float
    constant: float
    factor: float = 0.0
    power: float = 0.0

    def __post_init__(self) -> None:
        numbers = (self.width, self.constant, self.factor, self.power)
        if not (all(map(math.isfinite, numbers)) and self.width > 0 and min(numbers[1:]) >= 0):
            raise InvalidInput(f"a strip bound needs a positive width and non-negative finite numbers, got {numbers}")


@dataclass(frozen=True)
class Described:
    """A function with what is known about it.

    Attributes
    ----------
    function : callable
        Elementwise, pure, hashable.
    knots : tuple of float
        Ascending: the only points at which the function may have a kink or a jump.
    strip : Strip or None
        Only for functions without knots.
    mixture : tuple of (str, float, float)
        The terms of a function of logistic type, see `dekderive.kernels.expectations.mixtures`.

    Examples
    --------
    >>> clip = Described(lambda z: np.clip(z, -1.0, 1.0), knots=(-1.0, 1.0))
    >>> clip(np.array([-3.0, 0.5]))
    array([-1. ,  0.5])
    """

    function: Integrand
    knots: tuple[float, ...] = ()
    strip: Strip | None = None
    mixture: tuple[tuple[str, float, float], ...] = ()

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, self.knots)) or list(self.knots) != sorted(set(self.knots)):
            raise InvalidInput(f"knots must be finite and ascending, got {self.knots}")
        if self.knots and self.strip is not None:
            raise InvalidInput("a function with knots is not analytic in a strip")

    def __call__(self, u: Array) -> Array:
        """Evaluate."""
        return evaluate(self.function, np.asarray(u, dtype=np.float64))

    def __reduce__(self) -> tuple[object, ...]:
        # A decorated function of a module pickles by its name, as the plain function would have done.
        module, name = getattr(self.function, "__module__", ""), getattr(self.function, "__qualname__", "")
        if module in sys.modules and getattr(sys.modules[module], name, None) is self:
            return _imported, (module, name)
        return Described, (self.function, self.knots, self.strip, self.mixture)

    @property
    def __name__(self) -> str:
        return getattr(self.function, "__name__", None) or str(self.function)


def _imported(module: str, name: str) -> object:
    return getattr(import_module(module), name)


def knots_of(f: Integrand) -> tuple[float, ...]:
    """Return where a function may fail to be smooth: what it says itself; otherwise 0.

    Examples
    --------
    >>> knots_of(np.abs), knots_of(Described(np.tanh))
    ((0.0,), ())
    """
    return tuple(getattr(f, "knots", _ORIGIN))


def centred(*functions: Integrand) -> bool:
    """Whether the functions are smooth on either side of 0."""
    return all(not any(knots_of(f)) for f in functions)


def analytic(
    width: float,
    constant: float,
    factor: float = 0.0,
    power: float = 0.0,
    terms: tuple[tuple[str, float, float], ...] = (),
) -> Callable[[Integrand], Described]:
    r"""Return a decorator that states a bound off the real line, :math:`|f(x + i y)| \le A + C |x|^p` for |y| <= d.

    With it the errors of quadratures are theorems (see `dekderive.kernels.hermite.certified_dual`).  The bound is
    taken on trust here; the workshop proves it (``dekderive.certificates.strips``).

    Parameters
    ----------
    width, constant, factor, power : float
        d, A, C and p.
    terms : tuple of (str, float, float)
        For a function of logistic type, what it is a sum of: a base (``"expit"``, ``"softplus"``, ``"silu"``,
        ``"constant"``, ``"linear"``; see ``dekderive.kernels.expectations.mixtures``), its rate, its coefficient.

    Returns
    -------
    callable

    Raises
    ------
    InvalidInput
        If the numbers are no bound.

    Examples
    --------
    >>> from dekderive.kernels.hermite import certified_dual
    >>> @analytic(1.5, 15.0, terms=(("expit", 2.0, 2.0), ("constant", 0.0, -1.0)))
    ... def tanh(z):
    ...     return np.tanh(z)
    >>> value, bound, proved = certified_dual(tanh, tanh, 1e4, 1e4, 9999.0)
    >>> bool(bound < 1e-13), bool(proved)
    (True, True)
    """
    strip = Strip(float(width), float(constant), float(factor), float(power))
    return lambda function: Described(function, strip=strip, mixture=tuple(terms))


def piecewise(*knots: float) -> Callable[[Integrand], Described]:
    """Return a decorator that says where a function may have kinks and jumps: at these points and nowhere else.

    Parameters
    ----------
    *knots : float

    Returns
    -------
    callable
        From a function to one that the expectations of this module treat as smooth between its knots.

    Raises
    ------
    InvalidInput
        If a knot is not finite.

    Examples
    --------
    >>> from dekderive.kernels.hermite import dual
    >>> @piecewise(-1.0, 1.0)
    ... def clip(z):
    ...     return np.clip(z, -1.0, 1.0)
    >>> round(float(dual(clip, clip, 1.0, 1.0, 1.0)), 12)  # E[clip(u)^2]
    0.516058550962
    """
    ascending = tuple(sorted({float(k) for k in knots}))
    return lambda function: Described(function, knots=ascending)
