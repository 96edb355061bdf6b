"""Where other packages lose digits or return NaN (each row was measured on them), this one must not.

Oracles are textbook formulas in multiple precision, and a quadrature written here.
"""

import functools

import mpmath
import numpy as np
import pytest
import sympy as sp
from mpmath import mpf
from scipy.special import erfc

from dekderive.atoms import elu, expit, gelu, relu, silu, softplus, step
from dekderive.families import poisson
from dekderive.gram import diagonal, gaps, gram, input_gradient
from dekderive.gram.moments import linear
from dekderive.programs import compile
from dekderive.reparameterisations import Reparameterisation
from dekderive.simplification import tidy
from dekderive.symbols import z
from dekderive.update_maps import deker, nngp, ntk
from tests.anchors.oracles import generated

ACTIVATIONS = {
    "relu": relu(z),
    "abs": sp.Abs(z),
    "erf": sp.erf(z),
    "gelu": gelu(z),
    "gaussian": sp.exp(-(z**2)),
    "sin": sp.sin(z),
    "gabor": sp.exp(-(z**2)) * sp.sin(z),
    "polynomial": z**3 - z / 2,
    "rectified square": relu(z) ** 2,
    "step": step(z),
    "tanh": sp.tanh(z),
    "sigmoid": expit(z),
    "softplus": softplus(z),
    "silu": silu(z),
}


@functools.cache
def kernel(kind, name):
    return compile({"nngp": nngp, "ntk": ntk}[kind](ACTIVATIONS[name], name=f"{kind}_{name.split()[0]}"))


# ---- duals in multiple precision: E[f(u) f(v)] and E[f'(u) f'(v)] -------------------------------------------------


def erf_dual(a, b, c):
    return 2 / mpmath.pi * mpmath.asin(2 * c / mpmath.sqrt((1 + 2 * a) * (1 + 2 * b)))


def erf_slope_dual(a, b, c):
    return 4 / (mpmath.pi * mpmath.sqrt((1 + 2 * a) * (1 + 2 * b) - 4 * c * c))


def relu_dual(a, b, c):
    t = mpmath.acos(c / mpmath.sqrt(a * b))
    return mpmath.sqrt(a * b) * (mpmath.sin(t) + (mpmath.pi - t) * mpmath.cos(t)) / (2 * mpmath.pi)


def relu_slope_dual(a, b, c):
    return (mpmath.pi - mpmath.acos(c / mpmath.sqrt(a * b))) / (2 * mpmath.pi)


def gelu_dual(a, b, c):
    p, q = 1 + a, 1 + b
    rest = mpmath.sqrt(p * q - c * c)
    angle = c / 4 + c * mpmath.asin(c / mpmath.sqrt(p * q)) / (2 * mpmath.pi)
    return angle + (a * b * (p * q - c * c) + c * c) / (2 * mpmath.pi * p * q * rest)


def gelu_slope_dual(a, b, c):
    """Derivative of the dual in c: Price's theorem."""
    p, q = 1 + a, 1 + b
    d = p * q - c * c
    top, slope = a * b * d + c * c, 2 * c * (1 - a * b)
    angle = mpmath.asin(c / mpmath.sqrt(p * q)) / (2 * mpmath.pi)
    fraction = (slope / mpmath.sqrt(d) + top * c / d ** mpf(1.5)) / (2 * mpmath.pi * p * q)
    return mpf(1) / 4 + angle + c / (2 * mpmath.pi * mpmath.sqrt(d)) + fraction


def gaussian_dual(a, b, c):
    return 1 / mpmath.sqrt((1 + 2 * a) * (1 + 2 * b) - 4 * c * c)


def gaussian_slope_dual(a, b, c):
    return 4 * c / ((1 + 2 * a) * (1 + 2 * b) - 4 * c * c) ** mpf(1.5)


def sin_dual(a, b, c):
    return mpmath.exp(-(a + b) / 2) * mpmath.sinh(c)


