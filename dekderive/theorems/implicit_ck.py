"""Equivalents of the conjugate and tangent kernels of implicit networks in high dimension (after Ling et al., 2024).

Only the abstract and the code of the paper were at hand: what is called printed is the abstract, or that code.
"""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np
import sympy as sp

from dekderive.citations import cite
from dekderive.theorems.evidence import agrees, identity
from dekderive.theorems.implicit_ck_model import Coefficients, Mixture, coefficients, draw, equivalent, kernels
from dekderive.theorems.implicit_ck_symbols import A4, FIRST, FP, G1, G2, SA, SB, SECOND, SETTING, TAU0, THIRD, D
from dekderive.theorems.theorem import Basis, Counterexample, Kind, Probe, Refutation, Standing, Theorem
from dekderive.update_maps.high_dimension import MOMENTS, STATE, implicit_scalars, layer_scalars
from dekderive.update_maps.high_dimension import SETTING as SETTING_SYMBOLS
from dekderive.verdict import Check

__all__ = ["THEOREMS"]

_PAPER = "ling2024deq"
_OPEN = (
    "derived by an entrywise expansion and standard norm bounds, not proved line by line: the error terms of "
    "the expansion are "
    "estimated, and the rate n^(-1/2) is measured"
)


# ---- the spectral statements -----------------------------------------------------------------------------------------


@lru_cache(maxsize=12)
def _sample(n: int, seed: int, sa: float) -> tuple[Mixture, Coefficients, np.ndarray, np.ndarray]:
    mixture = draw(n, seed)
    ck, ntk = kernels(mixture, sa, 1 - sa)
    return mixture, coefficients(sa, 1 - sa, mixture.norm), ck, ntk


def _error(n: int, kernel: str, form: str, sa: float) -> float:
    """Spectral norm of kernel - equivalent, averaged over three mixtures."""
    errors = []
    for seed in range(3):
        mixture, values, ck, ntk = _sample(n, seed, sa)
        exact, scalars = (ck, values.conjugate) if kernel == "CK" else (ntk, values.tangent)
        spectrum = np.linalg.eigvalsh(exact - equivalent(mixture, scalars, form))
        errors.append(max(-spectrum[0], spectrum[-1]))
    return float(np.mean(errors))


def _decays(kernel: str, form: str, sa: float = 0.2) -> Check:
    """The error at n = 600 over that at n = 150: 1/2 for the rate n^(-1/2), 1 for an error that stays."""
    ratio = _error(600, kernel, form, sa) / _error(150, kernel, form, sa)
    statement = f"the spectral error of the {kernel} equivalent ({form}) halves when n grows fourfold"
    return agrees(f"{kernel}, {form}", statement, ratio, 0.62, 6, "mixtures (ratio of errors)")


def _off_diagonal() -> Check:
    """Solve G = g1 lam + g2/4 A4^2 X + g2/2 lam^2, lam = sa G + sb S, X = chi chi', to second order in S and chi."""
    s, x, e = sp.symbols("S X e", real=True)
    g = e * (FIRST * s) + e**2 * (SECOND * x + THIRD * s**2)
    lam = SA * g + e * SB * s
    right = G1 * lam + e**2 * G2 / 4 * A4**2 * x + G2 / 2 * lam**2
    orders = sp.Poly(sp.expand(g - right), e)
    return identity(
        "coefficients",
        "a1, a2, a3 solve the expansion to second order",
        [sp.simplify(orders.coeff_monomial(e**k)) for k in (1, 2)],
    )


def _from_mehler(names: tuple[str, str, str], stated: tuple[sp.Expr, sp.Expr, sp.Expr]) -> Check:
    """The scalars as derived from Mehler's series and the heat equation, norms included, against those stated."""
    in_words = dict(zip(SETTING_SYMBOLS, (SA, SB, TAU0), strict=True))
    in_words |= {MOMENTS[0]: sp.sqrt(G1), MOMENTS[1]: sp.sqrt(G2), MOMENTS[3]: FP}
    derived = implicit_scalars()
    return identity(
        "Mehler",
        f"{', '.join(names)} are what Mehler's series and the heat equation give",
        [sp.cancel(derived[name].xreplace(in_words) - value) for name, value in zip(names, stated, strict=True)],
    )


