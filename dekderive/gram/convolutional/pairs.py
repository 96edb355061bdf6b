"""Tangent kernels of pairs of images, pixel by pixel, for all pixels with the same displacement, in NumPy."""

from dataclasses import dataclass

import numpy as np

from dekderive.errors import NoFixedPoint, NotConverged
from dekderive.gram.convolutional.images import Side
from dekderive.gram.convolutional.layer import Layer
from dekderive.gram.convolutional.linear import newton, solve_linear
from dekderive.gram.convolutional.profile import Profile
from dekderive.gram.convolutional.windows import Overlap, box_sum
from dekderive.solvers.solution import Array

__all__ = ["Fields", "fields_of", "infinite_tangent", "not_settled"]


@dataclass(frozen=True, eq=False)
class Fields:
    r"""Tensors of N pairs of images at the pixels (p, p + d) of one displacement, each (N, rows, columns).

    Attributes
    ----------
    conjugate, tangent : ndarray
        :math:`\Sigma` and T, the covariance and the tangent kernel of pre-activations.
    k1, k0 : ndarray
        :math:`\mathbb E[\phi(u) \phi(v)]` and :math:`\mathbb E[\phi'(u) \phi'(v)]` at :math:`\Sigma`.
    stated : ndarray
        :math:`\kappa T + \sigma_W^2 k_1 + \sigma_U^2 \langle x, y \rangle` of (21).
    """

    conjugate: Array
    tangent: Array
    k1: Array
    k0: Array
    stated: Array


@dataclass(frozen=True, eq=False)
class _Pair:
    """Both sides of N pairs, cut to the pixels p of the left and p + d of the right image."""

    layer: Layer
    overlap: Overlap
    x: Side
    y: Side

    def inner(self) -> Array:
        x, y = self._pixels()
        return np.einsum("npqc,npqc->npq", x, y)

    def half_distance(self) -> Array:
        x, y = self._pixels()
        return np.einsum("npqc,npqc->npq", x - y, x - y) / 2

    def variances(self, layer: int) -> tuple[Array, Array]:
        (a, b), (c, d) = self.overlap.left, self.overlap.right
        return self.x.variances[:, layer, a, b], self.y.variances[:, layer, c, d]

    def squares(self) -> tuple[Array, Array]:
        (a, b), (c, d) = self.overlap.left, self.overlap.right
        return self.x.squares[:, a, b], self.y.squares[:, c, d]

    def collect(self, z: Array) -> Array:
        return self.overlap.weight * box_sum(z, self.layer.grid.radius)

    def outside(self, before: tuple[Array, Array] | None, after: tuple[Array, Array]) -> Array:
        """What pixels that only one of the two windows holds add to half the squared distance.

        Exactly 0 where there are none, which is everywhere for displacement 0.
        """
        if self.overlap.whole.all():
            return np.zeros_like(after[0])
        squares, layer = self.squares(), self.layer
        if before is None:  # the first layer holds the images themselves, without bias
            content, bias = squares[0] + squares[1], 0.0
        else:
            content = layer.content(before[0], squares[0]) + layer.content(before[1], squares[1])
            bias = layer.bias
        mean = (after[0] + after[1]) / 2 - bias
        return np.where(self.overlap.whole, 0.0, mean - self.collect(content) / 2)

    def _pixels(self) -> tuple[Array, Array]:
        (a, b), (c, d) = self.overlap.left, self.overlap.right
        return self.x.pixels[:, a, b], self.y.pixels[:, c, d]


def fields_of(
    layer: Layer,
    overlap: Overlap,
    x: Side,
    y: Side,
    tolerance: float,
) -> Fields:
    r"""The tensors of pairs (x[i], y[i]).

    With a profile, gaps :math:`e = \sqrt{q_x q_y} - \Sigma` are solved for instead of :math:`\Sigma`.  They start from
    squared distances of pixels, so that near-duplicates keep their digits.

    Parameters
    ----------
    layer : Layer
    overlap : Overlap
        Of the displacement.
    x, y : Side
        As many images on either side.
    tolerance : float

    Raises
    ------
    NoFixedPoint
        If the tangent kernel is infinite.
    NotConverged
    """
    pair, profile = _Pair(layer, overlap, x, y), layer.profile
    if layer.depth is not None:
        return _of_depth(pair, profile, layer.depth)
    qx, qy = pair.variances(0)
    if profile is None:
        conjugate, k1, k0 = _covariances(pair, qx, qy, tolerance)
    else:
        conjugate, k1, k0 = _gaps(pair, qx, qy, profile, tolerance)
    slope = layer.weight * k0
    _, linear = layer.tolerances(tolerance)
    tangent, fine = solve_linear(slope, overlap.weight, conjugate, layer.grid.radius, linear)
    if not fine.all():
        raise NoFixedPoint(infinite_tangent(layer.activation.name))
    stated = slope * tangent + layer.weight * k1 + layer.injection * pair.inner()
    return Fields(conjugate, tangent, k1, k0, stated)


