"""Time of the infinitely deep tangent kernel of an equilibrium model, in one interleaved run with the plain product.

    python benchmarks/deq_ntk_speed.py [--shapes 2000x3072,2000x784] [--dtype float64] [--weight 0.8] [--rounds 5]
    python benchmarks/deq_ntk_speed.py --full [--tiled FILE]

Every round times every method once, in a new order, so that a busy machine slows all of them alike.  Printed are
medians over rounds of times, and of ratios to ``np.matmul(X, X.T, out=K)`` in the same round.  Ours is `gram` from the
data to the finished matrix: norms, product, map, mirror image and exact diagonal, into the same `K`.  `rectangular` is
compared with the product of two different matrices.  `general solver` is Newton's method on every pair, and
`root(hybr)` is SciPy's root finder entry by entry, as the authors' code calls it; both are timed on few rows and scaled
to all pairs.

``--full`` builds the matrix of 50 000 rows of 3072 numbers in float32, the shape of CIFAR-10, in memory (10 GB), or
panel by panel into a file, and prints the time and the peak of resident memory.
"""

import argparse
import os
import platform
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import root

from dekderive.gram import gram_panels
from dekderive.gram.gram import gram
from dekderive.gram.moments import linear
from dekderive.gram.univariate import gram as univariate
from dekderive.gram.univariate.compiled_tiles import numba_is_installed
from dekderive.gram.univariate.threads import thread_count
from dekderive.kernels import deq_ntk_relu
from dekderive.kernels.univariate import UnivariateKernel, build

Array = NDArray[Any]


def timed(function: Callable[[], Any]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def per_entry(X: Array, weight: float) -> Array:
    """The paper's fixed point, one call of a root finder for each pair of unit rows."""
    z = (X @ X.T) / np.outer(*(np.linalg.norm(X, axis=1),) * 2)
    out = np.empty_like(z)
    for index, s in np.ndenumerate(np.clip(z, -1, 1)):

        def step(rho: Array, s: float = s) -> Array:
            rho = np.clip(rho, -1, 1)
            return weight * (np.sqrt(1 - rho**2) + (np.pi - np.arccos(rho)) * rho) / np.pi + (1 - weight) * s - rho

        rho = min(max(float(root(step, s, method="hybr").x[0]), -1.0), 1.0)
        out[index] = rho / (1 - weight * (1 - np.arccos(rho) / np.pi))
    return out


def measure(n: int, d: int, dtype: str, weight: float, rounds: int) -> str:
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(n, d)).astype(dtype), rng.normal(size=(n, d)).astype(dtype)
    record = build(deq_ntk_relu, weight_variance=weight, input_variance=1 - weight, bias_variance=0.0)
    K = np.zeros((n, n), dtype)
    backends = {"NumPy": False} | ({"numba": True} if numba_is_installed() else {})

    def ours(compiled: bool, other: Array | None) -> Callable[[], Any]:
        return lambda: univariate.matrix(record, linear(), X, other, None, K, compiled=compiled)

    square: dict[str, Callable[[], Any]] = {"X @ X.T": lambda: np.matmul(X, X.T, out=K)}
    across: dict[str, Callable[[], Any]] = {"X @ Y.T": lambda: np.matmul(X, Y.T, out=K)}
    square |= {f"ours, {name}": ours(compiled, None) for name, compiled in backends.items()}
    across |= {f"ours, rectangular, {name}": ours(compiled, Y) for name, compiled in backends.items()}
    few = min(n, 400)
    parameters = {"weight_variance": weight, "input_variance": 1 - weight, "bias_variance": 0.0}
    scaled = {
        "general solver": (few, lambda: gram(deq_ntk_relu, X[:few], **parameters)),
        "SciPy root(hybr) per entry": (12, lambda: per_entry(X[:12], weight)),
    }
    for function in (*square.values(), *across.values()):
        function()  # first calls compile and allocate
    times: dict[str, list[float]] = {name: [] for name in (*square, *across, *scaled)}
    for _round in range(rounds):
        for name in rng.permutation(sorted(times)):
            if name in scaled:
                rows, function = scaled[name]
                times[name].append(timed(function) * (n / rows) ** 2)
            else:
                times[name].append(timed((square | across)[name]))
    lines = [f"### n = {n}, d = {d}, {dtype}, weight variance {weight}", ""]
    lines += ["| method | median time | ns per entry | ratio to its product |", "|---|---|---|---|"]
    for name, taken in times.items():
        reference = times["X @ Y.T" if name in across else "X @ X.T"]
        ratio = float(np.median(np.divide(taken, reference)))
        middle = float(np.median(taken))
        lines.append(f"| {name} | {1e3 * middle:.4g} ms | {1e9 * middle / n**2:.3g} | {ratio:.3g} |")
    return "\n".join([*lines, "", accuracy(X[:few], record), ""])


def accuracy(X: Array, record: UnivariateKernel) -> str:
    """Difference from the general solver in float64."""
    quick = univariate.matrix(record, linear(), X, None, None, None)
    slow = gram(deq_ntk_relu, X.astype(np.float64), **dict(record.parameters))
    assert quick is not None
    difference = np.abs(quick - slow).max() / slow.max()
    return f"Largest difference from the general solver, relative to the diagonal: {difference:.1e}."


def full(n: int, d: int, weight: float, file: str | None) -> str:
    rng = np.random.default_rng(0)
    X = rng.random(size=(n, d), dtype=np.float32)
    record = build(deq_ntk_relu, weight_variance=weight, input_variance=1 - weight, bias_variance=0.0)
    start = time.perf_counter()
    if file is None:
        gram(record, X)
        where = "in memory"
    else:
        with open(file, "wb") as target:
            for _rows, panel in gram_panels(record, X):
                target.write(np.ascontiguousarray(panel).data)
        where = "lower panels, to disk"
    taken = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return f"{n} x {n}, d = {d}, float32, {where}: {taken:.1f} s, peak of resident memory {peak:.2f} GiB"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", default="2000x3072,2000x784,2000x8", help="comma-separated <rows>x<columns>")
    parser.add_argument("--dtype", choices=["float64", "float32"], default="float64")
    parser.add_argument("--weight", type=float, default=0.8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--full", action="store_true", help="50 000 x 3072 in float32")
    parser.add_argument("--full-shape", default="50000x3072")
    parser.add_argument("--tiled", metavar="FILE", help="with --full: write lower panels to a file")
    given = parser.parse_args(arguments)
    threads = f"{thread_count()} threads of {os.cpu_count()} cores"
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {threads}\n")
    if given.full:
        n, d = (int(part) for part in given.full_shape.split("x"))
        print(full(n, d, given.weight, given.tiled))
        return
    for shape in given.shapes.split(","):
        n, d = (int(part) for part in shape.split("x"))
        print(measure(n, d, given.dtype, given.weight, given.rounds), flush=True)


if __name__ == "__main__":
    main()
