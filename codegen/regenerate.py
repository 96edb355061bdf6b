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

__all__ = ["plan_here", "regenerate"]


def regenerate(root: Path, seed: int) -> tuple[Generated, ...]:
    """Return the plan for the derivations under `root`, made under ``PYTHONHASHSEED=seed``."""
    program = "import sys; from codegen.regenerate import main; main(sys.argv[1])"
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
    # is entered here without its index.
    if "dekderive.kernels" not in sys.modules:
        bare = types.ModuleType("dekderive.kernels")
        bare.__path__ = [str(FOLDER)]
        sys.modules["dekderive.kernels"] = bare
    import sympy

    from codegen.certificates import planned_certificates
    from dekderive.programs import emit
    from dekderive.programs.module_text import EMITTER

    sources = load_sources(root)
    printer = Printer(lambda derivation, header: emit(derivation, header=header), EMITTER, sympy.__version__)
    return (*plan(sources, printer), *planned_certificates(sources, sympy.__version__))


def main(root: str) -> None:
    """Print the plan as JSON, and nothing else whatever a derivation prints: what `regenerate` reads."""
    with contextlib.redirect_stdout(sys.stderr):
        rows = [asdict(generated) for generated in plan_here(Path(root))]
    print(json.dumps(rows))
