"""The diagonal of a conjugate or tangent kernel, exactly: a scalar equation for every input."""

from __future__ import annotations

import numpy as np

from dekderive.equivalents.activation import Activation
from dekderive.equivalents.coefficients import gaussian_moments
from dekderive.equivalents.records import KernelCoefficients
from dekderive.errors import InvalidInput, NoFixedPoint, NotConverged
from dekderive.kernels.elementwise import Array

__all__ = ["exact_diagonal"]

_STEPS = 100
_EPS = float(np.finfo(float).eps)


def exact_diagonal(coefficients: KernelCoefficients, squares: Array, kernel: str = "ck") -> Array:
    r"""Return the kernel at x = x' for inputs of given squared norms, at infinite width and any dimension.

    .. math:: q = \sigma_a^2 F(q) + \sigma_b^2 |x|^2, \qquad G = F(q), \qquad K = \frac{G}{1 - \sigma_a^2 E\phi'^2}

    Parameters
    ----------
    coefficients : KernelCoefficients
        Of an equilibrium model or of an explicit network.
    squares : (n,) ndarray
        :math:`|x_i|^2`.
    kernel : {"ck", "ntk", "ntk_full"}

    Returns
    -------
    (n,) ndarray

    Raises
    ------
    NotConverged
        If some input has no equilibrium near that of an input of norm tau0.
    NoFixedPoint
        If the tangent kernel is infinite for some input.
    InvalidInput
        If the coefficients do not say what they are of.

    Examples
    --------
    >>> from dekderive.equivalents import DeepEquilibrium, deq_coefficients, erf
    >>> found = deq_coefficients(DeepEquilibrium(erf, 0.2, 0.8), 1.0)
    >>> bool(abs(exact_diagonal(found, np.array([1.0]))[0] - found.gamma_squared) < 1e-15)
    True
    """
    if not coefficients.activations:
        raise InvalidInput("these coefficients carry no activations; the exact diagonal needs them")
    squares = np.asarray(squares, dtype=np.float64)
    if coefficients.explicit:
        return _explicit(coefficients, squares, kernel)
    return _implicit(coefficients, squares, kernel)


def _second(activation: Activation, bias: float, q: Array) -> Array:
    """E(phi - b)^2 at every variance."""
    return np.asarray(activation.second(q) - 2 * bias * activation.mean(q) + bias * bias + 0.0 * q)


def _implicit(c: KernelCoefficients, squares: Array, kernel: str) -> Array:
    (activation,) = c.activations
    w, u = c.weight_variance, c.input_variance
    q = np.maximum(c.tau**2 + c.A4 * (squares - c.tau0**2), 1e-3 * c.tau**2)
    for _ in range(_STEPS):
        rise = 1 - w * (activation.second_slope(q) - c.bias * activation.curvature_mean(q))
        following = q - (q - w * _second(activation, c.bias, q) - u * squares) / rise
        following = np.maximum(following, q / 4)
        settled = bool(np.all(np.abs(following - q) <= 8 * _EPS * np.maximum(q, _EPS * c.tau**2)))
        q = following
        if settled:
            break
    else:
        residual = np.abs(q - w * _second(activation, c.bias, q) - u * squares)
        if not np.all(residual <= 1e-13 * c.tau**2):
            row = int(np.argmax(np.where(np.isfinite(residual), residual, np.inf)))
            raise NotConverged(
                f"no equilibrium for input {row} of squared norm {squares[row]:.6g} near {c.tau0**2:.6g}"
            )
    conjugate = _second(activation, c.bias, q)
    if kernel == "ck":
        return conjugate
    slopes = np.asarray(activation.slope_second(q) + 0.0 * q)
    if not np.all(w * slopes < 1):
        raise NoFixedPoint("the tangent kernel is infinite for some input: weight_variance E[phi'(u)^2] >= 1 there")
    injected = u * squares * slopes if kernel == "ntk_full" else 0.0
    return np.asarray((conjugate + injected) / (1 - w * slopes))


def _explicit(c: KernelCoefficients, squares: Array, kernel: str) -> Array:
    q, tangent, tau = squares, squares, c.tau0
    for activation in c.activations:
        at = gaussian_moments(activation, tau)
        q, before = _second(activation, at.bias, q), q
        if kernel != "ck":
            tangent = q + tangent * activation.slope_second(before)
        tau = at.second**0.5
    return np.asarray(q if kernel == "ck" else tangent)
