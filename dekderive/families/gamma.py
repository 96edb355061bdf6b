"""The gamma family with known shape, and the families that are one under another statistic."""

from __future__ import annotations

import sympy as sp

from dekderive.families.arguments import Argument, label, positive, symbols_in
from dekderive.families.family import Family
from dekderive.symbols import eta, y

__all__ = ["chi", "exponential", "gamma", "half_normal"]


_NEGATIVE = sp.Interval.open(-sp.oo, 0)


def gamma(shape: Argument) -> Family:
    """Return the gamma family with known shape; A = -shape log(-eta), and -eta is the rate.

    Parameters
    ----------
    shape : exact positive number or positive symbol

    Examples
    --------
    >>> gamma(3).mean, gamma(3).mean_domain
    (-3/eta, Interval.open(0, oo))
    """
    k = positive(shape, "the shape of gamma")
    return Family(label("gamma", k), -k * sp.log(-eta), _NEGATIVE, parameters=symbols_in(k))


def exponential() -> Family:
    """Return the exponential family (in the narrow sense): gamma with shape 1.

    Examples
    --------
    >>> exponential().variance
    eta**(-2)
    """
    return Family("exponential", -sp.log(-eta), _NEGATIVE)


def chi(degrees: Argument) -> Family:
    """Return the chi family with known degrees of freedom and unknown scale s; T = y^2, eta = -1 / (2 s^2).

    Parameters
    ----------
    degrees : exact positive number or positive symbol

    Examples
    --------
    >>> chi(3).mean
    -3/(2*eta)
    """
    k = positive(degrees, "the degrees of freedom of chi")
    return Family(label("chi", k), -k * sp.log(-2 * eta) / 2, _NEGATIVE, statistic=y**2, parameters=symbols_in(k))


def half_normal() -> Family:
    """Return the half-normal family |N(0, s^2)| with unknown s: chi with one degree of freedom.

    Examples
    --------
    >>> half_normal().mean.subs(eta, -sp.Rational(1, 8))  # s = 2
    4
    """
    return Family("half_normal", -sp.log(-2 * eta) / 2, _NEGATIVE, statistic=y**2)
