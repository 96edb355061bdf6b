"""Activations, and the scalars of equivalents -> text of importable modules."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace

import sympy as sp

from dekderive.duals import dual, mean
from dekderive.duals.numeric import NUMERIC_NODES
from dekderive.equivalents.activation import Activation
from dekderive.errors import InvalidInput
from dekderive.kernels.execution import from_text
from dekderive.programs.lower import Function, lower
from dekderive.programs.scalar_text import analytic_text, functions, piecewise_text
from dekderive.symbols import kxx, z
from dekderive.update_maps.certified import lipschitz_bound
from dekderive.update_maps.expectation import regular_derivative
from dekderive.update_maps.specification import spec

__all__ = ["compile_activation", "emit_activation", "moment_formulas", "scalars_text"]

_VARIANCE, _COVARIANCE = ("kxx",), ("kxx", "kyy", "kxy")


def moment_formulas(activation: sp.Expr) -> dict[str, sp.Expr]:
    r"""Return the Gaussian moments of an activation as expressions, by field of ``Activation``.

    Where the activation jumps, its slope is a distribution: :math:`\mathbb E\phi' = \mathbb E[u\phi]/q` (Stein), and
    :math:`\mathbb E\phi'^2` is infinite.

    Examples
    --------
    >>> from dekderive.atoms import relu
    >>> moment_formulas(relu(z))["curvature_mean"]
    sqrt(2)/(2*sqrt(pi)*sqrt(kxx))
    """
    slope, jumps = regular_derivative(activation)
    first, second = mean(sp.S.One, activation), mean(activation, activation)
    conjugate = dual(activation)
    return {
        "mean": first,
        "slope_mean": mean(z, activation) / kxx if jumps else mean(sp.S.One, slope),
        "curvature_mean": 2 * first.diff(kxx),
        "second": second,
        "second_slope": second.diff(kxx),
        "slope_second": sp.oo if jumps else mean(slope, slope),
        "dual": conjugate.emitted,
        "slope_dual": conjugate.emitted_derivative(),
    }


def compile_activation(activation: sp.Expr, *, name: str = "activation") -> Activation:
    """Return the record of an activation for equivalents, generated in memory: closed forms where there are some.

    Parameters
    ----------
    activation : sympy.Expr
        A function of ``dekderive.symbols.z`` without other symbols; it need not be centred.
    name : str, optional

    Returns
    -------
    Activation

    Raises
    ------
    InvalidInput
        If it has other symbols, or is constant.
    NotIntegrable, UnprintableNode
        From the expectations, and from the printer.

    Examples
    --------
    >>> from dekderive.atoms import relu
    >>> record = compile_activation(relu(z) ** 2 / 2, name="rectified_square")
    >>> float(record.slope_second(1.0)), record.lipschitz
    (0.5, inf)
    """
    record: Activation = from_text(emit_activation(activation, name=name), name, "ACTIVATION")
    return record


def emit_activation(activation: sp.Expr, *, name: str = "activation", header: str = "# Generated in memory.") -> str:
    """Return the source of a module that defines ``ACTIVATION``.

    Parameters
    ----------
    activation, name
        As for :func:`compile_activation`, which also lists what is raised.
    header : str, optional
        First line of the module, a comment that says where it comes from.

    Examples
    --------
    >>> "ACTIVATION = Activation(" in emit_activation(sp.erf(z), name="erf")
    True
    """
    if activation.free_symbols != {z}:
        raise InvalidInput(f"an activation is a function of z alone; {activation} has {activation.free_symbols}")
    formulas = moment_formulas(activation)
    needed = {f for e in formulas.values() for node in e.atoms(*NUMERIC_NODES) for f in node.args[:2]} | {activation}
    names = {f: f"function_{i}" for i, f in enumerate(sorted(needed - {activation}, key=sp.default_sort_key))}
    names[activation] = "activation"
    body: list[Function] = []
    for f, label in sorted(names.items(), key=lambda item: item[1]):
        body += _function_of_z(label, f)
    for field, formula in formulas.items():
        arguments = _COVARIANCE if field in ("dual", "slope_dual") else _VARIANCE
        body.append(_moment(field, formula, arguments, names))
    bound = lipschitz_bound(activation)
    fields = [f'name="{name}"', "function=activation", *(f"{field}={field}" for field in formulas)]
    fields += [f"lipschitz={'np.inf' if bound is None else repr(float(bound))}", "spec=SPEC"]
    record = "ACTIVATION = Activation(\n" + "".join(f"    {field},\n" for field in fields) + ")"
    doc = textwrap.fill(f"Gaussian moments of {activation}, of variance kxx.", 116)
    imports = "from dekderive.equivalents.activation import Activation"
    return _module(header, doc, body, imports, record, spec((name, activation)))


def _function_of_z(name: str, f: sp.Expr) -> list[Function]:
    *pieces, function = functions(name, f)
    decorator = analytic_text(f) or piecewise_text(f)
    if decorator is not None:
        function = replace(function, decorator=decorator, modules=function.modules | {"hermite"})
    return [*pieces, function]


def _moment(field: str, formula: sp.Expr, arguments: tuple[str, ...], names: Mapping[sp.Expr, str]) -> Function:
    if formula == sp.oo:
        return Function(field, arguments, ("return np.inf",), frozenset({"np"}))
    return replace(lower(field, formula, (), names), arguments=arguments)


def scalars_text(
    groups: Mapping[str, tuple[Sequence[sp.Symbol], Mapping[str, sp.Expr]]], *, header: str, doc: str
) -> str:
    """Return the source of a module with a function for each group of scalars; it returns them in their order.

    Parameters
    ----------
    groups : mapping of str to (symbols, formulas)
        Name of the function, its arguments in order, and what it returns.
    header, doc : str

    Examples
    --------
    >>> x = sp.Symbol("x", positive=True)
    >>> "def twice(x):" in scalars_text({"twice": ((x,), {"y": 2 * x})}, header="# mine", doc="Doubles.")
    True
    """
    body = []
    for name, (symbols, formulas) in groups.items():
        function = lower(name, tuple(formulas.values()), tuple(symbols), {})
        comment = f"# Returns {', '.join(formulas)}."
        body.append(replace(function, arguments=tuple(s.name for s in symbols), lines=(comment, *function.lines)))
    digest = spec(tuple((name, *formulas.values()) for name, (_, formulas) in groups.items()))
    return _module(header, doc, body, "", "", digest)


def _module(header: str, doc: str, body: Sequence[Function], imports: str, record: str, digest: str) -> str:
    modules = frozenset().union(*(f.modules for f in body)) | ({"np"} if "np." in record else set())
    lines = ["import numpy as np", ""] if "np" in modules else []
    if local := sorted(modules - {"np"}):
        lines = [*lines[:-1], "", f"from dekderive.kernels import {', '.join(local)}"]
        lines = lines[1:] if not lines[0] else lines
    if imports:
        at = len(lines) - 1 if local and lines and imports < lines[-1] else len(lines)
        lines = [*lines[:at], imports, *lines[at:]]
    parts = [f'{header}\n"""{doc}"""', "\n".join(lines).rstrip(), f'SPEC = "{digest}"']
    text = "\n\n".join(p for p in parts if p) + "\n\n\n" + "\n\n\n".join(f.text for f in body)
    return text + (f"\n\n\n{record}\n" if record else "\n")
