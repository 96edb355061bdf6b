"""The printer: form and value.  Every text is evaluated and compared with mpmath."""

import itertools

import numpy as np
import pytest
import sympy as sp

from dekderive import atoms
from dekderive.errors import UndeclaredSymbol, UnprintableNode
from dekderive.programs.lower import lower
from dekderive.programs.numpy_text import NumPyText
from dekderive.update_maps.specification import serialise, spec

x, y, w = sp.symbols("x y w", positive=True)

GOLDEN = {
    x / (y * w): "x / (w * y)",
    x / y**2: "x / (y * y)",
    x * y ** sp.Rational(-3, 2): "x / (y * np.sqrt(y))",
    x / (y + 1) / w: "x / (w * (y + 1.0))",
    x - (y - w): "w + x - y",
    -(x + y) * w: "w * (-x - y)",
    (x + y) ** 3: "(x + y) ** 3",
    x / sp.pi + y / (4 * sp.pi): "x / np.pi + y / (4.0 * np.pi)",
    sp.Rational(3, 4) * x: "0.75 * x",
    x / 3: "x / 3.0",
    sp.sqrt(2) * x: "1.4142135623730951 * x",
    1 / (x * y): "1.0 / (x * y)",
    sp.sqrt(1 - y**2): "np.sqrt((1.0 - y) * (y + 1.0))",
    1 / sp.sqrt(x**2 - y**2): "1.0 / np.sqrt((x - y) * (x + y))",
    sp.sqrt(1 + x**2): "np.sqrt(x * x + 1.0)",
    sp.exp(-x) - 1: "np.exp(-x) - 1.0",
    sp.Min(1, x): "np.minimum(1.0, x)",
    atoms.softplus(x - y): "special.softplus(x - y)",
    sp.hyper((w, x), (2,), y**2 / (x * w)): "special.squared_correlation_2f1(w, x, 2.0, w, x, y)",
    sp.hyper((-x, sp.Rational(-1, 2)), (sp.Rational(1, 2),), y): "special.hyp2f1(-0.5, -x, 0.5, y)",
}


@pytest.mark.parametrize(("expression", "text"), GOLDEN.items(), ids=list(GOLDEN.values()))
def test_golden_text(expression, text):
    assert NumPyText()(expression) == text


AWKWARD = [
    *GOLDEN,
    x / (y * (w / x)) / (w / y**2),
    -((x - y) ** 2) / (-(w**2) + x),
    x ** sp.Rational(5, 2) / (y * sp.sqrt(w)) - 1 / x**3,
    1 / (1 / x + 1 / y),
    (x / y) ** (w / 2),
    -x * (-y) / (-w - 1),
    sp.Rational(-7, 3) * x / sp.pi,
    sp.LambertW(x * y),
    2 * x * sp.sqrt(x + y) / (3 * sp.sqrt(sp.pi) * w),
    atoms.rootgap(x + 1, y + 1, sp.sqrt(2) * w / 5) * atoms.arcsine(x + 2, y + 2, w),
]


@pytest.mark.parametrize("expression", AWKWARD, ids=str)
def test_text_has_the_value_of_the_expression(expression):
    from dekderive.kernels import special

    values = {x: sp.Rational(7, 5), y: sp.Rational(3, 11), w: sp.Rational(9, 8)}
    text = NumPyText()(expression)
    computed = eval(text, {"np": np, "special": special}, {s.name: float(v) for s, v in values.items()})
    assert float(computed) == pytest.approx(float(expression.subs(values).evalf(30)), rel=4e-15)


def test_unknown_nodes_are_refused_by_name():
    with pytest.raises(UnprintableNode, match="zeta"):
        NumPyText()(sp.zeta(x))
    with pytest.raises(UnprintableNode):
        NumPyText()(sp.oo * 1)


def test_strangers_are_refused_with_a_hint():
    from dekderive.symbols import kxx

    with pytest.raises(UndeclaredSymbol, match=r"import that one"):
        lower("f", sp.Symbol("kxx") + 1, (), {})
    with pytest.raises(UndeclaredSymbol, match="'q' is not declared"):
        lower("f", kxx * sp.Symbol("q"), (), {})


def test_constants_are_not_given_names():
    from dekderive.symbols import kxx, kxy, kyy

    text = lower("f", (kxx / sp.pi + kyy / sp.pi, kxy / sp.pi), (), {}).text
    assert "shared" not in text


def test_long_sums_are_broken_and_still_python():
    names = sp.symbols("a0:40", positive=True)
    text = lower("f", sp.Add(*(s**2 / (1 + t) for s, t in itertools.pairwise(names))), names, {}).text
    assert max(map(len, text.splitlines()[1:])) < 119
    namespace = {"np": np}
    exec(text, namespace)
    assert namespace["f"](*np.ones(40)) == pytest.approx(39 / 2)


def test_serialisation_is_canonical():
    assert serialise(y * x + w) == serialise(w + x * y)
    assert spec(x + y) != spec(x - y)
    assert serialise(sp.Rational(1, 3)) == "1/3"
    for bad in (sp.Dummy("x") + 1, sp.Float("0.5") * x):
        with pytest.raises(UndeclaredSymbol):
            serialise(bad)
