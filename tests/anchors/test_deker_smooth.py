"""DEKer of smooth links without closed form, against fixed points by 30-digit quadrature."""

import math
from importlib import import_module

import pytest

from dekderive.solvers import Status, solve


def links(mp):
    """(rho, sigma) of the two shipped links."""

    def logistic(z):
        return 1 / (1 + mp.exp(-z))

    def softplus(z):
        return mp.log1p(mp.exp(z)) if z < 0 else z + mp.log1p(mp.exp(-z))

    return {
        "poisson_log_softplus": (lambda z: logistic(z) / softplus(z), logistic),
        "bernoulli_identity": (lambda z: mp.mpf(1), logistic),
    }


# (cxx, cyy, cxy, mean_x, mean_y), regularisation.  Poisson: T_j = N_0 + N_j; Bernoulli: T binary, so that c = mean.
CASES = {
    "poisson_log_softplus": [((0.75, 8.75, 1.45, 0.5, 2.5), 1.5), ((1.0, 2.0, -1.2, 0.0, 0.3), 2.5)],
    "bernoulli_identity": [((0.95, 0.05, 0.05, 0.95, 0.05), 0.4), ((0.5, 0.5, 0.1, 0.5, 0.5), 1.3)],
}


@pytest.mark.parametrize(("name", "case"), [(n, i) for n, cases in CASES.items() for i in range(len(cases))])
def test_agreement_with_quadrature(reference, name, case):
    """To 1e-13; and for Poisson the kernel with exchanged means is another one (for rho = 1 it is the same)."""
    mp, rule = reference.mp, reference.trapezoidal_rule("0.2", 9)  # good to 1e-17
    moments, regularisation = CASES[name][case]
    link = links(mp)[name]
    exact = reference.deker(*link, moments, regularisation, rule)
    kernel = getattr(import_module("dekderive.kernels"), f"deker_{name}")
    inputs = dict(zip(("cxx", "cyy", "cxy", "mean_x", "mean_y"), moments, strict=True))
    solution = solve(kernel, inputs, regularisation=regularisation)
    assert solution.status is Status.CONVERGED
    scale = math.sqrt(exact.kxx * exact.kyy)
    assert float(solution.state["kxx"]) == pytest.approx(float(exact.kxx), rel=1e-13)
    assert float(solution.state["kyy"]) == pytest.approx(float(exact.kyy), rel=1e-13)
    assert float(solution.value) == pytest.approx(float(exact.kxy), abs=1e-13 * scale)
    if (name, case) == ("poisson_log_softplus", 0):
        wrong = reference.deker(*link, moments, regularisation, rule, swapped=True)
        assert abs(float(solution.value) - float(wrong.kxy)) > 1e-3 * scale


def test_poisson_identity_has_the_lambert_fixed_point(reference):
    """Poisson family, R = id: kxx is the smallest root, and kxy is explicit in Lambert's W."""
    from dekderive.kernels import deker_poisson_identity

    mp = reference.mp
    cxx, cyy, cxy, mean_x, mean_y, lam = 0.5, 1.0, 0.3, 0.6, 0.8, 3.0
    solution = solve(
        deker_poisson_identity,
        {"cxx": cxx, "cyy": cyy, "cxy": cxy, "mean_x": mean_x, "mean_y": mean_y},
        regularisation=lam,
    )
    kxx, kyy = (
        reference.bracketed_root(lambda k, c=c, m=m: lam**2 * k - (c - 2 * m * mp.exp(k / 2) + mp.exp(2 * k)), 0, 0.3)
        for c, m in ((cxx, mean_x), (cyy, mean_y))
    )
    b = (cxy - mean_x * mp.exp(kyy / 2) - mean_y * mp.exp(kxx / 2)) / lam**2
    kxy = b - mp.lambertw(-mp.exp((kxx + kyy) / 2 + b) / lam**2).real
    assert float(solution.state["kxx"]) == pytest.approx(float(kxx), rel=1e-14)
    assert float(solution.state["kyy"]) == pytest.approx(float(kyy), rel=1e-14)
    assert float(solution.value) == pytest.approx(float(kxy), abs=1e-14 * float(mp.sqrt(kxx * kyy)))
