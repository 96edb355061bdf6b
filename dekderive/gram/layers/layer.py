r"""The affine part of a layer: weights, biases and, in equilibrium models, the inputs injected into every layer.

Of a network of weight variance w and bias variance b, with c the second moments of the inputs,

.. math:: K^1 = w c + b, \qquad K^{l+1} = w V(K^l) + b .

Injected inputs make it :math:`K^{l+1} = w V(K^l) + (u c + b)`, and the first covariance is c itself (the statement of
Feng and Kolter's Theorem 1) or :math:`(w/d + u) c + b` (the network that they describe).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dekderive.gram.layers.relative import Relative, total, with_bias
from dekderive.gram.layers.transfer import Seeds
from dekderive.kernels.kernel import Kernel
from dekderive.kernels.layered import LayeredKernel
from dekderive.solvers.solution import Array

__all__ = ["TINY", "Layer", "row"]

# Stands for a variance of 0, and for the second moment of a row of zeros, where logarithms are differentiated: it
# changes no digit, and a product of two of them is still a normal number.
TINY = 1e-140


class Layer:
    """From covariances to covariances.

    Parameters
    ----------
    kernel : LayeredKernel or Kernel
        The latter of a deep equilibrium model.
    parameters : mapping
    seeds : Seeds
    """

    def __init__(self, kernel: LayeredKernel | Kernel, parameters: Mapping[str, float], seeds: Seeds) -> None:
        self._injects = isinstance(kernel, Kernel) or bool(kernel.first)
        self._begin = kernel.first if isinstance(kernel, LayeredKernel) else ""
        self._seeds, self._bias = seeds, parameters["bias_variance"]
        self.weight = max(parameters["weight_variance"], TINY)
        self._input = max(parameters.get("input_variance", 0.0), TINY)
        self._dimension = parameters.get("input_dimension", 1.0)

    def first(self, c: Relative) -> Relative:
        """The first covariance, from the second moments of the inputs."""
        s = self._seeds
        if self._begin == "statement":
            return c
        if not self._injects:
            return with_bias(c.scaled(self.weight, s.dweight), self._bias, s.dbias)
        own = self.weight / self._dimension
        both = own + self._input
        change = (own * (s.dweight - s.ddimension) + self._input * s.dinput) / both
        return with_bias(c.scaled(both, change), self._bias, s.dbias)

    def injected(self, c: Relative) -> Relative:
        """What the inputs and the bias contribute to every layer."""
        return with_bias(c.scaled(self._input, self._seeds.dinput), self._bias, self._seeds.dbias)

    def next(self, value: Relative, c: Relative) -> Relative:
        """The covariance after an activation with the expectation `value`."""
        weighted = value.scaled(self.weight, self._seeds.dweight)
        if not self._injects:
            return with_bias(weighted, self._bias, self._seeds.dbias)
        return total(weighted, self.injected(c))


def row(value: Array, slope: Array) -> Relative:
    """One input twice, as a pair: its variance, with logarithmic derivatives."""
    none = np.zeros_like(value)
    return Relative(value, value, none, none, slope, slope, np.zeros_like(slope))
