"""Activations that are combinations of atoms: functions of an expression, nothing more.

Clipped functions are written so that nothing cancels near 0: hard_tanh(x) is x minus what is cut off, not a difference
of two rectifiers.
"""

import sympy as sp

from dekderive.atoms.normal import ndtr
from dekderive.atoms.rectified import expit, relu, softplus, step

__all__ = [
    "abrelu",
    "celu",
    "elu",
    "gelu",
    "hard_sigmoid",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "mish",
    "relu6",
    "selu",
    "silu",
]

# Klambauer et al. (2017), equation (14), to 17 digits: the constants for which mean 0 and variance 1 are a fixed point.
_SELU_ALPHA = sp.Rational("1.6732632423543773")
_SELU_SCALE = sp.Rational("1.0507009873554805")


def leaky_relu(x: sp.Expr, slope: sp.Expr = sp.Rational(1, 100)) -> sp.Expr:
    """Return ``max(x, 0) + slope min(x, 0)``."""
    return relu(x) - sp.sympify(slope) * relu(-x)


def abrelu(x: sp.Expr, below: sp.Expr, above: sp.Expr) -> sp.Expr:
    """Return ``below min(x, 0) + above max(x, 0)``.

    Examples
    --------
    >>> abrelu(sp.Integer(-2), 3, 5)
    -6
    """
    return sp.sympify(above) * relu(x) - sp.sympify(below) * relu(-x)


def gelu(x: sp.Expr) -> sp.Expr:
    """Return ``x Phi(x)``, the Gaussian error linear unit."""
    return x * ndtr(x)


def silu(x: sp.Expr) -> sp.Expr:
    """Return ``x expit(x)``, also known as swish."""
    return x * expit(x)


def mish(x: sp.Expr) -> sp.Expr:
    """Return ``x tanh(log(1 + exp(x)))`` (Misra, 2019).

    Examples
    --------
    >>> mish(sp.Integer(0))
    0
    """
    return x * sp.tanh(softplus(x))


def elu(x: sp.Expr, alpha: sp.Expr = sp.S.One) -> sp.Expr:
    """Return ``x`` for positive x and ``alpha (exp(x) - 1)`` for negative x."""
    return relu(x) + sp.sympify(alpha) * step(-x) * (sp.exp(x) - 1)


def celu(x: sp.Expr, alpha: sp.Expr = sp.S.One) -> sp.Expr:
    """Return ``x`` for positive x and ``alpha (exp(x / alpha) - 1)`` for negative x: its slope is continuous.

    Examples
    --------
    >>> celu(sp.Integer(-2), 2)
    -2 + 2*exp(-1)
    """
    alpha = sp.sympify(alpha)
    return relu(x) + alpha * step(-x) * (sp.exp(x / alpha) - 1)


def selu(x: sp.Expr) -> sp.Expr:
    """Return the scaled ELU of Klambauer et al. (2017), with its constants to 17 digits.

    Examples
    --------
    >>> selu(sp.Integer(1)).n(10)
    1.050700987
    """
    return _SELU_SCALE * elu(x, _SELU_ALPHA)


def hard_tanh(x: sp.Expr) -> sp.Expr:
    """Return ``x`` clipped to [-1, 1].

    Examples
    --------
    >>> [hard_tanh(sp.Rational(k, 2)) for k in (-3, 1, 3)]
    [-1, 1/2, 1]
    """
    return x - relu(x - 1) + relu(-x - 1)


def relu6(x: sp.Expr) -> sp.Expr:
    """Return ``x`` clipped to [0, 6].

    Examples
    --------
    >>> [relu6(sp.Integer(k)) for k in (-1, 4, 7)]
    [0, 4, 6]
    """
    return relu(x) - relu(x - 6)


def hard_sigmoid(x: sp.Expr) -> sp.Expr:
    """Return ``x/6 + 1/2`` clipped to [0, 1].

    Examples
    --------
    >>> [hard_sigmoid(sp.Integer(k)) for k in (-4, 0, 3)]
    [0, 1/2, 1]
    """
    return sp.S.Half + (x - relu(x - 3) + relu(-x - 3)) / 6


def hard_swish(x: sp.Expr) -> sp.Expr:
    """Return ``x hard_sigmoid(x)``.

    Examples
    --------
    >>> [hard_swish(sp.Integer(k)) for k in (-4, 0, 3)]
    [0, 0, 3]
    """
    return x * hard_sigmoid(x)
