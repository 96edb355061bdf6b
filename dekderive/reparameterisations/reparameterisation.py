"""A family with a natural map, and the two functions of a layer that follow from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from dekderive.certificates import zero_verdict
from dekderive.errors import DomainError
from dekderive.families.family import Family
from dekderive.families.validation import as_expression, check_symbols
from dekderive.implicit import inverse_log_partition
from dekderive.limits import sample_parameters
from dekderive.reparameterisations.integrability import require_square_integrable
from dekderive.reparameterisations.natural_map import range_verdict, require_natural_map
from dekderive.simplification import stabilise, tidy
from dekderive.symbols import eta, z
from dekderive.verdict import Check, Verdict

__all__ = ["Reparameterisation"]


@dataclass(frozen=True, slots=True)
class Reparameterisation:
    r"""A natural map :math:`\eta = R(z)` of a family with log-partition A.

    It makes the two functions of a layer, the activation :math:`\sigma = (A \circ R)'` and the slope
    :math:`\rho = R'`.  The mean of the statistic is :math:`A'(R(z)) = \sigma(z) / \rho(z)`.

    Attributes
    ----------
    family : Family
    natural_map : sympy.Expr
        R, in ``dekderive.symbols.z`` and the parameters of the family.

    Raises
    ------
    UndeclaredSymbol
        If R contains an undeclared symbol, a float or a dummy.
    DomainError
        If R leaves the natural domain (the point is named), is undefined or unbounded somewhere, jumps, or is constant.
    NotIntegrable
        If slope or activation is not square-integrable under every centred Gaussian.

    Examples
    --------
    >>> from dekderive.atoms import relu, softplus
    >>> from dekderive.families import gamma, gaussian, poisson
    >>> link = Reparameterisation(gaussian(), relu(z))
    >>> link.activation, link.slope
    (relu(z), step(z))
    >>> link = Reparameterisation(poisson(), sp.log(softplus(z)))
    >>> link.activation, link.slope
    (expit(z), log_softplus_slope(z))
    >>> Reparameterisation(gamma(2), z)
    Traceback (most recent call last):
        ...
    dekderive.errors.DomainError: the natural map z leaves the natural domain (-oo, 0) of gamma_2: it is 0... at z = 0
    """

    family: Family
    natural_map: sp.Expr

    def __post_init__(self) -> None:
        object.__setattr__(self, "natural_map", as_expression(self.natural_map, "the natural map"))
        _validate(self)

    @classmethod
    def canonical(cls, family: Family) -> Reparameterisation:
        """Return R(z) = z, for families whose natural domain is the whole line.

        Raises
        ------
        DomainError
            For the other families.

        Examples
        --------
        >>> from dekderive.families import rademacher
        >>> Reparameterisation.canonical(rademacher()).activation
        tanh(z)
        """
        if family.domain != sp.Interval.open(-sp.oo, sp.oo):
            raise DomainError(
                f"the natural domain of {family.name} is ({family.domain.start}, {family.domain.end}), not the whole "
                "line, so R(z) = z is not a natural map of it; choose one, as -exp(-z) for (-oo, 0)"
            )
        return cls(family, z)

    @property
    def activation(self) -> sp.Expr:
        """The derivative of A(R(z))."""
        return _activation(self)

    @property
    def slope(self) -> sp.Expr:
        """The derivative of R(z)."""
        return _slope(self)

    def checks(self) -> tuple[Check, ...]:
        """Statements that were checked: the range of R, and activation and slope by their definitions."""
        return _checks(self)

    def __repr__(self) -> str:
        return f"<Reparameterisation {self.family.name}: R = {self.natural_map}>"


@lru_cache(maxsize=512)
def _validate(link: Reparameterisation) -> None:
    where = f"the natural map of {link.family.name}"
    check_symbols(link.natural_map, (z, *link.family.parameters), where)
    if not link.natural_map.has(z):
        raise DomainError(f"{where} is the constant {link.natural_map}; write it in dekderive.symbols.z")
    require_natural_map(link.family, link.natural_map, tidy(link.natural_map.diff(z)))
    require_square_integrable(_slope(link), "slope", link.natural_map)
    require_square_integrable(_activation(link), "activation", link.natural_map)


@lru_cache(maxsize=512)
def _slope(link: Reparameterisation) -> sp.Expr:
    return stabilise(tidy(tidy(link.natural_map).diff(z)))


@lru_cache(maxsize=512)
def _activation(link: Reparameterisation) -> sp.Expr:
    return stabilise(tidy(_composition(link.family, link.natural_map).diff(z)))


def _composition(family: Family, natural_map: sp.Expr) -> sp.Expr:
    """Return A(R(z)) in a short form, before it is differentiated: there most of it cancels."""
    size = natural_map
    if family.is_even:  # drop a sign that switches between the branches
        size = sp.Mul(*(f for f in sp.Mul.make_args(natural_map) if not isinstance(f, sp.sign)))
    if isinstance(size, inverse_log_partition) and size.log_partition == family.log_partition:
        return tidy(size.level)
    return tidy(family.log_partition.subs(eta, size))


_GROWTH = "no growth like exp(c z^2) out to |z| = 16384, and no pole of order 1/2 or more"


@lru_cache(maxsize=512)
def _checks(link: Reparameterisation) -> tuple[Check, ...]:
    family, r = link.family, link.natural_map
    points = [
        {z: sp.Rational(p, 7), **sample_parameters(family.log_partition + r, eta, z)}
        for p in (-19, -8, -1, 2, 5, 12, 22)
    ]
    chain = family.log_partition.diff(eta).subs(eta, r)
    inside = f"R(z) lies in ({family.domain.start}, {family.domain.end})"
    return (
        Check("natural domain", inside, *range_verdict(family, r)),
        Check("slope", f"R' = {link.slope}", *_identity(r.diff(z), link.slope, points)),
        Check("activation", f"(A o R)' = {link.activation}", *_identity(chain * r.diff(z), link.activation, points)),
        Check("square-integrable", "slope and activation, under every centred Gaussian", Verdict.UNDECIDED, _GROWTH),
    )


def _identity(definition: sp.Expr, form: sp.Expr, points: list[dict[sp.Symbol, sp.Expr]]) -> tuple[Verdict, str]:
    """Compare at points away from the jumps; deltas there have vanishing coefficients, as the construction checked."""
    difference = definition.replace(sp.DiracDelta, lambda *_: sp.S.Zero) - form
    verdict, detail = zero_verdict(difference, points)
    half = sp.Symbol("half", positive=True)
    # On each half-line a kink or step at 0 is gone, and relu(z) step(z) = relu(z) is an identity as written.
    if verdict is Verdict.UNDECIDED and all(tidy(difference.subs(z, sign * half)) == 0 for sign in (1, -1)):
        return Verdict.HOLDS, "identically zero on both half-lines"
    return verdict, detail
