"""Random features have the moments that the symbolic duals of their activation say: one fact, two derivations."""

import numpy as np
import pytest
import sympy as sp

from dekderive.atoms import relu, step
from dekderive.duals import dual
from dekderive.gram import moments
from dekderive.symbols import kxx, kxy, kyy, z

CASES = {
    "relu_features": (relu(z), moments.relu_features()),
    "step_features": (step(z), moments.step_features()),
    "sign_features": (sp.sign(z), moments.sign_features()),
    "linear": (z, moments.linear()),
}


@pytest.mark.parametrize("name", CASES)
def test_second_moment_and_mean(name):
    activation, features = CASES[name]
    X = np.random.default_rng(3).normal(size=(5, 3))
    found, mean = features.second_moment(X), features.mean(X)
    pair, first = dual(activation).expression, dual(activation, sp.S.One).expression
    gram = [
        [sum(sp.Rational(float(a)) * sp.Rational(float(b)) for a, b in zip(x, y, strict=True)) for y in X] for x in X
    ]
    for i in range(5):
        assert mean[i] == pytest.approx(float(first.subs(kxx, gram[i][i]).evalf(30)), rel=1e-14)
        for j in range(i):
            exact = pair.subs({kxx: gram[i][i], kyy: gram[j][j], kxy: gram[i][j]}).evalf(30)
            assert found[i, j] == pytest.approx(float(exact), rel=1e-13, abs=1e-14)
