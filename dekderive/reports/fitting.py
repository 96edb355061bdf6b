"""Methods of a comparison: choose among candidates on the training part of a fold, fit, predict the rest."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.optimize import minimize

from dekderive.reports.candidates import Candidate

__all__ = ["ALPHAS", "METHODS", "Evaluated", "Part", "evaluated"]

Array = NDArray[np.float64]
Splits = tuple[tuple[NDArray[np.intp], NDArray[np.intp]], ...]

ALPHAS = tuple(float(a) for a in np.geomspace(1e-6, 10, 9))  # ridge, relative to the mean of the Gram diagonal
_SOFTNESS = tuple(float(c) for c in np.geomspace(0.01, 1000, 9))  # C of the support vector machine, relative likewise
# What scikit-learn calls the hyper-parameters of (constant * kernel) + noise.
_NAMES = {
    "k1__k1__constant_value": "signal",
    "k1__k2__length_scale": "length scale",
    "k1__k2__regularisation": "regularisation",
    "k2__noise_level": "noise",
}
_STEPS = 15  # of the optimiser of a marginal likelihood


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One split of the rows, standardised with its training rows alone.

    Attributes
    ----------
    train, test : ndarray of int
    X, X_test : ndarray
    y : ndarray
        As in the data set.
    targets : ndarray of shape (n, 1) or (n, classes)
        Standardised values, or +-1 for each class less its mean.
    centre, spread : ndarray
        What takes targets back.
    inner : tuple of (ndarray, ndarray)
        Splits of the training rows, for choosing.
    seed : int
    """

    train: NDArray[np.intp]
    test: NDArray[np.intp]
    X: Array
    X_test: Array
    y: NDArray[Any]
    targets: Array
    centre: Array
    spread: Array
    inner: Splits
    seed: int

    def prediction(self, outputs: Array) -> Array:
        """Turn outputs in the scale of `targets` into values, or into the class with the largest output."""
        values = outputs.reshape(len(outputs), -1) * self.spread + self.centre
        return values[:, 0] if values.shape[1] == 1 else np.argmax(values, axis=1).astype(float)


@dataclass(frozen=True, slots=True, eq=False)
class Evaluated:
    """A candidate with its Gram matrix on the training rows, which every method needs."""

    candidate: Candidate
    gram: Array


Method = Callable[[Part, Sequence[Evaluated]], tuple[Array, Mapping[str, float]]]


def evaluated(part: Part, candidates: Sequence[Candidate]) -> tuple[Evaluated, ...]:
    """Evaluate the candidates that are defined at every row of the fold (whether they are depends on inputs only).

    Raises
    ------
    NoFixedPoint
        If none of them is.
    """
    problems = [(c, c.admits(part.X) or c.admits(part.X_test)) for c in candidates]
    admissible = [c for c, problem in problems if problem is None]
    if not admissible:
        assert problems[-1][1] is not None  # it is what made the last candidate inadmissible
        raise problems[-1][1]
    return tuple(Evaluated(c, c.gram(part.X)) for c in admissible)


def kernel_ridge(part: Part, options: Sequence[Evaluated]) -> tuple[Array, Mapping[str, float]]:
    """Kernel ridge regression (of +-1 for each class, one against the rest); kernel and ridge by inner validation."""
    from sklearn.kernel_ridge import KernelRidge

    candidate, gram, alpha = _best_ridge(part, options)
    model = KernelRidge(kernel="precomputed", alpha=alpha * float(np.mean(np.diag(gram)))).fit(gram, part.targets)
    outputs = model.predict(candidate.gram(part.X_test, part.X))
    return part.prediction(outputs), {**candidate.values, "ridge": alpha}


