"""Programs: from update maps to NumPy text, and from text to kernels."""

from dekderive.programs.activation_text import compile_activation, emit_activation
from dekderive.programs.dual_text import compile_dual, emit_dual
from dekderive.programs.generate import compile, emit
from dekderive.programs.univariate_text import compile_univariate, emit_univariate

__all__ = [
    "compile",
    "compile_activation",
    "compile_dual",
    "compile_univariate",
    "emit",
    "emit_activation",
    "emit_dual",
    "emit_univariate",
]
