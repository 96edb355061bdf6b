"""The Bernoulli and binomial families."""

from __future__ import annotations

import sympy as sp

from dekderive.atoms import softplus
from dekderive.families.arguments import Argument, label, positive, symbols_in
from dekderive.families.family import Family
from dekderive.symbols import eta

__all__ = ["bernoulli", "binomial"]


def bernoulli() -> Family:
    """Return the Bernoulli family on {0, 1}; A = log(1 + exp(eta)), and eta is the log-odds.

    Examples
    --------
    >>> bernoulli().mean, bernoulli().sup_variance
    (expit(eta), 1/4)
    """
    return Family("bernoulli", softplus(eta), sp.Interval.open(-sp.oo, sp.oo))


def binomial(trials: Argument) -> Family:
    """Return the binomial family; A = trials log(1 + exp(eta)).

    Parameters
    ----------
    trials : positive whole number, or positive integer symbol

    Examples
    --------
    >>> binomial(10).mean_domain
    Interval.open(0, 10)
    """
    r = positive(trials, "the number of trials of binomial", integer=True)
    return Family(label("binomial", r), r * softplus(eta), sp.Interval.open(-sp.oo, sp.oo), parameters=symbols_in(r))
