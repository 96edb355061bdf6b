import warnings

import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf

from dekderive.errors import InvalidInput, NoFixedPoint
from dekderive.solvers import Status, solve, solve_diagonal

DIGITS = 40


def bisect(f, lower, upper):
    """The crossing from below of f, which is at most 0 at `lower`, located to 40 digits by halving alone."""
    lower, upper = mpf(lower), mpf(upper)
    for _ in range(150):
        middle = (lower + upper) / 2
        lower, upper = (middle, upper) if f(middle) < 0 else (lower, middle)
    return (lower + upper) / 2


# Oracles: the published recursions in mpmath, with expectations in their textbook form.


def oracle_deker_relu(cxx, cyy, cxy, mx, my, lam):
    def variance(c, m):
        e, s = 2 * lam**2 - 1, mp.sqrt(2 / mp.pi) * m
        return bisect(lambda q: e * q * q + 2 * s * q - c, 0, 10 * mp.sqrt(c) / e + 10 * abs(s) / e)

    qx, qy = variance(cxx, mx), variance(cyy, my)

    def excess(angle):
        r = mp.cos(angle)
        k0, k1 = (mp.pi - angle) / (2 * mp.pi), (mp.sin(angle) + (mp.pi - angle) * r) / (2 * mp.pi)
        mixed = (1 + r) / (2 * mp.sqrt(2 * mp.pi))
        return (cxy * k0 - mx * qy * mixed - my * qx * mixed + qx * qy * k1) / lam**2 - qx * qy * r

    angle = bisect(excess, mpf("1e-8"), mp.pi)  # away from the repelling end
    return qx**2, qy**2, qx * qy * mp.cos(angle)


def oracle_poisson(cxx, cyy, cxy, mx, my, lam):
    def variance(c, m):
        top = mp.log(lam) / 2 if lam > 1 else mpf(1) / 4
        return bisect(lambda k: k - (c - 2 * m * mp.exp(k / 2) + mp.exp(2 * k)) / lam**2, 0, top)

    a, b = variance(cxx, mx), variance(cyy, my)
    means = mx * mp.exp(b / 2) + my * mp.exp(a / 2)
    half = mp.exp((a + b) / 2)
    limit = mp.sqrt(a * b)
    return a, b, bisect(lambda k: k - (cxy - means + half * mp.exp(k)) / lam**2, -limit, limit)


def oracle_ntk_relu(cxx, cyy, cxy, sw, su, sb):
    a, b = (su * cxx + sb) / (1 - sw), (su * cyy + sb) / (1 - sw)
    p = mp.sqrt(a * b)

    def step(t):
        return sw * p * (mp.sin(t) + (mp.pi - t) * mp.cos(t)) / mp.pi + su * cxy + sb

    t = bisect(lambda t: step(t) - p * mp.cos(t), 0, mp.pi)
    return a, b, p * mp.cos(t) / (1 - sw * (1 - t / mp.pi))


def oracle_ntk_erf(cxx, cyy, cxy, sw, su, sb):
    def v(a, b, c):
        return 2 / mp.pi * mp.asin(2 * c / mp.sqrt((1 + 2 * a) * (1 + 2 * b)))

    a, b = (bisect(lambda k, c=c: k - sw * v(k, k, k) - su * c - sb, 0, 10 + 10 * c) for c in (cxx, cyy))
    limit = mp.sqrt(a * b)
    k = bisect(lambda k: k - sw * v(a, b, k) - su * cxy - sb, -limit, limit)
    slope = 4 / mp.pi / mp.sqrt((1 + 2 * a) * (1 + 2 * b) - 4 * k * k)
    return a, b, k / (1 - sw * slope)


def oracle_ntk_normalised_erf(cxx, cyy, cxy, sw, su, sb):
    """With the activation divided by the root mean square of erf(z), z standard normal, which is 2 asin(2/3)/pi."""
    return oracle_ntk_erf(cxx, cyy, cxy, sw * mp.pi / (2 * mp.asin(mpf(2) / 3)), su, sb)