def gaussian_process(part: Part, options: Sequence[Evaluated]) -> tuple[Array, Mapping[str, float]]:
    """Gaussian process regression with all hyper-parameters by marginal likelihood.

    The optimiser starts at the candidate, scale and noise of the largest marginal likelihood, and takes a few steps.
    """
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, WhiteKernel

    y = part.targets[:, 0]
    starts = [(_evidence(option.gram, y), option.candidate) for option in options]
    (_, scale, noise), candidate = max(starts, key=lambda start: start[0][0])
    scaled = ConstantKernel(scale, (1e-3 * scale, 1e3 * scale)) * candidate.gaussian_process(
        [o.candidate for o in options]
    )
    kernel = scaled + WhiteKernel(noise, (1e-3 * noise, 1e3 * noise))
    model = GaussianProcessRegressor(kernel, alpha=1e-10, optimizer=_few_steps, random_state=part.seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an optimum at a bound, or one not reached, is a legitimate choice here
        model.fit(part.X, y)
    free = [h for h in model.kernel_.hyperparameters if not h.fixed]
    chosen = {_NAMES.get(h.name, h.name): float(np.exp(t)) for h, t in zip(free, model.kernel_.theta, strict=True)}
    return part.prediction(model.predict(part.X_test)), {**candidate.values, **chosen}


def support_vectors(part: Part, options: Sequence[Evaluated]) -> tuple[Array, Mapping[str, float]]:
    """Support vector classification: kernel by the inner validation of kernel ridge, C by that of its own."""
    from sklearn.model_selection import cross_val_score
    from sklearn.svm import SVC

    candidate, gram, _ = _best_ridge(part, options)
    unit = 1 / float(np.mean(np.diag(gram)))
    labels = part.y[part.train]

    def machine(softness: float) -> Any:
        return SVC(kernel="precomputed", C=softness * unit, random_state=part.seed)

    means = [cross_val_score(machine(c), gram, labels, cv=list(part.inner)).mean() for c in _SOFTNESS]
    softness = _SOFTNESS[int(np.argmax(means))]
    predicted = machine(softness).fit(gram, labels).predict(candidate.gram(part.X_test, part.X))
    return predicted.astype(float), {**candidate.values, "C": softness}


METHODS: Mapping[str, Mapping[str, Method]] = {
    "regression": {"kernel ridge": kernel_ridge, "Gaussian process": gaussian_process},
    "classification": {"kernel ridge": kernel_ridge, "support vectors": support_vectors},
}


def _best_ridge(part: Part, options: Sequence[Evaluated]) -> tuple[Candidate, Array, float]:
    """Return the candidate, its Gram matrix on the training rows, and the ridge of the smallest validation loss."""
    best: tuple[float, Candidate, Array, float] | None = None
    for option in options:
        losses = np.mean([_validation(part, option.gram, fit, check) for fit, check in part.inner], axis=0)
        place = int(np.argmin(losses))
        if best is None or losses[place] < best[0]:
            best = float(losses[place]), option.candidate, option.gram, ALPHAS[place]
    assert best is not None  # there is at least one candidate
    return best[1:]


def _validation(part: Part, gram: Array, fit: NDArray[np.intp], check: NDArray[np.intp]) -> Array:
    """Return the loss for every ridge; one eigendecomposition serves them all."""
    values, vectors = eigh(gram[np.ix_(fit, fit)], check_finite=False, driver="evd")
    rotated = vectors.T @ part.targets[fit]
    cross = gram[np.ix_(check, fit)] @ vectors
    unit = float(np.mean(np.diag(gram)))
    losses = np.empty(len(ALPHAS))
    for i, alpha in enumerate(ALPHAS):
        outputs = cross @ (rotated / (np.maximum(values, 0) + alpha * unit)[:, None])
        if part.targets.shape[1] == 1:
            losses[i] = np.mean((outputs - part.targets[check]) ** 2)
        else:
            # Ties between ridges are broken by the squared error, which is below one class error in all.
            wrong = np.mean(part.prediction(outputs) != part.y[part.train][check])
            losses[i] = wrong + 1e-3 * np.mean((outputs - part.targets[check]) ** 2)
    return losses


def _evidence(gram: Array, y: Array) -> tuple[float, float, float]:
    """Return the largest log marginal likelihood over scale and ridge, with the scale and the noise variance it takes.

    For the covariance ``s (K + a I)`` the best s is ``y' (K + a I)^-1 y / n``, and what is left is
    ``-(n log s + log det(K + a I)) / 2`` up to a constant.
    """
    values, vectors = eigh(gram, check_finite=False, driver="evd")
    rotated = (vectors.T @ y) ** 2
    unit = float(np.mean(np.diag(gram)))
    best = (-np.inf, 1.0, 1.0)
    for alpha in ALPHAS:
        spectrum = np.maximum(values, 0) + alpha * unit
        scale = float(np.mean(rotated / spectrum))
        evidence = -0.5 * float(len(y) * np.log(scale) + np.sum(np.log(spectrum)))
        best = max(best, (evidence, scale, scale * alpha * unit))
    return best


def _few_steps(objective: Callable[..., Any], start: Array, bounds: Array) -> tuple[Array, float]:
    """Optimiser for a marginal likelihood: L-BFGS, the same small number of steps for every kernel."""
    found = minimize(objective, start, method="L-BFGS-B", jac=True, bounds=bounds, options={"maxiter": _STEPS})
    return found.x, float(found.fun)
