"""Python files that export a `derivation`: the user's own code, which is run."""

from __future__ import annotations

import runpy
import traceback
from pathlib import Path

from dekderive.derivation import Derivation
from dekderive.errors import InvalidInput

__all__ = ["read_derivation"]


def read_derivation(path: Path) -> Derivation:
    """Run the file and return its `derivation`.

    Raises
    ------
    InvalidInput
        If the file does not exist, raises an error of its own, or exports no `derivation`.
    """
    if not path.is_file():
        raise InvalidInput(f"{path}: no such file")
    try:
        namespace = runpy.run_path(str(path))
    except (Exception, SystemExit) as error:  # whatever the user's code does wrong is one line, with its place
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
        line = getattr(error, "lineno", None) or (frames[-1].lineno if frames else "?")
        raise InvalidInput(f"{path}, line {line}: {type(error).__name__}: {error}") from error
    derivation = namespace.get("derivation")
    if not isinstance(derivation, Derivation):
        raise InvalidInput(f"{path}: exports no `derivation` (a dekderive.Derivation)")
    return derivation
