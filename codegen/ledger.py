"""What is committed, compared with what the derivations say: build the ledger, classify drift, write the files."""

import difflib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from codegen.plan import Generated
from dekderive.errors import StaleKernel
from dekderive.ledger import Drift, Entry, Finding, generated_texts, read_ledger, sha256, write_ledger

__all__ = ["compare", "steady", "write"]


def compare(planned: Sequence[Generated], folder: Path) -> tuple[Finding, ...]:
    """Classify every disagreement between the planned files, the ledger and the files under `folder`, by path."""
    plans = {generated.path: generated for generated in planned}
    entries, texts = read_ledger(folder), generated_texts(folder)
    paths = sorted(plans.keys() | entries.keys() | texts.keys())
    findings = [_classify(path, plans.get(path), entries.get(path), texts.get(path)) for path in paths]
    return tuple(finding for finding in findings if finding is not None)


def _classify(path: str, planned: Generated | None, entry: Entry | None, text: str | None) -> Finding | None:
    """First what a human did (a missing half, an edit), then what the derivation did, then what the printer did."""
    if planned is None:
        return Finding(
            path, Drift.ORPHAN, "no derivation produces it; `update` removes it", _difference(path, text, None)
        )
    difference = _difference(path, text, planned.text)
    if entry is None and text is None:
        return Finding(path, Drift.STALE, "its derivation is new", difference)
    if entry is None:
        return Finding(path, Drift.ORPHAN, "the ledger has no entry for this file", difference)
    if text is None:
        return Finding(path, Drift.ORPHAN, "the ledger has an entry, but the file is missing", difference)
    if sha256(text) != entry.text_sha256:
        return Finding(path, Drift.EDITED, "", difference)
    if entry.spec != planned.entry.spec:
        return Finding(path, Drift.STALE, f"spec {entry.spec} -> {planned.entry.spec}", difference)
    if entry.derivation_sha256 != planned.entry.derivation_sha256:
        return Finding(path, Drift.STALE, "the mathematics is the same; the text of the derivation is not", difference)
    if text != planned.text:
        return _reprinted(path, entry, planned.entry, difference)
    return _other_fields(path, entry, planned.entry)


def _reprinted(path: str, entry: Entry, now: Entry, difference: str) -> Finding:
    detail = f"emitter {entry.emitter} -> {now.emitter}, SymPy {entry.sympy} -> {now.sympy}"
    # Another SymPy on somebody's machine is no fault of the committed text; the meaning check covers it.
    return Finding(path, Drift.REPRINTED, detail, difference, blocking=entry.sympy == now.sympy)


def _other_fields(path: str, entry: Entry, now: Entry) -> Finding | None:
    """Same text, same mathematics: the remaining fields must agree too, except SymPy, which printed the same."""
    old, new = asdict(entry), asdict(now)
    wrong = [f"{key} {old[key]} -> {new[key]}" for key in old if key != "sympy" and old[key] != new[key]]
    return (
        Finding(path, Drift.STALE, f"the file is right, its ledger entry is not: {', '.join(wrong)}") if wrong else None
    )


def _difference(path: str, old: str | None, new: str | None) -> str:
    lines = difflib.unified_diff(
        (old or "").splitlines(), (new or "").splitlines(), f"committed/{path}", f"derived/{path}", lineterm=""
    )
    return "\n".join(lines)


def steady(plans: Sequence[Sequence[Generated]]) -> tuple[Finding, ...]:
    """Compare plans that were made under different hash seeds; a deterministic emitter makes them equal."""
    first, findings = plans[0], []
    for other in plans[1:]:
        if [generated.path for generated in other] != [generated.path for generated in first]:
            raise StaleKernel("two runs of the plan list different files; sort what codegen/plan.py iterates over")
        for one, two in zip(first, other, strict=True):
            if one != two:
                findings.append(Finding(one.path, Drift.UNSTEADY, "", _difference(one.path, one.text, two.text)))
    return tuple(findings)


def write(planned: Sequence[Generated], folder: Path) -> tuple[str, ...]:
    """Make the files and the ledger under `folder` what was planned; return the paths that changed."""
    before = generated_texts(folder)
    after = {generated.path: generated.text for generated in planned}
    for path in before.keys() - after.keys():
        (folder / path).unlink()
    for path in after:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(after[path], encoding="utf-8", newline="\n")
    write_ledger({generated.path: generated.entry for generated in planned}, folder)
    return tuple(path for path in sorted(before.keys() | after.keys()) if before.get(path) != after.get(path))
