"""Convolutional DEQs: kernels of compact support, and convolution as a matrix (declarative nets, appendix E)."""

from __future__ import annotations

from functools import partial

import numpy as np
import sympy as sp

from dekderive.certificates import enclose
from dekderive.citations import cite
from dekderive.theorems.evidence import agrees, exact, identity
from dekderive.theorems.theorem import Basis, Counterexample, Kind, Probe, Refutation, Standing, Theorem
from dekderive.verdict import Check

__all__ = ["THEOREMS"]

_PAPER = "tsuchida2022declarative"


# ---- (17): coordinates -----------------------------------------------------------------------------------------------


def _count(first: int) -> Check:
    w, h, c = 4, 3, 2
    rows = len([(i, j, k) for i in range(1, h + 1) for j in range(first, w + 1) for k in range(1, c + 1)])
    return exact(
        "pixels", "the space has w h c elements", rows == w * h * c, f"{rows} elements for w = 4, h = 3, c = 2"
    )


def _too_many() -> Refutation:
    count = 3 * len(range(5)) * 2
    return Refutation(
        count != 24, f"{{1..h}} x {{0..w}} x {{1..c}} has {count} elements, the image 24", {"elements": float(count)}
    )


_COORDINATES = Theorem(
    key="kglm/equation-17",
    source=cite(_PAPER, "(17), appendix F"),
    number="(17)",
    title="Pixel coordinates",
    hypotheses=(),
    printed="The pixels of an image of width w and height h are {1..h} x {0..w}; X is a (whc) x c matrix.",
    standing=Standing.MISPRINT,
    corrected=(
        "The pixels are {1..h} x {1..w}; X has whc rows and three columns (i, j, channel); the filters of "
        "appendix F form "
        "an array (c, c, 2 r1 + 1, 2 r2 + 1), not (3, 3, 32, 32)."
    ),
    proof="",
    basis=Basis.CHECKS,
    probes=(Probe(Kind.CERTIFICATE, partial(_count, 1), partial(_count, 0)),),
    counterexample=Counterexample("w = 4, h = 3, c = 2", _too_many),
)


# ---- (18): definiteness ----------------------------------------------------------------------------------------------


def _window(r: int, n: int, tapered: bool) -> sp.Matrix:
    def entry(i: int, j: int) -> sp.Expr:
        gap = abs(i - j)
        return sp.Integer(0) if gap > r else 1 - sp.Rational(gap, r + 1) if tapered else sp.Integer(1)

    return sp.Matrix(n, n, entry)


def _minors(tapered: bool) -> Check:
    """Leading principal minors of the window on up to six neighbouring pixels, exactly."""
    minors = [_window(r, n, tapered).det() for r in (1, 2, 3) for n in range(1, 7)]
    return exact(
        "minors", "all leading minors are positive, r = 1, 2, 3", all(m > 0 for m in minors), f"smallest {min(minors)}"
    )


def _fejer(r: int) -> Check:
    """The symbol of the triangular taper is |1 + e^(ix) + ... + e^(irx)|^2 / (r + 1)."""
    e = sp.Symbol("e", positive=True)  # e^(ix), as an indeterminate: the conjugate is 1/e
    geometric = sum(e**k for k in range(r + 1))
    square = geometric * geometric.subs(e, 1 / e) / (r + 1)
    symbol = sum((1 - sp.Rational(abs(d), r + 1)) * e**d for d in range(-r, r + 1))
    return identity(f"Fejér, r = {r}", "the taper's symbol is a square", sp.expand(square - symbol))


def _box_determinant() -> Refutation:
    box = _window(1, 3, tapered=False)
    lowest = 1 - sp.sqrt(2)
    zero = sp.expand((box - lowest * sp.eye(3)).det())
    return Refutation(
        box.det() == -1 and zero == 0,
        "the matrix of 1(|x - x'| <= 1) on three neighbouring pixels has determinant -1 and the eigenvalue 1 - sqrt(2)",
        {"determinant": float(box.det()), "eigenvalue": float(lowest)},
    )


