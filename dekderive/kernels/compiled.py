"""The record that a generated module of a dual fills in, and how its closed forms are evaluated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dekderive.kernels.discriminants import rootgap
from dekderive.kernels.elementwise import Array
from dekderive.kernels.execution import from_text

__all__ = ["CompiledDual", "closed_form", "closed_form_with_error", "is_covariance", "is_degenerate"]

_CANCELS = 100.0
_NARROW = 1e-2  # sqrt(1 - correlation^2)
_UNITS = 32 * float(np.finfo(np.float64).eps)
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

    def __reduce__(self) -> tuple[Any, ...]:
        if not self.text:  # of an imported module, whose functions pickle by reference
            return CompiledDual, tuple(getattr(self, f.name) for f in fields(self))
        return from_text, (self.text, self.name, "DUAL")

    def __copy__(self) -> CompiledDual:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> CompiledDual:
        return self

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
    size: Callable[..., Any] | None = None,
    degenerate: Callable[..., Any] | None = None,
) -> Any:
    """Evaluate a generated formula where there is a covariance and its conditions are positive; NaN elsewhere.

    Parameters
    ----------
    function : callable
        Of ``(kxx, kyy, kxy)``, float64 arrays of one shape.
    kxx, kyy, kxy : array_like
    conditions : callable, optional
        Tuple of what must be positive.
    size : callable, optional
        The sum of the absolute values of the terms.
    degenerate : callable, optional
        Takes over where 1 - |correlation| < 5e-5, for formulas that divide by what vanishes at 1; where the formula is
        not finite; and where the value is smaller than its terms by more than a factor of 100.

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
        # A correlation that exceeds 1 is 1.  One that is 1 up to rounding stays as it is: the product of the roots is
        # rounded too, and what depends on kxx kyy - kxy^2 has it from the exact products.
        most = np.sqrt(a) * np.sqrt(b)
        c = np.where(np.abs(c) > most * (1.0 + 1e-15), np.copysign(most, c), c)
        for condition in conditions(a, b, c) if conditions else ():
            valid = valid & (condition > 0)
        result: Array = np.full(a.shape, np.nan)
        if valid.any():
            result[valid] = function(a[valid], b[valid], c[valid])
        if degenerate is not None and size is not None:
            other = valid & _unfit(result, np.asarray(size(a, b, c)), a, b, c)
            if other.any():
                result[other] = degenerate(a[other], b[other], c[other])
        return result.astype(kind)[()]


def _unfit(value: Array, size: Array, a: Array, b: Array, c: Array) -> Any:
    """Whether a closed form is not good for computing."""
    return is_degenerate(a, b, c) | ~np.isfinite(value) | ~(size <= _CANCELS * np.abs(value))


def is_degenerate(kxx: Array, kyy: Array, kxy: Array) -> Any:
    """Return whether a correlation is so close to +-1 that quotients by sqrt(kxx kyy - kxy^2) lose digits.

    Examples
    --------
    >>> is_degenerate(np.ones(2), np.ones(2), np.array([0.999, -1.0]))
    array([False,  True])
    """
    return rootgap(kxx, kyy, kxy) <= _NARROW * np.sqrt(kxx) * np.sqrt(kyy)


def closed_form_with_error(
    function: Callable[..., Any],
    size: Callable[..., Any],
    kxx: ArrayLike,
    kyy: ArrayLike,
    kxy: ArrayLike,
    conditions: Callable[..., tuple[Any, ...]] | None = None,
    degenerate: Callable[..., tuple[Any, Any, Any]] | None = None,
) -> tuple[Any, Any, Any]:
    """Evaluate a generated formula with an allowance for rounding: 32 units in the last place of its terms' sizes.

    Nothing is truncated, so that the bound is proved up to rounding wherever the formula is used.

    Parameters
    ----------
    function, size : callable
        Of ``(kxx, kyy, kxy)``; `size` is the sum of the absolute values of the terms.
    kxx, kyy, kxy : array_like
    conditions, degenerate : callable, optional
        As in `closed_form`; the latter with bounds.

    Returns
    -------
    value, bound, proved : ndarray or scalar

    Examples
    --------
    >>> value, bound, proved = closed_form_with_error(lambda a, b, c: c, lambda a, b, c: abs(c), 1.0, 1.0, -0.5)
    >>> float(value), bool(bound < 1e-14), bool(proved)
    (-0.5, True, True)
    """
    a, b, c = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (kxx, kyy, kxy)))
    value = np.array(closed_form(function, a, b, c, conditions))
    sizes = np.asarray(closed_form(size, a, b, c, conditions))
    bound = _UNITS * sizes
    proved = np.array(np.isfinite(bound))
    bound = np.array(np.where(proved, bound, np.inf))
    if degenerate is not None:
        with np.errstate(all="ignore"):
            other = is_covariance(a, b, c) & _unfit(value, sizes, a, b, c)
        if other.any():
            value[other], bound[other], proved[other] = degenerate(a[other], b[other], c[other])
    return value[()], bound[()], proved[()]
