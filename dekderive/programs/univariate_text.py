"""Kernels of homogeneous activations with fixed variances -> one polynomial with a proved bound, and its module."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from pathlib import Path
from typing import Any

from dekderive.certificates.univariate import error_bound, exact_values, refined
from dekderive.derivation import Derivation
from dekderive.errors import InvalidInput, NotCertified
from dekderive.kernels.kernel import Kernel
from dekderive.kernels.univariate import UnivariateChart, UnivariateKernel, build
from dekderive.programs.generate import compile as compile_kernel
from dekderive.update_maps.update_map import UpdateMap

__all__ = ["compile_univariate", "emit_univariate"]

# Proved bounds above this are refused: float64 would show them.
TARGET = 2e-15
# Gaps of the golden values of an emitted module, near-duplicates and opposite inputs among them.
_GOLDEN = (0.0, 1e-16, 1e-12, 1e-8, 1e-4, 0.01, 0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 1.9, 1.99, 2.0)

_proved: dict[tuple[Any, ...], UnivariateKernel] = {}


def compile_univariate(
    kernel: Kernel | UpdateMap | Derivation, *, cache: str | Path | None = None, **parameters: float
) -> UnivariateKernel:
    r"""Compile a kernel with a homogeneous activation and fixed variances to one polynomial, with a proved error bound.

    Parameters
    ----------
    kernel : Kernel, UpdateMap or Derivation
        Of a deep equilibrium model with a positively homogeneous activation (rectifier, leaky rectifier, absolute
        value): see :func:`dekderive.kernels.univariate.is_univariate`.
    cache : path, optional
        Folder in which proved records are kept, by the digest of the kernel and its parameters.
    **parameters : float
        Parameters of the kernel; those left out take their defaults.

    Returns
    -------
    UnivariateKernel
        To be passed to :func:`dekderive.gram.gram` in place of the kernel.  ``proved`` is True and ``error_bound``
        holds for the polynomial in exact arithmetic, for inputs of all norms; ``rounding_bound`` says what float64
        adds.

    Raises
    ------
    InvalidInput
        If the kernel is not univariate.
    NoClosedForm
        If the weight variance is too close to the limit of contraction for a polynomial of moderate degree.
    NotCertified
        If the bound that could be proved is above 2e-15.

    Notes
    -----
    The bound is proved with Taylor models in the angle of the solution, in which everything is explicit; see
    ``dekderive.certificates.univariate``.  It takes some tenths of a second.

    References
    ----------
    Z. Feng and J. Z. Kolter, "On the neural tangent kernel of equilibrium models", 2021, Theorem 2.

    Examples
    --------
    >>> from dekderive.kernels import deq_ntk_relu
    >>> record = compile_univariate(deq_ntk_relu, weight_variance=0.5, input_variance=0.5)
    >>> record.proved, record.error_bound < 1e-15
    (True, True)
    """
    chosen: Kernel = kernel if isinstance(kernel, Kernel) else compile_kernel(kernel)
    unknown = sorted(set(parameters) - set(chosen.parameter_names))
    if unknown:
        raise InvalidInput(
            f"{chosen.name} has no parameter {unknown[0]!r}; it takes {', '.join(chosen.parameter_names)}"
        )
    known = {p.name: float(parameters.get(p.name, p.default)) for p in chosen.parameters}
    key = (chosen.name, chosen.spec, *known.items())
    file = None if cache is None else Path(cache) / f"{chosen.name}-{_digest(key)}.json"
    if key not in _proved:
        found = _read(file, key) if file is not None and file.exists() else None
        _proved[key] = found or _proof(chosen, known)
    if file is not None and not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_as_json(_proved[key]), encoding="utf-8")
    return _proved[key]


def _proof(kernel: Kernel, parameters: dict[str, float]) -> UnivariateKernel:
    record = refined(build(kernel, **parameters), kernel)
    bound = error_bound(record, kernel)
    if not bound <= TARGET:
        raise NotCertified(f"{kernel.name}: the proved bound {bound:.2g} at {parameters} is above {TARGET:g}")
    return dataclasses.replace(record, error_bound=bound, proved=True)


def _digest(key: tuple[Any, ...]) -> str:
    return hashlib.sha256(repr(key).encode()).hexdigest()[:16]


def _fields(record: UnivariateKernel) -> dict[str, Any]:
    """The fields of a record, with floats that read back to the last bit."""
    fields = {f.name: getattr(record, f.name) for f in dataclasses.fields(record)}
    fields["chart"] = record.chart.name
    return fields


def _as_json(record: UnivariateKernel) -> str:
    body = json.dumps(_fields(record), indent=1)
    return (
        json.dumps({"record": json.loads(body), "sha256": hashlib.sha256(body.encode()).hexdigest()}, indent=1) + "\n"
    )


def _read(file: Path, key: tuple[Any, ...]) -> UnivariateKernel | None:
    """A record from its file; None where the file was changed, or is of something else."""
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
        fields = stored["record"]
        if hashlib.sha256(json.dumps(fields, indent=1).encode()).hexdigest() != stored["sha256"]:
            return None
        fields["chart"] = UnivariateChart[fields["chart"]]
        fields["parameters"] = tuple((name, value) for name, value in fields["parameters"])
        fields["coefficients"] = tuple(fields["coefficients"])
        record = UnivariateKernel(**fields)
    except (ValueError, KeyError, TypeError):
        return None
    return record if (record.name, record.spec, *record.parameters) == key and record.proved else None


def emit_univariate(kernel: Kernel | UpdateMap | Derivation, *, header: str | None = None, **parameters: float) -> str:
    """Return the source of a module with the compiled kernel that needs NumPy alone.

    The module defines ``relative_gap(gap)``, ``kernel(X, Y=None)`` and ``self_check()``, which compares with values
    from arithmetic of 160 bits.

    Parameters
    ----------
    kernel, **parameters
        As for :func:`compile_univariate`, which also lists what is raised.
    header : str, optional
        First line of the module, a comment that says where it comes from.

    Returns
    -------
    str

    Examples
    --------
    >>> from dekderive.kernels import deq_ntk_relu
    >>> text = emit_univariate(deq_ntk_relu, weight_variance=0.5, input_variance=0.5)
    >>> names = {}
    >>> exec(text, names)
    >>> names["self_check"]() < 1e-14
    True
    """
    chosen: Kernel = kernel if isinstance(kernel, Kernel) else compile_kernel(kernel)
    record = compile_univariate(chosen, cache=None, **parameters)
    first = header or f"# Generated by dekderive from {record.name}, spec {record.spec}."
    golden = zip(_GOLDEN, exact_values(record, chosen, _GOLDEN), strict=True)
    settings = ", ".join(f"{name} = {value!r}" for name, value in record.parameters)
    values = {
        "header": first,
        "summary": chosen.summary[0].upper() + chosen.summary[1:],
        "settings": settings,
        "bound": f"{record.error_bound:.3g}",
        "rounding": f"{record.rounding_bound:.3g}",
        "weight": repr(record.input_variance),
        "bias": repr(record.bias_variance),
        "scale": repr(record.scale),
        "constant": repr(record.constant),
        "root": repr(math.sqrt(record.constant)),
        "slope": repr(record.slope),
        "offset": repr(record.offset),
        "coefficients": "".join(f"    {c!r},\n" for c in record.coefficients),
        "golden": "".join(f"    ({gap!r}, {value!r}),\n" for gap, value in golden),
        "chart": _CHARTS[record.chart],
    }
    text = _MODULE
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


_CHARTS = {
    UnivariateChart.ROOT: "    v, factor = t, t\n",
    UnivariateChart.SHIFTED_ROOT: ("    v = np.sqrt(t + CONSTANT)\n    factor = t / (v * (v + ROOT))\n"),
    UnivariateChart.HALF_ANGLE: ("    v = t / (ROOT + np.sqrt(np.maximum(CONSTANT - t * t, 0.0)))\n    factor = t\n"),
}

_MODULE = '''@header@
"""@summary@.

