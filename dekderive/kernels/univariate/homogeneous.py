"""Univariate kernels from kernels with a homogeneous activation, in NumPy alone."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dekderive.errors import InvalidInput, NoClosedForm
from dekderive.kernels.kernel import Chart, Claim, Kernel
from dekderive.kernels.univariate.fit import GROWTH, candidates, fitted
from dekderive.kernels.univariate.record import UnivariateKernel

__all__ = ["AngleMap", "build", "is_univariate"]

Array = NDArray[np.float64]

STEPS = 100
MODELS = ("deq_ntk", "deq_nngp")


def is_univariate(kernel: Any) -> bool:
    """Whether a kernel has the form that :func:`build` compiles.

    The chart must be the angle, the step a contraction, the equation in the angle free of the variances, and their
    fixed point a closed form: so it is for tangent kernels of equilibrium models with homogeneous activations.

    Examples
    --------
    >>> from dekderive.kernels import deq_ntk_erf, deq_ntk_relu
    >>> is_univariate(deq_ntk_relu), is_univariate(deq_ntk_erf)
    (True, False)
    """
    if not isinstance(kernel, Kernel) or kernel.model not in MODELS or kernel.chart is not Chart.ANGLE:
        return False
    own = set(kernel.parameter_names)
    return (
        kernel.claim is Claim.CONTRACTION
        and kernel.diagonal_fixed_point is not None
        and kernel.start is not None
        and {"weight_variance", "input_variance", "bias_variance"} <= own
        and set(kernel.residual.arguments) <= own | {"angle", "cxx", "cyy", "gap"}
        and set(kernel.residual_derivative.arguments) <= own | {"angle"}
        and set(kernel.readout.arguments) <= own | {"angle", "kxx", "kyy"}
    )


class AngleMap:
    """The solution's angle as the parameter of the curve (gap, relative gap), for inputs of unit length.

    Read off the generated formulas: the residual is ``A(angle) - B gap``, and the gap at an angle therefore A/B.

    Parameters
    ----------
    kernel : Kernel
        For which :func:`is_univariate` holds.
    parameters : mapping of str to float
    """

    def __init__(self, kernel: Kernel, parameters: dict[str, float]) -> None:
        self.kernel = kernel
        self.known: dict[str, Any] = {**parameters, "input_variance": 1.0, "bias_variance": 0.0, "cxx": 1.0, "cyy": 1.0}
        assert kernel.diagonal_fixed_point is not None
        variance = kernel.diagonal_fixed_point.at(self.known)
        self.known |= {"kxx": variance, "kyy": variance}
        self.scale = float(kernel.readout_diagonal.at(self.known))
        at_zero = {**self.known, "angle": 0.0}
        self.weight = float(kernel.residual.at(at_zero | {"gap": 0.0}) - kernel.residual.at(at_zero | {"gap": 1.0}))

    def gap(self, angle: Any) -> Any:
        """``1 - z`` at an angle."""
        return self.kernel.residual.at({**self.known, "gap": 0.0, "angle": angle}) / self.weight

    def relative_gap(self, angle: Array) -> Array:
        """``1 - k(x, y)/k(x, x)`` at an angle.

        It is a difference from 1: extended precision, where the machine has it, keeps the digits that cancel.
        """
        known = {**self.known, "angle": angle.astype(np.longdouble)}
        start = self.kernel.readout.at({**self.known, "angle": np.zeros(1, np.longdouble)})
        return np.asarray(1 - self.kernel.readout.at(known) / start, dtype=np.float64)

    def angle(self, gap: Array) -> Array:
        """The angle at a gap: Newton's method, halving the bracket where it would leave it."""
        assert self.kernel.start is not None
        low, high = np.zeros(gap.shape), np.full(gap.shape, np.pi)
        angle = np.array(np.broadcast_to(self.kernel.start.at({**self.known, "gap": gap}), gap.shape))
        done = False
        with np.errstate(all="ignore"):
            for _ in range(STEPS):
                excess = self.gap(angle) - gap
                low, high = np.where(excess < 0, angle, low), np.where(excess > 0, angle, high)
                slope = self.kernel.residual_derivative.at({**self.known, "angle": angle}) / self.weight
                proposed = angle - excess / slope
                inside = (proposed >= low) & (proposed <= high)  # also not NaN
                before, angle = angle, np.where(inside, proposed, (low + high) / 2)
                if done:
                    break
                done = bool((np.abs(angle - before) <= 1e-9 * angle).all())  # the next step squares this
        return angle

    @property
    def ratio(self) -> float:
        r""":math:`\lambda` of the family that :func:`dekderive.kernels.univariate.fit.candidates` describes."""
        return float(self.gap(np.float64(np.pi))) - 2.0


