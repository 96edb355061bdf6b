"""``dekderive dual``: a Gaussian expectation, its proof, and a NumPy module that computes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dekderive.commands.console import EXIT_CODES, write_json
from dekderive.verdict import Check, Verdict

if TYPE_CHECKING:
    from dekderive.duals import Dual

__all__ = ["dual"]


@click.command(epilog=EXIT_CODES)
@click.argument("f")
@click.option("--with", "g", metavar="G", help="The second function; F itself by default.")
@click.option("--independent", is_flag=True, help="Also compare with a certified Mehler series (takes seconds).")
@click.option("--latex", is_flag=True, help="Print the expectation as LaTeX.")
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write a NumPy module to this file.")
@click.option("--overwrite", is_flag=True, help="Replace the file if it exists.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
def dual(
    f: str, g: str | None, independent: bool, latex: bool, out: Path | None, overwrite: bool, as_json: bool
) -> int:
    """Show the expectation of F(u) G(v) for a centred Gaussian pair (u, v), with its proof.

    F and G are functions of z, such as "gelu(z)" or "exp(-z**2)*sin(z)".  Where there is no closed form the
    expectation is evaluated by a Hermite series, and undecided is what can be said of it in general.
    """
    from dekderive.duals import dual as derive
    from dekderive.parse import parse_expression
    from dekderive.symbols import z

    left = parse_expression(f, [z], what="F")
    found = derive(left, left if g is None else parse_expression(g, [z], what="G"))
    checks = found.checks(independent=independent and found.closed)
    if out is not None:
        _write(found, out, overwrite)
    if as_json:
        write_json(_as_json(found, checks))
    elif latex:
        from dekderive.reports.typeset import latex as typeset

        click.echo(typeset(found.expression))
    else:
        _print(found, checks, out)
    return Verdict.all(tuple(c.verdict for c in checks)).exit_code


def _write(found: Dual, out: Path, overwrite: bool) -> None:
    from dekderive.commands.folders import write_files
    from dekderive.programs import emit_dual

    write_files({out: emit_dual(found.left, found.right)}, overwrite)


def _print(found: Dual, checks: tuple[Check, ...], out: Path | None) -> None:
    click.echo(f"E[f(u) g(v)], f = {found.left}, g = {found.right}\n")
    click.echo(f"  = {found.expression if found.closed else 'no closed form: Hermite series'}")
    click.echo(f"  rules: {found.rule}")
    for condition in found.conditions:
        click.echo(f"  finite where {condition} > 0")
    if found.closed:
        click.echo(f"\nd/dkxy\n  = {found.derivative()}")
    click.echo("\nChecks")
    for check in checks:
        detail = f" ({check.detail})" * bool(check.detail)
        click.echo(f"  {check.verdict.value:<9}  {check.name}: {check.statement}{detail}")
    if out is not None:
        click.echo(f"\nwritten: {out}")


def _as_json(found: Dual, checks: tuple[Check, ...]) -> dict[str, object]:
    return {
        "f": str(found.left),
        "g": str(found.right),
        "closed": found.closed,
        "expectation": str(found.expression) if found.closed else None,
        "derivative": str(found.derivative()) if found.closed else None,
        "rule": found.rule,
        "conditions": [str(c) for c in found.conditions],
        "checks": [{"name": c.name, "verdict": c.verdict.value, "detail": c.detail} for c in checks],
    }
