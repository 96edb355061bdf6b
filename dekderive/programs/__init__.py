"""Programs: from update maps to NumPy text, and from text to kernels."""

from dekderive.programs.dual_text import compile_dual, emit_dual
from dekderive.programs.generate import compile, emit
from dekderive.programs.univariate_text import compile_univariate, emit_univariate

__all__ = ["compile", "compile_dual", "compile_univariate", "emit", "emit_dual", "emit_univariate"]
