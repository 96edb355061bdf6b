"""The Rademacher family, also called Ising: a spin in a field."""

from __future__ import annotations

import sympy as sp

from dekderive.atoms import log_cosh
from dekderive.families.family import Family
from dekderive.symbols import eta

__all__ = ["rademacher"]


def rademacher() -> Family:
    """Return the family on {-1, +1}; A = log cosh(eta).

    Examples
    --------
    >>> rademacher().mean, rademacher().variance, rademacher().is_even
    (tanh(eta), cosh(eta)**(-2), True)
    """
    return Family("rademacher", log_cosh(eta), sp.Interval.open(-sp.oo, sp.oo))
