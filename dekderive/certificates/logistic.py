r"""The logistic function as a scale mixture of normal distribution functions: nodes, and a proof of their error.

Stefanski's identity is :math:`\operatorname{expit}(x) = \int_0^\infty \Phi(x / s)\, q(s)\, ds`, where s / 2 has
Kolmogorov's distribution.  The trapezoidal rule in log s turns it into a finite sum, :math:`\sum_j w_j \Phi(x / s_j)`,
whose error is bounded here for *all* real x: by Taylor series in ball arithmetic on [0, 64], by symmetry for negative
x (the weights add up to exactly 1), by the tails of both functions beyond.

Source: Stefanski (1991).
"""

from __future__ import annotations

from fractions import Fraction

import mpmath
from flint import arb, arb_series, ctx, fmpq

from dekderive.certificates.balls import Ball, working_precision
from dekderive.errors import NotCertified

__all__ = ["FUNCTIONS", "nodes", "nodes_text", "sup_errors"]

FUNCTIONS = ("softplus", "expit", "expit_slope", "expit_curvature", "silu", "silu_slope", "silu_curvature")

_STEP = mpmath.mpf("0.11")  # in log s
_SMALLEST = mpmath.mpf("1e-19")  # weight
_END, _HALF, _TERMS = 64, Fraction(1, 8), 48  # of the proof: intervals of twice that half width on [0, 64]


def _kolmogorov_density(x: mpmath.mpf) -> mpmath.mpf:
    """Density of Kolmogorov's distribution, by either of the two series that Jacobi's identity connects."""
    if x > 1:
        return 8 * x * mpmath.fsum((-1) ** (k - 1) * k * k * mpmath.exp(-2 * k * k * x * x) for k in range(1, 12))
    squares = [(2 * k - 1) ** 2 * mpmath.pi**2 / 8 for k in range(1, 12)]
    terms = (mpmath.exp(-c / x**2) * (2 * c / x**4 - 1 / x**2) for c in squares)
    return mpmath.sqrt(2 * mpmath.pi) * mpmath.fsum(terms)


def nodes() -> tuple[tuple[float, float], ...]:
    """Return the pairs (s, w) of the rule, as numbers that doubles represent exactly; the w add up to exactly 1.

    Examples
    --------
    >>> from fractions import Fraction
    >>> sum(Fraction(w) for _, w in nodes())
    Fraction(1, 1)
    """
    with mpmath.workdps(40):
        found = []
        for k in range(-24, 24):
            half = mpmath.exp(k * _STEP)
            weight = _STEP * half * _kolmogorov_density(half)
            if weight > _SMALLEST:
                # Multiples of 2^-57 are doubles below 1/16, and all but one of the weights stay on that grid.
                found.append((float(2 * half), Fraction(int(mpmath.nint(weight * 2**57)), 2**57)))
    found = [(s, Fraction(float(w))) for s, w in found if w]
    missing = 1 - sum(w for _, w in found)
    absorbing = max((i for i, (_, w) in enumerate(found) if w < Fraction(1, 16)), key=lambda i: found[i][1])
    found[absorbing] = (found[absorbing][0], found[absorbing][1] + missing)
    return tuple((s, float(w)) for s, w in found)


def sup_errors(table: tuple[tuple[float, float], ...]) -> dict[str, float]:
    r"""Return proved bounds, over all real x, of what a table of nodes misses of the functions of logistic type.

    Parameters
    ----------
    table : tuple of (float, float)
        Pairs (s, w); the w must add up to exactly 1.

    Returns
    -------
    dict of str to float
        For expit, its first two derivatives, and softplus, against the sums of the :math:`w \Phi(x / s)`, of their
        derivatives, and of their integrals; for silu = x expit(x) against x times the sum, and so on.

    Raises
    ------
    NotCertified
        If the weights do not add up to 1.

    Notes
    -----
    With e the error of expit, |e| <= 1 + 1 + sup |Phi| =: M on the unit disc around any point of the real line, since
    Re(1 + exp(-z)) >= 1 for |Im z| <= 1, and |Phi(x + i y)| <= 1 + |y| exp(y^2 / 2) / sqrt(2 pi).  Cauchy's estimate
    then bounds the Taylor coefficients that are not computed by M.

    Examples
    --------
    >>> errors = sup_errors(nodes())
    >>> errors["expit"] < 1e-15
    True
    """
    if sum(Fraction(w) for _, w in table) != 1:
        raise NotCertified("the weights must add up to exactly 1, or softplus would be off by a multiple of x")
    with working_precision(256):
        balls = [(arb(s), arb(w)) for s, w in table]
        worst = {name: arb(0) for name in FUNCTIONS}
        centre = _HALF
        while centre - _HALF < _END:
            for name, bound in _on_interval(balls, _ball(centre)).items():
                worst[name] = _larger(worst[name], bound)
            centre += 2 * _HALF
        tail = _beyond(balls, arb(_END))
        return {name: float((bound + tail).upper()) * (1 + 2**-50) for name, bound in worst.items()}


