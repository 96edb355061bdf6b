"""The inverse of a log-partition on a branch where it is monotone, for families without a formula for it."""

from __future__ import annotations

from typing import Any

import sympy as sp

from dekderive.errors import NoClosedForm
from dekderive.symbols import eta

__all__ = ["inverse_log_partition"]


class inverse_log_partition(sp.Function):
    r"""The solution of :math:`A(\eta) = w` in an interval on which A is strictly monotone.

    ``inverse_log_partition(A, lower, upper, w)``, with A an expression in ``dekderive.symbols.eta``, which is bound
    inside the node.  Its derivative in w is :math:`1 / A'(\eta)` at the solution.

    Raises
    ------
    NoClosedForm
        If A contains a parameter without a value.

    Examples
    --------
    >>> from dekderive.atoms import log_i0
    >>> from dekderive.symbols import z
    >>> node = inverse_log_partition(log_i0(eta), 0, sp.oo, z)
    >>> node.diff(z)
    1/bessel_ratio(inverse_log_partition(log_i0(eta), 0, oo, z))
    """

    nargs = 4
    is_real = True

    @classmethod
    def eval(cls, log_partition: sp.Expr, lower: sp.Expr, upper: sp.Expr, level: sp.Expr) -> sp.Expr | None:
        """Refuse open parameters, and see through the minimum of A (a hook of SymPy's)."""
        strangers = log_partition.free_symbols - {eta}
        if strangers:
            names = ", ".join(sorted(s.name for s in strangers))
            raise NoClosedForm(f"the inverse of {log_partition} is computed numerically: give {names} a value")
        for end in (lower, upper):
            if end.is_finite and log_partition.subs(eta, end) == level:
                return end
        return None

    @property
    def log_partition(self) -> sp.Expr:
        """A, in eta."""
        return self.args[0]

    @property
    def branch(self) -> tuple[sp.Expr, sp.Expr]:
        """The ends of the interval."""
        return self.args[1], self.args[2]

    @property
    def level(self) -> sp.Expr:
        """The value w that A takes at the solution."""
        return self.args[3]

    @property
    def free_symbols(self) -> set[sp.Basic]:
        """The symbols of the level; eta is bound."""
        return set(self.level.free_symbols)

    def _eval_derivative(self, s: sp.Symbol) -> sp.Expr:
        inner = self.level.diff(s)
        return inner / self.log_partition.diff(eta).subs(eta, self) if inner != 0 else sp.S.Zero

    def _eval_subs(self, old: sp.Expr, new: sp.Expr) -> sp.Expr | None:
        if old == eta:
            return self.func(*self.args[:3], self.level.subs(old, new))
        return None

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        power = f"\\right)^{{{exp}}}" if exp is not None else ""
        opening = "\\left(" if exp is not None else ""
        return rf"{opening}A^{{-1}}\left({printer._print(self.level)}\right){power}"