def _gaps(pair: _Pair, qx: Array, qy: Array, profile: Profile, tolerance: float) -> tuple[Array, Array, Array]:
    layer, ratio = pair.layer, pair.layer.ratio
    ax, ay = np.sqrt(qx), np.sqrt(qy)
    g, half = ax * ay, np.square(ax - ay) / 2
    weight = layer.weight
    base = pair.outside((qx, qy), (qx, qy)) - half
    base += pair.collect(layer.injection * pair.half_distance() + weight * ratio * half)
    base = np.where(g > 0, np.maximum(base, 0.0), 0.0)
    unit = np.where(g > 0, g, 1.0)

    def function(e: Array) -> tuple[Array, Array]:
        loss, k0 = profile(np.clip(e / unit, 0.0, 2.0))
        return weight * g * loss, weight * k0

    start = base
    for _ in range(2):  # as if all neighbours were equal
        value, slope = function(start)
        start = np.clip((base + value - slope * start) / (1.0 - np.minimum(slope, 0.999)), 0.0, 2 * g)
    found = newton(
        function,
        base,
        start,
        pair.overlap.weight,
        layer.grid.radius,
        layer.tolerances(tolerance)[0],
        lower=0.0,
        upper=2 * g,
        scale=lambda e: np.sqrt(e * g),
    )
    _demand(bool(found.converged.all()), layer)
    loss, k0 = profile(np.clip(found.value / unit, 0.0, 2.0))
    return g - found.value, g * (ratio - loss), k0


def _covariances(pair: _Pair, qx: Array, qy: Array, tolerance: float) -> tuple[Array, Array, Array]:
    layer = pair.layer
    g = np.sqrt(qx * qy)
    base = pair.collect(layer.injection * pair.inner()) + layer.bias

    def function(s: Array) -> tuple[Array, Array]:
        k1, k0 = layer.activation.pair(qx, qy, s)
        return layer.weight * k1, layer.weight * k0

    found = newton(
        function,
        base,
        np.clip(base, -g, g),
        pair.overlap.weight,
        layer.grid.radius,
        min(tolerance, 1e-12),
        lower=-g,
        upper=g,
        scale=lambda _: g,
    )
    _demand(bool(found.converged.all()), layer)
    return found.value, *layer.activation.pair(qx, qy, found.value)


def not_settled(name: str) -> str:
    """What to say when covariances do not settle."""
    return f"the covariances of {name} do not settle for some pair of images; lower weight_variance"


def infinite_tangent(name: str) -> str:
    """What to say when a tangent kernel is infinite."""
    return (
        f"the tangent kernel of {name} is infinite for some pair of images: weight_variance * E[phi'(u) phi'(v)] "
        "reaches 1; lower weight_variance"
    )


def _demand(converged: bool, layer: Layer) -> None:
    if not converged:
        raise NotConverged(not_settled(layer.activation.name))


def _of_depth(pair: _Pair, profile: Profile | None, depth: int) -> Fields:
    """Iterate (15)-(20), the first layer being Sigma^(0) of (16), and T with it."""
    layer, weight, injection = pair.layer, pair.layer.weight, pair.layer.injection
    q = pair.variances(0)
    inner, distance = pair.inner(), pair.half_distance()
    state = pair.outside(None, q) + pair.collect(distance) if profile else pair.collect(inner)
    now = _state(pair, profile, q, state)
    tangent = stated = now.conjugate
    for h in range(1, depth + 1):
        before, q = q, pair.variances(h)
        stated = weight * now.k0 * tangent + weight * now.k1 + injection * inner
        if profile:
            state = pair.outside(before, q) + pair.collect(weight * now.lost + injection * distance)
        else:
            state = pair.collect(weight * now.k1 + injection * inner) + layer.bias
        passed = pair.collect(weight * now.k0 * tangent)
        now = _state(pair, profile, q, state)
        tangent = now.conjugate + passed
    return Fields(now.conjugate, tangent, now.k1, now.k0, stated)


@dataclass(frozen=True, eq=False)
class _State:
    """A covariance, its expectations, and half the expected squared distance of activations (with a profile)."""

    conjugate: Array
    k1: Array
    k0: Array
    lost: Array


def _state(pair: _Pair, profile: Profile | None, q: tuple[Array, Array], state: Array) -> _State:
    """From half the squared distance of pre-activations (with a profile), or from their covariance."""
    if profile is None:
        k1, k0 = pair.layer.activation.pair(*q, state)
        return _State(state, k1, k0, state)
    ax, ay = np.sqrt(q[0]), np.sqrt(q[1])
    g, half = ax * ay, np.square(ax - ay) / 2
    gap = np.clip(state - half, 0.0, 2 * g)
    loss, k0 = profile(gap / np.where(g > 0, g, 1.0))
    return _State(g - gap, g * (pair.layer.ratio - loss), k0, pair.layer.ratio * half + g * loss)
