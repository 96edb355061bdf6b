"""The deep equilibrium kernel of general links: the limit theorem, and when its recursion has one fixed point."""

from __future__ import annotations

from functools import partial

import numpy as np
import sympy as sp

from dekderive.citations import cite
from dekderive.theorems.deker_model import LINKS, RECTIFIED, Link, Pairs, bures, draw_pairs, step
from dekderive.theorems.evidence import agrees, identity
from dekderive.theorems.theorem import Basis, Counterexample, Kind, Probe, Refutation, Standing, Theorem
from dekderive.verdict import Check

__all__ = ["THEOREMS"]

_PAPER = "tsuchida2023deker"
_LAM, _A_STEP = sp.Symbol("lam", positive=True), sp.Symbol("a", positive=True)


# ---- theorem 1: the limit --------------------------------------------------------------------------------------------


def _cancelled_prior() -> Check:
    """Psi - alpha grad: the step alpha = a sqrt(d/m)/lam against the prior lam sqrt(m/d) |psi|^2/2 and 1/d V'(...)."""
    d, m, psi, vb = sp.symbols("d m psi vb", positive=True)
    alpha = _A_STEP * sp.sqrt(d / m) / _LAM
    gradient = -vb / d + _LAM * sp.sqrt(m / d) * psi
    stated = (1 - _A_STEP) * psi + _A_STEP / (_LAM * sp.sqrt(m * d)) * vb
    return identity(
        "step", "psi - alpha grad J = (1-a) psi + a/(lam sqrt(md)) V'b", sp.simplify(psi - alpha * gradient - stated)
    )


def _effective_regularisation(exponent: int) -> Check:
    """Fixed points of k = (1-a)^2 k + a^2 M/lam^2 are those of k = M/lam_eff^2, lam_eff^2 = lam^2 (2-a)/a."""
    k, m = sp.symbols("k M", positive=True)
    solution = sp.solve(k - (1 - _A_STEP) ** 2 * k - _A_STEP**2 * m / _LAM**2, k)[0]
    effective = _LAM**2 * ((2 - _A_STEP) / _A_STEP) ** exponent
    return identity("step size", "lam_eff^2 = lam^2 (2 - a)/a", sp.simplify(solution - m / effective))


def _stein() -> Check:
    """E[Z f(qZ)] = q E[f'(qZ)] for the links z^j, j = 1..4, from the moments 1, 0, 1, 0, 3, 0, 15 of Z."""
    q = sp.Symbol("q", positive=True)
    moment = {0: 1, 1: 0, 2: 1, 3: 0, 4: 3, 5: 0, 6: 15}
    differences = [q**j * moment[j + 1] - q * j * q ** (j - 1) * moment[j - 1] for j in range(1, 5)]
    return identity("Stein", "E[Z f(qZ)] = q E f'(qZ)", differences)


_PROBABILITY = np.array([0.2, 0.7])
_GRAM = np.array([[1.0, 0.5], [0.5, 4.0]])


