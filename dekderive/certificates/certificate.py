"""A certificate: a claim, its domain, and a proof that ``dekderive check`` follows without trusting this package."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dekderive.certificates.checker.certificate import FORMAT, Outcome, check, digest
from dekderive.errors import InvalidInput

__all__ = ["Certificate"]


@dataclass(frozen=True)
class Certificate:
    """JSON content; rational numbers are strings, and there is no float in it.

    Attributes
    ----------
    content : mapping
        With ``format``, ``claim``, ``domain``, ``proofs`` and ``digest``.

    Examples
    --------
    >>> line = [["variable", "x"], ["rational", "2"], ["multiply", 0, 1]]
    >>> claim = {"kind": "bound", "program": line, "at_most": "2", "text": "2x <= 2"}
    >>> Certificate.of(claim, {"x": ["0", "1"]}, [["natural"]]).check().holds
    True
    """

    content: Mapping[str, object]

    @classmethod
    def of(cls, claim: Mapping[str, object], domain: Mapping[str, object], proofs: Sequence[object]) -> Certificate:
        """Return a certificate with its digest; whether it proves anything is for `check` to say."""
        content: dict[str, object] = {
            "format": FORMAT,
            "claim": dict(claim),
            "domain": dict(domain),
            "proofs": list(proofs),
        }
        return cls({**content, "digest": digest(content)})

    @classmethod
    def read(cls, path: Path) -> Certificate:
        """Read a file.

        Raises
        ------
        InvalidInput
            If it cannot be read, or is not JSON.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InvalidInput(f"{path} is no certificate: {error}") from None
        if not isinstance(content, dict):
            raise InvalidInput(f"{path} is no certificate: it must hold an object")
        return cls(content)

    @property
    def text(self) -> str:
        """The JSON text."""
        return json.dumps(self.content, indent=1, ensure_ascii=False) + "\n"

    def check(self) -> Outcome:
        """Follow the proof."""
        return check(json.loads(json.dumps(self.content)))
