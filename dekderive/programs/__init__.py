"""Programs: from update maps to NumPy text, and from text to kernels."""

from dekderive.programs.generate import compile, emit

__all__ = ["compile", "emit"]
