"""The records of equivalents: moments of an activation, an equilibrium, an implicit network, and its scalars."""

from __future__ import annotations

from dataclasses import dataclass

from dekderive.equivalents.activation import Activation

__all__ = ["DeepEquilibrium", "Equilibrium", "GaussianMoments", "KernelCoefficients"]

Scalars = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class GaussianMoments:
    r"""Moments of a centred activation :math:`\phi - b`, :math:`b = \mathbb E\phi(\tau\xi)`, at :math:`\tau\xi`.

    Attributes
    ----------
    tau, bias : float
        The standard deviation, and the mean that is subtracted.
    m1, m2 : float
        :math:`\mathbb E\phi'`, :math:`\mathbb E\phi''`.
    second, second_slope : float
        :math:`\gamma^2 = F = \mathbb E(\phi - b)^2` and its derivative :math:`F'` in :math:`\tau^2` at fixed b.
    slope_second : float
        :math:`\mathbb E\phi'^2`; infinite if phi jumps.
    """

    tau: float
    bias: float
    m1: float
    m2: float
    second: float
    second_slope: float
    slope_second: float


@dataclass(frozen=True, slots=True)
class KernelCoefficients:
    r"""What the equivalents depend on; each kernel as (linear, norm, quadratic, diagonal).

    .. math:: a_1 X X^T + a_2 \chi\chi^T + a_3\, \mathrm{offdiag}(S \circ S) + \mathrm{diag}(\gamma^2 - \tau_0^2 a_1)

    Attributes
    ----------
    tau0 : float
        Root of the mean square norm of the inputs.
    weight_variance, input_variance : float
        :math:`\sigma_a^2, \sigma_b^2` of the equilibrium model; 0 and 1 for an explicit network.
    tau, bias : float
        Standard deviation of the pre-activation at equilibrium, and the mean of the activation there; of an
        explicit network those of its last layer.
    gamma_squared : float
        Variance of the activation at equilibrium.
    A1, A4 : float
        Slopes of pre-activation covariance and variance in those of the inputs.
    ck : (a1, a2, a3, gamma^2)
    ntk : (b1, b2, b3, kappa^2) or None
        Recurrent weights and readout trained, input weights frozen; of an explicit network all weights are trained.
        None where it does not exist: :math:`\sigma_a^2 \mathbb E\phi'^2 \ge 1`, or phi jumps.
    ntk_full : (f1, f2, f3, kappa_f^2) or None
        The input weights are trained too.
    activations : tuple of Activation
        What the scalars are of: one of an equilibrium model, those of the layers of a network.
    explicit : bool
        Whether it is an explicit network.
    """

    tau0: float
    weight_variance: float
    input_variance: float
    tau: float
    bias: float
    gamma_squared: float
    A1: float
    A4: float
    ck: Scalars
    ntk: Scalars | None
    ntk_full: Scalars | None
    activations: tuple[Activation, ...] = ()
    explicit: bool = False


@dataclass(frozen=True, slots=True)
class Equilibrium:
    r"""Where the variance of a unit reproduces itself.

    Attributes
    ----------
    moments : GaussianMoments
        Of the activation, centred there.
    enclosure : (float, float)
        Interval of :math:`\tau^2` at whose ends the equation has opposite signs.
    unique : bool
        Whether it is proved that there is no other solution; where False, it is the smallest that a scan finds.
    """

    moments: GaussianMoments
    enclosure: tuple[float, float]
    unique: bool


@dataclass(frozen=True, slots=True)
class DeepEquilibrium:
    r"""The implicit network :math:`z = \phi(\sqrt{\sigma_a^2} A z + \sqrt{\sigma_b^2} B x)/\sqrt m`, phi centred.

    Attributes
    ----------
    activation : Activation
        Not centred; the equilibrium centres it.
    weight_variance, input_variance : float
        :math:`\sigma_a^2` and :math:`\sigma_b^2`.
    """

    activation: Activation
    weight_variance: float
    input_variance: float
