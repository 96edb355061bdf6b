"""Newton's method for many targets at once, its linear systems solved by preconditioned conjugate gradients."""

from __future__ import annotations

import numpy as np

from dekderive.solvers.kglm.newton import Iterate
from dekderive.solvers.kglm.problem import Problem
from dekderive.solvers.kglm.solution import Array
from dekderive.solvers.solution import Status

__all__ = ["newton_pcg"]

_HALVINGS = 50
_INNER = 200


def newton_pcg(problem: Problem, start: Array, tolerance: float, max_iterations: int) -> Iterate:
    r"""Solve for every target, with one matrix and no factorisation but its eigenvalues.

    The Newton step in the coefficients solves :math:`(\lambda I + D K) p = -(\lambda\alpha + \ell')`.  That operator
    is self-adjoint in the inner product :math:`u^T K v`, and so is the preconditioner :math:`(\lambda + cK)^{-1}`,
    which is a function of K; conjugate gradients run in that inner product and need neither K^{-1} nor a positive
    definite K.
    """
    codes = np.full(len(start), Status.MAX_STEPS.code)
    f, alpha = _begin(problem, start)
    active, previous, iterations = np.arange(len(f)), np.full(len(f), np.inf), 0
    while active.size and iterations < max_iterations:
        part, here, coefficients = problem.part(active), f[active], alpha[active]
        slope = part.slope(here)
        size = np.abs(here + part.matrix.times(slope) / part.regularisation).max(axis=1)
        scale = (1 + part.local_lipschitz(here)) * (1 + np.abs(here).max(axis=1))
        still = (size <= tolerance * scale) | ((size >= 0.5 * previous[active]) & (size <= 1e3 * tolerance * scale))
        broken = ~np.isfinite(size)
        codes[active[still]], codes[active[broken]] = 0, Status.NON_FINITE.code
        previous[active] = size
        go = ~(still | broken)
        if not go.any():
            break
        iterations += 1
        active, part = active[go], problem.part(active[go])
        here, coefficients, slope = here[go], coefficients[go], slope[go]
        direction, image = _direction(part, here, -(part.regularisation * coefficients + slope), size[go] / scale[go])
        t = _step_lengths(part, here, coefficients, image, direction, slope)
        f[active], alpha[active] = here + t[:, None] * image, coefficients + t[:, None] * direction
        stuck = t == 0.0
        codes[active[stuck]] = np.where(size[go][stuck] <= 1e6 * tolerance * scale[go][stuck], 0, codes[active[stuck]])
        active = active[~stuck]
    return Iterate(f, iterations, codes)


def _begin(problem: Problem, start: Array) -> tuple[Array, Array]:
    """0, or for each target H(start) if that is better: it is K alpha, as the start itself need not be."""
    zero = np.zeros_like(start)
    if not start.any():
        return zero, zero.copy()
    alpha = problem.slope(start) / -problem.regularisation
    f = problem.matrix.times(alpha)
    with np.errstate(all="ignore"):
        better = (problem.objective(f, alpha) < problem.objective(zero, zero))[:, None]
    return np.where(better, f, 0.0), np.where(better, alpha, 0.0)


def _direction(part: Problem, f: Array, right: Array, accuracy: Array) -> tuple[Array, Array]:
    """P and K p for every target; the residual is reduced in proportion to how near the solution already is."""
    curvature, regularisation = part.curvature(f), part.regularisation
    c = curvature.max(axis=1, keepdims=True)
    p, kp, r = np.zeros_like(right), np.zeros_like(right), right
    z = part.matrix.filtered(r, lambda k: 1 / (regularisation + c * k))
    kz = part.matrix.times(z)
    q, kq, rz = z, kz, (r * kz).sum(axis=1)
    goal = np.maximum(np.minimum(accuracy, 1e-2), 1e-14) ** 2 * rz
    for _ in range(_INNER):
        aq = regularisation * q + curvature * kq
        bend = (kq * aq).sum(axis=1)
        step = np.where((rz > goal) & (bend > 0), rz / np.where(bend > 0, bend, 1.0), 0.0)[:, None]
        if not step.any():
            break
        p, kp, r = p + step * q, kp + step * kq, r - step * aq
        z = part.matrix.filtered(r, lambda k: 1 / (regularisation + c * k))
        kz = part.matrix.times(z)
        following = (r * kz).sum(axis=1)
        ratio = np.where(rz > 0, following / np.where(rz > 0, rz, 1.0), 0.0)[:, None]
        q, kq, rz = z + ratio * q, kz + ratio * kq, following
    return p, kp


def _step_lengths(part: Problem, f: Array, alpha: Array, df: Array, da: Array, slope: Array) -> Array:
    """Armijo's rule for every target; 0 where nothing decreases the objective."""
    here = part.objective(f, alpha)
    decrease = (df * (slope + part.regularisation * alpha)).sum(axis=1)
    noise = 1e-13 * (np.abs(here) + np.abs(df * slope).sum(axis=1))
    t, searching = np.ones(len(f)), np.ones(len(f), dtype=bool)
    for _ in range(_HALVINGS):
        there = part.objective(f + t[:, None] * df, alpha + t[:, None] * da)
        searching = ~(there <= here + 1e-4 * t * decrease + noise)
        if not searching.any():
            return t
        t = np.where(searching, 0.5 * t, t)
    return np.where(searching, 0.0, t)
