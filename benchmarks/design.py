"""A deep equilibrium model and the explicit network that was designed to have its kernel, side by side.

``python benchmarks/design.py errors``       spectral error of designs against n, with and without the norm feature
``python benchmarks/design.py histograms``   eigenvalues of the exact kernel, its equivalent and the designed one
``python benchmarks/design.py feasibility``  how many leaky ReLU layers a leaky ReLU model needs
``python benchmarks/design.py predictions``  difference of kernel ridge predictions against n
``python benchmarks/design.py accuracy``     test accuracy and time: equilibrium model against explicit network

Each prints Markdown, and all but the last draw with ``--figure FILE.svg`` (needs matplotlib).  Data are Gaussian
mixtures; histograms and accuracy also take ``--data mnist --data-dir DIR`` (or cifar10_subset, or digits, which needs
no folder).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from scipy import linalg

from dekderive import equivalents, kernels
from dekderive.datasets import load
from dekderive.design import ExplicitNetwork, design_explicit
from dekderive.equivalents import DeepEquilibrium, deq_coefficients, equivalent_kernel
from dekderive.errors import NotReachable
from dekderive.gram import gram

CASES = (("tanh", "ck", 0.2), ("relu", "ck", 0.2), ("relu", "ck", 0.8), ("relu", "ntk", 0.2), ("tanh", "ntk", 0.2))
FAMILIES = ("hard_tanh", "leaky_relu", "hermite", "hermite_slope", "hermite_rate")
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#000000")


def mixture(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two classes in p = 1.25 n dimensions, means +-2 e_1, covariances I and (1 + 4/sqrt p) diag(1/2, 3/2)."""
    rng = np.random.default_rng(seed)
    p = 5 * n // 4
    labels = np.arange(n) % 2
    noise = rng.normal(size=(n, p))
    spread = np.sqrt((1 + 4 / np.sqrt(p)) * np.where(np.arange(p) < p // 2, 0.5, 1.5))
    noise[labels == 1] *= spread
    noise[:, 0] += np.where(labels == 0, 2.0, -2.0)
    return noise / np.sqrt(np.mean(np.sum(noise**2, axis=1))), labels


def images(name: str, folder: Path | None, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Images less their mean, each of norm 1, in a random order."""
    data = load(name, data_dir=folder, task="classification")
    order = np.random.default_rng(seed).permutation(len(data.X))[:count]
    rows = data.X[order] - data.X[order].mean(axis=0)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True), data.y[order]


def exact(name: str, kind: str, sa: float, X: np.ndarray, Y: np.ndarray | None = None) -> np.ndarray:
    """The kernel of the equilibrium model with variances sa and 1 - sa, for rows of mean square norm 1."""
    kernel = getattr(kernels, f"implicit_{kind}_{name}")
    centred = {"reference_norm": 1.0} if "reference_norm" in kernel.parameter_names else {}
    return gram(kernel, X, Y, weight_variance=sa, input_variance=1 - sa, **centred)


def model(name: str, sa: float) -> DeepEquilibrium:
    return DeepEquilibrium(getattr(equivalents, name), sa, 1 - sa)


def design(name: str, kind: str, sa: float, family: str) -> tuple[ExplicitNetwork | None, bool]:
    """The network and whether it meets the equations; the nearest one where the family has none."""
    try:
        return design_explicit(model(name, sa), kind, family, tau0=1.0), True
    except NotReachable as error:
        return (error.nearest, False) if isinstance(error.nearest, ExplicitNetwork) else (None, False)
    except ValueError:
        return None, False


def spectral(matrix: np.ndarray) -> float:
    values = linalg.eigvalsh(matrix)
    return float(max(-values[0], values[-1]))


def decimal(value: float) -> str:
    return f"{value:.2g}"


# ---- spectral errors -------------------------------------------------------------------------------------------------


def variants(name: str, kind: str, sa: float) -> Iterator[tuple[str, ExplicitNetwork, bool]]:
    for family in FAMILIES:
        if (family == "hermite_rate" and kind == "ck") or (family == "leaky_relu" and kind != "ck"):
            continue
        network, reached = design(name, kind, sa, family)
        if network is None or (family == "hard_tanh" and name == "relu"):
            continue
        yield family, network, reached
        if family == "hermite" and network.norm_shift:
            yield "no norm feature", ExplicitNetwork(family, network.layers, 0.0, 1.0, network.target), False


def errors(sizes: Sequence[int], seeds: int, figure: Path | None) -> None:
    """Spectral error of every family; a star where the four equations are not met."""
    print("| model | network |", *(f"n = {n} |" for n in sizes), "slope |")
    print("|---|---|" + "---|" * (len(sizes) + 1))
    panels = []
    for name, kind, sa in CASES:
        measured: dict[str, list[float]] = {}
        for n in sizes:
            rows = [mixture(n, seed)[0] for seed in range(seeds)]
            grams = [exact(name, kind, sa, x) for x in rows]
            for label, network, reached in variants(name, kind, sa):
                found = np.mean([spectral(g - network.kernel(x)) for g, x in zip(grams, rows, strict=True)])
                measured.setdefault(label if reached else label + " *", []).append(float(found))
            measured.setdefault("size of the kernel", []).append(float(np.mean([spectral(g) for g in grams])))
        for label, values in measured.items():
            slope = np.polyfit(np.log(sizes), np.log(values), 1)[0] if len(sizes) > 1 else np.nan
            row = " | ".join(map(decimal, values))
            print(f"| {name} {kind}, σ²={sa} | {label} | {row} | {slope:.2f} |", flush=True)
        panels.append((f"{name} {kind}, σ² = {sa}", measured))
    if figure:
        _draw_errors(sizes, panels, figure)


def _draw_errors(sizes: Sequence[int], panels: list[tuple[str, dict[str, list[float]]]], figure: Path) -> None:
    from matplotlib.lines import Line2D

    labels = list(dict.fromkeys(label.removesuffix(" *") for _, measured in panels for label in measured))
    colours = dict(zip(labels, [*COLOURS, "#999999", "#f0e442"], strict=False))
    with _figure(figure, len(panels)) as axes:
        for ax, (title, measured) in zip(axes, panels, strict=True):
            for label, values in measured.items():
                colour = colours[label.removesuffix(" *")]
                ax.loglog(sizes, values, "--" if label.endswith("*") else "-", color=colour, label=label)
            ax.minorticks_off()
            ax.set_xticks(sizes, [str(n) for n in sizes])
            ax.set(title=title, xlabel="n")
        axes[0].set_ylabel("difference from the model")
        # Dashed lines miss an equation; one legend serves all panels.
        lines = [Line2D([], [], color=colours[label], label=label) for label in labels]
        lines.append(Line2D([], [], color="black", linestyle="--", label="misses an equation"))
        axes[0].figure.legend(handles=lines, loc="outside lower center", ncols=len(lines), fontsize=7, frameon=False)


# ---- eigenvalues -----------------------------------------------------------------------------------------------------


def histograms(n: int, data: str, folder: Path | None, figure: Path | None) -> None:
    """The two largest eigenvalues, and the rest by its quartiles."""
    X = mixture(n, 0)[0] if data == "mixture" else images(data, folder, n)[0]
    X = X / np.sqrt(np.mean(np.sum(X * X, axis=1)))
    panels = []
    print("| kernel | matrix | largest two | quartiles of the others | distance |\n|---|---|---|---|---|")
    for name, kind in (("tanh", "ck"), ("relu", "ck"), ("tanh", "ntk"), ("relu", "ntk")):
        deq = model(name, 0.2)
        G = exact(name, kind, 0.2, X)
        network = design_explicit(deq, kind, tau0=1.0)
        same = equivalent_kernel(deq_coefficients(deq, 1.0), X, kernel=kind)  # type: ignore[arg-type]
        spectra = {}
        for label, K in (("exact", G), ("equivalent", same.toarray()), (network.family, network.kernel(X))):
            values = linalg.eigvalsh(K)
            spectra[label] = values
            top = f"{values[-1]:.4g}, {values[-2]:.4g}"
            middle = ", ".join(f"{v:.3f}" for v in np.quantile(values[:-2], [0.25, 0.5, 0.75]))
            distance = "" if label == "exact" else decimal(spectral(K - G))
            print(f"| {name} {kind} | {label} | {top} | {middle} | {distance} |", flush=True)
        panels.append((f"{name} {kind}", spectra))
    if figure:
        with _figure(figure, len(panels)) as axes:
            for ax, (title, spectra) in zip(axes, panels, strict=True):
                bins = np.linspace(*np.quantile(np.concatenate(list(spectra.values())), [0.0, 0.985]), 30)
                for (label, values), colour in zip(spectra.items(), COLOURS, strict=False):
                    filled = label == "exact"
                    ax.hist(
                        values,
                        bins,
                        histtype="stepfilled" if filled else "step",
                        alpha=0.35 if filled else 1.0,
                        color=colour,
                        label=f"{label}; {values[-1]:.3g}, {values[-2]:.3g}",
                    )
                ax.set(title=title, xlabel="eigenvalue")
                ax.legend(fontsize=6, frameon=False)


# ---- feasibility -----------------------------------------------------------------------------------------------------


def feasibility(points: int, figure: Path | None) -> None:
    """Leaky ReLU layers that a leaky ReLU model with variances sa, 1 - sa needs: 2, 3, or more than 3."""
    from dekderive.equivalents import numerical_activation

    shares, leaks = np.linspace(0.04, 0.96, points), np.linspace(0.0, 0.75, points // 2)
    needed = np.full((len(leaks), len(shares)), 4)
    for i, leak in enumerate(leaks):
        phi = numerical_activation(
            lambda z, leak=leak: np.where(z > 0, z, leak * z),
            lambda z, leak=leak: np.where(z > 0, 1.0, leak),
            name=f"leaky relu {leak:.2f}",
            lipschitz=1.0,
        )
        for j, share in enumerate(shares):
            try:
                network = design_explicit(DeepEquilibrium(phi, share, 1 - share), family="leaky_relu", tau0=1.0)
                needed[i, j] = len(network.layers)
            except NotReachable:
                continue
    print("| leak | two layers up to σ² = | three layers up to |\n|---|---|---|")
    for leak, row in zip(leaks, needed, strict=True):
        ends = [f"{shares[row <= k].max():.2f}" if (row <= k).any() else "-" for k in (2, 3)]
        print(f"| {leak:.2f} | {ends[0]} | {ends[1]} |")
    if figure:
        with _figure(figure, 1) as axes:
            ends = [[max(shares[row <= k], default=0.0) for row in needed] for k in (2, 3)]
            for low, high, colour, label in zip(
                [np.zeros(len(leaks)), *ends], [*ends, np.ones(len(leaks))], COLOURS, ("2", "3", "more"), strict=False
            ):
                axes[0].fill_betweenx(leaks, low, high, color=colour, alpha=0.6, linewidth=0, label=f"{label} layers")
            axes[0].set(xlabel="σ² of the recurrent weights", ylabel="leak", xlim=(0, 1), ylim=(0, leaks[-1]))
            axes[0].legend(fontsize=7)


# ---- predictions -----------------------------------------------------------------------------------------------------


def ridge(K: np.ndarray, cross: np.ndarray, targets: np.ndarray, strength: float) -> np.ndarray:
    """Kernel ridge predictions."""
    return cross @ linalg.solve(K + strength * np.eye(len(K)), targets, assume_a="pos")


def predictions(sizes: Sequence[int], figure: Path | None) -> None:
    """Relative l2 difference of the predictions at unseen rows of the mixture, ridge 0.1."""
    print("| model | network |", *(f"n = {n} |" for n in sizes))
    print("|---|---|" + "---|" * len(sizes))
    panels = []
    for name, kind, sa in CASES:
        measured: dict[str, list[float]] = {}
        for n in sizes:
            X, labels = mixture(2 * n, 1)
            seen, new = slice(0, n), slice(n, 2 * n)
            targets = 2.0 * labels - 1.0
            whole = exact(name, kind, sa, X)
            right = ridge(whole[seen, seen], whole[new, seen], targets[seen], 0.1)
            for label, network, reached in variants(name, kind, sa):
                K = network.kernel(X)
                gap = ridge(K[seen, seen], K[new, seen], targets[seen], 0.1) - right
                key = label if reached else label + " *"
                measured.setdefault(key, []).append(float(np.linalg.norm(gap) / np.linalg.norm(right)))
        for label, values in measured.items():
            print(f"| {name} {kind}, σ²={sa} | {label} | {' | '.join(map(decimal, values))} |", flush=True)
        panels.append((f"{name} {kind}, σ² = {sa}", measured))
    if figure:
        _draw_errors(sizes, panels, figure)


# ---- accuracy and time -----------------------------------------------------------------------------------------------


def timed(function: Callable[[], Any]) -> tuple[Any, float]:
    begin = time.process_time()
    value = function()
    return value, time.process_time() - begin


def deq_features(name: str, sa: float, X: np.ndarray, width: int, steps: int, seed: int) -> np.ndarray:
    """The equilibrium of a network of finite width, by iteration."""
    rng, deq = np.random.default_rng(seed), model(name, sa)
    known = deq_coefficients(deq, 1.0)
    A = rng.normal(size=(width, width)).astype(np.float32) * np.float32(np.sqrt(sa))
    inputs = X @ (rng.normal(size=(width, X.shape[1])).astype(np.float32) * np.float32(np.sqrt(1 - sa))).T
    z = np.zeros_like(inputs)
    for _ in range(steps):
        z = (deq.activation.function(z @ A.T + inputs) - known.bias).astype(np.float32) / np.float32(np.sqrt(width))
    return z


def linear_model(train: np.ndarray, test: np.ndarray, targets: np.ndarray, strength: float) -> np.ndarray:
    """Ridge regression in the smaller of the two forms."""
    wide = train.shape[1] > len(train)
    normal = train @ train.T if wide else train.T @ train
    normal[np.diag_indices_from(normal)] += strength
    if wide:
        return test @ (train.T @ linalg.solve(normal, targets, assume_a="pos"))
    return test @ linalg.solve(normal, train.T @ targets, assume_a="pos")


def accuracy(args: argparse.Namespace) -> None:
    """Ridge regression on one-hot targets with the kernel of the model, with that of the network, and with features."""
    count, new = args.train, args.test
    data = "digits" if args.data == "mixture" else args.data
    X, y = images(data, args.data_dir, count + new)
    count = min(count, 3 * len(X) // 4)
    train, test = X[:count], X[count:]
    single, unseen = train.astype(np.float32), test.astype(np.float32)
    targets = np.eye(y.max() + 1)[y[:count]] - 1 / (y.max() + 1)
    name, kind, sa, strength = args.model, "ck", args.share, args.ridge
    network, cost = timed(lambda: design_explicit(model(name, sa), kind, args.family, tau0=1.0, terms=4))
    print(
        f"{args.data}: {len(train)} training and {len(test)} test rows, {X.shape[1]} columns; {name}, σ² = {sa}, ",
        end="",
    )
    print(f"ridge {strength}; the design ({network.family}, {len(network.layers)} layers) took {cost:.3f} s\n")
    print("| method | test accuracy | standard error | kernel or features, s | regression, s | of the first row |")
    print("|---|---|---|---|---|---|")
    reference: list[float] = []

    def report(label: str, make: Callable[[], tuple[Any, Any]], solve: Callable[..., np.ndarray]) -> None:
        (first, second), made = timed(make)
        scores, solved = timed(lambda: solve(first, second, targets.astype(first.dtype), strength))
        share = float(np.mean(scores.argmax(axis=1) == y[count:]))
        error = float(np.sqrt(share * (1 - share) / len(test)))
        reference.append(made + solved)
        part = f"{(made + solved) / reference[0]:.3f}"
        print(f"| {label} | {share:.4f} | {error:.4f} | {made:.2f} | {solved:.2f} | {part} |", flush=True)

    report(
        "equilibrium model, kernel ridge",
        lambda: (exact(name, kind, sa, train), exact(name, kind, sa, test, train)),
        ridge,
    )
    report("explicit network, kernel ridge", lambda: (network.kernel(train), network.kernel(test, train)), ridge)
    for width in args.widths:
        if args.steps:
            report(
                f"equilibrium model of width {width}, {args.steps} steps",
                lambda width=width: tuple(deq_features(name, sa, x, width, args.steps, 1) for x in (single, unseen)),
                linear_model,
            )
        weights = network.weights(X.shape[1], width, 1)
        report(
            f"explicit network of width {width}",
            lambda weights=weights: tuple(network.apply(weights, x) for x in (single, unseen)),
            linear_model,
        )


@contextmanager
def _figure(file: Path, panels: int) -> Iterator[Any]:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    mpl.rcParams["svg.hashsalt"] = "design"
    mpl.rcParams["svg.fonttype"] = "none"
    figure, axes = plt.subplots(1, panels, figsize=(2.9 * panels + 0.4, 2.9), squeeze=False, layout="constrained")
    for ax in axes[0]:
        ax.tick_params(labelsize=7)
        ax.title.set_fontsize(9)
    yield axes[0]
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and run one of the commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("errors", "histograms", "feasibility", "predictions", "accuracy"))
    parser.add_argument("--sizes", default="200,400,800", help="numbers of rows")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--points", type=int, default=24, help="of the map, along one side")
    parser.add_argument("--data", default="mixture", help="mixture, digits, or a set in --data-dir")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--train", type=int, default=1000)
    parser.add_argument("--test", type=int, default=500)
    parser.add_argument("--model", default="relu", choices=("relu", "tanh", "erf"))
    parser.add_argument("--share", type=float, default=0.5, help="variance of the recurrent weights")
    parser.add_argument("--ridge", type=float, default=0.01)
    parser.add_argument("--widths", type=lambda s: [int(w) for w in s.split(",")], default=[500, 2000])
    parser.add_argument("--steps", type=int, default=30, help="iterations at finite width; 0 leaves these rows out")
    parser.add_argument("--family", default="auto", help="of the explicit network, see design_explicit")
    parser.add_argument("--figure", type=Path)
    args = parser.parse_args(arguments)
    sizes = [int(n) for n in args.sizes.split(",")]
    if args.command == "errors":
        errors(sizes, args.seeds, args.figure)
    elif args.command == "histograms":
        histograms(sizes[-1], args.data, args.data_dir, args.figure)
    elif args.command == "feasibility":
        feasibility(args.points, args.figure)
    elif args.command == "predictions":
        predictions(sizes, args.figure)
    else:
        accuracy(args)


if __name__ == "__main__":
    main()
