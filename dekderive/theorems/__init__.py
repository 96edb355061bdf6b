"""Statements of the papers as data: printed and corrected, with proofs, checks, verdicts and counterexamples."""

from dekderive.theorems.catalogue import CATALOGUE, PAPERS, by_key, select
from dekderive.theorems.of_family import checks_for
from dekderive.theorems.theorem import (
    Assessment,
    Basis,
    Counterexample,
    Kind,
    Probe,
    Refutation,
    Standing,
    Theorem,
)

__all__ = [
    "CATALOGUE",
    "PAPERS",
    "Assessment",
    "Basis",
    "Counterexample",
    "Kind",
    "Probe",
    "Refutation",
    "Standing",
    "Theorem",
    "by_key",
    "checks_for",
    "select",
]
