"""Gaussian expectations by plain panels: slow, and independent of everything that the package knows about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from dekderive.testing.observations import Array
from dekderive.testing.strategies import Covariance

__all__ = ["expectation", "hermite_coefficients", "pair_expectation"]

Function = Callable[[Array], Array]
_REACH = 9.0  # standard deviations; what lies beyond has the weight 2e-19
_NODES = 12


@lru_cache(maxsize=1)
def _rule() -> tuple[Array, Array]:
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return np.asarray(nodes), np.asarray(weights)


def _panels(knots: Array) -> tuple[Array, Array]:
    """Nodes and weights of Gauss-Legendre rules between sorted knots (along the last axis)."""
    nodes, weights = _rule()
    half, centre = np.diff(knots) / 2, (knots[..., 1:] + knots[..., :-1]) / 2
    x = centre[..., None] + half[..., None] * nodes
    w = half[..., None] * weights
    return x.reshape(*x.shape[:-2], -1), w.reshape(*w.shape[:-2], -1)


def _knots(kinks: Sequence[float], sigma: float) -> Array:
    """Panels that halve towards every kink: a pair that is nearly degenerate smooths a kink on a tiny scale."""
    steps = np.concatenate([[0.0], sigma * 2.0 ** np.arange(-44.0, 4.0), 2.0 ** np.arange(-1.0, 5.0)])
    cuts = np.concatenate([[k + s * steps] for k in kinks for s in (-1, 1)], axis=None)
    end = float(sigma * _REACH)
    return np.unique(np.clip(np.concatenate([cuts, np.linspace(-end, end, 17)]), -end, end))


def expectation(function: Function, variance: float, kinks: Sequence[float] = (0.0,)) -> float:
    """E[f(u)] for u ~ N(0, variance).

    Parameters
    ----------
    function : callable
        Of arrays; analytic except at the kinks, and of moderate growth.
    variance : float
    kinks : sequence of float

    Examples
    --------
    >>> round(expectation(np.abs, 1.0) ** 2 * np.pi / 2, 12)
    1.0
    """
    if variance == 0:
        return float(function(np.zeros(1))[0])
    sigma = np.sqrt(variance)
    u, w = _panels(_knots(kinks, sigma))
    return float(np.sum(w * function(u) * np.exp(-(u**2) / (2 * variance))) / (sigma * np.sqrt(2 * np.pi)))


def pair_expectation(left: Function, right: Function, covariance: Covariance, kinks: Sequence[float] = (0.0,)) -> float:
    """E[f(u) g(v)] for a centred Gaussian pair: v given u is integrated on panels of its own, cut at the kinks of g.

    Examples
    --------
    >>> relu = lambda x: np.maximum(x, 0.0)
    >>> round(pair_expectation(relu, relu, Covariance(1.0, 1.0, 0.5)), 10)  # t = pi/3: (sin t + (pi - t) cos t)/2pi
    0.3044988905
    >>> round(pair_expectation(relu, relu, Covariance(1.0, 1.0, 1.0)), 12)
    0.5
    """
    kxx, kyy, kxy = covariance
    if kxx == 0:
        return float(left(np.zeros(1))[0]) * expectation(right, kyy, kinks)
    sigma = np.sqrt(kxx)
    u, w = _panels(_knots(kinks, sigma))
    w = w * np.exp(-(u**2) / (2 * kxx)) / (sigma * np.sqrt(2 * np.pi))
    centre = kxy / kxx * u
    rest = max(kyy - kxy * (kxy / kxx), 0.0)
    if rest <= 1e-30 * kyy:
        return float(np.sum(w * left(u) * right(centre)))
    s = np.sqrt(rest)
    cuts = centre[:, None] + s * np.linspace(-_REACH, _REACH, 13)
    # a function may change on the scale 1 around its kinks, however large the variance is
    near = np.unique([k + side * 2.0**j for k in kinks for side in (-1, 0, 1) for j in range(-1, 5)])
    inner = np.clip(np.broadcast_to(near, (len(u), len(near))), cuts[:, :1], cuts[:, -1:])
    v, weight = _panels(np.sort(np.concatenate([cuts, inner], axis=1), axis=1))
    weight = weight * np.exp(-((v - centre[:, None]) ** 2) / (2 * rest)) / (s * np.sqrt(2 * np.pi))
    return float(np.sum(w * left(u) * np.sum(weight * right(v), axis=1)))


def hermite_coefficients(function: Function, count: int, kinks: Sequence[float] = (0.0,)) -> Array:
    r"""Coefficients :math:`a_n = E[f(u) He_n(u)]/\sqrt{n!}`, n < `count`, of a function in :math:`L^2(N(0, 1))`.

    Examples
    --------
    >>> hermite_coefficients(lambda x: x**2, 3).round(12) + 0.0
    array([1.        , 0.        , 1.41421356])
    """
    u, w = _panels(_knots(kinks, 1.0))
    w = w * np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi) * function(u)
    previous, current = np.zeros_like(u), np.ones_like(u)
    found = []
    for n in range(count):
        found.append(float(np.sum(w * current)))
        # orthonormal polynomials: sqrt(n + 1) h_{n+1} = x h_n - sqrt(n) h_{n-1}
        previous, current = current, (u * current - np.sqrt(n) * previous) / np.sqrt(n + 1)
    return np.array(found)
