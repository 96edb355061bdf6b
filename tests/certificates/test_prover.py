"""The prover finds what the checker accepts, refutes what is false with a point, and names the piece that resists."""

import pytest
import sympy as sp

from dekderive.atoms import expit, langevin_slope, softplus
from dekderive.certificates.certificate import Certificate
from dekderive.certificates.prover.direct import prove_existence, prove_expectation, prove_identity, prove_semidefinite
from dekderive.certificates.prover.prove import prove_bound, prove_contraction, prove_unique_root
from dekderive.certificates.prover.translation import program
from dekderive.errors import InvalidInput, UndeclaredSymbol, UnprintableNode
from dekderive.families import EXAMPLES, by_name
from dekderive.families.certified import certify_variance
from dekderive.symbols import z
from dekderive.verdict import Verdict

R = sp.Rational
LINE = {z: (-sp.oo, sp.oo)}
rho, r, w, squared = sp.symbols("rho r w squared", real=True)
KAPPA0 = (sp.pi - sp.acos(rho)) / (2 * sp.pi)
# Slope of the deep equilibrium kernel with relu and Heaviside, in the correlation; unbounded towards rho = 1.
SLOPE = (r * (2 * squared - 1) / (2 * sp.pi * sp.sqrt((1 - rho) * (1 + rho))) + KAPPA0) / squared
BOX = {rho: (-R(94, 100), R(94, 100)), r: (-R(9, 10), R(9, 10))}

HOLD = {
    "tangent kernel": (2 * KAPPA0 * R(3, 5), {rho: (-1, 1)}, R(3, 5) + R(1, 2**30)),
    "tangent kernel, any weight": (2 * KAPPA0 * w, {rho: (-1, 1), w: (0, R(19, 20))}, R(19, 20) + R(1, 2**30)),
    "logistic variance": (expit(z) * expit(-z), LINE, R(1, 4) + R(1, 2**20)),
    "logistic variance, square": (R(1, 4) - (expit(z) - R(1, 2)) ** 2, LINE, R(1, 4)),
    "slope of tanh": (1 - sp.tanh(z) ** 2, LINE, 1),
    "slope of softplus": (softplus(z).diff(z), LINE, 1),
    "exponential": (sp.exp(z), {z: (-sp.oo, 2)}, R(739, 100)),
    "bell times z": (z * sp.exp(-(z**2)), LINE, R(43, 100)),
    "variance of a uniform variable": (langevin_slope(z), LINE, R(1, 3) + R(1, 2**100)),
    "deep equilibrium kernel": (SLOPE.subs(squared, 1), BOX, R(95, 100)),
    "deep equilibrium kernel, 3-D": (SLOPE, {**BOX, squared: (1, 3)}, R(96, 100)),
}


@pytest.mark.parametrize("name", HOLD)
def test_true_bounds_are_proved(name):
    expression, domain, bound = HOLD[name]
    proof = prove_bound(expression, domain, at_most=bound)
    assert proof.verdict is Verdict.HOLDS, proof
    assert proof.certificate.check().holds


FALSE = {
    "modulus 1/2 where the slope is 3/5": (2 * KAPPA0 * R(3, 5), {rho: (-1, 1)}, R(1, 2)),
    "relu and Heaviside up to correlation 1": (SLOPE.subs(squared, 1), {**BOX, rho: (-1, 1)}, R(95, 100)),
    "logistic variance": (expit(z) * expit(-z), LINE, R(6, 25)),
    "sine": (sp.sin(z), {z: (0, 4)}, R(99, 100)),
}


@pytest.mark.parametrize("name", FALSE)
def test_false_bounds_are_refuted_by_a_point(name):
    expression, domain, bound = FALSE[name]
    proof = prove_bound(expression, domain, at_most=bound)
    assert proof.verdict is Verdict.FAILS
    assert proof.certificate is None
    at = {symbol: R(proof.point[symbol.name].numerator, proof.point[symbol.name].denominator) for symbol in domain}
    elementary = expression.subs(expit(z), 1 / (1 + sp.exp(-z))).subs(expit(-z), 1 / (1 + sp.exp(z)))
    assert elementary.subs(at).evalf(30) > bound
    assert all(low <= at[symbol] <= high for symbol, (low, high) in domain.items())


def test_a_tangency_resists_and_says_where():
    proof = prove_bound(sp.sin(z), {z: (0, 4)}, at_most=1 - R(0), pieces=500)
    assert proof.verdict is Verdict.HOLDS  # the sine is known to be at most 1
    proof = prove_bound(4 * z * (1 - z) - sp.cos(z - R(1, 2)), {z: (0, 1)}, at_most=0, pieces=300)
    assert proof.verdict is Verdict.UNDECIDED
    low, high = proof.piece["z"]
    assert 0 <= low < high <= 1
    assert high - low < R(1, 4)


def test_contraction_and_its_refusals():
    assert prove_contraction({z: sp.cos(z)}, {z: (0, 1)}, R(17, 20)).verdict is Verdict.HOLDS
    assert prove_contraction({z: sp.cos(z)}, {z: (0, 1)}, R(4, 5)).verdict is Verdict.FAILS
    assert prove_contraction({z: sp.cos(z)}, {z: (0, R(1, 2))}, R(17, 20)).verdict is Verdict.FAILS  # leaves the box
    a, b = sp.symbols("a b", real=True)
    maps = {a: sp.sin(b) / 3 + a / 4, b: sp.cos(a) / 3}
    box = {a: (-1, 1), b: (-1, 1)}
    assert prove_contraction(maps, box, R(3, 5)).verdict is Verdict.HOLDS
    assert prove_contraction(maps, box, R(1, 2)).verdict is Verdict.FAILS


