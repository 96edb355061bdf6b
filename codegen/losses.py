"""derivations/losses/*.py -> the text of every generated loss and penalty.  Pure: nothing is written here."""

import runpy
from pathlib import Path
from typing import Any

from codegen.plan import Generated
from dekderive.ledger import Entry, sha256

__all__ = ["plan_losses"]

_ADVICE = "edit that file, not this one."


def plan_losses(root: Path) -> tuple[Generated, ...]:
    """Return every file of dekderive/losses to be generated, the index first; paths are relative to that folder."""
    import sympy

    from dekderive.programs.loss_text import LOSS_EMITTER, loss_text, penalty_text

    modules: list[Generated] = []
    records: dict[str, str] = {}
    for path in sorted((root / "derivations/losses").glob("*.py")):
        source, text = f"derivations/losses/{path.name}", path.read_text(encoding="utf-8")
        header = f"# Generated from {source} by `python -m codegen update`; {_ADVICE}"
        exported: dict[str, Any] = runpy.run_path(str(path))
        for model in exported.get("models", ()):
            printed = loss_text(model, header=header)
            modules.append(_module(model, source, text, printed, LOSS_EMITTER, sympy.__version__))
            records[model.name] = model.summary
        for penalty in exported.get("penalties", ()):
            printed = penalty_text(penalty, header=header)
            modules.append(_module(penalty, source, text, printed, LOSS_EMITTER, sympy.__version__))
            records[penalty.name] = f"penalty Q = {penalty.value}"
    return (_index(records, modules), *sorted(modules, key=lambda m: m.path))


def _module(model: Any, source: str, text: str, printed: str, emitter: str, sympy: str) -> Generated:
    claim = getattr(getattr(model, "bound_verdict", None), "name", "NONE")
    entry = Entry(source, sha256(text), model.spec, emitter, sympy, claim, sha256(printed))
    return Generated(f"_generated/{model.name}.py", printed, entry)


def _index(records: dict[str, str], modules: list[Generated]) -> Generated:
    names = sorted(records)
    kind = {name: "PENALTY" if name.endswith("_penalty") else "LOSS" for name in names}
    text = "\n".join(
        [
            "# Generated from derivations/losses/ by `python -m codegen update`; edit those files, not this one.",
            '"""The shipped losses and penalties of kernel GLMs; each name is a `Loss` or a `Penalty`.',
            "",
            *(f"* `{name}`: {records[name]}." for name in names),
            '"""',
            "",
            *(f"from dekderive.losses._generated.{name} import {kind[name]} as {name}" for name in names),
            "from dekderive.losses.loss import Loss, Penalty",
            "from dekderive.losses.pointwise import Pointwise, bind",
            "",
            "__all__ = [",
            *(f'    "{name}",' for name in [*names, "Loss", "Penalty", "Pointwise", "bind"]),
            "]",
            "",
        ]
    )
    spec = sha256("\n".join(f"{module.path} {module.entry.spec}" for module in modules))[:16]
    digest = sha256("\n".join(module.entry.derivation_sha256 for module in modules))
    first = modules[0].entry
    entry = Entry("derivations/losses/", digest, spec, first.emitter, first.sympy, "NONE", sha256(text))
    return Generated("__init__.py", text, entry)
