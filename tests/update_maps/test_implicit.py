"""Conjugate and tangent kernels of implicit networks: against closed forms, multiple precision and wide networks."""

import mpmath as mp
import numpy as np
import pytest
import sympy as sp

from dekderive import kernels
from dekderive.atoms import elu, relu
from dekderive.errors import InvalidInput, NoFixedPoint, NotIntegrable
from dekderive.gram import gram, gram_gradient
from dekderive.programs import compile
from dekderive.symbols import z
from dekderive.update_maps import implicit_ck, implicit_ntk

SETTING = {"weight_variance": 0.6, "input_variance": 0.8}


def rows(n=25, p=6, seed=0):
    """Inputs of length about 1, with a repeated row, opposite rows, a multiple, and a near-duplicate."""
    x = np.random.default_rng(seed).normal(size=(n, p)) / np.sqrt(p)
    x[1], x[2], x[3], x[4] = -x[0], x[5], 1.5 * x[6], x[7] * (1 + 1e-9)
    return x


def relu_dual(a, b, c):
    """E relu relu, E relu' relu' of covariances: Cho and Saul."""
    scale = np.sqrt(a * b)
    t = np.arccos(np.clip(c / scale, -1, 1))
    return scale * (np.sin(t) + (np.pi - t) * np.cos(t)) / (2 * np.pi), (np.pi - t) / (2 * np.pi)


def erf_dual(a, b, c):
    """Williams' arcsine, and its derivative."""
    d = (1 + 2 * a) * (1 + 2 * b)
    return 2 / np.pi * np.arcsin(2 * c / np.sqrt(d)), 4 / np.pi / np.sqrt(d - 4 * c * c)


def recursion(dual, centred, x, weight_variance, input_variance, tau0=1.0):
    """G and Gd by iterating the recursion to convergence, the centre by iterating its own."""
    w, u = weight_variance, input_variance
    tau2 = u * tau0**2
    for _ in range(400):
        mean = np.sqrt(tau2 / (2 * np.pi)) if centred else 0.0
        tau2 = w * (float(dual(tau2, tau2, tau2)[0]) - mean**2) + u * tau0**2
    b = np.sqrt(tau2 / (2 * np.pi)) if centred else 0.0
    s = x @ x.T
    lam = u * s
    for _ in range(400):
        q = np.diag(lam)
        first = np.sqrt(q / (2 * np.pi)) if centred else 0.0 * q
        value, slope = dual(q[:, None], q[None, :], lam)
        g = value - b * (first[:, None] + first) + b * b
        lam = w * g + u * s
    return g, slope, s


CASES = [("relu", relu_dual, True), ("erf", erf_dual, False)]


@pytest.mark.parametrize(("name", "dual", "centred"), CASES)
def test_conjugate_and_tangent_kernels_agree_with_closed_forms(name, dual, centred):
    x = rows()
    g, slope, _ = recursion(dual, centred, x, **SETTING)
    assert np.allclose(gram(getattr(kernels, f"implicit_ck_{name}"), x, **SETTING), g, rtol=0, atol=1e-13)
    tangent = gram(getattr(kernels, f"implicit_ntk_{name}"), x, **SETTING)
    near = np.abs(np.arange(len(x))[:, None] - np.arange(len(x))) < 0
    near[[0, 1, 2, 5, 4, 7], [1, 0, 5, 2, 7, 4]] = True  # where arccos itself has lost half of its digits
    difference = np.abs(tangent - g / (1 - 0.6 * slope))
    assert np.max(difference[~near & ~np.eye(len(x), dtype=bool)]) < 1e-13
    assert np.max(difference) < 1e-7


@pytest.mark.parametrize(("name", "activation"), [("relu", relu(z)), ("erf", sp.erf(z))])
def test_trained_input_weights_add_their_term(name, activation):
    x = rows()
    dual, centred = dict((n, (d, c)) for n, d, c in CASES)[name]
    g, slope, s = recursion(dual, centred, x, **SETTING)
    kernel = compile(implicit_ntk(activation, input_weights="trained", name="full"))
    wanted = (g + 0.8 * s * slope) / (1 - 0.6 * slope)
    assert np.allclose(gram(kernel, x, **SETTING)[8:, 8:], wanted[8:, 8:], rtol=0, atol=1e-12)


def test_the_sphere_identity_in_multiple_precision():
    # K = G + (sa/(sb tau0^2)) G dG/drho, with G from a root at 40 digits: exact, and shares nothing with the code.
    sa, sb, rho = mp.mpf("0.6"), mp.mpf("0.8"), mp.mpf("0.37")
    with mp.workdps(40):
        dual = lambda q, c: 2 / mp.pi * mp.asin(2 * c / (1 + 2 * q))  # noqa: E731
        q = mp.findroot(lambda q: q - sa * dual(q, q) - sb, 1)
        g = lambda r: mp.findroot(lambda v: v - dual(q, sa * v + sb * r), 0.3 * r)  # noqa: E731
        slope = mp.diff(g, rho)
        tangent, full = g(rho) + sa / sb * g(rho) * slope, 0
        full = tangent + rho * slope
    x = np.array([[1.0, 0.0], [0.37, np.sqrt(1 - 0.37**2)]])
    assert abs(gram(kernels.implicit_ck_erf, x, **SETTING)[0, 1] - float(g(rho))) < 1e-14
    assert abs(gram(kernels.implicit_ntk_erf, x, **SETTING)[0, 1] - float(tangent)) < 1e-12
    trained = compile(implicit_ntk(sp.erf(z), input_weights="trained", name="full"))
    assert abs(gram(trained, x, **SETTING)[0, 1] - float(full)) < 1e-12


