r"""Hidden layers of explicit networks, as values: their activations, Gaussian moments and bivariate expectations.

A layer maps x to :math:`\sigma(W x)/\sqrt m` with m rows of W standard normal; all scales are in :math:`\sigma`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dekderive.design import clipped, polynomial, rectified
from dekderive.errors import InvalidInput
from dekderive.solvers.solution import Array

__all__ = ["Moments", "Unit", "hard_tanh", "hermite", "leaky_relu"]

Moments = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is known of one sort of activation; all functions take (parameters, tau, ...)."""

    function: Callable[..., Array]
    slope: Callable[..., Array]
    moments: Callable[..., Moments]
    mean: Callable[..., Array]
    second: Callable[..., Array]
    slope_second: Callable[..., Array]
    dual: Callable[..., Array]
    slope_dual: Callable[..., Array]
    gap: Callable[..., Array]


def _kind(module: Any) -> _Kind:
    return _Kind(*(getattr(module, name) for name in _Kind.__slots__))


_KINDS: Mapping[str, _Kind] = {
    "hermite": _kind(polynomial),
    "hard_tanh": _kind(clipped),
    "leaky_relu": _kind(rectified),
}


@dataclass(frozen=True, slots=True)
class Unit:
    r"""One hidden layer: an activation that is centred for pre-activations of standard deviation `tau`.

    Attributes
    ----------
    kind : str
        ``"hermite"``, ``"hard_tanh"`` or ``"leaky_relu"``.
    parameters : tuple of float
        Hermite coefficients :math:`c_1, c_2, \dots` of
        :math:`\sum_k c_k \mathrm{He}_k(x/\tau)/\sqrt{k!}`; slope and clip of :math:`a \max(-c, \min(x, c))`;
        slopes to the right and to the left of 0.
    tau : float
        Positive.

    Examples
    --------
    >>> cubic = hermite((0.5, 0.0, 0.25), tau=2.0)
    >>> cubic(np.array([2.0])).round(6)  # He_1(1) = 1, He_3(1) = -2
    array([0.295876])
    """

    kind: str
    parameters: tuple[float, ...]
    tau: float

    def __post_init__(self) -> None:
        numbers = (*self.parameters, self.tau)
        if self.kind not in _KINDS or not all(map(math.isfinite, numbers)) or not self.tau > 0 or not self.parameters:
            raise InvalidInput(
                f"a layer is one of {', '.join(_KINDS)} with finite parameters and tau > 0, got {self!r}"
            )

    def __call__(self, x: Any) -> Array:
        """The activation; float32 stays float32."""
        return _KINDS[self.kind].function(self.parameters, self.tau, _real(x))

    def slope(self, x: Any) -> Array:
        """Its derivative."""
        return _KINDS[self.kind].slope(self.parameters, self.tau, _real(x))

    @property
    def moments(self) -> Moments:
        """At `tau`: ``m1``, ``m2`` (means of the derivatives), ``second``, ``second_slope``, ``slope_second``."""
        return _KINDS[self.kind].moments(self.parameters, self.tau)

    def mean(self, variance: Array) -> Array:
        """``E sigma(u)`` for u of the given variance; 0 at ``tau**2``."""
        return _KINDS[self.kind].mean(self.parameters, self.tau, variance)

    def second(self, variance: Array) -> Array:
        """``E sigma(u)^2``."""
        return _KINDS[self.kind].second(self.parameters, self.tau, variance)

    def slope_second(self, variance: Array) -> Array:
        """``E sigma'(u)^2``."""
        return _KINDS[self.kind].slope_second(self.parameters, self.tau, variance)

    def dual(self, a: Array, b: Array, c: Array, gap: Array) -> Array:
        """``E sigma(u) sigma(v)`` for variances a, b, covariance c and ``gap = 1 - c / sqrt(a b)``."""
        return _KINDS[self.kind].dual(self.parameters, self.tau, a, b, c, gap)

    def slope_dual(self, a: Array, b: Array, c: Array, gap: Array) -> Array:
        """``E sigma'(u) sigma'(v)``."""
        return _KINDS[self.kind].slope_dual(self.parameters, self.tau, a, b, c, gap)

    def next_gap(self, a: Array, b: Array, c: Array, gap: Array) -> Array:
        """The gap of the next layer; for leaky ReLU without cancellation."""
        return _KINDS[self.kind].gap(self.parameters, self.tau, a, b, c, gap)

    @property
    def reads_gap(self) -> bool:
        """Whether the bivariate expectations read the gap."""
        return self.kind != "hermite"


def _real(x: Any) -> Array:
    x = np.asarray(x)
    return x if x.dtype == np.float32 else x.astype(np.float64, copy=False)


def hermite(coefficients: tuple[float, ...], tau: float) -> Unit:
    """Return the polynomial layer with Hermite coefficients c_1, c_2, ...

    Examples
    --------
    >>> float(hermite((0.6, 0.8), 1.0).moments["second"])
    1.0
    """
    return Unit("hermite", tuple(float(c) for c in coefficients), float(tau))


def hard_tanh(slope: float, clip: float, tau: float) -> Unit:
    """Return the layer ``slope * max(-clip, min(x, clip))``; the clip is positive.

    Examples
    --------
    >>> hard_tanh(2.0, 0.5, 1.0)(np.array([-3.0, 0.25]))
    array([-1. ,  0.5])
    """
    if not clip > 0:
        raise InvalidInput(f"the clip of a hard tanh must be positive, got {clip!r}")
    return Unit("hard_tanh", (float(slope), float(clip)), float(tau))


def leaky_relu(right: float, left: float, tau: float) -> Unit:
    r"""Return the layer :math:`a x^+ + b \min(x, 0) - (a - b) \tau/\sqrt{2\pi}`.

    Examples
    --------
    >>> abs(leaky_relu(1.0, 0.1, 2.0).mean(np.array(4.0))) < 1e-15
    np.True_
    """
    return Unit("leaky_relu", (float(right), float(left)), float(tau))
