r"""The scalars of high-dimensional equivalents, derived from Mehler's series to second order.

Off the diagonal, inner products S of inputs and deviations chi of their squared norms from :math:`\tau_0^2` are of
order :math:`p^{-1/2}`.  With the moments :math:`m_k(q) = \mathbb E\phi^{(k)}(\sqrt q\,\xi)` of the centred activation,

.. math:: \mathbb E[\phi(u)\phi(v)] = \sum_k \frac{\lambda^k}{k!}\, m_k(q_i)\, m_k(q_j), \qquad
          \frac{d m_k}{dq} = \frac{m_{k+2}}2,

so that :math:`m_0(q + c\chi) = c\chi\, m_2/2 + \dots` because :math:`m_0(q) = 0`.  What a matrix of second order adds
to the spectrum is S o S and chi chi^T; the mixed term S (chi_i + chi_j) is of the size of the error
(:math:`\|D_\chi S\| = O(\sqrt{\log n / n})`) and is dropped.
"""

from __future__ import annotations

from functools import lru_cache

import sympy as sp

__all__ = ["MOMENTS", "SETTING", "STATE", "implicit_scalars", "layer_scalars"]

# Settings of the implicit network, moments at equilibrium, and the scalars of a layer, in the order of the generated
# functions' arguments.
SETTING = sp.symbols("weight_variance input_variance tau0", positive=True)
MOMENTS = sp.symbols("m1 m2 second second_slope slope_second", real=True)
STATE = sp.symbols("a1 a2 a3 a4 b1 b2 b3 kappa_squared", real=True)

_S, _CHI_X, _CHI_Y, _ORDER = sp.symbols("S chi_x chi_y order", real=True)
_LINEAR, _NORMS, _SQUARE, _MIXED = sp.symbols("linear norms square mixed", real=True)
_m3 = sp.Symbol("m3", real=True)


def _expand(covariance: sp.Expr, rate: sp.Expr, first: int) -> sp.Expr:
    """E[phi^(first)(u) phi^(first)(v)] to second order, for a covariance and for variances q + rate chi."""
    m1, m2 = MOMENTS[:2]
    moments = {0: sp.S.Zero, 1: m1, 2: m2, 3: _m3}

    def moment(k: int, chi: sp.Symbol) -> sp.Expr:
        # Of m_0 the part of second order matters only times another small quantity, and of m_2 none does.
        return moments.get(k, sp.S.Zero) + _ORDER * rate * chi * moments.get(k + 2, sp.S.Zero) / 2

    terms = (covariance**k / sp.factorial(k) * moment(k + first, _CHI_X) * moment(k + first, _CHI_Y) for k in range(3))
    return _truncated(sum(terms, sp.S.Zero))


def _truncated(expression: sp.Expr) -> sp.Expr:
    expanded = sp.expand(expression)
    return sum((expanded.coeff(_ORDER, k) * _ORDER**k for k in range(3)), sp.S.Zero)


def _product(left: sp.Expr, right: sp.Expr) -> sp.Expr:
    """The product to second order of two polynomials in the order."""
    parts = [[sp.expand(e).coeff(_ORDER, k) for k in range(3)] for e in (left, right)]
    return sum((parts[0][i] * parts[1][j] * _ORDER ** (i + j) for i in range(3) for j in range(3 - i)), sp.S.Zero)


def _inverse(expression: sp.Expr) -> sp.Expr:
    """1/(c + x e + y e^2) to second order: (1 - (x/c) e + ((x/c)^2 - y/c) e^2)/c."""
    c, x, y = (sp.expand(expression).coeff(_ORDER, k) for k in range(3))
    return (1 - x / c * _ORDER + ((x / c) ** 2 - y / c) * _ORDER**2) / c


def _ansatz(linear: sp.Expr, norms: sp.Expr, square: sp.Expr, mixed: sp.Expr) -> sp.Expr:
    second = norms * _CHI_X * _CHI_Y + square * _S**2 + mixed * _S * (_CHI_X + _CHI_Y)
    return _ORDER * linear * _S + _ORDER**2 * second


def _parts(expression: sp.Expr) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """The coefficients of S, chi chi' and S^2 in an expansion."""
    first, second = (sp.expand(expression).coeff(_ORDER, k) for k in (1, 2))
    return (
        sp.factor(first.coeff(_S)),
        sp.factor(second.coeff(_CHI_X * _CHI_Y).subs(_S, 0)),
        sp.factor(second.coeff(_S, 2)),
    )


