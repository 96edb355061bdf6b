"""Existence, uniqueness and contraction of equilibrium models: what is reported, and that it is true."""

import numpy as np
import pytest
import sympy as sp

from dekderive import kernels
from dekderive.atoms import relu, silu
from dekderive.errors import InvalidInput, NotIntegrable
from dekderive.families import gaussian
from dekderive.reparameterisations import Reparameterisation
from dekderive.symbols import z
from dekderive.update_maps import conditions, deker, deq_nngp, deq_ntk, normalised
from dekderive.update_maps.existence import _growth
from dekderive.verdict import Verdict


def test_the_normalised_sine():
    """Its recursion contracts for w < tanh(1) = 0.7616, its variances are unique for every w, since V is concave."""
    found = conditions(deq_ntk(normalised(sp.sin(z))))
    assert found.growth == 0
    assert found.concave is Verdict.HOLDS
    assert found.is_unique(sp.Rational(9, 10)) is found.exists(sp.Rational(9, 10)) is Verdict.HOLDS
    limit = sp.tanh(1)
    assert float(1 / found.contraction) <= limit.evalf() <= 1.01 * float(1 / found.contraction)
    assert all(p.proof.verdict is Verdict.HOLDS for p in found.proofs)
    assert found.contracts(sp.Rational(4, 5)) is Verdict.UNDECIDED


def test_slopes_of_a_rectifier_and_of_a_kernel_without_one():
    found = conditions(deq_nngp(2 * relu(z)))
    assert (found.growth, found.slope) == (2, 2)
    assert found.exists(sp.Rational(2, 5)) is Verdict.HOLDS
    assert found.exists(sp.Rational(3, 5)) is Verdict.UNDECIDED
    with pytest.raises(InvalidInput, match="not a deep equilibrium model"):
        conditions(deker(Reparameterisation(gaussian(), relu(z))))


def test_growth_of_activations_that_approach_the_rectifier():
    assert _growth(silu(z)) == sp.Rational(1, 2)
    assert _growth(sp.tanh(z)) == 0
    assert _growth(z**2) is None


def test_bounds_of_slopes_bound_what_is_computed():
    """The reported bound of V' against quotients of the shipped kernel of the GELU, whose V' exceeds V(q)/q."""
    mean = kernels.deq_ntk_gelu.activation.mean
    q = 2.0 ** np.arange(-20, 20, 0.25)
    slopes = np.diff(mean.at({"kxx": q})) / np.diff(q)
    assert 1.184 < slopes.max() < 1.19
    assert abs(slopes[-1] - 0.5 / float(1 / 3 + 1 / (2 * np.sqrt(3) * np.pi))) < 1e-4


def test_normalised_is_certified():
    nodes, weights = np.polynomial.hermite_e.hermegauss(180)
    functions = ((sp.tanh(z), np.tanh), (silu(z), lambda x: x / (1 + np.exp(-x))), (sp.atan(z), np.arctan))
    for activation, function in functions:
        scale = float((normalised(activation) / activation).evalf())
        assert abs((scale * function(nodes)) ** 2 @ weights / np.sqrt(2 * np.pi) - 1) < 1e-6
    with pytest.raises(NotIntegrable):
        normalised(sp.exp(z**2))
    with pytest.raises(InvalidInput, match="positive number"):
        normalised(0 * z)
    with pytest.raises(InvalidInput, match="give rate a value"):
        normalised(sp.tanh(sp.Symbol("rate", real=True) * z))


def test_readouts_that_there_are_not():
    with pytest.raises(InvalidInput, match="preactivation, linear, activation"):
        deq_ntk(relu(z), readout="output")
    with pytest.raises(NotIntegrable, match="deq_nngp"):
        deq_ntk(sp.sign(z))
