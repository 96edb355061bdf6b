"""Kernels of finite depth in multiple precision, by the textbook recursion: the reference for accuracy."""

import mpmath
import numpy as np
from mpmath import mpf


def _relu(a, b, c):
    root = mpmath.sqrt(a * b)
    t = mpmath.acos(c / root)
    return root * (mpmath.sin(t) + (mpmath.pi - t) * mpmath.cos(t)) / (2 * mpmath.pi), (mpmath.pi - t) / (2 * mpmath.pi)


def _erf(a, b, c):
    scale = mpmath.sqrt((1 + 2 * a) * (1 + 2 * b))
    return 2 / mpmath.pi * mpmath.asin(2 * c / scale), 4 / (mpmath.pi * mpmath.sqrt(scale**2 - 4 * c * c))


def _gelu(a, b, c):
    p, q = 1 + a, 1 + b
    d = p * q - c * c
    angle = mpmath.asin(c / mpmath.sqrt(p * q)) / (2 * mpmath.pi)
    top, slope, scale = a * b * d + c * c, 2 * c * (1 - a * b), 2 * mpmath.pi * p * q
    value = c / 4 + c * angle + top / (scale * mpmath.sqrt(d))
    fraction = (slope / mpmath.sqrt(d) + top * c / (d * mpmath.sqrt(d))) / scale
    return value, mpf(1) / 4 + angle + c / (2 * mpmath.pi * mpmath.sqrt(d)) + fraction


def _gaussian(a, b, c):
    d = (1 + 2 * a) * (1 + 2 * b) - 4 * c * c
    return 1 / mpmath.sqrt(d), 4 * c / (d * mpmath.sqrt(d))


def _sin(a, b, c):
    damping = mpmath.exp(-(a + b) / 2)
    return damping * mpmath.sinh(c), damping * mpmath.cosh(c)


def _gabor(a, b, c):
    """exp(-u^2) sin(u): the covariance S becomes S (1 + 2S)^-1, and a factor 1/sqrt det(1 + 2S) stays."""

    def value(t):
        d, gap = (1 + 2 * a) * (1 + 2 * b) - 4 * t * t, a * b - t * t
        return _sin((a + 2 * gap) / d, (b + 2 * gap) / d, t / d)[0] / mpmath.sqrt(d)

    return value(c), mpmath.diff(value, c, h=mpf(10) ** -50 * (1 + abs(c)))


DUALS = {"relu": _relu, "erf": _erf, "gelu": _gelu, "gaussian": _gaussian, "sin": _sin, "gabor": _gabor}


def kernels(layer, x, y, depth, weight, bias):
    """(nngp, ntk) of two rows, as exact as the working precision: the rows count as the numbers they were rounded to.

    The scaling is that of neural-tangents: second moments are <x, y> / d.
    """
    x, y = ([mpf(float(e)) for e in row] for row in (x, y))
    weight, bias = mpf(weight), mpf(bias)
    a, b, c = (weight * mpmath.fdot(p, q) / len(x) + bias for p, q in ((x, x), (y, y), (x, y)))
    tangent, dual = c, DUALS[layer]
    for _ in range(depth):
        value, slope = dual(a, b, c)
        following = weight * value + bias
        tangent = following + weight * slope * tangent
        a, b, c = weight * dual(a, a, a)[0] + bias, weight * dual(b, b, b)[0] + bias, following
    return c, tangent


# ---- smooth activations without a closed form: trapezoidal rule, right to some 1e-16 --------------------------------


def _sigmoid(t):
    return np.exp(np.minimum(t, 0)) / (1 + np.exp(-np.abs(t)))


def _softplus(t):
    return np.maximum(t, 0) + np.log1p(np.exp(-np.abs(t)))


SMOOTH = {
    "tanh": (np.tanh, lambda t: 1 / np.cosh(t) ** 2),
    "sigmoid": (_sigmoid, lambda t: _sigmoid(t) * _sigmoid(-t)),
    "softplus": (_softplus, _sigmoid),
    "silu": (lambda t: t * _sigmoid(t), lambda t: _sigmoid(t) * (1 + t * _sigmoid(-t))),
}


def expectation(f, variance, rho):
    """E[f(u) f(v)] for two variables of one variance: exp(-2 pi d / h) is below 1e-19 for a strip of half width d."""
    sigma = np.sqrt(variance)
    h = 2 * np.pi * min(1.4 / float(sigma), 3.0) / 44
    n = int(np.ceil(9.8 / h))
    x = h * np.arange(-n, n + 1, dtype=np.float64)
    w = h * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    rest = np.sqrt((1 - rho) * (1 + rho))
    inner = f(sigma * np.add.outer(rho * x, rest * x)) @ w
    return float((w * f(sigma * x)) @ inner)
