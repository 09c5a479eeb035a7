"""Since when some rows stand apart: by the definition, on every pair of points, at every epoch kept."""

import numpy as np
import pytest

from explorer.model.doing import Doing, StoppedError
from explorer.model.errors import InputError
from explorer.model.history import History, Keyframe
from explorer.model.separation import APART, MOST_ASKED, NEIGHBOURS, Separation, separation

N = 900


def history_of(maps: dict[int, np.ndarray]) -> History:
    return History(tuple(maps), lambda epoch: Keyframe.encode(maps[epoch]))


def by_definition(embedding: np.ndarray, members: np.ndarray) -> float:
    """The formula, with all distances."""
    points = Keyframe.encode(embedding).decode().astype(np.float64)
    rows = np.flatnonzero(members)
    distances = ((points[rows, None] - points[None]) ** 2).sum(axis=2)
    distances[np.arange(len(rows)), rows] = np.inf
    near = np.argsort(distances, axis=1)[:, : min(NEIGHBOURS, len(rows) - 1)]
    chance = (len(rows) - 1) / (len(members) - 1)
    return (members[near].mean() - chance) / (1 - chance)


def scattered(seed: int, spread: tuple[float, float] = (1.0, 1.0)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(N, 2)) * spread).astype(np.float32)


@pytest.mark.parametrize("count", [2, 9, 16, 120, MOST_ASKED])
@pytest.mark.parametrize("spread", [(1.0, 1.0), (40.0, 0.5)])
def test_it_is_what_its_formula_says(count: int, spread: tuple[float, float]) -> None:
    # Rows whose places along one axis are alike: apart in part, as the formula sees it.
    embedding = scattered(1, spread)
    members = np.zeros(N, np.bool_)
    members[np.argsort(np.abs(embedding[:, 1] - 0.3))[: 2 * count : 2]] = True
    found = separation(members, history_of({0: embedding}))
    # Of equal distances any may be the nearest.
    assert found.scores == (pytest.approx(by_definition(embedding, members), abs=5e-4),)


def test_points_far_outside_change_neither_the_grid_nor_what_is_near_them() -> None:
    embedding, members = scattered(2), np.arange(N) % 4 == 0
    embedding[[0, 4, 8, 12]] = [[60, 0.5], [-50, 0], [0, 70], [0.2, -60]]
    found = separation(members, history_of({0: embedding}))
    assert found.scores[0] == pytest.approx(by_definition(embedding, members), abs=2e-3)


def test_rows_at_random_are_apart_by_nothing_and_an_island_wholly() -> None:
    embedding, members = scattered(3), np.arange(N) < 300
    at_random = np.random.default_rng(0).permutation(N) < 300
    apart = embedding + 20 * members[:, None].astype(np.float32)
    assert abs(separation(at_random, history_of({0: embedding})).scores[0]) < 0.05
    assert separation(members, history_of({0: apart})).scores == (1.0,)


def test_they_stand_apart_since_they_do_to_the_end() -> None:
    members = np.arange(N) < 300
    maps = {
        epoch: scattered(4) + np.float32(distance) * members[:, None].astype(np.float32)
        for epoch, distance in ((0, 0), (3, 9), (10, 1), (20, 9), (40, 12))
    }
    told: list[float] = []
    found = separation(members, history_of(maps), told.append)
    assert found.epochs == tuple(maps)
    assert [score >= APART for score in found.scores] == [False, True, False, True, True]
    assert found.since == 20
    assert told == sorted(told)
    assert Separation((0, 1, 2), (0.9, 0.9, APART)).since == 0
    assert Separation((0, 1, 2), (0.9, 0.9, 0.7)).since is None


def test_it_is_the_same_whenever_it_is_asked_and_for_many_rows_near_that_of_all() -> None:
    n = 6 * MOST_ASKED
    rng = np.random.default_rng(5)
    members = np.arange(n) < 3 * MOST_ASKED
    embedding = (rng.normal(size=(n, 2)) + 1.5 * members[:, None]).astype(np.float32)
    once, again = (separation(members, history_of({0: embedding})) for _ in range(2))
    assert once == again
    assert once.scores[0] == pytest.approx(by_definition(embedding, members), abs=0.05)


def test_points_on_one_spot_are_looked_at_all_the_same() -> None:
    members = np.arange(N) < 100
    found = separation(members, history_of({0: np.ones((N, 2), np.float32)}))
    assert -1 <= found.scores[0] <= 1


def test_it_ends_when_it_is_to() -> None:
    doing = Doing("looking")
    loaded: list[int] = []

    def load(epoch: int) -> Keyframe:
        loaded.append(epoch)
        doing.stop()
        return Keyframe.encode(scattered(6))

    with pytest.raises(StoppedError):
        separation(np.arange(N) < 50, History((0, 1, 2), load), doing)
    assert loaded == [0]


@pytest.mark.parametrize(("count", "words"), [(0, "at least 2"), (1, "at least 2"), (N, "select fewer")])
def test_what_cannot_stand_apart_is_told(count: int, words: str) -> None:
    with pytest.raises(InputError, match=words):
        separation(np.arange(N) < count, history_of({0: scattered(7)}))


def test_a_history_of_other_maps_is_refused() -> None:
    with pytest.raises(InputError, match="not of flat maps of 900 rows"):
        separation(np.arange(N) < 9, history_of({0: np.ones((N, 3), np.float32)}))
