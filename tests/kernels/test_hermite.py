"""Gaussian expectations: against closed forms, and against trapezoidal rules in mpmath and in NumPy.

The trapezoidal rule shares nothing with the package (no Hermite functions, no panels, no polar coordinates), and for
functions analytic in a strip of half width d its error is of order exp(-2 pi d / (h sqrt(variance))).
"""

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from dekderive.kernels import hermite, special

CORRELATIONS = np.array([-1.0, -0.9999, -0.97, -0.5, 0.0, 0.3, 0.9, 0.99, 0.9999, 1 - 1e-8, 1 - 1e-13, 1.0])


def relu(z):
    return np.maximum(z, 0.0)


def step(z):
    return np.heaviside(z, 0.5)


def one(z):
    return 1.0


def expit(z):
    return special.expit(z)


def softplus(z):
    return special.softplus(z)


def silu(z):
    return z * special.expit(z)


def slope(z):
    return special.expit(z) / special.softplus(z)


def leaky_bump(z):
    """A function with a jump, a kink and no closed form."""
    return np.where(z > 0, 1.0 + np.tanh(z), 0.3 * z) + 0.2 * np.cos(z)


# --- against mpmath --------------------------------------------------------------------------------------------------

EXACT = {
    expit: lambda z: 1 / (1 + mpmath.exp(-z)),
    np.tanh: mpmath.tanh,
    softplus: lambda z: mpmath.log1p(mpmath.exp(z)),
    silu: lambda z: z / (1 + mpmath.exp(-z)),
    slope: lambda z: 1 / (1 + mpmath.exp(-z)) / mpmath.log1p(mpmath.exp(z)),
}


def trapezoid(f, g, a, b, c, h=0.125):
    """E[f(u) g(v)] by the two-dimensional trapezoidal rule, to 20 digits or more for the variances used here."""
    r = c / mpmath.sqrt(a * b)
    s = mpmath.sqrt(max(1 - r * r, mpf(0)))
    nodes = [k * h for k in range(-int(11 / h), int(11 / h) + 1)]
    weights = [mpmath.exp(-z * z / 2) * h / mpmath.sqrt(2 * mpmath.pi) for z in nodes]
    total = mpf(0)
    for x, w in zip(nodes, weights, strict=True):
        if s:
            inner = mpmath.fsum(g(mpmath.sqrt(b) * (r * x + s * y)) * q for y, q in zip(nodes, weights, strict=True))
        else:
            inner = g(mpmath.sqrt(b) * r * x)
        total += w * f(mpmath.sqrt(a) * x) * inner
    return total


PAIRS = [(expit, expit), (softplus, silu), (slope, np.tanh)]


@pytest.mark.parametrize(("f", "g"), PAIRS, ids=lambda f: f.__name__)
def test_smooth_pairs_to_30_digits(f, g):
    with mpmath.workdps(30):
        for a, b, r in [
            (mpf(1) / 4, mpf(1) / 4, 1),
            (mpf("0.01"), mpf(1) / 4, mpf("0.6")),
            (mpf("0.16"), mpf("0.09"), -1),
        ]:
            c = r * mpmath.sqrt(a * b)
            true = trapezoid(EXACT[f], EXACT[g], a, b, c)
            scale = mpmath.sqrt(trapezoid(EXACT[f], EXACT[f], a, a, a) * trapezoid(EXACT[g], EXACT[g], b, b, b))
            found, bound = hermite.dual_with_error(f, g, float(a), float(b), float(c))
            assert abs(mpf(float(found)) - true) <= mpf("1e-14") * scale
            assert bound <= 3e-14 * float(scale)


def test_derivatives_are_those_of_the_integral():
    # Differences of the oracle, which knows nothing of Price's theorem and of the heat equation.
    a, b, c, h = mpf("0.3"), mpf("0.2"), mpf("0.11"), mpf("1e-12")
    point = [float(v) for v in (a, b, c)]
    with mpmath.workdps(36):
        for f, g in [(silu, expit)]:

            def value(da=0, db=0, dc=0, f=EXACT[f], g=EXACT[g]):
                return trapezoid(f, g, mpf(point[0]) + da, mpf(point[1]) + db, mpf(point[2]) + dc, h=0.25)

            true = [(value(**{n: h}) - value(**{n: -h})) / (2 * h) for n in ("da", "db", "dc")]
            found = [d(f, g, *point) for d in (hermite.dual_kxx, hermite.dual_kyy, hermite.dual_kxy)]
            for t, x in zip(true, found, strict=True):
                assert abs(mpf(float(x)) - t) <= mpf("1e-13"), (f, g)


