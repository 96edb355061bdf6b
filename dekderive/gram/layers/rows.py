"""The diagonal of a kernel of finite depth: what single inputs contribute to every layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dekderive.errors import NotConverged
from dekderive.gram.layers.layer import TINY, Layer, row
from dekderive.gram.layers.relative import Relative, product, total
from dekderive.gram.layers.transfer import Seeds
from dekderive.kernels.layered import Expectation, LayeredKernel
from dekderive.solvers.solution import Array

__all__ = ["SMALLEST", "Rows", "mean_of"]

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
        b, smallest = parameters["bias_variance"], TINY if kernel.first else SMALLEST
        # A row of zeros needs a size for its logarithm: with a bias, only where the recursion begins without it.
        nothing = (second == 0) & ((b == 0) | (kernel.first == "statement"))
        dsecond = np.zeros((second.size, seeds.dbias.size)) if dsecond is None else dsecond
        rows = cls(np.where(nothing, smallest, second), dsecond, second == 0)
        with np.errstate(all="ignore"):
            rows._through(kernel, parameters, seeds)
            if b == 0:  # of `smallest` itself
                rows.slope[nothing[:, None] & ~(np.abs(rows.slope) > np.sqrt(smallest))] = 0.0
        if b == 0 and nothing.any() and _vanishes_at_zero(kernel.activation, parameters):
            rows.value[nothing] = 0.0
        if not np.isfinite(rows.value).all():
            row = int(np.argmax(~np.isfinite(rows.value)))
            raise NotConverged(
                f"{kernel.name}: the variance of row {row} overflows within {kernel.depth} layers; lower "
                f"weight_variance (now {parameters['weight_variance']:g}), the depth, or the scale of the inputs"
            )
        return rows

    def _through(self, kernel: LayeredKernel, parameters: Mapping[str, float], seeds: Seeds) -> None:
        """Go through the layers."""
        layer, c = Layer(kernel, parameters, seeds), row(self.second, self.dsecond)
        k = theta = layer.first(c)
        for _ in range(kernel.depth):
            square, slope = self._expectations(kernel, k, parameters, seeds)
            k = layer.next(square, c)
            if slope is not None:
                theta = total(k, product(slope, theta).scaled(layer.weight, seeds.dweight))
        if kernel.slope is None:
            theta = k
        if kernel.read == "linear" and kernel.slope is not None:
            theta = total(k, theta)
        if kernel.read == "activation":
            square, slope = self._expectations(kernel, k, parameters, seeds)
            theta = square if slope is None else total(square, product(slope, theta))
        self.value, self.slope = np.array(theta.p), theta.p[:, None] * theta.dp

    def _expectations(
        self, kernel: LayeredKernel, k: Relative, parameters: Mapping[str, float], seeds: Seeds
    ) -> tuple[Relative, Relative | None]:
        """E[phi(u)^2] and E[phi'(u)^2] at the variances k, which are kept for the pairs."""
        self.variances.append(k.p)
        self.squares.append(mean_of(kernel.activation, k.p, k.dp, parameters, seeds))
        if kernel.slope is None:
            return row(*self.squares[-1]), None
        self.slopes.append(mean_of(kernel.slope, k.p, k.dp, parameters, seeds))
        return row(*self.squares[-1]), row(*self.slopes[-1])


def _vanishes_at_zero(activation: Expectation, parameters: Mapping[str, float]) -> bool:
    """Whether phi(0) = 0, so that a row of zeros without bias stays one."""
    if activation.degree is not None:
        return activation.degree > 0
    if activation.function is not None:
        return not np.any(activation.function.at({**parameters, "z": np.zeros(1)}))
    with np.errstate(all="ignore"):
        return not np.any(activation.mean.at({**parameters, "kxx": np.full(1, SMALLEST)}) > 1e-12)


def mean_of(e: Expectation, k: Array, dk: Array, parameters: Mapping[str, float], seeds: Seeds) -> tuple[Array, Array]:
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
