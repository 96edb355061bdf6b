"""Start an equilibrium model as a kernel GLM, or at random, and compare: before training and during it.

The smooth task of Tsuchida et al. (2022), section 4: a sequence Y is a Gaussian process on 100 points of [-2 pi, 2 pi],
its target the same sample path on the grid moved by 2 to the left.  All models are z = tanh(W1 z + W2 Y + b), read out
as V1 z + V2 Y + c, and differ in their first weights only:

    informed  Theorem 3 with the covariance of the process, lambda = ||K||; nothing is said about its mean
    naive     W1 and W2 by Theorem 3 with exp(-d^2 / 2); V1, V2, c at random
    random    everything from PyTorch's default, uniform on +-1/sqrt(n)

Errors are mean squares relative to the mean square of the targets, so that predicting 0 has error 1.

``python benchmarks/initialisation.py`` needs NumPy alone; ``--epochs 100`` trains by full-batch Adam (needs PyTorch),
``--figure FILE.svg`` draws (needs matplotlib).
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dekderive.initialisers import DEQWeights, kglm_weights
from dekderive.losses import rademacher

REFERENCE = {  # of an earlier program for the same task, iterated 25 times in place of solved, random readouts V1 z + c
    "informed": "0.406",
    "naive": "1.02 to 1.05",
    "random": "1.06 to 1.18",
    "naive, V2 = 0": "1.02 to 1.05",
    "random, V2 = 0": "1.06 to 1.18",
    "mean curve": "0.386",
    "oracle": "0.0357",
}
REFERENCE_STEPS = {
    0: (0.408, 1.06, 1.06),
    5: (0.206, 0.505, 0.491),
    20: (0.126, 0.234, 0.230),
    50: (0.085, 0.117, 0.107),
    100: (0.062, 0.071, 0.066),
}
COLOURS = {"informed": "#0072b2", "naive": "#009e73", "random": "#d55e00"}


def mean_curve(x: np.ndarray) -> np.ndarray:
    """The mean of the process."""
    return np.exp(-(x**2) / 10) * np.sin(x) + np.exp(-((x + 9) ** 2))


def covariance(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The covariance of the process."""
    d = x[:, None] - y
    return 0.1 * np.exp(-(d**2) / 2 - np.sin(d) ** 2)


@dataclass(frozen=True)
class Task:
    """Sequences, one a column: inputs on `x`, targets on `moved`."""

    x: np.ndarray
    moved: np.ndarray
    inputs: np.ndarray
    targets: np.ndarray

    @classmethod
    def draw(cls, points: int, count: int, seed: int) -> Task:
        """Sample paths on both grids at once; the covariance is singular to working precision, its root is not."""
        x = np.linspace(-2 * np.pi, 2 * np.pi, points)
        both = np.concatenate([x, x - 2])
        values, vectors = np.linalg.eigh(covariance(both, both))
        noise = np.random.default_rng(seed).normal(size=(len(both), count))
        paths = mean_curve(both)[:, None] + vectors @ (np.sqrt(values.clip(0))[:, None] * noise)
        return cls(x, x - 2, paths[:points], paths[points:])

    def error(self, predicted: np.ndarray) -> float:
        """Mean square relative to that of the targets."""
        return float(((predicted - self.targets) ** 2).mean() / (self.targets**2).mean())

    def oracle(self) -> np.ndarray:
        """The conditional mean of the targets, from the true mean and covariance: nothing does better."""
        gram = covariance(self.x, self.x) + 1e-10 * np.eye(len(self.x))
        known = np.linalg.solve(gram, self.inputs - mean_curve(self.x)[:, None])
        return mean_curve(self.moved)[:, None] + covariance(self.moved, self.x) @ known


def initialise(name: str, task: Task, seed: int = 0) -> DEQWeights:
    """The first weights of the model; only naive and random ones depend on the seed."""
    n, draw = len(task.x), np.random.default_rng(seed)
    gram = covariance(task.x, task.x)
    informed = kglm_weights(
        rademacher, gram, covariance(task.moved, task.x), regularisation=float(np.linalg.norm(gram, 2))
    )
    if name == "informed":
        return informed
    w1, w2, v1, v2 = draw.uniform(-1, 1, (4, n, n)) / np.sqrt(n)
    bias, readout_bias = draw.uniform(-1, 1, (2, n)) / np.sqrt(n)
    if name.startswith("random"):
        first = replace(informed, W1=w1, W2=w2, bias=bias)
    else:
        gram = np.exp(-((task.x[:, None] - task.x) ** 2) / 2)
        first = kglm_weights(rademacher, gram, regularisation=float(np.linalg.norm(gram, 2)))
    return replace(first, V1=v1, V2=0 * v2 if name.endswith("V2 = 0") else v2, readout_bias=readout_bias)


def predict(layer: DEQWeights, y: np.ndarray) -> np.ndarray:
    """The forward pass; Anderson's method takes all sequences at once."""
    return layer(y, solver="anderson")


def at_epoch_zero(task: Task, seeds: int) -> dict[str, list[float]]:
    """Errors before training, and those of predictors that never are trained."""
    found = {"informed": [task.error(predict(initialise("informed", task), task.inputs))]}
    for name in ("naive", "random", "naive, V2 = 0", "random, V2 = 0"):
        found[name] = [task.error(predict(initialise(name, task, seed), task.inputs)) for seed in range(seeds)]
    found["mean curve"] = [task.error(mean_curve(task.moved)[:, None])]
    found["zero"] = [task.error(np.zeros(1))]
    found["oracle"] = [task.error(task.oracle())]
    return found


