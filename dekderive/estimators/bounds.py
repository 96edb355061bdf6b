"""Bounds on hyperparameters inside which a kernel exists."""

import functools
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import numpy as np

from dekderive.errors import InvalidInput
from dekderive.estimators.existence import Side, critical_value, deciding_parameter, has_fixed_point, within
from dekderive.gram import Moments
from dekderive.kernels.kernel import Kernel, Parameter
from dekderive.kernels.layered import LayeredKernel
from dekderive.solvers.solution import Array

__all__ = ["Bounds", "default_bounds", "default_deciding_bounds", "resolved_bounds", "suited", "within_range"]

Bounds: TypeAlias = tuple[float, float] | Literal["fixed"]

# The parameters that are tuned unless the user says otherwise.  What a family brings along (a shape, a number of
# trials) is a known constant of the likelihood.
_TUNED: Mapping[str, tuple[str, ...]] = {
    "deker": ("regularisation",),
    "deq_nngp": ("weight_variance", "input_variance", "bias_variance"),
    "deq_ntk": ("weight_variance", "input_variance", "bias_variance"),
    "implicit_ck": ("weight_variance", "input_variance"),
    "implicit_ntk": ("weight_variance", "input_variance"),
    "nngp": ("weight_variance", "bias_variance"),
    "ntk": ("weight_variance", "bias_variance"),
}

# scikit-learn's default, for parameters on a half-line; and a range of regularisations that changes the kernel: at 1000
# the features are a thousandth of the statistics, and below 1/4 even logistic activations are no contraction.
_HALF_LINE = (1e-5, 1e5)
# A weight variance acts once in every layer, to the power of the depth.
_WEIGHTS = (1e-2, 1e2)
_REGULARISATION = (0.25, 1e3)

# Lengths of the rows on which existence is tried.  For homogeneous kernels any length gives the same answer.
_LENGTHS = np.array([[1.0], [3.0], [10.0]])


def resolved_bounds(
    kernel: Kernel | LayeredKernel, moments: Moments | None, values: Mapping[str, Any], given: Mapping[str, object]
) -> dict[str, Bounds]:
    """Bounds of all parameters, those from the user checked and the others supplied.

    Parameters
    ----------
    kernel : Kernel
    moments : Moments or None
    values, given : mapping
        Values of the parameters, and bounds from the user (None for those to supply), by name.

    Raises
    ------
    InvalidInput
        If bounds leave the range of a parameter, or are given for a value that has no logarithm.
    """
    chosen = {p.name: _from_user(p, values[p.name], given[p.name]) for p in kernel.parameters}
    deciding = deciding_parameter(kernel)
    name = deciding[0] if deciding else None
    resolved: dict[str, Bounds] = {}
    for parameter in kernel.parameters:
        own = chosen[parameter.name]
        if own is None and parameter.name != name:
            own = default_bounds(kernel, moments, parameter)
        if own is not None:
            resolved[parameter.name] = own
    if not isinstance(kernel, LayeredKernel) and name is not None and name not in resolved:
        fixed = tuple((n, float(values[n])) for n, bounds in resolved.items() if bounds == "fixed")
        resolved[name] = default_deciding_bounds(kernel, moments, fixed)
    return resolved


def _from_user(parameter: Parameter, value: Any, given: object) -> Bounds | None:
    bounds = None if given is None else within_range(parameter, given)
    if value > 0:
        return bounds
    if bounds not in (None, "fixed"):
        name = parameter.name
        raise InvalidInput(
            f"{name} is {value:g} and has bounds {given!r}, but an optimiser works with its logarithm; start from a "
            f"positive value, or leave {name}_bounds out to keep {value:g}"
        )
    return "fixed"


def default_bounds(kernel: Kernel | LayeredKernel, moments: Moments | None, parameter: Parameter) -> Bounds:
    """Where to search for a parameter that does not decide on existence; ``"fixed"`` if it has a say in it.

    Tangent kernels of saturating activations, for example, are infinite at x = x' for small input variances: there the
    set of good parameters is no box, and the deciding parameter alone is searched unless the user gives bounds.

    Examples
    --------
    >>> from dekderive.kernels import deq_ntk_erf, deq_ntk_relu
    >>> default_bounds(deq_ntk_relu, None, deq_ntk_relu.parameters[1])
    (1e-05, 100000.0)
    >>> default_bounds(deq_ntk_erf, None, deq_ntk_erf.parameters[1])
    'fixed'
    """
    if parameter.name not in _TUNED[kernel.model]:
        return "fixed"
    if isinstance(kernel, LayeredKernel):
        return _WEIGHTS if parameter.name == "weight_variance" else _inner_range(parameter)
    bounds = _inner_range(parameter)
    return bounds if _exists_throughout(kernel, moments, parameter.name, bounds) else "fixed"


