"""Expectations of pairs of activations: their value, Price's theorem, positivity, and Hermite coefficients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import sympy as sp

from dekderive.kernels.compiled import CompiledDual
from dekderive.programs import compile_dual
from dekderive.symbols import z
from dekderive.testing.failure import require
from dekderive.testing.observations import Array
from dekderive.testing.quadrature import expectation, hermite_coefficients, pair_expectation
from dekderive.testing.strategies import Covariance

__all__ = ["compiled", "dual_value", "hermite_sum", "numeric", "positive_definite", "price"]

Pair: TypeAlias = tuple[sp.Expr, sp.Expr]


@lru_cache(maxsize=256)
def compiled(left: sp.Expr, right: sp.Expr) -> CompiledDual:
    """Derive and compile a dual, once.

    Examples
    --------
    >>> float(compiled(z, z).dual(1.0, 1.0, 0.25))
    0.25
    """
    return compile_dual(left, right)


@lru_cache(maxsize=256)
def numeric(function: sp.Expr) -> Callable[[Array], Array]:
    """Return an expression in ``z`` as a function of arrays, by SymPy's own printer from its definition.

    Examples
    --------
    >>> from dekderive.atoms import relu
    >>> numeric(relu(z))(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    from dekderive.atoms import Atom

    plain = function
    while plain.atoms(Atom):
        plain = plain.replace(lambda e: isinstance(e, Atom), lambda e: sp.sympify(e.definition))
    inner = sp.lambdify(z, plain, modules=["scipy", "numpy"])

    def evaluated(x: Array) -> Array:
        with np.errstate(over="ignore", under="ignore"):
            return np.broadcast_to(np.asarray(inner(x), dtype=np.float64), np.shape(x))

    return evaluated


def dual_value(
    pair: Pair, covariance: Covariance, dual: CompiledDual | None = None, kinks: Sequence[float] = (0.0,)
) -> None:
    r"""Check :math:`E[f(u) g(v)]` against quadrature on panels, to 1e-8 of :math:`\sqrt{E f^2\, E g^2}`.

    Parameters
    ----------
    pair : (sympy.Expr, sympy.Expr)
        f and g in ``dekderive.symbols.z``.
    covariance : Covariance
    dual : CompiledDual, optional
        That is judged; default: the one that the package compiles.
    kinks : sequence of float
        Where f or g is not analytic.

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> from dekderive.atoms import relu
    >>> dual_value((relu(z), sp.sin(z)), Covariance(1.0, 2.0, -0.5))
    """
    f, g = (numeric(e) for e in pair)
    dual = compiled(*pair) if dual is None else dual
    found = float(dual.dual(*covariance))
    gap = abs(found - pair_expectation(f, g, covariance, kinks))
    require(gap, 1e-8 * _size(pair, covariance, kinks), "E[f(u) g(v)]", _where(pair, covariance))


def _size(pair: Pair, covariance: Covariance, kinks: Sequence[float]) -> float:
    """The bound of Cauchy and Schwarz, sqrt(E f(u)^2 E g(v)^2)."""
    f, g = (numeric(e) for e in pair)
    squares = [expectation(lambda x, h=h: h(x) ** 2, k, kinks) for h, k in ((f, covariance.kxx), (g, covariance.kyy))]  # type: ignore[misc]
    return float(np.sqrt(squares[0]) * np.sqrt(squares[1])) + 1e-300


def _where(pair: Pair, covariance: Covariance) -> str:
    return f"f = {pair[0]}, g = {pair[1]} and {covariance}"


def price(
    pair: Pair, covariance: Covariance, dual: CompiledDual | None = None, kinks: Sequence[float] = (0.0,)
) -> None:
    r"""Check Price's theorem, :math:`\partial E[f(u) g(v)]/\partial k_{xy} = E[f'(u) g'(v)]`, in its integrated form.

    The derivative that the package computes (from f' and g', by Price's theorem) is integrated over covariances between
    two correlations, and compared with the difference of two expectations by quadrature on panels: functions that jump
    need no special treatment.  To 1e-7 of :math:`\sqrt{E f^2\, E g^2}`.

    Parameters
    ----------
    pair, covariance, dual, kinks
        As for :func:`dual_value`.

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> from dekderive.atoms import step
    >>> price((step(z), step(z)), Covariance(1.0, 2.0, -0.5))
    """
    dual = compiled(*pair) if dual is None else dual
    f, g = (numeric(e) for e in pair)
    kxx, kyy, _ = covariance
    scale = np.sqrt(kxx) * np.sqrt(kyy)
    if scale == 0:
        return
    # in the angle: the derivative of a dual of jumps is infinite at degenerate pairs, times sin(angle) it is not
    start, end = np.pi / 2, float(np.arccos(np.clip(covariance.correlation, -1, 1)))
    nodes, weights = np.polynomial.legendre.leggauss(40)
    angles = (start + end) / 2 + (end - start) / 2 * nodes
    slopes = dual.dual_kxy(np.full(40, kxx), np.full(40, kyy), scale * np.cos(angles))
    integral = float(np.sum(weights * slopes * -scale * np.sin(angles)) * (end - start) / 2)
    difference = pair_expectation(f, g, covariance, kinks) - pair_expectation(f, g, Covariance(kxx, kyy, 0.0), kinks)
    where = _where(pair, covariance)
    require(abs(integral - difference), 1e-7 * _size(pair, covariance, kinks), "Price's theorem", where)


def positive_definite(function: sp.Expr, covariances: Array, dual: CompiledDual | None = None) -> None:
    r"""Check that :math:`(E[f(u_i) f(u_j)])_{ij}` is positive semi-definite for a covariance matrix of u, to 1e-10.

    Parameters
    ----------
    function : sympy.Expr
    covariances : (n, n) ndarray
        Positive semi-definite.
    dual : CompiledDual, optional
        That is judged.

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> from dekderive.atoms import relu
    >>> positive_definite(relu(z), np.array([[1.0, -1.0], [-1.0, 1.0]]))
    """
    dual = compiled(function, function) if dual is None else dual
    variances = np.diag(covariances)
    matrix = dual.dual(*np.broadcast_arrays(variances[:, None], variances[None, :], covariances))
    values = np.linalg.eigvalsh((matrix + matrix.T) / 2)
    where = f"f = {function} and {len(variances)} variables"
    require(-float(values[0]), 1e-10 * float(np.abs(values).max()), "- lmin of the matrix of duals", where)


def hermite_sum(
    function: sp.Expr,
    correlation: float,
    dual: CompiledDual | None = None,
    kinks: Sequence[float] = (0.0,),
    count: int = 16,
) -> None:
    r"""Check :math:`E[f(u) f(v)] = \sum a_n^2 \rho^n` for unit variances, within bounds of the remainder.

    With a_n by quadrature, and :math:`r = E[f^2] - \sum_{n<N} a_n^2`, the difference of the dual and the partial sum is
    at most :math:`|\rho|^N r` in magnitude, and not negative for :math:`\rho \ge 0`.  To 1e-8 of E[f^2].

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> from dekderive.atoms import relu
    >>> hermite_sum(relu(z), 0.5)
    """
    dual = compiled(function, function) if dual is None else dual
    f = numeric(function)
    squares = hermite_coefficients(f, count, kinks) ** 2
    total = expectation(lambda x: f(x) ** 2, 1.0, kinks)
    left = max(total - float(squares.sum()), 0.0)
    gap = float(dual.dual(1.0, 1.0, correlation)) - float(np.polynomial.polynomial.polyval(correlation, squares))
    slack, reach = 1e-8 * total, abs(correlation) ** count * left
    where = f"f = {function}, correlation {correlation!r}"
    require(gap, reach + slack, "E[f f] less its Hermite sum", where)
    require(-gap, (0.0 if correlation >= 0 else reach) + slack, "the Hermite sum less E[f f]", where)
