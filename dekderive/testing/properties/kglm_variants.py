"""What surrounds Theorem 3: Jacobians, offsets, weights, leave-one-out, gradients and scales (P7 to P9, P16)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from dekderive.errors import InvalidInput
from dekderive.initialisers import DEQWeights
from dekderive.solvers.kglm import solve_kglm
from dekderive.solvers.kglm.problem import make_problem
from dekderive.solvers.kglm.statistics import FitStatistics
from dekderive.testing.failure import largest, require
from dekderive.testing.kglm_instance import KGLMInstance, squared_exponential
from dekderive.testing.observations import Array

__all__ = [
    "fit_gradients",
    "jacobian_in_predictors",
    "jacobian_of_layer",
    "layer_jacobian",
    "leave_one_out",
    "offset_outside",
    "scale_invariance",
    "translation",
    "weights_duplicate",
]

Jacobian: TypeAlias = Callable[[DEQWeights, Array, Array], Array]


def jacobian_in_predictors(instance: KGLMInstance, jacobian: Array | None = None) -> None:
    r"""P7: :math:`\partial H / \partial f = -\frac{1}{\lambda} K \operatorname{diag}(A'' + Q'')`, to 1e-6.

    Parameters
    ----------
    instance : KGLMInstance
    jacobian : (n, n) ndarray, optional
        At the solution; default: the formula.

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> from dekderive.losses import bernoulli, bind
    >>> jacobian_in_predictors(KGLMInstance(bind(bernoulli), np.eye(2), np.eye(2), np.array([0.0, 1.0]), 0.5))
    """
    f = instance.solution.f
    if jacobian is None:
        curvature = instance.pointwise.curvature(f + instance.offset, instance.targets)
        jacobian = -instance.gram * curvature / instance.regularisation
    direction = np.random.default_rng(instance.seed).normal(size=len(f))
    step = 1e-5 * _room(instance, f + instance.offset) / largest(direction)
    difference = (instance.image(f + step * direction) - instance.image(f - step * direction)) / (2 * step)
    scale = 1 + instance.local_lipschitz(f) * float(np.linalg.norm(direction)) + largest(instance.image(f))
    require(largest(jacobian @ direction - difference), 1e-6 * scale, "P7, the Jacobian of H in f", instance)


def _room(instance: KGLMInstance, u: Array) -> float:
    """1, or the distance to the nearest end of the natural domain if that is smaller."""
    loss = instance.pointwise.loss
    return float(min(1.0, np.min(u - loss.lower), np.min(loss.upper - u)))


def layer_jacobian(layer: DEQWeights, z: Array, y: Array) -> Array:
    r"""The Jacobian of the layer in z, :math:`\operatorname{diag}(\sigma'(u)) (W_1 + W_3 \operatorname{diag}\rho'(z))`.

    The source prints the factors in the other order, and u without its term :math:`W_3 \rho(z)`.

    Examples
    --------
    >>> from dekderive.initialisers import kglm_weights
    >>> from dekderive.losses import rademacher
    >>> layer = kglm_weights(rademacher, np.eye(1), regularisation=2.0)
    >>> layer_jacobian(layer, np.zeros(1), np.zeros(1))
    array([[-0.5]])
    """
    eta = layer.pointwise.link(z)
    slope = layer.pointwise.mean_slope(eta)
    rho, rho_slope = np.zeros_like(z), np.zeros_like(z)
    if layer.pointwise.penalty is not None:
        rho = layer.pointwise.penalty_slope(eta)
        rho_slope = (layer.pointwise.curvature(eta, y) - slope) / slope
    u = layer.W1 @ z + layer.W2 @ layer.statistic(y) + layer.W3 @ rho + layer.bias
    return np.asarray(layer.pointwise.mean_slope(u)[:, None] * (layer.W1 + layer.W3 * rho_slope))


def jacobian_of_layer(instance: KGLMInstance, jacobian: Jacobian = layer_jacobian) -> None:
    """P7: the Jacobian of the layer in z, at a z that is well inside of its range, against differences (1e-6).

    Parameters
    ----------
    instance : KGLMInstance
        Of a family with its canonical link on the whole line.
    jacobian : callable
        ``(layer, z, y) -> (n, n)``.

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> from dekderive.losses import bernoulli, bind
    >>> jacobian_of_layer(KGLMInstance(bind(bernoulli), np.eye(2), np.eye(2), np.array([0.0, 1.0]), 0.5))
    """
    layer, y = instance.layer, instance.targets
    rng = np.random.default_rng(instance.seed)
    z = layer.activation(np.clip(rng.normal(size=len(y)), -1.5, 1.5))
    direction = rng.normal(size=len(y))

    def step(z: Array) -> Array:
        rho = layer.penalty_activation(z) if layer.pointwise.penalty is not None else np.zeros_like(z)
        return layer.activation(layer.W1 @ z + layer.W2 @ layer.statistic(y) + layer.W3 @ rho + layer.bias)

    low, high = layer.pointwise.support()
    h = 1e-5 * min(1.0, float(np.min(z - low)), float(np.min(high - z))) / largest(direction)
    difference = (step(z + h * direction) - step(z - h * direction)) / (2 * h)
    second = largest(step(z + 1e2 * h * direction) - 2 * step(z) + step(z - 1e2 * h * direction)) / (1e2 * h) ** 2
    found = jacobian(layer, z, y) @ direction
    # What central differences cannot resolve: a curvature whose own change, over 1e3 steps, is of its size.
    slack = 1e-3 * h * second + 64 * np.finfo(float).eps * (1 + largest(step(z))) / h
    scale = 1 + largest(found)
    require(largest(found - difference), 1e-6 * scale + slack, "P7, the Jacobian of the layer in z", instance)


def offset_outside(instance: KGLMInstance, layer: DEQWeights | None = None) -> None:
    r"""P8, Appendix H: the equilibrium of the layer with bias M is the MAP, to 1e-11 (relative to (1 + L)(1 + |u|)).

    The MAP solves :math:`u = \frac{1}{\lambda} K (T - g(u)) + M` with M outside of the factor (printed inside).

    Parameters
    ----------
    instance : KGLMInstance
        With an offset.
    layer : DEQWeights, optional

    Raises
    ------
    InvalidInput
        If the instance has no offset.
    PropertyFailed

    Examples
    --------
    >>> from dekderive.losses import bernoulli, bind
    >>> offset_outside(KGLMInstance(bind(bernoulli), np.eye(2), np.eye(2), np.array([0.0, 1.0]), 3.0, offset=0.5))
    """
    if not np.any(np.asarray(instance.offset)):
        raise InvalidInput("P8 is about offsets, and the instance has none; draw with kglm_instances(offsets=True)")
    layer = instance.layer if layer is None else layer
    u = np.asarray(layer.preactivation(instance.targets).value, dtype=np.float64)
    gap = instance.image(u - instance.offset) + instance.offset - u
    require(largest(gap), 1e-11 * instance.scale(u), "P8, u = K (T - g(u)) / lambda + M", instance)


def translation(instance: KGLMInstance, shift: float = 0.75, move_offset: bool = True) -> None:
    r"""P9: for a loss of f - y, adding a constant to Y and to M leaves f, to :math:`10^{-11}(1 + L)(1 + |f|)`.

    Parameters
    ----------
    instance : KGLMInstance
        Of the Gaussian family or another location family, with q = 1.
    shift : float
    move_offset : bool

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> from dekderive.losses import bind, gaussian
    >>> translation(KGLMInstance(bind(gaussian), np.eye(2), np.eye(2), np.array([0.0, 1.0]), 0.5))
    """
    offset = instance.offset + shift if move_offset else instance.offset
    moved = replace(instance, targets=instance.targets + shift, offset=offset)
    f = instance.solution.f
    require(largest(moved.solution.f - f), 1e-11 * instance.scale(f), "P9, a shift of Y and M", instance)


def weights_duplicate(instance: KGLMInstance, most: int = 3) -> None:
    """P16: an integer sample weight is as many copies of the observation, to 1e-9 (1 + |f|).

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> from dekderive.losses import bernoulli, bind
    >>> weights_duplicate(KGLMInstance(bind(bernoulli), np.eye(2), np.eye(2), np.array([0.0, 1.0]), 0.5))
    """
    n = len(instance.targets)
    weights = np.random.default_rng(instance.seed).integers(1, most + 1, n)
    copies = np.repeat(np.arange(n), weights)
    offset = np.broadcast_to(np.asarray(instance.offset), (n,))
    settings = (instance.pointwise, instance.regularisation)
    once = solve_kglm(instance.gram, instance.targets, *settings, weights=weights, offset=offset, solver="newton")
    gram = instance.gram[np.ix_(copies, copies)]
    twice = solve_kglm(gram, instance.targets[copies], *settings, offset=offset[copies], solver="newton")
    bound = 1e-9 * (1 + largest(once.f))
    require(largest(once.f[copies] - twice.f), bound, f"P16, weights {weights} are copies", instance)


def leave_one_out(instance: KGLMInstance) -> None:
    """P16: for a quadratic loss the leave-one-out predictors of one fit are those of n fits, to 1e-9 (1 + |f|).

    Raises
    ------
    InvalidInput
        If the curvature is not constant: the formula is an approximation then.
    PropertyFailed

    Examples
    --------
    >>> from dekderive.losses import bind, gaussian
    >>> leave_one_out(KGLMInstance(bind(gaussian), np.eye(2), np.eye(2), np.array([0.0, 1.0]), 0.5))
    """
    f, y, m = (
        instance.solution.f,
        instance.targets,
        np.broadcast_to(np.asarray(instance.offset), instance.targets.shape),
    )
    if np.ptp(instance.pointwise.curvature(np.linspace(-2, 2, 5), np.zeros(5))) > 1e-9:
        raise InvalidInput(
            f"leaving one out is exact for quadratic losses only, not for {instance.pointwise.loss.name}"
        )
    found = FitStatistics(make_problem(instance.gram, y, instance.pointwise, instance.regularisation, offset=m), f).loo
    for i in range(len(y)):
        rest = np.delete(np.arange(len(y)), i)
        if not len(rest):
            expected = 0.0
        else:
            gram = instance.gram[np.ix_(rest, rest)]
            fit = solve_kglm(
                gram, y[rest], instance.pointwise, instance.regularisation, offset=m[rest], solver="newton"
            )
            expected = float(instance.gram[i, rest] @ fit.alpha)
        bound = 1e-9 * (1 + largest(f)) * (1 + instance.local_lipschitz(f))
        require(abs(float(found[i]) - expected), bound, f"P16, observation {i} left out", instance)


def fit_gradients(instance: KGLMInstance) -> None:
    """P16: the derivatives of f in lambda, the length scale and Y against central differences (1e-5, relative).

    Raises
    ------
    InvalidInput
        If the kernel of the instance was not made from rows and a length scale.
    PropertyFailed

    Examples
    --------
    >>> from dekderive.losses import bind, gaussian
    >>> x = np.array([[0.0], [1.0]])
    >>> k = squared_exponential(x, x, 1.0)
    >>> fit_gradients(KGLMInstance(bind(gaussian), k, k, np.array([0.0, 1.0]), 0.5, rows=x, lengthscale=1.0))
    """
    if instance.rows is None or instance.lengthscale is None:
        raise InvalidInput("P16 differentiates in the length scale; the instance must have rows and a length scale")
    scale, lam, y, rows = instance.lengthscale, instance.regularisation, instance.targets, instance.rows
    f = instance.solution.f
    statistics = FitStatistics(instance.problem, f)
    squares = ((rows[:, None] - rows) ** 2).sum(axis=-1)
    by_scale = (instance.gram * squares / scale**3)[:, :, None]
    direction = _inward(instance)

    def at(gram: Array, targets: Array, regularisation: float) -> Array:
        return replace(instance, gram=gram, targets=targets, regularisation=regularisation).solution.f

    h = 1e-4
    pairs = {
        "lambda": (
            statistics.by_regularisation * lam,
            (at(instance.gram, y, lam * (1 + h)) - at(instance.gram, y, lam * (1 - h))) / (2 * h),
        ),
        "the length scale": (
            statistics.by_kernel(by_scale)[:, 0] * scale,
            (
                at(squared_exponential(rows, rows, scale * (1 + h)), y, lam)
                - at(squared_exponential(rows, rows, scale * (1 - h)), y, lam)
            )
            / (2 * h),
        ),
        "Y": (
            statistics.by_targets @ direction,
            (at(instance.gram, y + h * direction, lam) - at(instance.gram, y - h * direction, lam)) / (2 * h),
        ),
    }
    for name, (derivative, difference) in pairs.items():
        bound = 1e-5 * (1 + largest(f) + largest(derivative)) * (1 + instance.local_lipschitz(f))
        require(largest(derivative - difference), bound, f"P16, df / d {name}", instance)


def _inward(instance: KGLMInstance) -> Array:
    """A direction in which the targets can be moved both ways, as far as the range of the statistic allows."""
    low, high = instance.pointwise.support()
    y = instance.targets
    room = np.minimum(np.minimum(y - low, high - y), 1.0)
    room[room < 1e-3] = 0.0
    return np.asarray(room * np.random.default_rng(instance.seed).uniform(-1, 1, len(y)))


def scale_invariance(instance: KGLMInstance, factor: float = 7.0) -> None:
    """P16: (K, lambda) -> (c K, c lambda) leaves f, to 1e-12 (1 + L)(1 + |f|).

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> from dekderive.losses import bernoulli, bind
    >>> scale_invariance(KGLMInstance(bind(bernoulli), np.eye(2), np.eye(2), np.array([0.0, 1.0]), 0.5))
    """
    f = instance.solution.f
    scaled = replace(instance, gram=factor * instance.gram, regularisation=factor * instance.regularisation)
    require(largest(scaled.solution.f - f), 1e-12 * instance.scale(f), "P16, scale of K and lambda", instance)