def _simulated_steps(ratio: float, repetitions: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Gram matrices after one step, and inner products with the start; exact in law, 40 000 observations each.

    V enters through V E, E a basis of the span of the iterates, and through an independent part with a Wishart law.
    """
    rng = np.random.default_rng(seed)
    d = 40_000
    m = d / ratio
    root = np.linalg.cholesky(_GRAM).T
    grams, crosses = [], []
    for _ in range(repetitions):
        gaussians = rng.standard_normal((d, 2))
        u = gaussians @ root
        b = (rng.random((d, 1)) < _PROBABILITY) * (u > 0) - np.maximum(u, 0)
        inside = gaussians.T @ b / np.sqrt(m * d)
        scatter = np.linalg.cholesky(b.T @ b)
        lower = np.tril(rng.standard_normal((2, 2)), -1)
        lower[np.diag_indices(2)] = np.sqrt(rng.chisquare(m - 2 - np.arange(2)))
        fresh = scatter @ lower
        grams.append(inside.T @ inside + fresh @ fresh.T / (m * d))
        crosses.append(root.T @ inside)
    return np.array(grams), np.array(crosses)


def _one_step(form: str) -> Check:
    """The limit theorem with gamma = 1/2, a = lam = 1, Gaussian family, R = relu, T_j = 1[U < p_j]."""
    ratio, q = 0.5, np.sqrt(np.diag(_GRAM))
    k = Pairs(*(np.array([v]) for v in (_GRAM[0, 0], _GRAM[1, 1], _GRAM[0, 1])))
    c = Pairs(*(np.array([v]) for v in (0.2, 0.7, 0.2)))
    moved = step(RECTIFIED, k, c, *_PROBABILITY, swapped=form == "swapped")
    target = np.array([[moved.xx[0], moved.xy[0]], [moved.xy[0], moved.yy[0]]])
    drift = np.sqrt(ratio) * (_PROBABILITY / np.sqrt(2 * np.pi) - q / 2) / q
    if form != "without drift":
        target = target + drift[:, None] * _GRAM * drift
    grams, crosses = _simulated_steps(ratio, 24, 41)
    scores = []
    for sample, expected in ((grams, target), (crosses, _GRAM * drift)):
        scores.append(np.abs(sample.mean(axis=0) - expected) / (sample.std(axis=0, ddof=1) / np.sqrt(24)))
    worst = float(np.max(scores))
    return agrees(
        "one step",
        "K_1 and Psi_0'Psi_1 at 40 000 observations, 24 repetitions",
        worst,
        5.0,
        7,
        "entries (standard errors)",
    )


_LIMIT = (
    "rho and sigma in L^4 of the Gaussians that occur, and E[f(u) g(u')] continuous at K_t",
    "V_t fresh, independent, standard normal",
    "(1/d) sum T T' -> C, (1/d) sum T -> mu, sum T^4 = o(d^2)",
    "Psi_0'Psi_0 -> K_0; d, m -> oo, d/m -> gamma in [0, oo)",
)

_THEOREM_1 = Theorem(
    key="deker/theorem-1",
    source=cite(_PAPER, "generalises its Theorem 4"),
    number="Theorem 1",
    title="The deterministic limit of stochastic gradient steps on features",
    hypotheses=_LIMIT,
    printed="",
    standing=Standing.NEW,
    corrected=(
        "With step size a sqrt(d/m)/lam, Psi_t'Psi_t -> K_t in probability for every fixed t, where K_(t+1) "
        "= D K_t D + "
        "(a/lam)^2 M(K_t), M_jk = C_jk E[rho rho'] - mu_j E[rho sigma'] - mu_k E[sigma rho'] + E[sigma "
        "sigma'], D = diag(1 - "
        "a + a sqrt(gamma) beta_j), beta_j = E[Z (mu_j rho - sigma)(q_j Z)]/(lam q_j); and Psi_s'Psi_(t+1) "
        "-> K_(s,t) D.  For "
        "m >> d and a = 1 distinct iterates are asymptotically orthogonal; for m >> d and 0 < a < 2 the "
        "fixed points are "
        "those of a = 1 with lam^2 (2 - a)/a."
    ),
    proof=(
        "Let E be an orthonormal basis of the span of all past iterates, r <= n(t+1) columns, independent of "
        "V_t.  Z = V_t E "
        "has standard normal entries, V_t E_perp is independent of it.  B = (b(x_1) .. b(x_n)) is a function "
        "of U = Z E'Psi_t "
        "and T.  Hence exactly Psi_(t+1)'Psi_(t+1) = X'X + (a/lam)^2 W/(md), X = (1-a) E'Psi_t + a/(lam "
        "sqrt(md)) Z'B, and W "
        "given Z is Wishart_n(m - r, B'B).  Now (i) B'B/d -> M: its conditional mean is M with the empirical "
        "C and mu, its "
        "variance at most (8/d^2) sum (T^4 + 1) max(E rho^4, E sigma^4); (ii) Var W_jk/(md)^2 <= (S_jj S_kk "
        "+ S_jk^2)/m with S "
        "= B'B/d; (iii) Z'B/sqrt(md) = sqrt(d/m) (1/d) sum Z_i b_i' -> sqrt(gamma) E[Z b(U)], and with U_j = "
        "l_j.Z, |l_j| = "
        "q_j, E[Z b_j] = l_j E[z b_j(q_j z)]/q_j.  So X -> (E'Psi_t) D.  Induct over t by continuity of M; "
        "Psi_s lies in the "
        "span of E, which gives the cross products.  QED"
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, _cancelled_prior),
        Probe(Kind.IDENTITY, partial(_effective_regularisation, 1), partial(_effective_regularisation, -1)),
        Probe(Kind.IDENTITY, _stein),
        Probe(Kind.SIMULATION, partial(_one_step, "true"), partial(_one_step, "without drift")),
    ),
    remarks=(
        "The paper's regime m >> d is gamma = 0; its abstract's claim (deterministic inner products of any two "
        "iterates) follows."
    ),
)


# ---- the mixed terms -------------------------------------------------------------------------------------------------


def _swap() -> Check:
    """The difference of the two pairings for relu: (1 + r)(mu - mu')(q - q')/(2 sqrt(2 pi))."""
    r, m, n, p, q = sp.symbols("r mu nu p q", real=True)  # means mu, nu; standard deviations p, q
    mixed = (1 + r) / (2 * sp.sqrt(2 * sp.pi))
    right, wrong = mixed * (m * q + n * p), mixed * (m * p + n * q)
    return identity(
        "pairing",
        "code - correct = (1+r)(mu - mu')(q - q')/(2 sqrt(2 pi))",
        sp.expand(wrong - right - mixed * (m - n) * (p - q)),
    )


def _not_a_covariance() -> Refutation:
    """Lam = 1, features relu(w.x): c = |x||x'| kappa, mu = |x|/sqrt(2 pi); |x| = 1/2 and 5, at 60 degrees."""
    p, q, angle = 0.5, 5.0, np.pi / 3
    means = (p / np.sqrt(2 * np.pi), q / np.sqrt(2 * np.pi))
    cross = p * q * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2 * np.pi)
    second = Pairs(np.array([p * p / 2]), np.array([q * q / 2]), np.array([cross]))
    k = Pairs(np.array([p * p]), np.array([q * q]), np.array([p * q * 0.5]))
    values = [step(RECTIFIED, k, second, *means, swapped=swapped) for swapped in (True, False)]
    bound = float(np.sqrt(values[0].xx * values[0].yy)[0])
    wrong, right = (float(v.xy[0]) for v in values)
    return Refutation(
        abs(wrong) > bound > abs(right),
        f"one step makes the off-diagonal entry {wrong:.4f}, larger in modulus than the geometric mean "
        f"{bound:.4f} of the "
        f"diagonal entries: no covariance; the correct pairing gives {right:.4f}",
        {"entry": wrong, "bound": bound, "correct entry": right},
        "floating point, with a margin",
    )


