"""The layers of convolutional equilibrium models: section 4 and appendix B of the DEQ-NTK paper (notation: `grids`)."""

from __future__ import annotations

from fractions import Fraction
from functools import partial

import numpy as np

from dekderive.citations import cite
from dekderive.theorems.evidence import agrees, exact
from dekderive.theorems.grids import SETTING, all_rows, pairs_of, row_sums, shifts, taps_of, unit_rows
from dekderive.theorems.theorem import Basis, Counterexample, Kind, Probe, Refutation, Standing, Theorem
from dekderive.verdict import Check

__all__ = ["THEOREMS"]

_PAPER = "feng2021deqntk"
# ---- the normalisation -----------------------------------------------------------------------------------------------


def _sums_differ() -> Refutation:
    sums = row_sums(5, 5, "printed")
    corner, inner, next_to_edge = sums[0, 0], sums[1, 1], sums[1, 2]
    return Refutation(
        corner != 1,
        f"with 1/(S S') under L the rows add up to {corner} in a corner, {inner} at pixel (1, 1) and "
        f"{next_to_edge} next to an edge",
        {"corner": float(corner), "pixel (1, 1)": float(inner), "next to an edge": float(next_to_edge)},
    )


def _variances(form: str) -> np.ndarray:
    """Fixed point of the variances on the 4 x 4 grid, (sigma_W^2, sigma_U^2) = (.35, .65), x = y."""
    taps = taps_of(4, 4)
    order = list(taps)
    matrix = np.zeros((16, 16))
    for i, p in enumerate(order):
        for m, _ in pairs_of(p, p, 4, 4):
            matrix[i, order.index(m)] = 1 / taps[p if form == "corrected" else m]
    return np.linalg.solve(np.eye(16) - 0.35 * matrix, 0.65 * matrix.sum(axis=1))


def _unit_variances(form: str) -> Check:
    worst = float(np.max(np.abs(_variances(form) - 1)))
    return agrees("variances", "Sigma*(x, x) = 1 at every pixel of the 4 x 4 grid", worst, 1e-12, 16, "pixels")


def _variances_differ() -> Refutation:
    values = np.unique(_variances("printed").round(9))
    text = ", ".join(f"{v:.3f}" for v in values)
    return Refutation(
        float(np.ptp(values)) > 0.1,
        f"the variances of the pixels tend to {text} instead of 1",
        {"smallest": float(values[0]), "largest": float(values[-1])},
        "floating point, with a margin",
    )


def _normalisation(
    key: str, number: str, title: str, printed: str, corrected: str, instance: Counterexample
) -> Theorem:
    return Theorem(
        key=f"deq-ntk/{key}",
        source=cite(_PAPER, number),
        number=number,
        title=title,
        hypotheses=SETTING,
        printed=printed,
        standing=Standing.WRONG,
        corrected=corrected,
        proof=(
            "The pair (p, p) collects S_p^2 pixels, so dividing by S_p^2 after the sum makes a row of "
            "coefficients that add "
            "up to 1; dividing the summands by their own S_m^2 does not.  For (p, p') the number of common "
            "displacements is "
            "at most the smaller of S_p^2 and S_p'^2, hence at most S_p S_p': rows sum to at most 1."
        ),
        basis=Basis.PROOF,
        probes=(
            Probe(Kind.CERTIFICATE, partial(unit_rows, "corrected"), partial(unit_rows, "printed")),
            Probe(Kind.CERTIFICATE, all_rows),
            Probe(Kind.PROPERTY, partial(_unit_variances, "corrected"), partial(_unit_variances, "printed")),
        ),
        counterexample=instance,
    )


_GRID = "5 x 5 grid, 3 x 3 filter"
_EQUATION_14 = _normalisation(
    "equation-14",
    "(14)",
    "Normalisation of the layers",
    "x^(h) = sigma(x~^(h))/S: each pixel is divided by its own S before the next convolution, which keeps "
    "all variances at 1.",
    "x~_p = (1/S_p) (W * x + U * x0)_p and x = sigma(x~): divide after the convolution, by the S of the "
    "pixel that collects.",
    Counterexample("4 x 4 grid, 3 x 3 filter, (sigma_W^2, sigma_U^2) = (.35, .65), x = y", _variances_differ),
)
_EQUATIONS_18_20 = _normalisation(
    "equations-18-20",
    "(18)-(20)",
    "The recursion of the tensors",
    "K = (sigma_W^2 E[ss'] + sigma_U^2 K0)/(S S') (18), dK likewise (19), and Sigma = Tr K over the window, "
    "that is L(K) (20).",
    "K = sigma_W^2 E[ss'] + sigma_U^2 K0 and dK = sigma_W^2 E[s's'] without S; Sigma_pp' = L(K)_pp' / (S_p S_p').",
    Counterexample(_GRID, _sums_differ),
)
_EQUATION_26 = _normalisation(
    "equation-26",
    "(26)",
    "The map of the correlations",
    "f(P) = L((sigma_W^2 E[ss'](P) + sigma_U^2 K0)/(S S')) keeps P_pp = 1 and contracts the maximum norm.",
    "f(P) = L(sigma_W^2 E[ss'](P) + sigma_U^2 K0)/(S S') keeps P_pp = 1 and contracts the maximum norm with "
    "modulus sigma_W^2.",
    Counterexample(_GRID, _sums_differ),
)


