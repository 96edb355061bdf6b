"""Kernel generalised linear models as equilibrium models (Tsuchida, Yong, Armin, Petersson and Ong, 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sympy as sp

from dekderive.atoms import expit, log_cosh, softplus
from dekderive.certificates import enclose, positive_verdict, zero_verdict
from dekderive.citations import Citation, cite
from dekderive.errors import DekderiveError, InvalidInput, NoClosedForm
from dekderive.families.validation import as_expression, check_symbols, interior_points
from dekderive.kernels.kernel import Parameter
from dekderive.limits import sample_parameters
from dekderive.simplification import tidy
from dekderive.symbols import eta, y
from dekderive.update_maps.specification import spec as digest
from dekderive.verdict import Verdict

if TYPE_CHECKING:
    from dekderive.families.family import Family

__all__ = ["ConvexLoss", "ConvexPenalty", "convex_loss", "kglm", "penalty"]

_REAL = sp.Interval.open(-sp.oo, sp.oo)


@dataclass(frozen=True, slots=True)
class ConvexPenalty:
    r"""A factor :math:`q = e^{-Q}` of the prior, with Q convex and in ``eta``; make one with :func:`penalty`."""

    name: str
    value: sp.Expr
    parameters: tuple[tuple[sp.Symbol, Parameter], ...]
    curvature_bound: sp.Expr
    curvature_form: sp.Expr | None = None

    @property
    def slope(self) -> sp.Expr:
        """Q'."""
        return tidy(self.value.diff(eta))

    @property
    def curvature(self) -> sp.Expr:
        """Q'', in the form that was given if one was."""
        return tidy(self.value.diff(eta, 2)) if self.curvature_form is None else self.curvature_form

    @property
    def spec(self) -> str:
        """Digest of what was asked for."""
        return digest((self.name, self.value, self.parameters, self.curvature_bound))


@dataclass(frozen=True, slots=True)
class ConvexLoss:
    r"""One step of the equilibrium model of a kernel GLM, :math:`f \mapsto -\frac{1}{\lambda} K\,\ell'(f + M; Y)`.

    For a family with its canonical link, :math:`\ell(\eta; y) = A(\eta) + Q(\eta) - \eta T(y)`, this is the
    preactivation of the layer :math:`z \mapsto \sigma(W_1 z + W_2 T(Y) + W_3 \rho(z) + M)` with
    :math:`W_2 = K/\lambda = -W_1 = -W_3`, :math:`\sigma = A'` and :math:`\rho = Q' \circ (A')^{-1}`: Theorem 3 of the
    source, and its Appendix H with the offset M outside of the factor :math:`1/\lambda`, where it belongs.

    Attributes
    ----------
    name, summary : str
    value : sympy.Expr
        The loss in ``eta`` and ``y``, without the penalty.
    statistic : sympy.Expr
        T, in ``y``.
    mean : sympy.Expr
        E[T(y)] in ``eta``: the activation.
    domain : sympy.Interval
        Where the loss is finite.
    support : tuple of sympy.Expr
        Ends of the closed interval of T(y).
    parameters : tuple of (sympy.Symbol, Parameter)
    curvature_bound : sympy.Expr
        The supremum over ``eta`` of the curvature, which may depend on ``y``.
    bound_verdict : Verdict
        Whether the bound is proved.
    canonical : bool
    penalty : ConvexPenalty or None
    origin : Citation
    """

    name: str
    summary: str
    value: sp.Expr
    statistic: sp.Expr
    mean: sp.Expr
    domain: sp.Interval
    support: tuple[sp.Expr, sp.Expr]
    parameters: tuple[tuple[sp.Symbol, Parameter], ...]
    curvature_bound: sp.Expr
    bound_verdict: Verdict
    canonical: bool
    penalty: ConvexPenalty | None
    origin: Citation
    curvature_form: sp.Expr | None = None

    @property
    def slope(self) -> sp.Expr:
        """The derivative l' in ``eta``: for a canonical family the mean less the statistic, without cancellation."""
        return _difference(self.mean, self.statistic) if self.canonical else tidy(self.value.diff(eta))

    @property
    def curvature(self) -> sp.Expr:
        """The second derivative l'', in the form that was given if one was."""
        first = self.mean if self.canonical else self.slope
        return tidy(first.diff(eta)) if self.curvature_form is None else self.curvature_form

    @property
    def cross(self) -> sp.Expr:
        """The derivative of l' in ``y``; minus l'' for a loss of eta - y."""
        if self.canonical:
            return -self.statistic.diff(y)
        located = self.slope.diff(y) + self.slope.diff(eta)
        return -self.curvature if sp.simplify(located) == 0 else self.slope.diff(y)

    @property
    def activation(self) -> sp.Expr:
        """The activation of the equilibrium model: the mean, as a function of ``eta``."""
        return self.mean

    @property
    def spec(self) -> str:
        """Digest of what was asked for."""
        asked = (self.name, self.value, self.statistic, self.mean, self.domain, self.support, self.parameters)
        extra = (self.curvature_bound, self.bound_verdict, self.canonical, self.penalty or "none")
        return digest((*asked, *extra))


