"""Sensitivity of equilibria to their weights, and norms of random matrices (P10 to P12)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from hypothesis import strategies as st

from dekderive.errors import InvalidInput
from dekderive.testing.failure import require
from dekderive.testing.observations import Array

__all__ = [
    "ACTIVATIONS",
    "WeightPair",
    "coarse_inequality",
    "gaussian_norm_tail",
    "nearest_definite",
    "two_weight_matrices",
    "weight_pairs",
]


def _expit(x: Array) -> Array:
    return np.asarray(0.5 * (1 + np.tanh(x / 2)))


# Functions of the line with their Lipschitz constants.
ACTIVATIONS: Mapping[str, tuple[Callable[[Array], Array], float]] = MappingProxyType(
    {
        "tanh": (np.tanh, 1.0),
        "relu": (lambda x: np.maximum(x, 0.0), 1.0),
        "5 + 4 expit": (lambda x: 5 + 4 * _expit(x), 1.0),
        "sin": (np.sin, 1.0),
    }
)


@dataclass(frozen=True, eq=False)
class WeightPair:
    """Two layers z = sigma(A (y - z)) and z = sigma(B (y - z)), with spectral norms below 1.

    Examples
    --------
    >>> pair = WeightPair(np.array([[0.5]]), np.array([[0.4]]), np.array([1.0]), "tanh")
    >>> pair
    tanh, A = [[0.5]], B = [[0.4]], y = [1.]
    """

    left: Array
    right: Array
    y: Array
    activation: str

    def equilibrium(self, matrix: Array) -> Array:
        """The equilibrium of one layer, by plain iteration: the map contracts."""
        function, lipschitz = ACTIVATIONS[self.activation]
        norm = lipschitz * float(np.linalg.norm(matrix, 2))
        if not norm < 1:
            raise InvalidInput(f"the layer contracts for Lipschitz constants below 1 only, and this one has {norm:.3g}")
        z = np.zeros_like(self.y)
        for _ in range(5000):
            last, z = z, function(matrix @ (self.y - z))
            if np.max(np.abs(z - last)) <= 1e-16 * (1 + np.max(np.abs(z))):
                break
        return z

    @property
    def reach(self) -> float:
        """|y - sigma(0)|."""
        return float(np.linalg.norm(self.y - ACTIVATIONS[self.activation][0](np.zeros_like(self.y))))

    def __repr__(self) -> str:
        left, right, y = (
            np.array2string(v, precision=4, threshold=9, max_line_width=1000).replace("\n", "")
            for v in (self.left, self.right, self.y)
        )
        return f"{self.activation}, A = {left}, B = {right}, y = {y}"


@st.composite
def weight_pairs(draw: st.DrawFn, largest: int = 8, norm: float = 0.97) -> WeightPair:
    """Two matrices of up to 8 x 8, independent of each other or close, of norms up to 0.97.

    Examples
    --------
    >>> from hypothesis import given, settings
    >>> @settings(max_examples=5, derandomize=True, database=None, deadline=None)
    ... @given(weight_pairs())
    ... def test_proposition_12(pair):
    ...     two_weight_matrices(pair)
    >>> test_proposition_12()
    """
    n = draw(st.integers(1, largest))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    norms = draw(st.floats(0.1, norm)), draw(st.floats(0.1, norm))
    a, b = rng.normal(size=(2, n, n))
    a *= norms[0] / np.linalg.norm(a, 2)
    b *= norms[1] / np.linalg.norm(b, 2)
    if draw(st.booleans()):
        b = (1 - 10 ** draw(st.floats(-6, -1))) * a
    return WeightPair(a, b, rng.normal(size=n), draw(st.sampled_from(sorted(ACTIVATIONS))))


def two_weight_matrices(pair: WeightPair, factor: float = 1.0) -> None:
    r"""P10, Proposition 12: :math:`|z_A - z_B| \le \frac{L |y - \sigma(0)| \|A - B\|}{(1 - L\|A\|)(1 - L\|B\|)}`.

    With a slack of 1e-9; L is the Lipschitz constant of sigma on the pre-activations (not, as printed, on the z).

    Parameters
    ----------
    pair : WeightPair
    factor : float
        That the bound is multiplied by.

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> two_weight_matrices(WeightPair(np.array([[0.5]]), np.array([[0.4]]), np.array([1.0]), "tanh"))
    """
    lipschitz = ACTIVATIONS[pair.activation][1]
    a, b = pair.left, pair.right
    la, lb = (lipschitz * float(np.linalg.norm(m, 2)) for m in (a, b))
    bound = lipschitz * pair.reach * float(np.linalg.norm(a - b, 2)) / ((1 - la) * (1 - lb))
    gap = float(np.linalg.norm(pair.equilibrium(a) - pair.equilibrium(b)))
    require(gap, factor * bound + 1e-9, "P10, |z_A - z_B|", pair)


def nearest_definite(pair: WeightPair, factor: float = 1.0) -> None:
    r"""P10, Proposition 13: a positive semi-definite matrix B is at most so far away in its equilibrium.

    .. math:: |z_A - z_B| \le \frac{L\,|y - \sigma(0)|}{(1 - L\|A\|)^2}\, (\ell + \|A_2\|)

    Here :math:`A = A_1 + A_2` in symmetric and skew parts, :math:`-\ell` is the lowest eigenvalue of :math:`A_1` or 0,
    and B the positive part of :math:`A_1`.

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> nearest_definite(WeightPair(np.array([[-0.5]]), np.array([[0.4]]), np.array([1.0]), "tanh"))
    """
    lipschitz, a = ACTIVATIONS[pair.activation][1], pair.left
    positive, low, skew = _parts(a)
    bound = lipschitz * pair.reach * (low + skew) / (1 - lipschitz * float(np.linalg.norm(a, 2))) ** 2
    gap = float(np.linalg.norm(pair.equilibrium(a) - pair.equilibrium(positive)))
    require(gap, factor * bound + 1e-9, "P10, |z_A - z_B| for B the positive part", pair)


def _parts(a: Array) -> tuple[Array, float, float]:
    """The positive part of (A + A')/2, the size of its lowest negative eigenvalue, and the norm of (A - A')/2."""
    values, vectors = np.linalg.eigh((a + a.T) / 2)
    positive = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return positive, max(0.0, -float(values[0])), float(np.linalg.norm((a - a.T) / 2, 2))


def coarse_inequality(matrix: Array, factor: float = 2.0) -> None:
    r"""P11: :math:`\ell + \|A_2\| \le 2 \|A\| (1 + 10^{-12})`, attained by diag(-1) and a rotation by 90 degrees.

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> attained = np.array([[-1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
    >>> coarse_inequality(attained)
    >>> coarse_inequality(attained, factor=1.9)
    Traceback (most recent call last):
    ...
    dekderive.errors.PropertyFailed: P11, l + |A2|: 2 exceeds 1.9, for A = ...
    """
    _, low, skew = _parts(np.asarray(matrix, dtype=np.float64))
    bound = factor * float(np.linalg.norm(matrix, 2)) * (1 + 1e-12)
    require(low + skew, bound, "P11, l + |A2|", f"A = {np.asarray(matrix).tolist()}")


def gaussian_norm_tail(size: int, t: float, draws: int = 40_000, seed: int = 0, threshold: float | None = None) -> None:
    r"""P12, Theorem 15: :math:`P(\|A\| \ge 2\sqrt n + t) \le p = 2 e^{-t^2/2}`, simulated to :math:`5\sqrt{p/N}`.

    Parameters
    ----------
    size : int
        n; the entries of A are independent and standard normal.
    t : float
    draws : int
        N.
    seed : int
    threshold : float, optional
        Instead of 2 sqrt(n) + t.

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> gaussian_norm_tail(3, 1.0, draws=2000)
    >>> gaussian_norm_tail(25, 4.0, draws=2000, threshold=2 * (25 + 4.0) ** 0.5)  # Proposition 14: 2 sqrt(n + t)
    Traceback (most recent call last):
    ...
    dekderive.errors.PropertyFailed: P12, ...
    """
    rng = np.random.default_rng(seed)
    matrices = rng.normal(size=(draws, size, size))
    # the largest eigenvalue of A'A: several times faster than singular values
    squares = np.linalg.eigvalsh(np.swapaxes(matrices, 1, 2) @ matrices)[:, -1]
    level = 2 * np.sqrt(size) + t if threshold is None else threshold
    frequency = float(np.mean(squares >= level**2))
    allowed = 2 * float(np.exp(-(t**2) / 2))
    bound = allowed + 5 * float(np.sqrt(allowed / draws))
    require(frequency, bound, f"P12, P(|A| >= {level:.4g})", f"n = {size}, t = {t:g}, {draws} draws")
