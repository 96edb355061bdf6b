r"""One step of the DEKer recursion for pairs of inputs, in NumPy: what the checks of the DEKer theorems evaluate.

For slope rho and activation sigma, second moments C and means mu of the statistic,

.. math:: \lambda^2 M_{12} = C_{12} E[\rho\rho'] - \mu_1 E[\rho\sigma'] - \mu_2 E[\sigma\rho'] + E[\sigma\sigma'].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dekderive.kernels import hermite

__all__ = ["LINKS", "RECTIFIED", "Link", "Pairs", "bures", "draw_pairs", "step"]

Array = NDArray[np.float64]
Function = Callable[[Array], Array]


@dataclass(frozen=True, slots=True)
class Link:
    """Slope and activation with their derivatives (None where they jump)."""

    name: str
    slope: Function
    activation: Function
    slope_derivative: Function | None
    activation_derivative: Function | None


@dataclass(frozen=True, slots=True)
class Pairs:
    """Symmetric 2 x 2 matrices, entry by entry: first and second diagonal entry, off-diagonal entry."""

    xx: Array
    yy: Array
    xy: Array

    @property
    def determinant(self) -> Array:
        """Determinants, at least 0."""
        return np.maximum(self.xx * self.yy - self.xy**2, 0.0)


def _expit(x: Array) -> Array:
    return 0.5 * (1 + np.tanh(x / 2))


def _zero(x: Array) -> Array:
    return 0.0 * x


def _one(x: Array) -> Array:
    return 1.0 + 0.0 * x


LINKS: tuple[Link, ...] = (
    Link("Bernoulli, R = z", _one, _expit, _zero, lambda x: _expit(x) * _expit(-x)),
    Link("Ising, R = z", _one, np.tanh, _zero, lambda x: 1 / np.cosh(np.clip(x, -300, 300)) ** 2),
    Link("Gaussian, R = sin", np.cos, lambda x: np.sin(2 * x) / 2, lambda x: -np.sin(x), lambda x: np.cos(2 * x)),
)

RECTIFIED = Link("Gaussian, R = relu", lambda x: (x > 0).astype(float), lambda x: np.maximum(x, 0.0), None, None)


def step(link: Link, k: Pairs, second: Pairs, mean_x: float, mean_y: float, *, swapped: bool = False) -> Pairs:
    """Return lambda^2 times the next covariances; `swapped` exchanges the means in the mixed terms (a known mistake).

    Examples
    --------
    >>> one = Pairs(np.ones(1), np.ones(1), np.zeros(1))
    >>> step(RECTIFIED, one, one, 0.0, 0.0).xx  # E[step^2] + E[relu^2]
    array([1.])
    """
    mx, my = (mean_y, mean_x) if swapped else (mean_x, mean_y)
    rr, rs, sr, ss = _means(link, k)
    diagonals = []
    for variance, c, mean in ((k.xx, second.xx, mean_x), (k.yy, second.yy, mean_y)):
        f, g = link.slope, link.activation
        moments = [np.asarray(hermite.mean(a, b, variance)) for a, b in ((f, f), (f, g), (g, g))]
        diagonals.append(c * moments[0] - 2 * mean * moments[1] + moments[2])
    return Pairs(diagonals[0], diagonals[1], second.xy * rr - mx * rs - my * sr + ss)


def _means(link: Link, k: Pairs) -> tuple[Array, Array, Array, Array]:
    if link is RECTIFIED:
        qx, qy = np.sqrt(k.xx), np.sqrt(k.yy)
        r = np.clip(k.xy / (qx * qy), -1, 1)
        t = np.pi - np.arccos(r)
        mixed = (1 + r) / (2 * np.sqrt(2 * np.pi))
        return t / (2 * np.pi), qy * mixed, qx * mixed, qx * qy * (np.sqrt(1 - r * r) + t * r) / (2 * np.pi)
    f, g = link.slope, link.activation
    values = [np.asarray(hermite.dual(a, b, k.xx, k.yy, k.xy)) for a, b in ((f, f), (f, g), (g, f), (g, g))]
    return values[0], values[1], values[2], values[3]


def bures(a: Pairs, b: Pairs) -> Array:
    r"""Return the Bures-Wasserstein distances of 2 x 2 matrices.

    .. math:: d^2 = \mathrm{tr} A + \mathrm{tr} B - 2 \sqrt{\mathrm{tr} AB + 2 \sqrt{\det A \det B}}

    Examples
    --------
    >>> zero, four = np.zeros(1), 4 * np.ones(1)
    >>> bures(Pairs(four, zero, zero), Pairs(zero, zero, zero))
    array([2.])
    """
    trace = a.xx + a.yy + b.xx + b.yy
    product = a.xx * b.xx + a.yy * b.yy + 2 * a.xy * b.xy
    root = np.sqrt(np.maximum(product + 2 * np.sqrt(a.determinant * b.determinant), 0.0))
    return np.asarray(np.sqrt(np.maximum(trace - 2 * root, 0.0)))


def draw_pairs(rng: np.random.Generator, count: int, largest: float) -> Pairs:
    """Draw covariances with variances up to `largest`, degenerate ones included.

    Examples
    --------
    >>> drawn = draw_pairs(np.random.default_rng(0), 5, 4.0)
    >>> bool(np.all(drawn.xy**2 <= drawn.xx * drawn.yy * (1 + 1e-12)))
    True
    """
    xx, yy = largest * rng.random(count) ** 2, largest * rng.random(count) ** 2
    r = np.clip(rng.uniform(-1.2, 1.2, count), -1, 1)
    return Pairs(xx, yy, r * np.sqrt(xx * yy))
