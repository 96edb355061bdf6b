"""Activations scaled to unit second moment: exactly where that is a closed form, by a certified number elsewhere."""

from __future__ import annotations

from fractions import Fraction

import sympy as sp
from mpmath.libmp import to_rational

from dekderive.certificates.expectations import enclose_mean
from dekderive.duals import mean
from dekderive.duals.numeric import NUMERIC_NODES
from dekderive.errors import InvalidInput, NoClosedForm, NotIntegrable
from dekderive.symbols import kxx, z

__all__ = ["normalised", "unit_second_moment"]

_RELATIVE = Fraction(1, 10**22)


def normalised(activation: sp.Expr) -> sp.Expr:
    r"""Scale an activation so that :math:`\mathbb E[f(u)^2] = 1` for a standard normal u.

    Where the second moment has no closed form it is enclosed in ball arithmetic, and the activation is divided by the
    root of a rational number r next to it: then :math:`|\mathbb E[f(u)^2] - 1| \le 10^{-22}` is proved.

    Parameters
    ----------
    activation : sympy.Expr
        As a function of ``z``, without other symbols.

    Returns
    -------
    sympy.Expr

    Raises
    ------
    InvalidInput
        If the second moment is 0, or depends on a parameter of unknown value.
    NotIntegrable
        If it is infinite.
    NotCertified, NotConverged
        If no proved bound covers the activation (give a scaled one instead).

    Notes
    -----
    Source: Feng and Kolter, Definition 3.1.

    Examples
    --------
    >>> from dekderive.atoms import relu
    >>> normalised(relu(z))
    sqrt(2)*relu(z)
    >>> round(float(normalised(sp.tanh(z)).coeff(sp.tanh(z))), 10)
    1.5925374197
    """
    second = unit_second_moment(activation)
    if second.free_symbols or not second.is_positive:
        raise InvalidInput(f"E[f(u)^2] of {activation} is {second}; it must be a positive number to normalise by")
    return activation / sp.sqrt(second)


def unit_second_moment(activation: sp.Expr) -> sp.Expr:
    """E[f(u)^2] for a standard normal u: a closed form, or a rational number within a relative 1e-22 of it.

    Raises
    ------
    NotIntegrable, NotCertified, NotConverged, InvalidInput
        As for :func:`normalised`.

    Examples
    --------
    >>> unit_second_moment(sp.cos(z))
    (1 + exp(2))*exp(-2)/2
    """
    strangers = activation.free_symbols - {z}
    try:
        second = sp.simplify(mean(activation, activation).subs(kxx, 1))
    except NoClosedForm:
        second = None
    if second is not None and not second.has(*NUMERIC_NODES):
        if second.is_real is False:  # the closed form, continued to a variance at which the integral diverges
            raise NotIntegrable(f"E[f(u)^2] of {activation} is infinite at unit variance")
        return second
    if strangers:
        names = ", ".join(sorted(s.name for s in strangers))
        raise InvalidInput(f"E[f(u)^2] of {activation} has no closed form; give {names} a value")
    rough = enclose_mean(activation**2, 1, radius=Fraction(1, 10**6))
    size = Fraction(float(rough)).limit_denominator(10**9) or Fraction(1, 10**9)
    found = enclose_mean(activation**2, 1, radius=size * _RELATIVE / 4)
    middle = Fraction(*to_rational(found.midpoint._mpf_))
    # A continued fraction with a denominator of q is right to 1/q^2.
    short = next(
        r for q in range(8, 40) if abs((r := middle.limit_denominator(10**q)) - middle) <= size * _RELATIVE / 4
    )
    return sp.Rational(short.numerator, short.denominator)
