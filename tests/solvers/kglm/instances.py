"""Random kernel GLMs for property tests: the domain P1, with duplicate inputs and every kind of loss."""

import numpy as np
from hypothesis import strategies as st

from dekderive import losses
from dekderive.losses import bind
from dekderive.solvers.kglm.problem import make_problem

PENALTIES = {
    "none": (None, None),
    "gaussian": (losses.gaussian_penalty, {"strength": 1.3}),
    "logistic": (losses.logistic_penalty, {"strength": 1.0}),
    "huber": (losses.pseudo_huber_penalty, {"strength": 0.8, "width": 0.7}),
}


def draw_targets(name, rng, eta):
    mean = 1 / (1 + np.exp(-eta))
    if name == "bernoulli" or name == "probit":
        return (rng.uniform(size=eta.shape) < mean) * 1.0, {}
    if name == "binomial":
        return rng.binomial(9, mean) * 1.0, {"trials": 9}
    if name == "rademacher":
        return np.where(rng.uniform(size=eta.shape) < mean, 1.0, -1.0), {}
    if name in ("poisson", "negative_binomial_log"):
        return rng.poisson(np.exp(eta)) * 1.0, {}
    if name in ("gamma_log", "tweedie_log"):
        return rng.gamma(2.0, np.exp(eta) / 2), {}
    return eta + rng.normal(size=eta.shape), {}


@st.composite
def instances(draw, families, penalties=tuple(PENALTIES), most=40, top=3.0):
    """A problem with L log-uniform in 1e-2 .. 10^top (relative to the curvature 1 where it is unbounded)."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, d = draw(st.integers(1, most)), draw(st.integers(1, 3))
    rows = rng.uniform(-2, 2, size=(n, d))
    copies = rng.uniform(size=n) < 0.3
    rows[copies] = rows[rng.integers(0, n, size=copies.sum())]
    scale = draw(st.floats(0.3, 3))
    gram = np.exp(-0.5 * ((rows[:, None] - rows) ** 2).sum(-1) / scale**2)
    name = draw(st.sampled_from(families))
    y, values = draw_targets(name, rng, np.clip(rng.normal(size=n), -3, 3))
    penalty, settings = PENALTIES[draw(st.sampled_from(penalties))]
    pointwise = bind(getattr(losses, name), values, penalty, settings)
    bound = float(pointwise.curvature_bound(y).max())
    target = 10 ** draw(st.floats(-2, top))
    regularisation = np.linalg.norm(gram, 2) * (bound if np.isfinite(bound) else 1.0) / target
    return make_problem(gram, y, pointwise, regularisation)


def solve(problem, **settings):
    from dekderive.solvers.kglm import solve_kglm

    return solve_kglm(
        problem.matrix, problem.targets[0], problem.pointwise, problem.regularisation, offset=problem.offset, **settings
    )
