"""Fixed-point iterations for many targets at once: Picard, damped Picard, majorise-minimise, and Anderson on it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dekderive.solvers.kglm.newton import Iterate
from dekderive.solvers.kglm.problem import Problem
from dekderive.solvers.kglm.solution import Array
from dekderive.solvers.solution import Status

__all__ = ["accelerated", "damped", "iterate", "majorise_minimise", "picard"]

# (f, problem of the targets that still move) -> next f
Step = Callable[[Array, Problem], Array]


def picard(problem: Problem) -> Step:
    """The map H itself: a contraction with modulus L < 1, and a 2-cycle for most larger L."""
    return lambda f, part: part.image(f)


def damped(problem: Problem) -> Step:
    r"""The map :math:`f + \beta(H(f) - f)` with :math:`\beta = 2/(2 + L)`.

    In the norm of K^{-1} the Jacobian of H is symmetric with spectrum in [-L, 0], so this one contracts with modulus
    L / (2 + L), for every L.
    """
    beta = 2 / (2 + problem.lipschitz)
    return lambda f, part: f + beta * (part.image(f) - f)


def majorise_minimise(problem: Problem) -> Step:
    r"""The minimiser of the quadratic upper bound of the loss with curvature c = sup w l'' at the predictor.

    It is :math:`f \mapsto K(\lambda + cK)^{-1}(c f - \ell')`, one matrix for all targets (Böhning and Lindsay 1988),
    and the objective decreases at every step.
    """
    c, regularisation = problem.curvature_bound, problem.regularisation
    apply = problem.matrix.filter(lambda k: k / (regularisation + c * k))
    return lambda f, part: apply(c * f - part.slope(f))


def iterate(problem: Problem, step: Step, start: Array, tolerance: float, max_iterations: int) -> Iterate:
    """Iterate until a step is below the tolerance, relative to 1 + |f|; targets that stand still are set aside."""
    f, codes = start.copy(), np.full(len(start), Status.MAX_STEPS.code)
    active, part, iterations = np.arange(len(start)), problem, 0
    while active.size and iterations < max_iterations:
        iterations += 1
        following = step(f[active], part)
        change = np.abs(following - f[active]).max(axis=1)
        f[active] = following
        still = change <= tolerance * (1 + np.abs(following).max(axis=1))
        broken = ~np.isfinite(change)
        codes[active[still]], codes[active[broken]] = 0, Status.NON_FINITE.code
        if (still | broken).any():
            active = active[~(still | broken)]
            part = problem.part(active)
    return Iterate(f, iterations, codes)


def accelerated(
    problem: Problem, step: Step, start: Array, tolerance: float, max_iterations: int, memory: int = 5
) -> Iterate:
    """Anderson acceleration of a step; a plain one where an extrapolation made the step grow."""
    result, codes = start.copy(), np.full(len(start), Status.MAX_STEPS.code)
    active, part, iterations = np.arange(len(start)), problem, 0
    f, history = start.copy(), _History(memory, start)
    while active.size and iterations < max_iterations:
        iterations += 1
        image = step(f, part)
        residual = image - f
        size = np.abs(residual).max(axis=1)
        still = size <= tolerance * (1 + np.abs(image).max(axis=1))
        broken = ~np.isfinite(size)
        done = still | broken
        codes[active[still]], codes[active[broken]] = 0, Status.NON_FINITE.code
        result[active] = image
        f = history.next(image, residual, size)
        if done.any():
            keep = ~done
            active, f = active[keep], f[keep]
            part = problem.part(active)
            history.keep(keep)
    return Iterate(result, iterations, codes)


class _History:
    """The last images and residuals of every target: (memory, targets, n)."""

    def __init__(self, memory: int, start: Array) -> None:
        self._memory = memory
        self._images: list[Array] = []
        self._residuals: list[Array] = []
        self._since = np.zeros(len(start), dtype=int)  # entries that may be used, per target
        self._best = np.full(len(start), np.inf)

    def keep(self, rows: NDArray[np.bool_]) -> None:
        self._images = [x[rows] for x in self._images]
        self._residuals = [x[rows] for x in self._residuals]
        self._since, self._best = self._since[rows], self._best[rows]

    def next(self, image: Array, residual: Array, size: Array) -> Array:
        worse = ~(size <= 2 * self._best)
        self._since = np.where(worse, 0, self._since)
        self._best = np.where(worse, size, np.minimum(size, self._best))
        following = image
        if self._images and self._since.any():
            following = image - self._correction(image, residual)
        self._images.insert(0, image)
        self._residuals.insert(0, residual)
        del self._images[self._memory :], self._residuals[self._memory :]
        self._since = np.minimum(self._since + 1, self._memory)
        return following

    def _correction(self, image: Array, residual: Array) -> Array:
        """sum_j gamma_j (image - image_j), gamma the least-squares solution for the residuals."""
        usable = np.arange(len(self._residuals))[:, None] < self._since  # (memory, targets)
        differences = np.stack([residual - r for r in self._residuals])
        differences *= usable[:, :, None]
        by_target = differences.transpose(1, 0, 2)
        normal = by_target @ by_target.transpose(0, 2, 1)
        scale = np.trace(normal, axis1=1, axis2=2)
        scale[~(scale > 0)] = 1.0
        normal = normal / scale[:, None, None] + 1e-14 * np.eye(len(self._residuals))
        right = (by_target @ residual[:, :, None]) / scale[:, None, None]
        gamma = np.linalg.solve(normal, right)[:, :, 0].T * usable
        return sum(g[:, None] * (image - old) for g, old in zip(gamma, self._images, strict=True))
