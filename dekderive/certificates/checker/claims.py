"""What a certificate may claim, and the inequalities that prove it.

The checker derives the inequalities from the claim; a certificate only brings their proofs.  So nothing can be left out
by editing a certificate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from dekderive.certificates.checker.programs import (
    Instruction,
    Malformed,
    Program,
    derivative,
    read_program,
    read_rational,
)
from dekderive.certificates.checker.trees import Box, read_end

__all__ = ["Obligation", "obligations", "read_box"]

MARGIN = Fraction(1, 1 << 100)  # what "negative" means for a number that is enclosed and not known exactly


@dataclass(frozen=True)
class Obligation:
    """``program <= bound`` on a box, and in words what it is for."""

    program: Program
    box: Box
    bound: Fraction
    reason: str


def read_box(data: object) -> dict[str, tuple[Fraction | None, Fraction | None]]:
    """Read ``{"rho": ["-1", "1"], ...}``, in the order of its names."""
    if not isinstance(data, dict) or not data:
        raise Malformed("the domain must map names to [low, high]")
    box: dict[str, tuple[Fraction | None, Fraction | None]] = {}
    for name, ends in data.items():
        if not isinstance(ends, list) or len(ends) != 2:
            raise Malformed(f"the domain of {str(name)[:20]} must be [low, high]")
        low, high = read_end(ends[0]), read_end(ends[1])
        wrong = ends[0] == "inf" or ends[1] == "-inf" or (low is not None and high is not None and low > high)
        if wrong:
            raise Malformed(f"the domain of {name} is empty")
        box[name] = (low, high)
    return box


def obligations(claim: Mapping[str, object], box: Box) -> list[Obligation]:
    """Return what has to be proved for a claim."""
    kind = claim.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise Malformed(f"the kind of a claim must be one of {', '.join(_KINDS)}, got {str(kind)[:30]!r}")
    return _KINDS[kind](claim, box)


def _bound(claim: Mapping[str, object], box: Box) -> list[Obligation]:
    program = read_program(claim.get("program"), list(box))
    found = []
    if "at_most" in claim:
        bound = read_rational(claim["at_most"])
        found.append(Obligation(program, box, bound, f"the value is at most {bound}"))
    if "at_least" in claim:
        bound = read_rational(claim["at_least"])
        found.append(Obligation(_negated(program), box, -bound, f"the value is at least {bound}"))
    if not found:
        raise Malformed("a bound needs at_most or at_least")
    return found


def _contraction(claim: Mapping[str, object], box: Box) -> list[Obligation]:
    """Return what proves that a map takes a closed box into itself and shrinks the weighted maximum norm.

    By Banach it then has one fixed point, for every value of the variables that are no coordinates.

    max_x |F_i(x) - F_i(y)| <= q |x - y| follows from sum_j (w_j / w_i) |dF_i/dx_j| <= q, and that sum of sizes is the
    largest of the sums with signs.
    """
    names, maps = _names(claim, box), claim.get("map")
    if not isinstance(maps, list) or len(maps) != len(names):
        raise Malformed("a contraction needs one program for each of its coordinates")
    programs = [read_program(p, list(box)) for p in maps]
    modulus = read_rational(claim.get("modulus"))
    if not 0 <= modulus < 1:
        raise Malformed("the modulus of a contraction is at least 0 and below 1")
    weights = [read_rational(w) for w in _list(claim, "weights", ["1"] * len(names), len(names))]
    if min(weights) <= 0:
        raise Malformed("the weights of a norm are positive")
    found = []
    for name, program, weight in zip(names, programs, weights, strict=True):
        low, high = box[name]
        if high is not None:
            found.append(Obligation(program, box, high, f"the map stays below the end of {name}"))
        if low is not None:
            found.append(Obligation(_negated(program), box, -low, f"the map stays above the end of {name}"))
        slopes = [derivative(program, other) for other in names]
        for signs in product((1, -1), repeat=len(names)):
            factors = [s * w / weight for s, w in zip(signs, weights, strict=True)]
            found.append(Obligation(_combined(slopes, factors), box, modulus, f"the map contracts in {name}"))
    return found


def _unique_root(claim: Mapping[str, object], box: Box) -> list[Obligation]:
    """Return what proves that there is exactly one zero in one variable, for every value of the others.

    There are negative pieces, one increasing piece that begins at most at 0 and ends at least at 0, positive pieces.
    """
    program = read_program(claim.get("program"), list(box))
    (name,) = _names({"coordinates": [claim.get("variable")]}, box)
    pieces = [_piece(p) for p in _list(claim, "pieces", [], None)]
    low, high = box[name]
    if not pieces or low is None or high is None:
        raise Malformed("a unique root needs pieces, and a bounded variable")
    places = [low, *(p[1] for p in pieces)]
    if [p[0] for p in pieces] != places[:-1] or places[-1] != high or any(a >= b for a, b, _ in pieces):
        raise Malformed("the pieces must follow one another from one end of the domain to the other")
    shapes = [shape for _, _, shape in pieces]
    k = shapes.count("negative")
    if shapes != ["negative"] * k + ["increasing"] + ["positive"] * (len(shapes) - k - 1):
        raise Malformed("the pieces must be negative ones, one increasing one, and positive ones, in this order")
    found = []
    for a, b, shape in pieces:
        part = {**box, name: (a, b)}
        if shape == "negative":
            found.append(Obligation(program, part, -MARGIN, f"no zero for {name} from {a} to {b}"))
        elif shape == "positive":
            found.append(Obligation(_negated(program), part, -MARGIN, f"no zero for {name} from {a} to {b}"))
        else:
            slope = _negated(derivative(program, name))
            found.append(Obligation(slope, part, -MARGIN, f"increasing for {name} from {a} to {b}"))
            found.append(Obligation(program, {**box, name: (a, a)}, Fraction(0), f"at most 0 at {name} = {a}"))
            end = Obligation(_negated(program), {**box, name: (b, b)}, Fraction(0), f"at least 0 at {name} = {b}")
            found.append(end)
    return found


def _piece(data: object) -> tuple[Fraction, Fraction, str]:
    if not isinstance(data, list) or len(data) != 3 or data[2] not in ("negative", "increasing", "positive"):
        raise Malformed("a piece must be [from, to, 'negative' | 'increasing' | 'positive']")
    return read_rational(data[0]), read_rational(data[1]), str(data[2])


def _names(claim: Mapping[str, object], box: Box) -> list[str]:
    names = claim.get("coordinates")
    if not isinstance(names, list) or not names or any(n not in box for n in names) or len(set(names)) < len(names):
        raise Malformed("the coordinates of a claim must be different variables of its domain")
    if len(names) > 6:
        raise Malformed("more than six coordinates")
    return [str(n) for n in names]


def _list(claim: Mapping[str, object], key: str, default: Sequence[object], length: int | None) -> list[object]:
    value = claim.get(key, list(default))
    if not isinstance(value, list) or (length is not None and len(value) != length):
        raise Malformed(f"{key} must be a list" + (f" of {length}" if length is not None else ""))
    return value


def _negated(program: Program) -> Program:
    return Program((*program.code, ("negate", len(program.code) - 1)))


def _combined(programs: Sequence[Program], factors: Sequence[Fraction]) -> Program:
    """The sum of factor * program."""
    code: list[Instruction] = []
    total: int | None = None
    for program, factor in zip(programs, factors, strict=True):
        start = len(code)
        code += [_shifted(line, start) for line in program.code]
        value = len(code) - 1
        code += [("rational", factor), ("multiply", value, value + 1)]
        term = len(code) - 1
        if total is not None:
            code.append(("add", total, term))
        total = len(code) - 1
    return Program(tuple(code))


def _shifted(line: Instruction, by: int) -> Instruction:
    name, *arguments = line
    if name in ("variable", "rational", "pi"):
        return line
    if name == "power":
        return name, _place(arguments[0]) + by, arguments[1]
    return (name, *(_place(a) + by for a in arguments))


def _place(argument: object) -> int:
    assert isinstance(argument, int)
    return argument


_KINDS: Mapping[str, Callable[[Mapping[str, object], Box], list[Obligation]]] = {
    "bound": _bound,
    "contraction": _contraction,
    "unique root": _unique_root,
}
