"""How long proving and checking take: python -m benchmarks.certificates.

Each claim is proved once and its certificate checked five times (median), one thread.
"""

import json
import statistics
import time

import sympy as sp

from dekderive.atoms import expit
from dekderive.certificates import prove_bound, prove_contraction, prove_expectation, prove_identity, prove_unique_root
from dekderive.certificates.checker.certificate import check_text
from dekderive.symbols import z

R = sp.Rational
LINE = {z: (-sp.oo, sp.oo)}
rho, r, w, squared = sp.symbols("rho r w squared", real=True)
KAPPA0 = (sp.pi - sp.acos(rho)) / (2 * sp.pi)
SLOPE = (r * (2 * squared - 1) / (2 * sp.pi * sp.sqrt((1 - rho) * (1 + rho))) + KAPPA0) / squared
BOX = {rho: (-R(94, 100), R(94, 100)), r: (-R(9, 10), R(9, 10))}

CLAIMS = {
    "tangent kernel, weight variance 3/5": lambda: prove_bound(
        R(6, 5) * KAPPA0, {rho: (-1, 1)}, at_most=R(3, 5) + R(1, 2**30)
    ),
    "tangent kernel, weight variance up to 19/20": lambda: prove_bound(
        2 * w * KAPPA0, {rho: (-1, 1), w: (0, R(19, 20))}, at_most=R(19, 20) + R(1, 2**30)
    ),
    "logistic variance, naive, 1/4 + 2^-20": lambda: prove_bound(
        expit(z) * expit(-z), LINE, at_most=R(1, 4) + R(1, 2**20)
    ),
    "logistic variance, square form, 1/4": lambda: prove_bound(
        R(1, 4) - (expit(z) - R(1, 2)) ** 2, LINE, at_most=R(1, 4)
    ),
    "square form is the naive one": lambda: prove_identity(
        expit(z) * (1 - expit(z)), R(1, 4) - (expit(z) - R(1, 2)) ** 2
    ),
    "slope of tanh": lambda: prove_bound(1 - sp.tanh(z) ** 2, LINE, at_most=1),
    "rectified equilibrium kernel, 2 variables": lambda: prove_bound(SLOPE.subs(squared, 1), BOX, at_most=R(95, 100)),
    "rectified equilibrium kernel, 3 variables": lambda: prove_bound(
        SLOPE, {**BOX, squared: (1, 3)}, at_most=R(96, 100)
    ),
    "cosine contracts on [0, 1]": lambda: prove_contraction({z: sp.cos(z)}, {z: (0, 1)}, R(17, 20)),
    "one root of z = tanh(.9 z + 2)": lambda: prove_unique_root(z - sp.tanh(R(9, 10) * z + 2), z, {z: (-1, 1)}),
    "E[sech^4] <= .47": lambda: prove_expectation((1 - sp.tanh(z) ** 2) ** 2, z, 1, R(47, 100)),
}


def main() -> None:
    """Print the table."""
    print("| claim | leaves | prove, ms | check, ms | bytes |\n|---|---|---|---|---|")
    for name, prove in CLAIMS.items():
        begin = time.perf_counter()
        proof = prove()
        proving = time.perf_counter() - begin
        text = proof.certificate.text
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            assert check_text(text).holds
            times.append(time.perf_counter() - begin)
        leaves = sum(isinstance(node, str) for tree in json.loads(text)["proofs"] for node in tree)
        print(f"| {name} | {leaves} | {1e3 * proving:.1f} | {1e3 * statistics.median(times):.1f} | {len(text)} |")


if __name__ == "__main__":
    main()
