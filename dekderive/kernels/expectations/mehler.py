"""Mehler's series for ``E[f(u) g(v)]``, entry by entry at the order that its bound asks for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dekderive.kernels.discriminants import angle
from dekderive.kernels.elementwise import Array
from dekderive.kernels.expectations.coefficients import STRIDE, Coefficients, coefficients
from dekderive.kernels.expectations.conditional import conditional_dual
from dekderive.kernels.expectations.functions import centred
from dekderive.kernels.expectations.mixtures import Term, mixture_dual, mixture_of, sup_error
from dekderive.kernels.expectations.panels import Index, Integrand
from dekderive.kernels.expectations.sectors import sector_dual

__all__ = ["ORDERS", "bivariate", "certified", "distinct"]

ORDERS = (64, 128, 256, 512, 1024, 2048)
_TOLERANCE = 4e-15  # of sqrt(E f^2 E g^2)
_LONGEST_WITH_MIXTURE = 512  # where closed forms are at hand for those entries that need more
_EXCESS = 1e-6  # how far |correlation| may exceed 1 by rounding; float32 covariances are rounded to 1e-7
_CHUNK = 1 << 16  # entries at a time, and ...
_BLOCK = 1 << 12  # ... entries at a time in the innermost loop: they stay in the cache
_ROWS_TIMES_ORDER = 1 << 21  # coefficients at a time

_seen: OrderedDict[bytes, tuple[Array, Index]] = OrderedDict()
_lock = threading.Lock()


def distinct(x: Array) -> tuple[Array, Index]:
    """Return the distinct values, ascending, and where each entry of x is among them.

    The same variances come back at every step of a solver, so the last few answers are kept.

    Examples
    --------
    >>> values, where = distinct(np.array([[3.0], [1.0], [3.0]]))
    >>> values, where.ravel()
    (array([1., 3.]), array([1, 0, 1]))
    """
    key = x.tobytes() if 256 <= x.size <= _CHUNK else b""
    if key:
        with _lock:
            found = _seen.get(key)
        if found is not None:
            return found[0], found[1].reshape(x.shape)
    values, where = np.unique(x, return_inverse=True)
    if key:
        with _lock:
            _seen[key] = values, where
            while len(_seen) > 8:
                _seen.popitem(last=False)
    return values, where.reshape(x.shape)


def bivariate(f: Integrand, g: Integrand, kxx: Array, kyy: Array, kxy: Array) -> tuple[Array, Array]:
    """Return the values and bounds of `certified`.

    Examples
    --------
    >>> value, bound = bivariate(np.square, np.square, *np.array([2.0, 3.0, 1.0]))
    >>> float(value), bool(bound < 1e-12)
    (8.0, True)
    """
    return certified(f, g, kxx, kyy, kxy)[:2]


def certified(f: Integrand, g: Integrand, kxx: Array, kyy: Array, kxy: Array) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Return ``E[f(u) g(v)]``, bounds of its errors, and whether these are proved up to rounding.

    NaN, inf and False where kxx, kyy, kxy is no covariance.

    Raises
    ------
    NotConverged
        If f or g is not smooth between its knots.

    Examples
    --------
    >>> value, _, proved = certified(np.square, np.square, *np.array([2.0, 3.0, 1.0]))
    >>> float(value), bool(proved)
    (8.0, False)
    """
    shape = np.broadcast_shapes(kxx.shape, kyy.shape, kxy.shape)
    a, ia = distinct(kxx)
    b, ib = distinct(kyy)
    value, bound, proved = np.empty(shape), np.empty(shape), np.empty(shape, dtype=bool)
    flat = [x.reshape(-1) for x in (value, bound, proved)]
    for begin in range(0, value.size, _CHUNK):
        part = slice(begin, begin + _CHUNK)
        ix, iy, c = (_part(x, shape, part) for x in (ia, ib, kxy))
        work = _Work(f, g, a, b, ix, iy, _correlation(a[ix], b[iy], c))
        work.solve(c)
        flat[0][part], flat[1][part], flat[2][part] = work.value, work.bound, work.proved
    return value, bound, proved


def _part(x: NDArray[Any], shape: tuple[int, ...], part: slice) -> NDArray[Any]:
    """A stretch of the flattened broadcast of x, without broadcasting all of it."""
    return x.reshape(-1)[part] if x.shape == shape else np.broadcast_to(x, shape).flat[part]


def _correlation(a: Array, b: Array, c: Array) -> Array:
    """``c / sqrt(a b)``; 0 where a variance is 0, NaN where there is no such covariance."""
    with np.errstate(all="ignore"):
        r = c / np.sqrt(a) / np.sqrt(b)
        r = np.where((a == 0) | (b == 0), np.where(c == 0, 0.0, np.nan), r)
        valid = (a >= 0) & (b >= 0) & (a < np.inf) & (b < np.inf) & (np.abs(r) <= 1.0 + _EXCESS)
        return np.where(valid, np.clip(r, -1.0, 1.0), np.nan)


