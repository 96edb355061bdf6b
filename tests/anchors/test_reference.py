"""The oracles judged by each other and by numbers in print, before they judge anything else."""

import math

import numpy as np
import pytest

NEGATIVE_CONTROL = {"swapped": True}


def relu_feature_inputs(x, y, regularisation):
    """Moments of T = relu(w.x), w ~ N(0, I), for two plane points."""
    norm_x, norm_y = math.hypot(*x), math.hypot(*y)
    angle = 0.0 if x == y else math.acos((x[0] * y[0] + x[1] * y[1]) / (norm_x * norm_y))
    cross = norm_x * norm_y * (math.sin(angle) + (math.pi - angle) * math.cos(angle)) / (2 * math.pi)
    root = math.sqrt(2 * math.pi)
    return norm_x**2 / 2, norm_y**2 / 2, cross, norm_x / root, norm_y / root, regularisation


POINTS = ((0.5, 0.0), (2.5, 2.5 * math.sqrt(3)), (5.0, 0.0), (5 * math.cos(0.02), 5 * math.sin(0.02)))


@pytest.mark.parametrize(
    ("regularisation", "pair", "correct", "swapped"),
    [
        (1.0, (0, 1), "0.10798", "-0.2796"),  # the last column is what the published code returns
        (1.0, (0, 2), "0.33936", "-0.2432"),
        (2.0, (0, 1), "0.034818", "-0.038119"),
        (2.0, (1, 2), "0.34818", "0.34818"),  # equal norms: the swap does not show
    ],
)
def test_deker_relu_at_the_points_of_the_published_comparison(reference, regularisation, pair, correct, swapped):
    inputs = relu_feature_inputs(POINTS[pair[0]], POINTS[pair[1]], regularisation)
    for kwargs, expected in (({}, correct), (NEGATIVE_CONTROL, swapped)):
        digits = len(expected.split(".")[1])
        assert float(reference.deker_relu(*inputs, **kwargs).kxy) == pytest.approx(
            float(expected), abs=0.6 * 10**-digits
        )


def test_deker_relu_solution_satisfies_the_update_and_is_attracting(reference):
    """The root is the attracting one, also for coincident inputs where r = 1 is another root."""
    mp = reference.mp
    for inputs in ((1.0, 1.0, 1.0, 0.0, 0.0, 1.0), (1.0, 4.0, -1.5, 0.3, -1.2, 0.9), (0.5, 2.0, 1.0, 0.2, 0.4, 0.8)):
        pair = reference.deker_relu(*inputs)
        cxy, mean_x, mean_y, regularisation = inputs[2:]

        def update(kxy, pair=pair, rest=(cxy, mean_x, mean_y, regularisation)):
            return reference.deker_relu_update(pair._replace(kxy=kxy), *rest)

        assert abs(update(pair.kxy) - pair.kxy) < mp.mpf(10) ** -40
        nudge = mp.mpf(10) ** -20
        assert abs((update(pair.kxy + nudge) - update(pair.kxy - nudge)) / (2 * nudge)) < 1


def test_closed_relu_expectations_agree_with_quadrature(reference):
    """The four expectations of the relu/Heaviside update, by Gauss-Legendre on the four quadrants."""
    mp, rule = reference.mp, reference.split_rule()
    pair = reference.Pair(mp.mpf(2), mp.mpf("0.5"), mp.mpf("0.6"))
    step, relu = (lambda z: mp.mpf(1) if z > 0 else mp.mpf(0)), (lambda z: max(z, mp.mpf(0)))
    means = reference.cross_means([step, relu], [step, relu], pair, rule)
    cxy, mean_x, mean_y, regularisation = 1.3, 0.4, -0.7, 1.1
    generic = cxy * means[0][0] - mean_x * means[0][1] - mean_y * means[1][0] + means[1][1]
    closed = reference.deker_relu_update(pair, cxy, mean_x, mean_y, regularisation)
    assert abs(generic / mp.mpf(regularisation) ** 2 - closed) < 1e-22
    assert abs(reference.deker_relu_update(pair, cxy, mean_y, mean_x, regularisation) - closed) > 1e-2


def test_quadrature_agrees_with_the_arcsine_formula(reference):
    """E[erf(u) erf(v)], Williams (1996)."""
    mp, pair = reference.mp, reference.Pair(*(reference.mp.mpf(v) for v in ("1.5", "0.5", "-0.6")))
    mean = reference.cross_means([mp.erf], [mp.erf], pair, reference.trapezoidal_rule())[0][0]
    closed = 2 / mp.pi * mp.asin(2 * pair.kxy / mp.sqrt((1 + 2 * pair.kxx) * (1 + 2 * pair.kyy)))
    assert abs(mean - closed) < 1e-28


def test_generic_fixed_point_agrees_with_a_lambert_formula(reference):
    """Poisson family, identity link: kxy = B - W(-(D / lam^2) exp(B)), with D = exp((kxx + kyy) / 2)."""
    mp = reference.mp
    cxx, cyy, cxy, mean_x, mean_y, lam = 0.5, 1.0, 0.3, 0.6, 0.8, 3.0
    pair = reference.deker(
        lambda z: mp.mpf(1), mp.exp, (cxx, cyy, cxy, mean_x, mean_y), lam, reference.trapezoidal_rule()
    )
    for k, c, mean in ((pair.kxx, cxx, mean_x), (pair.kyy, cyy, mean_y)):
        assert abs(lam**2 * k - (c - 2 * mean * mp.exp(k / 2) + mp.exp(2 * k))) < 1e-22
    b = (cxy - mean_x * mp.exp(pair.kyy / 2) - mean_y * mp.exp(pair.kxx / 2)) / lam**2
    d = mp.exp((pair.kxx + pair.kyy) / 2) / lam**2
    assert abs(pair.kxy - (b - mp.lambertw(-d * mp.exp(b)).real)) < 1e-22


