"""Kernel GLMs: one large fit against scikit-learn's GaussianProcessClassifier, and many images on one grid.

Run ``python benchmarks/kernel_glm_speed.py``; with ``--rows 500 --images 100`` it is a matter of seconds.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF, ConstantKernel

from dekderive.estimators import KernelGLMClassifier
from dekderive.losses import bernoulli, bind
from dekderive.solvers.kglm import solve_kglm


def main(arguments: list[str] | None = None) -> None:
    """Print one table for the fit and one for the images."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(options.rows, 5))
    y = (X[:, 0] + X[:, 1] ** 2 - 1 + 0.5 * rng.normal(size=options.rows) > 0).astype(int)
    print("| L | iterations | kernel GLM, s | GaussianProcessClassifier, s | ratio | largest difference of p |")
    print("|---|---|---|---|---|---|")
    for variance in (1.0, 5.0):
        ours, theirs = [], []
        for _ in range(options.rounds):
            start = time.perf_counter()
            model = KernelGLMClassifier(kernel=RBF(2.0), regularisation=1 / variance).fit(X, y)
            ours.append(time.perf_counter() - start)
            start = time.perf_counter()
            peer = GaussianProcessClassifier(ConstantKernel(variance) * RBF(2.0), optimizer=None).fit(X, y)
            theirs.append(time.perf_counter() - start)
        p = 1 / (1 + np.exp(-model.solution_.f))
        difference = np.abs(p - peer.base_estimator_.pi_).max()
        a, b = min(ours), min(theirs)
        print(f"| {model.lipschitz_:.0f} | {model.n_iter_} | {a:.2f} | {b:.2f} | {a / b:.2f} | {difference:.1g} |")
    axis = np.arange(28.0)
    first = np.exp(-0.5 * (axis[:, None] - axis) ** 2 / 4)
    norm = np.linalg.norm(first, 2) ** 2
    targets = (rng.uniform(size=(784, options.images)) < 0.4) * 1.0
    print(
        f"\n| {options.images} images of 28 x 28, L | solver | iterations | ms/image, wall | ms/image, CPU | residual |"
    )
    print("|---|---|---|---|---|---|")
    for lipschitz in (0.125, 2, 20, 200):
        wall, cpu = np.inf, np.inf
        for _ in range(options.rounds):
            start, used = time.perf_counter(), time.process_time()
            fit = solve_kglm((first, first), targets, bind(bernoulli), norm / 4 / lipschitz)
            wall, cpu = min(wall, time.perf_counter() - start), min(cpu, time.process_time() - used)
        wall, cpu = 1e3 * wall / options.images, 1e3 * cpu / options.images
        print(f"| {lipschitz} | {fit.solver} | {fit.iterations} | {wall:.2f} | {cpu:.2f} | {fit.residual.max():.1g} |")


if __name__ == "__main__":
    main()
