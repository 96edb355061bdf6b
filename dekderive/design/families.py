r"""The rules by which networks are designed, one for each family: closed forms, or the root of one equation.

``a1, a2, a3`` and the diagonal are those of the conjugate or of a tangent kernel, in the notation of
:mod:`dekderive.design.target`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from scipy import optimize

from dekderive.design.network import ExplicitNetwork
from dekderive.design.target import Target
from dekderive.design.units import Unit, hard_tanh, hermite, leaky_relu

__all__ = ["FAMILIES", "hermite_series"]

_SHARE = 1.0 - 2.0 / math.pi  # of the variance of |u| in E u^2
_SCAN = 720


def hermite_series(
    target: Target, coefficients: tuple[float, ...], family: str, shifted: bool = True
) -> ExplicitNetwork:
    r"""One hidden polynomial layer; the norm feature makes up for what the quadratic term says about norms.

    A unit :math:`c_2 \mathrm{He}_2(x/\tau_0)/\sqrt 2` has :math:`\mathbb E\sigma(u) = c_2 \chi/(\sqrt 2 \tau_0^2)` for
    inputs of squared norm :math:`\tau_0^2 + \chi`; with the norm feature that mean is to be
    :math:`\pm\sqrt{a_2}\,\chi`.

    Examples
    --------
    >>> target = Target("ck", 1.0, (0.5, 0.25, 0.5, 1.0), (1, 1, 0), 1.0)
    >>> hermite_series(target, (math.sqrt(0.5), math.sqrt(0.5)), "hermite").norm_shift  # 1/2 - 1/2
    0.0
    """
    unit = hermite(coefficients, target.tau0)
    here = 0.5 * unit.moments["m2"]
    shift = 0.0
    if shifted:
        wanted = math.copysign(math.sqrt(max(target.scalars[1], 0.0)), here if here else 1.0)
        shift = wanted - here
        shift = 0.0 if abs(shift) <= 4e-16 * abs(wanted) else shift
    return ExplicitNetwork(family, (unit,), shift, 1.0, target)


def _weights(target: Target, multiplier: float = 1.0) -> Callable[[int], float]:
    """How often a squared coefficient of degree k counts on the sphere: once, and eta k times in a tangent kernel."""
    return lambda k: 1.0 if target.kind == "ck" else 1.0 + multiplier * k


def _squares(target: Target, multiplier: float = 1.0) -> tuple[float, float, float]:
    """The squares of the first two coefficients, and what is left for the others, still with its weight."""
    weight, square = _weights(target, multiplier), target.tau0**2
    linear, _, quadratic, _ = target.scalars
    return linear * square / weight(1), quadratic * square**2 / weight(2), max(target.remainder, 0.0)


def _diagonal_slope(target: Target, c: tuple[float, ...], shift: float = 0.0, multiplier: float = 1.0) -> float:
    """Derivative of the network's kernel at x = x' in the squared norm of x, at tau0."""
    m = hermite(c, target.tau0).moments
    if target.kind == "ck":
        return m["second_slope"]
    slopes = tuple(math.sqrt(k) * v / target.tau0 for k, v in enumerate(c, start=1))
    # The constant term of sigma' takes part: d/ds of D_0^2 at s = 1 is sqrt 2 times the product of terms 0 and 2.
    change = hermite(slopes[1:], target.tau0).moments["second_slope"] if len(slopes) > 1 else 0.0
    if len(slopes) > 2:
        change += math.sqrt(2.0) * slopes[0] * slopes[2] / target.tau0**2
    return m["second_slope"] + multiplier * (m["slope_second"] + target.tau0**2 * change)


def _sign(target: Target, k: int, others: Callable[[int], tuple[float, ...]]) -> int:
    """The sign of the k-th coefficient of the activation, or the one that brings the slope of the diagonal nearer."""
    if target.signs[k - 1]:
        return target.signs[k - 1]
    return min((1, -1), key=lambda s: abs(_diagonal_slope(target, others(s)) - target.slope))


def _leading(target: Target, multiplier: float = 1.0) -> tuple[float, float, float]:
    """The first two coefficients with their signs, and the remainder."""
    first, second, rest = _squares(target, multiplier)
    one = (target.signs[0] or 1) * math.sqrt(max(first, 0.0))
    size = math.sqrt(max(second, 0.0))
    return one, _sign(target, 2, lambda s: (one, s * size)) * size, rest


def _cubic(target: Target) -> ExplicitNetwork:
    """Linear, quadratic and cubic term in closed form: exact for every equilibrium model."""
    one, two, rest = _leading(target)
    three = math.sqrt(rest / _weights(target)(3))
    sign = _sign(target, 3, lambda s: (one, two, s * three))
    return hermite_series(target, (one, two, sign * three), "hermite")


def _slope_matched(target: Target) -> ExplicitNetwork:
    """The remainder is split over degrees 3 and 4 (5, if odd), so that the diagonal has the slope of the model's too.

    The split is an angle; of the solutions the one closest to the signed cubic is taken, and where there is none, the
    angle that brings the slope nearest.
    """
    one, two, rest = _leading(target)
    last = 5 if target.odd else 4
    weight = _weights(target)
    third, other = math.sqrt(rest / weight(3)), math.sqrt(rest / weight(last))

    def coefficients(angle: float) -> tuple[float, ...]:
        return (one, two, third * math.cos(angle), *(0.0,) * (last - 4), other * math.sin(angle))

    def missing(angle: float) -> float:
        return _diagonal_slope(target, coefficients(angle)) - target.slope

    sign = _sign(target, 3, lambda s: (one, two, s * third))
    start = 0.0 if sign > 0 else math.pi
    grid = start + np.linspace(-math.pi, math.pi, _SCAN + 1)
    values = np.array([missing(t) for t in grid])
    found = [
        optimize.brentq(missing, grid[i], grid[i + 1], xtol=1e-15, rtol=8.9e-16)
        for i in np.flatnonzero(values[:-1] * values[1:] <= 0)
    ]
    angle = min(found, key=lambda t: abs(t - start)) if found else float(grid[np.argmin(np.abs(values))])
    return hermite_series(target, coefficients(angle), "hermite_slope")


def _rate(target: Target) -> ExplicitNetwork:
    r"""No norm feature: the learning rate of the hidden weights, :math:`\eta = (b_3/(2 b_2) - 1)/2`, does its work."""
    _, norm, quadratic, _ = target.scalars
    ratio = quadratic / (2 * norm) if norm > 0 and not target.odd else math.nan
    eta = 1.0 if math.isnan(ratio) else max(0.5 * (ratio - 1.0), 0.0)
    one, two, rest = _leading(target, eta)
    three = math.sqrt(rest / _weights(target, eta)(3))

    def with_sign(sign: int) -> tuple[float, ...]:
        return one, two, sign * three

    sign = target.signs[2] or min(
        (1, -1), key=lambda s: abs(_diagonal_slope(target, with_sign(s), 0.0, eta) - target.slope)
    )
    return ExplicitNetwork("hermite_rate", (hermite(with_sign(sign), target.tau0),), 0.0, eta, target)


def _two_polynomials(target: Target) -> ExplicitNetwork:
    r"""Two hidden polynomial layers without norm feature; the first one stretches norms by :math:`r = \sqrt{2a_2/a_3}`.

    :math:`\sigma_1 = x + b (x^3/\tau_0^2 - 3x)` has :math:`g_1 = 1`, :math:`\tau_1^2 = \tau_0^2(1 + 6b^2)` and slope
    :math:`F' = 1 + 6b + 18b^2 = r` of its second moment.
    """
    linear, norm, quadratic, diagonal = target.scalars
    ratio = 1.0 if target.odd else math.sqrt(2 * norm / quadratic)
    tilt = (-1.0 + math.sqrt(max(2 * ratio - 1.0, 0.0))) / 6
    first = hermite((target.tau0, 0.0, math.sqrt(6.0) * tilt * target.tau0), target.tau0)
    square = first.moments["second"]
    rest = max(math.fsum((diagonal, -linear * square, -quadratic * square**2)), 0.0)
    signs = tuple(s or 1 for s in target.signs[:3])
    sizes = (linear * square, quadratic * square**2, rest)
    second = hermite(tuple(s * math.sqrt(v) for s, v in zip(signs, sizes, strict=True)), math.sqrt(square))
    return ExplicitNetwork("hermite_two_layer", (first, second), 0.0, 1.0, target)


def _hard_tanh(target: Target) -> ExplicitNetwork:
    r"""One hard tanh; the clip solves one equation, whose left-hand side falls with z = c / tau0.

    Conjugate kernel: :math:`R(z) = \mathbb E\,\mathrm{clip}^2/(\tau_0^2 P^2)`, from pi/2 to 1, P the probability that
    nothing is clipped.  Tangent kernel: :math:`(R + 1/P)/2`, from infinity to 1.
    """
    wanted = 1.0 / target.parts[0]
    tangent = target.kind != "ck"

    def missing(log_z: float) -> float:
        m = hard_tanh(1.0, math.exp(log_z), 1.0).moments
        ratio = m["second"] / m["m1"] ** 2
        return (0.5 * (ratio + 1.0 / m["m1"]) if tangent else ratio) - wanted

    low, high = math.log(1e-7), math.log(12.0)
    if missing(low) <= 0:
        place = low
    else:
        place = high if missing(high) >= 0 else optimize.brentq(missing, low, high, xtol=1e-15, rtol=8.9e-16)
    clip = math.exp(place)
    inside = hard_tanh(1.0, clip, 1.0).moments["m1"]
    slope = (target.signs[0] or 1) * math.sqrt(target.scalars[0] / (2.0 if tangent else 1.0)) / inside
    return ExplicitNetwork("hard_tanh", (hard_tanh(slope, clip * target.tau0, target.tau0),), 0.0, 1.0, target)


def leaky_layers(target: Target, shares: tuple[float, ...]) -> tuple[Unit, ...]:
    r"""Layers with :math:`u_l = ((a-b)/(a+b))^2` such that :math:`\prod ((a_l + b_l)/2)^2` is the linear coefficient.

    Examples
    --------
    >>> target = Target("ck", 1.0, (0.25, 0.0, 0.0, 1.0), (1, 1), 1.0)
    >>> [layer.parameters for layer in leaky_layers(target, (1.0,))]  # ReLU
    [(1.0, 0.0)]
    """
    signs = (target.signs[0] or 1, target.signs[1] or 1)
    layers: list[Unit] = []
    tau = target.tau0
    scale = target.scalars[0] ** (0.5 / len(shares))
    for place, u in enumerate(shares):
        # The last layer takes the signs; those before it are increasing.
        even = scale * (signs[0] if place == len(shares) - 1 else 1)
        odd = scale * math.sqrt(u) * (signs[1] if place == len(shares) - 1 else 1)
        layers.append(leaky_relu(even + odd, even - odd, tau))
        tau = math.sqrt(layers[-1].moments["second"])
    return tuple(layers)


def _leaky(target: Target) -> ExplicitNetwork:
    r"""Two layers of leaky ReLU, or three: a root of a cubic.

    With :math:`v_l = 1 + (1 - 2/\pi) u_l`: :math:`\prod v_l = R = \gamma^2/(a_1\tau_0^2)` and
    :math:`\pi a_3 \tau_0^2/a_1 = \sum_l u_l/\prod_{j<l} v_j`; the third equation follows for models that are positively
    homogeneous themselves.  For two layers :math:`v_1^3 - (1 + k) v_1^2 - v_1 + R = 0`.
    """
    linear, _, quadratic, _ = target.scalars
    ratio = 1.0 / target.parts[0]
    k = _SHARE * math.pi * quadratic * target.tau0**2 / linear
    powers = _two_leaky(ratio, k) or _three_leaky(ratio, k)
    shares = tuple(max(v - 1.0, 0.0) / _SHARE for v in powers)
    return ExplicitNetwork("leaky_relu", leaky_layers(target, shares), 0.0, 1.0, target)


def _two_leaky(ratio: float, k: float) -> tuple[float, ...] | None:
    roots = np.roots([1.0, -(1.0 + k), -1.0, ratio])
    inside = [r.real for r in roots if abs(r.imag) < 1e-7 and 1 - 1e-9 <= r.real <= ratio * (1 + 1e-9)]
    if not inside:
        return None

    def cubic(v: float) -> float:
        return ((v - (1 + k)) * v - 1) * v + ratio

    v = inside[0]
    for _ in range(4):  # Newton, from a root of eigenvalue accuracy
        slope = (3 * v - 2 * (1 + k)) * v - 1
        v = v - cubic(v) / slope if slope else v
    v = min(max(v, 1.0), ratio)
    return v, ratio / v


def _three_leaky(ratio: float, k: float) -> tuple[float, ...]:
    """The closest there is with v1, v2 >= 1 and v1 v2 <= R, exact wherever three layers are enough."""

    def missing(v: float, w: float) -> float:
        return (v - 1) + (w - 1) / v + (ratio / (v * w) - 1) / (v * w) - k

    grid = np.exp(np.linspace(0.0, math.log(ratio), 60)) if ratio > 1 else np.ones(1)
    best = (abs(missing(1.0, 1.0)), 1.0, 1.0)
    for v in grid:
        ends = np.exp(np.linspace(0.0, math.log(max(ratio / v, 1.0)), 60))
        values = np.array([missing(v, w) for w in ends])
        changes = np.flatnonzero(values[:-1] * values[1:] < 0)
        if changes.size:
            w = optimize.brentq(lambda w, v=v: missing(v, w), ends[changes[0]], ends[changes[0] + 1], xtol=1e-15)
            return float(v), float(w), ratio / (v * w)
        place = int(np.argmin(np.abs(values)))
        best = min(best, (abs(values[place]), float(v), float(ends[place])))
    return best[1], best[2], ratio / (best[1] * best[2])


FAMILIES: Mapping[str, Callable[[Target], ExplicitNetwork]] = {
    "hard_tanh": _hard_tanh,
    "hermite": _cubic,
    "hermite_rate": _rate,
    "hermite_slope": _slope_matched,
    "hermite_two_layer": _two_polynomials,
    "leaky_relu": _leaky,
}
