"""Compiled duals: against certified enclosures that share no code with them, and as modules."""

import copy
import importlib.util
import math
import pickle
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

import dekderive as dek
from dekderive.atoms import elu, expit, gelu, log_cosh, relu, silu, softplus, step
from dekderive.certificates.expectations import enclose_dual, enclose_dual_kxy
from dekderive.errors import InvalidInput, NotCertified, NotIntegrable, UnprintableNode
from dekderive.kernels.compiled import is_covariance
from dekderive.programs.logistic_terms import logistic_terms
from dekderive.programs.magnitude import magnitude
from dekderive.programs.scalar_text import function_text, knots, strip_data
from dekderive.symbols import kxx, kxy, kyy, z

GOLDEN = Path(__file__).with_name("compiled_tanh.txt")

ACTIVATIONS = {
    "tanh": sp.tanh(z),
    "expit": expit(z),
    "softplus": softplus(z),
    "silu": silu(z),
    "mish": z * sp.tanh(softplus(z)),
    "log_cosh": log_cosh(z),
    "sech_squared": sp.sech(z) ** 2,
    "atan": sp.atan(z),
    "softsign": z / (1 + sp.Abs(z)),
    "elu": elu(z),
    "selu": sp.Rational(10507, 10000) * (relu(z) + sp.Rational(16733, 10000) * step(-z) * (sp.exp(z) - 1)),
    "clip": relu(z + 1) - relu(z - 1) - 1,
    "relu6": relu(z) - relu(z - 6),
    "hard_swish": z * (relu(z + 3) - relu(z - 3)) / 6,
}
KINKED = ("softsign", "elu", "selu", "clip", "relu6", "hard_swish")
LOGISTIC = ("tanh", "expit", "softplus", "silu", "log_cosh", "sech_squared")


def exact(x):
    return sp.Rational(Fraction(float(x)))


def enclosed(f, a, b, c, enclose=enclose_dual):
    ball = enclose(f, f, exact(a), exact(b), exact(c), radius=Fraction(1, 10**22))
    return (ball.lower + ball.upper) / 2


def size(f, a, b, enclose=enclose_dual):
    return math.sqrt(float(enclosed(f, a, a, a, enclose)) * float(enclosed(f, b, b, b, enclose)))


def compare(name, a, b, r):
    f, compiled = ACTIVATIONS[name], dek.compile_dual(ACTIVATIONS[name], name=name)
    c = r * math.sqrt(a * b)
    value, bound, proved = compiled.dual_with_error(a, b, c)
    error = abs(float(enclosed(f, a, b, c) - sp.Float(float(value), 40)))
    scale = size(f, a, b)
    assert error <= 1e-13 * scale, (name, a, b, r)
    assert error <= bound <= 1e-12 * scale, (name, a, b, r)
    assert proved or name not in LOGISTIC
    assert compiled(a, b, c) == value
    if name == "softsign":  # its slope has no certified enclosure
        return
    error = abs(float(enclosed(f, a, b, c, enclose_dual_kxy) - sp.Float(float(compiled.dual_kxy(a, b, c)), 40)))
    assert error <= 1e-12 * size(f, a, b, enclose_dual_kxy), (name, a, b, r)


POINTS = [(2.0**-20, 2.0**-20, 0.6), (1.0, 1.0, -0.9), (25.0, 25.0, 0.6), (1.0, 100.0, -1.0), (1e4, 1e4, 1.0)]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_values_and_derivatives_are_certified(name):
    for a, b, r in POINTS if name in LOGISTIC else POINTS[1::2]:
        compare(name, a, b, r)


@pytest.mark.slow
@pytest.mark.parametrize("r", [0.0, 0.6, -0.9, 0.99, 1 - 1e-8, 1.0, -1.0])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_values_and_derivatives_are_certified_everywhere(name, r):
    a = 25.0  # where neither the series is short nor the function close to its asymptote
    if r == 1 - 1e-8 and name in KINKED:
        # The enclosures refuse kinks that close to the diagonal.  As a power series with non-negative coefficients the
        # dual is convex in kxy >= 0, so it lies above its tangent at kxy = kxx, and the latter above that at kxy.
        compiled, f, c = dek.compile_dual(ACTIVATIONS[name]), ACTIVATIONS[name], r * a
        at_one, scale = float(enclosed(f, a, a, a)), size(f, a, a)
        lowest = at_one - (a - c) * compiled.dual_kxy(a, a, a)
        highest = at_one - (a - c) * compiled.dual_kxy(a, a, c)
        assert lowest - 1e-13 * scale <= compiled(a, a, c) <= highest + 1e-13 * scale
        assert highest - lowest <= 1e-8 * scale
        return
    try:
        compare(name, a, a, r)
    except NotCertified:  # exponential units: the panels of the enclosure do not reach this close to the diagonal
        assert name in ("elu", "selu")
        pytest.skip("no enclosure to compare with")