def kglm(family: Family, penalty: ConvexPenalty | sp.Expr | None = None, *, name: str | None = None) -> ConvexLoss:
    r"""Derive the equilibrium model of a kernel GLM with the canonical link.

    The MAP of :math:`f \sim \mathcal{GP}(0, k/\lambda)` times :math:`\prod_i q(f(x_i) + m(x_i))` under the family is
    the unique solution of

    .. math:: f = \frac{1}{\lambda} K \bigl(T(Y) - A'(f + M) - Q'(f + M)\bigr), \qquad Q = -\log q .

    Parameters
    ----------
    family : Family
    penalty : ConvexPenalty or sympy.Expr, optional
        Q, convex in ``eta``; an expression is taken through :func:`penalty`.
    name : str, optional
        Default: the name of the family.

    Returns
    -------
    ConvexLoss
        ``dekderive.compile`` makes it a `dekderive.losses.Loss`.

    Raises
    ------
    InvalidInput
        If the penalty is not convex at a point that is named.

    Notes
    -----
    Source: Tsuchida et al. (2022), Theorem 3 and Appendix H.  Neither of its Assumptions 1 and 2 is needed: with K
    positive semi-definite the equation has exactly one solution, because for the difference d of two, d = K w with
    :math:`w^T d \le 0`, and :math:`w^T d = w^T K w \ge 0`.

    Examples
    --------
    >>> from dekderive.families import bernoulli
    >>> model = kglm(bernoulli())
    >>> model.slope, model.curvature_bound
    (-y*expit(-eta) + (1 - y)*expit(eta), 1/4)
    """
    try:
        top = family.supremum_of_variance
        bound, verdict = top.value, top.verdict
    except NoClosedForm:
        bound, verdict = sp.oo, Verdict.UNDECIDED
    return ConvexLoss(
        name=name or family.name,
        summary=f"{family.name} family, canonical link",
        value=_value(family.log_partition, family.statistic),
        statistic=family.statistic,
        mean=family.mean,
        domain=family.domain,
        support=(family.mean_domain.start, family.mean_domain.end),
        parameters=tuple((p, _parameter(p)) for p in family.parameters),
        curvature_bound=bound,
        bound_verdict=verdict,
        canonical=True,
        penalty=_as_penalty(penalty),
        origin=cite("tsuchida2022declarative", "Theorem 3"),
    )


