"""Memory of this machine and of this process, where the system tells."""

from __future__ import annotations

import os
import sys

__all__ = ["peak_memory", "physical_memory"]


def peak_memory() -> int | None:
    """Return the largest resident size that this process has had, in bytes; None where that is not known.

    Examples
    --------
    >>> peak = peak_memory()
    >>> peak is None or peak > 2**20
    True
    """
    try:
        import resource
    except ImportError:  # Windows
        return None
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * (1 if sys.platform == "darwin" else 1024)


def physical_memory() -> int | None:
    """Return the memory of the machine in bytes; None where that is not known.

    Examples
    --------
    >>> there = physical_memory()
    >>> there is None or there > 2**20
    True
    """
    try:
        return int(os.sysconf("SC_PAGE_SIZE")) * int(os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return None
