# Generated from derivations/losses/other_links.py by `python -m codegen update`; edit that file, not this one.
"""Ordered category between two thresholds, logit link."""

import numpy as np

from dekderive.kernels import special
from dekderive.kernels.kernel import Formula, Parameter
from dekderive.losses.loss import Loss

SPEC = "b1b4673ec9521f20"


def statistic(y):
    return y


def value(eta, below, above):
    shared_0 = -eta
    return (
        special.softplus(-above - shared_0)
        + special.softplus(below + shared_0)
        - np.log(1.0 - np.exp(below - above))
    )


def slope(eta, below, above):
    shared_0 = -eta
    return special.expit(-above - shared_0) - special.expit(below + shared_0)


def curvature(eta, below, above):
    shared_0 = -eta
    shared_1 = above + shared_0
    shared_2 = below + shared_0
    return special.expit(-shared_1) * special.expit(shared_1) + special.expit(-shared_2) * special.expit(shared_2)


def cross():
    return 0.0


def mean(eta):
    return eta


def mean_slope():
    return 1.0


def curvature_bound():
    return 0.5


def support():
    return (-np.inf, np.inf)


LOSS = Loss(
    name="cumulative_logit",
    summary="ordered category between two thresholds, logit link",
    parameters=(
        Parameter("below", float("-inf"), float("inf"), float("-inf"), "threshold under the category, one an observation"),
        Parameter("above", float("-inf"), float("inf"), float("inf"), "threshold over the category, one an observation"),
    ),
    statistic=Formula(statistic, ("y",)),
    value=Formula(value, ("eta", "below", "above")),
    slope=Formula(slope, ("eta", "below", "above")),
    curvature=Formula(curvature, ("eta", "below", "above")),
    cross=Formula(cross, ()),
    mean=Formula(mean, ("eta",)),
    mean_slope=Formula(mean_slope, ()),
    curvature_bound=Formula(curvature_bound, ()),
    bound_holds=True,
    support=Formula(support, ()),
    lower=float("-inf"),
    upper=float("inf"),
    canonical=False,
    penalty=None,
    spec=SPEC,
    sources=(
        "Tsuchida, Yong, Armin, Petersson and Ong, Declarative nets that are equilibrium models, ICLR 2022, Appendix A",
    ),
)
