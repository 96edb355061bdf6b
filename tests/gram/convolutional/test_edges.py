"""Images that are unusual, options that are wrong, and how a matrix is put together."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from dekderive import kernels
from dekderive.errors import InvalidInput, NoFixedPoint
from dekderive.gram import gram
from dekderive.gram.convolutional import convolutional_diagonal, convolutional_gram, convolutional_tensors
from dekderive.kernels import deq_ntk_erf, deq_ntk_relu, nngp_gelu, nngp_relu

READOUTS = ["preactivation", "linear", "eq21", "gap"]


@pytest.fixture
def images():
    return np.random.default_rng(11).uniform(0, 1, size=(5, 5, 4, 3))


@pytest.mark.parametrize("readout", READOUTS)
def test_black_images_have_kernel_0_and_black_pixels_are_pixels(images, readout, reference):
    images[1] = 0
    images[0, :, :2] = 0
    matrix = convolutional_gram(deq_ntk_relu, images, readout=readout)
    assert_array_equal(matrix[1], 0)
    assert np.isfinite(matrix).all()
    assert np.linalg.eigvalsh(matrix).min() > -1e-12 * np.abs(matrix).max()
    sigma, theta, _ = reference.tensors(images[0], images[2], 3, (0.6, 0.4, 0.0))
    found = convolutional_tensors(deq_ntk_relu, images[0], images[2])
    assert_allclose(found[0], sigma, atol=1e-12)
    assert_allclose(found[1], theta, atol=1e-10)


def test_black_pixels_have_no_direction(images):
    images[3, 2, 1] = 0
    with pytest.raises(InvalidInput, match=r"pixel \(2, 1\) of image 3 of X is 0 in all channels"):
        convolutional_gram(deq_ntk_relu, images, pixels="unit")


def test_with_a_bias_black_images_are_inputs_like_others(images):
    images[1] = 0
    matrix = convolutional_gram(deq_ntk_relu, images, bias_variance=0.3)
    assert (matrix > 0).all()
    one = convolutional_gram(deq_ntk_relu, np.zeros((1, 1, 1, 2)), bias_variance=0.3, weight_variance=0.6)
    assert one[0, 0] == pytest.approx(0.3 / 0.4**2)


@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("depth", [None, 2])
def test_duplicates_have_the_value_of_the_diagonal(images, readout, depth):
    images[2] = images[0]
    matrix = convolutional_gram(deq_ntk_relu, images, readout=readout, depth=depth, bias_variance=0.1)
    assert matrix[2, 0] == pytest.approx(matrix[0, 0], rel=1e-13)


@pytest.mark.parametrize("kernel", [deq_ntk_relu, deq_ntk_erf])
def test_near_duplicates_keep_their_digits(kernel):
    """The kernel leaves the diagonal like |x - y| for the rectifier, and like its square for erf."""
    rng = np.random.default_rng(2)
    x, d = rng.normal(size=(2, 4, 4, 2))
    if kernel is deq_ntk_erf:
        x /= np.linalg.norm(x, axis=-1, keepdims=True)
    drops = []
    for step in (1e-4, 1e-6):
        pair = np.stack([x, x + step * d])
        options = {"weight_variance": 0.5, "input_variance": 0.5, "tolerance": 1e-13}
        if kernel is deq_ntk_erf:
            options["pixels"] = "unit"
        matrix = convolutional_gram(kernel, pair, **options)
        between = np.sqrt(matrix[0, 0] * matrix[1, 1])
        drops.append((between - matrix[0, 1]) / between / step)
    if kernel is deq_ntk_relu:
        assert drops[1] == pytest.approx(drops[0], rel=1e-3)
        assert drops[0] > 1e-3
    else:
        assert abs(drops[1]) < 0.02 * abs(drops[0])


def test_contrast_is_a_factor_however_small(images):
    """Without a bias the rectifier's kernel is homogeneous: y = 3x is parallel to x, and scales do not matter."""
    matrix = convolutional_gram(deq_ntk_relu, np.stack([images[0], 3 * images[0], 1e-150 * images[0]]))
    assert_allclose(matrix[0, 1], 3 * matrix[0, 0], rtol=1e-14)
    assert_allclose(matrix[1, 2], 3e-150 * matrix[0, 0], rtol=1e-14)
    assert_allclose(matrix[1, 1], 9 * matrix[0, 0], rtol=1e-13)


def test_opposite_images(reference, images):
    x = images[0] - 0.5
    sigma, theta, _ = reference.tensors(x, -x, 3, (0.6, 0.4, 0.0))
    found = convolutional_tensors(deq_ntk_relu, x, -x)
    assert_allclose(found[0], sigma, atol=1e-12)
    assert_allclose(found[1], theta, atol=1e-7)  # an arc cosine near -1 limits the reference, not the kernel


