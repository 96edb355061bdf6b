"""Simulation of the stochastic-gradient feature iterates whose Gram matrix the DEKer recursion describes.

Objective for one input x, with V of d rows v_i ~ N(0, I_m) drawn afresh at every step:
    J(psi) = (1/d) sum_i [-T_i R(v_i.psi) + A(R(v_i.psi))] + (lam/2) sqrt(m/d) |psi|^2,
step size sqrt(d/m)/lam.  With rho = R', sigma = (A o R)', b = T rho(V psi) - sigma(V psi), one step is
    psi <- V^T b / (lam sqrt(m d)).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Function = Callable[[Array], Array]


class Setting(NamedTuple):
    """A family and link, a law of the sufficient statistics of n inputs, and a Gram matrix to step from."""

    name: str
    rho: Function
    sigma: Function
    draw: Callable[[np.random.Generator, int], Array]  # (generator, d) -> T of shape (d, n)
    second_moment: Array
    mean: Array
    gram: Array
    regularisation: float


def relu(z: Array) -> Array:
    return np.maximum(z, 0.0)


def step_function(z: Array) -> Array:
    return (z > 0).astype(np.float64)


def logistic(z: Array) -> Array:
    return 0.5 * (1 + np.tanh(z / 2))


def log_softplus_slope(z: Array) -> Array:
    return logistic(z) / np.logaddexp(0.0, z)


def one(z: Array) -> Array:
    return np.ones_like(z)


def relu_feature_moments(points: Array) -> tuple[Array, Array]:
    """Second moments and means of T = relu(w.x), w ~ N(0, I)."""
    norm = np.linalg.norm(points, axis=1)
    unit = points / norm[:, None]
    angle = np.arccos(np.clip(unit @ unit.T, -1, 1))
    np.fill_diagonal(angle, 0.0)
    second = np.outer(norm, norm) * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2 * np.pi)
    return second, norm / np.sqrt(2 * np.pi)


def gram_of(deviations: tuple[float, ...], correlations: tuple[float, float, float]) -> Array:
    r12, r13, r23 = correlations
    return np.outer(deviations, deviations) * np.array([[1, r12, r13], [r12, 1, r23], [r13, r23, 1]])


def gaussian_relu() -> Setting:
    """Gaussian family, R = relu, T = relu random features of points of very different norms."""
    points = np.array([[0.5, 0.0], [1.5, 1.5 * np.sqrt(3)], [5.0, 0.0]])
    second, mean = relu_feature_moments(points)

    def draw(rng: np.random.Generator, d: int) -> Array:
        return relu(rng.standard_normal((d, 2)) @ points.T)

    return Setting(
        "gaussian relu", relu_slope, relu, draw, second, mean, gram_of((0.4, 1.2, 2.5), (0.3, 0.6, -0.4)), 1.0
    )


relu_slope = step_function


def poisson_log_softplus() -> Setting:
    """Poisson family with mean softplus: T_j = N_0 + N_j with independent Poisson counts of rates 0.3 and a_j."""
    rates, shared = np.array([0.2, 2.0, 7.0]), 0.3
    mean = rates + shared
    second = np.outer(mean, mean) + shared + np.diag(rates)

    def draw(rng: np.random.Generator, d: int) -> Array:
        return (rng.poisson(shared, (d, 1)) + rng.poisson(rates, (d, 3))).astype(np.float64)

    slope = log_softplus_slope
    gram = gram_of((0.3, 2.0, 4.0), (-0.5, -0.7, 0.3))
    return Setting("poisson log softplus", slope, logistic, draw, second, mean, gram, 1.5)


def bernoulli_identity() -> Setting:
    """Bernoulli family, R = identity: T_j = 1[U < p_j] with one uniform U for all inputs."""
    probability = np.array([0.1, 0.5, 0.9])

    def draw(rng: np.random.Generator, d: int) -> Array:
        return (rng.random((d, 1)) < probability).astype(np.float64)

    second = np.minimum.outer(probability, probability)
    gram = gram_of((0.5, 1.5, 3.0), (0.3, 0.6, -0.4))
    return Setting("bernoulli identity", one, logistic, draw, second, probability, gram, 0.8)


# ---------------------------------------------------------------------------------------------------------------------
# The predictions, from quadrature alone


def _lattice() -> tuple[Array, float]:
    step = 0.05
    return (np.arange(-220, 221) * step).astype(np.float64), step


def expectation(f: Function, g: Function, kxx: float, kyy: float, kxy: float) -> float:
    """E[f(u) g(v)] for smooth f, g and |correlation| < 1, by the trapezoidal rule in the plane."""
    z, step = _lattice()
    qx, qy = np.sqrt(kxx), np.sqrt(kyy)
    r = kxy / (qx * qy)
    s = 1 - r * r
    density = np.exp(-(z[:, None] ** 2 - 2 * r * np.outer(z, z) + z[None, :] ** 2) / (2 * s)) / (2 * np.pi * np.sqrt(s))
    return float(step**2 * (f(qx * z) @ density @ g(qy * z)))


def variance_expectation(f: Function, g: Function, kxx: float) -> float:
    """E[f(u) g(u)], by the trapezoidal rule."""
    z, step = _lattice()
    return float(step * np.sum(f(np.sqrt(kxx) * z) * g(np.sqrt(kxx) * z) * np.exp(-z * z / 2)) / np.sqrt(2 * np.pi))


def _rectified(kxx: float, kyy: float, kxy: float, *, same: bool) -> tuple[float, float, float, float]:
    qx, qy = np.sqrt(kxx), np.sqrt(kyy)
    r = 1.0 if same else kxy / (qx * qy)
    t = np.pi - np.arccos(r)
    mixed = (1 + r) / (2 * np.sqrt(2 * np.pi))
    return t / (2 * np.pi), qy * mixed, qx * mixed, qx * qy * (np.sqrt(1 - r * r) + t * r) / (2 * np.pi)


def four_means(setting: Setting, i: int, j: int, gram: Array) -> tuple[float, float, float, float]:
    """E[rho rho'], E[rho sigma'], E[sigma rho'], E[sigma sigma'] for the pair (i, j)."""
    kxx, kyy, kxy = float(gram[i, i]), float(gram[j, j]), float(gram[i, j])
    if setting.rho is relu_slope:
        return _rectified(kxx, kyy, kxy, same=i == j)
    rho, sigma = setting.rho, setting.sigma
    if i == j:
        rr, rs, ss = (variance_expectation(f, g, kxx) for f, g in ((rho, rho), (rho, sigma), (sigma, sigma)))
        return rr, rs, rs, ss
    rr, rs, sr, ss = (
        expectation(f, g, kxx, kyy, kxy) for f, g in ((rho, rho), (rho, sigma), (sigma, rho), (sigma, sigma))
    )
    return rr, rs, sr, ss


def predicted_step(setting: Setting, gram: Array, *, swapped: bool = False, means: bool = True) -> Array:
    """One step of the recursion in the limit m >> d; with ``swapped`` the means change places (the known mistake)."""
    n = len(gram)
    result = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            rr, rs, sr, ss = four_means(setting, i, j, gram)
            mx, my = (setting.mean[j], setting.mean[i]) if swapped else (setting.mean[i], setting.mean[j])
            result[i, j] = setting.second_moment[i, j] * rr - means * (mx * rs + my * sr) + ss
    return result / setting.regularisation**2


def drift(setting: Setting, gram: Array) -> Array:
    """beta(x) = E[z (mean rho - sigma)(q z)] / (lam q): the part of the step inside the span of the last iterate."""
    q = np.sqrt(np.diag(gram))
    if setting.rho is relu_slope:
        inner = setting.mean / np.sqrt(2 * np.pi) - q / 2
    else:
        z, step = _lattice()
        weight = step * z * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
        inner = np.array(
            [
                np.sum(weight * (m * setting.rho(s * z) - setting.sigma(s * z)))
                for m, s in zip(setting.mean, q, strict=True)
            ]
        )
    return inner / (setting.regularisation * q)


# ---------------------------------------------------------------------------------------------------------------------
# The simulators


def _wishart(rng: np.random.Generator, degrees: float, scatter: Array) -> Array:
    """Draw from Wishart(degrees, scatter) by Bartlett's decomposition."""
    n = len(scatter)
    lower = np.tril(rng.standard_normal((n, n)), -1)
    lower[np.diag_indices(n)] = np.sqrt(rng.chisquare(degrees - np.arange(n)))
    factor = np.linalg.cholesky(scatter) @ lower
    return factor @ factor.T