@dataclass(eq=False)
class _Work:
    """Entries under way: pairs of indices into the distinct variances a, b, and correlations."""

    f: Integrand
    g: Integrand
    a: Array
    b: Array
    ix: Index
    iy: Index
    r: Array

    def solve(self, c: Array) -> None:
        """Climb the orders until every bound is small; what is left goes to closed forms or to a quadrature."""
        self.value, self.bound = np.full(self.r.shape, np.nan), np.full(self.r.shape, np.inf)
        self.scale, self.proved = np.full(self.r.shape, np.nan), np.zeros(self.r.shape, dtype=bool)
        todo = np.flatnonzero(np.isfinite(self.r))
        mixtures = mixture_of(self.f), mixture_of(self.g)
        self.mixed = all(mixtures)
        self.described = all(getattr(h, "strip", None) for h in (self.f, self.g))
        for order in ORDERS:
            if todo.size and not (self.mixed and order > _LONGEST_WITH_MIXTURE):
                todo = self._at_order(todo, order)
        if not todo.size:
            return
        a, b = self.a[self.ix[todo]], self.b[self.iy[todo]]
        if self.mixed:
            self._by_mixture(todo, mixtures, a, b, c[todo])
            return
        plane = sector_dual if centred(self.f, self.g) else conditional_dual
        found = plane(self.f, self.g, a, b, angle(a, b, c[todo]), self.scale[todo])
        self.value[todo], self.bound[todo] = found

    def _by_mixture(
        self, todo: Index, terms: tuple[tuple[Term, ...], tuple[Term, ...]], a: Array, b: Array, c: Array
    ) -> None:
        self.value[todo], size = mixture_dual(*terms, a, b, c)
        errors = [sup_error(t) for t in terms]
        norms = [
            np.sqrt(np.abs(mixture_dual(t, t, x, x, x)[0]) + error**2) + error
            for t, x, error in zip(terms, (a, b), errors, strict=True)
        ]
        self.bound[todo] = errors[0] * norms[1] + errors[1] * norms[0] + 16 * np.finfo(float).eps * size
        self.proved[todo] = True

    def _at_order(self, todo: Index, order: int) -> Index:
        """Sum the series of those entries whose bound is small at this order; return the others."""
        rows_x, jx = _used(self.ix[todo], self.a.size)
        rows_y, jy = _used(self.iy[todo], self.b.size)
        if (rows_x.size + rows_y.size) * order > _ROWS_TIMES_ORDER and todo.size > 1:
            half = todo.size // 2
            return np.concatenate([self._at_order(todo[:half], order), self._at_order(todo[half:], order)])
        left = coefficients(self.f, self.a[rows_x], order)
        right = coefficients(self.g, self.b[rows_y], order)
        r, scale = self.r[todo], left.norm[jx] * right.norm[jy]
        missing = left.tails[:, -1][jx] * right.tails[:, -1][jy]
        if not np.max(missing) <= _TOLERANCE:
            missing *= np.abs(r) ** order
        small = ~(missing > _TOLERANCE)  # NaN, where f or g overflows, has nowhere to go
        proved = left.proved[jx] & right.proved[jy]
        if self.mixed:  # a proof is at hand
            small &= proved | (not self.described)
        done = todo[small]
        resolved = left.error[jx] + right.error[jy] + _TOLERANCE + 16 * np.finfo(float).eps
        self.scale[todo] = scale
        self.proved[done] = proved[small]
        self.value[done] = _sum(left, right, jx[small], jy[small], r[small])
        with np.errstate(invalid="ignore"):
            self.bound[done] = np.where(np.isfinite(scale), scale * (missing + resolved), np.inf)[small]
        return todo[~small]


def _used(index: Index, size: int) -> tuple[Index, Index]:
    """The distinct entries of an index array, ascending, and the array in terms of them; without sorting."""
    mark = np.zeros(size, dtype=bool)
    mark[index] = True
    return np.flatnonzero(mark), (np.cumsum(mark) - 1)[index]


def _sum(left: Coefficients, right: Coefficients, jx: Index, jy: Index, r: Array) -> Array:
    """``sum_k left[jx, k] right[jy, k] r^k`` by Horner's rule, in blocks."""
    x, y = np.ascontiguousarray(left.alpha.T), np.ascontiguousarray(right.alpha.T)
    with np.errstate(all="ignore"):
        tails = np.max(left.tails, axis=0, initial=0.0) * np.max(right.tails, axis=0, initial=0.0)
        total = np.empty(r.shape)
        for begin in range(0, r.size, _BLOCK):
            part = slice(begin, begin + _BLOCK)
            total[part] = _horner(x, y, jx[part], jy[part], r[part], tails)
    return total


def _horner(x: Array, y: Array, jx: Index, jy: Index, r: Array, tails: Array) -> Array:
    """One block, at the lowest order at which Parseval's bound is small for all of it."""
    ends = STRIDE * np.arange(1, tails.size + 1)
    enough = np.flatnonzero(tails * np.max(np.abs(r)) ** ends <= _TOLERANCE)
    order = int(ends[enough[0]]) if enough.size else x.shape[0]
    total, term, factor = np.zeros(r.shape), np.empty(r.shape), np.empty(r.shape)
    for k in range(order - 1, -1, -1):
        np.take(x[k], jx, out=term, mode="clip")
        np.take(y[k], jy, out=factor, mode="clip")
        term *= factor
        total *= r
        total += term
    return total
