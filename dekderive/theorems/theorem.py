"""A statement of a paper as data: what it says, whether it is true, and how anyone can tell."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dekderive.citations import Citation
from dekderive.errors import InvalidInput
from dekderive.verdict import Check, Verdict

__all__ = ["Assessment", "Basis", "Counterexample", "Kind", "Probe", "Refutation", "Standing", "Theorem"]


class Kind(enum.Enum):
    """How one aspect of a statement is examined."""

    IDENTITY = "symbolic identity"
    CERTIFICATE = "certificate"  # ball arithmetic, exact rational arithmetic, or a finite enumeration
    PROPERTY = "property test"  # seeded random draws: they can refute a statement and cannot prove it
    SIMULATION = "simulation"  # seeded, of a finite model whose limit the statement describes: the same holds

    @property
    def proves(self) -> bool:
        """Whether a check of this kind can be a step of a proof."""
        return self in (Kind.IDENTITY, Kind.CERTIFICATE)


class Basis(enum.Enum):
    """What the truth of a statement rests on."""

    CHECKS = "the checks are the proof"
    PROOF = "a written proof, whose computed steps are checked"
    EVIDENCE = "numerical evidence only"


class Standing(enum.Enum):
    """How the printed statement relates to the true one."""

    RIGHT = "right as printed"
    SHARPENED = "right, and more is true"
    MISPRINT = "misprint"
    WRONG = "wrong as printed"
    NEW = "not in the paper"

    @property
    def fails(self) -> bool:
        """Whether the printed statement, read literally, is false."""
        return self in (Standing.MISPRINT, Standing.WRONG)


@dataclass(frozen=True, slots=True)
class Probe:
    """One check of the true statement, and the same check of a wrong form of it.

    Attributes
    ----------
    kind : Kind
    run : callable
        Without arguments; returns a Check.  Property tests and simulations return FAILS or UNDECIDED, never HOLDS.
    control : callable, optional
        The same check of the printed form (or of another plausible wrong form).  It must return FAILS: a check that a
        wrong form passes shows nothing.

    Examples
    --------
    >>> probe = Probe(Kind.CERTIFICATE, lambda: Check("sum", "1 + 1 = 2", Verdict.HOLDS))
    >>> probe.run().verdict.name
    'HOLDS'
    """

    kind: Kind
    run: Callable[[], Check]
    control: Callable[[], Check] | None = None


@dataclass(frozen=True, slots=True)
class Refutation:
    """What goes wrong when a statement is applied to an instance.

    Attributes
    ----------
    refuted : bool
        Whether the statement fails there.
    sentence : str
    numbers : mapping of str to float
        The quantities of the sentence, in full.
    by : str
        How the numbers were obtained: exact arithmetic, ball arithmetic, or floating point.

    Examples
    --------
    >>> Refutation(True, "a determinant is negative", {"determinant": -1.0}).refuted
    True
    """

    refuted: bool
    sentence: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    by: str = "exact arithmetic"

    def __post_init__(self) -> None:  # comparisons of NumPy and SymPy numbers are no Python values
        object.__setattr__(self, "refuted", bool(self.refuted))
        object.__setattr__(self, "numbers", {name: float(value) for name, value in self.numbers.items()})


@dataclass(frozen=True, slots=True)
class Counterexample:
    """An instance to which a printed statement does not apply, as a function that anyone can run.

    Examples
    --------
    >>> Counterexample("n = 1", lambda: Refutation(True, "it fails")).run().sentence
    'it fails'
    """

    instance: str
    run: Callable[[], Refutation]


@dataclass(frozen=True, slots=True)
class Theorem:
    """A statement, printed and corrected, with its hypotheses, its proof and its checks.

    Attributes
    ----------
    key : str
        ``group/statement``, for example ``"kglm/theorem-3"``.
    source : Citation
        The paper, and the place in it.
    number : str
        As printed; a range such as ``"(10)-(12)"`` covers every equation of it.
    title : str
    hypotheses : tuple of str
        Of the true statement.
    printed : str
        What the paper says, in our words; empty for a statement that is not in the paper.
    standing : Standing
    corrected : str or None
        The true statement; None where the printed one is right.
    proof : str
        Complete where it is new; otherwise what it rests on.
    basis : Basis
    probes : tuple of Probe
    counterexample : Counterexample or None
        To the printed statement.
    open_because : str
        Why there is no proof; given exactly if the basis is numerical evidence.
    remarks : str
        What else a reader of the paper should know.

    Raises
    ------
    InvalidInput
        If the parts contradict each other: a wrong statement without counterexample or correction, a right one with
        one, a claim of proof without proof, missing evidence or explanation.

    Examples
    --------
    >>> from dekderive.theorems import by_key
    >>> theorem = by_key("kglm/definition-10")
    >>> theorem.standing.value, theorem.assess().true.name
    ('right as printed', 'HOLDS')
    """

    key: str
    source: Citation
    number: str
    title: str
    hypotheses: tuple[str, ...]
    printed: str
    standing: Standing
    proof: str
    basis: Basis
    probes: tuple[Probe, ...]
    corrected: str | None = None
    counterexample: Counterexample | None = None
    open_because: str = ""
    remarks: str = ""

    def __post_init__(self) -> None:
        for problem, found in (
            ("is false as printed, but has no correction", self.standing.fails and self.corrected is None),
            ("is false as printed, but has no counterexample", self.standing.fails and self.counterexample is None),
            ("has a counterexample, but is not false", not self.standing.fails and self.counterexample is not None),
            ("is right, but has a correction", self.standing is Standing.RIGHT and self.corrected is not None),
            ("says nothing", not (self.printed or self.corrected)),
            ("is not in the paper, but is quoted from it", self.standing is Standing.NEW and bool(self.printed)),
            ("has no check", not self.probes),
            ("claims a proof, but has none", self.basis is Basis.PROOF and not self.proof),
            ("rests on checks that prove nothing", self.basis is not Basis.EVIDENCE and not self._has_proving_probe()),
            ("must say why it is open, exactly if it is", bool(self.open_because) != (self.basis is Basis.EVIDENCE)),
        ):
            if found:
                raise InvalidInput(f"the record of {self.key} {problem}")

    def _has_proving_probe(self) -> bool:
        return any(probe.kind.proves for probe in self.probes)

    @property
    def paper(self) -> str:
        """Key of the paper in ``dekderive.citations``."""
        return self.source.key

    @property
    def statement(self) -> str:
        """The true statement."""
        return self.corrected if self.corrected is not None else self.printed

    def check(self) -> tuple[Check, ...]:
        """Run the checks of the true statement."""
        return tuple(probe.run() for probe in self.probes)

    def assess(self) -> Assessment:
        """Run everything: the checks, their controls and the counterexample."""
        start = time.perf_counter()
        checks = self.check()
        controls = tuple(probe.control() for probe in self.probes if probe.control is not None)
        refutation = None if self.counterexample is None else self.counterexample.run()
        return Assessment(self, checks, controls, refutation, time.perf_counter() - start)


@dataclass(frozen=True, slots=True)
class Assessment:
    """What came out when a theorem was examined.

    Attributes
    ----------
    theorem : Theorem
    checks : tuple of Check
        Of the true statement, one for each probe.
    controls : tuple of Check
        Of wrong forms; each of them must fail.
    refutation : Refutation or None
    seconds : float

    Examples
    --------
    >>> from dekderive.theorems import by_key
    >>> assessment = by_key("kglm/appendix-h").assess()
    >>> assessment.printed.name, assessment.true.name, assessment.evidence
    ('FAILS', 'HOLDS', 'proved')
    """

    theorem: Theorem
    checks: tuple[Check, ...]
    controls: tuple[Check, ...]
    refutation: Refutation | None
    seconds: float

    @property
    def controls_fail(self) -> bool:
        """Whether every wrong form was refuted by the check that the true one passes."""
        return all(check.verdict is Verdict.FAILS for check in self.controls)

    @property
    def true(self) -> Verdict:
        """The verdict on the true statement (the corrected one, or the printed one where it is right).

        FAILS if any check fails.  HOLDS needs a proof: checks that prove, or a written proof all of whose computed
        steps hold.  A check whose control passes shows nothing, and leaves the statement undecided.
        """
        verdicts = [check.verdict for check in self.checks]
        if Verdict.FAILS in verdicts:
            return Verdict.FAILS
        if self.theorem.basis is Basis.EVIDENCE or not self.controls_fail:
            return Verdict.UNDECIDED
        steps = zip(self.theorem.probes, verdicts, strict=True)
        return Verdict.all(tuple(verdict for probe, verdict in steps if probe.kind.proves))

    @property
    def printed(self) -> Verdict | None:
        """The verdict on the printed statement; None if there is none."""
        if self.theorem.standing is Standing.NEW:
            return None
        if not self.theorem.standing.fails:
            return self.true  # the true statement implies it
        refuted = self.refutation is not None and self.refutation.refuted
        return Verdict.FAILS if refuted else Verdict.UNDECIDED

    @property
    def evidence(self) -> str:
        """In a word: ``proved``, ``verified numerically``, ``refuted`` or ``undecided``."""
        if self.true is Verdict.HOLDS:
            return "proved"
        if self.true is Verdict.FAILS:
            return "refuted"
        return "verified numerically" if self.theorem.basis is Basis.EVIDENCE else "undecided"

    @property
    def explanation(self) -> str:
        """What the verdict on the true statement rests on, or why there is none."""
        failed = [check.name for check in self.checks if check.verdict is Verdict.FAILS]
        if failed:
            return f"failed: {', '.join(failed)}"
        if self.theorem.basis is Basis.EVIDENCE:
            return f"{self.theorem.open_because}; {'; '.join(check.detail for check in self.checks)}"
        if self.true is Verdict.HOLDS:
            return self.theorem.basis.value
        passed = [check.name for check in self.controls if check.verdict is not Verdict.FAILS]
        if passed:
            return f"a wrong form passed too: {', '.join(passed)}"
        steps = zip(self.theorem.probes, self.checks, strict=True)
        left = [f"{c.name} ({c.detail})" for p, c in steps if p.kind.proves and c.verdict is not Verdict.HOLDS]
        return f"a step of the proof was not decided: {', '.join(left)}"
