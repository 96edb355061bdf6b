"""What a convolutional layer takes from the record of a kernel: the Gaussian expectations of its activation."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dekderive.errors import InvalidInput
from dekderive.gram.convolutional.profile import Profile
from dekderive.kernels.kernel import Kernel
from dekderive.kernels.layered import LayeredKernel
from dekderive.solvers.arguments import checked_parameters
from dekderive.solvers.solution import Array

__all__ = ["VARIANCES", "Activation"]

VARIANCES = ("weight_variance", "input_variance", "bias_variance")
# The same expectations at variances 1, and at these: are they homogeneous of degree 1?
_PROBES = np.array([(0.3, 2.0), (1.7, 1.7), (40.0, 0.2), (3e-3, 1e-2)])
_COSINES = np.array([-0.9, -0.2, 0.0, 0.4, 0.95])


class Activation:
    r"""The functions :math:`V(q) = \mathbb E \phi(u)^2`, :math:`k_1` and :math:`k_0` of an activation.

    For :math:`(u, v)` with variances :math:`q_x, q_y` and covariance k, :math:`k_1 = \mathbb E[\phi(u) \phi(v)]` and,
    by Price's theorem, :math:`k_0 = \mathbb E[\phi'(u) \phi'(v)] = \partial k_1 / \partial k`.  They are the generated
    functions of the record.

    Parameters
    ----------
    kernel : Kernel or LayeredKernel
        Of model ``"deq_ntk"``, ``"nngp"`` or ``"ntk"``.
    parameters : mapping
        Parameters of the activation itself, if it has any.
    """

    def __init__(self, kernel: Kernel | LayeredKernel, parameters: Mapping[str, float]) -> None:
        if not isinstance(kernel, Kernel | LayeredKernel) or kernel.model == "deker":
            known = getattr(kernel, "name", type(kernel).__name__)
            raise InvalidInput(
                f"convolutional kernels read the activation from a record of model deq_ntk, nngp or ntk, for example "
                f"dekderive.kernels.deq_ntk_relu; got {known}"
            )
        self.kernel, self.name = kernel, kernel.name
        own = {p.name for p in kernel.parameters} - set(VARIANCES)
        unknown = sorted(set(parameters) - own)
        if unknown:
            listed = ", ".join((*VARIANCES, *sorted(own)))
            raise TypeError(f"{kernel.name} has no parameter {', '.join(map(repr, unknown))}; it takes {listed}")
        values = checked_parameters(kernel, parameters)
        self._own = {name: values[name] for name in own}
        if isinstance(kernel, LayeredKernel) and kernel.activation.price is None:
            raise InvalidInput(f"the activation of {kernel.name} has no finite E[phi' phi'], so no tangent kernel")
        self.homogeneous = self._is_homogeneous()

    def variance(self, q: Array) -> Array:
        """V of variances."""
        with np.errstate(all="ignore"):
            if isinstance(self.kernel, Kernel):
                values = self._recursion(kxx=q, cxx=0.0)
                found = self.kernel.diagonal_step.at(values)
            else:
                found = self.kernel.activation.mean.at(self._own | {"kxx": q})
        return np.broadcast_to(np.asarray(found, dtype=np.float64), np.shape(q))

    def variance_slope(self, q: Array) -> Array:
        """Its derivative."""
        with np.errstate(all="ignore"):
            if isinstance(self.kernel, Kernel):
                found = self.kernel.diagonal_step_derivative.at(self._recursion(kxx=q, cxx=0.0))
            else:
                found = self.kernel.activation.mean_gradient.at(self._own | {"kxx": q})[0]
        return np.broadcast_to(np.asarray(found, dtype=np.float64), np.shape(q))

    def pair(self, qx: Array, qy: Array, covariance: Array) -> tuple[Array, Array]:
        """The functions k1 and k0; both 0 where a variance is 0."""
        product = qx * qy
        positive = product > 0
        if not positive.all():
            qx, qy, covariance = (np.where(positive, z, 1.0) for z in (qx, qy, covariance))
        with np.errstate(all="ignore"):
            if isinstance(self.kernel, Kernel):
                values = self._recursion(kxx=qx, kyy=qy, kxy=covariance, cxy=0.0)
                k1, k0 = self.kernel.step.at(values), self.kernel.step_derivative.at(values)
            else:
                angle = np.arccos(np.clip(covariance / np.sqrt(qx * qy), -1.0, 1.0))
                values = self._own | {"angle": angle, "kxx": qx, "kyy": qy}
                price = self.kernel.activation.price
                assert price is not None
                k1, k0 = self.kernel.activation.value.at(values), price.at(values)
        return tuple(np.where(positive, np.broadcast_to(z, product.shape), 0.0) for z in (k1, k0))  # type: ignore[return-value]

    def profile(self, q: float) -> Profile:
        """The polynomials for pairs of the same variance q, which for homogeneous activations serve all pairs.

        Raises
        ------
        NotConverged
            If they do not resolve the activation at this variance.
        """
        q = 1.0 if self.homogeneous else q
        return Profile.of(lambda c: self.pair(np.full(c.shape, q), np.full(c.shape, q), q * c)[1], self.name)

    def _recursion(self, **values: Any) -> dict[str, Any]:
        """Arguments with which one step of the recursion is the expectation alone."""
        return self._own | {"weight_variance": 1.0, "input_variance": 0.0, "bias_variance": 0.0} | values

    def _is_homogeneous(self) -> bool:
        """Whether k1 scales like the roots of both variances and k0 not at all: homogeneous of degree 1."""
        if isinstance(self.kernel, LayeredKernel):
            return self.kernel.activation.degree == 1
        ones = np.ones_like(_COSINES)
        unit, slope = self.pair(ones, ones, _COSINES)
        for x, y in _PROBES:
            root = np.sqrt(x * y)
            k1, k0 = self.pair(x * ones, y * ones, root * _COSINES)
            if not (
                np.allclose(k1, root * unit, rtol=1e-12, atol=1e-14 * root) and np.allclose(k0, slope, 1e-12, 1e-14)
            ):
                return False
        return True
