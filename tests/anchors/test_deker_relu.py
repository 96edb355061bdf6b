"""DEKer of R = relu in the Gaussian family: the shipped kernel against 50-digit roots, and against its own equation."""

import numpy as np
import pytest

from dekderive.kernels import deker_gaussian_relu
from dekderive.solvers import Status, solve

EPSILON = np.finfo(float).eps


def relative_residual(moments, kxx, kyy, kxy, regularisation):
    """(G(K) - K) / sqrt(kxx kyy), from the formulas written here."""
    qx, qy = np.sqrt(kxx), np.sqrt(kyy)
    r = kxy / (qx * qy)
    t = np.pi - np.arccos(np.clip(r, -1, 1))
    slopes = moments.cxy / qx / qy * t / (2 * np.pi)
    mixed = (moments.mean_x / qx + moments.mean_y / qy) * (1 + r) / (2 * np.sqrt(2 * np.pi))
    activations = (np.sqrt((1 - r) * (1 + r)) + t * r) / (2 * np.pi)
    return (slopes - mixed + activations) / regularisation**2 - r


def relative_diagonal_residual(c, mean, k, regularisation):
    q = np.sqrt(k)
    return (c / k / 2 - np.sqrt(2 / np.pi) * mean / q + 0.5) / regularisation**2 - 1


def test_residual_on_ten_thousand_pairs(points):
    """|G(K) - K| <= 1e-14 sqrt(kxx kyy), on random and adversarial pairs, G evaluated independently."""
    for index, regularisation in enumerate(points.regularisations()):
        moments = points.deker_moments(40 + index, 1250)
        solution = solve(deker_gaussian_relu, moments.inputs(), regularisation=float(regularisation))
        assert solution.status is Status.CONVERGED
        kxx, kyy, kxy = solution.state["kxx"], solution.state["kyy"], solution.value
        zero = (moments.cxx == 0) | (moments.cyy == 0)
        assert zero.any()
        assert np.all(kxy[zero] == 0)
        live = points.Moments(*(v[~zero] for v in moments))
        residual = relative_residual(live, kxx[~zero], kyy[~zero], kxy[~zero], regularisation)
        assert np.abs(residual).max() <= 1e-14
        for c, mean, k in ((live.cxx, live.mean_x, kxx[~zero]), (live.cyy, live.mean_y, kyy[~zero])):
            assert np.abs(relative_diagonal_residual(c, mean, k, regularisation)).max() <= 1e-14


def errors(reference, moments, regularisation):
    """Errors of kxx and kyy relative to themselves, and of kxy and its bound relative to sqrt(kxx kyy)."""
    mp = reference.mp
    solution = solve(deker_gaussian_relu, moments.inputs(), regularisation=float(regularisation))
    worst_variance, worst_value, worst_excess = 0.0, 0.0, 0.0
    for i in range(moments.cxx.size):
        exact = reference.deker_relu(*(float(v[i]) for v in moments), float(regularisation))
        computed = [mp.mpf(float(solution.state[name][i])) for name in ("kxx", "kyy")]
        computed.append(mp.mpf(float(solution.value[i])))
        scale = mp.sqrt(exact.kxx) * mp.sqrt(exact.kyy)
        if scale == 0:
            assert computed[2] == 0
            continue
        variances = (abs(c - e) / e for c, e in zip(computed[:2], exact[:2], strict=True))
        worst_variance = max(worst_variance, *(float(v) for v in variances))
        error = abs(computed[2] - exact.kxy)
        worst_value = max(worst_value, float(error / scale))
        worst_excess = max(worst_excess, float((error - mp.mpf(float(solution.error_bound[i]))) / scale))
    return worst_variance, worst_value, worst_excess


def test_agreement_with_fifty_digits_on_two_hundred_pairs(reference, points):
    for index, regularisation in enumerate(points.regularisations()):
        variance, value, excess = errors(reference, points.deker_moments(60 + index, 25), regularisation)
        assert variance <= 1e-13
        assert value <= 1e-13
        assert excess <= 1e-14  # the bound is for the computed variances, and their last digits move the value as well


def test_agreement_near_the_critical_regularisation(reference, points):
    """As lambda^2 -> 1/2 the kernel grows like 1/(2 lambda^2 - 1), and so does the effect of lambda's last digit."""
    for index, regularisation in enumerate(points.near_critical()):
        variance, value, _ = errors(reference, points.deker_moments(80 + index, 12), regularisation)
        allowed = 50 * EPSILON / (2 * regularisation**2 - 1)
        assert variance <= allowed
        assert value <= allowed


def test_exchanged_means_are_another_kernel(reference, points):
    """Negative control: the mistake of the published code would not pass the comparison above."""
    moments = points.Moments(*(np.array([v]) for v in (0.125, 12.5, 0.9, 0.2, 2.0)))
    value = float(solve(deker_gaussian_relu, moments.inputs(), regularisation=1.0).value[0])
    scalars = [float(v[0]) for v in moments]
    right, wrong = (reference.deker_relu(*scalars, 1.0, swapped=s) for s in (False, True))
    scale = float(reference.mp.sqrt(right.kxx * right.kyy))
    assert abs(value - float(right.kxy)) < 1e-14 * scale
    assert abs(value - float(wrong.kxy)) > 0.1 * scale


def test_symmetry_and_scaling(points):
    """k(x, y) = k(y, x), and scaling both inputs by a power of two scales the kernel."""
    moments = points.deker_moments(5, 500)
    moments = points.Moments(*(v[(moments.cxx > 1e-200) & (moments.cxx < 1e200)] for v in moments))
    value = solve(deker_gaussian_relu, moments.inputs(), regularisation=1.1).value
    tolerance = 1e-14 * np.sqrt(moments.cxx) * np.sqrt(moments.cyy)
    mirrored = points.Moments(moments.cyy, moments.cxx, moments.cxy, moments.mean_y, moments.mean_x)
    assert np.all(np.abs(solve(deker_gaussian_relu, mirrored.inputs(), regularisation=1.1).value - value) <= tolerance)
    powers = points.Moments(*(v * f for v, f in zip(moments, (4.0, 4.0, 4.0, 2.0, 2.0), strict=True)))
    scaled = solve(deker_gaussian_relu, powers.inputs(), regularisation=1.1).value
    assert np.all(np.abs(scaled - 4 * value) <= 4 * tolerance)


@pytest.mark.parametrize("regularisation", [0.75, 1.0, 2.0])
def test_value_is_attracting(points, regularisation):
    """The recursion itself, run from kxy = 0, ends at the value that Newton's method returns."""
    moments = points.deker_moments(17, 60)
    keep = (moments.cyy > 0) & (moments.cxx > 1e-20) & (moments.cxx < 1e20)
    moments = points.Moments(*(v[keep] for v in moments))
    solution = solve(deker_gaussian_relu, moments.inputs(), regularisation=regularisation)
    kxx, kyy = solution.state["kxx"], solution.state["kyy"]
    known = {**moments.inputs(), "kxx": kxx, "kyy": kyy, "regularisation": regularisation}
    kxy = np.zeros_like(kxx)
    for _ in range(2000):  # the slope at the root may be 0.99
        kxy = deker_gaussian_relu.step.at({**known, "kxy": kxy})
    assert np.all(np.abs(kxy - solution.value) <= 1e-12 * np.sqrt(kxx) * np.sqrt(kyy))
