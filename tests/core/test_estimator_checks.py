from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from core import UMAP


@pytest.mark.filterwarnings("ignore:n_neighbors is:UserWarning")
@parametrize_with_checks([UMAP(n_epochs=15, n_neighbors=5, random_state=0)])
def test_scikit_learns_checks_pass(estimator, check):
    check(estimator)
