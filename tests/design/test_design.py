"""Designed networks meet their four equations, are refused where none exists, and have the kernel of the model."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from dekderive.design import design_explicit
from dekderive.design.families import FAMILIES
from dekderive.design.target import target_of
from dekderive.equivalents import DeepEquilibrium
from dekderive.errors import InvalidInput, NoFixedPoint, NotReachable
from tests.design.oracles import Model, activation, mixture, rule, spectral

NAMES = ("relu", "leaky_relu", "tanh", "erf", "swish", "elu")
GRID = np.linspace(0.05, 0.95, 13).round(6)
NORMS = (0.3, 1.0, 3.0, 10.0)


def model(name, sa=0.2, sb=None):
    return DeepEquilibrium(activation(name), float(sa), float(1 - sa if sb is None else sb))


def scalars_by_quadrature(network):
    """The four scalars of a network, from its activations as they are evaluated."""
    tau, ck, a4 = network.tau0, (1.0, 0.0, 0.0), 1.0
    hidden, diagonal, inner = (0.0, 0.0, 0.0), tau**2, 0.0
    for unit in network.layers:
        clip = unit.parameters[1] / tau if unit.kind == "hard_tanh" else 0.5
        nodes, weights = rule(clip, -clip)

        def mean(values, weights=weights):
            return values @ weights

        f, slope = unit(tau * nodes), unit.slope(tau * nodes)
        m1, m2 = mean(f * nodes) / tau, mean(f * (nodes**2 - 1)) / tau**2
        change = mean(f * f * (nodes**2 - 1)) / (2 * tau**2)
        eta = network.multiplier
        mixed = [eta * c + h for c, h in zip(ck, hidden, strict=True)]
        inner = (eta * diagonal + inner) * mean(slope * slope)
        hidden = (m1**2 * mixed[0], m1**2 * mixed[1], m1**2 * mixed[2] + m2**2 * ck[0] * mixed[0])
        root = abs(m2) * a4 / 2
        norm = m1**2 * ck[1] + root**2
        if unit is network.layers[-1] and network.norm_shift:
            norm += network.norm_shift**2 + network.norm_shift * m2 * a4
        ck = (m1**2 * ck[0], norm, m1**2 * ck[2] + m2**2 * ck[0] ** 2 / 2)
        diagonal, a4 = mean(f * f), a4 * change
        tau = math.sqrt(diagonal)
    tangent = network.target.kind != "ck"
    values = [c + h if tangent else c for c, h in zip(ck, hidden, strict=True)]
    return (*values, diagonal + inner if tangent else diagonal)


def wanted(name, sa, tau0, kind):
    """By quadrature, in units of the diagonal."""
    kinds = dict(zip(("ck", "ntk", "ntk_full"), Model(name, sa, 1 - sa, tau0).coefficients[2:], strict=True))
    return np.array(kinds[kind])


def in_units(scalars, tau0):
    square = tau0**2
    return np.array(scalars) * [square, square**2, square**2, 1.0] / scalars[3]


@pytest.mark.parametrize("name", NAMES)
def test_the_closed_form_is_exact_for_every_model(name):
    for sa in GRID:
        for tau0 in NORMS:
            for kind in ("ck", "ntk", "ntk_full") if tau0 == 1 else ("ck",):
                try:
                    network = design_explicit(model(name, sa), kind, "hermite", tau0=tau0)
                except NoFixedPoint:
                    assert kind != "ck"
                    continue
                assert max(map(abs, network.residuals)) <= 1e-12
                assert network.target.remainder >= -1e-13 * network.target.scalars[3]


@pytest.mark.parametrize("kind", ["ck", "ntk", "ntk_full"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("family", ["auto", "hermite", "hermite_slope"])
def test_the_scalars_of_the_network_are_those_of_the_model_by_quadrature(name, family, kind):
    for sa, tau0 in ((0.2, 1.0), (0.7, 2.0)):
        network = design_explicit(model(name, sa), kind, family, tau0=tau0)
        target = wanted(name, sa, tau0, kind)
        found = in_units(scalars_by_quadrature(network), tau0)
        np.testing.assert_allclose(found, in_units(target, tau0), rtol=0, atol=1e-11)
        assert abs(scalars_by_quadrature(network)[3] / target[3] - 1) < 1e-11


def test_what_auto_chooses():
    chosen = {name: design_explicit(model(name), tau0=1.0).family for name in NAMES}
    assert chosen == {
        "relu": "leaky_relu",
        "leaky_relu": "leaky_relu",
        "tanh": "hard_tanh",
        "erf": "hard_tanh",
        "swish": "hermite_slope",
        "elu": "hermite_slope",
    }
    assert design_explicit(model("relu"), "ntk", tau0=1.0).family == "hermite_slope"


def test_three_leaky_layers_where_two_are_not_enough():
    assert len(design_explicit(model("relu", 0.8), tau0=1.0).layers) == 2
    network = design_explicit(model("relu", 0.95), tau0=1.0)
    assert (network.family, len(network.layers)) == ("leaky_relu", 3)
    assert max(map(abs, network.residuals)) < 1e-12


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(st.tuples(st.floats(-2, 2), st.floats(-2, 2)), min_size=1, max_size=3), st.floats(0.2, 4))
def test_every_leaky_network_obeys_one_identity(slopes, tau0):
    """diagonal = linear part + 2 (pi - 2) norm part: why no leaky ReLU network has the kernel of other models."""
    from dekderive.design.target import network_scalars
    from dekderive.design.units import leaky_relu

    layers, tau = [], tau0
    for right, left in slopes:
        if max(abs(right), abs(left)) < 0.1:
            return
        layers.append(leaky_relu(right, left, tau))
        tau = math.sqrt(layers[-1].moments["second"])
    linear, norm, _, diagonal = network_scalars(layers, tau0, 0.0, 1.0)[0]
    assert abs(linear * tau0**2 + 2 * (math.pi - 2) * norm * tau0**4 - diagonal) <= 1e-14 * diagonal


def test_refusals_carry_the_nearest_network():
    with pytest.raises(NotReachable, match="reaches pi/2") as refused:
        design_explicit(model("sharp_tanh", 0.5), family="hard_tanh", tau0=1.0)
    nearest = refused.value.nearest
    assert nearest.family == "hard_tanh"
    assert not nearest.feasible
    assert abs(nearest.residuals[0]) < 1e-12  # the linear part is met, the diagonal falls short
    assert -0.2 < nearest.residuals[3] < -0.1
    # 1.816 is the ratio that hard tanh would have to reach.
    assert abs(1 / nearest.target.parts[0] - 1.816) < 1e-3
    for name in ("swish", "elu"):
        with pytest.raises(NotReachable, match=r"2 \(pi - 2\)") as refused:
            design_explicit(model(name), family="leaky_relu", tau0=1.0)
        worst = max(map(abs, refused.value.nearest.residuals))
        assert 1e-4 < worst < 0.2
    with pytest.raises(NotReachable, match="no quadratic part"):
        design_explicit(model("relu"), family="hard_tanh", tau0=1.0)
    with pytest.raises(NotReachable):
        design_explicit(model("tanh"), family="leaky_relu", tau0=1.0)
    with pytest.raises(NotReachable, match="diagonal"):  # near criticality the first layer has used up the diagonal
        design_explicit(model("elu", 0.9), family="hermite_two_layer", tau0=0.3)
    with pytest.raises(NotReachable):
        design_explicit(model("leaky_relu", 0.99), family="leaky_relu", tau0=1.0)
    assert design_explicit(model("sharp_tanh", 0.5), tau0=1.0).family == "hermite_slope"


def test_tangent_kernels_of_odd_models_are_always_within_reach_of_hard_tanh():
    for sa in (0.1, 0.5, 0.9):
        network = design_explicit(model("erf", sa), "ntk", "hard_tanh", tau0=0.3)
        assert max(map(abs, network.residuals)) < 1e-12


def test_the_ratio_of_hard_tanh_falls_from_half_pi_to_one():
    from dekderive.design.units import hard_tanh

    z = np.geomspace(1e-3, 12, 60)
    ratios = [hard_tanh(1.0, c, 1.0).moments for c in z]
    values = np.array([m["second"] / m["m1"] ** 2 for m in ratios])
    assert (np.diff(values) <= 1e-15).all()
    assert abs(values[0] - math.pi / 2) < 2e-3
    assert abs(values[-1] - 1) < 1e-14
    closed = (
        special.erf(z / 2**0.5) + z**2 * special.erfc(z / 2**0.5) - (2 / math.pi) ** 0.5 * z * np.exp(-z * z / 2)
    ) / special.erf(z / 2**0.5) ** 2
    np.testing.assert_allclose(values, closed, rtol=1e-12)


def test_slope_matched_diagonals():
    """The diagonal of the network has the slope of the model's, by central differences."""
    for name, sa, kind in (("relu", 0.5, "ck"), ("swish", 0.5, "ck"), ("elu", 0.5, "ck"), ("swish", 0.3, "ntk")):
        network = design_explicit(model(name, sa), kind, "hermite_slope", tau0=1.0)
        h = 1e-4
        up, down = (network.diagonal(np.array([[math.sqrt(1 + s * h)]]))[0] for s in (1, -1))
        oracle = Model(name, sa, 1 - sa, 1.0)
        exact = [oracle.kernel(np.array([[1 + s * h]]), kind)[0, 0] for s in (1, -1)]
        assert abs((up - down) - (exact[0] - exact[1])) / (2 * h) < 1e-5


