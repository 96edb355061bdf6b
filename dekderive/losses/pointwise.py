"""A loss with its parameters filled in and its penalty added: what solvers evaluate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dekderive.errors import InvalidInput
from dekderive.kernels import implicit
from dekderive.kernels.kernel import Formula, Parameter
from dekderive.losses.loss import Loss, Penalty

__all__ = ["Array", "Pointwise", "bind", "bind_penalty"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Pointwise:
    r"""The function :math:`\ell(\eta; y) + Q(\eta)` of every entry of an array of predictors.

    Attributes
    ----------
    loss : Loss
    penalty : Penalty or None
    values, penalty_values : mapping of str to float or ndarray
        Parameters by name; arrays are broadcast against the predictors.
    """

    loss: Loss
    penalty: Penalty | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    penalty_values: Mapping[str, Any] = field(default_factory=dict)

    def statistic(self, y: ArrayLike) -> Array:
        """T(y)."""
        y = np.asarray(y, dtype=np.float64)
        return np.broadcast_to(self._at(self.loss.statistic, y=y), y.shape)

    def value(self, eta: Array, y: ArrayLike) -> Array:
        """Loss plus penalty; infinite outside the natural domain."""
        total = self._at(self.loss.value, eta=eta, y=y)
        if self.penalty is not None:
            total = total + self._of_penalty(self.penalty.value, eta)
        if np.isinf(self.loss.lower) and np.isinf(self.loss.upper):
            return np.broadcast_to(total, np.shape(eta))
        return np.where((eta > self.loss.lower) & (eta < self.loss.upper), total, np.inf)

    def slope(self, eta: Array, y: ArrayLike) -> Array:
        """Derivative of `value` in eta."""
        total = self._at(self.loss.slope, eta=eta, y=y)
        return total if self.penalty is None else total + self._of_penalty(self.penalty.slope, eta)

    def curvature(self, eta: Array, y: ArrayLike) -> Array:
        """Second derivative of `value` in eta; at least 0."""
        total = np.broadcast_to(self._at(self.loss.curvature, eta=eta, y=y), np.shape(eta))
        return total if self.penalty is None else total + self._of_penalty(self.penalty.curvature, eta)

    def cross(self, eta: Array, y: ArrayLike) -> Array:
        """Derivative of `slope` in y."""
        return np.broadcast_to(self._at(self.loss.cross, eta=eta, y=y), np.shape(eta))

    def curvature_bound(self, y: ArrayLike) -> Array:
        """Supremum of `curvature` over eta, one for each entry of y (an upper bound if there is a penalty)."""
        bound = np.asarray(self._at(self.loss.curvature_bound, y=np.asarray(y, dtype=np.float64)), dtype=np.float64)
        if self.penalty is not None:
            bound = bound + self._of_penalty(self.penalty.curvature_bound, np.float64(0.0))
        return np.broadcast_to(bound, np.shape(y))

    def mean(self, eta: ArrayLike) -> Array:
        """The mean of the statistic; NaN outside the natural domain."""
        eta = np.asarray(eta, dtype=np.float64)
        mean = self._at(self.loss.mean, eta=eta)
        return np.where((eta > self.loss.lower) & (eta < self.loss.upper), mean, np.nan)

    def mean_slope(self, eta: ArrayLike) -> Array:
        """Derivative of the mean."""
        eta = np.asarray(eta, dtype=np.float64)
        return np.broadcast_to(self._at(self.loss.mean_slope, eta=eta), eta.shape)

    def penalty_slope(self, eta: ArrayLike) -> Array:
        """Q'(eta); 0 without a penalty."""
        eta = np.asarray(eta, dtype=np.float64)
        if self.penalty is None:
            return np.zeros_like(eta)
        return np.broadcast_to(self._of_penalty(self.penalty.slope, eta), eta.shape)

    def link(self, mean: ArrayLike) -> Array:
        """The predictor with a given mean of the statistic: the inverse of `mean`, by safeguarded Newton steps.

        The ends of the range of the mean go to the nearest predictor at which they are distinguishable.
        """
        level = np.asarray(mean, dtype=np.float64)
        low, high = self.support()
        inside = np.clip(level, np.nextafter(low, np.inf), np.nextafter(high, -np.inf))
        if low == 0.0:  # one step above 0 is subnormal, where 1 / mean overflows
            inside = np.maximum(inside, 1e-300)
        if any(np.ndim(v) for v in self.values.values()):
            raise InvalidInput("the link of a loss needs parameters that are numbers, not arrays; bind numbers")
        return implicit.inverse(self.mean, self.mean_slope, inside, self.loss.lower, self.loss.upper)

    def support(self) -> tuple[float, float]:
        """The closed interval of T(y); the widest, if parameters are arrays."""
        low, high = self._at(self.loss.support)
        return float(np.min(low)), float(np.max(high))

    def admissible(self) -> tuple[float, float]:
        r"""The interval of T(y) for which the loss is convex and a MAP exists; at least the support.

        With the canonical link :math:`A(\eta) - \eta T` is convex for every T.  A convex function lies over a line, so
        on an unbounded end of the natural domain :math:`\lambda \lVert f \rVert^2 / 2` outgrows it and the objective
        has a minimum; at a finite end it has one inside if the mean grows beyond all bounds there.  Only where both
        the predictor and the mean stop is the support needed.  For other links it is the support, as outside of it the
        loss is not convex (and for many is not bounded below by any multiple of a norm).
        """
        low, high = self.support()
        if not self.loss.canonical:
            return low, high
        return (
            -np.inf if np.isinf(self.loss.lower) else low,
            np.inf if np.isinf(self.loss.upper) else high,
        )

    def best(self, y: ArrayLike) -> Array:
        """The infimum of the loss (without its penalty) over eta: what a saturated model attains.

        It is minus infinity where the likelihood has no bound: of a gamma variable that is 0, for example.
        """
        y = np.asarray(y, dtype=np.float64)
        if any(np.ndim(v) for v in self.values.values()):
            return self._best_for_arrays(y)
        statistic = self.statistic(y)
        found = np.asarray(self._at(self.loss.value, eta=self.link(statistic), y=y), dtype=np.float64)
        for end in self.support():
            at = statistic == end
            if at.any() and self._falls_for_ever(float(y[at].ravel()[0]), end):
                found = np.where(at, -np.inf, found)
        return found

    def _falls_for_ever(self, y: float, end: float) -> bool:
        """Whether the loss of a response at a finite end of the support falls as the mean approaches that end.

        In equal steps of the logarithm of the distance a loss that has an infimum falls less and less, and one without
        falls at least as much.
        """
        if end == 0.0:
            means = np.array([1e-50, 1e-100, 1e-150])
        else:
            inward = -np.sign(end) if np.isfinite(end) else 0.0
            means = end + inward * abs(end) * np.array([2.0**-26, 2.0**-36, 2.0**-46])
        first, second, third = self._at(self.loss.value, eta=self.link(means), y=np.full(3, y))
        return bool(second - third > 1e-3 and second - third >= 0.5 * (first - second))

    def _best_for_arrays(self, y: Array) -> Array:
        names = list(self.values)
        rows = np.broadcast_arrays(y, *(np.asarray(self.values[n], dtype=np.float64) for n in names))
        one = [
            Pointwise(self.loss, None, dict(zip(names, row[1:], strict=True))).best(row[0])
            for row in zip(*(r.ravel() for r in rows), strict=True)
        ]
        return np.asarray(one).reshape(y.shape)

    def _at(self, formula: Formula, **arrays: Any) -> Any:
        with np.errstate(all="ignore"):
            return formula.at({**self.values, **arrays})

    def _of_penalty(self, formula: Formula, eta: Any) -> Any:
        with np.errstate(all="ignore"):
            return formula.at({**self.penalty_values, "eta": eta})


