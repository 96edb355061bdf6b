"""The arc-cosine kernels of the normalised ReLU, which the statements on equilibrium models are about."""

from __future__ import annotations

import numpy as np
import sympy as sp

from dekderive.atoms import Atom
from dekderive.theorems.evidence import identity
from dekderive.verdict import Check

__all__ = ["RHO", "conjugate", "correlation_step", "elementary", "price", "tangent"]

RHO = sp.Symbol("rho", real=True)


def conjugate(rho: sp.Expr) -> sp.Expr:
    """Return E[sigma(u) sigma(v)] of the normalised ReLU at unit variances, equation (10).

    Examples
    --------
    >>> conjugate(sp.Integer(1)), conjugate(sp.Integer(0))
    (1, 1/pi)
    """
    return (sp.sqrt(1 - rho**2) + (sp.pi - sp.acos(rho)) * rho) / sp.pi


def tangent(rho: sp.Expr) -> sp.Expr:
    """Return E[sigma'(u) sigma'(v)] of the normalised ReLU, equation (11).

    Examples
    --------
    >>> tangent(sp.Integer(1)), tangent(sp.Integer(0))
    (1, 1/2)
    """
    return (sp.pi - sp.acos(rho)) / sp.pi


def correlation_step(r: float) -> float:
    """Return `conjugate` in floating point; arguments that rounding pushed out of [-1, 1] are moved back.

    Examples
    --------
    >>> correlation_step(1.0)
    1.0
    """
    angle = np.arccos(min(1.0, max(-1.0, r)))
    return float((np.sin(angle) + (np.pi - angle) * r) / np.pi)


def elementary(expression: sp.Expr) -> sp.Expr:
    """Replace atoms by their definitions.

    Examples
    --------
    >>> from dekderive.atoms import expit
    >>> elementary(expit(RHO))
    1/(1 + exp(-rho))
    """
    while expression.atoms(Atom):
        expression = expression.replace(lambda e: isinstance(e, Atom), lambda e: e.definition)
    return expression


def price() -> Check:
    """Check that the derivative of `conjugate` is `tangent`.

    Examples
    --------
    >>> price().verdict.name
    'HOLDS'
    """
    difference = sp.simplify(conjugate(RHO).diff(RHO) - tangent(RHO))
    return identity("Price", "(5) is the derivative of (4) in the covariance", difference)
