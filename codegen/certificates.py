"""derivations/ and families -> the certificates that are shipped: JSON beside the generated kernels.

Only what is proved is written; `dekderive check --shipped` follows every proof again.
"""

from collections.abc import Sequence

from codegen.plan import Generated, Source
from dekderive.certificates.prover.proof import Proof
from dekderive.families import EXAMPLES, by_name
from dekderive.families.certified import certify_variance
from dekderive.ledger import Entry, sha256
from dekderive.update_maps.certified import certificates
from dekderive.update_maps.update_map import UpdateMap
from dekderive.verdict import Verdict

__all__ = ["planned_certificates"]

_FOLDER = "_generated/certificates"


def planned_certificates(sources: Sequence[Source], sympy: str) -> tuple[Generated, ...]:
    """Return the certificate files of all derivations and of the families with a bounded variance."""
    files = []
    for source in sources:
        if isinstance(source.derivation.update_map, UpdateMap):
            digest = sha256(source.text)
            for found in certificates(source.derivation.update_map):
                name = f"{source.name}.{found.name}"
                files += _file(name, found.proof, source.path, digest, found.consequence, sympy)
    for text in sorted(EXAMPLES):
        family = by_name(text)
        claim = "the largest variance of the family"
        name = f"family.{family.name}.variance"
        files += _file(name, certify_variance(family), "dekderive/families/", "", claim, sympy)
    return tuple(files)


def _file(name: str, proof: Proof, origin: str, digest: str, claim: str, sympy: str) -> list[Generated]:
    if proof.verdict is not Verdict.HOLDS or proof.certificate is None:
        return []
    text = proof.certificate.text
    spec = str(proof.certificate.content["digest"])[:16]
    entry = Entry(origin, digest, spec, "certificate/1", sympy, claim, sha256(text))
    return [Generated(f"{_FOLDER}/{name}.json", text, entry)]
