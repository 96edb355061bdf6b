r"""Second moments and means of the statistic T of inputs: what a kernel knows about its data.

For inputs x, x' with statistics :math:`T_1(x), \dots, T_d(x)`, a kernel reads the limits

.. math:: c(x, x') = \tfrac1d \sum_i T_i(x) T_i(x'), \qquad \mu(x) = \tfrac1d \sum_i T_i(x) .
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from dekderive.errors import InvalidInput, UnknownName
from dekderive.gram.points import Block, Pairs, Points, as_rows
from dekderive.kernels import special
from dekderive.solvers.solution import Array

__all__ = ["Moments", "by_name", "cosine_features", "linear", "relu_features", "rows", "sign_features", "step_features"]


@dataclass(frozen=True, slots=True)
class Moments:
    """What statistic the rows of a matrix stand for.  Made by the functions of this module.

    Attributes
    ----------
    name : str
    scale, bias : float
        The statistic is one of ``scale * x`` and of a constant coordinate `bias`.
    """

    name: str
    scale: float = 1.0
    bias: float = 0.0

    def second_moment(self, X: ArrayLike, Y: ArrayLike | None = None) -> Array:
        """``c(x, y)`` for all rows x of `X` and y of `Y` (of `X` if it is left out), of shape (n, m)."""
        left = self.points(as_rows(X))
        right = left if Y is None else self.points(as_rows(Y, "Y"))
        if left.rows.shape[1] != right.rows.shape[1]:
            raise InvalidInput(f"Y must have as many columns as X, not {right.rows.shape[1]}")
        pairs = Pairs(left, right, Block(slice(0, len(left)), slice(0, len(right))))
        for points in (left, right):
            self.checked_diagonal(points)
        matrix: Array = self.of_pairs(pairs).reshape(len(left), len(right))
        if Y is None:
            matrix = np.tril(matrix, -1)
            matrix = matrix + matrix.T
            np.fill_diagonal(matrix, self.checked_diagonal(left))
        return matrix.astype(np.result_type(left.rows, right.rows), copy=False)

    def second_moment_diagonal(self, X: ArrayLike) -> Array:
        """``c(x, x)`` for all rows, of shape (n,)."""
        points = self.points(as_rows(X))
        return self.checked_diagonal(points).astype(points.rows.dtype, copy=False)

    def mean(self, X: ArrayLike) -> Array:
        """``mu(x)`` for all rows, of shape (n,)."""
        points = self.points(as_rows(X))
        return self.mean_of_points(points).astype(points.rows.dtype, copy=False)

    # What the Gram engine calls, block by block, on rows that were prepared once.

    def points(self, rows: Array) -> Points:
        """Prepare rows; the constant coordinate is joined to x before the scale, which no angle sees."""
        return Points.of(rows, self.bias / self.scale)

    def checked_diagonal(self, points: Points) -> Array:
        """``c(x, x)``, or InvalidInput where it leaves the range of float64 (1e-308 to 1e308)."""
        with np.errstate(over="ignore", under="ignore"):
            second = self.of_points(points)
        bad = ~np.isfinite(second) | ((points.norms > 0) & (second < np.finfo(np.float64).tiny))
        if bad.any():
            raise InvalidInput(
                f"the second moment of row {int(np.argmax(bad))} is not a normal float64 number: the row is too "
                "long or too short; rescale the data"
            )
        return second

    def of_points(self, points: Points) -> Array:
        """``c(x, x)``."""
        return self.scale**2 * points.squared_lengths

    def mean_of_points(self, points: Points) -> Array:
        """``mu(x)``."""
        return np.zeros(len(points))

    def of_pairs(self, pairs: Pairs) -> Array:
        """``c(x, y)``."""
        return self.scale**2 * pairs.dot

    def gap_of_pairs(self, pairs: Pairs) -> Array:
        """``1 - c(x, y) / sqrt(c(x, x) c(y, y))`` to full relative accuracy."""
        return pairs.gap

    def opposite_gap_of_pairs(self, pairs: Pairs) -> Array:
        """``1 + c(x, y) / sqrt(c(x, x) c(y, y))``, to full relative accuracy where the statistic is linear in x."""
        linear = type(self).gap_of_pairs is Moments.gap_of_pairs
        return pairs.opposite_gap if linear else 2.0 - self.gap_of_pairs(pairs)

    @property
    def power(self) -> float:
        """Derivative of ``log c(x, x)`` in ``log |x|``, of x with its constant coordinate."""
        return 2.0

    def mean_slope_of_points(self, points: Points) -> Array:
        """Derivative of ``mu(x)`` in ``log |x|``, where it is a function of the length."""
        return np.zeros(len(points))

    def mean_weight(self, columns: int) -> float:
        """Derivative of ``mu(x)`` in every coordinate of x, where it is linear in x."""
        return 0.0

    def gap_slope_of_pairs(self, pairs: Pairs) -> Array:
        """Derivative of the gap in the angle between x and y."""
        return np.sin(pairs.angles[0])

    def tilt_of_pairs(self, pairs: Pairs) -> Array:
        """``log(c(x, x) / c(y, y)) / 2``, to full relative accuracy for near-duplicates."""
        return pairs.tilt


@dataclass(frozen=True, slots=True)
class _Rows(Moments):
    def of_points(self, points: Points) -> Array:
        return points.squared_lengths / points.rows.shape[1]

    def mean_of_points(self, points: Points) -> Array:
        return np.ldexp(points.rows.mean(axis=1, dtype=np.float64), points.exponents)

    def of_pairs(self, pairs: Pairs) -> Array:
        return pairs.dot / pairs.left.rows.shape[1]

    def mean_weight(self, columns: int) -> float:
        return 1.0 / columns


@dataclass(frozen=True, slots=True)
class _ReluFeatures(Moments):
    def of_points(self, points: Points) -> Array:
        return self.scale**2 * points.squared_lengths / 2

    def mean_of_points(self, points: Points) -> Array:
        return self.scale * points.lengths / math.sqrt(2 * math.pi)

    def mean_slope_of_points(self, points: Points) -> Array:
        return self.mean_of_points(points)

    def of_pairs(self, pairs: Pairs) -> Array:
        x, y = pairs.lengths
        # sin t + (pi - t) cos t is sin s - s cos s at the supplement s, which vanishes like s^3 for opposite inputs.
        return (self.scale * x) * (self.scale * y) * special.sin_minus_xcos(pairs.angles[1]) / (2 * math.pi)

    def gap_of_pairs(self, pairs: Pairs) -> Array:
        angle, supplement = pairs.angles
        acute = special.versine(angle) - special.sin_minus_xcos(angle) / math.pi
        zero = (pairs.left.norms[pairs.i] == 0) | (pairs.right.norms[pairs.j] == 0)
        gap = np.where(angle < 1.5, acute, 1.0 - special.sin_minus_xcos(supplement) / math.pi)
        return np.where(zero, 0.0, gap)

    def gap_slope_of_pairs(self, pairs: Pairs) -> Array:
        angle, supplement = pairs.angles
        return np.sin(angle) * supplement / math.pi


@dataclass(frozen=True, slots=True)
class _StepFeatures(Moments):
    def points(self, rows: Array) -> Points:
        points = Moments.points(self, rows)
        if (points.norms == 0).any():
            raise InvalidInput(
                f"{self.name}: row {int(np.argmin(points.norms))} is zero and has no angle; drop it or give a bias"
            )
        return points

    def of_points(self, points: Points) -> Array:
        return np.full(len(points), 0.5)

    def mean_of_points(self, points: Points) -> Array:
        return np.full(len(points), 0.5)

    def of_pairs(self, pairs: Pairs) -> Array:
        return pairs.angles[1] / (2 * math.pi)

    def gap_of_pairs(self, pairs: Pairs) -> Array:
        return pairs.angles[0] / math.pi

    def tilt_of_pairs(self, pairs: Pairs) -> Array:
        return np.zeros(pairs.i.size)

    @property
    def power(self) -> float:
        return 0.0

    def gap_slope_of_pairs(self, pairs: Pairs) -> Array:
        return np.full(pairs.i.size, 1 / math.pi)


@dataclass(frozen=True, slots=True)
class _SignFeatures(_StepFeatures):
    def of_points(self, points: Points) -> Array:
        return np.ones(len(points))

    def mean_of_points(self, points: Points) -> Array:
        return np.zeros(len(points))

    def of_pairs(self, pairs: Pairs) -> Array:
        angle, supplement = pairs.angles
        # (2/pi) asin(cos t) = 1 - 2 t/pi = (supplement - t)/pi.
        return (supplement - angle) / math.pi

    def gap_of_pairs(self, pairs: Pairs) -> Array:
        return 2 * pairs.angles[0] / math.pi

    def gap_slope_of_pairs(self, pairs: Pairs) -> Array:
        return np.full(pairs.i.size, 2 / math.pi)


@dataclass(frozen=True, slots=True)
class _CosineFeatures(Moments):
    def of_points(self, points: Points) -> Array:
        return np.ones(len(points))

    def _half_squares(self, pairs: Pairs) -> Array:
        # Differences of rows, not |x|^2 + |y|^2 - 2 x.y: close inputs must keep their digits.
        left, right = pairs.left, pairs.right
        x, y = (np.ldexp(p.rows.astype(np.float64), p.exponents[:, None].astype(np.int32)) for p in (left, right))
        squares = np.empty(pairs.i.size)
        chunk = max(1, (1 << 20) // x.shape[1])
        for begin in range(0, squares.size, chunk):
            part = slice(begin, begin + chunk)
            difference = x[pairs.i[part]] - y[pairs.j[part]]
            squares[part] = np.einsum("ij,ij->i", difference, difference)
        return self.scale**2 * squares / 2

    def of_pairs(self, pairs: Pairs) -> Array:
        return np.exp(-self._half_squares(pairs))

    def gap_of_pairs(self, pairs: Pairs) -> Array:
        return -np.expm1(-self._half_squares(pairs))

    def gap_slope_of_pairs(self, pairs: Pairs) -> Array:
        raise InvalidInput(f"{self.name} are no function of the angle, and have no derivative in it; use linear()")

    def tilt_of_pairs(self, pairs: Pairs) -> Array:
        return np.zeros(pairs.i.size)


def linear(scale: float = 1.0, bias: float = 0.0) -> Moments:
    r"""Linear features: :math:`c = s^2\, x \cdot x' + b^2`, mean 0.

    Examples
    --------
    >>> linear(scale=2.0, bias=1.0).second_moment([[1.0, 0.0], [1.0, 1.0]])
    array([[5., 5.],
           [5., 9.]])
    """
    return Moments("linear", *_checked("linear", scale, bias))


def rows() -> Moments:
    r"""The rows are the statistics themselves: :math:`c = x \cdot x' / d`, :math:`\mu = \frac1d \sum_i x_i`.

    Examples
    --------
    >>> rows().mean([[1.0, 0.0], [1.0, 1.0]])
    array([0.5, 1. ])
    """
    return _Rows("rows")


def relu_features(scale: float = 1.0, bias: float = 0.0) -> Moments:
    r"""Random rectified features :math:`T = \mathrm{relu}(w \cdot \tilde x)`, :math:`w \sim N(0, I)`.

    With :math:`\tilde x = (s x, b)`, :math:`q = |\tilde x|` and t the angle between :math:`\tilde x, \tilde x'`,

    .. math:: c = q q' \frac{\sin t + (\pi - t) \cos t}{2\pi}, \qquad \mu = \frac{q}{\sqrt{2\pi}} .

    References
    ----------
    Y. Cho and L. Saul, "Kernel methods for deep learning", NeurIPS 2009 (degree 1).

    Examples
    --------
    >>> relu_features().second_moment([[3.0, 4.0]], [[-3.0, -4.0], [3.0, 4.0]])
    array([[ 0. , 12.5]])
    """
    return _ReluFeatures("relu_features", *_checked("relu_features", scale, bias))


def step_features(bias: float = 0.0) -> Moments:
    r"""Random binary features :math:`T = 1[w \cdot \tilde x > 0]`: :math:`c = (\pi - t)/(2\pi)`, :math:`\mu = 1/2`.

    Angles of :math:`\tilde x = (x, b)`.  A zero row without bias has no angle and is refused.

    References
    ----------
    Y. Cho and L. Saul, "Kernel methods for deep learning", NeurIPS 2009 (degree 0).

    Examples
    --------
    >>> step_features().second_moment([[1.0, 0.0]], [[0.0, 2.0], [-3.0, 0.0]])
    array([[0.25, 0.  ]])
    """
    return _StepFeatures("step_features", *_checked("step_features", 1.0, bias))


def sign_features(bias: float = 0.0) -> Moments:
    r"""Random signs :math:`T = \mathrm{sign}(w \cdot \tilde x)`: :math:`c = 1 - 2t/\pi`, mean 0.

    Angles of :math:`\tilde x = (x, b)`.  A zero row without bias has no angle and is refused.

    Examples
    --------
    >>> sign_features().second_moment([[1.0, 0.0]], [[1.0, 1.0], [-3.0, 0.0]]).round(6)
    array([[ 0.5, -1. ]])
    """
    return _SignFeatures("sign_features", *_checked("sign_features", 1.0, bias))


def cosine_features(scale: float = 1.0) -> Moments:
    r"""Random Fourier features: :math:`c = e^{-s^2 |x - x'|^2/2}`, mean 0.

    The statistic is :math:`T = \sqrt2 \cos(w \cdot s x + \varphi)` with a uniform phase.

    References
    ----------
    A. Rahimi and B. Recht, "Random features for large-scale kernel machines", NeurIPS 2007.

    Examples
    --------
    >>> cosine_features().second_moment([[0.0]], [[1.0]]).round(6)
    array([[0.606531]])
    """
    return _CosineFeatures("cosine_features", *_checked("cosine_features", scale, 0.0))


def _checked(name: str, scale: float, bias: float) -> tuple[float, float]:
    if not (math.isfinite(scale) and scale > 0):
        raise InvalidInput(f"{name}: scale must be positive and finite, got {scale!r}")
    if not math.isfinite(bias):
        raise InvalidInput(f"{name}: bias must be finite, got {bias!r}")
    return float(scale), float(bias)


_CONSTRUCTORS = {f.__name__: f for f in (linear, rows, relu_features, step_features, sign_features, cosine_features)}


def by_name(name: str) -> Moments:
    """The moments of that name with default scale and bias.

    Raises
    ------
    UnknownName
        If there are none; the message lists those that there are.

    Examples
    --------
    >>> by_name("linear")
    Moments(name='linear', scale=1.0, bias=0.0)
    """
    if name not in _CONSTRUCTORS:
        raise UnknownName(f"there are no moments named {name!r}; there are {', '.join(_CONSTRUCTORS)}")
    return _CONSTRUCTORS[name]()
