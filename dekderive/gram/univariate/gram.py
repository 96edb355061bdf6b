"""Gram matrices of kernels that are univariate: when they are built as such, and how."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dekderive.errors import InvalidInput, NoClosedForm
from dekderive.gram.engine import blocks, diagonal_values
from dekderive.gram.inputs import Side
from dekderive.gram.moments import Moments
from dekderive.gram.points import as_matrix, as_rows
from dekderive.gram.univariate.panels import Panels
from dekderive.gram.univariate.rows import RANGE, AugmentedRows, CentredRows, common_direction, squared_lengths
from dekderive.gram.univariate.threads import pooled
from dekderive.kernels.kernel import Kernel
from dekderive.kernels.univariate import UnivariateKernel, build, is_univariate
from dekderive.solvers.charts import chart_roots, readout
from dekderive.solvers.solution import Array

__all__ = ["matrix", "panels_of", "trusted", "worth_it"]

# Entries from which a polynomial is worth the time that it takes to build.
ENTRIES = 1 << 18
# Rules whose cosines are those of the rows themselves.
RULES = ("linear", "rows")


def worth_it(kernel: Any, rule: Moments, X: ArrayLike, Y: ArrayLike | None) -> bool:
    """Whether a matrix is to be built from a polynomial: for a homogeneous activation, and many pairs."""
    heights = [len(np.atleast_1d(np.asarray(side))) for side in (X, X if Y is None else Y)]
    return heights[0] * heights[1] >= ENTRIES and rule.name in RULES and is_univariate(kernel)


def trusted(kernel: Kernel, parameters: Mapping[str, float]) -> UnivariateKernel | None:
    """The polynomial of a kernel, checked against its equation; None where there is none."""
    if parameters["input_variance"] == 0:
        return None
    return _trusted(kernel, tuple(parameters.items()))


@functools.lru_cache(maxsize=64)
def _trusted(kernel: Kernel, given: tuple[tuple[str, float], ...]) -> UnivariateKernel | None:
    parameters = dict(given)
    try:
        record = build(kernel, **parameters)
    except NoClosedForm:
        return None
    allowed = record.error_bound + record.rounding_bound + 1e-14 * (1 + record.steepness)
    return record if defect(record, kernel, parameters) <= allowed else None


def defect(record: UnivariateKernel, kernel: Kernel, parameters: Mapping[str, float]) -> float:
    """Largest difference between a polynomial and solved equations, relative to ``sqrt(k(x, x) k(y, y))``.

    At pairs of all angles and of different lengths, so that it would show if the kernel were not univariate.
    """
    rng = np.random.default_rng(0)
    u, b = parameters["input_variance"], parameters["bias_variance"]
    gap = np.concatenate([2 * rng.random(40) ** 2, np.geomspace(1e-14, 1e-2, 15), [2.0]])
    length, other = np.exp(rng.normal(size=(2, gap.size))) * np.sqrt((b + 1e-3) / u)
    values = {"cxx": length**2, "cyy": other**2, "gap": gap, "cxy": length * other * (1 - gap)}
    assert kernel.diagonal_fixed_point is not None
    values["kxx"] = np.asarray(kernel.diagonal_fixed_point.at({**parameters, "cxx": values["cxx"]}))
    values["kyy"] = np.asarray(kernel.diagonal_fixed_point.at({**parameters, "cxx": values["cyy"]}))
    roots = chart_roots(kernel, values, parameters)
    known = {**values, **parameters, "angle": roots.x}
    with np.errstate(all="ignore"):  # one more step of Newton's method, to the last digit
        step = kernel.residual.at(known) / kernel.residual_derivative.at(known)
        angle = np.where(np.isfinite(step) & (np.abs(step) < 1e-6), roots.x - step, roots.x)
    size = np.sqrt(record.diagonal(values["cxx"]) * record.diagonal(values["cyy"]))
    first, second = np.sqrt(u * values["cxx"] + b), np.sqrt(u * values["cyy"] + b)
    product = u * length * other
    augmented = (b * u * (length - other) ** 2 / (b + first * second + product) + gap * product) / (first * second)
    return float(np.abs(readout(kernel, angle, values, parameters) / size - record(np.minimum(augmented, 2.0))).max())


def matrix(
    record: UnivariateKernel,
    rule: Moments,
    X: ArrayLike,
    Y: ArrayLike | None,
    block_size: int | None,
    out: Array | None,
    kernel: Kernel | None = None,
    compiled: bool | None = None,
) -> Array | None:
    """The Gram matrix, or None where the lengths of rows leave the range in which rows need no scaling."""
    from dekderive.gram.gram import prepared_output

    with pooled() as pool:
        prepared = _sides(record, rule, X, Y, block_size, kernel, pool)
    if prepared is None:
        return None
    left, right = prepared
    panels = Panels(record, left, right, block_size, compiled)
    out = prepared_output(out, (len(left), len(panels.right)), panels.dtype)
    panels.fill(np.asarray(out))
    if Y is None:
        np.fill_diagonal(out, left.diagonal)
    return out


def panels_of(
    record: UnivariateKernel, rule: Moments, X: ArrayLike, Y: ArrayLike | None, block_size: int | None
) -> Iterator[tuple[slice, Array]]:
    """Panels of rows of the Gram matrix, one after the other."""
    with pooled() as pool:
        prepared = _sides(record, rule, X, Y, block_size, None, pool)
    if prepared is None:
        raise InvalidInput("the squared length of some row is outside of 1e-200 to 1e200; rescale the data")
    yield from Panels(record, *prepared, block_size).stream()


def _sides(
    record: UnivariateKernel,
    rule: Moments,
    X: ArrayLike,
    Y: ArrayLike | None,
    block_size: int | None,
    kernel: Kernel | None,
    pool: ThreadPoolExecutor | None,
) -> tuple[CentredRows, CentredRows | None] | None:
    for _ in blocks(0, 0, False, block_size):  # checks the size
        pass
    if rule.name not in RULES:
        raise InvalidInput(f"a univariate kernel takes the moments linear() or rows(), not {rule.name}")
    given = [(X, "X")] if Y is None else [(X, "X"), (Y, "Y")]
    data = [as_matrix(rows, name) for rows, name in given]
    if data[0].shape[1] != data[-1].shape[1]:
        raise InvalidInput(f"Y must have as many columns as X ({data[0].shape[1]}), not {data[-1].shape[1]}")
    augmented, diagonals = [], []
    for rows, (_, name) in zip(data, given, strict=True):
        squares = squared_lengths(rows, pool)
        if not np.isfinite(squares).all():
            as_rows(rows, name)  # refuses what is not finite
        if not ((squares == 0) | ((squares > RANGE[0]) & (squares < RANGE[1]))).all():
            return None
        share, extra = _augmentation(record, rule, rows.shape[1])
        joined = squares + rule.bias**2 / rule.scale**2
        second = share * joined
        diagonals.append(_diagonal(record, kernel, second, name))
        augmented.append(AugmentedRows(rows, extra, squares + extra**2))
    dtype = np.result_type(*data)
    centre = common_direction(*augmented)
    sides = [
        CentredRows.of(rows, centre, diagonal, dtype, pool) for rows, diagonal in zip(augmented, diagonals, strict=True)
    ]
    return sides[0], (sides[1] if Y is not None else None)


def _augmentation(record: UnivariateKernel, rule: Moments, columns: int) -> tuple[float, float]:
    """What the second moment is of the squared length, and the coordinate that stands for all biases."""
    share = rule.scale**2 if rule.name == "linear" else 1 / columns
    return share, float(np.sqrt(rule.bias**2 / rule.scale**2 + record.bias_variance / (record.input_variance * share)))


def _diagonal(record: UnivariateKernel, kernel: Kernel | None, second: Array, name: str) -> Array:
    """The kernel at x = x: as the general solver has it, or from the record."""
    if kernel is None:
        return record.diagonal(second)
    parameters = dict(record.parameters)
    return diagonal_values(kernel, Side.of(kernel, second, np.zeros_like(second), parameters, name), parameters)
