"""Accurate elementwise functions that generated kernels call: one for each atom, under the atom's name."""

import numpy as np
from scipy import special as _scipy

erf = _scipy.erf
erfc = _scipy.erfc
expit = _scipy.expit
ndtr = _scipy.ndtr
log_ndtr = _scipy.log_ndtr
dawson = _scipy.dawsn


def relu(x):
    return np.maximum(x, 0.0)


def step(x):
    return np.heaviside(x, 0.5)


def softplus(x):
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def log_cosh(x):
    a = np.abs(x)
    return np.where(a < 1, np.log1p(2 * np.sinh(np.minimum(a, 1) / 2) ** 2), a + np.log1p(np.exp(-2 * a)) - np.log(2.0))


def versine(x):
    s = np.sin(0.5 * x)
    return 2.0 * s * s


def sin_minus_xcos(x):
    x = np.asarray(x)
    small = np.minimum(np.abs(x), 0.7)
    t = small * small
    series = small * t / 3.0 * (1 - t / 10 * (1 - t / 28 * (1 - t / 54 * (1 - t / 88 * (1 - t / 130 * (1 - t / 180))))))
    return np.where(np.abs(x) < 0.7, np.sign(x) * series, np.sin(x) - x * np.cos(x))[()]


def rootgap(a, b, c):
    p = np.sqrt(a) * np.sqrt(b)
    return np.sqrt(np.maximum(p - c, 0.0)) * np.sqrt(np.maximum(p + c, 0.0))


def arcsine(a, b, c):
    return np.arctan2(c, rootgap(a, b, c))


def angle(a, b, c):
    return np.arctan2(rootgap(a, b, c), c)


def quadratic_root(c2, c1, c0):
    disc = np.sqrt(np.maximum(c1 * c1 - 4 * c2 * c0, 0.0))
    with np.errstate(all="ignore"):
        return np.where(c0 == 0, 0.0, np.where(c1 >= 0, -2 * c0 / (c1 + disc), (disc - c1) / (2 * c2)))[()]
