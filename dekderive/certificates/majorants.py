r"""Upper bounds of the form sum of c |x|^p exp(l |x| + q x^2), and their Gaussian moments.

Everything that a quadrature of a Gaussian expectation discards (its tails, the contour that was shifted into the
complex plane) is bounded by moments of such a sum.  c >= 0, p is a natural number, l >= 0 is called `rate`, and q, of
either sign, `curve`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import comb
from typing import TypeAlias

from flint import arb, fmpq

from dekderive.certificates.balls import Ball
from dekderive.errors import NotCertified, NotIntegrable

__all__ = [
    "Majorant",
    "Term",
    "constant",
    "exponential",
    "grid_tail",
    "grid_total",
    "moment",
    "power",
    "total",
    "upper_fraction",
]

Term: TypeAlias = tuple[int, Fraction, Fraction]  # p, rate, curve
_ZERO = Fraction(0)
_QUARTER = Fraction(1, 4)


@dataclass(frozen=True, slots=True)
class Majorant:
    r"""The function :math:`M(x) = \sum_i c_i |x|^{p_i} e^{l_i |x| + q_i x^2}` of a real x.

    Attributes
    ----------
    terms : mapping from (p, rate, curve) to ball
        The coefficients c >= 0.

    Examples
    --------
    >>> bound = constant(1) + power(2) * exponential(Fraction(1, 2))
    >>> float(bound(arb(2)))
    11.873...
    """

    terms: Mapping[Term, Ball]

    def __add__(self, other: Majorant) -> Majorant:
        terms = dict(self.terms)
        for key, c in other.terms.items():
            terms[key] = (terms[key] + c if key in terms else c).upper()
        return Majorant(terms)

    def __mul__(self, other: Majorant | Ball | int) -> Majorant:
        if not isinstance(other, Majorant):
            return Majorant({key: (c * other).upper() for key, c in self.terms.items()})
        terms: dict[Term, Ball] = {}
        for (p1, l1, q1), c1 in self.terms.items():
            for (p2, l2, q2), c2 in other.terms.items():
                key = (p1 + p2, l1 + l2, q1 + q2)
                terms[key] = (terms[key] + c1 * c2 if key in terms else c1 * c2).upper()
        return Majorant(terms)

    def __pow__(self, n: int) -> Majorant:
        result = constant(1)
        for _ in range(n):
            result = result * self
        return result

    def __call__(self, x: Ball) -> Ball:
        """Return the value at a real ball."""
        size = abs(x)
        total = arb(0)
        for (p, rate, curve), c in self.terms.items():
            total += c * size**p * (_ball(rate) * size + _ball(curve) * size * size).exp()
        return total

    def rescaled(self, scale: Ball) -> Majorant:
        """Return a majorant of x -> M(s x), s = `scale` >= 0 a ball."""
        return total(
            Majorant(
                {(p, upper_fraction(_ball(rate) * scale), upper_fraction(_ball(curve) * scale * scale)): c * scale**p}
            )
            for (p, rate, curve), c in self.terms.items()
        )

    def rising(self) -> Majorant:
        """Return a majorant that rises with |x|: its value at the end of an interval around 0 bounds it inside.

        exp(l |x| - q x^2) is at most exp(l^2/4q) anywhere, which is used where q is not small; else exp(l |x|).
        """
        result = Majorant({})
        for (p, rate, curve), c in self.terms.items():
            if rate and curve <= -_QUARTER:
                result = result + power(p) * (c * _ball(rate * rate / (-4 * curve)).exp())
            else:
                result = result + Majorant({(p, rate, max(curve, _ZERO)): c})
        return result

    @property
    def is_bounded(self) -> bool:
        """Whether it is a constant."""
        return all(key == (0, _ZERO, _ZERO) for key in self.terms)

    @property
    def is_polynomial(self) -> bool:
        """Whether no exponential occurs."""
        return all(rate == 0 and curve == 0 for _, rate, curve in self.terms)

    def supremum(self) -> Ball:
        """Return the constant that a bounded majorant is."""
        return sum(self.terms.values(), arb(0))

    def of(self, inner: Majorant) -> Majorant:
        """Return a majorant of F(g), given that this one is of F and the other, of g; only without exponentials."""
        if not self.is_polynomial:
            raise NotCertified("a function that grows exponentially is applied to one whose sign is not known")
        return total(inner**p * c for (p, _, _), c in self.terms.items())

    def of_affine(self, slope: Fraction, shift: Fraction) -> Majorant:
        """Return a majorant of x -> M(s x + t) for q >= 0, given upper bounds of |s| and |t|."""
        result = Majorant({})
        for (p, rate, curve), c in self.terms.items():
            grown = exponential(rate * slope + 2 * curve * slope * shift, curve * slope**2)
            grown = grown * c * _ball((rate + curve * shift) * shift).exp()
            shifted = (power(k) * _ball(comb(p, k) * slope**k * shift ** (p - k)) for k in range(p + 1))
            result = result + total(shifted) * grown
        return result


def _ball(value: Fraction) -> Ball:
    return arb(fmpq(value.numerator, value.denominator))


def upper_fraction(value: Ball) -> Fraction:
    """Return the upper end of a ball, rounded up to 32 bits so that products of such numbers stay short.

    Examples
    --------
    >>> float(upper_fraction(arb(2).sqrt()) ** 2)
    2.000000...
    """
    mantissa, exponent = value.upper().man_exp()
    exact, drop = int(mantissa), max(0, int(mantissa).bit_length() - 32)
    return Fraction(-(-exact >> drop)) * Fraction(2) ** (int(exponent) + drop)


def total(parts: Iterable[Majorant]) -> Majorant:
    """Return the sum."""
    result = Majorant({})
    for part in parts:
        result = result + part
    return result


def constant(value: Ball | int) -> Majorant:
    """Return the majorant that is this number."""
    return Majorant({(0, _ZERO, _ZERO): arb(value).upper()})


def power(p: int) -> Majorant:
    """Return |x|^p."""
    return Majorant({(p, _ZERO, _ZERO): arb(1)})


def exponential(rate: Fraction, curve: Fraction = _ZERO) -> Majorant:
    """Return exp(rate |x| + curve x^2)."""
    return Majorant({(0, rate, curve): arb(1)})


# ---- moments under the standard normal density phi ------------------------------------------------------------------


def moment(bound: Majorant, start: Ball | int = 0, tilt: Fraction = _ZERO) -> Ball:
    r"""Return an upper bound of :math:`\int_{|u| > T} M(u) e^{t u^2} \varphi(u)\,du`.

    Completing nothing but the exponent :math:`\lambda u - \kappa u^2/2` with :math:`\kappa = 1 - 2 q - 2 t`,
    :math:`J_p = \int_T^\infty u^p e^{\lambda u - \kappa u^2/2} du` follows from an error function and
    :math:`\kappa J_p = T^{p-1} e^{\lambda T - \kappa T^2/2} + \lambda J_{p-1} + (p-1) J_{p-2}` (integration by parts),
    whose terms are all positive.

    Raises
    ------
    NotIntegrable
        If kappa > 0 is not certain.

    Examples
    --------
    >>> float(moment(power(4)))  # E[u^4]
    3.0
    """
    result = arb(0)
    for (p, rate, curve), c in bound.terms.items():
        result += 2 * c * _incomplete(p, _ball(rate), _decay(curve, tilt), arb(start))
    return (result / (2 * arb.pi()).sqrt()).upper()


def _decay(curve: Fraction, tilt: Fraction) -> Ball:
    decay = 1 - 2 * _ball(curve + tilt)
    if not bool(decay > 0):
        raise NotIntegrable(
            f"a bound that grows like exp({float(curve):.6g} x^2) has no expectation under the standard normal "
            "distribution; ask for a smaller variance"
        )
    return decay


def _incomplete(p: int, rate: Ball, decay: Ball, start: Ball) -> Ball:
    root = (decay / 2).sqrt()
    # exp(rate^2 / 2 decay) erfc(...), both by their logarithms' sizes: no overflow in balls.
    first = (rate * rate / (2 * decay)).exp() * (root * (start - rate / decay)).erfc() * arb.pi().sqrt() / (2 * root)
    if p == 0:
        return first
    edge = (rate * start - decay * start * start / 2).exp()
    previous, present = first, (edge + rate * first) / decay
    for k in range(2, p + 1):
        previous, present = present, (start ** (k - 1) * edge + rate * present + (k - 1) * previous) / decay
    return present


def _peak(p: int, rate: Ball, decay: Ball) -> Ball:
    """Return where u^p exp(rate u - decay u^2 / 2) is largest on u >= 0; it falls beyond."""
    return (rate + (rate * rate + 4 * decay * p).sqrt()) / (2 * decay)


def grid_tail(bound: Majorant, step: Ball, count: int, tilt: Fraction = _ZERO) -> Ball:
    r"""Return an upper bound of :math:`h \sum_{|i| > n} M(i h) e^{t (ih)^2} \varphi(i h)`, n = `count`.

    Beyond its peak each term falls, so its sum over the nodes is below its integral from n h on.

    Raises
    ------
    NotCertified
        If n h does not lie beyond the peaks.

    Examples
    --------
    >>> float(grid_tail(constant(1), arb(1) / 4, 20)) < 1e-6
    True
    """
    start = step * count
    for p, rate, curve in bound.terms:
        if not bool(_peak(p, _ball(rate), _decay(curve, tilt)) <= start):
            raise NotCertified("the sum was truncated before its terms fall; take more nodes")
    return moment(bound, start, tilt)


def grid_total(bound: Majorant, step: Ball) -> Ball:
    r"""Return an upper bound of :math:`h \sum_i M(i h + r) \varphi(i h + r)` over all integers i, for any r.

    Each term rises and then falls on either side of 0; such a function's sum is at most its integral plus, on either
    side, h times its maximum.

    Examples
    --------
    >>> float(grid_total(constant(1), arb(1) / 4)) < 1.21
    True
    """
    result = arb(0)
    for (p, rate, curve), c in bound.terms.items():
        slope, decay = _ball(rate), _decay(curve, _ZERO)
        top = _peak(p, slope, decay)
        height = c * top**p * (slope * top - decay * top * top / 2).exp()
        result += 2 * step * height
    return (result / (2 * arb.pi()).sqrt() + moment(bound)).upper()
