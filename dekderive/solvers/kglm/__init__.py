"""Solvers of kernel GLMs, f = -K l'(f + M; y) / lambda: always in the predictor f, never in the mean z."""

from dekderive.solvers.kglm.matrices import Kronecker, as_matrix
from dekderive.solvers.kglm.solution import Certificate, KGLMSolution
from dekderive.solvers.kglm.solve import solve_kglm

__all__ = ["Certificate", "KGLMSolution", "Kronecker", "as_matrix", "solve_kglm"]
