"""``dekderive check``: follow the proofs of certificates."""

from __future__ import annotations

from pathlib import Path

import click

from dekderive.commands.console import EXIT_CODES, write_json
from dekderive.errors import InvalidInput

__all__ = ["check"]


@click.command(epilog=EXIT_CODES)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--shipped", is_flag=True, help="Check the certificates that come with the shipped kernels, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
def check(files: tuple[Path, ...], shipped: bool, as_json: bool) -> int:
    """Check whether each certificate FILE is a proof of what it claims.

    The checker uses integer arithmetic of its own, and none of the code that found the proofs.  `python -m
    dekderive.certificates.check FILE ...` does the same with the standard library alone.
    """
    from dekderive.certificates.checker.certificate import check_text

    paths = [*files, *(_shipped() if shipped else ())]
    if not paths:
        raise click.UsageError("give certificate FILES, or --shipped")
    outcomes = {}
    for path in paths:
        try:
            outcomes[path] = check_text(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"{path} cannot be read: {error}") from None
    if as_json:
        rows = {str(p): {"holds": o.holds, "claim": o.claim, "reason": o.reason} for p, o in outcomes.items()}
        write_json(rows)
    else:
        for path, outcome in outcomes.items():
            word = "holds" if outcome.holds else "NOT PROVED"
            click.echo(f"{word:<10}  {path.name}: {outcome.claim} ({outcome.reason})")
    return 0 if all(o.holds for o in outcomes.values()) else 1


def _shipped() -> list[Path]:
    from dekderive.ledger import FOLDER

    return sorted((FOLDER / "_generated" / "certificates").glob("*.json"))
