"""The estimators pass scikit-learn's own checks."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from dekderive.estimators import KernelGLM, KernelGLMClassifier


@parametrize_with_checks(
    [
        KernelGLM(),
        KernelGLM("pseudo_huber", kernel="linear", regularisation=0.1),
        KernelGLMClassifier(),
        KernelGLMClassifier("probit"),
        KernelGLMClassifier("ordinal"),
    ]
)
def test_scikit_learn_conventions(estimator, check):
    check(estimator)
