"""An enclosure of the solution of a monotone equation.  Balls are handled by their methods; flint is not imported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

__all__ = ["MonotoneEquation"]

Ball: TypeAlias = Any

_EXPANSIONS, _BISECTIONS, _WIDENINGS = 600, 16, 300


@dataclass(frozen=True)
class MonotoneEquation:
    """``function(x) = level`` for x in (lower, upper), where the function is strictly monotone.

    The ends may be infinite.  `bits` is the working precision.
    """

    function: Callable[[Ball], Ball]
    derivative: Callable[[Ball], Ball]
    level: Ball
    lower: Ball
    upper: Ball
    bits: int

    def solve(self) -> Ball | None:
        """Return a ball around the solution, or None if none was isolated.

        A point is found first, by whatever means; a change of sign between its two sides then proves it.
        """
        bracket = self._bracket()
        if bracket is None:
            return None
        low, high = bracket
        for _ in range(_BISECTIONS):
            middle = ((low + high) / 2).mid()
            low, high = (middle, high) if self._side(middle, self.level.mid()) < 0 else (low, middle)
        x = ((low + high) / 2).mid()
        for _ in range(self.bits.bit_length() + 6):
            step = (self.function(x) - self.level.mid()) / self.derivative(x)
            x_next = (x - step).mid()
            # A little beyond the bracket is allowed: its ends were chosen by sign, and the solution may be one of them.
            if not step.is_finite() or not 2 * low - high < x_next < 2 * high - low:
                break
            if not self.lower < x_next < self.upper:
                break
            x = x_next
        return self._proved(x)

    @cached_property
    def _start(self) -> Ball:
        if self.lower.is_finite():
            return (self.lower + self.upper).mid() / 2 if self.upper.is_finite() else (self.lower + 1).mid()
        return (self.upper - 1).mid() if self.upper.is_finite() else self.level.mid() * 0

    @cached_property
    def _rising(self) -> bool:
        return bool(self.function(self._towards(1, 0)) > self.function(self._towards(-1, 1)))

    def _towards(self, direction: int, k: int) -> Ball:
        """Return the k-th of the points that run from the start to the end in this direction."""
        end = self.lower if direction < 0 else self.upper
        shift = (self._start - end) / 2**k if end.is_finite() else None
        return (self._start + direction * (2**k - 1) if shift is None else end + shift).mid()

    def _side(self, x: Ball, level: Ball) -> int:
        """Return -1 or 1 if x is certainly left or right of the solution for this level, else 0."""
        gap = self.function(x) - level if self._rising else level - self.function(x)
        return 1 if gap > 0 else -1 if gap < 0 else 0

    def _bracket(self) -> tuple[Ball, Ball] | None:
        """Return two points with the solution between them, neighbours on the way from the start to an end."""
        direction = -1 if self._side(self._start, self.level.mid()) > 0 else 1
        end = self.lower if direction < 0 else self.upper
        before = self._start
        if end.is_finite() and self._side(end, self.level.mid()) == -direction:
            # The level is beyond the range; by rounding only, perhaps, and then the solution may be the end.
            attained = self._side(end, self.level) == 0
            return ((end, before) if direction < 0 else (before, end)) if attained else None
        for k in range(1, _EXPANSIONS):
            x = self._towards(direction, k)
            if self._side(x, self.level.mid()) == direction:
                return (x, before) if direction < 0 else (before, x)
            before = x
        if not end.is_finite():
            return None
        return (end.mid(), before) if direction < 0 else (before, end.mid())  # the solution may be the end itself

    def _proved(self, x: Ball) -> Ball | None:
        unit = self.level.mid() * 0 + 1
        radius = abs(x) * 2 ** (unit * (16 - self.bits)) + 2 ** (unit * (-4 * self.bits))
        slack = 2 * self.level.rad() / abs(self.derivative(x))
        radius = (radius + slack if slack.is_finite() else radius).upper()
        for _ in range(_WIDENINGS):
            left, right = (x - radius).lower(), (x + radius).upper()
            left_holds = left <= self.lower or self._side(left, self.level) < 0
            right_holds = right >= self.upper or self._side(right, self.level) > 0
            if left_holds and right_holds:
                return max(left, self.lower).union(min(right, self.upper))
            radius = radius * 2 ** max(4, self.bits // 64)
        return None
