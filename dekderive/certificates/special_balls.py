"""Balls of functions that flint lacks: the normal distribution functions of one variable and of two.

Imported by ``dekderive.certificates.balls``; precision is the caller's.
"""

from __future__ import annotations

from typing import Any

from flint import acb, arb

__all__ = ["binormal", "exp_erfcx", "ndtr"]


def ndtr(x: Any) -> Any:
    """Return the standard normal distribution function at a ball.

    SymPy rewrites erfc(-x) as 2 - erfc(x), which leaves nothing of the lower tail: hence not by the atom's definition.
    """
    return (-x / arb(2).sqrt()).erfc() / 2


def exp_erfcx(p: Any, q: Any, x: Any, y: Any) -> Any:
    """Return exp(p + i q + s^2) erfc(s), s = x + i y, as a complex ball."""
    s = acb(x, y)
    return (acb(p, q) + s * s).exp() * s.erfc()


def binormal(h: Any, k: Any, a: Any, b: Any, c: Any, determinant: Any) -> Any:
    r"""Return P(U <= h, V <= k) under N(0, ((a, c), (c, b))) at balls; `determinant` is a ball of a b - c^2.

    Where the determinant is positive: Plackett's identity (Biometrika 41, 1954) with the correlation
    :math:`\sin\theta`,

    .. math:: \Phi(H)\Phi(K) + \frac1{2\pi} \int_0^{\arcsin r}
              \exp\Big(-\frac{H^2 - 2HK\sin\theta + K^2}{2\cos^2\theta}\Big)\, d\theta.

    The integrand is a quotient of entire functions inside an exponential, hence analytic wherever it is finite, which
    is what ``acb.integral`` finds out by itself.  Where the determinant is exactly 0 the two variables are one; where
    its sign is not known, the value is between Frechet's bounds.
    """
    if not (bool(a > 0) and bool(b > 0)) or bool(determinant < 0):
        return arb.nan()
    h, k = h / a.sqrt(), k / b.sqrt()
    in_h, in_k = ndtr(h), ndtr(k)
    lower, upper = arb.max(in_h - ndtr(-k), arb(0)), arb.min(in_h, in_k)
    if not bool(determinant > 0):
        if determinant.is_zero() and bool(c > 0):
            return upper
        if determinant.is_zero() and bool(c < 0):
            return lower
        return lower.union(upper)
    end = arb.atan2(c, determinant.sqrt())
    squares, product = h * h + k * k, 2 * h * k

    def density(t: Any, _analytic: bool) -> Any:
        theta = end * t
        cosine = theta.cos()
        return (-(squares - product * theta.sin()) / (2 * cosine * cosine)).exp()

    integral = acb.integral(density, acb(0), acb(1)).real
    return in_h * in_k + end * integral / (2 * arb.pi())