def sin_slope_dual(a, b, c):
    return mpmath.exp(-(a + b) / 2) * mpmath.cosh(c)


def gabor_dual(a, b, c):
    """Tilting by exp(-u^2 - v^2) turns the covariance S into S (1 + 2S)^-1 and leaves 1/sqrt det(1 + 2S)."""
    d = (1 + 2 * a) * (1 + 2 * b) - 4 * c * c
    gap = a * b - c * c
    return sin_dual((a + 2 * gap) / d, (b + 2 * gap) / d, c / d) / mpmath.sqrt(d)


def gabor_slope_dual(a, b, c):
    return mpmath.diff(lambda t: gabor_dual(a, b, t), c, h=mpf(10) ** -60 * (1 + abs(c)))


EXACT = {
    "relu": (relu_dual, relu_slope_dual),
    "erf": (erf_dual, erf_slope_dual),
    "gelu": (gelu_dual, gelu_slope_dual),
    "gaussian": (gaussian_dual, gaussian_slope_dual),
    "sin": (sin_dual, sin_slope_dual),
    "gabor": (gabor_dual, gabor_slope_dual),
}


def exact_kernel(kind, name, x, y, depth, weight=1.0, bias=0.0):
    """K(x, y) of the recursion, from the inputs as they were rounded."""
    f, slope = EXACT[name]
    x, y = ([mpf(float(e)) for e in row] for row in (x, y))
    a, b, c = (weight * mpmath.fdot(p, q) + bias for p, q in ((x, x), (y, y), (x, y)))
    tangent = c
    for _ in range(depth):
        following = weight * f(a, b, c) + bias
        tangent = following + weight * slope(a, b, c) * tangent if kind == "ntk" else following
        a, b, c = weight * f(a, a, a) + bias, weight * f(b, b, b) + bias, following
    return tangent


# ---- identical inputs, zeros, opposite inputs, gradients ----------------------------------------------------------

DEPTH = 2


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("kind", ["nngp", "ntk"])
def test_nothing_is_nan_at_copies_zeros_and_opposite_inputs(kind, name, dtype):
    if kind == "ntk" and name == "step":
        pytest.skip("its tangent kernel is infinite at x = x', which deriving it says")
    deep = kernel(kind, name).with_depth(DEPTH)
    unit = {"moments": linear(), "weight_variance": 1.0, "bias_variance": 0.0}
    X = np.random.default_rng(3).normal(size=(24, 7)).astype(dtype) / np.sqrt(7).astype(dtype)
    X[0] = 0
    rows = np.concatenate([X, X.copy(), -X])
    with np.errstate(all="raise", under="ignore"):
        K = gram(deep, rows, **unit)
        cross = gram(deep, X, X.copy(), **unit)
    assert K.dtype == cross.dtype == dtype
    assert np.isfinite(K).all()
    assert np.isfinite(cross).all()
    assert (K == K.T).all()
    own = diagonal(deep, X, **unit)
    tiny = 20 * np.finfo(dtype).eps
    # Copies are as similar as identical rows: the kernel is continuous there, with a cusp at most.
    np.testing.assert_allclose(np.diag(cross), own, rtol=tiny, atol=tiny * own.max())
    np.testing.assert_allclose(K[:24, 24:48].diagonal(), own, rtol=tiny, atol=tiny * own.max())
    if name in ("relu", "erf", "gaussian", "sin"):
        with mpmath.workdps(40):
            for i in (1, 7, 20):
                truth = exact_kernel(kind, name, X[i], -X[i], DEPTH)
                assert abs(mpf(float(K[i, 48 + i])) - truth) <= 40 * np.finfo(dtype).eps * own[i]


