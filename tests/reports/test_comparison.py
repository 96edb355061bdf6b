"""The comparison: no leak from test rows, the algebra behind its choices, and its refusals."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.kernel_ridge import KernelRidge

from dekderive.datasets import Dataset
from dekderive.errors import InvalidInput, NoFixedPoint
from dekderive.reports import fitting
from dekderive.reports.candidates import Candidate, moments_for, rbf_candidates
from dekderive.reports.comparison import _split, compare

RNG = np.random.default_rng(5)
X = RNG.normal(3, [1, 10, 0.1], size=(90, 3))
SMOOTH = Dataset("smooth", X, np.sin(X[:, 0]) + 0.1 * X[:, 1], ("a", "b", "c"), "regression")
NOISE = Dataset("noise", X, RNG.normal(size=90), ("a", "b", "c"), "regression")
LABELS = Dataset(
    "labels", X, (X[:, 0] > 3).astype(int) + (X[:, 1] > 8), ("a", "b", "c"), "classification", "t", tuple("uvw")
)


def _linear(values=None):
    def gram(A, B=None):
        return A @ (A if B is None else B).T + 1.0

    return Candidate(values or {"slope": 1.0}, gram, lambda A: None, lambda others: None)


def test_standardisation_sees_the_training_rows_only():
    for part in _split(SMOOTH, 5, 0):
        np.testing.assert_allclose(part.X.mean(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(part.X.std(axis=0), 1, rtol=1e-12)
        np.testing.assert_allclose(part.targets.mean(), 0, atol=1e-12)
        expected = (X[part.test] - X[part.train].mean(axis=0)) / X[part.train].std(axis=0)
        np.testing.assert_allclose(part.X_test, expected, rtol=1e-12)
        assert not set(part.train) & set(part.test)
        for fit, check in part.inner:
            assert sorted([*fit, *check]) == list(range(len(part.train)))
        np.testing.assert_allclose(part.prediction(part.targets), part.y[part.train], rtol=1e-12)


def test_moving_a_test_target_moves_no_prediction():
    before = compare(SMOOTH, {"RBF": rbf_candidates}, folds=3)
    y = SMOOTH.y.copy()
    test = _split(SMOOTH, 3, 0)[0].test
    y[test] += 100.0
    after = compare(Dataset("moved", X, y, ("a", "b", "c"), "regression"), {"RBF": rbf_candidates}, folds=3)
    for one, other in zip(before.scores, after.scores, strict=True):
        np.testing.assert_allclose(other.predictions[test], one.predictions[test], rtol=1e-8)


def test_noise_cannot_be_predicted_and_structure_can():
    noise = compare(NOISE, {"RBF": rbf_candidates}, folds=3).scores
    assert all(s.folds.mean() > 0.93 * NOISE.y.std() for s in noise)
    smooth = compare(SMOOTH, {"RBF": rbf_candidates}, folds=3).scores
    assert [s.method for s in smooth] == ["kernel ridge", "Gaussian process"]
    assert all(s.folds.mean() < 0.3 * SMOOTH.y.std() for s in smooth)


def test_classification():
    found = compare(LABELS, {"RBF": rbf_candidates}, folds=3)
    assert (found.metric, found.higher_is_better) == ("accuracy", True)
    for s in found.scores:
        assert set(np.unique(s.predictions)) <= {0.0, 1.0, 2.0}
        assert 0.75 < s.folds.mean() <= 1
        np.testing.assert_allclose(
            [np.mean(s.predictions[p.test] == LABELS.y[p.test]) for p in _split(LABELS, 3, 0)], s.folds
        )


def test_the_same_seed_gives_the_same_scores():
    one, two, other = (compare(SMOOTH, {"RBF": rbf_candidates}, folds=2, seed=s).scores[0] for s in (1, 1, 2))
    np.testing.assert_array_equal(one.folds, two.folds)
    assert not np.array_equal(one.folds, other.folds)


def test_one_decomposition_gives_the_losses_of_every_ridge():
    part = _split(SMOOTH, 3, 0)[0]
    gram = _linear().gram(part.X)
    fit, check = part.inner[0]
    expected = []
    for alpha in fitting.ALPHAS:
        model = KernelRidge(kernel="precomputed", alpha=alpha * np.mean(np.diag(gram)))
        model.fit(gram[np.ix_(fit, fit)], part.targets[fit])
        expected.append(np.mean((model.predict(gram[np.ix_(check, fit)]) - part.targets[check]) ** 2))
    np.testing.assert_allclose(fitting._validation(part, gram, fit, check), expected, rtol=1e-8)


def test_the_evidence_is_the_largest_marginal_likelihood_on_the_grid():
    y = np.array([0.3, -1.0, 0.7, 0.2])
    gram = np.exp(-np.abs(np.subtract.outer(np.arange(4), np.arange(4))) / 2.0)
    evidence, scale, noise = fitting._evidence(gram, y)

    def log_density(s, ratio):
        return multivariate_normal(np.zeros(4), s * (gram + ratio * np.eye(4))).logpdf(y)

    best = max(log_density(s, ratio) for s in np.geomspace(0.01, 10, 400) for ratio in fitting.ALPHAS)
    found = log_density(scale, noise / scale)
    assert found == pytest.approx(best, abs=1e-3)
    assert found >= best
    # The constant that was left out is -(n log 2 pi + n) / 2.
    assert evidence - 2 * np.log(2 * np.pi) - 2 == pytest.approx(found, abs=1e-10)


def test_candidates_without_a_fixed_point_are_passed_over_and_the_last_one_is_named():
    def refuse(A):
        return NoFixedPoint("lambda is too small")

    bad = Candidate({"slope": 0.0}, lambda A, B=None: 1 / 0, refuse, lambda others: None)
    part = _split(SMOOTH, 3, 0)[0]
    assert [e.candidate.values["slope"] for e in fitting.evaluated(part, [bad, _linear()])] == [1.0]
    with pytest.raises(NoFixedPoint, match="too small"):
        fitting.evaluated(part, [bad, bad])


def test_too_few_rows():
    few = Dataset("few", X[:8], SMOOTH.y[:8], ("a", "b", "c"), "regression")
    with pytest.raises(InvalidInput, match="few: 8 rows are too few for 5 folds; use from 2 to 4"):
        compare(few, {"RBF": rbf_candidates}, folds=5)
    rare = Dataset("rare", X, np.r_[np.zeros(87, int), 1, 1, 1], ("a", "b", "c"), "classification", "t", ("u", "v"))
    with pytest.raises(InvalidInput, match="3 members of the smallest class"):
        compare(rare, {"RBF": rbf_candidates}, folds=5)


def test_moments_for_rescaled_rows():
    rows = np.array([[1.0, 2.0], [0.5, -1.0], [3.0, 0.0]])
    joined = np.hstack([0.4 * rows, np.full((3, 1), 2.0)])
    from dekderive.gram import moments

    for name in ("linear", "relu_features", "step_features"):
        mine = moments_for(name, 0.4, bias=2.0)
        plain = moments.by_name(name)
        np.testing.assert_allclose(mine.second_moment(rows), plain.second_moment(joined), rtol=1e-12)
        np.testing.assert_allclose(mine.mean(rows), plain.mean(joined), rtol=1e-12)
    np.testing.assert_allclose(
        moments_for("cosine_features", 0.4).second_moment(rows), moments.cosine_features().second_moment(0.4 * rows)
    )
