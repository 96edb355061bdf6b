"""``dekderive reproduce``: published experiments, run again and printed beside what was published."""

from __future__ import annotations

import json
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dekderive.commands.console import EXIT_CODES, progress, write_json
from dekderive.errors import InvalidInput, UnknownName
from dekderive.verdict import Verdict

if TYPE_CHECKING:
    from dekderive.experiments.experiment import Experiment, Outcome, Settings

__all__ = ["reproduce"]

_EXAMPLES = """\b
Examples:
  dekderive reproduce list
  dekderive reproduce mnist-deq-ntk
  dekderive reproduce mnist-deq-ntk --data-dir data --size 10000
  dekderive reproduce freeze --data-dir data --full --figure freeze.svg
"""


@click.command(epilog=f"{_EXAMPLES}\n{EXIT_CODES}")
@click.argument("name")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder with mnist.npz, cifar10.npz, ...")
@click.option("--size", type=click.IntRange(min=10), metavar="N", help="Number of training images.")
@click.option("--test-size", type=click.IntRange(min=10), metavar="N", help="Number of test images.")
@click.option("--draws", type=click.IntRange(min=1), metavar="N", help="Random draws of images.")
@click.option("--full", is_flag=True, help="The sizes of the paper, where the others leave them open.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the draws.")
@click.option("--regularisation", type=float, metavar="LAMBDA", help="Relative to the mean of the kernel's diagonal.")
@click.option("--dtype", type=click.Choice(["float64", "float32"]), default="float64", show_default=True)
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path, allow_dash=True), help="File to write; - is stdout."
)
@click.option("--figure", type=click.Path(path_type=Path), help="File to draw to: .svg, .png or .pdf.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def reproduce(name: str, **options: Any) -> int:
    """Run the experiment NAME of a paper again, and print what was published beside what is found.

    `dekderive reproduce list` lists the experiments.  Sizes that finish in a minute or two are the default; --full
    takes those of the paper.  Without --data-dir the digits of scikit-learn stand in for the images, so that every
    command runs anywhere.  Checks compare with published numbers only where sizes and images are those of the paper.
    """
    from dekderive.experiments import EXPERIMENTS

    if name == "list":
        _list(EXPERIMENTS.values())
        return 0
    if name not in EXPERIMENTS:
        raise UnknownName(f"no experiment {name!r}; known: list, {', '.join(EXPERIMENTS)}")
    experiment = EXPERIMENTS[name]
    _check_outputs(experiment, options["figure"], options["json_file"])
    with progress(options["quiet"]) as say:
        begin = time.perf_counter()
        settings = _settings(experiment, options, say.stage)
        outcome = experiment.run(settings)
        seconds = time.perf_counter() - begin
    found = result(experiment, settings, outcome, seconds)
    if options["json_file"] is not None:
        _write(options["json_file"], found)
    if str(options["json_file"]) != "-":
        _print(found)
    if options["figure"] is not None and experiment.draw is not None:
        experiment.draw(outcome, options["figure"])
    return Verdict.all(tuple(check.verdict for check in outcome.checks)).exit_code


def _list(experiments: Any) -> None:
    for e in experiments:
        click.echo(f"{e.name:<18} {e.title} ({e.source})")
        sizes = f"{e.quick.train}/{e.quick.test} images; --full: {e.full.train}/{e.full.test}, {e.full.draws} draw(s)"
        click.echo(f"{'':<18} reads {' or '.join(f'{image}.npz' for image in e.images)}; {sizes}")


def _check_outputs(experiment: Experiment, figure: Path | None, json_file: Path | None) -> None:
    """Refuse what could not be written before minutes of work, not after."""
    if figure is not None:
        from dekderive.experiments.figures import check_format

        if experiment.draw is None:
            raise InvalidInput(f"{experiment.name} has no figure; leave --figure out")
        check_format(figure)
    for path in (figure, json_file):
        if path is not None and str(path) != "-" and not path.resolve().parent.is_dir():
            raise InvalidInput(f"{path} cannot be written: folder {path.resolve().parent} does not exist")


def _settings(experiment: Experiment, options: dict[str, Any], say: Any) -> Settings:
    from dekderive.datasets.images import load_images
    from dekderive.experiments.experiment import Settings, Sizes

    given = options["regularisation"]
    if given is not None and not 0 <= given < float("inf"):
        raise InvalidInput(f"--regularisation {given} must be a finite number, at least 0")
    data = load_images(experiment.images, options["data_dir"])
    default = experiment.full if options["full"] else experiment.quick
    sizes = Sizes(
        min(options["size"] or default.train, len(data.x_train)),
        min(options["test_size"] or default.test, len(data.x_test)),
        options["draws"] or default.draws,
    )
    level = experiment.regularisation if given is None else given
    return Settings(data, sizes, options["seed"], level, options["dtype"], say)


def result(experiment: Experiment, settings: Settings, outcome: Outcome, seconds: float) -> dict[str, Any]:
    """Return what ``--json`` writes: numbers as they are, accuracies in [0, 1], memory in bytes, times in seconds."""
    import numpy as np

    import dekderive
    from dekderive.experiments.experiment import summary
    from dekderive.experiments.machine import peak_memory

    found: dict[str, Any] = {
        "experiment": experiment.name,
        "title": experiment.title,
        "source": experiment.source,
        "data": settings.data.name,
        "sizes": settings.sizes,
        "seed": settings.seed,
        "regularisation": settings.regularisation,
        "dtype": settings.dtype,
        "rows": outcome.rows,
        "checks": outcome.checks,
        "curves": outcome.curves,
        "remarks": [*filter(None, [settings.data.remark]), *outcome.remarks, *experiment.notes],
        "seconds": seconds,
        "peak_memory": peak_memory(),
        "versions": {"dekderive": dekderive.__version__, "numpy": np.__version__, "python": platform.python_version()},
    }
    return {key: summary(value) for key, value in found.items()}


def _write(path: Path, found: dict[str, Any]) -> None:
    if str(path) == "-":
        write_json(found)
        return
    try:
        path.write_text(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error}") from error


def _print(found: dict[str, Any]) -> None:
    sizes = found["sizes"]
    click.echo(f"{found['title']} ({found['source']})")
    click.echo(
        f"{found['data']}: {sizes['train']} training and {sizes['test']} test images, {sizes['draws']} draw(s), seed "
        f"{found['seed']}; regularisation {found['regularisation']:g}, {found['dtype']}\n"
    )
    width = max(len(row["label"]) for row in found["rows"])
    click.echo(f"{'':<{width}}  {'accuracy':>16}  {'published':>9}  {'seconds':>7}")
    for row in found["rows"]:
        own = f"{100 * row['measured']:.2f} ± {100 * row['standard_error']:.2f} %"
        known = row["published"]
        told = "" if known is None else f"{100 * known['value']:.2f} %"
        click.echo(f"{row['label']:<{width}}  {own:>16}  {told:>9}  {row['seconds']:>7.1f}".rstrip())
    click.echo()
    for line in _footnotes(found):
        click.echo(line)


def _footnotes(found: dict[str, Any]) -> list[str]:
    kinds = {row["error_kind"] for row in found["rows"]}
    words = {"binomial": "binomial standard errors", "draws": "standard errors of the means over draws"}
    lines = [f"± {', '.join(words[kind] for kind in sorted(kinds))}"]
    known = next((row["published"] for row in found["rows"] if row["published"]), None)
    if known is not None:
        lines.append(f"published: {known['train']} training and {known['test']} test images of {known['images'][0]}")
    lines += [
        f"{check['verdict']}: {check['name']}: {check['statement']}; {check['detail']}" for check in found["checks"]
    ]
    lines += [f"note: {remark}" for remark in found["remarks"]]
    memory = found["peak_memory"]
    told = "" if memory is None else f"; at most {memory / 2**30:.2f} GiB of memory"
    return [*lines, f"{found['seconds']:.1f} s in all{told}"]
