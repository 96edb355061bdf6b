"""Equilibrium layers for PyTorch that equal a kernel GLM before training, with implicit differentiation.

The state is the preactivation u, not the mean z: ``u = W1 sigma(u) + W2 T(y) + W3 Q'(u) + b`` has the same solutions,
and a saturated activation has lost the digits that u still has.  ``torchdeq`` can drive the same step::

    deq = torchdeq.get_deq(f_solver="broyden", b_solver="broyden", f_tol=1e-10, b_tol=1e-10, ift=True)
    injected = layer.inject(y)
    states, info = deq(lambda u: layer.step(u, injected), injected.detach())
    prediction = layer.readout(states[-1], y)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dekderive.errors import InvalidInput, MissingExtra, NotConverged
from dekderive.initialisers.conv_weights import ConvDEQWeights
from dekderive.initialisers.deq_weights import DEQWeights

try:  # the names exist without PyTorch too, so that importing this module never fails; using them says what to install
    import torch
    from torch import nn

    Module: Any = nn.Module
except ImportError:
    torch = nn = None
    Module = object

__all__ = ["ConvDEQ", "DenseDEQ", "fixed_point"]

Step = Callable[[Any], Any]
_ACTIVATIONS = ("bernoulli", "gaussian", "poisson", "rademacher")
_PENALTIES = ("gaussian_penalty", "logistic_penalty", "pseudo_huber_penalty")


def _require_torch() -> None:
    if torch is None:
        raise MissingExtra(
            'dekderive.initialisers.torch_deq needs PyTorch, which is not installed; pip install "dekderive[torch]"'
        )


def _activation(name: str, u: Any) -> Any:
    if name == "gaussian":
        return u
    return {"bernoulli": torch.sigmoid, "rademacher": torch.tanh, "poisson": torch.exp}[name](u)


def _penalty_slope(name: str, u: Any, strength: float, width: float = 1.0) -> Any:
    if name == "gaussian_penalty":
        return strength * u
    return strength * (torch.tanh(u / 2) if name == "logistic_penalty" else u / torch.sqrt(1 + (u / width) ** 2))


def fixed_point(step: Step, start: Any, *, tolerance: float, max_steps: int, memory: int = 5) -> Any:
    """Solve u = step(u) by Anderson acceleration, each row of a batch on its own; no gradients are recorded.

    Parameters
    ----------
    step : callable
    start : (batch, ...) tensor
    tolerance : float
        Of max |step(u) - u|, relative to 1 + max |u|.
    max_steps, memory : int

    Raises
    ------
    NotConverged
        If some row is still off; the message has the residual.  (Training code may catch it and lower the norm of W1.)
    MissingExtra
        Without PyTorch.
    """
    _require_torch()
    shape = start.shape
    u = start.reshape(len(start), -1)
    images: list[Any] = []
    residuals: list[Any] = []
    best, best_size = u, torch.full((len(u),), float("inf"), dtype=u.dtype, device=u.device)
    for _ in range(max_steps):
        image = step(u.reshape(shape)).reshape(u.shape)
        residual = image - u
        size = residual.abs().amax(dim=1)
        better = size < best_size
        best, best_size = torch.where(better[:, None], u, best), torch.where(better, size, best_size)
        if bool((best_size <= tolerance * (1 + best.abs().amax(dim=1))).all()):
            return best.reshape(shape)
        images, residuals = [image, *images[:memory]], [residual, *residuals[:memory]]
        u = _extrapolated(images, residuals)
    raise NotConverged(
        f"the equilibrium was not reached in {max_steps} steps (residual {float(best_size.max()):.3g}); "
        "lower the norm of W1, allow more steps, or loosen the tolerance"
    )


def _extrapolated(images: list[Any], residuals: list[Any]) -> Any:
    if len(images) == 1:
        return images[0]
    differences = torch.stack([residuals[0] - r for r in residuals[1:]], dim=1)  # (batch, memory, n)
    normal = differences @ differences.transpose(1, 2)
    scale = normal.diagonal(dim1=1, dim2=2).sum(dim=1)[:, None, None].clamp_min(torch.finfo(normal.dtype).tiny)
    ridge = 10 * torch.finfo(normal.dtype).eps * torch.eye(normal.shape[1], dtype=normal.dtype, device=normal.device)
    right = (differences @ residuals[0][:, :, None]) / scale
    gamma = torch.linalg.solve(normal / scale + ridge, right)[:, :, 0]
    steps = torch.stack([images[0] - g for g in images[1:]], dim=1)
    return images[0] - (gamma[:, :, None] * steps).sum(dim=1)


class _Equilibrium(Module):
    """What both layers share: activations, the solve, and the implicit gradient."""

    def __init__(self, weights: DEQWeights | ConvDEQWeights, tolerance: float | None, max_steps: int) -> None:
        _require_torch()
        super().__init__()
        penalty = weights.pointwise.penalty
        self.family = weights.pointwise.loss.name
        self.penalty = None if penalty is None else penalty.name
        self.penalty_values = {name: float(value) for name, value in weights.pointwise.penalty_values.items()}
        if self.family not in _ACTIVATIONS:
            raise InvalidInput(f"no PyTorch activation for {self.family!r}; there is one for {', '.join(_ACTIVATIONS)}")
        if self.penalty not in (None, *_PENALTIES):
            raise InvalidInput(f"no PyTorch slope for {self.penalty!r}; there is one for {', '.join(_PENALTIES)}")
        self.tolerance, self.max_steps = tolerance, max_steps

    def activation(self, u: Any) -> Any:
        """The mean as a function of the preactivation."""
        return _activation(self.family, u)

    def penalty_slope(self, u: Any) -> Any:
        """Q'(u); 0 without a penalty."""
        return torch.zeros_like(u) if self.penalty is None else _penalty_slope(self.penalty, u, **self.penalty_values)

    def _parameter(self, values: np.ndarray, dtype: Any) -> Any:
        return nn.Parameter(torch.tensor(np.asarray(values), dtype=dtype or torch.get_default_dtype()))

    def step(self, u: Any, injected: Any) -> Any:
        """One application of the layer to the preactivation."""
        raise TypeError("use DenseDEQ or ConvDEQ")

    def inject(self, y: Any) -> Any:
        """The part of the preactivation that the input contributes."""
        raise TypeError("use DenseDEQ or ConvDEQ")

    def preactivation(self, y: Any) -> Any:
        """Solve for u, with gradients by the implicit function theorem.

        The backward pass solves g = v + (du'/du)^T g for the incoming gradient v by the same iteration.
        """
        injected = self.inject(y)
        tolerance = self.tolerance or 32 * float(torch.finfo(injected.dtype).eps)

        def solve(step: Step, start: Any) -> Any:
            return fixed_point(step, start, tolerance=tolerance, max_steps=self.max_steps)

        with torch.no_grad():
            equilibrium = solve(lambda u: self.step(u, injected), injected)
        if not torch.is_grad_enabled():
            return equilibrium
        u = self.step(equilibrium, injected)  # carries the gradients of the parameters and of the input
        at = equilibrium.detach().requires_grad_()
        again = self.step(at, injected.detach())

        def backward(v: Any) -> Any:
            if v is None:
                return None

            def transposed(g: Any) -> Any:
                return v + torch.autograd.grad(again, at, g, retain_graph=True)[0]

            return solve(transposed, v)

        if u.requires_grad:
            u.register_hook(backward)
        return u


