"""The variances kxx: a scalar fixed-point equation for every input."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar

from dekderive.kernels.kernel import Kernel
from dekderive.solvers.arguments import checked_parameters, diagonal_inputs
from dekderive.solvers.newton import find_roots
from dekderive.solvers.solution import Array, Solution, Status, worst

__all__ = ["Variances", "solve_diagonal", "variances"]


@dataclass(frozen=True, slots=True, eq=False)
class Variances:
    """Fixed points of the diagonal equation (NaN where there is none), and how each was reached."""

    kxx: Array
    codes: NDArray[np.int8]
    steps: int
    message: str


def solve_diagonal(
    kernel: Kernel,
    inputs: Mapping[str, ArrayLike],
    *,
    tolerance: float | None = None,
    max_steps: int = 100,
    **parameters: float,
) -> Solution:
    r"""Solve ``kxx = diagonal_step(kxx; cxx, mean_x)`` for every input.

    The kernel's closed form is used where there is one.  Otherwise the *smallest* fixed point at which
    ``diagonal_step(k) - k`` falls through zero is returned: it is the one that the recursion reaches from small
    variances, and for rates that grow exponentially the larger one is unstable.

    Parameters
    ----------
    kernel : Kernel
    inputs : mapping of str to array_like
        ``cxx``, and ``mean_x`` (default 0) for kernels that read it; broadcast against each other.
    tolerance : float, optional
        Relative tolerance on kxx where there is no closed form; 4 times the machine epsilon by default.
    max_steps : int
    **parameters : float
        Parameters of the kernel, by name; those left out take their defaults.

    Returns
    -------
    Solution
        `value` is kxx in float64, NaN where there is no fixed point; `residual` is ``|diagonal_step(kxx) - kxx|``.
        No fixed point is a status, and `message` then names the bound that is violated, with its numeric value.

    Raises
    ------
    InvalidInput, TypeError
        For inputs or parameters that the kernel does not take.

    Examples
    --------
    >>> from dekderive.kernels import deker_gaussian_relu
    >>> solution = solve_diagonal(deker_gaussian_relu, {"cxx": [1.0, 4.0]}, regularisation=1.0)
    >>> solution.value
    array([1., 4.])
    >>> solve_diagonal(deker_gaussian_relu, {"cxx": 1.0}, regularisation=0.5).status.name
    'NO_FIXED_POINT'
    """
    known = checked_parameters(kernel, parameters)
    values = diagonal_inputs(kernel, inputs)
    shape = values["cxx"].shape
    flat = {name: array.ravel() for name, array in values.items()}
    found = variances(kernel, flat, known, tolerance=tolerance, max_steps=max_steps)
    with np.errstate(all="ignore"):
        residual = np.abs(kernel.diagonal_step.at({**flat, **known, "kxx": found.kxx}) - found.kxx)
        residual = np.where(found.kxx == 0, 0.0, residual)
    return Solution(
        value=found.kxx.reshape(shape),
        residual=np.broadcast_to(residual, found.kxx.shape).reshape(shape),
        steps=found.steps,
        status=worst(found.codes),
        state={"kxx": found.kxx.reshape(shape), "failed": (found.codes != 0).reshape(shape)},
        message=found.message,
    )


def variances(
    kernel: Kernel,
    values: Mapping[str, Array],
    parameters: Mapping[str, float],
    *,
    tolerance: float | None = None,
    max_steps: int = 100,
) -> Variances:
    """The work of `solve_diagonal` on checked, one-dimensional inputs."""
    size = values["cxx"].shape
    codes, steps = np.zeros(size, dtype=np.int8), 0
    with np.errstate(all="ignore"):
        if kernel.diagonal_fixed_point is not None:
            kxx = np.array(np.broadcast_to(kernel.diagonal_fixed_point.at({**values, **parameters}), size), dtype=float)
            image = kernel.diagonal_step.at({**values, **parameters, "kxx": kxx})
            # A closed form may have a value (infinity, say) where there is no fixed point; the equation itself decides.
            solves = (kxx == 0) | (np.abs(image - kxx) <= 1e-6 * kxx)
            codes[~solves] = Status.NO_FIXED_POINT.code
        else:
            kxx, codes, steps = _smallest_roots(_Equation(kernel, values, parameters), tolerance, max_steps)
    kxx[codes != 0] = np.nan
    missing = codes == Status.NO_FIXED_POINT.code
    message = _violated_bound(kernel, values, parameters, missing) if missing.any() else ""
    return Variances(kxx, codes, steps, message)


class _Equation:
    """The diagonal map of a kernel at fixed inputs, and its derivative, for any subset of the inputs."""

    def __init__(self, kernel: Kernel, values: Mapping[str, Array], parameters: Mapping[str, float]) -> None:
        self._kernel, self._parameters = kernel, parameters
        self.names, self.columns = list(values), list(values.values())
        self.size = self.columns[0].size

    def _values(self, k: Array, columns: tuple[Array, ...]) -> dict[str, Any]:
        return dict(zip(self.names, columns, strict=True)) | dict(self._parameters) | {"kxx": k}

    def image(self, k: Array, *columns: Array) -> Array:
        """``diagonal_step(k)``."""
        return np.broadcast_to(self._kernel.diagonal_step.at(self._values(k, columns)), k.shape)

    def slope(self, k: Array, *columns: Array) -> Array:
        """Its derivative."""
        return np.broadcast_to(self._kernel.diagonal_step_derivative.at(self._values(k, columns)), k.shape)

    def at(self, chosen: NDArray[Any]) -> tuple[Array, ...]:
        """The inputs of a subset."""
        return tuple(c[chosen] for c in self.columns)


def _smallest_roots(
    equation: _Equation, tolerance: float | None, max_steps: int
) -> tuple[Array, NDArray[np.int8], int]:
    """Bracket the first place where image(k) falls below k, for every input, and refine it by Newton's method."""
    lower, upper, codes = _brackets(equation)
    kxx = np.where(upper == 0, 0.0, np.nan)
    todo = np.flatnonzero((codes == 0) & (upper > 0))
    roots = find_roots(
        lambda k, *c: k - equation.image(k, *c),
        lambda k, *c: 1.0 - equation.slope(k, *c),
        np.where(lower[todo] > 0, lower[todo], upper[todo]),
        lower[todo],
        upper[todo],
        list(equation.at(todo)),
        tolerance=tolerance,
        floor=float(np.finfo(float).tiny),
        max_steps=max_steps,
    )
    kxx[todo], codes[todo] = roots.x, roots.codes
    return kxx, codes, roots.steps