@pytest.mark.slow
@pytest.mark.parametrize(("a", "b"), [(1.0, 100.0), (2.0**-14, 2.0**14)])
@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {"elu", "selu"}))
def test_unequal_variances_are_certified(name, a, b):
    for r in (0.6, -0.9, 0.99, -1.0):
        compare(name, a, b, r)


@pytest.mark.parametrize("name", ["tanh", "mish", "softsign", "clip", "hard_swish"])
def test_derivatives_against_differences(name):
    compiled = dek.compile_dual(ACTIVATIONS[name])
    for a, b, c in [(1.3, 0.7, 0.5), (20.0, 30.0, -19.0), (0.1, 0.2, 0.05)]:
        h = 1e-3 * min(a, b, math.sqrt(a * b) - abs(c))
        for derivative, direction in (
            (compiled.dual_kxx, (1, 0, 0)),
            (compiled.dual_kyy, (0, 1, 0)),
            (compiled.dual_kxy, (0, 0, 1)),
        ):
            points = [tuple(x + k * h * d for x, d in zip((a, b, c), direction, strict=True)) for k in (-2, -1, 1, 2)]
            at = [float(compiled(*p)) for p in points]
            difference = (8 * (at[2] - at[1]) - (at[3] - at[0])) / (12 * h)
            assert derivative(a, b, c) == pytest.approx(difference, rel=1e-8, abs=1e-9)


def test_mixed_pairs():
    for f, g in [(sp.tanh(z), relu(z - 1)), (softplus(z), step(z)), (sp.exp(z), silu(z)), (sp.tanh(z), expit(z))]:
        compiled = dek.compile_dual(f, g)
        for a, b, c in [(exact(1), exact(2), exact(0.75)), (exact(4), exact(1), exact(-1.5))]:
            ball = enclose_dual(f, g, a, b, c, radius=Fraction(1, 10**20))
            value, bound, _ = compiled.dual_with_error(float(a), float(b), float(c))
            error = abs(float((ball.lower + ball.upper) / 2 - sp.Float(float(value), 40)))
            assert error <= min(bound, 1e-12 * max(1.0, abs(value)))


def test_closed_forms_bound_their_rounding_errors():
    # gelu: the bound holds, and is not so wide that it says nothing.
    compiled = dek.compile_dual(gelu(z))
    assert compiled.closed
    for a, b, r in [(1.0, 1.0, 0.6), (0.25, 4.0, 0.875), (2.0**-20, 2.0**-20, -0.9)]:
        c = r * math.sqrt(a * b)
        value, bound, proved = compiled.dual_with_error(a, b, c)
        error = abs(float(enclosed(gelu(z), a, b, c) - sp.Float(float(value), 40)))
        assert proved
        assert error <= bound <= 1e-13 * size(gelu(z), a, b)


# --- what a compiled dual is -----------------------------------------------------------------------------------------


def test_the_emitted_text_is_the_golden_one():
    assert dek.emit_dual(sp.tanh(z), name="tanh") == GOLDEN.read_text(encoding="utf-8")


