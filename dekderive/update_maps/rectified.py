"""The rectified DEKer: where Newton's method on its angle equation is to be started (proved in the derivation).

With slope step and activation relu, and t = pi - angle, the off-diagonal equation is F(t) = 0,

    F(t)  = m - (beta - t/2pi) cos t - (a t + sin t)/2pi,     a = cxy/(qx qy),  m = (m_x + m_y)/2,
    F'(t) = (beta - t/2pi) sin t - a/2pi,                     m_i = mean_i/(sqrt(2 pi) q_i),  beta = lambda^2 + m.

``derivations/deker_gaussian_relu.py`` proves that F has exactly one zero in (0, pi), and that Newton's method is
monotone from the maximum of F', where tan t = 2 pi beta - t.
"""

import sympy as sp

from dekderive.atoms import relu, step
from dekderive.symbols import kxx, kyy, mean_x, mean_y, regularisation, z

__all__ = ["beta", "inflection_angle", "is_rectified", "shift"]

shift = (mean_x / sp.sqrt(kxx) + mean_y / sp.sqrt(kyy)) / (2 * sp.sqrt(2 * sp.pi))  # m
beta = regularisation**2 + shift


def is_rectified(slope: sp.Expr, activation: sp.Expr) -> bool:
    """Whether this is the pair the theorem is about."""
    return slope == step(z) and activation == relu(z)


def inflection_angle() -> sp.Expr:
    """The angle pi - t with tan t = 2 pi beta - t, by four steps of t <- atan(2 pi beta - t).

    The steps contract by 1/(1 + (2 pi beta - t)^2), and 2 pi beta - t > 1.5 because beta >= 1/2 and t < pi/2.
    """
    t = sp.atan(2 * sp.pi * beta - sp.Rational(13, 10))
    for _ in range(4):
        t = sp.atan(2 * sp.pi * beta - t)
    return sp.pi - t