_CONJUGATE = ("a1", "a2", "a3")
_TANGENT = ("b1", "b2", "b3")
_THETA = SA * G1 / D

_CK = Theorem(
    key="implicit-ck/ck-equivalent",
    source=cite(_PAPER, "abstract: implicit CK"),
    number="CK",
    title="Equivalent of the implicit conjugate kernel",
    hypotheses=SETTING,
    printed=(
        "The spectrum of the implicit CK depends on activation and variances through a system of four nonlinear "
        "equations only."
    ),
    standing=Standing.SHARPENED,
    corrected=(
        "|G - (a1 S + V C V' + (gamma^2 - tau0^2 a1) I)| = O(n^(-1/2 + e)) in spectral norm, V = [J/sqrt p, "
        "psi], C = [[a2 tt' + "
        "a3 T, a2 t], [a2 t', a2]], T_ab = tr(C_a C_b)/p, a1 = g1 sb/D, a2 = g2 A4^2/(4D), a3 = g2 "
        "A1^2/(2D), D = 1 - sa g1, "
        "A1 = sb/D, A4 = sb/(1 - sa F'), g1 = (E phi')^2, g2 = (E phi'')^2, F' = d/dq E phi(sqrt q xi)^2."
    ),
    proof="",
    basis=Basis.EVIDENCE,
    open_because=_OPEN,
    probes=(
        Probe(Kind.IDENTITY, _off_diagonal),
        Probe(
            Kind.IDENTITY,
            partial(_from_mehler, _CONJUGATE, (FIRST, SECOND, THIRD)),
            partial(_from_mehler, _CONJUGATE, (FIRST, THIRD / 2, THIRD)),
        ),
        Probe(Kind.SIMULATION, partial(_decays, "CK", "population"), partial(_decays, "CK", "fourth power")),
        Probe(Kind.SIMULATION, partial(_decays, "CK", "data"), partial(_decays, "CK", "centred")),
    ),
    remarks="'data' replaces class information: a1 S + a2 chi chi' + a3 offdiag(S o S), chi_i = |x_i|^2 - tau0^2.",
)


def _tangent_coefficients(factor: int) -> Check:
    """K = G/(1 - sa Gd), Gd = g1 + g2 lam, to second order in S: b1 = a1 (1 + th), b3 = a3 (1 + 3 th), th = sa g1/D."""
    s = sp.Symbol("S", real=True)
    theta = SA * G1 / D
    g = FIRST * s + THIRD * s**2
    lam = SA * g + SB * s
    series = sp.series(g / (1 - SA * (G1 + G2 * lam)), s, 0, 3).removeO()
    stated = FIRST * (1 + theta) * s + THIRD * (1 + factor * theta) * s**2
    return identity("coefficients", "b1 = a1 (1 + th) and b3 = a3 (1 + 3 th)", sp.simplify(sp.expand(series - stated)))