def test_invalid_arguments():
    with pytest.raises(InvalidInput, match="family must be"):
        design_explicit(model("relu"), family="cubic", tau0=1.0)
    with pytest.raises(InvalidInput, match="kernel must be"):
        design_explicit(model("relu"), "nngp", tau0=1.0)
    with pytest.raises(InvalidInput, match="tau0"):
        design_explicit(model("relu"), tau0=0.0)
    with pytest.raises(InvalidInput, match="learning rate does not change"):
        design_explicit(model("relu"), family="hermite_rate", tau0=1.0)
    with pytest.raises(InvalidInput, match="designs conjugate kernels"):
        design_explicit(model("relu"), "ntk", "leaky_relu", tau0=1.0)


# ---- spectral norms --------------------------------------------------------------------------------------------------


def sample(n, seed=0):
    x = mixture(n, seed)
    return x / np.sqrt((x * x).sum(axis=1).mean())


def errors(name, kind, networks, n=200, sa=0.2):
    x = sample(n)
    exact = Model(name, sa, 1 - sa, 1.0).kernel(x @ x.T, kind)
    return [spectral(exact - network.kernel(x)) for network in networks]


def test_two_leaky_layers_have_the_kernel_of_the_relu_model():
    (error,) = errors("relu", "ck", [design_explicit(model("relu"), tau0=1.0)], n=400)
    assert error < 2e-4


