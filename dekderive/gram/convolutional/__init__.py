"""Tangent kernels of convolutional equilibrium models between images."""

from dekderive.gram.convolutional.gram import convolutional_diagonal, convolutional_gram
from dekderive.gram.convolutional.tensor import convolutional_tensors

__all__ = ["convolutional_diagonal", "convolutional_gram", "convolutional_tensors"]
