r"""One Gaussian expectation as a map of pairs: from a covariance to the kernel E[f(u) f(v)], gap to gap."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dekderive.gram.layers.norms import LARGEST, NormGaps
from dekderive.gram.layers.price import price_integral
from dekderive.gram.layers.relative import Relative, angle_of
from dekderive.kernels.layered import Expectation
from dekderive.solvers.solution import Array

__all__ = ["Seeds", "Transfer"]

# Gaps above this are differences from 1 of what the formula gives: then they have lost at most two digits of it.
_PLAIN = {True: 0.03, False: 0.2}


_TINY = 1e-12  # an angle that no value shows; at 0 itself some formulas divide by its sine


class Seeds:
    """Directions of differentiation: how the logarithm of w, b, and the activation's parameters change along each.

    Attributes
    ----------
    dweight, dbias : (T,) ndarray
    dparameters : (T, P) ndarray
    """

    def __init__(self, dweight: Array, dbias: Array, dparameters: Array) -> None:
        self.dweight, self.dbias, self.dparameters = dweight, dbias, dparameters

    @classmethod
    def none(cls, own: int, directions: int = 0) -> Seeds:
        """`directions` along which no parameter changes; `own` is the number of parameters of the activation."""
        return cls(np.zeros(directions), np.zeros(directions), np.zeros((directions, own)))

    @classmethod
    def all(cls, weight: float, own: int) -> Seeds:
        """One direction for each parameter of a kernel, in order."""
        unit = np.eye(2 + own)
        return cls(unit[0] / weight, unit[1], unit[:, 2:])


class Transfer:
    """The map of one layer and one expectation, for variances in a known range.

    Parameters
    ----------
    expectation : Expectation
    parameters : mapping
    seeds : Seeds
    variances : (n,) ndarray
        All variances that occur; their range is what is tabulated.
    """

    def __init__(
        self, expectation: Expectation, parameters: Mapping[str, float], seeds: Seeds, variances: Array
    ) -> None:
        self.expectation, self._parameters, self._seeds = expectation, parameters, seeds
        logs = np.log(variances) / 2
        known = expectation.function is not None and variances.size
        self._norms = NormGaps(expectation, parameters, float(logs.min()), float(logs.max())) if known else None

    def __call__(self, k: Relative, means: tuple[Array, Array], dmeans: tuple[Array, Array]) -> Relative:
        """The kernel E[f(u) f(v)] for (u, v) with covariance k; `means` are its diagonal, E[f(u)^2] and E[f(v)^2]."""
        e, (p, q), (dp, dq) = self.expectation, means, dmeans
        angle = angle_of(k.gap)
        if e.loss is not None:
            assert e.degree is not None
            gap = np.broadcast_to(e.loss.at({**self._parameters, "angle": angle}), angle.shape)
            tilt = e.degree * k.tilt
        else:
            gap, tilt = self._general(k, angle, p, q)
        dgap = self._slope(k, angle, gap, means, dmeans) if dp.shape[1] else np.zeros_like(dp)
        return Relative(p, q, gap, tilt, dp, dq, dgap)

    def _general(self, k: Relative, angle: Array, p: Array, q: Array) -> tuple[Array, Array]:
        e = self.expectation
        root = np.sqrt(p) * np.sqrt(q)
        value = e.value.at({**self._parameters, "angle": angle, "kxx": k.p, "kyy": k.q})
        gap = np.array(np.broadcast_to(1.0 - value / root, angle.shape))
        tilt = e.degree * k.tilt if e.degree is not None else (np.log(p) - np.log(q)) / 2
        close = np.flatnonzero(~(gap >= _PLAIN[e.closed])) if e.price is not None else np.empty(0, dtype=np.intp)
        if close.size:
            a, b, t = k.p[close], k.q[close], angle[close]
            turned = price_integral(e, t, a, b, self._parameters) * (np.sqrt(a) * np.sqrt(b) / root[close])
            stretched, exact = self._stretched(k, close, root)
            gap[close] = stretched + turned
            tilt[close] = np.where(np.isnan(exact), tilt[close], exact)
        return gap, tilt

    def _stretched(self, k: Relative, close: Array, root: Array) -> tuple[Array, Array]:
        """Gap and tilt that come from unequal lengths alone."""
        h = k.tilt[close]
        gap, tilt = np.zeros_like(h), np.full(h.shape, np.nan)
        if self.expectation.degree is not None:
            return gap, tilt
        near = (np.abs(h) <= LARGEST) & (h != 0)
        if self._norms is not None and near.any():
            middle = (np.log(k.p[close[near]]) + np.log(k.q[close[near]])) / 4
            gap[near], tilt[near] = self._norms(middle, h[near])
        else:
            near[:] = False
        tilt[h == 0] = 0.0
        rest = np.flatnonzero((h != 0) & (~near | np.isnan(gap)))
        if rest.size:
            at = close[rest]
            known = {**self._parameters, "angle": np.full(rest.size, _TINY), "kxx": k.p[at], "kyy": k.q[at]}
            gap[rest] = np.maximum(1.0 - self.expectation.value.at(known) / root[at], 0.0)
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
            # A price may be infinite at angle 0 (a slope with a jump), where the angle does not move.
            dgap = np.where(k.dgap == 0, 0.0, price[:, None] * k.dgap)
        if e.degree is None or seeds.dparameters.any():
            in_p, in_q, *own = (np.broadcast_to(d, angle.shape) for d in e.value_gradient.at(known))
            moved = (k.p * in_p)[:, None] * k.dp + (k.q * in_q)[:, None] * k.dq
            if own:
                moved = moved + np.column_stack(own) @ seeds.dparameters.T
            rest = (1.0 - gap)[:, None] * (dp + dq) / 2 - moved / root[:, None]
            # One input twice has gap 0 whatever the parameters are.
            dgap = dgap + np.where(((k.gap == 0) & (k.tilt == 0))[:, None], 0.0, rest)
        return dgap
