"""The equation of a kernel GLM: its objective, its fixed-point map, and what is known about them beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dekderive.errors import InvalidInput
from dekderive.losses.pointwise import Pointwise
from dekderive.solvers.kglm.bounds import error_bound
from dekderive.solvers.kglm.matrices import Matrix, as_matrix
from dekderive.solvers.kglm.solution import Array, Certificate

__all__ = ["Problem", "make_problem"]


@dataclass(frozen=True)
class Problem:
    r"""Minimise :math:`\sum_i w_i \ell(f_i + M_i; y_i) + \frac{\lambda}{2} \alpha^T K \alpha` over f = K alpha.

    Arrays have one row for each target.  The minimiser is the fixed point of
    :math:`H(f) = -\frac{1}{\lambda} K\,(w \circ \ell'(f + M; y))`.
    """

    matrix: Matrix
    targets: Array
    pointwise: Pointwise
    regularisation: float
    weights: Array | float
    offset: Array | float

    def slope(self, f: Array) -> Array:
        """W l'(f + M; y)."""
        return self._weighted(self.pointwise.slope(f + self.offset, self.targets))

    def curvature(self, f: Array) -> Array:
        """W l''(f + M; y)."""
        return np.broadcast_to(self._weighted(self.pointwise.curvature(f + self.offset, self.targets)), f.shape)

    def _weighted(self, values: Array) -> Array:
        """Times the weights; an observation of weight 0 does not count, whatever overflows there."""
        if not isinstance(self.weights, np.ndarray):
            return values * self.weights
        return self.weights * np.where(self.weights > 0, values, 0.0)

    def loss(self, f: Array) -> Array:
        """The sum of w l for each target."""
        with np.errstate(all="ignore"):
            terms = self._weighted(self.pointwise.value(f + self.offset, self.targets))
        return np.where(np.isnan(terms), np.inf, terms).sum(axis=-1)

    def objective(self, f: Array, alpha: Array) -> Array:
        """The objective for each target; `f` must be K alpha."""
        return self.loss(f) + 0.5 * self.regularisation * (alpha * f).sum(axis=-1)

    def image(self, f: Array) -> Array:
        """H(f)."""
        return self.matrix.times(self.slope(f)) / -self.regularisation

    def part(self, rows: NDArray[np.intp] | slice) -> Problem:
        """The problem of some of the targets."""
        shared = not isinstance(self.offset, np.ndarray) or self.offset.ndim < 2
        offset = self.offset if shared else np.asarray(self.offset)[rows]
        return Problem(self.matrix, self.targets[rows], self.pointwise, self.regularisation, self.weights, offset)

    @cached_property
    def curvature_bound(self) -> float:
        """The supremum of w l'' over predictors, observations and targets."""
        return float(np.max(self._weighted(self.pointwise.curvature_bound(self.targets)), initial=0.0))

    @cached_property
    def lipschitz(self) -> float:
        """The spectral norm of K / lambda times the supremum of w l''."""
        return self._scaled(self.matrix.norm)

    @cached_property
    def lipschitz_bound(self) -> float:
        """An upper bound of `lipschitz`."""
        return self._scaled(self.matrix.norm_bound)

    def _scaled(self, norm: float) -> float:
        # A zero kernel has the fixed point 0, whatever the curvature.
        return 0.0 if norm == 0.0 else norm / self.regularisation * self.curvature_bound

    @property
    def certificate(self) -> Certificate:
        """Why there is one solution."""
        return Certificate.CONTRACTION if self.lipschitz_bound < 1 else Certificate.STRICT_CONVEXITY

    def local_lipschitz(self, f: Array) -> Array:
        """The Lipschitz constant with the curvature at f instead of its supremum; it scales the attainable residual."""
        curvature = np.nan_to_num(self.curvature(f), nan=0.0, posinf=0.0)
        return self.matrix.norm / self.regularisation * curvature.max(axis=-1)

    def error_bound(self, f: Array) -> Array:
        """The bound of ``dekderive.solvers.kglm.bounds`` at any f, (t, n)."""
        with np.errstate(all="ignore"):
            slope = self.slope(f)
            return error_bound(self, f, slope, self.matrix.times(slope) / -self.regularisation)


def make_problem(
    gram: ArrayLike | tuple[ArrayLike, ArrayLike] | Matrix,
    targets: ArrayLike,
    pointwise: Pointwise,
    regularisation: float,
    weights: ArrayLike | None = None,
    offset: ArrayLike | None = None,
) -> Problem:
    """Check what a caller passes, and lay it out with one row for each target.

    Raises
    ------
    InvalidInput
        If shapes disagree, the regularisation is not positive, a weight is negative, there need not be a MAP for a
        target (see ``Pointwise.admissible``), or the offset is outside its natural domain.
    """
    matrix = as_matrix(gram)
    y = np.asarray(targets, dtype=np.float64)
    if y.ndim not in (1, 2) or len(y) != matrix.size:
        raise InvalidInput(f"targets must have {matrix.size} rows, as the kernel matrix has; got shape {y.shape}")
    if not (np.ndim(regularisation) == 0 and np.isfinite(regularisation) and regularisation > 0):
        raise InvalidInput(f"the regularisation must be a positive number, got {regularisation!r}")
    rows = np.ascontiguousarray(y.reshape(matrix.size, -1).T)
    w = _checked_weights(weights, matrix.size)
    m = _checked_offset(offset, matrix.size, pointwise)
    _check_targets(rows, pointwise)
    return Problem(matrix, rows, pointwise, float(regularisation), w, m)


def _checked_weights(weights: ArrayLike | None, size: int) -> Array | float:
    if weights is None:
        return 1.0
    w = np.asarray(weights, dtype=np.float64)
    if w.shape not in ((), (size,)) or not np.all((w >= 0) & np.isfinite(w)):
        raise InvalidInput(f"weights must be {size} finite numbers that are not negative, got shape {w.shape}")
    return np.broadcast_to(w, (size,))


def _checked_offset(offset: ArrayLike | None, size: int, pointwise: Pointwise) -> Array | float:
    m = np.asarray(0.0 if offset is None else offset, dtype=np.float64)
    if m.shape not in ((), (size,)) and not (m.ndim == 2 and len(m) == size):
        raise InvalidInput(f"the offset must be a number or have {size} rows, got shape {m.shape}")
    loss = pointwise.loss
    if not np.all((m > loss.lower) & (m < loss.upper)):
        raise InvalidInput(
            f"the predictors of {loss.name} must stay in ({loss.lower:g}, {loss.upper:g}), and the iteration starts at "
            f"the offset; pass an offset inside, for example loss.link(mean of the targets)"
        )
    return float(m) if m.ndim == 0 else np.ascontiguousarray(m.T)


def _check_targets(rows: Array, pointwise: Pointwise) -> None:
    statistic = pointwise.statistic(rows)
    low, high = pointwise.admissible()
    inside = (statistic >= low) & (statistic <= high) & np.isfinite(statistic)
    if not np.all(inside):
        raise InvalidInput(
            f"the statistic of a target of {pointwise.loss.name} is {statistic[~inside].ravel()[0]:g}, outside "
            f"[{low:g}, {high:g}]: the loss is not convex or not bounded below there, and there need not be a MAP; "
            "choose another family, or rescale the targets"
        )
