"""Equivalents of kernel matrices: their errors decay, wrong variants' do not, and the factors are one matrix."""

import dataclasses

import numpy as np
import pytest

import dekderive.equivalents as eq
from dekderive import kernels
from dekderive.equivalents import DeepEquilibrium, deq_coefficients, equivalent_kernel, explicit_coefficients
from dekderive.errors import InvalidInput
from dekderive.gram import gram

SEEDS = range(3)


def errors(mixtures, activation, kernel, which, n, weight=0.2, variant=None, seeds=SEEDS, **options):
    """Spectral errors of an equivalent, over the seeds."""
    found = []
    for seed in seeds:
        x, statistics = mixtures.draw(n, seed)
        c = mixtures.coefficients_at(activation, n, seed, weight)
        matrix = mixtures.exact(kernel, x, c)
        e = equivalent_kernel(c, x, statistics, kernel=which, **({"form": "population"} | options))
        if variant is not None:
            e = variant(e, c, statistics, which)
        found.append(mixtures.distance(matrix - e.toarray()))
    return np.array(found)


def fourth_power(e, c, statistics, which):
    """Subtract tau0^4 a3 from the diagonal as well."""
    scalars = c.ck if which == "ck" else c.ntk
    return dataclasses.replace(e, shift=e.shift - c.tau0**4 * scalars[2])


def centred_traces(e, c, statistics, which):
    """Centre T."""
    shares, core = statistics.shares, e.core.copy()
    p = np.eye(len(shares)) - shares
    core[1:, 1:] = p @ core[1:, 1:] @ p.T
    return dataclasses.replace(e, core=core)


PAIRS = [
    (eq.relu, kernels.implicit_ck_relu, "ck"),
    (eq.relu, kernels.implicit_ntk_relu, "ntk"),
    (eq.erf, kernels.implicit_ck_erf, "ck"),
    (eq.erf, kernels.implicit_ntk_erf, "ntk"),
]
SLOW = [(eq.tanh, kernels.implicit_ck_tanh, "ck"), (eq.tanh, kernels.implicit_ntk_tanh, "ntk")]


def names(case):
    return getattr(case, "name", None) or str(case)


@pytest.mark.parametrize("form", ["population", "data"])
@pytest.mark.parametrize(("activation", "kernel", "which"), PAIRS, ids=names)
def test_errors_decay(mixtures, activation, kernel, which, form):
    small, large = (errors(mixtures, activation, kernel, which, n, form=form).mean() for n in (200, 800))
    assert large < 0.6 * small  # 1/2 for the rate n^(-1/2)


@pytest.mark.slow
@pytest.mark.parametrize(("activation", "kernel", "which"), [*PAIRS[:2], *SLOW], ids=names)
def test_errors_decay_further(mixtures, activation, kernel, which):
    small, large = (errors(mixtures, activation, kernel, which, n).mean() for n in (400, 1600))
    assert large < 0.65 * small


@pytest.mark.slow
@pytest.mark.parametrize("which", ["ck", "ntk"])
def test_errors_of_swish_decay(mixtures, which):
    from dekderive.atoms import silu
    from dekderive.programs import compile
    from dekderive.symbols import z
    from dekderive.update_maps import implicit_ck, implicit_ntk

    kernel = compile((implicit_ck if which == "ck" else implicit_ntk)(silu(z), name="swish"))
    small, large = (errors(mixtures, eq.swish, kernel, which, n).mean() for n in (200, 800))
    assert large < 0.6 * small


@pytest.mark.parametrize("variant", [fourth_power, centred_traces])
@pytest.mark.parametrize(("kernel", "which"), [(kernels.implicit_ck_relu, "ck"), (kernels.implicit_ntk_relu, "ntk")])
def test_wrong_variants_do_not_decay(mixtures, variant, kernel, which):
    small, large = (errors(mixtures, eq.relu, kernel, which, n, variant=variant).mean() for n in (200, 800))
    assert large > 0.75 * small
    assert large > 2 * errors(mixtures, eq.relu, kernel, which, 800).mean()


@pytest.mark.slow
@pytest.mark.parametrize("variant", [fourth_power, centred_traces])
def test_wrong_variants_are_worse_by_a_factor_at_1600(mixtures, variant):
    case = (mixtures, eq.relu, kernels.implicit_ck_relu, "ck", 1600)
    assert errors(*case, variant=variant).mean() > 3 * errors(*case).mean()


