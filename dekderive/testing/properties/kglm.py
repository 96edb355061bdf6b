"""Theorem 3 and Theorem 3+ as properties of one kernel GLM: fixed point, prediction, uniqueness, rates (P1 to P6).

Each function takes an instance, and optionally the object that is judged (a predictor, a layer) where that is not the
one of the package; it raises `PropertyFailed` with the numbers.  "P1" and so on are the names of the properties in
``docs/testing.md``, which lists their domains and tolerances.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from dekderive.errors import InvalidInput
from dekderive.initialisers import DEQWeights
from dekderive.testing.failure import largest, require
from dekderive.testing.kglm_instance import KGLMInstance
from dekderive.testing.observations import Array, draw_predictors

__all__ = [
    "damped_rate",
    "fixed_point",
    "mean_fixed_point",
    "null_vectors",
    "prediction",
    "solvers_agree",
    "uniqueness",
]

_INTERIOR = 1e-6  # how far inside of their range means must be for the equation in z
_EPS = float(np.finfo(np.float64).eps)


def fixed_point(instance: KGLMInstance, f: Array | None = None) -> None:
    r"""P1, Theorem 3: :math:`\lVert f - H(f)\rVert_\infty \le 10^{-12} (1 + L)(1 + \lVert f\rVert_\infty)`.

    Here :math:`H(f) = \frac{1}{\lambda} K (T - A'(f + M) - Q'(f + M))`, and L is taken with the curvature at f.

    Parameters
    ----------
    instance : KGLMInstance
    f : (n,) ndarray, optional
        The predictor that is judged; default: the one of ``solve_kglm``.

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> from dekderive.losses import bernoulli, bind
    >>> instance = KGLMInstance(bind(bernoulli), np.eye(2), np.eye(2), np.array([0.0, 1.0]), 0.5)
    >>> fixed_point(instance)
    >>> fixed_point(instance, f=np.zeros(2))
    Traceback (most recent call last):
    ...
    dekderive.errors.PropertyFailed: P1, f = H(f): 1 exceeds 1.5e-12, for bernoulli: n = 2, ...
    """
    f = instance.solution.f if f is None else f
    require(largest(f - instance.image(f)), 1e-12 * instance.scale(f), "P1, f = H(f)", instance)


def mean_fixed_point(instance: KGLMInstance, layer: DEQWeights | None = None, f: Array | None = None) -> None:
    r"""P1 in the means: :math:`z = \sigma(W_1 z + W_2 T + W_3 \rho(z) + M)` for :math:`z = A'(f + M)`.

    To 1e-10, relative to what an error of the predictor of P1's size makes of the means.  The equation is defined in
    the interior only: instances with a mean within 1e-6 of an end of its range say nothing, and pass.

    Raises
    ------
    InvalidInput
        If the loss is not that of a family with its canonical link.
    PropertyFailed

    Examples
    --------
    >>> from dekderive.losses import bernoulli, bind
    >>> mean_fixed_point(KGLMInstance(bind(bernoulli), np.eye(2), np.eye(2), np.array([0.0, 1.0]), 0.5))
    """
    layer = instance.layer if layer is None else layer
    u = (instance.solution.f if f is None else f) + instance.offset
    z = layer.activation(u)
    low, high = instance.pointwise.support()
    if np.min(np.minimum(z - low, high - z)) < _INTERIOR:
        return
    rho = layer.penalty_activation(z) if layer.pointwise.penalty is not None else np.zeros_like(z)
    preactivation = layer.W1 @ z + layer.W2 @ layer.statistic(instance.targets) + layer.W3 @ rho + layer.bias
    steepness = 1 + largest(layer.pointwise.mean_slope(u))
    bound = 1e-10 * steepness * instance.scale(u - instance.offset)
    require(largest(layer.activation(preactivation) - z), bound, "P1, z = sigma(W1 z + W2 T + W3 rho(z))", instance)


def prediction(instance: KGLMInstance, layer: DEQWeights | None = None, f: Array | None = None) -> None:
    r"""P2: :math:`k(\tilde X, X)\alpha = V_1 (z + \rho(z)) + V_2 T`, to :math:`10^{-10}(1 + 1/\lambda)(1 + |f|)`.

    For every positive semi-definite kernel: no inverse of K occurs.

    Raises
    ------
    InvalidInput
        If the loss is not that of a family with its canonical link.
    PropertyFailed

    Examples
    --------
    >>> from dekderive.losses import bernoulli, bind
    >>> prediction(KGLMInstance(bind(bernoulli), np.eye(2), np.ones((1, 2)), np.array([0.0, 1.0]), 0.5))
    """
    layer = instance.layer if layer is None else layer
    f = instance.solution.f if f is None else f
    u = f + instance.offset
    hidden = layer.activation(u) + instance.pointwise.penalty_slope(u)
    readout = layer.V1 @ hidden + layer.V2 @ layer.statistic(instance.targets)
    bound = 1e-10 * (1 + 1 / instance.regularisation) * (1 + largest(f))
    require(largest(instance.cross @ instance.solution.alpha - readout), bound, "P2, K~ alpha = (8)", instance)


def null_vectors(instance: KGLMInstance) -> None:
    r"""P3: a null vector v of K added to alpha changes neither predictions nor the objective (to 1e-10).

    A repeated input gives one exactly.  Where there is none, v is the last eigenvector, with eigenvalue mu, and the
    theorem is an inequality: :math:`(k(\tilde x, X) v)^2 \le k(\tilde x, \tilde x)\, v^T K v`, with
    :math:`k(\tilde x, \tilde x) = 1` for kernels of this package's instances.

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> from dekderive.losses import bernoulli, bind
    >>> twice = KGLMInstance(bind(bernoulli), np.ones((2, 2)), np.ones((1, 2)), np.array([0.0, 1.0]), 0.5)
    >>> null_vectors(twice)
    """
    gram, f, alpha = instance.gram, instance.solution.f, instance.solution.alpha
    v, energy = _null_vector(gram)
    scale = (1 + 1 / instance.regularisation) * (1 + largest(f))
    change = largest(instance.cross @ (alpha + 3 * v) - instance.cross @ alpha)
    require(change, 1e-10 * scale + 3 * np.sqrt(energy), "P3, k(new, X) v = 0 for K v = 0", instance)
    if energy > 1e-10:  # not nearly a null vector: the objective is as large there as it likes
        return
    objective = instance.problem.objective
    one, two = (float(objective((gram @ a)[None], a[None])[0]) for a in (alpha, alpha + 3 * v))
    # the objective is smallest at alpha: its change is of second order in v, and 9/2 lambda v'Kv + 9/2 v'K D K v
    curvature = instance.regularisation * (1 + instance.local_lipschitz(f))
    require(abs(one - two), 1e-10 * scale * (1 + abs(one)) + 10 * curvature * energy, "P3, the objective", instance)


def _null_vector(gram: Array) -> tuple[Array, float]:
    """A unit vector with K v = 0, or the one with the smallest v'Kv; and that number, or a bound of its rounding."""
    for i, row in enumerate(gram):
        for j in range(i):
            if np.array_equal(gram[j], row):
                v = np.zeros(len(gram))
                v[i], v[j] = 1.0, -1.0
                return v, 0.0
    values, vectors = np.linalg.eigh(gram)
    return vectors[:, 0], max(float(values[0]), 0.0) + 4 * len(gram) * _EPS * float(values[-1])


