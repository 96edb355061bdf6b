"""Where a kernel exists, as a function of the parameter that decides."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

import numpy as np

from dekderive.errors import NoFixedPoint, NotConverged
from dekderive.gram import Moments, diagonal
from dekderive.kernels.kernel import Kernel
from dekderive.kernels.layered import LayeredKernel
from dekderive.solvers.solution import Array

__all__ = ["Side", "critical_value", "deciding_parameter", "has_fixed_point", "within"]

Side: TypeAlias = Literal["above", "below"]

# More regularisation always helps; a weight variance must be small enough.
_DECIDING: Mapping[str, tuple[str, Side]] = {
    "deker": ("regularisation", "above"),
    "deq_nngp": ("weight_variance", "below"),
    "deq_ntk": ("weight_variance", "below"),
    "implicit_ck": ("weight_variance", "below"),
    "implicit_ntk": ("weight_variance", "below"),
}

# How far to stay from the value where the fixed point disappears: there its derivatives are infinite.
MARGIN = 1.05


def deciding_parameter(kernel: Kernel | LayeredKernel) -> tuple[str, Side] | None:
    """Name of the parameter on which existence of the kernel depends, and the side on which there is a fixed point.

    None for kernels of finite depth: they have no equation to solve.
    """
    return None if isinstance(kernel, LayeredKernel) else _DECIDING[kernel.model]


def has_fixed_point(
    kernel: Kernel | LayeredKernel, rows: Array, moments: Moments | None, parameters: Mapping[str, Any]
) -> bool:
    """Whether the kernel exists and is finite at all rows."""
    try:
        diagonal(kernel, rows, moments=moments, **parameters)
    except (NoFixedPoint, NotConverged):
        return False
    return True


def critical_value(exists: Callable[[float], bool], bounds: tuple[float, float], side: Side) -> float | None:
    """The end of the set of values for which something `exists`, by bisection; None if it does on all of `bounds`.

    Parameters
    ----------
    exists : callable
        Monotone: true for all values on one side of the critical one.
    bounds : (float, float)
        Where to look first; the search goes on a million times further on the side where it should exist.
    side : {"above", "below"}

    Raises
    ------
    NoFixedPoint
        If it exists nowhere.

    Examples
    --------
    >>> round(critical_value(lambda value: value >= 30, (0.1, 10.0), "above"), 2)
    30.0
    """
    bad, good = bounds if side == "above" else bounds[::-1]
    if exists(bad):
        return None
    outwards = 10.0 if side == "above" else 0.1
    for _ in range(7):
        if exists(good):
            break
        bad, good = good, good * outwards
    else:
        raise NoFixedPoint(f"there is no fixed point for any value up to {bad:.3g}; rescale the inputs")
    while abs(np.log(good / bad)) > 1e-5:
        middle = float(np.sqrt(good * bad))
        bad, good = (bad, middle) if exists(middle) else (middle, good)
    return good


def within(bounds: tuple[float, float], critical: float | None, side: Side) -> tuple[float, float]:
    """Bounds cut back to a little less than where a fixed point exists; None stands for everywhere."""
    lower, upper = bounds
    if critical is None:
        return bounds
    if side == "above":
        lower = max(lower, MARGIN * critical)
        return lower, max(upper, 100 * lower)
    upper = min(upper, critical / MARGIN)
    return min(lower, upper / 100), upper