@lru_cache(maxsize=1)
def implicit_scalars() -> dict[str, sp.Expr]:
    r"""Derive the scalars of the implicit network, in `SETTING` and `MOMENTS`.

    Returns
    -------
    dict of str to sympy.Expr
        ``A1, A4``; ``a1, a2, a3, gamma_squared`` of the conjugate kernel; ``b1, b2, b3, kappa_squared`` of the tangent
        kernel with frozen input weights; ``f1, f2, f3, full_squared`` of that with all weights trained.

    Notes
    -----
    The variance obeys q = w F(q) + u |x|^2: it moves by A4 = u/(1 - w F') per unit of squared norm.  The covariance
    obeys G = E[phi phi](w G + u S), solved to second order; the tangent kernels are expanded from it.
    Source: Ling et al. (2024), whose system of equations this is; derived here from scratch.

    Examples
    --------
    >>> w, u, _ = SETTING
    >>> sp.simplify(implicit_scalars()["a1"] - u * MOMENTS[0]**2 / (1 - w * MOMENTS[0]**2))
    0
    """
    w, u, tau0 = SETTING
    second, second_slope, slope_second = MOMENTS[2:]
    rate = u / (1 - w * second_slope)
    unknown = _ansatz(_LINEAR, _NORMS, _SQUARE, _MIXED)
    covariance = w * unknown + _ORDER * u * _S
    difference = sp.expand(unknown - _expand(covariance, rate, 0))
    first, at_second = (difference.coeff(_ORDER, k) for k in (1, 2))
    equations = [
        first.coeff(_S),
        at_second.coeff(_CHI_X * _CHI_Y).subs(_S, 0),
        at_second.coeff(_S, 2),
        at_second.coeff(_S, 1).coeff(_CHI_X),
    ]
    (solved,) = sp.solve(equations, [_LINEAR, _NORMS, _SQUARE, _MIXED], dict=True)
    conjugate = unknown.xreplace(solved)
    slopes = _expand(covariance.xreplace(solved), rate, 1)
    inverse = _inverse(1 - w * slopes)
    tangent = _parts(_product(conjugate, inverse))
    full = _parts(_product(conjugate + _ORDER * u * _S * slopes, inverse))
    names = ("a1", "a2", "a3"), ("b1", "b2", "b3"), ("f1", "f2", "f3")
    scalars = {"A1": sp.factor(w * solved[_LINEAR] + u), "A4": rate}
    for group, values in zip(names, (_parts(conjugate), tangent, full), strict=True):
        scalars |= {name: sp.factor(value) for name, value in zip(group, values, strict=True)}
    share = 1 - w * slope_second
    return scalars | {
        "gamma_squared": second,
        "kappa_squared": second / share,
        "full_squared": (second + u * tau0**2 * slope_second) / share,
    }


@lru_cache(maxsize=1)
def layer_scalars() -> dict[str, sp.Expr]:
    r"""Derive how one layer of an explicit network changes the scalars `STATE`, in `MOMENTS` of its activation.

    Returns
    -------
    dict of str to sympy.Expr
        ``a1, a2, a3, a4, b1, b2, b3, kappa_squared`` after the layer: its conjugate kernel is
        :math:`E[\sigma(u)\sigma(v)]`, and its tangent kernel that plus :math:`E[\sigma'(u)\sigma'(v)]` times the
        tangent kernel before it.

    Examples
    --------
    >>> sp.simplify(layer_scalars()["a1"] / STATE[0])
    m1**2
    """
    a1, a2, a3, a4, b1, b2, b3, kappa_squared = STATE
    second, second_slope, slope_second = MOMENTS[2:]
    before = _ansatz(a1, a2, a3, sp.S.Zero)
    conjugate = _expand(before, a4, 0)
    tangent = _truncated(conjugate + _ansatz(b1, b2, b3, sp.S.Zero) * _expand(before, a4, 1))
    scalars = dict(zip(("a1", "a2", "a3"), _parts(conjugate), strict=True)) | {"a4": second_slope * a4}
    scalars |= dict(zip(("b1", "b2", "b3"), _parts(tangent), strict=True))
    return scalars | {"kappa_squared": second + kappa_squared * slope_second}
