"""Log-partitions, means and variances as generated NumPy code: 1e-14 relative on the whole of [-800, 800].

The oracles are textbook formulas at a precision that pays for what cancels in them.  Errors are relative to the true
value everywhere, beside the zeros of A too (at 0, at -1 for the gamma family, at 0.7286 for the truncated normal one),
because the arguments are doubles and the true value at a double is not 0 there.  Only numbers below the smallest normal
double are exempt: they have no 1e-14 of relative precision, and for the largest |eta| variances are that small.
"""

from types import SimpleNamespace

import mpmath
import numpy as np
import pytest
import sympy as sp
from mpmath import mpf

from dekderive.families import EXAMPLES, by_name
from dekderive.programs.lower import lower
from dekderive.reparameterisations.inverse import inverse_at
from dekderive.simplification import stabilise
from dekderive.symbols import eta, z

SMALLEST_NORMAL = mpf(2) ** -1022


def generated(expr, variable=eta):
    """The NumPy function that the code generator writes for a formula."""
    function = lower("f", expr.subs(variable, z), (), {})
    namespace = {}
    exec(f"import numpy as np\nfrom dekderive.kernels import implicit, special\n{function.text}", namespace)
    return lambda x: np.broadcast_to(namespace["f"](*([x] if function.arguments else [])), x.shape)


# ---- textbook: (A, A', A'') as functions of a multiple-precision eta ----------------------------------------------


def binomial(n=1):
    return lambda e: (n * mpmath.log1p(mpmath.exp(e)), n / (1 + mpmath.exp(-e)), n / (2 + 2 * mpmath.cosh(e)))


def gamma(shape, rate=1):
    return lambda e: (-shape * mpmath.log(-rate * e), -shape / e, shape / e**2)


def negative_binomial(r):
    return lambda e: (
        -r * mpmath.log(1 - mpmath.exp(e)),
        r * mpmath.exp(e) / (1 - mpmath.exp(e)),
        r * mpmath.exp(e) / (1 - mpmath.exp(e)) ** 2,
    )


def continuous_bernoulli(e):
    if e == 0:
        return mpf(0), mpf(1) / 2, mpf(1) / 12
    top = mpmath.exp(e) - 1
    return mpmath.log(top / e), (top + 1) / top - 1 / e, 1 / e**2 - (top + 1) / top**2


def langevin(e):
    if e == 0:
        return mpf(0), mpf(0), mpf(1) / 3
    return mpmath.log(mpmath.sinh(e) / e), mpmath.coth(e) - 1 / e, 1 / e**2 - mpmath.csch(e) ** 2


def von_mises(e):
    ratio = mpmath.besseli(1, e) / mpmath.besseli(0, e)
    return mpmath.log(mpmath.besseli(0, e)), ratio, 1 - ratio / e - ratio**2 if e else mpf(1) / 2


def truncated_normal(e):
    mass = mpmath.erfc(-e / mpmath.sqrt(2)) / 2
    hazard = mpmath.npdf(e) / mass
    return e**2 / 2 + mpmath.log(mass), e + hazard, 1 - hazard * (e + hazard)


TEXTBOOK = {
    "bernoulli": binomial(),
    "binomial(10)": binomial(10),
    "chi(3)": gamma(mpf(3) / 2, 2),
    "continuous_bernoulli": continuous_bernoulli,
    "exponential": gamma(1),
    "gamma(5/2)": gamma(mpf(5) / 2),
    "gaussian": lambda e: (e**2 / 2, e, mpf(1)),
    "gaussian(3/4)": lambda e: (3 * e**2 / 8, 3 * e / 4, mpf(3) / 4),
    "geometric": negative_binomial(1),
    "half_normal": gamma(mpf(1) / 2, 2),
    "inverse_gaussian(2)": lambda e: (-2 * mpmath.sqrt(-e), 1 / mpmath.sqrt(-e), 1 / (2 * mpmath.sqrt(-e) ** 3)),
    "langevin": langevin,
    "negative_binomial(7/2)": negative_binomial(mpf(7) / 2),
    "poisson": lambda e: (mpmath.exp(e),) * 3,
    "rademacher": lambda e: (mpmath.log(mpmath.cosh(e)), mpmath.tanh(e), mpmath.sech(e) ** 2),
    "truncated_normal": truncated_normal,
    "von_mises": von_mises,
}