@pytest.mark.parametrize("name", ["relu", "erf", "gelu", "sin", "gaussian", "tanh", "rectified square"])
@pytest.mark.parametrize("kind", ["nngp", "ntk"])
def test_the_gradient_at_a_copy_is_half_that_of_the_diagonal(kind, name):
    """k(x, x) depends on v = |x|^2 alone, and by symmetry dk(x, y)/dx at y = x is half the gradient of k(x, x)."""
    X = np.random.default_rng(4).normal(size=(3, 5)) / np.sqrt(5)
    found = input_gradient(kernel(kind, name), X, X.copy(), moments=linear(), weight_variance=1.0)
    f, slope = ACTIVATIONS[name], tidy(ACTIVATIONS[name].diff(z))
    u, weight = rule(0.0, 0.4)

    def at(v):
        values = generated(f, z=np.sqrt(v) * u) ** 2
        return weight @ (values if kind == "nngp" else values + v * generated(slope, z=np.sqrt(v) * u) ** 2)

    for i, x in enumerate(X):
        v, h = x @ x, 4e-3
        derivative = (8 * (at(v + h) - at(v - h)) - (at(v + 2 * h) - at(v - 2 * h))) / (12 * h)
        np.testing.assert_allclose(found[i, i], derivative * x, rtol=1e-8)


# ---- near-identical inputs ----------------------------------------------------------------------------------------


def near_duplicates(dtype):
    rng = np.random.default_rng(5)
    pairs = []
    for gap in (1e-2, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12, 1e-14):
        x = rng.normal(size=7)
        x /= np.linalg.norm(x)
        turn = rng.normal(size=7)
        turn -= (turn @ x) * x
        angle = np.arccos(1 - gap) if gap > 1e-6 else np.sqrt(2 * gap)
        y = np.cos(angle) * x + np.sin(angle) * turn / np.linalg.norm(turn)
        pairs.append((x.astype(dtype), y.astype(dtype)))
    return pairs


@pytest.mark.parametrize(("dtype", "allowed"), [(np.float32, 1e-6), (np.float64, 1e-12)])
@pytest.mark.parametrize("depth", [1, 20])
@pytest.mark.parametrize("name", ["relu", "erf", "gelu"])
@pytest.mark.parametrize("kind", ["nngp", "ntk"])
def test_gaps_of_near_duplicates_keep_their_digits(kind, name, depth, dtype, allowed):
    weight, bias = {"relu": (2.0, 0.0), "erf": (1.5, 0.1), "gelu": (2.0, 0.0)}[name]
    deep = kernel(kind, name).with_depth(depth)
    for x, y in near_duplicates(dtype):
        found = gaps(deep, [x], [y], moments=linear(), weight_variance=weight, bias_variance=bias)[0, 0]
        value = gram(deep, [x], [y], moments=linear(), weight_variance=weight, bias_variance=bias)[0, 0]
        with mpmath.workdps(60):
            own, other, cross = (
                exact_kernel(kind, name, *pair, depth, mpf(weight), mpf(bias)) for pair in ((x, x), (y, y), (x, y))
            )
            truth = 1 - cross / mpmath.sqrt(own * other)
            assert abs(mpf(float(found)) - truth) <= allowed * truth, (float(truth), found)
            assert abs(mpf(float(value)) - cross) <= allowed * abs(cross)


def test_a_float32_tangent_gram_of_near_copies_is_the_rounded_one():
    """Symmetric to the last bit, each entry within an ulp or two of the one in double precision."""
    rng = np.random.default_rng(6)
    base = rng.normal(size=(50, 10))
    rows = np.concatenate([base + s * rng.normal(size=base.shape) for s in (0, 1e-3, 1e-5, 1e-7)]).astype(np.float32)
    deep = kernel("ntk", "relu").with_depth(10)
    single = gram(deep, rows, moments=linear(), weight_variance=2.0)
    double = gram(deep, rows.astype(np.float64), moments=linear(), weight_variance=2.0)
    assert single.dtype == np.float32
    assert (single == single.T).all()
    assert (double == double.T).all()
    np.testing.assert_allclose(single, double, rtol=3e-7)
    assert np.linalg.eigvalsh(double).min() > 0
    np.linalg.cholesky(double)


