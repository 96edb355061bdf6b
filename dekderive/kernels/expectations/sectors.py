"""``E[f(u) g(v)]`` by two-dimensional quadrature, where the Hermite series of kinked functions converges too slowly.

In polar coordinates of the whitened plane the lines u = 0 and v = 0 are rays.  They cut the plane into two pairs of
opposite sectors, of openings pi - theta and theta for correlation cos(theta), and inside each of them the integrand is
smooth.  An opening may be small or 0: correlations of +-1 are no special case.
"""

from __future__ import annotations

import math

import numpy as np

from dekderive.errors import NotConverged
from dekderive.kernels.elementwise import Array
from dekderive.kernels.expectations.panels import Grid, Integrand, describe, evaluate, grid, level_of

__all__ = ["sector_dual"]

_TOLERANCE = 1e-13  # aimed at; ...
_ACCEPTED = 1e-11  # ... and what is still an answer when the panels are at their finest
_MAX_REFINEMENT = 3
_MAX_LEVEL = 40  # variances above 2^80 would take millions of nodes for every pair
_POINTS = 1 << 20  # nodes at a time: bounds the memory
_REACHES = (10.0, 14.0, 20.0, 28.0, 38.0)
_ANGULAR = 5  # the first angular panel is 2^-5 of pi where the first radial one is 1
_COARSE, _FINE = 12, 16  # nodes per panel; their difference is the error estimate


def sector_dual(f: Integrand, g: Integrand, a: Array, b: Array, angle: Array, scale: Array) -> tuple[Array, Array]:
    """Return ``E[f(u) g(v)]`` and an error estimate, for pairs of variances a, b and angles ``arccos(correlation)``.

    Parameters
    ----------
    f, g : callable
        Elementwise, smooth on either side of 0.
    a, b, angle : ndarray, one-dimensional
    scale : ndarray
        ``sqrt(E f^2 E g^2)``, what errors are relative to.

    Raises
    ------
    NotConverged
        If the estimate stays above 1e-11 of `scale` on the finest panels.

    Examples
    --------
    >>> step = lambda z: np.heaviside(z, 0.5)
    >>> value, _ = sector_dual(step, step, *np.array([[1.0], [4.0], [np.pi / 3], [0.5]]))
    >>> value
    array([0.33333333])
    """
    value, error = np.full(a.shape, np.nan), np.full(a.shape, np.inf)
    # Pairs of like size share their panels.
    levels = np.array([level_of(float(x)) for x in np.maximum(a, b)], dtype=int)
    for level in np.unique(levels):
        todo = np.flatnonzero((levels == level) & np.isfinite(scale))
        if todo.size and level > _MAX_LEVEL:
            raise NotConverged(_complaint(f, g, a[todo[0]], b[todo[0]], angle[todo[0]], np.inf))
        reach = refinement = 0
        while todo.size:
            value[todo], error[todo], end = _at_level(f, g, a[todo], b[todo], angle[todo], (level, refinement, reach))
            endless = ~(end <= 1e-16 * scale[todo])
            open_ = endless | ~(error[todo] <= _TOLERANCE * scale[todo])
            longer = bool(endless.any()) and reach + 1 < len(_REACHES)
            todo = todo[open_]
            reach, refinement = reach + longer, refinement + (not longer)
            if refinement > _MAX_REFINEMENT:
                todo = todo[endless[open_] | ~(error[todo] <= _ACCEPTED * scale[todo])]
                if todo.size:
                    raise NotConverged(_complaint(f, g, a[todo[0]], b[todo[0]], angle[todo[0]], error[todo[0]]))
    return value, error + 16 * np.finfo(float).eps * scale


def _complaint(f: Integrand, g: Integrand, a: float, b: float, angle: float, error: float) -> str:
    return (
        f"E[f(u) g(v)] with f = {describe(f)}, g = {describe(g)}, variances {a:g} and {b:g}, angle {angle:g} is known "
        f"to {error:.1e} only; f and g must be smooth except at 0, not oscillate on a scale far below the standard "
        "deviation, and grow slower than the normal density falls"
    )


def _at_level(
    f: Integrand, g: Integrand, a: Array, b: Array, angle: Array, panels: tuple[int, int, int]
) -> tuple[Array, Array, Array]:
    """Values, error estimates, and what the integrand still is at the largest radius."""
    level, refinement, reach = panels
    radial = [grid(level, refinement, _REACHES[reach], 1.5, nodes) for nodes in (_COARSE, _FINE)]
    widest = _both_ends(level + _ANGULAR, refinement, _FINE)[0].size
    block = max(1, _POINTS // (radial[1].z.size * widest))
    value, error, end = np.empty(a.shape), np.empty(a.shape), np.empty(a.shape)
    for begin in range(0, a.size, block):
        part = slice(begin, begin + block)
        sa, sb, theta = (c[part, None, None] for c in (np.sqrt(a), np.sqrt(b), angle))
        coarse, _ = _plane(f, g, sa, sb, theta, radial[0], (level, refinement, _COARSE))
        value[part], end[part] = _plane(f, g, sa, sb, theta, radial[1], (level, refinement, _FINE))
        error[part] = np.abs(value[part] - coarse)
    return value, error, end


def _both_ends(level: int, refinement: int, nodes: int) -> tuple[Array, Array]:
    """Nodes and weights on [0, 1], in panels that shrink towards both ends."""
    half: Grid = grid(max(level, 0), refinement, 0.5, 0.25, nodes)
    return np.concatenate([half.z, (1.0 - half.z)[::-1]]), np.concatenate([half.weights, half.weights[::-1]])


def _plane(
    f: Integrand, g: Integrand, sa: Array, sb: Array, angle: Array, radial: Grid, panels: tuple[int, int, int]
) -> tuple[Array, Array]:
    """The integral over all four sectors, for standard deviations and angles of shape (pairs, 1, 1)."""
    level, refinement, nodes = panels
    radius = radial.z[:, None]
    mass = radial.weights * radial.z * np.exp(-0.5 * radial.z**2) / (2 * math.pi)
    total, end = np.zeros(angle.shape[0]), np.zeros(angle.shape[0])
    for opening, sign in ((math.pi - angle, 1.0), (angle, -1.0)):
        # In this sector and its opposite one, with the sign of u v: |u| and |v| vanish on one bounding ray each.
        # Across a narrow sector they change little, and a few panels do.
        narrow = math.ceil(math.log2(max(float(np.max(opening)), 1e-9) / math.pi))
        t, weights = _both_ends(level + _ANGULAR + narrow, refinement, nodes)
        u = sa * radius * np.sin(opening * t)
        v = sb * radius * np.sin(opening * t[::-1])
        with np.errstate(all="ignore"):
            both = evaluate(f, u) * evaluate(g, sign * v) + evaluate(f, -u) * evaluate(g, -sign * v)
            total += opening[:, 0, 0] * ((both @ weights) @ mass)
            end += opening[:, 0, 0] * (np.abs(both[:, -1]) @ weights) * mass[-1]
    return total, end