def oracle_gamma(cxx, cyy, cxy, mx, my, lam, shape):
    def variance(c, m):
        return bisect(
            lambda k: k - (c * mp.exp(2 * k) - 2 * m * shape * mp.exp(k / 2) + shape**2) / lam**2, 0, mpf(1) / 2
        )

    a, b = variance(cxx, mx), variance(cyy, my)
    means = shape * (mx * mp.exp(a / 2) + my * mp.exp(b / 2))
    limit = mp.sqrt(a * b)
    half = cxy * mp.exp((a + b) / 2)
    return a, b, bisect(lambda k: k - (half * mp.exp(k) - means + shape**2) / lam**2, -limit, limit)


ORACLES = {
    "deker_relu": oracle_deker_relu,
    "deker_gaussian_relu": oracle_deker_relu,
    "poisson": oracle_poisson,
    "deker_poisson_identity": oracle_poisson,
    "deker_gamma_log": oracle_gamma,
    "ntk_relu": oracle_ntk_relu,
    "deq_ntk_relu": oracle_ntk_relu,
    "ntk_erf": oracle_ntk_erf,
    "deq_ntk_erf": oracle_ntk_normalised_erf,
}

DEKER_INPUTS = [  # cxx, cyy, cxy, mean_x, mean_y
    (1.0, 1.0, 0.25, 0.0, 0.0),
    (1.0, 4.0, -1.5, 0.25, -0.5),
    (2.0, 0.03125, 0.03125, -0.75, 0.125),
    (1.0, 1.0, 1.0, 0.5, 0.5),
    (1.0, 1.0, -1.0, 0.0, 0.0),
    (0.5, 0.5, 0.499, 0.375, 0.375),
]
NTK_INPUTS = [  # cxx, cyy, cxy
    (1.0, 1.0, 0.25),
    (1.0, 4.0, -1.5),
    (2.0, 0.03125, 0.25),
    (1.0, 1.0, -1.0),
    (9.0, 1.0, 2.999),
    (1.0, 9.0, 0.0),
]
WUB = ("weight_variance", "input_variance", "bias_variance")
SETTINGS = {
    "deker_relu": [{"regularisation": lam} for lam in (0.85, 1.0, 3.0)],
    "poisson": [{"regularisation": lam} for lam in (6.0, 20.0)],
    "deker_gamma_log": [{"regularisation": 8.0, "shape": 1.0}, {"regularisation": 20.0, "shape": 2.5}],
    "ntk_relu": [dict(zip(WUB, p, strict=True)) for p in ((0.6, 0.4, 0.0), (0.25, 0.5, 0.25), (0.75, 1.0, 2.0))],
}
SETTINGS |= {"deker_gaussian_relu": SETTINGS["deker_relu"], "deker_poisson_identity": SETTINGS["poisson"]}
SETTINGS |= dict.fromkeys(("ntk_erf", "deq_ntk_relu", "deq_ntk_erf"), SETTINGS["ntk_relu"])
CASES = [
    (name, inputs, parameters)
    for name, settings in SETTINGS.items()
    for inputs in (NTK_INPUTS if "ntk" in name else DEKER_INPUTS)
    for parameters in settings
]
NAMES = ("cxx", "cyy", "cxy", "mean_x", "mean_y")


@pytest.mark.parametrize(("name", "inputs", "parameters"), CASES)
def test_newton_agrees_with_bisection_at_40_digits(kernels, name, inputs, parameters):
    found = solve(kernels[name], dict(zip(NAMES, inputs, strict=False)), **parameters).raise_for_status()
    with mpmath.workdps(DIGITS):
        a, b, value = ORACLES[name](*map(mpf, inputs), *map(mpf, parameters.values()))
        # 1e-14 of the scale of the kernel; gaps are not given here, so r = 1 - 1e-16 is as close to 1 as it gets.
        scale = mp.sqrt(a * b) / (1 - parameters.get("weight_variance", 0))
        assert abs(float(found.state["kxx"]) / a - 1) < 1e-14
        assert abs(float(found.state["kyy"]) / b - 1) < 1e-14
        assert abs(mpf(float(found.value)) - value) / scale < 1e-14
        assert found.residual < 1e-14
        if found.error_bound is not None and "ntk" not in name:
            assert abs(mpf(float(found.value)) - value) <= mpf(float(found.error_bound)) + mpf(1e-14) * scale
            assert found.error_bound < 1e-12 * float(scale)


