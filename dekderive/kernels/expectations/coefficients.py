"""Hermite coefficients ``E[f(sqrt(a) z) h_k(z)]`` for many variances a, and what Parseval's identity says they miss."""

from __future__ import annotations

import functools
import math
import threading
from collections import OrderedDict
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from dekderive.kernels.elementwise import Array
from dekderive.kernels.expectations.functions import Described, centred
from dekderive.kernels.expectations.graded import line
from dekderive.kernels.expectations.hermite_functions import hermite_functions, root_density
from dekderive.kernels.expectations.panels import (
    NODES,
    Attempt,
    Grid,
    Index,
    Integrand,
    evaluate,
    grid,
    level_of,
    refined,
    remainder,
)
from dekderive.kernels.expectations.trapezoid import SPREAD, proved_coefficients, proved_tails

__all__ = ["STRIDE", "Coefficients", "coefficients"]

STRIDE = 8  # tails are kept after every STRIDE coefficients
_FLOOR = 1e-15  # of the squared norm: Parseval's difference of squares is known no better than its rounding error
_ROWS = 256  # variances at a time: bounds the memory
_KEPT_BYTES = 1 << 26
_KEPT_ENTRIES = 48
_KEPT_TABLE = 1 << 22  # numbers


@dataclass(frozen=True, eq=False)
class Coefficients:
    """Rows of Hermite coefficients 0 ... order - 1 of one function.

    Attributes
    ----------
    variances : ndarray (m,)
        Ascending.
    alpha : ndarray (m, order)
    norm : ndarray (m,)
        ``sqrt(E f^2)``; NaN (as the coefficients) where f overflows.
    tails : ndarray (m, order / STRIDE)
        Bounds of ``sqrt(sum alpha_k^2) / norm`` over the k from STRIDE, 2 STRIDE, ... on, from Parseval's identity.
    error : ndarray (m,)
        What the quadrature does not resolve of f, relative to its norm.
    proved : ndarray (m,) of bool
        Whether `error` is a theorem (see `dekderive.kernels.expectations.trapezoid`), and not an estimate.
    """

    variances: Array
    alpha: Array
    norm: Array
    tails: Array
    error: Array
    proved: NDArray[np.bool_]

    def take(self, rows: Index) -> Coefficients:
        """The chosen rows."""
        return Coefficients(*(getattr(self, f.name)[rows] for f in fields(self)))

    def join(self, other: Coefficients) -> Coefficients:
        """Both sets of rows, in ascending order of the variances."""
        columns = [np.concatenate([getattr(self, f.name), getattr(other, f.name)]) for f in fields(self)]
        order = np.argsort(columns[0])
        return Coefficients(*(c[order] for c in columns))

    @property
    def size(self) -> int:
        """Memory in bytes."""
        return self.alpha.nbytes + self.tails.nbytes


# Newton's method asks for the same rows ten times over, and for fewer and fewer of them.
_kept: OrderedDict[tuple[Integrand, int], Coefficients] = OrderedDict()
_lock = threading.Lock()


def coefficients(f: Integrand, variances: Array, order: int) -> Coefficients:
    """Return the first `order` Hermite coefficients of ``f(sqrt(a) z)`` for every variance a.

    Rows are kept for the functions that were used last, 64 MiB in all; a function is known by its identity, so it must
    be pure.

    Parameters
    ----------
    f : callable
        Elementwise, hashable; smooth between its knots.
    variances : ndarray, one-dimensional
        Ascending and distinct; non-negative and finite.
    order : int
        A multiple of ``STRIDE``.

    Raises
    ------
    NotConverged
        If f is not smooth between its knots.

    Examples
    --------
    >>> coefficients(np.exp, np.array([1.0]), 8).alpha[0, :3] / np.exp(0.5) - [1, 1, 0.5**0.5] < 1e-14
    array([ True,  True,  True])
    """
    with _lock:
        kept = _kept.get((f, order))
    if kept is None:
        found = _computed(f, variances, order)
    else:
        place = np.minimum(np.searchsorted(kept.variances, variances), kept.variances.size - 1)
        known = kept.variances[place] == variances
        if known.all():
            return kept.take(place)
        found = _computed(f, variances[~known], order)
        if kept.size + found.size <= _KEPT_BYTES // 4:
            joined = kept.join(found)
            _keep(f, order, joined)
            return joined.take(np.searchsorted(joined.variances, variances))
        found = found.join(kept.take(place[known]))
    _keep(f, order, found)
    return found


def _keep(f: Integrand, order: int, rows: Coefficients) -> None:
    with _lock:
        _kept[f, order] = rows
        _kept.move_to_end((f, order))
        while len(_kept) > _KEPT_ENTRIES or sum(r.size for r in _kept.values()) > _KEPT_BYTES:
            _kept.popitem(last=False)


def _computed(f: Integrand, variances: Array, order: int) -> Coefficients:
    parts = [_part(f, variances[begin:end], order) for begin, end in _groups(f, variances)]
    columns = zip(*([getattr(p, field.name) for field in fields(p)] for p in parts), strict=True)
    return Coefficients(*(np.concatenate(c) for c in columns))