@pytest.mark.parametrize(
    ("expression", "verdict"),
    [
        (z - sp.tanh(R(9, 10) * z + 2), Verdict.HOLDS),
        (z - sp.tanh(-3 * z), Verdict.HOLDS),
        (z - sp.tanh(3 * z), Verdict.UNDECIDED),  # three zeros
        (z - sp.tanh(z), Verdict.UNDECIDED),  # a triple zero
        (z - 2, Verdict.FAILS),  # increasing, and below 0 at the upper end
    ],
    ids=str,
)
def test_unique_roots(expression, verdict):
    assert prove_unique_root(expression, z, {z: (-1, R(11, 10))}).verdict is verdict


def test_existence_in_two_dimensions():
    a, b = sp.symbols("a b", real=True)
    system = [a**2 + b**2 - 1, a - b]
    near = (R(70, 100), R(72, 100))
    assert prove_existence(system, {a: near, b: near}).verdict is Verdict.HOLDS
    far = (R(80, 100), R(82, 100))
    assert prove_existence(system, {a: far, b: far}).verdict is Verdict.UNDECIDED
    assert prove_existence([a - b, 2 * a - 2 * b], {a: near, b: near}).verdict is Verdict.UNDECIDED


def test_identities():
    assert prove_identity(expit(z) * (1 - expit(z)), R(1, 4) - (expit(z) - R(1, 2)) ** 2).verdict is Verdict.HOLDS
    assert prove_identity(1 / (1 + sp.exp(-z)), sp.exp(z) / (1 + sp.exp(z))).verdict is Verdict.HOLDS
    assert prove_identity(sp.sqrt(z) ** 3 / z, sp.sqrt(z)).verdict is Verdict.HOLDS
    assert prove_identity(sp.exp(z), sp.exp(2 * z)).verdict is Verdict.UNDECIDED


def test_expectations_bracket_the_true_value():
    # E[sech^4] is 0.46440...; by Gauss-Hermite quadrature of 200 nodes, an oracle of another kind.
    import numpy as np

    nodes, weights = np.polynomial.hermite_e.hermegauss(200)
    exact = float(weights @ np.cosh(nodes) ** -4.0 / weights.sum())
    square = (1 - sp.tanh(z) ** 2) ** 2
    above, below = (R(round(exact * 1000) + k, 1000) for k in (2, -2))
    assert prove_expectation(square, z, 1, above).verdict is Verdict.HOLDS
    assert prove_expectation(square, z, 1, below, cells=256).verdict is Verdict.UNDECIDED


def test_definiteness_of_matrices():
    triangular = sp.Matrix(6, 6, lambda i, j: max(0, 3 - abs(i - j)))
    assert prove_semidefinite(triangular).certificate.check().holds
    assert prove_semidefinite(sp.ones(4, 4)).verdict is Verdict.HOLDS  # singular
    for n in range(3, 9):
        box = sp.Matrix(n, n, lambda i, j: max(0, 2 - abs(i - j)) and 1)
        proof = prove_semidefinite(box)
        assert proof.verdict is (Verdict.FAILS if box.is_positive_semidefinite is False else Verdict.HOLDS)
        if proof.verdict is Verdict.FAILS:
            x = sp.Matrix([R(v.numerator, v.denominator) for v in proof.point.values()])
            assert (x.T * box * x)[0] < 0
    zero_pivot = sp.Matrix([[0, 1], [1, 5]])
    assert prove_semidefinite(zero_pivot).verdict is Verdict.FAILS


@pytest.mark.parametrize("name", EXAMPLES)
def test_variances_of_the_shipped_families(name):
    family = by_name(name) if isinstance(name, str) else name
    proof = certify_variance(family)
    if family.sup_variance == sp.oo:
        assert proof.verdict is Verdict.UNDECIDED
        assert "part of the domain" in proof.detail
    else:
        assert proof.verdict is Verdict.HOLDS, proof
        assert proof.certificate.check().holds


def test_a_part_of_the_domain_of_an_unbounded_variance():
    assert certify_variance(by_name("poisson"), upper=2).verdict is Verdict.HOLDS
    assert certify_variance(by_name("exponential"), upper=-R(1, 2)).verdict is Verdict.HOLDS
    assert certify_variance(by_name("poisson"), upper=2, at_most=7).verdict is Verdict.FAILS


def test_certificates_survive_a_file(tmp_path):
    proof = prove_bound(sp.sin(z), {z: (0, 1)}, at_most=R(9, 10))
    path = tmp_path / "sine.json"
    path.write_text(proof.certificate.text, encoding="utf-8")
    assert Certificate.read(path).check().holds
    path.write_text("{", encoding="utf-8")
    with pytest.raises(InvalidInput, match="certificate"):
        Certificate.read(path)


def test_what_cannot_be_written_for_the_checker():
    with pytest.raises(UndeclaredSymbol, match="exact rational"):
        program(0.1 * z, [z])
    with pytest.raises(UndeclaredSymbol, match="variable"):
        program(z + w, [z])
    with pytest.raises(UnprintableNode, match="gamma"):
        program(sp.gamma(z), [z])
    with pytest.raises(InvalidInput, match="at_most"):
        prove_bound(z, {z: (0, 1)})
