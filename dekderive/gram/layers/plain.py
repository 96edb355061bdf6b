r"""Kernels of finite depth at pairs of inputs that stay well apart, by their correlations.

Where neither the gap 1 - r of any layer is small nor r is near -1, the correlation itself has kept every digit that the
gap would have, and one layer is a few operations: with rows' factors
:math:`\alpha = \sqrt{w\, \mathbb E[\phi(u)^2] / P}` and :math:`\beta = \sqrt{b / P}`, P the next variance,

.. math:: r' = \alpha_x \alpha_y\, \frac{\mathbb E[\phi(u) \phi(v)]}
          {\sqrt{\mathbb E[\phi(u)^2]\, \mathbb E[\phi(v)^2]}} + \beta_x \beta_y ,

and likewise for the tangent kernel.  The factors are at most 1, whatever the scale of the inputs is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dekderive.gram.layers.rows import Rows
from dekderive.gram.layers.transfer import Transfer
from dekderive.kernels.layered import LayeredKernel
from dekderive.solvers.solution import Array

__all__ = ["APART", "Plain"]

# Correlations between are at least this far from 1 and from -1: 1 - r has then lost less than a digit and a half.
APART = 0.05

Factors = list[tuple[Array, Array, Array, Array]]


class Plain:
    """The recursion of correlations between two sides of rows.

    Parameters
    ----------
    kernel : LayeredKernel
    left, right : Rows
    transfers : sequence of (Transfer, Transfer or None)
        Of the activation and of its slope, for each layer.
    parameters : mapping
    """

    def __init__(
        self,
        kernel: LayeredKernel,
        left: Rows,
        right: Rows,
        transfers: Sequence[tuple[Transfer, Transfer | None]],
        parameters: Mapping[str, float],
    ) -> None:
        self._tangent = kernel.slope is not None
        self._transfers, self._parameters = transfers, parameters
        self._left, self._right = left, right
        self._on_left = _factors(left, parameters, self._tangent)
        self._on_right = self._on_left if right is left else _factors(right, parameters, self._tangent)

    def __call__(self, i: NDArray[np.intp], j: NDArray[np.intp], gap: Array) -> Array:
        """``1 - k / sqrt(kxx kyy)`` at pairs of rows; NaN where some correlation on the way is too close to +-1."""
        w, b = self._parameters["weight_variance"], self._parameters["bias_variance"]
        r = 1.0 - gap
        if b:
            share = [np.sqrt(w * side.second / (w * side.second + b)) for side in (self._left, self._right)]
            rest = [np.sqrt(b / (w * side.second + b)) for side in (self._left, self._right)]
            r = share[0][i] * share[1][j] * r + rest[0][i] * rest[1][j]
        theta = r
        for layer, (activation, slope) in enumerate(self._transfers):
            r = np.where(np.abs(r) < 1.0 - APART, r, np.nan)
            (alpha, beta, own, passed), (alpha_, beta_, own_, passed_) = self._on_left[layer], self._on_right[layer]
            angle = np.arccos(r)
            before = r
            r = alpha[i] * alpha_[j] * activation.correlation(before, angle, (i, j), self._pair(layer, i, j))
            if b:
                r = r + beta[i] * beta_[j]
            if slope is None:
                continue
            through = slope.correlation(before, angle, (i, j), self._pair(layer, i, j, slope=True))
            theta = own[i] * own_[j] * r + passed[i] * passed_[j] * through * theta
        last = theta if self._tangent else r
        return np.where(last < 1.0 - APART, 1.0 - last, np.nan)

    def _pair(self, layer: int, i: NDArray[np.intp], j: NDArray[np.intp], slope: bool = False) -> tuple[Array, ...]:
        """Variances and means of squares of the two inputs of each pair."""
        x, y = self._left, self._right
        p, q = (x.slopes, y.slopes) if slope else (x.squares, y.squares)
        return x.variances[layer][i], y.variances[layer][j], p[layer][0][i], q[layer][0][j]


def _factors(rows: Rows, parameters: Mapping[str, float], tangent: bool) -> Factors:
    """alpha, beta, and for the tangent kernel the roots of the shares of K and of what is passed on, by layer."""
    w, b = parameters["weight_variance"], parameters["bias_variance"]
    factors: Factors = []
    theta = rows.variances[0]
    for layer, (square, _) in enumerate(rows.squares):
        k = w * square + b
        alpha, beta = np.sqrt(w * square / k), np.sqrt(b / k)
        own = passed = np.ones_like(k)
        if tangent:
            carried = w * rows.slopes[layer][0] * theta
            theta = k + carried
            own, passed = np.sqrt(k / theta), np.sqrt(carried / theta)
        factors.append((alpha, beta, own, passed))
    return factors
