"""Folders and files that appear complete or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from dekderive.errors import InvalidInput, OutputExists

__all__ = ["MARKER", "refuse_existing", "staged_folder", "write_files"]

MARKER = "result.json"  # what makes a folder one of ours, so that it may be replaced


def refuse_existing(out: Path, overwrite: bool) -> None:
    """Check that `out` can be written, before any work is done.

    Raises
    ------
    OutputExists
        If it exists and may not be replaced.  Only a folder that holds our own ``result.json``, or nothing, is ever
        replaced: a slip of the keyboard must not delete a home folder.
    InvalidInput
        If its parent does not exist or cannot be written.
    """
    parent = out.absolute().parent
    if not parent.is_dir():
        raise InvalidInput(f"--out {out}: the folder {parent} does not exist; create it first")
    if not os.access(parent, os.W_OK):
        raise InvalidInput(f"--out {out}: the folder {parent} cannot be written; choose another")
    if not (out.exists() or out.is_symlink()):
        return
    if not overwrite:
        raise OutputExists(f"--out {out} exists; nothing was written. Choose another folder, or pass --overwrite")
    if out.is_symlink() or not out.is_dir() or (any(out.iterdir()) and not (out / MARKER).is_file()):
        raise OutputExists(f"--out {out} is not a folder that this command wrote, so --overwrite leaves it alone")


@contextlib.contextmanager
def staged_folder(out: Path, overwrite: bool) -> Iterator[Path]:
    """Yield an empty folder beside `out`; it becomes `out` when the block ends well, and vanishes when it does not."""
    refuse_existing(out, overwrite)
    target = out.absolute()
    stage = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield stage
        stage.chmod(0o777 & ~_umask())  # mkdtemp makes folders that nobody else can read
        _swap(stage, target, overwrite)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _swap(stage: Path, target: Path, overwrite: bool) -> None:
    refuse_existing(target, overwrite)  # again: someone else may have been faster
    if not target.exists():
        stage.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
    try:
        target.rename(old / "replaced")
        try:
            stage.rename(target)
        except OSError:
            (old / "replaced").rename(target)
            raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def write_files(texts: Mapping[Path, str], overwrite: bool) -> None:
    """Write text files, each at once; none if any of them exists and may not be replaced.

    Raises
    ------
    OutputExists
    """
    for path in texts:
        if path.exists() and not overwrite:
            raise OutputExists(f"{path} exists; nothing was written. Choose another folder, or pass --overwrite")
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
            Path(name).chmod(0o666 & ~_umask())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _umask() -> int:
    current = os.umask(0o022)  # there is no way to read it without setting it
    os.umask(current)
    return current
