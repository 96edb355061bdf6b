"""Hypothesis strategies for whole problems: kernel GLMs, and inputs of tangent kernels."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from dekderive.kernels import Kernel, deq_ntk_erf, deq_ntk_relu
from dekderive.losses import Penalty, Pointwise
from dekderive.solvers import Status
from dekderive.testing.kglm_instance import KGLMInstance, squared_exponential
from dekderive.testing.observations import PENALTIES, Array, Model, draw_predictors, draw_targets, pointwise_of
from dekderive.testing.strategies import models
from dekderive.testing.strategies import points as rows_of
from dekderive.testing.tangent_instance import TangentInstance

__all__ = ["cosines", "kglm_instances", "tangent_instances"]

_LARGEST_MODULUS = 0.97


@st.composite
def kglm_instances(
    draw: st.DrawFn,
    families: SearchStrategy[Model] | None = None,
    points: SearchStrategy[int] | None = None,
    penalties: tuple[tuple[Penalty, dict[str, float]] | None, ...] = PENALTIES,
    lipschitz: tuple[float, float] = (1e-2, 1e3),
    offsets: bool = False,
    repeated: float = 0.3,
) -> KGLMInstance:
    r"""Random kernel GLMs: the domain of property P1.

    Inputs are uniform in :math:`(-2, 2)^d`, d from 1 to 3, and often repeated; the kernel is a squared exponential with
    a length scale in (0.3, 3); lambda is such that :math:`L = \lVert K/\lambda \rVert_2 \sup(A'' + Q'')` is log-uniform
    (for an unbounded variance relative to the largest one at the drawn predictors).

    Parameters
    ----------
    families : strategy of Family, Loss or Pointwise
        Default: Gaussian, Bernoulli, Poisson, Ising and binomial.
    points : strategy of int
        How many inputs; default 1 to 40.
    penalties : tuple
        ``(penalty, values)``, or None for q = 1.  A family on a part of the line gets none of them.
    lipschitz : (float, float)
        The range of L.
    offsets : bool
        Whether there is an offset M, uniform in (0.2, 1) with either sign.  A family on a part of the line has always a
        constant one, because f = 0 is no natural parameter of it.
    repeated : float
        How probable it is that an input is a copy of another one.

    Examples
    --------
    >>> from hypothesis import given, settings
    >>> from dekderive.testing import properties
    >>> @settings(max_examples=5, derandomize=True, database=None, deadline=None)
    ... @given(kglm_instances(points=st.integers(1, 8)))
    ... def test_theorem_3(instance):
    ...     properties.fixed_point(instance)
    >>> test_theorem_3()
    """
    model = draw(models() if families is None else families)
    plain = pointwise_of(model)
    on_the_line = not (np.isfinite(plain.loss.lower) or np.isfinite(plain.loss.upper))
    penalty = draw(st.sampled_from(penalties)) if on_the_line else None
    pointwise = pointwise_of(model, penalty)
    rows = draw(rows_of(points, repeated=repeated))
    seed = draw(st.integers(0, 2**32 - 1))
    scale = draw(st.floats(0.3, 3))
    level = 10 ** draw(st.floats(*(math.log10(v) for v in lipschitz)))
    return _kglm_instance(pointwise, rows, scale, level, offsets, on_the_line, seed)


def _kglm_instance(
    pointwise: Pointwise, rows: Array, scale: float, level: float, offsets: bool, on_the_line: bool, seed: int
) -> KGLMInstance:
    rng = np.random.default_rng(seed)
    n, d = rows.shape
    targets = draw_targets(pointwise, rng, n)
    offset: Array | float = 0.0
    if not on_the_line:
        offset = float(pointwise.link(targets.mean()))
    elif offsets:
        offset = rng.uniform(0.2, 1.0, n) * rng.choice([-1.0, 1.0], n)
    gram = squared_exponential(rows, rows, scale)
    new_rows = rng.uniform(-2, 2, size=(4, d))
    curvature = float(pointwise.curvature_bound(targets).max())
    if not math.isfinite(curvature):
        curvature = float(pointwise.curvature(draw_predictors(pointwise.loss, rng, 5), targets.mean()).max())
    return KGLMInstance(
        pointwise=pointwise,
        gram=gram,
        cross=squared_exponential(new_rows, rows, scale),
        targets=targets,
        regularisation=float(np.linalg.norm(gram, 2)) * curvature / level,
        offset=offset,
        rows=rows,
        new_rows=new_rows,
        lengthscale=scale,
        seed=seed,
    )


def cosines() -> SearchStrategy[float]:
    """Cosines in [-1, 1], often at or next to the ends.

    Examples
    --------
    >>> from hypothesis import find, settings
    >>> find(cosines(), lambda s: s == -1.0, settings=settings(derandomize=True, database=None))
    -1.0
    """
    special = [1.0, -1.0, 0.0, 1 - 1e-14, math.nextafter(1.0, 0.0), math.nextafter(-1.0, 0.0)]
    return st.one_of(st.floats(-1.0, 1.0), st.sampled_from(special))


@st.composite
def tangent_instances(
    draw: st.DrawFn, kernels: SearchStrategy[Kernel] | None = None, inner: bool = False
) -> TangentInstance:
    r"""Random inputs of tangent kernels: :math:`\sigma_w^2` below the limit of contraction, variances that sum to 1.

    Parameters
    ----------
    kernels : strategy of Kernel
        Default: the shipped ``deq_ntk_relu`` and ``deq_ntk_erf``.
    inner : bool
        Only cosines of at most 0.99 in magnitude, and variances away from 0, where derivatives exist.

    Notes
    -----
    The map contracts if :math:`\sigma_w^2 E[f'(u)^2] < 1` at its own variance, whatever the paper says about
    :math:`\sigma_w^2 < 1`: draws with a modulus above 0.97, or without a fixed point, are rejected.

    Examples
    --------
    >>> from hypothesis import given, settings
    >>> from dekderive.testing import properties
    >>> @settings(max_examples=5, derandomize=True, database=None, deadline=None)
    ... @given(tangent_instances())
    ... def test_theorem_2(instance):
    ...     properties.tangent_fixed_point(instance)
    >>> test_theorem_2()
    """
    kernel = draw(st.sampled_from([deq_ntk_relu, deq_ntk_erf]) if kernels is None else kernels)
    assert kernel.modulus is not None
    limit = 1 / float(kernel.modulus.at({"kxx": 1.0, "kyy": 1.0, "weight_variance": 1.0}))
    w = min(draw(st.floats(0.05 if inner else 0.0, 0.95)) * limit, 0.999)
    share = draw(st.floats(0.0, 0.9 if inner else 0.99))
    s = draw(st.floats(-0.99, 0.99) if inner else cosines())
    seed = draw(st.integers(0, 2**32 - 1))
    instance = TangentInstance(kernel, w, (1 - w) * (1 - share), (1 - w) * share, s, seed)
    assume(instance.solution.status is Status.CONVERGED)
    assume(instance.modulus <= _LARGEST_MODULUS)
    return instance
