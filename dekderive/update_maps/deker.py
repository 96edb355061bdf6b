"""The deep equilibrium kernel: the limit of stochastic gradient updates on features (Tsuchida and Ong, 2023)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy as sp

from dekderive.citations import cite
from dekderive.duals import dual, mean
from dekderive.kernels.kernel import Chart, Claim, Parameter
from dekderive.symbols import angle, correlation, cxx, cxy, kxx, kxy, kyy, mean_x, mean_y, regularisation, z
from dekderive.update_maps.rectified import inflection_angle, is_rectified
from dekderive.update_maps.update_map import UpdateMap, choose_chart, closed_diagonal, in_chart, mirror

if TYPE_CHECKING:
    from dekderive.reparameterisations import Reparameterisation

__all__ = ["deker"]


def deker(
    link: Reparameterisation,
    *,
    name: str | None = None,
    moments: str | None = None,
    start: sp.Expr | None = None,
    claim: Claim | None = None,
) -> UpdateMap:
    r"""Derive the DEKer update map of an exponential family and a natural map.

    With slope :math:`\rho = R'` and activation :math:`\sigma = (A \circ R)'`, second moments c and means
    :math:`\mu` of the sufficient statistic, and regularisation :math:`\lambda`, the inner products of the SGD feature
    iterates obey

    .. math::

        \lambda^2 k' = c\, \mathbb E[\rho(u)\rho(v)] - \mu(x)\, \mathbb E[\rho(u)\sigma(v)]
                       - \mu(x')\, \mathbb E[\sigma(u)\rho(v)] + \mathbb E[\sigma(u)\sigma(v)].

    The statistic of x multiplies the slope at x, so its mean multiplies E[slope(u) activation(v)].

    Parameters
    ----------
    link : Reparameterisation
        The family with its natural map.
    name : str, optional
        Default ``deker_<family>``.
    moments : str, optional
        Default input moments; chosen from the support of the statistic if omitted.
    start : sympy.Expr, optional
        A starting point in the chart from which Newton's method is proved to converge monotonically.
    claim : Claim, optional
        What is proved of the off-diagonal equation, where that is more than the modulus says.  Both are known for
        the slope ``step(z)`` with activation ``relu(z)``.

    Returns
    -------
    UpdateMap

    Raises
    ------
    NotIntegrable, NoClosedForm
        From the expectations.

    Notes
    -----
    Source: Tsuchida and Ong (2023), Theorem 4, for step size d/m-balanced SGD with m >> d.

    Examples
    --------
    >>> from dekderive.families import gaussian
    >>> from dekderive.atoms import relu
    >>> from dekderive.reparameterisations import Reparameterisation
    >>> update = deker(Reparameterisation(gaussian(), relu(z)))
    >>> update.chart.name
    'ANGLE'
    """
    rho, sigma = link.slope, link.activation
    duals = {
        "slope_slope": dual(rho, rho),
        "slope_activation": dual(rho, sigma),
        "activation_slope": dual(sigma, rho),
        "activation_activation": dual(sigma, sigma),
    }
    expressions = {key: d.emitted for key, d in duals.items()}
    derivatives = {key: d.emitted_derivative() for key, d in duals.items()}
    chart = choose_chart(tuple(duals.values()))
    step = _bilinear(expressions, cxy, mean_x, mean_y)
    diagonal = _diagonal(mean(rho, rho), mean(rho, sigma), mean(sigma, sigma))
    residual = _residual(step, chart)
    if is_rectified(rho, sigma):
        start, claim = start or inflection_angle(), claim or Claim.UNIQUE_ROOT
    modulus = _modulus(rho, sigma) if claim is None else None
    default = Claim.CONTRACTION if modulus is not None else Claim.NONE
    return UpdateMap(
        name=name or f"deker_{link.family.name}",
        summary=f"deep equilibrium kernel, {link.family.name} family, natural map {link.natural_map}",
        model="deker",
        parameters=((regularisation, _REGULARISATION), *((p, _family_parameter(p)) for p in link.family.parameters)),
        inputs=(cxx, mean_x),
        pair_inputs=(cxy,),
        moments=moments or _default_moments(link),
        functions=(("slope", rho), ("activation", sigma)),
        duals=tuple(duals.items()),
        diagonal_step=diagonal,
        step=step,
        step_derivative=_bilinear(derivatives, cxy, mean_x, mean_y),
        chart=chart,
        residual=residual,
        readout=in_chart(kxy, chart),
        readout_diagonal=kxx,
        closed_diagonal=closed_diagonal(diagonal),
        start=start,
        claim=claim or default,
        modulus=modulus,
        origin=cite("tsuchida2023deker"),
    )


_REGULARISATION = Parameter(
    "regularisation", 0.0, float("inf"), 1.0, "prior precision relative to the likelihood; large values shrink features"
)


def _family_parameter(symbol: sp.Symbol) -> Parameter:
    return Parameter(symbol.name, 0.0 if symbol.is_positive else -float("inf"), float("inf"), 1.0, "of the family")


def _bilinear(e: dict[str, sp.Expr], c: sp.Expr, mx: sp.Expr, my: sp.Expr) -> sp.Expr:
    total = c * e["slope_slope"] - mx * e["slope_activation"] - my * e["activation_slope"] + e["activation_activation"]
    return total / regularisation**2


def _diagonal(slope2: sp.Expr, cross: sp.Expr, activation2: sp.Expr) -> sp.Expr:
    return (cxx * slope2 - 2 * mean_x * cross + activation2) / regularisation**2


def _residual(step: sp.Expr, chart: Chart) -> sp.Expr:
    ratio = sp.expand(in_chart(step, chart) / (sp.sqrt(kxx) * sp.sqrt(kyy)))
    # |step| <= sqrt(kxx kyy) (Cauchy-Schwarz), which gives the signs at the two ends of the chart.
    return ratio - sp.cos(angle) if chart is Chart.ANGLE else correlation - ratio


def _modulus(rho: sp.Expr, sigma: sp.Expr) -> sp.Expr | None:
    """sqrt(S_x S_y) / regularisation^2, S_x = E[(c rho'^2 - 2 mu rho' sigma' + sigma'^2)(u)]; None if a slope jumps."""
    d_rho, d_sigma = rho.diff(z), sigma.diff(z)
    if d_rho.has(sp.DiracDelta) or d_sigma.has(sp.DiracDelta):
        return None
    s = cxx * mean(d_rho, d_rho) - 2 * mean_x * mean(d_rho, d_sigma) + mean(d_sigma, d_sigma)
    return sp.sqrt(s) * sp.sqrt(mirror(s)) / regularisation**2


def _default_moments(link: Reparameterisation) -> str:
    """Random features whose values the statistic can take: 0 or 1, +-1, non-negative, or real."""
    lower, upper = link.family.mean_domain.inf, link.family.mean_domain.sup
    if lower == 0:
        return "step_features" if upper == 1 else "relu_features"
    return "sign_features" if (lower, upper) == (-1, 1) else "linear"
