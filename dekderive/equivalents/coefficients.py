"""The scalars of high-dimensional equivalents: of a deep equilibrium model, and of an explicit network."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from dekderive.equivalents.activation import Activation
from dekderive.equivalents.activations._generated import scalars
from dekderive.equivalents.records import DeepEquilibrium, Equilibrium, GaussianMoments, KernelCoefficients
from dekderive.errors import InvalidInput, NoFixedPoint, NotConverged
from dekderive.kernels.elementwise import Array
from dekderive.kernels.expectations.equilibrium import equilibrium_variance

__all__ = [
    "deq_coefficients",
    "equilibrium",
    "explicit_coefficients",
    "gaussian_moments",
    "solve_equilibrium",
]

_HALF_WIDTH = 1e-11  # of the interval on which a change of sign is shown, relative


def gaussian_moments(activation: Activation, tau: float) -> GaussianMoments:
    r"""Return the moments of an activation that is centred at :math:`\tau\xi`.

    Parameters
    ----------
    activation : Activation
    tau : float
        Standard deviation.

    Returns
    -------
    GaussianMoments

    Raises
    ------
    InvalidInput
        If tau is not positive and finite.

    Examples
    --------
    >>> from dekderive.equivalents import relu
    >>> moments = gaussian_moments(relu, 1.0)
    >>> round(moments.bias, 12), round(moments.second, 12)  # 1/sqrt(2 pi), 1/2 - 1/(2 pi)
    (0.398942280401, 0.340845056908)
    """
    if not (math.isfinite(tau) and tau > 0):
        raise InvalidInput(f"tau must be positive and finite, got {tau!r}")
    q = float(tau) ** 2
    bias, m1, m2 = (float(f(q)) for f in (activation.mean, activation.slope_mean, activation.curvature_mean))
    second, second_slope, slope_second = (
        float(f(q)) for f in (activation.second, activation.second_slope, activation.slope_second)
    )
    # d E(phi - b)^2 / dq at fixed b = E phi is d Var phi / dq, because d E phi / dq = m2 / 2.
    return GaussianMoments(float(tau), bias, m1, m2, second - bias * bias, second_slope - bias * m2, slope_second)


def solve_equilibrium(model: DeepEquilibrium, tau0: float) -> Equilibrium:
    r"""Solve :math:`\tau^2 = \sigma_a^2 F + \sigma_b^2 \tau_0^2` and :math:`b = \mathbb E\phi(\tau\xi)` together.

    Parameters
    ----------
    model : DeepEquilibrium
    tau0 : float
        Root of the mean square norm of the inputs.

    Returns
    -------
    Equilibrium
        `moments` there; `enclosure` is an interval of :math:`\tau^2` on which the equation changes its sign;
        `unique` says whether it is proved that there is no other solution (:math:`\sigma_a^2 L^2 < 1` for the Lipschitz
        constant L, or the variance of the activation is linear in :math:`\tau^2`).

    Raises
    ------
    NoFixedPoint
        If there is no solution with :math:`\sigma_a^2 F' < 1`.
    InvalidInput
        If a variance or tau0 is out of range.

    Notes
    -----
    :math:`s(\tau) = \sqrt{\mathrm{Var}\,\varphi(\tau\xi)}` has :math:`s \le L\tau` (Poincare) and the Lipschitz
    constant L, so :math:`dF/d\tau^2 = (s/\tau) s' \le L^2`, and :math:`\sigma_a^2 L^2 < 1` leaves one solution.

    Examples
    --------
    >>> from dekderive.equivalents import relu, tanh
    >>> found = solve_equilibrium(DeepEquilibrium(tanh, 0.2, 0.8), 1.0)
    >>> round(found.moments.tau, 9), found.unique
    (0.934871611, True)
    >>> solve_equilibrium(DeepEquilibrium(relu, 3.0, 1.0), 1.0)
    Traceback (most recent call last):
    ...
    dekderive.errors.NoFixedPoint: tau^2 = 3 Var relu(tau xi) + 1 has no solution where 3 dVar/dtau^2 < 1
    """
    weight, injected = _checked(model, tau0)
    activation = model.activation

    def variance(q: Array) -> Array:
        first = np.asarray(activation.mean(q))
        return np.asarray(activation.second(q) - first * first + 0.0 * q)

    def slope(q: Array) -> Array:
        return np.asarray(activation.second_slope(q) - activation.mean(q) * activation.curvature_mean(q) + 0.0 * q)

    q = equilibrium_variance(variance, slope, weight, injected)
    if not q < math.inf:
        raise NoFixedPoint(
            f"tau^2 = {weight:g} Var {activation.name}(tau xi) + {injected:g} has no solution where "
            f"{weight:g} dVar/dtau^2 < 1"
        )
    ends = np.array([q * (1 - _HALF_WIDTH), q * (1 + _HALF_WIDTH)])
    below, above = ends - weight * variance(ends) - injected
    if not below <= 0 <= above:
        raise NotConverged(f"the equation for tau^2 of {activation.name} does not change its sign at {q!r}")
    contracts = weight * activation.lipschitz**2 < 1 if weight else True
    grid = q * np.array([1e-2, 1.0, 1e2])
    linear = bool(np.ptp(variance(grid) / grid) <= 1e-14 * abs(float(variance(grid)[1] / q)))
    return Equilibrium(
        gaussian_moments(activation, math.sqrt(q)), (float(ends[0]), float(ends[1])), contracts or linear
    )


def equilibrium(model: DeepEquilibrium, tau0: float) -> GaussianMoments:
    """Return the moments at equilibrium; see :func:`solve_equilibrium`, which also encloses it.

    Parameters
    ----------
    model : DeepEquilibrium
    tau0 : float

    Returns
    -------
    GaussianMoments

    Raises
    ------
    NoFixedPoint, InvalidInput

    Examples
    --------
    >>> from dekderive.equivalents import relu
    >>> at = equilibrium(DeepEquilibrium(relu, 0.0, 1.0), 2.0)
    >>> at.tau, round(at.m2, 12)
    (2.0, 0.199471140201)
    """
    return solve_equilibrium(model, tau0).moments


def deq_coefficients(model: DeepEquilibrium, tau0: float, *, bias: float | None = None) -> KernelCoefficients:
    r"""Return the scalars of the equivalents of an implicit network's kernels.

    With :math:`D = 1 - \sigma_a^2 m_1^2`, :math:`\theta = \sigma_a^2 m_1^2/D`, :math:`A_1 = \sigma_b^2/D`,
    :math:`A_4 = \sigma_b^2/(1 - \sigma_a^2 F')`:

    .. math::

        a_1 = m_1^2 A_1, \quad a_2 = \frac{m_2^2 A_4^2}{4D}, \quad a_3 = \frac{m_2^2 A_1^2}{2D}; \qquad
        b = (a_1(1 + \theta),\, a_2(1 + \theta),\, a_3(1 + 3\theta)), \quad
        \kappa^2 = \frac{\gamma^2}{1 - \sigma_a^2 \mathbb E\phi'^2} .

    Parameters
    ----------
    model : DeepEquilibrium
    tau0 : float
        Root of the mean square norm of the inputs (:func:`~dekderive.equivalents.estimate_tau0`).
    bias : float, optional
        The constant that the network subtracts from its activation; the mean at equilibrium by default.

    Returns
    -------
    KernelCoefficients
        `ntk` and `ntk_full` are None where :math:`\sigma_a^2 \mathbb E\phi'^2 \ge 1`, or the activation jumps.

    Raises
    ------
    NoFixedPoint
        If there is no equilibrium, or :math:`\sigma_a^2 F' \ge 1` there.
    InvalidInput
        If `bias` is not the mean at equilibrium: the kernel of a network that is not centred has no equivalent of this
        form, its error grows like n.  Or if an argument is out of range.

    Notes
    -----
    Source: Ling et al. (2024).  The formulas are generated from ``derivations/equivalents/scalars.py``.

    Examples
    --------
    >>> from dekderive.equivalents import relu
    >>> found = deq_coefficients(DeepEquilibrium(relu, 0.2, 0.8), 1.0)
    >>> round(found.ck[0], 12), round(0.8 / 4 / (1 - 0.2 / 4), 12)
    (0.210526315789, 0.210526315789)
    """
    at = equilibrium(model, tau0)
    if bias is not None and not abs(bias - at.bias) <= 1e-9 * math.sqrt(at.second):
        raise InvalidInput(
            f"the activation must be centred at equilibrium: subtract {at.bias!r} from {model.activation.name}, not "
            f"{bias!r}; otherwise the kernel has no equivalent of this form"
        )
    weight, u = float(model.weight_variance), float(model.input_variance)
    usable = weight * at.slope_second < 1 and math.isfinite(at.slope_second)
    md = at.slope_second if usable else 0.0
    values = scalars.implicit(weight, u, float(tau0), at.m1, at.m2, at.second, at.second_slope, md)
    a, b, f = values[2:5], values[5:8], values[8:11]
    gamma, kappa, full = values[11:]
    return KernelCoefficients(
        tau0=float(tau0),
        weight_variance=weight,
        input_variance=u,
        tau=at.tau,
        bias=at.bias,
        gamma_squared=gamma,
        A1=values[0],
        A4=values[1],
        ck=(*a, gamma),
        ntk=(*b, kappa) if usable else None,
        ntk_full=(*f, full) if usable else None,
        activations=(model.activation,),
    )


def explicit_coefficients(layers: Sequence[Activation], tau0: float) -> KernelCoefficients:
    r"""Return the scalars of the equivalents of an explicit network's kernels.

    The network is :math:`x_l = \sigma_l(W_l x_{l-1})/\sqrt{d_l}` with standard normal weights, and every activation is
    centred at the standard deviation that its input has for an input of norm :math:`\tau_0`.

    Parameters
    ----------
    layers : sequence of Activation
        From the first to the last.
    tau0 : float

    Returns
    -------
    KernelCoefficients
        With `weight_variance` 0 and `input_variance` 1; A1 and A4 are the slopes of covariance and variance after the
        last layer.  All weights are trained in the tangent kernel, which is both `ntk` and `ntk_full`.

    Raises
    ------
    InvalidInput
        If there are no layers, or tau0 is not positive; also if a layer's output vanishes.

    Examples
    --------
    >>> from dekderive.equivalents import erf
    >>> one = explicit_coefficients([erf], 1.0)
    >>> [round(x, 6) for x in one.ck], round(one.ntk[0] / one.ck[0], 12)
    ([0.424413, 0.0, 0.0, 0.464559], 2.0)
    """
    if not layers:
        raise InvalidInput("an explicit network needs at least one layer")
    tau = float(tau0)
    state = (1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, tau * tau)
    at = gaussian_moments(layers[0], tau)
    jumps = False
    for layer in layers:
        at = gaussian_moments(layer, tau)
        jumps = jumps or not math.isfinite(at.slope_second)
        md = at.slope_second if math.isfinite(at.slope_second) else 0.0
        state = scalars.layer(*state, at.m1, at.m2, at.second, at.second_slope, md)
        tau = math.sqrt(max(at.second, 0.0))
    tangent = None if jumps else (*state[4:7], state[7])
    return KernelCoefficients(
        tau0=float(tau0),
        weight_variance=0.0,
        input_variance=1.0,
        tau=at.tau,
        bias=at.bias,
        gamma_squared=at.second,
        A1=state[0],
        A4=state[3],
        ck=(*state[:3], at.second),
        ntk=tangent,
        ntk_full=tangent,
        activations=tuple(layers),
        explicit=True,
    )


def _checked(model: DeepEquilibrium, tau0: float) -> tuple[float, float]:
    weight, u = float(model.weight_variance), float(model.input_variance)
    for name, value, allowed in (
        ("weight_variance", weight, weight >= 0),
        ("input_variance", u, u > 0),
        ("tau0", tau0, tau0 > 0),
    ):
        if not (allowed and math.isfinite(value)):
            raise InvalidInput(f"{name} must be {'at least 0' if 'weight' in name else 'positive'}, got {value!r}")
    return weight, u * float(tau0) ** 2
