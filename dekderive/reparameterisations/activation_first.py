"""The natural map that gives a family a wanted activation."""

from __future__ import annotations

import sympy as sp

from dekderive.certificates import enclose, zero_verdict
from dekderive.certificates.enclosure import Exact, as_exact
from dekderive.errors import DomainError, NoClosedForm
from dekderive.families.family import Family
from dekderive.families.validation import as_expression, check_symbols
from dekderive.limits import sample_parameters
from dekderive.reparameterisations.antiderivative import antiderivative, infimum, supremum
from dekderive.reparameterisations.inverse import inverse_at
from dekderive.reparameterisations.reparameterisation import Reparameterisation
from dekderive.simplification import tidy
from dekderive.symbols import z
from dekderive.verdict import Verdict

__all__ = ["admissible_constants", "from_activation"]


def from_activation(family: Family, activation: sp.Expr, constant: Exact | None = None) -> Reparameterisation:
    r"""Return the natural map R with :math:`(A \circ R)' = \sigma`, by solving :math:`A(R(z)) = S(z) + c_0`.

    S is the antiderivative of :math:`\sigma` that `antiderivative` gives, and A is inverted where it increases.  Where
    :math:`S + c_0` touches the minimum of an even A at one point, R changes to the other branch there if that makes it
    smooth: tanh and the Rademacher family give R(z) = z, not |z|.

    Parameters
    ----------
    family : Family
    activation : sympy.Expr
        :math:`\sigma`, in ``dekderive.symbols.z``.
    constant : exact number, optional
        :math:`c_0`.  If omitted: 0 where that is admissible, else the admissible number closest to 0, and if there is
        no closest one, 1 away from the end.

    Returns
    -------
    Reparameterisation

    Raises
    ------
    DomainError
        If no constant, or not this one, is admissible; the message gives the condition.
    NoClosedForm
        If the antiderivative, or its infimum, is not known here: give the natural map itself.
    NotIntegrable
        If the slope :math:`\sigma / A'(R)` is not square-integrable.

    Notes
    -----
    The condition is that :math:`S + c_0` stays in the range of A.  For families whose A takes all real values (gamma,
    continuous Bernoulli, truncated normal) every activation and every constant will do.

    Examples
    --------
    >>> from dekderive.atoms import expit, ndtr, relu
    >>> from dekderive.families import bernoulli, gamma, gaussian, poisson
    >>> from_activation(gaussian(), relu(z)).natural_map, from_activation(bernoulli(), expit(z)).natural_map
    (relu(z), z)
    >>> from_activation(gamma(3), z)
    <Reparameterisation gamma_3: R = -exp(-z**2/6)>
    >>> from_activation(poisson(), ndtr(z), constant=-1)
    Traceback (most recent call last):
        ...
    dekderive.errors.DomainError: poisson needs c0 >= 0 for the activation ndtr(z), got -1: ...
    """
    activation = as_expression(activation, "the activation")
    check_symbols(activation, (z, *family.parameters), "the activation")
    if activation == 0:
        raise DomainError(f"the activation is 0, so the natural map of {family.name} would be constant")
    primitive = antiderivative(activation)
    allowed = admissible_constants(family, activation)
    c0 = _default(allowed) if constant is None else as_exact(constant)
    if allowed.contains(c0) != sp.true:
        raise DomainError(
            f"{family.name} needs {_condition(allowed)} for the activation {activation}, got {c0}: its log-partition "
            f"takes values in {_text(family.log_partition_range)}, and A(R) = {primitive} + c0"
        )
    level = tidy(primitive + c0)
    natural_map = tidy(_branch_sign(family, primitive, c0) * inverse_at(family, level))
    link = Reparameterisation(family, natural_map)
    _require_activation(link, activation)
    return link