def checkpoints(epochs: int) -> list[int]:
    """The epochs at which the test error is measured: every one up to 5, then four for each doubling."""
    spaced = np.unique(np.rint(5 * 2 ** np.arange(0, 12, 0.25)).astype(int))
    return sorted({e for e in (*range(6), *spaced.tolist(), *REFERENCE_STEPS) if e < epochs} | {epochs})


def train(layer: DEQWeights, data: Task, test: Task, epochs: int) -> list[float]:
    """Test errors at the `checkpoints`, by Adam with its default rate; one epoch is one step on all the data."""
    import torch

    from dekderive.initialisers.torch_deq import DenseDEQ

    model = DenseDEQ(layer, dtype=torch.float32, tolerance=1e-5)
    optimiser = torch.optim.Adam(model.parameters())
    inputs, targets, unseen = (torch.tensor(a.T, dtype=torch.float32) for a in (data.inputs, data.targets, test.inputs))
    errors, measured = [], checkpoints(epochs)
    for epoch in range(epochs + 1):
        if epoch in measured:
            with torch.no_grad():
                errors.append(test.error(model(unseen).numpy().T))
        if epoch < epochs:
            optimiser.zero_grad()
            ((model(inputs) - targets) ** 2).mean().backward()
            optimiser.step()
    return errors


def interval(values: Any) -> str:
    """The smallest and the largest of the values, or the only one."""
    low, high = f"{min(values):.3g}", f"{max(values):.3g}"
    return low if low == high else f"{low} to {high}"


def print_curves(curves: dict[str, np.ndarray], epochs: int) -> None:
    """Test errors by epoch, with the spread over seeds."""
    print("\n| epoch | informed | naive | random | earlier: informed, naive, random |\n|---|---|---|---|---|")
    for epoch in sorted({*(e for e in REFERENCE_STEPS if e <= epochs), epochs}):
        column = checkpoints(epochs).index(epoch)
        ours = " | ".join(interval(curves[name][:, column]) for name in COLOURS)
        earlier = REFERENCE_STEPS.get(epoch)
        print(f"| {epoch} | {ours} | {', '.join(map(str, earlier)) if earlier else ''} |")


def draw(path: Path, task: Task, epochs: int, curves: dict[str, np.ndarray], reference: dict[str, list[float]]) -> None:
    """One sequence before training, and the errors during it."""
    from dekderive.reports.extras import matplotlib_module

    figure = matplotlib_module("figure").Figure(figsize=(8, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(task.moved, task.targets[:, 0], "k", label="target")
    for name in ("informed", "random"):
        layer = initialise(name, task)
        left.plot(task.moved, predict(layer, task.inputs[:, :1])[:, 0], color=COLOURS[name], label=name)
    left.set(title="one test sequence, before training", xlabel="x")
    for name, errors in curves.items():
        for seed, values in enumerate(errors):
            right.plot(
                checkpoints(epochs), values, ".-", ms=3, lw=1, color=COLOURS[name], label=name if seed == 0 else None
            )
    for name, style in (("mean curve", ":"), ("oracle", "--")):
        right.axhline(reference[name][0], color="0.5", ls=style, lw=1, label=name)
    right.set(title="relative test error", xlabel="step of Adam", yscale="log")
    for axes in (left, right):
        axes.legend(frameon=False, fontsize="small")
        axes.spines[["top", "right"]].set_visible(False)
    metadata = {"Date": None, "Creator": None} if path.suffix == ".svg" else None
    with matplotlib_module("pyplot").rc_context({"svg.fonttype": "none", "svg.hashsalt": "initialisation"}):
        figure.savefig(path, metadata=metadata, dpi=150)


def main(arguments: list[str] | None = None) -> None:
    """Print the errors, and draw them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=100, help="of a sequence")
    parser.add_argument("--test", type=int, default=2000, help="number of test sequences")
    parser.add_argument("--train", type=int, default=2000, help="number of training sequences")
    parser.add_argument("--seeds", type=int, default=5, help="number of random initialisations")
    parser.add_argument("--data-seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=0, help="full-batch steps of Adam; needs PyTorch")
    parser.add_argument("--figure", type=Path, help="file to draw to; needs matplotlib")
    options = parser.parse_args(arguments)
    task = Task.draw(options.points, options.test, options.data_seed)
    found = at_epoch_zero(task, options.seeds)
    print(f"{options.test} sequences of {options.points} points, {options.seeds} random initialisations; epoch 0\n")
    print("| initialisation | relative error | mean square | earlier program |\n|---|---|---|---|")
    square = (task.targets**2).mean()
    for name, errors in found.items():
        print(f"| {name} | {interval(errors)} | {interval(square * np.array(errors))} | {REFERENCE.get(name, '')} |")
    print(f"\ninformed / best random: {found['informed'][0] / min(found['random']):.3f}", end="")
    print(f" ({found['informed'][0] / min(found['random, V2 = 0']):.3f} of that without V2; earlier: 0.38)")
    curves = {name: np.array(found[name])[:, None] for name in COLOURS}
    if options.epochs:
        data = Task.draw(options.points, options.train, options.data_seed + 1)
        for name in COLOURS:
            layers = [initialise(name, task, seed) for seed in range(1 if name == "informed" else options.seeds)]
            curves[name] = np.array([train(layer, data, task, options.epochs) for layer in layers])
        print_curves(curves, options.epochs)
    if options.figure:
        draw(options.figure, task, options.epochs, curves, found)


if __name__ == "__main__":
    main()