def test_constant_images_of_unit_pixels(reference):
    """All directions equal: correlations are 1 at displacement 0, and fall short of it where the border is near."""
    one = np.ones((4, 4, 1))
    sigma, _, _ = reference.tensors(one, one, 3, (0.65, 0.35, 0.0))
    found, theta = convolutional_tensors(deq_ntk_relu, one, one, weight_variance=0.65, input_variance=0.35)
    assert_allclose(found, sigma, atol=1e-7)
    assert_allclose(np.einsum("pqpq->pq", theta), 1 / 0.35, rtol=1e-13)
    assert found[0, 0, 1, 1] < 0.9


def test_variances_may_sum_to_more_than_one(reference, images):
    x, y = images[:2]
    sigma, theta, _ = reference.tensors(x, y, 5, (0.9, 3.0, 2.0))
    found = convolutional_tensors(
        deq_ntk_relu, x, y, filter_size=5, weight_variance=0.9, input_variance=3, bias_variance=2
    )
    assert_allclose(found[0], sigma, rtol=1e-11)
    assert_allclose(found[1], theta, rtol=1e-10)


def test_constant_norms_are_a_level_whatever_the_activation(reference):
    """The univariate route of unit pixels and the general one, for pixels that are not quite unit, agree."""
    x, y = np.random.default_rng(4).normal(size=(2, 3, 5, 2))
    x, y = (z / np.linalg.norm(z, axis=-1, keepdims=True) for z in (x, y))
    options = {"weight_variance": 0.7, "input_variance": 0.9, "bias_variance": 0.2}
    level = convolutional_gram(deq_ntk_erf, np.stack([x, y]), **options)
    y[0, 0] *= 1 + 1e-11
    general = convolutional_gram(deq_ntk_erf, np.stack([x, y]), **options)
    assert_allclose(general, level, rtol=1e-9)
    theta = reference.tensors(x, y, 3, (0.7, 0.9, 0.2), phi=reference.erf)[1]
    assert level[0, 1] == pytest.approx(np.einsum("pqpq->", theta), rel=1e-9)


@pytest.mark.parametrize("normalisation", ["taps", "filter"])
def test_single_rows_and_columns(reference, normalisation):
    x, y = np.random.default_rng(8).normal(size=(2, 1, 6, 2))
    _, theta, _ = reference.tensors(x, y, 3, (0.6, 0.4, 0.0), normalisation=normalisation)
    found = convolutional_tensors(deq_ntk_relu, x, y, normalisation=normalisation)
    assert_allclose(found[1], theta, atol=1e-10)
    tall = convolutional_tensors(deq_ntk_relu, x.swapaxes(0, 1), y.swapaxes(0, 1), normalisation=normalisation)
    assert_allclose(tall[1][:, 0, :, 0], theta[0, :, 0], atol=1e-10)


def test_one_pixel_is_the_dense_kernel():
    rows = np.random.default_rng(9).normal(size=(6, 3))
    for kernel in (deq_ntk_relu, deq_ntk_erf):
        values = {"weight_variance": 0.5, "input_variance": 0.7, "bias_variance": 0.2}
        found = convolutional_gram(kernel, rows.reshape(6, 1, 1, 3), tolerance=1e-12, **values)
        assert_allclose(found, gram(kernel, rows, **values), rtol=1e-10)


@pytest.mark.parametrize("radius", [5, 7])
def test_wide_filters_collect_the_same_windows(reference, radius):
    x, y = np.random.default_rng(10).normal(size=(2, 6, 7, 2))
    size = 2 * radius + 1
    _, theta, _ = reference.tensors(x, y, size, (0.6, 0.4, 0.0))
    assert_allclose(convolutional_tensors(deq_ntk_relu, x, y, filter_size=size)[1], theta, atol=1e-10)


# ---- the matrix ------------------------------------------------------------------------------------------------------


def test_blocks_out_and_float32(images, tmp_path):
    whole = convolutional_gram(deq_ntk_relu, images)
    assert_array_equal(whole, whole.T)
    assert_array_equal(convolutional_gram(deq_ntk_relu, images, block_size=2), whole)
    assert_array_equal(convolutional_diagonal(deq_ntk_relu, images), np.diag(whole))
    target = np.memmap(tmp_path / "matrix", dtype=np.float64, mode="w+", shape=(5, 3))
    assert convolutional_gram(deq_ntk_relu, images, images[:3], block_size=2, out=target) is target
    assert_allclose(target, whole[:, :3], rtol=1e-12)
    single = convolutional_gram(deq_ntk_relu, images.astype(np.float32))
    assert single.dtype == np.float32
    assert_allclose(single, whole, rtol=1e-6)
    assert convolutional_gram(deq_ntk_relu, images[:0]).shape == (0, 0)
    assert convolutional_gram(deq_ntk_relu, images, images[:0]).shape == (5, 0)
    assert_allclose(convolutional_gram(deq_ntk_relu, (9 * images).astype(np.uint8)).diagonal() > 0, True)