_PAIRING = Theorem(
    key="deker/mean-terms",
    source=cite(_PAPER, "its published code, DEK.g12"),
    number="code",
    title="Which mean meets which expectation",
    hypotheses=_LIMIT,
    printed="The update subtracts mu(x) E[sigma(u) rho(u')] + mu(x') E[rho(u) sigma(u')].",
    standing=Standing.WRONG,
    corrected="mu(x) multiplies E[rho(u) sigma(u')]: the statistic of x is attached to the slope at x.",
    proof=(
        "b = T rho(u) - sigma(u), so E[b b'] = c E[rho rho'] - mu E[rho sigma'] - mu' E[sigma rho'] + E[sigma sigma']."
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, _swap),
        Probe(Kind.SIMULATION, partial(_one_step, "true"), partial(_one_step, "swapped")),
    ),
    counterexample=Counterexample(
        "R = relu, ReLU features, |x| = 1/2, |x'| = 5 at 60 degrees, lam = 1, K_0 = X X'", _not_a_covariance
    ),
    remarks=(
        "Correct for equal norms, where the two pairings agree.  This is a slip of the code, not of the paper's "
        "formula as far as we know."
    ),
)


# ---- theorem A -------------------------------------------------------------------------------------------------------


def _quadratic_form() -> Check:
    """E_T |T x - y|^2 = c x^2 - 2 mu x y + y^2 for a statistic with two values."""
    p, t, s, x, y = sp.symbols("p t s x y", real=True)
    average = p * (t * x - y) ** 2 + (1 - p) * (s * x - y) ** 2
    c, mu = p * t**2 + (1 - p) * s**2, p * t + (1 - p) * s
    return identity(
        "second moments",
        "E|T x - y|^2 = c x^2 - 2 mu x y + y^2",
        sp.expand(average - (c * x**2 - 2 * mu * x * y + y**2)),
    )


