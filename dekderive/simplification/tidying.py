"""The driver: rules are applied from the leaves to the root until none applies."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import sympy as sp

from dekderive.atoms import expit, log1mexp, log_cosh, softplus
from dekderive.implicit import inverse_log_partition
from dekderive.simplification import hyperbolic, logarithms, products

__all__ = ["tidy"]


@lru_cache(maxsize=4096)
def tidy(expr: sp.Expr) -> sp.Expr:
    r"""Return an equal expression in as few atoms as the identities below find.

    Among them: :math:`e^{-\mathrm{softplus}(x)} = \mathrm{expit}(-x)`, :math:`\log(1 + e^x) = \mathrm{softplus}(x)`,
    :math:`1 - \Phi(x) = \Phi(-x)`, :math:`1 - \tanh^2 = 1/\cosh^2`, and, almost everywhere,
    :math:`f(|x|)\, \mathrm{step}(x) = f(x)\, \mathrm{step}(x)`.

    Examples
    --------
    >>> from dekderive.atoms import relu, step
    >>> from dekderive.symbols import z
    >>> tidy(relu(z) * step(z)), tidy(sp.exp(-softplus(-z))), tidy(1 - sp.tanh(z) ** 2)
    (relu(z), expit(z), cosh(z)**(-2))
    """
    plain = _rewrite(expr)
    expanded = _rewrite(sp.expand(plain, power_exp=False, power_base=False, log=False))
    return min((plain, expanded), key=lambda e: (sp.count_ops(e), e is expanded))


@lru_cache(maxsize=4096)
def _rewrite(expr: sp.Expr) -> sp.Expr:
    if not expr.args or not isinstance(expr, sp.Expr):
        return expr
    if isinstance(expr, inverse_log_partition):
        return expr.func(*expr.args[:3], _rewrite(expr.level))
    rebuilt = expr.func(*(_rewrite(a) for a in expr.args))
    for rule in _RULES.get(rebuilt.func, ()):
        changed = rule(rebuilt)
        if changed != rebuilt:
            return _rewrite(changed)
    return rebuilt


_RULES: dict[type, tuple[Callable[[sp.Expr], sp.Expr], ...]] = {
    sp.exp: (logarithms.exp_of_logs,),
    sp.log: (logarithms.log_of_product, logarithms.log_of_two_exponentials, logarithms.log_of_ratio),
    log1mexp: (logarithms.log1mexp_of_log,),
    softplus: (logarithms.softplus_of_log,),
    expit: (logarithms.expit_of_log,),
    log_cosh: (logarithms.compositions,),
    sp.acosh: (logarithms.compositions,),
    sp.LambertW: (logarithms.compositions,),
    sp.Pow: (products.power,),
    sp.Mul: (
        products.gates,
        products.signs,
        products.deltas,
        products.exponentials,
        products.products,
        products.tilted,
        hyperbolic.quotients,
    ),
    sp.Add: (products.complements, products.truncated_moments, hyperbolic.differences, hyperbolic.error_function),
}
