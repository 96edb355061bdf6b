"""Time of a Gram matrix, in one interleaved run: infinitely deep kernels, X @ X.T, RBF, and a naive iteration.

    python benchmarks/gram_speed.py [--shapes 442x10,2000x10] [--rounds 7] [--naive-rounds 3]

Every round times every method once, so that a busy machine slows all of them alike.  What is printed are medians of
times, and medians over rounds of the ratio to a named reference in the same round.  `naive` iterates the recursion of
the same kernel on the whole matrix in NumPy until no entry moves by more than 1e-12; its largest relative difference
from ours is printed, since a fast wrong answer is no reference.  The number of threads is left to the environment.
"""

import argparse
import os
import platform
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.gaussian_process.kernels import RBF

from dekderive.gram import gram
from dekderive.kernels import deker_gaussian_relu, deq_ntk_relu

Array = NDArray[np.float64]

REGULARISATION = 1.0
WEIGHT, INPUT = 0.6, 0.4


def naive_deker(X: Array) -> Array:
    """DEKer of the Gaussian family with a ReLU natural map, on statistics relu(w . x)."""
    norms = np.linalg.norm(X, axis=1)
    C, mean = relu_dual(X @ X.T, norms), norms / np.sqrt(2 * np.pi)
    K = C / 10
    np.fill_diagonal(K, np.diag(C) * 2)
    while True:
        q = np.sqrt(np.diag(K))
        angle = angles(K, q)
        slopes = (np.pi - angle) / (2 * np.pi)
        cross = (1 + np.cos(angle)) / (2 * np.sqrt(2 * np.pi)) * (np.outer(mean, q) + np.outer(q, mean))
        following = (C * slopes - cross + relu_dual(K, q)) / REGULARISATION**2
        change, K = np.abs(following - K).max(), following
        if change <= 1e-12:
            return K


def naive_tangent(X: Array) -> Array:
    """Tangent kernel of the deep equilibrium model with the normalised ReLU."""
    injected = INPUT * (X @ X.T)
    K = injected
    while True:
        q = np.sqrt(np.diag(K))
        following = WEIGHT * 2 * relu_dual(K, q) + injected
        change, K = np.abs(following - K).max(), following
        if change <= 1e-12:
            q = np.sqrt(np.diag(K))
            return K / (1 - WEIGHT * (1 - angles(K, q) / np.pi))


def angles(K: Array, q: Array) -> Array:
    angle = np.arccos(np.clip(K / np.outer(q, q), -1, 1))
    np.fill_diagonal(angle, 0.0)  # rounding would push the diagonal of DEKer off its unstable fixed point
    return angle


def relu_dual(K: Array, q: Array) -> Array:
    angle = angles(K, q)
    return np.outer(q, q) * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2 * np.pi)


def timed(function: Callable[[], Any]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def measure(n: int, d: int, rounds: int, naive_rounds: int) -> str:
    X = np.random.default_rng(0).normal(size=(n, d))
    tangent = {"weight_variance": WEIGHT, "input_variance": INPUT, "bias_variance": 0.0}
    quick: dict[str, Callable[[], Any]] = {
        "X @ X.T": lambda: X @ X.T,
        "RBF (scikit-learn)": lambda: RBF()(X),
        "deker_gaussian_relu": lambda: gram(deker_gaussian_relu, X, regularisation=REGULARISATION),
        "deq_ntk_relu": lambda: gram(deq_ntk_relu, X, **tangent),
    }
    naive: dict[str, Callable[[], Any]] = {
        "naive deker_gaussian_relu": lambda: naive_deker(X),
        "naive deq_ntk_relu": lambda: naive_tangent(X),
    }
    for function in quick.values():
        function()  # first calls import and allocate
    times: dict[str, list[float]] = {name: [] for name in (*quick, *naive)}
    for k in range(rounds):
        for name, function in {**quick, **(naive if k < naive_rounds else {})}.items():
            times[name].append(timed(function))
    lines = [f"### n = {n}, d = {d}, float64", "", "| method | median time | ns per entry | to X @ X.T | to RBF |"]
    lines.append("|---|---|---|---|---|")
    for name, taken in times.items():
        ratios = [
            np.median(np.divide(taken, times[other][: len(taken)])) for other in ("X @ X.T", "RBF (scikit-learn)")
        ]
        middle = float(np.median(taken))
        lines.append(
            f"| {name} | {1e3 * middle:.3g} ms | {1e9 * middle / n**2:.3g} | {ratios[0]:.3g} | {ratios[1]:.3g} |"
        )
    lines.append("")
    for name in ("deker_gaussian_relu", "deq_ntk_relu"):
        ours, theirs = quick[name](), naive[f"naive {name}"]()
        gain = np.median(np.divide(times[f"naive {name}"], times[name][: len(times[f"naive {name}"])]))
        difference = np.abs(ours - theirs).max() / np.abs(ours).max()
        lines.append(f"Naive {name} / {name}: {gain:.3g} times the time, relative difference {difference:.1e}.")
    return "\n".join([*lines, ""])


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", default="442x10,2000x10", help="comma-separated <rows>x<columns>")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--naive-rounds", type=int, default=3)
    given = parser.parse_args(arguments)
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}"
    print(f"{versions}, {os.cpu_count()} cores, OMP_NUM_THREADS {os.environ.get('OMP_NUM_THREADS', 'not set')}\n")
    for shape in given.shapes.split(","):
        n, d = (int(part) for part in shape.split("x"))
        print(measure(n, d, given.rounds, min(given.naive_rounds, given.rounds)), flush=True)


if __name__ == "__main__":
    main()
