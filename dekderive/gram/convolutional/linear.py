"""Fixed points z = b + n box(f(z)) over grids of pixels: Newton's method with conjugate gradients, many at a time."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dekderive.gram.convolutional.windows import box_sum
from dekderive.solvers.solution import Array

__all__ = ["Root", "newton", "solve_linear"]

# Newton's method converges quadratically from a first guess that is good to a tenth.
STEPS = 40
ITERATIONS = 2000


@dataclass(frozen=True, eq=False)
class Root:
    """Solutions, (N, rows, columns), and whether each is one, (N,)."""

    value: Array
    converged: NDArray[np.bool_]


def _dot(a: Array, b: Array) -> Array:
    return np.einsum("npq,npq->n", a, b)


def solve_linear(
    slope: Array, weight: Array, right: Array, radius: int, tolerance: Array | float
) -> tuple[Array, NDArray[np.bool_]]:
    r"""Solve :math:`z = r + n\, \mathrm{box}(\kappa z)` for :math:`\kappa \ge 0`.

    With :math:`w = \sqrt{\kappa n}` and :math:`\kappa z = w v` the equation is symmetric,

    .. math:: v - w\, \mathrm{box}(w v) = \sqrt{\kappa / n}\; r, \qquad z = r + n\, \mathrm{box}(w v),

    and positive definite as long as the tangent kernel is finite; conjugate gradients solve it.

    Parameters
    ----------
    slope, right : (N, rows, columns) ndarray
        :math:`\kappa` and r.
    weight : (rows, columns) ndarray
        n > 0.
    radius : int
    tolerance : (N,) ndarray or float
        Residual of v in comparison with that of v = 0.

    Returns
    -------
    z : (N, rows, columns) ndarray
    positive : (N,) ndarray of bool
        False where the matrix turned out not to be positive definite, or the iteration did not end.

    Examples
    --------
    >>> one = np.ones((1, 1, 1))
    >>> solve_linear(0.5 * one, one[0], one, 1, 1e-12)
    (array([[[2.]]]), array([ True]))
    """
    if (slope < 0).any():
        return _neumann(slope, weight, right, radius, tolerance)
    w = np.sqrt(slope * weight)
    v, residual = np.zeros_like(right), np.sqrt(slope / weight) * right
    p, rho = residual.copy(), _dot(residual, residual)
    target = rho * np.square(tolerance)
    positive = np.isfinite(rho)
    active = positive & (rho > target)
    for _ in range(ITERATIONS):
        if not active.any():
            break
        q = p - w * box_sum(w * p, radius)
        curvature = _dot(p, q)
        positive &= ~active | (curvature > 0)
        active &= positive
        step = np.where(active, rho / np.where(active, curvature, 1.0), 0.0)[:, None, None]
        v += step * p
        residual -= step * q
        before, rho = rho, np.where(active, _dot(residual, residual), rho)
        p = residual + np.where(active, rho / np.where(before > 0, before, 1.0), 0.0)[:, None, None] * p
        active &= rho > target
    return right + weight * box_sum(w * v, radius), positive & ~active


def _neumann(
    slope: Array, weight: Array, right: Array, radius: int, tolerance: Array | float
) -> tuple[Array, NDArray[np.bool_]]:
    """The same by iteration, for slopes of both signs: it converges where the map is a contraction."""
    z, target = right.copy(), np.square(tolerance) * _dot(right, right)
    for _ in range(ITERATIONS):
        change = right + weight * box_sum(slope * z, radius) - z
        z += change
        fine = _dot(change, change) <= target
        if fine.all():
            break
    return z, fine


def newton(
    function: Callable[[Array], tuple[Array, Array]],
    base: Array,
    start: Array,
    weight: Array,
    radius: int,
    tolerance: float,
    *,
    lower: Array | float = -np.inf,
    upper: Array | float = np.inf,
    scale: Callable[[Array], Array] | None = None,
) -> Root:
    r"""Solve :math:`z = b + n\, \mathrm{box}(f(z))` for every grid of a batch.

    Parameters
    ----------
    function : callable
        f and its derivative.
    base, start : (N, rows, columns) ndarray
    weight : (rows, columns) ndarray
    radius : int
    tolerance : float
        Of the residual, in comparison with `scale` pixel by pixel.
    lower, upper : ndarray or float
        Where solutions may lie; steps that leave are cut.
    scale : callable, optional
        The unit of residuals at z; by default the largest \|z\| of the grid.

    Returns
    -------
    Root

    Notes
    -----
    Where the derivative is negative somewhere the linear equation is not symmetric, and the step is one of the plain
    iteration instead.
    """
    z, done = start.copy(), np.zeros(len(start), dtype=bool)
    before = np.full(len(start), np.inf)
    for _ in range(STEPS):
        value, slope = function(z)
        residual = base + weight * box_sum(value, radius) - z
        unit = np.abs(z).max(axis=(1, 2), keepdims=True) if scale is None else scale(z)
        with np.errstate(invalid="ignore"):
            done |= (np.abs(residual) <= tolerance * unit).all(axis=(1, 2))
        if done.all():
            break
        size = _dot(residual, residual)
        # Superlinear: a step is solved for as well as the last one improved the residual.
        forcing = np.where(np.isinf(before), 0.1, np.clip(np.sqrt(size / before), 1e-9, 0.1))
        before = np.where(size > 0, size, 1.0)
        step, fine = solve_linear(np.maximum(slope, 0.0), weight, residual, radius, forcing)
        newtonian = fine & (slope >= 0).all(axis=(1, 2))
        step = np.where(newtonian[:, None, None], step, residual)
        z = np.where(done[:, None, None], z, np.clip(z + step, lower, upper))
    return Root(z, done)
