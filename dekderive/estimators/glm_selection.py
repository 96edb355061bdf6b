"""Choosing the regularisation by leave-one-out, generalised cross-validation or the Laplace evidence."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np
from scipy.optimize import minimize_scalar

from dekderive.errors import InvalidInput, UnknownName
from dekderive.losses import Pointwise
from dekderive.solvers.kglm import solve_kglm
from dekderive.solvers.kglm.problem import make_problem
from dekderive.solvers.kglm.solution import Array
from dekderive.solvers.kglm.statistics import FitStatistics

__all__ = ["CRITERIA", "Statistics", "checked_criterion", "criterion", "minimise_over_regularisation", "select"]

CRITERIA = ("loo", "gcv", "laplace")
_DECADES = np.linspace(-4, 4, 9)


class Statistics(Protocol):
    """What a criterion needs to know of a fit."""

    @property
    def log_evidence(self) -> float:
        """Laplace's approximation."""

    @property
    def loo_deviance(self) -> float:
        """The deviance of left-out observations."""

    @property
    def deviance(self) -> float:
        """The deviance of the fit."""

    @property
    def observations(self) -> float:
        """How many numbers a saturated model would fit."""

    @property
    def edf(self) -> float:
        """Effective degrees of freedom."""


def checked_criterion(name: str) -> str:
    """Return the name of a criterion.

    Raises
    ------
    UnknownName
        If there is none of that name.
    """
    if name not in CRITERIA:
        raise UnknownName(f"no criterion {name!r} for the regularisation; known: {', '.join(CRITERIA)}, or a number")
    return name


def criterion(name: str, statistics: Statistics) -> float:
    """Return the deviance of left-out observations, n dev / (n - edf)^2, or minus twice the Laplace evidence."""
    if name == "laplace":
        return -2 * statistics.log_evidence
    if name == "loo":
        return statistics.loo_deviance
    n = statistics.observations
    return n * statistics.deviance / max(n - statistics.edf, np.finfo(float).eps) ** 2


def select(
    name: str, gram: Array, targets: Array, pointwise: Pointwise, weights: Array | None, offset: Array | float | None
) -> float:
    """Return the regularisation that minimises a criterion, summed over the targets.

    Raises
    ------
    UnknownName
        If there is no such criterion.
    """
    checked_criterion(name)
    columns = targets.reshape(len(targets), -1).T

    def total(regularisation: float) -> float:
        values = []
        for column in columns:
            fit = solve_kglm(gram, column, pointwise, regularisation, weights=weights, offset=offset)
            problem = make_problem(gram, column, pointwise, regularisation, weights, offset)
            values.append(criterion(name, FitStatistics(problem, fit.f)))
        return float(np.sum(values))

    bound = float(np.max(pointwise.curvature_bound(targets), initial=0.0))
    scale = float(np.mean(np.diag(gram))) * (bound if math.isfinite(bound) and bound > 0 else 1.0)
    return minimise_over_regularisation(total, scale)


def minimise_over_regularisation(function: Callable[[float], float], scale: float) -> float:
    """Minimise over lambda within four decades around a scale: a coarse grid, then Brent between its neighbours."""
    if not scale > 0:
        raise InvalidInput("the kernel matrix has a zero diagonal: no regularisation is better than another")
    grid = scale * 10.0**_DECADES
    values = np.array([function(x) for x in grid])
    values[~np.isfinite(values)] = np.inf
    if np.isinf(values).all():
        raise InvalidInput(
            "the criterion is infinite for every regularisation: the deviance of a response at the end of its support "
            "may have no bound (a gamma variable that is 0); pass a number, or 'laplace'"
        )
    k = int(np.argmin(values))
    low, high = math.log(grid[max(k - 1, 0)]), math.log(grid[min(k + 1, len(grid) - 1)])
    found = minimize_scalar(
        lambda t: function(math.exp(t)), bounds=(low, high), method="bounded", options={"xatol": 1e-5}
    )
    return math.exp(found.x) if found.fun <= values[k] else float(grid[k])
