"""``dekderive verify``: whether the installed kernels are what was generated, and agree with themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dekderive.commands.console import EXIT_CODES, write_json
from dekderive.errors import NoFixedPoint, NotConverged
from dekderive.verdict import Check, Verdict

if TYPE_CHECKING:
    from dekderive.kernels.kernel import Kernel
    from dekderive.kernels.layered import LayeredKernel
    from dekderive.reports.circle import CirclePairs

__all__ = ["consistency", "intact_checks", "verify"]

_TOLERANCE = 1e-9
_DIFFERENCE = 1e-5


@click.command(epilog=EXIT_CODES)
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON on stdout.")
@click.option("--quiet", is_flag=True, help="Print failures only.")
def verify(as_json: bool, quiet: bool) -> int:
    """Check the installed kernels, without SymPy and without the repository.

    Intact: the SHA-256 of every generated file is that of the ledger shipped with it, and so is its specification.
    Consistent: the two equations of each kernel have the same solution, and its derivatives are those of its formulas.
    (That the formulas are those of the derivation is proved in the repository, by `python -m codegen check`.)
    """
    from dekderive.commands.kernels import shipped
    from dekderive.kernels.layered import LayeredKernel

    checks = [*intact_checks()]
    for kernel in shipped().values():
        try:
            checks.extend(layered_consistency(kernel) if isinstance(kernel, LayeredKernel) else consistency(kernel))
        except (NoFixedPoint, NotConverged) as error:
            statement = "its formulas can be compared"
            checks.append(Check(f"{kernel.name}, consistency", statement, Verdict.UNDECIDED, str(error)))
    verdict = Verdict.all([c.verdict for c in checks])
    if as_json:
        rows = [
            {"name": c.name, "statement": c.statement, "verdict": c.verdict.value, "detail": c.detail} for c in checks
        ]
        write_json({"verdict": verdict.value, "checks": rows})
        return verdict.exit_code
    for check in checks:
        if not quiet or check.verdict is not Verdict.HOLDS:
            detail = f" ({check.detail})" if check.detail else ""
            click.echo(f"{check.verdict.value:<9}  {check.name}: {check.statement}{detail}")
    click.echo(f"{verdict.value}: {len(checks)} checks")
    return verdict.exit_code


def intact_checks(folder: Path | None = None) -> Iterator[Check]:
    """Yield one check for every file of the ledger (of another folder, if given), and for files it does not know."""
    from dekderive.ledger import FOLDER, generated_texts, intact, read_ledger

    folder = FOLDER if folder is None else folder
    findings = {finding.path: finding for finding in intact(folder)}
    texts = generated_texts(folder)
    for path, entry in sorted(read_ledger(folder).items()):
        finding = findings.pop(path, None)
        statement = "the file is the one that was generated"
        if finding is not None:
            yield Check(path, statement, Verdict.FAILS, f"{finding.drift.value}; {finding.detail}")
            continue
        printed = re.search(r'^SPEC = "([0-9a-f]+)"$', texts[path], re.MULTILINE)
        same = printed is None or printed.group(1) == entry.spec  # the index has no specification of its own
        detail = "" if same else "its SPEC is not that of the ledger"
        yield Check(path, statement, Verdict.HOLDS if same else Verdict.FAILS, detail)
    for finding in findings.values():
        yield Check(finding.path, "the file has an entry in the ledger", Verdict.FAILS, finding.drift.value)


def consistency(kernel: Kernel) -> Iterator[Check]:
    """Yield checks of a kernel's formulas against each other, at a few pairs of unit inputs.

    `diagonal_step` and `step` (which the recursion iterates) and `residual` (which Newton's method solves) are separate
    formulas; that they have one solution, and that the derivatives are those of the formulas, ties them all together.
    """
    import numpy as np

    from dekderive.gram.moments import by_name
    from dekderive.reports.circle import circle, complete
    from dekderive.solvers import solve

    pairs = circle(by_name(kernel.moments), np.array([-0.8, -0.3, 0.2, 0.6, 0.9]))
    parameters = _solvable(kernel, pairs)
    newton = solve(kernel, pairs.known_to(kernel), **parameters).raise_for_status()
    recursion = solve(kernel, pairs.known_to(kernel), method="picard", tolerance=1e-13, **parameters).raise_for_status()
    yield _close(
        f"{kernel.name}, solution", "the recursion converges to the root", newton.value, recursion.value, _TOLERANCE
    )
    known = {**complete(kernel, pairs, parameters), **newton.state}
    for derivative, formula, variable in (
        ("diagonal_step_derivative", "diagonal_step", "kxx"),
        ("step_derivative", "step", "kxy"),
        ("residual_derivative", "residual", kernel.chart.value),
    ):
        stated = getattr(kernel, derivative).at(known)
        measured = _difference(getattr(kernel, formula), known, variable)
        statement = f"{derivative} is the derivative of {formula}"
        yield _close(f"{kernel.name}, {derivative}", statement, stated, measured, _DIFFERENCE)


def layered_consistency(kernel: LayeredKernel) -> Iterator[Check]:
    """Yield checks of the formulas of a layer against each other, at a few angles and variances."""
    import numpy as np

    defaults = {p.name: p.default for p in kernel.parameters}
    angle, kxx, kyy = np.array([0.3, 0.9, 1.6, 2.5]), np.array([0.4, 1.0, 2.5, 0.7]), np.array([1.3, 1.0, 0.2, 3.0])
    known = {**defaults, "angle": angle, "kxx": kxx, "kyy": kyy}
    for label, e in (("activation", kernel.activation), ("slope", kernel.slope)):
        if e is None:
            continue
        value = np.broadcast_to(e.value.at({**known, "angle": 0.0 * angle, "kyy": kxx}), angle.shape)
        mean = np.broadcast_to(e.mean.at(known), angle.shape)
        yield _close(f"{kernel.name}, {label}", "E[f(u) f(v)] at x = x' is E[f(u)^2]", value, mean, _TOLERANCE)
        if e.price is not None:
            slope = -e.price.at(known) * np.sqrt(kxx * kyy) * np.sin(angle)
            measured = _difference(e.value, known, "angle")
            yield _close(f"{kernel.name}, {label} price", "price is its derivative", slope, measured, _DIFFERENCE)
        if e.loss is not None:
            both = np.broadcast_to(e.mean.at({**known, "kxx": np.sqrt(kxx * kyy)}), angle.shape)
            loss = 1 - e.value.at(known) / both
            yield _close(f"{kernel.name}, {label} loss", "loss is 1 - value / mean", e.loss.at(known), loss, _TOLERANCE)


def _solvable(kernel: Kernel, pairs: CirclePairs) -> dict[str, Any]:
    """Return parameters for which all pairs have a fixed point: the defaults, with more regularisation if need be."""
    from dekderive.solvers import Status, solve

    defaults: dict[str, Any] = {p.name: p.default for p in kernel.parameters}
    for factor in (1.0, 2.0, 4.0, 8.0, 16.0):
        given: dict[str, Any] = {n: v * factor if n == "regularisation" else v for n, v in defaults.items()}
        if solve(kernel, pairs.known_to(kernel), **given).status is Status.CONVERGED:
            return given
    return defaults


def _difference(formula: Any, known: dict[str, Any], variable: str) -> Any:
    import numpy as np

    step = 1e-5 * np.maximum(np.abs(known[variable]), 0.1)
    above = formula.at({**known, variable: known[variable] + step})
    below = formula.at({**known, variable: known[variable] - step})
    return (above - below) / (2 * step)


def _close(name: str, statement: str, stated: Any, other: Any, tolerance: float) -> Check:
    import numpy as np

    scale = np.maximum(np.max(np.abs(other)), 1e-3)
    error = float(np.max(np.abs(np.asarray(stated) - other)) / scale)
    return Check(name, statement, Verdict.HOLDS if error <= tolerance else Verdict.FAILS, f"to {error:.1g}")
