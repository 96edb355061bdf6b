"""Gram matrices block by block: pairs are solved once, mirrored bitwise, and never all held at once."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dekderive.errors import InvalidInput, NoFixedPoint, NotConverged
from dekderive.gram.inputs import PairMoments, Side
from dekderive.gram.layers.equilibrium import GAPS, Equilibrium
from dekderive.gram.layers.recursion import Network
from dekderive.gram.points import Block
from dekderive.kernels.kernel import Chart, Kernel
from dekderive.kernels.layered import LayeredKernel
from dekderive.solvers.charts import chart_roots, readout
from dekderive.solvers.solution import Array, worst

__all__ = [
    "Work",
    "blocks",
    "coincident",
    "continuous_values",
    "diagonal_values",
    "equilibrium_values",
    "fill",
    "is_continuous",
    "pair_values",
    "solve_pairs",
    "works",
]

# Pairs per block: about fifteen arrays of this size exist at a time (8 MB for each).
PAIRS = 1 << 19


def solve_pairs(kernel: Kernel, values: Mapping[str, Array], parameters: Mapping[str, float]) -> tuple[Array, Array]:
    """Chart coordinate and kernel value of pairs of positive variances.

    Raises
    ------
    NotConverged
        If an equation overflowed or ran out of steps.
    """
    roots = chart_roots(kernel, values, parameters)
    if roots.codes.any():
        moments = {n: float(v[int(np.argmax(roots.codes))]) for n, v in values.items()}
        raise NotConverged(f"{kernel.name}: {worst(roots.codes).value}; the first such pair has {moments}")
    value = readout(kernel, roots.x, values, parameters)
    if not np.isfinite(value).all():
        raise NotConverged(f"{kernel.name}: the value of some pair is not finite; rescale the inputs")
    return roots.x, value


def pair_values(
    kernel: Kernel | LayeredKernel, x: Side, y: Side | None, parameters: Mapping[str, float]
) -> Callable[["Work"], Array]:
    """The kernel at the pairs of a block, as a function of them."""
    if not isinstance(kernel, LayeredKernel):
        if kernel.solved_in_gaps:
            return equilibrium_values(kernel, x, y, parameters)
        return lambda work: solve_pairs(kernel, work.values, parameters)[1]
    network = Network(kernel, x.second, None if y is None else y.second, parameters)

    def evaluate(work: "Work") -> Array:
        i, j = work.i[work.positive], work.j[work.positive]
        value = network.values(i, j, work.values["gap"], work.values["tilt"])
        if not np.isfinite(value).all():
            raise NotConverged(f"{kernel.name}: the value of some pair is not finite; rescale the inputs")
        return value

    return evaluate


def equilibrium_values(
    kernel: Kernel, x: Side, y: Side | None, parameters: Mapping[str, float]
) -> Callable[["Work"], Array]:
    """The same for a deep equilibrium model whose activation has no degree of homogeneity."""
    sides = (x.second, x.kxx), None if y is None else (y.second, y.kxx)
    pairs = Equilibrium(kernel, *sides, parameters)
    return lambda work: pairs.values(*work.open, work.values)[0]


def diagonal_values(kernel: Kernel | LayeredKernel, side: Side, parameters: Mapping[str, float]) -> Array:
    """The kernel at x = x'.

    Raises
    ------
    NoFixedPoint
        If the kernel is infinite there: a tangent kernel is, where one step of the recursion magnifies perturbations.
    """
    if isinstance(kernel, LayeredKernel):
        return side.kxx
    with np.errstate(all="ignore"):
        value = np.broadcast_to(kernel.readout_diagonal.at({**side.values(), **parameters}), side.kxx.shape)
    value = np.where(side.kxx == 0, 0.0, value)
    # The tangent kernel is kxx / (1 - chi) with 0 <= chi < 1; anything below kxx comes from chi > 1.
    bad = ~np.isfinite(value) | (value < 0) | ((kernel.model == "deq_ntk") & (value < side.kxx * (1 - 1e-12)))
    if kernel.slope is not None:
        chi = parameters["weight_variance"] * kernel.slope.mean.at({**parameters, "kxx": side.kxx})
        bad = ~np.isfinite(value) | ~np.less(chi, 1)
    if bad.any():
        row = int(np.argmax(bad))
        raise NoFixedPoint(
            f"{kernel.name} is infinite at x = x' for row {row}: weight_variance * E[phi'(u)^2] must be below 1, "
            f"and with kxx = {side.kxx[row]:.6g} it is not; lower weight_variance, or ask for the continuous part"
        )
    return value


def coincident(side: Side, chosen: Any = slice(None)) -> dict[str, Array]:
    """The pair (x, x') for x' infinitely close to x."""
    values = side.values(chosen) | side.partner_values(chosen)
    return values | {"cxy": values["cxx"], "gap": np.zeros_like(values["cxx"])}


def is_continuous(kernel: Kernel | LayeredKernel, side: Side, parameters: Mapping[str, float]) -> NDArray[np.bool_]:
    """Whether correlation 1 attracts, so that the kernel at x' -> x tends to its value at x' = x.

    It does iff the derivative of the step there, which is the mean Hermite degree of the update, is at most 1.  A
    kernel of finite depth is continuous wherever it is finite.
    """
    if isinstance(kernel, LayeredKernel):
        return np.ones(side.kxx.shape, dtype=bool)
    with np.errstate(all="ignore"):
        values = coincident(side) | {"kxy": side.kxx}
        slope = np.broadcast_to(kernel.step_derivative.at({**values, **parameters}), side.kxx.shape)
    smooth = (slope <= 1) | (side.kxx == 0)
    unknown = np.isnan(slope) & ~smooth  # formulas with a removable singularity at correlation 1: see where pairs go
    if unknown.any():
        x, _ = solve_pairs(kernel, coincident(side, unknown), parameters)
        smooth[unknown] = x == (0.0 if kernel.chart is Chart.ANGLE else 1.0)
    return smooth


def continuous_values(kernel: Kernel | LayeredKernel, side: Side, parameters: Mapping[str, float]) -> Array:
    """The limit of the kernel as x' tends to x."""
    if isinstance(kernel, LayeredKernel):
        return diagonal_values(kernel, side, parameters)
    smooth = is_continuous(kernel, side, parameters)
    value = np.zeros(side.kxx.shape)
    if smooth.any():
        subset = Side(side.second[smooth], side.mean[smooth], side.kxx[smooth])
        value[smooth] = diagonal_values(kernel, subset, parameters)
    if not smooth.all():
        value[~smooth] = solve_pairs(kernel, coincident(side, ~smooth), parameters)[1]
    return value


def blocks(height: int, width: int, symmetric: bool, block_size: int | None) -> Iterator[Block]:
    """Panels of rows; of a symmetric matrix only the part below the diagonal."""
    if block_size is not None and (isinstance(block_size, bool) or int(block_size) != block_size or block_size < 1):
        raise InvalidInput(f"block_size must be a positive integer, got {block_size!r}")
    size = int(block_size or max(16, PAIRS // max(width, 1)))
    for begin in range(0, height, size):
        rows = slice(begin, min(begin + size, height))
        if not symmetric:
            yield Block(rows, slice(0, width))
            continue
        if begin:
            yield Block(rows, slice(0, begin))
        yield Block(rows, rows, lower=True)


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """The pairs of a block: what their equations read, and which of them have an equation to solve."""

    block: Block
    i: NDArray[np.intp]
    j: NDArray[np.intp]
    positive: NDArray[np.bool_]  # both variances positive; otherwise the covariance is 0
    values: dict[str, Array]  # of the positive pairs only

    @property
    def open(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows and columns of the positive pairs."""
        return self.i[self.positive], self.j[self.positive]

    def spread(self, part: Array) -> Array:
        """Values of the positive pairs among zeros for the others."""
        if self.positive.all():
            return part
        result = np.zeros((self.positive.size, *part.shape[1:]))
        result[self.positive] = part
        return result


def works(
    kernel: Kernel | LayeredKernel, x: Side, y: Side | None, pairs: PairMoments, block_size: int | None
) -> Iterator[Work]:
    """All pairs of two sides, block by block; without `y` each unordered pair of different inputs once."""
    other = x if y is None else y
    for block in blocks(len(x), len(other), y is None, block_size):
        i, j = block.indices
        gapwise = isinstance(kernel, Kernel) and kernel.solved_in_gaps
        moments = pairs.of_block(block, GAPS if gapwise else kernel.pair_names)
        values = x.values(i) | other.partner_values(j) | moments
        positive = (values["kxx"] > 0) & (values["kyy"] > 0)
        if not positive.all():
            values = {name: value[positive] for name, value in values.items()}
        yield Work(block, i, j, positive, values)


def fill(out: Array, block: Block, value: Array, symmetric: bool) -> None:
    """Write the values of a block, and their mirror image; trailing axes of `value` are carried along."""
    rows, columns = block.rows, block.columns
    if not block.lower:
        shaped = value.reshape(rows.stop - rows.start, columns.stop - columns.start, *value.shape[1:])
        out[rows, columns] = shaped
        if symmetric:
            out[columns, rows] = np.swapaxes(shaped, 0, 1)
        return
    square = np.zeros((rows.stop - rows.start,) * 2 + value.shape[1:], dtype=value.dtype)
    i, j = np.tril_indices(len(square), -1)
    square[i, j] = value
    square[j, i] = value
    out[rows, columns] = square