class DenseDEQ(_Equilibrium):
    """Fully connected equilibrium layer; before training its forward pass is the kernel GLM.

    Parameters
    ----------
    weights : DEQWeights
        From ``dekderive.initialisers.kglm_weights`` or ``KernelGLM.to_deq``; the family must be gaussian, bernoulli,
        rademacher or poisson, whose statistic is y itself.
    tolerance : float, optional
        Default 32 eps of the dtype.
    max_steps : int
    dtype : torch.dtype, optional
    """

    def __init__(
        self, weights: DEQWeights, *, tolerance: float | None = None, max_steps: int = 500, dtype: Any = None
    ) -> None:
        super().__init__(weights, tolerance, max_steps)
        self.W1, self.W2, self.bias = (self._parameter(x, dtype) for x in (weights.W1, weights.W2, weights.bias))
        self.V1, self.V2, self.readout_bias = (
            self._parameter(x, dtype) for x in (weights.V1, weights.V2, weights.readout_bias)
        )
        self.W3 = self._parameter(weights.W3, dtype) if self.penalty is not None else None

    def inject(self, y: Any) -> Any:
        """W2 y + b for inputs of shape (batch, n)."""
        return y @ self.W2.T + self.bias

    def step(self, u: Any, injected: Any) -> Any:
        """W1 sigma(u) + W3 Q'(u) + injected."""
        out = self.activation(u) @ self.W1.T + injected
        return out if self.W3 is None else out + self.penalty_slope(u) @ self.W3.T

    def forward(self, y: Any) -> Any:
        """The predictor at the new inputs: (batch, n) to (batch, m)."""
        return self.readout(self.preactivation(y), y)

    def readout(self, u: Any, y: Any) -> Any:
        """V1 (sigma(u) + Q'(u)) + V2 y + bias: the predictor from a preactivation that any solver found."""
        return (self.activation(u) + self.penalty_slope(u)) @ self.V1.T + y @ self.V2.T + self.readout_bias


class ConvDEQ(_Equilibrium):
    """Convolutional equilibrium layer; before training its forward pass is the kernel GLM on the pixel grid.

    Parameters
    ----------
    weights : ConvDEQWeights
        From ``dekderive.initialisers.kglm_filters``.
    tolerance, max_steps, dtype
        As for `DenseDEQ`.
    """

    def __init__(
        self, weights: ConvDEQWeights, *, tolerance: float | None = None, max_steps: int = 500, dtype: Any = None
    ) -> None:
        super().__init__(weights, tolerance, max_steps)
        self.C1, self.C2 = self._parameter(weights.C1, dtype), self._parameter(weights.C2, dtype)
        self.bias = self._parameter(np.full((weights.C1.shape[0], 1, 1), weights.bias), dtype)
        self.C3 = self._parameter(weights.C3, dtype) if self.penalty is not None else None

    def inject(self, y: Any) -> Any:
        """C2 * y + b for images of shape (batch, channels, height, width)."""
        return nn.functional.conv2d(y, self.C2, padding="same") + self.bias

    def step(self, u: Any, injected: Any) -> Any:
        """C1 * sigma(u) + C3 * Q'(u) + injected."""
        out = nn.functional.conv2d(self.activation(u), self.C1, padding="same") + injected
        return out if self.C3 is None else out + nn.functional.conv2d(self.penalty_slope(u), self.C3, padding="same")

    def forward(self, y: Any) -> Any:
        """The predictor on the grid, of the shape of y."""
        return self.readout(self.preactivation(y), y)

    def readout(self, u: Any, y: Any) -> Any:
        """The predictor from a preactivation: at the training inputs they are the same."""
        return u
