"""Layered map -> the formulas, functions and record of a module that fills in a ``LayeredKernel``."""

from __future__ import annotations

import sympy as sp

from dekderive.duals.numeric import NUMERIC_NODES
from dekderive.symbols import kxx, kyy
from dekderive.update_maps.layered import LayeredMap
from dekderive.update_maps.update_map import UpdateMap

__all__ = ["expectation_fields", "layered_formulas", "scalar_expressions"]

_FORMULAS = ("mean", "mean_gradient", "value", "value_gradient", "price", "loss")


def layered_formulas(u: LayeredMap | UpdateMap) -> tuple[tuple[str, sp.Expr | tuple[sp.Expr, ...]], ...]:
    """Return the formulas of both expectations under the names of the record, as in ``activation.mean``."""
    own = u.activation_parameters
    listed: list[tuple[str, sp.Expr | tuple[sp.Expr, ...] | None]] = []
    for label, forms in u.expectations:
        listed += [
            (f"{label}.mean", forms.mean),
            (f"{label}.mean_gradient", tuple(forms.mean.diff(s) for s in (kxx, *own))),
            (f"{label}.value", forms.value),
            (f"{label}.value_gradient", tuple(forms.value.diff(s) for s in (kxx, kyy, *own))),
            (f"{label}.price", forms.price),
            (f"{label}.loss", forms.loss),
        ]
    return tuple((name, f) for name, f in listed if f is not None)


def scalar_expressions(u: LayeredMap | UpdateMap) -> dict[sp.Expr, str]:
    """Return the scalar functions that the record names, with their names."""
    names = {f: name for name, f in u.functions}
    for label, forms in u.expectations:
        if forms.function is not None and forms.derivative is not None:
            fallback = "activation_slope" if label == "activation" else "activation_curvature"
            names.setdefault(forms.derivative, fallback)
    wanted = {f for _, forms in u.expectations for f in (forms.function, forms.derivative) if f is not None}
    return {f: name for f, name in names.items() if f in wanted}


def expectation_fields(
    u: LayeredMap | UpdateMap, arguments: dict[str, tuple[str, ...]], names: dict[sp.Expr, str]
) -> list[str]:
    """Return the fields of the record that hold expectations, as text."""
    fields = []
    for label, forms in u.expectations:
        lines = [f"        {part}={_formula(f'{label}_{part}', arguments)}," for part in _FORMULAS]
        lines.append(f"        degree={None if forms.degree is None else float(forms.degree)},")
        for part in ("function", "derivative"):
            f = getattr(forms, part)
            lines.append(f"        {part}={'None' if f is None else _formula(names[f], arguments)},")
        lines.append(f"        closed={not any(e.has(*NUMERIC_NODES) for e in (forms.mean, forms.value))},")
        if forms.odd and label == "activation" and isinstance(u, UpdateMap):
            lines.append("        odd=True,")
        fields.append(f"{label}=Expectation(\n" + "\n".join(lines) + "\n    )")
    if len(u.expectations) == 1:
        fields.append("slope=None")
    return fields


def _formula(name: str, arguments: dict[str, tuple[str, ...]]) -> str:
    if name not in arguments:
        return "None"
    return f"Formula({name}, {arguments[name]!r})".replace("'", '"')