def test_a_kernel_that_is_not_centred_has_no_such_equivalent(mixtures):
    # relu without its centre: w E relu relu + u S, by fifty steps of the recursion.
    ratios = []
    for n in (200, 400):
        x, _ = mixtures.draw(n, 0)
        c = mixtures.coefficients_at(eq.relu, n, 0)
        s = x @ x.T
        k = 0.8 * s
        for _ in range(50):
            d = np.sqrt(np.diag(k))
            r = np.clip(k / np.outer(d, d), -1, 1)
            g = np.outer(d, d) * (np.sqrt(1 - r * r) + (np.pi - np.arccos(r)) * r) / (2 * np.pi)
            k = 0.2 * g + 0.8 * s
        ratios.append(mixtures.distance(g - equivalent_kernel(c, x).toarray()))
    assert ratios[1] > 1.8 * ratios[0]
    assert ratios[0] > 10


@pytest.mark.parametrize("activation", [eq.relu, eq.swish, eq.elu], ids=names)
def test_both_forms_agree(mixtures, activation):
    x, statistics = mixtures.draw(800, 0)
    c = mixtures.coefficients_at(activation, 800, 0)
    data, population = (equivalent_kernel(c, x, statistics, form=f).toarray() for f in ("data", "population"))
    assert mixtures.distance(data - population) < 0.03 * mixtures.distance(data)


def explicit_gram(layers, x, coefficients, tangent):
    """The kernel of a network layer by layer, from the expectations of its activations."""
    k = x @ x.T
    theta, tau = k.copy(), coefficients.tau0
    for layer in layers:
        at = eq.gaussian_moments(layer, tau)
        q = np.diag(k).copy()
        m = np.broadcast_to(layer.mean(q), q.shape)
        slopes = np.array(layer.slope_dual(q[:, None], q[None, :], k))
        np.fill_diagonal(slopes, layer.slope_second(q))
        k = layer.dual(q[:, None], q[None, :], k) - at.bias * (m[:, None] + m) + at.bias**2
        np.fill_diagonal(k, layer.second(q) - 2 * at.bias * m + at.bias**2)
        theta, tau = k + theta * slopes, np.sqrt(at.second)
    return theta if tangent else k


@pytest.mark.parametrize("layers", [[eq.relu], [eq.relu, eq.erf], [eq.erf, eq.leaky_relu, eq.relu]], ids=len)
@pytest.mark.parametrize("which", ["ck", "ntk"])
def test_errors_of_explicit_networks_decay(mixtures, layers, which):
    means = []
    for n in (200, 800):
        found = []
        for seed in SEEDS:
            x, statistics = mixtures.draw(n, seed)
            c = explicit_coefficients(layers, statistics.tau0)
            e = equivalent_kernel(c, x, statistics, kernel=which, form="population")
            found.append(mixtures.distance(explicit_gram(layers, x, c, which == "ntk") - e.toarray()))
        means.append(np.mean(found))
    assert means[1] < 0.65 * means[0]


@pytest.mark.parametrize("which", ["ck", "ntk"])
def test_the_exact_diagonal_is_that_of_the_kernel(mixtures, which):
    x, statistics = mixtures.draw(200, 1)
    for activation in (eq.relu, eq.tanh):
        c = mixtures.coefficients_at(activation, 200, 1)
        kernel = getattr(kernels, f"implicit_{which}_{activation.name}")
        wanted = np.diag(mixtures.exact(kernel, x, c))
        for form in ("data", "population"):
            e = equivalent_kernel(c, x, statistics, kernel=which, form=form, diagonal="exact")
            assert np.allclose(np.diag(e.toarray()), wanted, rtol=0, atol=1e-13)
            assert np.allclose(e.diagonal(), wanted, rtol=0, atol=1e-13)


def test_the_exact_diagonal_of_a_network(mixtures):
    x, _ = mixtures.draw(200, 1)
    layers = [eq.relu, eq.erf]
    c = explicit_coefficients(layers, 1.0)
    for which in ("ck", "ntk"):
        wanted = np.diag(explicit_gram(layers, x, c, which == "ntk"))
        assert np.allclose(equivalent_kernel(c, x, kernel=which, diagonal="exact").diagonal(), wanted, atol=1e-13)


