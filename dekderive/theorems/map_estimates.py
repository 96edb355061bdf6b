r"""Maximum-a-posteriori estimates of kernelised generalised linear models: what the checks of Theorem 3 solve.

The estimate is f = K a, where a solves ``g(K a) - T + lam a = 0`` with g = A' + Q'.  Newton's method on that equation
has the matrix ``lam I + D K``, D = diag g', whose eigenvalues are at least lam even if K is singular; and its step is a
descent direction of the objective, because ``K (lam I + D K)^-1`` is positive semi-definite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dekderive.errors import NotConverged

__all__ = ["FAMILIES", "PRIORS", "Instance", "Scalar", "estimate", "instances", "picard", "shifted"]

Array = NDArray[np.float64]
Function = Callable[[Array], Array]


@dataclass(frozen=True, slots=True)
class Scalar:
    """A convex function of one variable with its first two derivatives, and a supremum of the second one."""

    name: str
    value: Function
    first: Function
    second: Function
    supremum: float
    draw: Callable[[np.random.Generator, int], Array] | None = None


def _expit(x: Array) -> Array:
    return 0.5 * (1 + np.tanh(x / 2))


def _softplus(x: Array) -> Array:
    return np.logaddexp(0.0, x)


def _binomial(trials: int) -> Scalar:
    return Scalar(
        f"binomial({trials})",
        lambda x: trials * _softplus(x),
        lambda x: trials * _expit(x),
        lambda x: trials * _expit(x) * _expit(-x),
        trials / 4,
        lambda rng, n: rng.integers(0, trials + 1, n).astype(np.float64),
    )


FAMILIES: tuple[Scalar, ...] = (
    Scalar("gaussian", lambda x: x**2 / 2, lambda x: x, np.ones_like, 1.0, lambda rng, n: rng.normal(0, 1.5, n)),
    _binomial(1),
    _binomial(9),
    Scalar("poisson", np.exp, np.exp, np.exp, np.inf, lambda rng, n: rng.poisson(2.0, n).astype(np.float64)),
    Scalar(
        "ising",
        lambda x: np.abs(x) + np.log1p(np.exp(-2 * np.abs(x))),
        np.tanh,
        lambda x: 1 - np.tanh(x) ** 2,
        1.0,
        lambda rng, n: rng.choice([-1.0, 1.0], n),
    ),
)

# -log q of the factor q of the prior: none, Gaussian, logistic, pseudo-Huber.
PRIORS: tuple[Scalar, ...] = (
    Scalar("none", np.zeros_like, np.zeros_like, np.zeros_like, 0.0),
    Scalar("gaussian", lambda x: 0.35 * x**2, lambda x: 0.7 * x, lambda x: 0.7 * np.ones_like(x), 0.7),
    Scalar(
        "logistic",
        lambda x: _softplus(x) + _softplus(-x),
        lambda x: np.tanh(x / 2),
        lambda x: 2 * _expit(x) * _expit(-x),
        0.5,
    ),
    Scalar(
        "pseudo-Huber",
        lambda x: np.sqrt(1 + x**2),
        lambda x: x / np.sqrt(1 + x**2),
        lambda x: (1 + x**2) ** -1.5,
        1.0,
    ),
)


def shifted(function: Scalar, offset: Array) -> Scalar:
    """Return x -> function(x + offset), for a mean function of the canonical parameter (appendix H).

    Examples
    --------
    >>> float(shifted(FAMILIES[0], np.array(2.0)).first(np.array(1.0)))
    3.0
    """
    return Scalar(
        function.name,
        lambda x: function.value(x + offset),
        lambda x: function.first(x + offset),
        lambda x: function.second(x + offset),
        function.supremum,
        function.draw,
    )


@dataclass(frozen=True, slots=True)
class Instance:
    """A problem: kernel matrix between inputs, kernel to new inputs, regularisation, statistics, family and prior."""

    kernel: Array
    cross: Array
    regularisation: float
    statistics: Array
    family: Scalar
    prior: Scalar

    def slope(self, f: Array) -> Array:
        """``g(f) = A'(f) + Q'(f)``."""
        return self.family.first(f) + self.prior.first(f)

    def curvature(self, f: Array) -> Array:
        """``g'(f)``."""
        return self.family.second(f) + self.prior.second(f)

    def map(self, f: Array) -> Array:
        """The fixed-point map in f, ``(K/lam)(T - g(f))``."""
        return self.kernel @ (self.statistics - self.slope(f)) / self.regularisation

    def objective(self, coefficients: Array) -> float:
        """The objective (5) at the coefficients of the representer theorem."""
        f = self.kernel @ coefficients
        penalty = 0.5 * self.regularisation * coefficients @ f
        return float(np.sum(self.family.value(f) + self.prior.value(f)) - self.statistics @ f + penalty)

    @property
    def modulus(self) -> float:
        """``||K/lam||_2 sup (A'' + Q'')``."""
        top = np.linalg.eigvalsh(self.kernel)[-1] / self.regularisation
        return float(top * (self.family.supremum + self.prior.supremum))


