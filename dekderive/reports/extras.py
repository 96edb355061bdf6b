"""Optional dependencies of the reports, imported where they are used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from dekderive.errors import MissingExtra

__all__ = ["jinja2_module", "matplotlib_module"]

_REMEDY = "pip install 'dekderive[report]'"


def matplotlib_module(name: str) -> Any:
    """Import ``matplotlib.<name>``; a missing matplotlib is an error that names the extra.

    Examples
    --------
    >>> matplotlib_module("figure").Figure.__name__
    'Figure'
    """
    try:
        return import_module(f"matplotlib.{name}")
    except ImportError as error:
        raise MissingExtra(f"reports draw with matplotlib: {_REMEDY}") from error


def jinja2_module() -> Any:
    """Import jinja2; a missing one is an error that names the extra."""
    try:
        return import_module("jinja2")
    except ImportError as error:
        raise MissingExtra(f"reports are written with jinja2: {_REMEDY}") from error
