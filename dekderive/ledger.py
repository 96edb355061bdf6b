"""The ledger: where each generated file came from, and whether it is still what was generated.

The ledger lies beside the files it vouches for (``_generated/ledger.json``) and ships with them, so that an installed
copy can be checked without SymPy and without the repository.
"""

import enum
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from dekderive.errors import StaleKernel

__all__ = ["FOLDER", "Drift", "Entry", "Finding", "generated_texts", "intact", "read_ledger", "sha256", "write_ledger"]

FOLDER = Path(__file__).parent / "kernels"
_LEDGER = "_generated/ledger.json"


class Drift(enum.Enum):
    """How a generated file, its ledger entry and its derivation can disagree."""

    EDITED = "edited by hand: the file is not the text that the ledger vouches for; edit its derivation instead"
    STALE = "stale: the derivation has changed since the file was generated"
    REPRINTED = "reprinted: the same mathematics now prints as another text; update, and review the difference"
    ORPHAN = "orphan: a file without an entry, or an entry without a file"
    UNSTEADY = "unsteady: the text depends on PYTHONHASHSEED; sort what iterates over a set"


@dataclass(frozen=True, slots=True)
class Entry:
    """Provenance of one generated file.

    Attributes
    ----------
    derivation, derivation_sha256 : str
        The source in the repository, and the digest of its text.
    spec : str
        Digest of the mathematics, the same as ``SPEC`` in the file.
    emitter, sympy : str
        Versions of what printed it.
    claim : str
        Name of the claim that the kernel carries.
    text_sha256 : str
        Digest of the file.
    """

    derivation: str
    derivation_sha256: str
    spec: str
    emitter: str
    sympy: str
    claim: str
    text_sha256: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One disagreement: in which file (relative to ``dekderive/kernels``), of which kind, and the particulars."""

    path: str
    drift: Drift
    detail: str = ""
    difference: str = ""  # a unified diff, from what is there to what the derivation says
    blocking: bool = True  # False where only the installed SymPy differs from the one that printed the file

    def __str__(self) -> str:
        lines = [f"dekderive/kernels/{self.path}: {self.drift.value}", self.detail, self.difference]
        return "\n".join(line for line in lines if line)


def sha256(text: str) -> str:
    """Return the SHA-256 digest of a text, in hexadecimal.

    Examples
    --------
    >>> sha256("kernel")[:12]
    '6923dd1bc046'
    """
    return hashlib.sha256(text.encode()).hexdigest()


def read_ledger(folder: Path = FOLDER) -> dict[str, Entry]:
    """Return the entries of the ledger, by file path relative to `folder`.

    Raises
    ------
    StaleKernel
        If there is no ledger, or it is not in the form that `write_ledger` gives it.

    Examples
    --------
    >>> read_ledger()["_generated/deker_gaussian_relu.py"].derivation
    'derivations/deker_gaussian_relu.py'
    """
    path = folder / _LEDGER
    names = {field.name for field in fields(Entry)}
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StaleKernel(f"cannot read {path} ({error}); reinstall, or run `python -m codegen update`") from error
    for key, values in table.items() if isinstance(table, dict) else [("", None)]:
        if not isinstance(values, dict) or set(values) != names:
            raise StaleKernel(f"entry {key!r} of {path} does not have exactly the fields {', '.join(sorted(names))}")
    return {key: Entry(**values) for key, values in table.items()}


def write_ledger(entries: Mapping[str, Entry], folder: Path = FOLDER) -> None:
    """Write the ledger of `folder`, sorted by path so that a change is a small difference.

    Examples
    --------
    >>> import tempfile
    >>> entry = Entry("derivations/a.py", "", "0f", "numpy/1", "1.14.0", "NONE", sha256("text"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_ledger({"_generated/a.py": entry}, Path(folder))
    ...     read_ledger(Path(folder)) == {"_generated/a.py": entry}
    True
    """
    table = {path: asdict(entries[path]) for path in sorted(entries)}
    target = folder / _LEDGER
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8", newline="\n")


def intact(folder: Path = FOLDER) -> tuple[Finding, ...]:
    """Compare the generated files under `folder` with the ledger; neither SymPy nor the derivations are needed.

    Returns
    -------
    tuple of Finding
        Of kinds EDITED and ORPHAN; empty if every file is as it was generated.

    Raises
    ------
    StaleKernel
        If the ledger cannot be read.

    Examples
    --------
    >>> intact()
    ()
    """
    entries, texts = read_ledger(folder), generated_texts(folder)
    findings = [_inspect(path, texts.get(path), entries.get(path)) for path in sorted(texts.keys() | entries.keys())]
    return tuple(finding for finding in findings if finding is not None)


def _inspect(path: str, text: str | None, entry: Entry | None) -> Finding | None:
    if entry is None:
        return Finding(path, Drift.ORPHAN, "the ledger has no entry for this file")
    if text is None:
        return Finding(path, Drift.ORPHAN, "the ledger has an entry, but the file is missing")
    if (digest := sha256(text)) != entry.text_sha256:
        return Finding(path, Drift.EDITED, f"SHA-256 {digest[:12]}... instead of {entry.text_sha256[:12]}...")
    return None


def generated_texts(folder: Path = FOLDER) -> dict[str, str]:
    """Return the text of the index, of every generated module and certificate, by path relative to `folder`.

    Files are read as text: a line ending that a checkout translated is not an edit.

    Examples
    --------
    >>> "__init__.py" in generated_texts()
    True
    """
    modules = (path for path in sorted((folder / "_generated").rglob("*.py")) if path.name != "__init__.py")
    certificates = sorted((folder / "_generated" / "certificates").glob("*.json"))
    paths = [folder / "__init__.py", *modules, *certificates]
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in paths if path.is_file()}