_NTK = Theorem(
    key="implicit-ck/ntk-equivalent",
    source=cite(_PAPER, "abstract: implicit NTK"),
    number="NTK",
    title="Equivalent of the implicit tangent kernel",
    hypotheses=SETTING,
    printed="The spectrum of the implicit NTK depends on activation and variances through such a system only.",
    standing=Standing.SHARPENED,
    corrected=(
        "For K = G/(1 - sa Gd) (recurrent weights and readout trained) the same form holds with b1 = a1 (1 + "
        "th), b2 = a2 (1 + "
        "th), b3 = a3 (1 + 3 th), th = sa g1/D, and the diagonal kappa^2 = gamma^2/(1 - sa E phi'^2)."
    ),
    proof="",
    basis=Basis.EVIDENCE,
    open_because=_OPEN,
    probes=(
        Probe(Kind.IDENTITY, partial(_tangent_coefficients, 3), partial(_tangent_coefficients, 1)),
        Probe(
            Kind.IDENTITY,
            partial(_from_mehler, _TANGENT, (FIRST * (1 + _THETA), SECOND * (1 + _THETA), THIRD * (1 + 3 * _THETA))),
            partial(_from_mehler, _TANGENT, (FIRST * (1 + _THETA), SECOND * (1 + 3 * _THETA), THIRD * (1 + _THETA))),
        ),
        Probe(Kind.SIMULATION, partial(_decays, "NTK", "population"), partial(_decays, "NTK", "fourth power")),
        Probe(Kind.SIMULATION, partial(_decays, "NTK", "data"), partial(_decays, "NTK", "centred")),
    ),
)


def _plateau(form: str) -> Refutation:
    right, wrong = (tuple(_error(n, "CK", f, 0.2) for n in (150, 600)) for f in ("population", form))
    return Refutation(
        wrong[1] > 2.5 * right[1] and wrong[1] > 0.7 * wrong[0],
        f"for ReLU (sa = .2) the spectral error is {wrong[0]:.3f} at n = 150 and {wrong[1]:.3f} at n = 600, "
        "where the correct form "
        f"has {right[0]:.3f} and {right[1]:.3f}",
        {"error at 600": wrong[1], "correct at 600": right[1]},
        "simulation, seeded",
    )


def _code_row(key: str, number: str, title: str, printed: str, corrected: str, form: str, remarks: str) -> Theorem:
    return Theorem(
        key=f"implicit-ck/{key}",
        source=cite(_PAPER, number),
        number="code",
        title=title,
        hypotheses=SETTING,
        printed=printed,
        standing=Standing.WRONG,
        corrected=corrected,
        proof="",
        basis=Basis.EVIDENCE,
        open_because=_OPEN,
        probes=(
            Probe(Kind.IDENTITY, _quadratic_term),
            Probe(Kind.SIMULATION, partial(_decays, "CK", "population"), partial(_decays, "CK", form)),
        ),
        counterexample=Counterexample(
            "two classes, p = 1.25 n, relu, sa = .2, sb = .8, three seeds", partial(_plateau, form)
        ),
        remarks=remarks,
    )


def _quadratic_term() -> Check:
    """Second moment of S_ij between centred classes: that of sum_k z_k w_k / p, for three coordinates."""
    c, d = sp.symbols("c1:4", positive=True), sp.symbols("d1:4", positive=True)
    z, w = sp.symbols("z1:4", real=True), sp.symbols("w1:4", real=True)
    product = sp.expand(sum(a * b for a, b in zip(z, w, strict=True)) ** 2)
    moments = product.subs({a**2: v for a, v in zip((*z, *w), (*c, *d), strict=True)}).subs(dict.fromkeys((*z, *w), 0))
    return identity(
        "second moment",
        "E S_ij^2 = tr(C_a C_b)/p^2, uncentred",
        sp.expand(moments - sum(a * b for a, b in zip(c, d, strict=True))),
    )


_FOURTH_POWER = _code_row(
    "code-fourth-power",
    "reference code of an explicit predecessor, subtracting tau0^4 a3",
    "The diagonal of the equivalent",
    "The diagonal is gamma^2 - tau0^2 a1 - tau0^4 a3 next to V C V'.",
    "It is gamma^2 - tau0^2 a1: S o S = J T J'/p + tau0^4 I, and the last term cancels when the equivalent has V C V'.",
    "fourth power",
    "Its diagonal entries alone are off by tau0^4 a3 in the limit.  The code of Ling et al. multiplies the term by 0.",
)
_CENTRED = _code_row(
    "code-centred-traces",
    "its published code, T",
    "The traces of the equivalent",
    "T_ab is the trace of the product of the centred covariances, over p.",
    "T_ab = tr(C_a C_b)/p, uncentred: E S_ij^2 = tr(C_a C_b)/p^2.",
    "centred",
    "It is harmless only for activations with E phi'' = 0 (odd ones), where a3 = 0, and after projecting the mean out.",
)