def _bures_formula() -> Check:
    """Tr (A^(1/2) B A^(1/2))^(1/2) for 2 x 2: its square is the trace of AB plus twice the root of the determinants."""
    s, t = sp.symbols("s t", positive=True)  # eigenvalues of AB
    return identity(
        "2 x 2",
        "(sqrt s + sqrt t)^2 = s + t + 2 sqrt(st)",
        sp.expand((sp.sqrt(s) + sp.sqrt(t)) ** 2 - s - t - 2 * sp.sqrt(s * t)),
    )


def _spread(link: Link, c: float, mean: float, u: np.ndarray) -> np.ndarray:
    assert link.slope_derivative is not None
    assert link.activation_derivative is not None
    rho, sigma = link.slope_derivative(u), link.activation_derivative(u)
    return np.asarray(c * rho**2 - 2 * mean * rho * sigma + sigma**2)


def _lipschitz(averaged: bool, factor: float) -> Check:
    """Bures-Wasserstein distances after a step with lam = 1 against L (or its averaged form) times those before."""
    rng = np.random.default_rng(51)
    worst, count, largest = -np.inf, 0, 4.0
    nodes = np.linspace(-12, 12, 2401)
    weights = np.exp(-(nodes**2) / 2) / np.exp(-(nodes**2) / 2).sum()
    for link in LINKS:
        for _ in range(3):
            mean = rng.uniform(-1, 1)
            c = mean**2 + rng.random()
            if averaged:
                rows = [
                    (weights * s, nodes) for s in (_spread(link, c, mean, q * nodes) for q in np.linspace(0, 2, 81))
                ]
                bound = max(max(float(w.sum()), float((w * n**2).sum())) for w, n in rows) ** 0.5
            else:
                bound = float(np.sqrt(_spread(link, c, mean, np.linspace(-8, 8, 4001)).max()))
            second = Pairs(np.full(40, c), np.full(40, c), np.full(40, mean**2 + (c - mean**2) * rng.uniform(-1, 1)))
            a, b = draw_pairs(rng, 40, largest), draw_pairs(rng, 40, largest)
            before = bures(a, b)
            after = bures(step(link, a, second, mean, mean), step(link, b, second, mean, mean))
            worst = max(worst, float(np.max(after / (bound * before))) - factor)
            count += 40
    return agrees("Bures-Wasserstein", f"d(G(K), G(K')) <= {factor:g} L d(K, K')", worst, 1e-6, count, "pairs")


def _no_constant() -> Check:
    """Slope step, activation relu: K = 11' against off-diagonal 1 - eps; the ratio grows like eps^(-1/4)."""
    eps = 10.0 ** -np.arange(1, 7)
    ones = np.ones_like(eps)
    a, b = Pairs(ones, ones, ones), Pairs(ones, ones, np.asarray(1 - eps, dtype=np.float64))
    second = Pairs(ones, ones, ones)
    ratios = bures(step(RECTIFIED, a, second, 0.0, 0.0), step(RECTIFIED, b, second, 0.0, 0.0)) / bures(a, b)
    return agrees("jump", "the ratio is bounded by 2 for the slope step", float(ratios.max()), 2.0, len(eps), "pairs")


def _sharp() -> Check:
    """Gaussian family, R = id: G(K) = (C + K)/lam^2; for C = 0 every distance is multiplied by exactly 1/lam."""
    k, c, p = sp.symbols("k c p", positive=True)
    distance = sp.sqrt(k) - sp.sqrt(p)
    image = sp.sqrt(k / _LAM**2) - sp.sqrt(p / _LAM**2)
    fixed = c / (_LAM**2 - 1)
    return identity(
        "sharp",
        "the modulus 1/lam is attained, and k = c/(lam^2 - 1) is the fixed point",
        [sp.simplify(image - distance / _LAM), sp.simplify((c + fixed) / _LAM**2 - fixed)],
    )


_LIPSCHITZ = ("rho and sigma are Lipschitz continuous", "C - mu mu' is positive semi-definite", "gamma = 0, a = 1")

