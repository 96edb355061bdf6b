"""The variance of a unit at equilibrium: one scalar equation, solved inside a bracket."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from dekderive.kernels.elementwise import Array

__all__ = ["equilibrium_variance"]

_FACTOR = 2.0**0.25  # from one point of the scan to the next
_BATCH = 16  # points of the scan at a time
_BATCHES = 16  # up to 2^64 times the injected variance
_STEPS = 60


def equilibrium_variance(
    variance: Callable[[Array], Array], slope: Callable[[Array], Array], weight: float, injected: float
) -> float:
    r"""Return the smallest q with :math:`q = w V(q) + i`.

    Parameters
    ----------
    variance, slope : callable
        :math:`V \ge 0` and its derivative, of one-dimensional arrays.
    weight, injected : float
        w and i.

    Returns
    -------
    float
        NaN where w is negative or i is not positive, where no solution is found below :math:`2^{64} i`, and where
        :math:`w V'(q) \ge 1` at the solution: there it is repelling, or ceases to exist.

    Notes
    -----
    :math:`q - w V(q) - i` is not positive at q = i, so the first change of sign above it is the smallest solution, up
    to pairs of solutions between two points of a scan in steps of :math:`2^{1/4}`.

    Examples
    --------
    >>> round(equilibrium_variance(lambda q: 0.5 * q, lambda q: 0.5 + 0 * q, 1.0, 3.0), 12)
    6.0
    """
    if not (math.isfinite(weight) and weight >= 0 and 0 < injected < math.inf):
        return math.nan
    if weight == 0:
        return float(injected)

    def excess(q: float) -> float:
        return float(q - weight * variance(np.array([q]))[0] - injected)

    low, high = _bracket(variance, weight, injected)
    if not high < math.inf:
        return math.nan
    q = high
    for _ in range(_STEPS):
        rise = 1.0 - weight * float(slope(np.array([q]))[0])
        value = excess(q)
        low, high = (q, high) if value < 0 else (low, q)
        following = q - value / rise if rise > 0 else 0.5 * (low + high)
        if not low <= following <= high:
            following = 0.5 * (low + high)
        if abs(following - q) <= 2.0 * np.spacing(q):
            q = following
            break
        q = following
    return q if weight * float(slope(np.array([q]))[0]) < 1 else math.nan


def _bracket(variance: Callable[[Array], Array], weight: float, injected: float) -> tuple[float, float]:
    """Neighbours on the scan between which the equation changes its sign for the first time; infinity without one."""
    below = injected
    for batch in range(_BATCHES):
        steps = np.arange(1 + batch * _BATCH, 1 + (batch + 1) * _BATCH, dtype=np.float64)
        points: Array = np.asarray(injected * _FACTOR**steps, dtype=np.float64)
        with np.errstate(all="ignore"):
            reached = points - weight * variance(points) >= injected
        if reached.any():
            first = int(np.argmax(reached))
            return (float(points[first - 1]) if first else below), float(points[first])
        below = float(points[-1])
    return below, math.inf
