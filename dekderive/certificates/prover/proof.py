"""What comes of an attempt to prove a claim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import sympy as sp

from dekderive.certificates.certificate import Certificate
from dekderive.certificates.checker.claims import obligations, read_box
from dekderive.certificates.checker.intervals import OutOfDomain
from dekderive.certificates.checker.trees import Box
from dekderive.certificates.prover.search import find_tree
from dekderive.certificates.prover.translation import rational_text
from dekderive.verdict import Verdict

__all__ = ["Domain", "Proof", "certified", "domain_text", "proved", "titled"]

Domain: TypeAlias = Mapping[sp.Symbol, tuple[sp.Expr, sp.Expr]]


@dataclass(frozen=True)
class Proof:
    """What came of the attempt to prove a claim.

    Attributes
    ----------
    verdict : Verdict
        HOLDS comes with a certificate, FAILS with a point, UNDECIDED with the smallest piece that resisted.
    certificate : Certificate or None
    point : dict or None
        Exact coordinates at which the claim is false.
    piece : dict or None
        Exact ends of the piece of the domain that could not be decided.
    detail : str
    """

    verdict: Verdict
    certificate: Certificate | None = None
    point: Mapping[str, Fraction] | None = None
    piece: Box | None = None
    detail: str = ""


def domain_text(domain: Domain) -> dict[str, list[str]]:
    """Write a domain as a certificate has it."""

    def end(value: sp.Expr) -> str:
        return {sp.oo: "inf", -sp.oo: "-inf"}.get(sp.sympify(value)) or rational_text(value)

    return {symbol.name: [end(low), end(high)] for symbol, (low, high) in domain.items()}


def proved(claim: dict[str, object], domain: dict[str, list[str]], pieces: int) -> Proof:
    """Find a tree for every inequality that the claim consists of."""
    trees: list[object] = []
    try:
        needed = obligations(claim, read_box(domain))
    except OutOfDomain as error:
        return Proof(Verdict.UNDECIDED, detail=str(error))
    for obligation in needed:
        found = find_tree(obligation, pieces)
        if found.verdict is not Verdict.HOLDS:
            return Proof(found.verdict, None, found.point, found.piece, f"not proved: {obligation.reason}")
        trees.append(found.tree)
    return certified(claim, domain, trees)


def certified(claim: dict[str, object], domain: dict[str, list[str]], proofs: list[object]) -> Proof:
    """Return a certificate that the checker accepts, or what it objects to."""
    certificate = Certificate.of(claim, domain, proofs)
    outcome = certificate.check()
    if not outcome.holds:
        return Proof(Verdict.UNDECIDED, detail=outcome.reason)
    return Proof(Verdict.HOLDS, certificate, detail=outcome.reason)


def titled(text: str, default: str) -> dict[str, object]:
    """The claim in words."""
    return {"text": text or default}
