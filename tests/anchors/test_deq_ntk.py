"""DEQ tangent kernels against 50-digit fixed points, on 500 cosines including the ends and their neighbours."""

import math

import numpy as np
import pytest

from dekderive.errors import NoFixedPoint
from dekderive.gram import gram
from dekderive.kernels import deq_ntk_erf, deq_ntk_relu
from dekderive.solvers import Status, solve

NAMES = ("weight_variance", "input_variance", "bias_variance")
RELU_VARIANCES = [(0.25, 0.25, 0.5), (0.6, 0.4, 0.0), (0.8, 0.2, 0.0), (0.95, 0.05, 0.0)]
# With E[f^2] = 1 at unit variance, erf has a tangent kernel at x = y for weight variances below 0.8159.
ERF_VARIANCES = [(0.25, 0.25, 0.5), (0.6, 0.4, 0.0), (0.75, 0.2, 0.05), (0.8, 0.2, 0.0), (0.81, 0.1, 0.09)]
TOLERANCE = 1e-13


def errors(reference, exact, value):
    """Errors relative to sqrt(Theta(x, x) Theta(y, y)), and relative to the value where that is not nearly zero."""
    mp = reference.mp
    scale = max(e.theta for e in exact)  # attained at s = 1, which is one of the points
    by_scale, by_value = [], []
    for e, v in zip(exact, value, strict=True):
        error = abs(mp.mpf(float(v)) - e.theta)
        by_scale.append(float(error / scale))
        by_value.append(float(error / abs(e.theta)) if abs(e.theta) > scale / 100 else 0.0)
    return max(by_scale), max(by_value)


@pytest.mark.parametrize("variances", RELU_VARIANCES)
def test_relu_on_five_hundred_cosines(reference, points, variances):
    cosines = points.cosines()
    solution = solve(deq_ntk_relu, {"cosine": cosines}, **dict(zip(NAMES, variances, strict=True)))
    assert solution.status is Status.CONVERGED
    exact = [reference.deq_relu(float(s), *variances) for s in cosines]
    by_scale, by_value = errors(reference, exact, solution.value)
    assert by_scale <= TOLERANCE
    assert by_value <= TOLERANCE
    # The angle keeps its relative accuracy down to one ulp from a duplicate, which the value cannot show.
    angles = np.array([float(e.angle) for e in exact])
    assert np.all(np.abs(solution.state["angle"] - angles) <= TOLERANCE * angles)


@pytest.mark.parametrize("variances", RELU_VARIANCES)
def test_relu_with_gaps_that_no_cosine_can_hold(reference, variances):
    gaps = np.array([1e-40, 1e-33, 1e-25, 3e-17, 1e-16, 1e-13, 1e-8])
    inputs = {"cxx": 1.0, "cyy": 1.0, "cxy": 1 - gaps, "gap": gaps}
    solution = solve(deq_ntk_relu, inputs, **dict(zip(NAMES, variances, strict=True)))
    for angle, gap in zip(solution.state["angle"], gaps, strict=True):
        digits = reference.mp.dps
        try:
            reference.mp.dps = 130
            exact = float(reference.deq_relu(1.0, *variances, gap=float(gap)).angle)
        finally:
            reference.mp.dps = digits
        assert abs(angle - exact) <= TOLERANCE * exact


def test_relu_for_inputs_of_any_norm(reference):
    """Variances that do not sum to one, norms that differ by many orders of magnitude, with and without bias."""
    rng = np.random.default_rng(3)
    count = 60
    norms = 10.0 ** rng.uniform(-6, 6, (2, count))
    norms[1, :20] = norms[0, :20] * rng.uniform(0.5, 2.0, 20)
    cosines = np.concatenate([[1.0, -1.0, 1 - 1e-12, 0.0], rng.uniform(-1, 1, count - 4)])
    for variances in ((0.5, 0.7, 0.3), (0.9, 2.0, 0.0), (0.3, 0.1, 1e-6)):
        scale = norms[0] * norms[1]
        inputs = {"cxx": norms[0] ** 2, "cyy": norms[1] ** 2, "cxy": cosines * scale, "gap": 1 - cosines}
        solution = solve(deq_ntk_relu, inputs, **dict(zip(NAMES, variances, strict=True)))
        for i in range(count):
            pair = (float(norms[0, i]), float(norms[1, i]))
            exact = reference.deq_relu(float(cosines[i]), *variances, norms=pair)
            bound = float(reference.mp.sqrt(exact.kxx * exact.kyy)) / (1 - variances[0])
            assert abs(float(solution.value[i]) - float(exact.theta)) <= TOLERANCE * bound


def erf_scale(reference):
    """1 / E[erf(u)^2] for a standard normal u: the shipped kernel is normalised there, like that of the paper."""
    return 1 / (2 / reference.mp.pi * reference.mp.asin(reference.mp.mpf(2) / 3))


@pytest.mark.parametrize("variances", ERF_VARIANCES)
def test_erf_on_five_hundred_cosines(reference, points, variances):
    """To 1e-13, or where that is more, to the effect that twenty roundings of the input s have on the exact value.

    Towards the limit of the weight variance and near s = 1 the value depends on s itself, not on the gap 1 - s, with a
    condition number of 400 (w = 0.8) and more; up to w = 0.75 the plain tolerance holds everywhere.
    """
    cosines = points.cosines()
    solution = solve(deq_ntk_erf, {"cosine": cosines}, **dict(zip(NAMES, variances, strict=True)))
    assert solution.status is Status.CONVERGED
    scale, mp = erf_scale(reference), reference.mp

    def theta(s):
        return reference.deq_erf(s, *variances, scale=scale).theta

    exact = [theta(float(s)) for s in cosines]
    top, nudge = max(exact), mp.mpf(2) ** -60
    for s, e, value in zip(cosines, exact, solution.value, strict=True):
        error = float(abs(mp.mpf(float(value)) - e) / (top if abs(e) < top / 100 else abs(e)))
        if error > TOLERANCE:
            assert variances[0] > 0.75
            condition = float(abs(theta(mp.mpf(float(s)) * (1 - nudge)) - e) / nudge / abs(e))
            assert error <= 20 * np.finfo(float).eps * condition


