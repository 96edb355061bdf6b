"""Time of a certified Gaussian expectation, next to mpmath's quadrature, which proves nothing, in one interleaved run.

    python benchmarks/certified_numbers.py [--rounds 5] [--pairs] [--activations tanh,softplus]

For each activation: E[f(U)^2] at variance 3/2 in one variable, and E[f(U) f(V)] at kxx = 1, kyy = 3/2, kxy = 3/5, as
enclosures of radius 1e-15 and 1e-30.  What is printed are medians over the rounds, after a first call of each, and the
first call's time in brackets.  The reference is `mpmath.quad` of the same one-dimensional expectation at 15 and at 30
digits, in the same round; `--pairs` adds its two-dimensional quadrature at 15 digits, which takes seconds a piece.  The
number of nodes is a property of the method, so that only one thread is ever used.
"""

import argparse
import platform
import time
from collections.abc import Callable
from fractions import Fraction
from statistics import median
from typing import Any

import flint
import mpmath
import sympy as sp

from dekderive import atoms
from dekderive.certificates import enclose_dual, enclose_mean, hermite_series
from dekderive.symbols import z

Number = Any
ACTIVATIONS: dict[str, tuple[sp.Expr, Callable[[Number], Number]]] = {
    "sigmoid": (atoms.expit(z), lambda x: 1 / (1 + mpmath.exp(-x))),
    "tanh": (sp.tanh(z), mpmath.tanh),
    "softplus": (atoms.softplus(z), lambda x: mpmath.log1p(mpmath.exp(x))),
    "silu": (atoms.silu(z), lambda x: x / (1 + mpmath.exp(-x))),
    "mish": (z * sp.tanh(atoms.softplus(z)), lambda x: x * mpmath.tanh(mpmath.log1p(mpmath.exp(x)))),
    "log_cosh": (atoms.log_cosh(z), lambda x: mpmath.log(mpmath.cosh(x))),
    "sech^2": (1 - sp.tanh(z) ** 2, lambda x: mpmath.sech(x) ** 2),
    "arctan": (sp.atan(z), mpmath.atan),
    "softsign": (z / (1 + sp.Abs(z)), lambda x: x / (1 + abs(x))),
    "elu": (atoms.elu(z), lambda x: x if x > 0 else mpmath.expm1(x)),
    "gelu": (atoms.gelu(z), lambda x: x * mpmath.ncdf(x)),
}
VARIANCE = sp.Rational(3, 2)
COVARIANCE = (sp.Integer(1), VARIANCE, sp.Rational(3, 5))
TIGHT, TIGHTER = Fraction(1, 10**15), Fraction(1, 10**30)
ENDS = [-18, -9, -4, -2, 0, 2, 4, 9, 18]


def reference_mean(f: Callable[[Number], Number], digits: int) -> Number:
    with mpmath.workdps(digits + 5):
        s = mpmath.sqrt(mpmath.mpf(3) / 2)
        return mpmath.quad(lambda u: f(s * u) ** 2 * mpmath.npdf(u), ENDS)


def reference_pair(f: Callable[[Number], Number]) -> Number:
    with mpmath.workdps(20):
        b = mpmath.sqrt(mpmath.mpf(3) / 2)
        rho = mpmath.mpf(3) / 5 / b
        r = mpmath.sqrt(1 - rho * rho)
        ends = [-9, -3, 0, 3, 9]
        return mpmath.quad(
            lambda u, v: f(u) * f(b * (rho * u + r * v)) * mpmath.npdf(u) * mpmath.npdf(v), ends, ends, maxdegree=6
        )


def timed(function: Callable[[], Any]) -> float:
    start = time.perf_counter()
    function()
    return 1e3 * (time.perf_counter() - start)


def measure(names: list[str], rounds: int, pairs: bool) -> str:
    lines = [
        "Milliseconds; first calls in brackets; ratios are mpmath.quad (1-D, same digits) to ours.",
        "",
        "| activation | 1-D 1e-15 | ratio | 1-D 1e-30 | ratio | 2-D 1e-15 | 2-D 1e-30 | series, N = 60 |"
        + (" 2-D mpmath.quad, 15 digits |" if pairs else ""),
        "|---|---|---|---|---|---|---|---|" + ("---|" if pairs else ""),
    ]
    for name in names:
        expr, f = ACTIVATIONS[name]
        tasks: dict[str, Callable[[], Any]] = {
            "1-D 1e-15": lambda e=expr: enclose_mean(e**2, VARIANCE, radius=TIGHT),
            "quad 15": lambda f=f: reference_mean(f, 15),
            "1-D 1e-30": lambda e=expr: enclose_mean(e**2, VARIANCE, radius=TIGHTER),
            "quad 30": lambda f=f: reference_mean(f, 30),
            "2-D 1e-15": lambda e=expr: enclose_dual(e, e, *COVARIANCE, radius=TIGHT),
            "2-D 1e-30": lambda e=expr: enclose_dual(e, e, *COVARIANCE, radius=TIGHTER),
            "series": lambda e=expr: hermite_series(e, 1, 60),
        }
        first = {task: timed(function) for task, function in tasks.items()}
        taken = {task: [timed(tasks[task]) for _ in range(rounds)] for task in tasks if task != "series"}
        middle = {task: median(times) for task, times in taken.items()}
        cells = [name]
        for digits in ("15", "30"):
            ours = f"1-D 1e-{digits}"
            ratio = median(a / b for a, b in zip(taken[f"quad {digits}"], taken[ours], strict=True))
            cells += [f"{middle[ours]:.2g} ({first[ours]:.2g})", f"{ratio:.3g}"]
        cells += [f"{middle[task]:.2g} ({first[task]:.2g})" for task in ("2-D 1e-15", "2-D 1e-30")]
        cells.append(f"({first['series']:.3g})")
        if pairs:
            cells.append(f"{timed(lambda f=f: reference_pair(f)):.3g}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pairs", action="store_true", help="time mpmath in two variables too")
    parser.add_argument("--activations", default=",".join(ACTIVATIONS), help="comma-separated: %(default)s")
    given = parser.parse_args(arguments)
    names = given.activations.split(",")
    if unknown := [name for name in names if name not in ACTIVATIONS]:
        parser.error(f"unknown activations {unknown}; known: {', '.join(ACTIVATIONS)}")
    print(f"Python {platform.python_version()}, python-flint {flint.__version__}, mpmath {mpmath.__version__}\n")
    print(measure(names, given.rounds, given.pairs))


if __name__ == "__main__":
    main()
