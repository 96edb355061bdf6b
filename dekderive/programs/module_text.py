"""Update map -> text of an importable module that fills in a ``Kernel`` or a ``LayeredKernel``."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace

import sympy as sp

from dekderive.citations import Citation
from dekderive.duals.numeric import NUMERIC_NODES
from dekderive.programs.layered_text import expectation_fields, layered_formulas, scalar_expressions
from dekderive.programs.lower import Function, lower
from dekderive.programs.scalar_text import analytic_text, functions, piecewise_text
from dekderive.symbols import kxx, kyy, z
from dekderive.update_maps.layered import LayeredMap
from dekderive.update_maps.specification import specification
from dekderive.update_maps.update_map import UpdateMap

__all__ = ["EMITTER", "formulas", "module_text"]

EMITTER = "numpy/1"  # bump when the emitter's output changes on purpose
_WIDTH = 119


def module_text(update_map: UpdateMap | LayeredMap, sources: Sequence[Citation], *, header: str) -> str:
    """Return the module's source.

    Raises
    ------
    UnprintableNode, UndeclaredSymbol
        If a formula cannot be printed; no partial text is returned.
    """
    parameters = tuple(s for s, _ in update_map.parameters)
    listed = formulas(update_map)
    names = _scalar_names(update_map, [e for _, f in listed for e in (f if isinstance(f, tuple) else (f,))])
    ordered = sorted(names.items(), key=lambda item: item[1])
    scalar = [function for f, name in ordered for function in _scalar(name, f, parameters)]
    functions = [lower(name.replace(".", "_"), f, parameters, names) for name, f in listed]
    modules = frozenset().union(*(f.modules for f in [*scalar, *functions]))
    local = sorted(modules & {"hermite", "implicit", "special"})
    imports = (["import numpy as np", ""] if "np" in modules else []) + (
        [f"from dekderive.kernels import {', '.join(local)}"] if local else []
    )
    records = ["from dekderive.kernels.kernel import Chart, Claim, Formula, Kernel, Parameter"]
    if isinstance(update_map, LayeredMap):
        records = [
            "from dekderive.kernels.kernel import Formula, Parameter",
            "from dekderive.kernels.layered import Expectation, LayeredKernel",
        ]
    elif update_map.expectations:
        records.append("from dekderive.kernels.layered import Expectation")
    parts = [
        header + "\n" + _docstring(update_map, sources),
        "\n".join([*imports, *records]),
        f'SPEC = "{specification(update_map)}"',
    ]
    body = "\n\n\n".join(f.text for f in [*scalar, *functions])
    if isinstance(update_map, LayeredMap):
        record = _layered_record(update_map, [*scalar, *functions], names, sources)
    else:
        record = _record(update_map, [*scalar, *functions], names, sources)
    return "\n\n".join(parts) + "\n\n\n" + body + "\n\n\n" + record + "\n"


def _scalar_names(u: UpdateMap | LayeredMap, expressions: Sequence[sp.Expr]) -> dict[sp.Expr, str]:
    """Names for the functions of `z` that the record or its numeric expectations refer to."""
    names = scalar_expressions(u)
    needed = {f for e in expressions for node in e.atoms(*NUMERIC_NODES) for f in node.args[:2]}
    names |= {f: name for name, f in u.functions if f in needed}
    for name, f in u.functions:
        slope = f.diff(next(iter(f.free_symbols))) if f.free_symbols else None
        if slope in needed and slope not in names:
            names[slope] = f"{name}_slope"
    for i, f in enumerate(sorted(needed - set(names), key=sp.default_sort_key)):
        names[f] = f"function_{i}"
    return names


def _scalar(name: str, f: sp.Expr, parameters: tuple[sp.Symbol, ...]) -> tuple[Function, ...]:
    """A function of z, after those of its pieces, with what is known about it: its strip, or its knots."""
    if f.free_symbols == {z}:
        *pieces, function = functions(name, f)
        decorator = analytic_text(f) or piecewise_text(f)
        if decorator is not None:
            function = replace(function, decorator=decorator, modules=function.modules | {"hermite"})
        return (*pieces, function)
    if f.has(z):
        return (lower(name, f, parameters, {}),)
    constant = lower(name, f, parameters, {})
    value = constant.lines[-1].removeprefix("return ")
    # A constant must have the shape of its argument.
    return (Function(name, ("z", *constant.arguments), (f"return np.full_like(z, {value})",), frozenset({"np"})),)


def formulas(update_map: UpdateMap | LayeredMap) -> tuple[tuple[str, sp.Expr | tuple[sp.Expr, ...]], ...]:
    """Return the formulas of a module by field of its record: what is printed, and the print can be compared with."""
    if isinstance(update_map, LayeredMap):
        return layered_formulas(update_map)
    u = update_map
    parameters = tuple(s for s, _ in u.parameters)
    x = u.chart_symbol
    listed: list[tuple[str, sp.Expr | tuple[sp.Expr, ...] | None]] = [
        ("diagonal_step", u.diagonal_step),
        ("diagonal_step_derivative", u.diagonal_step.diff(kxx)),
        ("diagonal_fixed_point", u.closed_diagonal),
        ("step", u.step),
        ("step_derivative", u.step_derivative),
        ("residual", u.residual),
        ("residual_derivative", u.residual_derivative),
        ("start", u.start),
        ("readout", u.readout),
        ("readout_diagonal", u.readout_diagonal),
        ("diagonal_step_gradient", tuple(u.diagonal_step.diff(p) for p in parameters)),
        ("residual_gradient", tuple(u.residual.diff(s) for s in (kxx, kyy, *parameters))),
        ("readout_gradient", tuple(u.readout.diff(s) for s in (x, kxx, kyy, *parameters))),
        ("readout_diagonal_gradient", tuple(u.readout_diagonal.diff(s) for s in (kxx, *parameters))),
        ("modulus", u.modulus),
    ]
    if not u.expectations:
        listed += [
            ("diagonal_step_input_gradient", tuple(u.diagonal_step.diff(s) for s in u.inputs)),
            ("residual_input_gradient", tuple(u.residual.diff(s) for s in (*u.inputs, *u.pair_inputs))),
        ]
    return (*((name, f) for name, f in listed if f is not None), *layered_formulas(u))


def _docstring(u: UpdateMap | LayeredMap, sources: Sequence[Citation]) -> str:
    lines = [f"{u.summary[0].upper()}{u.summary[1:]}.", ""]
    for name, f in u.functions:
        lines.append(f"{name}(z) = {f}")
    conditions = sorted({str(c) for _, d in u.duals for c in d.conditions})
    if conditions:
        lines += ["", "The expectations are finite while these are positive: " + ", ".join(conditions) + "."]
    lines += ["", "Sources: " + "; ".join(str(s) for s in sources) + "."]
    wrapped = "\n".join(
        textwrap.fill(line, _WIDTH, break_long_words=False, break_on_hyphens=False) if line else "" for line in lines
    )
    return f'"""{wrapped}\n"""'


def _record(u: UpdateMap, functions: list[Function], names: dict[sp.Expr, str], sources: Sequence[Citation]) -> str:
    present = {f.name: f for f in functions}

    def formula(name: str) -> str:
        f = present.get(name)
        return "None" if f is None else f"Formula({name}, {f.arguments!r})".replace("'", '"')

    fields = [
        f'name="{u.name}"',
        f"summary={_quoted(u.summary)}",
        f'model="{u.model}"',
        "parameters=(\n" + "".join(f"        {_parameter(p)},\n" for _, p in u.parameters) + "    )",
        f"input_names={_tuple(s.name for s in u.inputs)}",
        f"pair_names={_tuple(s.name for s in u.pair_inputs)}",
        f'moments="{u.moments}"',
        f"chart=Chart.{u.chart.name}",
        *(f"{name}={formula(name)}" for name in _FORMULA_FIELDS),
        f"claim=Claim.{u.claim.name}",
        f"modulus={formula('modulus')}",
        "spec=SPEC",
        "sources=(\n" + "".join(f"        {_quoted(str(s))},\n" for s in sources) + "    )",
    ]
    if not u.expectations:
        names_of_inputs = ("diagonal_step_input_gradient", "residual_input_gradient")
        fields += [f"{name}={formula(name)}" for name in names_of_inputs]
    else:
        fields += [*expectation_fields(u, {f.name: f.arguments for f in functions}, names), f'read="{u.read}"']
    return "KERNEL = Kernel(\n" + "".join(f"    {field},\n" for field in fields) + ")"


def _layered_record(
    u: LayeredMap, functions: list[Function], names: dict[sp.Expr, str], sources: Sequence[Citation]
) -> str:
    arguments = {f.name: f.arguments for f in functions}
    fields = [
        f'name="{u.name}"',
        f"summary={_quoted(u.summary)}",
        f'model="{u.model}"',
        "depth=1",
        "parameters=(\n" + "".join(f"        {_parameter(p)},\n" for _, p in u.parameters) + "    )",
        f"input_names={_tuple(s.name for s in u.inputs)}",
        f"pair_names={_tuple(s.name for s in u.pair_inputs)}",
        f'moments="{u.moments}"',
        *expectation_fields(u, arguments, names),
        "spec=SPEC",
        "sources=(\n" + "".join(f"        {_quoted(str(s))},\n" for s in sources) + "    )",
    ]
    return "KERNEL = LayeredKernel(\n" + "".join(f"    {field},\n" for field in fields) + ")"


_FORMULA_FIELDS = (
    "diagonal_step",
    "diagonal_step_derivative",
    "diagonal_fixed_point",
    "step",
    "step_derivative",
    "residual",
    "residual_derivative",
    "start",
    "readout",
    "readout_diagonal",
    "diagonal_step_gradient",
    "residual_gradient",
    "readout_gradient",
    "readout_diagonal_gradient",
)


def _tuple(names: object) -> str:
    items = [f'"{n}"' for n in names]  # type: ignore[attr-defined]
    return f"({', '.join(items)}{',' if len(items) == 1 else ''})"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _parameter(p: object) -> str:
    upper = 'float("inf")' if p.upper == float("inf") else repr(p.upper)  # type: ignore[attr-defined]
    closed = ", lower_closed=True" if p.lower_closed else ""  # type: ignore[attr-defined]
    return f"Parameter({_quoted(p.name)}, {p.lower!r}, {upper}, {p.default!r}, {_quoted(p.description)}{closed})"  # type: ignore[attr-defined]
