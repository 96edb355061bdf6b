"""Proofs and refutations of statements about formulas, by ball arithmetic, and certificates that anyone can check.

Names are imported when they are first used: ``python -m dekderive.certificates.check`` must load the standard library
and the checker, and nothing else.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dekderive.certificates.certificate import Certificate
    from dekderive.certificates.enclosure import enclose, zero_verdict
    from dekderive.certificates.interval import Enclosure
    from dekderive.certificates.positivity import positive_verdict

__all__ = ["Certificate", "Enclosure", "enclose", "positive_verdict", "zero_verdict"]

_HOME = {
    "Certificate": "certificate",
    "Enclosure": "interval",
    "enclose": "enclosure",
    "positive_verdict": "positivity",
    "zero_verdict": "enclosure",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"dekderive.certificates.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
