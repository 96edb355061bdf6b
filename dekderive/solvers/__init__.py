"""Fixed points and roots: Picard, Anderson and safeguarded Newton, and `solve` for a kernel."""

from dekderive.solvers.anderson import anderson
from dekderive.solvers.newton import newton
from dekderive.solvers.pairs import solve, solve_diagonal
from dekderive.solvers.picard import picard
from dekderive.solvers.solution import Solution, Status

__all__ = ["Solution", "Status", "anderson", "newton", "picard", "solve", "solve_diagonal"]
