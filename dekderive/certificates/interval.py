"""A closed interval that contains an exact value, in a form that no ball library leaks through."""

from __future__ import annotations

from dataclasses import dataclass

import mpmath

__all__ = ["Enclosure"]


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A closed interval that contains the exact value; infinite ends where nothing is known.

    Attributes
    ----------
    lower, upper : mpmath.mpf
        Exact dyadic numbers.

    Examples
    --------
    >>> value = Enclosure(mpmath.mpf(1) / 4, mpmath.mpf(1) / 2)
    >>> value.is_positive, value.contains_zero, float(value)
    (True, False, 0.375)
    """

    lower: mpmath.mpf
    upper: mpmath.mpf

    @property
    def is_finite(self) -> bool:
        """Whether both ends are finite."""
        return bool(mpmath.isfinite(self.lower) and mpmath.isfinite(self.upper))

    @property
    def is_positive(self) -> bool:
        """Whether the exact value is certainly positive."""
        return bool(self.lower > 0)

    @property
    def is_negative(self) -> bool:
        """Whether the exact value is certainly negative."""
        return bool(self.upper < 0)

    @property
    def excludes_zero(self) -> bool:
        """Whether the exact value is certainly not zero."""
        return self.is_positive or self.is_negative

    @property
    def contains_zero(self) -> bool:
        """Whether zero cannot be excluded."""
        return not self.excludes_zero

    @property
    def radius(self) -> mpmath.mpf:
        """Half of the width, rounded up."""
        return mpmath.fsub(self.upper, self.lower, prec=53, rounding="u") / 2

    @property
    def midpoint(self) -> mpmath.mpf:
        """The middle, to the precision of the ends (approximately: not for proofs)."""
        with mpmath.workprec(max(53, self.lower.man.bit_length(), self.upper.man.bit_length()) + 8):
            return (self.lower + self.upper) / 2

    def __float__(self) -> float:
        return float(self.midpoint)

    def __str__(self) -> str:
        if not self.is_finite:
            return f"[{mpmath.nstr(self.lower)}, {mpmath.nstr(self.upper)}]"
        return f"{mpmath.nstr(self.midpoint, 17)} ± {mpmath.nstr(self.radius, 3)}"
