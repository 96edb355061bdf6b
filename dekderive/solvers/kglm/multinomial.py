"""The softmax model: one predictor for each class, coupled through the probabilities; Newton's method."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import cho_solve, lapack, solve_triangular
from scipy.special import logsumexp, softmax

from dekderive.errors import InvalidInput
from dekderive.solvers.kglm.matrices import Dense, as_matrix
from dekderive.solvers.kglm.newton import factor
from dekderive.solvers.kglm.solution import Array, Certificate, KGLMSolution
from dekderive.solvers.solution import Status

__all__ = ["CURVATURE_BOUND", "evidence_multinomial", "solve_multinomial"]

# The Hessian diag(p) - p p' of log-sum-exp has row sums of magnitudes 2 p (1 - p), at most 1/2 (Böhning 1992).
CURVATURE_BOUND = 0.5
_HALVINGS = 50


@dataclass(frozen=True)
class _Softmax:
    """Minimise sum_i w_i (logsumexp F_i - Y_i . F_i) + lambda/2 sum_c alpha_c' K alpha_c over F = K alpha."""

    gram: Array
    targets: Array  # (n, classes), rows that sum to 1
    regularisation: float
    weights: Array
    offset: Array | float

    def objective(self, f: Array, alpha: Array) -> float:
        """The objective; `f` must be K alpha."""
        eta = f + self.offset
        losses = logsumexp(eta, axis=1) - (self.targets * eta).sum(axis=1)
        return float(self.weights @ losses + 0.5 * self.regularisation * (alpha * f).sum())

    def slope(self, f: Array) -> Array:
        """W (p - Y)."""
        return self.weights[:, None] * (softmax(f + self.offset, axis=1) - self.targets)

    def blocks(self, f: Array) -> tuple[Array, list[Array], list[Array], Array]:
        r"""Probabilities, and for each class the factor of B_c and E_c = S_c B_c^{-1} S_c, and the factor of sum E_c.

        The Hessian of the loss is D - D R (R'DR)^{-1} R'D with D = diag(w p) and R a stack of identities, and so
        (K^{-1} lambda + it)^{-1} needs one matrix of size n for each class, and one for their sum (Rasmussen and
        Williams 2006, section 3.5).
        """
        p = softmax(f + self.offset, axis=1)
        factors, inverses = [], []
        total = np.zeros_like(self.gram)
        for c in range(p.shape[1]):
            d = self.weights * np.maximum(p[:, c], 1e-300)
            lower = factor(self.gram, d, self.regularisation)
            v = solve_triangular(lower, np.diag(np.sqrt(d)), lower=True, check_finite=False)
            factors.append(lower)
            inverses.append(v.T @ v)
            total += inverses[-1]
        lower, info = lapack.dpotrf(total, lower=1, clean=1)
        if info:
            raise InvalidInput("the softmax Hessian is singular in double precision; raise the regularisation")
        return p, factors, inverses, lower

    def newton_target(self, f: Array) -> Array:
        """The coefficients that the quadratic model at f is minimal at."""
        p, _, inverses, lower = self.blocks(f)
        w = self.weights[:, None]
        curved = w * (p * f - p * (p * f).sum(axis=1, keepdims=True))
        b = curved - self.slope(f)
        smooth = self.gram @ b
        c = np.stack([e @ smooth[:, k] for k, e in enumerate(inverses)], axis=1)
        shared = cho_solve((lower, True), c.sum(axis=1), check_finite=False)
        correction = np.stack([e @ shared for e in inverses], axis=1)
        return (b - c + correction) / self.regularisation


def solve_multinomial(
    gram: ArrayLike | Dense,
    targets: ArrayLike,
    regularisation: float,
    *,
    weights: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    tolerance: float | None = None,
    max_iterations: int = 200,
) -> KGLMSolution:
    r"""Fit the softmax model :math:`F = \frac{1}{\lambda} K\,(w \circ (Y - \mathrm{softmax}(F + M)))`.

    Parameters
    ----------
    gram : (n, n) array_like
    targets : (n, C) array_like
        Probabilities: rows that sum to 1.
    regularisation : float
    weights : (n,) array_like, optional
    offset : (n, C) array_like, optional
    tolerance, max_iterations
        As for `solve_kglm`.

    Returns
    -------
    KGLMSolution
        `f` and `alpha` of shape (n, C); the rows of `alpha` sum to 0.

    Raises
    ------
    InvalidInput

    Examples
    --------
    >>> x = np.linspace(-2, 2, 9)
    >>> gram = np.exp(-0.5 * (x[:, None] - x) ** 2)
    >>> fit = solve_multinomial(gram, np.eye(3)[np.digitize(x, [-0.8, 0.8])], 0.1)
    >>> fit.converged, fit.f.argmax(axis=1).tolist()
    (True, [0, 0, 0, 1, 1, 1, 2, 2, 2])
    """
    matrix = as_matrix(gram)
    y = np.asarray(targets, dtype=np.float64)
    if not isinstance(matrix, Dense) or y.ndim != 2 or len(y) != matrix.size:
        raise InvalidInput(f"targets must be ({matrix.size}, classes) probabilities, got shape {y.shape}")
    if not np.allclose(y.sum(axis=1), 1) or (y < 0).any():
        raise InvalidInput("the rows of the targets must be probabilities that sum to 1; encode labels as unit vectors")
    if not regularisation > 0:
        raise InvalidInput(f"the regularisation must be a positive number, got {regularisation!r}")
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=np.float64)
    m = np.zeros(y.shape) + (0.0 if offset is None else np.asarray(offset, dtype=np.float64))
    used = w > 0  # the others have no curvature; they are predicted like new inputs
    part = _Softmax(matrix.entries[np.ix_(used, used)], y[used], regularisation, w[used], m[used])
    tolerance = 16 * np.finfo(float).eps * math.sqrt(matrix.size) if tolerance is None else tolerance
    lipschitz = matrix.norm / regularisation * CURVATURE_BOUND * float(w.max(initial=0.0))
    f, iterations, status = _newton(part, tolerance, max_iterations, lipschitz)
    alpha = np.zeros_like(y)
    alpha[used] = part.slope(f) / -regularisation
    full = matrix.entries @ alpha
    residual = full[used] - f
    full[used] = f
    return _solution(matrix, full, alpha, residual, iterations, status, lipschitz, regularisation, w)


