"""The kernels that a comparison chooses from: a grid for each side, and both grids of the same size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dekderive.errors import DomainError, NoFixedPoint
from dekderive.gram import diagonal, gram
from dekderive.gram import moments as features
from dekderive.gram.moments import Moments
from dekderive.kernels.kernel import Kernel

__all__ = [
    "Candidate",
    "default_level",
    "equilibrium_candidates",
    "levels_around",
    "moments_for",
    "rbf_candidates",
    "require_level",
]

Array = NDArray[np.float64]
_BUDGET = 12  # kernels on each side
_SCALES = (0.3, 3.0)  # length of a typical standardised row, in units of the bias
_LENGTHS = (0.1, 10.0)  # length scale of the RBF kernel, in units of a typical row
_LEVELS = (0.75, 1.0, 1.5, 3.0)  # regularisation, in units of the default


@dataclass(frozen=True, slots=True)
class Candidate:
    """One kernel with its hyper-parameters.

    Attributes
    ----------
    values : mapping of str to float
        What a table shows.
    gram : callable
        ``gram(X)`` and ``gram(X, Z)``.
    admits : callable
        ``admits(X)``: None if every row has a fixed point, otherwise the error that says which has not.
    gaussian_process : callable
        Given the admissible candidates, returns the scikit-learn kernel that a Gaussian process optimises from here.
    """

    values: Mapping[str, float]
    gram: Callable[..., Array]
    admits: Callable[[Array], NoFixedPoint | None]
    gaussian_process: Callable[[Sequence[Candidate]], Any]


def moments_for(name: str, scale: float, bias: float = 1.0) -> Moments:
    """Return the named input moments for rows multiplied by `scale` and joined to the constant `bias`.

    Raises
    ------
    UnknownName

    Examples
    --------
    >>> chosen = moments_for("step_features", 0.5)
    >>> chosen.name, chosen.bias
    ('step_features', 2.0)
    """
    if name in ("linear", "relu_features"):
        constructor = features.linear if name == "linear" else features.relu_features
        return constructor(scale=scale, bias=bias)
    if name == "step_features":  # knows directions only, so what counts is the ratio
        return features.step_features(bias=bias / scale)
    if name == "cosine_features":
        return features.cosine_features(scale=scale)
    return features.by_name(name)


def require_level(kernel: Kernel, moments: str, level: float, longest: float = 1.0) -> None:
    """Check that vectors up to the given length have a fixed point, and one that is not 0.

    Raises
    ------
    NoFixedPoint
        If one has not.
    DomainError
        If the kernel vanishes.
    """
    rows = [[longest, 0.0], [-1.0, 0.0], [0.0, 1.0]]
    variances = diagonal(kernel, rows, moments=moments_for(moments, 1.0, 0.0), regularisation=level)
    if not variances.any():
        raise DomainError(
            f"{kernel.name} is 0 for every input: where slope and activation both vanish at z = 0, a layer of zeros "
            "stays 0; choose a natural map whose slope or activation does not vanish there"
        )


def default_level(kernel: Kernel, moments: str) -> float:
    """Return the first of 1, 1.5, 2, 3, 5, ... for which vectors up to three times as long as typical ones will do.

    Raises
    ------
    NoFixedPoint
        If none of them does.
    """
    problem: NoFixedPoint | None = None
    for level in (1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0, 34.0):
        try:
            require_level(kernel, moments, level, longest=3.0)
        except NoFixedPoint as error:
            problem = error
        else:
            return level
    assert problem is not None
    raise NoFixedPoint(f"{problem} (tried regularisations from 1 to 34; give a larger one)")


def levels_around(level: float) -> tuple[float, ...]:
    """Return the regularisations of the grid."""
    return tuple(level * factor for factor in _LEVELS)


def equilibrium_candidates(
    kernel: Kernel, moments: str, levels: Sequence[float]
) -> Callable[[int], tuple[Candidate, ...]]:
    """Return ``columns -> candidates`` over the given regularisations and as many input scales as the budget allows."""

    def candidates(columns: int) -> tuple[Candidate, ...]:
        scales = np.geomspace(*_SCALES, _BUDGET // len(levels)) / np.sqrt(columns)
        fixed = len(levels) == 1
        return tuple(_equilibrium(kernel, moments, float(s), level, fixed) for level in levels for s in scales)

    return candidates


def _equilibrium(kernel: Kernel, moments: str, scale: float, level: float, fixed: bool) -> Candidate:
    chosen = moments_for(moments, scale)

    def evaluate(X: Array, Z: Array | None = None) -> Array:
        # The nugget of a kernel that jumps at x = y would be a ridge that nobody chose; ridge and noise are chosen.
        return np.asarray(gram(kernel, X, Z, moments=chosen, continuous_part=True, regularisation=level))

    def admits(X: Array) -> NoFixedPoint | None:
        try:
            diagonal(kernel, X, moments=chosen, regularisation=level)
        except NoFixedPoint as error:
            return error
        return None

    def gaussian_process(admissible: Sequence[Candidate]) -> Any:
        from dekderive.estimators import EquilibriumKernel

        # A larger regularisation always has a fixed point if a smaller one has.
        lowest = min(c.values["regularisation"] for c in admissible if c.values["scale"] == scale)
        bounds = "fixed" if fixed else (lowest, 30.0 * level)
        options = {"regularisation": level, "regularisation_bounds": bounds}
        return EquilibriumKernel(kernel, moments=chosen, continuous_part=True, **options)

    return Candidate({"regularisation": level, "scale": scale}, evaluate, admits, gaussian_process)


def rbf_candidates(columns: int) -> tuple[Candidate, ...]:
    """Return the candidates of the baseline: as many length scales."""
    return tuple(_rbf(float(length)) for length in np.geomspace(*_LENGTHS, _BUDGET) * np.sqrt(columns))


def _rbf(length: float) -> Candidate:
    from sklearn.gaussian_process.kernels import RBF

    bounds = (length / 100, length * 100)
    return Candidate({"length scale": length}, RBF(length), lambda X: None, lambda admissible: RBF(length, bounds))
