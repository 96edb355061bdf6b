"""Derivatives of equilibrium kernels in their inputs and parameters, against differences in multiple precision."""

import importlib.util
import sys
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest

from dekderive import kernels
from dekderive.gram import gram, gram_gradient, input_gradient
from dekderive.gram.moments import linear, relu_features, rows, step_features

WUB = ("weight_variance", "input_variance", "bias_variance")
ANCHORS = Path(__file__).resolve().parents[1] / "anchors"


def load(name):
    specification = importlib.util.spec_from_file_location(f"_equilibrium_{name}", ANCHORS / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    return module


oracle, depth = load("equilibrium"), load("finite_depth")
X, Y = np.array([[0.5, -1.25, 0.75]]), np.array([[1.0, 0.25, 0.5]])
VARIANCES = (0.45, 0.75, 0.125)


def theta(name, x, y, variances, readout="preactivation"):
    moments = (mp.fdot(x, x), mp.fdot(y, y), mp.fdot(x, y))
    return oracle.solve(depth.EXPECTATIONS[name], *moments, variances).read(readout)


def difference(f):
    with mp.workdps(oracle.DIGITS):
        h = mp.mpf(10) ** -20
        return (f(h) - f(-h)) / (2 * h)


@pytest.mark.parametrize("name", ["relu", "erf", "gelu"])
def test_all_gradients_of_the_tangent_kernel_to_nine_digits(name):
    """In the three variances, and in every coordinate of x: norm and inner products together."""
    kernel, given = getattr(kernels, f"deq_ntk_{name}"), dict(zip(WUB, VARIANCES, strict=True))
    x, y = ([mp.mpf(float(t)) for t in row[0]] for row in (X, Y))
    value = gram(kernel, X, Y, **given)[0, 0]
    exact = theta(name, x, y, VARIANCES)
    assert abs(value / exact - 1) < 1e-13
    found = gram_gradient(kernel, np.vstack([X, Y]), **given)[1][0, 1]
    for place in range(3):
        moved = difference(
            lambda h, at=place: theta(name, x, y, [mp.mpf(v) + h * (k == at) for k, v in enumerate(VARIANCES)])
        )
        assert abs(found[place] - moved) <= 1e-12 * max(abs(moved), abs(exact))
    found = input_gradient(kernel, X, Y, **given)[0, 0]
    for place in range(3):
        moved = difference(lambda h, at=place: theta(name, [t + h * (k == at) for k, t in enumerate(x)], y, VARIANCES))
        assert abs(found[place] - moved) <= 1e-12 * max(abs(moved), abs(exact))


CASES = [
    ("deker_gaussian_relu", relu_features(), {"regularisation": 1.0}),
    ("deker_gaussian_relu", linear(bias=0.5), {"regularisation": 1.2}),
    ("deker_gaussian_erf", rows(), {"regularisation": 1.7}),
    ("deker_bernoulli_identity", step_features(bias=0.5), {"regularisation": 0.8}),
    ("deker_poisson_log_softplus", relu_features(scale=0.7), {"regularisation": 1.5}),
    ("deq_ntk_tanh", linear(bias=0.3), {"weight_variance": 0.5}),
    ("deq_nngp_gelu", linear(), {"weight_variance": 0.5}),
]


@pytest.mark.parametrize(("name", "moments", "given"), CASES, ids=[f"{c[0]}-{c[1].name}" for c in CASES])
def test_input_gradients_of_any_equilibrium_kernel(name, moments, given):
    """Against differences of the matrix itself, extrapolated, for several rows and both signs of the cosine."""
    kernel, rng = getattr(kernels, name), np.random.default_rng(3)
    x, y = rng.normal(size=(2, 3)), np.vstack([rng.normal(size=(2, 3)), -X])
    found = input_gradient(kernel, x, y, moments=moments, **given)
    assert found.shape == (2, 3, 3)

    def slope(k, h):
        step = h * np.eye(3)[k]
        return (
            gram(kernel, x + step, y, moments=moments, **given) - gram(kernel, x - step, y, moments=moments, **given)
        ) / (2 * h)

    for k in range(3):
        exact = (4 * slope(k, 1e-3) - slope(k, 2e-3)) / 3
        assert np.abs(found[..., k] - exact).max() <= 1e-8 * np.abs(exact).max()
