"""Activation-first links whose natural map has no formula are emitted too, through the numeric inverse of A."""

import mpmath
import numpy as np
import pytest

from dekderive.atoms import expit
from dekderive.derivation import Derivation
from dekderive.families import truncated_normal
from dekderive.gram import gram
from dekderive.programs import compile, emit
from dekderive.reparameterisations import from_activation
from dekderive.symbols import z
from dekderive.update_maps import deker


def log_partition(eta):
    return eta**2 / 2 + mpmath.log(mpmath.ncdf(eta))


@mpmath.workdps(30)
def slope_by_bracketing(x):
    """A(R(x)) = softplus(x), so rho = expit / A'(R): R by bracketing, A' by differences."""
    level = mpmath.log(1 + mpmath.exp(x))
    root = mpmath.findroot(lambda t: log_partition(t) - level, (-20, 20), solver="anderson")
    return float(1 / (1 + mpmath.exp(-x)) / mpmath.diff(log_partition, root))


def test_a_link_without_a_formula_becomes_a_kernel():
    update = deker(from_activation(truncated_normal(), expit(z), constant=0), name="implicit")
    text = emit(Derivation(update))
    assert "implicit.inverse(" in text
    assert "sympy" not in text
    kernel = compile(update)
    slope = kernel.step.function.__globals__["slope"]
    for x in (-2.5, -0.3, 0.4, 3.0):
        assert slope(np.array([x]))[0] == pytest.approx(slope_by_bracketing(x), rel=1e-12)
    matrix = gram(kernel, np.random.default_rng(0).normal(size=(8, 3)), regularisation=3.0)
    assert np.linalg.eigvalsh(matrix).min() > 1e-6