def test_matrices_are_positive_semidefinite():
    rng = np.random.default_rng(12)
    images = np.repeat(rng.normal(size=(6, 4, 4, 2)), 2, axis=0)
    images[1::2] += 1e-6 * rng.normal(size=(6, 4, 4, 2))
    for readout in READOUTS:
        matrix = convolutional_gram(deq_ntk_relu, images, readout=readout, tolerance=1e-13)
        values = np.linalg.eigvalsh(matrix)
        assert values[0] > -1e-12 * values[-1]
        assert 1e-9 < values[0] / values[-1] < 1e-3  # near-duplicates are apart


WRONG = [
    ({"filter_size": 4}, r"filter_size must be a positive odd integer, got 4; an even filter has no central pixel"),
    ({"filter_size": 0}, r"positive odd integer"),
    ({"filter_size": 3.0}, r"positive odd integer"),
    ({"readout": "trace"}, r"readout must be one of preactivation, linear, eq21, gap; got 'trace'"),
    ({"readout": "eq21", "depth": 0}, r"needs depth at least 1"),
    ({"depth": -1}, r"depth must be an integer from 0"),
    ({"depth": 2.5}, r"depth must be an integer from 0"),
    ({"normalisation": "none"}, r"normalisation must be 'taps' or 'filter'"),
    ({"pixels": "whitened"}, r"pixels must be 'as given' or 'unit'"),
    ({"tolerance": 0.0}, r"tolerance must be a number"),
    ({"backend": "torch"}, r"backend must be one of auto, numpy, numba"),
    ({"block_size": 0}, r"block_size must be a positive integer"),
    ({"weight_variance": 1.0}, r"weight_variance must lie in \[0, 1\)"),
    ({"input_variance": -0.1}, r"input_variance must lie in"),
    ({"out": np.empty((2, 2))}, r"out must be an ndarray of dtype float64 and shape \(5, 5\)"),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_wrong_options_are_named(images, options, message):
    with pytest.raises(InvalidInput, match=message):
        convolutional_gram(deq_ntk_relu, images, **options)


def test_wrong_images_are_named(images):
    for wrong, message in [
        (images[0], r"must have shape \(images, rows, columns, channels\), got \(5, 4, 3\); add the axis"),
        (images.astype(object), "real numbers"),
        (images[:, :0], "the images of X are empty"),
        (np.where(images == images[2, 0, 0, 0], np.nan, images), "NaN or infinity in image 2"),
    ]:
        with pytest.raises(InvalidInput, match=message):
            convolutional_gram(deq_ntk_relu, wrong)
    with pytest.raises(InvalidInput, match="images of X and Y must have the same shape"):
        convolutional_gram(deq_ntk_relu, images, images[:, 1:])
    with pytest.raises(TypeError, match=r"no parameter 'slope'; it takes weight_variance"):
        convolutional_gram(deq_ntk_relu, images, slope=0.1)


def test_wrong_records_are_named(images):
    with pytest.raises(InvalidInput, match="read the activation from a record of model deq_ntk, nngp or ntk"):
        convolutional_gram(kernels.deker_gaussian_relu, images)
    with pytest.raises(InvalidInput, match="pass input_variance too"):
        convolutional_gram(nngp_gelu, images, weight_variance=1.0)
    with pytest.raises(InvalidInput, match="weight_variance must be a real number from 0"):
        convolutional_gram(nngp_gelu, images, weight_variance=-1.0, input_variance=0.1)


def test_what_does_not_exist_is_said(images):
    with pytest.raises(NoFixedPoint, match=r"must be below 1 for u of variance 1, and it is 1.25"):
        convolutional_gram(nngp_relu, images, weight_variance=2.5, input_variance=0.1)
    deep = convolutional_gram(nngp_relu, images, weight_variance=2.5, input_variance=0.1, depth=3)
    assert np.isfinite(deep).all()
    with pytest.raises(NoFixedPoint, match=r"infinite at image 0 of X: weight_variance \* E\[phi'\(u\)\^2\]"):
        convolutional_gram(deq_ntk_erf, images, pixels="unit", weight_variance=0.95, input_variance=0.05)


def test_close_to_the_critical_variance(reference, images):
    """At sigma_W^2 = .99 residuals of the asked size are below rounding; that is no failure."""
    x, y = images[:2, :3, :2]
    theta = reference.tensors(x, y, 3, (0.99, 0.01, 0.0), steps=6000)[1]
    found = convolutional_tensors(deq_ntk_relu, x, y, weight_variance=0.99, input_variance=0.01, tolerance=1e-13)[1]
    assert_allclose(found, theta, rtol=1e-10)
    wide = convolutional_gram(deq_ntk_relu, images, weight_variance=0.999, input_variance=1.0, tolerance=1e-13)
    assert np.isfinite(wide).all()
