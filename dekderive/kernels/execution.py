"""Generated text -> the record that it defines, in a form that a debugger can step through."""

from __future__ import annotations

import linecache
from typing import Any

__all__ = ["execute", "from_text"]


def execute(text: str, name: str) -> dict[str, Any]:
    """Execute generated module text and return its namespace.

    The text is registered with ``linecache``, so that tracebacks and pdb show the generated lines.

    Examples
    --------
    >>> execute("ONE = 1", "example")["ONE"]
    1
    """
    filename = f"<dekderive generated {name}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    namespace: dict[str, Any] = {"__name__": f"dekderive_generated_{name}"}
    exec(compile(text, filename, "exec"), namespace)
    return namespace


def from_text(text: str, name: str, record: str) -> Any:
    """Return a record of generated text, with the text in it: what pickling a compiled record comes down to.

    Parameters
    ----------
    text, name : str
    record : str
        Name of the record in the text.

    Examples
    --------
    >>> from_text("RECORD = 3", "example", "RECORD")
    3
    """
    value = execute(text, name)[record]
    if hasattr(value, "text"):
        object.__setattr__(value, "text", text)
    return value
