"""The spectral error of the high-dimensional equivalent of an implicit kernel, against n.

Two classes with means +-2 e_1 and covariances I and (1 + 4/sqrt p) diag(1/2, 3/2), p = 1.25 n; spectral norm of the
difference, over seeds.  Two wrong variants stand beside the right one: a further - tau_0^4 a_3 I on the diagonal, and T
from centred covariances.  They differ from it by a constant unless E phi'' = 0, so their errors stop to decay.

``python benchmarks/equivalents.py`` takes a minute; ``--sizes 200,400,800,1600,3000`` half an hour;
``--figure FILE.svg`` draws (needs matplotlib).
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from dataclasses import dataclass, field

import numpy as np

import dekderive.equivalents as equivalents
from dekderive import kernels
from dekderive.equivalents import (
    DeepEquilibrium,
    EquivalentKernel,
    MixtureStatistics,
    deq_coefficients,
    equivalent_kernel,
)
from dekderive.gram import gram
from dekderive.kernels import Kernel

ACTIVATIONS = ("tanh", "erf", "relu", "leaky_relu", "elu", "swish")
VARIANTS = ("population", "data", "data, exact diagonal", "wrong: fourth power", "wrong: centred T")


@dataclass
class Curve:
    """Errors of one activation and kernel, by variant and n."""

    activation: str
    kernel: str
    errors: dict[str, dict[int, list[float]]] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)

    def mean(self, variant: str, n: int) -> float:
        """Over the seeds."""
        return float(np.mean(self.errors[variant][n]))

    def slope(self, variant: str) -> float:
        """Of log error against log n, by least squares."""
        sizes = sorted(self.errors[variant])
        return float(np.polyfit(np.log(sizes), np.log([self.mean(variant, n) for n in sizes]), 1)[0])


def draw(n: int, seed: int) -> tuple[np.ndarray, MixtureStatistics]:
    """A mixture of n inputs."""
    rng = np.random.default_rng([n, seed])
    p = 5 * n // 4
    variances = np.stack([np.ones(p), (1 + 4 / np.sqrt(p)) * np.where(np.arange(p) < p // 2, 0.5, 1.5)])
    means = np.zeros((2, p))
    means[:, 0] = 2.0, -2.0
    labels = (np.arange(n) >= n // 2).astype(int)
    x = (means[labels] + rng.standard_normal((n, p)) * np.sqrt(variances[labels])) / np.sqrt(p)
    return x, MixtureStatistics(means, variances, labels)


def kernel_of(activation: str, which: str) -> Kernel:
    """The shipped kernel, or one derived now."""
    shipped = getattr(kernels, f"implicit_{which}_{activation}", None)
    if shipped is not None:
        return shipped
    from dekderive.atoms import elu, leaky_relu, silu
    from dekderive.programs import compile
    from dekderive.symbols import z
    from dekderive.update_maps import implicit_ck, implicit_ntk

    expression = {"elu": elu, "leaky_relu": leaky_relu, "swish": silu}[activation](z)
    return compile((implicit_ck if which == "ck" else implicit_ntk)(expression, name=f"implicit_{which}_{activation}"))


def norm(matrix: np.ndarray) -> float:
    """Spectral norm of a symmetric matrix."""
    spectrum = np.linalg.eigvalsh(matrix)
    return float(max(-spectrum[0], spectrum[-1]))


def variants(found: dict[str, EquivalentKernel], tau0: float, a3: float, shares: np.ndarray) -> dict[str, np.ndarray]:
    """The right equivalents and the wrong ones, as matrices."""
    right = found["population"]
    centred = right.core.copy()
    projection = np.eye(len(shares)) - shares
    centred[1:, 1:] = projection @ centred[1:, 1:] @ projection.T
    wrong = {
        "wrong: fourth power": dataclasses.replace(right, shift=right.shift - tau0**4 * a3),
        "wrong: centred T": dataclasses.replace(right, core=centred),
    }
    return {name: e.toarray() for name, e in (found | wrong).items()}


def measure(activation: str, which: str, sizes: list[int], seeds: int, weight: float) -> Curve:
    """Errors at all sizes."""
    curve = Curve(activation, which, {v: {n: [] for n in sizes} for v in VARIANTS})
    kernel, record = kernel_of(activation, which), getattr(equivalents, activation)
    for n in sizes:
        for seed in range(seeds):
            x, statistics = draw(n, seed)
            model = DeepEquilibrium(record, weight, 1 - weight)
            c = deq_coefficients(model, statistics.tau0)
            given = {"weight_variance": weight, "input_variance": 1 - weight}
            if "reference_norm" in kernel.parameter_names:
                given["reference_norm"] = c.tau0
            begin = time.process_time()
            exact = gram(kernel, x, **given)
            curve.seconds[n] = time.process_time() - begin
            found = {
                "population": equivalent_kernel(c, x, statistics, kernel=which, form="population"),
                "data": equivalent_kernel(c, x, kernel=which),
                "data, exact diagonal": equivalent_kernel(c, x, kernel=which, diagonal="exact"),
            }
            a3 = (c.ck if which == "ck" else c.ntk)[2]
            for name, matrix in variants(found, c.tau0, a3, statistics.shares).items():
                curve.errors[name][n].append(norm(exact - matrix))
    return curve


def table(curves: list[Curve], sizes: list[int]) -> str:
    """The errors of the population form and their slopes, and the slopes of all variants, as Markdown."""
    head = ["activation", "kernel", *(f"n = {n}" for n in sizes), *(f"slope, {v}" for v in VARIANTS)]
    head.append("seconds of the kernel")
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for c in curves:
        cells = [c.activation, c.kernel.upper(), *(f"{c.mean('population', n):.4f}" for n in sizes)]
        cells += [f"{c.slope(v):.2f}" for v in VARIANTS] + [f"{c.seconds[sizes[-1]]:.1f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def figure(curves: list[Curve], sizes: list[int], path: str) -> None:
    """Errors against n, one panel for each activation and kernel, with a guide of slope -1/2."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(c.activation for c in curves))
    rows = list(dict.fromkeys(c.kernel for c in curves))
    shape = (len(rows), len(names))
    plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "equivalents"})
    canvas, axes = plt.subplots(*shape, figsize=(2.6 * shape[1], 2.6 * shape[0]), sharex=True, squeeze=False)
    colours = ("#0072b2", "#56b4e9", "#009e73", "#d55e00", "#cc79a7")
    for c in curves:
        axis = axes[rows.index(c.kernel)][names.index(c.activation)]
        for variant, colour in zip(VARIANTS, colours, strict=True):
            style = "--" if variant.startswith("wrong") else "-"
            axis.loglog(sizes, [c.mean(variant, n) for n in sizes], style, color=colour, marker=".", label=variant)
        guide = c.mean("population", sizes[0]) * np.sqrt(sizes[0] / np.array(sizes)) * 1.3
        axis.loglog(sizes, guide, ":", color="black", label="slope -1/2")
        axis.minorticks_off()
        axis.set_xticks(sizes, [str(n) for n in sizes], fontsize=7)
        axis.set_title(f"{c.activation}, {c.kernel.upper()}", fontsize=9)
        axis.tick_params(labelsize=7)
    axes[0][0].legend(fontsize=5)
    for axis in axes[-1]:
        axis.set_xlabel("n")
    for line in axes:
        line[0].set_ylabel("spectral error")
    canvas.tight_layout()
    canvas.savefig(path, metadata={"Date": None} if path.endswith(".svg") else None)


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="100,200,400", help="values of n, separated by commas")
    parser.add_argument("--activations", default=",".join(ACTIVATIONS))
    parser.add_argument("--kernels", default="ck,ntk")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--weight-variance", type=float, default=0.2)
    parser.add_argument("--figure", help="file to draw to")
    given = parser.parse_args()
    sizes = [int(n) for n in given.sizes.split(",")]
    curves = []
    for activation in given.activations.split(","):
        for which in given.kernels.split(","):
            curves.append(measure(activation, which, sizes, given.seeds, given.weight_variance))
    print(table(curves, sizes))
    if given.figure:
        figure(curves, sizes, given.figure)


if __name__ == "__main__":
    main()
