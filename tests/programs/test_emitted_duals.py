"""Closed forms as generated NumPy code: right to 1e-12 of sqrt(Kxx Kyy) for variances from 0 to 1e12, and never NaN.

The references are formulas written here for mpmath, and for functions with knots an integral over u of f(u) E[g(v) |
u]. Both take the doubles that the code was given.
"""

import functools
import itertools

import mpmath
import numpy as np
import pytest
import sympy as sp
from mpmath import mpf

from dekderive import atoms
from dekderive.duals import dual
from dekderive.kernels import special
from dekderive.programs.lower import lower
from dekderive.symbols import z

TOLERANCE = mpf(1e-12)
CORRELATIONS = (0.0, 0.6, -0.6, 1 - 1e-8, 1e-8 - 1, 1.0, -1.0)
half = mpf(1) / 2


def emitted(expression):
    """The generated function of (kxx, kyy, kxy) of an expression."""
    function = lower("value", expression, (), {})
    namespace = {"np": np, "special": special}
    exec(function.text, namespace)

    def value(a, b, c):
        numbers = {"kxx": a, "kyy": b, "kxy": c}
        with np.errstate(all="ignore"):  # a division by a variance of 0, whose limit is what counts
            return namespace["value"](*(numbers[name] for name in function.arguments))

    return value


def covariances(variances, correlations=CORRELATIONS):
    """Equal and unequal variances; at correlation 1 and equal variances the covariance is the variance itself."""
    points = []
    for a, b, r in itertools.product(variances, variances, correlations):
        points.append((a, b, a * r if a == b else np.sqrt(a) * np.sqrt(b) * r))
    return np.array(points).T


def gap(a, b, c):
    return mpmath.sqrt(max(a * b - c * c, mpf(0)))


def angle(a, b, c, noise=0):
    return mpmath.atan2(c, gap(a + noise, b + noise, c))


def gauss(a, b, c):
    return 1 / mpmath.sqrt((1 + 2 * a) * (1 + 2 * b) - 4 * c * c)


def gabor(a, b, c):
    """The law tilted by exp(-u^2 - v^2) has the covariance S (1 + 2 S)^-1 and the mass `gauss`."""
    mass, determinant = gauss(a, b, c), a * b - c * c
    return mass * sine(*((v + 2 * d) * mass**2 for v, d in ((a, determinant), (b, determinant), (c, 0))))


def sine(a, b, c):
    return (mpmath.exp(-(a + b - 2 * c) / 2) - mpmath.exp(-(a + b + 2 * c) / 2)) / 2


def cosine(a, b, c):
    return (mpmath.exp(-(a + b - 2 * c) / 2) + mpmath.exp(-(a + b + 2 * c) / 2)) / 2


def relu(a, b, c):
    return gap(a, b, c) / (2 * mpmath.pi) + c * step(a, b, c)


def step(a, b, c):
    return half / 2 + angle(a, b, c) / (2 * mpmath.pi)


def gelu(a, b, c):
    p, q = 1 + a, 1 + b
    middle = (a * b * p * q - a * b * c * c + c * c) / (2 * mpmath.pi * p * q * gap(p, q, c))
    return c / 4 + c * angle(a, b, c, 1) / (2 * mpmath.pi) + middle


# name -> (function, E[f f], E[f' f'])
FORMULAS = {
    "erf": (
        sp.erf(z),
        lambda a, b, c: 2 / mpmath.pi * angle(a, b, c, half),
        lambda a, b, c: 2 / mpmath.pi / gap(a + half, b + half, c),
    ),
    "ndtr": (
        atoms.ndtr(z),
        lambda a, b, c: half / 2 + angle(a, b, c, 1) / (2 * mpmath.pi),
        lambda a, b, c: 1 / (2 * mpmath.pi * gap(a + 1, b + 1, c)),
    ),
    "gelu": (atoms.gelu(z), gelu, None),
    "gauss": (sp.exp(-(z**2)), gauss, lambda a, b, c: 4 * c * gauss(a, b, c) ** 3),
    "derivative of gauss": (
        z * sp.exp(-(z**2) / 2),
        lambda a, b, c: c / gap(a + 1, b + 1, c) ** 3,
        lambda a, b, c: ((1 + a) * (1 + b) + 2 * c * c) / gap(a + 1, b + 1, c) ** 5,
    ),
    "sin": (sp.sin(z), sine, cosine),
    "cos": (sp.cos(z), cosine, sine),
    "gabor": (sp.exp(-(z**2)) * sp.sin(z), gabor, None),
    "relu": (atoms.relu(z), relu, step),
    "step": (atoms.step(z), step, None),
    "abs": (
        sp.Abs(z),
        lambda a, b, c: 2 / mpmath.pi * (gap(a, b, c) + c * angle(a, b, c)),
        lambda a, b, c: 2 / mpmath.pi * angle(a, b, c),
    ),
    "leaky": (
        atoms.leaky_relu(z, sp.Rational(1, 8)),
        lambda a, b, c: relu(a, b, c) + relu(a, b, -c) / 8 * -2 + relu(a, b, c) / 64,
        lambda a, b, c: step(a, b, c) * mpf(65) / 64 + step(a, b, -c) / 4,
    ),
    "relu^2": (
        atoms.relu(z) ** 2,
        lambda a, b, c: 3 * c * gap(a, b, c) / (2 * mpmath.pi) + (a * b + 2 * c * c) * step(a, b, c),
        lambda a, b, c: 4 * relu(a, b, c),
    ),
    "exp": (sp.exp(z), *[lambda a, b, c: mpmath.exp((a + b) / 2 + c)] * 2),
    "|z|^(1/2)": (
        sp.sqrt(sp.Abs(z)),
        lambda a, b, c: (
            mpmath.sqrt(2)
            / mpmath.pi
            * mpmath.gamma(mpf(3) / 4) ** 2
            * mpmath.root(a * b, 4)
            * mpmath.hyp2f1(-half / 2, -half / 2, half, min(c * c / (a * b), mpf(1)) if a * b else 0)
        ),
        None,
    ),
}
VARIANCES = [0.0, 1e-12, 1e-4, 0.7, 1.0, 30.0, 1e4, 1e12]