@pytest.mark.parametrize("form", ["data", "population"])
@pytest.mark.parametrize("shape", ["tall", "wide"])
def test_the_factors_are_the_matrix(mixtures, form, shape):
    x, statistics = mixtures.draw(120, 0)
    if shape == "tall":
        x = x[:, :30] * 2.0
        statistics = eq.MixtureStatistics(statistics.means[:, :30], statistics.covariances[:, :30], statistics.labels)
    c = deq_coefficients(DeepEquilibrium(eq.relu, 0.5, 0.5), eq.estimate_tau0(x))
    e = equivalent_kernel(c, x, statistics, form=form, diagonal="scalar")
    dense = e.toarray()
    rng = np.random.default_rng(0)
    v = rng.normal(size=(120, 3))
    assert np.allclose(e.matvec(v), dense @ v, atol=1e-12)
    assert np.allclose(e.matvec(v[:, 0]), dense @ v[:, 0], atol=1e-12)
    assert np.allclose(e.diagonal(), np.diag(dense), atol=1e-14)
    assert np.allclose(e.eigenvalues(3), np.linalg.eigvalsh(dense)[::-1][:3], rtol=1e-9)
    for ridge in (0.05, 1.0):
        solved = e.solve(v, ridge)
        assert np.allclose((dense + ridge * np.eye(120)) @ solved, v, atol=1e-9)
    with pytest.raises(InvalidInput, match="ridge"):
        e.solve(v, -100.0)


def test_a_single_vector_goes_through_features(mixtures):
    x = np.random.default_rng(3).normal(size=(200, 5)) / np.sqrt(5)
    c = deq_coefficients(DeepEquilibrium(eq.relu, 0.5, 0.5), eq.estimate_tau0(x))
    e = equivalent_kernel(c, x)
    v = np.linspace(-1, 1, 200)
    assert np.allclose(e.matvec(v), e.toarray() @ v, atol=1e-11)


def test_predictions_are_close_to_those_of_the_kernel(mixtures):
    x, _ = mixtures.draw(800, 2)
    train, test = x[::2], x[1::2]
    y = np.sign(train[:, 0])
    c = deq_coefficients(DeepEquilibrium(eq.relu, 0.2, 0.8), eq.estimate_tau0(train))
    e = equivalent_kernel(c, train, diagonal="exact")
    given = {"weight_variance": 0.2, "input_variance": 0.8, "reference_norm": c.tau0}
    exact = gram(kernels.implicit_ck_relu, train, **given)
    wanted = gram(kernels.implicit_ck_relu, test, train, **given) @ np.linalg.solve(exact + 0.1 * np.eye(400), y)
    assert np.linalg.norm(e.cross(test) @ e.solve(y, 0.1) - wanted) < 0.02 * np.linalg.norm(wanted)
    with pytest.raises(InvalidInput, match="population"):
        equivalent_kernel(c, x, mixtures.draw(800, 2)[1], form="population").cross(test)


def test_statistics_from_the_data_agree_with_the_population(mixtures):
    rng = np.random.default_rng(0)
    p, n = 20, 20000
    root = rng.normal(size=(p, p)) / np.sqrt(p)
    covariances = np.stack([np.eye(p), root @ root.T])
    labels = rng.integers(0, 2, n)
    means = np.zeros((2, p))
    noise = np.where(labels[:, None] == 0, rng.normal(size=(n, p)), rng.normal(size=(n, p)) @ root.T)
    x = noise / np.sqrt(p)
    population = eq.MixtureStatistics(means, covariances, labels)
    estimated = eq.MixtureStatistics.estimated(x, labels)
    for name in ("T", "t", "tau0"):
        assert np.allclose(getattr(population, name), getattr(estimated, name), atol=0.05), name
    assert np.isclose(population.T[1, 1], np.trace(covariances[1] @ covariances[1]) / p)  # a matrix product, uncentred
    assert np.allclose(population.psi(x), estimated.psi(x), atol=0.15)
    assert np.isclose(eq.estimate_tau0(x), population.tau0, atol=0.02)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"kernel": "gp"}, "kernel is"), ({"form": "exact"}, "form is"), ({"form": "population"}, "statistics")],
)
def test_unknown_options_are_refused(options, message):
    c = deq_coefficients(DeepEquilibrium(eq.relu, 0.2, 0.8), 1.0)
    with pytest.raises(InvalidInput, match=message):
        equivalent_kernel(c, np.eye(4), **options)
    with pytest.raises(InvalidInput):
        eq.estimate_tau0(np.zeros((3, 2)))
    with pytest.raises(InvalidInput):
        eq.MixtureStatistics(np.zeros((2, 3)), np.ones((2, 3)), [0, 2])
