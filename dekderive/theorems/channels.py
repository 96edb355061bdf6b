"""Channels and norms of convolutional DEQs (declarative nets, section 3.3 and appendix F)."""

from __future__ import annotations

from functools import partial

import numpy as np
import sympy as sp

from dekderive.certificates import enclose
from dekderive.citations import cite
from dekderive.theorems.evidence import agrees, identity, positive
from dekderive.theorems.theorem import Basis, Counterexample, Kind, Probe, Refutation, Standing, Theorem
from dekderive.verdict import Check

__all__ = ["THEOREMS"]

_PAPER = "tsuchida2022declarative"


# ---- appendix F ------------------------------------------------------------------------------------------------------


def _two_pixels() -> Check:
    """Two channels, two pixels at kernel values a, c within the channels and b between them.

    Vectors that are symmetric, or antisymmetric, in the pixels split the matrix into two blocks.
    """
    a, b, c = sp.symbols("a b c", real=True)
    within, between, last = (sp.Matrix([[1, k], [k, 1]]) for k in (a, b, c))
    matrix = sp.Matrix(sp.BlockMatrix([[within, between], [between, last]]))
    blocks = ((1 + a) * (1 + c) - (1 + b) ** 2) * ((1 - a) * (1 - c) - (1 - b) ** 2)
    statement = "the determinant is ((1+a)(1+c) - (1+b)^2) ((1-a)(1-c) - (1-b)^2)"
    return identity("two pixels", statement, sp.expand(matrix.det() - blocks))


def _means() -> Check:
    """If both determinants are >= 0 then b <= sqrt((1+a)(1+c)) - 1 <= (a+c)/2 <= 1 - sqrt((1-a)(1-c)) <= b."""
    a, c = sp.symbols("a c", real=True)
    upper = (1 + (a + c) / 2) ** 2 - (1 + a) * (1 + c) - (a - c) ** 2 / 4
    lower = (1 - (a + c) / 2) ** 2 - (1 - a) * (1 - c) - (a - c) ** 2 / 4
    return identity(
        "means", "both gaps are (a - c)^2/4, so b = (a + c)/2 and a = c", [sp.expand(upper), sp.expand(lower)]
    )