def test_mean_and_its_derivative_to_30_digits():
    with mpmath.workdps(30):
        for a in (mpf("0.0625"), mpf("0.25"), mpf("0.375")):
            for f, g in PAIRS:
                true = [trapezoid(EXACT[f], EXACT[g], x, x, x) for x in (a, a - mpf("1e-9"), a + mpf("1e-9"))]
                assert abs(mpf(float(hermite.mean(f, g, float(a)))) - true[0]) <= mpf("2e-15")
                derivative = (true[2] - true[1]) / mpf("2e-9")
                assert abs(mpf(float(hermite.mean_derivative(f, g, float(a)))) - derivative) <= mpf("3e-13")


def test_coefficients_to_30_digits():
    # In each Hermite coefficient, not only in their sums.
    found = hermite.series(np.tanh, 1.0, 9)
    with mpmath.workdps(30):
        h = mpf("0.05")
        for k in range(10):
            total = mpf(0)
            for i in range(-220, 221):
                z = i * h
                hermite_k = mpmath.hermite(k, z / mpmath.sqrt(2)) / mpmath.sqrt(mpf(2) ** k * mpmath.factorial(k))
                total += h * mpmath.tanh(z) * hermite_k * mpmath.npdf(z)
            assert abs(mpf(float(found[k])) - total) < mpf("1e-15"), k


# --- against a trapezoidal rule in NumPy, at large variances ---------------------------------------------------------

DERIVATIVES = {  # first and second
    expit: (lambda z: expit(z) * expit(-z), lambda z: expit(z) * expit(-z) * (expit(-z) - expit(z))),
    np.tanh: (lambda z: 1 / np.cosh(z) ** 2, lambda z: -2 * np.tanh(z) / np.cosh(z) ** 2),
    softplus: (expit, lambda z: expit(z) * expit(-z)),
}


def fast_trapezoid(f, g, a, b, c):
    h = 0.14 / np.sqrt(max(a, b, 1.0))
    z = h * np.arange(-int(9.5 / h), int(9.5 / h) + 1)
    weights = h * np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
    r = c / np.sqrt(a) / np.sqrt(b)
    s = np.sqrt(max((1 - r) * (1 + r), 0.0))
    rows = (g(np.sqrt(b) * (r * z[i : i + 256, None] + s * z)) @ weights for i in range(0, z.size, 256))
    return (f(np.sqrt(a) * z) * weights) @ np.concatenate(list(rows))


@pytest.mark.parametrize("f", DERIVATIVES, ids=lambda f: f.__name__)
@pytest.mark.parametrize(("a", "b"), [(4.0, 4.0), (1.0, 0.01), (25.0, 4.0), (100.0, 100.0)])
def test_smooth_functions_at_large_variances(f, a, b):
    first, second = DERIVATIVES[f]

    def size(p, q):
        return np.sqrt(fast_trapezoid(p, p, a, a, a) * fast_trapezoid(q, q, b, b, b))

    for r in (-0.999, 0.5, 1.0):
        c = r * np.sqrt(a * b)
        assert abs(hermite.dual(f, f, a, b, c) - fast_trapezoid(f, f, a, b, c)) <= 5e-14 * size(f, f)
        error = abs(hermite.dual_kxy(f, f, a, b, c) - fast_trapezoid(first, first, a, b, c))
        assert error <= 1e-13 * size(first, first)
        error = abs(hermite.dual_kxx(f, f, a, b, c) - 0.5 * fast_trapezoid(second, f, a, b, c))
        assert error <= 2e-13 * size(f, f) / a
        error = abs(hermite.dual_kyy(f, f, a, b, c) - 0.5 * fast_trapezoid(f, second, a, b, c))
        assert error <= 2e-13 * size(f, f) / b


# --- closed forms: kinks and jumps, all correlations, variances of any size ------------------------------------------

VARIANCES = [(1.0, 1.0), (1e-12, 1e-12), (1e-12, 1e4), (1e4, 1e4), (4.0, 0.5)]


def angle(a, b, c):
    return mpmath.acos(max(min(c / mpmath.sqrt(a * b), mpf(1)), mpf(-1)))


def relu_relu(a, b, c):
    t = angle(a, b, c)
    return mpmath.sqrt(a * b) * (mpmath.sin(t) + (mpmath.pi - t) * mpmath.cos(t)) / (2 * mpmath.pi)


def step_step(a, b, c):
    return (mpmath.pi - angle(a, b, c)) / (2 * mpmath.pi)


