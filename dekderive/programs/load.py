"""Text -> Kernel in memory, in a form that a debugger can step through."""

from __future__ import annotations

from typing import Any

from dekderive.kernels.execution import from_text
from dekderive.kernels.kernel import Kernel
from dekderive.kernels.layered import LayeredKernel

__all__ = ["load"]


def load(text: str, name: str) -> Any:
    """Execute generated module text and return its ``KERNEL``, a `Kernel` or a `LayeredKernel`.

    Tracebacks and pdb show the generated lines, and the record pickles as its text.
    """
    kernel = from_text(text, name, "KERNEL")
    assert isinstance(kernel, Kernel | LayeredKernel)
    return kernel
