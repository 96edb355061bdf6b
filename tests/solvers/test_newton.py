import mpmath
import numpy as np
import pytest

from dekderive.errors import InvalidInput, NotConverged
from dekderive.kernels import deq_ntk_relu
from dekderive.solvers import Status, newton
from dekderive.solvers.charts import chart_roots, readout


def test_many_equations_agree_with_mpmath():
    anomaly = np.linspace(0.05, 3.1, 40)
    eccentricity = np.linspace(0.0, 0.99, 40)
    found = newton(
        lambda x, m, e: x - e * np.sin(x) - m, lambda x, m, e: 1 - e * np.cos(x), np.full(40, 0.1), 0.0, np.pi,
        args=(anomaly, eccentricity),
    )  # fmt: skip
    with mpmath.workdps(40):
        exact = [
            mpmath.findroot(lambda x, m=m, e=e: x - mpmath.mpf(e) * mpmath.sin(x) - mpmath.mpf(m), (0, mpmath.pi),
                            solver="anderson", tol=1e-60)
            for m, e in zip(anomaly.tolist(), eccentricity.tolist(), strict=True)
        ]  # fmt: skip
        error = max(abs(v / x - 1) for v, x in zip(found.value.tolist(), exact, strict=True))
    assert found.status is Status.CONVERGED
    assert error < 3e-15


def test_monotone_starts_are_left_undisturbed():
    seen = []

    def residual(x, c):
        seen.append(x.copy())
        return x**3 - c

    c = np.array([2.0, 1e-3, 5.0])
    newton(residual, lambda x, c: 3 * x**2, 2.0 * np.ones(3), 0.0, 4.0, args=(c,))
    plain = 2.0 * np.ones(3)
    for x in seen[:5]:
        np.testing.assert_allclose(x, plain, rtol=1e-14)
        plain = plain - (plain**3 - c) / (3 * plain**2)


def test_roots_near_zero_keep_relative_accuracy():
    gap = 10.0 ** -np.arange(1, 30, 2.0)
    found = newton(
        lambda x, g: 2 * np.sin(x / 2) ** 2 + x**3 / 7 - g, lambda x, g: np.sin(x) + 3 * x**2 / 7, np.full(15, 2.0),
        0.0, np.pi, args=(gap,),
    )  # fmt: skip
    with mpmath.workdps(50):
        for g, value in zip(gap.tolist(), found.value.tolist(), strict=True):
            start = mpmath.sqrt(2 * mpmath.mpf(g))
            exact = mpmath.findroot(lambda x, g=g: 2 * mpmath.sin(x / 2) ** 2 + x**3 / 7 - mpmath.mpf(g), start)
            assert abs(value / exact - 1) < 2e-15


def test_ends_count_as_a_sign_change_by_decree():
    above = newton(lambda x: x**2 + 0 * x, lambda x: 2 * x, start=1.0, lower=0.0, upper=2.0, floor=1e-20)
    assert above.status is Status.CONVERGED
    assert above.value <= 1e-19
    below = newton(lambda x: x - 1 - 1e-17, lambda x: np.ones_like(x), start=0.3, lower=0.0, upper=1.0)
    assert below.value == 1.0
    # Rounding may give an end the wrong sign; a start there stays there.
    assert newton(lambda x: x + 1e-20, lambda x: np.ones_like(x), start=0.0, lower=0.0, upper=1.0).value == 0.0


def test_a_crossing_from_above_is_not_returned():
    # Roots of r - (0.2 + 0.1 r + 0.7 r^3): attracting in the interior, repelling at exactly 1.
    def residual(r):
        return r - (0.2 + 0.1 * r + 0.7 * r**3)

    inside = np.roots([-0.7, 0.0, 0.9, -0.2])
    attracting = min(x.real for x in inside if 0 < x.real < 0.99)
    for start in (-0.9, 0.0, 0.9, 0.999999, 1.0 - 1e-12):
        found = newton(residual, lambda r: 0.9 - 2.1 * r**2, start=start, lower=-1.0, upper=1.0)
        assert found.value == pytest.approx(attracting, rel=1e-12)