def test_the_published_tangent_kernel_values(kernels):
    """Infinite depth limits at angles 0 and 1, from an independent 4000-layer recursion."""
    cosine = [1.0, np.cos(1.0)]
    found = solve(kernels["ntk_relu"], {"cosine": cosine}, weight_variance=0.6, input_variance=0.4, bias_variance=0.0)
    np.testing.assert_allclose(found.value, [2.5, 1.1270718450], rtol=1e-10)
    opposite = solve(kernels["ntk_relu"], {"cosine": -1.0}, weight_variance=0.6, input_variance=0.4, bias_variance=0.0)
    assert float(opposite.state["kxy"]) == pytest.approx(-0.28725, abs=1e-5)


@pytest.mark.parametrize(
    ("lam", "correlation"),
    [(0.7072, 0.99962), (0.75, 0.92538), (0.8, 0.88836), (1.0, 0.834699), (1.2, 0.81696), (6.0, 0.79068)],
)
def test_limit_at_coincident_inputs_of_a_slope_with_a_jump(kernels, lam, correlation):
    found = solve(kernels["deker_relu"], {"cxx": 1.0, "cyy": 1.0, "cxy": 1.0}, regularisation=lam)
    assert float(found.value / found.state["kxx"]) == pytest.approx(correlation, abs=6e-6)
    assert found.error_bound is not None


@pytest.mark.parametrize("method", ["picard", "anderson"])
@pytest.mark.parametrize("name", [*sorted(ORACLES), "deker_bernoulli_identity", "deker_poisson_log_softplus"])
def test_other_methods_agree_with_newton(kernels, name, method):
    rng = np.random.default_rng(3)
    features = rng.normal(size=(2, 40, 3))
    second = np.einsum("ank,bnk->abn", features, features) / 3
    inputs = {"cxx": second[0, 0], "cyy": second[1, 1], "cxy": second[0, 1]}
    # Large enough that the plain iteration converges from small variances.
    parameters = {"regularisation": 6.0 if "poisson" in name else 30.0 if "gamma" in name else 1.0}
    if "ntk" in name:
        parameters = {"weight_variance": 0.6, "input_variance": 0.4, "bias_variance": 0.125}
    else:
        inputs |= {"mean_x": features[0].mean(axis=1), "mean_y": features[1].mean(axis=1)}
    reference = solve(kernels[name], inputs, **parameters).raise_for_status()
    found = solve(kernels[name], inputs, method=method, **parameters).raise_for_status()
    np.testing.assert_allclose(found.value, reference.value, rtol=0, atol=1e-10 * np.abs(reference.value).max())
    assert found.residual.max() < 1e-10


def test_near_duplicates_keep_the_digits_of_the_gap(kernels):
    gap = 10.0 ** -np.arange(2.0, 33.0, 5.0)
    cosine = 1.0 - gap
    inputs = {"cxx": 4.0, "cyy": 4.0, "cxy": 4 * cosine, "gap": gap}
    found = solve(kernels["ntk_relu"], inputs, weight_variance=0.6, input_variance=0.4, bias_variance=0.0)
    with mpmath.workdps(60):
        for g, angle in zip(gap.tolist(), found.state["angle"].tolist(), strict=True):

            def excess(t, g=g):
                return (1 - mpf(0.6)) * (1 - mp.cos(t) - mpf(g)) + mpf(0.6) * (mp.sin(t) - t * mp.cos(t)) / mp.pi

            exact = bisect(excess, 0, 1)
            assert abs(angle / exact - 1) < 1e-14


@pytest.mark.parametrize("scale", [1e-150, 1e-20, 1e150])
def test_homogeneous_kernels_at_extreme_scales(kernels, scale):
    c = np.array([1.0, 0.5, -0.25]) * scale * scale
    base = {"cxx": 1.0, "cyy": 1.0, "cxy": [1.0, 0.5, -0.25]}
    scaled = {"cxx": scale * scale, "cyy": scale * scale, "cxy": c}
    for name, fixed in (("deker_relu", {"regularisation": 1.2}), ("ntk_relu", {"weight_variance": 0.6})):
        small = solve(kernels[name], scaled, **fixed).raise_for_status()
        np.testing.assert_allclose(small.value / scale / scale, solve(kernels[name], base, **fixed).value, rtol=1e-14)


