"""Experiments measure what they say: each is repeated with other means, on digits."""

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.polynomial.chebyshev import chebval
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.kernel_ridge import KernelRidge

from dekderive.datasets.images import ImageSet, load_images
from dekderive.errors import InvalidInput, NotConverged
from dekderive.experiments import EXPERIMENTS
from dekderive.experiments.cdeq_ntk import mean_colour, unit_pixels
from dekderive.experiments.classification import draws, mean_and_error, require_memory, unit_rows
from dekderive.experiments.depths import injected, plain, profile
from dekderive.experiments.experiment import Curve, Outcome, Published, Row, Settings, Sizes, agreement
from dekderive.experiments.figures import draw_curves
from dekderive.experiments.freeze import later, run
from dekderive.gram import gram
from dekderive.gram.convolutional import convolutional_gram
from dekderive.kernels import deq_ntk_relu
from dekderive.verdict import Verdict

DIGITS = load_images(["mnist"])
VARIANCES = {"weight_variance": 0.65, "input_variance": 0.35, "bias_variance": 0.0}


def settings(train, test, count=1, seed=3, regularisation=0.0):
    return Settings(DIGITS, Sizes(train, test, count), seed, regularisation)


def test_experiments_are_complete_values():
    for name, experiment in EXPERIMENTS.items():
        assert experiment.name == name
        assert experiment.quick.train < experiment.full.train
        assert "Feng and Kolter" in experiment.source
        assert experiment.images


def test_draws_are_subsets_without_repetition_that_a_seed_decides():
    first, second = draws(settings(1347, 40, 2))
    assert_array_equal(np.sort(first.y_train), np.sort(DIGITS.y_train))
    assert first.x_train.max() == 1
    assert np.any(first.y_test != second.y_test)
    again = next(draws(settings(1347, 40)))
    assert_array_equal(again.x_test, first.x_test)
    other = next(draws(settings(1347, 40, seed=4)))
    assert np.any(other.y_test != first.y_test)
    rows = {row.tobytes() for row in DIGITS.x_test / 16}
    assert all(row.tobytes() in rows for row in first.x_test)


@pytest.mark.parametrize("name", ["mnist-deq-ntk", "cifar10-deq-ntk"])
def test_accuracies_are_those_of_scikit_learn_with_the_same_matrices(name):
    given = settings(150, 120, 2)
    outcome = EXPERIMENTS[name].run(given)
    for row in outcome.rows:
        expected = []
        for draw in draws(given):
            X, new = (images.reshape(len(images), -1) for images in (draw.x_train, draw.x_test))
            X, new = X / np.linalg.norm(X, axis=1)[:, None], new / np.linalg.norm(new, axis=1)[:, None]
            ridge = KernelRidge(alpha=0, kernel="precomputed")
            ridge.fit(gram(deq_ntk_relu, X, **row.parameters), np.eye(10)[draw.y_train] - 0.1)
            scores = ridge.predict(gram(deq_ntk_relu, new, X, **row.parameters))
            expected.append(np.mean(scores.argmax(axis=1) == draw.y_test))
        assert row.measured == np.mean(expected)
        assert_allclose(row.standard_error, abs(expected[0] - expected[1]) / 2)
        assert row.error_kind == "draws"
        assert row.measured > 0.8
    assert not outcome.checks


