"""Kernels at work: Gaussian processes, kernel machines, pipelines and grid searches."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_diabetes, make_moons
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process.kernels import WhiteKernel
from sklearn.kernel_approximation import Nystroem
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from dekderive.errors import NoFixedPoint
from dekderive.estimators import EquilibriumKernel
from dekderive.gram.moments import linear, relu_features
from dekderive.kernels import deker_gaussian_relu, deker_poisson_identity, deq_ntk_relu

# A likelihood may have its maximum at a bound: scikit-learn then warns, whatever the kernel.
at_a_bound = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    chosen = np.random.default_rng(0).permutation(len(y))[:90]
    X, y = StandardScaler().fit_transform(X[chosen]), y[chosen]
    return X[:60], (y - y.mean())[:60] / y.std(), X[60:], (y - y.mean())[60:] / y.std()


# ---- Gaussian processes ----


@at_a_bound
def test_the_defaults_fit_standardised_data(record, diabetes):
    X, y, X_test, y_test = diabetes
    if record.model.startswith("implicit_"):  # centred for rows of norm 1
        X, X_test = X / np.sqrt(X.shape[1]), X_test / np.sqrt(X.shape[1])
    kernel = EquilibriumKernel(record) + WhiteKernel()
    process = GaussianProcessRegressor(kernel).fit(X, y)
    start = np.clip(kernel.theta, *kernel.bounds.T)  # what the optimiser does with a start outside of the bounds
    assert process.log_marginal_likelihood_value_ > process.log_marginal_likelihood(start)
    mean, std = process.predict(X_test, return_std=True)
    assert np.sqrt(np.mean((mean - y_test) ** 2)) < 0.97 * y_test.std()
    assert np.all(std > 0)


def test_the_user_story_raises_the_likelihood_and_keeps_its_bounds(diabetes):
    X, y, X_test, _ = diabetes
    kernel = (
        EquilibriumKernel(deker_gaussian_relu, regularisation=1.5, regularisation_bounds=(1.05, 10)) + WhiteKernel()
    )
    process = GaussianProcessRegressor(kernel).fit(X, y)
    assert process.log_marginal_likelihood_value_ > process.log_marginal_likelihood(kernel.theta) + 0.1
    assert kernel.k1.regularisation == 1.5
    assert 1.05 <= process.kernel_.k1.regularisation <= 10
    mean, covariance = process.predict(X_test, return_cov=True)
    assert_allclose(np.sqrt(np.diag(covariance)), process.predict(X_test, return_std=True)[1])
    assert mean.shape == (30,)


def test_the_gradient_of_the_likelihood_is_that_of_central_differences(record, diabetes):
    X, y, _, _ = diabetes
    kernel = EquilibriumKernel(record).suited_to(X) + WhiteKernel(0.3)
    process = GaussianProcessRegressor(kernel, optimizer=None).fit(X, y)
    _, gradient = process.log_marginal_likelihood(kernel.theta, eval_gradient=True)
    h = 1e-5
    for i, e in enumerate(h * np.eye(kernel.n_dims)):
        slope = process.log_marginal_likelihood(kernel.theta + e) - process.log_marginal_likelihood(kernel.theta - e)
        assert_allclose(gradient[i], slope / (2 * h), rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@at_a_bound
def test_restarts_stay_where_the_kernel_exists(record, diabetes):
    X, y, _, _ = diabetes
    kernel = EquilibriumKernel(record).suited_to(X[:25]) + WhiteKernel()
    one, many = (
        GaussianProcessRegressor(kernel, n_restarts_optimizer=n, random_state=0).fit(X[:25], y[:25]) for n in (0, 3)
    )
    assert many.log_marginal_likelihood_value_ >= one.log_marginal_likelihood_value_ - 1e-9


def test_an_optimiser_that_leaves_the_domain_is_told_what_to_set(diabetes):
    X, y, _, _ = diabetes
    kernel = EquilibriumKernel(deker_gaussian_relu, regularisation_bounds=(0.1, 10), moments=linear())
    with pytest.raises(NoFixedPoint, match="tighter regularisation_bounds"):
        GaussianProcessRegressor(kernel, alpha=1.0).fit(X, 100 * y)  # large targets ask for a large kernel


def test_rates_that_grow_exponentially_fit_after_suited_to(diabetes):
    X, y, X_test, _ = diabetes
    kernel = EquilibriumKernel(deker_poisson_identity)
    with pytest.raises(NoFixedPoint, match="suited_to"):
        kernel(4 * X)
    suited = kernel.suited_to(np.vstack([4 * X, 4 * X_test]))
    process = GaussianProcessRegressor(suited, alpha=0.5, normalize_y=True, optimizer=None).fit(4 * X, y)
    assert np.isfinite(process.predict(4 * X_test)).all()


def test_single_precision_data_make_no_difference_to_the_fit(diabetes):
    X, y, X_test, _ = diabetes
    kernel = EquilibriumKernel(deker_gaussian_relu, regularisation_bounds=(0.7, 10)) + WhiteKernel()
    single = GaussianProcessRegressor(kernel).fit(X.astype(np.float32), y)
    double = GaussianProcessRegressor(kernel).fit(X, y)
    assert_allclose(single.predict(X_test.astype(np.float32)), double.predict(X_test), atol=1e-3)


@at_a_bound
def test_classification_by_gaussian_processes():
    X, y = make_moons(60, noise=0.1, random_state=0)
    kernel = EquilibriumKernel(deq_ntk_relu, bias_variance=0.5, weight_variance=0.8, bias_variance_bounds="fixed")
    assert GaussianProcessClassifier(2.0 * kernel).fit(X, y).score(X, y) > 0.85


# ---- kernel machines ----


def test_kernel_ridge_solves_with_the_continuous_part(record, diabetes):
    X, y, X_test, _ = diabetes
    kernel = EquilibriumKernel(record).suited_to(np.vstack([X, X_test]))
    machine = KernelRidge(kernel=kernel, alpha=0.3).fit(X, y)
    expected = kernel(X_test, X) @ np.linalg.solve(kernel(X, X) + 0.3 * np.eye(len(X)), y)
    assert_allclose(machine.predict(X_test), expected, rtol=1e-6, atol=1e-9)


def test_support_vectors(record):
    X, y = make_moons(80, noise=0.1, random_state=0)
    X = np.column_stack([X, np.ones(len(X))])
    kernel = EquilibriumKernel(record).suited_to(X)
    machine = SVC(kernel=kernel, C=100 / float(np.mean(kernel.diag(X)))).fit(X[:60], y[:60])
    precomputed = SVC(kernel="precomputed", C=machine.C).fit(kernel(X[:60], X[:60]), y[:60])
    assert np.array_equal(machine.predict(X), precomputed.predict(kernel(X, X[:60])))
    assert machine.score(X[:60], y[:60]) > 0.8


def test_nystroem_reproduces_the_kernel_on_its_basis(record, diabetes):
    X = diabetes[0][:20]
    kernel = EquilibriumKernel(record).suited_to(X)
    features = Nystroem(kernel, n_components=20, random_state=0).fit_transform(X)
    assert_allclose(features @ features.T, kernel(X, X), atol=1e-6 * kernel.diag(X).max())


# ---- composition ----


def test_a_grid_search_reaches_hyperparameters_moments_and_records(diabetes):
    X, y, _, _ = diabetes
    machine = make_pipeline(StandardScaler(), KernelRidge(kernel=EquilibriumKernel(deker_gaussian_relu), alpha=1.0))
    grid = [
        {"kernelridge__kernel__regularisation": [0.8, 2.0], "kernelridge__alpha": [0.1, 1.0]},
        {"kernelridge__kernel__moments": [relu_features(bias=1.0), linear()]},
        {"kernelridge__kernel__kernel": [deq_ntk_relu], "kernelridge__kernel__weight_variance": [0.2, 0.9]},
    ]
    search = GridSearchCV(machine, grid, cv=3, error_score="raise").fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert len(scores) == len(set(scores)) == 8
    assert machine.named_steps["kernelridge"].kernel == EquilibriumKernel(deker_gaussian_relu)
    for parameters, score in zip(search.cv_results_["params"], scores, strict=True):
        alone = GridSearchCV(machine, {k: [v] for k, v in parameters.items()}, cv=3).fit(X, y)
        assert_allclose(alone.best_score_, score)


@pytest.mark.slow
def test_processes_in_other_processes(diabetes):
    X, y, _, _ = diabetes
    machine = make_pipeline(Nystroem(EquilibriumKernel(deq_ntk_relu), n_components=10, random_state=0), Ridge())
    grid = {"nystroem__kernel__weight_variance": [0.2, 0.8]}
    one, two = (GridSearchCV(machine, grid, cv=2, n_jobs=n).fit(X, y) for n in (1, 2))
    assert_allclose(one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"])


def test_a_family_of_your_own_brings_its_own_hyperparameters(diabetes):
    import sympy as sp

    import dekderive as dek
    from dekderive.symbols import eta, z

    spread = dek.parameter("spread", positive=True)
    family = dek.Family("normal", spread * eta**2 / 2, domain=sp.S.Reals, parameters=(spread,))
    record = dek.compile(dek.update_maps.deker(dek.Reparameterisation(family, natural_map=sp.sin(z))))
    X, y, _, _ = diabetes
    kernel = EquilibriumKernel(record, spread=0.5, spread_bounds=(0.1, 2), moments=linear(scale=0.3)).suited_to(X)
    K, gradient = kernel(X, eval_gradient=True)
    h = 1e-5 * np.array([0.0, 1.0])
    up, down = (kernel.clone_with_theta(kernel.theta + s * h)(X) for s in (1, -1))
    assert_allclose(gradient[..., 1], (up - down) / 2e-5, rtol=1e-6, atol=1e-7 * K.max())
    search = GridSearchCV(KernelRidge(kernel=kernel), {"kernel__spread": [0.3, 1.0]}, cv=2, error_score="raise").fit(
        X, y
    )
    assert len(set(search.cv_results_["mean_test_score"])) == 2
