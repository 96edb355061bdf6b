"""Named errors.  Each message says what is wrong, where, and what to do about it."""

__all__ = [
    "DekderiveError",
    "DomainError",
    "InvalidInput",
    "MissingExtra",
    "NoClosedForm",
    "NoFixedPoint",
    "NotCertified",
    "NotConverged",
    "NotIntegrable",
    "NotReachable",
    "OutputExists",
    "PropertyFailed",
    "StaleKernel",
    "UndeclaredSymbol",
    "UnknownName",
    "UnprintableNode",
    "UnsafeExpression",
]


class DekderiveError(Exception):
    """Base class of every error that dekderive raises on purpose."""


class UndeclaredSymbol(DekderiveError):
    """A formula contains a symbol (or a float, or a dummy) that its record does not declare."""


class DomainError(DekderiveError):
    """A natural map leaves the natural domain, or an activation has no reparameterisation in this family."""


class NotIntegrable(DekderiveError):
    """A Gaussian expectation diverges for some of the variances that were asked for."""


class NoClosedForm(DekderiveError):
    """The symbolic engine has no rule for this expectation.  It does not claim that none exists."""


class NotCertified(DekderiveError):
    """A rigorous enclosure was asked for, and no proved bound covers the function; no number is returned instead."""


class UnprintableNode(DekderiveError):
    """The emitter met a node that is not on its allow-list; nothing was written."""


class StaleKernel(DekderiveError):
    """A generated file, its ledger entry and its derivation do not agree."""


class UnsafeExpression(DekderiveError, ValueError):
    """Text from outside is not on the allow-list of the expression parser.  It was not evaluated."""


class InvalidInput(DekderiveError, ValueError):
    """An array or a parameter is not what the function takes (shape, range, NaN, inconsistent moments)."""


class UnknownName(DekderiveError, KeyError):
    """A name (family, data set, kernel) is not known here; the message lists those that are."""

    def __str__(self) -> str:  # KeyError shows the repr of its argument, which mangles a sentence
        return str(self.args[0]) if self.args else ""


class NotReachable(DekderiveError, ArithmeticError):
    """No explicit network of the family that was asked for has this kernel; ``nearest`` is the closest one there is.

    ``nearest.residuals`` says by how much it misses each of the four equations.
    """

    def __init__(self, message: str, nearest: object = None) -> None:
        super().__init__(message)
        self.nearest = nearest


class OutputExists(DekderiveError, FileExistsError):
    """The output folder exists; nothing was written.  Choose another one or pass the overwrite flag."""


class NoFixedPoint(DekderiveError, ArithmeticError):
    """The update map has no fixed point for these inputs; the message names the bound that is violated."""


class NotConverged(DekderiveError, ArithmeticError):
    """A solver stopped before its tolerance; raised only when the caller asked for an exception."""


class MissingExtra(DekderiveError, ImportError):
    """An optional dependency is not installed; the message names the extra that brings it."""


class PropertyFailed(DekderiveError, AssertionError):
    """A property that a theorem promises does not hold; the message has the numbers and the instance."""