@pytest.mark.parametrize("activation", [relu(z), elu(z), sp.tanh(z)], ids=str)
def test_the_state_solves_the_equation_of_the_network(activation):
    # At the covariances of the solver, G of the readout is E phi phi, and w G + u S is the covariance again.
    from dekderive.solvers import solve

    kernel = compile(implicit_ck(activation, name="k"))
    x = rows() if activation == relu(z) else rows(12)[8:]
    i, j = np.tril_indices(len(x), -1)
    inputs = {"cxx": np.einsum("ij,ij->i", x, x)[i], "cyy": np.einsum("ij,ij->i", x, x)[j]}
    inputs["cxy"] = np.einsum("ij,ij->i", x[i], x[j])
    if "gap" in kernel.pair_names:
        inputs["gap"] = 1 - np.clip(inputs["cxy"] / np.sqrt(inputs["cxx"] * inputs["cyy"]), -1, 1)
    solution = solve(kernel, inputs, **SETTING)
    g = gram(kernel, x, **SETTING)[i, j]
    assert np.max(np.abs(0.6 * g + 0.8 * inputs["cxy"] - solution.state["kxy"])) < 1e-13


@pytest.mark.parametrize("activation", [relu(z), elu(z)], ids=str)
def test_gradients_keep_the_activation_centred(activation):
    kernel = compile(implicit_ntk(activation, name="k"))
    x = rows()[8:12]
    _, gradient = gram_gradient(kernel, x, **SETTING, reference_norm=1.2)
    for index, name in enumerate(kernel.parameter_names):
        given = SETTING | {"reference_norm": 1.2}
        low, high = (gram(kernel, x, **(given | {name: given[name] + h})) for h in (-1e-5, 1e-5))
        assert np.allclose(gradient[..., index], (high - low) / 2e-5, rtol=1e-6, atol=1e-8), name


def test_near_duplicates_keep_their_digits():
    # K(x, x) - K(x, x') of the rectifier falls like the angle; the angle has full relative accuracy.
    x = np.array([[1.0, 0.0], [1.0, 1e-10], [1.0, 2e-10]])
    k = gram(kernels.implicit_ntk_relu, x, **SETTING)
    assert np.isclose((k[0, 0] - k[0, 2]) / (k[0, 0] - k[0, 1]), 2.0, rtol=1e-4)


def test_tangent_kernels_that_are_infinite_are_refused():
    x = rows()[8:]
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    with pytest.raises(NoFixedPoint, match="infinite at x = x'"):
        gram(kernels.implicit_ntk_relu, x, weight_variance=2.2, input_variance=1.0)
    assert np.isfinite(gram(kernels.implicit_ck_relu, x, weight_variance=2.2, input_variance=1.0)).all()
    with pytest.raises(NotIntegrable, match="jumps"):
        implicit_ntk(sp.sign(z))
    with pytest.raises(InvalidInput, match="input_weights"):
        implicit_ntk(relu(z), input_weights="both")
    with pytest.raises(InvalidInput, match="constant"):
        implicit_ck(sp.Integer(1))


def test_without_recurrent_weights_it_is_one_hidden_layer():
    x = rows()[8:]
    g = gram(kernels.implicit_ck_relu, x, weight_variance=0.0, input_variance=1.0, reference_norm=0.7)
    q, b = np.einsum("ij,ij->i", x, x), 0.7 / np.sqrt(2 * np.pi)
    first = np.sqrt(q / (2 * np.pi))
    wanted = relu_dual(q[:, None], q, x @ x.T)[0] - b * (first[:, None] + first) + b * b
    assert np.allclose(g, wanted, atol=1e-14)


@pytest.mark.slow
def test_tangent_kernels_of_wide_networks_follow_their_own_convention():
    # Analytic gradients of f = v.z/sqrt m at width 2000: own convention within 10 %, the other one beyond 30 %.
    x = np.random.default_rng(1).normal(size=(8, 10)) / np.sqrt(10)
    sa, sb, m = 0.4, 0.6, 2000
    frozen, trained = np.zeros((8, 8)), np.zeros((8, 8))
    for seed in range(6):
        rng = np.random.default_rng(seed)
        a, b, v = rng.normal(size=(m, m)), rng.normal(size=(m, 10)), rng.normal(size=m)
        injected, h = np.sqrt(sb) * x @ b.T, np.zeros((8, m))
        for _ in range(200):
            h = np.tanh(np.sqrt(sa / m) * h @ a.T + injected)
        d = 1 - h**2
        # u = (1 - sqrt(sa/m) A' D)^-1 v, delta = D u / sqrt m: the gradient in A is sqrt(sa/m) delta h'.
        delta = np.stack([di * np.linalg.solve(np.eye(m) - np.sqrt(sa / m) * a.T * di, v) for di in d]) / np.sqrt(m)
        of_a = sa / m * (delta @ delta.T) * (h @ h.T)
        of_b = sb * (delta @ delta.T) * (x @ x.T)
        frozen += (h @ h.T / m + of_a) / 6
        trained += (h @ h.T / m + of_a + of_b) / 6
    given = {"weight_variance": sa, "input_variance": sb}
    mine = {
        "frozen": gram(kernels.implicit_ntk_tanh, x, **given),
        "trained": gram(compile(implicit_ntk(sp.tanh(z), input_weights="trained", name="full")), x, **given),
    }
    simulated = {"frozen": frozen, "trained": trained}
    for convention, other in (("frozen", "trained"), ("trained", "frozen")):
        size = np.linalg.norm(simulated[convention])
        assert np.linalg.norm(mine[convention] - simulated[convention]) < 0.1 * size
        assert np.linalg.norm(mine[other] - simulated[convention]) > 0.3 * size
