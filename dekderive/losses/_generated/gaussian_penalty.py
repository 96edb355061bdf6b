# Generated from derivations/losses/penalties.py by `python -m codegen update`; edit that file, not this one.
"""Penalty gaussian_penalty, Q = eta**2*strength/2."""

from dekderive.kernels.kernel import Formula, Parameter
from dekderive.losses.loss import Penalty

SPEC = "2e5a565ce88ef75e"


def penalty_value(eta, strength):
    return 0.5 * eta * eta * strength


def penalty_slope(eta, strength):
    return eta * strength


def penalty_curvature(strength):
    return strength


def penalty_curvature_bound(strength):
    return strength


PENALTY = Penalty(
    name="gaussian_penalty",
    parameters=(
        Parameter("strength", 0.0, float("inf"), 1.0, "known, not estimated", lower_closed=True),
    ),
    value=Formula(penalty_value, ("eta", "strength")),
    slope=Formula(penalty_slope, ("eta", "strength")),
    curvature=Formula(penalty_curvature, ("strength",)),
    curvature_bound=Formula(penalty_curvature_bound, ("strength",)),
)
