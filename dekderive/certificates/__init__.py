"""Proofs and refutations of statements about formulas, by ball arithmetic."""
