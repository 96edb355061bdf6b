r"""A proved error bound for a univariate kernel, by Taylor models in the angle of the solution.

Everything is explicit in the angle :math:`\theta`: the gap of the inputs, :math:`t^2(\theta)`, and the relative gap of
the kernel, :math:`1 - k/\sqrt{k_{xx} k_{yy}}`.  So the error of the polynomial is an explicit analytic function

.. math:: D(\theta) = t\, m(t)\, p(x(t)) - \Bigl(1 - \frac{k}{\sqrt{k_{xx} k_{yy}}}\Bigr), \qquad t = t(\theta),

and no equation is solved.  On an interval with centre c and radius r,

.. math:: |D| \le \sum_{j < N} |D_j(c)|\, r^j + \sup_\xi |D_N(\xi)|\, r^N

with Taylor coefficients :math:`D_j`, the last one over the whole interval as a ball.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from flint import arb, arb_poly, arb_series
from numpy.polynomial import chebyshev

from dekderive.certificates.series import Series, on_series, power_series, truncated
from dekderive.errors import NotCertified
from dekderive.kernels.kernel import Kernel
from dekderive.kernels.univariate import UnivariateChart, UnivariateKernel
from dekderive.kernels.univariate.fit import nodes, transform
from dekderive.kernels.univariate.homogeneous import AngleMap

__all__ = ["error_bound", "exact_values", "refined"]

TERMS, BITS = 14, 160
# Intervals to begin with, and how many may be looked at before the proof is given up.
INTERVALS, BUDGET = 96, 3000
# What the remainders may add to the bound.
REMAINDER = 1e-18


class _Curve:
    """Gap and relative gap as power series in the angle, by the generated formulas."""

    def __init__(self, kernel: Kernel, parameters: Mapping[str, float]) -> None:
        exact = {name: power_series(value) for name, value in parameters.items()}
        one, nil = power_series(1), power_series(0)
        self._known = {**exact, "input_variance": one, "bias_variance": nil, "cxx": one, "cyy": one}
        self._formulas = {name: getattr(kernel, name) for name in ("residual", "readout", "diagonal_fixed_point")}
        variance = self._call("diagonal_fixed_point")
        self._known |= {"kxx": variance, "kyy": variance}
        first = self._call("residual", angle=nil, gap=nil)[0] - self._call("residual", angle=nil, gap=one)[0]
        self._weight, self._start = power_series(first), power_series(self._call("readout", angle=nil)[0])

    def _call(self, name: str, power: int = 0, **values: Series) -> Series:
        formula = self._formulas[name]
        known = {**self._known, **values}
        return on_series(formula.function, power)(*(known[argument] for argument in formula.arguments))

    def gap(self, angle: Series) -> Series:
        return self._call("residual", angle=angle, gap=power_series(0)) / self._weight

    def quotient(self, angle: Series) -> Series:
        """The gap over the square of the angle, without a quotient of small numbers."""
        return self._call("residual", 2, angle=angle, gap=power_series(0)) / self._weight

    def relative_gap(self, angle: Series) -> Series:
        return 1 - self._call("readout", angle=angle) / self._start


def error_bound(record: UnivariateKernel, kernel: Kernel) -> float:
    r"""Prove a bound on the error of the polynomial in exact arithmetic.

    Parameters
    ----------
    record : UnivariateKernel
    kernel : Kernel
        The kernel that it stands for, of which the generated formulas are evaluated in ball arithmetic.

    Returns
    -------
    float
        Bound of the error of :math:`k(x, y)/\sqrt{k(x, x) k(y, y)}`, for all gaps in [0, 2].

    Raises
    ------
    NotCertified
        If the remainders do not become small; nothing is then known.

    Examples
    --------
    >>> from dekderive.kernels import deq_ntk_relu
    >>> from dekderive.kernels.univariate import build
    >>> record = build(deq_ntk_relu, weight_variance=0.25, input_variance=0.25, bias_variance=0.5)
    >>> error_bound(record, deq_ntk_relu) < 1e-14
    True
    """
    with truncated(TERMS + 1, BITS):
        curve = _Curve(kernel, dict(record.parameters))
        end = _end(curve, kernel, record)
        worst = arb(0)
        cuts = [end * i / INTERVALS for i in range(INTERVALS + 1)]
        stack, looked = list(pairwise(cuts)), 0
        while stack:
            low, high = stack.pop()
            looked += 1
            bound = _on_interval(record, curve, low, high)
            if bound is not None:
                worst = arb.max(worst, bound)
            elif looked > BUDGET:
                raise NotCertified(f"{record.name}: the error near the angle {float(low):.6g} has no small enclosure")
            else:
                middle = ((low + high) / 2).mid()
                stack += [(low, middle), (middle, high)]
        return float(worst.abs_upper()) * (1 + 2.0**-50)


def _end(curve: _Curve, kernel: Kernel, record: UnivariateKernel) -> Any:
    """An angle beyond that of opposite inputs, whose gap is 2."""
    guess = float(AngleMap(kernel, dict(record.parameters)).angle(np.array([2.0]))[0]) * (1 + 1e-13)
    end = arb(guess)
    if guess < 3.14159 and curve.gap(power_series(end))[0] >= 2:
        return end
    return arb.pi()


def _on_interval(record: UnivariateKernel, curve: _Curve, low: Any, high: Any) -> Any:
    """Bound of the absolute value of D on [low, high], or None if the remainder is too large."""
    centre = ((low + high) / 2).mid() if low > 0 else arb(0)
    radius = arb.max(high - centre, centre - low).abs_upper()
    try:
        remainder = _defect(record, curve, low.union(high), centre)[TERMS] * radius**TERMS
        if not abs(remainder) < REMAINDER:
            return None
        series = _defect(record, curve, centre, centre)
    except (ValueError, ZeroDivisionError, NotCertified):  # a denominator whose ball contains 0
        return None
    total = abs(remainder)
    for j in range(TERMS):
        total += abs(series[j]) * radius**j
    return total.abs_upper()


def _defect(record: UnivariateKernel, curve: _Curve, start: Any, centre: Any) -> Series:
    """D as a power series at `start`, a point or an interval; `centre` is a point in it."""
    angle = arb_series([start, 1])
    t = angle * curve.quotient(angle).sqrt()
    v, factor = _chart(record, t)
    # The polynomial is written around a point close to all values of x first: Horner's scheme on wide balls would add
    # the errors of all its coefficients.
    with_centre, _ = _chart(record, arb_series([centre, 1]) * curve.quotient(arb_series([centre, 1])).sqrt())
    slope, offset = arb(record.slope), arb(record.offset)
    middle = (with_centre[0] * slope + offset).mid()
    shifted = arb_poly([arb(c) for c in record.coefficients])(arb_poly([middle, 1]))
    y = v * slope + (offset - middle)
    value = arb_series([0])
    for coefficient in reversed(shifted.coeffs()):
        value = value * y + coefficient
    return factor * value - curve.relative_gap(angle)


def _chart(record: UnivariateKernel, t: Series) -> tuple[Series, Series]:
    """The coordinate v and the factor t m, from t."""
    c = arb(record.constant)
    if record.chart is UnivariateChart.ROOT:
        return t, t
    if record.chart is UnivariateChart.SHIFTED_ROOT:
        v = (t + c).sqrt()
        return v, t / (v * (v + c.sqrt()))
    return t / (c.sqrt() + (c - t * t).sqrt()), t


def refined(record: UnivariateKernel, kernel: Kernel, tolerance: float = 1e-16) -> UnivariateKernel:
    """The same polynomial with its coefficients right to the last bit, and as many as the tolerance asks for.

    At Chebyshev nodes the error of the polynomial is computed with many digits; interpolated in float64, it is a
    correction with a relative error of 1e-16.
    """
    with truncated(3, BITS):
        curve = _Curve(kernel, dict(record.parameters))
        points, gaps, factors, *_ = nodes(record.chart, record.constant)
        angles = AngleMap(kernel, dict(record.parameters)).angle(gaps)
        errors = np.array([_error(record, curve, float(x), float(a)) for x, a in zip(points, angles, strict=True)])
    series = transform(errors)
    tails = np.cumsum(np.abs(series[::-1]))[::-1] * float(factors.max())
    kept = max(len(record.coefficients), int(np.count_nonzero(tails > tolerance)))
    correction = chebyshev.cheb2poly(series[:kept])
    padded = np.pad(np.array(record.coefficients), (0, kept - len(record.coefficients)))
    return dataclasses.replace(record, coefficients=tuple(float(c) for c in padded + correction))


def _error(record: UnivariateKernel, curve: _Curve, x: float, angle: float) -> float:
    """Exact value minus polynomial, at a node."""
    v = (arb(x) - arb(record.offset)) / arb(record.slope)
    c = arb(record.constant)
    t, m = v, arb(1)
    if record.chart is UnivariateChart.SHIFTED_ROOT:
        t = v * v - c
        m = 1 / (v * (v + c.sqrt()))
    elif record.chart is UnivariateChart.HALF_ANGLE:
        t = 2 * c.sqrt() * v / (1 + v * v)
    theta = _solved(curve, t * t, arb(angle))
    value = arb(0)
    for coefficient in reversed(record.coefficients):
        value = value * arb(x) + arb(coefficient)
    return float((curve.relative_gap(arb_series([theta, 1]))[0] / (t * m) - value).mid())


def exact_values(record: UnivariateKernel, kernel: Kernel, gaps: Sequence[float]) -> list[float]:
    """``k(x, y)/sqrt(k(x, x) k(y, y))`` at some gaps, each rounded from a solution with some forty digits."""
    with truncated(3, BITS):
        curve = _Curve(kernel, dict(record.parameters))
        angles = AngleMap(kernel, dict(record.parameters)).angle(np.array(gaps, dtype=np.float64))
        values = []
        for gap, angle in zip(gaps, angles, strict=True):
            theta = _solved(curve, arb(gap), arb(float(angle)))
            values.append(float((1 - curve.relative_gap(arb_series([theta, 1]))[0]).mid()))
        return values


def _solved(curve: _Curve, gap: Any, angle: Any) -> Any:
    """The angle at a gap, from a start that is right to float64."""
    for _ in range(3):
        series = curve.gap(arb_series([angle, 1]))
        if angle == 0:
            break
        angle = (angle - (series[0] - gap) / series[1]).mid()
    return angle