_THEOREM_A = Theorem(
    key="deker/theorem-a",
    source=cite(_PAPER, "not in the paper"),
    number="Theorem A",
    title="Global contraction in the Bures-Wasserstein distance",
    hypotheses=_LIPSCHITZ,
    printed="",
    standing=Standing.NEW,
    corrected=(
        "With L^2 = sup over x and u of c rho'(u)^2 - 2 mu rho'(u) sigma'(u) + sigma'(u)^2, one step G of "
        "the recursion on n x "
        "n covariances obeys d(G(K), G(K')) <= (L/lam) d(K, K').  So lam > L gives a unique fixed point, "
        "reached from every "
        "start at the rate (L/lam)^t; for R = id, L = sup A''."
    ),
    proof=(
        "Couple U ~ N(0, K), U' ~ N(0, K') optimally: E|U - U'|^2 = d(K, K')^2.  With T independent of both, "
        "with second "
        "moments C and means mu, B_i = T_i rho(U_i) - sigma(U_i) satisfies E|B - B'|^2 = sum_i E|b_i(U_i) - "
        "b_i(U_i')|_Q^2 <= "
        "L^2 E|U - U'|^2, with the quadratic form c x^2 - 2 mu x y + y^2.  lam^2 G(K) = E BB', and for any "
        "coupling of vectors "
        "with second moments S, S', E|B - B'|^2 >= d(S, S')^2 (Gelbrich).  The positive semi-definite "
        "matrices are complete in "
        "d; apply Banach's theorem.  QED"
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, _quadratic_form),
        Probe(Kind.IDENTITY, _bures_formula),
        Probe(Kind.IDENTITY, _sharp),
        Probe(Kind.PROPERTY, partial(_lipschitz, False, 1.0), _no_constant),
    ),
    remarks=(
        "The slope step has no such constant, in this distance or any other: at equal inputs it has two fixed "
        "points (Theorem D)."
    ),
)


def _conditional_variance() -> Check:
    """E[s(qZ)(a Z + t W)^2] = a^2 E[s Z^2] + t^2 E s, W independent: at most max(E s, E s Z^2)(a^2 + t^2)."""
    a, t, es, esz = sp.symbols("a t Es Esz", positive=True)
    expanded = a**2 * esz + t**2 * es  # the mixed term has E W = 0
    largest = sp.Symbol("m", positive=True)
    gap = largest * (a**2 + t**2) - expanded
    return identity(
        "increments",
        "the gap is a^2 (m - E s Z^2) + t^2 (m - E s)",
        sp.expand(gap - a**2 * (largest - esz) - t**2 * (largest - es)),
    )


_THEOREM_A_PRIME = Theorem(
    key="deker/theorem-a-prime",
    source=cite(_PAPER, "not in the paper"),
    number="Theorem A'",
    title="Contraction with averaged constants",
    hypotheses=(*_LIPSCHITZ, "the set K_ii <= M_i^2 is mapped into itself"),
    printed="",
    standing=Standing.NEW,
    corrected=(
        "On {K_ii <= M_i^2} Theorem A holds with L^2 replaced by the supremum over x and q <= M_x of max(E "
        "s(qZ), E[s(qZ) "
        "Z^2]), s = c rho'^2 - 2 mu rho' sigma' + sigma'^2."
    ),
    proof=(
        "Let U_t = (1-t) U + t U' be the optimal interpolation; its covariances form a geodesic inside the "
        "set, because "
        "E U_t,i^2 is convex in t.  The curve G(K_t) has speed at most (1/lam) (sum_i E[s_i(U_t,i) (U_i' - "
        "U_i)^2])^(1/2), and "
        "given U_t,i = q Z the increment is a Z + t W with W independent: E[s (aZ + tW)^2] <= max(E s, E s "
        "Z^2) (a^2 + t^2).  "
        "Integrate.  QED"
    ),
    basis=Basis.PROOF,
    probes=(
        Probe(Kind.IDENTITY, _conditional_variance),
        Probe(Kind.PROPERTY, partial(_lipschitz, True, 1.0), _no_constant),
    ),
)


THEOREMS = (_THEOREM_1, _PAIRING, _THEOREM_A, _THEOREM_A_PRIME)
