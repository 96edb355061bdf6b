"""Accuracy against depth: the tangent kernel of a plain network freezes, that of an equilibrium model settles.

Figure 1 of Feng and Kolter.  Both are kernels of networks with L activations, inputs of norm 1 and variances that sum
to 1.  Without injected inputs the covariance of all pairs tends to 1, and the kernel matrix to a constant one; with
injected inputs it tends to the DEQ-NTK.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from dekderive.experiments.classification import draws, mean_and_error, require_memory
from dekderive.experiments.depths import Angles, Gram, injected, plain, profile
from dekderive.experiments.deq_ntk import PAPER
from dekderive.experiments.experiment import Curve, Experiment, Outcome, Row, Settings, Sizes
from dekderive.experiments.figures import draw_curves
from dekderive.verdict import Check, Verdict

__all__ = ["DEPTHS", "FREEZE", "later", "run"]

DEPTHS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100)
# (weight variance, bias variance) of the plain networks, with sum 1; of the latter 0.1 stays bias with injection.
PANELS = ((0.25, 0.75), (0.6, 0.4), (0.8, 0.2))

Array = NDArray[np.float64]


def run(
    settings: Settings, panels: tuple[tuple[float, float], ...] = PANELS, depths: tuple[int, ...] = DEPTHS
) -> Outcome:
    """Measure every depth on every draw.

    Parameters
    ----------
    settings : Settings
    panels : tuple of (float, float)
        Weight and bias variances of the plain networks.
    depths : tuple of int
        In increasing order.

    Returns
    -------
    Outcome
        A row for each kernel, panel and depth (None where it is infinite), two checks for each panel, one of all.
    """
    require_memory(settings, settings.data.x_train[0].size)
    every = [Angles.of(draw) for draw in draws(settings)]
    rows: list[Row] = []
    curves: list[Curve] = []
    checks: list[Check] = []
    plain_means: list[Array] = []
    for weight, bias in panels:
        models: dict[str, dict[int | None, Gram]] = {
            "NTK": {depth: plain(weight, bias, depth) for depth in depths},
            "DEQ-NTK": {depth: injected(weight, bias, depth) for depth in (*depths, None)},
        }
        panel = f"weight variance {weight:g}, bias variance {bias:g}"
        measured: dict[str, Array] = {}
        for name, by_depth in models.items():
            settings.say(f"{name}, {panel}: {len(every)} draws of {len(by_depth)} depths")
            begin = time.perf_counter()
            profiles = [profile(model) for model in by_depth.values()]
            measured[name] = np.array([angles.accuracies(profiles, settings.regularisation) for angles in every])
            seconds = (time.perf_counter() - begin) / measured[name].size
            rows += _rows(name, tuple(by_depth), measured[name], (weight, bias), settings, seconds)
            curves += _curves(name, panel, depths, measured[name], settings)
        checks += _checks(panel, depths[-1], measured, settings)
        plain_means.append(measured["NTK"].mean(axis=0))
    if len(panels) > 1:
        checks.append(later(tuple(weight for weight, _ in panels), plain_means, depths))
    return Outcome(tuple(rows), tuple(checks), (), tuple(curves))


def _rows(
    name: str,
    depths: tuple[int | None, ...],
    found: Array,
    panel: tuple[float, float],
    settings: Settings,
    seconds: float,
) -> list[Row]:
    rows = []
    for depth, column in zip(depths, found.T, strict=True):
        mean, error, kind = mean_and_error(column.tolist(), settings.sizes.test)
        label = f"{name} {panel[0]:g}, {panel[1]:g}, depth {'infinite' if depth is None else depth}"
        parameters = {
            "weight_variance": panel[0],
            "bias_variance": panel[1],
            "depth": depth,
        }
        rows.append(Row(label, parameters, mean, error, kind, seconds))
    return rows


def _half_widths(found: Array, test: int) -> Array:
    """Of 95 % confidence intervals of the means: Student's over draws, normal for a single one."""
    if len(found) == 1:
        return np.asarray(1.96 * np.sqrt(found[0] * (1 - found[0]) / test))
    scale = student.ppf(0.975, len(found) - 1) / math.sqrt(len(found))
    return np.asarray(scale * found.std(axis=0, ddof=1))


