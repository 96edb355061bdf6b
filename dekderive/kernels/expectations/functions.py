"""What is known about a function beyond its values: where it is not smooth, and how it behaves off the real line."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dekderive.errors import InvalidInput
from dekderive.kernels.elementwise import Array
from dekderive.kernels.expectations.panels import Integrand, evaluate

__all__ = ["Described", "Strip", "centred", "described", "knots_of"]

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

    @property
    def __name__(self) -> str:
        return getattr(self.function, "__name__", None) or str(self.function)


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


def described(f: Integrand) -> Described:
    """Return what is known about f.

    Examples
    --------
    >>> described(np.abs).knots
    (0.0,)
    """
    return f if isinstance(f, Described) else Described(f, knots_of(f))
