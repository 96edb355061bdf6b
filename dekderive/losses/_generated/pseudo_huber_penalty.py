# Generated from derivations/losses/penalties.py by `python -m codegen update`; edit that file, not this one.
"""Penalty pseudo_huber_penalty, Q = strength*width**2*(sqrt(eta**2/width**2 + 1) - 1)."""

import numpy as np

from dekderive.kernels.kernel import Formula, Parameter
from dekderive.losses.loss import Penalty

SPEC = "aa2d1a223a187623"


def penalty_value(eta, strength, width):
    shared_0 = width * width
    return shared_0 * strength * (np.sqrt(eta * eta / shared_0 + 1.0) - 1.0)


def penalty_slope(eta, strength, width):
    return eta * strength / np.sqrt(eta * eta / (width * width) + 1.0)


def penalty_curvature(eta, strength, width):
    return strength / ((eta * eta / (width * width) + 1.0) * np.sqrt(eta * eta / (width * width) + 1.0))


def penalty_curvature_bound(strength):
    return strength


PENALTY = Penalty(
    name="pseudo_huber_penalty",
    parameters=(
        Parameter("strength", 0.0, float("inf"), 1.0, "known, not estimated", lower_closed=True),
        Parameter("width", 0.0, float("inf"), 1.0, "known, not estimated"),
    ),
    value=Formula(penalty_value, ("eta", "strength", "width")),
    slope=Formula(penalty_slope, ("eta", "strength", "width")),
    curvature=Formula(penalty_curvature, ("eta", "strength", "width")),
    curvature_bound=Formula(penalty_curvature_bound, ("strength",)),
)
