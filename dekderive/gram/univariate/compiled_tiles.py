"""The same as `tiles`, compiled by numba: the extra ``fast``."""

from __future__ import annotations

import functools
import importlib.util
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dekderive.errors import MissingExtra
from dekderive.kernels.univariate import UnivariateChart, UnivariateKernel

__all__ = ["NumbaTiles", "numba_is_installed"]

Array = NDArray[Any]

_CHARTS = {UnivariateChart.ROOT: 0, UnivariateChart.SHIFTED_ROOT: 1, UnivariateChart.HALF_ANGLE: 2}

# Columns that are worked on at a time: a few arrays of this length stay in the first-level cache.
STRIP = 512


def numba_is_installed() -> bool:
    """Whether numba can be imported; it is not, here."""
    return importlib.util.find_spec("numba") is not None


def apply(slab, first, last, width, lower, h, f, g, q, chart, constants, coefficients, found):  # type: ignore[no-untyped-def]
    # Numbers written in the text would be float64: those that are needed are passed.
    one, zero, slope, offset, c, root, near = constants
    s, x, p, count = np.empty(STRIP, g.dtype), np.empty(STRIP, g.dtype), np.empty(STRIP, g.dtype), 0
    for i in range(first, last):
        hi, fi = h[i], f[i]
        end = min(width, lower + i) if lower >= 0 else width
        for begin in range(0, end, STRIP):
            m, close = min(STRIP, end - begin), 0
            for k in range(m):
                s[k] = (hi + g[begin + k]) - slab[i, begin + k]
                close += s[k] < near * (hi + g[begin + k])
            if close:
                for k in range(m):
                    if s[k] < near * (hi + g[begin + k]):
                        found[count] = (i - first) * width + begin + k
                        count += 1
                    s[k] = max(s[k], zero)
            for k in range(m):
                s[k] = math.sqrt(s[k])
            if chart == 0:
                for k in range(m):
                    x[k] = slope * s[k] + offset
            elif chart == 1:
                for k in range(m):
                    v = math.sqrt(s[k] + c)
                    s[k] = s[k] / (v * (v + root))
                    x[k] = slope * v + offset
            else:
                for k in range(m):
                    x[k] = slope * (s[k] / (root + math.sqrt(max(c - s[k] * s[k], zero)))) + offset
            p[:m] = coefficients[0]
            # Four steps of Horner's scheme for each pass over the strip, so that they run in registers.
            for n in range(1, coefficients.size, 4):
                a0, a1, a2, a3 = coefficients[n], coefficients[n + 1], coefficients[n + 2], coefficients[n + 3]
                for k in range(m):
                    p[k] = (((p[k] * x[k] + a0) * x[k] + a1) * x[k] + a2) * x[k] + a3
            for k in range(m):
                slab[i, begin + k] = (one - s[k] * p[k]) * (fi * q[begin + k])
    return count


@functools.cache
def _compiled() -> Any:
    try:
        import numba
    except ImportError as error:
        raise MissingExtra("compiled tiles need numba: pip install 'dekderive[fast]'") from error
    # No NaN and no infinity enters, and the order of additions is free; nothing else is given up.
    options: dict[str, Any] = {
        "nogil": True,
        "fastmath": {"contract", "reassoc", "nsz", "nnan"},
        "error_model": "numpy",
    }
    try:
        return numba.njit(cache=True, **options)(apply)
    except RuntimeError:  # no folder to cache in
        return numba.njit(**options)(apply)


class NumbaTiles:
    """The elementwise work on a slab of a C-contiguous matrix product; as :class:`NumPyTiles`."""

    bytes = 1 << 21  # per slab, so that the calls take no time

    def __init__(self, kernel: UnivariateKernel, dtype: Any, near: float) -> None:
        self.dtype = np.dtype(dtype)
        record = kernel.single if self.dtype == np.float32 else kernel
        self._apply = _compiled()
        self._chart = _CHARTS[record.chart]
        c = record.constant
        constants = [1.0, 0.0, record.slope, record.offset, c, math.sqrt(c), near]
        self._constants = tuple(np.array(constants, self.dtype))
        padded = [0.0] * (-record.degree % 4) + list(reversed(record.coefficients))
        self._coefficients = np.array(padded, self.dtype)

    def apply(
        self, slab: Array, width: int, left: tuple[Array, Array], right: tuple[Array, Array], diagonal: int | None
    ) -> NDArray[np.intp]:
        """Replace the products in ``slab[:, :width]`` by kernel values; below the diagonal only, where there is one."""
        found = np.empty(len(slab) * width, np.int64)
        lower = -1 if diagonal is None else diagonal
        count = self._apply(
            slab, 0, len(slab), width, lower, *left, *right, self._chart, self._constants, self._coefficients, found
        )
        return found[:count]
