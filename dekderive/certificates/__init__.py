"""Proofs and refutations of statements about formulas, by ball arithmetic, and certificates that anyone can check.

Names are imported when they are first used: ``python -m dekderive.certificates.check`` must load the standard library
and the checker, and nothing else.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dekderive.certificates.certificate import Certificate
    from dekderive.certificates.enclosure import enclose, zero_verdict
    from dekderive.certificates.expectations import enclose_dual, enclose_dual_kxy, enclose_mean, mehler_enclosure
    from dekderive.certificates.interval import Enclosure
    from dekderive.certificates.parseval import HermiteSeries, hermite_series
    from dekderive.certificates.positivity import positive_verdict
    from dekderive.certificates.prover.direct import (
        prove_existence,
        prove_expectation,
        prove_identity,
        prove_semidefinite,
    )
    from dekderive.certificates.prover.proof import Proof
    from dekderive.certificates.prover.prove import prove_bound, prove_contraction, prove_unique_root
    from dekderive.certificates.solutions import CertifiedSolution, certify_solution

__all__ = [
    "Certificate",
    "CertifiedSolution",
    "Enclosure",
    "HermiteSeries",
    "Proof",
    "certify_solution",
    "enclose",
    "enclose_dual",
    "enclose_dual_kxy",
    "enclose_mean",
    "hermite_series",
    "mehler_enclosure",
    "positive_verdict",
    "prove_bound",
    "prove_contraction",
    "prove_existence",
    "prove_expectation",
    "prove_identity",
    "prove_semidefinite",
    "prove_unique_root",
    "zero_verdict",
]

_HOME = {
    "Certificate": "certificate",
    "CertifiedSolution": "solutions",
    "Enclosure": "interval",
    "HermiteSeries": "parseval",
    "Proof": "prover.proof",
    "certify_solution": "solutions",
    "enclose": "enclosure",
    "enclose_dual": "expectations",
    "enclose_dual_kxy": "expectations",
    "enclose_mean": "expectations",
    "hermite_series": "parseval",
    "mehler_enclosure": "expectations",
    "positive_verdict": "positivity",
    "prove_bound": "prover.prove",
    "prove_contraction": "prover.prove",
    "prove_existence": "prover.direct",
    "prove_expectation": "prover.direct",
    "prove_identity": "prover.direct",
    "prove_semidefinite": "prover.direct",
    "prove_unique_root": "prover.prove",
    "zero_verdict": "enclosure",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"dekderive.certificates.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
