"""PyTorch layers: equal to the kernel GLM before training, with correct gradients; skipped without PyTorch."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from dekderive import losses
from dekderive.errors import NotConverged
from dekderive.initialisers import kglm_filters, kglm_weights
from dekderive.initialisers.convolution import squared_exponential_filter
from dekderive.losses import bind
from dekderive.solvers.kglm import solve_kglm

ROOT = Path(__file__).resolve().parents[2]


def test_without_torch_the_error_names_the_extra():
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from dekderive.initialisers import kglm_weights, torch_deq\n"
        "from dekderive.errors import MissingExtra\n"
        "from dekderive.losses import bernoulli\n"
        "try:\n    torch_deq.DenseDEQ(kglm_weights(bernoulli, [[1.0]], regularisation=1.0))\n"
        "except MissingExtra as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert 'pip install "dekderive[torch]"' in done.stdout, done.stderr


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


@pytest.fixture(scope="module")
def layers(torch):
    from dekderive.initialisers import torch_deq

    return torch_deq


def problem(n=12, m=5):
    rng = np.random.default_rng(8)
    x, new = rng.uniform(-2, 2, n), rng.uniform(-2, 2, m)
    gram = np.exp(-0.5 * (x[:, None] - x) ** 2)
    return gram, np.exp(-0.5 * (new[:, None] - x) ** 2), rng


@pytest.mark.parametrize("penalty", [None, "gaussian", "logistic", "pseudo_huber"])
@pytest.mark.parametrize("name", ["bernoulli", "rademacher", "gaussian", "poisson"])
def test_before_training_the_layer_is_the_kernel_glm(torch, layers, name, penalty):
    gram, cross, rng = problem()
    p = bind(getattr(losses, name), None, penalty and getattr(losses, f"{penalty}_penalty"))
    y = {"rademacher": rng.choice([-1.0, 1.0], (12, 6)), "gaussian": rng.normal(size=(12, 6))}.get(
        name, rng.integers(0, 2, (12, 6)) * 1.0
    )
    fit = solve_kglm(gram, y, p, 8.0, offset=0.1)
    weights = kglm_weights(p, gram, cross, regularisation=8.0, offset=0.1, readout_offset=0.1)
    layer = layers.DenseDEQ(weights, dtype=torch.float64)
    with torch.no_grad():
        out = layer(torch.tensor(y.T)).numpy()
    assert_allclose(out.T, cross @ fit.alpha + 0.1, atol=1e-12)


def test_single_precision_is_single_precision(torch, layers):
    gram, cross, rng = problem()
    y = rng.choice([-1.0, 1.0], 12)
    fit = solve_kglm(gram, y, bind(losses.rademacher), 8.0)
    layer = layers.DenseDEQ(kglm_weights(losses.rademacher, gram, cross, regularisation=8.0))
    out = layer(torch.tensor(y[None], dtype=torch.float32)).detach().numpy()
    assert out.dtype == np.float32
    assert_allclose(out[0], cross @ fit.alpha, atol=2e-6)


def test_gradients_are_those_of_the_implicit_function(torch, layers):
    gram, cross, rng = problem(6, 3)
    p = bind(losses.rademacher, None, losses.logistic_penalty)
    layer = layers.DenseDEQ(kglm_weights(p, gram, cross, regularisation=5.0), dtype=torch.float64, tolerance=1e-14)
    y = torch.tensor(rng.choice([-1.0, 1.0], (2, 6)), requires_grad=True)
    names = [name for name, _ in layer.named_parameters()]

    def forward(y, *values):
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), (y,))

    assert torch.autograd.gradcheck(forward, (y, *layer.parameters()), eps=1e-6, atol=1e-7, rtol=1e-6)


def test_the_derivative_in_the_input_is_that_of_the_fit(torch, layers):
    from dekderive.solvers.kglm.problem import make_problem
    from dekderive.solvers.kglm.statistics import FitStatistics

    gram, _, rng = problem()
    y = rng.choice([-1.0, 1.0], 12)
    fit = solve_kglm(gram, y, bind(losses.rademacher), 8.0)
    layer = layers.DenseDEQ(kglm_weights(losses.rademacher, gram, regularisation=8.0), dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda v: layer(v[None])[0], torch.tensor(y)).numpy()
    exact = FitStatistics(make_problem(gram, y, bind(losses.rademacher), 8.0), fit.f).by_targets
    assert_allclose(jacobian, exact, atol=1e-10)


def test_convolutional_layers(torch, layers):
    rng = np.random.default_rng(3)
    filters = np.einsum("ab,ij->abij", np.array([[2.0, 0.5], [0.5, 1.0]]), squared_exponential_filter(1, 1.5))
    weights = kglm_filters(losses.rademacher, filters, (5, 4), regularisation=9.0, offset=-0.2)
    layer = layers.ConvDEQ(weights, dtype=torch.float64)
    y = rng.choice([-1.0, 1.0], (3, 2, 5, 4))
    out = layer(torch.tensor(y)).detach().numpy()
    dense = weights.dense()(y.reshape(3, -1).T)
    assert_allclose(out.reshape(3, -1).T, dense, atol=1e-12)
    image = torch.tensor(y[:1], requires_grad=True)
    assert torch.autograd.gradcheck(layer, (image,), eps=1e-6, atol=1e-6)


def test_an_equilibrium_that_is_not_reached_is_an_error(torch, layers):
    gram, cross, rng = problem()
    layer = layers.DenseDEQ(
        kglm_weights(losses.rademacher, gram, cross, regularisation=0.01), dtype=torch.float64, max_steps=8
    )
    with pytest.raises(NotConverged, match="lower the norm of W1"):
        layer(torch.tensor(rng.choice([-1.0, 1.0], (1, 12))))


def test_training_lowers_the_loss(torch, layers):
    torch.manual_seed(0)
    gram, cross, rng = problem()
    layer = layers.DenseDEQ(kglm_weights(losses.rademacher, gram, cross, regularisation=8.0), dtype=torch.float64)
    y = torch.tensor(rng.choice([-1.0, 1.0], (20, 12)))
    goal = y[:, :5] * 0.5
    optimiser = torch.optim.Adam(layer.parameters(), lr=0.01)
    history = []
    for _ in range(15):
        optimiser.zero_grad()
        error = ((layer(y) - goal) ** 2).mean()
        error.backward()
        optimiser.step()
        history.append(float(error.detach()))
    assert history[-1] < 0.8 * history[0]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("solver", ["anderson", "broyden", "fixed_point_iter"])
@pytest.mark.parametrize("convolutional", [False, True])
def test_torchdeq_drives_the_same_layer(torch, layers, solver, convolutional):
    torchdeq = pytest.importorskip("torchdeq")
    gram, cross, rng = problem()
    if convolutional:
        weights = kglm_filters(losses.rademacher, squared_exponential_filter(1, 1.5), (5, 4), regularisation=9.0)
        layer = layers.ConvDEQ(weights, dtype=torch.float64)
        y = torch.tensor(rng.choice([-1.0, 1.0], (3, 1, 5, 4)))
    else:
        layer = layers.DenseDEQ(kglm_weights(losses.rademacher, gram, cross, regularisation=8.0), dtype=torch.float64)
        y = torch.tensor(rng.choice([-1.0, 1.0], (3, 12)))
    deq = torchdeq.get_deq(
        f_solver=solver, b_solver=solver, f_max_iter=2000, b_max_iter=2000, f_tol=1e-12, b_tol=1e-12, ift=True
    )
    injected = layer.inject(y)
    states, _ = deq(lambda u: layer.step(u, injected), injected.detach())
    theirs, ours = layer.readout(states[-1], y), layer(y)
    assert_allclose(theirs.detach().numpy(), ours.detach().numpy(), atol=1e-10)
    parameters = [p for p in layer.parameters() if p.requires_grad]
    one, two = (torch.autograd.grad(out.square().sum(), parameters) for out in (theirs, ours))
    for a, b in zip(one, two, strict=True):
        assert_allclose(a.numpy(), b.numpy(), atol=1e-9 * (1 + float(b.abs().max())))
