"""The normal form proves identities, and never proves a false one."""

import pytest
import sympy as sp

from dekderive.atoms import arcsine, rootgap
from dekderive.duals.normal_form import expand, is_identically_zero, square_root, tidy
from dekderive.symbols import kxx, kxy, kyy


@pytest.mark.parametrize(
    "identity",
    [
        rootgap(kxx, kyy, kxy) ** 2 - kxx * kyy + kxy**2,
        1 / rootgap(kxx, kyy, kxy) - rootgap(kxx, kyy, kxy) / (kxx * kyy - kxy**2),
        rootgap(4 * kxx, kyy, 2 * kxy) - 2 * rootgap(kxx, kyy, kxy),
        rootgap(kxx + 1, kxx + 1, kxx) - sp.sqrt(2 * kxx + 1),
        sp.exp(kxx) * sp.sinh(kxy) - (sp.exp(kxx + kxy) - sp.exp(kxx - kxy)) / 2,
        sp.sqrt(kxx) ** 3 / kxx - sp.sqrt(kxx),
        sp.exp((kxx * kyy + kxx) / (2 * kyy + 2)) - sp.exp(kxx / 2),
    ],
)
def test_true_identities_are_proved(identity):
    assert is_identically_zero(identity)


@pytest.mark.parametrize(
    "wrong",
    [
        rootgap(kxx, kyy, kxy) - sp.sqrt(kxx * kyy),
        sp.sqrt(kxx) - kxx,
        arcsine(kxx, kyy, kxy) - kxy / sp.sqrt(kxx * kyy),
        sp.exp(kxx) - sp.exp(kyy),
        sp.Rational(1, 10**12) * kxy,
    ],
)
def test_false_identities_are_not(wrong):
    assert not is_identically_zero(wrong)


def test_tidy_keeps_the_value_and_the_digits():
    messy = (kxx * kyy - kxy**2) / (2 * sp.pi * rootgap(kxx, kyy, kxy)) + sp.exp(kxx - kxy) / 2 - sp.exp(kxx + kxy) / 2
    neat = tidy(messy)
    assert neat == rootgap(kxx, kyy, kxy) / (2 * sp.pi) - sp.exp(kxx) * sp.sinh(kxy)


def test_square_root_recognises_determinants():
    assert square_root(kxx - kxy**2 / kyy) == rootgap(kxx, kyy, kxy) / sp.sqrt(kyy)
    assert square_root((1 + kxx) ** 2 * kyy) == (1 + kxx) * sp.sqrt(kyy)


def test_expand_leaves_denominators_whole():
    e = expand((kxx + kyy) / ((1 + kxx) * (1 + kyy)))
    assert e == kxx / ((1 + kxx) * (1 + kyy)) + kyy / ((1 + kxx) * (1 + kyy))
