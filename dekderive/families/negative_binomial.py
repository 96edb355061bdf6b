"""The negative binomial family with known size."""

from __future__ import annotations

import sympy as sp

from dekderive.atoms import log1mexp
from dekderive.families.arguments import Argument, label, positive, symbols_in
from dekderive.families.family import Family
from dekderive.symbols import eta

__all__ = ["geometric", "negative_binomial"]


def negative_binomial(size: Argument) -> Family:
    """Return the negative binomial family on {0, 1, ...}; A = -size log(1 - exp(eta)).

    Parameters
    ----------
    size : exact positive number or positive symbol
        Number of failures (or shape of the gamma mixing distribution).

    Examples
    --------
    >>> negative_binomial(2).mean_domain
    Interval.open(0, oo)
    """
    r = positive(size, "the size of negative_binomial")
    domain = sp.Interval.open(-sp.oo, 0)
    return Family(label("negative_binomial", r), -r * log1mexp(eta), domain, parameters=symbols_in(r))


def geometric() -> Family:
    """Return the geometric family on {0, 1, ...}: the negative binomial with size 1.

    Examples
    --------
    >>> geometric().mean
    -expit(eta)/tanh(eta/2)
    """
    return Family("geometric", -log1mexp(eta), sp.Interval.open(-sp.oo, 0))
