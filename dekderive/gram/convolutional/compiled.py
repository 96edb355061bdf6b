"""Kernel values of pairs of images by compiled loops, one pair after the other, on as many threads as numba uses."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from dekderive.errors import NoFixedPoint, NotConverged
from dekderive.gram.convolutional.images import Side
from dekderive.gram.convolutional.layer import Layer
from dekderive.gram.convolutional.loops import (
    ACROSS,
    BASE,
    DISTANCE,
    GAP,
    INVERSE_ROOT,
    INVERSE_SCALE,
    LOSS,
    OTHER,
    RESIDUAL,
    ROOT,
    ROWS,
    SCALE,
    SLOPE,
    SUM,
    TANGENT,
    WEIGHT,
    Z,
    box,
    compiled,
    evaluate,
    multiply,
    newton_gaps,
    numba,
    tangent_of,
)  # fmt: skip
from dekderive.gram.convolutional.pairs import infinite_tangent, not_settled
from dekderive.solvers.solution import Array

__all__ = ["compiled_values"]

# Pairs that a thread takes at a time.
CHUNK = 64


@compiled
def _geometry(work, weights, inverse_roots, a, b, radius):  # type: ignore[no-untyped-def]
    """Clear a workspace and write the weights of a displacement (a, b) to it."""
    rows, columns = weights.shape
    h, width = rows - abs(a), columns - abs(b)
    stride = width + radius
    lo = radius * stride + radius
    hi = lo + h * stride
    work[:, : hi + lo] = 0.0
    n, root, inverse = work[WEIGHT], work[ROOT], work[INVERSE_ROOT]
    top, left, still = max(0, -a), max(0, -b), a == 0 and b == 0
    for i in range(h):
        k = lo + i * stride
        here, there = inverse_roots[top + i][left:], inverse_roots[top + i + a][left + b :]
        both, m, s, t = weights[top + i][left:], n[k : k + width], root[k : k + width], inverse[k : k + width]
        for j in range(width):
            m[j] = both[j] if still else here[j] * there[j]
            s[j] = math.sqrt(m[j])
            t[j] = 1.0 / s[j]
    return lo, hi, stride, h, width


@compiled
def _distances(work, x, y, a, b, lo, stride, h, width):  # type: ignore[no-untyped-def]
    """Half the squared distances of pixels; the channels come first."""
    distance = work[DISTANCE]
    top, left = max(0, -a), max(0, -b)
    for channel in range(x.shape[0]):
        for i in range(h):
            k = lo + i * stride
            p, q, total = x[channel, top + i][left:], y[channel, top + i + a][left + b :], distance[k : k + width]
            for j in range(width):
                total[j] += 0.5 * (p[j] - q[j]) * (p[j] - q[j])


@compiled
def _scales(work, ax, ay, sx, sy, constants, a, b, shape):  # type: ignore[no-untyped-def]
    """From roots of variances: products, half the squared differences (RESIDUAL), contents of both images (OTHER)."""
    lo, _, stride, h, width = shape
    sw, su, _, ratio = constants
    top, left = max(0, -a), max(0, -b)
    for i in range(h):
        k, r, c = lo + i * stride, top + i + a, left + b
        p, q = ax[top + i][left:], ay[r][c:]
        g, inverse, tilt = work[SCALE][k : k + width], work[INVERSE_SCALE][k : k + width], work[RESIDUAL][k : k + width]
        for j in range(width):
            tilt[j] = 0.5 * (p[j] - q[j]) * (p[j] - q[j])
            g[j] = p[j] * q[j]
        for j in range(width):
            inverse[j] = 1.0 / g[j] if g[j] > 0 else 0.0
        if a != 0 or b != 0:
            content, m, n = work[OTHER][k : k + width], sx[top + i][left:], sy[r][c:]
            for j in range(width):
                content[j] = sw * ratio * (p[j] * p[j] + q[j] * q[j]) + su * (m[j] + n[j])


@compiled
def _outside(work, ax, ay, bias, counts, a, b, shape, radius):  # type: ignore[no-untyped-def]
    """Add to the base what pixels that only one of two windows holds contribute; the contents are in OTHER."""
    lo, hi, stride, h, width = shape
    base, s, n = work[BASE], work[SUM], work[WEIGHT]
    box(work[OTHER], work[ACROSS], s, lo, hi, stride, radius)
    for i in range(h):
        for j in range(width):
            r, c, k = i + max(0, -a), j + max(0, -b), lo + i * stride + j
            common = (min(i + radius, h - 1) - max(i - radius, 0) + 1) * (
                min(j + radius, width - 1) - max(j - radius, 0) + 1
            )
            if common != counts[r, c] or common != counts[r + a, c + b]:
                mean = 0.5 * (ax[r, c] * ax[r, c] + ay[r + a, c + b] * ay[r + a, c + b])
                base[k] += mean - bias - 0.5 * n[k] * s[k]


@compiled
def _collect_distances(work, sw, su, ratio, shape, radius):  # type: ignore[no-untyped-def]
    """Half the squared distances of windows, to BASE: from pixels, tilts and losses of the layer before."""
    lo, hi, stride, _, _ = shape
    z, distance, tilt, loss = work[Z][lo:hi], work[DISTANCE][lo:hi], work[RESIDUAL][lo:hi], work[LOSS][lo:hi]
    for k in range(z.size):
        z[k] = su * distance[k] + sw * (ratio * tilt[k] + loss[k])
    box(work[Z], work[ACROSS], work[SUM], lo, hi, stride, radius)
    multiply(work[BASE][lo:hi], work[WEIGHT][lo:hi], work[SUM][lo:hi])


@compiled
def _to_gaps(gap, base, tilt, g):  # type: ignore[no-untyped-def]
    for k in range(gap.size):
        gap[k] = min(max(base[k] - tilt[k], 0.0), 2.0 * g[k])


@compiled
def _read(work, ratio, readout, lo, hi):  # type: ignore[no-untyped-def]
    """Sum of T (readout 0) or of k1 + k0 T over the pixels of one displacement."""
    t, g, loss, slope = work[TANGENT][lo:hi], work[SCALE][lo:hi], work[LOSS][lo:hi], work[SLOPE][lo:hi]
    total = 0.0
    for k in range(t.size):
        total += t[k] if readout == 0 else ratio * g[k] - loss[k] + slope[k] * t[k]
    return total


@compiled
def _limit(work, x, y, constants, profile, geometry, a, b, readout, tolerances):  # type: ignore[no-untyped-def]
    """Value of one displacement in infinite depth, and a status: 0, 1 not converged, 2 infinite."""
    weights, inverse_roots, counts, radius = geometry
    sw, su, bias, ratio = constants
    shape = _geometry(work, weights, inverse_roots, a, b, radius)
    lo, hi, stride, h, width = shape
    _distances(work, x[0], y[0], a, b, lo, stride, h, width)
    _scales(work, x[1][0], y[1][0], x[2], y[2], constants, a, b, shape)
    _collect_distances(work, sw, su, ratio, shape, radius)  # without losses yet: the workspace is clear
    if a != 0 or b != 0:
        _outside(work, x[1][0], y[1][0], bias, counts, a, b, shape, radius)
    base, e = work[BASE][lo:hi], work[GAP][lo:hi]
    _to_gaps(e, base, work[RESIDUAL][lo:hi], work[SCALE][lo:hi])
    base[:] = e
    if not newton_gaps(work, profile, sw, tolerances[0], lo, hi, stride, radius):
        return 0.0, 1
    if not tangent_of(work, sw, tolerances[1], lo, hi, stride, radius):
        return 0.0, 2
    return _read(work, ratio, readout, lo, hi), 0


@compiled
def _iterates(work, x, y, constants, profile, geometry, a, b, readout, depth):  # type: ignore[no-untyped-def]
    """Value of one displacement after `depth` layers."""
    weights, inverse_roots, counts, radius = geometry
    sw, ratio = constants[0], constants[3]
    shape = _geometry(work, weights, inverse_roots, a, b, radius)
    lo, hi, stride, h, width = shape
    _distances(work, x[0], y[0], a, b, lo, stride, h, width)
    gap, g, inverse, t = work[GAP][lo:hi], work[SCALE][lo:hi], work[INVERSE_SCALE][lo:hi], work[TANGENT][lo:hi]
    loss, slope, z, s, n = work[LOSS][lo:hi], work[SLOPE][lo:hi], work[Z][lo:hi], work[SUM][lo:hi], work[WEIGHT][lo:hi]
    for layer in range(depth + 1):
        first, moved = layer == 0, a != 0 or b != 0
        ax, ay = x[1][max(layer - 1, 0)], y[1][max(layer - 1, 0)]
        before = (0.0, 1.0, 0.0, ratio) if first else constants  # the first layer holds the images, without bias
        if first or moved:
            _scales(work, ax, ay, x[2], y[2], before, a, b, shape)
        if not first:
            for k in range(t.size):
                z[k] = sw * slope[k] * t[k]
            box(work[Z], work[ACROSS], work[SUM], lo, hi, stride, radius)
            multiply(t, n, s)
        _collect_distances(work, before[0], before[1], ratio, shape, radius)
        if moved:
            _outside(work, x[1][layer], y[1][layer], before[2], counts, a, b, shape, radius)
        _scales(work, x[1][layer], y[1][layer], x[2], y[2], constants, a, b, shape)
        _to_gaps(gap, work[BASE][lo:hi], work[RESIDUAL][lo:hi], g)
        evaluate(gap, g, inverse, loss, slope, profile)
        for k in range(t.size):
            t[k] += g[k] - gap[k]
    return _read(work, ratio, readout, lo, hi)


@compiled
def _run(values, status, pairs, x, y, constants, profile, geometry, readout, depth, tolerances):  # type: ignore[no-untyped-def]
    """Values of some pairs; depth -1 stands for infinite depth, readout 3 for all displacements."""
    weights, radius = geometry[0], geometry[3]
    rows, columns = weights.shape
    work = np.empty((ROWS, (rows + 2 * radius) * (columns + radius) + 4 * radius))
    tall, wide = (rows, columns) if readout == 3 else (1, 1)
    for k in range(len(values)):
        i, j = pairs[0, k], pairs[1, k]
        left, right = (x[0][i], x[1][i], x[2][i]), (y[0][j], y[1][j], y[2][j])
        total, state = 0.0, 0
        for a in range(1 - tall, tall):
            for b in range(1 - wide, wide):
                if depth < 0:
                    part, code = _limit(
                        work, left, right, constants, profile, geometry, a, b, readout, tolerances
                    )  # fmt: skip
                    state = max(state, code)
                else:
                    part = _iterates(work, left, right, constants, profile, geometry, a, b, readout, depth)
                total += part
        values[k] = total
        status[k] = state


def compiled_values(
    layer: Layer, readout: str, x: Side, y: Side, i: NDArray[np.intp], j: NDArray[np.intp], tolerance: float
) -> Array:
    """The kernel at pairs (x[i], y[j]), without the norms of the images.

    Raises
    ------
    NoFixedPoint, NotConverged
    """
    grid, profile = layer.grid, layer.profile
    assert profile is not None
    stated = readout == "eq21"  # one activation on top of one layer less, and the images themselves
    code = {"preactivation": 0, "gap": 3}.get(readout, 1)
    depth = -1 if layer.depth is None else layer.depth - stated
    values, status, pairs = np.empty(i.size), np.zeros(i.size, dtype=np.int64), np.stack([i, j])
    geometry = grid.weights, grid.inverse_roots, np.rint(grid.counts).astype(np.int64), grid.radius
    rest = (
        (layer.weight, layer.injection, layer.bias, layer.ratio),
        (profile.coefficients, not profile.coefficients[[0, 2], 1:].any(), profile.total),
        geometry,
        code,
        depth,
        layer.tolerances(tolerance),
    )
    left, right = _arrays(x), _arrays(y)

    def chunk(begin: int) -> None:
        part = slice(begin, begin + CHUNK)
        _run(values[part], status[part], np.ascontiguousarray(pairs[:, part]), left, right, *rest)

    starts = range(0, i.size, CHUNK)
    threads = 1 if numba is None else numba.get_num_threads()
    with ThreadPoolExecutor(max(1, min(threads, len(starts)))) as pool:
        list(pool.map(chunk, starts))
    _check(layer, status)
    if readout == "gap":
        return values / (grid.rows * grid.columns) ** 2
    if stated:
        values *= layer.weight
        for begin in starts:
            part = slice(begin, begin + CHUNK)
            values[part] += layer.injection * np.einsum("npqc,npqc->n", x.pixels[i[part]], y.pixels[j[part]])
    return values


def _arrays(side: Side) -> tuple[Array, Array, Array]:
    """Pixels with the channels in front, roots of variances, and squared norms, contiguous."""
    pixels = np.ascontiguousarray(np.moveaxis(side.pixels, 3, 1))
    return pixels, np.ascontiguousarray(np.sqrt(side.variances)), np.ascontiguousarray(side.squares)


def _check(layer: Layer, status: NDArray[np.int64]) -> None:
    if (status == 1).any():
        raise NotConverged(not_settled(layer.activation.name))
    if status.any():
        raise NoFixedPoint(infinite_tangent(layer.activation.name))