def relu_step(a, b, c):
    return (mpmath.sqrt(a) + c / mpmath.sqrt(b)) / (2 * mpmath.sqrt(2 * mpmath.pi))


def abs_abs(a, b, c):
    t = mpmath.pi / 2 - angle(a, b, c)  # arcsine
    return 2 * (mpmath.sqrt(max(a * b - c * c, mpf(0))) + c * t) / mpmath.pi


CLOSED = [
    (relu, relu, relu_relu, lambda a, b: np.sqrt(a * b) / 2),
    (step, step, step_step, lambda a, b: 0.5),
    (relu, step, relu_step, lambda a, b: np.sqrt(a) / 2),
    (np.abs, np.abs, abs_abs, lambda a, b: np.sqrt(a * b)),
    (
        special.erf,
        special.erf,
        lambda a, b, c: 2 * mpmath.asin(2 * c / mpmath.sqrt((1 + 2 * a) * (1 + 2 * b))) / mpmath.pi,
        lambda a, b: 1.0,
    ),
]


@pytest.mark.parametrize(("a", "b"), VARIANCES)
@pytest.mark.parametrize("case", CLOSED, ids=lambda case: f"{case[0].__name__}-{case[1].__name__}")
def test_closed_forms(case, a, b):
    f, g, closed, size = case
    c = CORRELATIONS * np.sqrt(a) * np.sqrt(b)
    value, bound = hermite.dual_with_error(f, g, a, b, c)
    with mpmath.workdps(40):
        error = [abs(float(mpf(float(v)) - closed(mpf(a), mpf(b), mpf(x)))) for v, x in zip(value, c, strict=True)]
    assert np.max(error) <= 1e-14 * size(a, b)
    assert (error <= bound).all()
    assert (bound <= 1e-12 * size(a, b)).all()


@pytest.mark.parametrize(("a", "b"), VARIANCES)
def test_derivatives_of_kinks_and_jumps(a, b):
    c = CORRELATIONS[[0, 2, 5, 8, 10, 11]] * np.sqrt(a) * np.sqrt(b)
    with mpmath.workdps(40):
        exact = [(mpf(a), mpf(b), mpf(x)) for x in c]
        gap = np.array([float(mpmath.sqrt(max(p * q - x * x, mpf(0)))) for p, q, x in exact])
        step_values = np.array([float(step_step(*e)) for e in exact])
    np.testing.assert_allclose(hermite.dual_kxy(relu, relu, a, b, c), step_values, rtol=0, atol=1e-14)
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(hermite.dual_kxy(step, step, a, b, c), 1 / (2 * np.pi * gap), rtol=1e-13)
    # d/dkxx E[relu relu] = sqrt(kxx kyy - kxy^2) / 4 pi kxx
    atol = 1e-14 * np.sqrt(b / a)
    np.testing.assert_allclose(hermite.dual_kxx(relu, relu, a, b, c), gap / (4 * np.pi * a), rtol=0, atol=atol)
    # E[relu(u) step(v)] = (sqrt(kxx) + kxy / sqrt(kyy)) / 2 sqrt(2 pi): a kink on one side, a jump on the other
    root = 1 / (4 * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(hermite.dual_kxx(relu, step, a, b, c), root / np.sqrt(a), rtol=1e-13)
    np.testing.assert_allclose(
        hermite.dual_kyy(relu, step, a, b, c), -root * c / b**1.5, rtol=0, atol=1e-14 * np.sqrt(a) / b
    )
    np.testing.assert_allclose(hermite.dual_kxy(relu, step, a, b, c), 2 * root / np.sqrt(b), rtol=1e-13)


def test_a_jump_shows_in_the_derivative_of_a_function_without_closed_form():
    # Against differences of the two-dimensional quadrature, at order h^4.
    a, b, c, h = 0.7, 1.9, 0.8, 1e-3

    def difference(direction):
        at = lambda k: hermite.dual(leaky_bump, leaky_bump, *(np.array([a, b, c]) + k * h * np.array(direction)))  # noqa: E731
        return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h)

    assert hermite.dual_kxy(leaky_bump, leaky_bump, a, b, c) == pytest.approx(difference([0, 0, 1]), rel=1e-9)
    assert hermite.dual_kxx(leaky_bump, leaky_bump, a, b, c) == pytest.approx(difference([1, 0, 0]), rel=1e-9)
    assert hermite.dual_kyy(leaky_bump, leaky_bump, a, b, c) == pytest.approx(difference([0, 1, 0]), rel=1e-9)
    # The same below the variance at which second derivatives take over.
    a, b, c, h = 0.2, 0.15, 0.1, 1e-4
    assert hermite.dual_kxx(leaky_bump, leaky_bump, a, b, c) == pytest.approx(difference([1, 0, 0]), rel=1e-8)


