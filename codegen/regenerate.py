"""Make the plan in a process of its own, under a chosen hash seed.

A process of its own for two reasons: an iteration over a set shows only under another hash seed, and a generated file
that is broken must not be able to stop its own regeneration (see `plan_here`).
"""

import contextlib
import json
import os
import subprocess
import sys
import types
from dataclasses import asdict
from pathlib import Path

from codegen.plan import Generated, Printer, load_sources, plan
from dekderive.errors import StaleKernel
from dekderive.ledger import FOLDER, Entry

__all__ = ["plan_equivalents_here", "plan_here", "plan_losses_here", "regenerate"]


def regenerate(root: Path, seed: int, what: str = "kernels") -> tuple[Generated, ...]:
    """Return the plan of kernels, losses or equivalents under `root`, made under ``PYTHONHASHSEED=seed``."""
    program = f"import sys; from codegen.regenerate import main; main(sys.argv[1], {what!r})"
    # The package next to `root` is the one to plan for, whichever one is installed.
    environment = os.environ | {"PYTHONHASHSEED": str(seed), "PYTHONPATH": os.pathsep.join([str(root), *sys.path])}
    done = subprocess.run([sys.executable, "-c", program, str(root)], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise StaleKernel(f"the derivations do not run (PYTHONHASHSEED={seed}); mend this first:\n{done.stderr}")
    rows = json.loads(done.stdout)
    return tuple(Generated(row["path"], row["text"], Entry(**row["entry"])) for row in rows)


def plan_here(root: Path) -> tuple[Generated, ...]:
    """Return the plan, made in this process."""
    # The emitter needs `dekderive.kernels.kernel`, and importing it would run the generated index and with it every
    # generated module.  One that no longer fits the `Kernel` record would then make `update` impossible, so the package
    # is entered here without its index; those of the losses and of the activations likewise.
    for package in ("kernels", "losses", "equivalents"):
        _enter_without_index(package)
    import sympy

    from codegen.certificates import planned_certificates
    from dekderive.programs import emit
    from dekderive.programs.module_text import EMITTER

    sources = load_sources(root)
    printer = Printer(lambda derivation, header: emit(derivation, header=header), EMITTER, sympy.__version__)
    return (*plan(sources, printer), *planned_certificates(sources, sympy.__version__))


def _enter_without_index(package: str) -> None:
    name = f"dekderive.{package}"
    if name not in sys.modules:
        bare = types.ModuleType(name)
        bare.__path__ = [str(FOLDER.parent / package)]
        sys.modules[name] = bare


def plan_losses_here(root: Path) -> tuple[Generated, ...]:
    """Return the plan of the losses, made in this process."""
    for package in ("losses", "equivalents"):
        _enter_without_index(package)
    from codegen.losses import plan_losses

    return plan_losses(root)


def plan_equivalents_here(root: Path) -> tuple[Generated, ...]:
    """Return the plan of the activations and of the scalars of equivalents, made in this process."""
    _enter_without_index("equivalents")
    from codegen.equivalents import plan_equivalents

    return plan_equivalents(root)


def main(root: str, what: str = "kernels") -> None:
    """Print the plan as JSON, and nothing else whatever a derivation prints: what `regenerate` reads."""
    with contextlib.redirect_stdout(sys.stderr):
        planners = {"kernels": plan_here, "losses": plan_losses_here, "equivalents": plan_equivalents_here}
        planned = planners[what](Path(root))
        rows = [asdict(generated) for generated in planned]
    print(json.dumps(rows))
