"""The format of a certificate, and its verdict."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from dekderive.certificates.checker.claims import obligations, read_box
from dekderive.certificates.checker.identities import prove_equal
from dekderive.certificates.checker.integrals import prove_existence, prove_expectation
from dekderive.certificates.checker.intervals import OutOfDomain
from dekderive.certificates.checker.matrices import prove_semidefinite
from dekderive.certificates.checker.programs import Malformed, read_program
from dekderive.certificates.checker.trees import Box, Budget, Refused, prove_at_most

__all__ = ["FORMAT", "Outcome", "check", "check_text", "digest"]

FORMAT = "dekderive.certificate/1"


@dataclass(frozen=True)
class Outcome:
    """What the checker says: whether the proof holds, and if not, why."""

    holds: bool
    reason: str
    claim: str = ""


def digest(certificate: Mapping[str, object]) -> str:
    """SHA-256 of the certificate without its digest, in canonical JSON."""
    content = {key: value for key, value in certificate.items() if key != "digest"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def check_text(text: str) -> Outcome:
    """Check a certificate given as JSON; whatever the text, this returns an outcome."""
    try:
        data = json.loads(text, parse_float=_refuse, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        return Outcome(False, f"not a certificate: {error}")
    return check(data)


def _refuse(text: str) -> None:
    raise Malformed(f"the number {text} is a float; certificates hold integers and strings such as '3/5'")


def check(certificate: object) -> Outcome:
    """Check a certificate; whatever it is, this returns an outcome."""
    if not isinstance(certificate, dict):
        return Outcome(False, "not a certificate: it must be an object")
    claim = certificate.get("claim")
    shown = str(claim.get("text", claim.get("kind", ""))) if isinstance(claim, dict) else ""
    try:
        if certificate.get("format") != FORMAT:
            raise Malformed(f"the format must be {FORMAT!r}")
        if not isinstance(claim, dict):
            raise Malformed("the claim must be an object")
        if certificate.get("digest") != digest(certificate):
            raise Malformed("the digest does not belong to this content")
        box = {} if claim.get("kind") == "semidefinite" else read_box(certificate.get("domain"))
        count = _prove(claim, box, certificate.get("proofs"))
    except (Malformed, Refused) as error:
        return Outcome(False, str(error), shown)
    except OutOfDomain as error:
        return Outcome(False, f"some function is not defined where it is needed: {error}", shown)
    except (RecursionError, MemoryError, OverflowError):
        return Outcome(False, "the proof is larger than the checker can follow", shown)
    return Outcome(True, f"{count} {'step' if count == 1 else 'steps'} checked", shown)


def _prove(claim: Mapping[str, object], box: Box, proofs: object) -> int:
    if not isinstance(proofs, list):
        raise Malformed("the proofs must be a list")
    kind = claim.get("kind")
    if kind in _WITHOUT_TREES:
        wanted = 1 if kind == "expectation" else 0
        if len(proofs) != wanted:
            raise Malformed(f"a claim of this kind has {wanted} proofs, got {len(proofs)}")
        if kind == "expectation":
            prove_expectation(claim, box, proofs[0])
        elif kind == "existence":
            prove_existence(claim, box)
        elif kind == "semidefinite":
            prove_semidefinite(claim)
        else:
            left, right = (read_program(claim.get(side), list(box)) for side in ("left", "right"))
            prove_equal(left, right)
        return 1
    needed = obligations(claim, box)
    if len(needed) != len(proofs):
        raise Malformed(f"the claim takes {len(needed)} proofs, got {len(proofs)}")
    budget = Budget()
    for obligation, tree in zip(needed, proofs, strict=True):
        try:
            prove_at_most(obligation.program, obligation.box, obligation.bound, tree, budget)
        except Refused as error:
            raise Refused(f"{obligation.reason}: {error}") from None
    return len(needed)


_WITHOUT_TREES = ("expectation", "existence", "identity", "semidefinite")