def test_growing_functions():
    a = np.array([0.01, 1.0, 4.0, 25.0, 49.0])
    scale = np.exp(2 * a)  # E f^2
    for r in (-1.0, 0.3, 1.0):
        true = np.exp(a + r * a)
        np.testing.assert_allclose(hermite.dual(np.exp, np.exp, a, a, r * a) / scale, true / scale, rtol=0, atol=1e-14)
        for derivative, factor in ((hermite.dual_kxy, 1.0), (hermite.dual_kxx, 0.5), (hermite.dual_kyy, 0.5)):
            found = derivative(np.exp, np.exp, a, a, r * a) / scale
            np.testing.assert_allclose(found, factor * true / scale, rtol=0, atol=2e-12)
    np.testing.assert_allclose(
        hermite.mean(np.exp, np.exp, [1e-3, 1.0, 30.0, 100.0]), np.exp([2e-3, 2, 60, 200]), rtol=1e-14
    )


@pytest.mark.parametrize("a", [1e-6, 1.0, 25.0, 100.0])
def test_oscillating_functions(a):
    c = CORRELATIONS * a
    with np.errstate(under="ignore"):
        sines = np.exp(c - a) * -np.expm1(-2 * c) / 2
        cosines = np.exp(c - a) * (1 + np.exp(-2 * c)) / 2
    np.testing.assert_allclose(hermite.dual(np.sin, np.sin, a, a, c), sines, rtol=0, atol=2e-14)
    np.testing.assert_allclose(hermite.dual_kxy(np.sin, np.sin, a, a, c), cosines, rtol=0, atol=5e-14)


def test_polynomials_at_any_scale():
    for a in (1e-300, 1e-12, 1.0, 1e4, 1e150, 1e300):
        assert hermite.mean(relu, relu, a) == pytest.approx(a / 2, rel=1e-14)
        assert hermite.mean(relu, one, a) == pytest.approx(np.sqrt(a / (2 * np.pi)), rel=1e-14)
        assert hermite.mean_derivative(relu, relu, a) == pytest.approx(0.5, rel=1e-13)
        assert hermite.mean_derivative(relu, one, a) == pytest.approx(1 / np.sqrt(8 * np.pi * a), rel=1e-13)
        assert hermite.mean(step, step, a) == pytest.approx(0.5, rel=1e-14)


def test_small_variances_keep_the_digits_of_derivatives():
    # tanh = u - u^3/3: differences of function values would be rounding noise here.
    for a in (1e-30, 1e-12, 1e-8):
        assert hermite.dual_kxy(np.tanh, np.tanh, a, a, a / 2) == pytest.approx(1 - 2 * a, rel=1e-12)
        assert hermite.mean_derivative(np.tanh, np.tanh, a) == pytest.approx(1 - 4 * a, rel=1e-12)
        assert hermite.dual_kxy(expit, expit, a, 3 * a, a / 2) == pytest.approx(1 / 16 - a / 16, rel=1e-11)
        assert hermite.dual_kxx(softplus, one, a, 1.0, 0.0) == pytest.approx(1 / 8 - a / 32, rel=1e-11)


def test_zero_variance_is_a_constant():
    assert hermite.dual(expit, relu, 0.0, 2.0, 0.0) == pytest.approx(0.5 / np.sqrt(np.pi), rel=1e-14)
    assert hermite.dual(step, step, 0.0, 2.0, 0.0) == pytest.approx(0.25, rel=1e-14)
    assert hermite.dual(np.tanh, np.tanh, 0.0, 0.0, 0.0) == 0.0
    assert hermite.mean(step, step, 0.0) == 0.25
    assert hermite.mean(softplus, one, 0.0) == pytest.approx(np.log(2), rel=1e-15)
    # Limits of the derivatives from positive variances.
    assert hermite.dual_kxy(expit, expit, 0.0, 0.0, 0.0) == pytest.approx(1 / 16, rel=1e-12)
    assert hermite.mean_derivative(np.tanh, np.tanh, 0.0) == pytest.approx(1.0, rel=1e-12)
    assert hermite.mean_derivative(relu, relu, 0.0) == pytest.approx(0.5, rel=1e-12)
    assert hermite.mean_derivative(relu, one, 0.0) == np.inf