def check(values, reference, points, tolerance=TOLERANCE, slope=False):
    """Error over sqrt(Kxx Kyy); the derivative of a jump is infinite at correlation 1, and there is no scale."""
    exact = functools.lru_cache(None)(lambda *x: reference(*(mpf(float(v)) for v in x)))
    for a, b, c, value in zip(*points, values, strict=True):
        assert not np.isnan(value), (a, b, c)
        true = exact(a, b, c)
        scale = mpmath.sqrt(abs(exact(a, a, a) * exact(b, b, b)))
        scale = max(scale, abs(true)) if slope else scale
        underflow = mpf(10) ** -300  # a hinge at half a unit and variance 1e-12 is of the order exp(-1e11)
        error = abs(mpf(float(value)) - true)
        assert error <= tolerance * scale + underflow, (a, b, c, value, mpmath.nstr(true, 17))


def domain(name, variances=VARIANCES):
    points = covariances(variances)
    return points[:, points[0] + points[1] < 700] if name == "exp" else points


@pytest.mark.parametrize("name", FORMULAS)
def test_value(name):
    function, reference, _ = FORMULAS[name]
    points = domain(name)
    with mpmath.workdps(80):  # (1 + 2 kxx)(1 + 2 kyy) - 4 kxy^2 cancels at variances of 1e12
        tolerance = mpf(2e-13) if name != "exp" else mpf(1e-12)
        check(emitted(dual(function).expression)(*points), reference, points, tolerance)


@pytest.mark.parametrize("name", [name for name, entry in FORMULAS.items() if entry[2] is not None])
def test_derivative(name):
    function, _, reference = FORMULAS[name]
    points = domain(name)
    with mpmath.workdps(80):
        check(emitted(dual(function).derivative())(*points), reference, points, slope=True)


@pytest.mark.parametrize("name", FORMULAS)
def test_float32_in_float32_out(name):
    function, reference, _ = FORMULAS[name]
    points = domain(name, [1e-4, 0.7, 30.0, 1e4]).astype(np.float32)
    values = emitted(dual(function).expression)(*points)
    assert values.dtype == np.float32
    with mpmath.workdps(40):
        check(values, reference, points, mpf(2e-5) if name == "exp" else mpf(1e-6))


# --- functions with knots --------------------------------------------------------------------------------------------


def moment(n, k, a):
    """E[(u - k)_+^n] for u ~ N(0, a)."""
    if a == 0:
        return mpf(-k) ** n if k < 0 else mpf(0)
    x = -k / mpmath.sqrt(a)
    mass, density = mpmath.erfc(-x / mpmath.sqrt(2)) / 2, mpmath.npdf(x)
    return (mass, mpmath.sqrt(a) * (density + x * mass), a * ((1 + x * x) * mass + x * density))[n]


