"""How a user names a loss and a penalty: text, a record, or a record with its parameters filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.optimize import brentq

from dekderive import losses
from dekderive.errors import InvalidInput, UnknownName
from dekderive.losses import Loss, Penalty, Pointwise, bind

__all__ = ["CLASSIFIERS", "check_responses", "null_predictor", "penalty_of", "pointwise_of"]

_TEXT = re.compile(r"\s*([A-Za-z_]{1,40})\s*(?:\(([^()]{0,200})\))?\s*")
_PENALTIES = ("gaussian", "logistic", "pseudo_huber")
# Losses of class labels rather than numbers.
CLASSIFIERS = ("bernoulli", "probit", "multinomial", "ordinal")


def _loss_names() -> list[str]:
    named = [name for name in losses.__all__ if isinstance(getattr(losses, name), Loss)]
    return sorted({*named, "ising"} - {"cumulative_logit"})


def pointwise_of(
    family: Any, family_parameters: Mapping[str, Any] | None, penalty: Any, penalty_parameters: Mapping[str, Any] | None
) -> Pointwise:
    """Return the loss and penalty of an estimator.

    Raises
    ------
    UnknownName
        If a name is not known; the message lists those that are.
    InvalidInput
        If `family` is neither text nor a record, or its parameters are not numbers.

    Examples
    --------
    >>> pointwise_of("binomial(10)", None, "logistic", None).values
    {'trials': 10.0}
    """
    given = dict(family_parameters or {})
    factor = penalty_of(penalty)
    if isinstance(family, Pointwise):
        return family if factor is None else bind(family.loss, family.values, factor, penalty_parameters)
    if isinstance(family, str):
        family, given = _named(family, given)
    if not isinstance(family, Loss):
        raise InvalidInput(
            f"family must be a name or a loss (dekderive.losses, or dekderive.compile(update_maps.kglm(...))), "
            f"got {type(family).__name__}"
        )
    return bind(family, given, factor, penalty_parameters)


def _named(text: str, given: dict[str, Any]) -> tuple[Loss, dict[str, Any]]:
    match = _TEXT.fullmatch(text)
    name = {"ising": "rademacher"}.get(match.group(1), match.group(1)) if match else text
    if match is None or name not in _loss_names():
        raise UnknownName(f"no family {text!r}; known: {', '.join(_loss_names())}, with numbers in brackets")
    loss: Loss = getattr(losses, name)
    texts = [part for part in (match.group(2) or "").split(",") if part.strip()]
    if len(texts) > len(loss.parameters):
        raise InvalidInput(f"family {name!r} takes {len(loss.parameters)} parameter(s), got {len(texts)} in {text!r}")
    try:
        values = [float(part) for part in texts]
    except ValueError as error:
        raise InvalidInput(f"the parameters in {text!r} must be numbers, as in gamma_log(2.5)") from error
    return loss, {**dict(zip(loss.parameter_names, values, strict=False)), **given}


def penalty_of(penalty: Any) -> Penalty | None:
    """Return the penalty of an estimator.

    Raises
    ------
    UnknownName
        If there is no penalty of that name.

    Examples
    --------
    >>> penalty_of("gaussian").name
    'gaussian_penalty'
    """
    if penalty is None or isinstance(penalty, Penalty):
        return penalty
    if penalty not in _PENALTIES:
        raise UnknownName(f"no penalty {penalty!r}; known: {', '.join(_PENALTIES)}, a Penalty record, or None")
    found: Penalty = getattr(losses, f"{penalty}_penalty")
    return found


def check_responses(pointwise: Pointwise, y: np.ndarray) -> None:
    """Refuse responses that are no data of the family: without a saturated model there is no deviance.

    Raises
    ------
    InvalidInput

    Examples
    --------
    >>> check_responses(bind(losses.bernoulli), np.array([0.0, 0.5, 1.0]))
    """
    statistic = pointwise.statistic(y)
    low, high = pointwise.support()
    outside = ~((statistic >= low) & (statistic <= high))
    if outside.any():
        raise InvalidInput(
            f"the statistic of a response of {pointwise.loss.name} is {statistic[outside].ravel()[0]:g}, outside "
            f"[{low:g}, {high:g}], where its deviance is infinite; choose another family, or rescale the responses "
            "(dekderive.solvers.kglm.solve_kglm fits them where a MAP exists)"
        )


def null_predictor(
    pointwise: Pointwise, y: np.ndarray, weights: np.ndarray | float, offset: np.ndarray | float
) -> float:
    """Return the constant b for which the loss at b + offset is smallest: the intercept of the null model."""
    bare = Pointwise(pointwise.loss, None, pointwise.values)
    counted = np.broadcast_to(weights, y.shape) > 0
    w, m, y = (np.broadcast_to(a, y.shape)[counted] for a in (weights, offset, y))

    def slope(b: float) -> float:
        return float(np.sum(w * bare.slope(b + m, y)))

    low, high = pointwise.loss.lower - float(m.min()), pointwise.loss.upper - float(m.max())
    a, b = _inside(low, high)
    for _ in range(60):
        if slope(a) < 0:
            break
        a = a - 2 * (b - a) if np.isinf(low) else low + (a - low) / 8
    for _ in range(60):
        if slope(b) > 0:
            break
        b = b + 2 * (b - a) if np.isinf(high) else high - (high - b) / 8
    a, b = max(a, -700.0), min(b, 700.0)  # a mean at the end of its range has an infinite predictor
    if not slope(a) < 0 < slope(b):
        return a if slope(a) >= 0 else b
    return float(brentq(slope, a, b, xtol=1e-14, rtol=8.9e-16))


def _inside(low: float, high: float) -> tuple[float, float]:
    if np.isinf(low) and np.isinf(high):
        return -1.0, 1.0
    if np.isinf(low):
        return high - 2.0, high - 0.5
    return (low + 0.5, low + 2.0) if np.isinf(high) else (low + 0.25 * (high - low), high - 0.25 * (high - low))
