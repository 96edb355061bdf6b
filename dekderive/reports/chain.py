"""The chain of a derivation, A -> R -> activation -> duals -> update map -> chart -> readout, as titled formulas."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from dekderive.derivation import Derivation
from dekderive.families.family import Family
from dekderive.kernels.kernel import Chart, Claim
from dekderive.reparameterisations import Reparameterisation
from dekderive.reports.typeset import equation, interval
from dekderive.update_maps.layered import LayeredMap
from dekderive.update_maps.update_map import UpdateMap

__all__ = ["Formula", "Section", "chain", "family_section"]

# Letters of the scalar functions in each model's paper.
_FUNCTIONS = {
    "deker": {"slope": r"\rho", "activation": r"\sigma"},
    **{
        model: {"activation": r"\varphi", "activation_slope": r"\varphi'", "slope": r"\varphi'"}
        for model in ("deq_nngp", "deq_ntk", "implicit_ck", "implicit_ntk", "nngp", "ntk")
    },
}
_IMPLICIT = (
    r"k_{xy}' = \sigma_{a}^{2}\, \mathbb{E}[(\varphi(u) - b)(\varphi(v) - b)] + \sigma_{b}^{2}\, c_{xy}",
    "One application of the weights and the injected inputs; b is the mean of the activation at equilibrium.",
)
_RECURSIONS = {
    "implicit_ck": _IMPLICIT,
    "implicit_ntk": _IMPLICIT,
    "deker": (
        r"\lambda^{2} k_{xy}' = c_{xy}\, \mathbb{E}[\rho(u) \rho(v)] - \mu_{x}\, \mathbb{E}[\rho(u) \sigma(v)]"
        r" - \mu_{y}\, \mathbb{E}[\sigma(u) \rho(v)] + \mathbb{E}[\sigma(u) \sigma(v)]",
        "The statistic of x multiplies the slope at x, so its mean multiplies E[slope(u) activation(v)].",
    ),
    "deq_ntk": (
        r"k_{xy}' = \sigma_{w}^{2}\, \mathbb{E}[\varphi(u) \varphi(v)] + \sigma_{u}^{2}\, c_{xy} + \sigma_{b}^{2}",
        "One application of the weights, the injected inputs and the bias.",
    ),
}
_RECURSIONS["deq_nngp"] = _RECURSIONS["deq_ntk"]


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula for a page and for a terminal."""

    lines: tuple[str, ...]  # LaTeX, one string a line
    text: str  # the same in the words of the code
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the chain: a title, and its formulas."""

    title: str
    formulas: tuple[Formula, ...]
    note: str = ""


def chain(derivation: Derivation, link: Reparameterisation | None = None) -> tuple[Section, ...]:
    """Return the parts of a derivation in the order in which they follow from each other.

    Parameters
    ----------
    derivation : Derivation
    link : Reparameterisation, optional
        The family and its natural map, which an update map no longer knows.

    Examples
    --------
    >>> from dekderive.atoms import relu
    >>> from dekderive.symbols import z
    >>> from dekderive.update_maps import deq_ntk, normalised
    >>> [part.title for part in chain(Derivation(deq_ntk(normalised(relu(z)), name="mine")))][:2]
    ['Scalar functions', 'Gaussian expectations']
    """
    u = derivation.update_map
    if isinstance(u, LayeredMap):
        return _functions(u), _duals(u), _layers(u)
    family = () if link is None else (family_section(link.family), _natural_map(link))
    return (*family, _functions(u), _duals(u), _update(u), _chart(u), _readout(u))


def _formula(left: str, name: str, expression: sp.Expr, note: str = "", relation: str = "=") -> Formula:
    return Formula(equation(left, expression, relation=relation), f"{name} = {expression}", note)


def family_section(family: Family) -> Section:
    """Return the log-partition of a family and what follows from it alone."""
    domain = Formula((rf"\eta \in {interval(family.domain)}",), f"eta in {family.domain}")
    return Section(
        "Exponential family",
        (
            _formula(r"A(\eta)", "A(eta)", family.log_partition),
            domain,
            _formula(r"A'(\eta)", "A'(eta)", family.mean, "the mean of the sufficient statistic"),
            _formula(r"A''(\eta)", "A''(eta)", family.variance, "its variance"),
        ),
        f"{family.name}: p(y | η) = h(y) exp(η T(y) - A(η)), and everything below follows from the log-partition A.",
    )


def _natural_map(link: Reparameterisation) -> Section:
    return Section(
        "Natural map",
        (_formula(r"\eta = R(z)", "R(z)", link.natural_map),),
        "How the pre-activation z of a unit sets the natural parameter.",
    )


def _functions(u: UpdateMap | LayeredMap) -> Section:
    origins = {"slope": r"\rho(z) = R'(z)", "activation": r"\sigma(z) = (A \circ R)'(z)"} if u.model == "deker" else {}
    formulas = (
        _formula(origins.get(name, f"{_letter(u, name)}(z)"), f"{name}(z)", f) for name, f in reversed(u.functions)
    )
    return Section("Scalar functions", tuple(formulas))


def _layers(u: LayeredMap) -> Section:
    """The recursion, and the gap after one layer where the angle determines it."""
    recursion = r"K^{l+1} = \sigma_{w}^{2}\, \mathbb{E}[\varphi(u) \varphi(v)] + \sigma_{b}^{2}"
    formulas = [Formula((recursion,), "next K = weight_variance * E[activation(u) activation(v)] + bias_variance")]
    if u.slope is not None:
        tangent = r"\Theta^{l+1} = K^{l+1} + \sigma_{w}^{2}\, \mathbb{E}[\varphi'(u) \varphi'(v)]\, \Theta^{l}"
        text = "next tangent kernel = next K + weight_variance * E[slope(u) slope(v)] * tangent kernel"
        formulas.append(Formula((tangent,), text))
    for name, forms in u.expectations:
        if forms.loss is not None:
            left = rf"1 - V_{{{_letter(u, name)}}}(\theta) / V_{{{_letter(u, name)}}}(0)"
            formulas.append(_formula(left, f"gap of the {name}", forms.loss))
    return Section("Layers", tuple(formulas))


def _letter(u: UpdateMap | LayeredMap, name: str) -> str:
    return _FUNCTIONS.get(u.model, {}).get(name, rf"\operatorname{{{name}}}")


def _duals(u: UpdateMap | LayeredMap) -> Section:
    formulas = []
    for key, dual in u.duals:
        left, right = key.split("_")
        expectation = rf"\mathbb{{E}}[{_letter(u, left)}(u)\, {_letter(u, right)}(v)]"
        finite = "".join(f"; finite while {c} > 0" for c in dual.conditions)
        if dual.closed:
            formula = _formula(expectation, f"E[{left}(u) {right}(v)]", dual.expression, dual.rule + finite)
        else:
            series = r"\sum_{n \geq 0} \alpha_{n} \beta_{n} \left(\frac{k_{xy}}{\sqrt{k_{xx} k_{yy}}}\right)^{n}"
            note = "no closed form in this engine: Hermite coefficients, with the Parseval remainder at run time"
            formula = Formula((f"{expectation} = {series}",), f"E[{left}(u) {right}(v)]: Hermite series", note)
        formulas.append(formula)
    return Section(
        "Gaussian expectations",
        tuple(formulas),
        "(u, v) is Gaussian with mean 0, variances kxx and kyy, and covariance kxy.",
    )


def _update(u: UpdateMap) -> Section:
    general, note = _RECURSIONS[u.model]
    formulas = [
        Formula((general,), "", note),
        _formula("k_{xx}'", "next kxx", u.diagonal_step, "the same at x = y: an equation for the variance alone"),
    ]
    if all(d.closed for _, d in u.duals):
        formulas.append(_formula("k_{xy}'", "next kxy", u.step, "the covariance, given the variances"))
    if u.closed_diagonal is not None:
        formulas.append(_formula("k_{xx}", "kxx", *_closed(u.closed_diagonal), relation="="))
    return Section("Update map", tuple(formulas))


def _closed(expression: sp.Expr) -> tuple[sp.Expr, str]:
    """The closed diagonal; a smallest positive root of a quadratic is written out."""
    from dekderive.update_maps.update_map import quadratic_root

    spelt = expression.replace(quadratic_root, lambda a, b, c: -2 * c / (b + sp.sqrt(b**2 - 4 * a * c)))
    return spelt, "fixed point of the variance, in closed form"


def _chart(u: UpdateMap) -> Section:
    if u.chart is Chart.ANGLE:
        place, unknown = r"k_{xy} = \sqrt{k_{xx} k_{yy}}\, \cos\theta, \quad \theta \in [0, \pi]", r"F(\theta)"
        why = "The angle removes the square-root singularity at correlation ±1."
    else:
        place, unknown = r"k_{xy} = r \sqrt{k_{xx} k_{yy}}, \quad r \in [-1, 1]", "F(r)"
        why = "The expectations are smooth in the correlation up to its ends."
    formulas = [Formula((place,), f"chart: {u.chart.value}")]
    if all(d.closed for _, d in u.duals):
        formulas.append(_formula(unknown, "residual", u.residual, "the kernel solves F = 0"))
    if u.modulus is not None and u.claim is Claim.CONTRACTION:
        formulas.append(_formula("q", "modulus", u.modulus, "the map is a contraction where q < 1"))
    return Section("Equation for the covariance", tuple(formulas), f"{why} Claim: {u.claim.value}.")


def _readout(u: UpdateMap) -> Section:
    formulas = [_formula(r"K(x, y)", "K(x, y)", u.readout), _formula(r"K(x, x)", "K(x, x)", u.readout_diagonal)]
    if any(f.text.count("dual(") for f in formulas):  # a numeric node has nothing to show but its name
        formulas = formulas[1:]
    return Section("Readout", tuple(formulas), "Evaluated at the fixed point.")
