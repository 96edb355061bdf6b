"""Convex loss -> text of an importable module that fills in a ``Loss``."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import sympy as sp

from dekderive.citations import Citation
from dekderive.kernels.kernel import Parameter
from dekderive.programs.lower import Function, lower
from dekderive.symbols import eta, y
from dekderive.update_maps.kglm import ConvexLoss, ConvexPenalty
from dekderive.verdict import Verdict

__all__ = ["LOSS_EMITTER", "loss_formulas", "loss_text", "penalty_text"]

LOSS_EMITTER = "loss/1"  # bump when the text changes on purpose
_FIELDS = ("statistic", "value", "slope", "curvature", "cross", "mean", "mean_slope", "curvature_bound")


def loss_formulas(model: ConvexLoss) -> tuple[tuple[str, sp.Expr | tuple[sp.Expr, ...]], ...]:
    """Return the formulas of a module by function name: what is printed, and what it can be compared with."""
    return (
        ("statistic", model.statistic),
        ("value", model.value),
        ("slope", model.slope),
        ("curvature", model.curvature),
        ("cross", model.cross),
        ("mean", model.mean),
        ("mean_slope", model.curvature if model.canonical else model.mean.diff(eta)),
        ("curvature_bound", model.curvature_bound),
        ("support", model.support),
    )


def _penalty_formulas(penalty: ConvexPenalty) -> tuple[tuple[str, sp.Expr], ...]:
    return (
        ("penalty_value", penalty.value),
        ("penalty_slope", penalty.slope),
        ("penalty_curvature", penalty.curvature),
        ("penalty_curvature_bound", penalty.curvature_bound),
    )


def loss_text(model: ConvexLoss, sources: Sequence[Citation] = (), *, header: str) -> str:
    """Return the source of a module that defines ``LOSS``.

    Raises
    ------
    UnprintableNode, UndeclaredSymbol
        If a formula cannot be printed; no partial text is returned.

    Examples
    --------
    >>> from dekderive.families import poisson
    >>> from dekderive.update_maps import kglm
    >>> "LOSS = Loss(" in loss_text(kglm(poisson()), header="# mine")
    True
    """
    symbols = (eta, y, *(s for s, _ in model.parameters))
    functions = {name: _function(name, f, symbols) for name, f in loss_formulas(model)}
    extra = {} if model.penalty is None else _functions_of(model.penalty)
    record = _record(model, functions, (model.origin, *sources))
    names = "Loss, Penalty" if model.penalty is not None else "Loss"
    body = [*functions.values(), *extra.values()]
    tail = ([_penalty_record(model.penalty, extra)] if model.penalty is not None else []) + [record]
    doc = f'"""{_sentence(model.summary)}"""'
    return _module(header, doc, body, names, model.spec, tail)


def penalty_text(penalty: ConvexPenalty, *, header: str) -> str:
    """Return the source of a module that defines ``PENALTY``.

    Examples
    --------
    >>> from dekderive.update_maps import penalty
    >>> "PENALTY = Penalty(" in penalty_text(penalty(eta**2, curvature_bound=sp.S(2)), header="# mine")
    True
    """
    functions = _functions_of(penalty)
    doc = f'"""{_sentence(f"penalty {penalty.name}, Q = {penalty.value}")}"""'
    tail = [_penalty_record(penalty, functions)]
    return _module(header, doc, list(functions.values()), "Penalty", penalty.spec, tail)


def _functions_of(penalty: ConvexPenalty) -> dict[str, Function]:
    symbols = (eta, *(s for s, _ in penalty.parameters))
    return {name: _function(name, f, symbols) for name, f in _penalty_formulas(penalty)}


def _function(name: str, formula: sp.Expr | tuple[sp.Expr, ...], symbols: tuple[sp.Symbol, ...]) -> Function:
    parts = formula if isinstance(formula, tuple) else (formula,)
    if not any(part.has(sp.oo, -sp.oo) for part in parts):
        return lower(name, formula, symbols, {})
    # Infinite ends and bounds are data rather than formulas; the printer refuses infinities elsewhere.
    free = {s for part in parts for s in part.free_symbols}
    texts = [_infinite(part) if part.is_infinite else _one_line(part, symbols) for part in parts]
    result = f"({', '.join(texts)})" if isinstance(formula, tuple) else texts[0]
    return Function(name, tuple(s.name for s in symbols if s in free), (f"return {result}",), frozenset({"np"}))


def _infinite(value: sp.Expr) -> str:
    return "np.inf" if value == sp.oo else "-np.inf"


def _one_line(formula: sp.Expr, symbols: tuple[sp.Symbol, ...]) -> str:
    return lower("end", formula, symbols, {}).lines[-1].removeprefix("return ")


def _module(header: str, doc: str, body: Sequence[Function], names: str, spec: str, tail: Sequence[str]) -> str:
    modules = frozenset().union(*(f.modules for f in body))
    imports = ["import numpy as np", ""] if "np" in modules else []
    if local := sorted(modules - {"np"}):
        imports.append(f"from dekderive.kernels import {', '.join(local)}")
    imports += ["from dekderive.kernels.kernel import Formula, Parameter", f"from dekderive.losses.loss import {names}"]
    text = "\n\n\n".join(f.text for f in body)
    records = "\n\n".join(tail)
    return f"{header}\n{doc}\n\n" + "\n".join(imports) + f'\n\nSPEC = "{spec}"\n\n\n{text}\n\n\n{records}\n'


def _record(model: ConvexLoss, functions: dict[str, Function], sources: Sequence[Citation]) -> str:
    fields = [
        f"name={_quoted(model.name)}",
        f"summary={_quoted(model.summary)}",
        _parameters(model.parameters),
        *(f"{name}={_formula(functions[name])}" for name in _FIELDS),
        f"bound_holds={model.bound_verdict is Verdict.HOLDS}",
        f"support={_formula(functions['support'])}",
        f"lower={_end(model.domain.start)}",
        f"upper={_end(model.domain.end)}",
        f"canonical={model.canonical}",
        f"penalty={'None' if model.penalty is None else 'PENALTY'}",
        "spec=SPEC",
        "sources=(\n" + "".join(f"        {_quoted(str(s))},\n" for s in sources) + "    )",
    ]
    return "LOSS = Loss(\n" + "".join(f"    {field},\n" for field in fields) + ")"


def _penalty_record(penalty: ConvexPenalty, functions: dict[str, Function]) -> str:
    formulas = {name.removeprefix("penalty_"): _formula(f) for name, f in functions.items()}
    fields = [f"name={_quoted(penalty.name)}", _parameters(penalty.parameters)]
    fields += [f"{name}={text}" for name, text in formulas.items()]
    return "PENALTY = Penalty(\n" + "".join(f"    {field},\n" for field in fields) + ")"


def _parameters(parameters: Sequence[tuple[sp.Symbol, Parameter]]) -> str:
    if not parameters:
        return "parameters=()"
    return "parameters=(\n" + "".join(f"        {_parameter(p)},\n" for _, p in parameters) + "    )"


def _parameter(p: Parameter) -> str:
    closed = ", lower_closed=True" if p.lower_closed else ""
    ends = ", ".join(_float(x) for x in (p.lower, p.upper, p.default))
    return f"Parameter({_quoted(p.name)}, {ends}, {_quoted(p.description)}{closed})"


def _float(value: float) -> str:
    return repr(value) if abs(value) != float("inf") else f'float("{value}")'


def _end(value: sp.Expr) -> str:
    return _float(float(value))


def _formula(f: Function) -> str:
    return f"Formula({f.name}, {f.arguments!r})".replace("'", '"')


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _sentence(text: str) -> str:
    return "\n".join(textwrap.wrap(f"{text[0].upper()}{text[1:]}.", 113, break_long_words=False))
