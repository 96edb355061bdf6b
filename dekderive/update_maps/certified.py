"""Certificates of update maps: Lipschitz constants of deep equilibrium kernels, contraction of tangent kernels."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from dekderive.atoms import Atom, step
from dekderive.certificates.pieces import smooth_pieces
from dekderive.certificates.prover.direct import prove_expectation
from dekderive.certificates.prover.proof import Proof
from dekderive.certificates.prover.prove import prove_bound, prove_unique_root
from dekderive.duals import dual
from dekderive.duals.algebra import homogeneity
from dekderive.errors import DekderiveError
from dekderive.kernels.kernel import Chart
from dekderive.symbols import angle, z
from dekderive.update_maps.expectation import regular_derivative
from dekderive.update_maps.rectified import is_rectified
from dekderive.update_maps.update_map import UpdateMap, in_chart
from dekderive.verdict import Verdict

__all__ = ["NamedProof", "certificates", "lipschitz_bound"]


@dataclass(frozen=True)
class NamedProof:
    """A proof, the name of its file, what follows from it in words, and the number that it bounds."""

    name: str
    consequence: str
    proof: Proof
    bound: sp.Expr | None = None


def certificates(update_map: UpdateMap) -> tuple[NamedProof, ...]:
    r"""Look for certificates of what is claimed about an update map.

    * A deep equilibrium kernel contracts in the Bures-Wasserstein metric for
      :math:`\lambda > \sqrt c \sup|\rho'| + \sup|\sigma'|` (Theorem A): both suprema are bounded.
    * A tangent kernel contracts for :math:`\sigma_w^2\, \mathbb E[\phi'(u)^2] < 1` at the variance in question
      (Price and Cauchy-Schwarz); for inputs normalised to unit variance the expectation is bounded.

    Returns
    -------
    tuple of NamedProof
        UNDECIDED ones say why: a slope that jumps has no Lipschitz constant, and the kernel rests on another claim.

    Examples
    --------
    >>> from dekderive.atoms import relu
    >>> from dekderive.update_maps import deq_ntk, normalised
    >>> (found,) = certificates(deq_ntk(normalised(relu(z)), name="mine"))
    >>> found.proof.verdict.name, found.consequence
    ('HOLDS', 'the kernel contracts for weight_variance < 1')
    """
    functions = dict(update_map.functions)
    if update_map.model.startswith(("deq_", "implicit_")):
        slope, jumps = regular_derivative(functions["activation"])
        return () if jumps else (_tangent(update_map, slope),)
    found = [_lipschitz(name, functions[name], letter) for name, letter in (("slope", "rho"), ("activation", "sigma"))]
    if is_rectified(functions["slope"], functions["activation"]):
        found.append(_unimodal())
    return tuple(found)


def _lipschitz(name: str, function: sp.Expr, letter: str) -> NamedProof:
    """A bound of |f'|, a thousandth above what sampling finds."""
    derivative = function.diff(z)
    consequence = f"sup |{letter}'| for Theorem A"
    if derivative.has(sp.DiracDelta):
        reason = f"{function} jumps, so it has no Lipschitz constant; uniqueness is proved in the angle instead"
        return NamedProof(f"{name}_lipschitz", consequence, Proof(Verdict.UNDECIDED, detail=reason))
    derivative = derivative.replace(step, lambda x: (1 + sp.sign(x)) / 2)
    try:
        bound = _rounded_up(derivative)
        if bound is None:
            reason = f"the derivative of {function} is unbounded; the kernel rests on the pairwise modulus (Theorem B)"
            return NamedProof(f"{name}_lipschitz", consequence, Proof(Verdict.UNDECIDED, detail=reason))
        text = f"|{letter}'| <= {bound} for {letter} = {function}"
        proof = prove_bound(derivative, {z: (-sp.oo, sp.oo)}, at_most=bound, at_least=-bound, text=text)
    except DekderiveError as error:
        proof = Proof(Verdict.UNDECIDED, detail=str(error))
    return NamedProof(f"{name}_lipschitz", consequence, proof)


def lipschitz_bound(function: sp.Expr) -> sp.Rational | None:
    """Return a proved bound of |f'| between the kinks of a continuous f; None if f jumps, or where none is found.

    Examples
    --------
    >>> from dekderive.atoms import relu
    >>> lipschitz_bound(relu(z)), lipschitz_bound(z**2)
    (1, None)
    """
    if regular_derivative(function)[1]:
        return None
    try:
        bounds = [_bound_on(piece.expr.diff(z), piece.lower, piece.upper) for piece in smooth_pieces(function)]
    except DekderiveError:
        return None
    found = [bound for bound in bounds if bound is not None]
    return max(found) if len(found) == len(bounds) else None


