"""The record that a generated loss module fills in: what one observation contributes to the fit of a kernel GLM."""

from __future__ import annotations

from dataclasses import dataclass

from dekderive.kernels.kernel import Formula, Parameter

__all__ = ["Loss", "Penalty"]


@dataclass(frozen=True, slots=True)
class Penalty:
    r"""A convex function :math:`Q = -\log q` of the predictor: the factor q of the prior.

    Attributes
    ----------
    name : str
    parameters : tuple of Parameter
    value, slope, curvature : Formula
        Q, Q' and Q'' as functions of ``eta`` and the parameters.
    curvature_bound : Formula
        The supremum of Q'', a function of the parameters; ``inf`` where it is unbounded or not known.
    """

    name: str
    parameters: tuple[Parameter, ...]
    value: Formula
    slope: Formula
    curvature: Formula
    curvature_bound: Formula


@dataclass(frozen=True, slots=True)
class Loss:
    r"""A convex loss :math:`\ell(\eta; y)` of a predictor :math:`\eta`, with its derivatives.

    For an exponential family with the canonical link :math:`\ell = A(\eta) - \eta T(y)`, so that the slope is the mean
    of the statistic less the statistic, and the curvature is the variance.  Every other loss here is a negative
    log-likelihood that is convex in the predictor.  Terms without :math:`\eta` are left out.

    Attributes
    ----------
    name, summary : str
    parameters : tuple of Parameter
        Known numbers that the formulas take after ``eta`` and ``y``; each may be an array, one number an observation.
    statistic : Formula
        ``y -> T(y)``.
    value, slope, curvature : Formula
        l, l' and l'' in ``eta``, without the penalty.
    cross : Formula
        The derivative of `slope` in ``y``.
    mean, mean_slope : Formula
        ``eta -> E[T(y)]``, increasing, and its derivative: the activation of the equilibrium model.
    curvature_bound : Formula
        The supremum of `curvature` over ``eta``, for given ``y`` and parameters; may be ``inf``.
    bound_holds : bool
        Whether the bound is proved, and not only plausible.
    support : Formula
        The ends of the closed interval in which T(y) lies: where the loss of each observation is bounded below.
    lower, upper : float
        The open interval on which the loss is finite: the natural domain.
    canonical : bool
    penalty : Penalty or None
        Where the loss was derived together with one.
    spec : str
        Digest of the mathematics that the module was generated from.
    sources : tuple of str
    """

    name: str
    summary: str
    parameters: tuple[Parameter, ...]
    statistic: Formula
    value: Formula
    slope: Formula
    curvature: Formula
    cross: Formula
    mean: Formula
    mean_slope: Formula
    curvature_bound: Formula
    bound_holds: bool
    support: Formula
    lower: float
    upper: float
    canonical: bool
    penalty: Penalty | None
    spec: str
    sources: tuple[str, ...]

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the parameters, in order."""
        return tuple(p.name for p in self.parameters)

    def __repr__(self) -> str:
        return f"<Loss {self.name}({', '.join(self.parameter_names)}): {self.summary}>"
