"""The normal form proves identities, and never proves a false one."""

import mpmath
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from dekderive.atoms import (
    arcsine,
    binormal,
    damped_cosh,
    damped_gap_cosh,
    damped_gap_sinh,
    damped_sinh,
    dawson,
    exp_erfcx_im,
    exp_erfcx_re,
    exp_ndtr,
    ndtr,
    noisy_rootgap,
    rootgap,
)
from dekderive.duals.limits import coincide
from dekderive.duals.reading import Reader, is_identically_zero
from dekderive.duals.scalars import NotRational, Scalars
from dekderive.duals.writing import Writer
from dekderive.symbols import kxx, kxy, kyy

h, k = sp.symbols("h k", real=True)


@pytest.mark.parametrize(
    "identity",
    [
        rootgap(kxx, kyy, kxy) ** 2 - kxx * kyy + kxy**2,
        1 / rootgap(kxx, kyy, kxy) - rootgap(kxx, kyy, kxy) / (kxx * kyy - kxy**2),
        rootgap(4 * kxx, kyy, 2 * kxy) - 2 * rootgap(kxx, kyy, kxy),
        rootgap(kxx + 1, kxx + 1, kxx) - sp.sqrt(2 * kxx + 1),
        noisy_rootgap(kxx, kyy, kxy, 1, h**2) ** 2 - rootgap(kxx, kyy, kxy) ** 2 - h**2 * (kxx + 1) - kyy,
        sp.exp(kxx) * sp.sinh(kxy) - (sp.exp(kxx + kxy) - sp.exp(kxx - kxy)) / 2,
        damped_cosh(kxx, kyy, kxy) + damped_sinh(kxx, kyy, kxy) - sp.exp(kxy - kxx / 2 - kyy / 2),
        sp.sqrt(kxx) ** 3 / kxx - sp.sqrt(kxx),
        sp.exp((kxx * kyy + kxx) / (2 * kyy + 2)) - sp.exp(kxx / 2),
        ndtr(h) + ndtr(-h) - 1,
        exp_ndtr(kxx, -h) - sp.exp(kxx) + sp.exp(kxx) * ndtr(h),
        arcsine(2 * kxx, 3 * kyy, sp.sqrt(6) * kxy) - arcsine(kxx, kyy, kxy),
        # Reflections of the bivariate distribution function, and its degenerate cases.
        binormal(h, k, kxx, kyy, kxy) + binormal(h, -k, kxx, kyy, -kxy) - ndtr(h / sp.sqrt(kxx)),
        binormal(h, k, kxx, kyy, kxy) - binormal(k, h, kyy, kxx, kxy),
        binormal(2 * h, k, 4 * kxx, kyy, 2 * kxy) - binormal(h, k, kxx, kyy, kxy),
        binormal(-1, -2, kxx, kxx, kxx) - ndtr(-2 / sp.sqrt(kxx)),
        binormal(-1, -2, kxx, kxx, -kxx),
        sp.cos(kxx) ** 2 + sp.sin(kxx) ** 2 - 1,
        # erfcx(s) + erfcx(-s) = 2 exp(s^2), in its real and its imaginary part.
        exp_erfcx_re(kxx, h, k, kxy)
        + exp_erfcx_re(kxx, h, -k, -kxy)
        - 2 * sp.exp(kxx + k**2 - kxy**2) * sp.cos(h + 2 * k * kxy),
        exp_erfcx_im(kxx, h, k, kxy)
        + exp_erfcx_im(kxx, h, -k, -kxy)
        - 2 * sp.exp(kxx + k**2 - kxy**2) * sp.sin(h + 2 * k * kxy),
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
        ndtr(h) - ndtr(-h),
        binormal(h, k, kxx, kyy, kxy) - binormal(h, k, kxx, kyy, -kxy),
        binormal(h, 0, kxx, kyy, kxy) - ndtr(h / sp.sqrt(kxx)) / 2,
        dawson(kxx) - kxx,
        exp_erfcx_re(kxx, h, k, kxy) - exp_erfcx_re(kxx, h, k, 2 * kxy),
        exp_erfcx_im(kxx, h, k, kxy) - exp_erfcx_re(kxx, h, k, kxy),
        sp.gamma(kxx) - kxx,
        sp.exp(sp.sqrt(kxx)) - 1 - sp.sqrt(kxx),
    ],
)
def test_false_identities_are_not(wrong):
    assert not is_identically_zero(wrong)


