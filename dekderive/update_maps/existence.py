"""When a deep equilibrium model has variances, and one of them; and when its kernel is continuous and finite."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import sympy as sp

from dekderive.atoms import Atom, arcsine, rootgap
from dekderive.certificates.enclosure import enclose
from dekderive.certificates.prover.proof import Proof
from dekderive.certificates.prover.prove import prove_bound
from dekderive.duals import mean
from dekderive.duals.algebra import homogeneity
from dekderive.duals.numeric import NUMERIC_NODES
from dekderive.errors import DekderiveError, InvalidInput
from dekderive.symbols import kxx, z
from dekderive.update_maps.certified import NamedProof, certificates
from dekderive.update_maps.update_map import UpdateMap
from dekderive.verdict import Verdict

__all__ = ["Conditions", "conditions"]

_PIECES = 300


@dataclass(frozen=True)
class Conditions:
    r"""What is known about the existence and uniqueness of a deep equilibrium model, in the weight variance w.

    With :math:`V(q) = \mathbb E[\phi(\sqrt q z)^2]`, variances obey :math:`q = w V(q) + i` with some injection i.

    Attributes
    ----------
    growth : sympy.Expr or None
        :math:`\limsup V(q)/q`, exact: variances exist for every input where w times this is below 1.  None if it is not
        known.
    slope : sympy.Expr or None
        A number that :math:`V'` nowhere exceeds: the variance is unique, and the iteration from any start tends to it,
        where w times this is below 1.  None if nothing is proved.
    concave : Verdict
        Whether V is proved to be concave: then the variance is unique for every w, if the injection is positive.
    contraction : sympy.Expr or None
        A number that :math:`\mathbb E[\phi'(u)^2]` does not exceed (at unit variance; of a homogeneous activation at
        any): where w times this is below 1, the recursion contracts, the kernel is continuous, and its value at x = x'
        finite.  None if nothing is proved.
    proofs : tuple of NamedProof
        What the last two rest on, or why they are missing.
    """

    growth: sp.Expr | None
    slope: sp.Expr | None
    concave: Verdict
    contraction: sp.Expr | None
    proofs: tuple[NamedProof, ...]

    def exists(self, weight_variance: sp.Expr) -> Verdict:
        """Whether every input has a variance; UNDECIDED where some may have and others not.

        Examples
        --------
        >>> from dekderive.update_maps import deq_ntk
        >>> conditions(deq_ntk(sp.sin(z))).exists(sp.Rational(9, 10)).name
        'HOLDS'
        """
        return _below(weight_variance, self.growth)

    def is_unique(self, weight_variance: sp.Expr) -> Verdict:
        """Whether the variance of every input is unique, if anything is injected.

        Examples
        --------
        >>> from dekderive.update_maps import deq_ntk
        >>> conditions(deq_ntk(sp.sin(z))).is_unique(sp.Rational(3, 2)).name
        'HOLDS'
        """
        return Verdict.HOLDS if self.concave is Verdict.HOLDS else _below(weight_variance, self.slope)

    def contracts(self, weight_variance: sp.Expr) -> Verdict:
        """Whether the recursion of inputs of unit variance contracts.

        Examples
        --------
        >>> from dekderive.update_maps import deq_ntk, normalised
        >>> found = conditions(deq_ntk(normalised(sp.sin(z))))
        >>> found.contracts(sp.Rational(3, 4)).name, found.contracts(sp.Rational(4, 5)).name
        ('HOLDS', 'UNDECIDED')
        """
        return _below(weight_variance, self.contraction)


def conditions(update_map: UpdateMap) -> Conditions:
    r"""Report the conditions of a deep equilibrium model, with proofs where there are certificates.

    Parameters
    ----------
    update_map : UpdateMap
        From :func:`deq_ntk` or :func:`deq_nngp`.

    Returns
    -------
    Conditions

    Raises
    ------
    InvalidInput
        If the update map is of another model.

    Notes
    -----
    Existence: the map is continuous, positive at 0, and below the identity for large q.  Uniqueness: it then crosses
    the identity with a slope below 1 at every fixed point; a concave map that is positive at 0 crosses it once.
    Contraction: Price's theorem and Cauchy-Schwarz,
    :math:`|\mathbb E[\phi'(u) \phi'(v)]|^2 \le \mathbb E[\phi'(u)^2]\, \mathbb E[\phi'(v)^2]`.

    Examples
    --------
    >>> from dekderive.atoms import relu
    >>> from dekderive.update_maps import deq_ntk, normalised
    >>> found = conditions(deq_ntk(normalised(relu(z))))
    >>> found.growth, found.slope, found.contraction
    (1, 1, 1)
    """
    if not update_map.expectations:
        raise InvalidInput(f"{update_map.name} is not a deep equilibrium model of deq_ntk() or deq_nngp()")
    activation = dict(update_map.functions)["activation"]
    slope, proof = _slope(activation)
    found = certificates(update_map)
    contraction = None
    if found and found[0].proof.verdict is Verdict.HOLDS and found[0].bound is not None:
        contraction = found[0].bound
    consequence = f"variances are unique for weight_variance < {1 / slope}" if slope else "variances are unique"
    concavity = _concavity(activation)
    proofs = (
        NamedProof("variance", consequence, proof, slope),
        NamedProof("concavity", "variances are unique for every weight_variance", concavity),
        *found,
    )
    return Conditions(_growth(activation), slope, concavity.verdict, contraction, proofs)


def _below(weight_variance: sp.Expr, bound: sp.Expr | None) -> Verdict:
    if bound is None:
        return Verdict.UNDECIDED
    return Verdict.HOLDS if (sp.sympify(weight_variance) * bound < 1) == True else Verdict.UNDECIDED  # noqa: E712


def _growth(activation: sp.Expr) -> sp.Expr | None:
    """The mean of the squares of the asymptotic slopes f(z)/z on both sides."""
    if activation.free_symbols != {z}:
        return None
    elementary = _elementary(activation)
    try:
        slopes = [sp.limit(elementary / z, z, end) for end in (sp.oo, -sp.oo)]
    except (NotImplementedError, ValueError, TypeError, AttributeError):
        return None
    if not all(s.is_number and s.is_finite for s in slopes):
        return None
    return sp.nsimplify(sp.simplify(sum(s**2 for s in slopes) / 2))


def _slope(activation: sp.Expr) -> tuple[sp.Expr | None, Proof]:
    """A bound of V', from its closed form or from that of (f^2)''/2, whose expectation it is."""
    if homogeneity(activation) == 1:
        constant = sp.nsimplify(sp.simplify(mean(activation, activation) / kxx))
        return constant, Proof(Verdict.HOLDS, detail="E[f(u)^2] is linear in the variance")
    failed = Proof(Verdict.UNDECIDED, detail=f"no bound of the slope of E[f(u)^2] is known for {activation}")
    if activation.free_symbols != {z}:
        return None, failed
    for rate, symbol, ends in _rates(activation):
        try:
            bound = _rounded_up(rate, symbol, ends)
            text = f"the slope of E[f(u)^2] in the variance is at most {bound} for f = {activation}"
            proof = prove_bound(rate, {symbol: ends}, at_most=bound, text=text, pieces=_PIECES)
        except DekderiveError as error:
            failed = Proof(Verdict.UNDECIDED, detail=str(error))
            continue
        if proof.verdict is Verdict.HOLDS:
            return bound, proof
        failed = proof
    return None, failed


