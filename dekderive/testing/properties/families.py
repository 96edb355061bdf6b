"""What is proved of one exponential family: derivatives, a mean that increases, a variance below its bound."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import sympy as sp

from dekderive.certificates import enclose
from dekderive.errors import NoClosedForm
from dekderive.families import Family
from dekderive.losses import Loss
from dekderive.symbols import eta, y
from dekderive.testing.failure import largest, require
from dekderive.testing.observations import Array, loss_of

__all__ = ["loss_is_the_family", "mean_inverts", "mean_is_monotone", "variance_is_bounded"]

_EPS = float(np.finfo(np.float64).eps)


def _exact(expression: sp.Expr, at: float, target: float = 0.0) -> float:
    """The value by ball arithmetic, in 128 bits."""
    return float(enclose(expression, {eta: Fraction(at), y: Fraction(target)}, precision=128))


def loss_is_the_family(family: Family, predictors: Array, loss: Loss | None = None) -> None:
    r"""Check the compiled loss: :math:`A(\eta) - \eta t` up to a constant, :math:`A'(\eta) - t` and :math:`A''(\eta)`.

    Against ball arithmetic of derivatives of the log-partition, to 64 units in the last place of their terms.

    Parameters
    ----------
    family : Family
    predictors : (n,) ndarray
        Inside of the natural domain.
    loss : Loss, optional
        That is judged; default: the one that the package compiles.

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> from dekderive.families import poisson
    >>> loss_is_the_family(poisson(), np.array([-1.0, 2.0]))
    """
    loss = loss_of(family) if loss is None else loss
    a = family.log_partition
    t = float(loss.mean.at({"eta": predictors[0]}))
    origin = float(predictors[0])
    for point in np.asarray(predictors, dtype=np.float64):
        point = float(point)
        values = {"eta": point, "y": t}
        start = float(loss.value.at({"eta": origin, "y": t})) - (_exact(a, origin) - origin * t)
        found = {
            "A - eta t": (float(loss.value.at(values)) - start, _exact(a, point) - point * t, abs(point * t)),
            "A' - t": (float(loss.slope.at(values)), _exact(a.diff(eta), point) - t, abs(t)),
            "A''": (float(np.broadcast_to(loss.curvature.at(values), ())), _exact(a.diff(eta, 2), point), 0.0),
        }
        for name, (value, exact, term) in found.items():
            bound = 1024 * _EPS * (abs(exact) + term + (abs(start) + 1 if name == "A - eta t" else 0.0))
            require(abs(value - exact), bound, name, f"{family.name} at eta = {point!r}, t = {t!r}")


def mean_is_monotone(family: Family, predictors: Array, loss: Loss | None = None) -> None:
    """Check that the mean increases strictly, by balls, and that its compiled form does not decrease.

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> from dekderive.families import poisson
    >>> mean_is_monotone(poisson(), np.array([-1.0, 2.0]))
    """
    loss = loss_of(family) if loss is None else loss
    points = np.unique(predictors)
    for low, high in itertools.pairwise(points):
        exact = [enclose(family.log_partition.diff(eta), {eta: Fraction(float(p))}, precision=256) for p in (low, high)]
        where = f"{family.name} between eta = {low!r} and {high!r}"
        require(float(exact[0].lower), float(exact[1].upper), "A' increases", where)
        means = [float(loss.mean.at({"eta": float(p)})) for p in (low, high)]
        require(means[0], means[1] + 64 * _EPS * (abs(means[0]) + abs(means[1])), "the compiled mean increases", where)


def mean_inverts(family: Family, predictors: Array, loss: Loss | None = None) -> None:
    """Check that the link of a loss is the inverse of its mean: what rho = Q' o (A')^-1 is made of.

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> from dekderive.families import poisson
    >>> mean_inverts(poisson(), np.array([-1.0, 2.0]))
    """
    from dekderive.losses import bind

    pointwise = bind(loss_of(family) if loss is None else loss)
    points = np.asarray(predictors, dtype=np.float64)
    means, slopes = pointwise.mean(points), pointwise.mean_slope(points)
    # an ulp of the mean is ulp / A'' of the predictor
    allowed = 1024 * _EPS * (1 + np.abs(points) + (np.abs(means) + 1) / slopes)
    gap = np.abs(pointwise.link(means) - points)
    worst = int(np.argmax(gap / allowed))
    require(float(gap[worst]), float(allowed[worst]), "(A')^-1 (A'(eta)) = eta", f"{family.name} at {points[worst]!r}")


def variance_is_bounded(family: Family, predictors: Array, bound: float | None = None) -> None:
    """Check that A'' is at most its supremum, by balls.

    Parameters
    ----------
    family : Family
    predictors : (n,) ndarray
    bound : float, optional
        That is judged; default: the supremum that the package derives; nothing is checked where it knows none.

    Raises
    ------
    PropertyFailed

    Examples
    --------
    >>> from dekderive.families import bernoulli
    >>> variance_is_bounded(bernoulli(), np.array([-1.0, 0.0]))
    >>> variance_is_bounded(bernoulli(), np.array([-1.0, 0.0]), bound=0.24)
    Traceback (most recent call last):
    ...
    dekderive.errors.PropertyFailed: A'': 0.25 exceeds 0.24, for bernoulli
    """
    if bound is None:
        try:
            bound = float(family.sup_variance)
        except NoClosedForm:
            return
    second = family.log_partition.diff(eta, 2)
    require(largest([_exact(second, float(p)) for p in predictors]), bound * (1 + 4 * _EPS), "A''", family.name)
