"""What the equivalents read of the data: the mean square norm, and the statistics of a Gaussian mixture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dekderive.errors import InvalidInput
from dekderive.gram.points import as_rows
from dekderive.kernels.elementwise import Array

__all__ = ["MixtureStatistics", "estimate_tau0"]


def estimate_tau0(X: ArrayLike) -> float:
    r"""Return :math:`\tau_0 = \sqrt{\frac1n \sum_i |x_i|^2}`.

    Parameters
    ----------
    X : (n, p) array_like
        Rows as the kernel sees them: of length about 1.

    Returns
    -------
    float

    Raises
    ------
    InvalidInput
        If X is no matrix of finite numbers, or all its rows are zero.

    Examples
    --------
    >>> estimate_tau0([[3.0, 4.0], [0.0, 5.0]])
    5.0
    """
    rows = as_rows(X)
    square = float(np.einsum("ij,ij->", rows, rows, dtype=np.float64)) / max(len(rows), 1)
    if not square > 0:
        raise InvalidInput("all rows of X are zero (or there are none); tau0 must be positive")
    return math.sqrt(square)


@dataclass(frozen=True, eq=False)
class MixtureStatistics:
    r"""Statistics of a Gaussian mixture :math:`x_i = (\mu_a + z_i)/\sqrt p`, :math:`z_i \sim N(0, C_a)`.

    .. math:: t_a = \frac{\mathrm{tr}(C_a - C^\circ)}{\sqrt p}, \qquad T_{ab} = \frac{\mathrm{tr}(C_a C_b)}{p}, \qquad
              \psi_i = |x_i - \mu_a/\sqrt p|^2 - \frac{\mathrm{tr}\, C_a}{p},

    with :math:`C^\circ = \sum_a (n_a/n) C_a`.  **T is not centred**:
    :math:`\mathbb E S_{ij}^2 = \mathrm{tr}(C_a C_b)/p^2`.

    Parameters
    ----------
    means : (K, p) array_like
        :math:`\mu_a`.
    covariances : (K, p, p) or (K, p) array_like
        :math:`C_a`, or their diagonals if they are diagonal.
    labels : (n,) array_like of int
        The class of every input, 0 to K - 1.

    Raises
    ------
    InvalidInput
        If the shapes do not fit, or a label has no class.

    Examples
    --------
    >>> mixture = MixtureStatistics(np.zeros((2, 4)), [[1.0, 1, 1, 1], [3, 1, 1, 1]], [0, 1])
    >>> mixture.t, mixture.T.tolist(), round(mixture.tau0, 12)
    (array([-0.5,  0.5]), [[1.0, 1.5], [1.5, 3.0]], 1.118033988750)
    """

    means: Array
    covariances: Array
    labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        means, covariances = (np.asarray(a, dtype=np.float64) for a in (self.means, self.covariances))
        labels = np.asarray(self.labels)
        if means.ndim != 2 or covariances.ndim not in (2, 3) or covariances.shape[:2] != means.shape:
            raise InvalidInput(
                f"means (K, p) and covariances (K, p, p) or (K, p) do not fit: {means.shape}, {covariances.shape}"
            )
        if covariances.ndim == 3 and covariances.shape[2] != means.shape[1]:
            raise InvalidInput(f"covariances must be square, got {covariances.shape}")
        if labels.ndim != 1 or labels.dtype.kind not in "iu" or (labels < 0).any() or (labels >= len(means)).any():
            raise InvalidInput(f"labels must be integers from 0 to {len(means) - 1}, one for each input")
        if not (np.isfinite(means).all() and np.isfinite(covariances).all()):
            raise InvalidInput("means and covariances must be finite")
        for name, value in (("means", means), ("covariances", covariances), ("labels", labels.astype(np.int64))):
            object.__setattr__(self, name, value)

    @classmethod
    def estimated(cls, X: ArrayLike, labels: ArrayLike) -> MixtureStatistics:
        """Return the statistics with means and covariances of every class estimated from the data.

        The square of an estimated covariance is biased, so :attr:`T` of a class that has no more inputs than dimensions
        is too large; prefer the form that needs no classes (``form="data"``).

        Parameters
        ----------
        X : (n, p) array_like
        labels : (n,) array_like of int

        Examples
        --------
        >>> X = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
        >>> (MixtureStatistics.estimated(X, [0, 0, 1, 1]).means / np.sqrt(2)).round(12).tolist()
        [[0.0, 0.0], [0.0, 1.0]]
        """
        rows, which = as_rows(X).astype(np.float64), np.asarray(labels)
        scaled = rows * math.sqrt(rows.shape[1])
        classes = range(int(which.max(initial=-1)) + 1)
        groups = [scaled[which == a] for a in classes]
        if any(len(g) == 0 for g in groups):
            raise InvalidInput("every class from 0 to the largest label needs at least one input")
        means = np.stack([g.mean(axis=0) for g in groups])
        covariances = np.stack([(g - m).T @ (g - m) / len(g) for g, m in zip(groups, means, strict=True)])
        return cls(means, covariances, which)

    @property
    def dimension(self) -> int:
        """The number p of coordinates."""
        return int(self.means.shape[1])

    @property
    def J(self) -> Array:
        """Class indicators, (n, K)."""
        return np.asarray(np.eye(len(self.means))[self.labels])

    @property
    def shares(self) -> Array:
        """The part of the inputs that is in each class, (K,)."""
        return np.bincount(self.labels, minlength=len(self.means)) / max(len(self.labels), 1)

    @property
    def traces(self) -> Array:
        """Of every covariance, (K,)."""
        subscripts = "aii->a" if self.covariances.ndim == 3 else "ai->a"
        return np.asarray(np.einsum(subscripts, self.covariances))

    @property
    def tau0(self) -> float:
        r"""Population value: root of tr C°/p."""
        return math.sqrt(float(self.shares @ self.traces) / self.dimension)

    @property
    def t(self) -> Array:
        """tr(C_a - C°)/sqrt p, (K,)."""
        return (self.traces - self.shares @ self.traces) / math.sqrt(self.dimension)

    @property
    def T(self) -> Array:
        """tr(C_a C_b)/p, (K, K), not centred."""
        flat = self.covariances.reshape(len(self.means), -1)
        return flat @ flat.T / self.dimension

    def psi(self, X: ArrayLike) -> Array:
        """Fluctuation of the squared norm of each input about its class, (n,).

        Parameters
        ----------
        X : (n, p) array_like
            The inputs x, of length about 1.
        """
        rows = as_rows(X).astype(np.float64)
        if rows.shape != (len(self.labels), self.dimension):
            raise InvalidInput(f"X must have the shape {(len(self.labels), self.dimension)}, got {rows.shape}")
        noise = rows - self.means[self.labels] / math.sqrt(self.dimension)
        return np.asarray(np.einsum("ij,ij->i", noise, noise) - self.traces[self.labels] / self.dimension)
