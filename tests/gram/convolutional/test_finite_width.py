"""Random convolutional equilibrium models with tied weights, differentiated implicitly, have these tangent kernels."""

import itertools

import numpy as np
import pytest
from scipy.sparse.linalg import LinearOperator, gmres

from dekderive.gram.convolutional import convolutional_tensors
from dekderive.kernels import deq_ntk_relu

SIDE, TAPS = 4, list(itertools.product((-1, 0, 1), repeat=2))
WEIGHT, INPUT = 0.35, 0.65
CLASSES = {"corner": (0, 0), "edge": (0, 1), "inside": (1, 1)}


def shifted(z, tap):
    """The pixel that lies at a tap of the filter, for every pixel: (..., rows, columns, channels)."""
    padded = np.pad(z, [(0, 0)] * (z.ndim - 3) + [(1, 1), (1, 1), (0, 0)])
    a, b = tap
    return padded[..., 1 + a : 1 + a + SIDE, 1 + b : 1 + b + SIDE, :]


class Network:
    """x = (1/S) (sqrt(w/C) W * sqrt(2) relu(x) + sqrt(u) U * image), one W for all depths."""

    def __init__(self, width, channels, rng):
        self.width = width
        self.filters = rng.normal(size=(9, width, width)) * np.sqrt(WEIGHT / width)
        self.injection = rng.normal(size=(9, channels, width)) * np.sqrt(INPUT)
        self.inverse = 1 / np.sqrt(
            np.einsum("tpqc->pqc", np.stack([shifted(np.ones((SIDE, SIDE, 1)), t) for t in TAPS]))
        )

    def convolve(self, z, filters):
        return sum(shifted(z, tap) @ matrix for tap, matrix in zip(TAPS, filters, strict=True))

    def equilibrium(self, image):
        injected, x = self.convolve(image, self.injection), np.zeros((SIDE, SIDE, self.width))
        for _ in range(400):
            before, x = x, self.inverse * (self.convolve(np.sqrt(2) * np.maximum(x, 0), self.filters) + injected)
            if np.abs(x - before).max() < 1e-10:
                return x
        raise AssertionError("the iteration does not settle; choose another seed")

    def adjoint(self, x, functional):
        """a = (I - J)^-T functional for the Jacobian J of one layer at x."""
        slope = np.sqrt(2) * (x > 0)

        def apply(a):
            b = self.inverse * a.reshape(x.shape)
            pulled = sum(shifted(b, (-t[0], -t[1])) @ m.T for t, m in zip(TAPS, self.filters, strict=True))
            return a - (slope * pulled).ravel()

        operator = LinearOperator((x.size, x.size), matvec=apply, dtype=float)
        found, failed = gmres(operator, functional.ravel(), rtol=1e-9, restart=60, maxiter=20)
        assert not failed
        return found.reshape(x.shape)


def tangent_kernel(network, images, functional):
    """<df/dW, df'/dW> + <df/dU, df'/dU> of f = <functional, x> at both images, by implicit differentiation."""
    states = [network.equilibrium(image) for image in images]
    adjoints = [network.inverse * network.adjoint(x, functional) for x in states]
    value = 0.0
    for inputs, scale in (
        ([np.sqrt(2) * np.maximum(x, 0) for x in states], WEIGHT / network.width),
        (list(images), INPUT),
    ):
        windows = [np.stack([shifted(z, tap) for tap in TAPS], axis=2).reshape(SIDE**2, -1) for z in inputs]
        flat = [a.reshape(SIDE**2, -1) for a in adjoints]
        # The gradient is the outer product of adjoint and window, summed over pixels.
        value += scale * np.sum((flat[0] @ flat[1].T) * (windows[0] @ windows[1].T))
    return value


def samples(images, width, seeds):
    """For each class of pixels, sum of T_pp over its four (edge: eight) pixels, one value per seed.

    Random signs on all pixels and channels of a class leave its trace in expectation, averaged over channels.
    """
    pixels = {
        name: [(i, j) for i in range(4) for j in range(4) if ((i in (0, 3)) + (j in (0, 3))) == 2 - k]
        for k, name in enumerate(CLASSES)
    }
    values = {name: [] for name in CLASSES}
    for seed in seeds:
        rng = np.random.default_rng(seed)
        network = Network(width, images.shape[-1], rng)
        for name, chosen in pixels.items():
            functional = np.zeros((SIDE, SIDE, width))
            for p in chosen:
                functional[p] = rng.choice([-1.0, 1.0], size=width) / np.sqrt(width)
            values[name].append(tangent_kernel(network, images, functional))
    return {name: np.array(v) for name, v in values.items()}, pixels


def printed_tangent(x, y, reference):
    """T with 1/(S S') under the sum over windows, as (18) and (19) print it, by iteration."""
    divisor = np.sqrt(reference.tap_numbers(SIDE, SIDE, 3))
    inner = {"xx": (x, x), "yy": (y, y), "xy": (x, y)}
    inner = {name: np.einsum("pqc,rsc->pqrs", *pair) for name, pair in inner.items()}
    sigma = {name: reference.windows(k, 3) / divisor for name, k in inner.items()}
    theta = sigma["xy"]
    for _ in range(60):
        q = {name: np.einsum("pqpq->pq", sigma[2 * name]) for name in "xy"}
        expectations = {
            name: reference.relu(q[name[0]][:, :, None, None], q[name[1]][None, None], sigma[name]) for name in inner
        }
        sigma = {
            name: reference.windows((WEIGHT * expectations[name][0] + INPUT * inner[name]) / divisor, 3)
            for name in inner
        }
        theta = sigma["xy"] + reference.windows(WEIGHT * expectations["xy"][1] * theta / divisor, 3)
    return theta


@pytest.mark.slow
def test_the_trace_of_the_preactivation_kernel(reference):
    images = np.random.default_rng(0).normal(size=(2, SIDE, SIDE, 3))
    images[1] = 0.7 * images[0] + 0.7 * images[1]
    images /= np.linalg.norm(images, axis=-1, keepdims=True)
    _, tangent = convolutional_tensors(deq_ntk_relu, *images, weight_variance=WEIGHT, input_variance=INPUT)
    printed = printed_tangent(*images, reference)
    found, pixels = samples(images, 200, range(24))
    misses = []
    for name, values in found.items():
        mean, error = values.mean(), values.std(ddof=1) / np.sqrt(len(values))
        theory, control = (sum(t[p + p] for p in pixels[name]) for t in (tangent, printed))
        assert error < 0.05 * theory
        # Three standard errors, and a bias of the order of one over the width.
        assert abs(mean - theory) < 3 * error + 0.02 * theory, (name, mean, error, theory)
        misses.append(abs(mean - control) > 5 * error + 0.02 * theory)
    assert any(misses)
    total = sum(found.values())
    theory = np.einsum("pqpq->", tangent)
    assert abs(total.mean() - theory) < 3 * total.std(ddof=1) / np.sqrt(len(total)) + 0.02 * theory