def _brackets(equation: _Equation) -> tuple[Array, Array, NDArray[np.int8]]:
    """For every input an interval on which image(k) - k goes from positive to non-positive for the first time.

    The scan is geometric, and dense where activations bend, at variances of order 1.  A pair of close roots shows up as
    a minimum of image(k) - k between two points of the scan; the minimum is located by the sign of the derivative.
    """
    image_at_zero = equation.image(np.zeros(equation.size), *equation.columns)
    scale = np.where(np.isfinite(image_at_zero) & (image_at_zero > 0), np.minimum(image_at_zero, 1.0), 1e-9)
    lower, upper = np.zeros(equation.size), np.full(equation.size, np.nan)
    codes = np.full(equation.size, Status.NO_FIXED_POINT.code, dtype=np.int8)
    index, k, before = np.arange(equation.size), 1e-3 * scale, np.zeros(equation.size)
    falling = ~(equation.slope(before, *equation.columns) >= 1)  # whether image(k) - k decreases at `before`
    while index.size:
        columns = equation.at(index)
        image, slope = equation.image(k, *columns), equation.slope(k, *columns)
        crossed = image <= k
        high = k.copy()
        rising = ~(slope < 1)
        dipped = falling & rising & ~crossed
        if dipped.any():
            high[dipped] = _valley(equation, index[dipped], before[dipped], k[dipped])
            lowest = equation.image(high[dipped], *equation.at(index[dipped])) <= high[dipped]
            crossed[dipped] = lowest & (high[dipped] > before[dipped])
        found = index[crossed]
        lower[found], upper[found], codes[found] = before[crossed], high[crossed], 0
        # At a variance that starts as 0 and shrinks when it is small, 0 itself is the fixed point.
        at_zero = crossed & (before == 0) & (image_at_zero[index] == 0)
        upper[index[at_zero]] = 0.0
        codes[index[np.isnan(image)]] = Status.NON_FINITE.code
        going = ~crossed & np.isfinite(image) & (k < 1e300)
        index, before, falling, k = index[going], k[going], ~rising[going], k[going]
        k = k * np.where((k > 1e-3) & (k < 1e3), 1.25, 4.0)
    return lower, upper, codes


