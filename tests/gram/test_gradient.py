import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf

from dekderive.errors import NotConverged
from dekderive.gram import gram, gram_gradient, moments
from dekderive.gram.inputs import Side
from dekderive.kernels import deq_ntk_relu

X = np.array([[1.0, 0.5, 0.0], [-0.25, 1.5, 0.75], [0.5, 0.25, 1e-3], [-1.0, -0.5, 0.0], [0.125, 0.0, 0.0]])
WUB = ("weight_variance", "input_variance", "bias_variance")
SETTINGS = [
    ("deker_relu", {"regularisation": 0.8}),
    ("deker_relu", {"regularisation": 3.0}),
    ("poisson", {"regularisation": 5.0}),
    ("ntk_relu", dict(zip(WUB, (0.6, 0.4, 0.0), strict=True))),
    ("ntk_relu", dict(zip(WUB, (0.95, 0.5, 0.25), strict=True))),
    ("ntk_erf", dict(zip(WUB, (0.6, 0.4, 0.125), strict=True))),
    ("deker_gaussian_relu", {"regularisation": 1.5}),
    ("deker_poisson_identity", {"regularisation": 7.0}),
    ("deq_ntk_relu", dict(zip(WUB, (0.8, 0.5, 0.25), strict=True))),
    ("deq_ntk_erf", dict(zip(WUB, (0.3, 0.4, 0.125), strict=True))),
]


# The equations once more, in textbook form: (variance equation, covariance equation, kernel value).


def deker_relu(lam):
    def variance(k, c, m):
        return (c / 2 - mp.sqrt(2 / mp.pi) * m * mp.sqrt(k) + k / 2) / lam**2 - k

    def angle(t, a, b, c, mx, my):
        r, q, s = mp.cos(t), mp.sqrt(a), mp.sqrt(b)
        means = (mx * s + my * q) * (1 + r) / (2 * mp.sqrt(2 * mp.pi))
        return (c * (mp.pi - t) / (2 * mp.pi) - means + q * s * (mp.sin(t) + (mp.pi - t) * r) / (2 * mp.pi)) / (
            lam**2 * q * s
        ) - r

    return variance, angle, lambda t, a, b: mp.sqrt(a * b) * mp.cos(t)


def poisson(lam):
    def variance(k, c, m):
        return (c - 2 * m * mp.exp(k / 2) + mp.exp(2 * k)) / lam**2 - k

    def angle(t, a, b, c, mx, my):
        k = mp.sqrt(a * b) * mp.cos(t)
        return (c - mx * mp.exp(b / 2) - my * mp.exp(a / 2) + mp.exp((a + b) / 2 + k)) / lam**2 - k

    return variance, angle, lambda t, a, b: mp.sqrt(a * b) * mp.cos(t)


def ntk_relu(w, u, bias):
    def variance(k, c, m):
        return w * k + u * c + bias - k

    def angle(t, a, b, c, mx, my):
        q = mp.sqrt(a * b)
        return w * q * (mp.sin(t) + (mp.pi - t) * mp.cos(t)) / mp.pi + u * c + bias - q * mp.cos(t)

    return variance, angle, lambda t, a, b: mp.sqrt(a * b) * mp.cos(t) / (1 - w * (1 - t / mp.pi))


def ntk_erf(w, u, bias):
    def dual(a, b, k):
        return 2 / mp.pi * mp.asin(2 * k / mp.sqrt((1 + 2 * a) * (1 + 2 * b)))

    def variance(k, c, m):
        return w * dual(k, k, k) + u * c + bias - k

    def angle(t, a, b, c, mx, my):
        k = mp.sqrt(a * b) * mp.cos(t)
        return w * dual(a, b, k) + u * c + bias - k

    def value(t, a, b):
        k = mp.sqrt(a * b) * mp.cos(t)
        return k / (1 - w * 4 / mp.pi / mp.sqrt((1 + 2 * a) * (1 + 2 * b) - 4 * k * k))

    return variance, angle, value


def ntk_normalised_erf(w, u, bias):
    return ntk_erf(w * mp.pi / (2 * mp.asin(mpf(2) / 3)), u, bias)


EQUATIONS = {"deker_relu": deker_relu, "poisson": poisson, "ntk_relu": ntk_relu, "ntk_erf": ntk_erf}
EQUATIONS |= {"deker_gaussian_relu": deker_relu, "deker_poisson_identity": poisson}
EQUATIONS |= {"deq_ntk_relu": ntk_relu, "deq_ntk_erf": ntk_normalised_erf}


