"""Kernels written by hand from the published formulas, independent of the generated modules, and the generated ones."""

import math

import numpy as np
import pytest

from dekderive import kernels as generated
from dekderive.kernels.kernel import Chart, Claim, Formula, Kernel, Parameter

PI = math.pi
MEANS = ("cxx", "cyy", "cxy", "mean_x", "mean_y")
WUB = ("weight_variance", "input_variance", "bias_variance")


def unused(*_):
    raise AssertionError("the solvers do not need gradients")


def formula(arguments, function):
    return Formula(function, tuple(arguments.split()))


def record(name, model, parameters, chart, claim, **formulas):
    missing = dict.fromkeys(
        ("diagonal_step_gradient", "residual_gradient", "readout_gradient", "readout_diagonal_gradient"),
        Formula(unused, ()),
    )
    optional = {"diagonal_fixed_point": None, "start": None, "modulus": None}
    deker = model == "deker"
    pairs = ("cxy", "gap") if chart is Chart.ANGLE and not deker else ("cxy",)
    return Kernel(
        name=name, summary=name, model=model, parameters=parameters, chart=chart, claim=claim,
        input_names=("cxx", "mean_x") if deker else ("cxx",), pair_names=pairs,
        moments="linear", spec="", sources=(), **(missing | optional | formulas),
    )  # fmt: skip


LAMBDA = (Parameter("regularisation", 0.0, math.inf, 1.0, "prior precision"),)


def variance_parameters(limit):
    return (
        Parameter("weight_variance", 0.0, limit, 0.5, "of the recurrent weights", lower_closed=True),
        Parameter("input_variance", 0.0, math.inf, 1.0, "of the input weights", lower_closed=True),
        Parameter("bias_variance", 0.0, math.inf, 0.0, "of the biases", lower_closed=True),
    )


def deker_relu():
    half = 1 / (2 * math.sqrt(2 * PI))

    def diagonal(kxx, cxx, mean_x, lam):
        return (cxx / 2 - math.sqrt(2 / PI) * mean_x * np.sqrt(kxx) + kxx / 2) / lam**2

    def diagonal_derivative(kxx, mean_x, lam):
        return (0.5 - mean_x / np.sqrt(2 * PI * kxx)) / lam**2

    def closed(cxx, mean_x, lam):
        s, e = math.sqrt(2 / PI) * mean_x, 2 * lam**2 - 1
        q = cxx / (s + np.sqrt(s * s + cxx * e))
        return np.where((q >= 0) & (cxx > 0), q * q, np.where(cxx == 0, 0.0, np.nan))

    def step(kxx, kyy, kxy, cxy, mean_x, mean_y, lam):
        qx, qy = np.sqrt(kxx), np.sqrt(kyy)
        r = np.clip(kxy / qx / qy, -1, 1)
        t = np.pi - np.arccos(r)
        cross = half * (1 + r) * (mean_x * qy + mean_y * qx)
        return (cxy * t / (2 * PI) - cross + qx * qy * (np.sin(t) - t * np.cos(t)) / (2 * PI)) / lam**2

    def residual(angle, kxx, kyy, cxy, mean_x, mean_y, lam):
        qx, qy = np.sqrt(kxx), np.sqrt(kyy)
        t, m = np.pi - angle, half * (mean_x / qx + mean_y / qy)
        a = cxy / qx / qy
        return (a * t / (2 * PI) - m * (1 + np.cos(angle)) + (np.sin(t) - t * np.cos(t)) / (2 * PI)) / lam**2 - np.cos(
            angle
        )

    def slope(angle, kxx, kyy, cxy, mean_x, mean_y, lam):
        qx, qy = np.sqrt(kxx), np.sqrt(kyy)
        t, m = np.pi - angle, half * (mean_x / qx + mean_y / qy)
        a = cxy / qx / qy
        return (-a / (2 * PI) + m * np.sin(angle) - t * np.sin(t) / (2 * PI)) / lam**2 + np.sin(angle)

    def start(kxx, kyy, mean_x, mean_y, lam):
        beta = lam**2 + half * (mean_x / np.sqrt(kxx) + mean_y / np.sqrt(kyy))
        t = np.arctan(2 * PI * beta - 1.3)
        for _ in range(4):
            t = np.arctan(2 * PI * beta - t)
        return np.pi - t

    pair = "kxx kyy cxy mean_x mean_y regularisation"
    return record(
        "deker_relu", "deker", LAMBDA, Chart.ANGLE, Claim.UNIQUE_ROOT,
        diagonal_step=formula("kxx cxx mean_x regularisation", diagonal),
        diagonal_step_derivative=formula("kxx mean_x regularisation", diagonal_derivative),
        diagonal_fixed_point=formula("cxx mean_x regularisation", closed),
        step=formula("kxx kyy kxy cxy mean_x mean_y regularisation", step),
        step_derivative=Formula(unused, ()),
        residual=formula("angle " + pair, residual), residual_derivative=formula("angle " + pair, slope),
        start=formula("kxx kyy mean_x mean_y regularisation", start),
        readout=formula("kxy", lambda kxy: kxy), readout_diagonal=formula("kxx", lambda kxx: kxx),
    )  # fmt: skip


