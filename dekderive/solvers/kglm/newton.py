"""Newton's method for one target, through the well-conditioned matrix B = lambda I + S K S."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve, lapack

from dekderive.errors import InvalidInput
from dekderive.solvers.kglm.problem import Problem
from dekderive.solvers.kglm.solution import Array
from dekderive.solvers.solution import Status

__all__ = ["Iterate", "factor", "newton"]

_HALVINGS = 50
_ARMIJO = 1e-4
_NEAR = 1e6  # times the tolerance: there a step must lower the residual, and need not lower the objective


@dataclass(slots=True)
class Iterate:
    """What an iteration leaves: one row for each target."""

    f: Array
    iterations: int
    codes: Array  # of Status, one for each target
    alpha: Array | None = None  # where the iteration knows the coefficients better than -w l'(f) / lambda does


def factor(gram: Array, curvature: Array, regularisation: float) -> Array:
    r"""Return the lower Cholesky factor of :math:`\lambda I + S K S`, S = sqrt(curvature).

    Its eigenvalues are at least lambda, also for a singular K, and its condition number is at most 1 + L.

    Raises
    ------
    InvalidInput
        If K is so far from positive semi-definite that there is no factor.
    """
    s = np.sqrt(curvature)
    b = np.multiply(gram, s)
    b *= s[:, None]
    b[np.diag_indices(len(b))] += regularisation
    # The transpose of a symmetric matrix in C order is the same matrix in the order that LAPACK works in.
    lower, info = lapack.dpotrf(b.T, lower=1, overwrite_a=1, clean=0)
    if info:
        raise InvalidInput(
            "lambda I + S K S is not positive definite: the kernel matrix has an eigenvalue below -lambda / max l''; "
            "a MAP exists for positive semi-definite kernels only"
        )
    return lower


def newton(problem: Problem, gram: Array, start: Array, tolerance: float, max_iterations: int) -> Iterate:
    r"""Solve for the first target of a problem.

    The step in the coefficients is :math:`-(g - S B^{-1} S K g) / \lambda` with :math:`g = \lambda\alpha + \ell'`,
    shortened until the objective decreases by Armijo's rule.  In exact arithmetic it leads to the same point as
    Rasmussen and Williams (2006), Algorithm 3.1; but that form computes alpha anew, as a difference of numbers of
    the size |f| / lambda, and leaves a residual of the order eps L^2, while a correction is as good as g is small.
    Near the solution, where the objective is constant to rounding, and where f differs from K alpha by rounding, steps
    are :math:`-(I - K S B^{-1} S)(f - H(f))`, as long as they halve the residual.
    """
    f, alpha = _begin(problem, gram, start[0])
    iterations, best, smallest = (
        -1,
        f,
        np.inf,
    )  # best among the iterates so near that the objective cannot tell them apart
    for iterations in range(max_iterations):
        slope, curvature = problem.slope(f[None])[0], problem.curvature(f[None])[0]
        k_slope = problem.matrix.times(slope)
        difference = f + k_slope / problem.regularisation
        residual, unit = np.abs(difference).max(), tolerance * _scale(problem, f)
        if residual <= unit or residual >= 0.5 * smallest:
            return Iterate((f if residual <= smallest else best)[None], iterations, np.array([0]))
        solved = _solver(gram, curvature, problem.regularisation)
        if residual <= _NEAR * unit:
            best, smallest = f, residual
            f = f - (difference - problem.matrix.times(solved(difference)))
            continue
        gradient = problem.regularisation * alpha + slope
        da = (gradient - solved(problem.regularisation * f + k_slope)) / -problem.regularisation
        df = problem.matrix.times(da)
        if not np.isfinite(df).all():
            return Iterate(f[None], iterations + 1, np.array([Status.NON_FINITE.code]))
        t = _step_length(problem, f, alpha, df, da, slope)
        if t == 0.0:
            break
        f, alpha = f + t * df, alpha + t * da
    return Iterate(f[None], iterations + 1, np.array([Status.MAX_STEPS.code]))


def _solver(gram: Array, curvature: Array, regularisation: float) -> Callable[[Array], Array]:
    """The map v -> S B^{-1} S v."""
    s, lower = np.sqrt(curvature), factor(gram, curvature, regularisation)
    return lambda v: np.asarray(s * cho_solve((lower, True), s * v, overwrite_b=True, check_finite=False))


def _begin(problem: Problem, gram: Array, start: Array) -> tuple[Array, Array]:
    """0, or the Newton step from the start if that is better: a start need not be K alpha for any alpha."""
    zero = np.zeros_like(start)
    if not start.any():
        return zero, zero
    slope, curvature = problem.slope(start[None])[0], problem.curvature(start[None])[0]
    if not (np.isfinite(slope).all() and np.isfinite(curvature).all()):
        return zero, zero
    right = curvature * start - slope
    solved = _solver(gram, curvature, problem.regularisation)
    alpha = (right - solved(problem.matrix.times(right))) / problem.regularisation
    f = problem.matrix.times(alpha)
    better = problem.objective(f[None], alpha[None])[0] < problem.objective(zero[None], zero[None])[0]
    return (f, alpha) if better else (zero, zero)


def _scale(problem: Problem, f: Array) -> float:
    """What the residual is measured against: rounding alone leaves about L eps (1 + |f|)."""
    return float((1 + problem.local_lipschitz(f[None])[0]) * (1 + np.abs(f).max(initial=0.0)))


def _step_length(problem: Problem, f: Array, alpha: Array, df: Array, da: Array, slope: Array) -> float:
    """The largest of 1, 1/2, 1/4, ... that satisfies Armijo's rule; 0 if none does."""
    here = float(problem.objective(f[None], alpha[None])[0])
    decrease = float(df @ (slope + problem.regularisation * alpha))
    noise = 1e-13 * (abs(here) + float(np.abs(df * slope).sum()))  # what summation may get wrong
    t = 1.0
    for _ in range(_HALVINGS):
        there = float(problem.objective((f + t * df)[None], (alpha + t * da)[None])[0])
        if there <= here + _ARMIJO * t * decrease + noise:
            return t
        t *= 0.5
    return 0.0
