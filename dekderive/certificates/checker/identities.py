"""Identities between programs, decided in a normal form: quotients of polynomials in variables and opaque functions.

Functions with equal arguments are one generator; sqrt(x)^2 is x, sin(x)^2 is 1 - cos(x)^2 and exp(-x) is 1/exp(x).
Everything else about a function is ignored, so an identity that is found holds (wherever both sides are defined), and
one that is not found may hold all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

from dekderive.certificates.checker.programs import Program
from dekderive.certificates.checker.trees import Refused

__all__ = ["prove_equal"]

Monomial: TypeAlias = tuple[tuple[int, int], ...]  # (generator, power), in the order of the generators
Polynomial: TypeAlias = dict[Monomial, Fraction]
Quotient: TypeAlias = tuple[Polynomial, Polynomial]

LARGEST = 20_000  # terms
_ONE: Polynomial = {(): Fraction(1)}


def prove_equal(left: Program, right: Program) -> None:
    """Check that two programs are the same function.

    Raises
    ------
    Refused
        If the normal form does not show it.
    """
    table = _Table()
    (p, q), (r, s) = table.normal(left), table.normal(right)
    if table.times(p, s) != table.times(r, q):
        raise Refused("the normal forms of the two sides differ")


@dataclass
class _Table:
    """The generators that have been met: variables and pi by name, functions by name and argument."""

    functions: list[tuple[str, Quotient | None]] = field(default_factory=list)

    def normal(self, program: Program) -> Quotient:
        values: list[Quotient] = []
        for name, *arguments in program.code:
            values.append(self.value(str(name), arguments, values))
        return values[-1]

    def value(self, name: str, arguments: list[object], values: list[Quotient]) -> Quotient:
        if name == "rational":
            assert isinstance(arguments[0], Fraction)
            return ({(): arguments[0]} if arguments[0] else {}), _ONE
        if name in ("variable", "pi"):
            return self.generator(f"{name} {arguments[0] if arguments else ''}", None)
        places = [a for a in arguments if isinstance(a, int)]
        p, q = values[places[0]]
        if name == "negate":
            return {m: -c for m, c in p.items()}, q
        if name == "power":
            return self.power((p, q), places[1])
        if name in ("add", "multiply", "divide"):
            r, s = values[places[1]]
            if name == "add":
                return self.plus(self.times(p, s), self.times(r, q)), self.times(q, s)
            if name == "divide" and not r:
                raise Refused("a division by what is identically 0")
            return (self.times(p, r), self.times(q, s)) if name == "multiply" else (self.times(p, s), self.times(q, r))
        return self.function(name, (p, q))

    def function(self, name: str, argument: Quotient) -> Quotient:
        opposite = {m: -c for m, c in argument[0].items()}, argument[1]
        if name == "exp" and not argument[0]:
            return _ONE, _ONE
        if name == "exp" and (known := self.find(name, opposite)) is not None:
            return _ONE, {((known, 1),): Fraction(1)}
        return self.generator(name, argument)

    def find(self, name: str, argument: Quotient | None) -> int | None:
        for i, (other, given) in enumerate(self.functions):
            if other == name and self.same(given, argument):
                return i
        return None

    def same(self, left: Quotient | None, right: Quotient | None) -> bool:
        if left is None or right is None:
            return left is right
        return self.times(left[0], right[1]) == self.times(right[0], left[1])

    def generator(self, name: str, argument: Quotient | None) -> Quotient:
        place = self.find(name, argument)
        if place is None:
            place = len(self.functions)
            self.functions.append((name, argument))
        return {((place, 1),): Fraction(1)}, _ONE

    def plus(self, left: Polynomial, right: Polynomial) -> Polynomial:
        total = dict(left)
        for monomial, c in right.items():
            total[monomial] = total.get(monomial, Fraction(0)) + c
        return {m: c for m, c in total.items() if c}

    def times(self, left: Polynomial, right: Polynomial) -> Polynomial:
        if len(left) * len(right) > LARGEST:
            raise Refused("the normal form has too many terms")
        total: Polynomial = {}
        for m, c in left.items():
            for n, d in right.items():
                for monomial, e in self.reduced(_product(m, n)).items():
                    total[monomial] = total.get(monomial, Fraction(0)) + c * d * e
        return {m: c for m, c in total.items() if c}

    def reduced(self, monomial: Monomial) -> Polynomial:
        """Apply sqrt(x)^2 = x and sin(x)^2 = 1 - cos(x)^2; a root of a quotient is left alone."""
        for place, power in monomial:
            name, argument = self.functions[place]
            if power < 2 or argument is None:
                continue
            rest = _product(
                tuple((g, p) for g, p in monomial if g != place), ((place, power - 2),) if power > 2 else ()
            )
            if name == "sqrt" and argument[1] == _ONE:
                return self.times({rest: Fraction(1)}, argument[0])
            if name == "sin":
                cosine, _ = self.generator("cos", argument)
                square = self.times(cosine, cosine)
                return self.times({rest: Fraction(1)}, self.plus(_ONE, {m: -c for m, c in square.items()}))
        return {monomial: Fraction(1)}

    def power(self, base: Quotient, n: int) -> Quotient:
        p, q = base if n >= 0 else (base[1], base[0])
        if n < 0 and not q:
            raise Refused("a division by what is identically 0")
        result: Quotient = (_ONE, _ONE)
        for _ in range(abs(n)):
            result = self.times(result[0], p), self.times(result[1], q)
        return result


def _product(left: Monomial, right: Monomial) -> Monomial:
    powers = dict(left)
    for generator, power in right:
        powers[generator] = powers.get(generator, 0) + power
    return tuple(sorted(powers.items()))
