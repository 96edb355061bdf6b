"""Gaussian expectations E[f(u) g(v)]: closed forms with their proofs, and one numeric fallback."""

from dekderive.duals.dual import Dual, dual, mean

__all__ = ["Dual", "dual", "mean"]
