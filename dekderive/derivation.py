"""A derivation: an update map (or layered map), its sources, and checks.  Files in ``derivations/`` export one."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from dekderive.citations import Citation
from dekderive.duals import dual, mean
from dekderive.duals.limits import coincide
from dekderive.duals.normal_form import Terms
from dekderive.duals.numeric import NUMERIC_NODES
from dekderive.duals.numeric import dual as node
from dekderive.duals.proof import decide_residual, decide_zero
from dekderive.duals.reading import Reader, numbers_in
from dekderive.symbols import cxx, cxy, cyy, kxx, kxy, kyy, mean_x, mean_y
from dekderive.update_maps.layered import LayeredMap
from dekderive.update_maps.specification import specification
from dekderive.update_maps.update_map import UpdateMap
from dekderive.verdict import Check, Verdict

__all__ = ["Derivation"]


@dataclass(frozen=True, slots=True)
class Derivation:
    """What a file in ``derivations/`` exports.

    Parameters
    ----------
    update_map : UpdateMap or LayeredMap
    sources : tuple of Citation, optional
        Beyond the origin of the update map.
    extra_checks : tuple of Check, optional
        Facts that the derivation proves on its own (such as the start of a monotone Newton iteration).

    Examples
    --------
    >>> from dekderive.atoms import relu
    >>> from dekderive.symbols import z
    >>> from dekderive.update_maps import deq_ntk, normalised
    >>> derivation = Derivation(deq_ntk(normalised(relu(z)), name="mine"))
    >>> sorted({check.verdict.value for check in derivation.checks()})
    ['holds']
    """

    update_map: UpdateMap | LayeredMap
    sources: tuple[Citation, ...] = ()
    extra_checks: tuple[Check, ...] = ()

    def __post_init__(self) -> None:
        if self.update_map.origin not in self.sources:
            object.__setattr__(self, "sources", (self.update_map.origin, *self.sources))

    @property
    def name(self) -> str:
        """Name of the kernel."""
        return self.update_map.name

    @property
    def spec(self) -> str:
        """Digest of the mathematics that was asked for."""
        return specification(self.update_map)

    def checks(self) -> tuple[Check, ...]:
        """Check every dual, the agreement of the two equations at x = x', and what the derivation adds."""
        duals = [c for _, d in self.update_map.duals for c in d.checks()]
        seen: dict[tuple[str, str], Check] = {(c.name, c.statement): c for c in duals}
        return (*seen.values(), *self._coincidence(), *self.extra_checks)

    def verdict(self) -> Verdict:
        """Conjunction of the checks."""
        return Verdict.all(tuple(c.verdict for c in self.checks()))

    def _coincidence(self) -> tuple[Check, ...]:
        """What is stated of a pair at x = x' must be what is stated of one input: two derivations of one number."""
        u = self.update_map
        if isinstance(u, LayeredMap):
            same = {kyy: kxx, kxy: kxx}
            duals = [(name, forms.dual) for name, forms in u.expectations]
            return tuple(
                Check(
                    "diagonal",
                    f"E[f(u) f(v)] at x = x' equals E[f(u)^2], f the {name}",
                    *decide_zero(d.expression.subs(same, simultaneous=True) - mean(d.left, d.right)),
                )
                for name, d in duals
            )
        same = {kyy: kxx, kxy: kxx, cyy: cxx, cxy: cxx, mean_y: mean_x}
        step = _closed(u.step)
        verdict = decide_zero(step.subs(same, simultaneous=True) - u.diagonal_step)
        if verdict[0] is Verdict.UNDECIDED and not step.has(*NUMERIC_NODES):  # a formula may be 0/0 there: its limit
            others = {k: v for k, v in same.items() if k not in (kxy, kyy)}
            verdict = decide_residual(lambda: _limit(step.subs(others), u.diagonal_step), lambda: sp.nan)
        return (Check("diagonal", "the step at x = x' equals the diagonal step", *verdict),)


def _closed(expression: sp.Expr) -> sp.Expr:
    """The expression with closed forms where code evaluates nodes because a closed form loses digits."""
    return expression.replace(lambda e: e.func is node, lambda e: dual(*e.args[:2]).expression)


def _limit(step: sp.Expr, diagonal: sp.Expr) -> Terms:
    """The limit of a step at x = x', minus the diagonal step, in normal form."""
    reader = Reader(step.free_symbols | diagonal.free_symbols, numbers_in(step) | numbers_in(diagonal))
    return reader.forms.subtract(coincide(reader.forms, reader(step)), reader(diagonal))