def test_right_signs_matter_at_finite_size():
    """Asymptotically signs are free; the wrong one of the cubic term of tanh multiplies the error."""
    right = design_explicit(model("tanh"), family="hermite", tau0=1.0)
    unit = right.layers[0]
    c = unit.parameters
    wrong = type(right)("hermite", (type(unit)("hermite", (c[0], c[1], -c[2]), unit.tau),), 0.0, 1.0, right.target)
    assert wrong.feasible
    good, bad = errors("tanh", "ck", [right, wrong])
    assert bad > 5 * good


def test_the_norm_feature_and_the_rate_matter_for_tangent_kernels():
    exact = design_explicit(model("relu"), "ntk", "hermite", tau0=1.0)
    kind = type(exact)
    plain = kind("hermite", exact.layers, 0.0, 1.0, exact.target)
    rate = design_explicit(model("relu"), "ntk", "hermite_rate", tau0=1.0)
    wrong = kind("hermite_rate", rate.layers, 0.0, 1.0, exact.target)
    assert rate.feasible
    assert not plain.feasible
    assert not wrong.feasible
    assert abs(rate.multiplier - 0.029) < 5e-4
    found = errors("relu", "ntk", [exact, rate, plain, wrong])
    assert found[0] < 0.5 * found[2]
    assert found[1] < 0.7 * found[2]
    assert found[1] < 0.3 * found[3]


