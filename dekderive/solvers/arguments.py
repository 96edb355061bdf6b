"""What callers pass to a kernel, checked: parameters by name and range, and the moments of pairs of inputs."""

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dekderive.errors import InvalidInput
from dekderive.kernels.kernel import Kernel
from dekderive.kernels.layered import LayeredKernel
from dekderive.solvers.solution import Array

__all__ = [
    "checked_parameters",
    "diagonal_inputs",
    "exact_gap",
    "exact_product",
    "log_ratio",
    "pair_inputs",
]

# What is called cxx for x is called cyy for the other input of a pair.
PARTNER = {"cxx": "cyy", "mean_x": "mean_y"}


def _slack(inputs: Mapping[str, ArrayLike]) -> float:
    """How far rounding, amplified by long sums, may push moments out of the Cauchy-Schwarz inequality."""
    single = any(getattr(value, "dtype", None) in (np.float32, np.float16) for value in inputs.values())
    return 1e-4 if single else 1e-10


def checked_parameters(kernel: Kernel | LayeredKernel, given: Mapping[str, Any]) -> dict[str, float]:
    """All parameters of a kernel, defaults filled in.

    Raises
    ------
    TypeError
        If a name is not a parameter of the kernel.
    InvalidInput
        If a value is not a real number inside the parameter's range.
    """
    unknown = sorted(set(given) - set(kernel.parameter_names))
    if unknown:
        raise TypeError(
            f"{kernel.name} has no parameter {', '.join(map(repr, unknown))}; "
            f"it takes {', '.join(kernel.parameter_names)}"
        )
    values = {}
    for p in kernel.parameters:
        value = _as_float(kernel, p.name, given.get(p.name, p.default))
        above = p.lower <= value if p.lower_closed else p.lower < value
        if not (above and value < p.upper and math.isfinite(value)):
            bracket = "[" if p.lower_closed else "("
            raise InvalidInput(
                f"{kernel.name}: {p.name} must lie in {bracket}{p.lower:g}, {p.upper:g}), got {value!r} "
                f"({p.description})"
            )
        values[p.name] = value
    return values


def _as_float(kernel: Kernel | LayeredKernel, name: str, value: Any) -> float:
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise InvalidInput(f"{kernel.name}: {name} must be a real number, got {value!r}")
    return float(value)


def diagonal_inputs(kernel: Kernel, inputs: Mapping[str, ArrayLike]) -> dict[str, Array]:
    """Per-input moments, broadcast to one shape and checked; means default to 0."""
    allowed = tuple(dict.fromkeys(("cxx", *kernel.input_names)))
    _reject_strangers(kernel, inputs, allowed, ("cxx",))
    values = _finite_arrays(kernel, {name: inputs.get(name, 0.0) for name in allowed})
    _check_variance(kernel, values, "x", _slack(inputs))
    return values


def pair_inputs(kernel: Kernel, inputs: Mapping[str, ArrayLike]) -> dict[str, Array]:
    """Moments of pairs, broadcast to one shape and checked; adds ``gap`` where the kernel reads it.

    Raises
    ------
    InvalidInput
        If a name is unknown or missing, a value is not finite, or the moments are those of no pair of inputs.
    """
    inputs = dict(inputs)
    if "cosine" in inputs:
        inputs = _unit_inputs(kernel, inputs)
    single = tuple(dict.fromkeys(("cxx", *kernel.input_names)))
    allowed = tuple(dict.fromkeys((*single, *(PARTNER[n] for n in single), "cxy", *kernel.pair_names)))
    _reject_strangers(kernel, inputs, allowed, ("cxx", "cyy", "cxy"))
    slack = _slack(inputs)
    given_gap = inputs.pop("gap", None)
    names = [name for name in allowed if name != "gap"]
    values = _finite_arrays(
        kernel, {n: inputs.get(n, 0.0) for n in names} | ({} if given_gap is None else {"gap": given_gap})
    )
    for x in ("x", "y"):
        _check_variance(kernel, values, x, slack)
    cosine = _checked_cosine(kernel, values, slack)
    if "gap" in kernel.pair_names:
        values["gap"] = _checked_gap(kernel, values, cosine)
    return values


def _unit_inputs(kernel: Kernel, inputs: Mapping[str, ArrayLike]) -> dict[str, ArrayLike]:
    if not kernel.model.startswith("deq_") or len(inputs) > 1:
        raise InvalidInput(
            f"{kernel.name}: 'cosine' alone is shorthand for inputs of unit length, for deep equilibrium models only; "
            f"pass cxx, cyy, cxy instead of {', '.join(inputs)}"
        )
    cosine = np.asarray(inputs["cosine"], dtype=float)
    if not (np.abs(cosine) <= 1).all():
        raise InvalidInput(f"{kernel.name}: 'cosine' must lie in [-1, 1]")
    unit: dict[str, ArrayLike] = {"cxx": 1.0, "cyy": 1.0, "cxy": cosine}
    return unit | ({"gap": 1.0 - cosine} if "gap" in kernel.pair_names else {})


def _reject_strangers(
    kernel: Kernel, inputs: Mapping[str, ArrayLike], allowed: tuple[str, ...], required: tuple[str, ...]
) -> None:
    strangers = [name for name in inputs if name not in allowed]
    missing = [name for name in required if name not in inputs]
    if strangers or missing:
        what = f"does not take {', '.join(strangers)}" if strangers else f"needs {', '.join(missing)}"
        raise InvalidInput(f"inputs of {kernel.name}: it {what}; the names are {', '.join(allowed)}")


