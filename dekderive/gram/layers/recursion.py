"""Kernels of finite depth at pairs of inputs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dekderive.gram.layers.layer import Layer
from dekderive.gram.layers.plain import Plain
from dekderive.gram.layers.relative import Relative, product, total
from dekderive.gram.layers.rows import SMALLEST, Rows
from dekderive.gram.layers.transfer import Seeds, Transfer
from dekderive.kernels.layered import Expectation, LayeredKernel
from dekderive.solvers.solution import Array

__all__ = ["Network"]

# Pairs per batch: the temporaries of a batch stay in the processor's cache.
BATCH = 1 << 14


class Network:
    """A kernel of finite depth between two sides of rows.

    Parameters
    ----------
    kernel : LayeredKernel
    left, right : (n,) and (m,) ndarray
        Second moments of the inputs.
    parameters : mapping
    seeds : Seeds, optional
        Directions to differentiate along; none by default.
    dleft, dright : (n, T) and (m, T) ndarray, optional
        Derivatives of the logarithms of the second moments.
    """

    def __init__(
        self,
        kernel: LayeredKernel,
        left: Array,
        right: Array | None,
        parameters: Mapping[str, float],
        seeds: Seeds | None = None,
        dleft: Array | None = None,
        dright: Array | None = None,
    ) -> None:
        self.kernel, self.parameters = kernel, parameters
        self.seeds = Seeds.none(len(kernel.own_parameters)) if seeds is None else seeds
        self.left = Rows.of(kernel, left, parameters, self.seeds, dleft)
        self.right = self.left if right is None else Rows.of(kernel, right, parameters, self.seeds, dright)

    @cached_property
    def _transfers(self) -> list[tuple[Transfer, Transfer | None]]:
        def transfer(e: Expectation, x: Array, y: Array) -> Transfer:
            return Transfer(e, self.parameters, self.seeds, x, y)

        layers = []
        for x, y in zip(self.left.variances, self.right.variances, strict=True):
            slope = self.kernel.slope
            layers.append((transfer(self.kernel.activation, x, y), None if slope is None else transfer(slope, x, y)))
        return layers

    @cached_property
    def _plain(self) -> Plain | None:
        if self.kernel.first:  # injected inputs
            return None
        with np.errstate(all="ignore"):
            return Plain(self.kernel, self.left, self.right, self._transfers, self.parameters)

    def values(self, i: NDArray[np.intp], j: NDArray[np.intp], gap: Array, tilt: Array) -> Array:
        """The kernel at pairs of rows, without derivatives; (N,) ndarray.

        Pairs whose inputs are well apart in every layer are done by their correlations, the others by their gaps: see
        `pairs`.
        """
        value = np.full_like(gap, np.nan)
        x, y, plain = self.left, self.right, self._plain
        root = [np.sqrt(side.value) for side in (x, y)]
        for begin in range(0, i.size, BATCH):
            if plain is None:
                break
            part = slice(begin, begin + BATCH)
            k, m = i[part], j[part]
            with np.errstate(all="ignore"):
                value[part] = root[0][k] * root[1][m] * (1.0 - plain(k, m, gap[part]))
        near = np.flatnonzero(np.isnan(value) | x.empty[i] | y.empty[j])
        if near.size:
            still = np.zeros((near.size, self.seeds.dbias.size))
            value[near] = self.pairs(i[near], j[near], gap[near], tilt[near], still).value
        return value

    def pairs(self, i: NDArray[np.intp], j: NDArray[np.intp], gap: Array, tilt: Array, dgap: Array) -> Relative:
        """The kernel at pairs of rows, from the gap and the tilt of their second moments.

        Parameters
        ----------
        i, j : (N,) ndarray of int
        gap, tilt : (N,) ndarray
        dgap : (N, T) ndarray
            Derivatives of the gap of the second moments.
        """
        parts = []
        with np.errstate(all="ignore"):
            for begin in range(0, max(i.size, 1), BATCH):
                part = slice(begin, begin + BATCH)
                parts.append(self._batch(i[part], j[part], gap[part], tilt[part], dgap[part]))
        if len(parts) == 1:
            return parts[0]
        return Relative(*(np.concatenate([getattr(r, n) for r in parts]) for n in Relative.__slots__))

    def _batch(self, i: NDArray[np.intp], j: NDArray[np.intp], gap: Array, tilt: Array, dgap: Array) -> Relative:
        x, y, layer = self.left, self.right, Layer(self.kernel, self.parameters, self.seeds)
        p, q = x.second[i], y.second[j]
        empty = x.empty[i] | y.empty[j]
        if empty.any():
            # A row of zeros has a length; its direction, which only jumps at 0 see, is taken to be a random one.
            tilt = np.where(empty, (np.log(np.maximum(p, SMALLEST)) - np.log(np.maximum(q, SMALLEST))) / 2, tilt)
            gap = np.where(empty, np.where(x.empty[i] & y.empty[j], 0.0, 1.0), gap)
        c = Relative(p, q, gap, tilt, x.dsecond[i], y.dsecond[j], dgap)
        k = theta = layer.first(c)
        for place in range(self.kernel.depth):
            value, slope = self._expectations(place, k, i, j)
            k = layer.next(value, c)
            if slope is not None:
                theta = total(k, product(slope, theta).scaled(layer.weight, self.seeds.dweight))
        return self._read(k, theta, i, j)

    def _read(self, k: Relative, theta: Relative, i: NDArray[np.intp], j: NDArray[np.intp]) -> Relative:
        """The kernel, from the last covariance and the tangent kernel of its layer."""
        if self.kernel.slope is None:
            theta = k
        if self.kernel.read == "linear" and self.kernel.slope is not None:
            theta = total(k, theta)
        if self.kernel.read != "activation":
            return theta
        value, slope = self._expectations(self.kernel.depth, k, i, j)
        return value if slope is None else total(value, product(slope, theta))

    def _expectations(
        self, place: int, k: Relative, i: NDArray[np.intp], j: NDArray[np.intp]
    ) -> tuple[Relative, Relative | None]:
        """E[phi(u) phi(v)] and E[phi'(u) phi'(v)] of the pairs whose covariance in that layer is k."""
        x, y = self.left, self.right
        activation, slope = self._transfers[place]
        (p, dp), (q, dq) = x.squares[place], y.squares[place]
        value = activation(k, (i, j), (p[i], q[j]), (dp[i], dq[j]))
        if slope is None:
            return value, None
        (p, dp), (q, dq) = x.slopes[place], y.slopes[place]
        return value, slope(k, (i, j), (p[i], q[j]), (dp[i], dq[j]))
