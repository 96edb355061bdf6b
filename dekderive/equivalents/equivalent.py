"""The equivalent of a conjugate or tangent kernel matrix, as a sum of factors: never n x n unless asked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg
from scipy.sparse.linalg import LinearOperator, cg, eigsh

from dekderive.equivalents.diagonals import exact_diagonal
from dekderive.equivalents.records import KernelCoefficients
from dekderive.equivalents.statistics import MixtureStatistics
from dekderive.errors import InvalidInput, NoFixedPoint, NotConverged
from dekderive.gram.points import as_rows
from dekderive.kernels.elementwise import Array

__all__ = ["EquivalentKernel", "equivalent_kernel"]

_ELEMENTS = 1 << 22  # of a tile of S o S
_TOLERANCE = 1e-13


@dataclass(frozen=True, eq=False)
class EquivalentKernel:
    r"""The matrix :math:`a_1 X X^T + U C U^T + a_3\, \mathrm{offdiag}(X X^T \circ X X^T) + \mathrm{diag}(d)`.

    Attributes
    ----------
    linear, quadratic : float
        :math:`a_1`, and :math:`a_3` of the term S o S (0 in the population form, where it is a part of U C U^T).
    rows : (n, p) ndarray
        X.
    factor, core : (n, r) and (r, r) ndarray
        U and C.
    shift : (n,) ndarray
        d.

    Examples
    --------
    >>> from dekderive.equivalents import DeepEquilibrium, deq_coefficients, relu
    >>> X = np.random.default_rng(0).normal(size=(6, 40)) / np.sqrt(40)
    >>> E = equivalent_kernel(deq_coefficients(DeepEquilibrium(relu, 0.2, 0.8), 1.0), X)
    >>> bool(np.allclose(E.toarray() @ np.ones(6), E.matvec(np.ones(6)))), E.shape
    (True, (6, 6))
    """

    linear: float
    rows: Array
    factor: Array
    core: Array
    quadratic: float
    shift: Array

    @property
    def shape(self) -> tuple[int, int]:
        """Of the matrix."""
        return len(self.rows), len(self.rows)

    @cached_property
    def _squares(self) -> Array:
        return np.asarray(np.einsum("ij,ij->i", self.rows, self.rows))

    def diagonal(self) -> Array:
        """Return the diagonal, (n,)."""
        low = np.einsum("ir,rs,is->i", self.factor, self.core, self.factor)
        return np.asarray(self.linear * self._squares + low + self.shift)

    def matvec(self, vectors: ArrayLike) -> Array:
        """Multiply by a vector (n,) or by columns (n, k); S o S is applied tile by tile.

        Parameters
        ----------
        vectors : (n,) or (n, k) array_like
        """
        v = np.asarray(vectors, dtype=np.float64)
        columns = v.reshape(len(self.rows), -1)
        out = self.linear * (self.rows @ (self.rows.T @ columns)) + self.shift[:, None] * columns
        out += self.factor @ (self.core @ (self.factor.T @ columns))
        if self.quadratic:
            out += self.quadratic * self._quadratic(columns)
        return np.asarray(out.reshape(v.shape))

    def _quadratic(self, columns: Array) -> Array:
        """Offdiag(S o S) times columns, through X^T diag(v) X where that is cheaper than tiles of S."""
        (n, p), k = self.rows.shape, columns.shape[1]
        if k * p < n:
            weighted = (self.rows.T @ (columns[:, [j]] * self.rows) for j in range(k))
            out = np.stack([np.einsum("ij,ij->i", self.rows @ m, self.rows) for m in weighted], axis=1)
            return np.asarray(out - (self._squares**2)[:, None] * columns)
        out = np.empty_like(columns)
        height = max(1, _ELEMENTS // max(n, 1))
        for begin in range(0, n, height):
            tile = self.rows[begin : begin + height] @ self.rows.T
            tile *= tile
            out[begin : begin + height] = tile @ columns
        return np.asarray(out - (self._squares**2)[:, None] * columns)

    def toarray(self) -> Array:
        """Return the matrix itself, (n, n)."""
        gram = self.rows @ self.rows.T
        out = self.linear * gram + self.factor @ self.core @ self.factor.T
        if self.quadratic:
            gram *= gram
            np.fill_diagonal(gram, 0.0)
            out += self.quadratic * gram
        out[np.diag_indices(len(out))] += self.shift
        return np.asarray((out + out.T) / 2)

    def cross(self, Y: ArrayLike) -> Array:
        r"""Return the equivalent between X and other inputs, for predictions: (m, n) for m rows of Y.

        Only in the form that needs no classes, in which a row stands for itself:
        :math:`a_1 Y X^T + a_2 \chi(Y) \chi(X)^T + a_3\, Y X^T \circ Y X^T`.

        Parameters
        ----------
        Y : (m, p) array_like

        Raises
        ------
        InvalidInput
            In the population form.
        """
        if self.factor.shape[1] != 1:
            raise InvalidInput('a population form has no value for new inputs; use form="data"')
        other = as_rows(Y, "Y").astype(np.float64)
        tau0_squared = float(np.mean(self._squares - self.factor[:, 0]))
        inner = other @ self.rows.T
        chi = np.einsum("ij,ij->i", other, other) - tau0_squared
        low = float(self.core[0, 0]) * np.outer(chi, self.factor[:, 0])
        return np.asarray(self.linear * inner + low + self.quadratic * inner**2)

    def solve(self, targets: ArrayLike, ridge: float = 0.0) -> Array:
        r"""Solve :math:`(E + \lambda I)\, y = t`.

        By Woodbury's identity where E has factors of fewer than n columns; the quadratic term is iterated over
        (conjugate gradients, preconditioned by the rest).

        Parameters
        ----------
        targets : (n,) or (n, k) array_like
        ridge : float
            lambda.

        Returns
        -------
        ndarray
            Of the shape of `targets`.

        Raises
        ------
        InvalidInput
            If the scaled identity is not positive: the matrix is then no covariance that could be solved with.
        NotConverged
            If conjugate gradients stop early.
        """
        t = np.asarray(targets, dtype=np.float64)
        columns = t.reshape(len(self.rows), -1)
        d = self.shift + ridge
        if not (d > 0).all():
            raise InvalidInput(
                f"the diagonal part plus ridge must be positive to solve with; its least is {d.min():.3g}"
            )
        n, p = self.rows.shape
        rank = p + self.factor.shape[1]
        if not self.quadratic and rank < n:
            return np.asarray(_woodbury(self, d, columns).reshape(t.shape))
        operator = LinearOperator(self.shape, matvec=lambda v: self.matvec(v) + ridge * v, dtype=np.float64)
        inverse = None
        if rank < n:
            inner = _prepared(self, d)
            inverse = LinearOperator(
                self.shape, matvec=lambda v: _apply(inner, v.reshape(-1, 1))[:, 0], dtype=np.float64
            )
        out = np.empty_like(columns)
        for j in range(columns.shape[1]):
            out[:, j], failed = cg(operator, columns[:, j], rtol=_TOLERANCE, maxiter=10 * n + 100, M=inverse)
            residual = np.linalg.norm(operator @ out[:, j] - columns[:, j])
            if failed and not residual <= 1e-10 * np.linalg.norm(columns[:, j]):
                raise NotConverged(f"conjugate gradients left a residual of {residual:.3g}; raise ridge")
        return np.asarray(out.reshape(t.shape))

    def eigenvalues(self, count: int = 2) -> Array:
        """Return the `count` largest eigenvalues, descending, without the matrix.

        Parameters
        ----------
        count : int
            Below n.
        """
        n = len(self.rows)
        if not 0 < count < n:
            raise InvalidInput(f"count must be between 1 and {n - 1}, got {count}")
        operator = LinearOperator(self.shape, matvec=self.matvec, dtype=np.float64)
        start = np.linspace(1.0, 2.0, n)  # a fixed start: the result must not depend on chance
        return np.asarray(np.sort(eigsh(operator, k=count, which="LA", v0=start, return_eigenvectors=False))[::-1])


def equivalent_kernel(
    coefficients: KernelCoefficients,
    X: ArrayLike,
    statistics: MixtureStatistics | None = None,
    *,
    kernel: Literal["ck", "ntk", "ntk_full"] = "ck",
    form: Literal["data", "population"] = "data",
    diagonal: Literal["scalar", "exact"] = "scalar",
) -> EquivalentKernel:
    r"""Return the high-dimensional equivalent of a kernel matrix, in factors.

    With :math:`S = X X^T` and :math:`\chi_i = |x_i|^2 - \tau_0^2`,

    .. math::

        \text{data:} \quad & a_1 S + a_2 \chi\chi^T + a_3\, \mathrm{offdiag}(S \circ S) + (\gamma^2 - \tau_0^2 a_1) I \\
        \text{population:} \quad & a_1 S + V C V^T + (\gamma^2 - \tau_0^2 a_1) I, \quad
        V = [J/\sqrt p, \psi], \quad C = \begin{pmatrix} a_2 t t^T + a_3 T & a_2 t \\ a_2 t^T & a_2 \end{pmatrix} .

    There is no term :math:`-\tau_0^4 a_3 I`: it belongs to S o S, and cancels when classes replace S o S.

    Parameters
    ----------
    coefficients : KernelCoefficients
        From :func:`deq_coefficients` or :func:`explicit_coefficients`.
    X : (n, p) array_like
        Inputs as the kernel sees them: of length about tau0, entries of order :math:`p^{-1/2}`.
    statistics : MixtureStatistics, optional
        For the population form.
    kernel : {"ck", "ntk", "ntk_full"}
        Conjugate kernel; tangent kernel with the input weights frozen, or trained.
    form : {"data", "population"}
    diagonal : {"scalar", "exact"}
        "exact" replaces the diagonal by that of the kernel at finite dimension, in O(n).

    Returns
    -------
    EquivalentKernel

    Raises
    ------
    NoFixedPoint
        If the tangent kernel does not exist for this model.
    InvalidInput
        For unknown options, or statistics that do not fit X.

    Notes
    -----
    The spectral norm of the difference from the kernel matrix is :math:`O(n^{-1/2 + \epsilon})` for Gaussian mixtures
    with n/p bounded, means of bounded norm and :math:`\mathrm{tr}(C_a - C^\circ) = O(\sqrt p)`.  Source: Ling et al.
    (2024); see ``docs/equivalents.md`` for what is derived and what is measured.

    Examples
    --------
    >>> from dekderive.equivalents import DeepEquilibrium, deq_coefficients, estimate_tau0, relu
    >>> X = np.random.default_rng(0).normal(size=(300, 375)) / np.sqrt(375)
    >>> found = deq_coefficients(DeepEquilibrium(relu, 0.2, 0.8), estimate_tau0(X))
    >>> E = equivalent_kernel(found, X, kernel="ntk", diagonal="exact")
    >>> from dekderive.gram import gram
    >>> from dekderive.kernels import implicit_ntk_relu
    >>> G = gram(implicit_ntk_relu, X, weight_variance=0.2, input_variance=0.8, reference_norm=found.tau0)
    >>> bool(np.linalg.norm(G - E.toarray(), 2) < 0.02 * np.linalg.norm(G, 2))
    True
    """
    rows = as_rows(X).astype(np.float64)
    scalars = _scalars(coefficients, kernel)
    if form not in ("data", "population") or diagonal not in ("scalar", "exact"):
        raise InvalidInput(f"form is 'data' or 'population', diagonal 'scalar' or 'exact'; got {form!r}, {diagonal!r}")
    a1, a2, a3, total = scalars
    squares = np.einsum("ij,ij->i", rows, rows)
    if form == "data":
        factor, core, quadratic = (squares - coefficients.tau0**2)[:, None], np.array([[a2]]), a3
    else:
        if statistics is None:
            raise InvalidInput('form="population" needs the statistics of the mixture')
        chi = statistics.psi(rows) + statistics.t[statistics.labels] / math.sqrt(statistics.dimension)
        factor = np.column_stack([chi, statistics.J])
        core = linalg.block_diag(a2, a3 * statistics.T / statistics.dimension)
        quadratic = 0.0
    shift = np.full(len(rows), total - coefficients.tau0**2 * a1)
    found = EquivalentKernel(a1, rows, factor, np.asarray(core), quadratic, shift)
    if diagonal == "scalar":
        return found
    wanted = exact_diagonal(coefficients, squares, kernel)
    return EquivalentKernel(a1, rows, factor, np.asarray(core), quadratic, shift + wanted - found.diagonal())


def _scalars(coefficients: KernelCoefficients, kernel: str) -> tuple[float, float, float, float]:
    table: dict[str, Any] = {"ck": coefficients.ck, "ntk": coefficients.ntk, "ntk_full": coefficients.ntk_full}
    if kernel not in table:
        raise InvalidInput(f"kernel is 'ck', 'ntk' or 'ntk_full', got {kernel!r}")
    found: tuple[float, float, float, float] | None = table[kernel]
    if found is None:
        raise NoFixedPoint(
            f"the tangent kernel is infinite at x = x': weight_variance E[phi'^2] must be below 1 at equilibrium, with "
            f"weight_variance = {coefficients.weight_variance:g} it is not (it is infinite if the activation jumps)"
        )
    return found


@dataclass(frozen=True, eq=False)
class _Inverse:
    """(D + W M W^T)^-1 = D^-1 - D^-1 W (I + M W^T D^-1 W)^-1 M W^T D^-1, which no singular M disturbs."""

    d: Array
    factor: Array
    core: Array
    solved: Any


def _prepared(kernel: EquivalentKernel, d: Array) -> _Inverse:
    p = kernel.rows.shape[1]
    factor = np.hstack([kernel.rows, kernel.factor])
    core = linalg.block_diag(kernel.linear * np.eye(p), kernel.core)
    inner = np.eye(len(core)) + core @ (factor.T @ (factor / d[:, None]))
    return _Inverse(d, factor, core, linalg.lu_factor(inner))


def _apply(inverse: _Inverse, columns: Array) -> Array:
    scaled = columns / inverse.d[:, None]
    small = linalg.lu_solve(inverse.solved, inverse.core @ (inverse.factor.T @ scaled))
    return np.asarray(scaled - (inverse.factor @ small) / inverse.d[:, None])


def _woodbury(kernel: EquivalentKernel, d: Array, columns: Array) -> Array:
    inverse = _prepared(kernel, d)
    first = _apply(inverse, columns)
    # One step of refinement: the inner matrix is not symmetric, and its condition is that of the whole.
    left = columns - (kernel.matvec(first) + (d - kernel.shift)[:, None] * first)
    return first + _apply(inverse, left)
