"""Maps laid over one of them: turned back they are what they were, and are kept no longer than told."""

import numpy as np
import pytest

from explorer.model.aligned import MOST_FITTED, AlignedMap, AlignedMaps
from explorer.model.progress import Snapshot


def snapshot(run_id: str, embedding: np.ndarray, final: bool = True) -> Snapshot:
    embedding = embedding.astype(np.float32)
    embedding.setflags(write=False)
    return Snapshot(run_id, 20, embedding, final)


@pytest.fixture(scope="module")
def maps() -> tuple[Snapshot, Snapshot]:
    """A map of more rows than are fitted, and the same turned, mirrored, shrunk and moved."""
    rng = np.random.default_rng(0)
    islands = rng.normal(scale=8, size=(6, 2))[rng.integers(0, 6, 3 * MOST_FITTED)]
    one = islands + rng.normal(size=islands.shape)
    turn = np.array([[np.cos(2), np.sin(2)], [np.sin(2), -np.cos(2)]])
    return snapshot("one", one), snapshot("other", 0.4 * one @ turn + [30, -2])


def test_a_map_is_laid_over_another_and_places_are_turned_back(maps) -> None:
    one, other = maps
    laid = AlignedMap.of(other, one)
    np.testing.assert_allclose(laid.embedding, one.embedding, atol=1e-3)
    assert not laid.embedding.flags.writeable
    places = laid.embedding[:50].astype(np.float64)
    np.testing.assert_allclose(laid.own(places), other.embedding[:50], atol=1e-3)
    x0, x1, _, _ = laid.extent.whole
    np.testing.assert_allclose([x0, x1], [one.embedding[:, 0].min(), one.embedding[:, 0].max()], atol=1e-2)


def test_the_reference_stays_where_it_is(maps) -> None:
    one, _ = maps
    for over in (None, one):
        laid = AlignedMap.of(one, over)
        assert laid.alignment is None
        assert laid.embedding is one.embedding
        places = np.ones((2, 2))
        assert laid.own(places) is places


def test_maps_at_rest_are_kept_up_to_a_size_and_moving_ones_are_not(maps) -> None:
    one, other = maps
    kept = AlignedMaps(most=2 * other.embedding.nbytes)
    first = kept.get(other, one)
    assert kept.get(other, one) is first
    assert kept.get(other, None) is not first
    moving = snapshot("moving", other.embedding.copy(), final=False)
    assert kept.get(moving, one) is not kept.get(moving, one)
    for name in ("third", "fourth", "fifth"):
        kept.get(snapshot(name, other.embedding.copy()), one)
    assert kept.nbytes <= 2 * other.embedding.nbytes
    assert kept.get(other, one) is not first