def convex_loss(
    name: str,
    value: sp.Expr,
    *,
    mean: sp.Expr,
    curvature: sp.Expr | None = None,
    curvature_bound: sp.Expr = sp.oo,
    bound_verdict: Verdict = Verdict.UNDECIDED,
    parameters: tuple[sp.Symbol, ...] = (),
    ranges: tuple[Parameter, ...] = (),
    support: tuple[sp.Expr, sp.Expr] = (-sp.oo, sp.oo),
    penalty: ConvexPenalty | sp.Expr | None = None,
    summary: str = "",
) -> ConvexLoss:
    r"""Derive the equilibrium model of any convex loss :math:`\ell(\eta; y)`: other links, robust and ordinal losses.

    The MAP is the unique solution of :math:`f = -\frac{1}{\lambda} K\,\ell'(f + M; Y)`.

    Parameters
    ----------
    name : str
    value : sympy.Expr
        The loss in ``eta`` and ``y``, convex in ``eta`` on the real line.
    mean : sympy.Expr
        The mean of y in ``eta``, increasing.
    curvature : sympy.Expr, optional
        The second derivative in ``eta``, in a form that loses no digits; checked against the derivative.
    curvature_bound : sympy.Expr
        The supremum of the curvature over ``eta``; may depend on ``y``.
    bound_verdict : Verdict
        HOLDS if the caller has a proof of the bound.
    parameters : tuple of sympy.Symbol
    ranges : tuple of Parameter
        One for each parameter; by default what its assumptions say, with the default value 1.
    support : pair of sympy.Expr
        Ends of the closed interval of y.
    penalty : ConvexPenalty or sympy.Expr, optional
    summary : str

    Raises
    ------
    InvalidInput
        If the loss is not convex at a point that is named.

    Examples
    --------
    >>> from dekderive.atoms import log_cosh
    >>> model = convex_loss("smooth_absolute", log_cosh(eta - y), mean=eta, curvature_bound=sp.S.One)
    >>> model.slope
    tanh(eta - y)
    """
    value = as_expression(value, f"the loss {name!r}")
    check_symbols(value, (eta, y, *parameters), f"the loss {name!r}")
    _refute_convexity(f"the loss {name!r}", value, support)
    return ConvexLoss(
        name=name,
        summary=summary or f"the convex loss {value}",
        value=value,
        statistic=y,
        mean=as_expression(mean, f"the mean of {name!r}"),
        domain=_REAL,
        support=support,
        parameters=tuple(zip(parameters, ranges or tuple(_parameter(p) for p in parameters), strict=True)),
        curvature_bound=sp.sympify(curvature_bound),
        bound_verdict=bound_verdict,
        canonical=False,
        penalty=_as_penalty(penalty),
        origin=cite("tsuchida2022declarative", "Appendix A"),
        curvature_form=_same_curvature(f"the loss {name!r}", value, curvature),
    )


def penalty(
    value: sp.Expr,
    *,
    name: str = "own",
    curvature: sp.Expr | None = None,
    curvature_bound: sp.Expr = sp.oo,
    parameters: tuple[sp.Symbol, ...] = (),
) -> ConvexPenalty:
    r"""Return the penalty :math:`Q = -\log q` of a log-concave prior factor q.

    Parameters
    ----------
    value : sympy.Expr
        Q in ``eta``, convex on the real line.
    name : str
    curvature : sympy.Expr, optional
        Q'' in a form that loses no digits; checked against the derivative.
    curvature_bound : sympy.Expr
        The supremum of Q''; unbounded if left out.
    parameters : tuple of sympy.Symbol

    Raises
    ------
    InvalidInput
        If Q'' is negative at a point that is named, or exceeds the bound there.

    Examples
    --------
    >>> penalty(eta**2 / 2, name="gaussian", curvature_bound=sp.S.One).slope
    eta
    """
    value = as_expression(value, f"the penalty {name!r}")
    check_symbols(value, (eta, *parameters), f"the penalty {name!r}")
    _refute_convexity(f"the penalty {name!r}", value, (-sp.oo, sp.oo))
    form = _same_curvature(f"the penalty {name!r}", value, curvature)
    ranges = tuple((p, _parameter(p)) for p in parameters)
    made = ConvexPenalty(name, value, ranges, sp.sympify(curvature_bound), form)
    if made.curvature_bound != sp.oo:
        excess = made.curvature_bound * (1 + sp.Rational(1, 1000)) - made.curvature
        verdict, detail = positive_verdict(excess.subs(sample_parameters(excess, eta)), eta, -32, 32)
        if verdict is Verdict.FAILS:
            raise InvalidInput(f"Q'' of the penalty {name!r} exceeds the bound {curvature_bound}: {detail}")
    return made


