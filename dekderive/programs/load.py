"""Text -> Kernel or Loss in memory, in a form that a debugger can step through."""

from __future__ import annotations

from typing import Any, TypeVar

from dekderive.kernels.execution import from_text
from dekderive.kernels.kernel import Kernel
from dekderive.kernels.layered import LayeredKernel

__all__ = ["load", "load_record"]

Record = TypeVar("Record")


def load(text: str, name: str) -> Any:
    """Execute generated module text and return its ``KERNEL``, a `Kernel` or a `LayeredKernel`.

    Tracebacks and pdb show the generated lines, and the record pickles as its text.
    """
    kernel = from_text(text, name, "KERNEL")
    assert isinstance(kernel, Kernel | LayeredKernel)
    return kernel


def load_record(text: str, name: str, kind: type[Record]) -> Record:
    """Execute generated module text and return the record of a kind, by the name of the kind in capitals."""
    record = from_text(text, name, kind.__name__.upper())
    assert isinstance(record, kind)
    return record
