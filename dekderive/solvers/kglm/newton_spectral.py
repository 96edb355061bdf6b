"""Newton's method in coordinates of the range of K: for tiny regularisation, and for kernels of low rank."""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from dekderive.errors import InvalidInput
from dekderive.solvers.kglm.matrices import Dense
from dekderive.solvers.kglm.newton import Iterate
from dekderive.solvers.kglm.problem import Problem
from dekderive.solvers.kglm.solution import Array
from dekderive.solvers.solution import Status

__all__ = ["newton_spectral"]

_HALVINGS = 50


def newton_spectral(problem: Problem, tolerance: float, max_iterations: int) -> Iterate:
    r"""Solve for the first target with f = R v, K = R R^T, by Newton's method in v.

    The objective is :math:`\sum w\ell + \frac\lambda2 v^Tv`.  The coefficients alpha are of the size 1 / lambda, and
    f = K alpha loses as many digits as lambda is small; v is of the size of f.  Eigenvalues below rounding
    are left out: they are not known.
    """
    assert isinstance(problem.matrix, Dense)
    values, vectors = problem.matrix.spectrum
    keep = values > len(values) * np.finfo(float).eps * values[-1]
    root = vectors[:, keep] * np.sqrt(values[keep])
    v, code, iterations = np.zeros(root.shape[1]), Status.MAX_STEPS.code, 0
    previous = np.inf
    while iterations < max_iterations:
        f = root @ v
        slope = problem.slope(f[None])[0]
        gradient = root.T @ slope + problem.regularisation * v
        size = float(np.abs(root @ gradient).max(initial=0.0)) / problem.regularisation
        scale = float((1 + problem.local_lipschitz(f[None])[0]) * (1 + np.abs(f).max(initial=0.0)))
        if size <= tolerance * scale or (size >= 0.5 * previous and size <= 1e3 * tolerance * scale):
            code = 0
            break
        previous = size
        step = _step(problem, root, f, gradient)
        t = _length(problem, root, v, step, gradient)
        if t == 0.0:
            code = 0 if size <= 1e6 * tolerance * scale else code
            break
        v, iterations = v + t * step, iterations + 1
    alpha = vectors[:, keep] @ (v / np.sqrt(values[keep]))
    return Iterate((root @ v)[None], iterations, np.array([code]), alpha[None])


def _step(problem: Problem, root: Array, f: Array, gradient: Array) -> Array:
    curvature = problem.curvature(f[None])[0]
    hessian = (root.T * curvature) @ root
    hessian[np.diag_indices(len(hessian))] += problem.regularisation
    if not np.isfinite(hessian).all():
        raise InvalidInput("the curvature of the loss overflowed at an iterate; rescale the targets or the offset")
    factor = cho_factor(hessian, lower=True, overwrite_a=True, check_finite=False)
    return np.asarray(cho_solve(factor, -gradient, check_finite=False))


def _length(problem: Problem, root: Array, v: Array, step: Array, gradient: Array) -> float:
    def objective(at: Array) -> float:
        return float(problem.loss((root @ at)[None])[0] + 0.5 * problem.regularisation * at @ at)

    here, decrease = objective(v), float(step @ gradient)
    noise = 1e-13 * (abs(here) + abs(decrease))
    t = 1.0
    for _ in range(_HALVINGS):
        if objective(v + t * step) <= here + 1e-4 * t * decrease + noise:
            return t
        t *= 0.5
    return 0.0
