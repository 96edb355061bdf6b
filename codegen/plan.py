"""derivations/*.py -> the text of every generated file.  Pure: nothing is written here.

The index `dekderive/kernels/__init__.py` is generated too, so that adding a kernel is adding one derivation.
"""

import ast
import keyword
import runpy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dekderive.errors import StaleKernel
from dekderive.ledger import FOLDER, Entry, sha256

__all__ = ["Generated", "Printer", "Source", "load_sources", "plan"]

INDEX = "__init__.py"
# Modules that are written by hand beside the index; a kernel of that name would hide one of them.
_HAND_WRITTEN = frozenset(path.stem for path in FOLDER.iterdir()) - {"__init__", "__pycache__", "_generated"}
_ADVICE = "edit that file, not this one."


@dataclass(frozen=True, slots=True)
class Source:
    """A file in derivations/: its name, its text, and the `Derivation` that it exports."""

    name: str
    text: str
    derivation: Any

    @property
    def path(self) -> str:
        """Where it lies, relative to the root of the repository."""
        return f"derivations/{self.name}.py"

    @property
    def summary(self) -> str:
        """First line of its docstring."""
        documentation = ast.get_docstring(ast.parse(self.text)) or ""
        if not documentation.strip():
            raise StaleKernel(f"{self.path} has no docstring; begin the file with what it derives, and whose it is")
        return documentation.strip().splitlines()[0]


@dataclass(frozen=True, slots=True)
class Printer:
    """What turns a derivation into text, and the versions that the text depends on."""

    emit: Callable[[Any, str], str]  # of a derivation and the first line of the module
    emitter: str
    sympy: str


@dataclass(frozen=True, slots=True)
class Generated:
    """One planned file: its path relative to ``dekderive/kernels``, its text, and its ledger entry."""

    path: str
    text: str
    entry: Entry


def load_sources(root: Path) -> tuple[Source, ...]:
    """Import every file of ``root/derivations``, in the order of their names."""
    return tuple(_load(path) for path in sorted((root / "derivations").glob("*.py")))


def _load(path: Path) -> Source:
    derivation = runpy.run_path(str(path)).get("derivation")
    if derivation is None:
        raise StaleKernel(f"derivations/{path.name} exports no `derivation`; end it with derivation = Derivation(...)")
    if derivation.name != path.stem:
        raise StaleKernel(f"derivations/{path.name} derives {derivation.name!r}; give the file and the kernel one name")
    if not path.stem.isidentifier() or keyword.iskeyword(path.stem) or path.stem in _HAND_WRITTEN:
        raise StaleKernel(f"derivations/{path.name}: a kernel cannot be called {path.stem!r}; rename the derivation")
    return Source(path.stem, path.read_text(encoding="utf-8"), derivation)


def plan(sources: Sequence[Source], printer: Printer) -> tuple[Generated, ...]:
    """Return every file to be generated, the index first."""
    modules = [_module(source, printer) for source in sources]
    return (_index(sources, modules, printer), *modules)


def _module(source: Source, printer: Printer) -> Generated:
    text = printer.emit(source.derivation, f"# Generated from {source.path} by `python -m codegen update`; {_ADVICE}")
    spec = source.derivation.spec
    if spec not in text:
        raise StaleKernel(
            f"the text emitted for {source.path} does not carry its spec {spec}; the emitter must print it"
        )
    claim = source.derivation.update_map.claim.name
    entry = Entry(source.path, sha256(source.text), spec, printer.emitter, printer.sympy, claim, sha256(text))
    return Generated(f"_generated/{source.name}.py", text, entry)


def _index(sources: Sequence[Source], modules: Sequence[Generated], printer: Printer) -> Generated:
    names = [source.name for source in sources]
    text = "\n".join(
        [
            "# Generated from derivations/ by `python -m codegen update`; edit those files, not this one.",
            '"""The shipped kernels, each derived in the file of its name in derivations/.',
            "",
            "A `Kernel` is of infinite depth; a `LayeredKernel` is of the depth that `with_depth` gives it.",
            "",
            *(f"* `{source.name}`: {source.summary}" for source in sources),
            '"""',
            "",
            *(f"from dekderive.kernels._generated.{name} import KERNEL as {name}" for name in names),
            "from dekderive.kernels.kernel import Kernel",
            "from dekderive.kernels.layered import LayeredKernel",
            "",
            "__all__ = [",
            *(f'    "{name}",' for name in ["Kernel", "LayeredKernel", *names]),
            "]",
            "",
        ]
    )
    # The index has no mathematics of its own: its digests are those of what it lists.
    spec = sha256(
        "\n".join(f"{source.name} {module.entry.spec}" for source, module in zip(sources, modules, strict=True))
    )
    digest = sha256("\n".join(module.entry.derivation_sha256 for module in modules))
    entry = Entry("derivations/", digest, spec[:16], printer.emitter, printer.sympy, "NONE", sha256(text))
    return Generated(INDEX, text, entry)
