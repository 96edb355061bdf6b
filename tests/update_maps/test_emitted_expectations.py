"""Fixed-point kernels of exponential units: code evaluates the numeric expectation, proofs the closed form."""

import numpy as np
import pytest
import sympy as sp

from dekderive.atoms import celu, elu, relu
from dekderive.derivation import Derivation
from dekderive.duals import numeric
from dekderive.families import gaussian
from dekderive.gram import gram
from dekderive.kernels.kernel import Chart
from dekderive.programs import compile
from dekderive.reparameterisations import Reparameterisation
from dekderive.symbols import z
from dekderive.update_maps import deker, deq_ntk, normalised
from dekderive.verdict import Verdict

X = np.array([[0.3, -0.4], [0.35, -0.38], [-1.0, 2.0], [1e-4, 2e-4]])


def exponential(alpha):
    value = lambda x: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha))  # noqa: E731
    slope = lambda x: np.where(x > 0, 1.0, np.exp(np.minimum(x, 0) / alpha))  # noqa: E731
    return value, slope


UNITS = {"elu": (elu(z), *exponential(1.0)), "celu": (celu(z, 2), *exponential(2.0))}


def iterated(step, start):
    value = start
    for _ in range(200):
        value, before = step(value), value
        if abs(value - before) <= 1e-15 * abs(value):
            break
    return value


NODES, WEIGHTS = np.polynomial.legendre.leggauss(60)


def halves(middle):
    """Nodes and weights of the normal law, on [-9, middle] and [middle, 9]."""
    middle = np.clip(np.atleast_1d(middle), -9, 9)[:, None]
    left, right = (middle + 9) / 2, (9 - middle) / 2
    x = np.concatenate([left * (NODES + 1) - 9, right * (NODES + 1) + middle], axis=1)
    w = np.concatenate([left * WEIGHTS, right * WEIGHTS], axis=1)
    return x, w * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


def expectation(f, a, b, c):
    """E[f(u) f(v)] for a function with a knot at 0."""
    ((x,), (wx,)) = halves(0.0)
    spread, centre = np.sqrt(b - c * c / a), c / np.sqrt(a) * x
    y, wy = halves(-centre / spread)
    return wx @ (f(np.sqrt(a) * x) * np.sum(wy * f(centre[:, None] + spread * y), axis=1))


def second_moment(f, a):
    ((x,), (wx,)) = halves(0.0)
    return wx @ f(np.sqrt(a) * x) ** 2


def tangent_kernel(f, slope, x, y, w, u):
    """The fixed point by iteration, every expectation by quadrature."""
    a, b = (iterated(lambda k, t=t: w * second_moment(f, k) + u * t @ t, t @ t) for t in (x, y))
    c = iterated(lambda k: w * expectation(f, a, b, k) + u * x @ y, 0.0)
    return c / (1 - w * expectation(slope, a, b, c))


@pytest.mark.parametrize("name", UNITS)
def test_tangent_kernels_of_exponential_units(name):
    formula, f, slope = UNITS[name]
    update = deq_ntk(formula, name=f"deq_{name}")
    assert update.chart is Chart.ANGLE
    assert update.step.has(numeric.dual)
    assert update.duals[0][1].closed
    assert {check.verdict for check in Derivation(update).checks()} == {Verdict.HOLDS}
    found = gram(compile(update), X, weight_variance=0.5, input_variance=0.7, bias_variance=0.0)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert found[i, j] == pytest.approx(tangent_kernel(f, slope, X[i], X[j], 0.5, 0.7), rel=1e-10)
    assert np.isfinite(found).all()
    assert np.linalg.eigvalsh(found)[0] > 0


def test_deep_equilibrium_kernels_of_exponential_units():
    update = deker(Reparameterisation(gaussian(), elu(z)), name="deker_elu")
    assert update.step.has(numeric.dual)
    assert {d.closed for _, d in update.duals} == {True}
    found = gram(compile(update), X[:3], regularisation=2.0)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found, found.T)


def test_formulas_that_keep_their_digits_are_emitted_as_they_are():
    for update in (deq_ntk(normalised(relu(z))), deq_ntk(sp.erf(z)), deker(Reparameterisation(gaussian(), relu(z)))):
        assert not update.step.has(*numeric.NUMERIC_NODES)
