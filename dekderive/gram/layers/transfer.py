r"""One Gaussian expectation as a map of pairs: from a covariance to the kernel E[f(u) f(v)], gap to gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dekderive.gram.layers.mehler import Mehler
from dekderive.gram.layers.norms import LARGEST, NormGaps
from dekderive.gram.layers.price import price_integral
from dekderive.gram.layers.relative import Relative, angle_of
from dekderive.kernels.layered import Expectation
from dekderive.solvers.solution import Array

__all__ = ["Seeds", "Transfer"]

Rowwise: TypeAlias = tuple[NDArray[np.intp], NDArray[np.intp]]

# Gaps above this are differences from 1 of what the formula gives: then they have lost at most two digits of it.
_PLAIN = {True: 0.03, False: 0.2}


_ELSEWHERE = 0.25
_TINY = 1e-6


class Seeds:
    """Directions of differentiation: how the parameters change along each.

    Attributes
    ----------
    dweight, dinput, ddimension : (T,) ndarray
        Of the logarithms of the weight variance and, where inputs are injected, of the input variance and dimension.
    dbias : (T,) ndarray
        Of the bias variance itself.
    dparameters : (T, P) ndarray
        Of the activation's parameters.
    """

    def __init__(
        self,
        dweight: Array,
        dbias: Array,
        dparameters: Array,
        dinput: Array | None = None,
        ddimension: Array | None = None,
    ) -> None:
        self.dweight, self.dbias, self.dparameters = dweight, dbias, dparameters
        self.dinput = np.zeros_like(dweight) if dinput is None else dinput
        self.ddimension = np.zeros_like(dweight) if ddimension is None else ddimension

    @classmethod
    def none(cls, own: int, directions: int = 0) -> Seeds:
        """`directions` along which no parameter changes; `own` is the number of parameters of the activation."""
        return cls(np.zeros(directions), np.zeros(directions), np.zeros((directions, own)))

    @classmethod
    def of(cls, names: Sequence[str], parameters: Mapping[str, float], smallest: float = 0.0) -> Seeds:
        """One direction for each parameter of a kernel, in the order of `names`.

        Variances of 0 count as `smallest`.
        """
        unit = dict(zip(names, np.eye(len(names)), strict=True))

        def logarithm(name: str) -> Array | None:
            return unit.pop(name) / max(parameters[name], smallest) if name in unit else None

        dweight, dinput, ddimension = (logarithm(f) for f in ("weight_variance", "input_variance", "input_dimension"))
        dbias = unit.pop("bias_variance")
        own = np.column_stack(list(unit.values())) if unit else np.zeros((len(names), 0))
        assert dweight is not None
        return cls(dweight, dbias, own, dinput, ddimension)


class Transfer:
    """The map of one layer and one expectation, for variances in a known range.

    Parameters
    ----------
    expectation : Expectation
    parameters : mapping
    seeds : Seeds
    left, right : (n,) and (m,) ndarray
        Variances of the rows of both sides.
    """

    def __init__(
        self, expectation: Expectation, parameters: Mapping[str, float], seeds: Seeds, left: Array, right: Array
    ) -> None:
        self.expectation, self._parameters, self._seeds = expectation, parameters, seeds
        self._norms = self._mehler = None
        both = np.concatenate([left, right])
        both = both[(both > 0) & np.isfinite(both)]
        if expectation.function is not None and both.size:
            lower, upper = float(np.log(both.min())) / 2, float(np.log(both.max())) / 2
            self._norms = NormGaps(expectation, parameters, lower, upper)
            self._mehler = Mehler.of(expectation, left, right)

    def __call__(self, k: Relative, rows: Rowwise, means: tuple[Array, Array], dmeans: tuple[Array, Array]) -> Relative:
        """The kernel E[f(u) f(v)] for (u, v) with covariance k.

        `rows` are the numbers of the rows of each pair, and `means` the diagonal, E[f(u)^2] and E[f(v)^2].
        """
        e, (p, q), (dp, dq) = self.expectation, means, dmeans
        angle = angle_of(k.gap)
        if e.loss is not None:
            assert e.degree is not None
            gap = np.broadcast_to(e.loss.at({**self._parameters, "angle": angle}), angle.shape)
            tilt = e.degree * k.tilt
        else:
            gap, tilt = self._general(k, rows, angle, p, q)
        dgap = self._slope(k, angle, gap, means, dmeans) if dp.shape[1] else np.zeros_like(dp)
        return Relative(p, q, gap, tilt, dp, dq, dgap)

    def correlation(self, r: Array, angle: Array, rows: Rowwise, pair: tuple[Array, ...]) -> Array:
        """E[f(u) f(v)] over the root of E[f(u)^2] E[f(v)^2], at correlations that are well inside (-1, 1).

        `pair` holds the variances of u and v, and the means E[f(u)^2], E[f(v)^2].
        """
        e, (kxx, kyy, p, q) = self.expectation, pair
        if e.loss is not None:
            return 1.0 - e.loss.at({**self._parameters, "angle": angle})
        if self._mehler is not None and bool(self._mehler.known(*rows).all()):
            return self._mehler.correlation(*rows, r)
        value: Array = e.value.at({**self._parameters, "angle": angle, "kxx": kxx, "kyy": kyy})
        return value / (np.sqrt(p) * np.sqrt(q))

    def _general(self, k: Relative, rows: Rowwise, angle: Array, p: Array, q: Array) -> tuple[Array, Array]:
        gap = np.empty(angle.shape)
        tilt: Array = (np.log(p) - np.log(q)) / 2
        if self.expectation.degree is not None:
            tilt = self.expectation.degree * k.tilt
        root = np.sqrt(p) * np.sqrt(q)
        series = np.zeros(angle.shape, dtype=bool) if self._mehler is None else self._mehler.known(*rows)
        if series.any():
            self._by_series(k, rows, np.flatnonzero(series), gap, tilt)
        if not series.all():
            self._by_value(k, angle, np.flatnonzero(~series), root, gap, tilt)
        return gap, tilt

    def _by_series(self, k: Relative, rows: Rowwise, at: NDArray[np.intp], gap: Array, tilt: Array) -> None:
        """Fill in gaps and tilts of the pairs `at`, from the coefficients of their rows."""
        assert self._mehler is not None
        i, j = rows[0][at], rows[1][at]
        stretched, exact = self.stretched(k, at)
        rest = np.isnan(stretched)
        stretched[rest] = self._mehler.stretched(i[rest], j[rest])
        gap[at] = stretched + self._mehler.turned(i, j, k.gap[at])
        tilt[at] = np.where(np.isnan(exact), tilt[at], exact)

    def _by_value(self, k: Relative, angle: Array, at: NDArray[np.intp], root: Array, gap: Array, tilt: Array) -> None:
        """Fill in gaps and tilts of the pairs `at`, from the values or, for small gaps, from their derivatives."""
        e = self.expectation
        value = e.value.at({**self._parameters, "angle": angle[at], "kxx": k.p[at], "kyy": k.q[at]})
        gap[at] = 1.0 - value / root[at]
        if e.price is None:
            return
        opposite = at[angle[at] > np.pi - _ELSEWHERE / 2]
        if e.closed and opposite.size:
            gap[opposite] = self._from_elsewhere(k.p[opposite], k.q[opposite], root[opposite], angle[opposite])
        at = at[~(gap[at] >= _PLAIN[e.closed])]
        if not at.size:
            return
        a, b = k.p[at], k.q[at]
        turned = price_integral(e, angle[at], a, b, self._parameters) * (np.sqrt(a) * np.sqrt(b) / root[at])
        stretched, exact = self.stretched(k, at)
        rest = np.flatnonzero(np.isnan(stretched))
        if rest.size:
            unturned = self._from_elsewhere(a[rest], b[rest], root[at[rest]], np.zeros(rest.size))
            stretched[rest] = np.maximum(unturned, 0.0)
        gap[at] = stretched + turned
        tilt[at] = np.where(np.isnan(exact), tilt[at], exact)

    def _from_elsewhere(self, a: Array, b: Array, root: Array, angle: Array) -> Array:
        """The gap at angles close to 0 or pi, where formulas may divide by the sine, from the value at another one."""
        e, other = self.expectation, np.where(angle < np.pi / 2, _ELSEWHERE, np.pi - _ELSEWHERE)
        value = e.value.at({**self._parameters, "angle": other, "kxx": a, "kyy": b})
        lost = [price_integral(e, t, a, b, self._parameters) for t in (angle, other)]
        return 1.0 - (value + (lost[1] - lost[0]) * (np.sqrt(a) * np.sqrt(b))) / root

    def stretched(self, k: Relative, at: NDArray[np.intp]) -> tuple[Array, Array]:
        """Gap and tilt that come from unequal lengths alone; NaN where they are not tabulated."""
        h = k.tilt[at]
        if self.expectation.degree is not None:
            return np.zeros_like(h), np.full(h.shape, np.nan)
        gap, tilt = np.where(h == 0, 0.0, np.nan), np.where(h == 0, 0.0, np.nan)
        near = (np.abs(h) <= LARGEST) & (h != 0)
        if self._norms is not None and near.any():
            middle = (np.log(k.p[at[near]]) + np.log(k.q[at[near]])) / 4
            gap[near], tilt[near] = self._norms(middle, h[near])
        return gap, tilt

    def _slope(
        self, k: Relative, angle: Array, gap: Array, means: tuple[Array, Array], dmeans: tuple[Array, Array]
    ) -> Array:
        """Derivatives of the gap: at fixed variances and parameters by Price's theorem, the rest at fixed angle."""
        e, seeds = self.expectation, self._seeds
        (p, q), (dp, dq) = means, dmeans
        root = np.sqrt(p) * np.sqrt(q)
        known = {**self._parameters, "angle": angle, "kxx": k.p, "kyy": k.q}
        dgap = np.zeros_like(k.dgap)
        if e.price is not None:
            price = np.broadcast_to(e.price.at(known), angle.shape) * (np.sqrt(k.p) * np.sqrt(k.q) / root)
            if e.degree == 0:  # jumps, seen from opposite inputs; sin(pi) rounds to a positive number
                price = np.where(k.gap == 2, np.inf, price)
            # A price may be infinite at angle 0 (a slope with a jump), where the angle does not move.
            dgap = np.where(k.dgap == 0, 0.0, price[:, None] * k.dgap)
        if e.degree is None or seeds.dparameters.any():
            in_p, in_q, *own = self._partials(known, angle)
            moved = (k.p * in_p)[:, None] * k.dp + (k.q * in_q)[:, None] * k.dq
            if own:
                moved = moved + np.column_stack(own) @ seeds.dparameters.T
            rest = (1.0 - gap)[:, None] * (dp + dq) / 2 - moved / root[:, None]
            # One input twice has gap 0 whatever the parameters are.
            dgap = dgap + np.where(((k.gap == 0) & (k.tilt == 0))[:, None], 0.0, rest)
        return dgap

    def _partials(self, known: Mapping[str, Any], angle: Array) -> list[Array]:
        """Derivatives of the value at fixed angle; at both ends of the interval formulas may divide by the sine."""
        if self.expectation.degree is None:
            known = {**known, "angle": np.clip(angle, _TINY, np.pi - _TINY)}
        return [np.broadcast_to(d, angle.shape) for d in self.expectation.value_gradient.at(known)]
