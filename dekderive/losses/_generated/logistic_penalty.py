# Generated from derivations/losses/penalties.py by `python -m codegen update`; edit that file, not this one.
"""Penalty logistic_penalty, Q = strength*(-eta + 2*softplus(eta))."""

import numpy as np

from dekderive.kernels import special
from dekderive.kernels.kernel import Formula, Parameter
from dekderive.losses.loss import Penalty

SPEC = "b0e464371ed7f72c"


def penalty_value(eta, strength):
    return strength * (2.0 * special.softplus(eta) - eta)


def penalty_slope(eta, strength):
    return strength * np.tanh(0.5 * eta)


def penalty_curvature(eta, strength):
    return 2.0 * strength * special.expit(-eta) * special.expit(eta)


def penalty_curvature_bound(strength):
    return 0.5 * strength


PENALTY = Penalty(
    name="logistic_penalty",
    parameters=(
        Parameter("strength", 0.0, float("inf"), 1.0, "known, not estimated", lower_closed=True),
    ),
    value=Formula(penalty_value, ("eta", "strength")),
    slope=Formula(penalty_slope, ("eta", "strength")),
    curvature=Formula(penalty_curvature, ("eta", "strength")),
    curvature_bound=Formula(penalty_curvature_bound, ("strength",)),
)
