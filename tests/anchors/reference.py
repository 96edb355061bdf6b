"""Oracles in multiple precision for the infinitely deep kernels.  Nothing here imports the package.

Every root is found by bracketing on the update rule itself, in 50 digits, with the inputs taken as the exact doubles
that the code under test receives.  Notation: q = sqrt(k(x, x)), r = k(x, y) / (q_x q_y), t = pi - arccos(r).
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import mpmath

DIGITS = 50
mp = mpmath.MPContext()  # a context of our own: no global precision is touched
mp.dps = DIGITS

Number = Any  # an mpf of the context below; mpmath is untyped
Function = Callable[[Number], Number]


class Pair(NamedTuple):
    """Fixed point for one pair of inputs."""

    kxx: Number
    kyy: Number
    kxy: Number


class TangentPair(NamedTuple):
    """Fixed point of a DEQ-NTK recursion for one pair of inputs, and the tangent kernel."""

    kxx: Number
    kyy: Number
    kxy: Number
    angle: Number
    theta: Number


class NoRoot(ArithmeticError):
    """The equation has no root of the kind that was asked for."""


# ---------------------------------------------------------------------------------------------------------------------
# Root finding


def bracketed_root(function: Function, lower: Number, upper: Number) -> Number:
    """Root of `function` between two points of opposite sign (Chandrupatla's method), to nearly all digits."""
    a, b = mp.mpf(upper), mp.mpf(lower)
    fa, fb = function(a), function(b)
    if fa == 0 or fb == 0:
        return a if fa == 0 else b
    if mp.sign(fa) == mp.sign(fb):
        raise NoRoot(f"no sign change between {lower} and {upper}")
    c, fc, fraction = a, fa, mp.mpf("0.5")
    for _ in range(40 * mp.dps):
        x = a + fraction * (b - a)
        fx = function(x)
        if mp.sign(fx) == mp.sign(fa):
            c, fc = a, fa
        else:
            c, b, fc, fb = b, a, fb, fa
        a, fa = x, fx
        if fa == 0:
            return a
        width = abs(b - a)
        tolerance = mp.mpf(10) ** (5 - mp.dps) * min(abs(a), abs(b))
        if width <= 2 * tolerance:
            return a if abs(fa) < abs(fb) else b
        xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
        if phi**2 < xi and (1 - phi) ** 2 < 1 - xi:  # inverse quadratic interpolation is safe
            fraction = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
        else:
            fraction = mp.mpf("0.5")
        fraction = min(max(fraction, tolerance / width), 1 - tolerance / width)
    raise NoRoot("bracketing did not converge")


def first_crossing(function: Function, grid: list[Number]) -> tuple[Number, Number]:
    """Return neighbours in `grid` between which `function` first changes from negative to positive."""
    before = None
    for point in grid:
        value = function(point)
        if before is not None and before[1] < 0 <= value:
            return before[0], point
        before = (point, value)
    raise NoRoot("no change of sign on the grid")


# ---------------------------------------------------------------------------------------------------------------------
# DEKer with R = relu in the Gaussian family: sigma = relu, rho = Heaviside


def deker_relu_update(k: Pair, cxy: float, mean_x: float, mean_y: float, regularisation: float) -> Number:
    """One off-diagonal update: T(x) is attached to rho of the same input, so mean_x multiplies E[rho(u) sigma(v)]."""
    c, mx, my, lam = (mp.mpf(v) for v in (cxy, mean_x, mean_y, regularisation))
    qx, qy = mp.sqrt(k.kxx), mp.sqrt(k.kyy)
    r = k.kxy / (qx * qy)
    t = mp.pi - mp.acos(r)
    step_step = t / (2 * mp.pi)
    relu_relu = qx * qy * (mp.sqrt(1 - r * r) + t * r) / (2 * mp.pi)
    step_relu, relu_step = (q * (1 + r) / (2 * mp.sqrt(2 * mp.pi)) for q in (qy, qx))
    return (c * step_step - mx * step_relu - my * relu_step + relu_relu) / lam**2


def deker_relu_diagonal(cxx: float, mean_x: float, regularisation: float) -> Number:
    """Smallest positive fixed point of the variance: (2 lam^2 - 1) q^2 + 2 s q - c = 0, s = sqrt(2/pi) mean."""
    c, s, lead = mp.mpf(cxx), mp.sqrt(2 / mp.pi) * mp.mpf(mean_x), 2 * mp.mpf(regularisation) ** 2 - 1
    if c == 0:
        return mp.mpf(0)
    if lead == 0:
        roots = [c / (2 * s)] if s > 0 else []
    else:
        discriminant = s * s + lead * c
        roots = [(-s + sign * mp.sqrt(discriminant)) / lead for sign in (1, -1)] if discriminant >= 0 else []
    positive = [q for q in roots if q > 0]
    if not positive:
        raise NoRoot("the variance recursion has no positive fixed point")
    return min(positive) ** 2


def deker_relu(
    cxx: float, cyy: float, cxy: float, mean_x: float, mean_y: float, regularisation: float, *, swapped: bool = False
) -> Pair:
    """Attracting fixed point of the DEKer recursion (for x = y: of two inputs that differ, in the limit).

    With ``swapped`` the two means change places, which is the mistake of the published code.
    """
    kxx = deker_relu_diagonal(cxx, mean_x, regularisation)
    kyy = deker_relu_diagonal(cyy, mean_y, regularisation)
    if kxx == 0 or kyy == 0:
        return Pair(kxx, kyy, mp.mpf(0))
    if swapped:
        mean_x, mean_y = mean_y, mean_x
    scale = mp.sqrt(kxx) * mp.sqrt(kyy)

    def residual(t: Number) -> Number:
        pair = Pair(kxx, kyy, -scale * mp.cos(t))
        return -mp.cos(t) - deker_relu_update(pair, cxy, mean_x, mean_y, regularisation) / scale

    # Geometric towards t = pi, because for coincident inputs t = pi is a second (repelling) root.
    grid = [mp.mpf(0)] + [mp.pi - mp.pi / mp.mpf(2) ** (mp.mpf(j) / 2) for j in range(1, 300)]
    t = bracketed_root(residual, *first_crossing(residual, grid))
    return Pair(kxx, kyy, -scale * mp.cos(t))


# ---------------------------------------------------------------------------------------------------------------------
# DEKer for any (rho, sigma), by quadrature: no closed form of any expectation is used


class Rule(NamedTuple):
    """Nodes and weights for integrals over the real line, without the Gaussian density."""

    nodes: tuple[Number, ...]
    weights: tuple[Number, ...]
    step: Number | None  # spacing, where the nodes are a lattice


def trapezoidal_rule(step: str = "0.16", reach: int = 12) -> Rule:
    """Trapezoidal rule: for functions analytic in a strip its error decays like exp(-2 pi width / step)."""
    h = mp.mpf(step)
    count = int(reach / h)
    return Rule(tuple(h * j for j in range(-count, count + 1)), (h,) * (2 * count + 1), h)


def split_rule(points: int = 40, reach: int = 12) -> Rule:
    """Gauss-Legendre on [-reach, 0] and [0, reach]: for functions with a kink or a jump at 0."""
    nodes, weights = [], []
    half = mp.mpf(reach) / 2
    for j in range(1, points + 1):
        x = mp.cos(mp.pi * (j - mp.mpf("0.25")) / (points + mp.mpf("0.5")))
        for _ in range(8):  # Newton from an asymptotic guess that is good to 1e-4
            slope = points * (x * mp.legendre(points, x) - mp.legendre(points - 1, x)) / (x * x - 1)
            x -= mp.legendre(points, x) / slope
        weight = half * 2 / ((1 - x * x) * slope**2)
        nodes += [half * (x + 1), half * (x - 1)]
        weights += [weight, weight]
    return Rule(tuple(nodes), tuple(weights), None)


def variance_means(rho: Function, sigma: Function, k: Number, rule: Rule) -> tuple[Number, Number, Number]:
    """E[rho^2], E[rho sigma], E[sigma^2] at u ~ N(0, k)."""
    q = mp.sqrt(k)
    density = [w * mp.npdf(z) for z, w in zip(rule.nodes, rule.weights, strict=True)]
    r, s = ([f(q * z) for z in rule.nodes] for f in (rho, sigma))
    products = (zip(r, r, strict=True), zip(r, s, strict=True), zip(s, s, strict=True))
    first, second, third = (mp.fdot(density, [a * b for a, b in product]) for product in products)
    return first, second, third


def cross_means(left: list[Function], right: list[Function], k: Pair, rule: Rule) -> list[list[Number]]:
    """E[f(u) g(v)] for f in `left`, g in `right`, by the tensor rule with the bivariate density."""
    qx, qy = mp.sqrt(k.kxx), mp.sqrt(k.kyy)
    r = k.kxy / (qx * qy)
    shape = 1 / (2 * (1 - r * r))
    marginal = [w * mp.exp(-shape * z * z) for z, w in zip(rule.nodes, rule.weights, strict=True)]
    f = [[d * fn(qx * z) for d, z in zip(marginal, rule.nodes, strict=True)] for fn in left]
    g = [[d * fn(qy * z) for d, z in zip(marginal, rule.nodes, strict=True)] for fn in right]
    inner = [_couple(values, 2 * shape * r, rule) for values in g]
    scale = mp.sqrt(shape / 2) / mp.pi  # 1 / (2 pi sqrt(1 - r^2))
    return [[scale * mp.fdot(a, b) for b in inner] for a in f]


def _couple(values: list[Number], rate: Number, rule: Rule) -> list[Number]:
    """sum_j exp(rate x_i y_j) values_j for every node x_i."""
    if rule.step is None:
        return [mp.fsum(mp.exp(rate * x * y) * v for y, v in zip(rule.nodes, values, strict=True)) for x in rule.nodes]
    # On a lattice, exp(rate x_i y_j) = ratio^j with ratio = exp(rate x_i step): a polynomial in the ratio (Horner).
    result = []
    for x in rule.nodes:
        ratio, total = mp.exp(rate * x * rule.step), mp.mpf(0)
        for value in reversed(values):
            total = total * ratio + value
        result.append(total * mp.exp(rate * x * rule.nodes[0]))
    return result


def deker_diagonal(rho: Function, sigma: Function, cxx: float, mean_x: float, lam: float, rule: Rule) -> Number:
    """Smallest positive fixed point of the variance recursion, by a scan from zero and bracketing."""
    c, mean = mp.mpf(cxx), mp.mpf(mean_x)

    def excess(k: Number) -> Number:
        rr, rs, ss = variance_means(rho, sigma, k, rule)
        return k - (c * rr - 2 * mean * rs + ss) / mp.mpf(lam) ** 2

    grid = [mp.mpf(2) ** j for j in range(-20, 11)]
    return bracketed_root(excess, *first_crossing(excess, grid))


def deker(
    rho: Function,
    sigma: Function,
    moments: tuple[float, float, float, float, float],
    regularisation: float,
    rule: Rule,
    *,
    swapped: bool = False,
) -> Pair:
    """Fixed point with correlation in [-0.85, 0.85], for moments (cxx, cyy, cxy, mean_x, mean_y)."""
    cxx, cyy, cxy, mean_x, mean_y = moments
    lam2 = mp.mpf(regularisation) ** 2
    with mp.workdps(30):  # the quadrature is good to about 25
        kxx = deker_diagonal(rho, sigma, cxx, mean_x, regularisation, rule)
        kyy = deker_diagonal(rho, sigma, cyy, mean_y, regularisation, rule)
        scale = mp.sqrt(kxx * kyy)
        if swapped:
            mean_x, mean_y = mean_y, mean_x

        def residual(r: Number) -> Number:
            means = cross_means([rho, sigma], [rho, sigma], Pair(kxx, kyy, r * scale), rule)
            update = cxy * means[0][0] - mean_x * means[0][1] - mean_y * means[1][0] + means[1][1]
            return r - update / (lam2 * scale)

        r = bracketed_root(residual, mp.mpf("-0.85"), mp.mpf("0.85"))
    return Pair(kxx, kyy, r * scale)


# ---------------------------------------------------------------------------------------------------------------------
# DEQ-NTK


def deq_relu(
    cosine: float,
    weight: float,
    injection: float,
    bias: float,
    *,
    gap: float | None = None,
    norms: tuple[float, float] = (1.0, 1.0),
) -> TangentPair:
    """DEQ-NTK of sqrt(2) relu for |x|, |y| = norms and cos(x, y) = cosine (or 1 - gap), from the equation in the angle.

    sqrt(kxx kyy) (cos(t) - w kappa_1(cos t)) = u x.y + b; the left side decreases strictly in the angle t, so that
    bracketing on [0, pi] is complete.
    """
    w, u, b, nx, ny = (mp.mpf(v) for v in (weight, injection, bias, *norms))
    g = 1 - mp.mpf(cosine) if gap is None else mp.mpf(gap)
    kxx, kyy = ((u * n * n + b) / (1 - w) for n in (nx, ny))
    q = mp.sqrt(kxx * kyy)
    injected = u * nx * ny * (1 - g) + b
    closeness = 1 - injected / (q * (1 - w))

    def residual(angle: Number) -> Number:
        dual = (mp.sin(angle) + (mp.pi - angle) * mp.cos(angle)) / mp.pi
        return w * q * dual + injected - q * mp.cos(angle)

    if closeness < mp.mpf(10) ** (8 - mp.dps):
        angle = mp.mpf(0)
    else:
        angle = bracketed_root(residual, _below(residual, closeness), mp.pi)
    kxy = q * mp.cos(angle)
    return TangentPair(kxx, kyy, kxy, angle, kxy / (1 - w * (mp.pi - angle) / mp.pi))


def _below(residual: Function, gap: Number) -> Number:
    """A positive angle below the root, so that the root keeps its relative accuracy."""
    angle = mp.sqrt(gap) / 4
    while residual(angle) >= 0:
        angle /= 2
    return angle


def deq_erf(
    cosine: float, weight: float, injection: float, bias: float, *, scale: Number | float = 1, norms: tuple = (1.0, 1.0)
) -> TangentPair:
    """DEQ-NTK of sqrt(scale) erf for inputs with |x|^2, |y|^2 = norms and x.y = cosine |x| |y|."""
    w, u, b = mp.mpf(weight), mp.mpf(injection), mp.mpf(bias)
    amplitude = w * mp.mpf(scale) * 2 / mp.pi
    kxx, kyy = (_erf_variance(amplitude, u * mp.mpf(norm) + b) for norm in norms)
    root = mp.sqrt((1 + 2 * kxx) * (1 + 2 * kyy))
    inject = u * mp.mpf(cosine) * mp.sqrt(mp.mpf(norms[0]) * mp.mpf(norms[1])) + b
    bound = mp.sqrt(kxx * kyy) * (1 + mp.mpf(10) ** (10 - mp.dps))  # beyond Cauchy-Schwarz only by rounding
    kxy = bracketed_root(lambda k: k - amplitude * mp.asin(2 * k / root) - inject, -bound, bound)
    slope = 2 * amplitude / mp.sqrt(root**2 - 4 * kxy**2)
    if slope >= 1:
        raise NoRoot("the tangent kernel diverges")
    return TangentPair(kxx, kyy, kxy, mp.acos(min(mp.mpf(1), kxy / mp.sqrt(kxx * kyy))), kxy / (1 - slope))


@functools.lru_cache(maxsize=8)
def _erf_variance(amplitude: Number, inject: Number) -> Number:
    """Root of k = amplitude asin(2k / (1 + 2k)) + inject, which is unique because the right side is concave."""
    if inject == 0:
        return mp.mpf(0)
    upper = amplitude * mp.pi / 2 + inject + 1
    return bracketed_root(lambda k: k - amplitude * mp.asin(2 * k / (1 + 2 * k)) - inject, inject / 2, upper)


def deq_finite_depth(cosine: float, weight: float, injection: float, bias: float, depth: int) -> tuple[Number, Number]:
    """Finite-depth recursion (equation 6) on unit inputs: the pair (Sigma, Theta) after `depth` layers.

    Theta <- (w step_hat(Sigma)) Theta + Sigma_next, starting from Theta = Sigma = x.y.
    """
    w, u, b, s = (mp.mpf(v) for v in (weight, injection, bias, cosine))
    q = (u + b) / (1 - w)
    sigma = q * s
    theta = sigma
    for _ in range(depth):
        t = mp.pi - mp.acos(sigma / q)
        following = w * q * (mp.sin(t) - t * mp.cos(t)) / mp.pi + u * s + b
        theta = w * t / mp.pi * theta + following
        sigma = following
    return sigma, theta
