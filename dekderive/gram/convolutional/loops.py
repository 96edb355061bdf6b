"""Loops over padded grids, compiled by numba where it is installed; without it they are plain Python, and right.

A grid of h rows lies in a one-dimensional array: `radius` zeros follow each row, and as many rows of zeros surround all
of them.  Sums over windows are then sums of shifted copies of the whole array, and every loop is a long one.  All loops
start from 0 on slices: indices that might be negative would keep the compiler from using vector instructions.
"""

import importlib.util
import math
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["box", "compiled", "conjugate_gradients", "evaluate", "multiply", "newton_gaps", "numba", "tangent_of"]

Function = TypeVar("Function", bound=Callable[..., Any])

numba: Any = importlib.import_module("numba") if importlib.util.find_spec("numba") else None

# Rows of a workspace.
(
    WEIGHT, ROOT, INVERSE_ROOT, SCALE, INVERSE_SCALE, BASE, GAP, LOSS, SLOPE, RESIDUAL, W, V, P, Z, ACROSS, SUM, REST,
    TANGENT, DISTANCE, OTHER,
) = range(20)  # fmt: skip
ROWS = 20
TERMS = 33  # of the polynomials of a profile
STEPS = 40
ITERATIONS = 2000


def compiled(function: Function) -> Function:
    """A function for numba to compile when it is first called.

    Sums may be reordered and products fused with sums; NaN stays NaN.
    """
    if numba is None:
        return function
    options = {"nogil": True, "error_model": "numpy", "fastmath": {"contract", "reassoc", "nsz"}}
    return numba.njit(**options)(function)


@compiled
def _add(total, first, second):  # type: ignore[no-untyped-def]
    for k in range(total.size):
        total[k] += first[k] + second[k]


@compiled
def _add_three(total, first, second, third):  # type: ignore[no-untyped-def]
    for k in range(total.size):
        total[k] = first[k] + second[k] + third[k]


@compiled
def box(z, across, total, lo, hi, stride, radius):  # type: ignore[no-untyped-def]
    """Sums over windows of the numbers in `z`, into `total`."""
    if radius == 1:
        _add_three(across[lo:hi], z[lo - 1 : hi - 1], z[lo:hi], z[lo + 1 : hi + 1])
        above, below = across[lo - stride : hi - stride], across[lo + stride : hi + stride]
        _add_three(total[lo:hi], above, across[lo:hi], below)
        return
    across[lo:hi] = z[lo:hi]
    for d in range(1, radius + 1):
        _add(across[lo:hi], z[lo - d : hi - d], z[lo + d : hi + d])
    total[lo:hi] = across[lo:hi]
    for d in range(1, radius + 1):
        shift = d * stride
        _add(total[lo:hi], across[lo - shift : hi - shift], across[lo + shift : hi + shift])


@compiled
def _evaluate_odd(gap, scale, inverse, loss, slope, c, total):  # type: ignore[no-untyped-def]
    """As `evaluate`, where the means of both sides are constants (the rectifier)."""
    half, mean = c[0, 0], c[2, 0]
    for k in range(gap.size):
        epsilon = min(max(gap[k] * inverse[k], 0.0), 2.0)
        square = min(epsilon, 2.0 - epsilon)
        u = 2.0 * math.sqrt(square) - 1.0
        odd, difference = c[1, TERMS - 1], c[3, TERMS - 1]
        for d in range(1, TERMS):
            odd = odd * u + c[1, TERMS - 1 - d]
            difference = difference * u + c[3, TERMS - 1 - d]
        near = epsilon <= 1.0
        sign = 1.0 if near else -1.0
        part = square * (mean + sign * difference)
        loss[k] = scale[k] * (part if near else total - part)
        slope[k] = max(half + sign * odd, 0.0)


