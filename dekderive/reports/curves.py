"""Functions and duals of a derivation, evaluated for drawing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from dekderive.atoms import ATOMS
from dekderive.duals import Dual
from dekderive.kernels import special
from dekderive.symbols import kxx, kxy, kyy, z

__all__ = ["dual_curve", "function"]

Array = NDArray[np.float64]


def function(expression: sp.Expr, *arguments: sp.Symbol) -> Callable[..., Array]:
    """Return a NumPy function for drawing (shipped kernels use the emitter, which is proved; a curve needs less)."""
    atoms = {atom.__name__: getattr(special, atom.__name__) for atom in ATOMS}
    evaluate = sp.lambdify(arguments, expression, modules=[atoms, "scipy", "numpy"])

    def values(*points: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.broadcast_to(np.asarray(evaluate(*points), dtype=float), np.shape(points[0])).astype(float)

    return values


def dual_curve(dual: Dual, correlations: Array, numbers: Mapping[sp.Symbol, sp.Expr]) -> Array:
    """Return E[f(u) g(v)] at unit variances, with `numbers` for its parameters."""
    one = np.ones_like(correlations)
    if dual.closed:
        return function(dual.expression.subs(numbers), kxx, kyy, kxy)(one, one, correlations)
    from dekderive.kernels import hermite

    return np.asarray(hermite.dual(function(dual.left, z), function(dual.right, z), one, one, correlations))