_SUPPORT = Theorem(
    key="kglm/equation-18",
    source=cite(_PAPER, "(18)"),
    number="(18)",
    title="Kernels of compact support",
    hypotheses=("r is a positive whole number", "kappa_0 is positive semi-definite"),
    printed="h(x, x') = 1(|x - x'| <= r) is a positive semi-definite kernel, and so is h1 h2 kappa_0.",
    standing=Standing.WRONG,
    corrected=(
        "The box is not positive semi-definite.  The triangular taper (1 - |x - x'|/(r + 1))_+ is, for each "
        "axis, and so "
        "is its product with any positive semi-definite kernel."
    ),
    proof=(
        "The Fourier series of the taper is |sum of e^(ikx) over k = 0..r|^2/(r + 1) >= 0, so every finite "
        "matrix of it is "
        "positive semi-definite; products of kernels are kernels (Schur).  In general: with unit steps u_k "
        "the taper is "
        "the inner product of two blocks of r + 1 units, divided by r + 1."
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, partial(_fejer, 1)),
        Probe(Kind.IDENTITY, partial(_fejer, 5)),
        Probe(Kind.CERTIFICATE, partial(_minors, True), partial(_minors, False)),
    ),
    counterexample=Counterexample("r = 1, three neighbouring pixels, kappa_0 = 1", _box_determinant),
    remarks=(
        "The same happens with the kernel of figure 4 (exp(-d^2/20), r = 5): its 32 x 32 matrix has negative "
        "eigenvalues.  "
        "Isotropic alternatives are the Wendland kernels."
    ),
)


# ---- definitions 9 and 10 --------------------------------------------------------------------------------------------

_WIDTH, _HEIGHT, _R = 3, 4, 1


def _padded(image: sp.Matrix) -> list[sp.Expr]:
    """Return the image with a border of zeros, flattened row by row."""
    rows = [[sp.S.Zero] * (_HEIGHT + 2 * _R) for _ in range(_WIDTH + 2 * _R)]
    for i in range(_WIDTH):
        for j in range(_HEIGHT):
            rows[i + _R][j + _R] = image[i, j]
    return [x for row in rows for x in row]


def _matrix_row(filters: sp.Matrix, i: int, j: int, form: str) -> list[sp.Expr]:
    """Return the row of C_mat for pixel (i, j): the filter scattered with the stride of a padded row, or contiguous."""
    stride = _HEIGHT + 2 * _R
    row = [sp.S.Zero] * ((_WIDTH + 2 * _R) * stride)
    side = 2 * _R + 1
    for a in range(side):
        for b in range(side):
            place = i * _HEIGHT + j + a * side + b if form == "printed" else (i + a) * stride + j + b
            row[place] = filters[a, b]
    return row


def _single_channel(form: str) -> Check:
    image = sp.Matrix(_WIDTH, _HEIGHT, sp.symbols(f"y1:{_WIDTH * _HEIGHT + 1}", real=True))
    filters = sp.Matrix(3, 3, sp.symbols("c1:10", real=True))
    flat = _padded(image)
    differences = []
    for i in range(_WIDTH):
        for j in range(_HEIGHT):
            convolved = sum(
                filters[a + 1, b + 1] * image[i + a, j + b]
                for a in (-1, 0, 1)
                for b in (-1, 0, 1)
                if 0 <= i + a < _WIDTH and 0 <= j + b < _HEIGHT
            )
            row = _matrix_row(filters, i, j, form)
            differences.append(sp.expand(sum(x * y for x, y in zip(row, flat, strict=True)) - convolved))
    return identity(
        "3 x 4 image", "C_mat times the padded image is the convolution, for a general 3 x 3 filter", differences
    )


