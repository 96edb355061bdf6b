"""``dekderive theorems``: the statements of the papers with their verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from dekderive.commands.console import EXIT_CODES, progress, write_json
from dekderive.errors import InvalidInput
from dekderive.verdict import Check, Verdict

if TYPE_CHECKING:
    from dekderive.theorems import Assessment

__all__ = ["theorems"]

_PAPERS = ("tsuchida2022declarative", "feng2021deqntk", "tsuchida2023deker", "ling2024deq")
_NOTE = (
    "The exit code is that of the true statements (the corrected ones): a printed statement that is known to be wrong "
    "is no failure.  HOLDS needs a proof; a statement that rests on measurements alone is undecided, with the reason."
)


@click.command(epilog=f"{_NOTE}\n\n{EXIT_CODES}")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--paper", type=click.Choice(_PAPERS), help="Only the statements of one paper.")
@click.option("--family", metavar="FAMILY", help="Check what the theorems say about a family instead.")
@click.option("--log-partition", metavar="EXPR", help="With --family: A(eta) of a new family.")
@click.option("--domain", metavar="'(LOW, HIGH)'", help="With --log-partition: its natural domain.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON on stdout.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def theorems(
    names: tuple[str, ...],
    paper: str | None,
    family: str | None,
    log_partition: str | None,
    domain: str | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Check the statements of the papers: as printed, and as corrected.

    NAME is a key such as kglm/theorem-3, or a group such as deker; with a NAME the whole record is shown.
    """
    if family is None and (log_partition is not None or domain is not None):
        raise InvalidInput("--log-partition and --domain describe a new family; name it by --family NAME")
    if family is not None:
        if names or paper:
            raise InvalidInput("--family checks one family; leave out NAME and --paper")
        return _of_family(family, log_partition, domain, as_json)
    from dekderive.theorems import select

    chosen = select(names, paper)
    assessments = []
    with progress(quiet) as say:
        for theorem in chosen:
            say.detail(theorem.key)
            assessments.append(theorem.assess())
    verdict = Verdict.all([a.true for a in assessments])
    if as_json:
        write_json({"verdict": verdict.value, "theorems": [_record(a) for a in assessments]})
        return verdict.exit_code
    for assessment in assessments:
        _show(assessment) if names else _row(assessment)
    _summary(assessments, verdict)
    return verdict.exit_code


def _row(a: Assessment) -> None:
    printed = "-" if a.printed is None else a.printed.value
    line = f"{a.theorem.key:<38} printed {printed:<9}  true {a.true.value:<9}  {a.evidence:<20} {a.seconds:5.1f} s"
    click.echo(f"{line}  {a.theorem.title}")


def _summary(assessments: list[Assessment], verdict: Verdict) -> None:
    wrong = sum(a.printed is Verdict.FAILS for a in assessments)
    total = sum(a.seconds for a in assessments)
    click.echo(f"\n{verdict.value}: {len(assessments)} statements, {wrong} wrong as printed, {total:.0f} s")
    for a in assessments:
        if a.true is not Verdict.HOLDS:
            click.echo(f"  {a.true.value}: {a.theorem.key}: {a.explanation}")


def _show(a: Assessment) -> None:
    t = a.theorem
    click.echo(f"{t.key}: {t.title}  [{t.standing.value}]\n  source: {t.source}")
    for hypothesis in t.hypotheses:
        click.echo(f"  hypothesis: {hypothesis}")
    if t.printed:
        click.echo(f"  printed ({'-' if a.printed is None else a.printed.value}): {t.printed}")
    click.echo(f"  true ({a.true.value}, {a.evidence}): {t.statement}")
    if t.proof:
        click.echo(f"  proof: {t.proof}")
    if a.refutation is not None and t.counterexample is not None:
        click.echo(f"  counterexample: {t.counterexample.instance}: {a.refutation.sentence} ({a.refutation.by})")
    for probe, check in zip(t.probes, a.checks, strict=True):
        click.echo(f"  {check.verdict.value:<9}  {probe.kind.value}: {check.name}: {check.statement} ({check.detail})")
    for check in a.controls:
        click.echo(f"  {check.verdict.value:<9}  control, a wrong form: {check.name} ({check.detail})")
    if t.remarks:
        click.echo(f"  remark: {t.remarks}")
    click.echo(f"  {a.explanation}\n")


def _record(a: Assessment) -> dict[str, Any]:
    t = a.theorem
    refutation = None
    if a.refutation is not None and t.counterexample is not None:
        refutation = {
            "instance": t.counterexample.instance,
            "refuted": a.refutation.refuted,
            "sentence": a.refutation.sentence,
            "numbers": dict(a.refutation.numbers),
            "by": a.refutation.by,
        }
    return {
        "key": t.key,
        "paper": t.paper,
        "source": str(t.source),
        "number": t.number,
        "title": t.title,
        "standing": t.standing.value,
        "hypotheses": list(t.hypotheses),
        "printed": None if a.printed is None else {"statement": t.printed, "verdict": a.printed.value},
        "true": {
            "statement": t.statement,
            "verdict": a.true.value,
            "evidence": a.evidence,
            "explanation": a.explanation,
        },
        "proof": t.proof,
        "checks": [_plain(c) | {"kind": p.kind.value} for p, c in zip(t.probes, a.checks, strict=True)],
        "controls": [_plain(c) for c in a.controls],
        "counterexample": refutation,
        "remarks": t.remarks,
        "seconds": round(a.seconds, 3),
    }


def _plain(check: Check) -> dict[str, str]:
    return {
        "name": check.name,
        "statement": check.statement,
        "verdict": check.verdict.value,
        "detail": check.detail,
    }


def _of_family(text: str, log_partition: str | None, domain: str | None, as_json: bool) -> int:
    from dekderive.commands.specification import build_family
    from dekderive.theorems import checks_for

    family = build_family(text, log_partition, domain)
    checks = checks_for(family)
    verdict = Verdict.all([c.verdict for c in checks])
    if as_json:
        write_json({"verdict": verdict.value, "family": family.name, "checks": [_plain(c) for c in checks]})
        return verdict.exit_code
    click.echo(f"{family.name}: A = {family.log_partition} on ({family.domain.start}, {family.domain.end})")
    for check in checks:
        click.echo(f"{check.verdict.value:<9}  {check.name}: {check.statement} ({check.detail})")
    click.echo(f"{verdict.value}: {len(checks)} checks")
    return verdict.exit_code
