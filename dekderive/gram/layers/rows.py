"""The diagonal of a kernel of finite depth: what single inputs contribute to every layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dekderive.errors import NotConverged
from dekderive.gram.layers.transfer import Seeds
from dekderive.kernels.layered import Expectation, LayeredKernel
from dekderive.solvers.solution import Array

__all__ = ["SMALLEST", "Rows"]

# Stands for the second moment of a row of zeros without a bias: functions of it have their values at 0.
SMALLEST = 1e-300


@dataclass(eq=False)
class Rows:
    """Variances of one side of a Gram matrix through all layers, with their logarithmic derivatives.

    Attributes
    ----------
    second : (n,) ndarray
        Second moments of the inputs, 0 replaced by `SMALLEST` where there is no bias either.
    dsecond : (n, T) ndarray
        Derivatives of their logarithms.
    empty : (n,) ndarray of bool
        Rows of zeros.
    variances : list of (n,) ndarray
        Diagonal of the covariance before the activations of each layer.
    squares, slopes : list of ((n,) ndarray, (n, T) ndarray)
        E[phi(u)^2] and, for the tangent kernel, E[phi'(u)^2] in each layer, with logarithmic derivatives.
    value, slope : (n,) and (n, T) ndarray
        The kernel at (x, x), and its derivatives.
    """

    second: Array
    dsecond: Array
    empty: NDArray[np.bool_]
    variances: list[Array] = field(default_factory=list)
    squares: list[tuple[Array, Array]] = field(default_factory=list)
    slopes: list[tuple[Array, Array]] = field(default_factory=list)
    value: Array = field(default_factory=lambda: np.empty(0))
    slope: Array = field(default_factory=lambda: np.empty((0, 0)))

    @classmethod
    def of(
        cls,
        kernel: LayeredKernel,
        second: Array,
        parameters: Mapping[str, float],
        seeds: Seeds,
        dsecond: Array | None = None,
    ) -> Rows:
        """Go through the layers.

        Raises
        ------
        NotConverged
            If a variance overflows.
        """
        w, b = parameters["weight_variance"], parameters["bias_variance"]
        nothing = (second == 0) & (b == 0)
        dsecond = np.zeros((second.size, seeds.dbias.size)) if dsecond is None else dsecond
        rows = cls(np.where(nothing, SMALLEST, second), dsecond, second == 0)
        with np.errstate(all="ignore"):
            k, dk = _affine(rows.second, dsecond, w, b, seeds)
            theta, dtheta = k, dk
            for _ in range(kernel.depth):
                rows.variances.append(k)
                square = _mean(kernel.activation, k, dk, parameters, seeds)
                rows.squares.append(square)
                if kernel.slope is not None:
                    rows.slopes.append(_mean(kernel.slope, k, dk, parameters, seeds))
                k, dk = _affine(*square, w, b, seeds)
                if kernel.slope is not None:
                    slope, dslope = rows.slopes[-1]
                    passed, dpassed = w * slope * theta, seeds.dweight + dslope + dtheta
                    theta, dtheta = k + passed, _weighted(k, dk, passed, dpassed)
            rows.value, dlog = (k, dk) if kernel.slope is None else (theta, dtheta)
            rows.slope = rows.value[:, None] * dlog
            rows.slope[nothing[:, None] & ~(np.abs(rows.slope) > np.sqrt(SMALLEST))] = 0.0  # of `SMALLEST` itself
        if nothing.any() and _vanishes_at_zero(kernel.activation, parameters):
            rows.value[nothing] = 0.0
        if not np.isfinite(rows.value).all():
            row = int(np.argmax(~np.isfinite(rows.value)))
            raise NotConverged(
                f"{kernel.name}: the variance of row {row} overflows within {kernel.depth} layers; lower "
                f"weight_variance (now {w:g}), the depth, or the scale of the inputs"
            )
        return rows


def _vanishes_at_zero(activation: Expectation, parameters: Mapping[str, float]) -> bool:
    """Whether phi(0) = 0, so that a row of zeros without bias stays one."""
    if activation.degree is not None:
        return activation.degree > 0
    if activation.function is not None:
        return not np.any(activation.function.at({**parameters, "z": np.zeros(1)}))
    with np.errstate(all="ignore"):
        return not np.any(activation.mean.at({**parameters, "kxx": np.full(1, SMALLEST)}) > 1e-12)


def _affine(p: Array, dp: Array, w: float, b: float, seeds: Seeds) -> tuple[Array, Array]:
    """``w p + b`` and the derivative of its logarithm."""
    k = w * p + b
    return k, ((w * p)[:, None] * (seeds.dweight + dp) + seeds.dbias) / k[:, None]


def _weighted(p: Array, dp: Array, q: Array, dq: Array) -> Array:
    return (p[:, None] * dp + q[:, None] * dq) / (p + q)[:, None]


def _mean(e: Expectation, k: Array, dk: Array, parameters: Mapping[str, float], seeds: Seeds) -> tuple[Array, Array]:
    """``E[f(u)^2]`` and the derivative of its logarithm."""
    known = {**parameters, "kxx": k}
    mean = np.array(np.broadcast_to(e.mean.at(known), k.shape))
    if not dk.shape[1]:
        return mean, np.empty((k.size, 0))
    in_k, *own = (np.broadcast_to(d, k.shape) for d in e.mean_gradient.at(known))
    change = (k * in_k)[:, None] * dk
    if own:
        change = change + np.column_stack(own) @ seeds.dparameters.T
    return mean, change / mean[:, None]
