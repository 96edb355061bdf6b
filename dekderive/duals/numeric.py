"""Expectations without a closed form: nodes that the emitter prints as calls of ``dekderive.kernels.hermite``.

A node keeps its two functions as expressions in `z`, which is bound inside it.  Its derivatives are nodes too: Price's
theorem and the heat equation act on the Hermite coefficients, so no derivative of f or g is ever formed, and a jump
costs nothing.
"""

from __future__ import annotations

import sympy as sp

from dekderive.errors import NoClosedForm
from dekderive.symbols import z

__all__ = ["NUMERIC_NODES", "dual", "dual_kxx", "dual_kxy", "dual_kyy", "equilibrium", "mean", "mean_derivative"]


class _Numeric(sp.Function):
    """E over a Gaussian of functions of the bound symbol `z`."""

    is_real = True

    @classmethod
    def eval(cls, f: sp.Expr, g: sp.Expr, *covariance: sp.Expr) -> None:
        strangers = (f.free_symbols | g.free_symbols) - {z}
        if strangers:
            names = ", ".join(sorted(s.name for s in strangers))
            raise NoClosedForm(
                f"E[f(u) g(v)] has no closed form here, and the numeric fallback needs numbers: give {names} a value"
            )

    @property
    def free_symbols(self) -> set[sp.Basic]:  # z is bound
        return set().union(*(a.free_symbols for a in self.args[2:]))

    def _latex(self, printer: object, exp: str | None = None) -> str:
        f, g = (printer._print(self.args[i].subs(z, s)) for i, s in ((0, sp.Symbol("u")), (1, sp.Symbol("v"))))  # type: ignore[attr-defined]
        power = f"^{{{exp}}}" if exp is not None else ""
        return rf"{self._latex_operator} \mathbb{{E}}\left[{f} \, {g}\right]{power}"

    _latex_operator = ""


class dual(_Numeric):
    """``E[f(u) g(v)]``."""

    nargs = 5

    def fdiff(self, argindex: int = 1) -> sp.Expr:  # noqa: D102 - SymPy's hook
        return {3: dual_kxx, 4: dual_kyy, 5: dual_kxy}[argindex](*self.args)


class dual_kxy(_Numeric):
    """Derivative of `dual` in kxy: ``E[f'(u) g'(v)]`` (Price)."""

    nargs = 5
    _latex_operator = r"\partial_{k_{xy}}"


class dual_kxx(_Numeric):
    """Derivative of `dual` in kxx: ``E[f''(u) g(v)] / 2`` (heat equation)."""

    nargs = 5
    _latex_operator = r"\partial_{k_{xx}}"


class dual_kyy(_Numeric):
    """Derivative of `dual` in kyy: ``E[f(u) g''(v)] / 2``."""

    nargs = 5
    _latex_operator = r"\partial_{k_{yy}}"


class mean(_Numeric):
    """``E[f(u) g(u)]``, u ~ N(0, kxx)."""

    nargs = 3

    def fdiff(self, argindex: int = 1) -> sp.Expr:  # noqa: D102 - SymPy's hook
        return mean_derivative(*self.args)


class mean_derivative(_Numeric):
    """Derivative of `mean` in kxx."""

    nargs = 3
    _latex_operator = r"\partial_{k_{xx}}"


class equilibrium(_Numeric):
    """The variance q of a unit at equilibrium: ``q = weight_variance Var f(u) + injected``, u ~ N(0, q); f = g.

    ``equilibrium(f, f, weight_variance, injected)``; its derivatives are those of the implicit function theorem.
    """

    nargs = 4

    def fdiff(self, argindex: int = 1) -> sp.Expr:  # noqa: D102 - SymPy's hook
        f, _, weight, _ = self.args
        one = sp.S.One
        first, slope = mean(one, f, self), mean_derivative(one, f, self)
        # d Var f(u) / dq; the share of the weights in it must stay below 1.
        rise = 1 - weight * (mean_derivative(f, f, self) - 2 * first * slope)
        return (mean(f, f, self) - first**2) / rise if argindex == 3 else 1 / rise

    def _latex(self, printer: object, exp: str | None = None) -> str:
        return r"\tau_{*}^{2}" if exp is None else rf"\left(\tau_{{*}}^{{2}}\right)^{{{exp}}}"


NUMERIC_NODES: tuple[type[_Numeric], ...] = (dual, dual_kxx, dual_kyy, dual_kxy, mean, mean_derivative, equilibrium)
