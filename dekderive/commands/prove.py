"""``dekderive prove``: a bound of a formula, with a certificate."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dekderive.commands.console import EXIT_CODES, write_json
from dekderive.errors import InvalidInput

if TYPE_CHECKING:
    import sympy as sp

    from dekderive.certificates.prover.proof import Proof

__all__ = ["prove"]


@click.command(epilog=EXIT_CODES)
@click.argument("formula")
@click.option(
    "--on", "domain", multiple=True, metavar="NAME=LOW,HIGH", required=True, help="A variable; -inf and inf are ends."
)
@click.option("--at-most", metavar="NUMBER", help="An upper bound, such as 1/4.")
@click.option("--at-least", metavar="NUMBER", help="A lower bound.")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="Where to write the certificate.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
def prove(
    formula: str, domain: tuple[str, ...], at_most: str | None, at_least: str | None, out: Path | None, as_json: bool
) -> int:
    """Prove a bound of FORMULA on a box.

    For example: dekderive prove "expit(z)*expit(-z)" --on z=-inf,inf --at-most 251/1000 -o bound.json

    Ends with a certificate that `dekderive check` follows, with a point at which the bound is false, or with the piece
    of the box that could not be decided.
    """
    import sympy as sp

    from dekderive.certificates.prover.prove import prove_bound
    from dekderive.parse import parse_expression

    ranges = dict(_range(text) for text in domain)
    symbols = {name: sp.Symbol(name, real=True) for name in ranges}
    expression = parse_expression(formula, symbols.values(), what="FORMULA")
    proof = prove_bound(
        expression,
        {symbols[name]: ends for name, ends in ranges.items()},
        at_most=None if at_most is None else _number(at_most),
        at_least=None if at_least is None else _number(at_least),
        text=f"{formula}: " + ", ".join(f"{w} {b}" for w, b in (("at most", at_most), ("at least", at_least)) if b),
    )
    if out is not None and proof.certificate is not None:
        out.write_text(proof.certificate.text, encoding="utf-8")
    _report(proof, as_json)
    return proof.verdict.exit_code


def _report(proof: Proof, as_json: bool) -> None:
    def exact(value: Fraction | None) -> str:
        return "inf" if value is None else str(value)

    point = None if proof.point is None else {name: str(x) for name, x in proof.point.items()}
    piece = None if proof.piece is None else {name: [exact(e) for e in ends] for name, ends in proof.piece.items()}
    if as_json:
        write_json({"verdict": proof.verdict.value, "point": point, "piece": piece, "detail": proof.detail})
        return
    click.echo(f"{proof.verdict.value}: {proof.detail}")
    for what, where in (("false at", point), ("resists on", piece)):
        if where is not None:
            click.echo(f"  {what} " + ", ".join(f"{n} = {v}" if point else f"{n} in {v}" for n, v in where.items()))


def _range(text: str) -> tuple[str, tuple[sp.Expr, sp.Expr]]:
    import sympy as sp

    name, equals, ends = text.partition("=")
    low, comma, high = ends.partition(",")
    if not (name.isidentifier() and equals and comma):
        raise click.UsageError(f"--on {text!r} is not of the form NAME=LOW,HIGH")
    infinite = {"-inf": -sp.oo, "inf": sp.oo}
    left, right = (infinite.get(e.strip()) or _number(e.strip()) for e in (low, high))
    if not left <= right:
        raise InvalidInput(f"--on {text!r} is an empty interval")
    return name, (left, right)


def _number(text: str) -> sp.Expr:
    """An exact rational number; a decimal is read as what it says."""
    import sympy as sp

    try:
        value = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise InvalidInput(f"{text!r} is not a number such as 3/5 or 0.6") from None
    return sp.Rational(value.numerator, value.denominator)
