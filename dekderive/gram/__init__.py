"""Gram matrices of infinitely deep kernels, and the moments of data that they read."""

from dekderive.gram import moments
from dekderive.gram.from_moments import cross_gram_from_moments, gram_from_moments
from dekderive.gram.gaps import gaps
from dekderive.gram.gradient import gram_gradient
from dekderive.gram.gram import diagonal, gram, nugget
from dekderive.gram.input_gradient import input_gradient
from dekderive.gram.moments import Moments
from dekderive.gram.streaming import gram_panels

__all__ = [
    "Moments",
    "cross_gram_from_moments",
    "diagonal",
    "gaps",
    "gram",
    "gram_from_moments",
    "gram_gradient",
    "gram_panels",
    "input_gradient",
    "moments",
    "nugget",
]
