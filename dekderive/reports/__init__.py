"""Reports: a derivation and what its kernel does, on one self-contained page."""