def poisson():
    def diagonal(kxx, cxx, mean_x, lam):
        return (cxx - 2 * mean_x * np.exp(kxx / 2) + np.exp(2 * kxx)) / lam**2

    def step(kxx, kyy, kxy, cxy, mean_x, mean_y, lam):
        means = mean_x * np.exp(kyy / 2) + mean_y * np.exp(kxx / 2)
        return (cxy - means + np.exp((kxx + kyy) / 2 + kxy)) / lam**2

    def residual(correlation, kxx, kyy, *rest):
        p = np.sqrt(kxx) * np.sqrt(kyy)
        return correlation - step(kxx, kyy, p * correlation, *rest) / p

    def slope(correlation, kxx, kyy, lam):
        return 1 - np.exp((kxx + kyy) / 2 + np.sqrt(kxx) * np.sqrt(kyy) * correlation) / lam**2

    pair = "kxx kyy cxy mean_x mean_y regularisation"
    return record(
        "poisson", "deker", LAMBDA, Chart.CORRELATION, Claim.NONE,
        diagonal_step=formula("kxx cxx mean_x regularisation", diagonal),
        diagonal_step_derivative=formula(
            "kxx mean_x regularisation", lambda k, m, lam: (2 * np.exp(2 * k) - m * np.exp(k / 2)) / lam**2),
        step=formula("kxx kyy kxy cxy mean_x mean_y regularisation", step),
        step_derivative=formula("kxx kyy kxy regularisation", lambda a, b, c, lam: np.exp((a + b) / 2 + c) / lam**2),
        residual=formula("correlation " + pair, residual),
        residual_derivative=formula("correlation kxx kyy regularisation", slope),
        readout=formula("kxy", lambda kxy: kxy), readout_diagonal=formula("kxx", lambda kxx: kxx),
    )  # fmt: skip


def sin_minus_xcos(x):
    """sin(x) - x cos(x); its Taylor series where the difference would cancel."""
    series = x**3 / 3 * (1 - x**2 / 10 * (1 - x**2 / 28 * (1 - x**2 / 54 * (1 - x**2 / 88 * (1 - x**2 / 130)))))
    return np.where(x < 0.3, series, np.sin(x) - x * np.cos(x))