def test_an_emitted_module_needs_no_sympy(tmp_path):
    path = tmp_path / "mish_dual.py"
    path.write_text(dek.emit_dual(ACTIVATIONS["mish"], name="mish"), encoding="utf-8")
    program = (
        "import sys, pickle, mish_dual; d = mish_dual.DUAL; print(float(d(1.0, 1.0, 0.6)));"
        "assert 'sympy' not in sys.modules and 'flint' not in sys.modules;"
        "assert pickle.loads(pickle.dumps(d)).dual is d.dual"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(dek.__file__).parents[1],
        env={"PYTHONPATH": f"{tmp_path}:{Path(dek.__file__).parents[1]}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert float(result.stdout) == dek.compile_dual(ACTIVATIONS["mish"])(1.0, 1.0, 0.6)
    spec = importlib.util.spec_from_file_location("mish_dual", path)
    assert spec is not None


@pytest.mark.parametrize("name", ["tanh", "clip", "elu"])
def test_pickling(name):
    compiled = dek.compile_dual(ACTIVATIONS[name], name=name)
    again = pickle.loads(pickle.dumps(compiled))
    assert (again.name, again.spec, again.text) == (compiled.name, compiled.spec, compiled.text)
    assert again.dual_kxx(1.0, 2.0, 0.5) == compiled.dual_kxx(1.0, 2.0, 0.5)
    assert name in repr(again)


def test_compiled_kernels_pickle_as_their_text():
    kernel = dek.compile(dek.update_maps.deq_ntk(dek.update_maps.normalised(relu(z)), name="mine"))
    again = pickle.loads(pickle.dumps(kernel))
    assert again.text == kernel.text
    assert again.diagonal_step.arguments == kernel.diagonal_step.arguments
    values = {name: 0.25 for name in kernel.readout_diagonal.arguments}
    assert again.readout_diagonal.at(values) == kernel.readout_diagonal.at(values)
    assert copy.deepcopy(kernel) is kernel


def test_the_digest_is_of_the_functions():
    digests = {dek.compile_dual(f, g).spec for f, g in [(z, z), (z, z**2), (z**2, z), (sp.sin(z), z)]}
    assert len(digests) == 4
    assert dek.compile_dual(sp.sin(z), z, name="other").spec in digests


@pytest.mark.parametrize("name", ["tanh", "clip", "softsign"])
def test_manners(name):
    compiled = dek.compile_dual(ACTIVATIONS[name])
    one = np.float32(1.0)
    for function in (compiled, compiled.dual_kxx, compiled.dual_kyy, compiled.dual_kxy):
        assert function(one, one, np.float32(0.5)).dtype == np.float32
        assert function(1.0, 1.0, 0.5).dtype == np.float64
        assert function(np.ones((3, 1)), np.ones(4), 0.25).shape == (3, 4)
        bad = function([1.0, -1.0, np.nan, 1.0, np.inf], 1.0, [2.0, 0.0, 0.5, np.nan, 0.0])
        assert np.isnan(bad).all()
    value, bound, proved = compiled.dual_with_error([1.0, 1.0], 1.0, [0.5, 2.0])
    assert np.isnan(value[1])
    assert bound[1] == np.inf
    assert not proved[1]
    assert np.isfinite(value[0])
    assert compiled(0.0, 1.0, 0.0) == 0.0


def test_conditions_of_integrability_are_kept():
    # exp(z^2 / 5) is square integrable below variance 5/4 in one variable: beyond it the formula still gives numbers.
    grown = dek.compile_dual(sp.exp(z**2 / 5))
    assert grown.conditions
    assert grown(1.0, 1.0, 0.0) == pytest.approx(1 / (1 - 2 / 5), rel=1e-14)
    assert np.isnan(grown([3.0, 3.0, 1.0], [3.0, 1.0, 3.0], 0.0)).all()
    assert np.isnan(grown.dual_kxy(3.0, 3.0, 1.0))


def test_what_is_refused():
    with pytest.raises(InvalidInput, match="give slope a value"):
        dek.compile_dual(relu(z) - sp.Symbol("slope", positive=True) * relu(-z))
    with pytest.raises(InvalidInput, match="identifier"):
        dek.compile_dual(sp.tanh(z), name="not a name")
    with pytest.raises(NotIntegrable):
        dek.compile_dual(sp.exp(z**4))
    with pytest.raises(UnprintableNode):
        dek.compile_dual(sp.airyai(z))


def test_covariances():
    assert is_covariance(1.0, 1.0, 1.0 + 1e-9)
    assert not is_covariance([1.0, -0.1, np.inf], 1.0, [1.1, 0.0, 0.0]).any()


# --- what the workshop says about functions --------------------------------------------------------------------------


def test_logistic_terms_are_identities():
    for f in (
        sp.tanh(z / 3) - 2 * expit(-2 * z),
        softplus(-z) + 3 * z,
        z * expit(z / 2) - z * sp.tanh(z),
        log_cosh(2 * z) / 5,
        sp.tanh(z) ** 2,
        4 * sp.sech(z / 2) ** 2,
        expit(z) * expit(-z),
    ):
        terms = logistic_terms(f)
        assert terms
        base = {
            "constant": lambda x: 1,
            "linear": lambda x: x,
            "expit": lambda x: 1 / (1 + sp.exp(-x)),
            "softplus": lambda x: sp.log(1 + sp.exp(x)),
            "silu": lambda x: x / (1 + sp.exp(-x)),
            "expit_slope": lambda x: sp.exp(-x) / (1 + sp.exp(-x)) ** 2,
        }
        for point in (sp.Rational(-7, 3), sp.Rational(2, 5)):
            total = sum(c * base[name](sp.Float(rate, 30) * point) for name, rate, c in terms)
            true = sp.N(f.subs(z, point).replace(log_cosh, lambda x: sp.log(sp.cosh(x))).doit(), 30)
            assert abs(sp.N(total - true.replace(expit, base["expit"]).replace(softplus, base["softplus"]), 20)) < 1e-14
    for f in (sp.atan(z), sp.tanh(z + 1), sp.tanh(z) ** 3, z**2 * expit(z), z, sp.Integer(2), sp.tanh(z) * expit(z)):
        assert logistic_terms(f) == ()


@pytest.mark.parametrize("order", [0, 1, 2])
def test_strip_data_bound_the_function_off_the_real_line(order):
    for f in (sp.tanh(z), softplus(z), ACTIVATIONS["mish"], sp.atan(z), sp.cosh(z) ** -2):
        strip = strip_data(f, order)
        w = sp.Symbol("w")
        elementary = f.replace(softplus, lambda x: sp.log(1 + sp.exp(x))).subs(z, w).diff(w, order)
        function = sp.lambdify(w, elementary, "mpmath")
        for x in (-9, -1.5, 0, 0.1, 2, 7):
            for part in (0.3, 0.999):
                size = abs(function(complex(x, part * strip.width)))
                assert size <= strip.constant + strip.factor * abs(x) ** strip.power
    assert strip_data(relu(z)) is None
    assert strip_data(sp.sinh(z)) is None  # grows exponentially


def test_knots():
    assert knots(ACTIVATIONS["hard_swish"]) == (-3.0, 3.0)
    assert knots(sp.Max(z, -2) + sp.Abs(z - sp.Rational(1, 2))) == (-2.0, 0.5)
    with pytest.raises(UnprintableNode, match="kinks"):
        knots(relu(sp.sin(z)))


def test_functions_are_printed_by_pieces():
    text, modules = function_text("f", ACTIVATIONS["elu"])
    assert "expm1" in text
    assert modules == {"np"}
    namespace = {"np": np}
    exec(text, namespace)
    found = namespace["f"](np.array([-1e4, -1e-12, 1e4]))  # a sum with step(-z) (exp(z) - 1) would be NaN at 1e4
    np.testing.assert_allclose(found, [-1.0, math.expm1(-1e-12), 1e4], rtol=1e-15)


def test_kernels_name_the_knots_of_their_functions():
    f = sp.tanh(z) * relu(z - sp.Rational(1, 2))
    kernel = dek.compile(dek.update_maps.nngp(f, name="mine"))
    assert "@hermite.piecewise(0.5)\ndef activation(z):" in kernel.text
    a, b, c = 1.5, 0.75, 0.375
    value = kernel.activation.value.at({"kxx": a, "kyy": b, "angle": math.acos(c / math.sqrt(a * b))})
    ball = enclose_dual(f, f, exact(a), exact(b), exact(c), radius=Fraction(1, 10**20))
    assert abs(float(value) - float((ball.lower + ball.upper) / 2)) <= 1e-14
    smooth = dek.compile(dek.update_maps.nngp(sp.tanh(z), name="mine")).text
    assert "piecewise" not in smooth
    assert "@hermite.analytic(" in smooth  # so that the run time knows a proved strip, and the logistic mixture


def test_magnitudes():
    assert magnitude(kxx - kxy + 3) == kxx + sp.Abs(kxy) + 3
    assert magnitude((kxx - kyy) ** 2 * kxy) == (kxx + kyy) ** 2 * sp.Abs(kxy)
    assert magnitude(2 * sp.asin(kxy)) == 2 * sp.Abs(sp.asin(kxy))