def _concavity(activation: sp.Expr) -> Proof:
    """Whether the second derivative of a closed form of V is nowhere positive."""
    if homogeneity(activation) == 1:
        return Proof(Verdict.HOLDS, detail="E[f(u)^2] is linear in the variance")
    if activation.free_symbols != {z} or mean(activation, activation).has(*NUMERIC_NODES):
        return Proof(Verdict.UNDECIDED, detail="E[f(u)^2] has no closed form")
    curvature = _elementary(mean(activation, activation).diff(kxx, 2))
    for power in range(-8, 9):
        if enclose(curvature, {kxx: sp.Rational(2) ** power}).is_positive:
            detail = f"E[f(u)^2] of {activation} is convex at the variance {sp.Rational(2) ** power}"
            return Proof(Verdict.FAILS, point={"kxx": Fraction(2) ** power}, detail=detail)
    curvature = sp.simplify(curvature)
    text = f"E[f(u)^2] is a concave function of the variance for f = {activation}"
    try:
        return prove_bound(curvature, {kxx: (sp.S.Zero, sp.oo)}, at_most=sp.S.Zero, text=text, pieces=_PIECES)
    except DekderiveError as error:
        return Proof(Verdict.UNDECIDED, detail=str(error))


def _rates(activation: sp.Expr) -> list[tuple[sp.Expr, sp.Symbol, tuple[sp.Expr, sp.Expr]]]:
    rates = []
    value = mean(activation, activation)
    if not value.has(*NUMERIC_NODES):
        closed = _elementary(value.diff(kxx))
        rates.append((closed, kxx, (sp.S.Zero, sp.oo)))
    convex = (activation**2).diff(z, 2) / 2
    if not convex.has(sp.DiracDelta):
        rates.append((convex, z, (-sp.oo, sp.oo)))
    return rates


def _elementary(e: sp.Expr) -> sp.Expr:
    e = e.replace(lambda t: isinstance(t, arcsine), lambda t: sp.atan(t.args[2] / rootgap(*t.args)))
    for _ in range(3):
        e = e.replace(
            lambda t: isinstance(t, rootgap), lambda t: sp.sqrt(sp.expand(t.args[0] * t.args[1] - t.args[2] ** 2))
        )
        e = e.replace(lambda t: isinstance(t, Atom), lambda t: t.definition)
    return e


def _rounded_up(rate: sp.Expr, symbol: sp.Symbol, ends: tuple[sp.Expr, sp.Expr]) -> sp.Rational:
    """Half a percent above what sampling finds: a sharper bound takes a longer proof, and the proof decides."""
    elementary = _elementary(rate)
    line = [sp.Rational(k, 8) for k in range(-160, 161)]
    points = line if ends[0] == -sp.oo else [sp.Rational(2) ** k for k in line]
    largest = max(elementary.subs(symbol, x).evalf(15) for x in points)
    return sp.Rational(int(sp.ceiling(largest * 1005)), 1000)
