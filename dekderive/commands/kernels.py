"""``dekderive kernels``: what is shipped."""

from __future__ import annotations

from types import ModuleType

import click

from dekderive.commands.console import write_json
from dekderive.kernels.kernel import Kernel
from dekderive.kernels.layered import LayeredKernel

__all__ = ["kernels", "shipped"]


def shipped() -> dict[str, Kernel | LayeredKernel]:
    """Return the kernels of this installation by name."""
    import dekderive.kernels as index

    return _records(index)


def _records(module: ModuleType) -> dict[str, Kernel | LayeredKernel]:
    found = {name: value for name, value in vars(module).items() if isinstance(value, Kernel | LayeredKernel)}
    return dict(sorted(found.items()))


@click.command()
@click.option("--families", "list_families", is_flag=True, help="List the exponential families instead.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON on stdout.")
def kernels(list_families: bool, as_json: bool) -> None:
    """List the kernels that are shipped, or the families that `derive` knows by name."""
    rows = _family_rows() if list_families else {name: kernel.summary for name, kernel in shipped().items()}
    if as_json:
        write_json(rows)
        return
    width = max(map(len, rows), default=0)
    for name, text in rows.items():
        click.echo(f"{name:<{width}}  {text}")


def _family_rows() -> dict[str, str]:
    from dekderive.families import EXAMPLES, by_name

    return {text: f"A(eta) = {(f := by_name(text)).log_partition} on {f.domain}" for text in EXAMPLES}
