"""scikit-learn's own checks of what an estimator has to keep to; none is expected to fail."""

from __future__ import annotations

from sklearn.utils.estimator_checks import parametrize_with_checks

from symnet import SymnetClassifier, SymnetRegressor


@parametrize_with_checks([SymnetClassifier(), SymnetRegressor()])
def test_estimator_keeps_the_conventions(estimator, check):
    check(estimator)
