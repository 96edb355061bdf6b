"""Conjugate and tangent kernels of an implicit network with centred ReLU, on Gaussian mixtures, and their equivalents.

The network is z = (1/sqrt m) phi(sqrt(sa) A z + sqrt(sb) B x), phi = relu - b, with b the mean of relu at equilibrium.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Coefficients", "Mixture", "coefficients", "draw", "equivalent", "kernels"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Coefficients:
    """Scalars of the equivalents: CK (a1, a2, a3, gamma^2), NTK (b1, b2, b3, kappa^2), and the variance tau^2."""

    conjugate: tuple[float, float, float, float]
    tangent: tuple[float, float, float, float]
    variance: float


@dataclass(frozen=True, slots=True)
class Mixture:
    """Two classes: Gram matrix S, class indicators, and the statistics psi, t, T and tau0^2 of the model."""

    gram: Array
    classes: Array
    psi: Array
    t: Array
    traces: Array
    norm: float


def coefficients(sa: float, sb: float, norm: float) -> Coefficients:
    """Return the scalars for relu; `norm` is tau0^2.

    Examples
    --------
    >>> c = coefficients(0.2, 0.8, 1.0)
    >>> round(c.conjugate[0], 6)  # sb g1/(1 - sa g1), g1 = 1/4
    0.210526
    """
    share = 0.5 - 0.5 / np.pi  # gamma^2 / tau^2, and the slope F'
    variance = sb * norm / (1 - sa * share)
    g1, g2, md = 0.25, 1 / (2 * np.pi * variance), 0.5
    d = 1 - sa * g1
    a1, a4, theta = sb / d, sb / (1 - sa * share), sa * g1 / d
    ck = (g1 * a1, g2 * a4**2 / (4 * d), g2 * a1**2 / (2 * d), share * variance)
    ntk = (ck[0] * (1 + theta), ck[1] * (1 + theta), ck[2] * (1 + 3 * theta), ck[3] / (1 - sa * md))
    return Coefficients(ck, ntk, variance)


def draw(n: int, seed: int) -> Mixture:
    """Draw n points of dimension p = 1.25 n from two classes with means +-2 e_1 and diagonal covariances.

    Examples
    --------
    >>> draw(8, 0).gram.shape
    (8, 8)
    """
    rng = np.random.default_rng(seed)
    p = 5 * n // 4
    ratio = np.where(np.arange(p) < p // 2, 0.5, 1.5)
    variances = np.stack([np.ones(p), (1 + 4 / np.sqrt(p)) * ratio])
    labels = (np.arange(n) >= n // 2).astype(int)
    noise = rng.standard_normal((n, p)) * np.sqrt(variances[labels])
    x = noise.copy()
    x[:, 0] += np.where(labels == 0, 2.0, -2.0)
    x /= np.sqrt(p)
    share = np.bincount(labels) / n
    average = share @ variances
    norm = float(average.sum() / p)
    psi = (np.sum(noise**2, axis=1) - variances.sum(axis=1)[labels]) / p
    t = (variances - average).sum(axis=1) / np.sqrt(p)
    return Mixture(x @ x.T, np.eye(2)[labels], psi, t, variances @ variances.T / p, norm)


def kernels(mixture: Mixture, sa: float, sb: float) -> tuple[Array, Array]:
    """Return the infinite-width CK and NTK (recurrent and readout weights trained); sa = 0 is one hidden layer.

    Examples
    --------
    >>> ck, ntk = kernels(draw(8, 0), 0.2, 0.8)
    >>> bool(np.all(np.diag(ntk) > np.diag(ck)))
    True
    """
    s = mixture.gram
    tau = np.sqrt(coefficients(sa, sb, mixture.norm).variance)
    b = tau / np.sqrt(2 * np.pi)
    q = np.full(len(s), tau**2)
    for _ in range(80):
        second = q / 2 - 2 * b * np.sqrt(q) / np.sqrt(2 * np.pi) + b * b
        q = sa * second + sb * np.diag(s)
    root = np.sqrt(q)
    scale = np.outer(root, root)
    centre = b * (root[:, None] + root) / np.sqrt(2 * np.pi) - b * b
    covariance = sb * s
    for _ in range(30):
        r = np.clip(covariance / scale, -1, 1)
        angle = np.arccos(r)
        g = scale * (np.sqrt(1 - r * r) + (np.pi - angle) * r) / (2 * np.pi) - centre
        covariance = sa * g + sb * s
    slope = (np.pi - np.arccos(np.clip(covariance / scale, -1, 1))) / (2 * np.pi)
    np.fill_diagonal(slope, 0.5)
    np.fill_diagonal(g, second)
    return g, g / (1 - sa * slope)


def equivalent(mixture: Mixture, values: tuple[float, float, float, float], form: str = "population") -> Array:
    r"""Return a1 S + V C V' + (diagonal - tau0^2 a1) I, or one of its variants.

    Parameters
    ----------
    mixture : Mixture
    values : tuple of float
        a1, a2, a3 and the diagonal.
    form : str
        ``"population"``; ``"data"`` (norms instead of classes); ``"fourth power"`` (a further - tau0^4 a3 I, wrong) or
        ``"centred"`` (traces of products of centred covariances, wrong).

    Examples
    --------
    >>> m = draw(8, 0)
    >>> equivalent(m, (1.0, 0.0, 0.0, m.norm)).round(6).tolist() == m.gram.round(6).tolist()
    True
    """
    a1, a2, a3, diagonal = values
    s, n = mixture.gram, len(mixture.gram)
    identity = np.eye(n)
    if form == "data":
        chi = np.diag(s) - mixture.norm
        square = s * s
        np.fill_diagonal(square, 0.0)
        return a1 * s + a2 * np.outer(chi, chi) + a3 * square + (diagonal - mixture.norm * a1) * identity
    traces = mixture.traces
    p = 5 * n // 4
    if form == "centred":
        share = mixture.classes.mean(axis=0)
        middle = traces @ share
        traces = traces - middle[:, None] - middle + share @ middle
    chi = mixture.psi + mixture.classes @ mixture.t / np.sqrt(p)
    low_rank = a2 * np.outer(chi, chi) + a3 * mixture.classes @ traces @ mixture.classes.T / p
    shift = mixture.norm**2 * a3 if form == "fourth power" else 0.0
    return a1 * s + low_rank + (diagonal - mixture.norm * a1 - shift) * identity
