"""Planted cases: what survives every seed, what was torn or met by chance, and what is nothing but chance."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from core.quality import map_graph
from explorer.model import consensus as consensus_module
from explorer.model.comparison import Map, pair, stability
from explorer.model.consensus import Consensus, consensus
from explorer.model.errors import InputError
from explorer.model.fates import Meeting, fate_of

SIZES = (200, 150, 100)
CENTRES = np.array([[0.0, 0.0], [20.0, 0.0], [0.0, 20.0]])
LABELS = np.repeat(np.arange(3, dtype=np.int32), SIZES)
N = sum(SIZES)


@pytest.fixture(scope="module")
def islands() -> np.ndarray:
    """Three islands of 200, 150 and 100 points far apart, float32 (450, 2)."""
    rng = np.random.default_rng(0)
    return (CENTRES[LABELS] + rng.normal(size=(N, 2))).astype(np.float32)


def turned(points: np.ndarray, angle: float, jitter: float = 0.02) -> np.ndarray:
    """The map of another seed: turned, mirrored, and every point a little elsewhere."""
    turn = np.array([[np.cos(angle), np.sin(angle)], [np.sin(angle), -np.cos(angle)]])
    rng = np.random.default_rng(int(100 * angle))
    return (points @ turn + rng.normal(0, jitter, points.shape)).astype(np.float32)


def seen(name: str, embedding: np.ndarray, labels: np.ndarray = LABELS) -> Map:
    return Map(name, embedding, map_graph(embedding, 15).indices, labels.astype(np.int32))


def agreed(*maps: Map) -> Consensus:
    return consensus(maps, stability([pair(*two) for two in combinations(maps, 2)]))


def torn_labels() -> np.ndarray:
    """The clusters of a map on which the last fifty of the second island became one of their own."""
    labels = LABELS.copy()
    labels[300:350] = 3
    return labels


def test_islands_that_every_seed_shows_survive_and_nothing_is_unstable(islands: np.ndarray) -> None:
    found = agreed(*(seen(f"s{i}", turned(islands, i)) for i in range(4)))
    assert found.run_id == "s0"
    assert found.others == ("s1", "s2", "s3")
    assert [(fate.cluster, fate.size, fate.survival) for fate in found.clusters] == [
        (0, 200, 1), (1, 150, 1), (2, 100, 1)
    ]  # fmt: skip
    for fate in found.clusters:
        assert fate.is_stable
        assert fate.where == ()
        assert fate.sentence.startswith(f"Cluster {fate.cluster} comes back in every run")
    assert found.regions == ()
    assert len(found.changing) == 0
    assert found.changing_sentence.startswith("No item changes sides")
    assert found.median > 0.5
    np.testing.assert_array_equal(found.rows_of(1), np.arange(200, 350))


def test_an_island_torn_by_one_seed_is_told_as_torn_there_and_nowhere_else(islands: np.ndarray) -> None:
    apart = turned(islands, 2.0)
    apart[300:350] += np.float32([40, 40])
    found = agreed(seen("a", islands), seen("b", turned(islands, 1.0)), seen("torn", apart, torn_labels()))
    whole, torn, other = found.clusters
    assert torn.torn_in == ("torn",)
    assert torn.worst == "torn"
    assert torn.matches == (1, pytest.approx(100 / 150))
    assert torn.survival == pytest.approx((1 + 100 / 150) / 2)
    assert torn.sentence.startswith("Cluster 1 is torn in 1 of 2 other runs and whole in the rest")
    assert not torn.is_stable
    assert whole.is_stable
    assert other.is_stable
    # Its best match there holds a hundred of its rows: the fifty others change sides.
    np.testing.assert_array_equal(found.changing, np.arange(300, 350))
    assert found.changing_sentence.startswith("50 items are in another cluster in at least half")
    assert found.regions == ()


def test_one_torn_run_of_four_others_makes_nobody_change_sides(islands: np.ndarray) -> None:
    maps = [seen(f"s{i}", turned(islands, i)) for i in range(4)]
    found = agreed(*maps, seen("torn", turned(islands, 5.0), torn_labels()))
    assert found.clusters[1].torn_in == ("torn",)
    assert len(found.changing) == 0


def test_an_island_torn_on_the_reference_alone_is_one_with_its_other_part(islands: np.ndarray) -> None:
    found = agreed(seen("torn", islands, torn_labels()), *(seen(f"s{i}", turned(islands, i)) for i in (1, 2)))
    first, larger, other, smaller = found.clusters
    assert (larger.merged_in, larger.merged_with) == (("s1", "s2"), (3,))
    assert (smaller.merged_in, smaller.merged_with) == (("s1", "s2"), (1,))
    assert larger.sentence.startswith("Cluster 1 is one with cluster 3 in 2 of 2 other runs")
    assert first.is_stable
    assert other.is_stable
    assert not smaller.is_stable


def test_clusters_and_runs_are_told_in_their_number(islands: np.ndarray) -> None:
    parts = torn_labels()
    parts[260:300] = 4
    found = agreed(seen("cut", islands, parts), *(seen(f"s{i}", turned(islands, i)) for i in (1, 2)))
    assert found.clusters[1].sentence.startswith("Cluster 1 is one with clusters 3 and 4 in 2 of 2")
    other = Meeting.of(seen("a", islands), seen("b", turned(islands, 1.0), torn_labels()))
    assert fate_of(1, [other]).sentence.startswith("Cluster 1 falls into parts in the other run: ")


def test_a_group_that_every_other_seed_parts_met_by_chance(islands: np.ndarray) -> None:
    met = np.where(LABELS == 2, 1, LABELS)
    found = agreed(seen("met", islands, met), *(seen(f"s{i}", turned(islands, i)) for i in (1, 2)))
    assert found.clusters[1].torn_in == ("s1", "s2")
    assert "met by chance" in found.clusters[1].sentence


def test_a_crumb_that_joins_a_large_cluster_merges_only_the_crumb(islands: np.ndarray) -> None:
    crumbs = LABELS.copy()
    crumbs[180:200] = 3
    found = agreed(seen("a", islands, crumbs), *(seen(f"s{i}", turned(islands, i)) for i in (1, 2)))
    assert found.clusters[0].merged_in == ()
    assert found.clusters[0].survival == pytest.approx(0.9)
    assert found.clusters[3].merged_with == (0,)


def test_a_cluster_that_is_noise_elsewhere_is_told_so_and_changes_no_side(islands: np.ndarray) -> None:
    lost = np.where(LABELS == 2, -1, LABELS)
    found = agreed(seen("a", islands), seen("b", turned(islands, 1.0), lost), seen("c", turned(islands, 2.0)))
    assert found.clusters[2].lost_in == ("b",)
    assert found.clusters[2].survival == pytest.approx(0.5)
    assert "mostly noise in 1 of 2 other runs" in found.clusters[2].sentence
    assert len(found.changing) == 0


def test_a_cluster_that_one_of_many_runs_has_not_does_not_come_back_in_every_run(islands: np.ndarray) -> None:
    labels = np.where(LABELS == 0, -1, LABELS - 1)
    swallowed = labels.copy()
    swallowed[:130] = 1  # with what is noise on the reference, so that it is neither torn nor merged
    found = agreed(
        *(seen(f"s{i}", turned(islands, i), labels) for i in range(4)),
        seen("odd", turned(islands, 5.0), swallowed),
    )
    whole, odd = found.clusters
    assert odd.matches == (1, 1, 1, pytest.approx(100 / 230))
    assert odd.beyond_chance > 0.75
    assert odd.sentence.startswith("Cluster 1 is not there in 1 of 4 other runs")
    assert (odd.where, odd.is_stable) == (("odd",), False)
    assert whole.is_stable


def test_a_cluster_that_does_not_come_back_names_every_run_that_has_it_not(islands: np.ndarray) -> None:
    lost, merged = np.where(LABELS == 1, -1, LABELS), np.where(LABELS == 1, 0, LABELS)
    found = agreed(
        seen("a", islands), seen("b", turned(islands, 1.0), lost), seen("c", turned(islands, 2.0), merged)
    )
    fate = found.clusters[1]
    assert (fate.lost_in, fate.merged_in) == (("b",), ("c",))
    assert "does not come back" in fate.sentence
    assert fate.where == ("b", "c")


def test_rows_that_swap_their_clusters_change_sides(islands: np.ndarray) -> None:
    swapped = LABELS.copy()
    swapped[:7], swapped[200:205] = 1, 0
    found = agreed(seen("a", islands), *(seen(f"s{i}", turned(islands, i), swapped) for i in (1, 2)))
    np.testing.assert_array_equal(found.changing, [*range(7), *range(200, 205)])
    assert {home: rows.tolist() for home, rows in found.changing_of.items()} == {
        0: [*range(7)], 1: [*range(200, 205)]
    }  # fmt: skip
    assert found.clusters[0].survival == pytest.approx(193 / 205)


def test_uniform_noise_is_called_unstable() -> None:
    rng = np.random.default_rng(1)
    maps = []
    for name in "abc":
        places = rng.uniform(0, 10, size=(600, 2)).astype(np.float32)
        quarters = 2 * (places[:, 0] > 5) + (places[:, 1] > 5)
        maps.append(seen(name, places, quarters))
    found = agreed(*maps)
    assert found.median < 0.05
    assert found.sentence.startswith("This map is unstable: half of the items keep less than")
    (region,) = found.regions
    assert len(region.rows) == 600
    assert region.sentence.startswith("All items keep less than")
    assert all(fate.survival < 0.5 for fate in found.clusters)
    for fate in found.clusters:
        assert not fate.is_stable
        assert fate.sentence.startswith(f"Cluster {fate.cluster} does not come back")


def test_large_clusters_that_overlap_by_chance_do_not_come_back(islands: np.ndarray) -> None:
    rng = np.random.default_rng(2)
    maps = [seen(f"s{i}", turned(islands, i), (rng.random(N) < 0.2).astype(int)) for i in range(3)]
    fate = agreed(*maps).clusters[0]
    assert fate.survival > 0.6
    assert abs(fate.beyond_chance) < 0.1
    assert "does not come back" in fate.sentence
    everything = agreed(*(seen(f"s{i}", turned(islands, i), np.zeros(N)) for i in range(3))).clusters[0]
    assert everything.is_stable


def test_an_island_whose_points_are_shuffled_is_the_one_unstable_region(islands: np.ndarray) -> None:
    maps = [seen("a", islands)]
    for angle in (1.0, 2.0):
        places = turned(islands, angle)
        places[200:350] = np.random.default_rng(int(angle)).permutation(places[200:350])
        maps.append(seen(f"s{angle:.0f}", places))
    found = agreed(*maps)
    (region,) = found.regions
    np.testing.assert_array_equal(region.rows, np.arange(200, 350))
    assert region.clusters == (1,)
    assert region.stability < 0.15
    assert region.sentence.startswith("150 items in cluster 1 keep less than")
    assert found.clusters[1].is_stable, "it is there in every run; only who lies beside whom is chance"
    halves = LABELS.copy()
    halves[275:350] = 3
    (region,) = agreed(*(replace(one, labels=halves.astype(np.int32)) for one in maps)).regions
    assert region.sentence.startswith("150 items in clusters 1 and 3 keep less than")


def test_what_is_unstable_does_not_depend_on_how_many_rows_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(3)
    n = 40_000
    islands = np.repeat([[0.0, 0.0], [20.0, 0.0]], n // 2, axis=0) + rng.normal(size=(n, 2))
    labels = np.repeat([0, 1], n // 2)
    maps = [seen("a", islands.astype(np.float32), labels)]
    for angle in (1.0, 2.0):
        # Each row stays in its corner of the island, where thousands are as near.
        places = turned(islands, angle, jitter=0.06)
        places[n // 2 :] = rng.permutation(places[n // 2 :])
        maps.append(seen(f"s{angle:.0f}", places, labels))
    found = agreed(*maps)
    assert np.median(found.stability[: n // 2]) < 0.2
    (region,) = found.regions
    np.testing.assert_array_equal(region.rows, np.arange(n // 2, n))
    monkeypatch.setattr(consensus_module, "THINNED", n)
    assert sum(len(region.rows) for region in agreed(*maps).regions) > 0.9 * n, "nearest among all is chance"


def test_points_without_a_place_on_one_map_are_in_no_region(islands: np.ndarray) -> None:
    rng = np.random.default_rng(5)
    shuffled, lost = np.flatnonzero(LABELS[200] == LABELS), np.arange(200, 220)
    maps = [seen("a", islands)]
    for name, angle in (("b", 1.0), ("c", 2.0)):
        places, labels = turned(islands, angle), LABELS.copy()
        places[shuffled] = rng.permutation(places)[: len(shuffled)]
        if name == "b":
            places[lost], labels[lost] = np.nan, -1
        maps.append(seen(name, places, labels))
    found = agreed(*maps)
    assert np.isnan(found.stability[lost]).all()
    rows = np.concatenate([region.rows for region in found.regions])
    assert len(rows) > len(shuffled) / 2
    assert not np.isin(lost, rows).any()


def test_maps_without_clusters_have_none_to_tell_of(islands: np.ndarray) -> None:
    noise = np.full(N, -1)
    found = agreed(*(seen(f"s{i}", turned(islands, i), noise) for i in range(3)))
    assert found.clusters == ()
    assert len(found.changing) == 0
    found = agreed(seen("a", islands), *(seen(f"s{i}", turned(islands, i), noise) for i in (1, 2)))
    assert [fate.survival for fate in found.clusters] == [0, 0, 0]
    assert found.clusters[0].lost_in == ("s1", "s2")


def test_two_maps_make_no_consensus(islands: np.ndarray) -> None:
    with pytest.raises(InputError, match="needs 3 runs or more, got 2"):
        agreed(seen("a", islands), seen("b", turned(islands, 1.0)))
