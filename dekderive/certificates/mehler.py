r"""Certified Hermite coefficients by integration over smooth pieces, and Mehler's series with a proved remainder.

Nothing here knows a closed form.  With :math:`h_n` the orthonormal Hermite polynomials and
:math:`\alpha_n = E[f(\sqrt{k_{xx}} X) h_n(X)]`, :math:`\beta_n` likewise for g, Mehler's formula is
:math:`E[f(U) g(V)] = \sum_n \alpha_n \beta_n \rho^n`, and by Cauchy and Schwarz with Parseval's identity

.. math:: \Big|\sum_{n > N} \alpha_n \beta_n \rho^n\Big| \le
          |\rho|^{N+1} \sqrt{E f^2 - \sum_{n \le N} \alpha_n^2}\, \sqrt{E g^2 - \sum_{n \le N} \beta_n^2}.

The integrals are `acb.integral`'s, which needs no bound that a human proved; only the tails beyond :math:`|X| > T` do,
and there :math:`|h_n(x)| e^{-x^2/4} \le 1.0865` (Cramér) and a bound of f on the real line suffice.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from math import isqrt

import sympy as sp
from flint import acb, arb

from dekderive.certificates.balls import Ball, as_ball, evaluate, to_enclosure, working_precision
from dekderive.certificates.complex_balls import integrand
from dekderive.certificates.covariance import covariance
from dekderive.certificates.interval import Enclosure
from dekderive.certificates.majorants import moment
from dekderive.certificates.pieces import smooth_pieces
from dekderive.certificates.strips import strip_bound
from dekderive.errors import NotConverged

__all__ = ["CRAMER", "coefficients_by_pieces", "mean_by_pieces", "mehler_enclosure"]

CRAMER = Fraction(10865, 10000)  # Cramér's constant is 1.086435 (Abramowitz and Stegun 22.14.17)
_QUARTER = Fraction(1, 4)
_REAL = Fraction(0)


def mehler_enclosure(
    f: sp.Expr, g: sp.Expr, kxx: sp.Expr, kyy: sp.Expr, kxy: sp.Expr, *, order: int = 20, bits: int = 64
) -> Enclosure:
    r"""Return an enclosure of E[f(U) g(V)] from Mehler's series, for functions that may jump and bend.

    The remainder falls like :math:`|\rho|^{N+1}`, so use it at small correlations: it is the independent check of
    closed forms, with which it shares no code.

    Parameters
    ----------
    f, g : sympy.Expr
        Functions of ``symbols.z``, analytic between finitely many knots.
    kxx, kyy, kxy : exact numbers
        The covariance of (U, V).
    order : int
        N, the last term that is summed.
    bits : int
        Absolute accuracy of each coefficient.

    Returns
    -------
    Enclosure

    Raises
    ------
    InvalidInput
        If the covariance is not exact, or not positive semidefinite.
    NotCertified
        If the knots of f or g are not found, or its growth has no proved bound.
    NotIntegrable
        If the bound on the growth has no Gaussian expectation at this variance.

    References
    ----------
    F. G. Mehler (1866); the remainder is Parseval's identity.

    Examples
    --------
    >>> from dekderive.atoms import relu
    >>> from dekderive.symbols import z
    >>> value = mehler_enclosure(relu(z), sp.sign(z), 1, 4, sp.Rational(1, 4))
    >>> abs(float(value) - 1 / 8 / (2 * sp.pi) ** 0.5) < 1e-15
    True
    """
    k, f, g = covariance(kxx, kyy, kxy), sp.sympify(f), sp.sympify(g)
    with working_precision(bits + 32):
        first = _spectrum(f, k.xx, order, bits)
        second = first if (f, k.xx) == (g, k.yy) else _spectrum(g, k.yy, order, bits)
        rho = k.correlation()
        total, weight = arb(0), arb(1)
        for a, b in zip(first[0], second[0], strict=True):
            total += a * b * weight
            weight *= rho
        remainder = (weight.abs_upper() * (_remainder(*first) * _remainder(*second)).sqrt()).upper()
        return to_enclosure(total + arb(0, remainder))


@lru_cache(maxsize=128)
def _spectrum(f: sp.Expr, variance: sp.Expr, order: int, bits: int) -> tuple[list[Ball], Ball]:
    scale = as_ball(evaluate(sp.sqrt(variance), {}))
    return coefficients_by_pieces(f, scale, order, bits), mean_by_pieces(f, scale, bits, 2)


def _remainder(coefficients: list[Ball], energy: Ball) -> Ball:
    rest = energy - sum((a * a for a in coefficients), arb(0))
    return arb.max(rest.upper(), arb(0))


def coefficients_by_pieces(f: sp.Expr, scale: Ball, order: int, bits: int) -> list[Ball]:
    """Return balls for E[f(s X) h_n(X)], n = 0 ... order, s = `scale`, of radius about 2^-bits.

    Call it inside `working_precision` with some bits to spare.

    Examples
    --------
    >>> from dekderive.symbols import z
    >>> [round(float(a), 12) for a in coefficients_by_pieces(z**2, arb(1), 3, 40)]
    [1.0, 0.0, 1.414213562373, 0.0]
    """
    growth = strip_bound(f, _REAL).rescaled(abs(scale))
    reach, tail = _reach(lambda t: moment(growth, t, _QUARTER) * as_ball(CRAMER), bits)
    return [_integral(f, scale, reach, bits, _against_hermite(n)) + arb(0, tail) for n in range(order + 1)]


def mean_by_pieces(f: sp.Expr, scale: Ball, bits: int, power: int = 1) -> Ball:
    """Return a ball for E[f(s X)^k], s = `scale`, k = `power` (1 or 2), of radius about 2^-bits.

    Examples
    --------
    >>> from dekderive.symbols import z
    >>> round(float(mean_by_pieces(abs(z) + 1, arb(2), 40)), 9) == round(1 + 2 * (2 / 3.141592653589793) ** 0.5, 9)
    True
    """
    growth = strip_bound(f, _REAL).rescaled(abs(scale)) ** power
    reach, tail = _reach(lambda t: moment(growth, t), bits)
    return _integral(f, scale, reach, bits, lambda x, value: value if power == 1 else value * value) + arb(0, tail)


def _reach(tail: Callable[[int], Ball], bits: int) -> tuple[int, Ball]:
    """Return T for which the tail beyond it is below 2^-bits, and the tail."""
    reach, tolerance = 2 + isqrt(bits), arb(2) ** -bits
    while not bool(tail(reach) < tolerance):
        reach += 1 + reach // 16
        if reach > 2**20:
            raise NotConverged("the tails of the activation are too heavy for this many bits; ask for fewer")
    return reach, tail(reach)


def _integral(f: sp.Expr, scale: Ball, reach: int, bits: int, form: Callable[[Ball, Ball], Ball]) -> Ball:
    """Integrate form(x, f(s x)) phi(x) over |x| < reach, piece by piece."""
    density = (2 * arb.pi()).rsqrt()
    total = arb(0)
    for piece in smooth_pieces(f):
        if piece.expr == 0:
            continue
        lower, upper = _end(piece.lower, scale, reach), _end(piece.upper, scale, reach)
        part = acb.integral(_weighted(integrand(piece.expr), scale, form), lower, upper, abs_tol=arb(2) ** -bits)
        total += part.real * density
    return total


def _end(knot: sp.Expr, scale: Ball, reach: int) -> Ball:
    """Return a knot in whitened coordinates, moved to the end of the range if it certainly lies beyond."""
    if knot in (sp.oo, -sp.oo):
        return arb(reach if knot == sp.oo else -reach)
    end = as_ball(evaluate(knot, {})) / scale
    return arb.max(arb.min(end, arb(reach)), arb(-reach))


def _weighted(
    f: Callable[[Ball, bool], Ball], scale: Ball, form: Callable[[Ball, Ball], Ball]
) -> Callable[[Ball, bool], Ball]:
    return lambda x, flag: form(x, f(scale * x, flag)) * (-x * x / 2).exp()


def _against_hermite(n: int) -> Callable[[Ball, Ball], Ball]:
    return lambda x, value: value * _hermite(n, x)


def _hermite(n: int, x: Ball) -> Ball:
    """Return the orthonormal h_n = He_n / sqrt(n!) by h_{k+1} = (x h_k - sqrt(k) h_{k-1}) / sqrt(k + 1)."""
    previous, present = acb(0), acb(1)
    for k in range(n):
        previous, present = present, (x * present - arb(k).sqrt() * previous) * arb(k + 1).rsqrt()
    return present