# ---- range --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "allowed"), [(np.float32, 5e-7), (np.float64, 1e-12)])
@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("kind", ["nngp", "ntk"])
def test_variances_from_1e_minus_12_to_1e12(kind, name, dtype, allowed):
    """Identical inputs, and inputs of correlation 0.6; errors are relative to the root of k(x, x) k(y, y)."""
    for exponent in (-12, -9, -8, -6, -4, -2, 0, 1, 4, 6, 7.5, 9, 12):
        scale = np.sqrt(10.0**exponent)
        rows = (scale * np.array([[1.0, 0.0], [0.6, 0.8]])).astype(dtype)
        found = gram(kernel(kind, name), rows, moments=linear(), weight_variance=1.0)
        with mpmath.workdps(150):
            own = [exact_kernel(kind, name, x, x, 1) for x in rows]
            cross = exact_kernel(kind, name, *rows, 1)
            for i in range(2):
                assert abs(mpf(float(found[i, i])) - own[i]) <= allowed * own[i], (exponent, found[i, i])
            error = abs(mpf(float(found[0, 1])) - cross)
            assert error <= allowed * mpmath.sqrt(own[0] * own[1]), (exponent, found[0, 1])


@pytest.mark.parametrize("exponent", [-150, -80, 80, 150])
def test_a_rectifier_is_homogeneous_at_any_scale(exponent):
    rows = np.array([[1.0, 0.0], [0.6, 0.8]])
    found = gram(kernel("ntk", "relu"), 10.0 ** (exponent / 2) * rows, moments=linear()) / 10.0**exponent
    np.testing.assert_allclose(found, gram(kernel("ntk", "relu"), rows, moments=linear()), rtol=1e-13)


# ---- quadrature ---------------------------------------------------------------------------------------------------

NODES, WEIGHTS = np.polynomial.legendre.leggauss(20)


def rule(centre, unit):
    """Composite Gauss-Legendre rule for the normal density, with panels that shrink to `unit` towards a kink."""
    steps = unit * 2.0 ** np.arange(40)
    ends = np.concatenate([[centre], centre + steps, centre - steps, np.linspace(-9.5, 9.5, 26)])
    ends = np.unique(ends[(ends >= -9.5) & (ends <= 9.5)])
    half, middle = np.diff(ends) / 2, (ends[1:] + ends[:-1]) / 2
    x = (middle[:, None] + half[:, None] * NODES).ravel()
    return x, (half[:, None] * WEIGHTS).ravel() * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


def expectation(f, g, a, b, rho):
    """E[f(u) g(v)] for functions that are smooth on either side of 0, and vary over lengths of order 1."""
    a, b = np.sqrt(a), np.sqrt(b)
    rest = np.sqrt((1 - rho) * (1 + rho))
    x, w = rule(0.0, min(0.4 / max(a, b), rest or 0.4))
    if rest == 0:
        return w @ (f(a * x) * g(rho * b * x))
    inner = []
    for at in x:
        y, v = rule(-rho * at / rest, 0.4 / (b * rest))
        inner.append(v @ g(b * (rho * at + rest * y)))
    return w @ (f(a * x) * np.array(inner))


def sigmoid(t):
    return np.exp(np.minimum(t, 0)) / (1 + np.exp(-np.abs(t)))


def ramp(t):  # softplus
    return np.maximum(t, 0) + np.log1p(np.exp(-np.abs(t)))


def bell(t):
    return np.exp(-t * t / 2) / np.sqrt(2 * np.pi)


def normal(t):
    return 0.5 * erfc(-t / np.sqrt(2))


def mish_slope(t):
    thick = np.tanh(ramp(t))
    return thick + t * (1 - thick * thick) * sigmoid(t)