def _contiguous() -> Refutation:
    image = np.arange(16.0).reshape(4, 4)
    filters = np.arange(1.0, 10.0).reshape(3, 3)
    flat = np.pad(image, 1).ravel()
    worst = 0.0
    for i in range(4):
        for j in range(4):
            true = float(np.sum(filters * np.pad(image, 1)[i : i + 3, j : j + 3]))
            start = i * 4 + j
            worst = max(worst, abs(true - float(filters.ravel() @ flat[start : start + 9])))
    return Refutation(
        worst > 1,
        f"a contiguous slice of the padded image is a one-dimensional window: some pixel is off by {worst:.0f}",
        {"largest error": worst},
    )


_DEFINITION_9 = Theorem(
    key="kglm/definition-9",
    source=cite(_PAPER, "Definition 9"),
    number="Definition 9",
    title="Single-channel convolution as a matrix",
    hypotheses=(),
    printed=(
        "Row j of C_mat, j in {1, wh}, holds the flattened filter in the contiguous columns j, ..., j + (2r1+1)(2r2+1)."
    ),
    standing=Standing.WRONG,
    corrected=(
        "Row j, j in {1..wh}, for pixel (a, b) holds row i of the filter in the columns that start at (a + "
        "i)(2 r2 + h) + "
        "b: scattered, with the stride of a padded row."
    ),
    proof="The window of a pixel consists of 2 r1 + 1 pieces of the flattened image, one padded row apart.",
    basis=Basis.PROOF,
    probes=(Probe(Kind.IDENTITY, partial(_single_channel, "corrected"), partial(_single_channel, "printed")),),
    counterexample=Counterexample("4 x 4 image 0..15, filter 1..9 (3 x 3)", _contiguous),
)


def _channels(form: str) -> Check:
    """Two channels in and two out on a one-dimensional image of three pixels, as one matrix of blocks."""
    filters = {(j, r): sp.symbols(f"c{j}{r}_1:4", real=True) for j in (0, 1) for r in (0, 1)}
    image = {r: sp.symbols(f"y{r}_1:4", real=True) for r in (0, 1)}

    def toeplitz(c: tuple[sp.Symbol, ...]) -> sp.Matrix:
        return sp.Matrix(3, 3, lambda p, q: c[q - p + 1] if abs(p - q) <= 1 else 0)

    differences = []
    for j in (0, 1):
        blocks = [toeplitz(filters[j, r]) * sp.Matrix(image[r]) for r in (0, 1)]
        total = blocks[0] + blocks[1] if form == "corrected" else blocks[0]
        for p in range(3):
            direct = sum(filters[j, r][d + 1] * image[r][p + d] for r in (0, 1) for d in (-1, 0, 1) if 0 <= p + d < 3)
            differences.append(sp.expand(total[p] - direct))
    return identity("two channels", "(C * Y)_j = sum over r of C_jr *_1 Y_r", differences)


_DEFINITION_10 = Theorem(
    key="kglm/definition-10",
    source=cite(_PAPER, "Definition 10"),
    number="Definition 10",
    title="Multi-channel convolution",
    hypotheses=("*_1 is the single-channel convolution of the corrected Definition 9",),
    printed="Output channel j of C * Y is the sum over input channels r of C_jr *_1 Y_r.",
    standing=Standing.RIGHT,
    proof="",
    basis=Basis.CHECKS,
    probes=(Probe(Kind.IDENTITY, partial(_channels, "corrected"), partial(_channels, "printed")),),
)


# ---- corollary 11 ----------------------------------------------------------------------------------------------------


def _smoothed(n: int, r: int, tapered: bool) -> np.ndarray:
    gap = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    window = np.maximum(1 - gap / (r + 1), 0) if tapered else (gap <= r).astype(float)
    return window * np.exp(-(gap**2) / 8)


