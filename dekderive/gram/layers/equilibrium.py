r"""Deep equilibrium models at pairs of inputs, solved for the gap.

With injected kernel I = u c + b and :math:`V(k) = \mathbb E[\phi(u) \phi(v)]`, the covariance obeys k = w V(k) + I.
All three are positive semi-definite kernels; written as :math:`\sqrt{p q}\,(1 - g)`, the equation is one for the gap g,

.. math:: g = \gamma(g), \qquad \gamma(g) = \text{gap of } w V + I = f_1\, g_V(g) + f_2\, g_I + (1 - f_1 - f_2),

a sum of terms that are not negative and have full relative accuracy (``relative``, ``transfer``); so has its root.
:math:`\gamma(0) \ge 0` and :math:`\gamma(2) \le 2`, so that a crossing lies between, and
:math:`\gamma'(g) = w\, \mathbb E[\phi'(u) \phi'(v)]` in any case.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dekderive.errors import NoFixedPoint, NotConverged
from dekderive.gram.layers.layer import TINY, Layer, row
from dekderive.gram.layers.relative import Relative, angle_of, product, total
from dekderive.gram.layers.rows import mean_of
from dekderive.gram.layers.transfer import Seeds, Transfer
from dekderive.kernels.kernel import Kernel
from dekderive.solvers.newton import find_roots
from dekderive.solvers.solution import Array, worst

__all__ = ["GAPS", "Equilibrium", "Fixed"]

# What the equations of pairs read of their inputs.
GAPS = ("gap", "opposite_gap", "tilt")

BATCH = 1 << 14
# Gaps below this change no digit of any value.
_SMALLEST = 1e-48
# Variances of a pair whose ratio is closer to 1 get their difference from that of the inputs.
_CLOSE = 0.05
_NONE = np.empty(0)


class Fixed:
    """The rows of one side: variances at the fixed point, and their logarithmic derivatives.

    Parameters
    ----------
    kernel, parameters, seeds
    second, kxx : (n,) ndarray
        Second moments, and the variances that solve the diagonal equation.
    dsecond : (n, T) ndarray, optional
        Derivatives of the logarithms of the second moments.
    """

    def __init__(
        self,
        kernel: Kernel,
        parameters: Mapping[str, float],
        seeds: Seeds,
        second: Array,
        kxx: Array,
        dsecond: Array | None = None,
    ) -> None:
        assert kernel.activation is not None
        count = seeds.dbias.size
        self.empty, self.second = second == 0, np.where(second == 0, TINY, second)
        self.dsecond = np.zeros((second.size, count)) if dsecond is None else dsecond
        self.kxx = np.where(kxx > 0, kxx, TINY)
        still, layer = np.zeros((second.size, count)), Layer(kernel, parameters, seeds)
        with np.errstate(all="ignore"):
            injected = layer.injected(row(self.second, self.dsecond))
            square, own = mean_of(kernel.activation, self.kxx, still, parameters, seeds)
            growth = np.broadcast_to(kernel.diagonal_step_derivative.at({**parameters, "kxx": self.kxx}), kxx.shape)
            change = injected.p[:, None] * injected.dp + (layer.weight * square)[:, None] * (own + seeds.dweight)
            self.dkxx = change / (1.0 - growth)[:, None] / self.kxx[:, None]
            self.square = mean_of(kernel.activation, self.kxx, self.dkxx, parameters, seeds)
            self.slope = None
            if kernel.slope is not None:
                self.slope = mean_of(kernel.slope, self.kxx, self.dkxx, parameters, seeds)


class Equilibrium:
    """The kernel of a deep equilibrium model between two sides of rows.

    Parameters
    ----------
    kernel : Kernel
        With expectations.
    left, right : pair of (n,) and of (m,) ndarray
        Second moments of the inputs, and the variances that solve the diagonal equation; `right` is None for one side.
    parameters : mapping
    seeds : Seeds, optional
        Directions to differentiate along; none by default.
    dleft, dright : (n, T) and (m, T) ndarray, optional
        Derivatives of the logarithms of the second moments.
    """

    def __init__(
        self,
        kernel: Kernel,
        left: tuple[Array, Array],
        right: tuple[Array, Array] | None,
        parameters: Mapping[str, float],
        seeds: Seeds | None = None,
        dleft: Array | None = None,
        dright: Array | None = None,
    ) -> None:
        self.kernel, self.parameters = kernel, parameters
        self.seeds = Seeds.none(len(kernel.parameters) - 3) if seeds is None else seeds
        self._layer = Layer(kernel, parameters, self.seeds)
        self._plain = Layer(kernel, parameters, Seeds.none(len(kernel.parameters) - 3))
        self.left = Fixed(kernel, parameters, self.seeds, *left, dleft)
        self.right = self.left if right is None else Fixed(kernel, parameters, self.seeds, *right, dright)

    @cached_property
    def _activation(self) -> Transfer:
        assert self.kernel.activation is not None
        return Transfer(self.kernel.activation, self.parameters, self.seeds, self.left.kxx, self.right.kxx)

    @cached_property
    def _slope(self) -> Transfer:
        assert self.kernel.slope is not None
        return Transfer(self.kernel.slope, self.parameters, self.seeds, self.left.kxx, self.right.kxx)

    def values(
        self, i: NDArray[np.intp], j: NDArray[np.intp], moments: Mapping[str, Array], dgap: Array | None = None
    ) -> tuple[Array, Array]:
        """The kernel at pairs of rows, (N,), and its derivatives, (N, T).

        Parameters
        ----------
        i, j : (N,) ndarray of int
        moments : mapping of str to (N,) ndarray
            `GAPS` of the second moments.
        dgap : (N, T) ndarray, optional
            Derivatives of the gap.

        Raises
        ------
        NotConverged
        """
        dgap = np.zeros((i.size, self.seeds.dbias.size)) if dgap is None else dgap
        value, slope = np.empty(i.size), np.empty(dgap.shape)
        for part, k, sign in self._solutions(i, j, moments, dgap):
            with np.errstate(all="ignore"):
                value[part], slope[part] = self._read(k, i[part], j[part])
                value[part] *= sign
                slope[part] *= sign[:, None]
        if not np.isfinite(value).all():
            raise NotConverged(f"{self.kernel.name}: the value of some pair is not finite; rescale the inputs")
        return value, slope

    def gaps(self, i: NDArray[np.intp], j: NDArray[np.intp], moments: Mapping[str, Array]) -> Array:
        """Relative gaps of the kernel, which is finite at both inputs of every pair."""
        result = np.empty(i.size)
        for part, k, sign in self._solutions(i, j, moments, np.zeros((i.size, self.seeds.dbias.size))):
            with np.errstate(all="ignore"):
                gap = self._relative(k, i[part], j[part]).gap
            result[part] = np.where(sign > 0, gap, 2.0 - gap)
        return result

    def _solutions(
        self, i: NDArray[np.intp], j: NDArray[np.intp], moments: Mapping[str, Array], dgap: Array
    ) -> Iterator[tuple[slice, Relative, Array]]:
        """Covariances at the fixed point, batch by batch; those of x and -y where the sign is -1."""
        x, y = self.left, self.right
        for begin in range(0, i.size, BATCH):
            part = slice(begin, begin + BATCH)
            rows = i[part], j[part]
            gap, tilt = moments["gap"][part], moments["tilt"][part]
            empty = x.empty[rows[0]] | y.empty[rows[1]]
            if empty.any():  # the direction of a row of zeros is taken to be a random one
                tilt = np.where(empty, (np.log(x.second[rows[0]]) - np.log(y.second[rows[1]])) / 2, tilt)
                gap = np.where(empty, np.where(x.empty[rows[0]] & y.empty[rows[1]], 0.0, 1.0), gap)
            c = Relative(
                x.second[rows[0]], y.second[rows[1]], gap, tilt, x.dsecond[rows[0]], y.dsecond[rows[1]], dgap[part]
            )
            with np.errstate(all="ignore"):
                opposite = np.where(empty, 2.0 - gap, moments["opposite_gap"][part])
                yield part, *self._solved(*rows, c, opposite)

    def _solved(self, i: NDArray[np.intp], j: NDArray[np.intp], c: Relative, opposite: Array) -> tuple[Relative, Array]:
        """The covariance at the fixed point, and 1; of an odd activation for opposite inputs that of x and -y, and -1.

        With y the covariance changes its sign, and so does E[phi(u) phi(v)]: the equation remains, for -I.
        """
        assert self.kernel.activation is not None
        k = Relative(
            self.left.kxx[i], self.right.kxx[j], c.gap, self._tilts(i, j, c), self.left.dkxx[i], self.right.dkxx[j],
            np.zeros_like(c.dgap),
        )  # fmt: skip
        injected, plain = self._layer.injected(c), self._plain.injected(_bare(c))
        sign = np.ones(i.size)
        if self.kernel.activation.odd:
            sign = np.where(plain.gap > 1.0, -1.0, 1.0)
            turned = opposite if self.parameters["bias_variance"] == 0 else 2.0 - plain.gap
            injected, plain = (_turned(r, sign, turned) for r in (injected, plain))
        k = self._with_gap(k, self._roots(i, j, k, plain))
        if not c.dgap.shape[1]:
            return k, sign
        moved = total(self._value(k, i, j).scaled(self._layer.weight, self.seeds.dweight), injected)
        step = moved.dgap / (1.0 - self._steepness(k))[:, None]
        # Nothing parts an input from itself; elsewhere a step that is infinite says so.
        step = np.where(((k.gap == 0) & (k.tilt == 0))[:, None] & (moved.dgap == 0), 0.0, step)
        return Relative(k.p, k.q, k.gap, k.tilt, k.dp, k.dq, step), sign

    def _value(self, k: Relative, i: NDArray[np.intp], j: NDArray[np.intp]) -> Relative:
        (p, dp), (q, dq) = self.left.square, self.right.square
        return self._activation(k, (i, j), (p[i], q[j]), (dp[i], dq[j]))

    def _with_gap(self, k: Relative, gap: Array) -> Relative:
        return Relative(k.p, k.q, gap, k.tilt, k.dp, k.dq, k.dgap)

    def _steepness(self, k: Relative) -> Array:
        """The derivative of the map of gaps."""
        assert self.kernel.activation is not None
        assert self.kernel.activation.price is not None
        known = {**self.parameters, "angle": angle_of(k.gap), "kxx": k.p, "kyy": k.q}
        return self._layer.weight * np.broadcast_to(self.kernel.activation.price.at(known), k.gap.shape)

    def _roots(self, i: NDArray[np.intp], j: NDArray[np.intp], k: Relative, injected: Relative) -> Array:
        """The gap at which the map stands still, where it falls below the identity."""
        k = _bare(k)

        def chosen(gap: Array, place: Array) -> tuple[Relative, Relative, NDArray[np.intp]]:
            at = place.astype(np.intp)
            return self._with_gap(_part(k, at), gap), _part(injected, at), at

        def residual(gap: Array, place: Array) -> Array:
            pair, inputs, at = chosen(gap, place)
            squares = (self.left.square[0][i[at]], self.right.square[0][j[at]])
            value = self._activation(pair, (i[at], j[at]), squares, (pair.dp, pair.dq))
            return gap - total(value.scaled(self._layer.weight, _NONE), inputs).gap

        def derivative(gap: Array, place: Array) -> Array:
            return 1.0 - self._steepness(chosen(gap, place)[0])

        # Away from the end, which repels where the kernel is discontinuous, but close to the root where there is one.
        attracts = self._steepness(self._with_gap(k, np.zeros(i.size))) < 0.999
        start = np.clip(injected.gap, np.where(attracts, _SMALLEST, 1e-3), 1.9)
        places: list[Array] = [np.arange(i.size, dtype=np.float64)]
        roots = find_roots(residual, derivative, start, np.zeros(i.size), np.full(i.size, 2.0), places, floor=_SMALLEST)
        if roots.codes.any():
            pair = int(np.argmax(roots.codes))
            raise NotConverged(
                f"{self.kernel.name}: {worst(roots.codes).value}; the first such pair has variances {k.p[pair]:.6g} "
                f"and {k.q[pair]:.6g}"
            )
        return np.where(roots.x <= _SMALLEST, 0.0, roots.x)

    def _tilts(self, i: NDArray[np.intp], j: NDArray[np.intp], c: Relative) -> Array:
        r"""The tilt of variances, for close ones from that of the inputs.

        The difference of two diagonal equations is :math:`p - q = w\,(V(p) - V(q)) + u\,(c_p - c_q)`, in which the
        ratio of the first two differences is known well from any tilt that is known at all.
        """
        p, q = self.left.kxx[i], self.right.kxx[j]
        tilt = np.asarray((np.log(p) - np.log(q)) / 2)
        close = np.flatnonzero(
            (np.abs(tilt) < _CLOSE) & (np.abs(c.tilt) < _CLOSE) & (np.abs(1.0 - c.gap) > 1.0 - _CLOSE)
        )
        if not close.size:
            return tilt
        p, q = p[close], q[close]
        square = self.right.square[0][j[close]]
        inputs = self._plain.injected(_bare(_part(c, close)))
        difference = inputs.q * np.expm1(2 * inputs.tilt)
        growth = self.kernel.diagonal_step_derivative.at({**self.parameters, "kxx": (p + q) / 2})
        found = np.log1p(difference / (1.0 - growth) / q) / 2
        for _ in range(3):
            pair = _bare(Relative(p, q, np.zeros(close.size), found, p, p, p))
            exact = self._activation.stretched(pair, np.arange(close.size))[1]
            known = np.isfinite(exact) & (found != 0)
            ratio = self._layer.weight * square * np.expm1(2 * exact) / (q * np.expm1(2 * found))
            better = np.log1p(difference / (1.0 - np.where(known, ratio, growth)) / q) / 2
            found = np.where(known, better, found)
        tilt[close] = np.where(np.isfinite(found), found, tilt[close])
        return tilt

    def _read(self, k: Relative, i: NDArray[np.intp], j: NDArray[np.intp]) -> tuple[Array, Array]:
        """The kernel of the readout and its derivatives; the diagonal need not be finite."""
        if self.kernel.slope is None:
            result = self._value(k, i, j) if self.kernel.read == "activation" else k
            return result.value, result.slope
        weight, dlog = self._layer.weight, self.seeds.dweight
        slope = self._tangent(k, i, j)
        kept, dkept = weight * slope.value, weight * (slope.slope + slope.value[:, None] * dlog)
        rest = 1.0 - kept
        theta = k.value / rest
        dtheta = (k.slope + theta[:, None] * dkept) / rest[:, None]
        if self.kernel.read == "preactivation":
            return theta, dtheta
        if self.kernel.read == "linear":
            return k.value + theta, k.slope + dtheta
        value, t = self._value(k, i, j), slope.value
        dvalue = value.slope + slope.slope * theta[:, None] + t[:, None] * dtheta
        return value.value + t * theta, dvalue

    def _tangent(self, k: Relative, i: NDArray[np.intp], j: NDArray[np.intp]) -> Relative:
        assert self.left.slope is not None
        assert self.right.slope is not None
        (p, dp), (q, dq) = self.left.slope, self.right.slope
        return self._slope(k, (i, j), (p[i], q[j]), (dp[i], dq[j]))

    def _relative(self, k: Relative, i: NDArray[np.intp], j: NDArray[np.intp]) -> Relative:
        """The kernel of the readout with its gap, without derivatives."""
        if self.kernel.slope is None:
            return self._value(k, i, j) if self.kernel.read == "activation" else k
        slope = self._tangent(k, i, j)
        theta = product(k, _resolvent(slope.scaled(self._layer.weight, self.seeds.dweight)))
        if self.kernel.read == "preactivation":
            return theta
        return total(k, theta) if self.kernel.read == "linear" else total(self._value(k, i, j), product(slope, theta))


def _resolvent(t: Relative) -> Relative:
    r"""The kernel 1 / (1 - t), of a kernel with diagonal entries a, b below 1.

    Its gap is :math:`1 - \sqrt{(1-a)(1-b)} / (1-t)`, whose numerator is
    :math:`\sqrt{ab}\, g + \tfrac12 (\sqrt a - \sqrt b)^2 + \tfrac12 (\sqrt{1-a} - \sqrt{1-b})^2`.
    """
    a, b = t.p, t.q
    if ((a >= 1) | (b >= 1)).any():
        raise NoFixedPoint("the tangent kernel is infinite at x = x' for some input, so that there is no relative gap")
    root_a, root_b = np.sqrt(1.0 - a), np.sqrt(1.0 - b)
    first = np.sqrt(b) * np.expm1(t.tilt)  # sqrt(a) - sqrt(b)
    second = first * (np.sqrt(a) + np.sqrt(b)) / (root_a + root_b)  # sqrt(1 - b) - sqrt(1 - a)
    gap = (np.sqrt(a * b) * t.gap + (first**2 + second**2) / 2) / (1.0 - t.value)
    tilt = np.log1p(second / root_a)
    none = np.zeros_like(t.dp)
    return Relative(1.0 / (1.0 - a), 1.0 / (1.0 - b), gap, tilt, none, none, none)


def _turned(r: Relative, sign: Array, gap: Array) -> Relative:
    """The kernel at x and -y where the sign is -1."""
    return Relative(r.p, r.q, np.where(sign < 0, gap, r.gap), r.tilt, r.dp, r.dq, sign[:, None] * r.dgap)


def _bare(r: Relative) -> Relative:
    """The same without derivatives."""
    none = np.empty((r.p.size, 0))
    return Relative(r.p, r.q, r.gap, r.tilt, none, none, none)


def _part(r: Relative, at: NDArray[np.intp]) -> Relative:
    return Relative(r.p[at], r.q[at], r.gap[at], r.tilt[at], r.dp[at], r.dq[at], r.dgap[at])
