"""Clusters over time: what is planted is found, what is not is not, and sentences tell since when."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from catalogue import write_catalogue
from scipy.stats import binom

from explorer.model.drift import Drift, drift
from explorer.model.shares import GROWING, LEVEL, THINNING, percent

WEEKS, A_WEEK = 60, 7 * 86_400.0
MONDAY = float(np.datetime64("2024-01-01", "s").astype(np.int64))


def drawn(seed: int, n: int = 12_000, **rates: np.ndarray) -> Drift:
    """Ten clusters alike, and noise, over sixty weeks; the share of some is multiplied week by week."""
    rng = np.random.default_rng(seed)
    weights = np.ones((WEEKS, 11))
    for name, times in rates.items():
        weights[:, int(name[1:]) + 1] *= times
    weeks = rng.integers(0, WEEKS, n)
    running = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
    labels = (rng.random(n)[:, None] > running[weeks]).sum(axis=1) - 1
    return drift(labels.astype(np.int32), MONDAY + A_WEEK * weeks, "added")


def steps(*levels: float) -> np.ndarray:
    return np.repeat(levels, WEEKS // len(levels))


def test_a_cluster_that_thins_out_is_found_with_its_week_and_its_rows() -> None:
    found = drawn(0, c3=steps(1, 1, 0.2))
    (one,) = found.findings
    assert (one.kind, one.severity, one.cluster, one.column) == (THINNING, "high", 3, "added")
    assert one.value < 0.03 < 0.08 < one.expected
    assert one.p < 1e-6
    since = found.periods.names[found.clusters[3].starts[0]]
    assert abs(found.clusters[3].starts[0] - 40) <= 1
    assert one.sentence.startswith("Cluster 3 fell from ")
    assert one.sentence.endswith(f"% of new items since {since}.")
    np.testing.assert_array_equal(one.rows, np.flatnonzero(found.labels == 3))
    assert (
        found.sentence == "Of 10 clusters 1 thins out and none grows, from 2024-01-01 to 2025-02-17, by week."
    )


def test_a_cluster_that_grows_and_one_that_came_back_are_told_so() -> None:
    found = drawn(1, 30_000, c2=steps(1, 2), c7=steps(1, 3, 1))
    by_cluster = {one.cluster: one for one in found.findings}
    assert {7} <= {one for one in by_cluster if by_cluster[one].severity == "low"} == set(by_cluster) - {2}
    assert (by_cluster[2].kind, by_cluster[2].severity) == (GROWING, "medium")
    assert by_cluster[2].sentence.startswith("Cluster 2 rose ")
    seven, told = found.clusters[7], by_cluster[7]
    first, between, last = seven.levels[0], max(seven.levels), seven.levels[-1]
    assert (told.kind, told.severity, told.value, told.expected) == (GROWING, "low", between, first)
    assert between > 2 * max(first, last)
    assert told.sentence.startswith(f"Cluster 7 went up from {percent(first)} to {percent(between)} of ")
    assert f"has been back at {percent(last)} since " in told.sentence
    changed = [one for one in found.clusters if one.sentence]
    assert sum(one.away is None and one.kind == GROWING for one in changed) == 1
    assert "1 grows, and 1 left its share for a while, from " in found.sentence


def test_a_cluster_that_was_rare_for_a_while_is_not_said_to_grow() -> None:
    found = drawn(11, 30_000, c4=steps(1, 0.2, 1))
    told = next(one for one in found.findings if one.cluster == 4)
    assert told.kind == THINNING
    assert told.value < told.expected / 2
    assert "Cluster 4 went down from" in told.sentence
    assert "none thins out and none grows, and 1 left its share for a while" in found.sentence
    row = json.loads(json.dumps(found.to_dict(), allow_nan=False))["clusters"][4]
    assert row["away"] == told.value == min(row["levels"])


def test_a_slow_fall_is_found() -> None:
    (one,) = drawn(2, 40_000, c0=np.linspace(1.0, 0.4, WEEKS)).findings
    assert (one.kind, one.cluster) == (THINNING, 0)
    assert one.severity in ("medium", "high")


def test_nothing_is_told_of_clusters_that_do_not_change() -> None:
    draws = 60
    any_found = [
        min(one.p for one in drawn(seed, 3_000).clusters) <= LEVEL for seed in range(100, 100 + draws)
    ]
    assert sum(any_found) <= binom.ppf(0.999, draws, LEVEL)
    quiet = drawn(5)
    assert quiet.findings == ()
    assert "No cluster's share of what comes in differs" in quiet.sentence


def test_shares_are_of_all_items_of_a_period_noise_among_them() -> None:
    labels = np.array([0, 0, -1, 1, 0, -1, 1, 1], np.int32)
    times = MONDAY + 86_400.0 * np.repeat([0, 1], 4)
    found = drift(labels, times)
    assert found.totals.tolist() == [4, 4]
    assert [one.shares.tolist() for one in found.clusters] == [[0.5, 0.25], [0.25, 0.5]]
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert told["clusters"][0]["counts"] == [2, 1]
    assert told["findings"] == []


def test_a_map_without_clusters_has_nothing_that_drifts() -> None:
    found = drift(np.full(40, -1, np.int32), MONDAY + 86_400.0 * np.arange(40))
    assert (found.clusters, found.findings) == ((), ())
    assert found.sentence.startswith("The map has no clusters that could change, from 2024-01-01 to ")


def of_catalogue(folder: Path, seed: int, faults: bool) -> tuple[Drift, int | None]:
    """Drift of a catalogue by genre, the cluster that thins out a label of its own: also that label."""
    path = folder / f"{seed}{faults}.parquet"
    truth = json.loads(write_catalogue(10_000, path, dims=64, seed=seed, faults=faults).read_text())
    table = pq.read_table(path, columns=["genre", "week_added"])
    labels = table["genre"].combine_chunks().indices.fill_null(-1).to_numpy().astype(np.int32)
    planted = None
    if faults:
        planted = int(labels.max()) + 1
        labels[truth["faults"]["thinning"]["rows"]] = planted
    days = table["week_added"].cast("int32").to_numpy()
    return drift(labels, 86_400.0 * days, "week_added"), planted


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_thinning_of_the_catalogue_is_found_and_nothing_else(tmp_path: Path, seed: int) -> None:
    found, planted = of_catalogue(tmp_path, seed, faults=True)
    high = [one for one in found.findings if one.severity == "high"]
    assert [(one.kind, one.cluster) for one in high] == [(THINNING, planted)]
    clean, _ = of_catalogue(tmp_path, seed, faults=False)
    assert [one for one in clean.findings if one.severity != "low"] == []
