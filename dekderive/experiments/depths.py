"""Kernels of networks of every depth on images of norm 1, each as a short polynomial in the angle."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from dekderive.errors import NotConverged
from dekderive.estimators.kernel_ridge_classifier import KernelRidgeClassifier
from dekderive.experiments.classification import Draw, unit_rows
from dekderive.experiments.deq_ntk import variances
from dekderive.gram import gram
from dekderive.gram.moments import linear
from dekderive.kernels import deq_ntk_relu, ntk_relu

__all__ = ["Angles", "injected", "plain", "profile"]

_BIAS = 0.1
_NODES = 128
_TAIL = 1e-11
# Coefficients below this part of the largest value are rounding errors of the values.
_NOISE = 1e-13

Array = NDArray[np.float64]
Gram = Callable[..., Any]


def plain(weight: float, bias: float, depth: int) -> Gram:
    """Return ``gram`` of the tangent kernel of a plain network.

    The paper's activation is sqrt(2) relu, and its first layer has the weight variance of the others: with the relu of
    the record the weight variance is 2 weight, and inputs are scaled by sqrt(1/2) to make up for it in the first layer.

    Examples
    --------
    >>> plain(0.6, 0.4, 2)([[1.0]])  # 1 + 0.6 + 0.36
    array([[1.96]])
    """
    return partial(
        gram,
        ntk_relu.with_depth(depth),
        moments=linear(scale=math.sqrt(0.5)),
        weight_variance=2 * weight,
        bias_variance=bias,
    )


def injected(weight: float, bias: float, depth: int | None) -> Gram:
    """Return ``gram`` of the kernel of a network with injected inputs; of the equilibrium for depth None.

    Examples
    --------
    >>> injected(0.6, 0.4, None)([[1.0]])
    array([[2.5]])
    """
    kernel = deq_ntk_relu if depth is None else deq_ntk_relu.with_depth(depth)
    parameters: dict[str, Any] = variances(weight, round(bias - _BIAS, 12), _BIAS)
    return partial(gram, kernel, **parameters)


def profile(model: Gram) -> Array:
    r"""Return the Chebyshev coefficients of a kernel on unit vectors, as a function of their angle in [0, pi].

    The kernels of rectifiers are analytic in the angle.  One short polynomial for each depth replaces as many solutions
    for every draw as the network has layers.

    Parameters
    ----------
    model : callable
        ``model(X, Y)`` is the kernel matrix.

    Returns
    -------
    (degree + 1,) ndarray
        Coefficients in the variable :math:`2 \theta / \pi - 1`.

    Raises
    ------
    NotConverged
        If the kernel is not resolved by a polynomial of degree 127.

    Examples
    --------
    >>> coefficients = profile(injected(0.6, 0.4, None))
    >>> float(chebyshev.chebval(-1.0, coefficients).round(10))
    2.5
    """
    nodes = chebyshev.chebpts1(_NODES)
    angle = (nodes + 1) * (math.pi / 2)
    values = model(np.array([[1.0, 0.0]]), np.column_stack([np.cos(angle), np.sin(angle)]))[0]
    coefficients = np.asarray(chebyshev.chebvander(nodes, _NODES - 1).T @ values) * (2 / _NODES)
    coefficients[0] /= 2
    large = np.flatnonzero(np.abs(coefficients) > _NOISE * np.abs(values).max())
    if np.abs(coefficients[-8:]).max() > _TAIL * np.abs(values).max():
        raise NotConverged(f"a polynomial of degree {_NODES - 1} in the angle does not resolve {model}")
    return coefficients[: large[-1] + 1]


@dataclass(frozen=True, slots=True, eq=False)
class Angles:
    """A draw, as the angles between its images, scaled to [-1, 1].

    Attributes
    ----------
    train : (n (n - 1) / 2,) ndarray
        Of the pairs of training images above the diagonal of their matrix.
    cross : (m, n) ndarray
    y_train, y_test : ndarray
    """

    train: Array
    cross: Array
    y_train: NDArray[Any]
    y_test: NDArray[Any]

    @classmethod
    def of(cls, draw: Draw) -> Angles:
        """Return the angles of a draw."""
        X, new = unit_rows(draw.x_train).astype(np.float64), unit_rows(draw.x_test).astype(np.float64)
        train, cross = (X @ X.T)[np.triu_indices(len(X), 1)], new @ X.T
        train, cross = (np.arccos(np.clip(z, -1, 1)) * (2 / math.pi) - 1 for z in (train, cross))
        return cls(train, cross, draw.y_train, draw.y_test)

    def accuracies(self, profiles: Sequence[Array], regularisation: float) -> list[float]:
        """Accuracies of kernel regression with these kernels, whose polynomials are evaluated in one product."""
        n, degree = len(self.y_train), max(map(len, profiles)) - 1
        together = np.stack([np.pad(p, (0, degree + 1 - len(p))) for p in profiles], axis=1)
        trains = chebyshev.chebvander(self.train, degree) @ together
        crosses = chebyshev.chebvander(self.cross, degree) @ together
        diagonals = np.asarray(chebyshev.chebval(-1.0, together))
        above = np.triu_indices(n, 1)
        found = []
        for k in range(len(profiles)):
            matrix = np.zeros((n, n))
            matrix[above] = trains[:, k]
            matrix += matrix.T
            np.fill_diagonal(matrix, diagonals[k])
            model = KernelRidgeClassifier("precomputed", regularisation=regularisation).fit(matrix, self.y_train)
            found.append(float(np.mean(model.predict(crosses[..., k]) == self.y_test)))
        return found
