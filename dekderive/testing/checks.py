"""Every theorem check for one family or one activation: rows with verdicts, and a counterexample where one fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import sympy as sp
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy

from dekderive.duals.dual import dual
from dekderive.errors import DekderiveError, InvalidInput, NotIntegrable, PropertyFailed
from dekderive.families import Family
from dekderive.kernels import Kernel
from dekderive.programs import compile as compile_record
from dekderive.symbols import z
from dekderive.testing.instances import kglm_instances, tangent_instances
from dekderive.testing.observations import Array, draw_predictors, loss_of
from dekderive.testing.properties import duals, families, kglm, kglm_variants, tangent
from dekderive.testing.strategies import Covariance, covariances, points_on_spheres
from dekderive.theorems import checks_for
from dekderive.update_maps.deq_ntk import deq_ntk
from dekderive.update_maps.normalisation import normalised
from dekderive.verdict import Check, Verdict

__all__ = ["check_activation", "check_family", "run_property"]

Row = tuple[str, str, SearchStrategy[Any], Callable[..., None]]


def run_property(
    name: str, statement: str, strategy: SearchStrategy[Any], check: Callable[..., None], examples: int = 25
) -> Check:
    """Search for a counterexample to a property, and return a row.

    Parameters
    ----------
    name, statement : str
    strategy : SearchStrategy
        Of what `check` takes; a tuple is spread over its arguments.
    check : callable
        Raises PropertyFailed where the property does not hold.
    examples : int

    Returns
    -------
    Check
        FAILS with the smallest counterexample that was found; otherwise UNDECIDED, because random draws prove nothing.

    Examples
    --------
    >>> from dekderive.testing.failure import require
    >>> row = run_property("small", "n <= 7", st.integers(0, 100), lambda n: require(n, 7, "n", f"n = {n}"))
    >>> row.verdict.name, row.detail
    ('FAILS', 'n: 8 exceeds 7, for n = 8')
    """
    drawn = 0

    @settings(_SEARCH, max_examples=examples)
    @given(strategy)
    def search(value: Any) -> None:
        nonlocal drawn
        drawn += 1
        check(*value) if type(value) is tuple else check(value)

    try:
        search()
    except PropertyFailed as failure:
        return Check(name, statement, Verdict.FAILS, str(failure))
    except Unsatisfiable:
        return Check(name, statement, Verdict.UNDECIDED, "no draw met the hypotheses")
    except DekderiveError as error:
        return Check(name, statement, Verdict.UNDECIDED, f"could not be examined: {error}")
    return Check(name, statement, Verdict.UNDECIDED, f"no counterexample in {drawn} draws, which is no proof")


_SEARCH = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large),
)


def _rows(rows: Sequence[Row], examples: int) -> Iterator[Check]:
    for name, statement, strategy, check in rows:
        yield run_property(name, statement, strategy, check, examples)


def _settled(checks: Sequence[Check], where: str, raises: bool) -> tuple[Check, ...]:
    failed = [check for check in checks if check.verdict is Verdict.FAILS]
    if failed and raises:
        lines = [f"{check.name}: {check.statement}: {check.detail}" for check in failed]
        raise PropertyFailed("\n  ".join([f"{where}: {len(failed)} of {len(checks)} checks fail", *lines]))
    return tuple(checks)


def check_family(family: Family, *, examples: int = 25, raises: bool = True) -> tuple[Check, ...]:
    """Check everything that the theorems promise about a family, which is given by its log-partition alone.

    First what `dekderive.theorems.checks_for` decides or proves about the family itself; then every property of kernel
    GLMs (P1 to P9, P16) whose hypotheses it meets, over random instances, as searches for a counterexample.

    Parameters
    ----------
    family : Family
        With numbers for its parameters.
    examples : int
        Draws for each property.
    raises : bool
        Whether a failure is an exception; otherwise it is a row.

    Returns
    -------
    tuple of Check
        HOLDS is a proof; a property that survives its search is UNDECIDED, and its row says how many draws that were.

    Raises
    ------
    PropertyFailed
        With all failed checks, each with its counterexample.

    Examples
    --------
    >>> from dekderive.symbols import eta
    >>> mine = Family("mine", sp.log(1 + sp.exp(eta) + sp.exp(3 * eta)), sp.Interval.open(-sp.oo, sp.oo))
    >>> rows = check_family(mine, examples=3)
    >>> [row.name for row in rows if row.verdict is Verdict.FAILS]
    []
    >>> "P1: fixed point" in [row.name for row in rows]
    True
    """
    proved = checks_for(family)
    return _settled([*proved, *_rows(_family_rows(family), examples)], family.name, raises)


def _family_rows(family: Family) -> list[Row]:
    loss = loss_of(family)
    predictors = st.integers(0, 2**32 - 1).map(lambda s: draw_predictors(loss, np.random.default_rng(s), 6))
    pointwise = loss.name
    on_the_line = not (np.isfinite(loss.lower) or np.isfinite(loss.upper))
    bounded = np.isfinite(float(np.max(np.asarray(loss.curvature_bound.at({"y": np.zeros(1)})))))
    of_family = partial(kglm_instances, families=st.just(family), points=st.integers(1, 12))
    rows: list[Row] = [
        (
            "formulas",
            f"the compiled loss of {pointwise} is A - eta t",
            predictors,
            partial(families.loss_is_the_family, family),
        ),
        ("mean", "A' increases", predictors, partial(families.mean_is_monotone, family)),
        ("link", "(A')^-1 inverts A'", predictors, partial(families.mean_inverts, family)),
        ("variance", "A'' is at most its supremum", predictors, partial(families.variance_is_bounded, family)),
        ("P1: fixed point", "f = (K/lam)(T - g(f))", of_family(), kglm.fixed_point),
        ("P1: means", "z = sigma(W1 z + W2 T + W3 rho(z))", of_family(), kglm.mean_fixed_point),
        ("P2: prediction", "K~ alpha = V1 (z + rho(z)) + V2 T", of_family(), kglm.prediction),
        ("P3: null vectors", "null vectors of K predict nothing", of_family(repeated=0.6), kglm.null_vectors),
        ("P4: uniqueness", "one solution from every start", of_family(lipschitz=(1e-2, 1e2)), kglm.uniqueness),
        ("P7: Jacobian", "-(K/lam) diag(A'' + Q'')", of_family(), kglm_variants.jacobian_in_predictors),
        ("P8: offset", "M stands outside of 1/lam", of_family(offsets=True), kglm_variants.offset_outside),
        ("P16: weights", "integer weights are copies", of_family(), kglm_variants.weights_duplicate),
        ("P16: scale", "(K, lam) -> (c K, c lam) leaves f", of_family(), kglm_variants.scale_invariance),
        ("P16: gradients", "implicit derivatives of f", of_family(lipschitz=(1e-2, 1e2)), kglm_variants.fit_gradients),
    ]
    if on_the_line:
        rows.append(("P7: layer", "diag(sigma'(u)) (W1 + W3 diag rho')", of_family(), kglm_variants.jacobian_of_layer))
    if on_the_line and bounded:
        contractions = of_family(lipschitz=(1e-2, 0.94))
        rows.append(("P5: solvers", "L <= 0.95: every iteration agrees", contractions, kglm.solvers_agree))
        rows.append(
            ("P6: rate", "damped steps contract by L/(2 + L)", of_family(lipschitz=(1e-2, 1e2)), kglm.damped_rate)
        )
    return rows


def check_activation(
    activation: sp.Expr, *, kinks: Sequence[float] = (0.0,), examples: int = 25, raises: bool = True
) -> tuple[Check, ...]:
    r"""Check what the theorems promise about an activation: its dual, and the equilibrium kernels made of it.

    * The dual :math:`E[f(u) f(v)]`: its proof where it has a closed form; its value, Price's theorem, positivity, and
      the Hermite series, against quadrature that knows nothing of the package.
    * The tangent kernel of the deep equilibrium model: fixed point, range, definiteness, depth, gradients (P17, P18).

    Parameters
    ----------
    activation : sympy.Expr
        In ``dekderive.symbols.z``, without parameters.
    kinks : sequence of float
        Where it is not analytic; the quadrature that judges ends its panels there.
    examples : int
    raises : bool
        Whether a failure is an exception; otherwise it is a row.

    Returns
    -------
    tuple of Check
        As for :func:`check_family`.

    Raises
    ------
    PropertyFailed
        With all failed checks, each with its counterexample.
    InvalidInput
        If the activation has other symbols than z.

    Examples
    --------
    >>> rows = check_activation(sp.sin(z), examples=3)
    >>> [row.name for row in rows if row.verdict is Verdict.HOLDS]
    ['Price', 'independence', 'coincidence']
    >>> [row.name for row in rows if row.verdict is Verdict.FAILS]
    []
    """
    activation = sp.sympify(activation)
    if activation.free_symbols != {z}:
        raise InvalidInput(f"{activation} must be a function of dekderive.symbols.z alone; give parameters numbers")
    proved = dual(activation).checks()
    rows = _dual_rows(activation, tuple(kinks))
    checks = [*proved, *_rows(rows, examples)]
    try:
        kernel = compile_record(deq_ntk(_scaled(activation)))
    except DekderiveError as error:
        checks.append(Check("tangent kernel", "it exists", Verdict.UNDECIDED, f"could not be derived: {error}"))
    else:
        checks += _rows(_tangent_rows(kernel), examples)
    return _settled(checks, str(activation), raises)


def _scaled(activation: sp.Expr) -> sp.Expr:
    """Normalised where E[f^2] has a closed form, so that inputs of unit length have unit variance; else as it is."""
    try:
        return normalised(activation)
    except (InvalidInput, NotIntegrable):
        return activation


def _dual_rows(f: sp.Expr, kinks: tuple[float, ...]) -> list[Row]:
    inner, all_of_them = covariances(), covariances(include_boundary=True)
    pair = (f, f)
    matrices = st.tuples(points_on_spheres(), st.floats(0.1, 3)).map(_covariance_matrix)
    return [
        (
            "dual",
            "E[f(u) f(v)] is what quadrature gives",
            all_of_them.map(_wrapped),
            lambda k: duals.dual_value(pair, k[0], kinks=kinks),
        ),
        (
            "dual: Price",
            "dE[f(u) f(v)]/dkxy = E[f'(u) f'(v)]",
            inner.map(_wrapped),
            lambda k: duals.price(pair, k[0], kinks=kinks),
        ),
        (
            "dual: positivity",
            "matrices of duals are positive semi-definite",
            matrices,
            lambda k: duals.positive_definite(f, k),
        ),
        (
            "dual: Hermite",
            "E[f(u) f(v)] = sum a_n^2 rho^n",
            st.floats(-1, 1),
            lambda r: duals.hermite_sum(f, r, kinks=kinks),
        ),
    ]


def _wrapped(covariance: Covariance) -> list[Covariance]:
    """A covariance is a tuple itself; in a list it is one argument."""
    return [covariance]


def _covariance_matrix(drawn: tuple[Array, float]) -> Array:
    rows, scale = drawn
    return np.asarray(np.clip(rows @ rows.T, -1, 1) * scale)


def _tangent_rows(kernel: Kernel) -> list[Row]:
    kernels = st.just(kernel)
    drawn = tangent_instances(kernels)
    spheres = st.tuples(drawn, points_on_spheres())
    return [
        ("P17: fixed point", "Sigma* = R(Sigma*), and Theta*", drawn, tangent.tangent_fixed_point),
        ("P17: duplicates", "Theta*(x, x) = Sigma*(x, x)/(1 - q)", drawn, tangent.tangent_at_duplicates),
        (
            "P17: monotone",
            "Sigma* increases with the cosine",
            st.tuples(drawn, st.floats(-1, 1)),
            tangent.monotone_in_cosine,
        ),
        ("P17: definite", "Gram matrices are positive semi-definite", spheres, tangent.gram_is_definite),
        ("P17: depth", "|Sigma^(L) - Sigma*| <= 2 q^L", st.tuples(drawn, st.integers(1, 30)), tangent.finite_depth),
        ("P18: gradients", "implicit derivatives of Theta*", tangent_instances(kernels, inner=True), tangent.gradients),
    ]