def admissible_constants(family: Family, activation: sp.Expr) -> sp.Interval:
    r"""Return the interval of the :math:`c_0` for which :math:`S + c_0` stays in the range of the log-partition.

    Raises
    ------
    DomainError
        If there are none: S is not bounded where the range of A is.

    Examples
    --------
    >>> from dekderive.families import inverse_gaussian, poisson, rademacher
    >>> from dekderive.atoms import expit
    >>> admissible_constants(rademacher(), sp.tanh(z)), admissible_constants(poisson(), z)
    (Interval(0, oo), Interval.open(0, oo))
    >>> admissible_constants(inverse_gaussian(), expit(z))
    Traceback (most recent call last):
        ...
    dekderive.errors.DomainError: inverse_gaussian has log-partitions in (-oo, 0), so the antiderivative softplus(z) ...
    """
    values = family.log_partition_range
    primitive = antiderivative(activation)
    low, low_open, high, high_open = -sp.oo, True, sp.oo, True
    if values.start != -sp.oo:
        bottom = infimum(primitive)
        _require_bounded(family, primitive, bottom.value, "below")
        low, low_open = values.start - bottom.value, bool(values.left_open and bottom.points)
    if values.end != sp.oo:
        top = supremum(primitive)
        _require_bounded(family, primitive, top.value, "above")
        high, high_open = values.end - top.value, bool(values.right_open and top.points)
    return sp.Interval(low, high, low_open, high_open)


def _require_bounded(family: Family, primitive: sp.Expr, extreme: sp.Expr, side: str) -> None:
    if extreme in (sp.oo, -sp.oo):
        raise DomainError(
            f"{family.name} has log-partitions in {_text(family.log_partition_range)}, so the antiderivative "
            f"{primitive} of the activation must be bounded {side}; it is not"
        )


def _default(allowed: sp.Interval) -> sp.Expr:
    if allowed.contains(0) == sp.true:
        return sp.S.Zero
    if allowed.start.is_nonnegative:
        return allowed.start + 1 if allowed.left_open else allowed.start
    return allowed.end - 1 if allowed.right_open else allowed.end


def _condition(allowed: sp.Interval) -> str:
    below = f"c0 {'>' if allowed.left_open else '>='} {allowed.start}" if allowed.start != -sp.oo else ""
    above = f"c0 {'<' if allowed.right_open else '<='} {allowed.end}" if allowed.end != sp.oo else ""
    return " and ".join(part for part in (below, above) if part)


def _text(values: sp.Interval) -> str:
    return f"{'(' if values.left_open else '['}{values.start}, {values.end}{')' if values.right_open else ']'}"


def _branch_sign(family: Family, primitive: sp.Expr, c0: sp.Expr) -> sp.Expr:
    """Return sign(z - p) if S + c0 touches the minimum of an even A at p alone, and R ~ |z - p|^j there with odd j."""
    if not family.is_even:
        return sp.S.One
    bottom = infimum(primitive)
    drawn = sample_parameters(primitive, z)
    gap = (family.log_partition_range.start - bottom.value - c0).subs(drawn)
    if len(bottom.points) != 1 or enclose(gap, {}).excludes_zero:
        return sp.S.One
    (p,) = bottom.points
    rise = (primitive - bottom.value).subs(drawn)
    # S + c0 - min A ~ |z - p|^(2 j), and A is quadratic at its minimum.
    heights = [float(enclose(rise, {z: p.subs(drawn) + sp.Rational(1, 2**k)})) for k in (20, 30)]
    if min(heights) <= 0:
        return sp.S.One  # flat to the right of p: no crossing
    j = sp.Rational(round(float(sp.log(heights[0] / heights[1], 2)) / 10 * 2), 4)
    return sp.sign(z - p) if j.is_integer and j.is_odd else sp.S.One


def _require_activation(link: Reparameterisation, activation: sp.Expr) -> None:
    drawn = sample_parameters(activation + link.natural_map, z)
    points = [{z: sp.Rational(p, 7), **drawn} for p in (-16, -3, 2, 11)]
    verdict, detail = zero_verdict(link.activation - activation, points)
    if verdict is Verdict.FAILS:
        raise NoClosedForm(f"the natural map {link.natural_map} does not give the activation {activation}: {detail}")
