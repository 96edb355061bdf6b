"""A Gaussian expectation of derivatives as polynomials in the square root of the gap."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

from dekderive.errors import NotConverged
from dekderive.solvers.solution import Array

__all__ = ["DEGREE", "Profile"]

# For the rectifier, whose singularities in t are at +-sqrt(2), degree 30 leaves an error below one rounding.
DEGREE = 32
_ROUNDING = 2e-14


@dataclass(frozen=True, eq=False)
class Profile:
    r"""The function :math:`\kappa_0(\rho) = \mathbb E[\phi'(u) \phi'(v)]` of a correlation, and its integral.

    With the gap :math:`\varepsilon = 1 - \rho`,

    .. math:: m(\varepsilon) = \int_0^\varepsilon \kappa_0(1 - \varepsilon')\, d\varepsilon'

    is by Price's theorem what the expectation of :math:`\phi(u) \phi(v)` loses from correlation 1 to
    :math:`1 - \varepsilon`, divided by the variance: so one function is all that has to be known, and the loss of
    near-duplicates is no difference of numbers close to 1.

    On either side of correlation 0, :math:`\kappa_0` is analytic in :math:`t = \sqrt{1 - |\rho|}` (for the rectifier
    it is :math:`1 - \theta/\pi` with :math:`\theta = 2 \arcsin(t / \sqrt 2)`).  Both sides are interpolated there, and
    so are the averages :math:`M(t) = 2 \int_0^1 s\, \kappa_0(\pm(1 - s^2 t^2))\, ds = m / t^2`.

    Attributes
    ----------
    coefficients : (4, DEGREE + 1) ndarray
        In powers of 2 t - 1: half the sum and half the difference of both sides, of the function and of the average.
    total : float
        m(2).
    """

    coefficients: Array
    total: float

    @classmethod
    def of(cls, slope: Callable[[Array], Array], name: str) -> "Profile":
        """Interpolate.

        Parameters
        ----------
        slope : callable
            The function of the correlation.
        name : str
            Of the activation, for messages.

        Raises
        ------
        NotConverged
            If polynomials of this degree miss the function; then it varies too fast between correlations -1 and 1.

        Examples
        --------
        >>> profile = Profile.of(lambda correlation: 1 - np.arccos(correlation) / np.pi, "rectifier")
        >>> gap = np.array([0.0, 1.0, 2.0])
        >>> loss, slope = profile(gap)
        >>> np.allclose(loss, [0, 1 - 1 / np.pi, 1], atol=1e-15), np.allclose(slope, [1, 0.5, 0], atol=1e-15)
        (True, True)
        """
        nodes = (1 + np.cos(np.pi * (np.arange(DEGREE + 1) + 0.5) / (DEGREE + 1))) / 2
        correlations = 1 - nodes**2  # rounded, so that the node is what belongs to the rounded correlation
        nodes = np.sqrt(1 - correlations)
        sides = [_fit(nodes, slope(sign * correlations)) for sign in (1.0, -1.0)]
        _check(sides, slope, name)
        s, weights = np.polynomial.legendre.leggauss(DEGREE)
        s, weights = (1 + s) / 2, weights / 2
        averages = []
        for side in sides:
            inner = chebyshev.chebval(2 * nodes[:, None] * s - 1, side)
            averages.append(_fit(nodes, inner @ (2 * s * weights)))
        (a, b), (c, d) = sides, averages
        parts = (a + b) / 2, (a - b) / 2, (c + d) / 2, (c - d) / 2
        total = float(chebyshev.chebval(1.0, c) + chebyshev.chebval(1.0, d))
        return cls(np.stack([_powers(part, total) for part in parts]), total)

    @property
    def positive(self) -> bool:
        """Whether the function is nowhere negative."""
        return bool((self(np.linspace(0, 2, 513))[1] >= 0).all())

    def __call__(self, gap: Array) -> tuple[Array, Array]:
        """The loss m and the slope at gaps in [0, 2]."""
        square = np.minimum(gap, 2.0 - gap)
        u = 2.0 * np.sqrt(square) - 1.0
        even, odd, mean, difference = (_horner(c, u) for c in self.coefficients)
        near = gap <= 1.0
        sign = np.where(near, 1.0, -1.0)
        part = square * (mean + sign * difference)
        slope = even + sign * odd
        return np.where(near, part, self.total - part), np.where(np.abs(slope) < _ROUNDING, np.abs(slope), slope)


def _fit(nodes: Array, values: Array) -> Array:
    """Chebyshev coefficients in 2 t - 1 of the interpolating polynomial."""
    return np.asarray(np.linalg.solve(chebyshev.chebvander(2 * nodes - 1, DEGREE), values))


def _powers(series: Array, scale: float) -> Array:
    """The same in powers of 2 t - 1, without the tail that is rounding: large powers would magnify it."""
    some = np.flatnonzero(np.abs(series) > 4e-17 * scale)
    powers = chebyshev.cheb2poly(series[: int(np.max(some, initial=0)) + 1])
    return np.asarray(np.pad(powers, (0, DEGREE + 1 - len(powers))))


def _check(sides: list[Array], slope: Callable[[Array], Array], name: str) -> None:
    between = np.linspace(0.01, 1, 200)
    correlations = 1 - between**2
    between = np.sqrt(1 - correlations)
    scale = max(float(np.abs(slope(np.ones(1)))[0]), float(np.abs(slope(np.zeros(1)))[0]))
    for sign, side in zip((1.0, -1.0), sides, strict=True):
        error = np.abs(chebyshev.chebval(2 * between - 1, side) - slope(sign * correlations)).max()
        if not error <= _ROUNDING * max(scale, 1e-300):
            raise NotConverged(
                f"the expectation of derivatives of {name} is not resolved by polynomials of degree {DEGREE} "
                f"(error {error:.1g} of {scale:.3g}); its variance is too large"
            )


def _horner(coefficients: Array, u: Array) -> Array:
    last = int(np.max(np.flatnonzero(coefficients), initial=0))
    total = np.full_like(u, coefficients[last])
    for c in coefficients[:last][::-1]:
        total *= u
        total += c
    return total