def _ball(x: Fraction) -> Ball:
    return arb(fmpq(x.numerator, x.denominator))


def _larger(a: Ball, b: Ball) -> Ball:
    return a if (a - b).lower() > 0 else arb(max(a.upper(), b.upper()))


def _on_interval(table: list[tuple[Ball, Ball]], centre: Ball) -> dict[str, Ball]:
    """Bounds on an interval around `centre`, from the Taylor series of the errors of expit and of softplus there."""
    previous, ctx.cap = ctx.cap, _TERMS
    try:
        x = arb_series([centre, 1])
        expit, softplus = (1 + (-x).exp()).inv(), (1 + (-x).exp()).log() + x
        for s, w in table:
            normal = 1 - (x / (s * arb(2).sqrt())).erfc() / 2
            density = (-(x * x) / (2 * s * s)).exp() / (2 * arb.pi()).sqrt()
            expit, softplus = expit - w * normal, softplus - w * (x * normal + s * density)
    finally:
        ctx.cap = previous
    sharpest = max(float((1 / s).upper()) for s, _ in table)
    disc = 3 + arb(sharpest) * (arb(sharpest) ** 2 / 2).exp()
    e = [_series_bound(expit, disc, order) for order in range(3)]
    farthest = abs(centre) + _ball(_HALF)
    return {
        # The error of softplus is a primitive of that of expit: its coefficients fall at least as fast.
        "softplus": _series_bound(softplus, disc, 0),
        "expit": e[0],
        "expit_slope": e[1],
        "expit_curvature": e[2],
        "silu": farthest * e[0],
        "silu_slope": e[0] + farthest * e[1],
        "silu_curvature": 2 * e[1] + farthest * e[2],
    }


def _series_bound(series: Ball, disc: Ball, order: int) -> Ball:
    """Bound of the derivative of an order, over the interval."""
    half, total = _ball(_HALF), arb(0)
    for k in range(order, _TERMS):
        total += abs(series[k]) * _falling(k, order) * half ** (k - order)
    # k^2 half^k shrinks by more than 1/4 from one k to the next where k >= 48.
    return total + disc * _falling(_TERMS, order) * half ** (_TERMS - order) * 2


def _falling(k: int, order: int) -> int:
    return 1 if order == 0 else k if order == 1 else k * (k - 1)


def _beyond(table: list[tuple[Ball, Ball]], end: Ball) -> Ball:
    """A bound of every error for x >= end: both functions are that close to their limits.

    x exp(-x) and x^2 exp(-x^2 / 2 s^2) decrease there, 1 - Phi(t) <= exp(-t^2 / 2), and 1 / s < 4.
    """
    if not all((end > 3 * s) and (4 * s > 1) for s, _ in table):
        raise NotCertified("the nodes are too far out for this proof")
    logistic = 4 * (1 + end) * (-end).exp()
    normal = sum((w * (-((end / s) ** 2) / 2).exp() for s, w in table), arb(0))
    return logistic + 64 * (1 + end) ** 2 * normal


def nodes_text() -> str:
    """Return the source of ``dekderive.kernels.expectations.logistic_nodes``.

    Examples
    --------
    >>> "NODES = (" in nodes_text()
    True
    """
    table = nodes()
    errors = sup_errors(table)
    lines = [
        "# Generated by dekderive.certificates.logistic.nodes_text(); edit that, not this file.",
        '"""The logistic function as a mixture of normal distribution functions: nodes, weights, proved errors."""',
        "",
        '__all__ = ["ERRORS", "NODES"]',
        "",
        "NODES = (  # (s, w) in expit(x) = sum of w Phi(x / s); the w add up to exactly 1",
        *(f"    ({s!r}, {w!r})," for s, w in table),
        ")",
        "",
        "ERRORS = {  # bounds over all real x, proved in ball arithmetic",
        *(f'    "{name}": {1.001 * errors[name]:.3e},' for name in FUNCTIONS),
        "}",
        "",
    ]
    return "\n".join(lines)
