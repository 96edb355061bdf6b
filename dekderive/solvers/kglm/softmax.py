"""The softmax model at a predictor: objective, slope, and the inverse of its Hessian from one matrix for each class."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from scipy.linalg import cho_solve, lapack, solve_triangular
from scipy.special import logsumexp, softmax

from dekderive.errors import InvalidInput
from dekderive.losses.loss import Penalty
from dekderive.solvers.kglm.newton import factor
from dekderive.solvers.kglm.solution import Array

__all__ = ["Curved", "Softmax"]


@dataclass(frozen=True)
class Softmax:
    r"""Minimise :math:`\sum_i w_i (\mathrm{lse}(\eta_i) - Y_i \cdot \eta_i + \sum_c Q(\eta_{ic})) + \frac\lambda2 ...`.

    The last term is :math:`\sum_c \alpha_c^T K \alpha_c`, F = K alpha and eta = F + M; arrays are (n, classes).
    """

    gram: Array
    targets: Array  # rows that sum to 1
    regularisation: float
    weights: Array
    offset: Array | float = 0.0
    penalty: Penalty | None = None
    penalty_values: Mapping[str, Any] = field(default_factory=dict)

    def losses(self, eta: Array) -> Array:
        """The losses of the observations without the penalty, (n,)."""
        return np.asarray(logsumexp(eta, axis=1) - (self.targets * eta).sum(axis=1))

    def objective(self, f: Array, alpha: Array) -> float:
        """The objective; `f` must be K alpha."""
        eta = f + self.offset
        losses = self.losses(eta) + self._of_penalty("value", eta).sum(axis=1)
        return float(self.weights @ losses + 0.5 * self.regularisation * (alpha * f).sum())

    def slope(self, f: Array) -> Array:
        """W (p - Y + Q')."""
        eta = f + self.offset
        return self.weights[:, None] * (softmax(eta, axis=1) - self.targets + self._of_penalty("slope", eta))

    def bend(self, f: Array) -> Array:
        """Q''."""
        return self._of_penalty("curvature", f + self.offset)

    def curved(self, f: Array) -> Curved:
        """The Hessian at a predictor."""
        return Curved(self, softmax(f + self.offset, axis=1), self.bend(f))

    @property
    def penalty_bound(self) -> float:
        """The supremum of Q''."""
        if self.penalty is None:
            return 0.0
        return float(self.penalty.curvature_bound.at({**self.penalty_values}))

    def _of_penalty(self, name: str, eta: Array) -> Array:
        if self.penalty is None:
            return np.zeros_like(eta)
        found: Array = getattr(self.penalty, name).at({**self.penalty_values, "eta": eta})
        return np.broadcast_to(found, eta.shape)


@dataclass(frozen=True)
class Curved:
    r"""The Hessian of the loss, and :math:`(\lambda K^{-1} + H)^{-1}` without an inverse of K.

    With q = Q'' the Hessian is diag(w (p + q)) less u u^T for each observation, u = sqrt(w) p.  For each class one
    matrix :math:`B_c = \lambda + S_c K S_c`, :math:`S_c^2 = w (p_c + q_c)`, inverts the first part (Rasmussen and
    Williams 2006, section 3.5, who have no penalty), and the second is an update by a matrix of size n,

    .. math:: T = \operatorname{diag}\Bigl(\sum_c \frac{p_c q_c}{p_c + q_c}\Bigr) + \lambda \sum_c r_c B_c^{-1} r_c,
        \qquad r_c = p_c / \sqrt{p_c + q_c},

    with eigenvalues between 1 / (1 + L) and 1, also where a weight or a probability is 0.
    """

    model: Softmax
    p: Array
    q: Array

    @cached_property
    def root(self) -> Array:
        """S, (n, classes)."""
        found: Array = np.sqrt(self.model.weights[:, None] * (self.p + self.q))
        return found

    @cached_property
    def share(self) -> Array:
        """The numbers r, (n, classes)."""
        found: Array = self.p / np.sqrt(np.maximum(self.p + self.q, np.finfo(float).tiny))
        return found

    @cached_property
    def lowers(self) -> list[Array]:
        """Cholesky factors of the matrices B."""
        columns = (self.root**2).T
        return [factor(self.model.gram, d, self.model.regularisation) for d in columns]

    @cached_property
    def coupling(self) -> Array:
        """The Cholesky factor of T.

        Raises
        ------
        InvalidInput
            If T is singular to rounding.
        """
        p, q = self.p, self.q
        total = np.diag((p * q / np.maximum(p + q, np.finfo(float).tiny)).sum(axis=1))
        for lower, r in zip(self.lowers, self.share.T, strict=True):
            v = solve_triangular(lower, np.diag(r), lower=True, check_finite=False, overwrite_b=True)
            total += self.model.regularisation * (v.T @ v)
        lower, info = lapack.dpotrf(total, lower=1, clean=1)
        if info:
            raise InvalidInput("the softmax Hessian is singular in double precision; raise the regularisation")
        return np.asarray(lower)

    def hessian(self, v: Array) -> Array:
        """H v for predictors of shape (n, classes)."""
        inner = (self.p * v).sum(axis=1, keepdims=True)
        return self.model.weights[:, None] * ((self.p + self.q) * v - self.p * inner)

    def coefficients(self, right: Array, k_right: Array) -> Array:
        r""":math:`K^{-1} (\lambda K^{-1} + H)^{-1}` times `right`, given K times `right`; no K is inverted."""
        whitened = [cho_solve((x, True), s * v) for x, s, v in self._zipped(k_right)]
        shared = sum(r * v for r, v in zip(self.share.T, whitened, strict=True))
        spread = np.sqrt(self.model.weights)[:, None] * self.p
        spread *= np.asarray(cho_solve((self.coupling, True), shared))[:, None]
        total, k_total = right + spread, k_right + self.model.gram @ spread
        solved = [s * cho_solve((x, True), s * v) for x, s, v in self._zipped(k_total)]
        return np.asarray((total - np.stack(solved, axis=1)) / self.model.regularisation)

    def _zipped(self, columns: Array) -> Any:
        return zip(self.lowers, self.root.T, columns.T, strict=True)

    def covariance(self, right: Array) -> Array:
        r""":math:`(\lambda K^{-1} + H)^{-1}` times `right`, (n, classes)."""
        return self.model.gram @ self.coefficients(right, self.model.gram @ right)

    def jacobian(self, right: Array) -> Array:
        r"""J^{-1} right for :math:`J = I + K H / \lambda`, the Jacobian of the equation."""
        return right - self.covariance(self.hessian(right))

    @cached_property
    def blocks(self) -> Array:
        """The blocks of the Laplace covariance for each observation, (n, classes, classes)."""
        gram, lam = self.model.gram, self.model.regularisation
        n, count = self.p.shape
        own, cross = np.empty((count, n)), []
        for c, (lower, s, r) in enumerate(zip(self.lowers, self.root.T, self.share.T, strict=True)):
            half = solve_triangular(lower, s[:, None] * gram, lower=True, check_finite=False, overwrite_b=True)
            own[c] = np.maximum(np.diag(gram) - (half**2).sum(axis=0), 0.0) / lam
            back = r[:, None] * solve_triangular(lower, half, lower=True, trans=1, check_finite=False, overwrite_b=True)
            cross.append(solve_triangular(self.coupling, back, lower=True, check_finite=False, overwrite_b=True))
        found = np.empty((n, count, count))
        for c in range(count):
            for other in range(c + 1):
                found[:, c, other] = found[:, other, c] = (cross[c] * cross[other]).sum(axis=0)
            found[:, c, c] += own[c]
        return found

    @cached_property
    def local(self) -> Array:
        """The Hessians of the observations without the penalty, (n, classes, classes)."""
        outer = self.p[:, :, None] * self.p[:, None, :]
        return self.model.weights[:, None, None] * (self.p[:, :, None] * np.eye(self.p.shape[1]) - outer)

    @property
    def log_determinant(self) -> float:
        r""":math:`\log\det(I + K H / \lambda)`."""
        halves = sum(float(np.log(np.diag(x)).sum()) for x in self.lowers)
        scale = 0.5 * self.p.size * math.log(self.model.regularisation)
        return 2 * (halves - scale + float(np.log(np.diag(self.coupling)).sum()))