def uniqueness(
    instance: KGLMInstance, starts: int = 5, solve: Callable[[KGLMInstance, Array], Array] | None = None
) -> None:
    r"""P4, Theorem 3+: solutions from random starts differ by at most :math:`10^{-8}(1 + |f|)`.

    Parameters
    ----------
    instance : KGLMInstance
    starts : int
    solve : callable, optional
        From the instance and a start to a solution; default: Newton's method of ``solve_kglm``.

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> from dekderive.losses import bernoulli, bind
    >>> uniqueness(KGLMInstance(bind(bernoulli), np.ones((2, 2)), np.ones((1, 2)), np.array([0.0, 1.0]), 0.01))
    """
    rng = np.random.default_rng(instance.seed)
    f = instance.solution.f if solve is None else solve(instance, np.zeros_like(instance.targets))
    for _ in range(starts):
        start = draw_predictors(instance.pointwise.loss, rng, len(f)) - instance.offset
        other = instance.solve(start=start).f if solve is None else solve(instance, start)
        require(largest(other - f), 1e-8 * (1 + largest(f)), "P4, the same solution from every start", instance)


def solvers_agree(instance: KGLMInstance, solvers: tuple[str, ...] = ("picard", "anderson")) -> None:
    r"""P5: where :math:`L \le 0.95`, Picard's, Anderson's and Newton's methods agree to :math:`10^{-10}(1 + |f|)`.

    Raises
    ------
    InvalidInput
        If L exceeds 0.95: plain iteration need not converge then, and nothing is claimed.
    PropertyFailed

    Examples
    --------
    >>> from dekderive.losses import bernoulli, bind
    >>> solvers_agree(KGLMInstance(bind(bernoulli), np.eye(2), np.eye(2), np.array([0.0, 1.0]), 0.5))
    """
    if not instance.lipschitz <= 0.95 * (1 + 1e-9):
        raise InvalidInput(f"P5 is about L <= 0.95, and L = {instance.lipschitz:.3g}; draw with lipschitz=(1e-2, 0.95)")
    f = instance.solution.f
    for name in solvers:
        other = instance.solve(name).f
        require(largest(other - f), 1e-10 * (1 + largest(f)), f"P5, {name} and newton", instance)