With @settings@: one polynomial in a coordinate of the angle between the augmented inputs, for inputs of all norms.
Its error, relative to sqrt(k(x, x) k(y, y)), is at most @bound@ in exact arithmetic (proved), and float64 adds at most
@rounding@ for an exact angle.
"""

import numpy as np

INPUT_VARIANCE, BIAS_VARIANCE, SCALE = @weight@, @bias@, @scale@
CONSTANT, ROOT = @constant@, @root@
SLOPE, OFFSET = @slope@, @offset@
COEFFICIENTS = (
@coefficients@)
# Gaps 1 - cos, and k(x, y) / sqrt(k(x, x) k(y, y)) there.
GOLDEN = (
@golden@)


def relative_gap(gap):
    """Return 1 - k(x, y) / sqrt(k(x, x) k(y, y)) for the gap 1 - cos of augmented inputs."""
    t = np.sqrt(np.clip(np.asarray(gap, dtype=np.float64), 0.0, 2.0))
@chart@    x = SLOPE * v + OFFSET
    value = np.zeros_like(x)
    for c in reversed(COEFFICIENTS):
        value = value * x + c
    return value * factor


def kernel(X, Y=None):
    """Return the kernel between the rows of X and those of Y; without Y the diagonal is exact."""
    left = _augmented(X)
    right = left if Y is None else _augmented(Y)
    (u, p), (v, q) = _unit(left), _unit(right)
    gaps = np.maximum(np.einsum("ij,ij->i", u, u)[:, None] / 2 + np.einsum("ij,ij->i", v, v) / 2 - u @ v.T, 0.0)
    for i, j in zip(*np.nonzero(gaps < 1e-3)):  # products have lost their digits; differences have not
        gaps[i, j] = np.sum((u[i] - v[j]) ** 2) / 2
    K = SCALE * p[:, None] * q * (1.0 - relative_gap(gaps))
    if Y is None:
        K = np.tril(K, -1)
        K = K + K.T + np.diag(SCALE * np.einsum("ij,ij->i", left, left))
    return K


def self_check():
    """Return the largest difference from the golden values."""
    gaps, values = np.array(GOLDEN).T
    return float(np.abs(1.0 - relative_gap(gaps) - values).max())


def _augmented(X):
    rows = np.sqrt(INPUT_VARIANCE) * np.asarray(X, dtype=np.float64)
    return np.hstack([rows, np.full((len(rows), 1), np.sqrt(BIAS_VARIANCE))])


def _unit(rows):
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return rows / np.where(lengths > 0, lengths, 1.0)[:, None], lengths
'''
