"""Convex losses beyond canonical links: the same equation f = -(K/lambda) l'(f + M; y), the same solvers.

* gamma, negative binomial and Tweedie with the log link: minus the logarithm of the likelihood is convex in the
  logarithm of the mean, which the canonical parameter of these families is not;
* probit: minus log Phi is convex, with second derivative 1 - v, where v in (0, 1) is the variance of a truncated
  normal; a weighted sum of it and of its mirror image is therefore bounded by 1;
* pseudo-Huber: quadratic near the datum, linear far from it;
* cumulative logit: an ordered category between two thresholds u > l has probability expit(u - f) - expit(l - f) =
  expit(u - f) expit(f - l) (1 - exp(l - u)), a product whose logarithm loses no digits.  Its curvature is the
  sum of two logistic densities, at most 1/4 each.
"""

import sympy as sp

from dekderive.atoms import log_ndtr, ndtr, softplus
from dekderive.kernels.kernel import Parameter
from dekderive.parameters import parameter
from dekderive.symbols import eta, y
from dekderive.update_maps import convex_loss
from dekderive.verdict import Verdict

shape = parameter("shape", positive=True)
size = parameter("size", positive=True)
power = parameter("power", positive=True)
width = parameter("width", positive=True)
below = parameter("below")
above = parameter("above")
INFINITY = float("inf")

models = (
    convex_loss(
        "gamma_log",
        shape * (eta + y * sp.exp(-eta)),
        mean=sp.exp(eta),
        parameters=(shape,),
        support=(sp.S.Zero, sp.oo),
        summary="gamma family with known shape, log link",
    ),
    convex_loss(
        "negative_binomial_log",
        (y + size) * softplus(eta - sp.log(size)) - y * eta,
        mean=sp.exp(eta),
        curvature_bound=(y + size) / 4,
        bound_verdict=Verdict.HOLDS,
        parameters=(size,),
        support=(sp.S.Zero, sp.oo),
        summary="negative binomial family with known size, log link",
    ),
    convex_loss(
        "tweedie_log",
        sp.exp((2 - power) * eta) / (2 - power) - y * sp.exp((1 - power) * eta) / (1 - power),
        mean=sp.exp(eta),
        parameters=(power,),
        ranges=(Parameter("power", 1.0, 2.0, 1.5, "variance = mean^power"),),
        support=(sp.S.Zero, sp.oo),
        summary="Tweedie (compound Poisson-gamma) family with known power between 1 and 2, log link",
    ),
    convex_loss(
        "probit",
        -y * log_ndtr(eta) - (1 - y) * log_ndtr(-eta),
        mean=ndtr(eta),
        curvature_bound=sp.S.One,
        bound_verdict=Verdict.HOLDS,
        support=(sp.S.Zero, sp.S.One),
        summary="Bernoulli family, probit link",
    ),
    convex_loss(
        "pseudo_huber",
        width**2 * (sp.sqrt(1 + ((eta - y) / width) ** 2) - 1),
        mean=eta,
        curvature=(1 + ((eta - y) / width) ** 2) ** sp.Rational(-3, 2),
        curvature_bound=sp.S.One,
        bound_verdict=Verdict.HOLDS,
        parameters=(width,),
        summary="pseudo-Huber loss of a location",
    ),
    convex_loss(
        "cumulative_logit",
        softplus(eta - above) + softplus(below - eta) - sp.log(1 - sp.exp(below - above)),
        mean=eta,
        curvature_bound=sp.S.Half,
        bound_verdict=Verdict.HOLDS,
        parameters=(below, above),
        ranges=(
            Parameter("below", -INFINITY, INFINITY, -INFINITY, "threshold under the category, one an observation"),
            Parameter("above", -INFINITY, INFINITY, INFINITY, "threshold over the category, one an observation"),
        ),
        summary="ordered category between two thresholds, logit link",
    ),
)