@compiled
def evaluate(gap, scale, inverse, loss, slope, profile):  # type: ignore[no-untyped-def]
    """Loss (times the scale) and slope of a profile at gaps."""
    c, constant, total = profile
    if constant:
        _evaluate_odd(gap, scale, inverse, loss, slope, c, total)
        return
    for k in range(gap.size):
        epsilon = min(max(gap[k] * inverse[k], 0.0), 2.0)
        square = min(epsilon, 2.0 - epsilon)
        u = 2.0 * math.sqrt(square) - 1.0
        half, odd, mean, difference = c[0, TERMS - 1], c[1, TERMS - 1], c[2, TERMS - 1], c[3, TERMS - 1]
        for d in range(1, TERMS):
            half = half * u + c[0, TERMS - 1 - d]
            odd = odd * u + c[1, TERMS - 1 - d]
            mean = mean * u + c[2, TERMS - 1 - d]
            difference = difference * u + c[3, TERMS - 1 - d]
        near = epsilon <= 1.0
        sign = 1.0 if near else -1.0
        part = square * (mean + sign * difference)
        loss[k] = scale[k] * (part if near else total - part)
        slope[k] = max(half + sign * odd, 0.0)


@compiled
def _dot(a, b):  # type: ignore[no-untyped-def]
    total = 0.0
    for k in range(a.size):
        total += a[k] * b[k]
    return total


@compiled
def multiply(product, a, b):  # type: ignore[no-untyped-def]
    """Write a * b to `product`."""
    for k in range(a.size):
        product[k] = a[k] * b[k]


@compiled
def _apply(q, p, w):  # type: ignore[no-untyped-def]
    """From box(w p) in q to p - w box(w p), and its product with p."""
    curvature = 0.0
    for k in range(p.size):
        q[k] = p[k] - w[k] * q[k]
        curvature += p[k] * q[k]
    return curvature


@compiled
def _advance(v, rest, p, q, step):  # type: ignore[no-untyped-def]
    following = 0.0
    for k in range(p.size):
        v[k] += step * p[k]
        rest[k] -= step * q[k]
        following += rest[k] * rest[k]
    return following


@compiled
def _turn(p, rest, z, w, ratio):  # type: ignore[no-untyped-def]
    for k in range(p.size):
        p[k] = rest[k] + ratio * p[k]
        z[k] = w[k] * p[k]


@compiled
def conjugate_gradients(work, tolerance, lo, hi, stride, radius):  # type: ignore[no-untyped-def]
    """Solve ``v - w box(w v) = rest``; the right side is overwritten.  Returns -1 if the matrix is not positive."""
    z, across, total = work[Z], work[ACROSS], work[SUM]
    w, v, p, rest = work[W][lo:hi], work[V][lo:hi], work[P][lo:hi], work[REST][lo:hi]
    q, inner = total[lo:hi], z[lo:hi]
    v[:] = 0.0
    p[:] = rest
    multiply(inner, w, p)
    rho = _dot(rest, rest)
    target = rho * tolerance * tolerance
    for iteration in range(ITERATIONS):
        if rho <= target:
            return iteration
        box(z, across, total, lo, hi, stride, radius)
        curvature = _apply(q, p, w)
        if not curvature > 0:
            return -1
        following = _advance(v, rest, p, q, rho / curvature)
        _turn(p, rest, inner, w, following / rho)
        rho = following
    return -1


@compiled
def _roots(w, rest, slope, root, inverse, right, sw):  # type: ignore[no-untyped-def]
    """The matrix w and the right side of the symmetric form."""
    for k in range(w.size):
        size = math.sqrt(sw * slope[k])
        w[k] = size * root[k]
        rest[k] = size * inverse[k] * right[k]


@compiled
def _guess(e, base, g, loss, slope, sw):  # type: ignore[no-untyped-def]
    """A step of Newton's method pixel by pixel, as if all neighbours were equal."""
    for k in range(e.size):
        change = (base[k] + sw * loss[k] - e[k]) / (1.0 - min(sw * slope[k], 0.999))
        e[k] = min(max(e[k] + change, 0.0), 2.0 * g[k])


