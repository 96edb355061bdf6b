r"""Duals of functions of logistic type as sums of closed forms, for variances of any size.

By Stefanski's identity the logistic function is a mixture of normal distribution functions,
:math:`\operatorname{expit}(x) = \sum_j w_j \Phi(x / s_j)` up to an error that is proved uniformly in x (see
``dekderive.certificates.logistic``), and :math:`\Phi(x / s) = \mathbb E_\xi H(x + s \xi)` is a step that is smoothed by
independent noise.  So are softplus a smoothed rectifier, and expit' a smoothed delta function, and the expectation of a
product of two such functions is that of the sharp ones at the variances a + s^2, b + t^2 and the same covariance c.
What remains is a double sum over closed forms, with an error that depends on neither variances nor correlation.

Sources: Stefanski (1991) for the mixture, Cho and Saul (2009) for the closed forms.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dekderive.errors import NoClosedForm
from dekderive.kernels.discriminants import rootgap
from dekderive.kernels.elementwise import Array
from dekderive.kernels.expectations.logistic_nodes import ERRORS, NODES

__all__ = ["BASES", "Term", "derivative_terms", "mixture_dual", "mixture_of", "sup_error"]

Term = tuple[str, float, float]  # a base function, a rate and a coefficient: coefficient * base(rate x)

# Each base is a sum of c s^m D_n(x; s), with D_1 = relu, D_0 the step, D_-1 the delta function and D_-2 its derivative,
# all smoothed on the scale s: (n, m, c).  From x Phi(x/s) = D_1 - s^2 D_-1 come silu and its derivatives.
BASES: dict[str, tuple[tuple[int, int, float], ...]] = {
    "softplus": ((1, 0, 1.0),),
    "expit": ((0, 0, 1.0),),
    "expit_slope": ((-1, 0, 1.0),),
    "expit_curvature": ((-2, 0, 1.0),),
    "silu": ((1, 0, 1.0), (-1, 2, -1.0)),
    "silu_slope": ((0, 0, 1.0), (-2, 2, -1.0)),
    "silu_curvature": ((-1, 0, 1.0), (-3, 2, -1.0)),
}
_DERIVATIVE = {
    "linear": "constant",
    "softplus": "expit",
    "expit": "expit_slope",
    "expit_slope": "expit_curvature",
    "silu": "silu_slope",
    "silu_slope": "silu_curvature",
}
_ENTRIES_TIMES_PAIRS = 1 << 17
_ROOT_TWO_PI = math.sqrt(2 * math.pi)


def derivative_terms(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """Return the terms of the derivative; none if one of them has no derivative in `BASES`.

    Examples
    --------
    >>> derivative_terms((("expit", 2.0, 2.0), ("constant", 0.0, -1.0)))  # tanh
    (('expit_slope', 2.0, 4.0),)
    """
    found = [(_DERIVATIVE.get(name), rate, c * rate) for name, rate, c in terms if name != "constant"]
    return tuple((name, rate, c) for name, rate, c in found if name) if all(n for n, _, _ in found) else ()


def mixture_of(f: Callable[[Array], Any]) -> tuple[Term, ...]:
    """Return the terms of a function that names them; none otherwise.

    Examples
    --------
    >>> mixture_of(np.tanh)
    ()
    """
    return getattr(f, "mixture", ())


@dataclass(frozen=True, eq=False)
class _Smoothed:
    """Smoothed sharp functions of one order n: their scales and weights."""

    order: int
    scales: Array
    weights: Array


@dataclass(frozen=True, eq=False)
class _Expansion:
    """A function as constant + slope x + smoothed functions, and a bound of what that misses, uniformly in x."""

    constant: float
    slope: float
    smoothed: tuple[_Smoothed, ...]
    error: float


@functools.lru_cache(maxsize=64)
def _expanded(terms: tuple[Term, ...]) -> _Expansion:
    constant = slope = error = 0.0
    found: dict[tuple[int, float], Array] = {}
    s, w = np.array(NODES).T
    for name, rate, c in terms:
        if name == "constant":
            constant += c
        elif name == "linear":
            slope += c * rate
        else:
            error += abs(c) * ERRORS[name]
            for order, power, factor in BASES[name]:
                weights = c * factor * w * s**power * rate**order  # D_n(rate x; s) = rate^n D_n(x; s / rate)
                key = order, rate
                found[key] = found[key] + weights if key in found else weights
    smoothed = tuple(_Smoothed(order, s / rate, weights) for (order, rate), weights in found.items())
    return _Expansion(constant, slope, smoothed, error)


def mixture_dual(f: tuple[Term, ...], g: tuple[Term, ...], a: Array, b: Array, c: Array) -> tuple[Array, Array]:
    """Return ``E[f(u) g(v)]``, and the sum of the sizes of what was added up, which rounding errors are relative to.

    Parameters
    ----------
    f, g : tuple of (str, float, float)
        Terms: the name of a base (or ``"constant"``, ``"linear"``), its rate and its coefficient.
    a, b, c : ndarray, one-dimensional
        A covariance.

    Returns
    -------
    value, size : ndarray
        With the errors of `sup_error`, the value is off by at most ``error_f sqrt(E g^2) + error_g (sqrt(E f^2) +
        error_f)`` plus rounding.

    Examples
    --------
    >>> tanh = (("expit", 2.0, 2.0), ("constant", 0.0, -1.0))
    >>> value, _ = mixture_dual(tanh, tanh, *np.array([[1e12], [1e12], [0.5e12]]))
    >>> round(value.item(), 5)  # 2 arcsin(1/2) / pi, for large variances
    0.33333
    """
    value, size = np.empty(a.shape), np.empty(a.shape)
    block = max(1, _ENTRIES_TIMES_PAIRS // len(NODES) ** 2)
    with np.errstate(all="ignore"):
        for begin in range(0, a.size, block):
            part = slice(begin, begin + block)
            terms = _terms(_expanded(f), _expanded(g), a[part], b[part], c[part])
            value[part], size[part] = sum(terms), sum(np.abs(t) for t in terms)
            size[part] += _growth(_expanded(f), a[part]) * _growth(_expanded(g), b[part])
    return value, size


def sup_error(terms: tuple[Term, ...]) -> float:
    """Return a proved bound, over all real x, of the difference between a function and its mixture.

    Examples
    --------
    >>> sup_error((("expit", 2.0, 2.0), ("constant", 0.0, -1.0))) < 1e-16
    True
    """
    return _expanded(terms).error


def _terms(f: _Expansion, g: _Expansion, a: Array, b: Array, c: Array) -> list[Array]:
    gap = rootgap(a, b, c) ** 2
    return [
        np.full(a.shape, f.constant * g.constant),
        f.slope * g.slope * c,
        *(_with_polynomial(one, a, c, g) for one in f.smoothed),
        *(_with_polynomial(other, b, c, f) for other in g.smoothed),
        *(_pair(one, other, a, b, c, gap) for one in f.smoothed for other in g.smoothed),
    ]


def _growth(f: _Expansion, a: Array) -> Array:
    """Root mean square of the rectifiers alone: two of them may cancel inside one closed form."""
    rectifiers = (np.sqrt(a[:, None] + one.scales**2) @ np.abs(one.weights) for one in f.smoothed if one.order == 1)
    return sum(rectifiers, np.zeros(a.shape))


def _with_polynomial(one: _Smoothed, a: Array, c: Array, polynomial: _Expansion) -> Array:
    """``E[(constant + slope v) D_n(u)]``; by Stein's identity ``E[v D_n(u)] = c E[D_(n-1)(u)]``."""
    variance = a[:, None] + one.scales**2
    terms = polynomial.constant * _mean(one.order, variance)
    if polynomial.slope:
        terms = terms + polynomial.slope * c[:, None] * _mean(one.order - 1, variance)
    result: Array = np.broadcast_to(terms, variance.shape) @ one.weights
    return result


