"""Gram matrices from rows, near-duplicates and near-antipodes included, against oracles that read the same doubles."""

import numpy as np
import pytest

from dekderive.gram import gram
from dekderive.gram.moments import linear, relu_features
from dekderive.kernels import deker_gaussian_relu, deq_ntk_relu

SEPARATIONS = (1e-1, 1e-3, 1e-6, 1e-8, 1e-10, 1e-13, 1e-15, 0.0)


def close_rows(seed, dimension):
    """One row, and rows at every separation from it and from its antipode, some of them of another length."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(dimension)
    bumps = rng.standard_normal((len(SEPARATIONS), dimension))
    near = x + np.array(SEPARATIONS)[:, None] * bumps
    return x[None, :], np.vstack([near, -near, 3.0 * near[::2], rng.standard_normal((3, dimension))])


def exact_geometry(mp, x, y):
    """Norms, cosine and 1 - cosine of two rows of doubles, in the digits of the context."""
    a, b = ([mp.mpf(float(v)) for v in row] for row in (x, y))
    norm_a, norm_b = (mp.sqrt(mp.fdot(v, v)) for v in (a, b))
    cosine = mp.fdot(a, b) / (norm_a * norm_b)
    return norm_a, norm_b, cosine


@pytest.mark.parametrize("variances", [(0.6, 0.4, 0.0), (0.95, 0.05, 0.0), (0.5, 0.3, 0.2)])
@pytest.mark.parametrize("dimension", [2, 50])
def test_deq_ntk_relu(reference, dimension, variances):
    """Computing x.y to its last digit and no better would cost 3e-8 here: the kernel has a square-root cusp."""
    mp = reference.mp
    x, y = close_rows(dimension, dimension)
    parameters = dict(zip(("weight_variance", "input_variance", "bias_variance"), variances, strict=True))
    values = gram(deq_ntk_relu, x, y, **parameters)[0]
    with mp.workdps(80):
        for row, value in zip(y, values, strict=True):
            norm_x, norm_y, cosine = exact_geometry(mp, x[0], row)
            exact = reference.deq_relu(cosine, *variances, norms=(norm_x, norm_y))
            scale = mp.sqrt(exact.kxx * exact.kyy) / (1 - mp.mpf(variances[0]))
            assert abs(mp.mpf(float(value)) - exact.theta) <= 1e-13 * scale


@pytest.mark.parametrize("features", ["linear", "relu"])
def test_deker_relu(reference, features):
    mp = reference.mp
    x, y = close_rows(5, 4)
    moments = linear() if features == "linear" else relu_features(1.0, 0.0)
    values = gram(deker_gaussian_relu, x, y, moments=moments, regularisation=0.9)[0]
    for row, value in zip(y, values, strict=True):
        norm_x, norm_y, cosine = exact_geometry(mp, x[0], row)
        if features == "linear":
            inputs = (norm_x**2, norm_y**2, norm_x * norm_y * cosine, 0, 0)
        else:
            t = mp.pi - mp.acos(min(mp.mpf(1), max(mp.mpf(-1), cosine)))
            cross = norm_x * norm_y * (mp.sin(t) - t * mp.cos(t)) / (2 * mp.pi)
            root = mp.sqrt(2 * mp.pi)
            inputs = (norm_x**2 / 2, norm_y**2 / 2, cross, norm_x / root, norm_y / root)
        exact = reference.deker_relu(*inputs, 0.9)
        assert abs(mp.mpf(float(value)) - exact.kxy) <= 1e-13 * mp.sqrt(exact.kxx * exact.kyy)