def _newton(part: _Softmax, tolerance: float, limit: int, lipschitz: float) -> tuple[Array, int, Status]:
    f = alpha = np.zeros_like(part.targets)
    previous = np.inf
    for iterations in range(limit):
        slope = part.slope(f)
        size = np.abs(f + part.gram @ slope / part.regularisation).max()
        scale = (1 + lipschitz) * (1 + np.abs(f).max())
        if size <= tolerance * scale or (size >= 0.5 * previous and size <= 1e3 * tolerance * scale):
            return f, iterations, Status.CONVERGED
        previous = size
        target = part.newton_target(f)
        da, df = target - alpha, part.gram @ target - f
        t = _step_length(part, f, alpha, df, da, slope)
        if t == 0.0:
            return f, iterations, Status.CONVERGED if size <= 1e6 * tolerance * scale else Status.MAX_STEPS
        f, alpha = f + t * df, alpha + t * da
    return f, limit, Status.MAX_STEPS


def _step_length(part: _Softmax, f: Array, alpha: Array, df: Array, da: Array, slope: Array) -> float:
    here = part.objective(f, alpha)
    decrease = float((df * (slope + part.regularisation * alpha)).sum())
    noise = 1e-13 * (abs(here) + float(np.abs(df * slope).sum()))
    t = 1.0
    for _ in range(_HALVINGS):
        if part.objective(f + t * df, alpha + t * da) <= here + 1e-4 * t * decrease + noise:
            return t
        t *= 0.5
    return 0.0


def _solution(
    matrix: Dense,
    f: Array,
    alpha: Array,
    residual: Array,
    iterations: int,
    status: Status,
    lipschitz: float,
    regularisation: float,
    weights: Array,
) -> KGLMSolution:
    bound = matrix.norm_bound / regularisation * CURVATURE_BOUND * float(weights.max(initial=0.0))
    factor_ = 1 + 0.5 * math.sqrt(bound)
    return KGLMSolution(
        f=f,
        alpha=alpha,
        residual=float(np.abs(residual).max(initial=0.0)),
        iterations=iterations,
        status=status,
        solver="newton",
        lipschitz=lipschitz,
        lipschitz_bound=bound,
        certificate=Certificate.CONTRACTION if bound < 1 else Certificate.STRICT_CONVEXITY,
        error_bound=(min(factor_, 1 / (1 - bound)) if bound < 1 else factor_) * float(np.linalg.norm(residual)),
    )


def evidence_multinomial(
    gram: Array, targets: Array, regularisation: float, fit: KGLMSolution, weights: Array, offset: Array | float
) -> float:
    r"""Laplace's approximation of the log evidence: minus the objective, less half of log det(I + K W / lambda).

    Examples
    --------
    >>> y = np.eye(2)[[0, 1, 1]]
    >>> fit = solve_multinomial(np.eye(3), y, 1.0)
    >>> round(evidence_multinomial(np.eye(3), y, 1.0, fit, np.ones(3), 0.0), 6) < 0
    True
    """
    used = weights > 0
    inner = gram[np.ix_(used, used)]
    m = offset if np.ndim(offset) == 0 else np.asarray(offset)[used]
    part = _Softmax(inner, targets[used], regularisation, weights[used], m)
    f, alpha = fit.f[used], fit.alpha[used]
    _, factors, _, lower = part.blocks(f)
    n = len(f)
    halves = sum(float(np.log(np.diag(x)).sum()) for x in factors) - 0.5 * n * len(factors) * math.log(regularisation)
    # E here is S B^{-1} S; with the prior covariance K / lambda it is lambda times that.
    coupling = float(np.log(np.diag(lower)).sum()) + 0.5 * n * math.log(regularisation)
    return -part.objective(f, alpha) - halves - coupling + 0.5 * float(np.log(weights[used]).sum())
