"""The equilibrium model that a kernel GLM is: its weights, and its forward pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from dekderive.errors import InvalidInput, UnknownName
from dekderive.losses import Loss, Pointwise, bind
from dekderive.solvers.anderson import anderson
from dekderive.solvers.picard import picard
from dekderive.solvers.solution import Solution, Status

__all__ = ["DEQWeights", "kglm_weights"]

_NEWTON_STEPS = 100
_GROUP = 2**20  # entries of the Jacobians that are factored together


@dataclass(frozen=True, slots=True, eq=False)
class DEQWeights:
    r"""The equilibrium model of Theorem 3.

    .. math::

        z = \sigma(W_1 z + W_2 T(Y) + W_3 \rho(z) + b), \qquad
        f(\tilde X) = V_1 (z + \rho(z)) + V_2 T(Y) + \tilde b .

    Attributes
    ----------
    W1, W2, W3 : (n, n) ndarray
        For a kernel GLM, :math:`W_2 = K/\lambda = -W_1 = -W_3`.
    V1, V2 : (m, n) ndarray
        :math:`V_2 = k(\tilde X, X)/\lambda = -V_1`.
    bias : (n,) ndarray
        The offset M at the training inputs: outside of the factor 1/lambda (Appendix H prints it inside).
    readout_bias : (m,) ndarray
        The offset at the new inputs.
    pointwise : Pointwise
        Carries the activation :math:`\sigma = A'`, :math:`\rho = Q' \circ (A')^{-1}` and the statistic T.
    """

    W1: np.ndarray
    W2: np.ndarray
    W3: np.ndarray
    V1: np.ndarray
    V2: np.ndarray
    bias: np.ndarray
    readout_bias: np.ndarray
    pointwise: Pointwise

    def activation(self, preactivation: ArrayLike) -> np.ndarray:
        """The activation: the mean as a function of the preactivation."""
        return self.pointwise.mean(preactivation)

    def penalty_activation(self, z: ArrayLike) -> np.ndarray:
        """The activation rho of the penalty, on means; 0 without a penalty."""
        return self.pointwise.penalty_slope(self.pointwise.link(z))

    def statistic(self, y: ArrayLike) -> np.ndarray:
        """T(y)."""
        return self.pointwise.statistic(y)

    def step(self, u: np.ndarray, y: ArrayLike) -> np.ndarray:
        """One application of the layer, from preactivation to preactivation: shapes (n,) or (n, t)."""
        bias = self.bias if np.ndim(u) == 1 else self.bias[:, None]
        hidden = self.W1 @ self.activation(u) + self.W2 @ self.statistic(y) + bias
        return hidden if self.pointwise.penalty is None else hidden + self.W3 @ self.pointwise.penalty_slope(u)

    def preactivation(
        self, y: ArrayLike, *, solver: str = "newton", max_steps: int = 5000, tolerance: float | None = None
    ) -> Solution:
        r"""Solve for the preactivation u = W1 z + W2 T(Y) + W3 rho(z) + b, of which z = sigma(u) is the embedding.

        Parameters
        ----------
        y : (n,) or (n, t) array_like
        solver : {"newton", "picard", "damped", "anderson"}
            Any of them; plain Picard iteration converges only if the layer is a contraction.
        max_steps : int
        tolerance : float, optional

        Returns
        -------
        Solution
        """
        data = np.asarray(y, dtype=np.float64)
        start = np.broadcast_to(self.bias if data.ndim == 1 else self.bias[:, None], data.shape).copy()
        if solver == "newton":
            return self._newton(data, start, 64 * np.finfo(float).eps if tolerance is None else tolerance)
        if solver not in ("picard", "damped", "anderson"):
            raise UnknownName(f"no solver {solver!r}; known: newton, picard, damped, anderson")
        beta = 1.0 if solver == "picard" else 2 / (2 + self._lipschitz(data))

        def advance(u: np.ndarray) -> np.ndarray:
            return u + beta * (self.step(u, data) - u)

        method = anderson if solver == "anderson" else picard
        return method(advance, start, tolerance=tolerance, max_steps=max_steps, axis=0)

    def embed(self, y: ArrayLike, *, solver: str = "newton") -> np.ndarray:
        """The embedding z.

        Raises
        ------
        NotConverged
        """
        return self.activation(self.preactivation(y, solver=solver).raise_for_status().value)

    def __call__(self, y: ArrayLike, *, solver: str = "newton") -> np.ndarray:
        """The forward pass: the predictor at the new inputs, of shape (m,) or (m, t).

        Raises
        ------
        NotConverged
        """
        u = self.preactivation(y, solver=solver).raise_for_status().value
        bias = self.readout_bias if u.ndim == 1 else self.readout_bias[:, None]
        return self.V1 @ (self.activation(u) + self.pointwise.penalty_slope(u)) + self.V2 @ self.statistic(y) + bias

    def _lipschitz(self, y: np.ndarray) -> float:
        bound = float(np.max(self.pointwise.curvature_bound(y)))
        if not np.isfinite(bound):
            raise InvalidInput(f"{self.pointwise.loss.name} has no bounded curvature; use solver 'newton'")
        return float(np.linalg.norm(self.W1, 2)) * bound

    def _newton(self, y: np.ndarray, start: np.ndarray, tolerance: float) -> Solution:
        """Newton's method on u - step(u) for every column, with halving of the step while the residual grows."""
        u, targets = start.reshape(len(start), -1).T.copy(), y.reshape(len(y), -1).T
        codes, steps = np.full(len(u), Status.MAX_STEPS.code), np.zeros(len(u), dtype=int)
        group = max(1, _GROUP // max(1, len(start)) ** 2)
        for first in range(0, len(u), group):
            rows = slice(first, first + group)
            u[rows], steps[rows], codes[rows] = self._newton_group(u[rows], targets[rows], tolerance)
        value = u.T.reshape(start.shape)
        status = list(Status)[int(codes.max(initial=0))]
        residual = np.abs(value - self.step(value, y))
        return Solution(value, residual, int(steps.max(initial=0)), status, None, {"failed": codes != 0})

    def _newton_group(
        self, u: np.ndarray, y: np.ndarray, tolerance: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows are targets here; those that are done are set aside."""
        u, codes, steps = u.copy(), np.full(len(u), Status.MAX_STEPS.code), np.zeros(len(u), dtype=int)
        active, f = np.arange(len(u)), self._residual(u, y)
        for count in range(1, _NEWTON_STEPS + 1):
            here, size = u[active], np.abs(f).max(axis=1, initial=0.0)
            jacobian = self._jacobian(here, y[active])
            scale = (1 + np.abs(jacobian).sum(axis=2).max(axis=1, initial=0.0)) * (
                1 + np.abs(here).max(axis=1, initial=0)
            )
            steps[active] = count
            done = size <= tolerance * scale
            codes[active[done]] = 0
            keep = ~done
            active, here, f, size, scale = active[keep], here[keep], f[keep], size[keep], scale[keep]
            if not active.size:
                break
            direction = np.linalg.solve(jacobian[keep], f[:, :, None])[:, :, 0]
            following, f, moved = self._searched(here, y[active], f, direction, size)
            u[active] = following
            stuck = ~moved & (size <= 1e3 * tolerance * scale)
            codes[active[stuck]] = 0
            active, f = active[moved], f[moved]
        return u, steps, codes

    def _residual(self, u: np.ndarray, y: np.ndarray) -> np.ndarray:
        return u - self.step(u.T, y.T).T

    def _jacobian(self, u: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Of u - step(u), one matrix for each row of u."""
        slope = self.pointwise.mean_slope(u)
        found = np.eye(u.shape[1]) - self.W1 * slope[:, None, :]
        if self.pointwise.penalty is not None:
            found -= self.W3 * (self.pointwise.curvature(u, y) - slope)[:, None, :]
        return found

    def _searched(
        self, u: np.ndarray, y: np.ndarray, f: np.ndarray, direction: np.ndarray, size: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The first of 1, 1/2, 1/4, ... of the direction at which the residual is smaller; whether there is one."""
        u, f = u.copy(), f.copy()
        searching, t = np.arange(len(u)), 1.0
        while searching.size and t > 1e-12:
            trial = u[searching] - t * direction[searching]
            there = self._residual(trial, y[searching])
            better = np.abs(there).max(axis=1) < size[searching]
            u[searching[better]], f[searching[better]] = trial[better], there[better]
            searching, t = searching[~better], t / 2
        moved = np.ones(len(u), dtype=bool)
        moved[searching] = False
        return u, f, moved


def kglm_weights(
    loss: Loss | Pointwise,
    gram: ArrayLike,
    cross: ArrayLike | None = None,
    *,
    regularisation: float,
    weights: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    readout_offset: ArrayLike | None = None,
) -> DEQWeights:
    r"""Return the weights of the equilibrium model that solves a kernel GLM in its forward pass.

    Parameters
    ----------
    loss : Loss or Pointwise
        Of an exponential family with its canonical link, ``dekderive.losses.rademacher`` for tanh, say.
    gram : (n, n) array_like
        K(X, X).
    cross : (m, n) array_like, optional
        K(X_new, X); K(X, X) if left out.
    regularisation : float
    weights : (n,) array_like, optional
        Sample weights: columns of the matrices are multiplied by them.
    offset : float or (n,) array_like, optional
    readout_offset : float or (m,) array_like, optional

    Returns
    -------
    DEQWeights

    Raises
    ------
    InvalidInput
        If the loss is not that of a family with its canonical link: then l'(f; y) is no difference of a function of f
        and a function of y, and the equation is not one of an equilibrium layer with an input of its own.

    Notes
    -----
    Source: Tsuchida et al. (2022), Theorem 3 and Corollary 6.  They hold for every positive semi-definite K and every
    lambda > 0: Assumptions 1 and 2 of the source are not needed for existence, uniqueness or the prediction.

    Examples
    --------
    >>> from dekderive.losses import rademacher
    >>> x = np.linspace(-2, 2, 5)
    >>> layer = kglm_weights(rademacher, np.exp(-0.5 * (x[:, None] - x) ** 2), regularisation=0.5)
    >>> layer(np.sign(x + 0.1)).shape
    (5,)
    """
    pointwise = loss if isinstance(loss, Pointwise) else bind(loss)
    if not pointwise.loss.canonical:
        raise InvalidInput(
            f"{pointwise.loss.name} has no canonical link, so its fixed-point equation is no equilibrium layer with "
            "input T(y); use a family with its canonical link"
        )
    if not regularisation > 0:
        raise InvalidInput(f"the regularisation must be a positive number, got {regularisation!r}")
    w2 = np.asarray(gram, dtype=np.float64) / regularisation
    v2 = w2 if cross is None else np.asarray(cross, dtype=np.float64) / regularisation
    if w2.ndim != 2 or w2.shape[0] != w2.shape[1] or v2.ndim != 2 or v2.shape[1] != len(w2):
        raise InvalidInput(
            f"K(X, X) must be square and K(X_new, X) must have as many columns; got {w2.shape}, {v2.shape}"
        )
    if weights is not None:
        w2, v2 = w2 * np.asarray(weights, dtype=np.float64), v2 * np.asarray(weights, dtype=np.float64)
    bias = np.broadcast_to(np.asarray(0.0 if offset is None else offset, dtype=np.float64), (len(w2),)).copy()
    default = bias if cross is None else 0.0
    readout = np.asarray(default if readout_offset is None else readout_offset, dtype=np.float64)
    return DEQWeights(-w2, w2, -w2, -v2, v2, bias, np.broadcast_to(readout, (len(v2),)).copy(), pointwise)
