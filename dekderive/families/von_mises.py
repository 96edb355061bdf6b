"""The von Mises family with known direction."""

from __future__ import annotations

import sympy as sp

from dekderive.atoms import log_i0
from dekderive.families.family import Family
from dekderive.symbols import eta, y

__all__ = ["von_mises"]


def von_mises() -> Family:
    """Return the von Mises family around the angle 0; T = cos(y), A = log I_0(eta).

    Examples
    --------
    >>> von_mises().mean, von_mises().sup_variance
    (bessel_ratio(eta), 1/2)
    """
    return Family("von_mises", log_i0(eta), sp.Interval.open(-sp.oo, sp.oo), statistic=sp.cos(y))