def damped_rate(instance: KGLMInstance, step: float | None = None, rate: float | None = None) -> None:
    r"""P6: errors of damped iteration fall by :math:`L/(2 + L)` in the norm of :math:`K^{-1}` at least.

    The iteration is :math:`f + \beta (H(f) - f)`, :math:`\beta = 2/(2 + L)`, with :math:`K + 10^{-6} I` for K.  A ratio
    may exceed the rate by 1e-8, and by what the rounding of both errors amounts to.

    Parameters
    ----------
    instance : KGLMInstance
        With a bounded curvature.
    step, rate : float, optional
        beta and the rate that is claimed for it.

    Raises
    ------
    InvalidInput
        If the curvature is unbounded.
    PropertyFailed

    Examples
    --------
    >>> from dekderive.losses import bernoulli, bind
    >>> damped_rate(KGLMInstance(bind(bernoulli), np.eye(2), np.eye(2), np.array([0.0, 1.0]), 0.02))
    """
    values, vectors = np.linalg.eigh(instance.gram + 1e-6 * np.eye(len(instance.gram)))
    gram = (vectors * values) @ vectors.T
    regular = replace(instance, gram=(gram + gram.T) / 2)
    lipschitz = regular.lipschitz
    if not np.isfinite(lipschitz):
        raise InvalidInput(f"P6 needs a bounded curvature, which {instance.pointwise.loss.name} has not")
    beta = 2 / (2 + lipschitz) if step is None else step
    claimed = lipschitz / (2 + lipschitz) if rate is None else rate
    exact = regular.solution.f
    rounding = 64 * _EPS * len(exact) * regular.scale(exact) / np.sqrt(values[0])
    f, previous = np.zeros_like(exact), np.inf
    for _ in range(12):
        error = float(np.linalg.norm(vectors.T @ (f - exact) / np.sqrt(values)))
        bound = (claimed + 1e-8) * previous + 2 * rounding
        require(error, bound, f"P6, an error falls by {claimed:.6g}", instance)
        previous, f = error, f + beta * (regular.image(f) - f)
