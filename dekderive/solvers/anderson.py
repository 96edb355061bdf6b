"""Anderson acceleration of a fixed-point iteration, for one problem or for many small ones at once."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dekderive.errors import InvalidInput
from dekderive.solvers.picard import as_problems
from dekderive.solvers.solution import Array, Solution

__all__ = ["anderson"]


def anderson(
    step: Callable[[Array], Any],
    start: ArrayLike,
    *,
    memory: int = 5,
    regularisation: float = 1e-12,
    tolerance: float | None = None,
    max_steps: int = 1000,
    axis: int | None = None,
) -> Solution:
    r"""Iterate ``x -> step(x)``, extrapolating from the last few iterates.

    With :math:`f_k = g(x_k) - x_k` and the differences :math:`\Delta f`, :math:`\Delta g` of the last `memory` steps,

    .. math:: x_{k+1} = g(x_k) - \Delta g\,\gamma,\qquad
              \gamma = \arg\min \lVert f_k - \Delta f\,\gamma \rVert^2 + \epsilon \operatorname{tr}(\Delta f^T \Delta f)
              \lVert \gamma \rVert^2 .

    Where an extrapolation doubles the residual or is not finite, the memory of that problem is cleared and a plain step
    is taken.  There is no theorem that this converges, so there is no error bound.

    Parameters
    ----------
    step, start, tolerance, max_steps, axis
        As for :func:`dekderive.solvers.picard`; the iteration stops on ``max|step(x) - x|``, relative to ``max|x|``.
    memory : int
        Number of differences kept, at least 1.
    regularisation : float
        The :math:`\epsilon` above, relative to the trace of the normal equations.

    Returns
    -------
    Solution
        `residual` is ``|step(x) - x|`` at the iterate from which `value` was computed; `error_bound` is None.

    Raises
    ------
    InvalidInput
        If `memory` is less than 1.

    References
    ----------
    H. F. Walker and P. Ni, "Anderson acceleration for fixed-point iterations", SIAM J. Numer. Anal. 49 (2011).

    Examples
    --------
    >>> import numpy as np
    >>> fixed = anderson(np.cos, np.array([0.5]))
    >>> fixed.value.round(12), fixed.steps < 12
    (array([0.73908513]), True)
    """
    if memory < 1:
        raise InvalidInput(f"anderson needs a memory of at least 1, got {memory}")
    x, layout = as_problems(start, axis)
    if tolerance is None:
        tolerance = 16 * float(np.finfo(x.dtype).eps)
    history = _History(x, memory, regularisation)
    previous = np.full(x.shape[1:], np.inf, dtype=x.dtype)
    change = np.full(x.shape, np.inf, dtype=x.dtype)
    steps, moving = 0, np.ones(x.shape[1:], dtype=bool)
    with np.errstate(all="ignore"):
        while moving.any() and steps < max_steps:
            steps += 1
            image = layout.problems(step(layout.original(x)))
            f = image - x
            size = np.abs(f).max(axis=0)
            worse = ~(size <= 2 * previous)  # also true for NaN
            retreat = moving & worse & history.used  # an extrapolation is to blame, not the map: go back and forget
            x, f, image = (np.where(retreat, old, new) for old, new in zip(history.last, (x, f, image), strict=True))
            change = np.where(moving & ~retreat, np.abs(f), change)
            previous = np.where(retreat, previous, np.where(moving, size, previous))
            still = moving & ~retreat & (size <= tolerance * np.abs(image).max(axis=0))
            broken = moving & ~retreat & ~np.isfinite(image).all(axis=0)
            following = history.extrapolate(x, f, image, retreat)
            x = np.where(still | broken, image, np.where(moving, following, x))
            moving &= ~(still | broken)
    return layout.solution(x, change, steps, moving, None)


class _History:
    """The last differences of every problem, as (memory, coordinates, problems)."""

    def __init__(self, x: Array, memory: int, regularisation: float) -> None:
        self.df = np.zeros((memory, *x.shape), dtype=x.dtype)
        self.dg = np.zeros_like(self.df)
        self.last = (x, np.zeros_like(x), x)
        self.used = np.zeros(x.shape[1:], dtype=bool)  # whether the current point came from an extrapolation
        self._begun = False
        self._epsilon = max(regularisation, float(np.finfo(x.dtype).eps))

    def extrapolate(self, x: Array, f: Array, image: Array, forget: NDArray[np.bool_]) -> Array:
        """The next point; a plain step for the problems that must `forget`."""
        if self._begun:
            self.df, self.dg = np.roll(self.df, 1, axis=0), np.roll(self.dg, 1, axis=0)
            self.df[0], self.dg[0] = f - self.last[1], image - self.last[2]
        self.df[:, :, forget] = self.dg[:, :, forget] = 0.0
        self._begun, self.last = True, (x, f, image)
        scale = np.abs(self.df).max(axis=(0, 1))
        known = (scale > 0) & np.isfinite(scale)
        df = np.where(known, self.df / scale, 0.0)  # of order 1, so that its squares neither underflow nor overflow
        normal = np.einsum("ain,bin->nab", df, df)
        weight = self._epsilon * np.where(known, np.trace(normal, axis1=1, axis2=2), 1.0)
        normal += weight[:, None, None] * np.eye(len(df), dtype=x.dtype)
        right = np.where(known[:, None], np.einsum("ain,in->na", df, f / scale), 0.0)
        gamma = np.linalg.solve(normal, np.nan_to_num(right)[..., None])[..., 0]
        following = image - np.einsum("ain,na->in", self.dg, gamma)
        self.used = known & np.isfinite(following).all(axis=0)
        return np.where(self.used, following, image)
