"""Ordered categories: the thresholds of the cumulative logit model, estimated together with the predictor."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit

from dekderive.errors import InvalidInput
from dekderive.losses import bind, cumulative_logit
from dekderive.solvers.kglm.matrices import Dense, as_matrix
from dekderive.solvers.kglm.problem import make_problem
from dekderive.solvers.kglm.solution import Array, KGLMSolution
from dekderive.solvers.kglm.solve import solve_kglm

__all__ = ["solve_ordinal", "threshold_pairs"]


def threshold_pairs(levels: NDArray[np.intp], thresholds: Array) -> tuple[Array, Array]:
    """Return the thresholds below and above each observed category.

    Examples
    --------
    >>> threshold_pairs(np.array([0, 1]), np.array([0.5]))
    (array([-inf,  0.5]), array([0.5, inf]))
    """
    padded = np.concatenate([[-np.inf], thresholds, [np.inf]])
    return padded[levels], padded[levels + 1]


def solve_ordinal(
    gram: ArrayLike | Dense,
    levels: ArrayLike,
    regularisation: float,
    *,
    thresholds: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    offset: ArrayLike | None = None,
) -> tuple[KGLMSolution, Array]:
    r"""Fit :math:`P(y \le j) = \mathrm{expit}(\theta_j - f - M)`; jointly convex in f and the thresholds.

    Parameters
    ----------
    gram : (n, n) array_like
    levels : (n,) array_like of int
        Categories 0, 1, ..., J - 1, each of them observed.
    regularisation : float
    thresholds : (J - 1,) array_like, optional
        Increasing; estimated if left out.
    weights, offset : array_like, optional

    Returns
    -------
    fit : KGLMSolution
    thresholds : (J - 1,) ndarray

    Raises
    ------
    InvalidInput

    Examples
    --------
    >>> x = np.linspace(-2, 2, 30)
    >>> gram = np.exp(-0.5 * (x[:, None] - x) ** 2)
    >>> fit, thresholds = solve_ordinal(gram, np.digitize(x, [-0.8, 0.8]), 0.5)
    >>> fit.converged, bool(abs(thresholds.sum()) < 1e-4)
    (True, True)
    """
    matrix = as_matrix(gram)
    level = np.asarray(levels).astype(np.intp)
    w = np.ones(len(level)) if weights is None else np.asarray(weights, dtype=np.float64)
    count = int(level.max(initial=0)) + 1
    shares = np.bincount(level, weights=w, minlength=count)
    if count < 2 or (shares <= 0).any():
        raise InvalidInput("ordered classes must be numbered 0, 1, ... without gaps, two or more, each with a weight")

    def fit(theta: Array, start: Array | None = None) -> KGLMSolution:
        below, above = threshold_pairs(level, theta)
        bound = bind(cumulative_logit, {"below": below, "above": above})
        return solve_kglm(matrix, np.zeros(len(level)), bound, regularisation, weights=w, offset=offset, start=start)

    if thresholds is not None:
        theta = np.asarray(thresholds, dtype=np.float64)
        if theta.shape != (count - 1,) or (np.diff(theta) <= 0).any():
            raise InvalidInput(f"thresholds must be {count - 1} increasing numbers, got {theta}")
        return fit(theta), theta
    theta = _estimated(fit, matrix, level, shares, w, offset, regularisation)
    return fit(theta), theta


def _estimated(fit, matrix, level, shares, w, offset, regularisation) -> Array:  # type: ignore[no-untyped-def]
    """Minimise the profile over the first threshold and the logarithms of the gaps; its slope is the partial one."""
    m = 0.0 if offset is None else np.asarray(offset, dtype=np.float64)
    last: list[Array | None] = [None]

    def profile(parameters: Array) -> tuple[float, Array]:
        gaps = np.exp(parameters[1:])
        theta = parameters[0] + np.concatenate([[0.0], np.cumsum(gaps)])
        found = fit(theta, last[0])
        last[0] = found.f
        below, above = threshold_pairs(level, theta)
        bound = bind(cumulative_logit, {"below": below, "above": above})
        problem = make_problem(matrix, np.zeros(len(level)), bound, regularisation, w, m)
        value = float(problem.objective(found.f[None], found.alpha[None])[0])
        eta = found.f + m
        with np.errstate(all="ignore"):
            between = 1 / np.expm1(above - below)  # 0 where a threshold is infinite
        d_above, d_below = w * (-expit(eta - above) - between), w * (expit(below - eta) + between)
        count = len(theta) + 1
        d_theta = np.bincount(level, d_above, minlength=count)[:-1] + np.bincount(level, d_below, minlength=count)[1:]
        tails = np.cumsum(d_theta[::-1])[::-1]
        return value, np.concatenate([[tails[0]], tails[1:] * gaps])

    cumulative = np.cumsum(shares)[:-1] / shares.sum()
    start = np.log(cumulative / (1 - cumulative))
    first = np.concatenate([[start[0]], np.log(np.maximum(np.diff(start), 1e-3))])
    found = minimize(profile, first, jac=True, method="BFGS", options={"gtol": 1e-9 * max(1.0, float(w.sum()))})
    return np.asarray(found.x[0] + np.concatenate([[0.0], np.cumsum(np.exp(found.x[1:]))]))