def test_erf_limit_of_the_weight_variance(reference):
    """On the unit sphere Theta(x, x) = 1 / (1 - w E[f'^2]), which diverges at w = 0.8159."""
    mp = reference.mp
    limit = mp.sqrt(5) * mp.pi / (4 * erf_scale(reference))
    assert float(limit) == pytest.approx(0.8159, abs=5e-5)
    w = 0.8
    diagonal = deq_ntk_erf.readout_diagonal.at({"kxx": 1.0, "weight_variance": w})
    assert float(diagonal) == pytest.approx(float(1 / (1 - w / limit)), rel=1e-13)


def test_erf_beyond_the_limit_is_infinite_on_the_diagonal_and_discontinuous_beside_it(reference):
    """At w = 0.9 correlation 1 repels: distinct inputs, however close, end at a smaller root, which attracts."""
    mp, w = reference.mp, 0.9
    parameters = {"weight_variance": w, "input_variance": 0.1, "bias_variance": 0.0}
    with pytest.raises(NoFixedPoint, match="infinite"):
        gram(deq_ntk_erf, np.eye(2), **parameters)
    solution = solve(deq_ntk_erf, {"cosine": np.array([1.0, 1 - 1e-9])}, **parameters)
    amplitude = mp.mpf(w) * erf_scale(reference) * 2 / mp.pi
    for s, kxy, value in zip((1.0, 1 - 1e-9), solution.state["kxy"], solution.value, strict=True):
        inject = mp.mpf(0.1) * mp.mpf(s)
        kxx = reference.deq_erf(0.0, w, 0.1, 0.0, scale=erf_scale(reference)).kxx
        ratio = 2 / (1 + 2 * kxx)
        lower, upper = mp.mpf(0), mp.mpf("0.9")
        root = reference.bracketed_root(lambda k, i=inject, a=ratio: k - amplitude * mp.asin(a * k) - i, lower, upper)
        slope = amplitude * ratio / mp.sqrt(1 - (ratio * root) ** 2)
        assert slope < 1
        assert float(kxy) == pytest.approx(float(root), rel=1e-13)
        assert float(value) == pytest.approx(float(root / (1 - slope)), rel=1e-12)
        assert float(root) < 0.7


@pytest.mark.parametrize(("kernel", "variances"), [(deq_ntk_relu, RELU_VARIANCES), (deq_ntk_erf, ERF_VARIANCES)])
def test_error_bound_bounds_the_error(reference, points, kernel, variances):
    """The bound that comes with the solution holds in floating point, and is not so wide as to be useless."""
    scale, mp, cosines = erf_scale(reference), reference.mp, points.cosines()[::5]
    for v in variances:
        solution = solve(kernel, {"cosine": cosines}, **dict(zip(NAMES, v, strict=True)))
        for s, kxy, bound in zip(cosines, solution.state["kxy"], solution.error_bound, strict=True):
            relu = kernel is deq_ntk_relu
            exact = reference.deq_relu(float(s), *v) if relu else reference.deq_erf(float(s), *v, scale=scale)
            assert abs(mp.mpf(float(kxy)) - exact.kxy) <= bound <= 2e-12


@pytest.mark.parametrize(("kernel", "variances"), [(deq_ntk_relu, (0.6, 0.4, 0.0)), (deq_ntk_erf, (0.6, 0.4, 0.0))])
def test_depth_recursion_converges_to_the_kernel(kernel, variances):
    """Equation (6): Theta <- (w E[f' f']) Theta + Sigma', with the derivative dual by differences of the step."""
    parameters = dict(zip(NAMES, variances, strict=True))
    cosines = np.linspace(-0.95, 0.95, 39)
    known = {"cxx": 1.0, "cyy": 1.0, "cxy": cosines, "gap": 1 - cosines, "kxx": 1.0, "kyy": 1.0, **parameters}
    sigma, theta, h = cosines.copy(), cosines.copy(), 1e-6
    for _ in range(60):
        slope = (kernel.step.at({**known, "kxy": sigma + h}) - kernel.step.at({**known, "kxy": sigma - h})) / (2 * h)
        sigma = kernel.step.at({**known, "kxy": sigma})
        theta = slope * theta + sigma
    value = solve(kernel, {"cosine": cosines}, **parameters).value
    assert np.abs(theta - value).max() < 1e-8


@pytest.mark.parametrize("variances", [(0.6, 0.4, 0.0), (0.8, 0.2, 0.0)])
def test_square_root_cusp_at_duplicates(variances):
    """(Theta(1) - Theta(s)) / sqrt(1 - s) -> w sqrt(2 u / (1 - w)) / (pi (1 - w)^2) as s -> 1."""
    w, u, _ = variances
    parameters = dict(zip(NAMES, variances, strict=True))
    gap = np.array([1e-10, 1e-8])
    value = solve(deq_ntk_relu, {"cosine": 1 - gap}, **parameters).value
    limit = w * math.sqrt(2 * u / (1 - w)) / (math.pi * (1 - w) ** 2)
    assert np.abs((1 / (1 - w) - value) / np.sqrt(gap) / limit - 1).max() < 1e-3
