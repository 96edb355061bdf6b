# Generated from derivations/losses/other_links.py by `python -m codegen update`; edit that file, not this one.
"""Bernoulli family, probit link."""

import numpy as np

from dekderive.kernels import special
from dekderive.kernels.kernel import Formula, Parameter
from dekderive.losses.loss import Loss

SPEC = "5d07c9926896f19b"


def statistic(y):
    return y


def value(eta, y):
    return -y * special.log_ndtr(eta) - (1.0 - y) * special.log_ndtr(-eta)


def slope(eta, y):
    return (1.0 - y) * special.inverse_mills(-eta) - y * special.inverse_mills(eta)


def curvature(eta, y):
    shared_0 = -eta
    return (
        y * special.inverse_mills(eta) * special.truncated_normal_mean(eta)
        + (1.0 - y) * special.inverse_mills(shared_0) * special.truncated_normal_mean(shared_0)
    )


def cross(eta):
    return -special.inverse_mills(-eta) - special.inverse_mills(eta)


def mean(eta):
    return special.ndtr(eta)


def mean_slope(eta):
    return 0.3989422804014327 * np.exp(-0.5 * eta * eta)


def curvature_bound():
    return 1.0


def support():
    return (
        0.0,
        1.0,
    )


LOSS = Loss(
    name="probit",
    summary="Bernoulli family, probit link",
    parameters=(),
    statistic=Formula(statistic, ("y",)),
    value=Formula(value, ("eta", "y")),
    slope=Formula(slope, ("eta", "y")),
    curvature=Formula(curvature, ("eta", "y")),
    cross=Formula(cross, ("eta",)),
    mean=Formula(mean, ("eta",)),
    mean_slope=Formula(mean_slope, ("eta",)),
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