def exact_slopes(name, parameters, left, right, means):
    """Value and derivatives of k(left, right) at 50 digits: the equations are solved again at shifted parameters."""
    x, y = ([mpf(float(v)) for v in row] for row in (left, right))
    cxx, cyy, cxy = (mp.fsum(a * b for a, b in zip(p, q, strict=True)) / 3 for p, q in ((x, x), (y, y), (x, y)))
    mx, my = (mp.fsum(p) / 3 if means else mpf(0) for p in (x, y))
    guess = {}

    def value(*point):
        variance, angle, read = EQUATIONS[name](*point)
        starts = guess.get("variances")
        if starts is None:
            starts = [smallest(lambda k, c=c, m=m: variance(k, c, m)) for c, m in ((cxx, mx), (cyy, my))]
            guess["variances"] = starts
        a, b = (mp.findroot(lambda k, c=c, m=m: variance(k, c, m), s)
                for s, c, m in zip(starts, (cxx, cyy), (mx, my), strict=True))  # fmt: skip
        start = guess.setdefault("angle", halved(lambda t: angle(t, a, b, cxy, mx, my)))
        t = mp.findroot(lambda t: angle(t, a, b, cxy, mx, my), start)
        return read(t, a, b)

    point = [mpf(float(v)) for v in parameters.values()]
    middle = value(*point)
    slopes = []
    for i in range(len(point)):
        # Fourth-order differences, one-sided where a variance may not go below 0; error h^4 = 1e-40.
        h = mpf("1e-10")

        def shifted(s, i=i, h=h):
            return value(*(p + s * h if j == i else p for j, p in enumerate(point)))

        if point[i] > 0:
            slopes.append((8 * (shifted(1) - shifted(-1)) - (shifted(2) - shifted(-2))) / (12 * h))
        else:
            slopes.append(
                (-25 * middle + 48 * shifted(1) - 36 * shifted(2) + 16 * shifted(3) - 3 * shifted(4)) / (12 * h)
            )
    return middle, slopes


def smallest(f):
    k = mpf("1e-12")
    while f(k) > 0:
        k *= mpf("1.05")
    return k


def halved(f):
    low, high = mpf("1e-12"), mp.pi  # just off coincidence, where a repelling root may sit
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if f(middle) < 0 else (low, middle)
    return (low + high) / 2


@pytest.mark.parametrize(("name", "parameters"), SETTINGS)
def test_derivatives_agree_with_50_digit_differences(kernels, name, parameters):
    rule = moments.rows()
    K, dK = gram_gradient(kernels[name], X, moments=rule, **parameters)
    np.testing.assert_array_equal(K, gram(kernels[name], X, moments=rule, **parameters))
    assert dK.shape == (5, 5, len(parameters))
    np.testing.assert_array_equal(dK, np.swapaxes(dK, 0, 1))
    with mpmath.workdps(50):
        for i in range(5):
            for j in range(i):
                value, slopes = exact_slopes(name, parameters, X[i], X[j], means="ntk" not in name)
                assert abs(K[i, j] - value) < 1e-14 * np.diag(K).max()
                for mine, exact in zip(dK[i, j].tolist(), slopes, strict=True):
                    assert abs(mine - exact) < 1e-11 * max(abs(exact), np.abs(dK).max() * 1e-2)


@pytest.mark.parametrize(("name", "parameters"), SETTINGS)
@pytest.mark.parametrize("continuous_part", [False, True])
def test_diagonal_derivatives_are_those_of_the_diagonal(kernels, name, parameters, continuous_part):
    options = {"moments": moments.rows(), "continuous_part": continuous_part}
    _, dK = gram_gradient(kernels[name], X, **options, **parameters)
    for p, (key, value) in enumerate(parameters.items()):
        h = 1e-4 * max(value, 0.1)
        if value == 0:  # one-sided, third order
            f = [np.diag(gram(kernels[name], X, **options, **(parameters | {key: m * h}))) for m in range(4)]
            slope = (-11 * f[0] + 18 * f[1] - 9 * f[2] + 2 * f[3]) / (6 * h)
            tolerance = 1e-5
        else:  # sixth order
            f = {m: np.diag(gram(kernels[name], X, **options, **(parameters | {key: value + m * h})))
                 for m in (-3, -2, -1, 1, 2, 3)}  # fmt: skip
            slope = (45 * (f[1] - f[-1]) - 9 * (f[2] - f[-2]) + (f[3] - f[-3])) / (60 * h)
            tolerance = 1e-8
        np.testing.assert_allclose(np.diag(dK[..., p]), slope, rtol=tolerance)