@pytest.mark.parametrize("symbol", [kxx, kyy, kxy, h])
@pytest.mark.parametrize(
    "function",
    [
        binormal(h, k, kxx, kyy, kxy),
        arcsine(kxx, kyy, kxy),
        exp_ndtr(kxx * h, kxy / sp.sqrt(kyy)),
        dawson(kxy / sp.sqrt(kxx)),
        damped_sinh(kxx, kyy, kxy),
        damped_gap_cosh(kxx, kyy, kxy),
        damped_gap_sinh(kxx, kyy, kxy),
        exp_erfcx_re(kxx * h, kxy, 1 / sp.sqrt(kyy), kxy / sp.sqrt(kyy)),
        exp_erfcx_im(kxx * h, kxy, sp.sqrt(kxx), kxy / sp.sqrt(kxx)),
        noisy_rootgap(kxx, kyy, kxy, 1, 2) ** 3,
        sp.gamma(kxx) * kxy,
    ],
)
def test_derivatives_are_those_of_the_atoms(function, symbol):
    """Two calculi, written apart: the one of the normal form, and `fdiff` of the atoms."""
    reader = Reader(function.free_symbols | {h, k})
    slope = reader.forms.differentiate(reader(function), reader.scalars.generator[symbol])
    assert reader.forms.subtract(slope, reader(function.diff(symbol))) == {}


small = st.fractions(min_value=-2, max_value=2, max_denominator=5)


@given(small, small, st.sampled_from([sp.Rational(1, 3), sp.Rational(-4, 5)]))
@settings(max_examples=25, deadline=None)
def test_writing_keeps_the_value(p, q, c):
    """What is read and written again has the same value, by mpmath at 30 digits."""
    p, q = sp.Rational(p), sp.Rational(q)
    messy = (
        p * (kxx * kyy - kxy**2) / rootgap(kxx, kyy, kxy)
        + q * sp.exp(kxx - kxy) / 2
        - p * sp.exp(kxx + kxy) / 2
        + q * ndtr(kxx) * sp.exp(kxy)
        + (kxx + p) ** 2 * arcsine(kxx, kyy, kxy)
    )
    reader = Reader()
    neat = Writer(reader.forms)(reader(messy))
    at = {kxx: sp.Rational(3, 2), kyy: sp.Rational(7, 8), kxy: c}
    left, right = (sp.sympify(e).subs(at).evalf(30) for e in (messy, neat))
    assert mpmath.almosteq(mpmath.mpf(left), mpmath.mpf(right), 1e-14)


def test_writing_recognises_determinants_and_cancels_nothing():
    reader = Reader()
    write = Writer(reader.forms)
    gap = rootgap(kxx, kyy, kxy)
    assert write(reader((kxx * kyy - kxy**2) / gap)) == gap
    assert write(reader(sp.sqrt(kxx - kxy**2 / kyy))) == gap / sp.sqrt(kyy)
    assert write(reader(sp.sqrt((1 + 2 * kxx) * (1 + 2 * kyy) - 4 * kxy**2))) == 2 * noisy_rootgap(
        kxx, kyy, kxy, sp.S.Half, sp.S.Half
    )
    assert write(reader(kxx + 2 * kxx * kyy - 2 * kxy**2)) == kxx + 2 * gap**2
    assert write(reader(sp.exp(kxx + kxy) - sp.exp(kxx - kxy))) == 2 * sp.exp(kxx) * sp.sinh(kxy)


def test_a_root_that_is_not_rational_is_refused_inside_an_exponent():
    with pytest.raises(NotRational):
        Reader()(sp.exp(sp.sqrt(kxx)))


def test_square_roots_take_the_sign_at_small_variances():
    s = Scalars()
    assert s.square_root(s((1 - kxx) ** 2)).factor == s(1 - kxx)
    assert s.square_root(s((kxx - 1) ** 2)).factor == s(1 - kxx)


@pytest.mark.parametrize(
    ("expression", "limit"),
    [
        (kxy / rootgap(kxx, kyy, kxy) * sp.exp(-1 / rootgap(kxx, kyy, kxy) ** 2), 0),
        (arcsine(kxx, kyy, kxy), sp.pi / 2),
        (binormal(-1, -3, kxx, kyy, kxy), ndtr(-3 / sp.sqrt(kxx))),
        (ndtr((kxx - kxy) / (sp.sqrt(kxx) * rootgap(kxx, kyy, kxy))), sp.S.Half),
        (ndtr(-kxx / rootgap(kxx, kyy, kxy)) + kxy, kxx),
    ],
)
def test_limits_at_coincidence(expression, limit):
    reader = Reader()
    assert reader.forms.subtract(coincide(reader.forms, reader(expression)), reader(sp.sympify(limit))) == {}


def test_a_pole_at_coincidence_is_not_given_a_value():
    reader = Reader()
    with pytest.raises(NotRational):
        coincide(reader.forms, reader(1 / rootgap(kxx, kyy, kxy)))