@pytest.mark.parametrize(
    ("variances", "values"),
    [((0.6, 0.4, 0.0), ("2.5000", "1.1270718450")), ((0.25, 0.25, 0.5), ("1.3333", "1.0740"))],
)
def test_deq_relu_published_values(reference, variances, values):
    for cosine, expected in zip((1.0, math.cos(1.0)), values, strict=True):
        digits = len(expected.split(".")[1])
        assert float(reference.deq_relu(cosine, *variances).theta) == pytest.approx(
            float(expected), abs=0.51 * 10**-digits
        )


def test_deq_relu_correlation_at_the_antipode(reference):
    assert float(reference.deq_relu(-1.0, 0.6, 0.4, 0.0).kxy) == pytest.approx(-0.28725, abs=6e-6)


@pytest.mark.parametrize("variances", [(0.25, 0.25, 0.5), (0.6, 0.4, 0.0), (0.8, 0.2, 0.0), (0.95, 0.05, 0.0)])
def test_deq_relu_agrees_with_the_finite_depth_recursion(reference, points, variances):
    """Bracketing in the angle against the depth recursion of equation (6), which knows nothing of fixed points."""
    depth = math.ceil(30 / -math.log10(variances[0]))
    for cosine in (*points.cosines()[::50], 1.0, -1.0):
        solved = reference.deq_relu(float(cosine), *variances)
        sigma, theta = reference.deq_finite_depth(float(cosine), *variances, depth)
        assert abs(sigma - solved.kxy) < 1e-28
        # The tangent recursion multiplies a square-root cusp: at s = 1 the digits of Sigma are halved.
        assert abs(theta - solved.theta) < 1e-12 * solved.kxx / (1 - variances[0])


def test_deq_erf_expectations_agree_with_quadrature(reference):
    """The fixed point and the tangent kernel of erf, with both duals by quadrature instead of the arcsine."""
    mp, variances = reference.mp, (0.8, 0.2, 0.1)
    solved = reference.deq_erf(0.4, *variances, scale=1.3, norms=(1.0, 2.0))
    pair = reference.Pair(solved.kxx, solved.kyy, solved.kxy)
    rule = reference.trapezoidal_rule()
    value = reference.cross_means([mp.erf], [mp.erf], pair, rule)[0][0] * mp.mpf(1.3)
    slope = reference.cross_means([_erf_slope(mp)], [_erf_slope(mp)], pair, rule)[0][0] * mp.mpf(1.3)
    weight, injection, bias = (mp.mpf(v) for v in variances)
    inject = injection * mp.mpf(0.4) * mp.sqrt(mp.mpf(2)) + bias
    assert abs(weight * value + inject - solved.kxy) < 1e-25
    assert abs(solved.kxy / (1 - weight * slope) - solved.theta) < 1e-24


def _erf_slope(mp):
    return lambda z: 2 * mp.exp(-z * z) / mp.sqrt(mp.pi)


# Correlation r*_1 of two inputs that coincide, R = relu: the nugget is kxx (1 - r*_1).
NUGGET = {
    "zero mean": ("0.99962", "0.92538", "0.88836", "0.834699", "0.81696", "0.79808", "0.79068", "0.78983"),
    "relu features": ("0.60109", "0.60658", "0.61567", "0.649573", "0.67342", "0.72055", "0.76674", "0.78983"),
}
REGULARISATIONS = (0.7072, 0.75, 0.8, 1.0, 1.2, 2.0, 6.0, 1e9)


@pytest.mark.parametrize("features", list(NUGGET))
def test_nugget_table(reference, features):
    mean = 0.0 if features == "zero mean" else math.sqrt(0.5 / math.pi)
    for regularisation, expected in zip(REGULARISATIONS, NUGGET[features], strict=True):
        pair = reference.deker_relu(0.5, 0.5, 0.5, mean, mean, regularisation)
        digits = len(expected.split(".")[1])
        assert float(pair.kxy / pair.kxx) == pytest.approx(float(expected), abs=0.51 * 10**-digits)


def test_nugget_limit(reference):
    """As lambda grows, r*_1 solves cos(theta) = 1 - theta / pi."""
    mp = reference.mp
    angle = mp.findroot(lambda t: mp.cos(t) - 1 + t / mp.pi, 0.6)
    assert float(mp.cos(angle)) == pytest.approx(0.789832628373, abs=1e-12)
    pair = reference.deker_relu(0.5, 0.5, 0.5, 0.0, 0.0, 1e12)
    assert abs(pair.kxy / pair.kxx - mp.cos(angle)) < 1e-20


def test_point_sets_are_admissible_and_adversarial(points):
    cosine = points.cosines()
    assert cosine.shape == (500,)
    assert {1.0, -1.0, 0.0, 1 - 1e-14, 1 - 1e-10} <= set(cosine)
    assert np.abs(cosine).max() == 1.0
    moments = points.deker_moments(7, 10_000)
    assert np.all(moments.cxx >= moments.mean_x**2 * (1 - 1e-15))
    scale = np.sqrt(moments.cxx) * np.sqrt(moments.cyy)
    assert np.all(np.abs(moments.cxy) <= scale)
    assert np.sum(moments.cyy == 0) > 20
    assert np.sum((moments.cxx == moments.cyy) & (moments.cxy == moments.cxx)) > 20
    assert moments.cxx.max() > 1e290
    assert moments.cxx[moments.cxx > 0].min() < 1e-290
