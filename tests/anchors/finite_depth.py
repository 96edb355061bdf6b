"""Kernels of finite depth in multiple precision: the published recursions on covariances, with nothing rearranged.

Shares no formula with the package but the definition of the network: each expectation is the textbook's closed form,
and digits are bought with precision.
"""

import mpmath as mp

DIGITS = 70


def relu(a, b, c):
    t = mp.acos(min(c / mp.sqrt(a * b), mp.mpf(1)))
    return mp.sqrt(a * b) * (mp.sin(t) + (mp.pi - t) * mp.cos(t)) / (2 * mp.pi)


def relu_slope(a, b, c):
    return (mp.pi - mp.acos(min(c / mp.sqrt(a * b), mp.mpf(1)))) / (2 * mp.pi)


def erf(a, b, c):
    return 2 / mp.pi * mp.asin(2 * c / mp.sqrt((1 + 2 * a) * (1 + 2 * b)))


def erf_slope(a, b, c):
    return 4 / mp.pi / mp.sqrt((1 + 2 * a) * (1 + 2 * b) - 4 * c * c)


def gelu(a, b, c):
    # Tsuchida, Pearce, van der Heide, Roosta and Gallagher, "Avoiding kernel fixed points", AAAI 2021, Proposition 3.
    noisy = (1 + a) * (1 + b)
    root = mp.sqrt(noisy - c * c)
    rest = (a * b * (noisy - c * c) + c * c) / (noisy * root)
    return c / 4 + (c * mp.asin(c / mp.sqrt(noisy)) + rest) / (2 * mp.pi)


def gelu_slope(a, b, c):
    return mp.diff(lambda x: gelu(a, b, x), c, h=mp.mpf(10) ** -25)  # Price


def sine(a, b, c):
    return mp.exp(-(a + b) / 2) * mp.sinh(c)


def sine_slope(a, b, c):
    return mp.exp(-(a + b) / 2) * mp.cosh(c)


EXPECTATIONS = {
    "relu": (relu, relu_slope),
    "erf": (erf, erf_slope),
    "gelu": (gelu, gelu_slope),
    "sin": (sine, sine_slope),
}


def covariances(activation, x, y, depth, weight_variance, bias_variance, model):
    """(k(x, x), k(x, y), k(y, y)) of the exact numbers that the floats x and y are."""
    with mp.workdps(DIGITS):
        x, y = ([mp.mpf(float(t)) for t in row] for row in (x, y))
        w, b = mp.mpf(weight_variance), mp.mpf(bias_variance)
        value, slope = EXPECTATIONS[activation]
        k = [w * mp.fdot(u, v) + b for u, v in ((x, x), (x, y), (y, y))]
        theta = list(k)
        for _ in range(depth):
            pairs = [(k[0], k[0], k[0]), (k[0], k[2], k[1]), (k[2], k[2], k[2])]
            k = [w * value(*p) + b for p in pairs]
            if model == "ntk":
                theta = [new + w * slope(*p) * old for new, p, old in zip(k, pairs, theta, strict=True)]
        return tuple(k if model == "nngp" else theta)


def gap(*arguments):
    """1 - k(x, y) / sqrt(k(x, x) k(y, y))."""
    with mp.workdps(DIGITS):
        first, cross, second = covariances(*arguments)
        return 1 - cross / mp.sqrt(first * second)