# Function, its derivative by hand, and the expression.
SHAPES = {
    "tanh": (np.tanh, lambda t: 1 / np.cosh(t) ** 2, sp.tanh(z)),
    "sigmoid": (sigmoid, lambda t: sigmoid(t) * sigmoid(-t), expit(z)),
    "softplus": (ramp, sigmoid, softplus(z)),
    "relu": (lambda t: np.maximum(t, 0), lambda t: np.heaviside(t, 0.5), relu(z)),
    "gelu": (lambda t: t * normal(t), lambda t: normal(t) + t * bell(t), gelu(z)),
    "silu": (lambda t: t * sigmoid(t), lambda t: sigmoid(t) * (1 + t * sigmoid(-t)), silu(z)),
    "elu": (lambda t: np.where(t > 0, t, np.expm1(np.minimum(t, 0))), lambda t: np.exp(np.minimum(t, 0)), elu(z)),
    "mish": (lambda t: t * np.tanh(ramp(t)), mish_slope, z * sp.tanh(softplus(z))),
}


def test_the_quadrature_of_this_file_knows_two_closed_forms():
    for a, b, rho in ((1.0, 1.0, 0.5), (100.0, 100.0, -0.99), (25.0, 1.0, 0.9), (100.0, 1.0, 1.0)):
        c = rho * np.sqrt(a * b)
        with mpmath.workdps(30):
            exact = [float(f(mpf(a), mpf(b), mpf(c))) for f in (relu_dual, gelu_dual)]
        size = np.sqrt(a * b)
        assert abs(expectation(*[SHAPES["relu"][0]] * 2, a, b, rho) - exact[0]) < 1e-14 * size
        assert abs(expectation(*[SHAPES["gelu"][0]] * 2, a, b, rho) - exact[1]) < 1e-14 * size


@functools.cache
def layers(name):
    return compile(ntk(SHAPES[name][2], name=f"shape_{name}"))


@pytest.mark.parametrize(
    ("name", "a", "b"),
    [(n, v, v) for n in SHAPES for v in (1.0, 25.0, 100.0)] + [(n, 1.0, 100.0) for n in ("tanh", "elu")],
)
def test_duals_and_their_derivatives_at_large_variances(name, a, b):
    """To 1e-12 of sqrt(Kxx Kyy), from correlation -1 to 1."""
    f, slope, _ = SHAPES[name]
    rho = np.array([-1.0, -0.99, 0.6, 0.9999, 1.0])
    values = {"kxx": np.full(5, a), "kyy": np.full(5, b), "angle": np.arccos(rho)}
    for function, forms in ((f, layers(name).activation), (slope, layers(name).slope)):
        found = forms.value.at(values)
        truth = np.array([expectation(function, function, a, b, r) for r in rho])
        size = np.sqrt(expectation(function, function, a, a, 1.0) * expectation(function, function, b, b, 1.0))
        np.testing.assert_allclose(found, truth, rtol=0, atol=1e-12 * size)


# ---- the log-softplus link, whose slope is 0/0 below z = -745 -----------------------------------------------------


@pytest.mark.parametrize("variance", [3300.0, 1e5, 1e6])
def test_the_slope_of_log_softplus_at_variances_where_softplus_underflows(variance):
    """E[rho(u)^2] for rho = expit/softplus: 1 on the left half-line, and 1/u^2 on the right."""
    link = Reparameterisation(poisson(), sp.log(softplus(z)))
    step_of = compile(deker(link, name="log_softplus")).diagonal_step

    def f(t):
        return np.where(t < -30, 1.0, sigmoid(np.maximum(t, -30)) / ramp(np.maximum(t, -30)))

    values = {"kxx": np.array([variance]), "cxx": np.ones(1), "mean_x": np.zeros(1), "regularisation": 1.0}
    found = step_of.at({n: v for n, v in values.items() if n in (*step_of.arguments, "regularisation")})
    slope, activation = (expectation(g, g, variance, variance, 1.0) for g in (f, sigmoid))
    np.testing.assert_allclose(found, slope + activation, rtol=1e-12)
