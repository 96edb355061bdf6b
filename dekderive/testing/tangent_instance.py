"""One problem for the theorems about DEQ tangent kernels: variances, and a pair of inputs on the sphere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dekderive.kernels import Kernel
from dekderive.solvers import Solution, solve
from dekderive.testing.observations import Array

__all__ = ["TangentInstance"]


@dataclass(frozen=True, eq=False)
class TangentInstance:
    r"""Inputs of unit length with a cosine s, and variances with :math:`\sigma_w^2 + \sigma_u^2 + \sigma_b^2 = 1`.

    Attributes
    ----------
    kernel : Kernel
        Of ``dekderive.update_maps.deq_ntk``, shipped or compiled.
    weight_variance, input_variance, bias_variance : float
    cosine : float
    seed : int
        For what a property draws in addition.

    Examples
    --------
    >>> from dekderive.kernels import deq_ntk_relu
    >>> instance = TangentInstance(deq_ntk_relu, 0.6, 0.4, 0.0, 0.5)
    >>> round(instance.variance, 12), round(instance.modulus, 12)
    (1.0, 0.6)
    >>> instance
    deq_ntk_relu: sigma_w^2, sigma_u^2, sigma_b^2 = 0.6, 0.4, 0.0, s = 0.5
    """

    kernel: Kernel
    weight_variance: float
    input_variance: float
    bias_variance: float
    cosine: float
    seed: int = 0

    @property
    def parameters(self) -> dict[str, Any]:
        """The variances by name."""
        return {
            "weight_variance": self.weight_variance,
            "input_variance": self.input_variance,
            "bias_variance": self.bias_variance,
        }

    @cached_property
    def solution(self) -> Solution:
        """The kernel of the pair, by Newton's method."""
        return self.at(self.cosine)

    def at(self, cosine: float | Array, method: str = "newton") -> Solution:
        """The kernel of pairs with other cosines."""
        return solve(self.kernel, {"cosine": cosine}, method=method, **self.parameters)

    def covariance(self, solution: Solution | None = None) -> float:
        """The covariance of the pre-activations, Sigma*."""
        return float((self.solution if solution is None else solution).state["kxy"])

    @cached_property
    def variance(self) -> float:
        """The variance of the pre-activations, Sigma*(x, x)."""
        return float(self.solution.state["kxx"])

    @cached_property
    def modulus(self) -> float:
        """The bound of the derivative of one step, sigma_w^2 E[f'(u)^2] at that variance: the contraction modulus."""
        assert self.kernel.modulus is not None
        return float(self.kernel.modulus.at({**self._values(), "kxy": 0.0}))

    def step(self, kxy: float) -> float:
        """One step of the recursion."""
        return float(self.kernel.step.at({**self._values(), "kxy": kxy}))

    def step_derivative(self, kxy: float) -> float:
        """Its derivative, sigma_w^2 E[f'(u) f'(v)]."""
        return float(self.kernel.step_derivative.at({**self._values(), "kxy": kxy}))

    def _values(self) -> dict[str, float]:
        s = self.cosine
        moments = {"cxx": 1.0, "cyy": 1.0, "cxy": s, "gap": 1 - s}
        return {**self.parameters, **moments, "kxx": self.variance, "kyy": self.variance}

    def __repr__(self) -> str:
        shown = ", ".join(str(v) for v in self.parameters.values())
        return f"{self.kernel.name}: sigma_w^2, sigma_u^2, sigma_b^2 = {shown}, s = {self.cosine!r}"