def exact_step(rng: np.random.Generator, setting: Setting, gram: Array, statistics: Array, width: float) -> Array:
    """Gram matrix after one SGD step, exactly in law, from d x n Gaussians.

    The step uses V only through V E, with E an orthonormal basis of the span of the iterates, and through the part of
    V orthogonal to it, which is independent and adds a Wishart matrix with m - n degrees of freedom.
    """
    d, n = statistics.shape
    inside = np.linalg.cholesky(gram).T  # the iterates in the basis E
    z = rng.standard_normal((d, n))
    u = z @ inside
    b = statistics * setting.rho(u) - setting.sigma(u)
    drifted = z.T @ b / (setting.regularisation * np.sqrt(width * d))
    fresh = _wishart(rng, width - n, b.T @ b) / (setting.regularisation**2 * width * d)
    return drifted.T @ drifted + fresh


def literal_step(rng: np.random.Generator, setting: Setting, psi: Array, statistics: Array) -> Array:
    """One gradient step on every column of `psi` (m x n), with V drawn in blocks of rows."""
    m, _ = psi.shape
    d = len(statistics)
    gradient = setting.regularisation * np.sqrt(m / d) * psi
    block = 50
    for start in range(0, d, block):
        v = rng.standard_normal((min(block, d - start), m))
        u = v @ psi
        inner = -statistics[start : start + block] * setting.rho(u) + setting.sigma(u)
        gradient = gradient + v.T @ inner / d
    return psi - np.sqrt(d / m) / setting.regularisation * gradient


def z_scores(sample: Array, predicted: Array) -> Array:
    """(mean - prediction) / standard error over replicates (first axis), on and above the diagonal."""
    error = sample.std(axis=0, ddof=1) / np.sqrt(len(sample))
    upper = np.triu_indices(sample.shape[1])
    return ((sample.mean(axis=0) - predicted) / error)[upper]