@functools.lru_cache(None)
def by_price(degrees, knots, a, b, c):
    """E[(u - k)_+^m (v - l)_+^n] by Taylor's formula in c: each derivative in c lowers both degrees by one.

    With n the lower degree, the derivative of order n + 1 has a delta of u or v in it and is known; integrate it over
    angles, c = sqrt(a b) sin(angle).
    """
    (m, n), (k, left) = degrees, knots
    if m < n or (m == n and (k, a) > (left, b)):
        return by_price((n, m), (left, k), b, a, c)
    p = mpmath.sqrt(a * b)
    if p == 0 or left == ALWAYS:
        return moment(m, k, a) * moment(n, left, b)
    total, factor = mpf(0), mpf(1)
    for order in range(n + 1):
        total += factor * moment(m - order, k, a) * moment(n - order, left, b) * c**order / mpmath.factorial(order)
        factor *= (m - order) * (n - order) or 1
    ratio = max(min(c / p, mpf(1)), mpf(-1))

    def last(t):
        cosine, covariance = mpmath.cos(t), p * mpmath.sin(t)
        weight = factor * (c - covariance) ** n / mpmath.factorial(n) * p * cosine
        at_left = mpmath.exp(-left * left / (2 * b)) / mpmath.sqrt(2 * mpmath.pi * b)
        spread = mpmath.sqrt(a) * max(cosine, mpf(10) ** -60)
        x = (k - covariance / b * left) / spread
        if m == n:
            return weight * at_left * mpmath.npdf(x) / spread
        return weight * at_left * moment(m - n - 1, k - covariance / b * left, spread**2)

    end = mpmath.asin(ratio)
    return total + mpmath.quad(last, [end * (1 - mpf(10) ** -j) for j in (0, 0.5, 1, 2, 3, 4, 6, 8)] + [end])


sixth = mpf(1) / 6
ALWAYS = mpf(-(10**9))  # a step there is the constant 1
# name -> (function, terms (w, n, k) of f(z) = sum w (z - k)_+^n)
KNOTTED = {
    "hinge": (atoms.relu(z - sp.Rational(1, 2)), [(1, 1, half)]),
    "hinge below": (atoms.relu(z + sp.Rational(1, 2)), [(1, 1, -half)]),
    "hard_tanh": (atoms.hard_tanh(z), [(-1, 0, ALWAYS), (1, 1, mpf(-1)), (-1, 1, mpf(1))]),
    "relu6": (atoms.relu6(z), [(1, 1, mpf(0)), (-1, 1, mpf(6))]),
    "hard_sigmoid": (atoms.hard_sigmoid(z), [(sixth, 1, mpf(-3)), (-sixth, 1, mpf(3))]),
    "hard_swish": (
        atoms.hard_swish(z),
        [(sixth, 2, mpf(-3)), (-half, 1, mpf(-3)), (-sixth, 2, mpf(3)), (-half, 1, mpf(3))],
    ),
}


def knotted(name):
    terms = KNOTTED[name][1]

    def value(a, b, c):
        pairs = itertools.product(terms, terms)
        return mpmath.fsum(w * x * by_price((m, n), (k, j), a, b, c) for (w, m, k), (x, n, j) in pairs)

    return value


PAIRS = [(1e-12, 1e-12), (0.04, 0.04), (1.0, 1.0), (1e4, 1e4), (0.3, 30.0), (1e4, 1e-4)]


def knotted_points(pairs, correlations=CORRELATIONS):
    return np.array([(a, b, a * r if a == b else np.sqrt(a * b) * r) for a, b in pairs for r in correlations]).T


def check_knotted(name, points):
    with mpmath.workdps(30):
        check(emitted(dual(KNOTTED[name][0]).expression)(*points), knotted(name), points)


@pytest.mark.parametrize("name", ["hinge", "hard_tanh"])
def test_functions_with_knots(name):
    check_knotted(name, knotted_points([(0.04, 0.04), (1e4, 1e4)], (0.6, -1.0)))


@pytest.mark.slow
@pytest.mark.parametrize("name", KNOTTED)
def test_functions_with_knots_at_many_points(name):
    check_knotted(name, knotted_points(PAIRS))


@pytest.mark.parametrize("name", [name for name in KNOTTED if name != "hard_swish"])
def test_functions_with_knots_at_variances_of_zero(name):
    check_knotted(name, knotted_points([(1.0, 0.0), (0.0, 25.0), (0.0, 0.0)], (0.0, 1.0)))


ANY = {
    **{name: entry[0] for name, entry in (FORMULAS | KNOTTED).items()},
    "elu": atoms.elu(z),
    "exp(-|z|)": sp.exp(-sp.Abs(z)),
    "relu^3": atoms.relu(z) ** 3,
    "z sin z": z * sp.sin(z),
}


@pytest.mark.parametrize("name", ANY)
def test_no_nan_anywhere(name):
    # Correlations above 1 by rounding among them.
    function, variances = ANY[name], [1e-12, 1e-3, 1.0, 25.0, 1e4, 1e8]
    points = covariances(variances, (*CORRELATIONS, 1 + 4e-16, -1 - 4e-16))
    points = points[:, points[0] + points[1] < 700] if name == "exp" else points
    for expression in (dual(function).expression, dual(function).derivative()):
        assert not np.isnan(emitted(expression)(*points)).any()
