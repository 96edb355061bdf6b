# Generated from derivations/losses/canonical.py by `python -m codegen update`; edit that file, not this one.
"""Binomial family, canonical link."""

from dekderive.kernels import special
from dekderive.kernels.kernel import Formula, Parameter
from dekderive.losses.loss import Loss

SPEC = "d48ec6b3b28fea1d"


def statistic(y):
    return y


def value(eta, y, trials):
    return y * special.softplus(-eta) + (trials - y) * special.softplus(eta)


def slope(eta, y, trials):
    return (trials - y) * special.expit(eta) - y * special.expit(-eta)


def curvature(eta, trials):
    return trials * special.expit(-eta) * special.expit(eta)


def cross():
    return -1.0


def mean(eta, trials):
    return trials * special.expit(eta)


def mean_slope(eta, trials):
    return trials * special.expit(-eta) * special.expit(eta)


def curvature_bound(trials):
    return 0.25 * trials


def support(trials):
    return (
        0.0,
        trials,
    )


LOSS = Loss(
    name="binomial",
    summary="binomial family, canonical link",
    parameters=(
        Parameter("trials", 0.0, float("inf"), 1.0, "known, not estimated"),
    ),
    statistic=Formula(statistic, ("y",)),
    value=Formula(value, ("eta", "y", "trials")),
    slope=Formula(slope, ("eta", "y", "trials")),
    curvature=Formula(curvature, ("eta", "trials")),
    cross=Formula(cross, ()),
    mean=Formula(mean, ("eta", "trials")),
    mean_slope=Formula(mean_slope, ("eta", "trials")),
    curvature_bound=Formula(curvature_bound, ("trials",)),
    bound_holds=True,
    support=Formula(support, ("trials",)),
    lower=float("-inf"),
    upper=float("inf"),
    canonical=True,
    penalty=None,
    spec=SPEC,
    sources=(
        "Tsuchida, Yong, Armin, Petersson and Ong, Declarative nets that are equilibrium models, ICLR 2022, Theorem 3",
    ),
)
