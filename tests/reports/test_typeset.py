"""LaTeX of expressions: the letters, the line breaks, and that mathtext can set all of it."""

import re

import pytest
import sympy as sp

from dekderive import symbols
from dekderive.atoms import ATOMS, arcsine, relu, rootgap, sin_minus_xcos, versine
from dekderive.reports.formula_svg import FormulaSetter
from dekderive.reports.typeset import LETTERS, equation, interval, latex
from dekderive.symbols import angle, cxx, cxy, eta, kxx, kxy, kyy, mean_x, regularisation, weight_variance, z


def test_every_canonical_symbol_has_a_letter_of_its_own():
    assert set(LETTERS) == set(symbols.BY_NAME.values())
    assert len(set(LETTERS.values())) == len(LETTERS)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (relu(z), r"\operatorname{relu}(z)"),
        (kxx / regularisation**2, r"\frac{k_{xx}}{\lambda^{2}}"),
        (weight_variance**2, r"\left(\sigma_{w}^{2}\right)^{2}"),
        (1 - weight_variance * kxy, r"1 - k_{xy} \sigma_{w}^{2}"),
        (sp.sqrt(kxx) * sp.sqrt(kyy) * cxy, r"\sqrt{k_{xx} k_{yy}} c_{xy}"),
        (cxy / (sp.sqrt(kxx) * sp.sqrt(kyy)), r"\frac{c_{xy}}{\sqrt{k_{xx} k_{yy}}}"),
        (versine(angle), r"1 - \cos(\theta)"),
        (sin_minus_xcos(angle), r"\sin(\theta) - \theta \cos(\theta)"),
        (sp.Abs(z), "|z|"),
        (sp.acos(z) ** 2, r"\arccos^{2}(z)"),
        (rootgap(kxx, kyy, kxy), r"\sqrt{k_{xx} k_{yy} - k_{xy}^{2}}"),
        (
            (cxx / 2 + mean_x / 3) / regularisation,
            r"\frac{1}{\lambda} \left(\frac{c_{xx}}{2} + \frac{\mu_{x}}{3}\right)",
        ),
    ],
)
def test_latex(expression, expected):
    assert latex(expression).replace(r"\left(z\right)", "(z)") == expected


def test_intervals():
    assert interval(sp.Interval.open(-sp.oo, 0)) == r"(-\infty, 0)"
    assert interval(sp.Interval(0, sp.pi)) == r"[0, \pi]"


def test_a_short_equation_is_one_line():
    assert equation("k", kxx + 1) == ("k = k_{xx} + 1",)


def test_a_long_sum_breaks_before_its_signs_and_loses_nothing():
    terms = [cxx**i * kxy / (i + 1) * (-1) ** i for i in range(9)]
    lines = equation("k", sp.Add(*terms), width=30)
    assert len(lines) > 2
    assert all(line[0] in "+-" for line in lines[1:])
    joined = " ".join(lines).removeprefix("k = ")
    assert joined == latex(sp.Add(*terms))


def test_brackets_of_a_broken_quotient_balance_on_every_line():
    terms = [cxx**i * kxy / (i + 1) for i in range(9)]
    lines = equation("k", sp.Add(*terms) / regularisation**2, width=30)
    assert len(lines) > 2
    assert lines[0].startswith(r"k = \frac{1}{\lambda^{2}} \left[")
    assert lines[-1].endswith(r"\right]")
    for line in lines:
        assert line.count(r"\left") == line.count(r"\right")
        assert line.count("{") == line.count("}")


def _arguments(atom):
    law = (kxx, kyy, kxy)
    count = next(iter(atom.nargs))
    return {
        1: (z,),
        2: (kxx, z),
        3: law,
        4: (*law, z),
        5: (*law, cxx, regularisation),
        6: (z, cxx, regularisation, *law),
    }[count]


@pytest.mark.parametrize("atom", ATOMS, ids=lambda a: a.__name__)
def test_every_atom_can_be_set(atom):
    setter = FormulaSetter()
    for expression in (atom(*_arguments(atom)), atom(*_arguments(atom)) ** 2 / 3):
        assert setter.svg(latex(expression)).startswith("<svg")


def test_glyphs_are_shared_and_defined_once():
    setter = FormulaSetter()
    first, second = setter.svg("k + k"), setter.svg(r"\frac{k}{k}")
    used = set(re.findall(r'href="#(g\d+)"', first + second))
    defined = re.findall(r'id="(g\d+)"', setter.definitions())
    assert used == set(defined)
    assert len(defined) == len(set(defined)) == 2  # k and +
    assert second.count("<rect") == 1


def test_a_formula_carries_its_source_and_escapes_it():
    picture = FormulaSetter().svg(r"a < b")
    assert 'aria-label="a &lt; b"' in picture


def test_what_mathtext_cannot_set_is_shown_as_source():
    assert FormulaSetter().svg(r"\begin{cases} <1 \end{cases}") == r"<code>\begin{cases} &lt;1 \end{cases}</code>"


def test_outer_fractions_are_large_and_inner_ones_small():
    setter = FormulaSetter()
    height = lambda text: float(re.search(r"height:([\d.]+)em", setter.svg(text)).group(1))  # noqa: E731
    assert height(r"\frac{a}{b}") > 1.9 > 1.4 > height(r"x_{\frac{a}{b}}")


def test_arcsines_are_spelt_out():
    assert latex(arcsine(kxx, kyy, kxy)).startswith(r"\arcsin\left(\frac{k_{xy}}{\sqrt{k_{xx} k_{yy}}}\right)")
    assert latex(eta) == r"\eta"
