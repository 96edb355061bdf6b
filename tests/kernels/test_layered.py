"""The record of a kernel of finite depth."""

import copy
import pickle

import numpy as np
import pytest

from dekderive import kernels
from dekderive.errors import InvalidInput

NAMES = ["nngp_relu", "ntk_relu", "nngp_erf", "ntk_erf", "nngp_gelu", "ntk_gelu"]


def test_depth_is_part_of_the_record_and_of_nothing_else():
    one, three = kernels.ntk_erf, kernels.ntk_erf.with_depth(3)
    assert (one.depth, three.depth) == (1, 3)
    assert three.with_depth(1) == one
    assert "depth 3" in repr(three)


@pytest.mark.parametrize("depth", [0, -1, 1.5, True])
def test_a_depth_that_is_none_is_refused(depth):
    with pytest.raises(InvalidInput, match="number of hidden layers"):
        kernels.ntk_relu.with_depth(depth)


@pytest.mark.parametrize("name", NAMES)
def test_records_are_copied_and_pickled(name):
    record = getattr(kernels, name).with_depth(4)
    assert pickle.loads(pickle.dumps(record)) == record
    assert copy.deepcopy(record) == record


@pytest.mark.parametrize("name", NAMES)
def test_formulas_of_one_expectation_agree(name):
    record = getattr(kernels, name)
    angle, kxx, kyy = np.array([0.3, 1.2, 2.9]), np.array([0.5, 2.0, 30.0]), np.array([1.5, 0.1, 3.0])
    for e in (record.activation, record.slope):
        if e is None:
            assert record.model == "nngp"
            continue
        known = {"angle": angle, "kxx": kxx, "kyy": kyy}
        here = np.broadcast_to(e.value.at({**known, "angle": 0 * angle, "kyy": kxx}), 3)
        np.testing.assert_allclose(here, np.broadcast_to(e.mean.at(known), 3), rtol=1e-14)
        h = 1e-5
        for place, gradient in (("kxx", e.value_gradient.at(known)[0]), ("kyy", e.value_gradient.at(known)[1])):
            ends = [e.value.at({**known, place: known[place] + step}) for step in (h, -h)]
            np.testing.assert_allclose((ends[0] - ends[1]) / (2 * h), np.broadcast_to(gradient, 3), atol=1e-9)
        ends = [e.value.at({**known, "angle": angle + step}) for step in (h, -h)]
        price = -e.price.at(known) * np.sqrt(kxx * kyy) * np.sin(angle)
        np.testing.assert_allclose((ends[0] - ends[1]) / (2 * h), price, rtol=1e-8, atol=1e-9)
