"""Deep equilibrium kernels in multiple precision: the published equations on covariances, with nothing rearranged.

The expectations are those of ``finite_depth``; here are the fixed points, by bisection and Newton's method, and what is
read off them.
"""

from dataclasses import dataclass
from typing import Any

import mpmath as mp

DIGITS = 70


@dataclass(frozen=True)
class Fixed:
    """Variances, covariance, and the kernels of each readout."""

    kxx: Any
    kyy: Any
    kxy: Any
    value: Any  # E[f f] and E[f' f'] at (x, y)
    slope: Any
    weight: Any

    @property
    def theta(self):
        return self.kxy / (1 - self.weight * self.slope)

    def read(self, readout):
        theta = self.theta
        return {"preactivation": theta, "linear": self.kxy + theta, "activation": self.value + self.slope * theta}[
            readout
        ]


def root(f, lower, upper, steps=230):
    """Where f goes from non-positive to non-negative, by regula falsi (Illinois) inside a bracket."""
    low, high = f(lower), f(upper)
    if high <= 0:
        return upper
    if low >= 0:
        return lower
    side, size = 0, max(abs(lower), abs(upper))
    for _ in range(steps):
        x = (lower * high - upper * low) / (high - low)
        y = f(x)
        if abs(y) < mp.mpf(10) ** (6 - DIGITS) * size or upper - lower < mp.mpf(10) ** (8 - DIGITS) * size:
            return x
        if y < 0:
            lower, low = x, y
            high = high / 2 if side == -1 else high
            side = -1
        else:
            upper, high = x, y
            low = low / 2 if side == 1 else low
            side = 1
    raise ValueError(f"no root found in {steps} steps")


def scale_of(value):
    """1 / E[f(u)^2] for a standard normal u."""
    return 1 / value(mp.mpf(1), mp.mpf(1), mp.mpf(1))


def variance(value, c, w, u, b):
    """The smallest positive fixed point of k = w V(k) + u c + b; None if the map stays above the identity."""
    inject = u * c + b
    before, top = inject, inject * mp.mpf("1.02")
    while w * value(top, top, top) + inject > top:
        before, top = top, top * mp.mpf("1.02")
        if top > 10**6:
            return None
    return root(lambda k: k - w * value(k, k, k) - inject, before, top)


def solve(expectations, cxx, cyy, cxy, variances, normalise=True):
    """The fixed point at exact second moments; of a discontinuous kernel the covariance that attracts."""
    with mp.workdps(DIGITS):
        plain, plain_slope = expectations
        scale = scale_of(plain) if normalise else mp.mpf(1)

        def value(*k):
            return scale * plain(*k)

        def slope(*k):
            return scale * plain_slope(*k)

        w, u, b = (mp.mpf(v) for v in variances)
        cxx, cyy, cxy = (mp.mpf(c) for c in (cxx, cyy, cxy))
        p, q = variance(value, cxx, w, u, b), variance(value, cyy, w, u, b)
        if p is None or q is None:
            return None
        end = mp.sqrt(p * q)
        if cxx == cyy == cxy and w * slope(p, q, end) < 1:
            k = p
        else:
            # An end that repels is itself a fixed point at coincident (or opposite) inputs.
            inner = [e if w * slope(p, q, e) < 1 else e * (1 - mp.mpf("1e-6")) for e in (-end, end)]
            k = root(lambda k: k - w * value(p, q, k) - u * cxy - b, *inner)
        return Fixed(p, q, k, value(p, q, k), slope(p, q, k), w)
