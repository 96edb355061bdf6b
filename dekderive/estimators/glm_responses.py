"""Responses of a family: residuals, and quantiles where the predictor is uncertain, mixtures over a Gaussian one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from dekderive.errors import InvalidInput, UnknownName
from dekderive.losses import Pointwise

__all__ = ["residuals_of", "response_quantiles"]

Array = NDArray[np.float64]
_NODES = np.linspace(-8.0, 8.0, 129)
_DOUBLINGS = 80
_HALVINGS = 100


@dataclass(frozen=True)
class _Family:
    """Cumulative distribution P(Y <= y) in y, the predictor, the mean of the statistic and the known parameters."""

    cdf: Callable[[Array, Array, Array, Mapping[str, Any]], Array]
    discrete: bool = False
    low: float = -np.inf
    high: float = np.inf


def _gamma(y: Array, mean: Array, shape: float) -> Array:
    return np.asarray(special.gammainc(shape, np.maximum(y, 0.0) * shape / mean))


def _chi(y: Array, mean: Array, degrees: float) -> Array:
    # y^2 / s^2 is chi-squared, and the mean of y^2 is degrees s^2
    return np.asarray(special.chdtr(degrees, np.maximum(y, 0.0) ** 2 * degrees / mean))


def _negative_binomial(y: Array, mean: Array, size: float) -> Array:
    return np.asarray(stats.nbinom.cdf(y, size, size / (size + mean)))


def _exponential_tilt(y: Array, eta: Array) -> Array:
    """P(U <= y) for a density proportional to exp(eta u) on (0, 1)."""
    y = np.clip(y, 0.0, 1.0)
    a = np.abs(eta)
    small = a < 1e-8
    safe = np.where(small, 1.0, a)
    # expm1(a y) / expm1(a) for a > 0, without overflow; its mirror image for a < 0
    up = np.exp(-safe * (1 - y)) * special.expm1(-safe * y) / special.expm1(-safe)
    down = special.expm1(-safe * y) / special.expm1(-safe)
    return np.where(small, y, np.where(eta > 0, up, down))


def _truncated_normal(y: Array, eta: Array) -> Array:
    y = np.maximum(y, 0.0)
    # 1 - P(Z > y - eta) / P(Z > -eta), through logarithms of the tails
    return np.asarray(-special.expm1(special.log_ndtr(eta - y) - special.log_ndtr(eta)))


def _tweedie(y: Array, mean: Array, power: float) -> Array:
    """A sum of a Poisson number of gamma variables, with dispersion 1."""
    y, mean = np.broadcast_arrays(y, mean)
    rate, step = mean ** (2 - power) / (2 - power), (2 - power) / (power - 1)
    scaled = np.maximum(y, 0.0) / ((power - 1) * mean ** (power - 1))
    total = np.where(y >= 0, np.exp(-rate), 0.0)
    first, last = (stats.poisson.ppf(1e-14, rate.min()), stats.poisson.isf(1e-14, rate.max()))
    for count in range(max(1, int(first)), int(last) + 2):
        total = total + np.where(y > 0, stats.poisson.pmf(count, rate) * special.gammainc(count * step, scaled), 0.0)
    return total


_FAMILIES = {
    "bernoulli": _Family(
        lambda y, eta, m, v: np.where(y < 0, 0.0, np.where(y < 1, special.expit(-eta), 1.0)), True, 0, 1
    ),
    "probit": _Family(lambda y, eta, m, v: np.where(y < 0, 0.0, np.where(y < 1, special.ndtr(-eta), 1.0)), True, 0, 1),
    "binomial": _Family(lambda y, eta, m, v: stats.binom.cdf(y, v["trials"], special.expit(eta)), True, 0),
    "chi": _Family(lambda y, eta, m, v: _chi(y, m, v["degrees"]), low=0),
    "continuous_bernoulli": _Family(lambda y, eta, m, v: _exponential_tilt(y, eta), low=0, high=1),
    "exponential": _Family(lambda y, eta, m, v: _gamma(y, m, 1.0), low=0),
    "gamma": _Family(lambda y, eta, m, v: _gamma(y, m, v["shape"]), low=0),
    "gamma_log": _Family(lambda y, eta, m, v: _gamma(y, m, v["shape"]), low=0),
    "gaussian": _Family(lambda y, eta, m, v: special.ndtr(y - eta)),
    "geometric": _Family(lambda y, eta, m, v: _negative_binomial(y, m, 1.0), True, 0),
    "half_normal": _Family(lambda y, eta, m, v: _chi(y, m, 1.0), low=0),
    "inverse_gaussian": _Family(lambda y, eta, m, v: stats.invgauss.cdf(y, m / v["shape"], scale=v["shape"]), low=0),
    "langevin": _Family(lambda y, eta, m, v: _exponential_tilt((y + 1) / 2, 2 * eta), low=-1, high=1),
    "negative_binomial": _Family(lambda y, eta, m, v: _negative_binomial(y, m, v["size"]), True, 0),
    "negative_binomial_log": _Family(lambda y, eta, m, v: _negative_binomial(y, m, v["size"]), True, 0),
    "poisson": _Family(lambda y, eta, m, v: stats.poisson.cdf(y, m), True, 0),
    "rademacher": _Family(
        lambda y, eta, m, v: np.where(y < -1, 0.0, np.where(y < 1, special.expit(-2 * eta), 1.0)), True, -1, 1
    ),
    "truncated_normal": _Family(lambda y, eta, m, v: _truncated_normal(y, eta), low=0),
    "tweedie_log": _Family(lambda y, eta, m, v: _tweedie(y, m, v["power"]), low=0),
}


def response_quantiles(pointwise: Pointwise, eta: Array, std: Array, levels: tuple[float, ...]) -> list[Array]:
    r"""Return quantiles of a response whose predictor is N(eta, std^2), restricted to the natural domain.

    The distribution is :math:`F(y) = \int F(y \mid \eta) \, N(d\eta)`, by the trapezoidal rule on 129 nodes over 16
    standard deviations; its quantile at a level is the smallest y (for counts, the smallest integer; for the Rademacher
    family -1 or 1) with F(y) at least the level.

    Parameters
    ----------
    pointwise : Pointwise
    eta, std : (m,) ndarray
    levels : tuple of float
        Between 0 and 1.

    Returns
    -------
    list of (m,) ndarray
        One for each level.

    Raises
    ------
    InvalidInput
        If the loss is not that of a distribution of responses on the line, or no part of a predictor is in its domain.

    Examples
    --------
    >>> from dekderive.losses import bind, poisson
    >>> response_quantiles(bind(poisson), np.log([5.0]), np.array([0.0]), (0.025, 0.975))
    [array([1.]), array([10.])]
    """
    name = pointwise.loss.name
    if name not in _FAMILIES:
        raise InvalidInput(
            f"{name} has no distribution of responses on the line; intervals of responses exist for "
            f"{', '.join(sorted(_FAMILIES))}"
        )
    family, loss = _FAMILIES[name], pointwise.loss
    nodes = eta[:, None] + std[:, None] * _NODES
    inside = (nodes > loss.lower) & (nodes < loss.upper)
    weights = np.where(inside, np.exp(-0.5 * _NODES**2), 0.0)
    if not (weights.sum(axis=1) > 0).all():
        raise InvalidInput(
            f"a predictor of {name} is far outside of ({loss.lower:g}, {loss.upper:g}), and has no response"
        )
    weights /= weights.sum(axis=1, keepdims=True)
    mean = pointwise.mean(nodes)

    def cumulative(y: Array) -> Array:
        with np.errstate(all="ignore"):
            values = family.cdf(y[:, None], nodes, mean, pointwise.values)
        return np.asarray((weights * np.where(weights > 0, values, 0.0)).sum(axis=1))

    return [_quantile(cumulative, family, eta.shape, level) for level in levels]


def _quantile(cumulative: Callable[[Array], Array], family: _Family, shape: tuple[int, ...], level: float) -> Array:
    """Bisection; the invariant is F(low) < level <= F(high)."""
    start = -1.0 if family.discrete or np.isinf(family.low) else family.low
    low, high, width = np.full(shape, start), np.full(shape, max(start, 0.0) + 1.0), 1.0
    if family.low == -1.0 and family.discrete:
        return np.where(cumulative(np.full(shape, -1.0)) >= level, -1.0, 1.0)
    for _ in range(_DOUBLINGS):
        below, above = cumulative(high) < level, np.isinf(family.low) & (cumulative(low) >= level)
        if not (below | above).any():
            break
        width *= 2
        high, low = np.where(below, high + width, high), np.where(above, low - width, low)
    for _ in range(_HALVINGS):
        middle = np.floor(0.5 * (low + high)) if family.discrete else 0.5 * (low + high)
        enough = cumulative(middle) >= level
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        if (high - low <= (1 if family.discrete else 1e-13 * np.abs(high))).all():
            break
    if not family.discrete and np.isfinite(family.low):  # an atom at the lower end, as of the Tweedie family
        high = np.where(cumulative(np.full(shape, family.low)) >= level, family.low, high)
    return np.minimum(high, family.high)


def residuals_of(pointwise: Pointwise, eta: Array, y: Array, kind: str) -> Array:
    r"""Return the residuals of one kind; `KernelGLM.residuals` says what they are.

    Where the slope of the loss is linear in the statistic, :math:`\ell' = c(\eta) (\mu(\eta) - T)`, the identity
    :math:`E \ell'' = \operatorname{Var} \ell'` gives the variance of T: :math:`\ell''` at :math:`T = \mu`, over
    :math:`c^2`.

    Raises
    ------
    UnknownName
        If there are none of that kind.
    InvalidInput
        If the slope is not linear in the response, which then has no variance ("pearson").

    Examples
    --------
    >>> from dekderive.losses import bind, poisson
    >>> residuals_of(bind(poisson), np.log([4.0]), np.array([7.0]), "pearson")
    array([1.5])
    """
    mean = pointwise.mean(eta)
    raw = pointwise.statistic(y) - mean
    bare = Pointwise(pointwise.loss, None, pointwise.values)
    if kind == "response":
        return raw
    if kind == "working":
        return np.asarray(raw / pointwise.mean_slope(eta))
    if kind == "deviance":
        excess = bare.value(eta, y) - bare.best(y)
        return np.asarray(np.sign(raw) * np.sqrt(2 * np.maximum(excess, 0.0)))
    if kind != "pearson":
        raise UnknownName(f"no residuals {kind!r}; known: deviance, pearson, response, working")
    if pointwise.loss.canonical:
        return np.asarray(raw / np.sqrt(bare.curvature(eta, y)))
    factor = bare.cross(eta, mean)
    if not np.allclose(factor, bare.cross(eta, mean + 1.0), rtol=1e-12):
        raise InvalidInput(f"{pointwise.loss.name} is a loss without a variance of the response; use other residuals")
    return np.asarray(raw * np.abs(factor) / np.sqrt(bare.curvature(eta, mean)))
