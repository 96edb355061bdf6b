"""Modules written by `python -m codegen update` from derivations/; use them through `dekderive.kernels`."""