def _definite(tapered: bool) -> Check:
    worst = 0.0
    for n in range(2, 25):
        for r in range(1, 6):
            values = np.linalg.eigvalsh(_smoothed(n, r, tapered))
            worst = max(worst, -float(values[0] / values[-1]))
    return agrees("definiteness", "the kernel with the window is positive semi-definite", worst, 1e-12, 115, "sizes")


def _unbounded() -> Refutation:
    """Bernoulli objective along s v, v = (1, -sqrt 2, 1), Kv = (1 - sqrt 2) v, T = 0."""
    values = {}
    for s in (0, 20, 200):
        f = [(1 - sp.sqrt(2)) * s * x for x in (1, -sp.sqrt(2), 1)]
        objective = sum(sp.log(1 + sp.exp(x)) for x in f) + sp.Rational(s**2, 2) * (1 - sp.sqrt(2)) * 4
        values[f"s = {s}"] = float(enclose(objective, {}))
    return Refutation(
        values["s = 200"] < values["s = 20"] < values["s = 0"],
        "along s (1, -sqrt 2, 1) the objective (5) is "
        + ", ".join(f"{v:.4g} at {k}" for k, v in values.items())
        + ": it is unbounded below, there is no MAP",
        values,
        "ball arithmetic",
    )


def _repeated_channels() -> Check:
    block = sp.Matrix(2, 2, sp.symbols("p q q r", real=True))
    repeated = sp.Matrix(sp.BlockMatrix([[block, block], [block, block]]))
    return identity("repeated channels", "the matrix repeated c = 2 times is singular", repeated.det())


def _row_is_filter() -> Check:
    """A kernel matrix of a stationary kernel with support r acts as the zero-padded convolution with one row."""
    r, n = 2, 7
    values = sp.symbols("k0:3", real=True)
    y = sp.symbols(f"y1:{n + 1}", real=True)
    kernel = sp.Matrix(n, n, lambda i, j: values[abs(i - j)] if abs(i - j) <= r else 0)
    padded = [sp.S.Zero] * r + list(y) + [sp.S.Zero] * r
    filters = [values[abs(d)] for d in range(-r, r + 1)]
    differences = kernel * sp.Matrix(y) - sp.Matrix(
        [sum(c * padded[i + a] for a, c in enumerate(filters)) for i in range(n)]
    )
    return identity(
        "Toeplitz", "K y is the convolution of y with the kernel's values", list(differences.applyfunc(sp.expand))
    )


_COROLLARY_11 = Theorem(
    key="kglm/corollary-11",
    source=cite(_PAPER, "Corollary 11, (19), (20)"),
    number="Corollary 11, (19)-(20)",
    title="Convolutional DEQs",
    hypotheses=("kappa is positive semi-definite, for instance with the triangular taper", "lam > 0"),
    printed=(
        "With the box-truncated kernel kappa, a global minimiser of (5) is a fixed point (19) of a convolutional "
        "DEQ, and predicts by (20)."
    ),
    standing=Standing.WRONG,
    corrected=(
        "With a positive semi-definite kappa of compact support, (19) has exactly one solution and (20) "
        "holds for it; the "
        "filters are the values of -kappa/lam and kappa/lam.  With the box there may be no minimiser at all."
    ),
    proof="A stationary kernel matrix of compact support is a zero-padded convolution; the rest is Theorem 3+.",
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, _row_is_filter),
        Probe(Kind.IDENTITY, _repeated_channels),
        Probe(Kind.PROPERTY, partial(_definite, True), partial(_definite, False)),
    ),
    counterexample=Counterexample("r = 1, kappa_0 = 1, three pixels, Bernoulli, T = 0, lam = 1", _unbounded),
    remarks=(
        "A matrix repeated c times is singular for c > 1, against Assumption 1 (harmless by Theorem 3+).  "
        "The filters are "
        "printed with kappa_0, which agrees with kappa inside the box, but not with a taper."
    ),
)


THEOREMS = (_COORDINATES, _SUPPORT, _DEFINITION_9, _DEFINITION_10, _COROLLARY_11)
