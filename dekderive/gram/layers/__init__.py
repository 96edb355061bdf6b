"""Kernels of finite depth, pair by pair: gaps 1 - k / sqrt(kxx kyy) instead of covariances go from layer to layer."""