def _draws(coupled: bool) -> Check:
    """Random squared lengthscales from (0, 4), two or three channels, 5 pixels in a row."""
    rng = np.random.default_rng(6)
    worst = 0.0
    gap = np.subtract.outer(np.arange(5), np.arange(5)) ** 2
    for _ in range(100):
        c = int(rng.integers(2, 4))
        kernels = [np.exp(-gap / (2 * rng.uniform(0.05, 4))) for _ in range(c * (c + 1) // 2)]
        total = np.zeros((5 * c, 5 * c))
        if coupled:  # linear model of coregionalisation
            for k in kernels:
                b = rng.standard_normal((c, c))
                total += np.kron(b @ b.T, k)
        else:
            rows, columns = np.triu_indices(c)
            for k, i, j in zip(kernels, rows, columns, strict=True):
                unit = np.zeros((c, c))
                unit[i, j] = unit[j, i] = 1
                total += np.kron(unit, k)
        values = np.linalg.eigvalsh(total)
        worst = max(worst, -float(values[0] / values[-1]))
    return agrees("random lengthscales", "the kernel matrix is positive semi-definite", worst, 1e-12, 100)


def _one_eigenvalue() -> Refutation:
    a, b = sp.exp(-sp.Rational(1, 2)), sp.exp(-sp.Rational(1, 8))
    matrix = sp.Matrix([[1, a, 1, b], [a, 1, b, 1], [1, b, 1, a], [b, 1, a, 1]])
    vector = sp.Matrix([1, 1, -1, -1])
    value = a - b
    residual = (matrix * vector - value * vector).applyfunc(sp.simplify)
    number = float(enclose(value, {}))
    return Refutation(
        residual == sp.zeros(4, 1) and number < 0,
        f"(1, 1, -1, -1) is an eigenvector with eigenvalue exp(-1/2) - exp(-1/8) = {number:.4f}",
        {"eigenvalue": number},
    )


_CHANNELS = Theorem(
    key="kglm/appendix-f-kernel",
    source=cite(_PAPER, "appendix F, choice of kernel"),
    number="Appendix F",
    title="One lengthscale for each pair of channels",
    hypotheses=("the matrices B_q are positive semi-definite",),
    printed=(
        "kappa_0 = sum over pairs of channels of g_r exp(-d^2/(2 l_r^2)), with one random lengthscale for each "
        "pair, is a kernel."
    ),
    standing=Standing.WRONG,
    corrected=(
        "It is positive semi-definite only if all lengthscales agree, already for two channels.  sum_q B_q (x) kappa_q "
        "with positive semi-definite B_q is (linear model of coregionalisation)."
    ),
    proof=(
        "Two pixels and two channels split into blocks with the determinants (1+a)(1+c) - (1+b)^2 and "
        "(1-a)(1-c) - (1-b)^2."
        "  If both are >= 0, then b <= (a+c)/2 <= b by the inequality of the means, with equality only for a "
        "= c; so a = b "
        "= c.  Conversely, Kronecker products and sums of positive semi-definite matrices are positive semi-definite."
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, _two_pixels),
        Probe(Kind.IDENTITY, _means),
        Probe(
            Kind.CERTIFICATE,
            partial(
                positive, "margin", "exp(-1/8) > exp(-1/2)", sp.exp(-sp.Rational(1, 8)) - sp.exp(-sp.Rational(1, 2))
            ),
        ),
        Probe(Kind.PROPERTY, partial(_draws, True), partial(_draws, False)),
    ),
    counterexample=Counterexample(
        "two channels with l = 1, l = 2 between them, two pixels at distance 1", _one_eigenvalue
    ),
)

# ---- norms of convolutions -------------------------------------------------------------------------------------------


def _zero_padded(filters: tuple[int, ...], n: int) -> sp.Matrix:
    r = len(filters) // 2
    return sp.Matrix(n, n, lambda i, j: filters[j - i + r] if abs(i - j) <= r else 0)


def _largest_symbol(filters: tuple[int, ...], m: int) -> float:
    padded = np.zeros(m)
    padded[: len(filters)] = filters
    return float(np.abs(np.fft.fft(padded)).max())


def _too_low() -> Refutation:
    filters = (-1, 2, -1)
    zero = sp.expand((_zero_padded(filters, 3) - (2 + sp.sqrt(2)) * sp.eye(3)).det())
    circular = _largest_symbol(filters, 3)
    return Refutation(
        zero == 0 and circular < 3.001,
        "the zero-padded convolution of three pixels with (-1, 2, -1) has norm 2 + sqrt 2 = "
        f"{2 + 2**0.5:.4f}; its symbol on "
        f"three frequencies reaches {circular:.4f} only",
        {"norm": 2 + 2**0.5, "symbol": circular},
    )


def _embedding(margin: bool) -> Check:
    rng = np.random.default_rng(18)
    worst = -np.inf
    for _ in range(300):
        r, n = int(rng.integers(1, 4)), int(rng.integers(3, 17))
        filters = tuple(int(c) for c in rng.integers(-9, 10, 2 * r + 1))
        padded = np.zeros((n, n))
        for shift, c in zip(range(-r, r + 1), filters, strict=True):
            padded += c * np.eye(n, k=shift)
        norm = float(np.linalg.norm(padded, 2))
        bound = _largest_symbol(filters, n + 2 * r if margin else max(n, 2 * r + 1))
        worst = max(worst, norm - bound)
    return agrees("random filters", "norm <= largest symbol on n + 2r frequencies", worst, 1e-10, 300)


def _compression() -> Check:
    """The zero-padded matrix is a block of the circulant one of size n + 2r: r = 1, n = 4, general filter."""
    c = sp.symbols("c0:3", real=True)
    circulant = sp.Matrix(6, 6, lambda i, j: {0: c[1], 1: c[2], 5: c[0]}.get((j - i) % 6, 0))
    padded = sp.Matrix(4, 4, lambda i, j: c[j - i + 1] if abs(i - j) <= 1 else 0)
    return identity(
        "compression", "the zero-padded matrix is a block of the circulant one", list(circulant[1:5, 1:5] - padded)
    )


_CONVOLUTION_NORM = Theorem(
    key="kglm/section-3.3-convolution-norm",
    source=cite(_PAPER, "section 3.3 and section 4, after Sedghi et al. (2018)"),
    number="Section 3.3, convolutions",
    title="Spectral norm of a convolutional layer",
    hypotheses=("zero padding, as in appendix E", "filters of half-width r, n pixels along the axis"),
    printed=(
        "The spectral norm of a convolutional layer is the largest modulus of the Fourier transform of the "
        "filter on the n grid frequencies (exact)."
    ),
    standing=Standing.WRONG,
    corrected=(
        "That is the norm of the circular convolution.  For zero padding it can be too small; the transform on n "
        "+ 2r frequencies is an upper bound."
    ),
    proof=(
        "The zero-padded matrix is a block of the circulant matrix of size n + 2r, whose norm is the largest "
        "modulus of its symbol."
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, _compression),
        Probe(Kind.PROPERTY, partial(_embedding, True), partial(_embedding, False)),
    ),
    counterexample=Counterexample("filter (-1, 2, -1), three pixels", _too_low),
    remarks=(
        "For filters without negative values the printed norm is never too small: the symbol is largest at frequency 0."
    ),
)

THEOREMS = (_CHANNELS, _CONVOLUTION_NORM)
