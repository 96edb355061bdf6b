"""Kernel values of many pairs of images: by numba where it is installed and the layer has a profile, else by NumPy."""

import importlib.util

import numpy as np
from numpy.typing import NDArray

from dekderive.errors import InvalidInput, MissingExtra, NotConverged
from dekderive.gram.convolutional.images import Side
from dekderive.gram.convolutional.layer import Layer
from dekderive.gram.convolutional.pairs import fields_of
from dekderive.gram.convolutional.readouts import total
from dekderive.solvers.solution import Array

__all__ = ["BACKENDS", "chosen_backend", "values_of"]

BACKENDS = ("auto", "numpy", "numba")

# Pixels of all pairs that NumPy works on at a time: some thirty arrays of this size exist then.
PIXELS = 1 << 16

# Compiling takes some ten to twenty seconds, in which NumPy solves for about this many pixels of pairs; with less work
# than that, "auto" is NumPy.
WORTH = 10_000_000


def chosen_backend(backend: str, layer: Layer, readout: str, count: int) -> str:
    """The backend to use for so many pairs of images.

    Raises
    ------
    InvalidInput
        If there is none of that name, or numba was asked for and cannot do this layer.
    MissingExtra
        If numba was asked for and is not installed.
    """
    if backend not in BACKENDS:
        raise InvalidInput(f"backend must be one of {', '.join(BACKENDS)}; got {backend!r}")
    installed = importlib.util.find_spec("numba") is not None
    able = layer.profile is not None and layer.profile.positive
    if backend == "numba":
        if not installed:
            raise MissingExtra('backend="numba" needs numba, which is not installed; pip install "dekderive[fast]"')
        if not able:
            raise InvalidInput(
                f'backend="numba" is for expectations that depend on correlations alone, and those of '
                f"{layer.activation.name} here do not; leave backend='auto'"
            )
        return backend
    size = layer.grid.rows * layer.grid.columns
    work = count * (size**2 if readout == "gap" else size)
    return "numba" if backend == "auto" and installed and able and work >= WORTH else "numpy"


def values_of(
    layer: Layer,
    readout: str,
    x: Side,
    y: Side,
    i: NDArray[np.intp],
    j: NDArray[np.intp],
    tolerance: float,
    backend: str,
) -> Array:
    """The kernel at pairs (x[i], y[j]), (N,).

    Raises
    ------
    NoFixedPoint, NotConverged
    """
    if backend == "numba":
        from dekderive.gram.convolutional.compiled import compiled_values

        values = compiled_values(layer, readout, x, y, i, j, tolerance)
    else:
        batch = max(1, PIXELS // (layer.grid.rows * layer.grid.columns))
        parts = [slice(begin, begin + batch) for begin in range(0, i.size, batch)]
        values = np.concatenate(
            [_batch(layer, readout, x.part(i[p]), y.part(j[p]), tolerance) for p in parts] or [np.empty(0)]
        )
    values = values * (x.norms[i] * y.norms[j])
    if not np.isfinite(values).all():
        raise NotConverged(
            f"{layer.activation.name}: the value of some pair of images is not finite; rescale the images"
        )
    return np.asarray(values)


def _batch(layer: Layer, readout: str, x: Side, y: Side, tolerance: float) -> Array:
    grid = layer.grid
    displacements = grid.displacements if readout == "gap" else [(0, 0)]
    sums = np.zeros(len(x))
    for displacement in displacements:
        sums += total(readout, fields_of(layer, grid.overlap(displacement), x, y, tolerance))
    return sums / (grid.rows * grid.columns) ** 2 if readout == "gap" else sums
