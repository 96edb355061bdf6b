"""``dekderive show``: a derivation, a shipped kernel or a family on one screen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dekderive.commands.console import EXIT_CODES
from dekderive.errors import InvalidInput, UnknownName
from dekderive.verdict import Verdict

if TYPE_CHECKING:
    from dekderive.kernels.kernel import Kernel
    from dekderive.kernels.layered import LayeredKernel
    from dekderive.reports.chain import Section

__all__ = ["show"]


@click.command(epilog=EXIT_CODES)
@click.argument("what", metavar="FILE_OR_NAME")
@click.option("--latex", is_flag=True, help="Print the formulas as LaTeX.")
def show(what: str, latex: bool) -> int:
    """Show the chain of a derivation file, a shipped kernel, or a family such as "gamma(2)".

    A derivation file is Python code that exports `derivation`; it is RUN.  Its checks are run as well, and their
    verdict is the exit code.
    """
    if what.endswith(".py"):
        return _show_file(Path(what), latex)
    from dekderive.commands.kernels import shipped

    if what in (known := shipped()):
        if latex:
            raise InvalidInput(
                f"{what}: a shipped kernel is numeric text; --latex needs its derivation FILE, or a family"
            )
        _show_kernel(known[what])
    else:
        _show_family(what, latex, tuple(known))
    return 0


def _show_file(path: Path, latex: bool) -> int:
    from dekderive.commands.derivation_files import read_derivation
    from dekderive.reports.chain import chain

    derivation = read_derivation(path)
    if not latex:
        click.echo(f"{derivation.name}: {derivation.update_map.summary}\n")
    _print(chain(derivation), latex)
    checks = derivation.checks()
    if not latex:
        click.echo("Checks")
        for check in checks:
            click.echo(
                f"  {check.verdict.value:<9}  {check.name}: {check.statement}"
                + f" ({check.detail})" * bool(check.detail)
            )
        click.echo("\nSources\n" + "\n".join(f"  {source}" for source in derivation.sources))
    return Verdict.all(tuple(c.verdict for c in checks)).exit_code


def _show_kernel(kernel: Kernel | LayeredKernel) -> None:
    from dekderive.kernels.layered import LayeredKernel

    click.echo(f"{kernel.name}: {kernel.summary}\n")
    for p in kernel.parameters:
        left = "[" if p.lower_closed else "("
        click.echo(f"  {p.name} in {left}{p.lower:g}, {p.upper:g}), default {p.default:g}: {p.description}")
    click.echo(f"  inputs: {', '.join((*kernel.input_names, *kernel.pair_names))}; moments: {kernel.moments}")
    if isinstance(kernel, LayeredKernel):
        click.echo("  depth: any, by kernel.with_depth(L)")
    else:
        click.echo(f"  chart: {kernel.chart.value}; claim: {kernel.claim.value}")
    click.echo(f"  spec: {kernel.spec}")
    click.echo("\nSources\n" + "\n".join(f"  {source}" for source in kernel.sources))


def _show_family(text: str, latex: bool, known: tuple[str, ...]) -> None:
    from dekderive.families import by_name
    from dekderive.reports.chain import family_section

    try:
        family = by_name(text)
    except UnknownName as error:
        kernels = ", ".join(known)
        raise UnknownName(f"{text!r} is no .py file and no shipped kernel ({kernels}); as a family: {error}") from None
    _print((family_section(family),), latex)


def _print(sections: tuple[Section, ...], latex: bool) -> None:
    for section in sections:
        click.echo(f"% {section.title}" if latex else section.title)
        for formula in section.formulas:
            if latex:
                click.echo("\n".join(f"{line} \\\\" for line in formula.lines))
            elif formula.text:
                click.echo(f"  {formula.text}" + (f"    [{formula.note}]" if formula.note else ""))
        click.echo("")
