"""Infinitely deep kernels for scikit-learn: Gaussian processes, kernel ridge regression, support vector machines."""

from dekderive.errors import MissingExtra

try:
    import sklearn as _sklearn  # noqa: F401
except ImportError as error:
    raise MissingExtra(
        'dekderive.estimators needs scikit-learn, which is not installed; pip install "dekderive[sklearn]"'
    ) from error

from dekderive.estimators.equilibrium_kernel import EquilibriumKernel

__all__ = ["EquilibriumKernel"]
