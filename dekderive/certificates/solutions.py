"""A proof for one's own numbers: around a computed solution, an interval with exactly one solution in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import sympy as sp

from dekderive.certificates.balls import Ball, as_ball, evaluate, neighbourhood, to_enclosure, working_precision
from dekderive.certificates.interval import Enclosure
from dekderive.certificates.replay import on_balls
from dekderive.errors import InvalidInput
from dekderive.symbols import cxx, cxy, cyy
from dekderive.verdict import Verdict

__all__ = ["CertifiedSolution", "certify_solution"]

_BITS = 160


class _Formula(Protocol):
    function: Callable[..., Any]
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class CertifiedSolution:
    """Enclosures of a fixed point, each proved to contain exactly one.

    Attributes
    ----------
    verdict : Verdict
        HOLDS, or UNDECIDED: then `detail` says which test did not succeed, and the enclosures are None.
    kxx, kyy, coordinate, value : Enclosure or None
        Variances, chart coordinate (``kernel.chart``) and kernel value.
    detail : str
    """

    verdict: Verdict
    kxx: Enclosure | None = None
    kyy: Enclosure | None = None
    coordinate: Enclosure | None = None
    value: Enclosure | None = None
    detail: str = "interval Newton"


def certify_solution(
    kernel: Any, inputs: Mapping[str, float], state: Mapping[str, float], **parameters: float
) -> CertifiedSolution:
    r"""Enclose the fixed point near a computed one, by the interval Newton method.

    For an equation F = 0 and an interval X around a point m,

    .. math:: N(X) = m - F(m) / F'(X)

    contains every zero in X, and if N(X) lies inside X there is exactly one.  The equations are the generated functions
    themselves, replayed in ball arithmetic; first those of the two variances, then that of the pair with the variances
    as intervals.

    Parameters
    ----------
    kernel : Kernel
        Shipped, or compiled from a derivation.
    inputs : mapping of str to float
        Moments of one pair, as for ``dekderive.solvers.solve``; floats are taken as the exact numbers they are.
    state : mapping of str to float
        The computed ``kxx``, ``kyy`` and chart coordinate (``angle`` or ``correlation``): ``solution.state``.
    **parameters : float
        All parameters of the kernel.

    Returns
    -------
    CertifiedSolution

    Raises
    ------
    InvalidInput
        If a number that the equations need is missing.
    NoClosedForm
        If the kernel calls numerical expectations.

    References
    ----------
    R. Krawczyk, "Newton-Algorithmen zur Bestimmung von Nullstellen mit Fehlerschranken", Computing 4, 1969.

    Examples
    --------
    >>> from dekderive.kernels import deq_ntk_relu
    >>> from dekderive.solvers import solve
    >>> moments = {"cxx": 1.0, "cyy": 1.0, "cxy": 0.5}
    >>> given = {"weight_variance": 0.5, "input_variance": 0.25, "bias_variance": 0.25}
    >>> found = solve(deq_ntk_relu, moments, **given)
    >>> proof = certify_solution(deq_ntk_relu, moments, found.state, **given)
    >>> proof.verdict.name, bool(proof.value.radius < 1e-15)
    ('HOLDS', True)
    """
    with working_precision(_BITS):
        exact = {name: as_ball(Fraction(float(x))) for name, x in {**inputs, **parameters}.items()}
        exact = {"mean_x": as_ball(Fraction(0)), "mean_y": as_ball(Fraction(0)), **exact}
        if "gap" in kernel.pair_names and "gap" not in exact:
            moments = {s: exact[s.name] for s in (cxx, cyy, cxy)}
            exact["gap"] = evaluate(1 - cxy / (sp.sqrt(cxx * cyy)), moments)
        work = _Work(kernel, exact)
        try:
            work.variance("kxx", state)
            work.variance("kyy", state)
            work.pair(state)
        except _Open as error:
            return CertifiedSolution(Verdict.UNDECIDED, detail=str(error))
        value = work.call(kernel.readout)
        x, y, coordinate = (to_enclosure(work.known[name]) for name in ("kxx", "kyy", work.chart))
        return CertifiedSolution(Verdict.HOLDS, x, y, coordinate, to_enclosure(value))


class _Open(Exception):
    """A test that did not succeed."""


class _Work:
    """The balls that are known so far."""

    def __init__(self, kernel: Any, known: dict[str, Ball]) -> None:
        self.kernel, self.known = kernel, known
        self.chart: str = kernel.chart.value

    def call(self, formula: _Formula, **other: Ball) -> Ball:
        values = {**self.known, **other}
        try:
            arguments = [values[name] for name in formula.arguments]
        except KeyError as error:
            raise InvalidInput(f"{self.kernel.name}: the number {error} is missing from the inputs") from None
        return on_balls(formula.function)(*arguments)

    def variance(self, name: str, state: Mapping[str, float]) -> None:
        """``k - h(k) = 0`` for one of the two inputs."""
        kernel = self.kernel
        names = {"cxx": "cxx", "mean_x": "mean_x"} if name == "kxx" else {"cxx": "cyy", "mean_x": "mean_y"}
        own = {mine: self.known[theirs] for mine, theirs in names.items() if theirs in self.known}

        def equation(k: Ball) -> Ball:
            return k - self.call(kernel.diagonal_step, **own, kxx=k)

        def slope(k: Ball) -> Ball:
            return 1 - self.call(kernel.diagonal_step_derivative, **own, kxx=k)

        self.known[name] = _newton(name, equation, slope, _number(state, name))

    def pair(self, state: Mapping[str, float]) -> None:
        """The equation in the chart."""
        kernel = self.kernel

        def at(formula: _Formula, x: Ball) -> Ball:
            return self.call(formula, **{self.chart: x})

        start = _number(state, self.chart)
        found = _newton(
            self.chart, lambda x: at(kernel.residual, x), lambda x: at(kernel.residual_derivative, x), start
        )
        self.known[self.chart] = found
        cosine = found.cos() if self.chart == "angle" else found
        self.known["kxy"] = (self.known["kxx"] * self.known["kyy"]).sqrt() * cosine


def _number(state: Mapping[str, float], name: str) -> Fraction:
    if name not in state:
        raise InvalidInput(f"the computed {name} is missing; pass solution.state")
    return Fraction(float(state[name]))


def _newton(name: str, equation: Callable[[Ball], Ball], slope: Callable[[Ball], Ball], start: Fraction) -> Ball:
    """Widen around the computed number until Newton's interval lies inside, then sharpen twice."""
    width = max(abs(start), Fraction(1, 2**40)) / 2**50
    centre = as_ball(start)
    for _ in range(16):
        around = neighbourhood(start, width)
        image = _image(centre, around, equation, slope)
        if image is not None and around.contains_interior(image):
            for _ in range(2):
                sharper = _image(image.mid(), image, equation, slope)
                if sharper is not None and image.contains(sharper):
                    image = sharper
            return image
        width *= 8
    raise _Open(
        f"no interval around {name} = {float(start)!r} passes the test: the solution is too close to a double one"
    )


def _image(centre: Ball, around: Ball, equation: Callable[[Ball], Ball], slope: Callable[[Ball], Ball]) -> Ball | None:
    steep = slope(around)
    if not steep.is_finite() or steep.contains(0):
        return None
    image = centre - equation(centre) / steep
    return image if image.is_finite() else None
