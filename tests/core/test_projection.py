from __future__ import annotations

import numpy as np
import pytest

from core import knn_graph
from core.projection import MANY_COLUMNS, project
from tests.core.conftest import THREADS


def bent(n: int, d: int, scale: float = 1.0) -> np.ndarray:
    """Six latent dimensions of falling variance in d columns, with a little noise."""
    rng = np.random.default_rng(0)
    latent = rng.normal(size=(n, 6)) * [32, 16, 8, 4, 2, 1]
    return (scale * (latent @ rng.normal(size=(6, d)) + 0.01 * rng.normal(size=(n, d)))).astype(np.float32)


def exact(x: np.ndarray, n_components: int) -> np.ndarray:
    centred = x.astype(np.float64) - x.mean(axis=0, dtype=np.float64)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    return (u * s)[:, :n_components]


@pytest.mark.parametrize("shape", [(700, 30), (50, 400), (300, MANY_COLUMNS + 52)])
@pytest.mark.parametrize("scale", [1.0, 1e15, 1e-15])
def test_coordinates_are_those_of_the_singular_vectors(shape, scale):
    x = bent(*shape, scale)
    ours, share = project(x, 4, seed=0)
    expected = exact(x, 4)
    signs = np.sign((ours.astype(np.float64) * expected).sum(axis=0))
    np.testing.assert_allclose(
        ours * signs / scale, expected / scale, atol=0.02 * np.abs(expected[:, 3]).max() / scale
    )
    assert 0.98 < share < 1


def test_columns_far_from_0_are_centred_within_their_spread():
    x = (5e6 + 10 * bent(9000, 220).astype(np.float64)).astype(np.float32)
    ours, share = project(x, 6, seed=0)
    near, its_share = project((x - np.float32(5e6)).astype(np.float32), 6, seed=0)
    signs = np.sign((ours * near).sum(axis=0))
    np.testing.assert_allclose(ours * signs, near, atol=1e-3 * np.abs(near).max())
    assert share == pytest.approx(its_share, abs=1e-4)


def test_sums_over_many_rows_of_large_values_do_not_overflow():
    """Each squared distance fits float32, their sum over the sample does not."""
    x = np.tanh(bent(4200, 220))
    large = x * np.float32(2.0**59)
    (one, its_share), (other, share) = project(large, 5, seed=0), project(x, 5, seed=0)
    np.testing.assert_allclose(one / 2.0**59, other, atol=1e-3)
    assert its_share == pytest.approx(share)
    assert (knn_graph(large, 5).indices == knn_graph(x, 5).indices).mean() > 0.999


def test_many_columns_are_projected_alike_by_any_number_of_threads_in_little_memory():
    x = bent(60, 30_000)
    first, share = project(x, 80, seed=0, n_threads=THREADS[0])
    assert share == pytest.approx(1)
    assert np.abs(first[:, 59:]).max() == 0  # 60 rows lie in 59 dimensions
    for n in THREADS[1:]:
        np.testing.assert_array_equal(project(x, 80, seed=0, n_threads=n)[0], first)