def default_deciding_bounds(
    kernel: Kernel, moments: Moments | None, fixed: tuple[tuple[str, float], ...] = ()
) -> tuple[float, float]:
    """Where to search for the parameter that decides whether a fixed point exists.

    The bounds keep 5 % away from where it disappears, for rows of length 1 to 10.  Parameters that are not in `fixed`
    are taken at their defaults, so that the bounds do not move while an optimiser is at work.

    Examples
    --------
    >>> from dekderive.gram.moments import linear
    >>> from dekderive.kernels import deker_gaussian_relu
    >>> lower, upper = default_deciding_bounds(deker_gaussian_relu, linear())
    >>> round(lower / 1.05, 4)  # without means: sqrt(1/2)
    0.7071
    """
    name, side = _deciding(kernel)
    bounds = _inner_range(_parameter(kernel, name))
    return within(bounds, _critical_on_probes(kernel, moments, fixed, bounds), side)


@functools.lru_cache(maxsize=256)
def _critical_on_probes(
    kernel: Kernel, moments: Moments | None, fixed: tuple[tuple[str, float], ...], bounds: tuple[float, float]
) -> float | None:
    name, side = _deciding(kernel)
    known = dict(fixed)
    return critical_value(lambda v: has_fixed_point(kernel, _LENGTHS, moments, {**known, name: v}), bounds, side)


@functools.lru_cache(maxsize=256)
def _exists_throughout(kernel: Kernel, moments: Moments | None, name: str, bounds: tuple[float, float]) -> bool:
    """Whether the kernel exists at both ends of `bounds`, with the deciding parameter at its least favourable."""
    deciding, side = _deciding(kernel)
    lower, upper = _inner_range(_parameter(kernel, deciding))
    worst = lower if side == "above" else upper
    return all(has_fixed_point(kernel, _LENGTHS, moments, {deciding: worst, name: end}) for end in bounds)


def _deciding(kernel: Kernel) -> tuple[str, Side]:
    found = deciding_parameter(kernel)
    assert found is not None
    return found


def _parameter(kernel: Kernel, name: str) -> Parameter:
    return next(p for p in kernel.parameters if p.name == name)


def suited(
    kernel: Kernel | LayeredKernel,
    moments: Moments | None,
    rows: Array,
    values: Mapping[str, Any],
    given: Mapping[str, object],
) -> dict[str, Any]:
    """Changes to the deciding parameter and its bounds after which the kernel exists at all rows.

    Parameters
    ----------
    kernel, moments, values, given
        As for :func:`resolved_bounds`.
    rows : (n, d) ndarray

    Returns
    -------
    dict
        New settings by name; the value only if it must be moved.  Empty for kernels of finite depth.

    Raises
    ------
    NoFixedPoint
        If no value will do.
    """
    if isinstance(kernel, LayeredKernel):
        return {}
    name, side = _deciding(kernel)
    parameter = _parameter(kernel, name)
    start = float(values[name])
    own = None if given[name] is None else within_range(parameter, given[name])

    def exists(value: float) -> bool:
        return has_fixed_point(kernel, rows, moments, {**values, name: value})

    if own == "fixed":  # by the user, who may still want to know a value that works
        searched = (start, 10 * start) if side == "above" else (start / 10, start)
    else:
        searched = own or _inner_range(parameter)
    lower, upper = within(searched, critical_value(exists, searched, side), side)
    changes: dict[str, Any] = {} if own == "fixed" else {f"{name}_bounds": (lower, upper)}
    if not (lower <= start <= upper and exists(start)):
        changes[name] = min(1.2 * lower, upper) if side == "above" else max(upper / 1.2, lower)
    return changes


def within_range(parameter: Parameter, bounds: object) -> Bounds:
    """Bounds from the user, checked.

    Raises
    ------
    InvalidInput
        If they are neither ``"fixed"`` nor a pair of positive numbers in order, inside the range of the parameter.
    """
    if isinstance(bounds, str) and bounds == "fixed":
        return "fixed"
    name = f"{parameter.name}_bounds"
    try:
        lower, upper = (float(end) for end in np.ravel(np.asarray(bounds, dtype=object)))
    except (TypeError, ValueError):
        raise InvalidInput(f"{name} must be a pair (lower, upper), 'fixed' or None, got {bounds!r}") from None
    if not 0 < lower <= upper < np.inf:
        raise InvalidInput(f"{name} must satisfy 0 < lower <= upper < infinity, to have logarithms; got {bounds!r}")
    if lower < parameter.lower or (lower == parameter.lower and not parameter.lower_closed) or upper >= parameter.upper:
        raise InvalidInput(
            f"{name} = {bounds!r} leaves the range of {parameter.name}, the open interval from {parameter.lower:g} to "
            f"{parameter.upper:g}"
        )
    return lower, upper


def _inner_range(parameter: Parameter) -> tuple[float, float]:
    """An interval well inside the range of a parameter, with logarithms."""
    if parameter.name == "regularisation":
        return _REGULARISATION
    if np.isfinite(parameter.upper):
        edge = 0.01 * (parameter.upper - parameter.lower)
        return parameter.lower + edge, parameter.upper - edge
    return _HALF_LINE
