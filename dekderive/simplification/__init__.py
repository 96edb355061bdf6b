"""Rewriting of formulas in atoms, by identities that hold for every real argument (or all but finitely many).

``sympy.simplify`` is neither fast nor deterministic enough to define what a kernel computes, and knows no atoms.
`tidy` applies a short list of named identities instead.  `stabilise` then exchanges forms that are equal on paper but
lose digits; it comes last, because the forms that are good for computing hide cancellations from further algebra.
"""

from dekderive.simplification.stable import stabilise
from dekderive.simplification.tidying import tidy

__all__ = ["stabilise", "tidy"]
