r"""Designed explicit networks as PyTorch modules, in a parametrisation whose tangent kernel is the one designed for."""

from __future__ import annotations

import math
from typing import Any

from dekderive.design.network import ExplicitNetwork
from dekderive.design.units import Unit
from dekderive.errors import InvalidInput, MissingExtra

try:  # the names exist without PyTorch too, so that importing this module never fails; using them says what to install
    import torch
    from torch import nn

    Module: Any = nn.Module
except ImportError:
    torch = nn = None
    Module = object

__all__ = ["ExplicitModule"]


def _hermite(c: tuple[float, ...], x: Any) -> Any:
    """Sum of c_k He_k(x) / sqrt(k!) by the recurrence of the polynomials, which differentiates as it stands."""
    before, here = torch.ones_like(x), x
    total = c[0] * here
    for k in range(1, len(c)):
        before, here = here, (x * here - math.sqrt(k) * before) / math.sqrt(k + 1)
        total = total + c[k] * here
    return total


def _activation(unit: Unit, x: Any) -> Any:
    p = unit.parameters
    if unit.kind == "hermite":
        return _hermite(p, x / unit.tau)
    if unit.kind == "hard_tanh":
        return p[0] * torch.clamp(x, -p[1], p[1])
    return torch.where(x > 0, p[0] * x, p[1] * x) - (p[0] - p[1]) * unit.tau / math.sqrt(2 * math.pi)


class ExplicitModule(Module):
    r"""A designed network as a module: hidden layers, norm feature, and a linear readout that starts at random.

    All parameters are standard normal, and the scales :math:`1/\sqrt m` are in the forward pass.  Hidden weights are
    multiplied with :math:`\sqrt\eta` in it and divided by it at the start, so that gradient descent with *one* learning
    rate trains them eta times as fast: at infinite width its tangent kernel is ``network.kernel`` of a network that
    was designed for a tangent kernel, and the inner products of :meth:`features` are the conjugate kernel.

    Parameters
    ----------
    network : ExplicitNetwork
    dimension : int
        Number of columns of the data, which are in the scale of the model: mean square norm ``network.tau0**2``.
    width : int
        Of every hidden layer.
    outputs : int
    dtype : torch.dtype, optional
    generator : torch.Generator, optional

    Raises
    ------
    MissingExtra
        Without PyTorch.
    InvalidInput
        If a size is not positive.
    """

    def __init__(
        self,
        network: ExplicitNetwork,
        dimension: int,
        width: int,
        outputs: int = 1,
        *,
        dtype: Any = None,
        generator: Any = None,
    ) -> None:
        if torch is None:
            raise MissingExtra(
                "dekderive.initialisers.torch_explicit needs PyTorch, which is not installed; "
                'pip install "dekderive[torch]"'
            )
        super().__init__()
        if min(dimension, width, outputs) < 1:
            raise InvalidInput(f"sizes must be positive, got {dimension!r}, {width!r} and {outputs!r}")
        self.network, self.width = network, width
        # At rate 0 the hidden weights are constants.
        self._rate = math.sqrt(network.multiplier) or 1.0

        def drawn(rows: int, columns: int, scale: float = 1.0) -> Any:
            return nn.Parameter(torch.randn(rows, columns, dtype=dtype, generator=generator) / scale)

        fan_in = (dimension, *(width for _ in network.layers[1:]))
        self.hidden = nn.ParameterList(drawn(width, n, self._rate) for n in fan_in)
        if network.multiplier == 0:
            for weight in self.hidden:
                weight.requires_grad_(False)
        self.readout = drawn(outputs, width)

    def features(self, x: Any) -> Any:
        """The last hidden layer, with the norm feature: (batch, dimension) to (batch, width)."""
        here, root = x, math.sqrt(self.width)
        for unit, weight in zip(self.network.layers, self.hidden, strict=True):
            here = _activation(unit, self._rate * (here @ weight.T)) / root
        if self.network.norm_shift:
            excess = (x * x).sum(dim=1, keepdim=True) - self.network.tau0**2
            here = here + self.network.norm_shift / root * excess
        return here

    def forward(self, x: Any) -> Any:
        """The outputs, (batch, outputs)."""
        return self.features(x) @ self.readout.T
