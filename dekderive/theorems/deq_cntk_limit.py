"""The tangent kernel of convolutional equilibrium models: Theorem 3 and appendix B of the DEQ-NTK paper."""

from __future__ import annotations

from fractions import Fraction
from functools import partial

import numpy as np
import sympy as sp

from dekderive.citations import cite
from dekderive.theorems.arc_cosine import conjugate, tangent
from dekderive.theorems.evidence import agrees, exact, identity
from dekderive.theorems.grids import SETTING, Pixel, all_rows, pairs_of, pixels, taps_of, unit_rows
from dekderive.theorems.theorem import Basis, Counterexample, Kind, Probe, Refutation, Standing, Theorem
from dekderive.verdict import Check

__all__ = ["THEOREMS"]

_PAPER = "feng2021deqntk"


# ---- theorem 3 -------------------------------------------------------------------------------------------------------


def _readouts() -> Check:
    """Entry by entry Phi = w k0 T + w k1 + u K0, T the pre-activation kernel; the readout has the kernel k1 + k0 T."""
    w, u, k0, k1, t, inner = sp.symbols("w u k0 k1 T K0", real=True)
    phi = w * k0 * t + w * k1 + u * inner
    readout = k1 + k0 * t
    return identity(
        "readout", "Tr Phi = sigma_W^2 (readout kernel) + sigma_U^2 Tr K0", sp.expand(phi - w * readout - u * inner)
    )


def _one_pixel(form: str) -> Check:
    """A single pixel, x = y: T = 1/(1 - w); the readout <W, x> has 1 + T, the trace of (21) is 1/(1 - w)."""
    w = sp.Symbol("w", positive=True)
    t = 1 / (1 - w)
    trace = w * t + w + (1 - w)
    stated = trace if form == "printed" else (trace - (1 - w)) / w
    direct = conjugate(sp.Integer(1)) + tangent(sp.Integer(1)) * t
    return identity("one pixel", "(Tr - sigma_U^2)/sigma_W^2 = E[ss'] + E[s's'] T", sp.simplify(stated - direct))


def _trace_is_not_the_kernel() -> Refutation:
    w = Fraction(65, 100)
    trace, readout = 1 / (1 - w), 1 + 1 / (1 - w)
    return Refutation(
        trace != readout,
        f"(21) is {float(trace):.4f} and the tangent kernel of the readout <W, x^(L)> is {float(readout):.4f}",
        {"(21)": float(trace), "readout": float(readout)},
    )


def _trace_by_displacement() -> Check:
    """L maps entries of one displacement p' - p to entries of the same one: the trace needs displacement 0 only."""
    truth = True
    for p in pixels(3, 4):
        for q in pixels(3, 4):
            moves = {(n[0] - m[0], n[1] - m[1]) for m, n in pairs_of(p, q, 3, 4)}
            truth = truth and moves <= {(q[0] - p[0], q[1] - p[1])}
    return exact("displacements", "L mixes no displacements (3 x 4 grid, all pairs)", truth, "enumeration")


def _full_tensor(form: str) -> Check:
    """Solve (21), divided after L, on a 3 x 3 grid: the whole tensor against displacement 0 alone."""
    rng = np.random.default_rng(20)
    taps = taps_of(3, 3)
    pairs = [(p, q) for p in taps for q in taps]
    k0, k = rng.uniform(0, 0.65, len(pairs)), rng.uniform(-1, 1, len(pairs))

    def solve(chosen: list[int]) -> dict[tuple[Pixel, Pixel], float]:
        place = {pairs[i]: j for j, i in enumerate(chosen)}
        matrix = np.zeros((len(chosen), len(chosen)))
        for i in chosen:
            p, q = pairs[i]
            for pair in pairs_of(p, q, 3, 3):
                if pair in place:
                    matrix[place[pairs[i]], place[pair]] += k0[i] / np.sqrt(taps[p] * taps[q])
        values = np.linalg.solve(np.eye(len(chosen)) - matrix, k[chosen])
        return {pairs[i]: float(v) for i, v in zip(chosen, values, strict=True)}

    everything = list(range(len(pairs)))
    some = [i for i, (p, q) in enumerate(pairs) if p == q or (form == "printed" and p[0] == q[0])]
    if form == "printed":
        some = some[::2]
    whole, part = solve(everything), solve(some)
    worst = max(abs(whole[pair] - value) for pair, value in part.items())
    return agrees(
        "trace",
        "displacement 0 of the whole system and of its own 9 equations agree",
        worst,
        1e-12,
        len(part),
        "entries",
    )