def _bound_on(slope: sp.Expr, lower: sp.Expr, upper: sp.Expr) -> sp.Rational | None:
    """A proved bound of |slope| between two points."""
    if not slope.has(z):
        return abs(sp.nsimplify(slope)) if slope.is_number else None
    inside = [x for x in (sp.Rational(k, 16) for k in range(-160, 161)) if lower <= x <= upper]
    elementary = slope.replace(lambda e: isinstance(e, Atom), lambda e: e.definition)
    values = [abs(elementary.subs(z, x).evalf(15)) for x in inside]
    largest = max(values)
    # A slope that still grows where the samples end has no bound.
    if largest > 1 and any(end.is_infinite and largest == v for end, v in ((lower, values[0]), (upper, values[-1]))):
        return None
    bound = sp.Rational(int(sp.ceiling(largest * (1 + sp.Rational(1, 1000)) * 10**4)), 10**4)
    proof = prove_bound(slope, {z: (lower, upper)}, at_most=bound, at_least=-bound, text=f"|f'| <= {bound}")
    return bound if proof.verdict is Verdict.HOLDS else None


def _unimodal() -> NamedProof:
    """The computational step of Theorem D: (beta - t/2 pi) sin t has one maximum in (0, pi), for every beta >= 1/2.

    Its derivative (beta - t/2 pi) cos t - sin t/2 pi falls from beta, and is negative from 3/2 on.
    """
    t, level = sp.Symbol("t", real=True), sp.Symbol("beta", real=True)
    slope = (level - t / (2 * sp.pi)) * sp.cos(t) - sp.sin(t) / (2 * sp.pi)
    domain = {t: (sp.S.Zero, sp.Rational(157, 50)), level: (sp.S.Half, sp.Integer(64))}
    text = "(beta - t/(2 pi)) sin t has exactly one stationary point for 0 <= t <= 3.14, 1/2 <= beta <= 64"
    consequence = (
        "the pair equation has one root, and Newton's method is monotone from the stationary point (Theorem D)"
    )
    return NamedProof("unimodal", consequence, prove_unique_root(-slope, t, domain, text=text))


def _rounded_up(derivative: sp.Expr) -> sp.Rational | None:
    """A number above |f'| at all samples; None if it still grows where the samples end."""
    elementary = derivative.replace(lambda e: isinstance(e, Atom), lambda e: e.definition)
    values = [abs(elementary.subs(z, sp.Rational(k, 16)).evalf(15)) for k in range(-160, 161)]
    largest = max(values)
    if largest > 1 and largest in (values[0], values[-1]) and values.count(largest) == 1:
        return None
    return sp.Rational(int(sp.ceiling(largest * (1 + sp.Rational(1, 1000)) * 10**4)), 10**4)


def _tangent(update_map: UpdateMap, slope: sp.Expr) -> NamedProof:
    activation = dict(update_map.functions)["activation"]
    if update_map.chart is Chart.ANGLE and homogeneity(activation) == 1:
        return _homogeneous(slope)
    square = slope**2
    try:
        # Half a percent above: a sharper bound takes more cells, and the certificate grows.
        bound = sp.Rational(int(sp.ceiling(_mean_square(square) * 1005)), 1000)
        text = f"E[f'(u)^2] <= {bound} for f = {activation}, u ~ N(0, 1)"
        proof = prove_expectation(square, z, sp.S.One, bound, text=text)
    except DekderiveError as error:
        return NamedProof("contraction", "contraction", Proof(Verdict.UNDECIDED, detail=str(error)))
    consequence = f"for unit variances the kernel contracts for weight_variance < {1 / bound}"
    return NamedProof("contraction", consequence, proof, bound)


def _homogeneous(slope: sp.Expr) -> NamedProof:
    """Of a rectifier E[f'(u) f'(v)] is a function of the angle alone, at most its value at 0."""
    tangent = sp.expand(in_chart(dual(slope).expression, Chart.ANGLE))
    largest = sp.nsimplify(tangent.subs(angle, 0))
    text = f"|E[f'(u) f'(v)]| <= {largest} at every angle and all variances"
    domain = {angle: (sp.S.Zero, sp.Rational(22, 7))}
    proof = prove_bound(tangent, domain, at_most=largest, at_least=-largest, text=text)
    return NamedProof("contraction", f"the kernel contracts for weight_variance < {1 / largest}", proof, largest)


def _mean_square(square: sp.Expr) -> sp.Expr:
    """An approximate value: the proof does not depend on it."""
    elementary = square.replace(lambda e: isinstance(e, Atom), lambda e: e.definition)
    nodes = [sp.Rational(k, 8) for k in range(-80, 81)]
    return sum(elementary.subs(z, x).evalf(15) * sp.exp(-(x**2) / 2).evalf(15) for x in nodes) / (
        8 * sp.sqrt(2 * sp.pi).evalf(15)
    )
