"""Certificates of the largest variance of a family: what contraction bounds of its layers are made of."""

from __future__ import annotations

import sympy as sp

from dekderive.atoms import expit
from dekderive.certificates.prover.proof import Proof
from dekderive.certificates.prover.prove import prove_bound
from dekderive.families.family import Family
from dekderive.symbols import eta
from dekderive.verdict import Verdict

__all__ = ["certify_variance"]

_SLACK = sp.Rational(1, 2**100)


def certify_variance(
    family: Family, *, lower: sp.Expr | None = None, upper: sp.Expr | None = None, at_most: sp.Expr | None = None
) -> Proof:
    r"""Certify a bound of A'' on the natural domain, or on a part of it.

    Parameters
    ----------
    family : Family
        With numbers for its parameters.
    lower, upper : rational numbers, optional
        Ends of the part of the natural domain; a family whose variance is unbounded needs them.
    at_most : rational number, optional
        By default the supremum of A'' itself where it is rational and the whole domain is meant, and on a part of the
        domain a rational number a little above the largest value at its ends.

    Returns
    -------
    Proof
        FAILS with the point where A'' is larger; UNDECIDED with the reason where A'' is unbounded and no part is given.

    Notes
    -----
    The mean of the logistic family is written p(1 - p) = 1/4 - (p - 1/2)^2, which interval arithmetic bounds exactly.

    Examples
    --------
    >>> from dekderive.families import bernoulli, poisson
    >>> certify_variance(bernoulli()).certificate.check().claim
    "A'' of bernoulli is at most 1/4 on (-oo, oo)"
    >>> certify_variance(poisson()).detail
    "A'' = exp(eta) of poisson is unbounded as eta tends to oo: give the part of the domain that is needed"
    >>> certify_variance(poisson(), upper=2).verdict.name
    'HOLDS'
    """
    variance = family.variance
    start, end = family.domain.start, family.domain.end
    whole = lower is None and upper is None
    low, high = (start if lower is None else sp.sympify(lower)), (end if upper is None else sp.sympify(upper))
    bound = at_most if at_most is not None else _bound(family, variance, low, high, whole)
    if bound is None:
        supremum = family.supremum_of_variance
        detail = f"{supremum.detail.replace(chr(39) * 2 + ' is', chr(39) * 2 + f' = {variance} of {family.name} is')}"
        return Proof(Verdict.UNDECIDED, detail=f"{detail}: give the part of the domain that is needed")
    shown = f"{bound - _SLACK} + 2^-100" if at_most is None and sp.sympify(bound).q > 2**90 else bound
    text = f"A'' of {family.name} is at most {shown} on ({low}, {high})"
    return prove_bound(_bounded_form(variance), {eta: (low, high)}, at_most=sp.sympify(bound), text=text)


def _bound(family: Family, variance: sp.Expr, low: sp.Expr, high: sp.Expr, whole: bool) -> sp.Expr | None:
    supremum = family.supremum_of_variance.value
    if supremum.is_Rational:
        # The checker rounds to multiples of 2^-128: a value that it cannot write is reached up to a little more.
        return supremum if supremum.q & (supremum.q - 1) == 0 else supremum + _SLACK
    if supremum.is_finite:
        return _above(supremum)
    ends = [variance.subs(eta, e) for e in (low, high) if e.is_finite]
    limits = [sp.limit(variance, eta, e, "+" if e == low else "-") for e in (low, high) if not e.is_finite]
    values = [v for v in [*ends, *limits] if v.is_finite]
    if whole or len(values) < 2:
        return None
    return _above(max(values, key=lambda v: v.evalf()))


def _above(value: sp.Expr) -> sp.Expr:
    """A rational number a millionth above."""
    return sp.ceiling(value * (1 + sp.Rational(1, 10**6)) * 10**6) / 10**6


def _bounded_form(variance: sp.Expr) -> sp.Expr:
    """Products p(1 - p) and powers 1/cosh^2 in the form in which every variable occurs once."""
    a = sp.Wild("a")
    coefficient, rest = variance.as_independent(eta)
    for factor in sp.Mul.make_args(rest):
        if isinstance(factor, expit) and rest == factor * expit(-factor.args[0]):
            x = factor if factor.args[0].coeff(eta).is_positive else expit(-factor.args[0])
            return coefficient * (sp.Rational(1, 4) - (x - sp.Rational(1, 2)) ** 2)
    return variance.replace(sp.cosh(a) ** -2, 1 - sp.tanh(a) ** 2)
