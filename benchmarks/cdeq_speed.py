"""Time of convolutional tangent kernels of pairs of images, in one interleaved run.

    python benchmarks/cdeq_speed.py [--sizes 8,16,32] [--rounds 7] [--images 12] [--gap-rounds 3]

Random images with unit pixels, 3 x 3 filters, sigma_W^2 + sigma_U^2 = 1, one thread.  Every round times every method
once: infinite depth to 1e-10, and 50 layers, by compiled loops and by NumPy alone; what is printed are medians over
the rounds, per pair, of processor time.  Preparation of single images (their variances) is timed apart: a matrix of n
images has n of them and n (n + 1)/2 pairs.  `error` is the largest relative difference from a run to 1e-13, or for 50
layers from infinite depth.  With global average pooling NumPy takes seconds for a large pair, and is left out there.
"""

import argparse
import importlib.util
import os
import platform
import statistics
import time
from collections.abc import Callable

import numpy as np

from dekderive.gram.convolutional.engine import values_of
from dekderive.gram.convolutional.gram import layer_for
from dekderive.gram.convolutional.images import Side, unit_pixels
from dekderive.gram.convolutional.layer import Layer
from dekderive.kernels import deq_ntk_relu

WEIGHTS = (0.65, 0.9)
TRACE, POOLED = "preactivation", "gap"


def timed(function: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    start = time.process_time()
    value = function()
    return time.process_time() - start, value


class Problem:
    """All pairs of some images, for one weight variance."""

    def __init__(self, size: int, images: int, weight: float) -> None:
        draw = np.random.default_rng(0)
        self.images = unit_pixels(draw.uniform(-1, 1, size=(images, size, size, 3)))
        self.weight = weight
        self.i, self.j = np.tril_indices(images, -1)

    def layer(self, depth: int | None) -> Layer:
        """The layer, applied so often."""
        parameters = {"weight_variance": self.weight, "input_variance": 1 - self.weight}
        return layer_for(deq_ntk_relu, (self.images, None), (3, "taps", depth, TRACE, 1e-10), parameters)

    def method(
        self, depth: int | None, backend: str, readout: str = TRACE, tolerance: float = 1e-10
    ) -> Callable[[], np.ndarray]:
        """The kernel of all pairs, as something to time."""
        layer = self.layer(depth)
        side, i, j = Side.of(layer, self.images), self.i, self.j
        return lambda: values_of(layer, readout, side, side, i, j, tolerance, backend)

    def preparation(self) -> Callable[[], np.ndarray]:
        """The variances of the images."""
        layer = self.layer(None)
        return lambda: Side.of(layer, self.images).variances


def medians(methods: dict[str, Callable[[], np.ndarray]], rounds: int) -> dict[str, tuple[float, np.ndarray]]:
    values = {name: method() for name, method in methods.items()}  # also compiles
    times: dict[str, list[float]] = {name: [] for name in methods}
    for _ in range(rounds):
        for name, method in methods.items():
            times[name].append(timed(method)[0])
    return {name: (statistics.median(times[name]), values[name]) for name in methods}


def trace_table(sizes: list[int], images: int, rounds: int, backends: list[str]) -> None:
    print(
        "| images | sigma_W^2 | backend | infinite depth, us/pair (error) | 50 layers, us/pair (error) | ratio "
        "| prepare, us/image |"
    )
    print("|---|---|---|---|---|---|---|")
    for size in sizes:
        for weight in WEIGHTS:
            problem = Problem(size, images, weight)
            exact = problem.method(None, "numpy", tolerance=1e-13)()
            methods = {"prepare": problem.preparation()}
            for backend in backends:
                methods |= {(backend, depth): problem.method(depth, backend) for depth in (None, 50)}
            found = medians(methods, rounds)
            for backend in backends:
                (limit, a), (deep, b) = found[backend, None], found[backend, 50]
                unit = 1e6 / problem.i.size
                cells = [f"{limit * unit:.0f} ({error(a, exact):.0e})", f"{deep * unit:.0f} ({error(b, exact):.0e})"]
                cells += [f"{deep / limit:.2f}", f"{found['prepare'][0] * 1e6 / images:.0f}"]
                print(f"| {size} x {size} | {weight} | {backend} | {' | '.join(cells)} |", flush=True)


def error(found: np.ndarray, exact: np.ndarray) -> float:
    return float(np.abs(found / exact - 1).max())


def pooled_table(sizes: list[int], rounds: int, backends: list[str]) -> None:
    print("\n| images, global average pooling | sigma_W^2 | backend | infinite depth, ms/pair (error) |")
    print("|---|---|---|---|")
    for size in sizes:
        for weight in WEIGHTS:
            problem = Problem(size, 2, weight)
            methods = {b: problem.method(None, b, POOLED) for b in backends if b == "numba" or size <= 8}
            exact = problem.method(None, backends[0], POOLED, tolerance=1e-13)()
            for backend, (seconds, value) in medians(methods, rounds).items():
                print(
                    f"| {size} x {size} | {weight} | {backend} | {seconds * 1e3:.1f} ({error(value, exact):.0e}) |",
                    flush=True,
                )


def main(arguments: list[str] | None = None) -> None:
    """Print two tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", default="8,16,32")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--gap-rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--backends", default="numba,numpy")
    options = parser.parse_args(arguments)
    backends = options.backends.split(",")
    if "numba" in backends and importlib.util.find_spec("numba") is None:
        print('numba is not installed, so NumPy alone is timed; pip install "dekderive[fast]" for the other rows.\n')
        backends = ["numpy"]
    elif "numba" in backends:
        import numba

        numba.set_num_threads(1)
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {os.cpu_count()} cores, one thread.\n")
    sizes = [int(size) for size in options.sizes.split(",")]
    trace_table(sizes, options.images, options.rounds, backends)
    pooled_table(sizes, options.gap_rounds, backends)


if __name__ == "__main__":
    main()
