"""Inputs of a Gram matrix, prepared: what single inputs and pairs of them contribute to the equations."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from dekderive.errors import NoFixedPoint, NotConverged
from dekderive.gram.layers.rows import Rows
from dekderive.gram.layers.transfer import Seeds
from dekderive.gram.moments import Moments
from dekderive.gram.points import Block, Pairs, Points
from dekderive.kernels.kernel import Kernel
from dekderive.kernels.layered import LayeredKernel
from dekderive.solvers.arguments import exact_gap, log_ratio
from dekderive.solvers.diagonals import variances
from dekderive.solvers.solution import Array, Status, worst

__all__ = ["PairMoments", "RowMoments", "Side", "TableMoments"]


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One side of a Gram matrix: for every input its moments and its variance kxx.

    Of a kernel of finite depth, kxx is the kernel itself at x = x'.
    """

    second: Array
    mean: Array
    kxx: Array

    @classmethod
    def of(
        cls,
        kernel: Kernel | LayeredKernel,
        second: Array,
        mean: Array,
        parameters: Mapping[str, float],
        name: str = "X",
    ) -> "Side":
        """Solve the variances.

        Raises
        ------
        NoFixedPoint
            If some input has none; the message names the bound that is violated.
        NotConverged
            If some equation overflowed or ran out of steps.
        """
        if isinstance(kernel, LayeredKernel):
            rows = Rows.of(kernel, second, parameters, Seeds.none(len(kernel.own_parameters)))
            return cls(second, mean, rows.value)
        values = {"cxx": second} | ({"mean_x": mean} if "mean_x" in kernel.input_names else {})
        found = variances(kernel, values, parameters)
        if found.codes.any():
            status = worst(found.codes)
            row = f"row {int(np.argmax(found.codes))} of {name}"
            if status is Status.NO_FIXED_POINT:
                raise NoFixedPoint(f"no fixed point for {row}: {found.message}")
            raise NotConverged(f"variance equation of {kernel.name} at {row}: {status.value}")
        return cls(second, mean, found.kxx)

    def __len__(self) -> int:
        return len(self.kxx)

    def values(self, chosen: Any = slice(None)) -> dict[str, Array]:
        """The quantities of single inputs under the names that the formulas use for x."""
        return {"cxx": self.second[chosen], "mean_x": self.mean[chosen], "kxx": self.kxx[chosen]}

    def partner_values(self, chosen: Any = slice(None)) -> dict[str, Array]:
        """The same under the names for the other input of a pair."""
        return {"cyy": self.second[chosen], "mean_y": self.mean[chosen], "kyy": self.kxx[chosen]}


class PairMoments(Protocol):
    """Where the moments of pairs come from."""

    def of_block(self, block: Block, names: Collection[str]) -> dict[str, Array]:
        """Those of ``cxy``, ``gap``, ``opposite_gap`` and ``tilt`` that are asked for, of all pairs of a block."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class RowMoments:
    """Moments of pairs from rows of data."""

    moments: Moments
    left: Points
    right: Points

    def of_block(self, block: Block, names: Collection[str]) -> dict[str, Array]:
        """Those of ``cxy``, ``gap``, ``opposite_gap`` and ``tilt`` that are asked for, of all pairs of a block."""
        pairs, rule = Pairs(self.left, self.right, block), self.moments
        rules = {
            "gap": rule.gap_of_pairs,
            "opposite_gap": rule.opposite_gap_of_pairs,
            "tilt": rule.tilt_of_pairs,
            "cxy": rule.of_pairs,
        }
        return {name: of(pairs) for name, of in rules.items() if name in names}


@dataclass(frozen=True, slots=True, eq=False)
class TableMoments:
    """Moments of pairs from a given matrix."""

    second: Array
    x_second: Array
    y_second: Array

    def of_block(self, block: Block, names: Collection[str]) -> dict[str, Array]:
        """Those of ``cxy``, ``gap``, ``opposite_gap`` and ``tilt`` that are asked for, of all pairs of a block."""
        i, j = block.indices
        values: dict[str, Array] = {"cxy": self.second[i, j].astype(np.float64, copy=False)}
        if "gap" in names:
            values["gap"] = exact_gap(self.x_second[i], self.y_second[j], values["cxy"])
        if "opposite_gap" in names:
            values["opposite_gap"] = exact_gap(self.x_second[i], self.y_second[j], -values["cxy"])
        if "tilt" in names:
            values["tilt"] = log_ratio(self.x_second[i], self.y_second[j]) / 2
        return values