@compiled
def _residuals(residual, base, e, n, s, sw):  # type: ignore[no-untyped-def]
    size = 0.0
    for k in range(e.size):
        residual[k] = base[k] + sw * n[k] * s[k] - e[k]
        size += residual[k] * residual[k]
    return size


@compiled
def _are_small(residual, e, g, limit):  # type: ignore[no-untyped-def]
    bad = 0.0
    for k in range(e.size):
        bad += 1.0 if residual[k] * residual[k] > limit * (e[k] * g[k]) else 0.0
    return bad == 0.0


@compiled
def _move(e, residual, n, s, g):  # type: ignore[no-untyped-def]
    for k in range(e.size):
        e[k] = min(max(e[k] + residual[k] + n[k] * s[k], 0.0), 2.0 * g[k])


@compiled
def newton_gaps(work, profile, sw, tolerance, lo, hi, stride, radius):  # type: ignore[no-untyped-def]
    """Solve ``e = base + sw n box(g m(e/g))`` in place; returns whether it is solved.  Leaves loss and slope of e."""
    n, g, inverse, base, e = (
        work[WEIGHT][lo:hi], work[SCALE][lo:hi], work[INVERSE_SCALE][lo:hi], work[BASE][lo:hi], work[GAP][lo:hi],
    )  # fmt: skip
    loss, slope, residual, w, v = (
        work[LOSS][lo:hi], work[SLOPE][lo:hi], work[RESIDUAL][lo:hi], work[W][lo:hi], work[V][lo:hi],
    )  # fmt: skip
    root, inverse_root, s, rest, z = (
        work[ROOT][lo:hi], work[INVERSE_ROOT][lo:hi], work[SUM][lo:hi], work[REST][lo:hi], work[Z][lo:hi],
    )  # fmt: skip
    for _ in range(2):
        evaluate(e, g, inverse, loss, slope, profile)
        _guess(e, base, g, loss, slope, sw)
    before = math.inf
    for _ in range(STEPS):
        evaluate(e, g, inverse, loss, slope, profile)
        box(work[LOSS], work[ACROSS], work[SUM], lo, hi, stride, radius)
        size = _residuals(residual, base, e, n, s, sw)
        if _are_small(residual, e, g, tolerance * tolerance):
            return True
        forcing = 0.1 if before == math.inf else min(max(math.sqrt(size / before), 1e-9), 0.1)
        before = size
        _roots(w, rest, slope, root, inverse_root, residual, sw)
        if conjugate_gradients(work, forcing, lo, hi, stride, radius) < 0:
            return False
        multiply(z, w, v)
        box(work[Z], work[ACROSS], work[SUM], lo, hi, stride, radius)
        _move(e, residual, n, s, g)
    return False


@compiled
def tangent_of(work, sw, tolerance, lo, hi, stride, radius):  # type: ignore[no-untyped-def]
    """Solve for the tangent kernel of the covariances g - e; returns whether it is finite."""
    n, g, e, t = work[WEIGHT][lo:hi], work[SCALE][lo:hi], work[GAP][lo:hi], work[TANGENT][lo:hi]
    w, v, z, s = work[W][lo:hi], work[V][lo:hi], work[Z][lo:hi], work[SUM][lo:hi]
    for k in range(t.size):
        t[k] = g[k] - e[k]
    _roots(w, work[REST][lo:hi], work[SLOPE][lo:hi], work[ROOT][lo:hi], work[INVERSE_ROOT][lo:hi], t, sw)
    if conjugate_gradients(work, tolerance, lo, hi, stride, radius) < 0:
        return False
    multiply(z, w, v)
    box(work[Z], work[ACROSS], work[SUM], lo, hi, stride, radius)
    for k in range(t.size):
        t[k] += n[k] * s[k]
    return True