def bind(
    loss: Loss,
    values: Mapping[str, Any] | None = None,
    penalty: Penalty | None = None,
    penalty_values: Mapping[str, Any] | None = None,
) -> Pointwise:
    """Fill in the parameters of a loss and of its penalty.

    Parameters
    ----------
    loss : Loss
    values, penalty_values : mapping of str to float or array_like, optional
        What is left out takes the default of the parameter.
    penalty : Penalty, optional
        Default: the one that the loss was derived with.

    Returns
    -------
    Pointwise

    Raises
    ------
    TypeError
        If a name is not one of the parameters.
    InvalidInput
        If a value is outside the range of its parameter.

    Examples
    --------
    >>> from dekderive.losses import binomial
    >>> ten = bind(binomial, {"trials": 10})
    >>> ten.mean(0.0), ten.link([5.0]), ten.curvature_bound([3.0])
    (array(5.), array([0.]), array([2.5]))
    """
    penalty = penalty if penalty is not None else loss.penalty
    filled = _filled(loss.name, loss.parameters, values or {})
    return Pointwise(loss, penalty, filled, bind_penalty(penalty, penalty_values))


def bind_penalty(penalty: Penalty | None, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Fill in the parameters of a penalty, as `bind` does; nothing without one.

    Raises
    ------
    TypeError
        If a name is not one of the parameters, or there is no penalty to have any.
    InvalidInput
        If a value is outside the range of its parameter.

    Examples
    --------
    >>> from dekderive.losses import pseudo_huber_penalty
    >>> bind_penalty(pseudo_huber_penalty, {"width": 2})
    {'strength': 1.0, 'width': 2.0}
    """
    if penalty is None:
        if values:
            raise TypeError(f"there is no penalty, so it has no penalty parameters {sorted(values)}; pass penalty=...")
        return {}
    return _filled(penalty.name, penalty.parameters, values or {})


def _filled(name: str, parameters: tuple[Parameter, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(given) - {p.name for p in parameters})
    if unknown:
        known = ", ".join(p.name for p in parameters) or "none"
        raise TypeError(f"{name} has no parameter {', '.join(map(repr, unknown))}; its parameters: {known}")
    return {p.name: _checked(name, p, given.get(p.name, p.default)) for p in parameters}


def _checked(name: str, p: Parameter, value: Any) -> Any:
    number = np.asarray(value, dtype=np.float64)
    above = number >= p.lower if p.lower_closed or np.isinf(p.lower) else number > p.lower
    below = number <= p.upper if np.isinf(p.upper) else number < p.upper
    if not np.all(above & below):  # also where it is NaN
        raise InvalidInput(f"{name}: {p.name} must lie between {p.lower:g} and {p.upper:g}, got {value!r}")
    return float(number) if number.ndim == 0 else number
