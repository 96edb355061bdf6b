"""Kernel logistic regression is a deep equilibrium model: the same pixels, counted.

Appendix G of Tsuchida et al. (2022): binarised digits, 30 % of the pixels flipped, a squared-exponential kernel on the
pixel coordinates, lambda = 2 ||K||.  Kernel logistic regression is solved as a convex problem by majorise-minimise
steps in the predictor; the equilibrium model by plain iteration of its layer z = sigmoid(W1 z + W2 y) in the mean,
which is what a network does.  The two programs share the kernel matrix and nothing else.

Run ``python benchmarks/klr_is_deq.py`` for scikit-learn's digits, enlarged to 28 x 28, or with ``--data-dir DIR
--images 60000`` for ``x_train`` of DIR/mnist.npz.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from dekderive.losses import bernoulli, bind
from dekderive.solvers.kglm import solve_kglm

PUBLISHED = "published: 11 of 47,040,000 pixels (60,000 MNIST images), all of them ties of the network at exactly 0.5"


def images(folder: Path | None, count: int) -> np.ndarray:
    """(count, 28, 28) images of 0 and 1."""
    if folder is not None:
        with np.load(folder / "mnist.npz", allow_pickle=False) as data:
            return (data["x_train"][:count] > 127).astype(np.float64)
    from sklearn.datasets import load_digits

    digits = load_digits().images[:count] / 16
    enlarged = np.kron(digits, np.ones((1, 4, 4)))[:, 2:30, 2:30]
    return (enlarged > 0.5).astype(np.float64)


def equilibrium(first: np.ndarray, y: np.ndarray, scale: float, steps: int, dtype: type) -> np.ndarray:
    """Iterate z = sigmoid(K (y - z) / lambda) and read out K (y - z) / lambda, in one floating-point format."""
    k, y, scale = first.astype(dtype), y.astype(dtype), dtype(scale)
    z = np.full_like(y, 0.5)
    for _ in range(steps):
        z = 1 / (1 + np.exp(-(k @ (y - z) @ k) / scale))
    return k @ (y - z) @ k / scale


def main(arguments: list[str] | None = None) -> None:
    """Print the disagreements in float64 and float32."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--lengthscale", type=float, default=1.0)
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(0)
    axis = np.arange(28.0)
    first = np.exp(-0.5 * (axis[:, None] - axis) ** 2 / options.lengthscale**2)
    scale = 2 * np.linalg.norm(first, 2) ** 2
    total = disagree64 = disagree32 = ties32 = 0
    worst = widest = 0.0
    for batch in np.array_split(images(options.data_dir, options.images), max(1, options.images // 500)):
        y = np.abs(batch - (rng.uniform(size=batch.shape) < 0.3))
        fit = solve_kglm((first, first), y.reshape(len(y), -1).T, bind(bernoulli), scale, solver="mm")
        f = fit.raise_for_status().f.T.reshape(y.shape)
        deq64, deq32 = (equilibrium(first, y, scale, 40, dtype) for dtype in (np.float64, np.float32))
        p32 = 1 / (1 + np.exp(-deq32))
        wrong32 = (p32 > 0.5) != (f > 0)
        total, disagree64 = total + f.size, disagree64 + int(((deq64 > 0) != (f > 0)).sum())
        disagree32, ties32 = disagree32 + int(wrong32.sum()), ties32 + int((p32 == 0.5).sum())
        worst = max(worst, float(np.abs(deq64 - f).max()))
        widest = max(widest, float(np.abs(f[wrong32]).max(initial=0.0)))
    print(f"{options.images} images, {total:,} pixels; Lipschitz constant {fit.lipschitz:.4f}")
    print(f"float64: {disagree64} pixels disagree; largest difference of the predictors {worst:.2g}")
    print(f"float32: {disagree32} pixels disagree ({ties32} ties at 0.5); there the predictor is at most {widest:.2g}")
    print(PUBLISHED)


if __name__ == "__main__":
    main()
