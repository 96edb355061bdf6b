"""Explicit networks: their exact kernels of infinite width, and random features of finite width."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from dekderive.design.target import Scalars, Target, network_scalars, residuals_of
from dekderive.design.units import Unit
from dekderive.errors import InvalidInput, NotConverged
from dekderive.gram.moments import linear
from dekderive.gram.points import Block, Pairs, Points, as_rows
from dekderive.solvers.solution import Array

__all__ = ["ExplicitNetwork", "Weights"]

Weights = tuple[Array, ...]

_PAIRS = 1 << 20  # a block of the Gram matrix; about ten arrays of this size exist at a time
_FEATURES = 1 << 22  # numbers that random features hold at a time beside their result


@dataclass(frozen=True, slots=True)
class ExplicitNetwork:
    r"""A network of one to three hidden layers that was designed to have a given kernel.

    .. math:: x_l = \sigma_l(W_l x_{l-1})/\sqrt{m_l}, \qquad
              h(x) = x_L + \frac{c}{\sqrt{m_L}} (|x|^2 - \tau_0^2) \mathbf 1, \qquad f(x) = v \cdot h(x),

    all weights standard normal at the start.  Its conjugate kernel is :math:`\langle h(x), h(x')\rangle`, and its
    tangent kernel :math:`K_L + H_L` with :math:`H_l = (\eta K_{l-1} + H_{l-1}) \circ \dot K_l`: the readout is trained
    at rate 1, the hidden weights at rate eta.

    Attributes
    ----------
    family : str
        By whose rule it was designed; see :func:`dekderive.design.design_explicit`.
    layers : tuple of Unit
        The activations; the scales of the weights are in them.
    norm_shift : float
        c, the same for all units of the last layer.
    multiplier : float
        eta, the learning rate of hidden weights relative to that of the readout.
    target : Target
        The kernel that was asked for; ``target.kind`` is the kernel that this network is about.

    Examples
    --------
    >>> from dekderive.design import design_explicit
    >>> from dekderive.equivalents import DeepEquilibrium, relu
    >>> network = design_explicit(DeepEquilibrium(relu, 0.2, 0.8), tau0=1.0)
    >>> network.family, len(network.layers), network.feasible
    ('leaky_relu', 2, True)
    >>> network.kernel(np.eye(3)).round(3)[0]
    array([0.293, 0.   , 0.   ])
    """

    family: str
    layers: tuple[Unit, ...]
    norm_shift: float
    multiplier: float
    target: Target

    def __post_init__(self) -> None:
        if not self.layers:
            raise InvalidInput("an explicit network has at least one hidden layer")

    @property
    def tau0(self) -> float:
        """Root of the mean square norm of the inputs that the network was designed for."""
        return self.target.tau0

    @property
    def scalars(self) -> Scalars:
        """(linear, norm, quadratic, diagonal) of its kernel, by the recursion over its layers."""
        both = network_scalars(self.layers, self.tau0, self.norm_shift, self.multiplier)
        return both[self.target.kind != "ck"]

    @property
    def residuals(self) -> Scalars:
        """By how much the four equations are missed, in units of the diagonal of the kernel."""
        return residuals_of(self.scalars, self.target)

    @property
    def feasible(self) -> bool:
        """Whether all four equations hold to rounding."""
        return max(map(abs, self.residuals)) <= 1e-9

    def kernel(self, X: ArrayLike, Y: ArrayLike | None = None) -> Array:
        r"""Exact kernel at infinite width between the rows of X and those of Y, or of X with itself.

        Parameters
        ----------
        X : (n, d) array_like
            In the scale of the model: :math:`S = X X^T`, with mean square norm ``tau0**2``.
        Y : (m, d) array_like, optional

        Returns
        -------
        (n, m) ndarray
            float32 if all rows are float32, float64 otherwise; symmetric to the last bit without Y.

        Raises
        ------
        InvalidInput
            For data that are no finite matrix, or of different widths.
        NotConverged
            If a value overflows: a polynomial far from the norms it was designed for.

        Examples
        --------
        >>> from dekderive.design import design_explicit
        >>> from dekderive.equivalents import DeepEquilibrium, tanh
        >>> network = design_explicit(DeepEquilibrium(tanh, 0.2, 0.8), tau0=1.0)
        >>> network.kernel([[1.0, 0.0]], [[0.6, 0.8]]).shape
        (1, 1)
        """
        left = Points.of(as_rows(X))
        right = left if Y is None else Points.of(as_rows(Y, "Y"))
        if left.rows.shape[1] != right.rows.shape[1]:
            raise InvalidInput(f"Y must have as many columns as X ({left.rows.shape[1]}), not {right.rows.shape[1]}")
        out = np.empty((len(left), len(right)), dtype=np.result_type(left.rows, right.rows))
        height = max(1, _PAIRS // max(1, len(right)))
        for begin in range(0, len(left), height):
            end = min(begin + height, len(left))
            stop = end if Y is None else len(right)
            out[begin:end, :stop] = self._block(left, right, Block(slice(begin, end), slice(0, stop)))
        if Y is None:
            lower = np.tril_indices(len(left), -1)
            out.T[lower] = out[lower]
            np.fill_diagonal(out, self.diagonal(X))
        if not np.isfinite(out).all():
            raise NotConverged("the kernel overflows; the rows are too long for this network, see its tau0")
        return out

    def diagonal(self, X: ArrayLike) -> Array:
        """The diagonal of ``kernel(X)``, without the matrix.

        Parameters
        ----------
        X : (n, d) array_like

        Returns
        -------
        (n,) ndarray

        Examples
        --------
        >>> from dekderive.design import design_explicit
        >>> from dekderive.equivalents import DeepEquilibrium, relu
        >>> network = design_explicit(DeepEquilibrium(relu, 0.2, 0.8), tau0=1.0)
        >>> network.diagonal([[0.6, 0.8]]) - network.target.scalars[3] < 1e-12
        array([ True])
        """
        points = Points.of(as_rows(X))
        norms = linear().checked_diagonal(points)
        value, hidden, mean = norms, np.zeros_like(norms), np.zeros_like(norms)
        with np.errstate(over="ignore", invalid="ignore"):
            for unit in self.layers:
                hidden = (self.multiplier * value + hidden) * unit.slope_second(value)
                value, mean = unit.second(value), unit.mean(value)
            shift = self._shift(norms)
            value = value + shift * (2 * mean + shift)
        return (value + hidden if self.target.kind != "ck" else value).astype(points.rows.dtype, copy=False)

    def _shift(self, norms: Array) -> Array:
        return self.norm_shift * (norms - self.tau0**2)

    def _block(self, left: Points, right: Points, block: Block) -> Array:
        """The kernel at the pairs of a block, coincident ones included."""
        tangent = self.target.kind != "ck"
        i, j = left.squared_lengths[block.rows], right.squared_lengths[block.columns]
        a, b = i[:, None], j
        shape = (a.size, b.size)
        exact = any(unit.reads_gap for unit in self.layers)
        if exact:
            pairs = Pairs(left, right, block)
            lag, gap = pairs.dot.reshape(shape), pairs.gap.reshape(shape)
        else:
            shift = left.exponents[block.rows][:, None] + right.exponents[block.columns]
            lag = np.ldexp((left.rows[block.rows] @ right.rows[block.columns].T).astype(np.float64), shift)
            gap = np.zeros(())
        hidden = np.zeros(())
        with np.errstate(over="ignore", invalid="ignore"):
            for place, unit in enumerate(self.layers):
                x, y = unit.mean(a), unit.mean(b)
                if tangent:
                    hidden = (self.multiplier * lag + hidden) * unit.slope_dual(a, b, lag, gap)
                value = unit.dual(a, b, lag, gap)
                if exact and place + 1 < len(self.layers):
                    gap = unit.next_gap(a, b, lag, gap)
                a, b, lag = unit.second(a), unit.second(b), value
            if self.norm_shift:
                u, v = self._shift(i[:, None]), self._shift(j)
                lag = lag + u * y + x * v + u * v
            return lag + hidden if tangent else lag

    def weights(self, dimension: int, width: int, rng: int | np.random.Generator | None = None) -> Weights:
        """Draw the hidden weights, and of a tangent kernel the projections that its features need.

        Parameters
        ----------
        dimension : int
            Number of columns of the data.
        width : int
            Of every hidden layer.
        rng : int or Generator, optional

        Returns
        -------
        tuple of ndarray
            One matrix per layer, ``(width, fan_in)``; of a tangent kernel a second one for each layer.

        Raises
        ------
        InvalidInput
            If the width is not positive.

        Examples
        --------
        >>> from dekderive.design import design_explicit
        >>> from dekderive.equivalents import DeepEquilibrium, relu
        >>> network = design_explicit(DeepEquilibrium(relu, 0.2, 0.8), tau0=1.0)
        >>> [w.shape for w in network.weights(5, 100, 0)]
        [(100, 5), (100, 100)]
        """
        if width < 1 or dimension < 1:
            raise InvalidInput(f"width and dimension must be positive, got {width!r} and {dimension!r}")
        draw = np.random.default_rng(rng)
        fan_in = (dimension, *(width for _ in self.layers[1:]))
        drawn = [draw.standard_normal((width, n)) for n in fan_in]
        if self.target.kind != "ck":
            before = (dimension, *(2 * width for _ in self.layers[1:]))
            drawn += [draw.standard_normal((width, n)) for n in before]
        return tuple(drawn)

    def features(self, X: ArrayLike, width: int, rng: int | np.random.Generator | None = None) -> Array:
        r"""Random features: rows whose inner products are the kernel of a network of finite width.

        For a conjugate kernel they are the last hidden layer.  For a tangent kernel the gradients in the hidden
        weights follow, each projected to one number by a Gaussian vector: unbiased, with errors of the same order.

        Parameters
        ----------
        X : (n, d) array_like
        width : int
        rng : int or Generator, optional
            The same integer gives the same weights for other rows.

        Returns
        -------
        (n, width) or (n, 2 width) ndarray
            float32 if X is float32.

        Raises
        ------
        InvalidInput

        Examples
        --------
        >>> from dekderive.design import design_explicit
        >>> from dekderive.equivalents import DeepEquilibrium, tanh
        >>> network = design_explicit(DeepEquilibrium(tanh, 0.2, 0.8), tau0=1.0)
        >>> X = np.random.default_rng(0).normal(size=(20, 50)) / np.sqrt(50)
        >>> Z = network.features(X, 20000, rng=1)
        >>> bool(abs(Z @ Z.T - network.kernel(X)).max() < 0.03)
        True
        """
        rows = as_rows(X)
        return self.apply(self.weights(rows.shape[1], width, rng), rows)

    def apply(self, weights: Weights, X: ArrayLike) -> Array:
        """The features for given weights, a chunk of rows at a time.

        Parameters
        ----------
        weights : tuple of ndarray
            From :meth:`weights`.
        X : (n, d) array_like

        Returns
        -------
        (n, width) or (n, 2 width) ndarray

        Examples
        --------
        >>> from dekderive.design import design_explicit
        >>> from dekderive.equivalents import DeepEquilibrium, relu
        >>> network = design_explicit(DeepEquilibrium(relu, 0.2, 0.8), tau0=1.0, kernel="ntk")
        >>> network.apply(network.weights(2, 8, 0), [[0.6, 0.8]]).shape
        (1, 16)
        """
        rows = as_rows(X)
        if rows.shape[1] != weights[0].shape[1]:
            raise InvalidInput(f"X has {rows.shape[1]} columns, but the weights were drawn for {weights[0].shape[1]}")
        used = tuple(w.astype(rows.dtype, copy=False) for w in weights)
        width = len(weights[0])
        out = np.empty((len(rows), width * (1 if self.target.kind == "ck" else 2)), dtype=rows.dtype)
        for part in _chunks(len(rows), width):
            self._into(out[part], used, rows[part])
        return out

    def _into(self, out: Array, weights: Weights, rows: Array) -> None:
        depth, width = len(self.layers), len(weights[0])
        kind = rows.dtype.type
        norms = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
        here, tangent = rows, np.zeros((len(rows), 0), dtype=rows.dtype)
        for place, unit in enumerate(self.layers):
            before = here @ weights[place].T
            if self.target.kind != "ck":
                every = np.hstack([kind(np.sqrt(self.multiplier)) * here, tangent])
                tangent = unit.slope(before) * (every @ weights[depth + place].T) / kind(np.sqrt(width))
            here = unit(before) / kind(np.sqrt(width))
        if self.norm_shift:
            here += (self._shift(norms) / np.sqrt(width)).astype(rows.dtype)[:, None]
        out[:, :width] = here
        out[:, width:] = tangent


def _chunks(rows: int, width: int) -> Iterator[slice]:
    step = max(1, _FEATURES // width)
    for begin in range(0, rows, step):
        yield slice(begin, begin + step)