FAR_LEFT = {  # where exp(eta) is 0 to any precision: A and A'
    "continuous_bernoulli": lambda e: (-mpmath.log(-e), -1 / e),
    "truncated_normal": lambda e: (-mpmath.log(-e * mpmath.sqrt(2 * mpmath.pi)) - e**-2, -1 / e),
}


def textbook(text, x):
    if x < -1000 and text in FAR_LEFT:
        return FAR_LEFT[text](mpf(float(x)))
    # What cancels: 1 against exp(-|x|), or against exp(-x^2/2) to the right; powers of x near 0.
    lost = 750 if text in ("truncated_normal", "rademacher") else 0 if text == "von_mises" else 350
    small = -3 * int(np.floor(np.log10(abs(x)))) if 0 < abs(x) < 1 else 0
    with mpmath.workdps(60 + small + (lost if abs(x) > 1 else 0)):
        return TEXTBOOK[text](mpf(float(x)))


def points(domain):
    rng = np.random.default_rng(20261121)
    signs = rng.choice([-1, 1], 60)
    zeros = np.array([0.7286001084842727, -1.0, -0.5, 1.0])  # of log-partitions
    x = np.concatenate(
        [
            rng.uniform(-800, 800, 60),
            rng.uniform(-6, 6, 60),
            rng.uniform(-45, 45, 40),
            signs[:30] * 10 ** rng.uniform(-10, 0, 30),
            signs[30:50] * 10 ** rng.uniform(-40, -10, 20),
            np.ravel(np.add.outer(zeros, [0.0, 1e-15, -1e-15, 1e-9, -1e-9, 1e-4, -1e-4])),
            [0.0, 1e-300, -1e-300, 1e-100, -1e-100, 1e-10, -1e-10, 800, -800, 745, -745, 709.5, -709.5, 355, -355],
            [-2, -5, -25, 2, 3, 4, 25, -np.log(2), np.log(2)],  # seams between the branches of the functions
        ]
    )
    low, high = (float(end) if end.is_finite else 801 * (1 if end == sp.oo else -1) for end in domain.args[:2])
    return x[(x > low) & (x < high)]


@pytest.mark.parametrize("text", EXAMPLES)
def test_log_partition_mean_and_variance_are_right_to_1e_14(text):
    family = by_name(text)
    x = points(family.domain)
    assert x.size > 100
    formulas = SimpleNamespace(A=family.log_partition, mean=family.mean, variance=family.variance)
    with np.errstate(all="ignore"):
        found = np.array([generated(f)(x) for f in vars(formulas).values()]).T
    for at, values in zip(x, found, strict=True):
        for name, value, true in zip(vars(formulas), values, textbook(text, at), strict=True):
            if abs(true) >= mpf(2) ** 1024:
                assert value == np.inf, (name, at)
                continue
            error = abs(mpf(float(value)) - true)
            assert error <= mpf(10) ** -14 * abs(true) + SMALLEST_NORMAL, (name, at, value, mpmath.nstr(true, 20))


LEVELS = np.array([-700.0, -30, -5, -1, -1e-3, -1e-9, 1e-9, 1e-3, 0.5, 1, 5, 30, 600])


@pytest.mark.parametrize("text", [t for t in EXAMPLES if t not in ("half_normal", "gaussian(3/4)")])
def test_the_inverse_of_a_log_partition_keeps_its_digits_in_the_tails(text):
    """A(eta) = level for the eta that generated code finds, up to an ulp or two of eta and of the level."""
    family = by_name(text)
    values = family.log_partition_range
    levels = LEVELS[[bool(values.contains(sp.Float(v)) == sp.true) for v in LEVELS]]
    with np.errstate(all="ignore"):
        found = generated(stabilise(inverse_at(family, z)), z)(levels)
    for level, root in zip(levels, found, strict=True):
        value, slope = textbook(text, root)[:2]
        with mpmath.workdps(60):
            # eta is rounded, and a level is known to an ulp: neither says more about the other.
            allowed = mpf(2) ** -52 * (4 * abs(slope * mpf(float(root))) + 2 * abs(level))
            assert abs(value - mpf(float(level))) <= allowed, (level, root)
