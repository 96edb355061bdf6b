"""An activation as the numeric side knows it: its values, and its Gaussian moments as functions of a variance."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from dekderive.kernels import hermite
from dekderive.kernels.elementwise import Array
from dekderive.kernels.execution import from_text
from dekderive.kernels.expectations.pieces import jumps

__all__ = ["Activation", "numerical_activation"]

Function = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Activation:
    r"""A function phi of one variable, **not centred**, and its moments over :math:`u \sim N(0, q)`.

    Compiled from a formula by ``dekderive.programs.compile_activation``, or from values by
    :func:`numerical_activation`.  The moments are functions of the variance q, scalar or array.

    Attributes
    ----------
    name : str
    function : callable
        phi itself, of z.
    mean, slope_mean, curvature_mean : callable
        :math:`\mathbb E\phi(u),\ \mathbb E\phi'(u),\ \mathbb E\phi''(u)`, jumps and kinks included (Stein).
    second, second_slope : callable
        :math:`\mathbb E\phi(u)^2` and its derivative in q.
    slope_second : callable
        :math:`\mathbb E\phi'(u)^2`; infinite if phi jumps.
    dual, slope_dual : callable
        :math:`\mathbb E\phi(u)\phi(v)` and its derivative in the covariance, :math:`\mathbb E\phi'(u)\phi'(v)`, of
        ``(kxx, kyy, kxy)``.
    lipschitz : float
        A proved bound of :math:`|\phi'|`; infinite if none is known.
    spec, text : str
        Digest and source of a compiled record.

    Examples
    --------
    >>> sine = numerical_activation(np.sin, np.cos, name="sine", lipschitz=1.0)
    >>> sine, round(float(sine.second(2.0)), 12)  # (1 - exp(-2q))/2
    (<Activation sine>, 0.490842180556)
    """

    name: str
    function: Function
    mean: Function
    slope_mean: Function
    curvature_mean: Function
    second: Function
    second_slope: Function
    slope_second: Function
    dual: Function
    slope_dual: Function
    lipschitz: float = math.inf
    spec: str = ""
    text: str = field(default="", repr=False, compare=False)

    def __call__(self, z: Any) -> Any:
        """Evaluate phi."""
        return self.function(np.asarray(z, dtype=np.float64))

    def __reduce__(self) -> tuple[Any, ...]:
        if not self.text:
            return Activation, tuple(getattr(self, f.name) for f in fields(self))
        return from_text, (self.text, self.name, "ACTIVATION")

    def __repr__(self) -> str:
        return f"<Activation {self.name}>"


@dataclass(frozen=True)
class _Numerical:
    """One moment of a function that is known by its values."""

    function: Function
    slope: Function
    which: str

    def __call__(self, *arguments: Any) -> Any:
        f, slope = self.function, self.slope
        if self.which == "mean":
            return hermite.mean(_one, f, *arguments)
        if self.which == "slope_mean":
            return hermite.dual_kxy(f, _identity, arguments[0], arguments[0], 0.0 * np.asarray(arguments[0]))
        if self.which == "curvature_mean":
            return 2.0 * hermite.mean_derivative(_one, f, *arguments)
        if self.which == "slope_second":
            infinite = bool(jumps(f, 0))
            return np.asarray(arguments[0]) * 0.0 + np.inf if infinite else hermite.mean(slope, slope, *arguments)
        table: dict[str, Function] = {
            "second": hermite.mean,
            "second_slope": hermite.mean_derivative,
            "dual": hermite.dual,
            "slope_dual": hermite.dual_kxy,
        }
        return table[self.which](f, f, *arguments)


def _one(z: Array) -> Array:
    return np.ones_like(z)


def _identity(z: Array) -> Array:
    return z


def numerical_activation(function: Function, slope: Function, *, name: str, lipschitz: float = math.inf) -> Activation:
    r"""Return the record of a function that is known by its values: moments by quadrature, to some 1e-14.

    Parameters
    ----------
    function, slope : callable
        phi and phi', elementwise, pure and hashable; smooth but at 0, or at the knots that
        ``dekderive.kernels.hermite.piecewise`` names.
    name : str
    lipschitz : float, optional
        A bound of :math:`|\phi'|`.  It is taken on trust.

    Returns
    -------
    Activation

    Examples
    --------
    >>> sine = numerical_activation(np.sin, np.cos, name="sine", lipschitz=1.0)
    >>> round(float(sine.slope_mean(2.0)), 12), round(float(np.exp(-1.0)), 12)  # E cos(u) = exp(-q/2)
    (0.367879441171, 0.367879441171)
    """
    names = ("mean", "slope_mean", "curvature_mean", "second", "second_slope", "slope_second", "dual", "slope_dual")
    moments: dict[str, Function] = {n: _Numerical(function, slope, n) for n in names}
    return Activation(name=name, function=function, lipschitz=lipschitz, **moments)  # type: ignore[arg-type]
