"""Each generated function compared with a ball enclosure of the formula it was printed from.

This is independent of how SymPy prints: it asks whether the committed text still computes what the derivation says.  An
error is measured in units of ``eps * size``, where the size of a formula at a point is the sum of its terms' magnitudes
or, where a term itself cancels, how far the formula moves when one input is changed by a relative `eps`.

An expectation without closed form is taken from ``dekderive.kernels.hermite``, with its functions printed by SymPy
instead of by us: whether the series is right is asked in its own tests, and not here.
"""

import math
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from operator import attrgetter
from pathlib import Path

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from codegen.plan import load_sources
from codegen.points import points
from dekderive.certificates.enclosure import enclose
from dekderive.derivation import Derivation
from dekderive.duals.numeric import NUMERIC_NODES
from dekderive.kernels import hermite, special
from dekderive.kernels.kernel import Kernel
from dekderive.kernels.layered import LayeredKernel
from dekderive.programs.module_text import formulas
from dekderive.symbols import BY_NAME, z

__all__ = ["LIMIT", "Comparison", "check_meaning", "compare_formulas"]

LIMIT = 256.0  # units, 6e-14; a wrong coefficient or sign is off by about 1 / eps = 4.5e15 of them
DRAWN = 6
_EPS = sys.float_info.epsilon
_STEP = sp.Rational(1, 2**30)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A generated value, the exact one, and their distance in units."""

    formula: str
    point: Mapping[str, float]
    value: float
    exact: float
    units: float

    def __str__(self) -> str:
        where = ", ".join(f"{name}={value!r}" for name, value in self.point.items())
        return f"{self.formula}({where}) = {self.value!r}, but the formula is {self.exact!r}: {self.units:.3g} units"


def check_meaning(root: Path, echo: Callable[[str], None]) -> tuple[Comparison, ...]:
    """Compare every committed kernel with its derivation; return what is off by more than `LIMIT` units."""
    wrong: list[Comparison] = []
    for source in load_sources(root):
        kernel = import_module(f"dekderive.kernels._generated.{source.name}").KERNEL
        comparisons = list(compare_formulas(source.derivation, kernel))
        worst = max(comparison.units for comparison in comparisons)
        echo(f"{source.name}: {len(comparisons)} values, at most {worst:.3g} units from the formulas")
        wrong += [comparison for comparison in comparisons if not comparison.units <= LIMIT]
    return tuple(wrong)


def compare_formulas(derivation: Derivation, kernel: Kernel | LayeredKernel) -> Iterator[Comparison]:
    """Yield a comparison for each value of each formula at each point, on its domain."""
    symbols = BY_NAME | {symbol.name: symbol for symbol, _ in derivation.update_map.parameters}
    drawn = list(points(kernel.parameters, DRAWN, seed=0))
    for name, formula in formulas(derivation.update_map):
        printed = attrgetter(name)(kernel)
        parts = formula if isinstance(formula, tuple) else (formula,)
        for point in drawn:
            with np.errstate(all="ignore"):  # a division by zero on the boundary; the values are compared
                values = np.ravel(printed.at(point))
            for index, (part, value) in enumerate(zip(parts, values, strict=True)):
                label = f"{name}[{index}]" if isinstance(formula, tuple) else name
                exact = {symbols[key]: sp.Rational(point[key]) for key in printed.arguments}
                yield from _compare(label, part, exact, {key: point[key] for key in printed.arguments}, float(value))


def _compare(
    label: str, formula: sp.Expr, exact: dict[sp.Symbol, sp.Rational], point: dict[str, float], value: float
) -> Iterator[Comparison]:
    formula = _with_expectations(formula, exact)
    if formula.has(sp.nan):
        yield Comparison(label, point, value, math.nan, math.inf)
        return
    wanted = enclose(formula, exact)
    if not wanted.is_finite:
        return  # the formula is undefined here, or infinite: a pole of the readout, a closed form without a root
    error = abs(float(enclose(formula - sp.Rational(value), exact))) if math.isfinite(value) else math.inf
    units = error / (_EPS * size) if (size := _terms(formula, exact)) else error
    if not units <= LIMIT and math.isfinite(error):
        units = error / (_EPS * max(_sensitivity(formula, exact), sys.float_info.min))
    yield Comparison(label, point, value, float(wanted), units)


def _with_expectations(formula: sp.Expr, exact: dict[sp.Symbol, sp.Rational]) -> sp.Expr:
    """Replace every numeric expectation by its value at this point."""
    values = {}
    for node in formula.atoms(*NUMERIC_NODES):
        f, g, *covariance = node.args
        entries = [np.float64(float(enclose(entry, exact))) for entry in covariance]
        value = float(getattr(hermite, type(node).__name__)(_function(f), _function(g), *entries))
        values[node] = sp.Rational(value) if math.isfinite(value) else sp.nan
    return formula.xreplace(values)


@cache
def _function(f: sp.Expr) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    # Numbers as floats: NumPy takes no roots of integers beyond 64 bits.
    numbers = {n: sp.N(n, 20) for n in f.atoms(sp.Pow) if n.is_number}
    printed = sp.lambdify(z, f.xreplace(numbers), [vars(special), "numpy"])
    return lambda x: np.broadcast_to(printed(x), np.shape(x))


def _terms(formula: sp.Expr, exact: dict[sp.Symbol, sp.Rational]) -> float:
    """Sum of the magnitudes of the terms."""
    return sum(abs(float(enclose(term, exact))) for term in sp.Add.make_args(formula))


def _sensitivity(formula: sp.Expr, exact: dict[sp.Symbol, sp.Rational]) -> float:
    """Sum over the inputs of |x df/dx|, by a difference quotient towards zero, which stays in the domain."""
    here, total = enclose(formula, exact), 0.0
    for symbol, x in exact.items():
        moved = enclose(formula, exact | {symbol: x * (1 - _STEP)})
        if moved.is_finite:
            total += abs(float(moved.midpoint - here.midpoint)) / float(_STEP)
    return total
