"""The command line: ``dekderive derive | dual | prove | check | theorems | show | emit | verify | kernels | ...``."""

from __future__ import annotations

import click

import dekderive
from dekderive.commands.check import check
from dekderive.commands.console import EXIT_CODES, Group
from dekderive.commands.derive import derive
from dekderive.commands.dual import dual
from dekderive.commands.emit import emit
from dekderive.commands.kernels import kernels
from dekderive.commands.prove import prove
from dekderive.commands.reproduce import reproduce
from dekderive.commands.show import show
from dekderive.commands.theorems import theorems
from dekderive.commands.verify import verify

__all__ = ["main"]


@click.group(cls=Group, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(dekderive.__version__, prog_name="dekderive")
def main() -> None:
    """Derive infinitely deep equilibrium kernels from exponential families, and compute with them."""


for command in (derive, dual, prove, check, theorems, show, emit, verify, kernels, reproduce):
    main.add_command(command)
