"""What an atom is: a name for a function that SymPy lacks, or would expand into a form which loses digits."""

from collections.abc import Callable

import sympy as sp

__all__ = ["Atom", "fold", "latex_name"]


class Atom(sp.Function):
    """Base class of the atoms; not for users to subclass (a new activation is an expression, not a class)."""

    nargs = 1
    is_real = True
    at_zero: sp.Expr | None = None  # the value at 0 where the definition is 0/0

    @property
    def definition(self) -> sp.Expr:
        """The atom in elementary functions."""
        raise AttributeError  # pragma: no cover - every atom below defines it

    def _eval_evalf(self, prec: int) -> sp.Expr:
        if self.at_zero is not None and self.args[0].is_zero:
            return self.at_zero.evalf(n=max(1, int(prec / 3.33)))
        # 64 spare bits pay for the cancellation inside definitions such as coth(x) - 1/x near 0.
        value = self.definition.evalf(n=int((prec + 64) / 3.33), maxn=2000)
        return value._eval_evalf(prec) if value.is_number else value


def latex_name(name: str) -> Callable[..., str]:
    """Return the method by which SymPy's LaTeX printer writes a function as `name` (...)."""

    def _latex(self: sp.Function, printer: object, exp: str | None = None) -> str:
        inner = ", ".join(printer._print(a) for a in self.args)  # type: ignore[attr-defined]
        power = f"^{{{exp}}}" if exp is not None else ""
        return rf"{name}{power}\left({inner}\right)"

    return _latex


def fold(cls: type[Atom], x: sp.Expr, parity: sp.Expr) -> sp.Expr | None:
    """Use f(-x) = parity f(x) to give each value one name, and the limit where the definition is 0/0."""
    if x.is_zero:
        return cls.at_zero
    return parity * cls(-x) if x.could_extract_minus_sign() else None
