"""The oracles of this folder, as fixtures: loaded by path, so that they need not be an installed package."""

import importlib.util
import sys
from pathlib import Path

import pytest


def _load(name):
    path = Path(__file__).with_name(f"{name}.py")
    qualified = f"_dekderive_equivalents_{name}"
    specification = importlib.util.spec_from_file_location(qualified, path)
    module = importlib.util.module_from_spec(specification)
    sys.modules[qualified] = module
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def oracles():
    """Scalars at 30 digits."""
    return _load("oracles")


@pytest.fixture(scope="session")
def mixtures():
    """Gaussian mixtures and exact kernels on them."""
    return _load("mixtures")
