"""Kernels of finite depth beside those of neural-tangents: accuracy against multiple precision, and speed, in one run.

    python -m benchmarks.neural_tangents --create-environment DIR      makes the pinned environment, once
    python -m benchmarks.neural_tangents --environment DIR             compares
    python -m benchmarks.neural_tangents                               without it: this package and the reference alone

neural-tangents does not import with the JAX that pip chooses for it, so it lives in an environment of its own with the
versions below, and is asked through a pipe.  Both sides have one thread and one core; times are medians over rounds in
which the two take turns, ratios are medians of ratios within a round.  Errors of gaps 1 - K/sqrt(Kxx Kyy) and of values
are relative to mpmath's, for the inputs as they were rounded.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from benchmarks import neural_tangents_reference as reference
from benchmarks.neural_tangents_peer import Peer, create_environment, peer_of
from dekderive.atoms import expit, gelu, relu, silu, softplus
from dekderive.gram import gaps, gram
from dekderive.gram.moments import linear
from dekderive.programs import compile
from dekderive.symbols import z
from dekderive.update_maps import nngp, ntk

ACTIVATIONS = {
    "relu": relu(z),
    "erf": sp.erf(z),
    "gelu": gelu(z),
    "gaussian": sp.exp(-(z**2)),
    "sin": sp.sin(z),
    "gabor": sp.exp(-(z**2)) * sp.sin(z),
    "relu^2": relu(z) ** 2,
    "polynomial": z**3 - z / 2,
    "tanh": sp.tanh(z),
    "sigmoid": expit(z),
    "softplus": softplus(z),
    "silu": silu(z),
}
KEEPING = {"relu": 2.0, "gelu": 2.0, "erf": 1.5}  # weight variances under which depth does not end in zeros

Side = Callable[..., tuple[np.ndarray, float]]


# ---- the two sides ---------------------------------------------------------------------------------------------------


@cache
def _kernel(kind: str, layer: str) -> Any:
    return compile({"nngp": nngp, "ntk": ntk}[kind](ACTIVATIONS[layer], name=f"{kind}_of_layers"))


def ours(kind, layer, depth, x, y=None, *, weight=1.0, bias=0.0, degree=0, what=gram):
    """Return the matrix of this package, and the seconds it took."""
    del degree
    kernel = _kernel(kind, layer).with_depth(depth)
    start = time.perf_counter()
    scale = linear(scale=x.shape[1] ** -0.5)
    value = what(kernel, x, y, moments=scale, weight_variance=weight, bias_variance=bias)
    return value, time.perf_counter() - start


# ---- tables ----------------------------------------------------------------------------------------------------------


def table(title: str, header: list[str], rows: list[list[str]]) -> str:
    lines = [f"### {title}", "", f"| {' | '.join(header)} |", "|" + "---|" * len(header)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows), ""])


def sides(peer: Peer | None) -> dict[str, Side]:
    return {"ours": ours} if peer is None else {"neural-tangents": peer, "ours": ours}


def number(error: float) -> str:
    return "NaN" if np.isnan(error) else "inf" if np.isinf(error) else f"{error:.0e}" if error else "0"


def relative(found: float, truth: mpmath.mpf, scale: mpmath.mpf | None = None) -> float:
    if not np.isfinite(found):
        return float(found) if np.isnan(found) else np.inf
    return float(abs(mpmath.mpf(float(found)) - truth) / abs(truth if scale is None else scale))


GAPS = (1e-2, 1e-6, 1e-10, 1e-14)


def near_duplicates(dtype: type) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    pairs = []
    for gap in GAPS:
        x, turn = rng.normal(size=(2, 7))
        turn -= (turn @ x) / (x @ x) * x
        angle = 2 * np.arcsin(np.sqrt(gap / 2))
        x, y = x, np.cos(angle) * x + np.sin(angle) * turn * np.linalg.norm(x) / np.linalg.norm(turn)
        pairs.append((x.astype(dtype)[None], y.astype(dtype)[None]))
    return pairs


def gap_of(side: Side, kind, layer, depth, x, y, weight) -> float:
    if side is ours:
        return float(ours(kind, layer, depth, x, y, weight=weight, what=gaps)[0][0, 0])
    rows = np.concatenate([x, y])
    K = np.asarray(side(kind, layer, depth, rows, weight=weight)[0], dtype=np.float64)
    return float(1 - K[0, 1] / np.sqrt(K[0, 0] * K[1, 1]))


def near_duplicate_tables(peer: Peer | None, depths: tuple[int, ...]) -> str:
    gap_rows, value_rows = [], []
    for dtype in (np.float64, np.float32):
        for layer in ("relu", "erf", "gelu"):
            for depth in depths:
                gap_row = [f"{layer}, depth {depth}, {dtype.__name__}"]
                value_row = list(gap_row)
                for x, y in near_duplicates(dtype):
                    weight = KEEPING[layer]
                    with mpmath.workdps(60):
                        own, other, cross = (
                            reference.kernels(layer, *pair, depth, weight, 0)
                            for pair in ((x[0], x[0]), (y[0], y[0]), (x[0], y[0]))
                        )
                        truth = 1 - cross[0] / mpmath.sqrt(own[0] * other[0])
                        for side in sides(peer).values():
                            gap_row.append(number(relative(gap_of(side, "nngp", layer, depth, x, y, weight), truth)))
                            value = side("ntk", layer, depth, x, y, weight=weight)[0][0, 0]
                            value_row.append(number(relative(value, cross[1])))
                gap_rows.append(gap_row)
                value_rows.append(value_row)
    header = ["", *(f"{gap:.0e}, {name}" for gap in GAPS for name in sides(peer))]
    return (
        table("Near-duplicates: relative error of the NNGP's gap, by 1 - cos", header, gap_rows)
        + "\n"
        + table("Near-duplicates: relative error of the tangent kernel, by 1 - cos", header, value_rows)
    )


def nan_table(peer: Peer | None) -> str:
    rows = []
    X = np.random.default_rng(1).normal(size=(64, 7))
    zero = np.zeros((1, 7))
    for layer in ("relu", "relu^2", "erf", "gelu", "sin", "gabor", "polynomial"):
        for dtype in (np.float64, np.float32):
            row = [f"{layer}, {dtype.__name__}"]
            x, none = X.astype(dtype), zero.astype(dtype)
            for what, (left, right) in {"copy": (x, x.copy()), "opposite": (x, -x), "zero": (none, x)}.items():
                for side in sides(peer).values():
                    K = side("ntk", layer, 1, left, right)[0]
                    picked = K[0] if what == "zero" else np.diag(K)
                    row.append(str(int((~np.isfinite(picked)).sum())))
            rows.append(row)
    header = ["", *(f"{what}, {name}" for what in ("copy", "opposite", "zero row") for name in sides(peer))]
    return table("NaN among 64 entries: K(X, copy of X), K(X, -X), K(0, X); tangent kernel, depth 1", header, rows)


EXPONENTS = (-12, -8, -6, -4, 0, 4, 6, 8, 12)


def range_table(peer: Peer | None) -> str:
    """Worst error over identical inputs and inputs of correlation 0.6, relative to sqrt(K(x, x) K(y, y))."""
    rows = []
    for layer in ("relu", "erf", "gelu", "gaussian", "sin", "gabor"):
        for dtype in (np.float64, np.float32):
            for kind in ("nngp", "ntk"):
                row = [f"{layer} {kind}, {dtype.__name__}"]
                for exponent in EXPONENTS:
                    x = (np.sqrt(2 * 10.0**exponent) * np.array([[1.0, 0.0], [0.6, 0.8]])).astype(dtype)
                    with mpmath.workdps(120):
                        pick = 0 if kind == "nngp" else 1
                        a, b, c = (
                            reference.kernels(layer, x[i], x[j], 1, 1, 0)[pick] for i, j in ((0, 0), (1, 1), (0, 1))
                        )
                        found = []
                        for side in sides(peer).values():
                            K = side(kind, layer, 1, x)[0]
                            errors = [relative(K[0, 0], a), relative(K[0, 1], c, mpmath.sqrt(a * b))]
                            found.append(number(float(np.max(errors))))
                    row.append(" / ".join(found))
                rows.append(row)
    names = " / ".join(sides(peer))
    header = [names, *(f"1e{exponent}" for exponent in EXPONENTS)]
    return table("Variances: error relative to sqrt(Kxx Kyy), identical inputs and correlation 0.6", header, rows)


RHO = (-0.99, -0.5, 0.0, 0.6, 0.99)


def quadrature_table(peer: Peer | None) -> str:
    """E[f f] and E[f' f'] of smooth activations, from the two kernels of depth 1."""
    rows = []
    for layer, (f, slope) in reference.SMOOTH.items():
        for variance in (1.0, 25.0, 100.0):
            truth = {g: [reference.expectation(g, variance, rho) for rho in (*RHO, 1.0)] for g in (f, slope)}
            row = [f"{layer}, variance {variance:g}"]
            angles = np.arccos(RHO)
            x = np.sqrt(2 * variance) * np.array([[1.0, 0.0]])
            y = np.sqrt(2 * variance) * np.column_stack([np.cos(angles), np.sin(angles)])
            for side, degree in [(ours, 0)] if peer is None else [(peer, 25), (peer, 100), (ours, 0)]:
                K = side("nngp", layer, 1, x, y, degree=degree)[0][0]
                T = side("ntk", layer, 1, x, y, degree=degree)[0][0]
                safe = np.array([rho != 0 for rho in RHO])
                slopes = (T - K)[safe] / (variance * np.cos(angles[safe]))
                exact = [np.array(truth[g]) for g in (f, slope)]
                errors = (
                    np.abs(K - exact[0][:-1]).max() / exact[0][-1],
                    np.abs(slopes - exact[1][:-1][safe]).max() / exact[1][-1],
                )
                row.append(" / ".join(number(float(e)) for e in errors))
            rows.append(row)
    names = ["ours"] if peer is None else ["neural-tangents, degree 25", "degree 100", "ours"]
    title = "Activations without a closed form: errors of E[f f] / E[f' f'] relative to their values at correlation 1"
    return table(title, ["", *names], rows)


def cholesky_table(peer: Peer | None) -> str:
    """50 points and three near-copies of each, at 1e-3, 1e-5 and 1e-7, in float32."""
    rng = np.random.default_rng(2)
    base = rng.normal(size=(50, 10))
    X = np.concatenate([base + s * rng.normal(size=base.shape) for s in (0, 1e-3, 1e-5, 1e-7)]).astype(np.float32)
    rows = []
    for kind in ("nngp", "ntk"):
        for depth in (1, 10):
            # In double precision an eigenvalue is right to 1e-15 of the largest: enough beside one of 1e-10 of it.
            exact = np.linalg.eigvalsh(ours(kind, "relu", depth, X.astype(np.float64), weight=2.0)[0])
            lowest = exact[0] / exact[-1]
            row = [f"{kind}, depth {depth}", f"{lowest:.2e}" if abs(lowest) > 1e-14 else "below 1e-14"]
            for side in sides(peer).values():
                K = side(kind, "relu", depth, X, weight=2.0)[0]
                skew = float(np.abs(K.astype(np.float64) - K.T).max() / np.abs(K).max())
                values = np.linalg.eigvalsh(((K + K.T) / 2).astype(np.float64))
                row.append(f"{number(skew)}; {values[0] / values[-1]:.1e}; {_has_cholesky(K)}")
            rows.append(row)
    header = ["relu", "exact lowest eigenvalue", *(f"{name}: asymmetry; lowest; Cholesky" for name in sides(peer))]
    return table("Near-copies in float32: 50 points, four of each; eigenvalues relative to the largest", header, rows)


def _has_cholesky(K: np.ndarray) -> str:
    try:
        np.linalg.cholesky(K)
    except np.linalg.LinAlgError:
        return "fails"
    return "works"


def speed_table(peer: Peer | None, sizes: tuple[int, ...], rounds: int) -> str:
    cases = [(layer, n, 3, dtype, 0) for n in sizes for layer in ("relu", "erf", "gelu") for dtype in ("f8", "f4")]
    cases += [("tanh", min(sizes) // 4, 1, "f8", 25)]
    rows = []
    for layer, n, depth, dtype, degree in cases:
        X = np.random.default_rng(3).normal(size=(n, 10)).astype(dtype)
        times: dict[str, list[float]] = {name: [] for name in sides(peer)}
        for k in range(rounds + 1):  # the first round compiles
            for name, side in sides(peer).items():
                seconds = side("ntk", layer, depth, X, degree=degree)[1]
                if k:
                    times[name].append(seconds)
        row = [f"{layer} NTK, depth {depth}, n = {n}, float{8 * int(dtype[1])}" + (f", degree {degree}" * bool(degree))]
        row += [f"{1e3 * float(np.median(t)):.3g} ms" for t in times.values()]
        if peer is not None:
            row.append(f"{float(np.median(np.divide(times['neural-tangents'], times['ours']))):.2f}")
        rows.append(row)
    ratio = ["neural-tangents / ours"] if peer is not None else []
    return table(f"Speed: median of {rounds} rounds, K(X, X) of 10 columns", ["", *sides(peer), *ratio], rows)


# ---- command ---------------------------------------------------------------------------------------------------------

SECTIONS: dict[str, Callable[[Peer | None, argparse.Namespace], str]] = {
    "near": lambda peer, given: near_duplicate_tables(peer, tuple(int(d) for d in given.depths.split(","))),
    "nan": lambda peer, given: nan_table(peer),
    "range": lambda peer, given: range_table(peer),
    "quadrature": lambda peer, given: quadrature_table(peer),
    "cholesky": lambda peer, given: cholesky_table(peer),
    "speed": lambda peer, given: speed_table(peer, tuple(int(n) for n in given.sizes.split(",")), given.rounds),
}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--create-environment", type=Path, metavar="DIR")
    parser.add_argument("--python", help="interpreter for --create-environment, 3.10 to 3.12; by default this one")
    parser.add_argument("--environment", type=Path, metavar="DIR", help="where --create-environment put it")
    parser.add_argument("--sections", default=",".join(SECTIONS))
    parser.add_argument("--depths", default="1,3,10,20")
    parser.add_argument("--sizes", default="1000,2000")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args(arguments)
    if given.create_environment is not None:
        create_environment(given.create_environment, given.python)
        return
    if given.environment is None:
        print("Without neural-tangents: --create-environment DIR makes what it needs, --environment DIR uses it.\n")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with peer_of(given.environment) as peer:
        versions = {"Python": platform.python_version(), "NumPy": np.__version__}
        versions |= {} if peer is None else {f"there: {k}": v for k, v in peer.ask(64, task="versions").items()}
        print(", ".join(f"{name} {version}" for name, version in versions.items()) + "; one thread, one core\n")
        for section in given.sections.split(","):
            print(SECTIONS[section](peer, given), flush=True)


THREADS = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}

if __name__ == "__main__":
    if THREADS.items() <= os.environ.items():
        main()
    else:  # NumPy reads them when it is imported
        command = [sys.executable, "-m", "benchmarks.neural_tangents", *sys.argv[1:]]
        raise SystemExit(subprocess.call(command, env={**os.environ, **THREADS}))
