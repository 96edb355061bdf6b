"""A convolutional layer: its activation, its grid, its variances, and how often it is applied."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dekderive.errors import InvalidInput, NoFixedPoint, NotConverged
from dekderive.gram.convolutional.activation import VARIANCES, Activation
from dekderive.gram.convolutional.linear import newton
from dekderive.gram.convolutional.profile import Profile
from dekderive.gram.convolutional.windows import Grid, box_sum
from dekderive.kernels.kernel import Kernel
from dekderive.kernels.layered import LayeredKernel
from dekderive.solvers.arguments import checked_parameters
from dekderive.solvers.solution import Array

__all__ = ["Layer"]


@dataclass(frozen=True, eq=False)
class Layer:
    r"""One convolutional layer.

    Attributes
    ----------
    activation : Activation
    grid : Grid
    weight, injection, bias : float
        Variances of the recurrent filters, of the filters of the input, and of the biases.
    depth : int or None
        How often it is applied; None for ever.
    level : (float, float) or None
        Squared norm and variance of all pixels of all images, where they are the same.
    profile : Profile or None
        Where expectations of pairs depend on correlations alone.
    ratio : float
        E[phi(u)^2] for u of variance 1, or of the variance of the level, in units of that.
    """

    activation: Activation
    grid: Grid
    weight: float
    injection: float
    bias: float
    depth: int | None = None
    level: tuple[float, float] | None = None
    profile: Profile | None = None
    ratio: float = 1.0

    @classmethod
    def of(cls, kernel: Kernel | LayeredKernel, grid: Grid, depth: int | None, given: Mapping[str, Any]) -> "Layer":
        """From a record and the parameters that were given.

        Raises
        ------
        InvalidInput
            If the record has no tangent kernel, or a parameter is missing or out of range.
        """
        if depth is not None and (isinstance(depth, bool) or not isinstance(depth, int | np.integer) or depth < 0):
            raise InvalidInput(f"depth must be an integer from 0, or None for infinite depth; got {depth!r}")
        activation = Activation(kernel, {n: v for n, v in given.items() if n not in VARIANCES})
        weight, injection, bias = _variances(kernel, {n: v for n, v in given.items() if n in VARIANCES})
        ratio = float(activation.variance(np.ones(1))[0])
        layer = cls(activation, grid, weight, injection, bias, None if depth is None else int(depth), ratio=ratio)
        if not activation.homogeneous:
            return layer
        if depth is None and weight * ratio >= 1:
            raise NoFixedPoint(
                f"{kernel.name}: weight_variance * E[phi(u)^2] must be below 1 for u of variance 1, and it is "
                f"{weight * ratio:.4g}; lower weight_variance, or ask for a finite depth"
            )
        return layer._with_profile(1.0)

    @property
    def needs_level(self) -> bool:
        """Whether it would make a difference if all pixels had the same norm."""
        return not self.activation.homogeneous and self.depth is None and self.grid.normalisation == "taps"

    def at_level(self, smallest: float, largest: float) -> "Layer":
        """The layer for images whose pixels have squared norms in this range.

        With pixels of one norm, and windows that are averaged over the pixels they hold, all variances are one number,
        and expectations of pairs depend on correlations alone, whatever the activation.
        """
        if not (self.needs_level and 0 < largest <= smallest * (1 + 1e-12)):
            return self
        square = (smallest + largest) / 2
        variance = float(self.limit(np.full((1, 1, 1), square), "X", grid=Grid(1, 1, 1, "taps"))[0, 0, 0])
        ratio = float(self.activation.variance(np.array([variance]))[0]) / variance
        return replace(self, level=(square, variance), ratio=ratio)._with_profile(variance)

    def _with_profile(self, variance: float) -> "Layer":
        try:
            return replace(self, profile=self.activation.profile(variance))
        except NotConverged:  # the expectations themselves are slower, and always there
            return self

    def tolerances(self, tolerance: float) -> tuple[float, float]:
        """Residuals of the equation of the gaps and of the linear one that leave such errors in the kernel.

        Errors are at most residuals divided by 1 - sigma_W^2 in either equation; no residual is below rounding.
        """
        margin = max(1.0 - self.weight * self.ratio, 1e-3)
        return max(tolerance * margin**2, 5e-15), max(0.01 * tolerance * margin, 1e-15)

    def content(self, q: Array, squares: Array) -> Array:
        """What a pixel of variance q and squared norm |x|^2 adds to the windows that hold it."""
        return self.weight * self.activation.variance(q) + self.injection * squares

    def limit(self, squares: Array, name: str, first: int = 0, grid: Grid | None = None) -> Array:
        """Fixed point of the variances, from the squared norms of the pixels.

        Where V increases, the iteration rises from the variances that the inputs alone leave to the smallest solution;
        Newton's method takes over.  Of homogeneous activations the equation is linear.

        Raises
        ------
        NotConverged
        """
        grid = self.grid if grid is None else grid
        activation, weight = self.activation, self.weight

        def spread(content: Array) -> Array:
            return grid.weights * box_sum(content, grid.radius) + self.bias

        def function(q: Array) -> tuple[Array, Array]:
            return weight * activation.variance(q), weight * activation.variance_slope(q)

        base = spread(self.injection * squares)
        # Of one variance for all pixels, which is the solution if they have the same norm.
        q = base / (1.0 - weight * self.ratio) if activation.homogeneous else base
        for _ in range(0 if activation.homogeneous else 30):
            q = spread(self.content(q, squares))
        with np.errstate(over="ignore", invalid="ignore"):
            found = newton(function, base, q, grid.weights, grid.radius, 1e-14, lower=0.0)
            q = spread(self.content(np.maximum(found.value, base), squares))
        bad = ~found.converged | ~np.isfinite(q).all(axis=(1, 2))
        if bad.any():
            raise NotConverged(
                f"the variances of {activation.name} at image {first + int(np.argmax(bad))} of {name} do not settle; "
                "if weight_variance * E[phi(u)^2] grows as fast as the variance itself, there is no fixed point: lower "
                "weight_variance"
            )
        self._demand_finite_tangent(q, grid, name, first)
        return q

    def _demand_finite_tangent(self, q: Array, grid: Grid, name: str, first: int) -> None:
        """Averages of numbers that all are at least 1 are: then T(x, x) grows with every layer."""
        if grid.normalisation != "taps":
            return
        slope = self.weight * self.activation.pair(q, q, q)[1]
        bad = ((slope >= 1) & (q > 0)).all(axis=(1, 2))
        if bad.any():
            raise NoFixedPoint(
                f"the tangent kernel of {self.activation.name} is infinite at image {first + int(np.argmax(bad))} of "
                f"{name}: weight_variance * E[phi'(u)^2] is at least 1 at all pixels; lower weight_variance"
            )

    def layers(self, squares: Array) -> Array:
        """Variances of layers 0 to `depth`, along the second axis."""
        grid = self.grid
        q = [grid.weights * box_sum(squares, grid.radius)]
        for _ in range(self.depth or 0):
            q.append(grid.weights * box_sum(self.content(q[-1], squares), grid.radius) + self.bias)
        return np.stack(q, axis=1)


def _variances(kernel: Kernel | LayeredKernel, given: Mapping[str, Any]) -> tuple[float, float, float]:
    """The three variances; records of finite depth have no input variance, and another convention for the weights."""
    if isinstance(kernel, Kernel):
        values = checked_parameters(kernel, given)
        return values["weight_variance"], values["input_variance"], values["bias_variance"]
    missing = [name for name in VARIANCES[:2] if name not in given]
    if missing:
        raise InvalidInput(
            f"{kernel.name} is the record of a dense network; for a convolutional one with input injection pass "
            f"{' and '.join(missing)} too"
        )
    found = []
    for name in VARIANCES:
        value = given.get(name, 0.0)
        number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
        if not number or not (value >= 0 and math.isfinite(value)):
            raise InvalidInput(f"{kernel.name}: {name} must be a real number from 0, got {value!r}")
        found.append(float(value))
    return found[0], found[1], found[2]
