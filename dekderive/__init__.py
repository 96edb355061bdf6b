"""Derive infinitely deep equilibrium kernels from exponential families, and compute with them.

A Gaussian with the natural map ``relu(z)``, from formula to Gram matrix:

>>> import dekderive as dek
>>> from dekderive.atoms import relu
>>> from dekderive.symbols import z
>>> link = dek.Reparameterisation(dek.families.gaussian(), natural_map=relu(z))
>>> link.activation, link.slope
(relu(z), step(z))

Names are imported when they are first used: ``import dekderive.kernels`` and everything numeric load no SymPy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dekderive import errors
from dekderive.citations import Citation, cite
from dekderive.verdict import Verdict

if TYPE_CHECKING:  # the same names as in _HOME, for type checkers and editors
    from dekderive import families, gram, kernels, symbols, update_maps
    from dekderive.derivation import Derivation
    from dekderive.duals.dual import dual
    from dekderive.estimators import EquilibriumKernel, KernelGLM, KernelGLMClassifier
    from dekderive.families.family import Family
    from dekderive.parameters import parameter
    from dekderive.programs import compile, compile_dual, emit, emit_dual
    from dekderive.reparameterisations import Reparameterisation, from_activation
    from dekderive.solvers import solve

__version__ = "0.1.0"

__all__ = [
    "Citation",
    "Derivation",
    "EquilibriumKernel",
    "Family",
    "KernelGLM",
    "KernelGLMClassifier",
    "Reparameterisation",
    "Verdict",
    "cite",
    "compile",
    "compile_dual",
    "dual",
    "emit",
    "emit_dual",
    "errors",
    "families",
    "from_activation",
    "gram",
    "kernels",
    "parameter",
    "solve",
    "symbols",
    "update_maps",
]

# Public name -> the module it lives in; a name that maps to itself is that module.
_HOME = {
    "Derivation": "dekderive.derivation",
    "EquilibriumKernel": "dekderive.estimators",
    "Family": "dekderive.families.family",
    "KernelGLM": "dekderive.estimators",
    "KernelGLMClassifier": "dekderive.estimators",
    "Reparameterisation": "dekderive.reparameterisations",
    "compile": "dekderive.programs",
    "compile_dual": "dekderive.programs",
    "dual": "dekderive.duals.dual",
    "emit": "dekderive.programs",
    "emit_dual": "dekderive.programs",
    "families": "dekderive.families",
    "from_activation": "dekderive.reparameterisations",
    "gram": "dekderive.gram",
    "kernels": "dekderive.kernels",
    "parameter": "dekderive.parameters",
    "solve": "dekderive.solvers",
    "symbols": "dekderive.symbols",
    "update_maps": "dekderive.update_maps",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"dekderive has no attribute {name!r}; its names are {', '.join(__all__)}")
    module = import_module(_HOME[name])
    value = module if _HOME[name] == f"dekderive.{name}" else getattr(module, name)
    globals()[name] = value  # the next access is an ordinary attribute
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
