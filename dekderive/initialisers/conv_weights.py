"""The convolutional equilibrium model that a kernel GLM on a pixel grid is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from dekderive.errors import InvalidInput
from dekderive.initialisers.convolution import filter_matrix, norm_bound, smallest_eigenvalue
from dekderive.initialisers.deq_weights import DEQWeights, kglm_weights
from dekderive.losses import Loss, Pointwise, bind

__all__ = ["ConvDEQWeights", "kglm_filters"]


@dataclass(frozen=True, slots=True, eq=False)
class ConvDEQWeights:
    r"""The layer :math:`z = \sigma(C_1 * z + C_2 * T(Y) + C_3 * \rho(z) + b)` of Corollary 11.

    Attributes
    ----------
    C1, C2, C3 : (c, c, k1, k2) ndarray
        For a kernel GLM, :math:`C_2 = \kappa/\lambda = -C_1 = -C_3`; convolutions are zero-padded, 'same'.
    shape : (height, width)
    bias : float
        The offset.
    pointwise : Pointwise
    norm_bound : float
        Upper bound of the spectral norm of C1 as a matrix, up to rounding.
    lipschitz_bound : float
        That times the supremum of l'': below 1 plain iteration contracts.
    """

    C1: np.ndarray
    C2: np.ndarray
    C3: np.ndarray
    shape: tuple[int, int]
    bias: float
    pointwise: Pointwise
    norm_bound: float
    lipschitz_bound: float

    def dense(self) -> DEQWeights:
        """The same model with matrices in place of filters; images are flattened channel by channel."""
        gram = filter_matrix(self.C2, self.shape).toarray()
        return kglm_weights(self.pointwise, gram, regularisation=1.0, offset=self.bias)


def kglm_filters(
    loss: Loss | Pointwise,
    filters: ArrayLike,
    shape: tuple[int, int],
    *,
    regularisation: float,
    offset: float = 0.0,
) -> ConvDEQWeights:
    r"""Return the filters of the convolutional equilibrium model that solves a kernel GLM on a pixel grid.

    Parameters
    ----------
    loss : Loss or Pointwise
        Of a family with its canonical link.
    filters : (k1, k2) or (c, c, k1, k2) array_like
        Values :math:`\kappa` of the kernel by offset (and pair of channels), see ``initialisers.convolution``.
    shape : (height, width)
    regularisation : float
    offset : float

    Returns
    -------
    ConvDEQWeights

    Raises
    ------
    InvalidInput
        If the filters are no kernel and the objective has therefore no minimum: along an eigenvector with a negative
        eigenvalue k, lambda/2 alpha' K alpha tends to minus infinity like a square, faster than the loss of any family
        but the Gaussian grows; for that one a minimum needs k < -lambda.

    Notes
    -----
    Source: Tsuchida et al. (2022), Corollary 11, for kernels that are positive semi-definite; the truncation by
    indicators in its equation (18) is not (1 - sqrt(2) is an eigenvalue for three pixels and r = 1).

    Examples
    --------
    >>> from dekderive.initialisers.convolution import squared_exponential_filter
    >>> from dekderive.losses import rademacher
    >>> layer = kglm_filters(rademacher, squared_exponential_filter(2, 2.0), (8, 8), regularisation=10.0)
    >>> layer.C1.shape, layer.lipschitz_bound < 1
    ((1, 1, 5, 5), True)
    """
    pointwise = loss if isinstance(loss, Pointwise) else bind(loss)
    kappa = np.asarray(filters, dtype=np.float64)
    kappa = kappa[None, None] if kappa.ndim == 2 else kappa
    if not regularisation > 0:
        raise InvalidInput(f"the regularisation must be a positive number, got {regularisation!r}")
    _refuse_unbounded(pointwise, kappa, shape, regularisation)
    c2 = kappa / regularisation
    bound = norm_bound(c2, shape)
    curvature = float(np.max(pointwise.curvature_bound(np.float64(0.0))))
    return ConvDEQWeights(-c2, c2, -c2, shape, float(offset), pointwise, bound, bound * curvature)


def _refuse_unbounded(pointwise: Pointwise, kappa: np.ndarray, shape: tuple[int, int], regularisation: float) -> None:
    low = smallest_eigenvalue(kappa, shape)
    scale = float(np.abs(kappa).sum())
    if low >= -1e-10 * scale:
        return
    if pointwise.loss.name == "gaussian":
        values = np.linalg.eigvalsh(filter_matrix(kappa, shape).toarray())
        if not ((values > -regularisation) & (values < -1e-10 * scale)).any():
            return
    raise InvalidInput(
        f"these filters are no kernel: their matrix on {shape[0]} x {shape[1]} pixels has the eigenvalue {low:.4g}, "
        "the objective is unbounded below, and no MAP exists; multiply them by taper('triangular', r) or "
        "taper('wendland', r)"
    )
