"""The one entrance: choose a method by the Lipschitz constant and the sizes, run it, and say what is proved."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import ArrayLike

from dekderive.errors import InvalidInput, UnknownName
from dekderive.losses.pointwise import Pointwise
from dekderive.solvers.kglm.bounds import error_bound
from dekderive.solvers.kglm.iterations import accelerated, damped, iterate, majorise_minimise, picard
from dekderive.solvers.kglm.matrices import Dense, Matrix
from dekderive.solvers.kglm.newton import Iterate, newton
from dekderive.solvers.kglm.newton_pcg import newton_pcg
from dekderive.solvers.kglm.newton_spectral import newton_spectral
from dekderive.solvers.kglm.problem import Problem, make_problem
from dekderive.solvers.kglm.solution import Array, KGLMSolution
from dekderive.solvers.solution import Status, worst

__all__ = ["SOLVERS", "choose", "solve_kglm"]

SOLVERS = ("auto", "picard", "damped", "mm", "anderson", "newton", "newton_pcg", "newton_spectral")
_STEEP = 2e4  # Lipschitz constant from which alpha, of the size 1 / lambda, has lost too many digits
_DENSE = 2500  # rows up to which a Cholesky factor for each target and iteration is the fastest
_CHUNK = 64  # targets that are worked on together: their predictors fit into the cache
_LIMITS = {
    "picard": 1000,
    "damped": 20000,
    "mm": 20000,
    "anderson": 5000,
    "newton": 200,
    "newton_pcg": 200,
    "newton_spectral": 200,
}


def choose(problem: Problem) -> str:
    """Return the name of the default method.

    Picard converges fast for L < 1/2 and needs no factorisation.  One target is cheapest by Newton's method with a
    Cholesky factor; many by majorise-minimise (one matrix for all) up to L = 3, with Anderson's acceleration up to L
    = 20, and beyond that, or where the curvature has no bound, by Newton's method with conjugate gradients.  A tiny
    regularisation, L > 2e4, asks for Newton's method in the eigenbasis of K.

    Examples
    --------
    >>> from dekderive.losses import bernoulli, bind
    >>> problem = make_problem(np.eye(3), [0.0, 1.0, 1.0], bind(bernoulli), 0.1)
    >>> round(problem.lipschitz, 12), choose(problem)
    (2.5, 'newton')
    """
    count, lipschitz = len(problem.targets), problem.lipschitz
    if lipschitz < 0.5 and isinstance(problem.matrix, Dense):
        return "picard"
    if isinstance(problem.matrix, Dense) and problem.matrix.size <= _DENSE:
        steepness = float(problem.local_lipschitz(np.zeros_like(problem.targets)).max(initial=0.0))
        if max(steepness, lipschitz if math.isfinite(lipschitz) else 0.0) > _STEEP:
            return "newton_spectral"
    if isinstance(problem.matrix, Dense) and (count <= 2 or problem.matrix.size <= 64):
        return "newton" if problem.matrix.size <= _DENSE else "newton_pcg"
    if lipschitz <= 3:
        return "mm"
    return "anderson" if lipschitz <= 30 else "newton_pcg"


def solve_kglm(
    gram: ArrayLike | tuple[ArrayLike, ArrayLike] | Matrix,
    targets: ArrayLike,
    pointwise: Pointwise,
    regularisation: float,
    *,
    weights: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    start: ArrayLike | None = None,
    solver: str = "auto",
    tolerance: float | None = None,
    max_iterations: int | None = None,
    workers: int | None = None,
) -> KGLMSolution:
    r"""Fit kernel GLMs that share their inputs: solve :math:`f = -\frac{1}{\lambda} K\,(w\circ\ell'(f + M; y))`.

    For positive semi-definite K and a convex loss the solution is unique; neither a positive definite K nor a
    contraction is needed (only plain Picard iteration needs the latter).

    Parameters
    ----------
    gram : (n, n) array_like, pair of array_like, or Matrix
        K; a pair (K1, K2) stands for the Kronecker product, the kernel of a grid.
    targets : (n,) or (n, t) array_like
    pointwise : Pointwise
        From ``dekderive.losses.bind``.
    regularisation : float
        lambda.
    weights : (n,) array_like, optional
    offset : float, (n,) or (n, t) array_like, optional
        M: the predictor is f + M.
    start : array_like, optional
        Of the shape of the targets; default 0.
    solver : {"auto", "picard", "damped", "mm", "anderson", "newton", "newton_pcg", "newton_spectral"}
    tolerance : float, optional
        Of the residual for Newton methods, relative to (1 + L)(1 + |f|), which is where rounding stops it; of the step
        for the other iterations.  Default ``16 eps sqrt(n)``.
    max_iterations : int, optional
    workers : int, optional
        Threads over groups of 64 targets, for the methods that work on many at once; by default one for each processor.
        The result does not depend on it.

    Returns
    -------
    KGLMSolution

    Raises
    ------
    InvalidInput
        If shapes or ranges are wrong, or K is not positive semi-definite where that was noticed.
    UnknownName
        If there is no such solver.

    Notes
    -----
    Source: Tsuchida et al. (2022), equation (7) and Appendix H, in the coordinate
    :math:`f = (A')^{-1}(z)`.  Iterating in z is not equivalent in floating point: a saturated mean
    has lost the predictor.

    Examples
    --------
    >>> from dekderive.losses import bernoulli, bind
    >>> x = np.linspace(-2, 2, 9)
    >>> gram = np.exp(-0.5 * (x[:, None] - x) ** 2)
    >>> fit = solve_kglm(gram, x > 0.3, bind(bernoulli), 0.1)
    >>> fit.solver, fit.converged, bool(fit.residual < 1e-13)
    ('newton', True, True)
    """
    problem = make_problem(gram, targets, pointwise, regularisation, weights, offset)
    name = _checked_name(solver, problem)
    tolerance = 16 * np.finfo(float).eps * math.sqrt(problem.matrix.size) if tolerance is None else tolerance
    first = _checked_start(start, problem)
    limit = _LIMITS[name] if max_iterations is None else max_iterations
    found = _run(problem, name, first, tolerance, limit, workers)
    return _solution(problem, name, found, np.ndim(targets) == 1)


def _checked_name(solver: str, problem: Problem) -> str:
    if solver not in SOLVERS:
        raise UnknownName(f"no solver {solver!r}; known: {', '.join(SOLVERS)}")
    name = choose(problem) if solver == "auto" else solver
    if name in ("damped", "mm", "anderson") and not math.isfinite(problem.lipschitz):
        raise InvalidInput(
            f"solver {name!r} needs a bounded curvature, which {problem.pointwise.loss.name} has not; use 'newton'"
        )
    if name in ("newton", "newton_spectral") and not isinstance(problem.matrix, Dense):
        raise InvalidInput(f"solver {name!r} factors the kernel matrix; for a Kronecker product use 'newton_pcg'")
    return name


def _checked_start(start: ArrayLike | None, problem: Problem) -> Array:
    if start is None:
        return np.zeros_like(problem.targets)
    first = np.asarray(start, dtype=np.float64)
    if first.shape not in (problem.targets.shape[::-1], problem.targets.shape[1:]):
        raise InvalidInput(f"start must have the shape of the targets, got {first.shape}")
    return np.ascontiguousarray(first.reshape(problem.matrix.size, -1).T)


def _run(problem: Problem, name: str, start: Array, tolerance: float, limit: int, workers: int | None) -> Iterate:
    if name == "newton_spectral":
        parts = [problem.part(slice(i, i + 1)) for i in range(len(start))]
        return _joined([newton_spectral(part, tolerance, limit) for part in parts])
    if name == "newton":
        assert isinstance(problem.matrix, Dense)
        gram = problem.matrix.entries
        each = [
            newton(problem.part(slice(i, i + 1)), gram, start[i : i + 1], tolerance, limit) for i in range(len(start))
        ]
        return _joined(each)
    methods = {"picard": picard, "damped": damped, "mm": majorise_minimise}
    step = None if name == "newton_pcg" else methods.get(name, majorise_minimise)(problem)  # one for all chunks

    def run(rows: slice) -> Iterate:
        part, first = problem.part(rows), start[rows]
        if step is None:
            return newton_pcg(part, first, tolerance, limit)
        return (accelerated if name == "anderson" else iterate)(part, step, first, tolerance, limit)

    chunks = [slice(i, i + _CHUNK) for i in range(0, len(start), _CHUNK)]
    workers = min(_cores() if workers is None else workers, len(chunks))
    if workers <= 1:
        return _joined([run(rows) for rows in chunks])
    if step is None:
        problem.matrix.prepare()  # the eigenvectors, once for all threads
    with ThreadPoolExecutor(workers) as pool:
        return _joined(list(pool.map(run, chunks)))


def _cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _joined(parts: list[Iterate]) -> Iterate:
    known = [p.alpha for p in parts if p.alpha is not None]
    return Iterate(
        np.concatenate([p.f for p in parts]),
        max((p.iterations for p in parts), default=0),
        np.concatenate([p.codes for p in parts]),
        np.concatenate(known) if known else None,
    )


def _solution(problem: Problem, name: str, found: Iterate, single: bool) -> KGLMSolution:
    f = np.where((found.codes == Status.NON_FINITE.code)[:, None], np.nan, found.f)
    slope = problem.slope(f)
    alpha = slope / -problem.regularisation if found.alpha is None else found.alpha
    image = problem.matrix.times(slope) / -problem.regularisation
    residual, bound = np.abs(f - image).max(axis=1), error_bound(problem, f, slope, image)
    return KGLMSolution(
        f=f[0] if single else f.T,
        alpha=alpha[0] if single else alpha.T,
        residual=float(residual[0]) if single else residual,
        iterations=found.iterations,
        status=worst(found.codes.astype(np.int8)),
        solver=name,
        lipschitz=problem.lipschitz,
        lipschitz_bound=problem.lipschitz_bound,
        certificate=problem.certificate,
        error_bound=float(bound[0]) if single else bound,
    )
