"""The shipped kernels, and inputs at which all of them exist."""

import functools

import numpy as np
import pytest
from sklearn.base import clone

import dekderive.kernels
from dekderive.estimators import EquilibriumKernel
from dekderive.kernels.kernel import Kernel

RNG = np.random.default_rng(20)
X = RNG.normal(size=(6, 3))
Y = RNG.normal(size=(4, 3))
for shared in (X, Y):
    shared.flags.writeable = False  # a kernel that writes to its input fails here, not in another test

KERNELS = {name: k for name in dekderive.kernels.__all__ if isinstance(k := getattr(dekderive.kernels, name), Kernel)}


# Numerical expectations: seconds for each evaluation, however few the rows.
SLOW = ("deker_poisson_log_softplus", "deq_nngp_gelu", "deq_ntk_tanh", "implicit_ck_tanh", "implicit_ntk_tanh")


@functools.cache
def with_everything_free(name):
    """A kernel whose parameters are all tuned, at values that are no defaults, and that exists at all rows."""
    kernel = KERNELS[name]
    values = {p.name: (p.default or 0.3) * 1.1 for p in kernel.parameters}
    bounds = {
        f"{p.name}_bounds": (0.01, 0.99) if p.upper == 1 else (0.1, 50)
        for p in kernel.parameters
        if p.name != "regularisation"
    }
    return EquilibriumKernel(kernel, **values, **bounds).suited_to(np.vstack([X, Y]))


@pytest.fixture
def rows():
    return X, Y


@pytest.fixture(params=[pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in KERNELS])
def name(request):
    return request.param


@pytest.fixture
def record(name):
    return KERNELS[name]


@pytest.fixture
def kernel(name):
    return clone(with_everything_free(name))
