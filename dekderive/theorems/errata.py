"""The page of errata, generated from the catalogue: ``python -m dekderive.theorems.errata > docs/errata.md``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from dekderive.citations import cite
from dekderive.theorems.catalogue import CATALOGUE, PAPERS
from dekderive.theorems.theorem import Basis, Standing, Theorem

__all__ = ["page"]

_INTRODUCTION = """\
# Errata

What the papers print and what is true, from the catalogue `dekderive.theorems`; this page is generated from it (see
`dekderive theorems --help`). Statements are given in our own words. A statement is called wrong only with a
counterexample, which is a function: it was run to write this page.

```python
>>> from dekderive.theorems import by_key
>>> theorem = by_key("kglm/equation-18")
>>> print(theorem.counterexample.run().sentence)
the matrix of 1(|x - x'| <= 1) on three neighbouring pixels has determinant -1 and the eigenvalue 1 - sqrt(2)
>>> theorem.assess().printed.name, theorem.assess().true.name
('FAILS', 'HOLDS')
```

Notation: lam is the regularisation, K the kernel matrix, A the log-partition, q the factor of the prior with
Q = -log q, g = A' + Q', and f the pre-activation. Some slips may come from the conversion of the texts that were at
hand; these are marked.
"""

_BASIS = {
    Basis.CHECKS: "proved (by the checks themselves)",
    Basis.PROOF: "proved (written proof, computed steps checked)",
    Basis.EVIDENCE: "verified numerically, not proved",
}


def page() -> str:
    """Return the page as Markdown; every counterexample is run.

    Examples
    --------
    >>> page().splitlines()[0]
    '# Errata'
    """
    lines = [_INTRODUCTION, *_table()]
    for paper in PAPERS:
        lines += ["", f"## {cite(paper).text}", ""]
        lines += _paper([t for t in CATALOGUE if t.paper == paper])
    return "\n".join(lines).rstrip() + "\n"


def _table() -> Iterator[str]:
    yield "| paper | " + " | ".join(s.value for s in Standing) + " |"
    yield "|---|" + "---|" * len(Standing)
    for paper in PAPERS:
        counts = Counter(t.standing for t in CATALOGUE if t.paper == paper)
        yield f"| {cite(paper).text} | " + " | ".join(str(counts[s]) for s in Standing) + " |"


def _paper(theorems: list[Theorem]) -> Iterator[str]:
    for theorem in theorems:
        if theorem.standing is not Standing.RIGHT:
            yield from _entry(theorem)
    right = [f"{t.number} ({t.title.lower()})" for t in theorems if t.standing is Standing.RIGHT]
    if right:
        yield f"Right as printed: {_escaped('; '.join(right))}."


def _entry(theorem: Theorem) -> Iterator[str]:
    yield f"### {_escaped(theorem.number)}: {_escaped(theorem.title)}"
    yield ""
    yield f"*{theorem.standing.value}* · {_escaped(theorem.source.place)} · `{theorem.key}`"
    if theorem.printed:
        yield from ("", f"**Printed.** {_escaped(theorem.printed)}")
    if theorem.counterexample is not None:
        refutation = theorem.counterexample.run()
        sentence = f"{theorem.counterexample.instance}: {refutation.sentence} ({refutation.by})."
        yield from ("", f"**Counterexample.** {_escaped(sentence)}")
    label = {Standing.SHARPENED: "Sharper", Standing.NEW: "Statement"}.get(theorem.standing, "Correct")
    yield from ("", f"**{label}.** {_escaped(theorem.statement)} [{_BASIS[theorem.basis]}]")
    if theorem.standing is Standing.NEW and theorem.hypotheses:
        yield from ("", f"**Hypotheses.** {_escaped('; '.join(theorem.hypotheses))}.")
    if theorem.proof:
        yield from ("", f"**Proof.** {_escaped(theorem.proof)}")
    if theorem.open_because:
        yield from ("", f"**Open.** {_escaped(theorem.open_because)}.")
    if theorem.remarks:
        yield from ("", f"**Remark.** {_escaped(theorem.remarks)}")
    yield ""


def _escaped(text: str) -> str:
    """Keep Markdown from reading products as emphasis, comparisons as tags, and E[f](x) as a link."""
    escaped = re.sub(r"([\\`*_<>\[\]#~])", r"\\\1", re.sub(r"  +", " ", text))
    return escaped.replace("](", "]\\(")


if __name__ == "__main__":
    import sys

    sys.stdout.write(page())