@pytest.mark.parametrize("power", [3, 7, 15])
def test_multiple_roots_converge(power):
    found = newton(lambda x: (x - 0.3) ** power, lambda x: power * (x - 0.3) ** (power - 1), 1.7, -1.0, 2.0)
    assert found.status is Status.CONVERGED
    assert found.value == pytest.approx(0.3, abs=1e-12)


def test_jumps_and_flat_stretches_are_bisected():
    found = newton(lambda x: np.where(x < 0.7, -1.0, 1.0), np.zeros_like, start=0.0, lower=-1.0, upper=1.0)
    assert found.status is Status.CONVERGED
    assert found.value == pytest.approx(0.7, abs=1e-15)


def test_noise_at_the_root_does_not_prevent_termination():
    def residual(x):
        return np.float64(1.0) + (x - 0.4) ** 3 - 1.0  # steps of 2e-16 in F are steps of 6e-6 in x

    found = newton(residual, lambda x: 3 * (x - 0.4) ** 2, np.linspace(-0.9, 0.9, 101), -1.0, 1.0)
    assert found.status is Status.CONVERGED
    assert np.abs(found.value - 0.4).max() < 2e-5


def test_converged_entries_stop_costing():
    sizes = []

    def residual(x, p):
        sizes.append(x.size)
        return np.sign(x - 0.5) * np.abs(x - 0.5) ** p

    p = np.where(np.arange(1000) < 10, 5.0, 1.0)
    newton(residual, lambda x, p: p * np.abs(x - 0.5) ** (p - 1), np.full(1000, 0.1), 0.0, 1.0, args=(p,))
    assert sizes[0] == 1000
    assert max(sizes[4:-1]) <= 10


def test_failures_are_statuses():
    stuck = newton(lambda x: np.array([1e-9, 1.0]) * (x - 0.123) ** 3, lambda x: 3 * (x - 0.123) ** 2,
                   [0.9, 0.9], 0.0, 1.0, max_steps=3)  # fmt: skip
    assert stuck.status is Status.MAX_STEPS
    assert stuck.state["failed"].all()
    with pytest.raises(NotConverged, match=r"allow more steps .*2 of 2 entries"):
        stuck.raise_for_status()
    broken = newton(lambda x, c: np.log(x) + c, lambda x, c: 1 / x, [-0.5, 1.0], -1.0, 2.0, args=([0.0, 0.0],))
    assert broken.status is Status.NON_FINITE
    assert np.isnan(broken.value[0])
    assert broken.value[1] == 1.0
    with pytest.raises(InvalidInput, match="lower <= upper"):
        newton(lambda x: x, np.ones_like, 0.0, 1.0, -1.0)


def test_float32_stays_float32():
    found = newton(lambda x: x * x - 2, lambda x: 2 * x, np.ones(3, dtype=np.float32), 0.0, 2.0)
    assert found.value.dtype == np.float32
    np.testing.assert_allclose(found.value, np.sqrt(2.0), rtol=2e-7)


def test_a_lucky_step_is_no_prediction_of_the_next():
    # Here the last step but one ends much closer than its curvature allows, having passed an inflection on the way: a
    # forecast from it alone stops 1e-11 short of the angle.
    gap, w, u, b = 1.3868664319282367, 0.6, 0.4, 0.0
    one, q = np.ones(1), (u + b) / (1 - w)
    pair = {"cxx": one, "cyy": one, "cxy": one - gap, "gap": gap * one, "kxx": q * one, "kyy": q * one}
    parameters = {"weight_variance": w, "input_variance": u, "bias_variance": b}
    found = readout(deq_ntk_relu, chart_roots(deq_ntk_relu, pair, parameters).x, pair, parameters)
    with mpmath.workdps(40):
        q = (u + mpmath.mpf(b)) / (1 - mpmath.mpf(w))
        injected = (u * (1 - mpmath.mpf(gap)) + b) / q
        r = mpmath.findroot(
            lambda r: w * (mpmath.sqrt(1 - r * r) + r * (mpmath.pi - mpmath.acos(r))) / mpmath.pi + injected - r, 0.3
        )
        wanted = r * q / (1 - w * (mpmath.pi - mpmath.acos(r)) / mpmath.pi)
    assert found[0] == pytest.approx(float(wanted), rel=2e-14)
