"""Kernels that are functions of one number, the cosine of two augmented rows, compiled to polynomials."""

from dekderive.kernels.univariate.homogeneous import build, is_univariate
from dekderive.kernels.univariate.record import UnivariateChart, UnivariateKernel

__all__ = ["UnivariateChart", "UnivariateKernel", "build", "is_univariate"]
