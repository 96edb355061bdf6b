"""A bound of the error of a fit that follows from what was computed, for every convex loss."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dekderive.solvers.kglm.solution import Array

if TYPE_CHECKING:
    from dekderive.solvers.kglm.problem import Problem

__all__ = ["error_bound"]

_UNIT = np.finfo(float).eps / 2
_ULPS = 4.0  # in which the two terms of a slope are taken to be evaluated


def error_bound(problem: Problem, f: Array, slope: Array, image: Array) -> Array:
    r"""Return a bound of :math:`\lVert f - f^* \rVert_2` for each target, from the residual r = f - H(f).

    *Bounded curvature.*  With D the mean curvature between f and f*, r = (I + K D / lambda)(f - f*).  Writing K = C C^T
    and S = D^{1/2}, the inverse is I - K S (lambda + S K S)^{-1} S, and the norm of C^T S (lambda + S C C^T S)^{-1} is
    at most 1 / (2 sqrt(lambda)); hence :math:`\lVert f - f^* \rVert \le (1 + \sqrt L / 2) \lVert r \rVert`.  A
    contraction also has the factor 1 / (1 - L).

    *Any curvature.*  The objective is lambda-strongly convex in the norm of the reproducing kernel space.  Let g = H(f)
    (a member of that space), v = w l'(g + M) - w l'(f + M), and d = g - f*.  Both g and f* are images of H, so
    :math:`\lambda \lVert d \rVert_K^2 = -d^T (w l'(f + M) - w l'(f^* + M))`, which is :math:`d^T v` less
    :math:`d^T (w l'(g + M) - w l'(f^* + M)) \ge 0`, by convexity.  Now :math:`d^T v \le \lVert d \rVert_K \sqrt{v^T K
    v}`, because :math:`d^T v = \langle d, K v \rangle_K`; so :math:`\lVert d \rVert_K \le \sqrt{v^T K v} / \lambda`
    and, with :math:`\lVert d \rVert_2^2 \le \lVert K \rVert \lVert d \rVert_K^2`,

    .. math:: \lVert f - f^* \rVert_2 \le \lVert r \rVert_2 + \frac{\sqrt{\lVert K \rVert \, v^T K v}}{\lambda} .

    No supremum of the curvature occurs.  The second bound is used where the first is not known; it is infinite if g is
    not in the natural domain.  What rounding does to r and v is added to first order: products with K by the usual
    bound with |K| and the number of terms, slopes by four units in the last place of each of their two terms.

    Parameters
    ----------
    problem : Problem
    f, slope, image : (t, n) ndarray
        The predictor, w l' there, and H(f).

    Returns
    -------
    (t,) ndarray
    """
    bound = problem.lipschitz_bound
    bounded = problem.pointwise.loss.bound_holds and math.isfinite(bound)
    with np.errstate(all="ignore"):
        curvature: Array | float = problem.curvature_bound if bounded else problem.curvature(f)
        slope_error = _slope_error(problem, f, slope, curvature)
        gamma = (problem.matrix.terms + 4) * _UNIT
        image_error = problem.matrix.absolute_times(slope_error + gamma * np.abs(slope)) / problem.regularisation
        residual = np.linalg.norm(np.abs(f - image) + image_error, axis=-1)
        if bounded:
            found = _factor(bound) * residual
        else:
            found = residual + _distance(problem, image, slope, slope_error, image_error)
    return np.where(np.isfinite(found), found, np.inf)


def _distance(problem: Problem, image: Array, slope: Array, slope_error: Array, image_error: Array) -> Array:
    """The bound of the distance between H(f) and the solution; infinite outside of the natural domain."""
    matrix, loss = problem.matrix, problem.pointwise.loss
    gamma = (matrix.terms + 4) * _UNIT
    moved, curvature = problem.slope(image), problem.curvature(image)
    v = moved - slope
    v_error = slope_error + _slope_error(problem, image, moved, curvature) + 2 * curvature * image_error
    energy = (v * matrix.times(v)).sum(axis=-1) + gamma * (np.abs(v) * matrix.absolute_times(np.abs(v))).sum(axis=-1)
    noise = (v_error * matrix.absolute_times(v_error)).sum(axis=-1)
    root = np.sqrt(np.maximum(energy, 0.0)) + np.sqrt(noise)
    eta = image + problem.offset
    inside = ((eta > loss.lower) & (eta < loss.upper)).all(axis=-1)
    return np.where(inside, math.sqrt(matrix.norm_bound) / problem.regularisation * root, np.inf)


def _factor(bound: float) -> float:
    """What the residual is multiplied by where the Lipschitz constant is at most `bound`."""
    factor = 1 + 0.5 * math.sqrt(bound)
    return min(factor, 1 / (1 - bound)) if bound < 1 else factor


def _slope_error(problem: Problem, f: Array, slope: Array, curvature: Array | float) -> Array:
    statistic = np.abs(problem.pointwise.statistic(problem.targets)) * problem.weights
    found: Array = _UNIT * (_ULPS * (np.abs(slope) + statistic) + curvature * np.abs(f + problem.offset))
    return found
