from __future__ import annotations

import numpy as np
import pytest

from core import InputError, find_ab


@pytest.mark.parametrize(
    ("min_dist", "spread", "a", "b"),
    # As umap-learn and umappp give them for these settings
    [(0.1, 1.0, 1.577, 0.895), (0.0, 1.0, 1.929, 0.792), (0.5, 1.0, 0.583, 1.334), (0.01, 1.0, 1.896, 0.801)],
)
def test_find_ab_has_the_published_values(min_dist, spread, a, b):
    assert find_ab(min_dist, spread) == pytest.approx((a, b), abs=5e-3)


@pytest.mark.parametrize("min_dist", [0.05, 0.3, 0.9])
def test_find_ab_is_a_least_squares_optimum(min_dist):
    a, b = find_ab(min_dist, 1.0)
    d = np.linspace(0, 3, 300)
    target = np.where(d <= min_dist, 1.0, np.exp(-(d - min_dist)))

    def loss(a: float, b: float) -> float:
        return float(((1 / (1 + a * d ** (2 * b)) - target) ** 2).sum())

    assert all(
        loss(a, b) <= loss(a + da, b + db) for da, db in [(0.01, 0), (-0.01, 0), (0, 0.01), (0, -0.01)]
    )


@pytest.mark.parametrize("spread", [1e-6, 0.5, 3.0, 1e6])
def test_find_ab_is_the_same_curve_in_units_of_spread(spread):
    a, b = find_ab(0.2, 1.0)
    assert find_ab(0.2 * spread, spread) == pytest.approx((a / spread ** (2 * b), b), rel=1e-6)


@pytest.mark.parametrize(
    ("min_dist", "spread"), [(-0.1, 1), (2, 1), (0.1, 0), (float("nan"), 1), (0, float("inf"))]
)
def test_a_parameter_out_of_range_is_named(min_dist, spread):
    with pytest.raises(InputError, match=r"min_dist|spread"):
        find_ab(min_dist, spread)