def _difference(mean: sp.Expr, statistic: sp.Expr) -> sp.Expr:
    """Mean less statistic; where the mean saturates at its ends, a form that keeps the digits of the small difference.

    c expit(x) - t = (c - t) expit(x) - t expit(-x), and tanh(x) - t = (1 - t) expit(2x) - (1 + t) expit(-2x): the data
    of these families are most often at the ends, where one of the two terms vanishes.
    """
    factor, rest = mean.as_independent(eta)
    if isinstance(rest, expit):
        return (factor - statistic) * rest - statistic * expit(-rest.args[0])
    if isinstance(rest, sp.tanh):
        x = 2 * rest.args[0]
        return (factor - statistic) * expit(x) - (factor + statistic) * expit(-x)
    return mean - statistic


def _value(log_partition: sp.Expr, statistic: sp.Expr) -> sp.Expr:
    """A - eta T, where A saturates as a sum of two terms that are not negative (and up to a constant, log 2).

    softplus(x) - t x = (1 - t) softplus(x) + t softplus(-x), and likewise for log cosh(x) + log 2.
    """
    factor, rest = log_partition.as_independent(eta)
    if rest == softplus(eta):
        return (factor - statistic) * rest + statistic * softplus(-eta)
    if rest == log_cosh(eta):
        return (factor - statistic) / 2 * softplus(2 * eta) + (factor + statistic) / 2 * softplus(-2 * eta)
    return log_partition - eta * statistic


def _as_penalty(given: ConvexPenalty | sp.Expr | None) -> ConvexPenalty | None:
    if given is None or isinstance(given, ConvexPenalty):
        return given
    return penalty(given)


def _parameter(symbol: sp.Symbol) -> Parameter:
    lower = 0.0 if symbol.is_nonnegative else -float("inf")
    closed = not symbol.is_positive
    return Parameter(symbol.name, lower, float("inf"), 1.0, "known, not estimated", lower_closed=closed)


def _refute_convexity(where: str, value: sp.Expr, support: tuple[sp.Expr, sp.Expr]) -> None:
    """Raise if the second derivative is negative at one of a few points; a proof is not attempted."""
    low, high = support
    start = sp.S.Zero if low == -sp.oo else low
    target = start + (sp.Rational(7, 5) if high == sp.oo else (high - start) * sp.Rational(2, 5))
    second = value.diff(eta, 2)
    for point in interior_points(_REAL):
        values = {**sample_parameters(second.subs(y, target), eta), eta: point}
        try:
            curvature = enclose(second.subs(y, target), values)
        except DekderiveError:
            continue
        if curvature.is_finite and curvature.is_negative:
            raise InvalidInput(f"{where} is not convex: its second derivative is {curvature} at eta = {point}")


def _same_curvature(where: str, value: sp.Expr, form: sp.Expr | None) -> sp.Expr | None:
    """The form of the second derivative that was given; raises if it differs from the derivative somewhere."""
    if form is None:
        return None
    form = as_expression(form, f"the curvature of {where}")
    difference = value.diff(eta, 2) - form
    parameters = sample_parameters(difference, eta)
    points = [{**parameters, eta: p, y: sp.Rational(3, 5)} for p in interior_points(_REAL)]
    verdict, detail = zero_verdict(difference, points)
    if verdict is Verdict.FAILS:
        raise InvalidInput(f"the curvature of {where} is not its second derivative: {detail}")
    return form
