"""Gram matrices of univariate kernels: one matrix product, and one polynomial in place."""
