"""Activations that are combinations of atoms: functions of an expression, nothing more."""

import sympy as sp

from dekderive.atoms.normal import ndtr
from dekderive.atoms.rectified import expit, relu, step

__all__ = ["elu", "gelu", "leaky_relu", "silu"]


def leaky_relu(x: sp.Expr, slope: sp.Expr = sp.Rational(1, 100)) -> sp.Expr:
    """Return ``max(x, 0) + slope min(x, 0)``."""
    return relu(x) - sp.sympify(slope) * relu(-x)


def gelu(x: sp.Expr) -> sp.Expr:
    """Return ``x Phi(x)``, the Gaussian error linear unit."""
    return x * ndtr(x)


def silu(x: sp.Expr) -> sp.Expr:
    """Return ``x expit(x)``, also known as swish."""
    return x * expit(x)


def elu(x: sp.Expr) -> sp.Expr:
    """Return ``x`` for positive x and ``exp(x) - 1`` for negative x."""
    return relu(x) + step(-x) * (sp.exp(x) - 1)
