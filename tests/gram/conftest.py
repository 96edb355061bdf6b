"""Kernels made here with SymPy from the published formulas, and the generated ones that the same tests must pass."""

import math

import pytest
import sympy as sp

from dekderive import kernels as generated
from dekderive.atoms import sin_minus_xcos, versine
from dekderive.kernels import special
from dekderive.kernels.kernel import Chart, Claim, Formula, Kernel, Parameter
from dekderive.symbols import (
    angle,
    bias_variance,
    correlation,
    cxx,
    cxy,
    cyy,
    gap,
    input_variance,
    kxx,
    kxy,
    kyy,
    mean_x,
    mean_y,
    regularisation,
    weight_variance,
)  # fmt: skip

MODULES = [{name: getattr(special, name) for name in ("sin_minus_xcos", "versine", "quadratic_root")}, "numpy"]
QX, QY = sp.sqrt(kxx), sp.sqrt(kyy)


def formula(expression):
    expressions = expression if isinstance(expression, tuple) else (expression,)
    names = sorted({s for e in expressions for s in sp.sympify(e).free_symbols}, key=lambda s: s.name)
    return Formula(sp.lambdify(names, expression, modules=MODULES), tuple(s.name for s in names))


def record(name, model, parameters, chart, variable, diagonal, step, residual, readout, readout_diagonal, **others):
    symbols = [sp.Symbol(p.name, positive=True) if p.name == "regularisation" else sp.Symbol(p.name, nonnegative=True)
               for p in parameters]  # fmt: skip
    deker = model == "deker"
    given = {"diagonal_fixed_point": None, "start": None, "modulus": None} | others
    return Kernel(
        name=name, summary=name, model=model, parameters=parameters, chart=chart,
        input_names=("cxx", "mean_x") if deker else ("cxx",),
        pair_names=("cxy", "gap") if chart is Chart.ANGLE and not deker else ("cxy",),
        moments="linear", spec="", sources=(),
        diagonal_step=formula(diagonal), diagonal_step_derivative=formula(diagonal.diff(kxx)),
        step=formula(step), step_derivative=formula(step.diff(kxy)),
        residual=formula(residual), residual_derivative=formula(residual.diff(variable)),
        readout=formula(readout), readout_diagonal=formula(readout_diagonal),
        diagonal_step_gradient=formula(tuple(diagonal.diff(s) for s in symbols)),
        residual_gradient=formula(tuple(residual.diff(s) for s in (kxx, kyy, *symbols))),
        readout_gradient=formula(tuple(readout.diff(s) for s in (variable, kxx, kyy, *symbols))),
        readout_diagonal_gradient=formula(tuple(readout_diagonal.diff(s) for s in (kxx, *symbols))),
        **{n: formula(v) if isinstance(v, sp.Basic) else v for n, v in given.items()},
    )  # fmt: skip


LAMBDA = (Parameter("regularisation", 0.0, math.inf, 1.0, "prior precision"),)


def variance_parameters(limit):
    return (
        Parameter("weight_variance", 0.0, limit, 0.5, "of the recurrent weights", lower_closed=True),
        Parameter("input_variance", 0.0, math.inf, 1.0, "of the input weights", lower_closed=True),
        Parameter("bias_variance", 0.0, math.inf, 0.0, "of the biases", lower_closed=True),
    )


def deker_relu():
    def arc(t):
        return (sp.sin(t) + (sp.pi - t) * sp.cos(t)) / (2 * sp.pi)

    def step(t, c):
        mixed = (1 + sp.cos(t)) / (2 * sp.sqrt(2 * sp.pi))
        means = (mean_x * QY + mean_y * QX) * mixed
        return (c * (sp.pi - t) / (2 * sp.pi) - means + QX * QY * arc(t)) / regularisation**2

    closed = sp.Function("quadratic_root")(
        regularisation**2 - sp.Rational(1, 2), sp.sqrt(2 / sp.pi) * mean_x, -cxx / 2) ** 2  # fmt: skip
    diagonal = (cxx / 2 - sp.sqrt(2 / sp.pi) * mean_x * QX + kxx / 2) / regularisation**2
    residual = step(angle, cxy) / (QX * QY) - sp.cos(angle)
    return record(
        "deker_relu", "deker", LAMBDA, Chart.ANGLE, angle, diagonal, step(sp.acos(kxy / (QX * QY)), cxy),
        residual, QX * QY * sp.cos(angle), kxx, claim=Claim.UNIQUE_ROOT, diagonal_fixed_point=closed,
    )  # fmt: skip


def poisson():
    def step(k):
        means = mean_x * sp.exp(kyy / 2) + mean_y * sp.exp(kxx / 2)
        return (cxy - means + sp.exp((kxx + kyy) / 2 + k)) / regularisation**2

    diagonal = (cxx - 2 * mean_x * sp.exp(kxx / 2) + sp.exp(2 * kxx)) / regularisation**2
    residual = correlation - step(QX * QY * correlation) / (QX * QY)
    return record(
        "poisson", "deker", LAMBDA, Chart.CORRELATION, correlation, diagonal, step(kxy), residual,
        QX * QY * correlation, kxx, claim=Claim.NONE,
    )  # fmt: skip


def ntk_relu():
    w, u, b = weight_variance, input_variance, bias_variance
    p, q, m = u * cxx + b, u * cyy + b, sp.sqrt(cxx) * sp.sqrt(cyy)
    root = sp.sqrt(p) * sp.sqrt(q)
    g = (u * m * gap + u * b * (sp.sqrt(cxx) - sp.sqrt(cyy)) ** 2 / (root + u * m + b)) / root
    residual = (1 - w) * versine(angle) + w * sin_minus_xcos(angle) / sp.pi - (1 - w) * g
    t = sp.acos(kxy / (QX * QY))
    step = w * QX * QY * (sp.sin(t) + (sp.pi - t) * sp.cos(t)) / sp.pi + u * cxy + b
    return record(
        "ntk_relu", "deq_ntk", variance_parameters(1.0), Chart.ANGLE, angle, w * kxx + u * cxx + b, step, residual,
        QX * QY * sp.cos(angle) / (1 - w * (1 - angle / sp.pi)), kxx / (1 - w), claim=Claim.CONTRACTION,
        diagonal_fixed_point=p / (1 - w), start=2 * sp.asin(sp.sqrt(g / 2)), modulus=w,
    )  # fmt: skip


def ntk_erf():
    w, u, b = weight_variance, input_variance, bias_variance

    def dual(x, y, c):
        return 2 / sp.pi * sp.asin(2 * c / sp.sqrt((1 + 2 * x) * (1 + 2 * y)))

    def slope(x, y, c):
        return 4 / sp.pi / sp.sqrt((1 + 2 * x) * (1 + 2 * y) - 4 * c**2)

    step = w * dual(kxx, kyy, kxy) + u * cxy + b
    k = QX * QY * correlation
    return record(
        "ntk_erf", "deq_ntk", variance_parameters(math.inf), Chart.CORRELATION, correlation,
        w * dual(kxx, kxx, kxx) + u * cxx + b, step, correlation - step.subs(kxy, k) / (QX * QY),
        k / (1 - w * slope(kxx, kyy, k)), kxx / (1 - w * slope(kxx, kxx, kxx)), claim=Claim.NONE,
    )  # fmt: skip


KERNELS = {k.name: k for k in (deker_relu(), poisson(), ntk_relu(), ntk_erf())} | {
    name: kernel for name in generated.__all__ if isinstance(kernel := getattr(generated, name), Kernel)
}


@pytest.fixture(scope="session")
def kernels():
    return KERNELS