def _finite_arrays(kernel: Kernel, given: Mapping[str, ArrayLike]) -> dict[str, Array]:
    arrays = {}
    for name, value in given.items():
        array = np.asarray(value)
        if array.dtype.kind not in "fiu":
            raise InvalidInput(f"inputs of {kernel.name}: {name} must be real numbers, got dtype {array.dtype}")
        arrays[name] = array.astype(np.float64)
        if not np.isfinite(arrays[name]).all():
            raise InvalidInput(f"inputs of {kernel.name}: {name} contains NaN or infinity")
    try:
        full = np.broadcast_arrays(*arrays.values())
    except ValueError as error:
        shapes = ", ".join(f"{name} {a.shape}" for name, a in arrays.items())
        raise InvalidInput(f"inputs of {kernel.name} do not broadcast: {shapes}") from error
    return dict(zip(arrays, full, strict=True))


def _check_variance(kernel: Kernel, values: Mapping[str, Array], x: str, slack: float) -> None:
    second, mean = values[f"c{x}{x}"], values.get(f"mean_{x}")
    if (second < 0).any():
        raise InvalidInput(f"inputs of {kernel.name}: the second moment c{x}{x} must not be negative")
    if mean is not None and (np.abs(mean) > np.sqrt(second) * (1 + slack)).any():
        raise InvalidInput(
            f"inputs of {kernel.name}: c{x}{x} < mean_{x}^2 somewhere, which no statistic has; "
            f"c{x}{x} is a second moment, not a variance"
        )


def _checked_cosine(kernel: Kernel, values: Mapping[str, Array], slack: float) -> Array:
    """The cosine of a pair (0 without a variance), after the check that some pair of statistics has these moments."""
    # Everything relative to the root mean squares, so that 1e-150 is checked as strictly as 1, without overflow.
    root_x, root_y = np.sqrt(values["cxx"]), np.sqrt(values["cyy"])
    zero = (root_x == 0) | (root_y == 0)
    safe_x, safe_y = np.where(zero, 1.0, root_x), np.where(zero, 1.0, root_y)
    cosine = np.where(zero, 0.0, values["cxy"] / safe_x / safe_y)
    a = np.where(zero, 0.0, values.get("mean_x", 0.0) / safe_x)
    b = np.where(zero, 0.0, values.get("mean_y", 0.0) / safe_y)
    consistent = (cosine - a * b) ** 2 <= np.maximum((1 - a * a) * (1 - b * b), 0) + slack
    consistent &= (np.abs(cosine) <= 1 + slack) & ~(zero & (values["cxy"] != 0))
    if not consistent.all():
        where = tuple(int(i) for i in np.argwhere(~consistent)[0])
        raise InvalidInput(
            f"inputs of {kernel.name}: the moments at {where or 'the only entry'} belong to no pair of inputs: "
            "(cxy - mean_x mean_y)^2 must be at most (cxx - mean_x^2)(cyy - mean_y^2)"
        )
    return np.clip(cosine, -1.0, 1.0)


def _checked_gap(kernel: Kernel, values: Mapping[str, Array], cosine: Array) -> Array:
    zero = (values["cxx"] == 0) | (values["cyy"] == 0)
    if "gap" not in values:
        return exact_gap(values["cxx"], values["cyy"], values["cxy"])
    gap = np.where(zero, 0.0, values["gap"])
    # The gap may carry digits that cxy has lost (cxy may be a float32 number), but not contradict it.
    if not ((gap >= 0) & (np.abs(gap - np.where(zero, 0.0, 1.0 - cosine)) <= 1e-5)).all():
        raise InvalidInput(f"inputs of {kernel.name}: gap must be 1 - cxy / sqrt(cxx cyy), and it is not")
    return np.minimum(gap, 2.0)


def exact_gap(cxx: Array, cyy: Array, cxy: Array) -> Array:
    """``1 - cxy / sqrt(cxx cyy)`` with the digits that the moments determine; 0 where a variance is 0.

    Close to 1 the cosine is replaced by the determinant ``cxx cyy - cxy^2``, whose products are computed exactly.
    """
    scale_x, scale_y = np.frexp(cxx)[1] // 2, np.frexp(cyy)[1] // 2
    a, b = np.ldexp(cxx, -2 * scale_x), np.ldexp(cyy, -2 * scale_y)  # of order 1, without rounding
    c = np.ldexp(np.ldexp(cxy, -scale_x), -scale_y)
    product, product_error = exact_product(a, b)
    square, square_error = exact_product(c, c)
    determinant = np.maximum((product - square) + (product_error - square_error), 0.0)
    root = np.sqrt(a) * np.sqrt(b)
    safe = np.where(root > 0, root, 1.0)
    near = 2 * c > safe
    gap = np.where(near, determinant / np.where(near, safe * (safe + c), 1.0), 1.0 - c / safe)
    return np.where(root > 0, gap, 0.0)


def log_ratio(a: Array, b: Array) -> Array:
    """``log(a / b)`` of positive numbers with the digits that they determine; 0 where one of them is 0."""
    some = (a > 0) & (b > 0)
    a, b = np.where(some, a, 1.0), np.where(some, b, 1.0)
    near = np.abs(a - b) < b / 2
    return np.where(near, np.log1p((a - b) / b), np.log(a) - np.log(b))


def exact_product(a: Array, b: Array) -> tuple[Array, Array]:
    """The product of two numbers of order 1 and its rounding error, by Dekker's splitting."""

    def split(x: Array) -> tuple[Array, Array]:
        shifted = 134217729.0 * x  # 2^27 + 1
        high = shifted - (shifted - x)
        return high, x - high

    (a1, a2), (b1, b2) = split(a), split(b)
    product = a * b
    return product, ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2