def test_zero_inputs_give_zero_without_warnings(kernels):
    inputs = {"cxx": [0.0, 0.0, 1.0], "cyy": [0.0, 1.0, 0.0], "cxy": 0.0}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, fixed in (("deker_relu", {}), ("ntk_relu", {"bias_variance": 0.0}), ("ntk_erf", {})):
            found = solve(kernels[name], inputs, **fixed)
            assert found.status is Status.CONVERGED
            np.testing.assert_array_equal(found.value, 0.0)
            np.testing.assert_array_equal(found.state["kxy"], 0.0)
        biased = solve(kernels["ntk_relu"], inputs, weight_variance=0.5, bias_variance=1.0)
    # Two inputs at the origin are the same input for a network with biases: k = sb2/(1-sw2), Theta = k/(1-sw2).
    assert float(biased.value[0]) == pytest.approx(4.0, rel=1e-14)


def test_extreme_regularisation(kernels):
    inputs = {"cxx": 1.0, "cyy": 2.0, "cxy": 0.5, "mean_x": 0.5, "mean_y": 0.25}
    strong = solve(kernels["deker_relu"], inputs, regularisation=1e12).raise_for_status()
    # To leading order k = lambda^-2 E[T rho T' rho'], with the angle fixed by cos = (c/sqrt(..))(1 - angle/pi).
    assert float(strong.state["kxx"]) == pytest.approx(0.5e-24, rel=1e-10)
    weak = solve(kernels["deker_relu"], inputs, regularisation=1e-3)
    assert weak.status is Status.NO_FIXED_POINT
    assert np.isnan(weak.value)
    with pytest.raises(NoFixedPoint, match=r"regularisation at least 0\."):
        weak.raise_for_status()


def test_error_bounds_follow_the_claim_of_the_kernel(kernels):
    pair = {"cxx": 1.0, "cyy": 1.0, "cxy": 0.3}
    assert solve(kernels["poisson"], pair, regularisation=6.0).error_bound is None
    assert solve(kernels["ntk_erf"], pair).error_bound is None
    # Stopped early, the bounds must still hold, and be of the size of the error.
    exact = solve(kernels["ntk_relu"], pair, weight_variance=0.9)
    rough = solve(kernels["ntk_relu"], pair, weight_variance=0.9, tolerance=1e-2)
    error = abs(float(rough.state["kxy"] - exact.state["kxy"]))
    assert 0 < error <= float(rough.error_bound) <= 10 * error
    assert float(solve(kernels["deker_relu"], pair).error_bound) < 1e-14


def test_entries_that_fail_do_not_spoil_the_others(kernels):
    inputs = {"cxx": [1.0, 30.0, 1.0], "cyy": 1.0, "cxy": 0.3}
    found = solve(kernels["poisson"], inputs, regularisation=3.0)
    assert found.status is Status.NO_FIXED_POINT
    np.testing.assert_array_equal(found.state["failed"], [False, True, False])
    np.testing.assert_array_equal(np.isnan(found.value), [False, True, False])
    assert "at input 1" in found.message


BAD = [
    ({"cxx": 1.0, "cyy": 1.0, "cxy": 1.1}, "belong to no pair"),
    ({"cxx": 1.0, "cyy": 1.0, "cxy": -1.0, "mean_x": 0.5, "mean_y": 0.5}, "belong to no pair"),
    ({"cxx": 0.0, "cyy": 1.0, "cxy": 0.1}, "belong to no pair"),
    ({"cxx": 0.1, "cyy": 1.0, "cxy": 0.1, "mean_x": 0.5}, "second moment, not a variance"),
    ({"cxx": -1.0, "cyy": 1.0, "cxy": 0.0}, "negative"),
    ({"cxx": np.nan, "cyy": 1.0, "cxy": 0.0}, "NaN or infinity"),
    ({"cxx": np.inf, "cyy": 1.0, "cxy": 0.0}, "NaN or infinity"),
    ({"cxx": 1.0, "cyy": 1.0}, "needs cxy"),
    ({"cxx": 1.0, "cyy": 1.0, "cxy": 0.0, "czz": 0.0}, "does not take czz"),
    ({"cxx": "one", "cyy": 1.0, "cxy": 0.0}, "real numbers"),
    ({"cxx": [1.0, 2.0], "cyy": [1.0, 2.0, 3.0], "cxy": 0.0}, "broadcast"),
    ({"cosine": 0.5}, "deep equilibrium models only"),
]


