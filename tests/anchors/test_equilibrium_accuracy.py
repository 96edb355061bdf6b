"""Tangent kernels of equilibrium models against 50-digit fixed points: every cosine, any norm, three activations."""

import numpy as np
import pytest
import sympy as sp

from dekderive import kernels
from dekderive.errors import NoFixedPoint
from dekderive.gram import cross_gram_from_moments, gaps, gram
from dekderive.programs import compile
from dekderive.symbols import z
from dekderive.update_maps import deq_ntk, normalised

NAMES = ("weight_variance", "input_variance", "bias_variance")
VARIANCES = [(0.25, 0.25, 0.5), (0.6, 0.4, 0.0), (0.8, 0.2, 0.0), (0.95, 0.05, 0.0)]
TOLERANCE = 1e-13


def cosines():
    """Both ends, their neighbours at every distance, zero, and a grid."""
    near = 1 - 10.0 ** np.array([-16, -15.5, -15, -14, -12, -10, -8, -6, -4, -3, -2, -1])
    return np.unique(np.concatenate([[1.0, -1.0, 0.0, 1e-9], near, -near, np.linspace(-0.95, 0.95, 9)]))


def worst(exact, value, scale):
    """Largest error relative to the value or, close to a zero of the kernel, to the diagonal."""
    return max(
        float(abs(v - e) / (abs(e) if abs(e) > scale / 100 else scale)) for e, v in zip(exact, value, strict=True)
    )


@pytest.mark.parametrize("variances", VARIANCES)
@pytest.mark.parametrize("activation", ["relu", "erf", "gelu"])
def test_unit_inputs(equilibrium, finite_depth, activation, variances):
    kernel, s = getattr(kernels, f"deq_ntk_{activation}"), cosines()
    value = cross_gram_from_moments(kernel, s[None], [1.0], np.ones_like(s), **dict(zip(NAMES, variances, strict=True)))
    exact = [equilibrium.solve(finite_depth.EXPECTATIONS[activation], 1, 1, float(x), variances).theta for x in s]
    assert worst(exact, value[0], max(exact)) <= TOLERANCE


@pytest.mark.parametrize("variances", [(0.25, 0.7, 0.3), (0.6, 2.0, 0.0), (0.8, 1.5, 0.25), (0.95, 4.0, 0.0)])
@pytest.mark.parametrize("activation", ["relu", "erf", "gelu"])
def test_inputs_of_any_norm(equilibrium, finite_depth, activation, variances):
    kernel, rng = getattr(kernels, f"deq_ntk_{activation}"), np.random.default_rng(4)
    s = np.concatenate([[1.0, 1.0, -1.0, 1 - 1e-12, 1 - 1e-5, 0.0], rng.uniform(-1, 1, 6)])
    x = rng.uniform(1.0, 9.0, s.size)
    y = np.where(np.arange(s.size) % 2, x * (1 + 1e-6), rng.uniform(1.0, 9.0, s.size))
    c = s * np.sqrt(x * y) * (1 - 4e-16)
    given = dict(zip(NAMES, variances, strict=True))
    if activation == "gelu" and variances[0] > 0.85:  # it grows: no variance solves the equation for such inputs
        assert equilibrium.solve(finite_depth.EXPECTATIONS[activation], 4, 4, 1, variances) is None
        with pytest.raises(NoFixedPoint, match="weight_variance"):
            cross_gram_from_moments(kernel, c[:1, None], x[:1], y[:1], **given)
        return
    for cxx, cyy, cxy in zip(x, y, c, strict=True):
        exact = equilibrium.solve(finite_depth.EXPECTATIONS[activation], *map(float, (cxx, cyy, cxy)), variances)
        value = cross_gram_from_moments(kernel, [[cxy]], [cxx], [cyy], **given)[0, 0]
        top = equilibrium.solve(finite_depth.EXPECTATIONS[activation], *[float(max(cxx, cyy))] * 3, variances).theta
        assert worst([exact.theta], [value], top) <= TOLERANCE


@pytest.mark.parametrize("activation", ["erf", "gelu"])
@pytest.mark.parametrize("apart", [1e-3, 1e-7, 1e-12])
@pytest.mark.parametrize("grown", [0.0, 1.0])
def test_gaps_of_near_duplicates_keep_their_digits(equilibrium, finite_depth, activation, apart, grown):
    """1 - Theta(x, y) / sqrt(Theta(x, x) Theta(y, y)) for rows that are exact floats, turned and stretched."""
    kernel, variances = getattr(kernels, f"deq_ntk_{activation}"), (0.6, 0.9, 0.125)
    rows = np.array([[1.5, 0.25], [1.5 * (1 + grown * apart), 0.25 + apart]])
    found = gaps(kernel, rows, **dict(zip(NAMES, variances, strict=True)))[0, 1]
    mp = equilibrium.mp
    with mp.workdps(equilibrium.DIGITS):
        x, y = ([mp.mpf(float(t)) for t in row] for row in rows)
        moments = [mp.fdot(*pair) for pair in ((x, x), (y, y), (x, y))]
        both = [(moments[0],) * 3, (moments[1],) * 3, moments]
        first, second, cross = (
            equilibrium.solve(finite_depth.EXPECTATIONS[activation], *m, variances).theta for m in both
        )
        exact = 1 - cross / mp.sqrt(first * second)
        assert abs(found / exact - 1) < 1e-11


def test_the_discontinuous_kernel_of_the_sine_is_no_plausible_number(equilibrium, finite_depth):
    """Above w = 0.7616 the diagonal is infinite, and neighbours tend to another value: 0.8663 at w = 0.8."""
    kernel = compile(deq_ntk(normalised(sp.sin(z)), name="deq_ntk_sine"))
    given = dict(zip(NAMES, (0.8, 0.2, 0.0), strict=True))
    with pytest.raises(NoFixedPoint, match="infinite at x = x'"):
        gram(kernel, np.eye(2), **given)
    s = np.array([1 - 1e-9, 1.0])
    value = cross_gram_from_moments(kernel, s[None], [1.0], np.ones(2), **given)[0]
    exact = [equilibrium.solve(finite_depth.EXPECTATIONS["sin"], 1, 1, float(x), (0.8, 0.2, 0.0)) for x in s]
    assert float(exact[0].kxy) == pytest.approx(0.8663, abs=5e-5)
    assert worst([e.theta for e in exact], value, float(exact[0].theta)) <= TOLERANCE
    below = gram(kernel, np.array([[1.0], [1.0]]), weight_variance=0.76, input_variance=0.24)
    assert below[0, 1] == pytest.approx(below[0, 0], rel=1e-12)