def build(kernel: Kernel, **parameters: float) -> UnivariateKernel:
    r"""Compile a kernel with a homogeneous activation and fixed variances to one polynomial, in milliseconds.

    For a positively homogeneous activation the correlation of the fixed point is a function of the cosine z of the
    augmented rows :math:`(\sqrt{\sigma_U^2}\, x, \sqrt{\sigma_b^2})` alone.  With its angle :math:`\theta` everything
    is explicit; for the normalised rectifier, with :math:`\lambda = \sigma_W^2/(1 - \sigma_W^2)`,

    .. math::

        1 - z = 1 - \cos\theta + \frac\lambda\pi (\sin\theta - \theta\cos\theta), \qquad
        \frac{k(x, y)}{\sqrt{k(x, x) k(y, y)}} = \frac{\cos\theta}{1 + \lambda\theta/\pi}.

    Leaky rectifiers and the absolute value are of the same family, with another :math:`\lambda`.

    Parameters
    ----------
    kernel : Kernel
        For which :func:`is_univariate` holds.
    **parameters : float
        All parameters of the kernel.

    Returns
    -------
    UnivariateKernel
        ``proved`` is False: the error bound is measured between the nodes, to some roundings.
        ``dekderive.programs.compile_univariate`` returns a proved one.

    Raises
    ------
    InvalidInput
        If a parameter is missing or the activation is not homogeneous.
    NoClosedForm
        If the variances are so close to the limit of contraction that no polynomial of moderate degree will do
        (for the rectifier, a weight variance above some 0.995).

    References
    ----------
    Z. Feng and J. Z. Kolter, "On the neural tangent kernel of equilibrium models", 2021, Theorem 2.

    Examples
    --------
    >>> from dekderive.kernels import deq_ntk_relu
    >>> record = build(deq_ntk_relu, weight_variance=0.9, input_variance=0.1, bias_variance=0.0)
    >>> record.degree < 30, record.error_bound < 1e-14
    (True, True)
    """
    if not is_univariate(kernel):
        raise InvalidInput(
            f"{getattr(kernel, 'name', kernel)!r} is no function of one cosine: its activation is not homogeneous"
        )
    missing = [p for p in kernel.parameter_names if p not in parameters]
    if missing or len(parameters) != len(kernel.parameters):
        raise InvalidInput(f"{kernel.name} takes {', '.join(kernel.parameter_names)}; got {', '.join(parameters)}")
    return _build(kernel, tuple((p, float(parameters[p])) for p in kernel.parameter_names))


@functools.lru_cache(maxsize=64)
def _build(kernel: Kernel, given: tuple[tuple[str, float], ...]) -> UnivariateKernel:
    parameters = dict(given)
    with np.errstate(all="ignore"):
        curve = AngleMap(kernel, parameters)

        def relative_gap(gap: Array) -> Array:
            return curve.relative_gap(curve.angle(gap))

        fits = [fitted(chart, constant, relative_gap) for chart, constant in candidates(curve.ratio)]
        good = [fit for fit in fits if fit is not None and fit.growth < GROWTH]
        if not good:
            raise NoClosedForm(
                f"{kernel.name}: no polynomial of moderate degree for {parameters}; the weight variance is too close "
                "to the limit of contraction"
            )
        best = min(good, key=lambda fit: fit.cost)
        record = UnivariateKernel(
            kernel.name,
            kernel.spec,
            given,
            parameters["input_variance"],
            parameters["bias_variance"],
            curve.scale,
            best.chart,
            best.constant,
            best.slope,
            best.offset,
            best.coefficients,
            0.0,
        )
        angles = np.linspace(0.0, 1.0, 513) ** 2 * float(curve.angle(np.array([2.0]))[0])
        gap = np.minimum(curve.gap(angles), 2.0)
        error = np.abs(record.relative_gap(gap) - curve.relative_gap(angles)).max()
    # Measured between the nodes and in float64: that it is small is known, and how small only to some roundings.
    return dataclasses.replace(record, error_bound=2 * float(error) + 4e-16)