def arc_cosine(c):
    """The two expectations of sqrt(2) relu at variances 1, from the textbook."""
    angle = np.arccos(np.clip(c, -1, 1))
    return (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / np.pi, (np.pi - angle) / np.pi


def plain_recursion(c, weight, bias, depth):
    covariance = weight * c + bias
    tangent = covariance
    for _ in range(depth):
        k1, k0 = arc_cosine(covariance)
        covariance = weight * k1 + bias
        tangent = covariance + weight * k0 * tangent
    return tangent


def injected_recursion(c, weight, inputs, bias, depth):
    covariance = tangent = c
    for _ in range(depth):
        k1, k0 = arc_cosine(covariance)
        covariance = weight * k1 + inputs * c + bias
        tangent = covariance + weight * k0 * tangent
    return tangent


@pytest.mark.parametrize("depth", [1, 4])
def test_the_two_networks_of_finite_depth_are_those_of_the_paper(depth):
    cosines = np.cos([0.0, 0.4, 1.3, 3.0])
    rows = np.column_stack([cosines, np.sqrt(1 - cosines**2)])
    for model, expected in (
        (plain(0.6, 0.4, depth), plain_recursion(cosines, 0.6, 0.4, depth)),
        (injected(0.6, 0.4, depth), injected_recursion(cosines, 0.6, 0.3, 0.1, depth)),
    ):
        found = model(rows)[0]
        assert_allclose(found[1:], expected[1:], rtol=1e-12)
        assert_allclose(found[0], sum(0.6**k for k in range(depth + 1)), rtol=1e-12)


@pytest.mark.parametrize("weight", [0.25, 0.85])
def test_profiles_in_the_angle_are_the_kernels(weight):
    angles = np.linspace(0.02, np.pi, 300)
    for depth in (1, 7, 100):
        for model, expected in (
            (plain(weight, 1 - weight, depth), plain_recursion(np.cos(angles), weight, 1 - weight, depth)),
            (injected(weight, 1 - weight, depth), injected_recursion(np.cos(angles), weight, 0.9 - weight, 0.1, depth)),
        ):
            found = chebval(angles * 2 / np.pi - 1, profile(model))
            assert_allclose(found, expected, rtol=0, atol=1e-9 * np.abs(expected).max())


def test_a_profile_that_is_not_smooth_is_refused():
    def rough(X, Y):
        return np.sign(X @ np.transpose(Y))

    with pytest.raises(NotConverged, match="degree 127 in the angle does not resolve"):
        profile(rough)


def test_the_plain_network_freezes_and_the_injected_one_settles():
    outcome = run(settings(60, 40, 4, regularisation=1e-3), panels=((0.25, 0.75),), depths=(1, 3, 60))
    rows = {row.label: row for row in outcome.rows}
    assert len(rows) == 7
    given = settings(60, 40, 4)
    expected = []
    for draw in draws(given):
        X, new = unit_rows(draw.x_train), unit_rows(draw.x_test)
        matrix, cross = (plain_recursion(z, 0.25, 0.75, 3) for z in (X @ X.T, new @ X.T))
        matrix = matrix + 1e-3 * matrix[0, 0] * np.eye(60)
        scores = cross @ np.linalg.solve(matrix, np.eye(10)[draw.y_train])
        expected.append(np.mean(scores.argmax(axis=1) == draw.y_test))
    assert_allclose(rows["NTK 0.25, 0.75, depth 3"].measured, np.mean(expected), rtol=1e-12)
    assert rows["NTK 0.25, 0.75, depth 60"].measured < 0.35
    deep, limit = rows["DEQ-NTK 0.25, 0.75, depth 60"], rows["DEQ-NTK 0.25, 0.75, depth infinite"]
    assert deep.measured == limit.measured > 0.6
    assert [check.name.partition(":")[0] for check in outcome.checks] == ["freeze", "limit"]
    assert outcome.checks[1].verdict is Verdict.HOLDS
    assert "difference +0.00%" in outcome.checks[1].detail
    assert outcome.checks[0].verdict is Verdict.HOLDS
    finite, level = (
        next(c for c in outcome.curves if c.label == f"DEQ-NTK, {x} depth") for x in ("finite", "infinite")
    )
    assert finite.mean[-1] == level.mean[0]
    assert finite.x == (1.0, 3.0, 60.0)


def test_the_order_of_freezing_is_judged_by_depths():
    early, late, never = np.array([0.4, 0.1, 0.1]), np.array([0.4, 0.4, 0.2]), np.array([0.4, 0.4, 0.4])
    for curves, verdict in (
        ((early, late, never), Verdict.HOLDS),
        ((late, early), Verdict.FAILS),
        ((early, early), Verdict.UNDECIDED),
        ((never, never), Verdict.UNDECIDED),
    ):
        assert later((0.2, 0.5, 0.8)[: len(curves)], curves, (1, 10, 100)).verdict is verdict


def test_one_draw_is_compared_with_a_bound():
    outcome = run(settings(40, 50, regularisation=1e-3), panels=((0.25, 0.75),), depths=(1, 40))
    assert f"half-width {1.96 * math.sqrt(0.01):.2%}" in outcome.checks[0].detail


def windows(tensor):
    """Sum over the 3 x 3 neighbours inside the image, along the last two axes."""
    padded = np.pad(tensor, [(0, 0)] * (tensor.ndim - 2) + [(1, 1), (1, 1)])
    rows, columns = tensor.shape[-2:]
    return sum(padded[..., a : a + rows, b : b + columns] for a in range(3) for b in range(3))


def convolutional(x, y, weight=0.65, inputs=0.35):
    """Trace of (21) by plain iteration, all pairs of images at once, division after the convolution."""
    injection = np.einsum("ipqc,jpqc->ijpq", x, y)
    taps = windows(np.ones(injection.shape))
    covariance, tangent = windows(injection) / taps, 0
    for _ in range(60):
        k1, k0 = arc_cosine(covariance)
        inner = weight * k1 + inputs * injection
        tangent = weight * k0 * windows(tangent + np.zeros(taps.shape)) / taps + inner
        covariance = windows(inner) / taps
    return tangent.sum(axis=(2, 3))


def test_the_convolutional_experiment_is_kernel_regression_on_pixels_of_norm_one():
    given = settings(40, 40)
    (row,) = EXPERIMENTS["cifar10-cdeq-ntk"].run(given).rows
    draw = next(draws(given))
    x, new = (np.concatenate([z, 1 - z], axis=3) for z in (draw.x_train, draw.x_test))
    x, new = (z / np.linalg.norm(z, axis=3, keepdims=True) for z in (x, new))
    assert_allclose(unit_pixels(draw.x_train), x)
    exact = convolutional_gram(deq_ntk_relu, x[:3], readout="eq21", **VARIANCES)
    assert_allclose(convolutional(x[:3], x[:3]), exact, rtol=1e-8)
    scores = convolutional(new, x) @ np.linalg.solve(convolutional(x, x), np.eye(10)[draw.y_train])
    assert row.measured == np.mean(scores.argmax(axis=1) == draw.y_test)
    assert row.error_kind == "binomial"
    assert_allclose(row.standard_error, math.sqrt(row.measured * (1 - row.measured) / 40))


def test_all_images_in_shades_of_grey_are_one_image_unless_colours_are_centred():
    shades = np.random.default_rng(0).uniform(0.1, 1, (2, 5, 5, 1)) * np.ones(3)
    assert_allclose(np.ptp(convolutional_gram(deq_ntk_relu, unit_pixels(shades), **VARIANCES)), 0, atol=1e-9)
    centred = convolutional_gram(deq_ntk_relu, unit_pixels(shades, np.array([0.5, 0.48, 0.45])), **VARIANCES)
    assert centred[0, 1] < 0.9 * centred[0, 0]


def test_the_mean_colour_is_that_of_the_training_images():
    pixels = np.random.default_rng(0).integers(0, 256, (4, 3, 3, 3), dtype=np.uint8)
    data = ImageSet("colours", pixels, np.arange(4), pixels[:1], np.arange(1), 255.0)
    assert_allclose(mean_colour(data), pixels.reshape(-1, 3).mean(axis=0) / 255)
    assert mean_colour(DIGITS) is None


def test_black_pixels_become_grey_and_colours_can_be_centred():
    image = np.array([[[[0.0, 0.0, 0.0], [0.5, 0.5, 0.1]]]])
    assert_allclose(np.linalg.norm(unit_pixels(image), axis=3), 1)
    centred = unit_pixels(image, np.array([0.25, 0.25, 0.25]))
    assert_allclose(centred[0, 0, 0], [-(3**-0.5)] * 3)


def test_an_image_that_is_zero_stays_zero():
    assert_array_equal(unit_rows(np.zeros((1, 2, 2, 1))), np.zeros((1, 4)))


def test_agreement_is_judged_at_the_published_size_only():
    published = Published(0.5908, 50000, 10000, ("cifar10",))
    row = Row("kernel", {}, 0.60, 0.005, "binomial", 1.0, published)
    real = replace(settings(50000, 10000), data=replace(DIGITS, name="cifar10"))
    assert agreement(row, settings(50000, 10000)) is None
    assert agreement(row, replace(real, sizes=Sizes(10000, 10000))) is None
    assert agreement(replace(row, published=None), real) is None
    near, far = agreement(row, real), agreement(replace(row, measured=0.62), real)
    assert (near.verdict, far.verdict) == (Verdict.HOLDS, Verdict.FAILS)
    distance = (0.60 - 0.5908) / math.hypot(0.005, math.sqrt(0.5908 * 0.4092 / 10000))
    assert f"{distance:+.1f} standard errors" in near.detail


def test_errors_of_one_draw_and_of_several():
    assert mean_and_error([0.5], 100) == (0.5, 0.05, "binomial")
    mean, error, kind = mean_and_error([0.1, 0.2, 0.6], 100)
    assert (mean, kind) == (pytest.approx(0.3), "draws")
    assert_allclose(error, np.sqrt(0.07 / 3))


def test_sizes_that_do_not_fit_are_refused_before_the_work(monkeypatch):
    import dekderive.experiments.classification as module

    monkeypatch.setattr(module, "physical_memory", lambda: 4 << 30)
    with pytest.raises(InvalidInput, match=r"60000 training images need 2\d\.\d GiB.*4.0 GiB; --dtype float32"):
        require_memory(settings(60000, 10000), 784)
    require_memory(settings(10000, 10000), 3072)
    monkeypatch.setattr(module, "physical_memory", lambda: None)
    require_memory(settings(10**6, 10000), 784)


def test_a_figure_has_the_curves(tmp_path):
    curves = (
        Curve("left, one", "finite", (1.0, 10.0), (0.4, 0.5), (0.02, 0.01)),
        Curve("left, one", "limit", (), (0.5,), (0.01,)),
        Curve("right", "finite", (1.0, 10.0), (0.2, 0.1), (0.02, 0.0)),
    )
    outcome = Outcome((), curves=curves)
    draw_curves(outcome, tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text(encoding="utf-8")
    for words in ("test accuracy (%)", "depth (activations)", "finite", "limit", "right"):
        assert words in text
    draw_curves(outcome, tmp_path / "b.png")
    assert (tmp_path / "b.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InvalidInput, match=r"must end in one of \.svg"):
        draw_curves(outcome, tmp_path / "c.doc")
    with pytest.raises(InvalidInput, match="cannot be written"):
        draw_curves(outcome, tmp_path / "none" / "c.svg")


def test_runs_say_what_they_do():
    said = []
    EXPERIMENTS["mnist-deq-ntk"].run(replace(settings(20, 10, 2), say=said.append))
    assert [line.rpartition(": ")[2] for line in said] == ["draw 1 of 2", "draw 2 of 2"]


def test_a_new_experiment_is_a_value():
    mine = replace(EXPERIMENTS["mnist-deq-ntk"], name="mine", run=lambda given: Outcome(()))
    assert mine.run(settings(20, 10)).rows == ()
