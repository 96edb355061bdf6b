"""Solve a kernel for given moments of pairs of inputs."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dekderive.errors import InvalidInput
from dekderive.kernels.kernel import Chart, Claim, Kernel
from dekderive.solvers.anderson import anderson
from dekderive.solvers.arguments import PARTNER, checked_parameters, pair_inputs
from dekderive.solvers.charts import bracket_bound, chart_roots, covariance, modulus_bound, readout
from dekderive.solvers.diagonals import solve_diagonal, variances
from dekderive.solvers.picard import picard
from dekderive.solvers.solution import Array, Solution, Status, worst

__all__ = ["solve", "solve_diagonal"]


def solve(
    kernel: Kernel,
    inputs: Mapping[str, ArrayLike],
    *,
    method: str = "newton",
    tolerance: float | None = None,
    max_steps: int | None = None,
    **parameters: float,
) -> Solution:
    r"""Kernel values of pairs of *different* inputs, from their moments.

    Parameters
    ----------
    kernel : Kernel
    inputs : mapping of str to array_like
        ``cxx``, ``cyy``, ``cxy``: second moments; ``mean_x``, ``mean_y`` (default 0) for kernels that read means;
        optionally ``gap``, which is :math:`1 - c_{xy}/\sqrt{c_{xx} c_{yy}}` with the digits that this difference loses
        for nearly parallel inputs.  They are broadcast against each other.  For DEQ tangent kernels ``cosine`` alone
        stands for inputs of unit length.
    method : {"newton", "picard", "anderson"}
        Newton's method solves the variances first and then one scalar equation for each pair in the kernel's chart.
        The other two iterate the whole recursion from :math:`k_{xy} = 0`; they are there to check Newton's method and
        to show how the recursion itself behaves.
    tolerance : float, optional
        Relative tolerance; a few times the machine epsilon by default.
    max_steps : int, optional
        100 for Newton's method and 10,000 for the others, by default.
    **parameters : float
        Parameters of the kernel, by name; those left out take their defaults.

    Returns
    -------
    Solution
        `value` is the kernel in float64 (NaN where an entry failed).  `residual` is the absolute value of the chart
        equation.  `state` holds ``kxx``, ``kyy``, ``kxy``, the chart coordinate (``angle`` or ``correlation``) and
        ``failed``.  `error_bound` bounds the error of ``state["kxy"]`` *given the computed variances and in exact
        arithmetic*, by a sign change where the kernel claims a unique root, by :math:`|F(k) - k|/(1 - q)` where it
        claims a contraction with modulus q, and is None otherwise.

    Raises
    ------
    InvalidInput
        If the moments are not finite, or belong to no pair of inputs, or a name or a parameter is not the kernel's.
    TypeError
        If a keyword is not a parameter of the kernel.

    Notes
    -----
    Equal moments (:math:`c_{xx} = c_{yy} = c_{xy}`) stand for two inputs that are infinitely close, not for one input
    twice: for slopes with a jump the kernel is discontinuous there and the limit is returned.  The value at x = x' is
    ``kernel.readout_diagonal``; see :func:`dekderive.gram.nugget`.

    Examples
    --------
    >>> import numpy as np
    >>> from dekderive.kernels import deq_ntk_relu
    >>> given = dict(weight_variance=0.6, input_variance=0.4, bias_variance=0.0)
    >>> solution = solve(deq_ntk_relu, {"cosine": np.cos([0.0, 1.0])}, **given)
    >>> solution.value.round(6), bool(solution.error_bound.max() < 1e-14)
    (array([2.5     , 1.127072]), True)
    """
    known = checked_parameters(kernel, parameters)
    values = pair_inputs(kernel, inputs)
    shape = values["cxx"].shape
    values = {name: array.ravel() for name, array in values.items()}
    if method == "newton":
        work = _newton(kernel, values, known, tolerance, 100 if max_steps is None else max_steps)
    elif method in ("picard", "anderson"):
        work = _iterate(kernel, values, known, method, tolerance, 10_000 if max_steps is None else max_steps)
    else:
        raise InvalidInput(f"method must be 'newton', 'picard' or 'anderson', got {method!r}")
    return work.solution(shape)


class _Work:
    """Pairs under way: variances and outcome codes first, then the chart coordinate, then everything else from it."""

    def __init__(self, kernel: Kernel, values: dict[str, Array], parameters: dict[str, float]) -> None:
        self.kernel, self.values, self.parameters = kernel, values, parameters
        self.x = np.full(values["cxx"].shape, np.pi / 2 if kernel.chart is Chart.ANGLE else 0.0)
        self.codes = np.zeros(self.x.shape, dtype=np.int8)
        self.steps, self.message = 0, ""

    def set_variances(self, kxx: Array, kyy: Array) -> None:
        self.values = {**self.values, "kxx": kxx, "kyy": kyy}

    def open_pairs(self) -> NDArray[Any]:
        """The pairs that have an equation to solve: no variance failed, and none is 0 (where kxy is 0 as well)."""
        return np.flatnonzero((self.codes == 0) & (self.values["kxx"] > 0) & (self.values["kyy"] > 0))

    def subset(self, chosen: NDArray[Any]) -> dict[str, Array]:
        return {name: array[chosen] for name, array in self.values.items()}

    def solution(self, shape: tuple[int, ...]) -> Solution:
        """Read the kernel off the chart coordinates; entries without a fixed point are NaN."""
        kernel, chosen = self.kernel, self.open_pairs()
        values = self.subset(chosen)
        x = self.x[chosen]
        kxy, value, residual, bound = (np.zeros(self.x.shape) for _ in range(4))
        kxy[chosen] = covariance(kernel, x, values["kxx"], values["kyy"])
        value[chosen] = readout(kernel, x, values, self.parameters)
        with np.errstate(all="ignore"):
            residual[chosen] = np.abs(kernel.residual.at({**values, **self.parameters, kernel.chart.value: x}))
        found = (
            bracket_bound(kernel, x, values, self.parameters)
            if kernel.claim is Claim.UNIQUE_ROOT
            else modulus_bound(kernel, kxy[chosen], values, self.parameters)
        )
        bound[chosen] = np.inf if found is None else found
        self.codes[chosen[~np.isfinite(value[chosen])]] = Status.NON_FINITE.code
        failed = self.codes != 0
        for array in (kxy, value, residual, self.x):
            array[failed] = np.nan
        bound[failed] = np.inf
        state = {"kxx": self.values["kxx"], "kyy": self.values["kyy"], "kxy": kxy, kernel.chart.value: self.x}
        return Solution(
            value=value.reshape(shape),
            residual=residual.reshape(shape),
            steps=self.steps,
            status=worst(self.codes),
            error_bound=None if found is None else bound.reshape(shape),
            state={n: a.reshape(shape) for n, a in state.items()} | {"failed": failed.reshape(shape)},
            message=self.message,
        )


def _newton(
    kernel: Kernel, values: dict[str, Array], parameters: dict[str, float], tolerance: float | None, max_steps: int
) -> _Work:
    work = _Work(kernel, values, parameters)
    x_inputs, y_inputs = _single_inputs(values)
    first = variances(kernel, x_inputs, parameters, tolerance=tolerance, max_steps=max_steps)
    second = variances(kernel, y_inputs, parameters, tolerance=tolerance, max_steps=max_steps)
    work.set_variances(first.kxx, second.kxx)
    work.codes = np.maximum(first.codes, second.codes)
    work.message = first.message or second.message
    chosen = work.open_pairs()
    roots = chart_roots(kernel, work.subset(chosen), parameters, tolerance=tolerance, max_steps=max_steps)
    work.x[chosen], work.codes[chosen] = roots.x, roots.codes
    work.steps = max(roots.steps, first.steps, second.steps)
    return work


def _single_inputs(values: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
    """The moments of x, and those of y under the names of x, as the formulas of one input expect them."""
    ours = {n: values[n] for n in PARTNER if n in values}
    theirs = {n: values[PARTNER[n]] for n in PARTNER if n in values}
    return ours, theirs


def _iterate(
    kernel: Kernel,
    values: dict[str, Array],
    parameters: dict[str, float],
    method: str,
    tolerance: float | None,
    max_steps: int,
) -> _Work:
    """Run the whole recursion on (kxx, kyy, kxy) from small variances and kxy = 0."""
    work = _Work(kernel, values, parameters)
    x_inputs, y_inputs = _single_inputs(values)

    def step(state: Array) -> Array:
        # Extrapolation may leave the cone of covariances, where the expectations mean nothing: project back onto it.
        tiny = np.finfo(float).tiny
        kxx, kyy = np.maximum(state[0], tiny), np.maximum(state[1], tiny)
        limit = np.sqrt(kxx) * np.sqrt(kyy)
        known = {**values, **parameters, "kxx": kxx, "kyy": kyy, "kxy": np.clip(state[2], -limit, limit)}
        images = (
            kernel.diagonal_step.at({**x_inputs, **parameters, "kxx": kxx}),
            kernel.diagonal_step.at({**y_inputs, **parameters, "kxx": kyy}),
            kernel.step.at(known),
        )
        return np.stack([np.broadcast_to(image, kxx.shape) for image in images])

    start = np.stack([np.full(work.x.shape, 1e-3)] * 2 + [np.zeros(work.x.shape)])
    solver = picard if method == "picard" else anderson
    found = solver(step, start, tolerance=tolerance, max_steps=max_steps, axis=0)
    kxx, kyy, kxy = found.value
    work.set_variances(kxx, kyy)
    finite = np.isfinite(found.value).all(axis=0)
    failed = np.asarray(found.state["failed"])
    work.codes = np.where(finite, np.where(failed, Status.MAX_STEPS.code, 0), Status.NON_FINITE.code).astype(np.int8)
    with np.errstate(all="ignore"):
        correlation = np.clip(kxy / np.sqrt(kxx) / np.sqrt(kyy), -1.0, 1.0)
    coordinate = np.arccos(correlation) if kernel.chart is Chart.ANGLE else correlation
    work.x = np.where(np.isfinite(coordinate), coordinate, work.x)
    work.steps = found.steps
    return work
