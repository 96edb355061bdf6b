"""The transformer obeys scikit-learn's rules, and its features stand for the kernel of the model."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from dekderive.design import design_explicit
from dekderive.equivalents import DeepEquilibrium, relu, tanh
from dekderive.errors import InvalidInput
from dekderive.estimators import ExplicitNetworkFeatures


@pytest.mark.parametrize("kernel", ["ck", "ntk"])
def test_it_is_an_estimator(kernel):
    check_estimator(ExplicitNetworkFeatures(kernel=kernel, width=20, random_state=0), on_skip=None)


def test_inner_products_are_the_kernel():
    rows = np.random.default_rng(3).normal(size=(9, 300)) * 4.0
    model = DeepEquilibrium(tanh, 0.3, 0.7)
    features = ExplicitNetworkFeatures(model, width=20000, random_state=1).fit(rows)
    assert_allclose(features.scale_, 1 / np.sqrt((rows**2).sum(axis=1).mean()))
    z = features.transform(rows)
    network = design_explicit(model, tau0=1.0)
    assert features.network_.family == network.family
    assert np.abs(z @ z.T - network.kernel(rows * features.scale_)).max() < 0.02


def test_ridge_on_features_approaches_kernel_ridge():
    X, y = load_digits(return_X_y=True)
    X, y = X[:400] - X[:400].mean(axis=0), np.where(y[:400] > 4, 1.0, -1.0)
    features = ExplicitNetworkFeatures(DeepEquilibrium(relu, 0.3, 0.7), width=3000, random_state=0).fit(X[:300])
    k = features.network_.kernel(X * features.scale_)
    expected = k[300:, :300] @ np.linalg.solve(k[:300, :300] + 0.1 * np.eye(300), y[:300])
    model = make_pipeline(clone(features), Ridge(alpha=0.1, fit_intercept=False)).fit(X[:300], y[:300])
    found = model.predict(X[300:])
    assert np.linalg.norm(found - expected) < 0.1 * np.linalg.norm(expected)


def test_single_precision_and_seeds():
    X = np.random.default_rng(0).normal(size=(8, 5))
    first = ExplicitNetworkFeatures(width=30, random_state=7)
    assert_array_equal(first.fit_transform(X), clone(first).fit_transform(X))
    single = first.fit_transform(X.astype(np.float32))
    assert single.dtype == np.float32
    assert_allclose(single, first.fit_transform(X), rtol=1e-3, atol=1e-5)


def test_refusals():
    with pytest.raises(InvalidInput, match="all rows are zero"):
        ExplicitNetworkFeatures().fit(np.zeros((3, 2)))
    with pytest.raises(InvalidInput, match="scale must be"):
        ExplicitNetworkFeatures(scale="unit").fit(np.eye(2))
