import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf

from dekderive.errors import InvalidInput, NoFixedPoint
from dekderive.solvers import Status, solve_diagonal


def poisson_roots(c, mean, lam):
    """Positive roots of lambda^2 P = c - 2 mu e^{P/2} + e^{2P}, in increasing order, by a fine scan at 30 digits."""

    def f(p):
        return c - 2 * mean * mp.exp(p / 2) + mp.exp(2 * p) - lam**2 * p

    grid = [mpf(i) / 2000 for i in range(1, 8000)]
    values = [f(p) for p in grid]
    return [
        mp.findroot(f, (a, b), solver="anderson")
        for a, b, fa, fb in zip(grid, grid[1:], values, values[1:], strict=False)
        if fa * fb < 0
    ]


@pytest.mark.parametrize(("c", "mean"), [(1.0, 0.0), (2.0, 1.25), (5.0, -1.0), (60.0, 7.5)])
@pytest.mark.parametrize("lam", [6.0, 12.0])
def test_the_smallest_root_is_returned(kernels, c, mean, lam):
    with mpmath.workdps(30):
        roots = poisson_roots(c, mean, lam)
        found = solve_diagonal(kernels["poisson"], {"cxx": c, "mean_x": mean}, regularisation=lam)
        if not roots:
            assert found.status is Status.NO_FIXED_POINT
            return
        assert found.status is Status.CONVERGED
        assert len(roots) >= 2  # so that there was something to choose
        assert abs(float(found.value) / roots[0] - 1) < 1e-13
        assert found.residual < 1e-13 * float(roots[0] * 100)


def critical_poisson(c, mean):
    """min over P of (c - 2 mu e^{P/2} + e^{2P}) / P, from its stationarity condition."""
    p = mp.findroot(
        lambda p: (2 * mp.exp(2 * p) - mean * mp.exp(p / 2)) * p - (c - 2 * mean * mp.exp(p / 2) + mp.exp(2 * p)), 0.6
    )
    return mp.sqrt((c - 2 * mean * mp.exp(p / 2) + mp.exp(2 * p)) / p)


@pytest.mark.parametrize(("c", "mean"), [(1.0, 0.0), (2.0, 1.25), (5.0, -1.0)])
def test_the_critical_regularisation_separates(kernels, c, mean):
    critical = float(critical_poisson(mpf(c), mpf(mean)))
    inputs = {"cxx": c, "mean_x": mean}
    above = solve_diagonal(kernels["poisson"], inputs, regularisation=critical * (1 + 1e-11))
    assert above.status is Status.CONVERGED
    below = solve_diagonal(kernels["poisson"], inputs, regularisation=critical * (1 - 1e-11))
    assert below.status is Status.NO_FIXED_POINT
    assert np.isnan(below.value)
    assert f"regularisation at least {critical:.6g}" in below.message
    with pytest.raises(NoFixedPoint, match=r"regularisation\^2 >= min_P M\(P\)/P"):
        below.raise_for_status()


def test_the_critical_regularisation_of_relu(kernels):
    """lambda^2 > 1/2 without means, and lambda^2 >= (1 - 2 mu^2/(pi c))/2 with them (published conditions)."""
    for c, mean in ((1.0, 0.0), (3.0, 1.5), (1.0, 1.0)):
        critical = np.sqrt((1 - 2 * mean**2 / (np.pi * c)) / 2)
        inputs = {"cxx": c, "mean_x": mean}
        below = solve_diagonal(kernels["deker_relu"], inputs, regularisation=critical * (1 - 1e-9))
        assert below.status is Status.NO_FIXED_POINT
        bound = float(below.message.split("at least ")[1].split()[0])
        assert bound == pytest.approx(critical, rel=2e-6)
        assert solve_diagonal(kernels["deker_relu"], inputs, regularisation=critical * (1 + 1e-9)).status is (
            Status.CONVERGED
        )


def test_erf_variances_of_every_size(kernels):
    """A concave map: exactly one positive root, at any input size."""
    c = np.concatenate([[0.0], 10.0 ** np.arange(-300.0, 301.0, 20.0)])
    found = solve_diagonal(kernels["ntk_erf"], {"cxx": c}, weight_variance=0.5, input_variance=1.0, bias_variance=0.0)
    assert found.status is Status.CONVERGED
    assert found.value[0] == 0.0
    with mpmath.workdps(330):
        for x, k in zip(c[1:].tolist(), found.value[1:].tolist(), strict=True):
            exact = mp.findroot(lambda p, x=x: p - mp.asin(2 * p / (1 + 2 * p)) / mp.pi - mpf(x), mpf(k), tol=1e-640)
            assert abs(k / exact - 1) < 1e-14


def test_a_repelling_zero_is_not_returned(kernels):
    # weight_variance 2 > pi/4: the variance 0 of a zero input repels, and the recursion goes to the positive root.
    found = solve_diagonal(kernels["ntk_erf"], {"cxx": 0.0}, weight_variance=2.0, bias_variance=0.0)
    k = float(found.value)
    assert k > 0.1
    assert k == pytest.approx(4 / np.pi * np.arcsin(2 * k / (1 + 2 * k)), rel=1e-14)


def test_a_tangent_kernel_names_its_own_bound():
    from dekderive.kernels.kernel import Chart, Claim, Formula, Kernel, Parameter

    step = Formula(lambda k, c, w: w * (k + 0.25 * k * k) + c, ("kxx", "cxx", "weight_variance"))
    slope = Formula(lambda k, w: w * (1 + 0.5 * k), ("kxx", "weight_variance"))
    none = Formula(lambda: 0.0, ())
    kernel = Kernel(
        name="quadratic", summary="", model="deq_ntk", parameters=(Parameter("weight_variance", 0.0, 9.0, 0.5, ""),),
        input_names=("cxx",), pair_names=("cxy",), moments="linear", chart=Chart.CORRELATION, diagonal_step=step,
        diagonal_step_derivative=slope, diagonal_fixed_point=None, step=none, step_derivative=none, residual=none,
        residual_derivative=none, start=None, readout=none, readout_diagonal=none, diagonal_step_gradient=none,
        residual_gradient=none, readout_gradient=none, readout_diagonal_gradient=none, claim=Claim.NONE, modulus=None,
        spec="", sources=(),
    )  # fmt: skip
    # w (k + k^2/4) + 1 = k has a solution iff (1 - w)^2 >= w, that is w <= (3 - sqrt 5)/2.
    critical = (3 - 5**0.5) / 2
    assert solve_diagonal(kernel, {"cxx": 1.0}, weight_variance=critical * (1 - 1e-9)).status is Status.CONVERGED
    below = solve_diagonal(kernel, {"cxx": [1.0, 1.0]}, weight_variance=critical * (1 + 1e-9))
    assert f"weight_variance at most {critical:.6g}" in below.message
    assert "input 0 and 1 more" in below.message


def test_refusals(kernels):
    with pytest.raises(InvalidInput, match="needs cxx"):
        solve_diagonal(kernels["poisson"], {"mean_x": 0.0})
    with pytest.raises(InvalidInput, match="does not take cxy"):
        solve_diagonal(kernels["poisson"], {"cxx": 1.0, "cxy": 0.0})
    with pytest.raises(TypeError, match="it takes regularisation"):
        solve_diagonal(kernels["poisson"], {"cxx": 1.0}, lam=1.0)
