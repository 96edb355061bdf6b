"""Exponential families by name, each a function of its known parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import sympy as sp

from dekderive.errors import InvalidInput, UnknownName
from dekderive.families.bernoulli import bernoulli, binomial
from dekderive.families.continuous_bernoulli import continuous_bernoulli
from dekderive.families.family import Family
from dekderive.families.gamma import chi, exponential, gamma, half_normal
from dekderive.families.gaussian import gaussian
from dekderive.families.inverse_gaussian import inverse_gaussian
from dekderive.families.langevin import langevin
from dekderive.families.negative_binomial import geometric, negative_binomial
from dekderive.families.poisson import poisson
from dekderive.families.rademacher import rademacher
from dekderive.families.truncated_normal import truncated_normal
from dekderive.families.von_mises import von_mises

__all__ = [
    "CONSTRUCTORS",
    "EXAMPLES",
    "Family",
    "bernoulli",
    "binomial",
    "by_name",
    "chi",
    "continuous_bernoulli",
    "exponential",
    "gamma",
    "gaussian",
    "geometric",
    "half_normal",
    "inverse_gaussian",
    "ising",
    "langevin",
    "negative_binomial",
    "poisson",
    "rademacher",
    "truncated_normal",
    "von_mises",
]

ising = rademacher

# name -> (constructor, fewest and most parameters)
CONSTRUCTORS: Mapping[str, tuple[Callable[..., Family], int, int]] = {
    "bernoulli": (bernoulli, 0, 0),
    "binomial": (binomial, 1, 1),
    "chi": (chi, 1, 1),
    "continuous_bernoulli": (continuous_bernoulli, 0, 0),
    "exponential": (exponential, 0, 0),
    "gamma": (gamma, 1, 1),
    "gaussian": (gaussian, 0, 1),
    "geometric": (geometric, 0, 0),
    "half_normal": (half_normal, 0, 0),
    "inverse_gaussian": (inverse_gaussian, 0, 1),
    "ising": (ising, 0, 0),
    "langevin": (langevin, 0, 0),
    "negative_binomial": (negative_binomial, 1, 1),
    "poisson": (poisson, 0, 0),
    "rademacher": (rademacher, 0, 0),
    "truncated_normal": (truncated_normal, 0, 0),
    "von_mises": (von_mises, 0, 0),
}

# One text for `by_name` per family, with parameters that are not special.
EXAMPLES: tuple[str, ...] = (
    "bernoulli",
    "binomial(10)",
    "chi(3)",
    "continuous_bernoulli",
    "exponential",
    "gamma(5/2)",
    "gaussian",
    "gaussian(3/4)",
    "geometric",
    "half_normal",
    "inverse_gaussian(2)",
    "langevin",
    "negative_binomial(7/2)",
    "poisson",
    "rademacher",
    "truncated_normal",
    "von_mises",
)

_TEXT = re.compile(r"\s*([A-Za-z_]{1,40})\s*(?:\(([^()]{0,200})\))?\s*")
_NUMBER = re.compile(r"[+-]?(\d{1,30}(/\d{1,30})?|\d{0,30}\.\d{1,30})")


def by_name(text: str) -> Family:
    """Return a shipped family from text such as ``"poisson"``, ``"binomial(10)"`` or ``"gamma(5/2)"``.

    Parameters
    ----------
    text : str
        A name, then its parameters in brackets: whole numbers, fractions or decimals (read exactly).

    Raises
    ------
    UnknownName
        If there is no such family; the message lists those there are.
    InvalidInput
        If the parameters are not numbers, too many or too few, or outside their range.

    Examples
    --------
    >>> by_name("gamma(0.5)").log_partition
    -log(-eta)/2
    """
    match = _TEXT.fullmatch(text)
    name = match.group(1).lower() if match else text
    if match is None or name not in CONSTRUCTORS:
        raise UnknownName(
            f"no family {text!r}; known: {', '.join(CONSTRUCTORS)}, with numbers in brackets after the name"
        )
    arguments = [a.strip() for a in (match.group(2) or "").split(",") if a.strip()]
    constructor, fewest, most = CONSTRUCTORS[name]
    if not fewest <= len(arguments) <= most:
        wanted = str(fewest) if fewest == most else f"{fewest} or {most}"
        raise InvalidInput(f"family {name!r} takes {wanted} parameter(s), got {len(arguments)} in {text!r}")
    for a in arguments:
        if not _NUMBER.fullmatch(a) or re.search(r"/0+$", a):
            raise InvalidInput(f"{a!r} in {text!r} is not a number; write 3, 5/2 or 0.25")
    return constructor(*(sp.Rational(a) for a in arguments))
