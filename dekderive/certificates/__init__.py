"""Proofs and refutations of statements about formulas, by ball arithmetic."""

from dekderive.certificates.enclosure import enclose, zero_verdict
from dekderive.certificates.expectations import enclose_dual, enclose_dual_kxy, enclose_mean, mehler_enclosure
from dekderive.certificates.hermite_series import HermiteSeries, hermite_series
from dekderive.certificates.interval import Enclosure
from dekderive.certificates.positivity import positive_verdict

__all__ = [
    "Enclosure",
    "HermiteSeries",
    "enclose",
    "enclose_dual",
    "enclose_dual_kxy",
    "enclose_mean",
    "hermite_series",
    "mehler_enclosure",
    "positive_verdict",
    "zero_verdict",
]
