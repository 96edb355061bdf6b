"""Accuracy against depth: the tangent kernel of a plain network freezes, that of an equilibrium model settles.

Figure 1 of Feng and Kolter.  Both are kernels of networks with L activations, inputs of norm 1 and variances that sum
to 1.  Without injected inputs the covariance of all pairs tends to 1, and the kernel matrix to a constant one; with
injected inputs it tends to the DEQ-NTK.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray
from scipy.stats import t as student

from dekderive.errors import NotConverged
from dekderive.estimators.kernel_ridge_classifier import KernelRidgeClassifier
from dekderive.experiments.classification import Draw, draws, mean_and_error, require_memory, unit_rows
from dekderive.experiments.deq_ntk import PAPER, variances
from dekderive.experiments.experiment import Curve, Experiment, Outcome, Row, Settings, Sizes
from dekderive.experiments.figures import draw_curves
from dekderive.gram import gram
from dekderive.gram.moments import linear
from dekderive.kernels import deq_ntk_relu, ntk_relu
from dekderive.verdict import Check, Verdict

__all__ = ["DEPTHS", "FREEZE", "profile"]

DEPTHS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100)
# (weight variance, bias variance) of the plain networks, with sum 1; of the latter 0.1 stays bias with injection.
PANELS = ((0.25, 0.75), (0.6, 0.4), (0.8, 0.2))
_BIAS = 0.1
_NODES = 128
_TAIL = 1e-11
# Coefficients below this part of the largest value are rounding errors of the values.
_NOISE = 1e-13

Array = NDArray[np.float64]
Gram = Callable[..., Any]


def plain(weight: float, bias: float, depth: int) -> Gram:
    """Return ``gram`` of the tangent kernel of a plain network.

    The paper's activation is sqrt(2) relu, and its first layer has the weight variance of the others: with the relu of
    the record the weight variance is 2 weight, and inputs are scaled by sqrt(1/2) to make up for it in the first layer.

    Examples
    --------
    >>> plain(0.6, 0.4, 2)([[1.0]])  # 1 + 0.6 + 0.36
    array([[1.96]])
    """
    return partial(
        gram,
        ntk_relu.with_depth(depth),
        moments=linear(scale=math.sqrt(0.5)),
        weight_variance=2 * weight,
        bias_variance=bias,
    )


def injected(weight: float, bias: float, depth: int | None) -> Gram:
    """Return ``gram`` of the kernel of a network with injected inputs; of the equilibrium for depth None.

    Examples
    --------
    >>> injected(0.6, 0.4, None)([[1.0]])
    array([[2.5]])
    """
    kernel = deq_ntk_relu if depth is None else deq_ntk_relu.with_depth(depth)
    parameters: dict[str, Any] = variances(weight, round(bias - _BIAS, 12), _BIAS)
    return partial(gram, kernel, **parameters)


def profile(model: Gram) -> Array:
    r"""Return the Chebyshev coefficients of a kernel on unit vectors, as a function of their angle in [0, pi].

    The kernels of rectifiers are analytic in the angle.  One short polynomial for each depth replaces as many solutions
    for every draw as the network has layers.

    Parameters
    ----------
    model : callable
        ``model(X, Y)`` is the kernel matrix.

    Returns
    -------
    (degree + 1,) ndarray
        Coefficients in the variable :math:`2 \theta / \pi - 1`.

    Raises
    ------
    NotConverged
        If the kernel is not resolved by a polynomial of degree 127.

    Examples
    --------
    >>> coefficients = profile(injected(0.6, 0.4, None))
    >>> float(chebyshev.chebval(-1.0, coefficients).round(10))
    2.5
    """
    nodes = chebyshev.chebpts1(_NODES)
    angle = (nodes + 1) * (math.pi / 2)
    values = model(np.array([[1.0, 0.0]]), np.column_stack([np.cos(angle), np.sin(angle)]))[0]
    coefficients = np.asarray(chebyshev.chebvander(nodes, _NODES - 1).T @ values) * (2 / _NODES)
    coefficients[0] /= 2
    large = np.flatnonzero(np.abs(coefficients) > _NOISE * np.abs(values).max())
    if np.abs(coefficients[-8:]).max() > _TAIL * np.abs(values).max():
        raise NotConverged(f"a polynomial of degree {_NODES - 1} in the angle does not resolve {model}")
    return coefficients[: large[-1] + 1]


@dataclass(frozen=True, slots=True, eq=False)
class _Angles:
    """A draw, as the angles between its images, scaled to [-1, 1]."""

    train: Array  # pairs above the diagonal
    cross: Array
    y_train: NDArray[Any]
    y_test: NDArray[Any]

    @classmethod
    def of(cls, draw: Draw) -> _Angles:
        X, new = unit_rows(draw.x_train).astype(np.float64), unit_rows(draw.x_test).astype(np.float64)
        train, cross = (X @ X.T)[np.triu_indices(len(X), 1)], new @ X.T
        train, cross = (np.arccos(np.clip(z, -1, 1)) * (2 / math.pi) - 1 for z in (train, cross))
        return cls(train, cross, draw.y_train, draw.y_test)

    def accuracies(self, profiles: Sequence[Array], regularisation: float) -> list[float]:
        """Accuracies of kernel regression with these kernels, whose polynomials are evaluated in one product."""
        n, degree = len(self.y_train), max(map(len, profiles)) - 1
        together = np.stack([np.pad(p, (0, degree + 1 - len(p))) for p in profiles], axis=1)
        trains = chebyshev.chebvander(self.train, degree) @ together
        crosses = chebyshev.chebvander(self.cross, degree) @ together
        diagonals = np.asarray(chebyshev.chebval(-1.0, together))
        above = np.triu_indices(n, 1)
        found = []
        for k in range(len(profiles)):
            matrix = np.zeros((n, n))
            matrix[above] = trains[:, k]
            matrix += matrix.T
            np.fill_diagonal(matrix, diagonals[k])
            model = KernelRidgeClassifier("precomputed", regularisation=regularisation).fit(matrix, self.y_train)
            found.append(float(np.mean(model.predict(crosses[..., k]) == self.y_test)))
        return found


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
        A row for each kernel, panel and depth (None where it is infinite), and two checks for each panel.
    """
    require_memory(settings, settings.data.x_train[0].size)
    every = [_Angles.of(draw) for draw in draws(settings)]
    rows: list[Row] = []
    curves: list[Curve] = []
    checks: list[Check] = []
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
    """The two claims: the plain kernel loses what it had, the other one stays where the limit is.

    Array of the same draw are compared, since the draws differ by more than the kernels do.
    """
    plain_network, equilibrium = measured["NTK"], measured["DEQ-NTK"]
    lost = plain_network.max(axis=1, keepdims=True) - plain_network
    fall, moved = lost[:, -1:], equilibrium[:, -2:-1] - equilibrium[:, -1:]
    rows = []
    for name, statement, values in (
        ("freeze", f"the NTK of depth {deepest} is worse than that of its best depth", fall),
        ("limit", f"the kernel with injection of depth {deepest} is as good as that of infinite depth", moved),
    ):
        mean, half = float(values.mean()), float(_half_widths(values, settings.sizes.test)[0])
        if name == "freeze":
            verdict = Verdict.HOLDS if mean > max(half, 0.0) else Verdict.UNDECIDED
        else:
            verdict = Verdict.HOLDS if abs(mean) <= max(half, 1 / settings.sizes.test) else Verdict.FAILS
        rows.append(
            Check(f"{name}: {panel}", statement, verdict, f"difference {mean:+.2%}, 95 % half-width {half:.2%}")
        )
    return rows


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
