"""Point sets with fixed seeds, random and adversarial, as exact doubles."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Moments(NamedTuple):
    """Second moments and means of the sufficient statistic for many pairs."""

    cxx: Array
    cyy: Array
    cxy: Array
    mean_x: Array
    mean_y: Array

    def inputs(self) -> dict[str, Array]:
        """As the keyword dictionary that `solve` and the formulas take."""
        return self._asdict()


def cosines() -> Array:
    """500 values s in [-1, 1]: the ends, their neighbours at every distance down to one ulp, zero, tiny, random."""
    rng = np.random.default_rng(20231105)
    one = np.array([1.0, np.nextafter(1.0, 0.0), 1 - 1e-14, 1 - 1e-10, 1 - 1e-6])
    near = 1 - 10.0 ** rng.uniform(-16, 0, 80)
    tiny = np.array([0.0, 5e-324, 1e-300, 1e-100, 1e-17, 1e-16, 1e-8])
    special = np.concatenate([one, -one, tiny, -tiny[1:], near, -near])
    return np.concatenate([special, rng.uniform(-1, 1, 500 - special.size)])


def angle_between(x: Array, y: Array) -> Array:
    """Angle of two rows, stable at both ends; a zero row makes a right angle with everything."""
    nx, ny = (np.sqrt(np.sum(v * v, axis=-1, keepdims=True)) for v in (x, y))
    a = np.divide(x, nx, out=np.zeros_like(x), where=nx > 0)
    b = np.divide(y, ny, out=np.zeros_like(y), where=ny > 0)
    return 2 * np.arctan2(np.linalg.norm(a - b, axis=-1), np.linalg.norm(a + b, axis=-1))


def unit_rows(rng: np.random.Generator, count: int, dimension: int) -> Array:
    rows = rng.standard_normal((count, dimension))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _directions(rng: np.random.Generator, count: int) -> tuple[Array, Array]:
    """Pairs of unit rows: free, copies, antipodes, nearly equal and nearly opposite at all distances."""
    dimension = 3
    x, y = unit_rows(rng, count, dimension), unit_rows(rng, count, dimension)
    kind = rng.integers(0, 8, count)
    y = np.where((kind == 0)[:, None], x, y)
    y = np.where((kind == 1)[:, None], -x, y)
    bump = unit_rows(rng, count, dimension) * 10.0 ** rng.uniform(-16, -1, (count, 1))
    y = np.where((kind == 2)[:, None], x + bump, y)
    y = np.where((kind == 3)[:, None], -x + bump, y)
    y /= np.linalg.norm(y, axis=1, keepdims=True)
    # Exact copies and antipodes stay exact.
    y = np.where((kind == 0)[:, None], x, y)
    y = np.where((kind == 1)[:, None], -x, y)
    return x, y


def deker_moments(seed: int, count: int) -> Moments:
    """Admissible moments: linear (mean 0), relu features, and linear with a mean up to the Cauchy-Schwarz bound.

    Norms: equal, moderately different, doubles (x' = s x with s a power of two), 1e-150 ... 1e150 together or apart,
    and zero rows.
    """
    rng = np.random.default_rng(seed)
    x, y = _directions(rng, count)
    angle = angle_between(x, y)
    norm_x = np.exp(rng.normal(0, 1, count))
    norm_y = np.exp(rng.normal(0, 1, count))
    kind = rng.integers(0, 8, count)
    norm_y = np.where(kind == 0, norm_x, norm_y)
    norm_y = np.where(kind == 1, norm_x * 2.0 ** rng.integers(-4, 5, count), norm_y)
    norm_y = np.where(kind == 2, norm_y * 10.0 ** rng.uniform(-12, 12, count), norm_y)
    common = np.where(kind == 3, 10.0 ** rng.uniform(-150, 150, count), 1.0)
    norm_x, norm_y = norm_x * common, norm_y * common
    norm_x = np.where(kind == 4, 10.0 ** rng.uniform(-150, 150, count), norm_x)
    norm_y = np.where(rng.random(count) < 0.01, 0.0, norm_y)
    return _moments_of(rng, angle, norm_x, norm_y)


def _moments_of(rng: np.random.Generator, angle: Array, norm_x: Array, norm_y: Array) -> Moments:
    count = angle.size
    product = norm_x * norm_y
    relu = (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2 * np.pi)
    shift_x, shift_y = rng.uniform(-1, 1, (2, count))  # means as fractions of the norm
    shift_x, shift_y = (np.where(rng.random(count) < 0.1, np.sign(s), s) for s in (shift_x, shift_y))
    # Linear with a mean: T = mu + (centred part), with C = mu mu' + sqrt(1 - s^2) sqrt(1 - s'^2) cos(angle) |x| |x'|.
    centred = np.sqrt((1 - shift_x**2) * (1 - shift_y**2)) * np.cos(angle) + shift_x * shift_y
    which = rng.integers(0, 3, count)
    cxx, cyy = (np.where(which == 1, 0.5, 1.0) * n * n for n in (norm_x, norm_y))
    cxy = np.choose(which, [np.cos(angle), relu, centred]) * product
    root = 1 / np.sqrt(2 * np.pi)
    mean_x, mean_y = (
        np.choose(which, [np.zeros(count), np.full(count, root), shift]) * norm
        for shift, norm in ((shift_x, norm_x), (shift_y, norm_y))
    )
    bound = np.sqrt(cxx) * np.sqrt(cyy)  # remove the last-digit excess over Cauchy-Schwarz, in doubles
    cxy = np.clip(cxy, -bound, bound)
    mean_x, mean_y = (np.clip(m, -np.sqrt(c), np.sqrt(c)) for m, c in ((mean_x, cxx), (mean_y, cyy)))
    return Moments(cxx, cyy, cxy, mean_x, mean_y)


def regularisations() -> Array:
    """Values with lambda^2 - 1/2 between 0.1 and 400, which is where the tight tolerances are asked for."""
    return np.sqrt(0.5 + np.array([0.1, 0.14, 0.25, 0.5, 1.0, 3.5, 30.0, 400.0]))


def near_critical() -> Array:
    """Values with lambda^2 - 1/2 from 1e-2 down to 1e-10."""
    return np.sqrt(0.5 + 10.0 ** np.arange(-2.0, -11.0, -1.0))