_THEOREM_3 = Theorem(
    key="deq-ntk/theorem-3",
    source=cite(_PAPER, "Theorem 3, (21)"),
    number="Theorem 3, (21)",
    title="Tangent kernel of the convolutional equilibrium model",
    hypotheses=SETTING,
    printed="The tangent kernel solves Theta* = dK* L(Theta*) + K* (21); the limit exists if sigma_W^2 < 1.",
    standing=Standing.WRONG,
    corrected=(
        "With K and dK undivided, Phi = dK T + K and T = L(Phi)/(S S') has one solution.  T is the kernel "
        "tensor of the "
        "pre-activations; the kernel of the stated readout <W, x^(L)> is (Tr Phi - sigma_U^2 Tr K0)/sigma_W^2."
    ),
    proof=(
        "Chain rule: a layer adds K to dK times the kernel below, and the convolution applies L/(S S').  The "
        "rows of L/(S S') "
        "sum to at most 1 and 0 <= dK <= sigma_W^2: a contraction in the maximum norm.  The readout adds its "
        "own gradient "
        "E[ss'] to E[s's'] T, pixel by pixel, so it is Tr(E[ss'] + E[s's'] T)."
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, _readouts),
        Probe(Kind.IDENTITY, partial(_one_pixel, "corrected"), partial(_one_pixel, "printed")),
        Probe(Kind.CERTIFICATE, all_rows),
    ),
    counterexample=Counterexample("one pixel, x = y, sigma_W^2 = .65", _trace_is_not_the_kernel),
    remarks="The theorem also omits the final trace: (21) is a tensor, not a number.",
)


def _unrolled(form: str) -> Check:
    """Scalar case: (22), (23) unrolled give Theta^(L+1) = dK^(L+1) Theta^(L) + K^(L+1); the print has K^(h+1)."""
    k, dots = sp.symbols("K0:5", real=True), sp.symbols("D0:5", real=True)
    theta = [k[0]]
    for depth in range(4):
        theta.append(dots[depth + 1] * theta[depth] + k[depth + 1])
    depth, h = 3, 0
    last = k[depth + 1] if form == "corrected" else k[h + 1]
    return identity(
        "recursion",
        "Theta^(L+1) = dK^(L+1) L(Theta^(L)) + K^(L+1)",
        theta[depth + 1] - dots[depth + 1] * theta[depth] - last,
    )


def _wrong_layer() -> Refutation:
    k = (0, 1, 2)
    theta = [k[0]]
    for layer in (1, 2):
        theta.append(0 * theta[-1] + k[layer])
    printed = 0 * theta[1] + k[1]
    return Refutation(
        theta[2] != printed,
        f"unrolling gives Theta^(2) = {theta[2]}, the display {printed}",
        {"unrolled": float(theta[2]), "printed": float(printed)},
    )


_EQUATION_24 = Theorem(
    key="deq-ntk/equation-24",
    source=cite(_PAPER, "(24)"),
    number="(24)",
    title="The recursion in depth",
    hypotheses=SETTING,
    printed="Theta^(L+1) = dK^(L+1) L(Theta^(L)) + K^(h+1).",
    standing=Standing.MISPRINT,
    corrected="Theta^(L+1) = dK^(L+1) L(Theta^(L)) + K^(L+1).",
    proof="",
    basis=Basis.CHECKS,
    probes=(Probe(Kind.IDENTITY, partial(_unrolled, "corrected"), partial(_unrolled, "printed")),),
    counterexample=Counterexample("one pixel, h = 0, L = 1, Theta^(0) = 0, dK = 0, K^(1) = 1, K^(2) = 2", _wrong_layer),
)

_EQUATIONS_22_23 = Theorem(
    key="deq-ntk/equations-22-23",
    source=cite(_PAPER, "(22), (23)"),
    number="(22)-(23)",
    title="Finite depth",
    hypotheses=SETTING,
    printed="Theta^(h) = L(dK^(h) Theta^(h-1) + K^(h)) for h < L, the last one without L; then the trace.",
    standing=Standing.RIGHT,
    proof="Chain rule, layer by layer.  With the corrected normalisation L is to be read as L/(S S').",
    basis=Basis.PROOF,
    probes=(Probe(Kind.IDENTITY, partial(_unrolled, "corrected"), partial(_unrolled, "printed")),),
)


def _sup_norm() -> Check:
    """Weights a, b >= 0 with a + b <= 1 and errors y <= x: the weighted sum is at most x."""
    a, b, w, x, y = sp.symbols("a b w x y", positive=True)
    gap = w * x - w * (a * x + b * y)
    statement = "w x - w (a x + b y) = w ((1 - a - b) x + b (x - y)) >= 0"
    return identity("rows", statement, sp.expand(gap - w * ((1 - a - b) * x + b * (x - y))))


_EQUATION_25 = Theorem(
    key="deq-ntk/equation-25",
    source=cite(_PAPER, "(25)"),
    number="(25)",
    title="Iteration of the correlations",
    hypotheses=SETTING,
    printed="Iterating (17)-(20) is iterating P -> f(P) from P^(0) = K^(0).",
    standing=Standing.SHARPENED,
    corrected=(
        "It is; and with the division after L (see (26)) f contracts the maximum norm with modulus sigma_W^2, "
        "from any start."
    ),
    proof=(
        "Entrywise |R(P) - R(P')| <= sigma_W^2 |P - P'| by Theorem 2, and averaging with weights that sum to at "
        "most 1 does not increase the maximum."
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, _sup_norm),
        Probe(Kind.CERTIFICATE, all_rows),
        Probe(Kind.CERTIFICATE, partial(unit_rows, "corrected"), partial(unit_rows, "printed")),
    ),
)


