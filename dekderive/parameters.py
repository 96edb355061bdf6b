"""Symbols for the parameters of a user's own family or activation."""

import keyword

import sympy as sp

from dekderive import atoms, symbols
from dekderive.errors import InvalidInput
from dekderive.parse import FUNCTIONS

__all__ = ["parameter"]

# Facts that a range can be read from.  Another one (prime, commutative, ...) would go into every formula unchecked.
_ASSUMPTIONS = ("integer", "negative", "nonnegative", "nonpositive", "nonzero", "positive")

# Names that mean something else in a formula typed by a user, or in generated code.
_CONSTANTS = ("E", "I", "inf", "nan", "oo", "pi")
_MODULES = ("hermite", "np", "special")
_RESERVED = frozenset((*symbols.BY_NAME, *atoms.__all__, *FUNCTIONS, *_CONSTANTS, *_MODULES, *keyword.kwlist))


def parameter(name: str, **assumptions: bool) -> sp.Symbol:
    """Return a real symbol for a parameter, to write a `Family` or an activation with.

    The name becomes the name of a keyword argument of the generated kernel, and the assumptions become its range.

    Parameters
    ----------
    name : str
        An identifier that does not start with an underscore and is not taken by a canonical symbol
        (`dekderive.symbols`), a function, a constant or a Python keyword.
    **assumptions : bool
        Of ``positive``, ``nonnegative``, ``negative``, ``nonpositive``, ``nonzero`` and ``integer``, those that hold,
        each as ``True``.  Without any, the parameter is a real number.

    Returns
    -------
    sympy.Symbol
        The same symbol for the same name and assumptions.

    Raises
    ------
    InvalidInput
        If the name cannot be used, or an assumption is unknown, not ``True``, or contradicts another.

    Examples
    --------
    >>> shape = parameter("shape", positive=True)
    >>> shape, shape.is_real, shape.is_nonzero
    (shape, True, True)
    >>> parameter("kxx", positive=True)
    Traceback (most recent call last):
        ...
    dekderive.errors.InvalidInput: the name 'kxx' has a meaning here already; choose another name for the parameter
    """
    _check_name(name)
    for key, value in assumptions.items():
        if key not in _ASSUMPTIONS or value is not True:
            raise InvalidInput(
                f"parameter {name!r} cannot assume {key}={value!r}; use {', '.join(_ASSUMPTIONS)}, each with True"
            )
    try:
        return sp.Symbol(name, real=True, **assumptions)
    except sp.core.facts.InconsistentAssumptions as error:
        claims = ", ".join(sorted(assumptions))
        raise InvalidInput(f"parameter {name!r}: no real number is {claims}; drop one of them") from error


def _check_name(name: str) -> None:
    if not isinstance(name, str) or not name.isidentifier() or name.startswith("_"):
        raise InvalidInput(
            f"{name!r} cannot name a parameter; use letters, digits and inner underscores, as in 'shape'"
        )
    if name in _RESERVED:
        raise InvalidInput(f"the name {name!r} has a meaning here already; choose another name for the parameter")