def _curves(name: str, panel: str, depths: tuple[int, ...], found: Array, settings: Settings) -> list[Curve]:
    mean, half = found.mean(axis=0), _half_widths(found, settings.sizes.test)
    count, x = len(depths), tuple(map(float, depths))
    curves = [Curve(panel, f"{name}, finite depth", x, tuple(mean[:count].tolist()), tuple(half[:count].tolist()))]
    if len(mean) > count:
        curves.append(Curve(panel, f"{name}, infinite depth", (), (float(mean[-1]),), (float(half[-1]),)))
    return curves


def _checks(panel: str, deepest: int, measured: dict[str, Array], settings: Settings) -> list[Check]:
    """Two claims of the paper: the plain kernel falls behind, the other one stays where the limit is.

    Accuracies of the same draw are compared, since the draws differ by more than the kernels do.
    """
    plain_network, equilibrium = measured["NTK"], measured["DEQ-NTK"]
    ahead, mean = equilibrium[:, -2] - plain_network[:, -1], float((equilibrium[:, -2] - plain_network[:, -1]).mean())
    half = _half_width_of_difference(ahead, settings.sizes.test)
    verdict = Verdict.HOLDS if mean > half else Verdict.FAILS if mean < -half else Verdict.UNDECIDED
    moved = equilibrium[:, -2] - equilibrium[:, -1]
    near, width = float(moved.mean()), _half_width_of_difference(moved, settings.sizes.test)
    stays = Verdict.HOLDS if abs(near) <= max(width, 1 / settings.sizes.test) else Verdict.FAILS
    return [
        Check(
            f"freeze: {panel}",
            f"at depth {deepest} the NTK is worse than the kernel with injection",
            verdict,
            f"by {mean:.2%}, 95 % half-width {half:.2%}",
        ),
        Check(
            f"limit: {panel}",
            f"the kernel with injection of depth {deepest} is as good as that of infinite depth",
            stays,
            f"difference {near:+.2%}, 95 % half-width {width:.2%}",
        ),
    ]


def _half_width_of_difference(found: Array, test: int) -> float:
    """Of the 95 % confidence interval of a mean difference; for one draw a bound, since its variance is at most 1/2."""
    if len(found) == 1:
        return 1.96 * math.sqrt(0.5 / test)
    return float(student.ppf(0.975, len(found) - 1) * found.std(ddof=1) / math.sqrt(len(found)))


def later(weights: tuple[float, ...], means: Sequence[Array], depths: tuple[int, ...]) -> Check:
    """Check a claim of the paper: with a larger weight variance the freezing takes more depth.

    The depth of freezing is the first one after which less than three quarters of the best accuracy are left.

    Examples
    --------
    >>> curves = [np.array([0.4, 0.1, 0.1]), np.array([0.4, 0.4, 0.1])]
    >>> later((0.2, 0.8), curves, (1, 10, 100)).detail
    'freezing depths 10, 100'
    """
    found = [next((d for d, a in zip(depths, mean, strict=True) if a < 0.75 * mean.max()), math.inf) for mean in means]
    verdict = Verdict.HOLDS if sorted(set(found)) == found else Verdict.UNDECIDED
    if sorted(found) != found:
        verdict = Verdict.FAILS
    return Check(
        "order",
        f"freezing takes more depth for the weight variances {', '.join(f'{w:g}' for w in weights)} in this order",
        verdict,
        f"freezing depths {', '.join('none' if math.isinf(d) else str(d) for d in found)}",
    )


FREEZE = Experiment(
    name="freeze",
    title="Accuracy against depth: NTK and DEQ-NTK",
    source=f"{PAPER}, figure 1",
    images=("cifar10", "cifar10_subset"),
    quick=Sizes(300, 100, 4),
    full=Sizes(1000, 100, 20),
    run=run,
    draw=draw_curves,
    regularisation=1e-3,
    notes=(
        "the paper gives the figure without numbers; its claims are checked instead",
        "the variances of its panels and its regularisation are not in the text; both kernels take the same ones here",
    ),
)
