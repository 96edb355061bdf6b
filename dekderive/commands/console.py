"""What commands say and how they end: progress on stderr, one line for an error, and the exit codes."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

import click

from dekderive.errors import DekderiveError

__all__ = ["EXIT_CODES", "USAGE_ERROR", "Group", "Progress", "progress", "write_json"]

USAGE_ERROR = 64  # sysexits.h EX_USAGE.  Click's own choice is 2, which here means "undecided".
EXIT_CODES = (
    "Exit codes: 0 every check holds; 1 a check fails, or the input is refused; 2 a check is undecided; "
    f"{USAGE_ERROR} the command line itself is wrong."
)


class Group(click.Group):
    """A group of commands whose errors are one clear line, and whose exit codes are those of a verdict."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command; errors that dekderive raises on purpose end as ``Error: what, where, what to do``."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        try:
            outcome = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except click.UsageError as error:
            error.show()
            sys.exit(USAGE_ERROR)
        except click.ClickException as error:
            error.show()
            sys.exit(1)
        except (click.Abort, KeyboardInterrupt):
            click.echo("Error: interrupted; nothing was written", err=True)
            sys.exit(130)
        except DekderiveError as error:
            _stop(str(error))
        except MemoryError:
            _stop("out of memory; use fewer rows (--rows)")
        sys.exit(outcome if isinstance(outcome, int) else 0)


def _stop(message: str) -> NoReturn:
    click.echo(f"Error: {' '.join(message.split())}", err=True)
    sys.exit(1)


class Progress:
    """Says what is being done: a line for each stage, or a live line where one can be shown."""

    def __init__(self, quiet: bool, status: Any = None) -> None:
        self._quiet, self._status = quiet, status

    def stage(self, what: str) -> None:
        """Announce a stage of the work."""
        if self._status is not None:
            self._status.console.print(f"· {what}", highlight=False, markup=False)
            self.detail(what)
        elif not self._quiet:
            click.echo(what, err=True)

    def detail(self, what: str) -> None:
        """Announce a small piece of work; shown only where the line can be replaced by the next one."""
        if self._status is not None:
            from rich.text import Text

            self._status.update(Text(what))  # a name in square brackets is no markup


@contextlib.contextmanager
def progress(quiet: bool) -> Iterator[Progress]:
    """Yield a `Progress`; it is live where stderr is a terminal and rich is installed."""
    if quiet or not sys.stderr.isatty():
        yield Progress(quiet)
        return
    try:
        from rich.console import Console
    except ImportError:
        yield Progress(quiet)
        return
    with Console(stderr=True).status("starting") as status:
        yield Progress(quiet, status)


def write_json(value: Mapping[str, Any] | Sequence[Any]) -> None:
    """Print a value as JSON on stdout."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
