"""The loops that numba compiles, and NumPy, have the same values."""

import importlib
import importlib.util
import itertools
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from dekderive.errors import InvalidInput, MissingExtra, NoFixedPoint
from dekderive.gram.convolutional import convolutional_gram, engine
from dekderive.kernels import deq_ntk_erf, deq_ntk_relu

NAMES = ("dekderive.gram.convolutional.loops", "dekderive.gram.convolutional.compiled")
READOUTS = ("preactivation", "linear", "eq21", "gap")
VARIANCES = {"weight_variance": 0.7, "input_variance": 0.5}


@pytest.fixture
def plain(monkeypatch):
    """The loops as they are without numba: plain Python."""
    import dekderive.gram.convolutional as package

    for name in NAMES:
        if name in sys.modules:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.delattr(package, name.rpartition(".")[2], raising=False)
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "numba", None)
        modules = [importlib.import_module(name) for name in NAMES]
    assert modules[0].numba is None
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())  # so that engine takes them
    yield
    for name in NAMES:
        sys.modules.pop(name, None)
        vars(package).pop(name.rpartition(".")[2], None)


def unusual(shape):
    """Images with a duplicate, a near-duplicate, a black one and a constant one among them."""
    images = np.random.default_rng(1).normal(size=(5, *shape))
    images[1], images[2], images[3] = images[0], 0, 1
    images[4] = images[0] + 1e-8
    return images


def compare(kernel, images, **options):
    expected = convolutional_gram(kernel, images, backend="numpy", **options)
    found = convolutional_gram(kernel, images, backend="numba", **options)
    scale = np.sqrt(np.maximum(np.diag(expected), 1e-300))
    assert_array_equal(found, found.T)
    assert_allclose(found / np.outer(scale, scale), expected / np.outer(scale, scale), rtol=0, atol=1e-12)
    assert_allclose(convolutional_gram(kernel, images[:1], images, backend="numba", **options)[0], found[0], rtol=1e-12)


@pytest.mark.parametrize("depth", [None, 1])
@pytest.mark.parametrize("readout", READOUTS)
def test_without_numba_the_loops_are_right(plain, readout, depth):
    options = {"readout": readout, "depth": depth, "bias_variance": 0.2, **VARIANCES}
    compare(deq_ntk_relu, unusual((2, 3, 2))[[0, 1, 3]], **options)
    if readout == "linear":
        compare(deq_ntk_relu, unusual((2, 3, 2))[2:], normalisation="filter", filter_size=5, **options)


def test_without_numba_other_profiles_are_right_too(plain):
    compare(deq_ntk_erf, unusual((2, 2, 2))[[0, 1, 3]], pixels="unit", **VARIANCES)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(5, 7, 3), (4, 1, 1), (1, 1, 2), (12, 12, 3)])
def test_compiled_loops(shape):
    pytest.importorskip("numba")
    images = unusual(shape)
    sizes = (1, 3, 5, 9) if shape == (5, 7, 3) else (3,)
    for size, depth, bias, normalisation in itertools.product(sizes, (None, 3), (0.0, 0.2), ("taps", "filter")):
        for readout in READOUTS:
            compare(
                deq_ntk_relu, images, filter_size=size, depth=depth, bias_variance=bias, normalisation=normalisation,
                readout=readout, **VARIANCES,
            )  # fmt: skip
    for readout in READOUTS:
        compare(deq_ntk_erf, images[[0, 1, 3, 4]], readout=readout, pixels="unit", **VARIANCES)


@pytest.mark.slow
def test_compiled_loops_take_blocks_and_say_what_fails():
    pytest.importorskip("numba")
    images = np.random.default_rng(3).uniform(size=(9, 6, 6, 2))
    whole = convolutional_gram(deq_ntk_relu, images, backend="numba")
    assert_array_equal(convolutional_gram(deq_ntk_relu, images, backend="numba", block_size=4), whole)
    with pytest.raises(NoFixedPoint, match="infinite"):
        convolutional_gram(
            deq_ntk_erf, images, backend="numba", pixels="unit", weight_variance=0.95, input_variance=0.05
        )


def test_which_backend_is_chosen(monkeypatch):
    images = np.random.default_rng(2).uniform(size=(2, 3, 3, 1))
    with pytest.raises(InvalidInput, match=r"expectations that depend on correlations alone"):
        convolutional_gram(deq_ntk_erf, images, backend="numba")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r'pip install "dekderive\[fast\]"'):
        convolutional_gram(deq_ntk_relu, images, backend="numba")
    layer = engine_layer(images)
    assert engine.chosen_backend("auto", layer, "gap", 10**9) == "numpy"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    assert engine.chosen_backend("auto", layer, "gap", 10**9) == "numba"
    assert engine.chosen_backend("auto", layer, "gap", 10) == "numpy"
    assert engine.chosen_backend("auto", engine_layer(images, deq_ntk_erf), "gap", 10**9) == "numpy"


def engine_layer(images, kernel=deq_ntk_relu):
    from dekderive.gram.convolutional.gram import layer_for

    return layer_for(kernel, (images, None), (3, "taps", None, "gap", 1e-10), {})