# ---- explicit networks ----------------------------------------------------------------------------------------------


def _layers(cross: int) -> Check:
    """With L = a1 S + a3 S^2: CK' = g1 L + g2/2 L^2 and NTK' = CK' + NTK (g1 + g2 L), to order S^2."""
    s, a1, a3, b1, b3 = sp.symbols("S a1 a3 b1 b3", real=True)
    layer = a1 * s + a3 * s**2
    ck = sp.expand(G1 * layer + G2 / 2 * layer**2)
    ntk = sp.expand(ck + (b1 * s + b3 * s**2) * (G1 + G2 * layer))
    stated = {
        (0, 1): G1 * a1, (0, 2): G1 * a3 + G2 * a1**2 / 2,
        (1, 1): G1 * a1 + G1 * b1, (1, 2): G1 * a3 + G2 * a1**2 / 2 + G1 * b3 + cross * G2 * a1 * b1,
    }  # fmt: skip
    differences = [sp.expand((ck, ntk)[which].coeff(s, k) - value) for (which, k), value in stated.items()]
    return identity("recursion", "a3' = g1 a3 + g2 a1^2/2, b3' = a3' + g1 b3 + g2 a1 b1", differences)


def _layer_from_mehler(share: sp.Expr) -> Check:
    """The coefficients of the norms and the diagonal, from Mehler's series: a4 is the slope of the variance."""
    _, a2, _, a4, _, b2, _, kappa_squared = STATE
    m1, m2, second, second_slope, slope_second = MOMENTS
    derived = layer_scalars()
    following = m1**2 * a2 + share * m2**2 * a4**2
    return identity(
        "norms",
        "a2' = g1 a2 + g2 a4^2/4, b2' = a2' + g1 b2, a4' = F' a4, kappa'^2 = tau'^2 + kappa^2 E sigma'^2",
        [
            sp.expand(derived["a2"] - following),
            sp.expand(derived["b2"] - following - m1**2 * b2),
            sp.expand(derived["a4"] - second_slope * a4),
            sp.expand(derived["kappa_squared"] - second - kappa_squared * slope_second),
        ],
    )


_EXPLICIT = Theorem(
    key="implicit-ck/explicit-recursion",
    source=cite(_PAPER, "explicit networks"),
    number="Explicit networks",
    title="Coefficients of explicit networks, layer by layer",
    hypotheses=SETTING[:1],
    printed="",
    standing=Standing.NEW,
    corrected=(
        "a1' = g1 a1, a2' = g1 a2 + g2 a4^2/4, a3' = g1 a3 + g2 a1^2/2, a4' = F' a4; b1' = a1' + g1 b1, b2' "
        "= a2' + g1 b2, b3' = "
        "a3' + g1 b3 + g2 a1 b1, kappa'^2 = tau'^2 + kappa^2 E sigma'^2, from a1 = a4 = b1 = 1 and zeros; "
        "the equivalents hold with them."
    ),
    proof="",
    basis=Basis.EVIDENCE,
    open_because=_OPEN,
    probes=(
        Probe(Kind.IDENTITY, partial(_layers, 1), partial(_layers, 0)),
        Probe(
            Kind.IDENTITY,
            partial(_layer_from_mehler, sp.Rational(1, 4)),
            partial(_layer_from_mehler, sp.Rational(1, 2)),
        ),
        Probe(Kind.SIMULATION, partial(_decays, "CK", "population", 0.0), partial(_decays, "CK", "fourth power", 0.0)),
    ),
)

THEOREMS = (_CK, _NTK, _FOURTH_POWER, _CENTRED, _EXPLICIT)
