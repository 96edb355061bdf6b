"""The continuous Bernoulli family: the uniform distribution on [0, 1], tilted."""

from __future__ import annotations

import sympy as sp

from dekderive.atoms import log_sinhc
from dekderive.families.family import Family
from dekderive.symbols import eta

__all__ = ["continuous_bernoulli"]


def continuous_bernoulli() -> Family:
    """Return the tilted uniform distributions on [0, 1]; A = log((exp(eta) - 1) / eta).

    Written as eta/2 + log(sinh(eta/2) / (eta/2)), which is accurate at 0.

    Notes
    -----
    Source: Loaiza-Ganem and Cunningham, The continuous Bernoulli, NeurIPS 2019.

    Examples
    --------
    >>> continuous_bernoulli().mean, continuous_bernoulli().sup_variance
    (langevin(eta/2)/2 + 1/2, 1/12)
    """
    return Family("continuous_bernoulli", eta / 2 + log_sinhc(eta / 2), sp.Interval.open(-sp.oo, sp.oo))
