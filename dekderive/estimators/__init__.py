"""Scikit-learn kernels and estimators: infinitely deep kernels, and kernel generalised linear models."""

from dekderive.errors import MissingExtra

try:
    import sklearn as _sklearn  # noqa: F401
except ImportError as error:
    raise MissingExtra(
        'dekderive.estimators needs scikit-learn, which is not installed; pip install "dekderive[sklearn]"'
    ) from error

from dekderive.estimators.equilibrium_image_kernel import EquilibriumImageKernel
from dekderive.estimators.equilibrium_kernel import EquilibriumKernel
from dekderive.estimators.explicit_features import ExplicitNetworkFeatures
from dekderive.estimators.kernel_glm import KernelGLM
from dekderive.estimators.kernel_glm_classifier import KernelGLMClassifier
from dekderive.estimators.kernel_ridge_classifier import KernelRidgeClassifier

__all__ = [
    "EquilibriumImageKernel",
    "EquilibriumKernel",
    "ExplicitNetworkFeatures",
    "KernelGLM",
    "KernelGLMClassifier",
    "KernelRidgeClassifier",
]