def _counted() -> Refutation:
    sums = row_sums(5, 5, "count")
    return Refutation(
        sums[2, 2] != 1,
        f"with S_p the number of pixels the rows add up to {sums[2, 2]} inside and {sums[0, 0]} in a corner",
        {"inside": float(sums[2, 2]), "corner": float(sums[0, 0])},
    )


_APPENDIX_B = Theorem(
    key="deq-ntk/appendix-b-normalisation",
    source=cite(_PAPER, "appendix B, first paragraph"),
    number="Appendix B",
    title="What S counts",
    hypotheses=SETTING,
    printed="S_p is the number of non-zero entries of the window at p.",
    standing=Standing.MISPRINT,
    corrected="S_p^2 is that number (as section 4 says).",
    proof="",
    basis=Basis.CHECKS,
    probes=(Probe(Kind.CERTIFICATE, partial(unit_rows, "corrected"), partial(unit_rows, "count")),),
    counterexample=Counterexample(_GRID, _counted),
)


# ---- (13), (15)-(17) -------------------------------------------------------------------------------------------------


def _padding(border: str) -> Check:
    """All filters of sizes 1, 3, 5 at all pixels of a 4 x 3 grid must lie in the padded array."""
    truth = True
    for size in (1, 3, 5):
        r = size // 2
        rows = 4 + (2 if border == "printed" else size - 1)
        reach = [i + a for i in range(4) for a in range(-r, r + 1)]
        offset = (rows - 4) // 2
        truth = truth and all(0 <= x + offset < rows for x in reach)
    return exact("padding", "every window lies in the padded array, q = 1, 3, 5", truth, f"border {border}")


def _reads_outside() -> Refutation:
    lowest = min(0 + a for a, _ in shifts(5))  # the rows are numbered from 0, the border of one row is row -1
    sentence = f"a 5 x 5 filter at row 0 reads row {lowest}; with a border of one row the padded array begins at row -1"
    return Refutation(lowest < -1, sentence, {"row read": float(lowest)})


_EQUATION_13 = Theorem(
    key="deq-ntk/equation-13",
    source=cite(_PAPER, "(13) and the initialisation"),
    number="(13)",
    title="Convolutional layer and its padding",
    hypotheses=SETTING,
    printed="The zero-padded array has (P + 2) x (Q + 2) entries; the injection is scaled by sigma_U/sqrt(C_h).",
    standing=Standing.MISPRINT,
    corrected="It has (P + q - 1) x (Q + q - 1) entries (the same if q = 3); the injection is scaled by sigma_U only.",
    proof="",
    basis=Basis.CHECKS,
    probes=(Probe(Kind.CERTIFICATE, partial(_padding, "corrected"), partial(_padding, "printed")),),
    counterexample=Counterexample("q = 5, first row", _reads_outside),
    remarks="The factor 1/sqrt(C_h) of the injection may come from the conversion of the text.",
)


def _first_covariance() -> Check:
    """Sigma^(0) = L(K0)/(SS') is 1 for x = y with pixels of norm 1, and (16) already divides after L."""
    sums = {s for size in ((1, 1), (3, 3), (4, 5)) for s in row_sums(*size, "corrected").values()}
    return exact("start", "Sigma^(0)(x, x)_pp = 1", sums == {Fraction(1)})


_EQUATIONS_15_17 = Theorem(
    key="deq-ntk/equations-15-17",
    source=cite(_PAPER, "(15)-(17)"),
    number="(15)-(17)",
    title="Inputs of the recursion",
    hypotheses=SETTING,
    printed=(
        "K0 = sum over channels of x (x) y (15); Sigma^(0) = L(K0)/(S S') (16); Lambda is the covariance of a "
        "pair of pixels (17)."
    ),
    standing=Standing.RIGHT,
    proof="",
    basis=Basis.CHECKS,
    probes=(Probe(Kind.CERTIFICATE, _first_covariance, partial(unit_rows, "printed")),),
    remarks="(16) divides after L, unlike (18)-(20).",
)

THEOREMS = (
    _EQUATION_13,
    _EQUATION_14,
    _EQUATIONS_15_17,
    _EQUATIONS_18_20,
    _EQUATION_26,
    _APPENDIX_B,
)
