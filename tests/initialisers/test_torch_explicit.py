"""Designed networks in PyTorch: at the start their kernels are the designed ones; skipped without PyTorch."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dekderive.design import design_explicit
from dekderive.equivalents import DeepEquilibrium, relu, swish, tanh

ROOT = Path(__file__).resolve().parents[2]


def test_without_torch_the_error_names_the_extra():
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from dekderive.initialisers import torch_explicit\n"
        "from dekderive.errors import MissingExtra\n"
        "try:\n    torch_explicit.ExplicitModule(None, 2, 3)\n"
        "except MissingExtra as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert 'pip install "dekderive[torch]"' in done.stdout, done.stderr


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


def rows():
    x = np.random.default_rng(0).normal(size=(6, 5))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return x * np.array([0.8, 0.9, 1.0, 1.0, 1.1, 1.2])[:, None]


def tangent(torch, module, x):
    """Gradients of the output with respect to all parameters, by automatic differentiation."""
    gradients = []
    for row in torch.tensor(x):
        module.zero_grad()
        module(row[None]).sum().backward()
        gradients.append(torch.cat([p.grad.ravel() for p in module.parameters() if p.requires_grad]))
    stacked = torch.stack(gradients)
    return (stacked @ stacked.T).numpy()


CASES = [(relu, "ck", "leaky_relu"), (tanh, "ck", "hard_tanh"), (swish, "ck", "hermite")]
TANGENT = [(relu, "ntk", "hermite"), (relu, "ntk", "hermite_rate"), (tanh, "ntk_full", "hard_tanh")]


@pytest.mark.parametrize(("phi", "kernel", "family"), CASES + TANGENT)
def test_the_kernel_at_the_start(torch, phi, kernel, family):
    from dekderive.initialisers.torch_explicit import ExplicitModule

    network = design_explicit(DeepEquilibrium(phi, 0.2, 0.8), kernel, family, tau0=1.0)
    x, draws, width = rows(), 4, 1500
    found = 0.0
    for seed in range(draws):
        generator = torch.Generator().manual_seed(seed)
        module = ExplicitModule(network, 5, width, dtype=torch.float64, generator=generator)
        if kernel == "ck":
            with torch.no_grad():
                z = module.features(torch.tensor(x)).numpy()
            found = found + z @ z.T / draws
        else:
            found = found + tangent(torch, module, x) / draws
    expected = network.kernel(x)
    scale = np.abs(expected).max()
    # A few thousand draws: about 1/sqrt(6000), with a factor for the fourth moments of cubic features.
    assert np.abs(found - expected).max() < 0.09 * scale
    share, other = (0.7, "ck") if kernel == "ck" else (0.2, {"ntk": "ntk_full", "ntk_full": "ntk"}[kernel])
    wrong = design_explicit(DeepEquilibrium(phi, share, 1 - share), other, family, tau0=1.0).kernel(x)
    assert np.abs(found - wrong).max() > 0.2 * scale


def test_numpy_features_are_the_module_with_the_same_weights(torch):
    from dekderive.initialisers.torch_explicit import ExplicitModule

    for family in ("hermite", "leaky_relu"):
        network = design_explicit(DeepEquilibrium(relu, 0.2, 0.8), "ck", family, tau0=1.0)
        module = ExplicitModule(network, 5, 30, dtype=torch.float64)
        weights = tuple(w.detach().numpy() for w in module.hidden)
        with torch.no_grad():
            found = module.features(torch.tensor(rows())).numpy()
        np.testing.assert_allclose(network.apply(weights, rows()), found, rtol=1e-12, atol=1e-14)
