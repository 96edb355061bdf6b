"""Straight-line programs: the expressions of a certificate, how they are evaluated, and how they are differentiated.

A program is a list of instructions, each a name and its arguments: ``["variable", "rho"]``, ``["rational", "3/5"]``,
``["pi"]``, ``["power", i, n]``, or a function and the numbers of earlier instructions, ``["multiply", i, j]``.  The
last instruction is the value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

from dekderive.certificates.checker import elementary, intervals, quotients, variances
from dekderive.certificates.checker.intervals import Interval, OutOfDomain
from dekderive.errors import InvalidInput

__all__ = ["Malformed", "Program", "derivative", "evaluate", "read_program", "read_rational"]

Instruction: TypeAlias = tuple[object, ...]

LARGEST_PROGRAM = 20_000  # instructions
LARGEST_POWER = 1_000
LARGEST_NUMBER = 2_000  # characters of a rational number


class Malformed(InvalidInput):
    """A certificate that is not one: the message says where."""


@dataclass(frozen=True)
class Program:
    """Instructions, the last of which is the value."""

    code: tuple[Instruction, ...]
    slopes: dict[str, Program] = field(default_factory=dict, compare=False, repr=False)  # derivatives that are known
    constants: dict[int, Interval] = field(default_factory=dict, compare=False, repr=False)  # values without a variable


_UNARY: Mapping[str, Callable[[Interval], Interval]] = {
    "negate": lambda x: -x,
    "exp": intervals.exp,
    "log": intervals.log,
    "sqrt": intervals.sqrt,
    "sin": intervals.sin,
    "cos": intervals.cos,
    "atan": intervals.atan,
    "asin": intervals.asin,
    "acos": intervals.acos,
    "erf": intervals.erf,
    "expit": intervals.expit,
    "tanh": intervals.tanh,
    "softplus": intervals.softplus,
    "log_softplus_slope": quotients.log_softplus_slope,
    "absolute": lambda x: x.magnitude(),
    "sign": intervals.sign,
    "damped": intervals.damped,
    "langevin_slope": variances.langevin_slope,
    "bessel_ratio_slope": variances.bessel_ratio_slope,
    "truncated_normal_variance": variances.truncated_normal_variance,
}
_WITHOUT_SLOPE = ("sign", "langevin_slope", "bessel_ratio_slope", "truncated_normal_variance")
_BINARY: Mapping[str, Callable[[Interval, Interval], Interval]] = {
    "add": lambda x, y: x + y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
}


def read_rational(text: object) -> Fraction:
    """Read ``"p/q"`` or ``"p"``; never a float."""
    if not isinstance(text, str) or len(text) > LARGEST_NUMBER:
        raise Malformed(f"a number must be a string such as '3/5', got {str(text)[:40]!r}")
    numerator, slash, denominator = text.partition("/")
    parts = [numerator, denominator] if slash else [numerator]
    if not all(p.lstrip("-").isascii() and p.lstrip("-").isdigit() for p in parts) or (
        slash and denominator[:1] == "-"
    ):
        raise Malformed(f"a number must be a string such as '3/5', got {text[:40]!r}")
    if slash and int(denominator) == 0:
        raise Malformed("a number with denominator 0")
    return Fraction(int(numerator), int(denominator) if slash else 1)


def read_program(data: object, variables: Sequence[str]) -> Program:
    """Check every instruction of a program; nothing is evaluated yet."""
    if not isinstance(data, list) or not data or len(data) > LARGEST_PROGRAM:
        raise Malformed("a program must be a non-empty list of instructions")
    return Program(tuple(_instruction(line, i, variables) for i, line in enumerate(data)))


def _instruction(line: object, position: int, variables: Sequence[str]) -> Instruction:
    if not isinstance(line, list) or not line or not isinstance(line[0], str):
        raise Malformed(f"instruction {position} is not a list that begins with a name")
    name, *arguments = line
    if name == "variable" and len(arguments) == 1 and arguments[0] in variables:
        return name, arguments[0]
    if name == "rational" and len(arguments) == 1:
        return name, read_rational(arguments[0])
    if name == "pi" and not arguments:
        return (name,)
    if name == "power" and len(arguments) == 2:
        _check_place(arguments[0], position)
        n = arguments[1]
        if type(n) is not int or abs(n) > LARGEST_POWER:
            raise Malformed(f"instruction {position}: the power must be an integer of at most {LARGEST_POWER}")
        return name, arguments[0], n
    if (name in _UNARY and len(arguments) == 1) or (name in _BINARY and len(arguments) == 2):
        for place in arguments:
            _check_place(place, position)
        return (name, *arguments)
    raise Malformed(f"instruction {position}, {str(line)[:60]}, is none that the checker knows")


def _check_place(place: object, position: int) -> None:
    if type(place) is not int or not 0 <= place < position:
        raise Malformed(f"instruction {position} refers to {str(place)[:20]!r}, which is no earlier instruction")


def evaluate(program: Program, box: Mapping[str, Interval]) -> Interval:
    """Enclose all values that a program takes on a box.

    Raises
    ------
    OutOfDomain
        If some function of the program is not defined on all that it may be given.
    """
    values: list[Interval] = []
    constants = program.constants
    first = not constants
    for place, (name, *arguments) in enumerate(program.code):
        if place in constants:
            values.append(constants[place])
            continue
        values.append(_value(str(name), arguments, values, box))
        if first and name != "variable" and all(p in constants for p in _places((name, *arguments))):
            constants[place] = values[-1]
    return values[-1]


def _value(name: str, arguments: list[object], values: list[Interval], box: Mapping[str, Interval]) -> Interval:
    if name == "variable":
        return box[str(arguments[0])]
    if name == "rational":
        assert isinstance(arguments[0], Fraction)
        return intervals.rational(arguments[0])
    if name == "pi":
        return Interval(*elementary.pi())
    places = [a for a in arguments if isinstance(a, int)]
    if name == "power":
        return values[places[0]].power(places[1])
    if name in _BINARY:
        return _BINARY[name](values[places[0]], values[places[1]])
    return _UNARY[name](values[places[0]])


class _Builder:
    """Appends instructions, writes equal ones once, and drops multiplications by 0 and 1."""

    def __init__(self, code: Sequence[Instruction]) -> None:
        self.code = list(code)
        self.known = {line: i for i, line in enumerate(self.code)}
        self.zero, self.one = self.rational(0), self.rational(1)

    def put(self, *line: object) -> int:
        if line not in self.known:
            self.known[line] = len(self.code)
            self.code.append(line)
        return self.known[line]

    def rational(self, value: Fraction | int) -> int:
        return self.put("rational", Fraction(value))

    def add(self, i: int, j: int) -> int:
        return j if i == self.zero else i if j == self.zero else self.put("add", i, j)

    def multiply(self, i: int, j: int) -> int:
        if self.zero in (i, j):
            return self.zero
        return j if i == self.one else i if j == self.one else self.put("multiply", i, j)

    def negate(self, i: int) -> int:
        return i if i == self.zero else self.put("negate", i)

    def over(self, i: int, j: int) -> int:
        return i if i == self.zero else self.put("divide", i, j)

    def power(self, i: int, n: int) -> int:
        return self.one if n == 0 else i if n == 1 else self.put("power", i, n)


def derivative(program: Program, variable: str) -> Program:
    """The partial derivative as a program of its own, by the rules of calculus."""
    if variable not in program.slopes:
        program.slopes[variable] = _derivative(program, variable)
    return program.slopes[variable]


def _derivative(program: Program, variable: str) -> Program:
    builder = _Builder(program.code)
    slopes: list[int] = []
    for place, (name, *arguments) in enumerate(program.code):
        slopes.append(_slope(builder, place, str(name), arguments, slopes, variable))
    result = slopes[-1]
    if result != len(builder.code) - 1:  # the value is the last instruction
        builder.code.append(("add", result, builder.zero))
    return Program(_live(builder.code))


def _slope(b: _Builder, place: int, name: str, arguments: list[object], slopes: list[int], variable: str) -> int:
    if name in ("rational", "pi"):
        return b.zero
    if name == "variable":
        return b.one if arguments[0] == variable else b.zero
    places = [a for a in arguments if isinstance(a, int)]
    i, di = places[0], slopes[places[0]]
    if name == "power":
        n = places[1]
        return b.multiply(b.multiply(b.rational(n), b.power(i, n - 1)), di) if n else b.zero
    if name in _BINARY:
        j, dj = places[1], slopes[places[1]]
        if name == "add":
            return b.add(di, dj)
        if name == "multiply":
            return b.add(b.multiply(di, j), b.multiply(i, dj))
        # (i / j)' = (i' - (i / j) j') / j, with the quotient that is there already
        return b.over(b.add(di, b.negate(b.multiply(place, dj))), j)
    return b.multiply(_outer(b, place, name, i), di) if di != b.zero else b.zero


def _outer(b: _Builder, place: int, name: str, i: int) -> int:
    """The derivative of a function of one argument, at instruction `i`; its value is instruction `place`."""
    if name == "negate":
        return b.rational(-1)
    if name == "exp":
        return place
    if name == "log":
        return b.over(b.one, i)
    if name == "sqrt":
        return b.over(b.one, b.multiply(b.rational(2), place))
    if name == "sin":
        return b.put("cos", i)
    if name == "cos":
        return b.negate(b.put("sin", i))
    if name == "atan":
        return b.over(b.one, b.add(b.one, b.power(i, 2)))
    if name == "expit":  # two factors, so that nothing cancels on either side
        return b.multiply(place, b.put("expit", b.negate(i)))
    if name == "tanh":
        return b.add(b.one, b.negate(b.power(place, 2)))
    if name == "softplus":
        return b.put("expit", i)
    if name == "log_softplus_slope":  # s' = s (expit(-x) - s)
        return b.multiply(place, b.add(b.put("expit", b.negate(i)), b.negate(place)))
    if name == "damped":  # x exp(-x^2/2)
        bell = b.put("exp", b.multiply(b.rational(Fraction(-1, 2)), b.power(i, 2)))
        return b.add(bell, b.negate(b.multiply(i, place)))
    if name == "absolute":  # the generalised gradient: the mean value theorem holds with it (Lebourg)
        return b.put("sign", i)
    if name in _WITHOUT_SLOPE:
        raise OutOfDomain(f"the derivative of {name} is not known to the checker")
    if name == "erf":
        scale = b.over(b.rational(2), b.put("sqrt", b.put("pi")))
        return b.multiply(scale, b.put("exp", b.negate(b.power(i, 2))))
    # asin and acos: 1 - x^2 as a product, which keeps what is left of it at the ends
    root = b.put("sqrt", b.multiply(b.add(b.one, b.negate(i)), b.add(b.one, i)))
    slope = b.over(b.one, root)
    return slope if name == "asin" else b.negate(slope)


def _live(code: Sequence[Instruction]) -> tuple[Instruction, ...]:
    """Only what the last instruction needs, renumbered."""
    needed = {len(code) - 1}
    for place in range(len(code) - 1, -1, -1):
        if place in needed:
            needed.update(_places(code[place]))
    order = {old: new for new, old in enumerate(sorted(needed))}
    return tuple(_renumbered(code[old], order) for old in sorted(needed))


def _places(line: Instruction) -> list[int]:
    name = line[0]
    if name in ("variable", "rational", "pi"):
        return []
    return [p for p in (line[1:2] if name == "power" else line[1:]) if isinstance(p, int)]


def _renumbered(line: Instruction, order: Mapping[int, int]) -> Instruction:
    places = _places(line)
    return (line[0], *(order[p] for p in places), *line[1 + len(places) :])