# ---- remarks on the computation --------------------------------------------------------------------------------------


def _iterations(weight: float) -> int:
    """Iterations until Sigma is within 1e-6 of its limit, at the worst of 401 inputs on the sphere (one pixel)."""
    s = np.linspace(-1, 1, 401)

    def step(r: np.ndarray) -> np.ndarray:
        angle = np.arccos(np.clip(r, -1, 1))
        return weight * (np.sin(angle) + (np.pi - angle) * r) / np.pi + (1 - weight) * s

    limit = s
    for _ in range(600):
        limit = step(limit)
    r, count = s, 0
    while np.max(np.abs(r - limit)) > 1e-6:
        r, count = step(r), count + 1
    return count


def _certain(weight: float, allowed: int) -> Check:
    needed = _iterations(weight)
    return exact(
        "enough", f"{allowed} iterations reach 1e-6 for sigma_W^2 = {weight}", needed <= allowed, f"{needed} are needed"
    )


def _rate() -> Check:
    """2 w^L <= 1e-6 at w = 13/20, L = 34, in exact arithmetic."""
    bound = 2 * Fraction(13, 20) ** 34
    return exact("bound", "2 (.65)^34 <= 1e-6", bound <= Fraction(1, 10**6), f"{float(bound):.3g}")


def _too_few() -> Refutation:
    needed = _iterations(0.65)
    return Refutation(
        needed > 15, f"{needed} steps are needed", {"steps": float(needed)}, "floating point, with a margin"
    )


_ITERATIONS = Theorem(
    key="deq-ntk/appendix-b.1-iterations",
    source=cite(_PAPER, "appendix B.1"),
    number="Appendix B.1, iterations",
    title="How many iterations",
    hypotheses=SETTING,
    printed="In the experiments (sigma_W^2 = .65) the iteration reaches 1e-6 within 15 steps.",
    standing=Standing.WRONG,
    corrected=(
        "At sigma_W^2 = .65, 17 steps are needed for some inputs, and 34 certainly suffice, because the error is "
        "at most 2 sigma_W^(2L)."
    ),
    proof=(
        "Theorem 2 (and (25) for images) gives |Sigma^(L) - Sigma*| <= sigma_W^(2L) |Sigma^(0) - Sigma*| <= 2 "
        "sigma_W^(2L)."
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.CERTIFICATE, _rate),
        Probe(Kind.CERTIFICATE, partial(_certain, 0.65, 34), partial(_certain, 0.65, 15)),
    ),
    counterexample=Counterexample("one pixel, sigma_W^2 = .65, the worst of 401 values of x'y", _too_few),
    remarks="Steps needed for other sigma_W^2: 6 (.25), 15 (.6), 29 (.8), 53 (.9).",
)


def _closed_under_reading() -> Refutation:
    """Collect the unknowns that the trace reads, directly or through L."""
    needed: set[tuple[Pixel, Pixel]] = set()
    pending = [(p, p) for p in pixels(3, 3)]
    while pending:
        pair = pending.pop()
        if pair not in needed:
            needed.add(pair)
            pending += pairs_of(*pair, 3, 3)
    everything = len(pixels(3, 3)) ** 2
    return Refutation(
        len(needed) < everything,
        f"the trace reads {len(needed)} unknowns, directly or through L, not {everything}",
        {"unknowns": float(len(needed)), "printed": float(everything)},
    )


_UNKNOWNS = Theorem(
    key="deq-ntk/appendix-b.1-size",
    source=cite(_PAPER, "appendix B.1"),
    number="Appendix B.1, size",
    title="Size of the linear system",
    hypotheses=SETTING,
    printed="Even if entries on the same diagonal only depend on each other, the system has P Q P Q unknowns (32^4).",
    standing=Standing.WRONG,
    corrected="The trace needs displacement 0 only: P Q unknowns.  (Global average pooling needs all displacements.)",
    proof=(
        "L adds pairs (p + d, p' + d): it leaves p' - p unchanged, so the equations of different displacements "
        "are independent."
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.CERTIFICATE, _trace_by_displacement),
        Probe(Kind.PROPERTY, partial(_full_tensor, "corrected"), partial(_full_tensor, "printed")),
    ),
    counterexample=Counterexample("3 x 3 grid", _closed_under_reading),
)

THEOREMS = (
    _THEOREM_3,
    _EQUATIONS_22_23,
    _EQUATION_24,
    _EQUATION_25,
    _ITERATIONS,
    _UNKNOWNS,
)
