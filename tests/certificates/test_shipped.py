"""The certificates that come with the package: each is followed again, and says what the mathematics says."""

import json
from pathlib import Path

import pytest
import sympy as sp

import dekderive.kernels
from dekderive.atoms import relu
from dekderive.certificates.checker.certificate import check_text
from dekderive.families import gaussian, poisson
from dekderive.reparameterisations import Reparameterisation
from dekderive.symbols import z
from dekderive.update_maps import deker, deq_ntk, normalised
from dekderive.update_maps.certified import certificates
from dekderive.verdict import Verdict

FILES = sorted((Path(dekderive.kernels.__file__).parent / "_generated" / "certificates").glob("*.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_every_shipped_certificate_is_a_proof(path):
    assert check_text(path.read_text(encoding="utf-8")).holds


def test_a_shipped_certificate_with_a_smaller_bound_is_none():
    path = next(p for p in FILES if p.stem == "deker_gaussian_erf.activation_lipschitz")
    from dekderive.certificates.checker.certificate import digest

    content = json.loads(path.read_text(encoding="utf-8"))
    content["claim"]["at_most"] = "127/100"  # the supremum is 1.27324
    content["digest"] = digest(content)
    assert not check_text(json.dumps(content)).holds


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["claim", "at_most"], "167/1000"),  # |s'| has the supremum .16710, but s' < 0: this bound alone is true
        (["claim", "at_least"], "-167/1000"),
        (["claim", "program", 3], ["softplus", 0]),
        (["claim", "program", 1], ["add", 0, 0]),
        (["claim", "program", 6], ["multiply", 5, 5]),
        (["proofs", 1], ["natural"]),
    ],
)
def test_changes_of_the_certificate_of_a_quotient(path, value):
    from dekderive.certificates.checker.certificate import digest

    file = next(p for p in FILES if p.stem == "deker_poisson_log_softplus.slope_lipschitz")
    content = json.loads(file.read_text(encoding="utf-8"))
    place = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    content["digest"] = digest(content)
    assert check_text(json.dumps(content)).holds == (path[-1] == "at_most")


def test_lipschitz_constants_are_those_of_the_literature():
    erf = Reparameterisation(gaussian(), sp.erf(z))
    found = {c.name: c for c in certificates(deker(erf, name="mine"))}
    bounds = {n: sp.Rational(c.proof.certificate.content["claim"]["at_most"]) for n, c in found.items()}
    assert 0.96788 < bounds["slope_lipschitz"] < 0.9690
    assert 1.27323 < bounds["activation_lipschitz"] < 1.2747


def test_what_has_no_lipschitz_constant_says_so():
    found = {c.name: c.proof for c in certificates(deker(Reparameterisation(gaussian(), relu(z)), name="mine"))}
    assert found["slope_lipschitz"].verdict is Verdict.UNDECIDED
    assert "jumps" in found["slope_lipschitz"].detail
    assert found["unimodal"].verdict is Verdict.HOLDS
    found = {c.name: c.proof for c in certificates(deker(Reparameterisation(poisson(), z), name="mine"))}
    assert "unbounded" in found["activation_lipschitz"].detail


@pytest.mark.parametrize(
    ("activation", "limit"),
    [
        # The weight variance at which w E[f'^2] reaches 1, for E[f^2] = 1: arcsine and Gaussian integrals by hand.
        (normalised(sp.erf(z)), sp.asin(sp.Rational(2, 3)) * sp.sqrt(5) / 2),
        (normalised(sp.sin(z)), (1 - sp.exp(-2)) / (1 + sp.exp(-2))),
        (normalised(relu(z)), sp.S.One),
    ],
    ids=["erf", "sin", "relu"],
)
def test_the_limit_of_contraction_of_a_tangent_kernel(activation, limit):
    (found,) = certificates(deq_ntk(activation, name="mine"))
    assert found.proof.verdict is Verdict.HOLDS
    claimed = sp.Rational(found.consequence.split("<")[1])
    assert 0.99 * limit < claimed <= limit * (1 + sp.Rational(1, 10**12))