@pytest.mark.parametrize(("inputs", "message"), BAD)
def test_inconsistent_inputs_are_refused(kernels, inputs, message):
    with pytest.raises(InvalidInput, match=message):
        solve(kernels["deker_relu"], inputs)


def test_other_refusals(kernels):
    pair = {"cxx": 1.0, "cyy": 1.0, "cxy": 0.5}
    with pytest.raises(InvalidInput, match="gap must be"):
        solve(kernels["ntk_relu"], pair | {"gap": 0.1})
    with pytest.raises(InvalidInput, match=r"\[-1, 1\]"):
        solve(kernels["ntk_relu"], {"cosine": 1.5})
    with pytest.raises(InvalidInput, match="does not take mean_x"):
        solve(kernels["ntk_relu"], pair | {"mean_x": 0.0})
    with pytest.raises(TypeError, match="it takes regularisation"):
        solve(kernels["deker_relu"], pair, weight_variance=0.5)
    for value in (0.0, -1.0, np.nan, np.inf, "1", None, True, [1.0]):
        with pytest.raises(InvalidInput, match="regularisation must"):
            solve(kernels["deker_relu"], pair, regularisation=value)
    with pytest.raises(InvalidInput, match=r"\[0, 1\)"):
        solve(kernels["ntk_relu"], pair, weight_variance=1.0)
    with pytest.raises(InvalidInput, match="method"):
        solve(kernels["deker_relu"], pair, method="bisect")
    assert solve(kernels["ntk_relu"], pair, weight_variance=0.0).value == pytest.approx(0.5, rel=1e-15)


def test_moments_rounded_to_float32_are_accepted(kernels):
    cosine = np.float32(1) + np.float32(1e-7)
    inputs = {"cxx": np.float32(1), "cyy": np.float32(1), "cxy": cosine}
    assert solve(kernels["ntk_relu"], inputs).status is Status.CONVERGED


def test_shapes_broadcast(kernels):
    inputs = {"cxx": np.ones((4, 1)), "cyy": np.ones(3), "cxy": 0.25}
    found = solve(kernels["deker_relu"], inputs)
    assert found.value.shape == found.state["angle"].shape == found.error_bound.shape == (4, 3)
    empty = solve(kernels["deker_relu"], {"cxx": np.ones(0), "cyy": 1.0, "cxy": 0.5})
    assert empty.value.shape == (0,)
    assert empty.status is Status.CONVERGED
    assert solve_diagonal(kernels["deker_relu"], {"cxx": np.ones((2, 0))}).value.shape == (2, 0)


@pytest.mark.parametrize(
    ("name", "slope", "activation"),
    [
        ("deker_bernoulli_identity", np.ones_like, lambda z: 1 / (1 + np.exp(-z))),
        (
            "deker_poisson_log_softplus",
            lambda z: 1 / (1 + np.exp(-z)) / np.log1p(np.exp(z)),
            lambda z: 1 / (1 + np.exp(-z)),
        ),
    ],
)
def test_kernels_without_closed_expectations_are_fixed_points(kernels, name, slope, activation):
    """The recursion, with its expectations by a product Gauss-Hermite rule, returns what was found."""
    inputs = dict(zip(NAMES, (1.5, 0.75, 0.5, 0.75, 0.25), strict=True))
    found = solve(kernels[name], inputs, regularisation=2.0).raise_for_status()
    a, b, c = (float(found.state[n]) for n in ("kxx", "kyy", "kxy"))
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = np.outer(weights, weights) / weights.sum() ** 2

    def image(a, b, c, cxy, mx, my):
        u = np.sqrt(a) * nodes[:, None] + 0 * nodes
        v = c / np.sqrt(a) * nodes[:, None] + np.sqrt(b - c * c / a) * nodes
        ru, rv, su, sv = slope(u), slope(v), activation(u), activation(v)
        return (weights * (cxy * ru * rv - mx * ru * sv - my * su * rv + su * sv)).sum() / 4.0

    cxx, cyy, cxy, mx, my = inputs.values()
    assert image(a, b, c, cxy, mx, my) == pytest.approx(c, rel=1e-9)
    assert image(a, a, a * (1 - 1e-15), cxx, mx, mx) == pytest.approx(a, rel=1e-9)
    assert image(b, b, b * (1 - 1e-15), cyy, my, my) == pytest.approx(b, rel=1e-9)
