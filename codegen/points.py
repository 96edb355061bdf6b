"""Exact points at which a formula and its print are compared: drawn ones, and the boundary.

Every coordinate is a float with few significant bits, so that products of two and squares are floats as well.  Hence a
covariance on the boundary is on it exactly, and the print and the ball see the same numbers.
"""

import math
import random
from collections.abc import Iterator
from fractions import Fraction

from dekderive.kernels.kernel import Parameter

__all__ = ["points"]

_BITS = 10
# Where formulas lose digits or leave their domain: both ends of each chart, and near the upper end.
_CORRELATIONS = (1.0, -1.0, 0.0, 1.0 - 2.0**-10)
_ANGLES = (0.0, math.pi, 2.0**-20, math.pi / 2)
_SCALES = (1.0, 2.0**-5, 2.0**3)  # standard deviations; exp(2 kxx), a dual of exp, is in the range of floats


def points(parameters: tuple[Parameter, ...], count: int, seed: int) -> Iterator[dict[str, float]]:
    """Yield `count` drawn points after those on the boundary, as values of the canonical symbols and the parameters."""
    draw = random.Random(seed)
    for correlation, angle in zip(_CORRELATIONS, _ANGLES, strict=True):
        for scale in _SCALES:
            yield _point(draw, parameters, correlation, angle, scale, scale)
    for _ in range(count):
        scales = (_short(draw.uniform(0.1, 4)), _short(draw.uniform(0.1, 4)))
        yield _point(draw, parameters, _short(draw.uniform(-1, 1)), draw.uniform(0, math.pi), *scales)


def _point(
    draw: random.Random, parameters: tuple[Parameter, ...], correlation: float, angle: float, x: float, y: float
) -> dict[str, float]:
    norm_x, norm_y, cosine = _short(draw.uniform(0.1, 4)), _short(draw.uniform(0.1, 4)), _short(draw.uniform(-1, 1))
    point = {
        "kxx": x * x,
        "kyy": y * y,
        "kxy": x * y * correlation,
        "correlation": correlation,
        "angle": angle,
        "cxx": norm_x * norm_x,
        "cyy": norm_y * norm_y,
        "cxy": norm_x * norm_y * cosine,
        "gap": 1.0 - cosine,
        "mean_x": norm_x * _short(draw.uniform(-1, 1)),
        "mean_y": norm_y * _short(draw.uniform(-1, 1)),
        "z": 4.0 * _short(draw.uniform(-1, 1)),
    }
    return point | {parameter.name: _value(draw, parameter) for parameter in parameters}


def _value(draw: random.Random, parameter: Parameter) -> float:
    """A value in the range of a parameter; one time in five the lower end, where that belongs to it."""
    if parameter.lower_closed and draw.random() < 0.2:
        return parameter.lower
    if math.isfinite(parameter.upper):
        return _short(draw.uniform(parameter.lower, parameter.upper)) or parameter.default
    return parameter.lower + _short(draw.uniform(0.2, 5.0))


def _short(value: float) -> float:
    """Round to few bits, and not outside of an interval whose ends have few bits: towards zero."""
    return float(Fraction(int(value * 2**_BITS), 2**_BITS))
