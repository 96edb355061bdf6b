"""The record that a generated module of a dual fills in, and how its closed forms are evaluated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dekderive.kernels.elementwise import Array

__all__ = ["CompiledDual", "closed_form", "is_covariance"]

_EXCESS = 1e-6  # how far |correlation| may exceed 1 by rounding; float32 covariances are rounded to 1e-7


@dataclass(frozen=True, slots=True)
class CompiledDual:
    r"""The function :math:`(k_{xx}, k_{yy}, k_{xy}) \mapsto \mathbb E[f(u) g(v)]` and its derivatives, in NumPy.

    Attributes
    ----------
    name, left, right : str
        `left` and `right` are f and g as formulas in z.
    dual, dual_kxx, dual_kyy, dual_kxy : callable
        Of ``(kxx, kyy, kxy)``, arrays that broadcast: the value, its derivatives in the variances (heat equation) and
        in the covariance (Price's theorem).  NaN where there is no such covariance.  float32 in, float32 out.
    dual_with_error : callable
        Value, bound of its error, and whether the bound is proved up to rounding; in float64.
    closed : bool
        Whether the value is a closed form.
    conditions : tuple of str
        What must be positive for the expectations to exist; they are NaN elsewhere.
    spec : str
        Digest of f and g.
    text : str
        Source of the module; a record pickles as its text, and is executed again where it is unpickled.
    """

    name: str
    left: str
    right: str
    dual: Callable[..., Any]
    dual_kxx: Callable[..., Any]
    dual_kyy: Callable[..., Any]
    dual_kxy: Callable[..., Any]
    dual_with_error: Callable[..., tuple[Any, Any, Any]]
    closed: bool
    conditions: tuple[str, ...]
    spec: str
    text: str = field(default="", repr=False, compare=False)

    def __call__(self, kxx: ArrayLike, kyy: ArrayLike, kxy: ArrayLike) -> Any:
        """Evaluate `dual`."""
        return self.dual(kxx, kyy, kxy)

    def __repr__(self) -> str:
        return f"<CompiledDual {self.name}: E[f(u) g(v)], f = {self.left}, g = {self.right}>"


def is_covariance(kxx: ArrayLike, kyy: ArrayLike, kxy: ArrayLike) -> Any:
    """Return whether ``[[kxx, kxy], [kxy, kyy]]`` is a covariance, up to rounding.

    Parameters
    ----------
    kxx, kyy, kxy : array_like

    Returns
    -------
    ndarray of bool

    Examples
    --------
    >>> is_covariance([1.0, -1.0, 1.0], 1.0, [0.5, 0.0, 1.1])
    array([ True, False, False])
    """
    a, b, c = (np.asarray(x, dtype=np.float64) for x in (kxx, kyy, kxy))
    with np.errstate(all="ignore"):
        within = np.abs(c) <= np.sqrt(a) * np.sqrt(b) * (1.0 + _EXCESS)
        return (a >= 0) & (b >= 0) & (a < np.inf) & (b < np.inf) & within


def closed_form(
    function: Callable[..., Any],
    kxx: ArrayLike,
    kyy: ArrayLike,
    kxy: ArrayLike,
    conditions: Callable[..., tuple[Any, ...]] | None = None,
) -> Any:
    """Evaluate a generated formula where there is a covariance and its conditions are positive; NaN elsewhere.

    Parameters
    ----------
    function : callable
        Of ``(kxx, kyy, kxy)``, float64 arrays of one shape.
    kxx, kyy, kxy : array_like
    conditions : callable, optional

    Returns
    -------
    ndarray or scalar
        float32 where all three are.

    Examples
    --------
    >>> closed_form(lambda a, b, c: a * b + 2 * c * c, [1.0, 1.0], 1.0, [0.5, 2.0])
    array([1.5, nan])
    """
    inputs = [x if isinstance(x, int | float) else np.asarray(x) for x in (kxx, kyy, kxy)]
    kind = np.float32 if np.result_type(*inputs) == np.float32 else np.float64
    a, b, c = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in inputs))
    valid = is_covariance(a, b, c)
    with np.errstate(all="ignore"):
        # A correlation that exceeds 1 by rounding is 1.
        c = np.clip(c, -np.sqrt(a) * np.sqrt(b), np.sqrt(a) * np.sqrt(b))
        for condition in conditions(a, b, c) if conditions else ():
            valid = valid & (condition > 0)
        result: Array = np.full(a.shape, np.nan)
        if valid.any():
            value = function(a[valid], b[valid], c[valid])
            result[valid] = value
        return result.astype(kind)[()]
