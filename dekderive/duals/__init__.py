"""Gaussian expectations E[f(u) g(v)]: closed forms with their proofs, and one numeric fallback."""

from dekderive.duals.dual import Dual, closed_form, dual, mean

__all__ = ["Dual", "closed_form", "dual", "mean"]