def ntk_relu():
    def relative_gap(cxx, cyy, gap, su, sb):
        p, q, m = su * cxx + sb, su * cyy + sb, np.sqrt(cxx) * np.sqrt(cyy)
        root = np.sqrt(p) * np.sqrt(q)
        parallel = su * sb * (np.sqrt(cxx) - np.sqrt(cyy)) ** 2 / (root + su * m + sb)
        return (su * m * gap + parallel) / root

    def residual(angle, cxx, cyy, gap, sw, su, sb):
        g = relative_gap(cxx, cyy, gap, su, sb)
        return (1 - sw) * (2 * np.sin(angle / 2) ** 2 - g) + sw * sin_minus_xcos(angle) / PI

    def start(cxx, cyy, gap, su, sb):
        return 2 * np.arcsin(np.sqrt(np.minimum(relative_gap(cxx, cyy, gap, su, sb) / 2, 1)))

    def step(kxx, kyy, kxy, cxy, sw, su, sb):
        qq = np.sqrt(kxx) * np.sqrt(kyy)
        t = np.arccos(np.clip(kxy / qq, -1, 1))
        return sw * qq * (np.sin(t) + (np.pi - t) * np.cos(t)) / PI + su * cxy + sb

    wub = " ".join(WUB)
    ub = " ".join(WUB[1:])
    return record(
        "ntk_relu", "deq_ntk", variance_parameters(1.0), Chart.ANGLE, Claim.CONTRACTION,
        diagonal_step=formula("kxx cxx " + wub, lambda k, c, sw, su, sb: sw * k + su * c + sb),
        diagonal_step_derivative=formula("weight_variance", lambda sw: sw),
        diagonal_fixed_point=formula("cxx " + wub, lambda c, sw, su, sb: (su * c + sb) / (1 - sw)),
        step=formula("kxx kyy kxy cxy " + wub, step),
        step_derivative=Formula(unused, ()),
        residual=formula("angle cxx cyy gap " + wub, residual),
        residual_derivative=formula("angle weight_variance", lambda t, sw: np.sin(t) * (1 - sw + sw * t / PI)),
        start=formula("cxx cyy gap " + ub, start),
        readout=formula("angle kxy weight_variance", lambda t, kxy, sw: kxy / (1 - sw * (1 - t / PI))),
        readout_diagonal=formula("kxx weight_variance", lambda kxx, sw: kxx / (1 - sw)),
        modulus=formula("weight_variance", lambda sw: sw),
    )  # fmt: skip


def ntk_erf():
    def dual(kxx, kyy, kxy):
        return 2 / PI * np.arcsin(2 * kxy / np.sqrt((1 + 2 * kxx) * (1 + 2 * kyy)))

    def slope(kxx, kyy, kxy):
        return 4 / PI / np.sqrt((1 + 2 * kxx) * (1 + 2 * kyy) - 4 * kxy**2)

    def step(kxx, kyy, kxy, cxy, sw, su, sb):
        return sw * dual(kxx, kyy, kxy) + su * cxy + sb

    def residual(correlation, kxx, kyy, *rest):
        p = np.sqrt(kxx) * np.sqrt(kyy)
        return correlation - step(kxx, kyy, p * correlation, *rest) / p

    wub = " ".join(WUB)
    return record(
        "ntk_erf", "deq_ntk", variance_parameters(math.inf), Chart.CORRELATION, Claim.NONE,
        diagonal_step=formula("kxx cxx " + wub, lambda k, c, sw, su, sb: step(k, k, k, c, sw, su, sb)),
        diagonal_step_derivative=formula(
            "kxx weight_variance", lambda k, sw: sw * 4 / PI / ((1 + 2 * k) * np.sqrt(1 + 4 * k))),
        step=formula("kxx kyy kxy cxy " + wub, step),
        step_derivative=formula("kxx kyy kxy weight_variance", lambda a, b, c, sw: sw * slope(a, b, c)),
        residual=formula("correlation kxx kyy cxy " + wub, residual),
        residual_derivative=formula(
            "correlation kxx kyy weight_variance",
            lambda r, a, b, sw: 1 - sw * slope(a, b, np.sqrt(a) * np.sqrt(b) * r)),
        readout=formula("kxy kxx kyy weight_variance", lambda c, a, b, sw: c / (1 - sw * slope(a, b, c))),
        readout_diagonal=formula("kxx weight_variance", lambda k, sw: k / (1 - sw * slope(k, k, k))),
    )  # fmt: skip


KERNELS = {k.name: k for k in (deker_relu(), poisson(), ntk_relu(), ntk_erf())} | {
    name: kernel for name in generated.__all__ if isinstance(kernel := getattr(generated, name), Kernel)
}


@pytest.fixture
def kernels():
    return KERNELS
