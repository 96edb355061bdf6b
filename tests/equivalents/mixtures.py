"""Gaussian mixtures as the theorem wants them, exact kernels on them, and errors of equivalents."""

from functools import lru_cache

import numpy as np

from dekderive.equivalents import DeepEquilibrium, MixtureStatistics, deq_coefficients
from dekderive.gram import gram


@lru_cache(maxsize=8)
def draw(n, seed, mean=2.0):
    """Two classes, means +-mean e_1, covariances I and (1 + 4/sqrt p) diag(1/2, 3/2), p = 1.25 n."""
    rng = np.random.default_rng(1000 + seed)
    p = 5 * n // 4
    variances = np.stack([np.ones(p), (1 + 4 / np.sqrt(p)) * np.where(np.arange(p) < p // 2, 0.5, 1.5)])
    means = np.zeros((2, p))
    means[:, 0] = mean, -mean
    labels = (np.arange(n) >= n // 2).astype(int)
    x = means[labels] + rng.standard_normal((n, p)) * np.sqrt(variances[labels])
    return x / np.sqrt(p), MixtureStatistics(means, variances, labels)


def exact(kernel, x, coefficients):
    """The kernel matrix at infinite width, by the generated kernel."""
    given = {"weight_variance": coefficients.weight_variance, "input_variance": coefficients.input_variance}
    if "reference_norm" in kernel.parameter_names:
        given["reference_norm"] = coefficients.tau0
    return gram(kernel, x, **given)


def distance(matrix):
    """Spectral norm of a symmetric matrix."""
    spectrum = np.linalg.eigvalsh(matrix)
    return max(-spectrum[0], spectrum[-1])


def coefficients_at(activation, n, seed, weight=0.2):
    """The scalars at the norm of the mixture."""
    return deq_coefficients(DeepEquilibrium(activation, weight, 1 - weight), draw(n, seed)[1].tau0)
