"""The update map of a pairwise kernel recursion, and the chart in which its fixed point is solved for."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from dekderive.atoms import Atom, arcsine, rootgap
from dekderive.citations import Citation
from dekderive.duals import Dual
from dekderive.kernels.kernel import Chart, Claim, Parameter
from dekderive.symbols import angle, correlation, cxx, cyy, kxx, kxy, kyy, mean_x, mean_y
from dekderive.update_maps.expectation import ExpectationForms

__all__ = ["UpdateMap", "choose_chart", "closed_diagonal", "in_chart", "mirror", "quadratic_root"]


class quadratic_root(Atom):
    """Smallest positive root of ``c2 q^2 + c1 q + c0``; NaN where there is none."""

    nargs = 3

    @property
    def definition(self) -> sp.Expr:  # noqa: D102 - see Atom
        c2, c1, c0 = self.args
        return (-c1 + sp.sqrt(c1**2 - 4 * c2 * c0)) / (2 * c2)


@dataclass(frozen=True, slots=True)
class UpdateMap:
    """A triangular recursion on covariances: kxx -> diagonal_step, kxy -> step, and what is read at the fixed point.

    Attributes
    ----------
    name, summary, model : str
    parameters : tuple of (sympy.Symbol, Parameter)
    inputs, pair_inputs : tuple of sympy.Symbol
        What one input, and a pair of inputs, contribute.
    moments : str
        Default input moments (``dekderive.gram.moments``).
    functions : tuple of (str, sympy.Expr)
        Names of the scalar functions (activation, slope), as functions of ``z``.
    duals : tuple of (str, Dual)
        The Gaussian expectations that the map is made of.
    diagonal_step, step, step_derivative : sympy.Expr
        Next kxx, next kxy, and the derivative of the latter in kxy from Price's theorem.
    chart : Chart
    residual : sympy.Expr
        The off-diagonal equation in the chart: at most 0 at its lower end, at least 0 at its upper end.
    readout, readout_diagonal : sympy.Expr
        The kernel in the chart, and at x = x'.
    closed_diagonal, start : sympy.Expr or None
    claim : Claim
    modulus : sympy.Expr or None
        A bound of |d step / d kxy| on the whole interval, given the diagonals (Cauchy-Schwarz after Price).
    origin : Citation
    expectations : tuple of (str, ExpectationForms)
        Of a deep equilibrium model: ``activation`` and, for its tangent kernel, ``slope``, as in a network of finite
        depth; empty otherwise.
    read : str
        Of a deep equilibrium model: what is read off the fixed point.
    """

    name: str
    summary: str
    model: str
    parameters: tuple[tuple[sp.Symbol, Parameter], ...]
    inputs: tuple[sp.Symbol, ...]
    pair_inputs: tuple[sp.Symbol, ...]
    moments: str
    functions: tuple[tuple[str, sp.Expr], ...]
    duals: tuple[tuple[str, Dual], ...]
    diagonal_step: sp.Expr
    step: sp.Expr
    step_derivative: sp.Expr
    chart: Chart
    residual: sp.Expr
    readout: sp.Expr
    readout_diagonal: sp.Expr
    closed_diagonal: sp.Expr | None
    start: sp.Expr | None
    claim: Claim
    modulus: sp.Expr | None
    origin: Citation
    expectations: tuple[tuple[str, ExpectationForms], ...] = ()
    read: str = "preactivation"

    @property
    def activation_parameters(self) -> tuple[sp.Symbol, ...]:
        """Parameters of the activation of a deep equilibrium model, in order."""
        return tuple(symbol for symbol, _ in self.parameters[3:])

    @property
    def chart_symbol(self) -> sp.Symbol:
        """The unknown of the off-diagonal equation."""
        return angle if self.chart is Chart.ANGLE else correlation

    @property
    def residual_derivative(self) -> sp.Expr:
        """Derivative of the residual in the chart.

        In the angle chart the residual has no singularity, so it is differentiated as it stands.  In the correlation
        chart it is 1 - step', with step' from Price's theorem.
        """
        if self.chart is Chart.ANGLE:
            return self.residual.diff(angle)
        return 1 - in_chart(self.step_derivative, self.chart)


def choose_chart(duals: tuple[Dual, ...]) -> Chart:
    """Angle, if some dual has the square-root singularity at kxy^2 = kxx kyy; otherwise correlation."""
    return Chart.ANGLE if any(d.singular for d in duals) else Chart.CORRELATION


def in_chart(expression: sp.Expr, chart: Chart) -> sp.Expr:
    """Substitute kxy (and, in the angle chart, its singular functions) by the chart coordinate."""
    scale = sp.sqrt(kxx) * sp.sqrt(kyy)
    if chart is Chart.CORRELATION:
        return expression.xreplace({kxy: scale * correlation})
    singular = {
        rootgap(kxx, kyy, kxy): scale * sp.sin(angle),
        arcsine(kxx, kyy, kxy): sp.pi / 2 - angle,
    }
    return expression.xreplace(singular).xreplace({kxy: scale * sp.cos(angle)})


def mirror(expression: sp.Expr) -> sp.Expr:
    """Exchange the roles of x and y."""
    pairs = ((kxx, kyy), (cxx, cyy), (mean_x, mean_y))
    return expression.xreplace({a: b for a, b in pairs} | {b: a for a, b in pairs})


def closed_diagonal(diagonal_step: sp.Expr) -> sp.Expr | None:
    """Solve kxx = diagonal_step(kxx) where it is a quadratic equation in sqrt(kxx); None where it is not.

    Examples
    --------
    >>> from dekderive.symbols import cxx, regularisation
    >>> closed_diagonal(cxx / regularisation**2 + kxx / 4)
    4*cxx/(3*regularisation**2)
    """
    q = sp.Symbol("q_", positive=True)
    equation = sp.expand((kxx - diagonal_step).xreplace({kxx: q**2}))
    if not equation.is_polynomial(q):
        return None
    poly = sp.Poly(equation, q)
    if poly.degree() != 2:
        return None
    coefficients = [poly.coeff_monomial(q**i) for i in (2, 1, 0)]
    # Multiply by what the parameters are divided by: lambda^2 - 1/2 keeps digits that 1 - 1/(2 lambda^2) has lost.
    denominators = [sp.denom(sp.together(c)).as_independent(*c.free_symbols)[1] for c in coefficients if c.free_symbols]
    common = sp.lcm_list(denominators) if denominators else sp.S.One
    c2, c1, c0 = (sp.expand(c * common) for c in coefficients)
    return -c0 / c2 if c1 == 0 else quadratic_root(c2, c1, c0) ** 2