def _valley(equation: _Equation, chosen: NDArray[Any], low: Array, high: Array) -> Array:
    """Where image(k) - k is smallest, given that it falls at `low` and rises (or is not finite) at `high`."""
    columns = equation.at(chosen)
    for _ in range(60):
        middle = low + 0.5 * (high - low)
        rises = ~(equation.slope(middle, *columns) < 1)
        low, high = np.where(rises, low, middle), np.where(rises, middle, high)
    return low


# The parameter that decides whether the variance equation has a solution, and the bound on it, by model.
_BOUNDS = {
    "deker": ("regularisation", "regularisation^2 >= min_P M(P)/P"),
    "deq_nngp": ("weight_variance", "weight_variance <= max_P (P - injection)/E[phi(u)^2]"),
    "deq_ntk": ("weight_variance", "weight_variance <= max_P (P - injection)/E[phi(u)^2]"),
    "implicit_ck": ("weight_variance", "weight_variance <= max_P (P - injection)/E[phi(u)^2]"),
    "implicit_ntk": ("weight_variance", "weight_variance <= max_P (P - injection)/E[phi(u)^2]"),
}


def _violated_bound(
    kernel: Kernel, values: Mapping[str, Array], parameters: Mapping[str, float], missing: NDArray[np.bool_]
) -> str:
    """Which parameter would have to be how large (or small) for all inputs to have a fixed point."""
    name, formula = _BOUNDS[kernel.model]
    bounds = [
        _critical(kernel, {n: float(v[i]) for n, v in values.items()}, parameters, name)
        for i in np.flatnonzero(missing)[:100]  # many failures have one cause; a bound from the first hundred will do
    ]
    growing = kernel.model == "deker"
    bound, relation = (max(bounds), "at least") if growing else (min(bounds), "at most")
    where = int(np.flatnonzero(missing)[0])
    return (
        f"the variance equation of {kernel.name} has no solution at input {where}"
        + (f" and {int(missing.sum()) - 1} more" if missing.sum() > 1 else "")
        + f" with {name} = {parameters[name]:.6g}; a solution exists only if {formula}, "
        f"that is, {name} {relation} {bound:.6g} (computed numerically)"
    )


def _critical(kernel: Kernel, values: Mapping[str, float], parameters: Mapping[str, float], name: str) -> float:
    """The value of the parameter `name` at which the fixed point of one input appears."""

    def objective(log_k: float | Array) -> Any:
        k = np.exp(log_k)
        image = kernel.diagonal_step.at({**values, **parameters, "kxx": k})
        if name == "regularisation":
            return parameters[name] * np.sqrt(image / k)
        injection = kernel.diagonal_step.at({**values, **parameters, name: 0.0, "kxx": k})
        return -(k - injection) * parameters[name] / (image - injection)

    with np.errstate(all="ignore"):
        size = np.log(values["cxx"]) if values["cxx"] > 0 else 0.0
        grid = np.arange(min(0.0, size) - 60.0, max(0.0, size) + 120.0, 0.25)
        heights = np.where(np.isfinite(objective(grid)), objective(grid), np.inf)
        least = int(np.argmin(heights))
        around = (float(grid[max(least - 1, 0)]), float(grid[min(least + 1, grid.size - 1)]))
        refined = minimize_scalar(objective, bounds=around, method="bounded", options={"xatol": 1e-10})
        best = min(float(heights[least]), float(refined.fun))
    return best if name == "regularisation" else -best
