"""Text -> Kernel in memory, in a form that a debugger can step through."""

from __future__ import annotations

import linecache
from typing import Any

from dekderive.kernels.kernel import Kernel
from dekderive.kernels.layered import LayeredKernel

__all__ = ["load"]


def load(text: str, name: str) -> Any:
    """Execute generated module text and return its ``KERNEL``, a `Kernel` or a `LayeredKernel`.

    The text is registered with ``linecache``, so that tracebacks and pdb show the generated lines.
    """
    filename = f"<dekderive generated {name}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    namespace: dict[str, object] = {"__name__": f"dekderive_generated_{name}"}
    exec(compile(text, filename, "exec"), namespace)
    kernel = namespace["KERNEL"]
    assert isinstance(kernel, Kernel | LayeredKernel)
    return kernel
