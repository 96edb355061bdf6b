"""The Poisson family."""

from __future__ import annotations

import sympy as sp

from dekderive.families.family import Family
from dekderive.symbols import eta

__all__ = ["poisson"]


def poisson() -> Family:
    """Return the Poisson family; A = exp(eta), and eta is the logarithm of the mean.

    Examples
    --------
    >>> poisson().mean, poisson().sup_variance
    (exp(eta), oo)
    """
    return Family("poisson", sp.exp(eta), sp.Interval.open(-sp.oo, sp.oo))
