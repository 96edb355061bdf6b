"""Arguments of the shipped families: exact numbers, or symbols that become parameters."""

from __future__ import annotations

from fractions import Fraction
from typing import TypeAlias

import sympy as sp

from dekderive.certificates.enclosure import as_exact
from dekderive.errors import InvalidInput

__all__ = ["Argument", "label", "positive", "symbols_in"]

Argument: TypeAlias = int | Fraction | sp.Expr


def positive(value: Argument, what: str, *, integer: bool = False) -> sp.Expr:
    """Return a positive (whole) number, or a symbol that is known to be one.

    Raises
    ------
    InvalidInput
        Otherwise; `what` says which argument of which family is meant.
    """
    kind = "a positive whole number" if integer else "a positive number"
    if isinstance(value, sp.Symbol):
        if not value.is_positive or (integer and not value.is_integer):
            assumptions = "positive=True, integer=True" if integer else "positive=True"
            raise InvalidInput(
                f"{what} must be {kind}; declare it as dekderive.parameter({value.name!r}, {assumptions})"
            )
        return value
    number = as_exact(value)
    if not number.is_positive or (integer and not number.is_integer):
        raise InvalidInput(f"{what} must be {kind}, got {value}")
    return number


def symbols_in(*values: sp.Expr) -> tuple[sp.Symbol, ...]:
    """Return the symbols among the arguments, in order: the parameters of the family."""
    return tuple(v for v in values if isinstance(v, sp.Symbol))


def label(name: str, *values: sp.Expr) -> str:
    """Return an identifier such as ``binomial_10`` or ``gamma_3_2``; symbols are left out, as is a default of 1.

    Examples
    --------
    >>> label("gamma", sp.Rational(3, 2)), label("gaussian", sp.S.One)
    ('gamma_3_2', 'gaussian')
    """
    known = [str(v) for v in values if v != 1 and not isinstance(v, sp.Symbol)]
    return "_".join([name, *("".join(c if c.isalnum() else "_" for c in v).strip("_") for v in known)])
