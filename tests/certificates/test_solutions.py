"""A certified solution contains the fixed point that 50 digits give, and nothing is certified where there is none."""

import mpmath
import numpy as np
import pytest

from dekderive import kernels
from dekderive.certificates.solutions import certify_solution
from dekderive.errors import InvalidInput, NoClosedForm
from dekderive.solvers import solve
from dekderive.verdict import Verdict

RNG = np.random.default_rng(7)
DEQ = {"weight_variance": 0.6, "input_variance": 0.4, "bias_variance": 0.1}


def moments(count, dimension=4):
    for _ in range(count):
        x, y = RNG.normal(size=(2, dimension))
        yield {"cxx": float(x @ x), "cyy": float(y @ y), "cxy": float(x @ y)}


def relu_tangent_kernel(m, weight_variance, input_variance, bias_variance):
    """The fixed point by plain iteration at 60 digits, from the formulas of the paper."""
    with mpmath.workdps(60):
        w, u, b = (mpmath.mpf(v) for v in (weight_variance, input_variance, bias_variance))
        p, q, inner = (u * mpmath.mpf(m[k]) + b for k in ("cxx", "cyy", "cxy"))
        scale = mpmath.sqrt(p * q) / (1 - w)

        def spread(rho):
            return (mpmath.sqrt(1 - rho**2) + rho * (mpmath.pi - mpmath.acos(rho))) / mpmath.pi

        rho = mpmath.mpf(0)
        for _ in range(400):
            rho = w * spread(rho) + inner / scale
        return scale * rho / (1 - w * (1 - mpmath.acos(rho) / mpmath.pi))


@pytest.mark.parametrize("m", list(moments(12)))
def test_the_tangent_kernel_is_enclosed(m):
    found = solve(kernels.deq_ntk_relu, m, **DEQ)
    proof = certify_solution(kernels.deq_ntk_relu, m, found.state, **DEQ)
    assert proof.verdict is Verdict.HOLDS, proof.detail
    exact = relu_tangent_kernel(m, **DEQ)
    assert proof.value.lower <= exact <= proof.value.upper
    assert proof.value.radius < 1e-14 * abs(exact) + 1e-15
    assert abs(float(proof.value) - found.value) < 1e-14 * (1 + abs(found.value))


@pytest.mark.parametrize("name", ["deker_gaussian_relu", "deker_gaussian_erf", "deq_ntk_erf"])
@pytest.mark.parametrize("m", list(moments(4)))
def test_other_kernels(name, m):
    kernel = getattr(kernels, name)
    given = {p.name: p.default for p in kernel.parameters}
    found = solve(kernel, m, **given)
    proof = certify_solution(kernel, m, found.state, **given)
    assert proof.verdict is Verdict.HOLDS, proof.detail
    assert proof.kxx.lower <= found.state["kxx"] * (1 + 1e-12)
    assert abs(float(proof.value) - found.value) <= 1e-12 * abs(found.value) + 1e-13


def test_a_wrong_number_is_not_certified():
    m = {"cxx": 1.0, "cyy": 1.0, "cxy": 0.3}
    found = solve(kernels.deq_ntk_relu, m, **DEQ)
    wrong = {**found.state, "angle": found.state["angle"] + 0.5}
    proof = certify_solution(kernels.deq_ntk_relu, m, wrong, **DEQ)
    assert proof.verdict is Verdict.UNDECIDED
    assert "angle" in proof.detail


def test_a_double_root_is_undecided():
    # Parallel inputs: the angle is 0, where the residual of a smooth kernel vanishes to second order.
    m = {"cxx": 1.0, "cyy": 1.0, "cxy": 1.0}
    found = solve(kernels.deq_ntk_relu, m, **DEQ)
    assert certify_solution(kernels.deq_ntk_relu, m, found.state, **DEQ).verdict is Verdict.UNDECIDED


def test_refusals():
    m = {"cxx": 1.0, "cyy": 1.0, "cxy": 0.3}
    state = solve(kernels.deq_ntk_relu, m, **DEQ).state
    with pytest.raises(InvalidInput, match="angle"):
        certify_solution(kernels.deq_ntk_relu, m, {"kxx": state["kxx"], "kyy": state["kyy"]}, **DEQ)
    with pytest.raises(InvalidInput, match="weight_variance"):
        certify_solution(kernels.deq_ntk_relu, m, {"kxx": 1.0, "kyy": 1.0, "angle": 1.0})
    kernel = kernels.deker_bernoulli_identity
    state = {"kxx": 1.0, "kyy": 1.0, "correlation": 0.1}
    with pytest.raises(NoClosedForm, match="expectation"):
        certify_solution(kernel, m, state, **{p.name: p.default for p in kernel.parameters})
