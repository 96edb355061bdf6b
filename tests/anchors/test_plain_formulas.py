"""Formulas as SymPy's users write them: where plain NumPy loses digits or returns NaN, the generated code must not."""

import mpmath
import numpy as np
import pytest
import sympy as sp
from mpmath import mpf
from scipy.special import erf

from dekderive.atoms import relu
from dekderive.duals import dual
from dekderive.families import Family
from dekderive.simplification import stabilise, tidy
from dekderive.symbols import eta, kxx, kxy, kyy, z
from tests.anchors.oracles import generated


def rectified_angle(r):
    return (sp.sqrt(1 - r**2) + r * (sp.pi - sp.acos(r))) / sp.pi


TINY = mpf(2) ** -1022  # below it no double has 1e-14 of relative precision
LINE = sp.Interval.open(-sp.oo, sp.oo)
plain_softplus, plain_log_cosh, plain_uniform = sp.log(1 + sp.exp(z)), sp.log(sp.cosh(z)), sp.log((sp.exp(z) - 1) / z)
plain_normal = (1 + sp.erf(z / sp.sqrt(2))) / 2
PLAIN = {  # name: formula, points, and the truth by mpmath
    "softplus": (plain_softplus, (-40, 800), lambda x: mpmath.log1p(mpmath.exp(x))),
    "softplus''": (plain_softplus.diff(z, 2), (20, 40, 800), lambda x: mpmath.sech(x / 2) ** 2 / 4),
    "log cosh": (plain_log_cosh, (1e-6, 1e-10, 800, -800), lambda x: mpmath.log(mpmath.cosh(x))),
    "log cosh''": (plain_log_cosh.diff(z, 2), (20, 300), lambda x: mpmath.sech(x) ** 2),
    "langevin": (sp.coth(z) - 1 / z, (1e-6, 1e-10), lambda x: mpmath.coth(x) - 1 / x),
    "langevin'": ((sp.coth(z) - 1 / z).diff(z), (1e-6, 1e-10), lambda x: 1 / x**2 - mpmath.csch(x) ** 2),
    "continuous Bernoulli": (plain_uniform, (1e-3, 1e-6, 1e-10, 800), lambda x: mpmath.log(mpmath.expm1(x) / x)),
    "Mills ratio": (
        sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi) / plain_normal,
        (-40,),
        lambda x: mpmath.npdf(x) / mpmath.ncdf(x),
    ),
    "normal tail": (plain_normal, (-10, -37), mpmath.ncdf),
    "tanh": ((1 - sp.exp(-2 * z)) / (1 + sp.exp(-2 * z)), (1e-9, -800), mpmath.tanh),
    "expit": (sp.exp(z) / (1 + sp.exp(z)), (800,), lambda x: 1 / (1 + mpmath.exp(-x))),
    "log softplus'": (
        sp.log(plain_softplus).diff(z),
        (-30, -40, -800, 800),
        lambda x: 1 / ((1 + mpmath.exp(-x)) * mpmath.log1p(mpmath.exp(x))),
    ),
    "log(1 - exp)": (sp.log(1 - sp.exp(z)), (-1e-18, -40), lambda x: mpmath.log(1 - mpmath.exp(x))),
}


@pytest.mark.parametrize(("name", "point"), [(n, float(p)) for n, (_, points, _) in PLAIN.items() for p in points])
def test_plain_formulas_lose_digits_by_lambdify_and_keep_them_here(name, point):
    expr, _, exact = PLAIN[name]
    x = np.array([point])
    with np.errstate(all="ignore"):
        naive = sp.lambdify(z, expr, ["numpy", {"coth": lambda t: 1 / np.tanh(t), "erf": lambda t: -erf(-t)}])(x)[0]
        found = generated(stabilise(tidy(expr)), z=x)[0]
    with mpmath.workdps(800):
        truth = exact(mpf(point))
        assert not abs(mpf(float(naive)) - truth) <= mpf("1e-13") * abs(truth) + TINY, (
            "no longer a weakness: drop the row"
        )
        assert abs(mpf(float(found)) - truth) <= mpf("1e-14") * abs(truth) + TINY


def test_the_mean_of_a_plain_log_partition_far_out():
    family = Family("uniform", sp.log((sp.exp(eta) - 1) / eta), LINE)
    naive = sp.lambdify(eta, family.log_partition.diff(eta), "numpy")
    with np.errstate(all="ignore"):
        assert np.isnan(naive(800.0))
    x = np.array([800.0, -800.0, 1e-10, 1e-3])
    with mpmath.workdps(800):
        truth = [float(1 / (1 - mpmath.exp(-mpf(e))) - 1 / mpf(e)) for e in x]
    np.testing.assert_allclose(generated(family.mean.subs(eta, z), z=x), truth, rtol=1e-14)


def test_the_arc_cosine_kernel_at_and_beyond_its_ends():
    """kappa_1 with a correlation that rounding has put above 1, and near -1 where everything cancels."""
    one = np.ones(3)
    rho = np.array([1 + 2.0**-52, 1.0, -1 + 2.0**-40])
    values = ((kxx, one), (kyy, one), (kxy, rho))
    found = generated(2 * dual(relu(z), relu(z)).expression, **{s.name: v for s, v in values})
    with np.errstate(invalid="ignore"):
        naive = sp.lambdify(z, rectified_angle(z), "numpy")(rho)
    assert np.isnan(naive[0])
    np.testing.assert_allclose(found[:2], [1, 1], rtol=1e-15)
    with mpmath.workdps(40):
        r = mpf(float(rho[2]))
        truth = float((mpmath.sqrt(1 - r * r) + r * (mpmath.pi - mpmath.acos(r))) / mpmath.pi)
    assert abs(naive[2] - truth) > 1e-3 * truth
    assert abs(found[2] - truth) <= 1e-16
