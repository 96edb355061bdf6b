"""Families, losses and their penalties as random observations: what a kernel GLM is fitted to."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dekderive import losses
from dekderive.errors import InvalidInput
from dekderive.families import Family
from dekderive.losses import Loss, Penalty, Pointwise, bind
from dekderive.programs import compile as compile_record
from dekderive.symbols import y
from dekderive.theorems.of_family import variance_bound
from dekderive.update_maps.kglm import kglm
from dekderive.verdict import Verdict

__all__ = ["PENALTIES", "Array", "Model", "draw_predictors", "draw_targets", "loss_of", "pointwise_of"]

Array: TypeAlias = NDArray[np.float64]
Model: TypeAlias = Family | Loss | Pointwise

# The factors q of the prior for which Theorem 3 is tested.
PENALTIES: tuple[tuple[Penalty, dict[str, float]] | None, ...] = (
    None,
    (losses.gaussian_penalty, {"strength": 1.3}),
    (losses.logistic_penalty, {"strength": 1.0}),
    (losses.pseudo_huber_penalty, {"strength": 0.8, "width": 0.7}),
)


@lru_cache(maxsize=64)
def loss_of(family: Family) -> Loss:
    """Compile the loss of a family with its canonical link, as a function of the statistic t = T(y).

    The theorems about kernel GLMs read the data through T(y) alone, so that nothing is lost, and targets can be drawn
    from the range of the mean for every family.

    Raises
    ------
    InvalidInput
        If the family has parameters without a value.

    Examples
    --------
    >>> import sympy as sp
    >>> from dekderive.symbols import eta
    >>> coin = Family("coin", sp.log(1 + sp.exp(eta)), sp.Interval.open(-sp.oo, sp.oo))
    >>> float(loss_of(coin).mean.at({"eta": 0.0}))
    0.5
    """
    if family.parameters:
        names = ", ".join(p.name for p in family.parameters)
        raise InvalidInput(f"the family {family.name} has the parameters {names}; give them numbers first")
    derived = kglm(replace(family, statistic=y))
    if not derived.curvature_bound.is_finite:  # a statistic with finitely many values has a bounded variance
        bound = variance_bound(family)
        if bound.box is None and bound.verdict is Verdict.HOLDS:
            derived = replace(derived, curvature_bound=bound.value, bound_verdict=bound.verdict)
    return compile_record(derived)


def pointwise_of(model: Model, penalty: tuple[Penalty, dict[str, float]] | None = None) -> Pointwise:
    """Return the function that solvers evaluate, for a family, a loss or such a function itself.

    Examples
    --------
    >>> from dekderive.families import poisson
    >>> pointwise_of(poisson()).loss.name, pointwise_of(losses.bernoulli, PENALTIES[1]).penalty.name
    ('poisson', 'gaussian_penalty')
    """
    if isinstance(model, Family):
        model = loss_of(model)
    if isinstance(model, Loss):
        model = bind(model)
    if penalty is None:
        return model
    return bind(model.loss, model.values, *penalty)


def draw_predictors(loss: Loss, rng: np.random.Generator, size: int) -> Array:
    """Return random natural parameters, at most 3 in magnitude or so far inside of a domain that has an end.

    Examples
    --------
    >>> bool(np.all(draw_predictors(losses.exponential, np.random.default_rng(0), 5) < 0))
    True
    """
    standard = np.clip(rng.normal(size=size), -3, 3)
    if np.isfinite(loss.lower) and np.isfinite(loss.upper):
        return loss.lower + (loss.upper - loss.lower) / (1 + np.exp(-standard))
    if np.isfinite(loss.upper):
        return loss.upper - np.exp(standard / 2)
    return loss.lower + np.exp(standard / 2) if np.isfinite(loss.lower) else standard


def draw_targets(pointwise: Pointwise, rng: np.random.Generator, size: int) -> Array:
    """Return random statistics in the range of the mean; for families on the whole line also the ends of that range.

    Raises
    ------
    InvalidInput
        If the statistic of the loss is not the target itself.

    Examples
    --------
    >>> bool(np.all(np.abs(draw_targets(bind(losses.rademacher), np.random.default_rng(1), 8)) <= 1))
    True
    """
    loss = pointwise.loss
    targets = pointwise.mean(draw_predictors(loss, rng, size))
    if not np.allclose(pointwise.statistic(targets), targets):
        raise InvalidInput(
            f"targets of {loss.name} are not its statistics; pass the family instead of the loss, so that a loss in "
            "terms of the statistic can be made"
        )
    ends = np.array([e for e in pointwise.support() if np.isfinite(e)])
    if np.isfinite(loss.lower) or np.isfinite(loss.upper) or not len(ends):
        return targets
    if len(ends) == 2 and rng.uniform() < 0.5:
        return rng.choice(ends, size)
    return np.where(rng.uniform(size=size) < 0.2, rng.choice(ends, size), targets)
