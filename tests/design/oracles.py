"""Equilibrium models by plain quadrature and plain fixed-point iteration: no number here comes from the package."""

from dataclasses import dataclass
from functools import cache
from math import pi, sqrt

import numpy as np
from scipy import special

from dekderive.equivalents.activation import numerical_activation
from dekderive.kernels.expectations.functions import Described

ACTIVATIONS = {
    "relu": (lambda x: np.maximum(x, 0), lambda x: (x > 0) * 1.0),
    "leaky_relu": (lambda x: np.where(x > 0, x, 0.1 * x), lambda x: np.where(x > 0, 1.0, 0.1)),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "erf": (special.erf, lambda x: 2 / sqrt(pi) * np.exp(-x * x)),
    "swish": (
        lambda x: x * special.expit(x),
        lambda x: special.expit(x) * (1 + x * (1 - special.expit(x))),
    ),
    "elu": (lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), lambda x: np.exp(np.minimum(x, 0))),
    "sharp_tanh": (lambda x: np.tanh(8 * x), lambda x: 8 * (1 - np.tanh(8 * x) ** 2)),
}
_X, _W = np.polynomial.legendre.leggauss(16)


def rule(*knots):
    """Nodes and weights of E f(xi) for functions that are smooth but at 0 and at the knots."""
    breaks = np.sort([*-np.geomspace(1e-3, 14, 40), 0, *np.geomspace(1e-3, 14, 40), *knots])
    half = np.diff(breaks) / 2
    nodes = ((breaks[:-1] + half)[:, None] + half[:, None] * _X).ravel()
    return nodes, (half[:, None] * _W).ravel() * np.exp(-nodes * nodes / 2) / sqrt(2 * pi)


NODES, WEIGHTS = rule()


@cache
def activation(name):
    """The record of the package for one of these functions, known to it by values."""
    knots = (0.0,) if name in ("relu", "leaky_relu", "elu") else ()
    return numerical_activation(*(Described(f, knots) for f in ACTIVATIONS[name]), name=name)


def mean(values):
    return values @ WEIGHTS


def hermite_table(order):
    table = [np.ones_like(NODES), NODES]
    for k in range(1, order):
        table.append((NODES * table[k] - sqrt(k) * table[k - 1]) / sqrt(k + 1))
    return np.array(table[: order + 1])


@dataclass
class Model:
    """The network z = phi(sqrt(sa) A z + sqrt(sb) B x)/sqrt m, phi centred at its equilibrium for tau0."""

    name: str
    sa: float
    sb: float
    tau0: float

    def __post_init__(self):
        self.phi, self.slope = ACTIVATIONS[self.name]
        q = self.sb * self.tau0**2
        for _ in range(4000):
            b = mean(self.phi(sqrt(q) * NODES))
            q, before = self.sa * mean((self.phi(sqrt(q) * NODES) - b) ** 2) + self.sb * self.tau0**2, q
            if abs(q - before) < 1e-16 * q:
                break
        self.q, self.bias = q, mean(self.phi(sqrt(q) * NODES))

    def centred(self, q):
        return self.phi(sqrt(q) * NODES) - self.bias

    @property
    def moments(self):
        q = self.q
        f = self.centred(q)
        m1, m2 = mean(f * NODES) / sqrt(q), mean(f * (NODES**2 - 1)) / q
        slope_of_second = mean((NODES**2 - 1) * f**2) / (2 * q)
        return m1, m2, mean(f**2), slope_of_second, mean(self.slope(sqrt(q) * NODES) ** 2)

    @property
    def coefficients(self):
        """A1, A4, ck, ntk, ntk_full; the equations of the paper with the coefficients of Gbar."""
        m1, m2, gamma2, dF, md = self.moments
        g1, g2, sa, sb = m1**2, m2**2, self.sa, self.sb
        D = 1 - sa * g1
        A1, A4 = sb / D, sb / (1 - sa * dF)
        a1, a2, a3 = g1 * A1, g2 * A4**2 / (4 * D), g2 * A1**2 / (2 * D)
        th = sa * g1 / D
        ntk = (a1 * (1 + th), a2 * (1 + th), a3 * (1 + 3 * th), gamma2 / (1 - sa * md))
        full = (gamma2 + sb * self.tau0**2 * md) / (1 - sa * md)
        return A1, A4, (a1, a2, a3, gamma2), ntk, (a1 * (2 + th), a2 * (1 + th), 3 * a3 * (1 + th), full)

    def kernel(self, S, kind="ck", order=30):
        """Picard iteration of the whole matrix with Mehler's series: for matrices of moderate correlation."""
        n = len(S)
        q = np.full(n, self.q)
        for _ in range(80):
            f = np.array([self.centred(v) for v in q])
            q, before = self.sa * (f**2 @ WEIGHTS) + self.sb * np.diag(S), q
            if np.max(abs(q - before)) < 1e-14 * np.max(q):
                break
        table = hermite_table(order) * WEIGHTS
        value = np.array([self.centred(v) for v in q]) @ table.T
        slope = np.array([self.slope(sqrt(v) * NODES) for v in q]) @ table.T
        root = np.sqrt(np.outer(q, q))
        G = np.zeros((n, n))
        np.fill_diagonal(rho := self.sb * S / root, 0)
        for _ in range(80):
            G = _sum(value, rho)
            np.fill_diagonal(new := (self.sa * G + self.sb * S) / root, 0)
            step, rho = np.max(abs(new - rho)), new
            if step < 1e-14:
                break
        second = np.array([mean(self.centred(v) ** 2) for v in q])
        np.fill_diagonal(G, second)
        if kind == "ck":
            return G
        price = _sum(slope, rho)
        np.fill_diagonal(price, [mean(self.slope(sqrt(v) * NODES) ** 2) for v in q])
        inputs = self.sb * S * price if kind == "ntk_full" else 0.0
        return (G + inputs) / (1 - self.sa * price)


def _sum(rows, rho):
    total = np.zeros_like(rho)
    for k in range(rows.shape[1] - 1, -1, -1):
        total = total * rho + np.outer(rows[:, k], rows[:, k])
    return total


def mixture(n, seed, mu=2.0):
    """Two classes of Gaussian rows: S = X X' has entries of order 1/sqrt(p) and a diagonal near tau0^2; p = 1.25 n."""
    rng = np.random.default_rng(seed)
    p = 5 * n // 4
    variances = np.where(np.arange(p) < p // 2, 0.5, 1.5) * (1 + 4 / sqrt(p))
    noise = rng.normal(size=(n, p))
    noise[n // 2 :] *= np.sqrt(variances)
    noise[: n // 2, 0] += mu
    noise[n // 2 :, 0] -= mu
    return noise / sqrt(p)


def spectral(matrix):
    values = np.linalg.eigvalsh(matrix)
    return max(-values[0], values[-1])
