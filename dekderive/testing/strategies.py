"""Hypothesis strategies for what the theorems range over: families, activations, covariances, points and pictures."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
import sympy as sp
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from dekderive import atoms, losses
from dekderive.errors import InvalidInput
from dekderive.families import EXAMPLES, Family, by_name
from dekderive.losses import Loss, Pointwise, bind
from dekderive.reparameterisations import Reparameterisation
from dekderive.symbols import z
from dekderive.testing.observations import Array, Model

__all__ = [
    "ACTIVATIONS",
    "Covariance",
    "ImagePair",
    "activation_pairs",
    "activations",
    "bounded_models",
    "covariances",
    "families",
    "families_from",
    "filters",
    "image_pairs",
    "links",
    "models",
    "near_duplicates",
    "points",
    "points_on_spheres",
]

# Bounded, unbounded, odd, even, kinked and jumping activations, with and without closed forms of their duals.
ACTIVATIONS: tuple[sp.Expr, ...] = (
    atoms.relu(z),
    atoms.step(z),
    sp.erf(z),
    sp.sin(z),
    sp.cos(z),
    sp.exp(-(z**2)),
    sp.tanh(z),
    atoms.gelu(z),
    atoms.softplus(z),
    atoms.expit(z),
)
Image: TypeAlias = Array


class Covariance(NamedTuple):
    """Covariance ((kxx, kxy), (kxy, kyy)) of a centred Gaussian pair, possibly singular.

    Examples
    --------
    >>> Covariance(4.0, 1.0, -2.0).correlation
    -1.0
    """

    kxx: float
    kyy: float
    kxy: float

    @property
    def correlation(self) -> float:
        """Kxy / sqrt(kxx kyy); 0 where a variance is 0."""
        scale = math.sqrt(self.kxx) * math.sqrt(self.kyy)
        return self.kxy / scale if scale else 0.0


class ImagePair(NamedTuple):
    """Two pictures of shape (channels, height, width), of unit length at every pixel, and an odd filter size."""

    left: Image
    right: Image
    filter_size: int


# ---- families, links, activations ------------------------------------------------------------------------------------


def families() -> SearchStrategy[Family]:
    """Every shipped family, with parameters that are not special; a binomial one has 1 to 20 trials.

    Examples
    --------
    >>> from hypothesis import find, settings
    >>> quick = settings(derandomize=True, database=None)
    >>> find(families(), lambda f: f.name.startswith("binomial"), settings=quick).name
    'binomial_10'
    """
    binomials = st.integers(1, 20).map(lambda n: by_name(f"binomial({n})"))
    return st.one_of(st.sampled_from(EXAMPLES).map(by_name), binomials)


def families_from(given: Iterable[Family]) -> SearchStrategy[Family]:
    """The families of a list, or of a module (those among its public values).

    Raises
    ------
    InvalidInput
        If there is none.

    Examples
    --------
    >>> from dekderive.families import gaussian, poisson
    >>> families_from([gaussian(), poisson()])
    sampled_from([<Family gaussian: ...>, <Family poisson: ...>])
    """
    values = list(vars(given).values()) if hasattr(given, "__dict__") and not isinstance(given, Iterable) else given
    found = [value for value in values if isinstance(value, Family)]
    if not found:
        raise InvalidInput(f"{given!r} contains no dekderive.Family; call the functions that make them")
    return st.sampled_from(found)


def models() -> SearchStrategy[Model]:
    """The losses of property P1: Gaussian, Bernoulli, Poisson, Ising, and binomial of 1 to 20 trials.

    Examples
    --------
    >>> from hypothesis import find, settings
    >>> find(models(), lambda m: m.loss.name == "binomial", settings=settings(derandomize=True, database=None)).values
    {'trials': 1.0}
    """
    fixed = st.sampled_from([bind(loss) for loss in (losses.gaussian, losses.bernoulli, losses.poisson)])
    return st.one_of(fixed, st.just(bind(losses.rademacher)), _binomials())


def bounded_models() -> SearchStrategy[Model]:
    """Losses with a bounded curvature: those for which plain and damped iterations are covered by theorems.

    Examples
    --------
    >>> from hypothesis import find, settings
    >>> quick = settings(derandomize=True, database=None)
    >>> find(bounded_models(), lambda m: m.loss.name == "probit", settings=quick).loss.canonical
    False
    """
    names = ("gaussian", "bernoulli", "rademacher", "probit", "pseudo_huber")
    bounded: list[Loss] = [getattr(losses, name) for name in names]
    return st.one_of(st.sampled_from([bind(loss) for loss in bounded]), _binomials())


def _binomials() -> SearchStrategy[Pointwise]:
    return st.integers(1, 20).map(lambda n: bind(losses.binomial, {"trials": n}))


def links() -> SearchStrategy[Reparameterisation]:
    """Reparameterisations of all kinds: canonical, rectified, bounded, and with bounded slope and activation.

    Examples
    --------
    >>> from hypothesis import find, settings
    >>> find(links(), lambda r: r.slope.has(sp.exp), settings=settings(derandomize=True, database=None)).natural_map
    erf(z)
    """
    return st.integers(0, len(_links()) - 1).map(lambda i: _links()[i])


@lru_cache(maxsize=1)
def _links() -> tuple[Reparameterisation, ...]:
    gaussian, bernoulli, poisson, rademacher = map(by_name, ("gaussian", "bernoulli", "poisson", "rademacher"))
    rectified = Reparameterisation(gaussian, natural_map=atoms.relu(z))
    smooth = [Reparameterisation(gaussian, natural_map=g) for g in (sp.erf(z), sp.sin(z))]
    softplus = Reparameterisation(poisson, sp.log(atoms.softplus(z)))
    canonical = [Reparameterisation.canonical(f) for f in (gaussian, bernoulli, poisson, rademacher)]
    return (rectified, *smooth, softplus, *canonical)


def activations() -> SearchStrategy[sp.Expr]:
    """Activations in ``dekderive.symbols.z``.

    Examples
    --------
    >>> from hypothesis import find, settings
    >>> find(activations(), lambda f: f.has(sp.sin), settings=settings(derandomize=True, database=None))
    sin(z)
    """
    return st.sampled_from(ACTIVATIONS)


def activation_pairs() -> SearchStrategy[tuple[sp.Expr, sp.Expr]]:
    """Two activations, often one and the same.

    Examples
    --------
    >>> from hypothesis import find, settings
    >>> find(activation_pairs(), lambda p: p[0] != p[1], settings=settings(derandomize=True, database=None))
    (relu(z), step(z))
    """
    return st.one_of(activations().map(lambda f: (f, f)), st.tuples(activations(), activations()))


# ---- covariances and points ------------------------------------------------------------------------------------------


@st.composite
def covariances(
    draw: st.DrawFn, include_boundary: bool = False, variances: tuple[float, float] = (1e-2, 1e2)
) -> Covariance:
    """Covariances of pairs, with variances log-uniform in a range.

    Parameters
    ----------
    include_boundary : bool
        Also degenerate ones: correlation 1, -1 or the nearest numbers, and a variance of 0.
    variances : (float, float)

    Examples
    --------
    >>> from hypothesis import find, settings
    >>> quick = settings(derandomize=True, database=None)
    >>> find(covariances(include_boundary=True), lambda k: k.correlation < -0.9999, settings=quick)
    Covariance(kxx=1.0, kyy=1.0, kxy=-1.0)
    """
    exponents = st.floats(math.log10(variances[0]), math.log10(variances[1]))
    kxx, kyy = 10 ** draw(exponents), 10 ** draw(exponents)
    if include_boundary and draw(st.integers(0, 3)) == 3:
        if draw(st.integers(0, 4)) == 4:
            return Covariance(0.0, kyy, 0.0)
        edge = draw(st.sampled_from([1.0, -1.0, 1 - 2**-53, 1 - 1e-12, -1 + 1e-12, 1 - 1e-7]))
        # the root first: a product of the variances would round the pair off the boundary, or beyond it
        bound = math.sqrt(kxx) * math.sqrt(kyy)
        kxy = edge * bound
        while kxy * kxy > kxx * kyy:
            kxy = math.nextafter(kxy, 0.0)
        return Covariance(kxx, kyy, kxy)
    correlation = draw(st.floats(-0.999, 0.999))
    return Covariance(kxx, kyy, correlation * math.sqrt(kxx) * math.sqrt(kyy))


@st.composite
def points(
    draw: st.DrawFn,
    count: SearchStrategy[int] | None = None,
    dimensions: SearchStrategy[int] | None = None,
    repeated: float = 0.3,
) -> Array:
    """Rows that are uniform in (-2, 2)^d; each is a copy of another one with probability `repeated`.

    Examples
    --------
    >>> from hypothesis import find, settings
    >>> quick = settings(derandomize=True, database=None)
    >>> find(points(), lambda x: len(x) > 1 and (x[0] == x[1]).all(), settings=quick).shape[0] > 1
    True
    """
    n = draw(st.integers(1, 40) if count is None else count)
    d = draw(st.integers(1, 3) if dimensions is None else dimensions)
    return _points(_generator(draw), n, d, repeated)


def _points(rng: np.random.Generator, n: int, d: int, repeated: float) -> Array:
    rows = rng.uniform(-2, 2, size=(n, d))
    copies = rng.uniform(size=n) < repeated
    rows[copies] = rows[rng.integers(0, n, size=int(copies.sum()))]
    return rows


def _generator(draw: st.DrawFn) -> np.random.Generator:
    return np.random.default_rng(draw(st.integers(0, 2**32 - 1)))


@st.composite
def points_on_spheres(
    draw: st.DrawFn,
    count: SearchStrategy[int] | None = None,
    dimensions: SearchStrategy[int] | None = None,
    special: bool = True,
) -> Array:
    """Rows of unit length; with `special` a copy, an antipode and a near-duplicate of the first one are among them.

    Examples
    --------
    >>> from hypothesis import find, settings
    >>> x = find(points_on_spheres(), lambda x: True, settings=settings(derandomize=True, database=None))
    >>> bool(np.allclose(np.linalg.norm(x, axis=1), 1)), bool((x[-3] == x[0]).all() and (x[-2] == -x[0]).all())
    (True, True)
    """
    n = draw(st.integers(1, 12) if count is None else count)
    d = draw(st.integers(1, 5) if dimensions is None else dimensions)
    rng = _generator(draw)
    rows = rng.normal(size=(n, d))
    if special:
        near = rows[:1] + draw(st.sampled_from([1e-3, 1e-8, 1e-14])) * rng.normal(size=(1, d))
        rows = np.vstack([rows, rows[:1], -rows[:1], near])
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


@st.composite
def near_duplicates(draw: st.DrawFn, dimensions: SearchStrategy[int] | None = None) -> tuple[Array, Array]:
    """Two rows whose distance is 0, or log-uniform between 1e-16 and 1e-2 of their length.

    Examples
    --------
    >>> from hypothesis import find, settings
    >>> x, y = find(near_duplicates(), lambda p: True, settings=settings(derandomize=True, database=None))
    >>> bool(np.linalg.norm(x - y) <= 0.1 * np.linalg.norm(x))
    True
    """
    d = draw(st.integers(1, 5) if dimensions is None else dimensions)
    rng = _generator(draw)
    x, direction = rng.normal(size=(2, d))
    if draw(st.integers(0, 4)) == 4:
        return x, x.copy()
    size = 10 ** draw(st.floats(-16, -2)) * np.linalg.norm(x) / np.linalg.norm(direction)
    return x, x + size * direction


# ---- convolutions ----------------------------------------------------------------------------------------------------


@st.composite
def filters(draw: st.DrawFn, channels: int = 3, sizes: tuple[int, ...] = (3, 5, 7)) -> Array:
    """Filters of shape (channels, channels, q, q) with normal entries, of both signs.

    Examples
    --------
    >>> from hypothesis import find, settings
    >>> find(filters(), lambda c: True, settings=settings(derandomize=True, database=None)).shape
    (1, 1, 3, 3)
    """
    c, q = draw(st.integers(1, channels)), draw(st.sampled_from(sizes))
    return _generator(draw).normal(size=(c, c, q, q))


@st.composite
def image_pairs(
    draw: st.DrawFn, largest: int = 6, channels: int = 3, filter_sizes: tuple[int, ...] = (1, 3, 5)
) -> ImagePair:
    """Pairs of pictures of at most `largest` pixels on a side: the domain of the convolutional kernels (P19).

    Every pixel is a unit vector of channels; the second picture is now and then the first one, or its negative.

    Examples
    --------
    >>> from hypothesis import find, settings
    >>> pair = find(image_pairs(), lambda p: True, settings=settings(derandomize=True, database=None))
    >>> pair.left.shape, pair.filter_size
    ((1, 1, 1), 1)
    """
    h, w, c = draw(st.integers(1, largest)), draw(st.integers(1, largest)), draw(st.integers(1, channels))
    rng = _generator(draw)
    left, right = (_unit_pixels(rng.normal(size=(c, h, w))) for _ in range(2))
    kind = draw(st.integers(0, 5))
    other = left.copy() if kind == 4 else -left if kind == 5 else right
    return ImagePair(left, other, draw(st.sampled_from(filter_sizes)))


def _unit_pixels(image: Image) -> Image:
    return np.asarray(image / np.linalg.norm(image, axis=0, keepdims=True))
