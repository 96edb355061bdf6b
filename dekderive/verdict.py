"""Three-valued truth: a check holds, fails, or could not be decided."""

import enum
from dataclasses import dataclass

__all__ = ["Check", "Verdict"]


class Verdict(enum.Enum):
    """What a check concluded.  There is no conversion to ``bool``: "undecided" is not "false"."""

    HOLDS = "holds"
    FAILS = "fails"
    UNDECIDED = "undecided"

    def __bool__(self) -> bool:
        raise TypeError("a Verdict has three values; compare with `is Verdict.HOLDS` instead of using it as a bool")

    @property
    def exit_code(self) -> int:
        """Exit code of the command line: 0 holds, 1 fails, 2 undecided."""
        return {Verdict.HOLDS: 0, Verdict.FAILS: 1, Verdict.UNDECIDED: 2}[self]

    @staticmethod
    def all(verdicts: "list[Verdict] | tuple[Verdict, ...]") -> "Verdict":
        """Return the conjunction: one failure fails it, otherwise one undecided leaves it undecided."""
        if Verdict.FAILS in verdicts:
            return Verdict.FAILS
        return Verdict.UNDECIDED if Verdict.UNDECIDED in verdicts else Verdict.HOLDS


@dataclass(frozen=True, slots=True)
class Check:
    """One statement that was checked, what came out, and how it was decided."""

    name: str
    statement: str
    verdict: Verdict
    detail: str = ""
