"""The continuous Bernoulli family: the uniform distribution on [0, 1], tilted."""

from __future__ import annotations

import sympy as sp

from dekderive.atoms import log_exprel
from dekderive.families.family import Family
from dekderive.symbols import eta

__all__ = ["continuous_bernoulli"]


def continuous_bernoulli() -> Family:
    """Return the tilted uniform distributions on [0, 1]; A = log((exp(eta) - 1) / eta).

    Notes
    -----
    Source: Loaiza-Ganem and Cunningham, The continuous Bernoulli, NeurIPS 2019.

    Examples
    --------
    >>> continuous_bernoulli().mean, continuous_bernoulli().sup_variance
    (tilted_uniform_mean(eta), 1/12)
    """
    return Family("continuous_bernoulli", log_exprel(eta), sp.Interval.open(-sp.oo, sp.oo))
