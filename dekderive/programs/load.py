"""Text -> Kernel or Loss in memory, in a form that a debugger can step through."""

from __future__ import annotations

import linecache
from typing import TypeVar

from dekderive.kernels.kernel import Kernel

__all__ = ["load", "load_record"]

Record = TypeVar("Record")


def load(text: str, name: str) -> Kernel:
    """Execute generated module text and return its ``KERNEL``.

    The text is registered with ``linecache``, so that tracebacks and pdb show the generated lines.
    """
    return load_record(text, name, Kernel)


def load_record(text: str, name: str, kind: type[Record]) -> Record:
    """Execute generated module text and return the record of a kind, by the name of the kind in capitals."""
    filename = f"<dekderive generated {name}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    namespace: dict[str, object] = {"__name__": f"dekderive_generated_{name}"}
    exec(compile(text, filename, "exec"), namespace)
    record = namespace[kind.__name__.upper()]
    assert isinstance(record, kind)
    return record
