"""Is a file a proof of what it claims?  ``python -m dekderive.certificates.check CERTIFICATE.json ...``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from dekderive.certificates.checker.certificate import check_text

__all__ = ["main"]


def main(paths: Sequence[str]) -> int:
    """Check files; 0 if every one is a proof, 1 if one is not, 64 for a wrong command line."""
    if not paths or any(p.startswith("-") for p in paths):
        print("usage: python -m dekderive.certificates.check CERTIFICATE.json ...", file=sys.stderr)
        return 64
    failed = False
    for path in paths:
        try:
            outcome = check_text(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            print(f"{path}: cannot be read: {error}")
            failed = True
            continue
        print(f"{path}: {'holds' if outcome.holds else 'NOT PROVED'}: {outcome.claim} ({outcome.reason})")
        failed |= not outcome.holds
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
