"""Natural exponential families with one natural parameter, given by their log-partition."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from dekderive.families import derived
from dekderive.families.derived import Supremum
from dekderive.families.validation import as_expression, validate
from dekderive.symbols import y
from dekderive.verdict import Check

__all__ = ["Family"]


@dataclass(frozen=True, slots=True)
class Family:
    r"""An exponential family :math:`p(y \mid \eta) = h(y)\, e^{\eta T(y) - A(\eta)}`.

    The log-partition is the only formula; mean, variance, ranges and bounds are derived from it.

    Attributes
    ----------
    name : str
        An identifier; it becomes part of the names of kernels.
    log_partition : sympy.Expr
        A, in ``dekderive.symbols.eta``: convex, and not a straight line.
    domain : sympy.Interval
        The natural domain: open, with numbers or infinities as its ends.
    statistic : sympy.Expr
        T, in ``dekderive.symbols.y``.
    parameters : tuple of sympy.Symbol
        Known parameters that A depends on, from ``dekderive.parameter``.

    Raises
    ------
    UndeclaredSymbol
        If A contains an undeclared symbol, a float or a dummy.
    InvalidInput
        If A is constant, or not strictly convex at a point that is named, or the domain or the name is unusable.
    UnprintableNode
        If A contains a function that ball arithmetic does not know.

    Notes
    -----
    Source: Brown (1986), Fundamentals of statistical exponential families, chapters 1 and 2.

    Examples
    --------
    >>> from dekderive.parameters import parameter
    >>> from dekderive.symbols import eta
    >>> shape = parameter("shape", positive=True)
    >>> gamma = Family("gamma", -shape * sp.log(-eta), sp.Interval.open(-sp.oo, 0), parameters=(shape,))
    >>> gamma.mean, gamma.variance, gamma.mean_domain
    (-shape/eta, shape/eta**2, Interval.open(0, oo))
    """

    name: str
    log_partition: sp.Expr
    domain: sp.Interval
    statistic: sp.Expr = y
    parameters: tuple[sp.Symbol, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "log_partition", as_expression(self.log_partition, "the log-partition"))
        object.__setattr__(self, "statistic", as_expression(self.statistic, "the statistic"))
        object.__setattr__(self, "parameters", tuple(self.parameters))
        validate(self.name, self.log_partition, self.domain, self.statistic, self.parameters)

    @property
    def mean(self) -> sp.Expr:
        """The mean of the statistic, A'."""
        return derived.mean(self.log_partition, self.domain)

    @property
    def variance(self) -> sp.Expr:
        """The variance of the statistic, A''."""
        return derived.variance(self.log_partition, self.domain)

    @property
    def mean_domain(self) -> sp.Interval:
        """The open interval of the means; A' increases, so its limits are the ends."""
        return derived.mean_domain(self.log_partition, self.domain)

    @property
    def stationary_point(self) -> sp.Expr | None:
        """Where the mean is 0 and A is smallest; None if the mean has no zero.

        Raises
        ------
        NoClosedForm
            If there is a zero, but no formula for it was found.
        """
        return derived.stationary_point(self.log_partition, self.domain)

    @property
    def log_partition_range(self) -> sp.Interval:
        """The values of A; the lower end is attained exactly if there is a stationary point."""
        return derived.log_partition_range(self.log_partition, self.domain)

    @property
    def is_even(self) -> bool:
        """Whether A(-eta) = A(eta) (False also where that is true but not evident)."""
        return derived.is_even(self.log_partition, self.domain)

    @property
    def supremum_of_variance(self) -> Supremum:
        """The supremum of A'', possibly oo, and how it is known.

        Raises
        ------
        NoClosedForm
            If it is neither at an end of the domain nor at a point of symmetry.
        """
        return derived.supremum_of_variance(self.log_partition, self.domain)

    @property
    def sup_variance(self) -> sp.Expr:
        """The value of `supremum_of_variance`."""
        return self.supremum_of_variance.value

    def checks(self) -> tuple[Check, ...]:
        """Statements about the family that were checked: derivatives, convexity, the bound on the variance."""
        return derived.checks(self.log_partition, self.domain)

    def __repr__(self) -> str:
        return f"<Family {self.name}: A = {self.log_partition} on {self.domain}>"
