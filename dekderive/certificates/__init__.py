"""Proofs and refutations of statements about formulas, by ball arithmetic."""

from dekderive.certificates.enclosure import enclose, zero_verdict
from dekderive.certificates.expectations import mehler_enclosure
from dekderive.certificates.interval import Enclosure
from dekderive.certificates.positivity import positive_verdict

__all__ = ["Enclosure", "enclose", "mehler_enclosure", "positive_verdict", "zero_verdict"]
