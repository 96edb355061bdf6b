"""derivations/equivalents/*.py -> the text of every generated activation and of the scalars.  Nothing is written."""

import runpy
from pathlib import Path
from typing import Any

from codegen.plan import Generated
from dekderive.ledger import Entry, sha256

__all__ = ["plan_equivalents"]

EMITTER = "equivalents/1"  # bump when the text changes on purpose
_SCALARS = "Scalars of the equivalents of implicit networks and of a layer, to second order (after Ling et al., 2024)."


def plan_equivalents(root: Path) -> tuple[Generated, ...]:
    """Return every file of dekderive/equivalents/activations to be generated, the index first."""
    import sympy

    from dekderive.programs.activation_text import emit_activation, scalars_text

    modules = []
    for name, expression in sorted(_exported(root, "activations")["activations"].items()):
        text = emit_activation(expression, name=name, header=_header("activations"))
        modules.append(_module(root, name, "activations", text, sympy.__version__))
    scalars = scalars_text(_exported(root, "scalars")["groups"], header=_header("scalars"), doc=_SCALARS)
    names = [Path(m.path).stem for m in modules]
    modules.append(_module(root, "scalars", "scalars", scalars, sympy.__version__))
    return (_index(names, modules), *sorted(modules, key=lambda m: m.path))


def _exported(root: Path, name: str) -> dict[str, Any]:
    return runpy.run_path(str(root / f"derivations/equivalents/{name}.py"))


def _header(name: str) -> str:
    source = f"derivations/equivalents/{name}.py"
    return f"# Generated from {source} by `python -m codegen update`; edit that file, not this one."


def _module(root: Path, name: str, source: str, text: str, sympy: str) -> Generated:
    path = f"derivations/equivalents/{source}.py"
    digest = text.partition('SPEC = "')[2].partition('"')[0]
    derivation = sha256((root / path).read_text(encoding="utf-8"))
    entry = Entry(path, derivation, digest, EMITTER, sympy, "NONE", sha256(text))
    return Generated(f"_generated/{name}.py", text, entry)


def _index(names: list[str], modules: list[Generated]) -> Generated:
    text = "\n".join(
        [
            "# Generated from derivations/equivalents/ by `python -m codegen update`; edit those files, not this one.",
            '"""The shipped activations with their Gaussian moments; each name is an `Activation`."""',
            "",
            *(f"from dekderive.equivalents.activations._generated.{n} import ACTIVATION as {n}" for n in names),
            "",
            "__all__ = [",
            *(f'    "{name}",' for name in names),
            "]",
            "",
        ]
    )
    digest = sha256("\n".join(f"{m.path} {m.entry.spec}" for m in modules))
    derivations = sha256("\n".join(m.entry.derivation_sha256 for m in modules))
    sympy = modules[0].entry.sympy
    entry = Entry("derivations/equivalents/", derivations, digest[:16], EMITTER, sympy, "NONE", sha256(text))
    return Generated("__init__.py", text, entry)
