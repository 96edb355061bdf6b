import pytest
import sympy as sp

from dekderive import atoms
from dekderive.errors import NoClosedForm
from dekderive.limits import growth, limit, sample_parameters, sign_near
from dekderive.symbols import eta, z

oo = sp.oo
k = sp.Symbol("k", positive=True)
density = sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi)

# Known from textbooks; several are differences of infinities.
LIMITS = [
    (atoms.expit(z), -oo, "-", 0),
    (k * atoms.expit(z), oo, "-", k),
    (atoms.softplus(z) - z, oo, "-", 0),
    (-k / z, 0, "-", oo),
    (-k / z, 0, "+", -oo),
    (k * sp.exp(z) / (1 - sp.exp(z)), -oo, "-", 0),
    (atoms.langevin(z), -oo, "-", -1),
    (z * (1 - atoms.langevin(z)), oo, "-", 1),
    (z + atoms.inverse_mills(z), -oo, "-", 0),
    (z**2 * (1 - atoms.inverse_mills(z) * (z + atoms.inverse_mills(z))), -oo, "-", 1),
    (z * (z + atoms.inverse_mills(z)), -oo, "-", -1),
    (atoms.bessel_ratio(z), oo, "-", 1),
    (2 * z * (1 - atoms.bessel_ratio(z)), oo, "-", 1),
    (atoms.log_i0(z) - z + sp.log(2 * sp.pi * z) / 2, oo, "-", 0),
    (z**2 / 2 + atoms.log_ndtr(z), -oo, "-", -oo),
    (z * atoms.ndtr(z) + density, -oo, "-", 0),
    (z**2 * (z * atoms.ndtr(z) + density) / density, -oo, "-", 1),
    (2 * z * atoms.dawson(z), -oo, "-", 1),
    (sp.LambertW(-sp.exp(z)), -oo, "-", 0),
    ((1 + sp.LambertW(-sp.exp(z))) / sp.sqrt(-1 - z), -1, "-", sp.sqrt(2)),
    (atoms.relu(z) / sp.Abs(z) + atoms.step(-z), oo, "-", 1),
    (sp.tanh(z), -oo, "-", -1),
    (atoms.log_cosh(z) - z, oo, "-", -sp.log(2)),
]


@pytest.mark.parametrize(("expr", "end", "side", "expected"), LIMITS, ids=str)
def test_limits(expr, end, side, expected):
    assert sp.simplify(limit(expr, z, sp.sympify(end), side) - expected) == 0 or expected in (oo, -oo)
    if expected in (oo, -oo):
        assert limit(expr, z, sp.sympify(end), side) == expected


def test_an_oscillation_has_no_limit():
    with pytest.raises(NoClosedForm, match="no limit found"):
        limit(sp.sin(z), z, oo)


def test_a_wrong_symbolic_limit_is_caught(monkeypatch):
    monkeypatch.setattr("dekderive.limits._limit_in_t", lambda expr: sp.S.One)
    with pytest.raises(NoClosedForm, match="disagrees with values near the end"):
        limit(1 / (z + sp.pi), z, oo)


@pytest.mark.parametrize(
    ("expr", "above", "below"),
    [
        (atoms.relu(z), 0, -oo),
        (sp.exp(z**2 / 4 + z), sp.Rational(1, 4), sp.Rational(1, 4)),
        (sp.exp(-(z**2)) * sp.erf(z), -1, -1),
        (sp.exp(z) * sp.sin(z), 0, 0),
        (sp.exp(sp.exp(z)), oo, 0),
        (sp.exp(z**3), oo, -oo),
        (atoms.inverse_mills(z), sp.Rational(-1, 2), 0),
        (atoms.relu(z) * sp.exp(-(z**2) / (2 * k)), -1 / (2 * k), -oo),
    ],
    ids=str,
)
def test_rates_of_growth(expr, above, below):
    assert growth(expr, z, oo) == above
    assert growth(expr, z, -oo) == below


def test_signs_near_an_end():
    assert sign_near(atoms.softplus(z) - z, z, oo) == 1
    assert sign_near(z * (z - 1), z, sp.S.Zero, "+") == -1
    assert sign_near(atoms.relu(z), z, -oo) == 0


def test_drawn_parameters_keep_their_assumptions():
    n, m = sp.Symbol("n", positive=True, integer=True), sp.Symbol("m", negative=True)
    drawn = sample_parameters(n * m * k * eta, eta)
    assert drawn.keys() == {n, m, k}
    assert drawn[n].is_Integer
    assert drawn[m] < 0 < drawn[k]
