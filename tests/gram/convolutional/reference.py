"""The recursion of the convolutional tangent kernel on whole four-way tensors, from the definition.

Written from (15)-(24) with the division after the sum over windows, by iteration, with loops over the taps of the
filter and textbook expectations; it shares nothing with the package.
"""

import numpy as np


def relu(qx, qy, k):
    """E[phi phi] and E[phi' phi'] of sqrt(2) relu (Cho and Saul)."""
    g = np.sqrt(qx * qy)
    rho = np.clip(k / np.where(g > 0, g, 1), -1, 1)
    theta = np.arccos(rho)
    return g * (np.sqrt(1 - rho**2) + (np.pi - theta) * rho) / np.pi, 1 - theta / np.pi


def erf(qx, qy, k):
    """The same of erf(z) divided by its standard deviation at variance 1 (Williams)."""
    scale = 2 / np.pi * np.arcsin(2 / 3)
    bound = np.sqrt((1 + 2 * qx) * (1 + 2 * qy))
    k1 = 2 / np.pi * np.arcsin(2 * k / bound)
    k0 = 4 / np.pi / np.sqrt(bound**2 - 4 * k**2)
    return k1 / scale, k0 / scale


def windows(tensor, size):
    """Sums over displacements of both pixels by the same tap."""
    r = size // 2
    P, Q = tensor.shape[:2]
    padded = np.pad(tensor, r)
    total = np.zeros_like(tensor)
    for a in range(size):
        for b in range(size):
            total += padded[a : a + P, b : b + Q, a : a + P, b : b + Q]
    return total


def tap_numbers(P, Q, size, normalisation="taps"):
    """S_p^2 S_p'^2 of all pairs of pixels."""
    taps = np.einsum("pqpq->pq", windows(np.ones((P, Q, P, Q)), size))
    if normalisation == "filter":
        taps = np.full_like(taps, size**2)
    return taps[:, :, None, None] * taps


def tensors(x, y, size, variances, *, phi=relu, depth=None, normalisation="taps", steps=4000):
    """Sigma, T and the tensor of (21) of one pair of images (P, Q, C); infinite depth by iteration until it stands."""
    w, u, b = variances
    P, Q = x.shape[:2]
    divisor = np.sqrt(tap_numbers(P, Q, size, normalisation))

    def collect(tensor):
        return windows(tensor, size) / divisor

    inner = {name: np.einsum("pqc,rsc->pqrs", s, t) for name, s, t in (("xx", x, x), ("yy", y, y), ("xy", x, y))}
    sigma = {name: collect(k) for name, k in inner.items()}
    theta = sigma["xy"].copy()
    stated = theta
    for _ in range(steps if depth is None else depth):
        qx = np.einsum("pqpq->pq", sigma["xx"])[:, :, None, None]
        qy = np.einsum("pqpq->pq", sigma["yy"])[None, None]
        k1, k0 = phi(qx, qy, sigma["xy"])
        content = w * k1 + u * inner["xy"]
        stated = w * k0 * theta + content
        following = collect(content) + b
        change = np.abs(following - sigma["xy"]).max()
        after = following + collect(w * k0 * theta)
        change = max(change, np.abs(after - theta).max())
        for name, q in (("xx", qx), ("yy", np.moveaxis(qy, (0, 1), (2, 3)))):
            own = q.reshape(P, Q)
            k1, _ = phi(own[:, :, None, None], own[None, None], sigma[name])
            # On the diagonal the expectation is that of a square, whatever acos says about a cosine of 1.
            sigma[name] = collect(w * k1 + u * inner[name]) + b
        sigma["xy"], theta = following, after
        if depth is None and change <= 3e-16 * max(1, np.abs(theta).max()):
            break
    return sigma["xy"], theta, stated


def flattened(sigma, theta, stated, phi, qx, qy):
    """The four readouts."""
    P, Q = sigma.shape[:2]
    k1, k0 = phi(qx[:, :, None, None], qy[None, None], sigma)
    linear = k1 + k0 * theta
    trace = lambda t: float(np.einsum("pqpq->", t))  # noqa: E731
    return {
        "preactivation": trace(theta),
        "linear": trace(linear),
        "eq21": trace(stated),
        "gap": float(linear.sum()) / (P * Q) ** 2,
    }
