"""The record of a kernel that is one polynomial in a coordinate of the gap between two augmented rows."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike, NDArray

from dekderive.errors import InvalidInput

__all__ = ["UnivariateChart", "UnivariateKernel"]

Array = NDArray[np.floating[Any]]

# A change of the coefficients of a Chebyshev series by this much in all is invisible in float32.
SINGLE = 1e-8


class UnivariateChart(enum.Enum):
    r"""The coordinate v in which the polynomial is written, as a function of :math:`t = \sqrt{1 - z}`.

    The kernel is analytic in t, between singularities on the negative axis and beyond :math:`\sqrt 2`; a chart moves
    the closest one away.
    """

    ROOT = "v = t"
    SHIFTED_ROOT = "v = sqrt(t + c), and the polynomial is divided by v (v + sqrt(c))"
    HALF_ANGLE = "v = t / (sqrt(c) + sqrt(c - t^2))"


@dataclass(frozen=True, slots=True)
class UnivariateKernel:
    r"""A kernel with fixed variances, as one polynomial.

    With :math:`\tilde x = (\sqrt{\sigma_U^2}\, x, \sqrt{\sigma_b^2})`, :math:`z` the cosine of :math:`\tilde x` and
    :math:`\tilde y`, :math:`t = \sqrt{1 - z}`, the chart v(t) and x = slope v + offset, which runs through [-1, 1],

    .. math::

        k(x, y) = \texttt{scale}\, |\tilde x| |\tilde y| \Bigl(1 - t\, m(t) \sum_k c_k x^k\Bigr),

    where m is 1, or :math:`1/(v (v + \sqrt c))` in the chart of the shifted root.  With the factor t the
    error of the gap :math:`1 - k(x, y)/\sqrt{k(x, x) k(y, y)}` vanishes like t, as the gap itself does, so that it
    keeps its digits for near-duplicates, and the kernel is exact at x = y.

    Attributes
    ----------
    name : str
    spec : str
        Digest of the mathematics of the kernel that it was made from.
    parameters : tuple of (str, float)
    input_variance, bias_variance : float
        :math:`\sigma_U^2` and :math:`\sigma_b^2`.
    scale : float
        :math:`k(x, x) / |\tilde x|^2`.
    chart : UnivariateChart
    constant : float
        c of the chart; 0 for ``ROOT``.
    slope, offset : float
    coefficients : tuple of float
        :math:`c_0, c_1, \dots`
    error_bound : float
        Of the polynomial in exact arithmetic, relative to :math:`\sqrt{k(x, x) k(y, y)}`, for all z in [-1, 1].
    proved : bool
        Whether `error_bound` is proved in ball arithmetic; otherwise it was measured.

    Examples
    --------
    >>> from dekderive.kernels import deq_ntk_relu
    >>> from dekderive.kernels.univariate import build
    >>> record = build(deq_ntk_relu, weight_variance=0.5, input_variance=0.5, bias_variance=0.0)
    >>> float(record(0.0)), round(float(record(1.0)), 6)
    (1.0, 0.15188)
    """

    name: str
    spec: str
    parameters: tuple[tuple[str, float], ...]
    input_variance: float
    bias_variance: float
    scale: float
    chart: UnivariateChart
    constant: float
    slope: float
    offset: float
    coefficients: tuple[float, ...]
    error_bound: float
    proved: bool = False

    def __call__(self, gap: ArrayLike) -> Array:
        """``k(x, y) / sqrt(k(x, x) k(y, y))`` from the gap ``1 - z`` of the augmented rows."""
        return 1.0 - self.relative_gap(gap)

    def relative_gap(self, gap: ArrayLike) -> Array:
        """``1 - k(x, y) / sqrt(k(x, x) k(y, y))``, to full relative accuracy for near-duplicates.

        Parameters
        ----------
        gap : array_like
            ``1 - z``, between 0 and 2.

        Raises
        ------
        InvalidInput
            If a gap lies outside, by more than rounding, or is NaN.
        """
        s = np.asarray(gap)
        s = s.astype(np.float32 if s.dtype == np.float32 else np.float64, copy=False)
        if not ((s >= -1e-6) & (s <= 2 + 1e-6)).all():
            raise InvalidInput("a gap 1 - cos must lie between 0 and 2")
        s = np.clip(s, 0.0, 2.0)
        t = np.sqrt(s)
        record = self.single if s.dtype == np.float32 else self
        v, factor = record.coordinate(t)
        x = record.slope * v + record.offset
        value = np.zeros_like(x)
        for c in reversed(record.coefficients):
            value = value * x + c
        return np.asarray(value * factor, dtype=s.dtype)

    def coordinate(self, t: Any) -> tuple[Any, Any]:
        """The chart v(t), and the factor t m(t), of a number or an array of t in [0, sqrt(2)]."""
        if self.chart is UnivariateChart.ROOT:
            return t, t
        root = math.sqrt(self.constant)
        if self.chart is UnivariateChart.SHIFTED_ROOT:
            v = np.sqrt(t + self.constant)
            return v, t / (v * (v + root))
        return t / (root + np.sqrt(np.maximum(self.constant - t * t, 0.0))), t

    @property
    def degree(self) -> int:
        """Degree of the polynomial."""
        return len(self.coefficients) - 1

    @property
    def steepness(self) -> float:
        """Derivative of the relative gap in t at t = 0: what an error of the gap of near-duplicates is magnified by."""
        return abs(float(self.relative_gap(1e-12))) / 1e-6

    @property
    def rounding_bound(self) -> float:
        r"""Bound on what float64 adds to `error_bound`, for an exact gap; derived, not measured.

        With u the unit roundoff, v has a relative error of 4u at most, x thus one of
        :math:`(5 |\mathrm{slope}\, v| + 1) u`, Horner's scheme adds :math:`2 n u \sum |c_k|`, and the factor and the
        subtraction from 1 add 8 and 2 more roundings to a gap of at most 2.
        """
        unit = 2.0**-53
        v, factor = self.coordinate(math.sqrt(2.0))
        sizes = np.abs(self.coefficients)
        x = (5 * abs(self.slope) * float(v) + 1) * unit
        horner = 2 * self.degree * unit * sizes.sum()
        return float(factor * (1.01 * horner + x * (np.arange(len(sizes)) * sizes).sum()) + 2 * 8 * unit + 2 * unit)

    @property
    def single(self) -> UnivariateKernel:
        """The same kernel with only as many coefficients as float32 shows."""
        series = chebyshev.poly2cheb(self.coefficients)
        tails = np.cumsum(np.abs(series[::-1]))[::-1]
        # What is cut off is multiplied by the factor, which is largest at t = sqrt(2).
        factor = float(self.coordinate(math.sqrt(2.0))[1])
        kept = max(1, int(np.count_nonzero(factor * tails > SINGLE)))
        dropped = factor * float(tails[kept]) if kept < len(series) else 0.0
        coefficients = tuple(float(c) for c in chebyshev.cheb2poly(series[:kept]))
        return replace(self, coefficients=coefficients, error_bound=self.error_bound + dropped, proved=False)

    def diagonal(self, second: ArrayLike) -> Array:
        """``k(x, x)`` from the second moment c(x, x), which is the squared length of x for plain rows."""
        return self.scale * (self.input_variance * np.asarray(second, dtype=np.float64) + self.bias_variance)
