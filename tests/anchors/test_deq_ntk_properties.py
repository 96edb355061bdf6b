"""What is proved of DEQ tangent kernels, over random variances and inputs (Hypothesis)."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dekderive.gram import gram
from dekderive.kernels import deq_ntk_erf, deq_ntk_relu
from dekderive.solvers import Status, solve

NAMES = ("weight_variance", "input_variance", "bias_variance")
# E[f'^2] at unit variance for the normalised activations: the tangent kernel needs w times this below 1.
SLOPE = {"deq_ntk_relu": 1.0, "deq_ntk_erf": 2 / (math.sqrt(5) * math.asin(2 / 3))}  # the latter is 1 / 0.8159
KERNELS = pytest.mark.parametrize("kernel", [deq_ntk_relu, deq_ntk_erf], ids=lambda k: k.name)
few = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])

cosines = st.one_of(
    st.floats(-1.0, 1.0),
    st.sampled_from([1.0, -1.0, 0.0, 1 - 1e-14, math.nextafter(1.0, 0.0), math.nextafter(-1.0, 0.0)]),
)


@st.composite
def variances(draw):
    """(w, u, b) with w in [0, 0.95], u + b = 1 - w."""
    w = draw(st.floats(0.0, 0.95))
    u = (1 - w) * draw(st.floats(0.01, 1.0))
    return w, u, max(0.0, 1 - w - u)


def below_limit(kernel, v):
    """The same variances with the weight variance scaled below the limit of the kernel."""
    w, u, b = v
    smaller = w / SLOPE[kernel.name]
    return dict(zip(NAMES, (smaller, u * (1 - smaller) / (1 - w), b * (1 - smaller) / (1 - w)), strict=True))


@KERNELS
@few
@given(v=variances(), s=cosines)
@example(v=(0.95, 0.05, 0.0), s=-1.0)
@example(v=(0.0, 1.0, 0.0), s=1.0)
def test_fixed_point_equation_range_and_order(kernel, v, s):
    """|R(k) - k| (1 - w) <= 1e-14; |k| <= kxx; Theta >= k where k >= 0."""
    p = below_limit(kernel, v)
    solution = solve(kernel, {"cosine": s}, **p)
    assert solution.status is Status.CONVERGED
    kxx, kyy, kxy = (float(solution.state[n]) for n in ("kxx", "kyy", "kxy"))
    assert kxx == pytest.approx(1.0, abs=1e-13)
    assert kyy == kxx
    image = kernel.step.at({**p, "kxx": kxx, "kyy": kyy, "kxy": kxy, "cxx": 1.0, "cyy": 1.0, "cxy": s, "gap": 1 - s})
    assert abs(float(image) - kxy) * (1 - p["weight_variance"]) <= 1e-14
    assert abs(kxy) <= kxx * (1 + 4e-16)
    if kxy >= 0:
        assert float(solution.value) >= kxy


@KERNELS
@few
@given(v=variances())
def test_value_at_duplicates(kernel, v):
    """Theta(x, x) = 1 / (1 - w E[f'^2]) on the sphere, as the diagonal and as the limit of pairs."""
    p = below_limit(kernel, v)
    expected = 1 / (1 - p["weight_variance"] * SLOPE[kernel.name])
    diagonal = float(gram(kernel, np.array([[1.0]]), **p)[0, 0])
    assert diagonal == pytest.approx(expected, rel=1e-12)
    assert float(solve(kernel, {"cosine": 1.0}, **p).value) == pytest.approx(diagonal, rel=1e-12)


@KERNELS
@few
@given(v=variances(), pair=st.tuples(cosines, cosines))
def test_monotone_in_the_cosine(kernel, v, pair):
    low, high = sorted(pair)
    p = below_limit(kernel, v)
    values = solve(kernel, {"cosine": np.array([low, high])}, **p).value
    top = 1 / (1 - p["weight_variance"] * SLOPE[kernel.name])
    assert values[1] >= values[0] - 1e-14 * top


@KERNELS
@few
@given(v=variances(), s=cosines, depth=st.integers(1, 30))
def test_finite_depth_is_geometrically_close(kernel, v, s, depth):
    """|Sigma^(L) - Sigma*| <= 2 q^L, with q = w E[f'^2] the contraction modulus, from Sigma^(0) = x.y."""
    p = below_limit(kernel, v)
    solution = solve(kernel, {"cosine": s}, **p)
    kxx = float(solution.state["kxx"])
    known = {**p, "kxx": kxx, "kyy": kxx, "cxx": 1.0, "cyy": 1.0, "cxy": s, "gap": 1 - s}
    sigma = min(max(s, -kxx), kxx)
    for _ in range(depth):
        sigma = float(kernel.step.at({**known, "kxy": sigma}))
    modulus = p["weight_variance"] * SLOPE[kernel.name]
    assert abs(sigma - float(solution.state["kxy"])) <= 2 * modulus**depth + 1e-14


@KERNELS
@few
@given(v=variances(), s=cosines)
def test_solvers_agree(kernel, v, s):
    """Newton's method in the chart, and plain iteration of the recursion: two roads, one kernel."""
    p = below_limit(kernel, v)
    newton = float(solve(kernel, {"cosine": s}, **p).state["kxy"])
    picard = float(solve(kernel, {"cosine": s}, method="picard", max_steps=20_000, **p).state["kxy"])
    assert picard == pytest.approx(newton, abs=1e-11)


@KERNELS
@few
@given(v=variances(), seed=st.integers(0, 2**32 - 1), count=st.integers(2, 12), dimension=st.integers(1, 4))
def test_gram_matrices_are_positive_semidefinite(kernel, v, seed, count, dimension):
    """Copies, antipodes, doubles and near-duplicates included: eigenvalues >= -1e-13 n max."""
    p = below_limit(kernel, v)
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((count, dimension))
    x = np.vstack([x, x[:1], -x[:1], 2 * x[:1], x[:1] + 1e-9 * rng.standard_normal((1, dimension))])
    matrix = gram(kernel, x, **p)
    assert np.array_equal(matrix, matrix.T)
    scale = np.sqrt(np.diag(matrix))
    eigenvalues = np.linalg.eigvalsh(matrix / np.outer(scale, scale))
    assert eigenvalues.min() >= -1e-13 * len(matrix)


@few
@given(v=variances().filter(lambda v: v[0] > 0.05), s=st.floats(-0.99, 0.99))
def test_gradient_of_relu_against_differences_of_the_oracle(reference, v, s):
    """d Theta / d(w, u, b) by the implicit function theorem, against central differences in 50 digits."""
    from dekderive.gram import gram_gradient

    x = np.array([[1.0, 0.0], [s, math.sqrt((1 - s) * (1 + s))]])
    value, gradient = gram_gradient(deq_ntk_relu, x, **dict(zip(NAMES, v, strict=True)))
    mp = reference.mp
    cosine = (mp.mpf(x[1, 0])) / mp.sqrt(mp.mpf(x[1, 0]) ** 2 + mp.mpf(x[1, 1]) ** 2)
    norm = mp.sqrt(mp.mpf(x[1, 0]) ** 2 + mp.mpf(x[1, 1]) ** 2)
    h = mp.mpf(10) ** -15

    def theta(shift):
        moved = [mp.mpf(a) + d for a, d in zip(v, shift, strict=True)]
        return reference.deq_relu(cosine, *moved, norms=(1, norm)).theta

    assert float(value[0, 1]) == pytest.approx(float(theta((0, 0, 0))), abs=1e-13 / (1 - v[0]))
    for j in range(3):
        step = [h if i == j else mp.mpf(0) for i in range(3)]
        slope = (theta(step) - theta([-d for d in step])) / (2 * h)
        assert float(gradient[0, 1, j]) == pytest.approx(float(slope), rel=1e-9, abs=1e-9)
