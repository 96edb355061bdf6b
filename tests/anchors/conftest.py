"""The oracles of this folder, as fixtures: loaded by path, so that they need not be an installed package."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def _load(name: str) -> ModuleType:
    path = Path(__file__).with_name(f"{name}.py")
    qualified = f"_dekderive_anchors_{name}"
    specification = importlib.util.spec_from_file_location(qualified, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[qualified] = module  # dataclasses and pickles look their module up by name
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    """Multiple-precision oracles."""
    return _load("reference")


@pytest.fixture(scope="session")
def points() -> ModuleType:
    """Random and adversarial point sets."""
    return _load("points")


@pytest.fixture(scope="session")
def simulation() -> ModuleType:
    """Simulators of the stochastic-gradient features."""
    return _load("simulation")


@pytest.fixture(scope="session")
def finite_depth() -> ModuleType:
    """Recursions of finite depth in multiple precision."""
    return _load("finite_depth")


@pytest.fixture(scope="session")
def equilibrium() -> ModuleType:
    """Deep equilibrium kernels in multiple precision."""
    return _load("equilibrium")
