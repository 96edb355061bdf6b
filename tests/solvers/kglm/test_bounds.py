"""The error bound against solutions with 50 digits, for families with and without a bound of the curvature."""

import mpmath
import numpy as np
import pytest

from dekderive import losses
from dekderive.losses import bind
from dekderive.solvers.kglm import solve_kglm
from dekderive.solvers.kglm.multinomial import solve_multinomial
from dekderive.solvers.kglm.problem import make_problem


def normal_ratio(eta):
    """Mean and its derivative of a normal of mean eta and variance 1, kept above 0."""
    ratio = mpmath.npdf(eta) / mpmath.ncdf(eta)
    return eta + ratio, 1 - ratio * (eta + ratio)


# l' and l'' written out here, with 50 digits
SLOPES = {
    "poisson": lambda eta, y: (mpmath.exp(eta) - y, mpmath.exp(eta)),
    "gamma": lambda eta, y: (-mpmath.mpf(2) / eta - y, 2 / eta**2),
    "inverse_gaussian": lambda eta, y: (1 / mpmath.sqrt(-2 * eta) - y, (-2 * eta) ** mpmath.mpf("-1.5")),
    "truncated_normal": lambda eta, y: (normal_ratio(eta)[0] - y, normal_ratio(eta)[1]),
    "gamma_log": lambda eta, y: (1 - y * mpmath.exp(-eta), y * mpmath.exp(-eta)),
    "bernoulli": lambda eta, y: (1 / (1 + mpmath.exp(-eta)) - y, 1 / (2 + mpmath.exp(eta) + mpmath.exp(-eta))),
}
VALUES = {"gamma": {"shape": 2.0}}


def exact(name, gram, y, lam, offset, start):
    """Newton's method on f + K l'(f + M) / lambda with 50 digits, from a double-precision solution."""
    n = len(y)
    with mpmath.workdps(50):
        k, f = mpmath.matrix(gram.tolist()), mpmath.matrix(start.tolist())
        lam, offset = mpmath.mpf(lam), mpmath.mpf(offset)
        for _ in range(8):
            pairs = [SLOPES[name](f[i] + offset, mpmath.mpf(y[i])) for i in range(n)]
            residual = f + k * mpmath.matrix([p[0] for p in pairs]) / lam
            jacobian = mpmath.eye(n) + k * mpmath.diag([p[1] for p in pairs]) / lam
            f -= mpmath.lu_solve(jacobian, residual)
        assert mpmath.norm(residual) < mpmath.mpf(10) ** -35
    return f


@pytest.mark.parametrize("lam", [3.0, 0.03, 1e-3])
@pytest.mark.parametrize("name", SLOPES)
def test_the_bound_holds_against_fifty_digits(name, lam):
    rng = np.random.default_rng(7)
    x = rng.uniform(-2, 2, 8)
    x[1] = x[0]
    gram = 2 * np.exp(-0.5 * (x[:, None] - x) ** 2)
    y = {"bernoulli": rng.integers(0, 2, 8) * 1.0, "poisson": rng.poisson(3.0, 8) * 1.0}.get(name, rng.gamma(2, 1, 8))
    p, offset = bind(getattr(losses, name), VALUES.get(name)), -1.0 if name in ("gamma", "inverse_gaussian") else 0.25
    fit = solve_kglm(gram, y, p, lam, offset=offset)
    f = exact(name, gram, y, lam, offset, fit.f)

    def error(at):
        with mpmath.workdps(50):
            return float(mpmath.norm(mpmath.matrix(at.tolist()) - f))

    assert error(fit.f) <= fit.error_bound < 1e-7 / lam
    problem = make_problem(gram, y, p, lam, None, offset)
    for size in (1e-12, 1e-8, 1e-4, 1e-2):
        rough = fit.f + size * rng.normal(size=8)
        bound = problem.error_bound(rough[None])[0]
        assert error(rough) <= bound
        # never more than about L^2 times too large, where it is neither rounding that is seen nor a far point
        steepness = problem.local_lipschitz(rough[None])[0]
        if size == 1e-8 and lam > 0.01:
            assert bound <= 8 * (1 + steepness) ** 2 * error(rough)


def test_the_bound_is_infinite_where_nothing_is_known():
    p = bind(losses.gamma)
    problem = make_problem(np.eye(1) * 50.0, [100.0], p, 0.01, None, -1.0)
    assert problem.error_bound(np.array([[0.9]]))[0] == np.inf  # H(f) is far outside of the natural domain
    fit = solve_kglm(np.eye(2), [5.0, 1.0], bind(losses.poisson), 1.0, solver="picard", max_iterations=3)
    assert not fit.converged
    assert fit.error_bound > 1.0


def test_the_bound_of_the_softmax_model():
    rng = np.random.default_rng(2)
    x = rng.uniform(-2, 2, 9)
    gram = np.exp(-0.5 * (x[:, None] - x) ** 2)
    y = np.eye(3)[rng.integers(0, 3, 9)]
    fit = solve_multinomial(gram, y, 1e-3)
    with mpmath.workdps(50):
        k, f = mpmath.matrix(gram.tolist()), [mpmath.mpf(v) for v in fit.f.ravel().tolist()]
        for _ in range(6):
            e = [mpmath.exp(v) for v in f]
            p = [e[i] / sum(e[3 * (i // 3) : 3 * (i // 3) + 3]) for i in range(27)]
            wide = mpmath.matrix(27, 27)
            for i in range(27):
                for j in range(27):
                    wide[i, j] = k[i // 3, j // 3] * (i % 3 == j % 3) / mpmath.mpf(1e-3)
            residual = mpmath.matrix(f) + wide * mpmath.matrix([p[i] - y.ravel()[i] for i in range(27)])
            curvature = mpmath.matrix(27, 27)
            for i in range(27):
                for j in range(3 * (i // 3), 3 * (i // 3) + 3):
                    curvature[i, j] = (p[i] if i == j else 0) - p[i] * p[j]
            step = mpmath.lu_solve(mpmath.eye(27) + wide * curvature, residual)
            f = [a - b for a, b in zip(f, step, strict=True)]
        error = float(mpmath.norm(mpmath.matrix(fit.f.ravel().tolist()) - mpmath.matrix(f)))
    assert error <= fit.error_bound < 1e-9