@pytest.mark.parametrize(("name", "parameters"), SETTINGS)
def test_coincident_and_zero_rows(kernels, name, parameters):
    rows = np.vstack([X[:2], X[0], 2 * X[1], X[1] + 1e-9])
    K, dK = gram_gradient(kernels[name], rows, moments=moments.rows(), **parameters)
    assert np.isfinite(dK).all()
    smooth, slopes = gram_gradient(kernels[name], rows, moments=moments.rows(), continuous_part=True, **parameters)
    # A copy of a row is a different input: its entry is the continuous part of the kernel there.
    np.testing.assert_allclose(dK[0, 2], slopes[0, 0], rtol=1e-9)
    np.testing.assert_allclose(K[0, 2], smooth[0, 0], rtol=1e-9)
    # A double keeps that of the direction: without biases the kernel is homogeneous.
    if name.endswith("relu") and parameters.get("bias_variance", 0.0) == 0.0:
        K, dK = gram_gradient(kernels[name], rows, moments=moments.linear(), **parameters)
        np.testing.assert_allclose(
            dK[1, 3, :2],
            2
            * gram_gradient(kernels[name], rows, moments=moments.linear(), continuous_part=True, **parameters)[1][
                1, 1, :2
            ],
            rtol=1e-10,
        )


def test_zero_rows(kernels):
    rows = np.array([[0.0, 0.0], [1.0, 0.5], [0.0, 0.0]])
    _, dK = gram_gradient(kernels["deker_relu"], rows, moments=moments.linear())
    assert np.count_nonzero(dK) == 1
    _, dK = gram_gradient(kernels["ntk_relu"], rows, **dict(zip(WUB, (0.5, 1.0, 0.0), strict=True)))
    np.testing.assert_array_equal(dK[0, :, :2], 0.0)
    assert dK[0, 1, 2] == dK[1, 2, 2] == np.inf
    # Two inputs at the origin are one: Theta = bias/(1 - w)^2.
    np.testing.assert_allclose([dK[0, 0, 2], dK[0, 2, 2]], 4.0)
    step = 1e-10
    grown = gram(kernels["ntk_relu"], rows, **dict(zip(WUB, (0.5, 1.0, step), strict=True)))
    assert grown[0, 1] > 1e3 * step  # the square root that the infinite derivative stands for
    np.testing.assert_allclose(grown[0, 2], 4 * step)


def test_types_and_blocks(kernels):
    single, slopes = gram_gradient(kernels["ntk_relu"], X.astype(np.float32))
    assert single.dtype == slopes.dtype == np.float32
    _, dK = gram_gradient(kernels["ntk_relu"], X)
    np.testing.assert_allclose(slopes, dK, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(gram_gradient(kernels["ntk_relu"], X, block_size=2)[1], dK, rtol=1e-13)
    assert gram_gradient(kernels["poisson"], X[:0])[1].shape == (0, 0, 1)


def test_a_derivative_at_the_edge_is_an_error(kernels):
    # At the critical regularisation the two variances of a Poisson kernel merge and dk/dlambda is infinite.
    from dekderive.gram.gradient import _variance_slopes

    k = np.array([0.75])
    lam = np.sqrt(2 * np.exp(2 * k))
    side = Side(second=lam**2 * k - np.exp(2 * k), mean=np.zeros(1), kxx=k)
    with pytest.raises(NotConverged, match="move them inwards"):
        _variance_slopes(kernels["poisson"], side, {"regularisation": float(lam[0])})


@pytest.mark.parametrize("size", [2.0**-498, 2.0**498])
def test_gradients_at_the_ends_of_the_range(size):
    # Without bias the kernel and its derivatives in both other variances are homogeneous of degree 2 in the rows.
    X = np.random.default_rng(9).normal(size=(5, 3))
    at = dict(weight_variance=0.5, input_variance=0.7, bias_variance=0.0)
    K, dK = gram_gradient(deq_ntk_relu, X, **at)
    far, dfar = gram_gradient(deq_ntk_relu, size * X, **at)
    np.testing.assert_allclose(far / size / size, K, rtol=1e-13)
    np.testing.assert_allclose(dfar[..., :2] / size / size, dK[..., :2], rtol=1e-12)
    np.testing.assert_allclose(dfar[..., 2], dK[..., 2], rtol=1e-11)