def _mean(order: int, variance: Array) -> Array | float:
    """``E[D_n(u)]``."""
    if order == 1:
        return np.sqrt(variance) / _ROOT_TWO_PI
    if order == 0:
        return 0.5
    if order == -1:
        return 1.0 / (_ROOT_TWO_PI * np.sqrt(variance))
    return -1.0 / (_ROOT_TWO_PI * variance * np.sqrt(variance)) if order == -3 else 0.0


def _pair(one: _Smoothed, other: _Smoothed, a: Array, b: Array, c: Array, gap: Array) -> Array:
    """``E[D_m(u) D_n(v)]`` for all pairs of nodes, summed with their weights."""
    if one.order < other.order:
        return _pair(other, one, b, a, c, gap)
    ss, tt = one.scales**2, other.scales**2
    x, y = (a[:, None] + ss)[:, :, None], (b[:, None] + tt)[:, None, :]
    # The determinant x y - c^2 as a sum of non-negative terms: nothing cancels.
    noise = a[:, None, None] * tt + b[:, None, None] * ss[:, None] + ss[:, None] * tt
    root = np.sqrt(gap[:, None, None] + noise)
    values = _closed(one.order, other.order, x, y, c[:, None, None], root)
    return np.broadcast_to(values, root.shape) @ other.weights @ one.weights


def _closed(m: int, n: int, x: Array, y: Array, c: Array, root: Array) -> Array:
    """``E[D_m(u) D_n(v)]``, m >= n, for variances x, y, covariance c and ``root = sqrt(x y - c^2)``.

    From relu-relu, step-step and relu-step by Price's theorem, E[D_(m-1) D_(n-1)] = d/dc E[D_m D_n], and by the heat
    equation, E[D_m D_(n-2)] = 2 d/dy E[D_m D_n].
    """
    if m == n == 1:
        return (root + c * np.arctan2(root, -c)) / (2 * math.pi)
    if m == n == 0:
        return np.arctan2(root, -c) / (2 * math.pi)
    if m == n == -1:
        return 1.0 / (2 * math.pi * root)
    if m == n == -2:
        return c / (2 * math.pi * root**3)
    if m == n == -3:
        return (1.0 + 3.0 * (c / root) ** 2) / (2 * math.pi * root**3)
    if (m, n) == (1, -1):
        return root / (2 * math.pi * y)
    if (m, n) == (0, -2):
        return -c / (2 * math.pi * y * root)
    if (m, n) == (-1, -3):
        return -x / (2 * math.pi * root**3)
    if (m, n) == (1, -3):
        return (x / root - 2.0 * root / y) / (2 * math.pi * y)
    if (m, n) == (1, 0):
        return (np.sqrt(x) + c / np.sqrt(y)) / (2 * _ROOT_TWO_PI)
    if (m, n) == (0, -1):
        return 1.0 / (2 * _ROOT_TWO_PI * np.sqrt(y)) + 0.0 * x
    if (m, n) == (1, -2):
        return -c / (2 * _ROOT_TWO_PI * y * np.sqrt(y))
    if (m, n) == (0, -3):
        return -1.0 / (2 * _ROOT_TWO_PI * y * np.sqrt(y))
    if (m - n) % 2 and n < 0:
        return np.zeros_like(root)  # an odd derivative of an even density, at 0
    raise NoClosedForm(f"no closed form is listed for the orders {m} and {n}")
