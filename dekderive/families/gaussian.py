"""The Gaussian family with known variance."""

from __future__ import annotations

import sympy as sp

from dekderive.families.arguments import Argument, label, positive, symbols_in
from dekderive.families.family import Family
from dekderive.symbols import eta

__all__ = ["gaussian"]


def gaussian(variance: Argument = 1) -> Family:
    """Return the Gaussian family with known variance; A = variance eta^2 / 2, and eta is mean / variance.

    Parameters
    ----------
    variance : exact positive number or positive symbol

    Examples
    --------
    >>> gaussian().mean, gaussian(2).mean, gaussian(2).log_partition_range
    (eta, 2*eta, Interval(0, oo))
    """
    v = positive(variance, "the variance of gaussian")
    return Family(label("gaussian", v), v * eta**2 / 2, sp.Interval.open(-sp.oo, sp.oo), parameters=symbols_in(v))
