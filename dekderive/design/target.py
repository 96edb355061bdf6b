"""What a designed network has to match: four numbers of a kernel, and what chooses among the networks that match."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dekderive.design.units import Unit
from dekderive.equivalents import DeepEquilibrium, KernelCoefficients, deq_coefficients, equilibrium
from dekderive.errors import InvalidInput, NoFixedPoint
from dekderive.kernels import hermite

__all__ = ["KINDS", "Target", "network_scalars", "residuals_of", "target_of"]

KINDS = ("ck", "ntk", "ntk_full")
Scalars = tuple[float, float, float, float]

_STEP = 1e-4  # relative, of central differences in the variance
_SIGNS = 6  # Hermite coefficients whose signs are known


@dataclass(frozen=True, slots=True)
class Target:
    r"""Four scalars of a kernel, and what matters at finite size.

    Attributes
    ----------
    kind : str
        ``"ck"``, ``"ntk"`` or ``"ntk_full"``.
    tau0 : float
        Root of the mean square norm of the inputs.
    scalars : (linear, norm, quadratic, diagonal)
        Of ``linear S + norm chi chi' + quadratic offdiag(S o S)`` and its diagonal.
    signs : tuple of int
        Signs of the Hermite coefficients 1, 2, ... of the activation of the equilibrium model; 0 where they vanish.
    slope : float
        Derivative of the kernel at x = x' in the squared norm of x.
    """

    kind: str
    tau0: float
    scalars: Scalars
    signs: tuple[int, ...]
    slope: float

    @property
    def parts(self) -> Scalars:
        """The scalars in units of the diagonal: multiplied with the powers of tau0 with which they enter."""
        square = self.tau0 * self.tau0
        linear, norm, quadratic, diagonal = self.scalars
        return linear * square / diagonal, norm * square**2 / diagonal, quadratic * square**2 / diagonal, 1.0

    @property
    def odd(self) -> bool:
        """Whether the quadratic part and the norm part vanish, as for odd activations."""
        return max(self.parts[1:3]) <= 1e-13

    @property
    def remainder(self) -> float:
        """What the diagonal has beyond the linear and the quadratic part; never negative but for rounding."""
        linear, _, quadratic, diagonal = self.scalars
        square = self.tau0 * self.tau0
        rest = math.fsum((diagonal, -linear * square, -quadratic * square**2))
        return max(rest, 0.0) if rest >= -1e-12 * diagonal else rest


def target_of(deq: DeepEquilibrium, tau0: float, kind: str) -> Target:
    """Read what a design of the given kernel needs from an equilibrium model.

    Raises
    ------
    NoFixedPoint
        If the model has no equilibrium, or no tangent kernel.
    InvalidInput
        If the kind is unknown or tau0 is not positive.

    Examples
    --------
    >>> from dekderive.equivalents import DeepEquilibrium, relu
    >>> target = target_of(DeepEquilibrium(relu, 0.2, 0.8), 1.0, "ck")
    >>> round(target.scalars[0], 6), target.signs[:4], target.odd
    (0.210526, (1, 1, 0, -1), False)
    """
    if kind not in KINDS:
        raise InvalidInput(f"kernel must be one of {', '.join(KINDS)}, got {kind!r}")
    if not (math.isfinite(tau0) and tau0 > 0):
        raise InvalidInput(f"tau0, the root of the mean square norm of the inputs, must be positive, got {tau0!r}")
    known = deq_coefficients(deq, tau0)
    scalars: Scalars | None = getattr(known, kind)
    if scalars is None:
        raise NoFixedPoint(
            f"the equilibrium model with {deq.activation.name} has no {kind}: weight_variance * E[phi'(u)^2] must be "
            "below 1; lower weight_variance, or design for kernel='ck'"
        )
    return Target(kind, float(tau0), scalars, _signs(deq, known.tau), _slope(deq, known, kind))


def _signs(deq: DeepEquilibrium, tau: float) -> tuple[int, ...]:
    series = hermite.series(deq.activation.function, tau * tau, _SIGNS)
    size = math.sqrt(float(hermite.mean(deq.activation.function, deq.activation.function, tau * tau)))
    return tuple(0 if abs(c) <= 1e-12 * size else int(np.sign(c)) for c in series[1:])


def _slope(deq: DeepEquilibrium, known: KernelCoefficients, kind: str) -> float:
    moments = equilibrium(deq, known.tau0)
    if kind == "ck":
        return moments.second_slope * known.A4
    variance, phi, share = known.tau**2, deq.activation, deq.weight_variance
    up, down = (float(phi.slope_second(variance * (1 + s * _STEP))) for s in (1, -1))
    change = (up - down) / (2 * _STEP * variance) * known.A4  # of E phi'^2, in the squared norm of the input
    level, free = moments.second, 1.0 - share * moments.slope_second
    growth = moments.second_slope * known.A4
    if kind == "ntk_full":
        inputs = deq.input_variance * known.tau0**2
        level += inputs * moments.slope_second
        growth += deq.input_variance * moments.slope_second + inputs * change
    return growth / free + level * share * change / free**2


def network_scalars(
    layers: Sequence[Unit], tau0: float, norm_shift: float, multiplier: float
) -> tuple[Scalars, Scalars]:
    r"""Scalars of the conjugate and of the tangent kernel of an explicit network, from its layers alone.

    With the moments of layer l at :math:`\tau_{l-1}`, :math:`a_1' = g_1 a_1,\ a_2' = g_1 a_2 + g_2 a_4^2/4,\
    a_3' = g_1 a_3 + g_2 a_1^2/2,\ a_4' = F' a_4`; the norm feature c adds to the root of :math:`a_2` in the last
    layer.  The hidden weights contribute :math:`H_l = (\eta K_{l-1} + H_{l-1}) \circ \dot K_l` to the tangent kernel.

    Examples
    --------
    >>> from dekderive.design.units import leaky_relu
    >>> ck, ntk = network_scalars([leaky_relu(1.0, 0.0, 1.0)], 1.0, 0.0, 1.0)
    >>> ck[0], ntk[0]
    (0.25, 0.5)
    """
    square = tau0 * tau0
    ck, hidden, a4, tau = (1.0, 0.0, 0.0, square), (0.0, 0.0, 0.0, 0.0), 1.0, tau0
    for place, unit in enumerate(layers):
        if abs(unit.tau - tau) > 1e-9 * tau:
            raise InvalidInput(f"layer {place} is centred at tau = {unit.tau!r}, but its input has {tau!r}")
        m = unit.moments
        g1, g2 = m["m1"] ** 2, m["m2"] ** 2
        mixed = [multiplier * c + h for c, h in zip(ck, hidden, strict=True)]
        quadratic = g1 * mixed[2] + g2 * ck[0] * mixed[0]
        hidden = (g1 * mixed[0], g1 * mixed[1], quadratic, mixed[3] * m["slope_second"])
        norm = g1 * ck[1] + g2 * a4**2 / 4
        if place == len(layers) - 1 and norm_shift:
            norm += norm_shift * (norm_shift + m["m2"] * a4)
        ck = (g1 * ck[0], norm, g1 * ck[2] + g2 * ck[0] ** 2 / 2, m["second"])
        a4, tau = m["second_slope"] * a4, math.sqrt(m["second"])
    first, second, third, fourth = (c + h for c, h in zip(ck, hidden, strict=True))
    return ck, (first, second, third, fourth)


def residuals_of(scalars: Scalars, target: Target) -> Scalars:
    """Differences of scalars from those of the target, in units of the diagonal of the target.

    Examples
    --------
    >>> residuals_of((0.5, 0.0, 0.0, 2.0), Target("ck", 1.0, (0.25, 0.0, 0.0, 1.0), (1,), 1.0))
    (0.25, 0.0, 0.0, 1.0)
    """
    square, diagonal = target.tau0**2, target.scalars[3]
    units = (square / diagonal, square**2 / diagonal, square**2 / diagonal, 1.0 / diagonal)
    a, b, c, d = ((s - t) * u for s, t, u in zip(scalars, target.scalars, units, strict=True))
    return a, b, c, d