def relu_kernel(S, sa):
    """The conjugate kernel of the ReLU model by the arc-cosine formula, iterated."""
    oracle = Model("relu", sa, 1 - sa, 1.0)
    q = np.full(len(S), oracle.q)
    for _ in range(60):
        q = sa * (q / 2 - 2 * oracle.bias * np.sqrt(q / (2 * np.pi)) + oracle.bias**2) + (1 - sa) * np.diag(S)
    root, m = np.sqrt(np.outer(q, q)), np.sqrt(q / (2 * np.pi)) - oracle.bias
    G = np.zeros_like(S)
    for _ in range(16):  # each round gains a factor of 7 or more
        rho = np.clip((sa * G + (1 - sa) * S) / root, -1, 1)
        G = root / (2 * np.pi) * (np.sqrt(1 - rho**2) + (np.pi - np.arccos(rho)) * rho - 1) + np.outer(m, m)
        np.fill_diagonal(G, (q - (1 - sa) * np.diag(S)) / sa)
    return G


def test_the_two_oracles_agree():
    x = sample(60)
    assert np.abs(relu_kernel(x @ x.T, 0.2) - Model("relu", 0.2, 0.8, 1.0).kernel(x @ x.T)).max() < 1e-12


@pytest.mark.slow
def test_kernel_ridge_predictions_are_those_of_the_model():
    """1600 rows, 800 unseen ones; relative difference of the predictions in the l2 norm."""
    x = sample(2400)
    labels = np.repeat([1.0, -1.0], 1200)
    new = np.arange(0, 2400, 3)
    seen = np.setdiff1d(np.arange(2400), new)

    def predictions(k):
        weights = np.linalg.solve(k[np.ix_(seen, seen)] + 0.1 * np.eye(1600), labels[seen])
        return k[np.ix_(new, seen)] @ weights

    expected = predictions(relu_kernel(x @ x.T, 0.2))
    for family, bound in (("leaky_relu", 1e-4), ("hermite_slope", 0.01)):
        found = predictions(design_explicit(model("relu"), family=family, tau0=1.0).kernel(x))
        assert np.linalg.norm(found - expected) < bound * np.linalg.norm(expected)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind"), [("relu", "ck"), ("swish", "ck"), ("tanh", "ck"), ("relu", "ntk")])
def test_the_error_of_designs_decays(name, kind):
    network = design_explicit(model(name), kind, "hermite", tau0=1.0)
    small, large = (errors(name, kind, [network], n)[0] for n in (150, 600))
    assert large < 0.65 * small


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_networks_pickle(family):
    kind = "ntk" if family == "hermite_rate" else "ck"
    network = FAMILIES[family](target_of(model("relu"), 1.0, kind))
    assert pickle.loads(pickle.dumps(network)) == network


def test_two_polynomial_layers():
    for name in NAMES:
        network = design_explicit(model(name), family="hermite_two_layer", tau0=1.0)
        assert network.norm_shift == 0
        assert max(map(abs, network.residuals)) < 1e-12
        found = in_units(scalars_by_quadrature(network), 1.0)
        np.testing.assert_allclose(found, in_units(wanted(name, 0.2, 1.0, "ck"), 1.0), atol=1e-10)
