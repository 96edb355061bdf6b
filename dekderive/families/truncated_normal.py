"""The normal distribution with variance 1, truncated to [0, oo)."""

from __future__ import annotations

import sympy as sp

from dekderive.atoms import truncated_normal_log_partition
from dekderive.families.family import Family
from dekderive.symbols import eta

__all__ = ["truncated_normal"]


def truncated_normal() -> Family:
    """Return N(eta, 1) truncated to [0, oo); A = eta^2 / 2 + log Phi(eta).  Its mean is a smooth rectifier.

    Examples
    --------
    >>> truncated_normal().mean_domain, truncated_normal().sup_variance
    (Interval.open(0, oo), 1)
    """
    return Family("truncated_normal", truncated_normal_log_partition(eta), sp.Interval.open(-sp.oo, sp.oo))
