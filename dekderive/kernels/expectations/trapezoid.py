r"""Hermite coefficients by a trapezoidal rule whose error is a theorem, for functions with a bound off the real line.

If :math:`|f(x + i y)| \le A + C |x|^p` for |y| <= d, then :math:`f(\sqrt a z) h_k(z) \varphi(z)` is analytic in the
strip :math:`|\operatorname{Im} z| < y` for every :math:`y \le d / \sqrt a`, and the rule of step h misses at most
2 M / (exp(2 pi y / h) - 1) of its integral, where M bounds the integral of the absolute value over any line of the
strip. Since :math:`|\varphi(x + i y)| = \varphi(x) e^{y^2/2}`, Cauchy and Schwarz give

.. math:: M \le e^{y^2/2} \sqrt{\mathbb E (A + C |\sqrt a X|^p)^2}\, \sqrt{\mathbb E |h_k(X + i y)|^2}, \qquad
          \mathbb E |h_k(X + i y)|^2 = L_k(-y^2) \le I_0(2 y \sqrt k) \le e^{2 y \sqrt k}

(the first inequality is binom(k, j) <= k^j / j!, term by term).  The axis is cut at Z; Cramer's bound
:math:`|h_k(z)| e^{-z^2/4} \le 1.0865` covers what lies beyond.

Sources: Trefethen and Weideman (2014), Theorem 5.1; Cramer's bound: Abramowitz and Stegun 22.14.17.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from dekderive.kernels.elementwise import Array
from dekderive.kernels.expectations.functions import Described, Strip
from dekderive.kernels.expectations.hermite_functions import hermite_functions, root_density
from dekderive.kernels.expectations.panels import evaluate, grid, level_of

__all__ = ["SPREAD", "Rule", "proved_coefficients", "proved_tails", "rule_for"]

SPREAD = 16.0  # variances whose ratio is larger do not share a rule
_AIM = 1e-17  # of the norm of f, for all coefficients together
_WIDEST = 6.0  # half width of a strip in z: wider ones cost more in exp(y^2 / 2) than they bring
_MOST = 1 << 23  # nodes times order: what takes seconds is left to panels, whose error is an estimate
_NODES_TIMES_ORDER = 1 << 20  # numbers at a time: bounds the memory
_CRAMER = 1.0865


@dataclass(frozen=True)
class Rule:
    """A step, the number of nodes on either side of 0, and proved bounds of the errors.

    Attributes
    ----------
    step : float
    count : int
    coefficient : float
        Of every single coefficient.
    square : float
        Of ``E f^2``.
    """

    step: float
    count: int
    coefficient: float
    square: float


@functools.lru_cache(maxsize=512)
def rule_for(strip: Strip, variance: float, order: int, norm: float) -> Rule | None:
    """Return a rule for the first `order` coefficients at variances up to `variance`; None if it is too long.

    Parameters
    ----------
    strip : Strip
    variance : float
    order : int
    norm : float
        Size of ``sqrt(E f^2)`` that the errors should be small against; the bounds hold whatever it is.

    Examples
    --------
    >>> rule = rule_for(Strip(1.5, 15.0), 1.0, 64, 0.6)
    >>> rule.coefficient < 1e-18, rule.count < 200
    (True, True)
    """
    aims = _AIM * norm / math.sqrt(order), _AIM * norm**2
    # E (A + C |sqrt(a) X|^p)^2 <= 2 A^2 + 2 C^2 a^p E |X|^(2 p)
    moment = 2.0**strip.power * math.gamma(strip.power + 0.5) / math.sqrt(math.pi)
    majorant = 2 * strip.constant**2 + 2 * strip.factor**2 * variance**strip.power * moment
    largest = min(strip.width / math.sqrt(variance), _WIDEST) if variance else _WIDEST
    y = largest * np.linspace(0.02, 1.0, 50)
    log_masses = (0.5 * y * y + y * math.sqrt(order) + 0.5 * math.log(majorant), 0.5 * y * y + math.log(majorant))
    # log(2 M / aim + 1), with room to spare for the rounding of the exponent
    exponents = [np.logaddexp(0.0, math.log(2.0) + m - math.log(aim)) for m, aim in zip(log_masses, aims, strict=True)]
    steps = np.minimum(*(2 * math.pi * y / e for e in exponents))
    best = int(np.argmax(steps))
    step = float(steps[best]) * (1.0 - 1e-9)
    errors = [
        2.0
        * math.exp(float(m[best]) - 2 * math.pi * float(y[best]) / step)
        / -math.expm1(-2 * math.pi * y[best] / step)
        for m in log_masses
    ]
    end = 12.0
    while end < 38.0 and any(t > aim for t, aim in zip(_beyond(strip, variance, end), aims, strict=True)):
        end += 0.5
    count = math.ceil(end / step)
    if count * order > _MOST:
        return None
    tails = _beyond(strip, variance, step * count)
    return Rule(step, count, *(1.0001 * (e + t) for e, t in zip(errors, tails, strict=True)))


def _beyond(strip: Strip, variance: float, end: float) -> tuple[float, float]:
    """What lies beyond `end` on both sides: of a coefficient, and of E f^2."""
    far = 2 * strip.power + 1
    if end**2 < 4 * far:
        return math.inf, math.inf
    bound = strip.constant + strip.factor * (math.sqrt(variance) * end) ** strip.power
    # (A + C s^p z^p) exp(-z^2 / 4) falls at least like exp(-(z / 2 - p / z) t) from z = end on; its square likewise.
    first = 2 * _CRAMER * bound * math.exp(-0.25 * end**2) / (math.sqrt(2 * math.pi) * (end / 2 - strip.power / end))
    second = 2 * bound**2 * math.exp(-0.5 * end**2) / (math.sqrt(2 * math.pi) * (end - 2 * strip.power / end))
    return first, second


def proved_coefficients(f: Described, variances: Array, order: int) -> tuple[Array, Array, Array] | None:
    """Return coefficients, norms, and bounds of the errors of all coefficients together, relative to the norms.

    Parameters
    ----------
    f : Described
        With a strip.
    variances : ndarray, one-dimensional
        Ascending, of a ratio of at most `SPREAD`.
    order : int

    Returns
    -------
    tuple of ndarray or None
        None where a rule would be too long.

    Examples
    --------
    >>> tanh = Described(np.tanh, strip=Strip(1.5, 15.0))
    >>> alpha, norm, error = proved_coefficients(tanh, np.array([1.0]), 8)
    >>> round(alpha[0, 1].item(), 12), bool(error[0] < 1e-16)
    (0.605705509602, True)
    """
    assert f.strip is not None
    deviations = np.sqrt(variances)[:, None]
    rough = grid(level_of(float(variances[-1])), 0, 10.0, 2.0)
    squares = evaluate(f, deviations * rough.z) ** 2 + evaluate(f, -deviations * rough.z) ** 2
    sizes = np.sqrt(squares @ (rough.weights * root_density(rough.z) ** 2))
    smallest = float(np.min(sizes[np.isfinite(sizes) & (sizes > 0)], initial=1.0))
    rule = rule_for(f.strip, float(variances[-1]), order, max(_power_of_two(smallest), 1e-100))
    if rule is None:
        return None
    alpha, square = np.zeros((variances.size, order)), np.zeros(variances.size)
    block = max(1, _NODES_TIMES_ORDER // order)
    for begin in range(0, rule.count + 1, block):
        index = np.arange(begin, min(begin + block, rule.count + 1))
        z, root, even, odd = _nodes(rule.step, index[0].item(), index[-1].item(), order)
        right, left = evaluate(f, deviations * z), evaluate(f, -deviations * z)
        alpha[:, 0::2] += (right + left) @ even
        alpha[:, 1::2] += (right - left) @ odd
        square += (right * right + left * left) @ root
    norm = np.sqrt(square)
    with np.errstate(all="ignore"):
        missed = math.sqrt(order) * rule.coefficient + rule.square / norm
        error = np.where(norm > 0, missed / np.sqrt(np.maximum(square - rule.square, 0.0)), math.inf)
    # Of a function that is tiny at all nodes only its bound is known; at variance 0 it is a constant.
    return alpha, norm, np.where(square > rule.square, error, np.where(variances == 0, 0.0, math.inf))


def proved_tails(strip: Strip, variances: Array, orders: Array) -> Array:
    r"""Return bounds of :math:`\sqrt{\sum_{k \ge K} \alpha_k(a)^2}` for all variances a and orders K.

    Parseval's identity for the derivative of order j, :math:`\mathbb E[f^{(j)}(\sqrt a z) h_{k-j}(z)] = \sqrt{k! /
    (k-j)!}\, a^{-j/2} \alpha_k`, and Cauchy's estimate :math:`|f^{(j)}(x)| \le j!\, d^{-j} (A + C (|x| + d)^p)` give

    .. math:: \sum_{k \ge K} \alpha_k^2 \le \frac{(K-j)!}{K!}\, a^j\, \frac{j!^2}{d^{2j}}\,
              \mathbb E (A + C (\sqrt a |X| + d)^p)^2

    for every j <= K.  Unlike a difference of squares, that may be as small as it wants.

    Examples
    --------
    >>> bound = proved_tails(Strip(1.5, 15.0), np.array([0.01]), np.array([8, 16]))[0]  # of tanh
    >>> bool(bound[0] < 1e-5), bool(bound[1] < 1e-9)
    (True, True)
    """
    j = np.unique(np.geomspace(1, max(int(orders[-1]), 2), 48).astype(int))
    usable = j <= orders[:, None]
    with np.errstate(all="ignore"):
        ratio = gammaln(np.where(usable, orders[:, None] - j, 0) + 1) - gammaln(orders[:, None] + 1)
    fixed = np.where(usable, ratio + 2 * gammaln(j + 1) - 2 * j * math.log(strip.width), np.inf)
    p = strip.power
    moment = 2.0**p * math.gamma(p + 0.5) / math.sqrt(math.pi)
    tails = np.empty((variances.size, orders.size))
    for i, a in enumerate(variances.tolist()):
        # (s |X| + d)^(2 p) <= 2^(2 p) (s^(2 p) |X|^(2 p) + d^(2 p))
        spread = 4.0**p * (a**p * moment + strip.width ** (2 * p))
        majorant = math.log(2 * strip.constant**2 + 2 * strip.factor**2 * spread)
        logarithm = np.min(fixed + j * (math.log(a) if a else -np.inf), axis=1)
        tails[i] = np.exp(0.5 * (logarithm + majorant) + 1e-12 * np.abs(logarithm))
    return tails


def _power_of_two(x: float) -> float:
    """Rounded down: few rules serve all variances."""
    return 2.0 ** math.floor(math.log2(x))


@functools.lru_cache(maxsize=8)
def _nodes(step: float, first: int, last: int, order: int) -> tuple[Array, Array, Array, Array]:
    """Nodes z >= 0, masses, and matrices to the even and the odd coefficients."""
    z: Array = step * np.arange(first, last + 1, dtype=np.float64)
    weights = np.where(z == 0, 0.5 * step, step)  # 0 is counted on either side
    mass = weights * root_density(z)
    even, odd = np.empty((z.size, (order + 1) // 2)), np.empty((z.size, order // 2))
    for k, function in enumerate(hermite_functions(z, order)):
        (odd if k % 2 else even)[:, k // 2] = function * mass
    return z, mass * root_density(z), even, odd