def _groups(f: Integrand, variances: Array) -> list[tuple[int, int]]:
    """Stretches of variances that share their nodes."""
    # Knots away from 0 lie at different nodes for every variance, which then has panels of its own.
    most = _ROWS if centred(f) else 1
    spread = SPREAD if isinstance(f, Described) and f.strip else math.inf
    groups, begin = [], 0
    while begin < variances.size:
        within = variances[begin : begin + most] <= (spread * variances[begin] if spread < math.inf else math.inf)
        groups.append((begin, begin + int(np.count_nonzero(within))))
        begin = groups[-1][1]
    return groups


def _part(f: Integrand, variances: Array, order: int) -> Coefficients:
    if isinstance(f, Described) and f.strip:
        found = proved_coefficients(f, variances, order)
        if found is not None:
            result = _with_tails(variances, *found, proved=True)
            after = STRIDE * np.arange(1.0, order // STRIDE + 1)
            with np.errstate(all="ignore"):
                smaller = proved_tails(f.strip, variances, after) / (result.norm * (1.0 - result.error))[:, None]
            return replace(result, tails=np.fmin(result.tails, smaller))
    return (_batch if centred(f) else _single)(f, variances, order)


def _batch(f: Integrand, variances: Array, order: int) -> Coefficients:
    level, deviations = level_of(float(variances[-1])), np.sqrt(variances)[:, None]

    def attempt(rows: Index, refinement: int, reach: float) -> Attempt:
        on, even, odd, mass = _table(order, _nodes(order, level, refinement, reach))
        right, left = evaluate(f, deviations[rows] * on.z), evaluate(f, -deviations[rows] * on.z)
        alpha = np.empty((rows.size, order))
        with np.errstate(all="ignore"):
            alpha[:, 0::2] = (right + left) @ even
            alpha[:, 1::2] = (right - left) @ odd
            norm = np.sqrt((right * right + left * left) @ mass)
            missing = np.hypot(remainder(right, on), remainder(left, on))
            missing = np.linalg.norm(missing * np.sqrt(on.width * _density(on.left)), axis=1)
            at_end = (np.abs(right[:, -1]) + np.abs(left[:, -1])) * np.exp(-0.25 * on.z[-1] ** 2)
        return Attempt(alpha, norm, missing, at_end)

    return _assembled(variances, *refined(attempt, f, variances))


def _single(f: Integrand, variances: Array, order: int) -> Coefficients:
    """One variance, and any knots."""
    deviation = math.sqrt(variances[0])

    def attempt(rows: Index, refinement: int, reach: float) -> Attempt:
        on = line(f, deviation, refinement, reach, min(1.0, 16.0 / math.sqrt(order)), NODES)
        values = evaluate(f, deviation * on.z)
        root = root_density(on.z)
        with np.errstate(all="ignore"):
            weighted = values * on.weights * root
            alpha = np.empty(order)
            for k, function in enumerate(hermite_functions(on.z, order)):
                alpha[k] = function @ weighted
            norm = np.sqrt(values**2 @ (on.weights * root**2))
            largest = np.maximum(_density(on.left), _density(on.left + on.width))
            missing = np.linalg.norm(remainder(values[None], on)[0] * np.sqrt(on.width * largest))
            at_end = np.max(np.abs(values[[0, -1]])) * np.exp(-0.25 * on.z[-1] ** 2)
        return Attempt(alpha[None], *(np.atleast_1d(x) for x in (norm, missing, at_end)))

    return _assembled(variances, *refined(attempt, f, variances))


def _assembled(variances: Array, found: Attempt, usable: NDArray[np.bool_]) -> Coefficients:
    norm, alpha = np.where(usable, found.norm, np.nan), np.where(usable[:, None], found.result, np.nan)
    error = found.unresolved / np.where(norm > 0, norm, 1.0)
    return _with_tails(variances, alpha, norm, error, proved=False)


def _with_tails(variances: Array, alpha: Array, norm: Array, error: Array, *, proved: bool) -> Coefficients:
    """Coefficients with the tails that Parseval's identity leaves."""
    safe = np.where(norm > 0, norm, 1.0)
    relative = (alpha / safe[:, None]) ** 2
    sums = np.cumsum(relative.reshape(variances.size, -1, STRIDE).sum(axis=2), axis=1)
    tails = np.where(norm[:, None] > 0, np.sqrt(np.maximum(1.0 - sums, 0.0) + _FLOOR), 0.0)
    return Coefficients(variances, alpha, norm, tails, error, np.full(variances.shape, proved))


def _density(z: Array) -> Array:
    return np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)


def _nodes(order: int, level: int, refinement: int, reach: float) -> Grid:
    return grid(level, refinement, reach, min(1.0, 16.0 / math.sqrt(order)))


Table = tuple[Grid, Array, Array, Array]


def _table(order: int, on: Grid) -> Table:
    """Nodes, matrices that take values at them to the even and to the odd coefficients, and the masses of the nodes."""
    # 16 MB for order 2048; much larger ones, of functions that need fine panels, are not worth the memory.
    return _kept_table(order, on) if order * on.z.size <= _KEPT_TABLE else _new_table(order, on)


def _new_table(order: int, on: Grid) -> Table:
    mass = on.weights * root_density(on.z)
    even, odd = np.empty((on.z.size, (order + 1) // 2)), np.empty((on.z.size, order // 2))
    for k, function in enumerate(hermite_functions(on.z, order)):
        (odd if k % 2 else even)[:, k // 2] = function * mass
    return on, even, odd, mass * root_density(on.z)


_kept_table = functools.lru_cache(maxsize=12)(_new_table)
