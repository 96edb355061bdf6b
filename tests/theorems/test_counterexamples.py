"""The counterexamples, against numbers computed here from the definitions."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from scipy import signal

from dekderive.theorems import by_key

mp = mpmath.MPContext()
mp.dps = 40


def numbers(key):
    return by_key(key).counterexample.run().numbers


def test_poisson_fixed_point_lies_outside():
    root = mp.findroot(lambda z: z - mp.exp((3 - z) / 2), 1.8)
    found = numbers("kglm/proposition-4")
    assert found["fixed point"] == pytest.approx(float(root), abs=1e-14)
    assert mp.nstr(root, 15) == "1.81159008298246"
    assert found["product"] == pytest.approx(float(mp.exp(0.5) / 2), rel=1e-14)


def test_slope_at_the_preactivation():
    root = mp.findroot(lambda p: p - 1 / (1 + mp.exp(20 * p)), 0.1)
    found = numbers("kglm/assumption-2")
    assert found["z*"] == pytest.approx(float(5 + root), abs=1e-12)
    assert found["slope"] == pytest.approx(float(20 * root * (1 - root)), rel=1e-12)
    assert found["product"] == pytest.approx(20 * float(mp.exp(-5) / (1 + mp.exp(-5)) ** 2), rel=1e-12)
    assert found["high"] == pytest.approx(5 + 1 / (1 + np.exp(20 * (found["low"] - 5))), abs=1e-12)
    assert found["high"] - found["low"] > 0.49


def test_tanh_near_the_origin():
    found = numbers("kglm/figure-2")
    quotient = (mp.tanh(mp.mpf("0.002")) - mp.tanh(mp.mpf("0.001"))) * 1000
    assert found["quotient"] == pytest.approx(float(quotient), abs=1e-15)
    assert found["z_10000"] == pytest.approx(found["sqrt(3/(2k))"], rel=2e-4)


def test_box_kernel():
    box = (np.abs(np.subtract.outer(range(3), range(3))) <= 1).astype(float)
    found = numbers("kglm/equation-18")
    assert found["determinant"] == -1 == round(np.linalg.det(box))
    assert found["eigenvalue"] == pytest.approx(np.linalg.eigvalsh(box)[0], abs=1e-14)


def test_objective_without_minimum():
    box = (np.abs(np.subtract.outer(range(3), range(3))) <= 1).astype(float)
    found = numbers("kglm/corollary-11")
    for s in (0, 20, 200):
        a = s * np.array([1, -np.sqrt(2), 1])
        value = np.logaddexp(0, box @ a).sum() + 0.5 * a @ box @ a
        assert found[f"s = {s}"] == pytest.approx(value, rel=1e-12)


def test_mean_outside_the_bracket():
    found = numbers("kglm/appendix-h")
    f = -1 / 4
    assert f == pytest.approx((0 - (f + 1)) / 3)  # the MAP
    assert found == {"z": f + 1, "display": pytest.approx((0 - (f + 1) + 1) / 3)}


def test_contiguous_slice_is_no_convolution():
    image, filters = np.arange(16.0).reshape(4, 4), np.arange(1.0, 10.0).reshape(3, 3)
    true = signal.correlate2d(image, filters, mode="same").ravel()
    flat = np.pad(image, 1).ravel()
    wrong = np.array([filters.ravel() @ flat[j : j + 9] for j in range(16)])
    assert numbers("kglm/definition-9")["largest error"] == np.abs(true - wrong).max()


def test_one_lengthscale_for_each_pair_of_channels():
    a, b = np.exp(-1 / 2), np.exp(-1 / 8)
    within, between = np.array([[1, a], [a, 1]]), np.array([[1, b], [b, 1]])
    lowest = np.linalg.eigvalsh(np.block([[within, between], [between, within]]))[0]
    assert numbers("kglm/appendix-f-kernel")["eigenvalue"] == pytest.approx(lowest, abs=1e-14)


def test_lipschitz_constant_on_the_wrong_set():
    found = numbers("kglm/proposition-12")
    slopes = mp.mpf(1) / 2, mp.mpf(2) / 5
    roots = [mp.findroot(lambda z, a=a: z - 5 - 4 / (1 + mp.exp(-a * (8 - z))), 7.3) for a in slopes]
    assert found["difference"] == pytest.approx(float(abs(roots[0] - roots[1])), abs=1e-12)
    slope = float(4 * mp.exp(-5) / (1 + mp.exp(-5)) ** 2)
    assert found["bound"] == pytest.approx(slope * 0.1 / ((1 - slope / 2) * (1 - 0.4 * slope)), rel=1e-12)
    assert found["difference"] > 10 * found["bound"]


def test_gaussian_tail():
    found = numbers("kglm/proposition-14")
    deviation = mp.mpf("0.5") / (2 * mp.sqrt(13))  # of A, in the units of the statement
    probability = mp.ncdf(-mp.mpf("0.8") / deviation) - mp.ncdf(-1 / deviation)
    assert found["probability"] == pytest.approx(float(probability), rel=1e-10)
    assert found["allowed"] == pytest.approx(float(2 * mp.exp(-72)), rel=1e-12)
    # For A = -a, 4/5 < a < 1, no B >= 0 comes closer than the bound 2C/(1 - C)^2 = 4.
    for a in (0.81, 0.9, 0.99):
        b = np.linspace(0, 50, 2001)
        assert np.abs(-a / (1 - a) - b / (1 + b)).min() > 4


def test_zero_padded_convolution():
    matrix = 2 * np.eye(3) - np.eye(3, k=1) - np.eye(3, k=-1)
    found = numbers("kglm/section-3.3-convolution-norm")
    assert found["norm"] == pytest.approx(np.linalg.norm(matrix, 2), rel=1e-14)
    assert found["symbol"] == pytest.approx(3.0, abs=1e-12)


def test_row_sums_of_the_convolutional_kernel():
    taps = signal.correlate2d(np.ones((5, 5)), np.ones((3, 3)), mode="same")
    sums = signal.correlate2d(1 / taps, np.ones((3, 3)), mode="same")
    found = numbers("deq-ntk/equations-18-20")
    assert found["corner"] == pytest.approx(sums[0, 0], rel=1e-14)
    assert found["pixel (1, 1)"] == pytest.approx(sums[1, 1], rel=1e-14)
    assert found["next to an edge"] == pytest.approx(sums[1, 2], rel=1e-14)
    assert [Fraction(x).limit_denominator(100) for x in (sums[0, 0], sums[1, 1], sums[1, 2])] == [
        Fraction(25, 36),
        Fraction(49, 36),
        Fraction(7, 6),
    ]


def test_variances_of_the_convolutional_network():
    taps = signal.correlate2d(np.ones((4, 4)), np.ones((3, 3)), mode="same")
    v = np.ones((4, 4))
    for _ in range(200):
        v = signal.correlate2d((0.35 * v + 0.65) / taps, np.ones((3, 3)), mode="same")
    found = numbers("deq-ntk/equation-14")
    assert found["smallest"] == pytest.approx(v.min(), abs=1e-8)
    assert found["largest"] == pytest.approx(v.max(), abs=1e-8)
    assert sorted({round(x, 3) for x in v.ravel()}) == [0.678, 0.968, 1.386]


def test_tangent_kernel_of_the_stated_network():
    # Gradients of f2 = sqrt(w/N) W2 s(f1) + sqrt(u) U2 x at x = y, |x| = 1, f1 of variance w/3 + u.
    w, u, rng = 0.6, 0.4, np.random.default_rng(0)
    inner = w / 3 + u
    f1, w2 = np.sqrt(inner) * rng.standard_normal(2_000_000), rng.standard_normal(2_000_000)
    theta = w * np.mean(2 * np.maximum(f1, 0) ** 2) + u + w * np.mean(2 * w2**2 * (f1 > 0)) * inner
    found = numbers("deq-ntk/theorem-1")
    assert found["stated network"] == pytest.approx(theta, abs=3e-3)
    assert found["(6)"] == 1.6


def test_negative_fixed_point():
    def residual(r):
        return mp.mpf("0.6") * (mp.sqrt(1 - r * r) + (mp.pi - mp.acos(r)) * r) / mp.pi - mp.mpf("0.4") - r

    assert numbers("deq-ntk/theorem-2-proof")["Sigma*"] == pytest.approx(float(mp.findroot(residual, -0.28)), abs=1e-14)


def test_swapped_means_make_no_covariance():
    found = numbers("deker/mean-terms")
    assert abs(found["entry"]) > found["bound"] > abs(found["correct entry"])
    # From the definition, with the expectations of relu at correlation 1/2 and lengths 1/2, 5.
    p, q, r = 0.5, 5.0, 0.5
    t = np.pi - np.arccos(r)
    mixed = (1 + r) / (2 * np.sqrt(2 * np.pi))
    second = p * q * (np.sqrt(1 - r * r) + t * r) / (2 * np.pi)
    means = p / np.sqrt(2 * np.pi), q / np.sqrt(2 * np.pi)
    common = second * t / (2 * np.pi) + second
    assert found["correct entry"] == pytest.approx(common - means[0] * mixed * q - means[1] * mixed * p, rel=1e-12)
    assert found["entry"] == pytest.approx(common - means[0] * mixed * p - means[1] * mixed * q, rel=1e-12)


def test_steps_that_are_needed():
    s = np.linspace(-1, 1, 401)
    r = s.copy()
    trail = []
    for _ in range(300):
        trail.append(r)
        r = 0.65 * (np.sqrt(np.maximum(1 - r * r, 0)) + (np.pi - np.arccos(np.clip(r, -1, 1))) * r) / np.pi + 0.35 * s
    needed = next(k for k, x in enumerate(trail) if np.abs(x - trail[-1]).max() <= 1e-6)
    assert numbers("deq-ntk/appendix-b.1-iterations")["steps"] == needed == 17
