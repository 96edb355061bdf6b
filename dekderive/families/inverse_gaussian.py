"""The inverse Gaussian family with known shape."""

from __future__ import annotations

import sympy as sp

from dekderive.families.arguments import Argument, label, positive, symbols_in
from dekderive.families.family import Family
from dekderive.symbols import eta

__all__ = ["inverse_gaussian"]


def inverse_gaussian(shape: Argument = 1) -> Family:
    """Return the inverse Gaussian family with known shape; A = -sqrt(-2 shape eta).

    The end 0 of the natural domain (the Lévy distribution, of infinite mean) is left out.

    Parameters
    ----------
    shape : exact positive number or positive symbol

    Examples
    --------
    >>> inverse_gaussian().log_partition_range
    Interval.open(-oo, 0)
    """
    k = positive(shape, "the shape of inverse_gaussian")
    domain = sp.Interval.open(-sp.oo, 0)
    return Family(label("inverse_gaussian", k), -sp.sqrt(-2 * k * eta), domain, parameters=symbols_in(k))
