"""``dekderive derive``: from a family and a natural map to a module, a fit and a report."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dekderive.commands.console import EXIT_CODES, Progress, progress, write_json
from dekderive.commands.folders import MARKER, refuse_existing, staged_folder
from dekderive.errors import InvalidInput, NoFixedPoint
from dekderive.verdict import Check, Verdict

if TYPE_CHECKING:
    from dekderive.datasets import Dataset
    from dekderive.derivation import Derivation
    from dekderive.kernels.kernel import Kernel
    from dekderive.reparameterisations import Reparameterisation
    from dekderive.reports.comparison import Comparison

__all__ = ["derive"]


_EXAMPLES = """\b
Examples:
  dekderive derive gaussian --natural-map "relu(z)" --data diabetes --out report
  dekderive derive poisson --out poisson
  dekderive derive rate --log-partition "-log(-eta)" --domain "(-inf, 0)" \\
      --natural-map "-softplus(z)" --out rate
"""


@click.command(epilog=f"{_EXAMPLES}\n{EXIT_CODES}")
@click.argument("family")
@click.option("--natural-map", metavar="EXPR", help="Natural map R(z), for example 'relu(z)'.  Default: z.")
@click.option("--activation", metavar="EXPR", help="Activation (A o R)'(z) instead; R is solved for.")
@click.option("--constant", metavar="NUMBER", help="With --activation: the constant of its antiderivative.")
@click.option("--log-partition", metavar="EXPR", help="A(eta) of a new family, which FAMILY then names.")
@click.option("--domain", metavar="'(LOW, HIGH)'", help="Natural domain of the new family, for example '(-inf, 0)'.")
@click.option("--regularisation", type=float, metavar="LAMBDA", help="Fixed; chosen by validation if left out.")
@click.option("--moments", metavar="NAME", help="Statistic of the inputs: linear, rows, relu_features, ...")
@click.option("--data", metavar="NAME_OR_CSV", help="Fit to this data set: a name, a .csv file, or openml:NAME.")
@click.option("--target", metavar="COLUMN", help="What to predict; the last column of a CSV file if left out.")
@click.option(
    "--task", type=click.Choice(["regression", "classification"]), help="Overrides the guess from the target."
)
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of <name>.npz data sets.")
@click.option("--rows", type=click.IntRange(min=10), default=1000, show_default=True, help="Use at most so many rows.")
@click.option("--folds", type=click.IntRange(min=2), default=5, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--name", metavar="NAME", help="Name of the kernel and its module.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write; it must not exist.")
@click.option("--overwrite", is_flag=True, help="Replace a folder that this command wrote before.")
@click.option("--report/--no-report", default=True, help="Whether to write report.html (needs matplotlib and jinja2).")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def derive(**options: Any) -> int:
    """Derive the equilibrium kernel of FAMILY, prove it, write it down, and try it on data.

    FAMILY is a shipped family such as gaussian, poisson or "binomial(10)" (see `dekderive kernels --families`), or the
    name of a new one given by --log-partition.  Formulas are read by an allow-list and never evaluated as Python.

    The folder --out receives an importable module, report.html (one self-contained page) and result.json, all at once
    when everything has worked.
    """
    order = Order(**{name: options[name] for name in Order.__dataclass_fields__})
    refuse_existing(order.out, order.overwrite)
    with progress(options["quiet"]) as say:
        result = carry_out(order, say)
    if options["as_json"]:
        write_json(result)
    else:
        _summarise(result, order.out)
    return Verdict(result["verdict"]).exit_code


@dataclass(frozen=True, slots=True)
class Order:
    """The options of one call."""

    family: str
    natural_map: str | None
    activation: str | None
    constant: str | None
    log_partition: str | None
    domain: str | None
    regularisation: float | None
    moments: str | None
    data: str | None
    target: str | None
    task: str | None
    data_dir: Path | None
    rows: int
    folds: int
    seed: int
    name: str | None
    out: Path
    overwrite: bool
    report: bool


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """What has been made for an order."""

    link: Reparameterisation
    derivation: Derivation
    kernel: Kernel
    moments: str
    level: float
    levels: tuple[float, ...]
    checks: tuple[Check, ...]
    text: str
    data: Dataset | None
    comparison: Comparison | None


def carry_out(order: Order, say: Progress) -> dict[str, Any]:
    """Do the work, write the folder, and return what result.json holds."""
    data = _load(order) if order.data is not None else None  # first: a wrong file name should not cost a derivation
    work = _derive(order, data, say)
    from dekderive.commands.results import page, result

    verdict = Verdict.all(tuple(c.verdict for c in work.checks))
    summary = result(work, verdict, order)
    with staged_folder(order.out, order.overwrite) as folder:
        if verdict is not Verdict.FAILS:
            (folder / f"{work.derivation.name}.py").write_text(work.text, encoding="utf-8", newline="\n")
        if order.report:
            say.stage("drawing the report")
            (folder / "report.html").write_text(page(work, verdict, order), encoding="utf-8", newline="\n")
        text = json.dumps(summary, indent=2, ensure_ascii=False) + "\n"
        (folder / MARKER).write_text(text, encoding="utf-8", newline="\n")
    return summary


def _load(order: Order) -> Dataset:
    from dekderive.commands.sampling import at_most
    from dekderive.datasets import load

    assert order.data is not None
    data = load(order.data, order.target, order.data_dir, task=order.task)
    return at_most(data, order.rows, order.seed)


def _derive(order: Order, data: Dataset | None, say: Progress) -> Work:
    from dekderive.commands.specification import build_family, build_link, kernel_name
    from dekderive.derivation import Derivation
    from dekderive.programs import compile as compile_kernel
    from dekderive.programs import emit
    from dekderive.reports.candidates import levels_around, moments_for
    from dekderive.update_maps import deker

    if order.moments is not None:
        moments_for(order.moments, 1.0)  # refuses an unknown name
    say.stage("deriving the update map")
    family = build_family(order.family, order.log_partition, order.domain)
    link = build_link(family, order.natural_map, order.activation, order.constant)
    name = kernel_name(family, order.natural_map, order.activation, order.name)
    derivation = Derivation(deker(link, name=name, moments=order.moments))
    say.stage("checking it")
    checks = (*family.checks(), *(_settled(c, derivation) for c in link.checks()), *derivation.checks())
    say.stage("writing the module")
    text = emit(derivation)
    kernel = compile_kernel(derivation)
    moments = order.moments or kernel.moments
    level = _level(order.regularisation, kernel, moments, data is None)
    levels = (level,) if order.regularisation is not None else levels_around(level)
    comparison = None if data is None else _compare(order, kernel, moments, levels, data, say)
    return Work(link, derivation, kernel, moments, level, levels, checks, text, data, comparison)


def _settled(check: Check, derivation: Derivation) -> Check:
    """Decide square-integrability, which a link alone judges by growth, by second moments that the duals computed."""
    if check.name != "square-integrable" or check.verdict is not Verdict.UNDECIDED:
        return check
    duals = dict(derivation.update_map.duals)
    squares = [duals[key] for key in ("slope_slope", "activation_activation")]
    if not all(dual.closed and not dual.conditions for dual in squares):
        return check
    return replace(check, verdict=Verdict.HOLDS, detail="both second moments have closed forms, without conditions")


def _level(given: float | None, kernel: Kernel, moments: str, alone: bool) -> float:
    """Return the main regularisation; a given one is tried on unit vectors, which are all there is without data."""
    from dekderive.reports.candidates import default_level, require_level

    if given is None:
        return default_level(kernel, moments)
    if not 0 < given < float("inf"):
        raise InvalidInput(f"--regularisation {given} must be a positive number")
    try:
        require_level(kernel, moments, given)
    except NoFixedPoint:
        if alone:
            raise  # otherwise the rows of the data decide
    return given


def _compare(
    order: Order, kernel: Kernel, moments: str, levels: tuple[float, ...], data: Dataset, say: Progress
) -> Comparison:
    from dekderive.reports.candidates import equilibrium_candidates, rbf_candidates
    from dekderive.reports.comparison import compare

    say.stage(f"fitting {data.name}: {data.X.shape[0]} rows, {order.folds} folds")
    sides = {"DEKer": equilibrium_candidates(kernel, moments, levels), "RBF": rbf_candidates}
    return compare(data, sides, folds=order.folds, seed=order.seed, progress=say.detail)


def _summarise(result: dict[str, Any], out: Path) -> None:
    click.echo(f"{result['kernel']}: {result['verdict']} ({len(result['checks'])} checks)")
    for check in result["checks"]:
        if check["verdict"] != "holds":
            click.echo(f"  {check['verdict']}: {check['name']}: {check['statement']}")
    for score in result.get("comparison", {}).get("scores", ()):
        line = f"  {score['kernel']:<6} {score['method']:<26} {score['mean']:.4g} +- {score['std']:.2g}"
        click.echo(f"{line} {result['comparison']['metric']}")
    click.echo(f"written: {', '.join(str(out / name) for name in result['files'])}")
