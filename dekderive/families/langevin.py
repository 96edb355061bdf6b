"""The Langevin family: the uniform distribution on [-1, 1], tilted."""

from __future__ import annotations

import sympy as sp

from dekderive.atoms import log_sinhc
from dekderive.families.family import Family
from dekderive.symbols import eta

__all__ = ["langevin"]


def langevin() -> Family:
    """Return the tilted uniform distributions on [-1, 1]; A = log(sinh(eta) / eta).

    Examples
    --------
    >>> langevin().mean, langevin().sup_variance
    (langevin(eta), 1/3)
    """
    return Family("langevin", log_sinhc(eta), sp.Interval.open(-sp.oo, sp.oo))
