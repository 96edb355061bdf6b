"""``E[f(u) g(v)]`` by two nested quadratures, for functions with knots away from 0 where the series is too slow.

With v = sqrt(b) (r z + q w), u = sqrt(a) z, r = cos(angle), q = sin(angle), the inner average over w smooths g on the
scale q of r z.  The outer panels are therefore broken at the knots of f, and graded down to the scale q towards the
places that r z takes to the knots of g; at q = 0 they are broken there.
"""

from __future__ import annotations

import math

import numpy as np

from dekderive.errors import NotConverged
from dekderive.kernels.elementwise import Array
from dekderive.kernels.expectations.functions import knots_of
from dekderive.kernels.expectations.graded import averages, breaks, farther
from dekderive.kernels.expectations.panels import Integrand, describe, evaluate, rule

__all__ = ["conditional_dual"]

_TOLERANCE = 1e-13  # aimed at; ...
_ACCEPTED = 1e-11  # ... and what is still an answer when the panels are at their finest
_MAX_REFINEMENT = 3
_REACHES = (10.0, 14.0, 20.0, 28.0, 38.0)
_COARSE, _FINE = 12, 16  # nodes per panel; their difference is the error estimate
_SCALE = 2.0
_UNDERFLOW = 1e-300  # of functions that vanish up to a knot so far out that the normal density is no number


def conditional_dual(f: Integrand, g: Integrand, a: Array, b: Array, angle: Array, scale: Array) -> tuple[Array, Array]:
    """Return ``E[f(u) g(v)]`` and an error estimate, for pairs of variances a, b and angles ``arccos(correlation)``.

    Parameters
    ----------
    f, g : callable
        Elementwise, smooth between their knots.
    a, b, angle : ndarray, one-dimensional
    scale : ndarray
        ``sqrt(E f^2 E g^2)``, what errors are relative to.

    Raises
    ------
    NotConverged
        If the estimate stays above 1e-11 of `scale` on the finest panels.

    Examples
    --------
    >>> from dekderive.kernels.expectations.functions import Described
    >>> late = Described(lambda z: np.heaviside(z - 1.0, 0.5), knots=(1.0,))
    >>> value, _ = conditional_dual(late, late, *np.array([[1.0], [1.0], [0.0], [0.2]]))
    >>> round(value.item(), 12)  # 1 - Phi(1)
    0.158655253931
    """
    value, error = np.full(a.shape, np.nan), np.full(a.shape, np.inf)
    for i in np.flatnonzero(np.isfinite(scale)):
        value[i], error[i] = _entry(f, g, float(a[i]), float(b[i]), float(angle[i]), float(scale[i]))
    return value, error + 16 * np.finfo(float).eps * scale + _UNDERFLOW


def _entry(f: Integrand, g: Integrand, a: float, b: float, angle: float, scale: float) -> tuple[float, float]:
    reach = refinement = 0
    while True:
        panels = refinement, _REACHES[reach]
        coarse, _ = _plane(f, g, (a, b, angle), *panels, _COARSE)
        value, end = _plane(f, g, (a, b, angle), *panels, _FINE)
        error = abs(value - coarse)
        if not end <= 1e-16 * scale and reach + 1 < len(_REACHES):
            reach += 1
        elif error <= _TOLERANCE * scale and end <= 1e-16 * scale:
            return value, error
        elif refinement < _MAX_REFINEMENT and end <= 1e-16 * scale:
            refinement += 1
        elif error <= _ACCEPTED * scale and end <= 1e-16 * scale:
            return value, error
        else:
            raise NotConverged(
                f"E[f(u) g(v)] with f = {describe(f)}, g = {describe(g)}, variances {a:g} and {b:g}, angle {angle:g} "
                f"is known to {error:.1e} only; f and g must be smooth between their knots, not oscillate on a scale "
                "far below the standard deviation, and grow slower than the normal density falls"
            )


def _plane(
    f: Integrand, g: Integrand, covariance: tuple[float, float, float], refinement: int, reach: float, nodes: int
) -> tuple[float, float]:
    """The integral over the plane, and what the integrand still is at both ends of the outer axis."""
    a, b, angle = covariance
    sa, sb, r, q = math.sqrt(a), math.sqrt(b), math.cos(angle), math.sin(angle)
    q = q if q > 1e-17 else 0.0
    reach = max(farther(reach, f, sa), farther(reach, g, sb))
    ends = _outer(knots_of(f), knots_of(g), (sa, sb, r, q), 2.0**-refinement, reach)
    x, weights = rule(nodes)
    width = np.diff(ends)
    z = (ends[:-1, None] + width[:, None] * x).ravel()
    mass = (width[:, None] * weights).ravel() * np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    with np.errstate(all="ignore"):
        inner = averages(g, sb * r * z, np.full(z.shape, sb * q), refinement, reach, nodes)
        values = evaluate(f, sa * z) * inner
        return float(values @ mass), float(np.max(np.abs(values[[0, -1]] * mass[[0, -1]])))


def _outer(
    left: tuple[float, ...],
    right: tuple[float, ...],
    entry: tuple[float, float, float, float],
    part: float,
    reach: float,
) -> Array:
    """Ends of the outer panels in z."""
    sa, sb, r, q = entry
    points: list[float] = []
    finest: list[float] = []
    for knot in {0.0, *left}:
        if sa and abs(knot) <= 2 * reach * sa:
            points.append(knot / sa)
            finest.append(part * _SCALE / sa)
    for knot in {0.0, *right}:
        if sb and r and abs(knot) <= 2 * reach * sb * abs(r):
            points.append(knot / sb / r)
            turns = _SCALE / sb
            finest.append(part * (q if knot in right and 0 < q < turns else max(q, turns)) / abs(r))
    order = np.argsort(points)
    return breaks(np.array(points)[order], np.array(finest)[order], -reach, reach, 1.5 * part)
