"""Newton's method on many scalar equations at once, with a bracket that it cannot leave."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dekderive.errors import InvalidInput
from dekderive.solvers.solution import Array, Solution, Status, worst

__all__ = ["Roots", "find_roots", "newton"]


@dataclass(frozen=True, slots=True, eq=False)
class Roots:
    """Bare outcome of `find_roots`: the roots, a status code for each, and the iterations of the slowest."""

    x: Array
    codes: NDArray[np.int8]
    steps: int


def newton(
    residual: Callable[..., Any],
    derivative: Callable[..., Any],
    start: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    args: tuple[ArrayLike, ...] = (),
    *,
    tolerance: float | None = None,
    floor: float = 0.0,
    max_steps: int = 100,
) -> Solution:
    r"""Find where each of many scalar functions crosses zero from below, inside a bracket.

    The function counts as at most 0 at `lower` and at least 0 at `upper` *by decree*: the ends are never evaluated
    unless a start lies on them, so a root at an end is found even if rounding gives the function the wrong sign there.
    A Newton step :math:`x - F(x)/F'(x)` is taken where :math:`F'(x) > 0` and the step stays inside the bracket that
    the signs seen so far leave; otherwise the bracket is halved.  A sequence of Newton steps on which neither
    :math:`|F|` nor :math:`F'` halves has stalled and is pushed on; for a convex (or concave) increasing function
    approached from its monotone side that cannot happen, because there

    .. math:: \frac{F(x_{k+1})}{F(x_k)} + \frac{F'(x_{k+1})}{F'(x_k)} \le 1,

    so on such starts the method is Newton's, undisturbed for 15 steps.  After these, strides that do not halve count as
    stalled too: multiple roots, which Newton's method approaches linearly, are then closed in from both sides.

    Parameters
    ----------
    residual, derivative : callable
        ``residual(x, *args)``, elementwise; converged entries are dropped from `x` and `args` as the iteration goes on.
    start, lower, upper : array_like
        Start and bracket of every equation; broadcast against each other and against `args`.
    args : tuple of array_like
        Coefficients of the equations.
    tolerance : float, optional
        A step of at most ``tolerance * |x| + floor`` ends the iteration; 4 times the machine epsilon by default.
    floor : float
        Absolute part of the tolerance.  With 0, roots near 0 keep their relative accuracy.
    max_steps : int

    Returns
    -------
    Solution
        `residual` is ``|F(value)|``.  `error_bound` is None: that a sign change holds the *only* root is a fact about
        F, which this function does not know.

    Raises
    ------
    InvalidInput
        If a bracket is empty or not finite.

    Examples
    --------
    Kepler's equation for many planets; the second one sits at the end of its bracket.

    >>> import numpy as np
    >>> anomaly = np.array([1.0, 0.0])
    >>> found = newton(lambda x, m: x - 0.5 * np.sin(x) - m, lambda x, m: 1 - 0.5 * np.cos(x),
    ...                start=1.5, lower=0.0, upper=np.pi, args=(anomaly,), floor=1e-15)
    >>> found.value
    array([1.49870113, 0.        ])
    """
    # A float32 start is solved in float32, any other (integers included) in float64.
    kind = np.float32 if np.asarray(start).dtype == np.float32 else np.float64
    pieces = [np.asarray(a, dtype=kind) for a in (start, lower, upper, *args)]
    x, lo, hi, *columns = np.broadcast_arrays(*pieces)
    if not (np.isfinite(lo).all() and np.isfinite(hi).all() and (lo <= hi).all()):
        raise InvalidInput("newton needs brackets with finite ends and lower <= upper; some are empty or not finite")
    flat: list[Array] = [c.ravel() for c in columns]
    with np.errstate(all="ignore"):
        roots = find_roots(
            residual, derivative, x.ravel(), lo.ravel(), hi.ravel(), flat, tolerance=tolerance, floor=floor,
            max_steps=max_steps,
        )  # fmt: skip
        size = np.abs(np.asarray(residual(roots.x, *flat), dtype=kind))
    return Solution(
        value=roots.x.reshape(x.shape),
        residual=size.reshape(x.shape),
        steps=roots.steps,
        status=worst(roots.codes),
        state={"failed": (roots.codes != 0).reshape(x.shape)},
    )


def find_roots(
    residual: Callable[..., Any],
    derivative: Callable[..., Any],
    start: Array,
    lower: Array,
    upper: Array,
    columns: list[Array],
    *,
    tolerance: float | None = None,
    floor: float = 0.0,
    max_steps: int = 100,
) -> Roots:
    """The work of `newton` on one-dimensional arrays of one dtype, without checks (see there)."""
    if tolerance is None:
        tolerance = 4 * float(np.finfo(start.dtype).eps)
    x = np.where(np.isfinite(start), np.clip(start, lower, upper), 0.5 * (lower + upper))
    roots, codes = x.copy(), np.full(x.shape, Status.MAX_STEPS.code, dtype=np.int8)
    index, live = np.arange(x.size), np.ones(x.shape, dtype=bool)
    work = _Iterates.at(x, lower.copy(), upper.copy())
    steps = 0
    while live.any() and steps < max_steps:
        steps += 1
        f = np.asarray(residual(work.x, *columns))
        done = work.advance(f, np.asarray(derivative(work.x, *columns)), tolerance, floor, patient=steps <= 15)
        broken = ~np.isfinite(f)
        ended = live & (done | broken)
        if ended.any():
            codes[index[ended]] = np.where(broken[ended], Status.NON_FINITE.code, Status.CONVERGED.code)
            roots[index[ended]] = np.where(broken[ended], np.nan, work.x[ended])
            live &= ~ended
            if 4 * np.count_nonzero(live) < 3 * live.size:  # copying the rest pays once a quarter of it is idle
                index, columns, work = index[live], [c[live] for c in columns], work.select(live)
                live = np.ones(index.shape, dtype=bool)
    roots[index[live]] = work.x[live]
    return Roots(roots, codes, steps)


@dataclass(slots=True, eq=False)
class _Iterates:
    """The equations still at work: the point, the bracket, and what the last step looked like."""

    x: Array
    lower: Array
    upper: Array
    value: Array  # |F| one step ago; infinite after a step that was not Newton's
    slope: Array  # F' one step ago
    stride: Array  # length of the last Newton step; 0 where there was none, so that it predicts nothing
    pushed: NDArray[np.bool_]

    @classmethod
    def at(cls, x: Array, lower: Array, upper: Array) -> "_Iterates":
        nothing = np.full_like(x, np.inf)
        return cls(x, lower, upper, nothing, nothing, np.zeros_like(x), np.zeros(x.shape, dtype=bool))

    def select(self, keep: NDArray[np.bool_]) -> "_Iterates":
        return _Iterates(
            self.x[keep], self.lower[keep], self.upper[keep], self.value[keep], self.slope[keep], self.stride[keep],
            self.pushed[keep],
        )  # fmt: skip

    def advance(self, f: Array, slope: Array, tolerance: float, floor: float, patient: bool) -> NDArray[np.bool_]:
        """Move every point once and say which of them are now roots to within the tolerance."""
        # F' > 0 at a crossing from below; a zero of F with F' < 0 is a crossing from above, and repelling.
        sane = (slope > 0) & (slope < np.inf)
        root = (f == 0) & (slope >= 0)
        below = f < 0
        np.copyto(self.lower, self.x, where=below | root)
        np.copyto(self.upper, self.x, where=~below)
        step = -f / slope
        size, length = np.abs(f), np.abs(step)
        target = self.x + step
        small = tolerance * np.abs(self.x) + floor
        newtonian = sane & (target > self.lower) & (target < self.upper)
        # Newton's errors square: the next step would have about length^3 / stride^2, which may be negligible already.
        # Where the last step happened to pass an inflection it says too little: length^2 must be small as well.
        ratio = length / self.stride
        settled = newtonian & (ratio <= 0.05) & (length * ratio * ratio <= small / 4)
        settled &= length * length <= small * np.abs(self.x)
        done = root | settled | (sane & (length <= small)) | (self.upper - self.lower <= small)
        stalled = (size > self.value / 2) & (slope > self.slope / 2)
        if not patient:
            stalled |= ratio > 0.5
        stalled &= newtonian & ~done
        self._move(target, step, newtonian, stalled, sane & done)
        self.stride = np.where(newtonian & ~stalled, length, 0)
        self.value = np.where(newtonian, size, np.inf)
        self.slope = slope
        return done

    def _move(
        self,
        target: Array,
        step: Array,
        newtonian: NDArray[np.bool_],
        stalled: NDArray[np.bool_],
        last: NDArray[np.bool_],
    ) -> None:
        if newtonian.all() and not stalled.any():
            self.x, self.pushed = target, stalled
            return
        middle = self.lower + 0.5 * (self.upper - self.lower)
        moved = np.where(newtonian, target, np.where(last, np.clip(target, self.lower, self.upper), middle))
        if stalled.any():
            # Rounding noise, or a multiple root: overstep once to catch the crossing from the other side, then halve.
            beyond = self.x + 8 * step
            caught = (beyond > self.lower) & (beyond < self.upper) & ~self.pushed
            moved = np.where(stalled, np.where(caught, beyond, middle), moved)
        self.pushed = stalled & ~self.pushed
        self.x = moved
