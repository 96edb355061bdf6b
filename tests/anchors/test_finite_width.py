"""Tied-weight random equilibrium models of finite width, by implicit differentiation, against the kernels.

z = W phi(z) sw / sqrt(N) + U x su + b sb with random W, U, b, one set for all inputs and iterations.  With
J = 1 - W D sw / sqrt(N), D = diag phi'(z), the mean over coordinates of the tangent kernel of z is
s tr(J_x^-1 J_y^-T) / N, where s = sw^2 phi(z_x).phi(z_y) / N + su^2 x.y + sb^2.
"""

import math

import numpy as np
import pytest
import sympy as sp
from scipy.special import ndtr

from dekderive.atoms import gelu as gelu_of
from dekderive.atoms import relu as relu_of
from dekderive.gram import gram
from dekderive.programs import compile
from dekderive.symbols import z
from dekderive.update_maps import deq_nngp, deq_ntk, normalised

TANH = 1.5925374197228315  # 1 / sqrt(E[tanh(u)^2])


def tanh(x):
    return TANH * np.tanh(x), TANH / np.cosh(x) ** 2


def relu(x):
    return math.sqrt(2) * np.maximum(x, 0), math.sqrt(2) * (x > 0)


def gelu(x):
    scale = 1 / math.sqrt(1 / 3 + 1 / (2 * math.sqrt(3) * math.pi))  # E[gelu(u)^2] has this closed form
    return scale * x * ndtr(x), scale * (ndtr(x) + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi))


def simulate(function, x, variances, width, seed):
    """The tangent kernels of the three readouts, and the covariance of z, of one random model."""
    w, u, b = variances
    rng = np.random.default_rng(seed)
    recurrent = rng.standard_normal((width, width)) * math.sqrt(w / width)
    # Columns of U and b at right angles and of length sqrt(N), as they are in the limit: far less noise.
    inner = np.linalg.qr(rng.standard_normal((width, x.shape[1] + 1)))[0].T * math.sqrt(width)
    injected = math.sqrt(u) * x @ inner[:-1] + math.sqrt(b) * inner[-1]
    state = np.zeros((len(x), width))
    for _ in range(3000):  # some draws have a slow mode
        before, state = state, function(state)[0] @ recurrent.T + injected
        if np.abs(state - before).max() < 1e-12:
            break
    assert np.abs(state - before).max() < 1e-9
    value, slope = function(state)
    inverse = [np.linalg.inv(np.eye(width) - recurrent * d) for d in slope]
    shared = w * value @ value.T / width + u * x @ x.T + b
    trace = np.array([[np.sum(a * c) for c in inverse] for a in inverse]) / width
    outer = np.array([[np.sum((d[:, None] * a) * (e[:, None] * c)) for c, e in zip(inverse, slope, strict=True)]
                      for a, d in zip(inverse, slope, strict=True)]) / width  # fmt: skip
    theta, covariance, output = shared * trace, state @ state.T / width, value @ value.T / width
    return {
        "preactivation": theta,
        "linear": covariance + theta,
        "activation": output + shared * outer,
        "kernel": covariance,
        "output": output,
    }


def averaged(function, x, variances, width, seeds):
    """Means over models, and their standard errors."""
    runs = [simulate(function, x, variances, width, seed) for seed in range(seeds)]
    means = {name: np.mean([r[name] for r in runs], axis=0) for name in runs[0]}
    return means, {name: np.std([r[name] for r in runs], axis=0, ddof=1) / math.sqrt(seeds) for name in runs[0]}


CIRCLE = np.array([[1.0, 0.0], [math.cos(0.7), math.sin(0.7)], [math.cos(2.2), math.sin(2.2)], [-1.0, 0.0]])
UNEVEN = CIRCLE * np.array([[0.5], [1.0], [1.5], [2.0]])
READOUTS = ("preactivation", "linear", "activation")
NAMES = ("weight_variance", "input_variance", "bias_variance")


def compared(theory, mean, error, width):
    """Largest deviation in units of what is expected: standard errors, and a bias of a few parts in the width."""
    return np.max(
        np.abs(mean - theory) / (4 * error + 10 / width * np.sqrt(np.outer(np.diag(theory), np.diag(theory))))
    )


def theories(activation, x, variances):
    given = dict(zip(NAMES, variances, strict=True))
    found = {r: gram(compile(deq_ntk(activation, readout=r)), x, **given) for r in READOUTS}
    found["kernel"] = gram(compile(deq_nngp(activation)), x, **given)
    found["output"] = gram(compile(deq_nngp(activation, readout="activation")), x, **given)
    return found


def confirmed(theory, simulated, width):
    """Every convention agrees with its own simulation, and none with that of another."""
    means, errors = simulated
    for name, kernel in theory.items():
        assert compared(kernel, means[name], errors[name], width) < 1, name
    for name in READOUTS:
        for other in READOUTS:
            if other != name:
                assert compared(theory[other], means[name], errors[name], width) > 1, (name, other)


def test_rectifier():
    variances = (0.5, 0.5, 0.0)
    simulated = averaged(relu, CIRCLE, variances, 400, 8)
    confirmed(theories(normalised(relu_of(z)), CIRCLE, variances), simulated, 400)


def test_hyperbolic_tangent_for_inputs_of_any_norm():
    variances = (0.5, 0.8, 0.1)
    simulated = averaged(tanh, UNEVEN, variances, 300, 6)
    confirmed(theories(normalised(sp.tanh(z)), UNEVEN, variances), simulated, 300)


@pytest.mark.slow
def test_wider_models_come_closer():
    for name, function, activation, variances in (
        ("relu", relu, relu_of(z), (0.6, 0.4, 0.0)),
        ("gelu", gelu, gelu_of(z), (0.6, 0.3, 0.1)),
    ):
        simulated = averaged(function, CIRCLE, variances, 900, 16)
        theory = theories(normalised(activation), CIRCLE, variances)
        confirmed(theory, simulated, 900)
        if name == "relu":
            assert theory["preactivation"][0, 0] == pytest.approx(2.5, rel=1e-12)
            assert theory["activation"][0, 0] == pytest.approx(3.5, rel=1e-12)
