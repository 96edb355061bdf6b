"""Modules written by `python -m codegen update`; see the index one level up."""
