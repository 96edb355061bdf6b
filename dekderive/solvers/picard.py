"""Plain iteration of a map, stopped by the Banach bound where the map is known to be a contraction."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dekderive.errors import InvalidInput
from dekderive.solvers.solution import Array, Solution, Status, worst

__all__ = ["picard"]


def picard(
    step: Callable[[Array], Any],
    start: ArrayLike,
    *,
    tolerance: float | None = None,
    max_steps: int = 1000,
    modulus: float | None = None,
    axis: int | None = None,
) -> Solution:
    r"""Iterate ``x -> step(x)`` until it stands still.

    If `step` contracts the maximum norm by a `modulus` :math:`q < 1`, Banach's theorem bounds the distance to the fixed
    point by :math:`\frac{q}{1-q} \lVert x_k - x_{k-1} \rVert_\infty`; the iteration stops on this bound, and returns
    it.  Without a modulus it stops on :math:`\lVert x_k - x_{k-1} \rVert_\infty`, which is no bound: a slow iteration
    stands almost still far from its limit.

    Parameters
    ----------
    step : callable
        The map, from arrays of the shape of `start` to such arrays.
    start : array_like
        Where to begin.  Which fixed point is reached may depend on it: a kernel whose correlation 1 is repelling (a
        slope with a jump, at coincident inputs) stays at 1 if started there, and leaves from any other start.
    tolerance : float, optional
        Relative to the largest entry of x; by default 16 times the machine epsilon.
    max_steps : int
    modulus : float, optional
        Contraction modulus in the maximum norm, in [0, 1).
    axis : int, optional
        If given, `start` holds many independent problems, and the coordinates of one problem lie along this axis;
        otherwise all of `start` is one problem.

    Returns
    -------
    Solution
        `residual` is ``|step(x) - x|`` at the last iterate but one, from which `value` was computed.  `error_bound` has
        the shape of the problems (a float for one problem), and is None without a modulus.

    Raises
    ------
    InvalidInput
        If the modulus is not in [0, 1).

    Examples
    --------
    >>> import numpy as np
    >>> fixed = picard(lambda x: 0.5 * np.cos(x), 0.0, modulus=0.5)
    >>> round(float(fixed.value), 12), bool(fixed.error_bound < 1e-14)
    (0.450183611295, True)
    """
    if modulus is not None and not 0 <= modulus < 1:
        raise InvalidInput(
            f"picard needs a modulus in [0, 1), got {modulus}; leave it out if the map is no contraction"
        )
    x, shape = as_problems(start, axis)
    if tolerance is None:
        tolerance = 16 * float(np.finfo(x.dtype).eps)
    factor = 1.0 if modulus is None else modulus / (1 - modulus)
    change = np.full(x.shape, np.inf, dtype=x.dtype)
    steps, moving = 0, np.ones(x.shape[1:], dtype=bool)
    with np.errstate(all="ignore"):
        while moving.any() and steps < max_steps:
            steps += 1
            following = shape.problems(step(shape.original(x)))
            change, x = np.where(moving, np.abs(following - x), change), np.where(moving, following, x)
            moving &= np.isfinite(x).all(axis=0)
            moving &= ~(factor * change.max(axis=0) <= tolerance * np.abs(x).max(axis=0))
        bound = None if modulus is None else shape.per_problem(factor * change.max(axis=0))
    return shape.solution(x, change, steps, moving, bound)


class Layout:
    """How `start` was laid out, and back; inside, coordinates come first and problems last."""

    def __init__(self, shape: tuple[int, ...], axis: int | None) -> None:
        self._shape, self._axis = shape, axis

    def problems(self, x: ArrayLike) -> Array:
        """Coordinates by problems."""
        x = np.asarray(x)
        if x.shape != self._shape:
            raise InvalidInput(f"step must return arrays of the shape of start, {self._shape}; it returned {x.shape}")
        return x.reshape(-1, 1) if self._axis is None else np.moveaxis(x, self._axis, 0).reshape(
            self._shape[self._axis], -1)  # fmt: skip

    def original(self, x: Array) -> Array:
        """The layout of `start`."""
        if self._axis is None:
            return x.reshape(self._shape)
        rest = self._shape[: self._axis % len(self._shape)] + self._shape[self._axis % len(self._shape) + 1 :]
        return np.moveaxis(x.reshape(x.shape[0], *rest), 0, self._axis)

    def per_problem(self, x: Array) -> Any:
        """One number for each problem, in the layout of `start` without the axis of the coordinates."""
        if self._axis is None:
            return float(x[0])
        axis = self._axis % len(self._shape)
        return x.reshape(self._shape[:axis] + self._shape[axis + 1 :])

    def solution(
        self, x: Array, change: Array, steps: int, moving: NDArray[np.bool_], bound: Array | float | None
    ) -> Solution:
        """Assemble the answer; problems that are still `moving` ran out of steps."""
        finite = np.isfinite(x).all(axis=0)
        codes = np.where(finite, np.where(moving, Status.MAX_STEPS.code, 0), Status.NON_FINITE.code).astype(np.int8)
        return Solution(
            value=self.original(np.where(finite, x, np.nan)),
            residual=self.original(change),
            steps=steps,
            status=worst(codes),
            error_bound=bound,
            state={"failed": np.asarray(self.per_problem(codes != 0), dtype=bool)},
        )


def as_problems(start: ArrayLike, axis: int | None) -> tuple[Array, Layout]:
    """Lay `start` out as coordinates by problems, in float32 if it is float32 and in float64 otherwise."""
    x = np.asarray(start)
    x = x.astype(np.float32 if x.dtype == np.float32 else np.float64)
    layout = Layout(x.shape, axis)
    return layout.problems(x), layout