def estimate(problem: Instance, start: Array | None = None) -> tuple[Array, Array]:
    """Return f = K a at the inputs, and the coefficients a, by Newton's method with halving steps.

    Raises
    ------
    NotConverged
        If 200 steps were not enough (which convexity excludes, for a positive semi-definite kernel matrix).

    Examples
    --------
    >>> one = np.ones((1, 1))
    >>> problem = Instance(one, one, 1.0, np.array([2.0]), FAMILIES[0], PRIORS[0])
    >>> estimate(problem)[0]  # f = 2 - f
    array([1.])
    """
    k, lam = problem.kernel, problem.regularisation
    a = np.zeros(len(k)) if start is None else start
    for _ in range(200):
        f = k @ a
        gradient = problem.slope(f) - problem.statistics + lam * a
        step = -np.linalg.solve(lam * np.eye(len(k)) + problem.curvature(f)[:, None] * k, gradient)
        descent = float(gradient @ k @ step)
        before, size = problem.objective(a), 1.0
        while problem.objective(a + size * step) > before + 1e-4 * size * descent + 1e-12 * (1 + abs(before)):
            size /= 2
        a = a + size * step
        if np.max(np.abs(step)) <= 1e-13 * (1 + np.max(np.abs(a))):
            return k @ a, a
    raise NotConverged("Newton's method did not settle in 200 steps; is the kernel matrix positive semi-definite?")


def picard(problem: Instance, start: Array, steps: int) -> Array:
    """Return the iterate of ``f <- (K/lam)(T - g(f))`` after so many steps.

    Examples
    --------
    >>> one = np.ones((1, 1))
    >>> problem = Instance(one, one, 2.0, np.array([2.0]), FAMILIES[0], PRIORS[0])
    >>> round(float(picard(problem, np.zeros(1), 60)[0]), 12)
    0.666666666667
    """
    f = start
    for _ in range(steps):
        f = problem.map(f)
    return f


def instances(seed: int, count: int, largest_modulus: float = 1e3) -> Iterator[Instance]:
    """Yield random problems: one to three dimensions, repeated inputs (singular K), every family and prior.

    Examples
    --------
    >>> len(list(instances(0, 5)))
    5
    """
    rng = np.random.default_rng(seed)
    for index in range(count):
        n, d = int(rng.integers(1, 13)), int(rng.integers(1, 4))
        x = rng.uniform(-2, 2, (n, d))
        if n > 1 and rng.random() < 0.5:
            x[-1] = x[0]
        new = rng.uniform(-2, 2, (4, d))
        scale = 10 ** rng.uniform(-0.5, 0.5)
        kernel, cross = (np.exp(-((a[:, None] - x) ** 2).sum(-1) / (2 * scale**2)) for a in (x, new))
        family, prior = FAMILIES[index % len(FAMILIES)], PRIORS[(index // len(FAMILIES)) % len(PRIORS)]
        assert family.draw is not None
        bound = (family.supremum if np.isfinite(family.supremum) else 1.0) + prior.supremum
        modulus = 10 ** rng.uniform(-2, np.log10(largest_modulus))
        lam = float(np.linalg.eigvalsh(kernel)[-1] * bound / modulus)
        yield Instance(kernel, cross, lam, family.draw(rng, n), family, prior)
