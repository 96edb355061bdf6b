r"""What is read from the tensors of a pair of images.

With :math:`k_1 = \mathbb E[\phi \phi]`, :math:`k_0 = \mathbb E[\phi' \phi']` at the covariance tensor and the tangent
kernel T of the pre-activations,

=================  ======================================================================================
``preactivation``  :math:`\sum_p T_{pp}`
``linear``         :math:`\sum_p (k_1 + k_0 T)_{pp}`
``eq21``           :math:`\sum_p (\sigma_W^2 k_0 T + \sigma_W^2 k_1 + \sigma_U^2 \langle x, y \rangle)_{pp}`
``gap``            :math:`(PQ)^{-2} \sum_{pp'} (k_1 + k_0 T)_{pp'}`
=================  ======================================================================================
"""

import numpy as np

from dekderive.errors import InvalidInput
from dekderive.gram.convolutional.pairs import Fields
from dekderive.solvers.solution import Array

__all__ = ["READOUTS", "check_readout", "total"]

READOUTS = ("preactivation", "linear", "eq21", "gap")


def check_readout(readout: str, depth: int | None) -> None:
    """Refuse names that are none, and the readout of layers that are not there.

    Raises
    ------
    InvalidInput
    """
    if readout not in READOUTS:
        raise InvalidInput(f"readout must be one of {', '.join(READOUTS)}; got {readout!r}")
    if readout == "eq21" and depth == 0:
        raise InvalidInput("readout 'eq21' is that of a layer on top of another one; it needs depth at least 1")


def total(readout: str, fields: Fields) -> Array:
    """Sums of the readout over the pixels of one displacement, (N,)."""
    if readout == "preactivation":
        values = fields.tangent
    elif readout == "eq21":
        values = fields.stated
    else:
        values = fields.k1 + fields.k0 * fields.tangent
    return np.einsum("npq->n", values)
